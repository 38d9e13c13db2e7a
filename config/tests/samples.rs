// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every sample is valid and says what its comments promise.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ioam_config::{Lines, Loaded, Machine, Memory, load};
use ioam_dp::option_type::proof_of_transit::{self, KeySet, Keys, MINIMUM_BITS, Share, Verdict};
use ioam_dp::table::Tables;
use ioam_dp::table::spec::{
    AccountingSpec, ActionSpec, ActiveSpec, DecapsulatePlacement, DecapsulateSpec,
    DirectExportSpec, EdgePolicy, EdgeToEdgeSpec, EncapsulateSpec, FlowIdSpec, ForwardingSpec,
    GroupSpec, NodeSpec, OptionSpec, Placement, PotKeysSpec, ProofOfTransitSpec, ReceiverSpec,
    Sampling, Side, TimestampFormat, TraceSpec,
};

/// The samples as an operator has them after the `chmod` they ask for, which Git does not keep.
fn folder() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let made = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("samples");
        fs::create_dir_all(&made).expect("a file of the samples");
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"))
            .expect("a file of the samples")
        {
            let entry = entry.expect("a file of the samples");
            let copy = made.join(entry.file_name());
            let _ = fs::remove_file(&copy);
            fs::copy(entry.path(), &copy).expect("a file of the samples");
            let mode = if is_key_file(&copy) { 0o600 } else { 0o644 };
            fs::set_permissions(&copy, Permissions::from_mode(mode))
                .expect("a file of the samples");
        }
        made
    };
    MADE.get_or_init(make).clone()
}

