// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The node's guards: what it refuses, whom it answers, and that nothing gets past its border.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the numbers are the tests' own and fit"
)]

#[path = "guards/border.rs"]
mod border;
mod common;
#[path = "guards/errors.rs"]
mod errors;
#[path = "guards/filters.rs"]
mod filters;
#[path = "guards/forwarding.rs"]
mod forwarding;
#[path = "guards/measuring.rs"]
mod measuring;
#[path = "guards/reasons.rs"]
mod reasons;
#[path = "guards/room.rs"]
mod room;
#[path = "guards/workers.rs"]
mod workers;

use common::Bench;
use common::frames::*;
use ioam_dp::packet::{HeapPacket, PacketBuf};
use ioam_dp::pipeline::Verdict;
use ioam_dp::port::PortId;
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::spec::*;

const KIND: u32 = 0xC0_0000;

fn trace() -> Trace {
    Trace::new(123, KIND, 4, &[0x400A_0001, 0x0A11_0A22])
}

/// A router of three ports: the domain behind 1, everything else behind 2.
fn router() -> NodeSpec {
    NodeSpec {
        ports: vec![port(0), port(1), port(2)],
        forwarding: ForwardingSpec::Static {
            routes: vec![route("2001:db8:ff::", 48, 1), route("2001:db8::", 32, 2)],
            defaults: vec![],
            decrement_hop_limit: true,
        },
        ..node()
    }
}

#[test]
fn inline_leaves_a_header_that_is_not_all_there_alone() {
    let mut bench = Bench::new(&node_that(ActionSpec::Encapsulate(encapsulate(
        KIND,
        8,
        Placement::Inline,
    ))));
    // Hdr Ext Len says 328 octets; the frame has eight of them.
    let sent = Packet::new(HOP_BY_HOP, &[&[UDP, 40, 1, 4, 0, 0, 0, 0]]).frame();
    let (_, frame) = bench.pass(&sent, 0, &moment()).expect("forwarded");
    assert_eq!(frame[EXTENSIONS..], sent[EXTENSIONS..]);
}

#[test]
fn inline_leaves_a_header_whose_options_overrun_it_alone() {
    let mut bench = Bench::new(&node_that(ActionSpec::Encapsulate(encapsulate(
        KIND,
        8,
        Placement::Inline,
    ))));
    let sent = Packet::behind(&[UDP, 0, 1, 0, 5, 20, 0, 0]).frame();
    let (_, frame) = bench.pass(&sent, 0, &moment()).expect("forwarded");
    assert_eq!(frame[EXTENSIONS..], sent[EXTENSIONS..]);
}

#[test]
fn inline_leaves_a_jumbogram_alone() {
    let mut bench = Bench::new(&node_that(ActionSpec::Encapsulate(encapsulate(
        KIND,
        8,
        Placement::Inline,
    ))));
    let header = options(UDP, &[&[0xC2, 4, 0, 1, 0, 0]]);
    let mut sent = Packet::behind(&header);
    sent.payload_len = Some(0);
    let sent = sent.frame();
    let (_, frame) = bench.pass(&sent, 0, &moment()).expect("forwarded");
    assert_eq!(frame[EXTENSIONS..], sent[EXTENSIONS..]);
}

#[test]
fn a_packet_that_is_not_encapsulated_goes_its_own_way() {
    let mut spec = router();
    spec.profiles = vec![profile(ActionSpec::Encapsulate(encapsulate(
        KIND,
        8,
        tunnel(),
    )))];
    spec.ports[1].mtu = 100;
    let mut bench = Bench::new(&spec);
    let (port, frame) = bench
        .pass(&Packet::plain().frame(), 0, &moment())
        .expect("forwarded");
    assert_eq!(bench.noticed(), ["encap_over_mtu"]);
    assert_eq!(frame[EXTENSIONS..], Packet::plain().frame()[EXTENSIONS..]);
    assert_eq!(
        port,
        PortId(2),
        "the route of its own destination, not of the tunnel's"
    );
    assert_eq!(frame[..6], next_hop(2).mac);
}

#[test]
fn drop_of_malformed_options_sees_all_of_the_header() {
    let mut spec = node();
    spec.policy.malformed = Malformed::Drop;
    let wrong = Trace {
        node_len: 3,
        ..trace()
    };
    for traces in [[&wrong, &trace()], [&trace(), &wrong]] {
        let mut bench = Bench::new(&spec);
        let out = bench.pass(&Packet::traced(&traces).frame(), 0, &moment());
        assert_eq!(out.map(|_| ()), Err(DropReason::Malformed));
    }
}

