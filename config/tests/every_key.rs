// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every key there is, in three files, and where each value ends up.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::Ipv6Addr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ioam_config::{
    Collector, CollectorProfile, CollectorTls, Control, ControlSocket, Lines, Loaded, Machine,
    Memory, RecordKind, Rotation, Simulate, Transport, parse,
};
use ioam_dp::table::spec::*;
use ioam_dp::timestamp::WallTime;

const FIRST: &str = r#"
node:
  id: 0x0b0001
  id-wide: 0x0b000000000001
  semantics: rfc
  malformed: drop
  undefined-trace-bits: skip
  several-options: all
  icmp-errors-per-second: 7
runtime:
  main-cpu: 0
  worker-cpus: [2, 1]
  memory: hugepages
  memory-mib: 512
  huge-dir: /mnt/h
  headroom: 448
  buffers: 8192
  burst: 16
  file-prefix: ioam
ports:
  - name: east
    device: "01:00.0,key=1"
    queues: 2
    rx-descriptors: 512
    tx-descriptors: 256
    mtu: 9000
    promiscuous: false
    ioam: true
    id: 0x0b11
    id-wide: 0x0b110011
    address: 2001:db8::b
    side: edge
    edge-policy: strip
  - {name: west, device: net_null0, mtu: 9000}
forwarding:
  mode: wire
  decrement-hop-limit: true
  pairs: [[east, west]]
namespaces:
  - id: 123
    data: 0xb0b0b0b0
    data-wide: 0xb0b1b2b3b4b5b6b7
    schema: {id: 777, data: "hex:736368656d6142"}
    timestamp-format: ptp
    tai-offset: 37
  - id: 0
    timestamp-format: ntp
profiles:
  - name: start
    filter:
      in-port: [east, west]
      source: "2001:db8:1::/64"
      destination: "2001:db8:2::1"
      next-header: udp
      source-port: 5000-6000
      destination-port: 53
      dscp: 46
      flow-label: 0x12345
      length: 100-1400
    protocol-type: ipv6
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {use-namespace: 123, trace-type: [hop-lim-node-id, if-id]}
      max-length: 32
      placement: ip6-in-ip6
      tunnel: {source: "2001:db8:ff::a", destination: "2001:db8:ff::d", hop-limit: 9}
      record-self: false
      sampling: {first: 1, of: 10}
      over-mtu: drop
export:
  ndjson: /tmp/records
  rotate-mib: 0x1f
  keep: 0x13
control: {socket: /run/ioam/b.sock, mode: 0660}
metrics: {listen: "[::1]:9469"}
simulate:
  clock: "1723560226.123456789"
  transit-delay: 4321
  queue-depth: 16
  buffer-occupancy: 32768
  seed: 0xffffffffffffffff
"#;

const SECOND: &str = r#"
node: {semantics: linux}
ports:
  - {name: a, device: net_null0}
  - {name: b, device: net_null1}
forwarding:
  mode: static
  routes:
    - {prefix: "::/0", port: b, next-hop: "02:00:00:00:00:0B"}
  defaults:
    - {in-port: a, port: b, next-hop: "02:00:00:00:00:0b"}
namespaces:
  - id: 1
    schema: {id: 1, text: "abcd"}
profiles:
  - name: random
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {use-namespace: [1], trace-type: 0x800002}
      max-length: 12
      placement: inline
      sampling: {random: 100}
  - name: per-flow
    filter: {next-header: 41, length: 1500}
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {use-namespace: default-namespace, trace-type: if-id}
      max-length: 244
      placement: inline
      record-self: true
      sampling: {per-flow: 0x10}
  - name: end
    preallocated-tracing-profile:
      node-action: decapsulate
      trace-types: {use-namespace: [0, 1]}
      placement: inline
      record-self: true
  - name: end-of-any-tunnel
    preallocated-tracing-profile:
      node-action: decapsulate
      trace-types: {use-namespace: 1}
  - name: pass
    filter: {in-port: a}
    preallocated-tracing-profile: {trace-types: {use-namespace: 1}}
"#;

const THIRD: &str = r#"
node:
  id: 0x0c0001
  loopback: copy
  limits: {direct-export: 200, export: 0, loopback: 300, active: 4294967295}
  flows: {most: 1000000, groups: 100, idle-seconds: 5}
