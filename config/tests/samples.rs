// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every sample is valid and says what its comments promise.

use std::path::{Path, PathBuf};

use ioam_config::{Loaded, Machine, Memory, load};
use ioam_dp::table::spec::{
    ActionSpec, DecapsulatePlacement, EdgePolicy, EncapsulateSpec, ForwardingSpec, NodeSpec,
    OptionSpec, Placement, Sampling, Side, TimestampFormat,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn sample(name: &str) -> Loaded {
    match load(&folder().join(name), &Machine::this((0..16).collect())) {
        Ok(loaded) => loaded,
        Err(errors) => panic!("{errors}"),
    }
}

fn spec(name: &str) -> NodeSpec {
    sample(name)
        .valid
        .node_spec(&[[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]])
}

#[test]
fn every_sample_is_valid_without_a_warning_and_names_its_schema() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        for warning in sample(&name).warnings {
            assert!(
                name == "encap.yaml" || name == "all-in-one.yaml",
                "{warning}"
            );
        }
        let text = std::fs::read_to_string(folder().join(&name)).unwrap();
        assert!(
            text.starts_with("# yaml-language-server: $schema=../schema.json\n"),
            "{name}"
        );
        count += 1;
    }
    assert_eq!(count, 6);
}

#[test]
fn transit() {
    let spec = spec("transit.yaml");
    assert_eq!(spec.node_id, Some(0x0b_0001));
    assert_eq!(spec.node_id_wide, Some(0x0b_0000_0000_0001));
    assert_eq!(spec.ports[0].mac, [2, 0, 0, 0, 0, 1]);
    assert!(spec.ports.iter().all(|port| port.ioam));
    let pairs = vec![(0, 1)];
    assert_eq!(
        spec.forwarding,
        ForwardingSpec::Wire {
            pairs,
            decrement_hop_limit: false
        }
    );
    assert_eq!(
        spec.namespaces.iter().map(|n| n.id).collect::<Vec<_>>(),
        [0, 123]
    );
    assert_eq!(spec.namespaces[1].data_wide, Some(0xb0b1_b2b3_b4b5_b6b7));
    assert!(spec.profiles.is_empty());
}

#[test]
fn encapsulate() {
    let spec = spec("encap.yaml");
    assert_eq!(spec.ports[0].side, Side::Edge(EdgePolicy::Strip));
    let ActionSpec::Encapsulate(web) = &spec.profiles[0].action else {
        panic!()
    };
    let trace = |spec: &EncapsulateSpec| match spec.options[..] {
        [OptionSpec::Trace(trace)] => (trace.namespace, trace.trace_type, trace.words),
        _ => panic!("{:?}", spec.options),
    };
    assert_eq!(trace(web), (123, 0xf0_0000, 16));
    assert_eq!(web.sampling, Sampling::Random { n: 100 });
    let ActionSpec::Encapsulate(voice) = &spec.profiles[1].action else {
        panic!()
    };
    assert_eq!(trace(voice), (123, 0xc0_0000, 8));
    assert!(matches!(
        voice.placement,
        Placement::Ip6InIp6 { hop_limit: 64, .. }
    ));
    assert_eq!(voice.sampling, Sampling::FirstOf { k: 1, n: 10 });
    assert_eq!(spec.profiles[1].filter.destination_ports, Some(5000..=6000));
}

#[test]
fn decapsulate() {
    let loaded = sample("decap.yaml");
    assert_eq!(loaded.valid.export(), Some("-"));
    let spec = loaded.valid.node_spec(&[]);
    let ActionSpec::Decapsulate(collect) = &spec.profiles[0].action else {
        panic!()
    };
    assert_eq!(collect.namespaces, [0, 123]);
    let destination = Some("2001:db8:ff::d".parse().unwrap());
    assert_eq!(
        collect.placement,
        DecapsulatePlacement::Ip6InIp6 { destination }
    );
    assert!(collect.record_self);
    assert_eq!(spec.ports[1].side, Side::Edge(EdgePolicy::Drop));
}

#[test]
fn all_in_one() {
    let spec = spec("all-in-one.yaml");
    assert_eq!(spec.profiles.len(), 3);
    assert_eq!(
        spec.namespaces[2].timestamp,
        TimestampFormat::Ptp { tai_offset: 37 }
    );
    assert_eq!(
        spec.namespaces[1].schema.as_ref().unwrap().data,
        b"schemaC!"
    );
    let namespaces = vec![123, 200];
    assert_eq!(spec.profiles[1].action, ActionSpec::Transit { namespaces });
    assert_eq!(spec.profiles[1].filter.in_ports, [2, 3]);
}

#[test]
fn transit_static() {
    let spec = spec("transit-static.yaml");
    let ForwardingSpec::Static {
        routes,
        defaults,
        decrement_hop_limit,
    } = spec.forwarding
    else {
        panic!()
    };
    assert!(decrement_hop_limit);
    assert_eq!((routes.len(), defaults.len()), (2, 2));
    assert_eq!(routes[1].next_hop.port, 1);
    assert_eq!(routes[1].next_hop.mac, [2, 0, 0, 0, 0, 2]);
}

#[test]
fn xl710() {
    let loaded = sample("xl710-transit.yaml");
    let runtime = loaded.valid.runtime();
    assert_eq!(
        (runtime.main_cpu, runtime.worker_cpus.as_slice()),
        (0, &[2, 4, 6, 8][..])
    );
    assert_eq!(runtime.memory, Memory::Hugepages);
    assert_eq!(runtime.file_prefix.as_deref(), Some("ioam"));
    let port = &loaded.valid.ports()[1];
    assert_eq!(
        (port.device.as_str(), port.is_pci, port.mtu),
        ("0000:3b:00.1", true, 9000)
    );
    assert_eq!(port.frame_room, 9216);
    assert!(
        runtime.memory_mib < 1024,
        "the comment sets 2 GiB aside: {}",
        runtime.memory_mib
    );
}
