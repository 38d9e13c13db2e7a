// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Chains of nodes, ours and Linux: every node's data right, in the order of the path.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "rig/chain.rs"]
mod chain;
mod rig;

use std::time::{SystemTime, UNIX_EPOCH};

use chain::{HEAD, HOST, PEER, TAIL, TYPES, decap, encap, forwarding, port_of, transit};
use rig::link::Link;
use rig::linux::{self, Identity};
use rig::netns::{Namespace, cable};
use rig::node::{Node, Stopped, device};
use rig::packet::{ETHERNET, Udp, frame, hex, udp_port, with_options};
use rig::trace::{Element, Trace};
use rig::{Need, turn};
use serde_json::Value;

const NEEDS: [Need; 5] = [
    Need::Root,
    Need::Tool("ip"),
    Need::Tool("ethtool"),
    Need::Tool("python3"),
    Need::LinuxIoam,
];
/// The Linux node of the chain.
const LINUX: Identity = Identity {
    id: 4242,
    id_wide: 0x42_0000_0042,
    ingress: (11, 1111),
    egress: (22, 2222),
};
const LINUX_DATA: (u32, u64) = (0xdead_beef, 0xcafe_c0ca_f00d_c0de);
/// A second one.
const LINUX_B: Identity = Identity {
    id: 77,
    id_wide: 0x77_0000_0077,
    ingress: (33, 3333),
    egress: (44, 4444),
};

fn packet(port: u16) -> Vec<u8> {
    let mut udp = Udp::new(HOST, PEER, (5000, port));
    udp.payload = format!("payload of the packet to port {port}").into_bytes();
    udp.packet()
}

fn seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// What a record says of one node.
fn field(node: &Value, name: &str) -> Option<u64> {
    match &node[name] {
        Value::String(text) => u64::from_str_radix(text.trim_start_matches("0x"), 16).ok(),
        value => value.as_u64(),
    }
}

/// Checks a node's element: each constant field where the type asks for it.
fn check_constants(node: &Value, expected: &[(&str, u64)], about: &str) {
    for (name, value) in expected {
        if node.get(*name).is_some() {
            assert_eq!(field(node, name), Some(*value), "{name} of {about}: {node}");
        }
    }
}

const OURS_A: [(&str, u64); 8] = [
    ("node_id", 0x0A_0001),
    ("ingress_if_id", 0x0A11),
    ("egress_if_id", 0x0A22),
    ("namespace_data", 0xA0A0_A0A0),
    ("node_id_wide", 0x0A_0000_0000_0001),
    ("ingress_if_id_wide", 0x0A11_0011),
    ("egress_if_id_wide", 0x0A22_0022),
    ("namespace_data_wide", 0xA0A1_A2A3_A4A5_A6A7),
];
const OURS_D: [(&str, u64); 8] = [
    ("node_id", 0x0D_0001),
    ("ingress_if_id", 0x0D11),
    ("egress_if_id", 0x0D22),
    ("namespace_data", 0xD0D0_D0D0),
    ("node_id_wide", 0x0D_0000_0000_0001),
    ("ingress_if_id_wide", 0x0D11_0011),
    ("egress_if_id_wide", 0x0D22_0022),
    ("namespace_data_wide", 0xD0D1_D2D3_D4D5_D6D7),
];