ports:
  - {name: a, device: net_null0, mtu: 9000, speed: 40000, ioam: true, address: "2001:db8:ff::c"}
  - {name: b, device: net_null1, mtu: 9000}
forwarding: {pairs: [[a, b]]}
namespaces:
  - {id: 5, pot-keys: KEYS}
  - id: 6
profiles:
  - name: everything
    filter: {in-port: b}
    placement: ip6-in-ip6
    tunnel: {source: "2001:db8:ff::c", destination: "2001:db8:ff::d", hop-limit: 12}
    sampling: {per-flow: 3}
    over-mtu: drop
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {use-namespace: 5, trace-type: hop-lim-node-id}
      max-length: 16
      loopback: true
    pot-profile: {node-action: encapsulate, use-namespace: 5, pot-type: pot-type-0}
    direct-export-profile:
      node-action: encapsulate
      trace-types: {use-namespace: [5, 6], trace-type: [hop-lim-node-id, if-id]}
      flow-id: 0x00abcdef
      enable-sequence-number: true
      record-self: true
    e2e-profile:
      node-action: encapsulate
      e2e-types: {use-namespace: 6, e2e-type: [timestamp-seconds, seq-num-64, timestamp-fraction]}
      group: flow
  - name: probes
    filter: {in-port: [local]}
    active: probes
    placement: inline
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {use-namespace: 5, trace-type: 0x800000}
      max-length: 16
      loopback: true
  - name: copies
    filter: {in-port: a}
    active: {copies: 128}
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {use-namespace: 5, trace-type: 0x800000}
      max-length: 16
      tunnel: {source: "2001:db8:ff::c", destination: "2001:db8:ff::d"}
  - name: end
    tunnel: {destination: "2001:db8:ff::c"}
    preallocated-tracing-profile:
      node-action: decapsulate
      trace-types: {use-namespace: 5}
      record-self: true
    pot-profile: {node-action: decapsulate, use-namespace: 5}
    direct-export-profile:
      node-action: decapsulate
      trace-types: {use-namespace: [6, 5]}
      group: flow
      report-seconds: 3
    e2e-profile:
      node-action: decapsulate
      e2e-types: {use-namespace: 6}
      group: flow
      report-seconds: 3
      record-packets: true
  - name: pass
    pot-profile: {use-namespace: 5}
    direct-export-profile: {trace-types: {use-namespace: [6, 5]}}
probes:
  - name: first
    source: 2001:db8:ff::c
    destination: "2001:db8:2::1"
    source-port: 1
    destination-port: 2
    length: 64
    per-second: 4
    count: 7
    port: b
    next-hop: "02:00:00:00:00:02"
  - {name: second, source: "2001:db8:ff::c", destination: "2001:db8:2::1", port: a, next-hop: "02:00:00:00:00:03"}
export:
  receivers:
    - {address: "2001:db8:fe::1", port: 4739}
    - address: 192.0.2.1
  path-seconds: 5
  collectors:
    - name: site
      address: 2001:db8:fe::2
      port: 4741
      transport: tls
      ca: ca.pem
      certificate: /etc/node.pem
      key: node.key
      server-name: collector.example
      pen: 64000
      observation-domain: 0x11
      template-refresh: 30
      reconnect-seconds: 2
      records: [raw, paths]
      profile: ioam
      queue: 1000
    - {name: lab, address: 127.0.0.1, pen: 32473}
    - {name: old, address: "::1", transport: tcp, profile: uliege}
    - {name: private, address: 192.0.2.9, transport: tls, ca: ca.pem, pen: 32473, records: hops}
simulate: {seed: 0x0102030405060708}
"#;

const EVEN: &str =
    "even: {prime: 0x1fffffffffffffff, point: 2, share: 3, public: 4, lagrange: 5, secret: 6}\n";
const ODD: &str =
    "odd: {prime: 2305843009213693951, point: 7, share: 8, public: 9, lagrange: 10, secret: 0}\n";

/// The third file, with keys of this text.
fn third(keys: &str) -> Loaded {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("every-key-{}.yaml", COUNT.fetch_add(1, Ordering::Relaxed));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&path);
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o400)
        .open(&path)
        .expect("a file of this test");
    file.write_all(keys.as_bytes())
        .expect("a file of this test");
    loaded(&THIRD.replace("KEYS", &path.to_string_lossy()))
}

