// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 5: packets with the Active flag, and copies of real ones that get it.

use super::*;
use crate::common::Bench;
use crate::common::expect::*;
use crate::common::options::*;
use ioam_dp::port::PortId;
use ioam_dp::record::Occasion;
use ioam_dp::stats::{DropReason, Notice};

/// A trace with the Active flag.
fn active() -> Trace {
    Trace {
        flags: A,
        ..trace()
    }
}

#[test]
fn rfc9322_5_in_transit_an_active_packet_is_like_any_other() {
    let filled = active().with_element(&OF_B);
    assert_becomes(
        &node(),
        &Packet::traced(&[&active()]),
        &Packet::traced(&[&filled]),
    );
}

#[test]
fn rfc9322_5_at_the_decapsulating_node_it_is_recorded_and_ends() {
    for (placement, sent) in [
        (tunnel_end(), Packet::plain().tunnelled(&[&active()])),
        (DecapsulatePlacement::Inline, Packet::traced(&[&active()])),
    ] {
        let spec = node_that(ActionSpec::Decapsulate(decapsulate(placement)));
        let mut bench = Bench::new(&spec);
        let out = bench.pass(&sent.frame(), 0, &moment());
        assert_eq!(out.map(drop), Err(DropReason::ActiveTerminated));
        assert_eq!(bench.stats.drops(DropReason::ActiveTerminated), 1);
        assert_eq!(bench.noticed(), [""; 0]);
        let [record] = &bench.records[..] else {
            panic!("{} records", bench.records.len());
        };
        assert_eq!(record.occasion, Occasion::Active);
        assert_eq!(record.option_data(), &active().option()[4..]);
        assert_eq!(record.flow.source, address(HOST).octets());
        assert_eq!((record.profile, record.namespace.0), (Some(0), 123));
        let counts = &bench.stats.profiles[0];
        assert_eq!(
            (
                counts.selected.get(),
                counts.done.get(),
                counts.records.get()
            ),
            (1, 1, 1)
        );
    }
}

#[test]
fn rfc9322_5_any_trace_that_ends_here_ends_the_packet_and_no_other_does() {
    let mut spec = node_that(ActionSpec::Decapsulate(decapsulate(
        DecapsulatePlacement::Inline,
    )));
    spec.namespaces.push(NamespaceSpec::plain(7));
    let of_7 = Trace {
        namespace: 7,
        ..active()
    };
    for (traces, ends) in [
        ([&trace(), &active()], true),
        ([&of_7, &active()], true),
        ([&of_7, &trace()], false),
    ] {
        let out = Bench::new(&spec).pass(&Packet::traced(&traces).frame(), 0, &moment());
        let ended = out.is_err_and(|reason| reason == DropReason::ActiveTerminated);
        assert_eq!(ended, ends);
    }
}

#[test]
fn rfc9322_5_what_else_an_active_packet_carries_is_accounted_for() {
    let spec = node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
    let mut bench = Bench::new(&spec);
    for number in [0, 1, 3] {
        let trace = active().option();
        let e2e = edge_to_edge(123, 0x4000, &[number]);
        let headers = [header(DESTINATION, &[&trace]), header(IP6, &[&e2e])].concat();
        let sent = around(&Packet::plain(), HOP_BY_HOP, &headers);
        let out = bench.pass(&sent.frame(), 0, &moment());
        assert_eq!(out.map(drop), Err(DropReason::ActiveTerminated));
    }
    bench.finish();
    assert_eq!(bench.reports.len(), 1);
    let figures = bench.reports[0].figures.sequence;
    assert_eq!((figures.received, figures.lost), (3, 1));
}

/// Node B, which sends copies of at most `length` octets.
fn copying(length: u16, placement: Placement, words: u8) -> NodeSpec {
    let mut what = encapsulate(KIND, words, placement);
    what.active = Some(ActiveSpec::Copies { length });
    node_that(ActionSpec::Encapsulate(what))
}

/// `packet` cut to `length` octets, as a whole packet.
fn cut(packet: &Packet, length: usize) -> Packet {
    let mut packet = packet.clone();
    packet.payload.truncate(length.saturating_sub(IPV6));
    packet
}

/// The first element of an active trace with `words` of room.
fn first(words: u8, hop_limit: u32) -> Trace {
    let trace = Trace {
        flags: A,
        ..Trace::new(123, KIND, words, &[])
    };
    trace.with_element(&[hop_limit << 24 | 0x0B_0001, OF_B[1]])
}