fn is_key_file(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".keys.yaml")
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
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    for entry in fs::read_dir(kept).unwrap() {
        let path = entry.unwrap().path();
        if is_key_file(&path) {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        for warning in sample(name).warnings {
            assert!(
                name == "encap.yaml" || name == "all-in-one.yaml",
                "{warning}"
            );
        }
        if let Err(error) = Tables::compile(&spec(name)) {
            panic!("{name}: {error}");
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("# yaml-language-server: $schema=../schema.json\n"),
            "{name}"
        );
        count += 1;
    }
    assert_eq!(count, 15);
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
    assert_eq!(loaded.valid.lines(), Some(&Lines::StandardOutput));
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

fn encapsulation(spec: &NodeSpec, profile: usize) -> &EncapsulateSpec {
    match &spec.profiles[profile].action {
        ActionSpec::Encapsulate(what) => what,
        other => panic!("{other:?}"),
    }
}

fn decapsulation(spec: &NodeSpec) -> &DecapsulateSpec {
    match &spec.profiles[0].action {
        ActionSpec::Decapsulate(what) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn direct_export() {
    let loaded = sample("direct-export-encap.yaml");
    let speeds: Vec<_> = loaded.valid.ports().iter().map(|port| port.speed).collect();
    assert_eq!(speeds, [None, Some(10_000)]);
    let spec = loaded.valid.node_spec(&[]);
    let watch = encapsulation(&spec, 0);
    let option = DirectExportSpec {
        namespace: 123,
        trace_type: 0xf0_0000,
        flow_id: FlowIdSpec::Hashed,
        sequence: true,
        record_self: true,
    };
    assert_eq!(watch.options, [OptionSpec::DirectExport(option)]);
    assert_eq!(watch.sampling, Sampling::PerFlow { n: 100 });
    let receiver = ReceiverSpec {
        address: "2001:db8:fe::1".parse().unwrap(),
        port: Some(4739),
    };
    assert_eq!(spec.receivers, [receiver]);
    let transit = self::spec("direct-export-transit.yaml");
    assert_eq!(transit.limits.export, 128);
    assert!(transit.profiles.is_empty() && transit.ports.iter().all(|port| port.ioam));
}

#[test]
fn edge_to_edge() {
    let begin = spec("e2e-encap.yaml");
    let option = EdgeToEdgeSpec {
        namespace: 123,
        kind: 0x7000,
        group: GroupSpec::Profile,
    };
    assert_eq!(
        encapsulation(&begin, 0).options,
        [OptionSpec::EdgeToEdge(option)]
    );
    let end = spec("e2e-decap.yaml");
    assert_eq!(decapsulation(&end).namespaces, [123]);
    assert_eq!(decapsulation(&end).accounting, AccountingSpec::default());
}

fn keys(spec: &NodeSpec) -> &ProofOfTransitSpec {
    let namespace = spec.namespaces.iter().find(|space| space.id == 123);
    namespace
        .and_then(|space| space.proof_of_transit.as_ref())
        .expect("keys")
}

fn key_set(keys: &PotKeysSpec) -> KeySet {
    let share = Share {
        prime: keys.prime,
        x: keys.point,
        share: keys.share,
        poly_2: keys.public,
        lpc: keys.lagrange,
    };
    KeySet::new(&share, keys.secret, MINIMUM_BITS).expect("keys")
}

#[test]
fn proof_of_transit_of_three_nodes_is_valid_in_both_sets_and_of_two_is_not() {
    let specs = ["pot-encap.yaml", "pot-transit.yaml", "pot-decap.yaml"].map(spec);
    let kinds: Vec<_> = encapsulation(&specs[0], 0).options.iter().collect();
    let [
        OptionSpec::Trace(_),
        OptionSpec::ProofOfTransit { namespace: 123 },
    ] = kinds[..]
    else {
        panic!("{kinds:?}")
    };
    assert_eq!(keys(&specs[0]).active, 0);
    for (index, parity) in [
        (0, proof_of_transit::Parity::Even),
        (1, proof_of_transit::Parity::Odd),
    ] {
        let nodes = specs
            .each_ref()
            .map(|spec| Keys::one(key_set(&keys(spec).sets[index]), parity));
        let mut option_data = proof_of_transit::build(ioam_dp::wire::ioam::NamespaceId(123)).option;
        let option_data = &mut option_data[4..];
        let (pkt_id, _) = proof_of_transit::start(0x1234_5678_9abc_def0, &nodes[0]);
        option_data[4..12].copy_from_slice(&pkt_id.to_be_bytes());
        let verdict = |data: &[u8]| proof_of_transit::verify(data, &nodes[2]).unwrap();
        for node in &nodes {
            assert_eq!(verdict(option_data), Verdict::Invalid);
            proof_of_transit::update(option_data, node).unwrap();
        }
        assert_eq!(verdict(option_data), Verdict::Valid);
    }
}

#[test]
fn loopback() {
    let spec = spec("loopback.yaml");
    assert!(spec.policy.loopback);
    let how_far = encapsulation(&spec, 0);
    let trace = TraceSpec {
        namespace: 123,
        trace_type: 0x80_0000,
        words: 16,
        record_self: true,
        loopback: true,
    };
    assert_eq!(how_far.options, [OptionSpec::Trace(trace)]);
    assert!(
        matches!(how_far.placement, Placement::Ip6InIp6 { source, .. } if Some(source) == spec.ports[1].address)
    );
}

#[test]
fn active_probes() {
    let spec = spec("active-probes.yaml");
    assert_eq!(encapsulation(&spec, 0).active, Some(ActiveSpec::Probes));
    assert!(spec.profiles[0].filter.local && spec.profiles[0].filter.in_ports.is_empty());
    let copies = Some(ActiveSpec::Copies { length: 128 });
    assert_eq!(encapsulation(&spec, 1).active, copies);
    let [probe] = &spec.probes[..] else { panic!() };
    assert_eq!(
        (
            probe.name.as_str(),
            probe.length,
            probe.interval,
            probe.count
        ),
        ("to-d", 100, 100_000_000, Some(100))
    );
    assert_eq!(
        (probe.next_hop.port, probe.next_hop.mac),
        (1, [2, 0, 0, 0, 0, 2])
    );
}