fn loaded(text: &str) -> Loaded {
    match parse("keys.yaml", text, &Machine::this(vec![0, 1, 2])) {
        Ok(loaded) => loaded,
        Err(errors) => panic!("{errors}"),
    }
}

fn address(text: &str) -> Ipv6Addr {
    text.parse().expect("an address")
}

#[test]
fn the_node_and_its_namespaces() {
    let spec = loaded(FIRST).valid.node_spec(&[[2; 6]]);
    assert_eq!(
        (spec.node_id, spec.node_id_wide),
        (Some(0x0b_0001), Some(0x0b_0000_0000_0001))
    );
    assert_eq!(
        spec.policy,
        Policy {
            semantics: Semantics::Rfc,
            malformed: Malformed::Drop,
            undefined_bits: UndefinedBits::Skip,
            several_options: SeveralOptions::All,
            icmp_errors_per_second: 7,
            loopback: false,
        }
    );
    assert_eq!(
        spec.namespaces,
        [
            NamespaceSpec {
                id: 123,
                data: Some(0xb0b0_b0b0),
                data_wide: Some(0xb0b1_b2b3_b4b5_b6b7),
                schema: Some(SchemaSpec {
                    id: 777,
                    data: b"schemaB\0".to_vec()
                }),
                timestamp: TimestampFormat::Ptp { tai_offset: 37 },
                proof_of_transit: None,
            },
            NamespaceSpec {
                timestamp: TimestampFormat::Ntp,
                ..NamespaceSpec::plain(0)
            },
        ]
    );
    assert_eq!(spec.seed, u64::MAX);
}

#[test]
fn linux_semantics_change_two_defaults() {
    let policy = loaded(SECOND).valid.node_spec(&[]).policy;
    assert_eq!(policy.semantics, Semantics::Linux);
    assert_eq!(policy.malformed, Malformed::Drop);
    assert_eq!(policy.several_options, SeveralOptions::All);
    assert_eq!(policy.undefined_bits, UndefinedBits::Fill);
}

#[test]
fn the_ports() {
    let valid = loaded(FIRST).valid;
    let spec = valid.node_spec(&[[2; 6]]);
    assert_eq!(
        spec.ports[0],
        PortSpec {
            name: "east".to_owned(),
            mac: [2; 6],
            mtu: 9000,
            ioam: true,
            id: Some(0x0b11),
            id_wide: Some(0x0b11_0011),
            address: Some(address("2001:db8::b")),
            side: Side::Edge(EdgePolicy::Strip),
            speed: 10_000,
        }
    );
    assert_eq!(
        (spec.ports[1].mac, spec.ports[1].side),
        ([0; 6], Side::Inside)
    );
    let [east, west] = valid.ports() else {
        panic!("two ports")
    };
    assert_eq!(
        (east.device.as_str(), east.is_pci),
        ("0000:01:00.0,key=1", true)
    );
    assert_eq!(
        (east.queues, east.rx_descriptors, east.tx_descriptors),
        (2, 512, 256)
    );
    assert_eq!((east.promiscuous, east.frame_room), (false, 9216));
    assert_eq!((west.device.as_str(), west.is_pci), ("net_null0", false));
    assert_eq!(
        (west.queues, west.rx_descriptors, west.tx_descriptors),
        (1, 1024, 1024)
    );
    assert!(west.promiscuous);
}

#[test]
fn the_runtime() {
    let loaded = loaded(FIRST);
    let runtime = loaded.valid.runtime();
    assert_eq!(
        (runtime.main_cpu, runtime.worker_cpus.as_slice()),
        (0, &[2, 1][..])
    );
    assert_eq!(
        (runtime.memory, runtime.memory_mib),
        (Memory::Hugepages, 512)
    );
    assert_eq!(
        (runtime.headroom, runtime.buffers, runtime.burst),
        (448, 8192, 16)
    );
    assert_eq!(runtime.huge_dir.as_deref(), Some("/mnt/h"));
    assert_eq!(runtime.file_prefix.as_deref(), Some("ioam"));
    let lines = Lines::File {
        path: "/tmp/records".to_owned(),
        rotation: Some(Rotation {
            most_octets: 0x1f << 20,
            keep: 0x13,
        }),
    };
    assert_eq!(loaded.valid.lines(), Some(&lines));
    let socket = ControlSocket::At("/run/ioam/b.sock".to_owned());
    let mode = 0o660;
    assert_eq!(*loaded.valid.control(), Control { socket, mode });
    let listen = "[::1]:9469".parse().ok();
    assert_eq!(loaded.valid.metrics(), listen);
    let simulate = Simulate {
        clock: WallTime {
            seconds: 1_723_560_226,
            nanoseconds: 123_456_789,
        },
        transit_delay: 4321,
        queue_depth: 16,
        buffer_occupancy: 32768,
    };
    assert_eq!(loaded.valid.simulate(), Some(&simulate));
}

