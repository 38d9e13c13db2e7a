// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Two ordinary Linux hosts, and the node in the cable between them: nothing they send is lost.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod rig;

use rig::hosts::{self, ping, tcp, udp};
use rig::link::Link;
use rig::netns::{End, Namespace, cable};
use rig::node::{Node, device};
use rig::packet::{ETHERNET, Udp, frame, tagged};
use rig::program::{Engine, pass};
use rig::trace::Trace;
use rig::{Need, runtime, turn};

const NEEDS: [Need; 5] = [
    Need::Root,
    Need::Tool("ip"),
    Need::Tool("ethtool"),
    Need::Tool("python3"),
    Need::Tool("ping"),
];
const LEFT: &str = "fd00:1::1";
const RIGHT: &str = "fd00:1::2";
/// Of the pings, those lost.
const NONE: [u32; 0] = [];

/// Both hosts, `a0` and `b0`, and a node's namespace between them with `a1` and `b1`.
struct Pair {
    left: Namespace,
    node: Namespace,
    right: Namespace,
}

impl Pair {
    fn new() -> Self {
        Self {
            left: Namespace::new("left"),
            node: Namespace::new("node"),
            right: Namespace::new("right"),
        }
    }

    /// Lays the cables and returns their ends from left to right.
    fn cables(&self, mtu: u16) -> [End<'_>; 4] {
        let (a0, a1) = cable((&self.left, "a0"), (&self.node, "a1"), mtu);
        let (b1, b0) = cable((&self.node, "b1"), (&self.right, "b0"), mtu);
        [&a1, &b1].iter().for_each(|end| end.silence());
        hosts::address(&a0, LEFT);
        hosts::address(&b0, RIGHT);
        [a0, a1, b1, b0]
    }
}