fn linux_constants(who: Identity, data: (u32, u64)) -> [(&'static str, u64); 8] {
    [
        ("node_id", who.id.into()),
        ("ingress_if_id", who.ingress.0.into()),
        ("egress_if_id", who.egress.0.into()),
        ("namespace_data", data.0.into()),
        ("node_id_wide", who.id_wide),
        ("ingress_if_id_wide", who.ingress.1.into()),
        ("egress_if_id_wide", who.egress.1.into()),
        ("namespace_data_wide", data.1),
    ]
}

/// Checks one record of the chain ours, Linux, ours; `hops` are the hop limits.
fn check_record(record: &Value, hops: [u64; 3], since: u64) {
    let nodes = record["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 3, "{record}");
    assert_eq!(
        (&record["overflow"], &record["malformed"]),
        (&false.into(), &false.into())
    );
    check_constants(&nodes[0], &OURS_A, "ours");
    check_constants(&nodes[1], &linux_constants(LINUX, LINUX_DATA), "Linux");
    check_constants(&nodes[2], &OURS_D, "ours");
    let mut before = (0, 0);
    for (node, hop) in nodes.iter().zip(hops) {
        if let Some(limit) = field(node, "hop_limit") {
            assert_eq!(limit, hop, "{record}");
        }
        if let Some(second) = field(node, "timestamp_seconds") {
            let fraction = field(node, "timestamp_fraction").unwrap();
            assert!(
                (since..=seconds()).contains(&second),
                "{second} in {record}"
            );
            assert!(fraction < 1_000_000, "microseconds in {record}");
            // Linux stamps when it receives, as we do: time does not run backwards on the path. The
            // clocks are one; a millisecond is for the two ways to read it.
            assert!((second, fraction + 1000) >= before, "{record}");
            before = (second, fraction);
        }
    }
    if record["trace_type"] == "0x800002" {
        let state = |node: &Value| node["opaque_state"]["data"].as_str().map(str::to_owned);
        assert_eq!(state(&nodes[0]), Some(hex(b"schemaA!")));
        assert_eq!(state(&nodes[1]), Some(hex(b"a peer's state!!")));
        assert_eq!(state(&nodes[2]), Some(hex(b"schemaD!")));
    }
    if record["trace_type"] == "0xfff000" {
        // What Linux never knows is absent; what we measure is there.
        for name in ["transit_delay", "checksum_complement", "buffer_occupancy"] {
            assert!(nodes[1][name].is_null(), "{name} of Linux: {record}");
        }
        for node in [&nodes[0], &nodes[2]] {
            assert!(
                field(node, "transit_delay").unwrap() < 1_000_000_000,
                "{record}"
            );
            assert!(field(node, "buffer_occupancy").unwrap() > 0, "{record}");
            // `net_af_packet` does not know how full its queue is.
            assert!(node["queue_depth"].is_null(), "{record}");
        }
    }
}

/// The chain host, ours, Linux, ours, peer; every type in a tunnel and inline.
fn ours_linux_ours(is_static: bool) {
    let names = ["host", "encap", "linux", "decap", "peer"];
    let [host, first, middle, last, peer] = names.map(Namespace::new);
    let (a0, a1) = cable((&host, "a0"), (&first, "a1"), 2000);
    let (b1, b0) = cable((&first, "b1"), (&middle, "b0"), 2000);
    let (c0, c1) = cable((&middle, "c0"), (&last, "c1"), 2000);
    let (d1, d0) = cable((&last, "d1"), (&peer, "d0"), 2000);
    [&a0, &a1, &b1, &c1, &d1, &d0]
        .iter()
        .for_each(|end| end.silence());
    linux::transit(&middle, LINUX, &b0, &c0);
    linux::namespace(&middle, 123, "data 0xdeadbeef wide 0xcafec0caf00dc0de");
    linux::schema(&middle, 123, 4711, "a peer's state!!");
    linux::route(&middle, "2001:db8:ff::/64", &c0, c1.mac);
    linux::route(&middle, "2001:db8:2::/64", &c0, c1.mac);

    let config = encap(
        &device(0, &a1),
        &device(1, &b1),
        &forwarding(is_static, b0.mac),
    );
    let nodes = [
        Node::start(&first, &config),
        Node::start(
            &last,
            &decap(
                &device(0, &c1),
                &device(1, &d1),
                &forwarding(is_static, d0.mac),
            ),
        ),
    ];
    let (mut from, mut to) = (Link::open(&a0), Link::open(&d0));
    let since = seconds();
    let ports = || (0..TYPES.len()).flat_map(|kind| [port_of(kind, false), port_of(kind, true)]);
    // A wire leaves addresses as they are: Linux must find its own.
    let target = if is_static {
        [2, 0, 0, 0, 0, 1]
    } else {
        b0.mac
    };
    from.send_all(ports().map(|port| frame(target, a0.mac, &packet(port))));
    let arrived = to.expect(ports().count(), |frame| udp_port(frame).is_some());
    for (port, frame) in ports().zip(&arrived) {
        let sent = packet(port);
        let (got, inline) = (&frame[ETHERNET..], port >= 7100);
        // In a tunnel only the nodes at its ends count as hops for the packet inside.
        let decrements = u8::from(is_static) * 2 + u8::from(inline);
        assert_eq!(got[7], 64 - decrements, "hop limit of {port}");
        assert_eq!(got[..7], sent[..7], "port {port}");
        assert_eq!(hex(&got[8..]), hex(&sent[8..]), "port {port} is intact");
    }
    let [encap, decap] = nodes.map(Node::stop);
    encap.lost_nothing();
    decap.lost_nothing();
    check_records(&decap, is_static, since);
}

fn check_records(decap: &Stopped, is_static: bool, since: u64) {
    assert_eq!(decap.records.len(), 2 * TYPES.len());
    for record in &decap.records {
        let inline = record["profile"] == "inline";
        let ends = (
            record["outer"]["source"].as_str(),
            record["outer"]["destination"].as_str(),
        );
        let expected = if inline { (HOST, PEER) } else { (HEAD, TAIL) };
        assert_eq!(ends, (Some(expected.0), Some(expected.1)), "{record}");
        assert_eq!(record["flow"]["source"], HOST);
        // The hop limit each node leaves in the header that carries the trace.
        let hops = match (is_static, inline) {
            (false, _) => [64, 63, 63],
            (true, false) => [64, 63, 62],
            (true, true) => [63, 62, 61],
        };
        check_record(record, hops, since);
    }
}

#[test]
fn ours_linux_ours_by_next_hops_gives_three_nodes_in_order() {
    let Some(_turn) = turn(&NEEDS) else { return };
    ours_linux_ours(true);
}

#[test]
fn ours_linux_ours_over_wires_gives_three_nodes_in_order() {
    let Some(_turn) = turn(&NEEDS) else { return };
    ours_linux_ours(false);
}

const OURS_B: [(&str, u64); 8] = [
    ("node_id", 0x0B_0001),
    ("ingress_if_id", 0x0B11),
    ("egress_if_id", 0x0B22),
    ("namespace_data", 0xB0B0_B0B0),
    ("node_id_wide", 0x0B_0000_0000_0001),
    ("ingress_if_id_wide", 0x0B11_0011),
    ("egress_if_id_wide", 0x0B22_0022),
    ("namespace_data_wide", 0xB0B1_B2B3_B4B5_B6B7),
];

fn check_element(element: &Element, expected: &[(&str, u64)], about: &str) {
    for (name, value) in expected {
        if let Some(found) = element.fields.get(name) {
            assert_eq!(found, value, "{name} of {about}: {element:x?}");
        }
    }
}

/// The chain Linux, ours, Linux, with traces that arrive empty.
fn linux_ours_linux(semantics: &str, is_static: bool) {
    let names = ["host", "linuxa", "ours", "linuxb", "peer"];
    let [host, first, middle, last, peer] = names.map(Namespace::new);
    let (a0, a1) = cable((&host, "a0"), (&first, "a1"), 2000);
    let (b1, b0) = cable((&first, "b1"), (&middle, "b0"), 2000);
    let (c0, c1) = cable((&middle, "c0"), (&last, "c1"), 2000);
    let (d1, d0) = cable((&last, "d1"), (&peer, "d0"), 2000);
    [&a0, &b0, &c0, &d0].iter().for_each(|end| end.silence());
    for (at, who, ports, next, text) in [
        (
            &first,
            LINUX,
            (&a1, &b1),
            if is_static { b0.mac } else { c1.mac },
            "schemaL1",
        ),
        (&last, LINUX_B, (&c1, &d1), d0.mac, "schemaL2"),
    ] {
        linux::transit(at, who, ports.0, ports.1);
        linux::namespace(at, 123, "data 0xdeadbeef wide 0xcafec0caf00dc0de");
        linux::schema(at, 123, 5, text);
        linux::route(at, "2001:db8:2::/64", ports.1, next);
    }
    let node = Node::start(
        &middle,
        &transit(&b0, &c0, semantics, &forwarding(is_static, c1.mac)),
    );
    let (mut from, mut to) = (Link::open(&a0), Link::open(&d0));
    let since = seconds();
    let traces = TYPES.iter().enumerate().map(|(place, (kind, room))| {
        let option = Trace::empty(123, *kind, u8::try_from(room / 4).unwrap()).option();
        with_options(&packet(port_of(place, true)), &option)
    });
    let sent: Vec<_> = traces.collect();
    from.send_all(sent.iter().map(|packet| frame(a1.mac, a0.mac, packet)));
    let arrived = to.expect(sent.len(), |frame| udp_port(frame).is_some());
    let hops = if is_static {
        [63, 62, 61]
    } else {
        [63, 63, 62]
    };
    for (frame, sent) in arrived.iter().zip(&sent) {
        check_packet(&frame[ETHERNET..], sent, hops, semantics, since);
    }
    node.stop().lost_nothing();
}

/// Checks what became of one packet on the way Linux, ours, Linux.
fn check_packet(got: &[u8], sent: &[u8], hops: [u64; 3], semantics: &str, since: u64) {
    let (at, len) = Trace::place(got).unwrap();
    assert_eq!(
        got[at + len..],
        sent[at + len..],
        "behind the trace nothing changes"
    );
    assert_eq!(u64::from(got[7]), hops[2]);
    let trace = Trace::of_packet(got).unwrap();
    let elements = trace.elements();
    // Snapshots shorter than there is room for.
    let rest = if trace.kind == 0x80_0002 { 2 } else { 0 };
    assert_eq!(
        (trace.flags, trace.remaining, elements.len()),
        (0, rest, 3),
        "{trace:x?}"
    );
    check_element(
        &elements[0],
        &linux_constants(LINUX, LINUX_DATA),
        "the first Linux",
    );
    check_element(&elements[1], &OURS_B, "ours");
    check_element(
        &elements[2],
        &linux_constants(LINUX_B, LINUX_DATA),
        "the second Linux",
    );
    for (element, hop) in elements.iter().zip(hops) {
        let fields = &element.fields;
        for name in ["hop_limit", "hop_limit_wide"] {
            assert!(
                fields.get(name).is_none_or(|limit| *limit == hop),
                "{elements:x?}"
            );
        }
        if let Some(second) = fields.get("timestamp_seconds") {
            assert!((since..=seconds()).contains(second), "{elements:x?}");
        }
    }
    if trace.kind == 0x80_0002 {
        let snapshots = elements.iter().map(|element| &element.snapshot[..]);
        assert_eq!(
            snapshots.collect::<Vec<_>>(),
            [b"schemaL1", b"schemaB!", b"schemaL2"]
        );
    }
    if trace.kind == 0xFF_F000 {
        let unknown = u64::from(u32::MAX);
        let known = semantics == "rfc";
        assert_eq!(
            elements[1].get("transit_delay") != unknown,
            known,
            "{elements:x?}"
        );
        assert_eq!(
            elements[1].get("buffer_occupancy") != unknown,
            known,
            "{elements:x?}"
        );
    }
}

#[test]
fn linux_ours_linux_over_a_wire_gives_three_nodes_in_order() {
    let Some(_turn) = turn(&NEEDS) else { return };
    linux_ours_linux("rfc", false);
}

#[test]
fn linux_ours_linux_by_next_hops_and_with_linux_semantics_gives_three_nodes_in_order() {
    let Some(_turn) = turn(&NEEDS) else { return };
    linux_ours_linux("linux", true);
}