#[test]
fn defaults_suit_a_small_machine() {
    let text = SECOND.replace("semantics: linux", "id: 1");
    for (cpus, main_cpu, worker) in [(vec![0, 1], 0, 1), (vec![3, 5, 4], 3, 5), (vec![2], 2, 2)] {
        let loaded = parse("small.yaml", &text, &Machine::this(cpus)).expect("valid");
        let runtime = loaded.valid.runtime();
        assert_eq!(
            (runtime.main_cpu, runtime.worker_cpus.as_slice()),
            (main_cpu, &[worker][..])
        );
        assert_eq!(
            (runtime.headroom, runtime.buffers, runtime.burst),
            (384, 8192, 32)
        );
        assert_eq!(
            (runtime.memory, runtime.memory_mib),
            (Memory::Hugepages, 106)
        );
        assert_eq!(
            (runtime.huge_dir.as_deref(), runtime.file_prefix.as_deref()),
            (None, None)
        );
        assert_eq!(
            (loaded.valid.lines(), loaded.valid.simulate()),
            (None, None)
        );
        assert_eq!(loaded.valid.node_spec(&[]).seed, 1);
    }
}

#[test]
fn the_file_of_another_machine_can_be_checked() {
    let text = FIRST.replace("[2, 1]", "[40, 41]");
    let strict = parse("f.yaml", &text, &Machine::this(vec![0, 1])).expect_err("no such CPUs");
    assert_eq!(strict.diagnostics.len(), 2);
    let loaded = parse("f.yaml", &text, &Machine::other(vec![0, 1])).expect("valid elsewhere");
    assert_eq!(loaded.warnings.len(), 2);
    assert_eq!(loaded.valid.runtime().worker_cpus, [40, 41]);
}

#[test]
fn forwarding() {
    let pairs = vec![(0, 1)];
    let wire = ForwardingSpec::Wire {
        pairs,
        decrement_hop_limit: true,
    };
    assert_eq!(loaded(FIRST).valid.node_spec(&[]).forwarding, wire);
    let next_hop = NextHopSpec {
        port: 1,
        mac: [2, 0, 0, 0, 0, 0x0b],
    };
    let prefix = PrefixSpec {
        address: Ipv6Addr::UNSPECIFIED,
        length: 0,
    };
    let by_table = ForwardingSpec::Static {
        routes: vec![RouteSpec { prefix, next_hop }],
        defaults: vec![(0, next_hop)],
        decrement_hop_limit: true,
    };
    assert_eq!(loaded(SECOND).valid.node_spec(&[]).forwarding, by_table);
}

#[test]
fn an_encapsulating_profile() {
    let spec = loaded(FIRST).valid.node_spec(&[]);
    assert_eq!(
        spec.profiles,
        [ProfileSpec {
            name: "start".to_owned(),
            filter: FilterSpec {
                in_ports: vec![0, 1],
                local: false,
                source: Some(PrefixSpec {
                    address: address("2001:db8:1::"),
                    length: 64
                }),
                destination: Some(PrefixSpec {
                    address: address("2001:db8:2::1"),
                    length: 128
                }),
                next_header: Some(17),
                source_ports: Some(5000..=6000),
                destination_ports: Some(53..=53),
                dscp: Some(46),
                flow_label: Some(0x12345),
                length: Some(100..=1400),
            },
            action: ActionSpec::Encapsulate(EncapsulateSpec {
                options: vec![OptionSpec::Trace(TraceSpec {
                    namespace: 123,
                    trace_type: 0xc0_0000,
                    words: 8,
                    record_self: false,
                    loopback: false,
                })],
                placement: Placement::Ip6InIp6 {
                    source: address("2001:db8:ff::a"),
                    destination: address("2001:db8:ff::d"),
                    hop_limit: 9,
                },
                sampling: Sampling::FirstOf { k: 1, n: 10 },
                over_mtu: OverMtu::Drop,
                active: None,
            }),
        }]
    );
}