#[test]
fn rfc9322_5_a_copy_gets_the_flag_and_the_packet_goes_on_as_it_is() {
    let packet = Packet::new(UDP, &[&udp(5000, 53), &[0x5A; 400]]);
    for length in [40, 48, 56, 100, 455, 456, 457, 9000] {
        let mut bench = Bench::new(&copying(length, tunnel(), 8));
        let (port, frame) = bench.forward(&packet);
        assert_eq!((port, frame), (PortId(1), packet.hops(63).frame()));
        let copied = cut(&packet.hops(63), length.into());
        let expected = copied.tunnelled(&[&first(8, 64)]);
        let [(port, frame)] = &bench.originated[..] else {
            panic!("{} copies", bench.originated.len());
        };
        assert_eq!((*port, hex(frame)), (PortId(1), hex(&expected.frame())));
        assert_eq!(bench.counted(), [(Notice::ActiveSent, 1)]);
        let counts = &bench.stats.profiles[0];
        assert_eq!((counts.sampled.get(), counts.done.get()), (1, 1));
    }
}

#[test]
fn rfc9322_5_no_copy_is_shorter_than_its_header() {
    let mut bench = Bench::new(&copying(0, tunnel(), 8));
    bench.forward(&Packet::plain());
    let expected = cut(&Packet::plain().hops(63), 40).tunnelled(&[&first(8, 64)]);
    assert_eq!(bench.originated, [(PortId(1), expected.frame())]);
}

#[test]
fn rfc9322_5_inline_the_copy_goes_the_packets_way() {
    let mut bench = Bench::new(&copying(48, Placement::Inline, 4));
    let (_, frame) = bench.forward(&Packet::plain());
    assert_eq!(frame, Packet::plain().hops(63).frame());
    let header = hop_by_hop(&[&first(4, 63)]);
    let copied = cut(&Packet::plain(), 48).payload;
    let expected = Packet::new(HOP_BY_HOP, &[&header, &copied]).hops(63);
    assert_eq!(bench.originated, [(PortId(1), expected.frame())]);
}

#[test]
fn rfc9322_5_what_the_frame_holds_behind_the_packet_is_not_copied() {
    let mut frame = Packet::plain().frame();
    frame.extend([0xEE; 30]);
    let mut bench = Bench::new(&copying(9000, tunnel(), 8));
    bench.pass(&frame, 0, &moment()).expect("forwarded");
    let expected = Packet::plain().hops(63).tunnelled(&[&first(8, 64)]);
    assert_eq!(bench.originated, [(PortId(1), expected.frame())]);
}

#[test]
fn rfc9322_5_in_a_router_the_copy_goes_the_tunnels_way() {
    let mut spec = copying(9000, tunnel(), 8);
    spec.ports.push(port(2));
    spec.forwarding = ForwardingSpec::Static {
        routes: vec![route("2001:db8:2::", 48, 1), route("2001:db8:ff::", 48, 2)],
        defaults: vec![],
        decrement_hop_limit: true,
    };
    let mut bench = Bench::new(&spec);
    let (out, frame) = bench.forward(&Packet::plain());
    assert_eq!(out, PortId(1));
    assert_eq!(frame[ETHERNET..], Packet::plain().hops(63).octets());
    let [(out, frame)] = &bench.originated[..] else {
        panic!("{} copies", bench.originated.len());
    };
    assert_eq!(*out, PortId(2));
    assert_eq!(frame[..6], next_hop(2).mac);
    assert_eq!(frame[6..12], port(2).mac);
    // Without a way to the tunnel's end there is no copy, and the packet is none the worse.
    if let ForwardingSpec::Static { routes, .. } = &mut spec.forwarding {
        routes.pop();
    }
    let mut bench = Bench::new(&spec);
    let (out, _) = bench.forward(&Packet::plain());
    assert_eq!(out, PortId(1));
    assert!(bench.originated.is_empty());
    assert_eq!(bench.counted(), [(Notice::EncapNoRoute, 1)]);
}