/// A node that is a wire between two ports, east to the left host.
fn wire(east: &str, west: &str, mtu: u16) -> String {
    format!(
        "node: {{id: 0x0b0001}}
{}ports:
  - {{name: east, device: \"{east}\", mtu: {mtu}, ioam: true, id: 1}}
  - {{name: west, device: \"{west}\", mtu: {mtu}, ioam: true, id: 2}}
forwarding: {{mode: wire, pairs: [[east, west]]}}
namespaces: [{{id: 123}}]
",
        runtime(0)
    )
}

/// Echoes, a stream and datagrams between the hosts; every one must arrive.
fn talk(pair: &Pair) {
    assert_eq!(ping(&pair.left, RIGHT, 20, 56, "0.02"), NONE, "pings lost");
    assert_eq!(
        ping(&pair.left, RIGHT, 1000, 56, "0.001"),
        NONE,
        "of a thousand pings lost"
    );
    assert_eq!(
        ping(&pair.right, LEFT, 20, 1452, "0.01"),
        NONE,
        "pings of a full mtu lost"
    );
    let [sent, received] = tcp(&pair.left, &pair.right, RIGHT, 4 << 20);
    assert_eq!(sent, received, "a TCP stream");
    assert!(sent.starts_with("4194304 "), "{sent}");
    assert_eq!(
        udp(&pair.left, &pair.right, RIGHT, 500, 1200),
        500,
        "datagrams returned"
    );
}

#[test]
fn hosts_lose_nothing_through_a_wire() {
    let Some(_turn) = turn(&NEEDS) else { return };
    let pair = Pair::new();
    let [_, a1, b1, _] = pair.cables(1500);
    let node = Node::start(&pair.node, &wire(&device(0, &a1), &device(1, &b1), 1500));
    talk(&pair);
    node.stop().lost_nothing();
}

/// The nodes at both borders of a domain; `a1` and `b1` to the hosts, `c1` to `d1` between them.
fn border(place: usize, customer: &str, core: &str, names: (&str, &str)) -> String {
    let (own, peer) = names;
    format!(
        "node: {{id: 0x0{own}0001}}
{}ports:
  - {{name: customer, device: \"{customer}\", id: 0x{own}11, side: edge}}
  - {{name: core, device: \"{core}\", mtu: 2000, ioam: true, id: 0x{own}22}}
forwarding: {{mode: wire, pairs: [[customer, core]]}}
namespaces: [{{id: 123}}]
profiles:
  - name: in
    filter: {{in-port: customer}}
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {{use-namespace: 123, trace-type: [hop-lim-node-id, if-id, timestamp-seconds]}}
      max-length: 48
      tunnel: {{source: \"2001:db8:ff::{own}\", destination: \"2001:db8:ff::{peer}\"}}
  - name: out
    filter: {{in-port: core}}
    preallocated-tracing-profile:
      node-action: decapsulate
      trace-types: {{use-namespace: 123}}
      tunnel: {{destination: \"2001:db8:ff::{own}\"}}
      record-self: true
export: {{ndjson: RECORDS}}
",
        runtime(place)
    )
}

#[test]
fn hosts_lose_nothing_through_a_domain_that_traces_all_they_send() {
    let Some(_turn) = turn(&NEEDS) else { return };
    let pair = Pair::new();
    // Each node in a namespace of its own: two processes with DPDK's af_packet in one may choose the
    // same fanout group, and then the second does not start.
    let far = Namespace::new("far");
    let (a0, a1) = cable((&pair.left, "a0"), (&pair.node, "a1"), 1500);
    let (c1, d1) = cable((&pair.node, "c1"), (&far, "d1"), 2000);
    let (b1, b0) = cable((&far, "b1"), (&pair.right, "b0"), 1500);
    [&a1, &c1, &d1, &b1].iter().for_each(|end| end.silence());
    hosts::address(&a0, LEFT);
    hosts::address(&b0, RIGHT);
    let first = border(0, &device(0, &a1), &device(1, &c1), ("a", "d"));
    let last = border(1, &device(0, &b1), &device(1, &d1), ("d", "a"));
    let nodes = [Node::start(&pair.node, &first), Node::start(&far, &last)];
    talk(&pair);
    for node in nodes {
        let stopped = node.stop();
        stopped.lost_nothing();
        // Neighbour discovery stays on its link and is not traced; all the rest is, both ways.
        assert!(
            stopped.records.len() > 2000,
            "{} records",
            stopped.records.len()
        );
        assert_eq!(stopped.counter("encap_over_mtu"), 0);
        for record in &stopped.records {
            let nodes = record["nodes"].as_array().unwrap();
            assert_eq!(
                (nodes.len(), &record["overflow"]),
                (2, &false.into()),
                "{record}"
            );
            assert_ne!(nodes[0]["node_id"], nodes[1]["node_id"], "{record}");
        }
    }
}

#[test]
fn jumbo_frames_pass_where_the_device_holds_them() {
    let Some(_turn) = turn(&NEEDS) else { return };
    let pair = Pair::new();
    let [_, a1, b1, _] = pair.cables(3400);
    let node = Node::start(&pair.node, &wire(&device(0, &a1), &device(1, &b1), 3400));
    assert_eq!(
        ping(&pair.left, RIGHT, 20, 3352, "0.01"),
        NONE,
        "jumbo pings lost"
    );
    let [sent, received] = tcp(&pair.left, &pair.right, RIGHT, 2 << 20);
    assert_eq!(sent, received, "a TCP stream in jumbo frames");
    node.stop().lost_nothing();
}

#[test]
fn an_mtu_the_device_would_truncate_is_refused() {
    let Some(_turn) = turn(&NEEDS) else { return };
    let pair = Pair::new();
    let [_, a1, b1, _] = pair.cables(3400);
    // What `framesz=2048`, the default, does not hold is cut silently by the driver.
    let plain = |number: usize, end: &End<'_>| format!("net_af_packet{number},iface={}", end.name);
    for (devices, mtu) in [
        ([plain(0, &a1), plain(1, &b1)], 3400),
        ([device(0, &a1), device(1, &b1)], 9000),
    ] {
        let said = Node::try_start(&pair.node, &wire(&devices[0], &devices[1], mtu)).err();
        let said = said.expect("the node refuses to start");
        assert!(
            said.contains("framesz="),
            "the message names what mends it: {said}"
        );
        assert!(said.starts_with("exit status: 1"), "{said}");
    }
    // The interface carries more than the port is told: its longer frames would be cut.
    let said = Node::try_start(&pair.node, &wire(&plain(0, &a1), &plain(1, &b1), 1500)).err();
    let said = said.expect("the node refuses an interface with a larger mtu");
    assert!(said.contains("a1") && said.contains("3400"), "{said}");
}

#[test]
fn vlan_tags_pass_and_traces_behind_them_are_filled() {
    let Some(_turn) = turn(&NEEDS) else { return };
    let pair = Pair::new();
    let [a0, a1, b1, b0] = pair.cables(1500);
    let node = Node::start(&pair.node, &wire(&device(0, &a1), &device(1, &b1), 1500));
    let (mut left, mut right) = (Link::open(&a0), Link::open(&b0));
    let plain = Udp::new(LEFT, RIGHT, (1000, 2000)).packet();
    let traced = rig::packet::with_options(&plain, &Trace::empty(123, 0xC0_0000, 4).option());
    for tags in [
        &[(0x8100, 0x2064)][..],
        &[(0x8100, 0x0064), (0x8100, 0x0065)],
        &[(0x88A8, 0x0064), (0x8100, 0x0065)],
    ] {
        let behind = ETHERNET + 4 * tags.len();
        for packet in [&plain, &traced] {
            let sent = tagged(b0.mac, a0.mac, tags, packet);
            left.send(&sent);
            let got = &right.expect(1, |frame| frame[14..18] == sent[14..18])[0];
            // The kernel takes the outer tag off, and DPDK's af_packet puts it back as 0x8100
            // whatever it was: lost before the node has the frame.
            let mut expected = sent[..behind].to_vec();
            expected[12..14].copy_from_slice(&[0x81, 0x00]);
            assert_eq!(got[..behind], expected, "addresses and tags");
            if packet == &plain {
                assert_eq!(got[behind..], sent[behind..], "the packet");
                continue;
            }
            let trace = Trace::of_packet(&got[behind..]).unwrap();
            let elements = trace.elements();
            assert_eq!((trace.remaining, elements.len()), (2, 1), "{tags:x?}");
            assert_eq!(elements[0].get("node_id"), 0x0B_0001);
        }
    }
    node.stop().lost_nothing();
}

/// What `net_af_packet` loses, the node does not: frames with service tags on another device.
#[test]
fn service_tags_pass_real_mbufs_and_traces_behind_them_are_filled() {
    let Some(_turn) = turn(&[]) else { return };
    let packet = Udp::new(LEFT, RIGHT, (1000, 2000)).packet();
    let traced = rig::packet::with_options(&packet, &Trace::empty(123, 0xC0_0000, 4).option());
    let tags = [(0x88A8, 0x2064), (0x8100, 0x0065)];
    let sent = tagged([2; 6], [4; 6], &tags, &traced);
    let passed = pass(Engine::Run, &wire("EAST", "WEST", 1500), &[&sent]);
    let behind = ETHERNET + 4 * tags.len();
    assert_eq!(
        passed.frames[0][..behind],
        sent[..behind],
        "addresses and tags"
    );
    let trace = Trace::of_packet(&passed.frames[0][behind..]).unwrap();
    assert_eq!((trace.remaining, trace.elements().len()), (2, 1));
}

/// With transmit offload a veth hands over checksums that nobody has computed. DPDK's `af_packet`
/// does not say so in the packet, so a node can only look at the interface.
#[test]
fn a_checksum_left_to_hardware_is_spoken_of() {
    let Some(_turn) = turn(&NEEDS) else { return };
    let pair = Pair::new();
    let ends = pair.cables(1500);
    ends.iter().for_each(|end| end.offload("on"));
    let [_, a1, b1, _] = &ends;
    match Node::try_start(&pair.node, &wire(&device(0, a1), &device(1, b1), 1500)) {
        Err(said) => assert!(
            said.contains("ethtool"),
            "refused, and says what mends it: {said}"
        ),
        Ok(node) => {
            let said = node.said();
            let delivered = udp(&pair.left, &pair.right, RIGHT, 3, 400) == 3;
            node.stop();
            assert!(
                delivered || said.contains("ethtool"),
                "lost in silence: {said}"
            );
        }
    }
}

#[test]
fn frames_that_are_not_ipv6_pass_a_wire_untouched() {
    let Some(_turn) = turn(&NEEDS) else { return };
    let pair = Pair::new();
    let [a0, a1, b1, b0] = pair.cables(1500);
    let node = Node::start(&pair.node, &wire(&device(0, &a1), &device(1, &b1), 1500));
    let (mut left, mut right) = (Link::open(&a0), Link::open(&b0));
    let mut frames: Vec<Vec<u8>> = [0x0800u16, 0x0806, 0x8847, 0x88CC, 0x88F7]
        .map(|kind| {
            let mut frame = frame(b0.mac, a0.mac, &[0x45; 64]);
            frame[12..14].copy_from_slice(&kind.to_be_bytes());
            frame
        })
        .into();
    // Cut short in the header, and a length that is none: what lies is not touched either.
    frames.push(frame(b0.mac, a0.mac, &[0x60, 0, 0, 0, 0xFF, 0xFF, 0, 64]));
    left.send_all(&frames);
    assert_eq!(
        right.expect(frames.len(), |frame| frame[6..12] == a0.mac),
        frames
    );
    node.stop().lost_nothing();
}