#[test]
fn the_other_profiles_and_their_defaults() {
    let profiles = loaded(SECOND).valid.node_spec(&[]).profiles;
    let inline = |namespace, trace_type, words, sampling| {
        ActionSpec::Encapsulate(EncapsulateSpec {
            options: vec![OptionSpec::Trace(TraceSpec {
                namespace,
                trace_type,
                words,
                record_self: true,
                loopback: false,
            })],
            placement: Placement::Inline,
            sampling,
            over_mtu: OverMtu::Skip,
            active: None,
        })
    };
    assert_eq!(
        profiles[0].action,
        inline(1, 0x80_0002, 3, Sampling::Random { n: 100 })
    );
    assert_eq!(profiles[0].filter, FilterSpec::default());
    assert_eq!(
        profiles[1].action,
        inline(0, 0x40_0000, 61, Sampling::PerFlow { n: 16 })
    );
    assert_eq!(profiles[1].filter.next_header, Some(41));
    assert_eq!(profiles[1].filter.length, Some(1500..=1500));
    let decapsulate = |namespaces, placement, record_self| {
        ActionSpec::Decapsulate(DecapsulateSpec {
            namespaces,
            placement,
            record_self,
            accounting: AccountingSpec::default(),
        })
    };
    let inline = DecapsulatePlacement::Inline;
    assert_eq!(profiles[2].action, decapsulate(vec![0, 1], inline, true));
    let any = DecapsulatePlacement::Ip6InIp6 { destination: None };
    assert_eq!(profiles[3].action, decapsulate(vec![1], any, false));
    assert_eq!(
        profiles[4].action,
        ActionSpec::Transit {
            namespaces: vec![1]
        }
    );
    assert_eq!(profiles[4].filter.in_ports, [0]);
}

#[test]
fn limits_flows_and_speeds() {
    let loaded = third(EVEN);
    let spec = loaded.valid.node_spec(&[]);
    assert!(spec.policy.loopback);
    let limits = LimitsSpec {
        direct_export: 200,
        export: 0,
        loopback: 300,
        active: u32::MAX,
    };
    assert_eq!(spec.limits, limits);
    let flows = FlowsSpec {
        most: 1_000_000,
        groups: 100,
        idle_seconds: 5,
    };
    assert_eq!(spec.flows, flows);
    let speeds = spec.ports.iter().map(|port| port.speed);
    assert_eq!(speeds.collect::<Vec<_>>(), [40_000, 10_000]);
    let speeds = loaded.valid.ports().iter().map(|port| port.speed);
    assert_eq!(speeds.collect::<Vec<_>>(), [Some(40_000), None]);
    let receivers = [
        ("2001:db8:fe::1", Some(4739)),
        ("192.0.2.1", None),
        ("2001:db8:fe::2", Some(4741)),
        ("127.0.0.1", Some(4739)),
        ("::1", Some(4739)),
        ("192.0.2.9", Some(4740)),
    ];
    let receivers = receivers.map(|(address, port)| ReceiverSpec {
        address: address.parse().unwrap(),
        port,
    });
    assert_eq!(spec.receivers, receivers);
    assert_eq!(spec.workers, 1);
    assert_eq!(self::loaded(FIRST).valid.node_spec(&[]).workers, 2);
    let defaults = self::loaded(SECOND).valid.node_spec(&[]);
    assert_eq!(defaults.limits, LimitsSpec::default());
    assert_eq!(defaults.flows, FlowsSpec::default());
    assert!(!defaults.policy.loopback && defaults.receivers.is_empty());
}