#[test]
fn a_wire_leaves_what_stays_on_its_link_untouched() {
    // Neighbour discovery and listener discovery die of a decremented hop limit (RFC 4861, 7.1).
    for (packet, hop_limit) in [
        (
            Packet::new(ICMPV6, &[&[135, 0, 0, 0]]).to("ff02::1:ff00:1"),
            255,
        ),
        (
            Packet::new(ICMPV6, &[&[136, 0, 0, 0]])
                .from("fe80::1")
                .to("fe80::2"),
            255,
        ),
        (
            Packet::new(ICMPV6, &[&[143, 0, 0, 0]])
                .from("fe80::1")
                .to("ff02::16"),
            1,
        ),
    ] {
        let sent = packet.hops(hop_limit).frame();
        let out = Bench::new(&node()).pass(&sent, 0, &moment());
        assert_eq!(out, Ok((PortId(1), sent)));
    }
}

#[test]
fn nobody_is_told_of_a_redirect_or_a_link_layer_multicast() {
    let mut spec = node();
    spec.ports[0].address = Some(address("2001:db8::b"));
    let redirect = Packet::new(ICMPV6, &[&[137, 0, 0, 0, 0, 0, 0, 0]])
        .hops(1)
        .frame();
    let mut to_many = Packet::plain().hops(1).frame();
    to_many[0] |= 1;
    for frame in [redirect, to_many] {
        let mut bench = Bench::new(&spec);
        let out = bench.pass(&frame, 0, &moment());
        assert_eq!(out.map(|_| ()), Err(DropReason::HopLimitExceeded));
        assert_eq!(bench.noticed(), ["icmp_not_allowed"]);
    }
}

#[test]
fn three_tags_are_counted_and_left_alone() {
    let mut bench = Bench::new(&node());
    let sent = Packet::traced(&[&trace()]).tagged(&[0x88A8, 0x8100, 0x8100]);
    assert_eq!(bench.pass(&sent, 0, &moment()), Ok((PortId(1), sent)));
    assert_eq!(bench.noticed().len(), 1);
}

#[test]
fn a_chain_of_buffers_is_routed_like_any_packet() {
    let mut bench = Bench::new(&router());
    let chained = HeapPacket::new(&Packet::plain().frame(), 512).into_chained();
    let (verdict, packet, _) = bench.carry(chained, 0, &moment());
    assert_eq!(verdict, Verdict::Send(PortId(2)));
    assert_eq!(packet.bytes()[21], 63, "the hop limit");
    assert_eq!(bench.stats.notices(Notice::MultiSegment), 1);
}

fn edge_in() -> NodeSpec {
    let mut spec = node();
    spec.ports[0].side = Side::Edge(EdgePolicy::Drop);
    spec.ports[0].ioam = false;
    spec
}

#[test]
fn a_chain_of_buffers_does_not_carry_ioam_over_the_edge() {
    let frame = Packet::traced(&[&trace()]).frame();
    let chained = HeapPacket::new(&frame, 512).into_chained();
    let (verdict, ..) = Bench::new(&edge_in()).carry(chained, 0, &moment());
    assert_eq!(verdict, Verdict::Drop(DropReason::EdgeIngress));
}

#[test]
fn three_tags_do_not_carry_ioam_over_the_edge() {
    let frame = Packet::traced(&[&trace()]).tagged(&[0x88A8, 0x8100, 0x8100]);
    let out = Bench::new(&edge_in()).pass(&frame, 0, &moment());
    assert!(out.is_err());
}

#[test]
fn ioam_behind_other_headers_does_not_cross_the_edge() {
    let e2e = options(UDP, &[&LEAD, &[0x11, 6, 0, 3, 0, 123, 0, 0]]);
    let fragment = [DESTINATION, 0, 0, 1, 0, 0, 0, 9];
    let ah = [
        DESTINATION,
        4,
        0,
        0,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    ];
    let routing = [DESTINATION, 0, 4, 0, 0, 0, 0, 0];
    for (next, header) in [
        (FRAGMENT, &fragment[..]),
        (AH, &ah[..]),
        (ROUTING, &routing[..]),
    ] {
        let frame = Packet::new(next, &[header, &e2e, &udp(1, 2)]).frame();
        let out = Bench::new(&edge_in()).pass(&frame, 0, &moment());
        assert_eq!(
            out.map(|_| ()),
            Err(DropReason::EdgeIngress),
            "behind {next}"
        );
    }
}

#[test]
fn a_cut_ioam_option_does_not_cross_the_edge() {
    let frame = Packet::behind(&[UDP, 0, 1, 0, 0x31, 40, 0, 0]).frame();
    let out = Bench::new(&edge_in()).pass(&frame, 0, &moment());
    assert_eq!(out.map(|_| ()), Err(DropReason::EdgeIngress));
}

#[test]
fn any_seed_will_do() {
    let spec = NodeSpec {
        seed: u64::MAX,
        ..node_that(ActionSpec::Encapsulate(encapsulate(KIND, 8, tunnel())))
    };
    Bench::new(&spec)
        .pass(&Packet::plain().frame(), 0, &moment())
        .expect("forwarded");
}