#[test]
fn rfc9322_5_copies_are_an_nth_of_the_port_and_all_packets_go_on() {
    let mut spec = copying(100, tunnel(), 8);
    spec.ports[1].speed = 1;
    // Their numbers have no gap, however many are held back.
    if let ActionSpec::Encapsulate(what) = &mut spec.profiles[0].action {
        what.options.push(e2e_of(0x4000, GroupSpec::Profile));
    }
    let mut bench = Bench::new(&spec);
    for _ in 0..2000 {
        let (_, frame) = bench.forward(&Packet::plain());
        assert_eq!(frame, Packet::plain().hops(63).frame());
    }
    let octets = bench.originated[0].1.len() as u64;
    let most = 16_384 / octets;
    assert_eq!(bench.originated.len() as u64, most);
    assert_eq!(bench.stats.notices(Notice::EncapRateLimited), 2000 - most);
    assert_eq!(bench.stats.notices(Notice::ActiveSent), most);
    // The limit is of the port they leave by.
    spec.ports[0].speed = 1;
    spec.ports[1].speed = 10_000;
    let mut bench = Bench::new(&spec);
    for _ in 0..2000 {
        bench.forward(&Packet::plain());
    }
    assert_eq!(bench.originated.len(), 2000);
    for (number, (_, frame)) in (0u32..).zip(&bench.originated) {
        let at = EXTENSIONS + 48 + 12;
        assert_eq!(frame[at..at + 4], number.to_be_bytes());
    }
}

#[test]
fn rfc9322_5_a_subset_of_packets_can_be_chosen() {
    let mut spec = copying(100, tunnel(), 8);
    if let ActionSpec::Encapsulate(what) = &mut spec.profiles[0].action {
        what.sampling = Sampling::FirstOf { k: 1, n: 5 };
    }
    let mut bench = Bench::new(&spec);
    for _ in 0..100 {
        bench.forward(&Packet::plain());
    }
    assert_eq!(bench.originated.len(), 20);
}

#[test]
fn rfc9322_5_a_copy_that_would_be_too_large_is_not_sent() {
    let packet = Packet::new(UDP, &[&[0x5A; 1460]]);
    let mut bench = Bench::new(&copying(9000, tunnel(), 8));
    bench.forward(&packet);
    assert!(bench.originated.is_empty());
    assert_eq!(bench.counted(), [(Notice::EncapOverMtu, 1)]);
    let mut bench = Bench::new(&copying(128, tunnel(), 8));
    bench.forward(&packet);
    assert_eq!(bench.originated.len(), 1);
}

#[test]
fn rfc9486_5_a_copy_does_not_leave_by_an_edge() {
    let mut spec = copying(9000, tunnel(), 8);
    spec.ports[1].side = Side::Edge(EdgePolicy::Drop);
    let mut bench = Bench::new(&spec);
    bench.forward(&Packet::plain());
    assert!(bench.originated.is_empty());
    assert_eq!(bench.counted(), [(Notice::EncapToEdge, 1)]);
}

#[test]
fn rfc9322_5_a_packet_with_ioam_is_copied_in_a_tunnel_alone() {
    // Of another namespace, that is: the copy's own header is another layer.
    let inner = Packet::traced(&[&Trace::new(7, KIND, 4, &OF_A)]);
    let mut spec = copying(9000, tunnel(), 8);
    spec.namespaces.push(NamespaceSpec::plain(7));
    let mut bench = Bench::new(&spec);
    let (_, frame) = bench.forward(&inner);
    let filled = Packet::traced(&[&Trace::new(7, KIND, 4, &OF_A).with_element(&OF_B)]).hops(63);
    assert_eq!(hex(&frame), hex(&filled.frame()));
    let expected = filled.tunnelled(&[&first(8, 64)]);
    assert_eq!(hex(&bench.originated[0].1), hex(&expected.frame()));
    let mut spec = copying(9000, Placement::Inline, 8);
    spec.namespaces.push(NamespaceSpec::plain(7));
    let mut bench = Bench::new(&spec);
    bench.forward(&inner);
    assert!(bench.originated.is_empty());
    assert_eq!(bench.counted(), [(Notice::EncapAlreadyIoam, 1)]);
}

#[test]
fn rfc9322_5_a_copy_ends_at_the_far_end() {
    let mut head = Bench::new(&copying(64, tunnel(), 8));
    head.forward(&Packet::plain());
    let (_, copy) = head.originated.remove(0);
    let (_, copy) = Bench::new(&node())
        .pass(&copy, 0, &moment())
        .expect("forwarded");
    let spec = node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
    let mut end = Bench::new(&spec);
    let out = end.pass(&copy, 0, &moment());
    assert_eq!(out.map(drop), Err(DropReason::ActiveTerminated));
    assert_eq!(end.records[0].flow.destination_port, 53);
}