#[test]
fn collectors_and_their_defaults() {
    let loaded = third(EVEN);
    assert_eq!(loaded.valid.path_interval(), Duration::from_secs(5));
    let [site, lab, old, private] = loaded.valid.collectors() else {
        panic!("{:?}", loaded.valid.collectors())
    };
    let tls = CollectorTls {
        authorities: site.tls.as_ref().unwrap().authorities.clone(),
        identity: site.tls.as_ref().unwrap().identity.clone(),
        server_name: Some("collector.example".to_owned()),
    };
    assert!(tls.authorities.ends_with("ca.pem"));
    let (certificate, key) = tls.identity.clone().unwrap();
    assert_eq!(certificate, Path::new("/etc/node.pem"));
    assert!(key.ends_with("node.key"));
    let expected = Collector {
        name: "site".to_owned(),
        address: "[2001:db8:fe::2]:4741".parse().unwrap(),
        transport: Transport::Tls,
        tls: Some(tls),
        enterprise: 64_000,
        domain: 0x11,
        refresh: Duration::from_secs(30),
        reconnect: Duration::from_secs(2),
        records: vec![RecordKind::Raw, RecordKind::Paths],
        profile: CollectorProfile::Ioam,
        queue: 1000,
    };
    assert_eq!(*site, expected);
    assert_eq!(
        (lab.transport, &lab.tls, lab.enterprise),
        (Transport::Udp, &None, 32_473)
    );
    assert_eq!(
        (lab.refresh, lab.reconnect),
        (Duration::from_secs(60), Duration::from_secs(60))
    );
    assert_eq!((lab.records.len(), lab.queue), (4, 65_536));
    assert_eq!(old.enterprise, 10_383);
    assert_eq!(old.records, [RecordKind::Hops]);
    assert_eq!((private.address.port(), private.records.len()), (4740, 1));
    assert_eq!(
        self::loaded(SECOND).valid.path_interval(),
        Duration::from_secs(10)
    );
}

#[test]
fn one_profile_with_every_option() {
    let spec = third(EVEN).valid.node_spec(&[]);
    let ActionSpec::Encapsulate(what) = &spec.profiles[0].action else {
        panic!("{:?}", spec.profiles[0])
    };
    let export = |namespace| {
        OptionSpec::DirectExport(DirectExportSpec {
            namespace,
            trace_type: 0xc0_0000,
            flow_id: FlowIdSpec::Fixed(0x00ab_cdef),
            sequence: true,
            record_self: true,
        })
    };
    let trace = TraceSpec {
        namespace: 5,
        trace_type: 0x80_0000,
        words: 4,
        record_self: true,
        loopback: true,
    };
    let edge = EdgeToEdgeSpec {
        namespace: 6,
        kind: 0xb000,
        group: GroupSpec::Flow,
    };
    let options = [
        OptionSpec::Trace(trace),
        OptionSpec::ProofOfTransit { namespace: 5 },
        export(5),
        export(6),
        OptionSpec::EdgeToEdge(edge),
    ];
    assert_eq!(what.options, options);
    let outer = Placement::Ip6InIp6 {
        source: address("2001:db8:ff::c"),
        destination: address("2001:db8:ff::d"),
        hop_limit: 12,
    };
    assert_eq!(what.placement, outer);
    assert_eq!(what.sampling, Sampling::PerFlow { n: 3 });
    assert_eq!((what.over_mtu, what.active), (OverMtu::Drop, None));
}

/// What validation says a packet grows by is what the data plane puts in front of it.
#[test]
fn growth_is_that_of_the_data_plane() {
    let valid = third(EVEN).valid;
    let tables = ioam_dp::table::Tables::compile(&valid.node_spec(&[])).expect("a node");
    let ioam_dp::table::Action::Encapsulate(what) = &tables.profiles[0].action else {
        panic!("{:?}", tables.profiles[0])
    };
    let text = THIRD.replace(", pot-keys: KEYS", "") + "runtime: {headroom: 128}\n";
    let errors = parse("f.yaml", &text, &Machine::this(vec![0, 1])).expect_err("too little room");
    let expected = format!(
        "packets grow by {} octets, and the headroom is 128",
        what.image.len()
    );
    let mut found = errors.diagnostics.iter();
    assert!(found.any(|one| one.what == expected), "{errors}");
}

