// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `wire` and `static`: where packets go, with which addresses and which hop limit.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use crate::router;
use ioam_dp::port::PortId;
use ioam_dp::stats::DropReason;
use ioam_dp::table::spec::*;

fn wire(pairs: &[(u8, u8)], decrement_hop_limit: bool) -> NodeSpec {
    NodeSpec {
        ports: (0..5).map(port).collect(),
        forwarding: ForwardingSpec::Wire {
            pairs: pairs.to_vec(),
            decrement_hop_limit,
        },
        ..node()
    }
}

#[test]
fn a_wire_has_two_ends() {
    let mut bench = Bench::new(&wire(&[(0, 3), (1, 2)], false));
    let sent = Packet::plain().frame();
    for (from, to) in [(0, 3), (3, 0), (1, 2), (2, 1)] {
        let out = bench.pass(&sent, from, &moment());
        assert_eq!(out, Ok((PortId(to), sent.clone())));
    }
    let out = bench.pass(&sent, 4, &moment());
    assert_eq!(out, Err(DropReason::NoPeer));
}

#[test]
fn a_wire_that_decrements_nothing_drops_nothing() {
    let mut bench = Bench::new(&wire(&[(0, 1)], false));
    for hop_limit in [0, 1, 255] {
        let sent = Packet::plain().hops(hop_limit).frame();
        let out = bench.pass(&sent, 0, &moment());
        assert_eq!(out, Ok((PortId(1), sent)));
    }
}

#[test]
fn a_wire_that_decrements_changes_the_hop_limit_alone() {
    let mut bench = Bench::new(&wire(&[(0, 1)], true));
    for tags in [&[][..], &[0x8100], &[0x88A8, 0x8100]] {
        let sent = Packet::plain().tagged(tags);
        let expected = Packet::plain().hops(63).tagged(tags);
        let out = bench.pass(&sent, 0, &moment());
        assert_eq!(out, Ok((PortId(1), expected)));
    }
}

#[test]
fn a_router_takes_the_longest_prefix_and_writes_both_addresses() {
    let mut bench = Bench::new(&router());
    for (destination, port) in [
        ("2001:db8:ff::1", 1),
        ("2001:db8:fe::1", 2),
        ("2001:db8::", 2),
        ("2001:db8:ffff::1", 2),
    ] {
        let sent = Packet::plain().to(destination);
        let (to, frame) = bench.forward(&sent);
        assert_eq!(to, PortId(port), "{destination}");
        assert_eq!(frame[..6], next_hop(port).mac);
        assert_eq!(frame[6..12], [2, 0, 0, 0, 0xB, port]);
        assert_eq!(frame[12..], sent.hops(63).frame()[12..]);
    }
    let out = bench.pass(&Packet::plain().to("2001:db7::1").frame(), 0, &moment());
    assert_eq!(out, Err(DropReason::NoRoute));
}

#[test]
fn a_router_has_defaults_by_input_port() {
    let mut spec = router();
    spec.forwarding = ForwardingSpec::Static {
        routes: vec![route("2001:db8:ff::", 48, 1)],
        defaults: vec![(0, next_hop(2)), (2, next_hop(0))],
        decrement_hop_limit: false,
    };
    let mut bench = Bench::new(&spec);
    let arp = frame(&[], 0x0806, &[1; 46]);
    let plain = Packet::plain().frame();
    for (sent, from, to) in [(&plain, 0, 2), (&plain, 2, 0), (&arp, 0, 2), (&arp, 2, 0)] {
        let (port, frame) = bench.pass(sent, from, &moment()).expect("forwarded");
        assert_eq!(port, PortId(to));
        assert_eq!(frame[..6], next_hop(to).mac);
        assert_eq!(frame[12..], sent[12..]);
    }
    assert_eq!(bench.pass(&arp, 1, &moment()), Err(DropReason::NotIpv6));
    assert_eq!(bench.pass(&plain, 1, &moment()), Err(DropReason::NoRoute));
}

#[test]
fn a_router_keeps_what_stays_on_its_link_from_going_on() {
    for sent in [
        Packet::plain().to("ff02::1"),
        Packet::plain().to("ff0e::1"),
        Packet::plain().to("fe80::1"),
        Packet::plain().from("fe80::1"),
        Packet::plain().to("febf::1"),
    ] {
        assert_dropped(&router(), &sent, DropReason::LinkLocal);
    }
    let mut bench = Bench::new(&router());
    let out = bench.pass(&Packet::plain().to("fec0::1").frame(), 0, &moment());
    assert_eq!(out, Err(DropReason::NoRoute));
}

#[test]
fn a_router_sends_a_tunnel_to_its_end_and_the_inner_packet_to_its_own() {
    let mut spec = router();
    spec.profiles = vec![
        profile(ActionSpec::Encapsulate(encapsulate(KIND, 4, tunnel()))),
        profile(ActionSpec::Decapsulate(decapsulate(tunnel_end()))),
    ];
    let mut bench = Bench::new(&spec);
    let (port, frame) = bench.forward(&Packet::plain());
    assert_eq!(port, PortId(1));
    assert_eq!(frame[..6], next_hop(1).mac);
    let (port, frame) = bench.pass(&frame, 1, &moment()).expect("forwarded");
    assert_eq!(port, PortId(2));
    assert_eq!(frame[12..], Packet::plain().hops(62).frame()[12..]);
}

#[test]
fn link_local_packets_are_never_encapsulated() {
    for (from, to) in [(HOST, "ff02::1"), ("fe80::1", PEER), (HOST, "fe80::1")] {
        let what = encapsulate(KIND, 4, tunnel());
        let mut bench = Bench::new(&node_that(ActionSpec::Encapsulate(what)));
        let sent = Packet::plain().from(from).to(to);
        let (_, frame) = bench.forward(&sent);
        assert_eq!(frame, sent.frame());
        assert_eq!(bench.noticed(), ["encap_link_local"]);
    }
}