#[test]
fn active_measurement() {
    let spec = third(EVEN).valid.node_spec(&[]);
    let active = |index: usize| match &spec.profiles[index].action {
        ActionSpec::Encapsulate(what) => (what.active, what.placement == Placement::Inline),
        other => panic!("{other:?}"),
    };
    assert_eq!(active(1), (Some(ActiveSpec::Probes), true));
    assert_eq!(active(2), (Some(ActiveSpec::Copies { length: 128 }), false));
    let local = FilterSpec {
        local: true,
        ..FilterSpec::default()
    };
    assert_eq!(spec.profiles[1].filter, local);
    let probe = |name: &str, ports: [u16; 2], length, interval, count, port, mac| ProbeSpec {
        name: name.to_owned(),
        source: address("2001:db8:ff::c"),
        destination: address("2001:db8:2::1"),
        source_port: ports[0],
        destination_port: ports[1],
        length,
        interval,
        count,
        next_hop: NextHopSpec {
            port,
            mac: [2, 0, 0, 0, 0, mac],
        },
    };
    let probes = [
        probe("first", [1, 2], 64, 250_000_000, Some(7), 1, 2),
        probe("second", [33434; 2], 100, 1_000_000_000, None, 0, 3),
    ];
    assert_eq!(spec.probes, probes);
}

#[test]
fn every_option_ends() {
    let spec = third(EVEN).valid.node_spec(&[]);
    let end = DecapsulateSpec {
        namespaces: vec![5, 6],
        placement: DecapsulatePlacement::Ip6InIp6 {
            destination: Some(address("2001:db8:ff::c")),
        },
        record_self: true,
        accounting: AccountingSpec {
            group: GroupSpec::Flow,
            report_seconds: 3,
            record_packets: true,
        },
    };
    assert_eq!(spec.profiles[3].action, ActionSpec::Decapsulate(end));
    let namespaces = vec![5, 6];
    assert_eq!(spec.profiles[4].action, ActionSpec::Transit { namespaces });
}

fn numbers(keys: &PotKeysSpec) -> ([u64; 5], Option<u64>) {
    let PotKeysSpec {
        prime,
        point,
        share,
        public,
        lagrange,
        secret,
    } = *keys;
    ([prime, point, share, public, lagrange], secret)
}

#[test]
fn keys_of_one_set_or_two() {
    const PRIME: u64 = (1 << 61) - 1;
    let even = ([PRIME, 2, 3, 4, 5], Some(6));
    let odd = ([PRIME, 7, 8, 9, 10], Some(0));
    let both = |active| format!("active: {active}\n{ODD}{EVEN}");
    for (file, sets, active) in [
        (EVEN.to_owned(), vec![even], 0),
        (ODD.to_owned(), vec![odd], 1),
        (both("even"), vec![even, odd], 0),
        (both("odd"), vec![even, odd], 1),
    ] {
        let spec = third(&file).valid.node_spec(&[]);
        let keys = spec.namespaces[1].proof_of_transit.as_ref().unwrap();
        assert_eq!(keys.sets.iter().map(numbers).collect::<Vec<_>>(), sets);
        assert_eq!(keys.active, active);
        ioam_dp::table::Tables::compile(&spec).expect("a node");
    }
}

#[test]
fn random_numbers_come_from_the_kernel_unless_there_is_a_seed() {
    let entropy = |loaded: Loaded| loaded.valid.node_spec(&[]).entropy;
    assert_eq!(entropy(third(EVEN)), entropy(third(EVEN)));
    assert_eq!(entropy(third(EVEN))[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
    let unseeded = loaded(SECOND).valid;
    assert_eq!(
        unseeded.node_spec(&[]).entropy,
        unseeded.node_spec(&[]).entropy
    );
    assert_ne!(entropy(loaded(SECOND)), entropy(loaded(SECOND)));
    assert_ne!(entropy(loaded(SECOND)), [0; 32]);
}

/// The files above leave out no key: each name in the schema occurs in one of them.
#[test]
fn no_key_is_left_out() {
    let schema = ioam_config::schema();
    let definitions = schema["$defs"].as_object().expect("definitions").values();
    let all = definitions
        .chain([&schema])
        .filter_map(|definition| definition["properties"].as_object());
    for key in all.flat_map(|properties| properties.keys()) {
        let written = format!("{key}:");
        assert!(
            [FIRST, SECOND, THIRD]
                .iter()
                .any(|file| file.contains(&written)),
            "{key}"
        );
    }
}
