// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Room for an option: in the link's MTU, in front of the frame, and in the port's domain.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use crate::router;
use ioam_dp::packet::{HeapPacket, PacketBuf};
use ioam_dp::pipeline::Verdict;
use ioam_dp::port::PortId;
use ioam_dp::stats::DropReason;
use ioam_dp::table::spec::*;

/// A packet of this many octets.
fn large(octets: usize) -> Packet {
    Packet::new(UDP, &[&udp(5000, 53), &vec![0x5A; octets - 40 - 16]])
}

fn head(placement: Placement, over_mtu: OverMtu) -> NodeSpec {
    let mut what = encapsulate(KIND, 2, placement);
    what.over_mtu = over_mtu;
    node_that(ActionSpec::Encapsulate(what))
}

#[test]
fn over_the_mtu_an_encapsulation_is_skipped_or_the_packet_dropped() {
    // 24 octets inline, 40 more in a tunnel.
    for (placement, most) in [(Placement::Inline, 1476), (tunnel(), 1436)] {
        for over_mtu in [OverMtu::Skip, OverMtu::Drop] {
            let mut bench = Bench::new(&head(placement, over_mtu));
            let (_, frame) = bench.forward(&large(most));
            assert_eq!(frame.len(), ETHERNET + 1500);
            assert_eq!(bench.noticed(), [""; 0]);
            let out = bench.pass(&large(most + 1).frame(), 0, &moment());
            let expected = match over_mtu {
                OverMtu::Skip => Ok((PortId(1), large(most + 1).hops(63).frame())),
                OverMtu::Drop => Err(DropReason::EncapOverMtu),
            };
            assert_eq!(out, expected);
            assert_eq!(bench.noticed(), ["encap_over_mtu"]);
            let counts = &bench.stats.profiles[0];
            assert_eq!((counts.sampled.get(), counts.done.get()), (2, 1));
        }
    }
}

#[test]
fn over_the_mtu_counts_what_a_present_header_grows_by() {
    let alert = options(UDP, &[&ALERT, &LEAD]);
    let sized = |octets: usize| {
        let payload = vec![0x5A; octets - 40 - 8 - 16];
        Packet::new(HOP_BY_HOP, &[&alert, &udp(1, 2), &payload])
    };
    let spec = head(Placement::Inline, OverMtu::Skip);
    // Twelve octets of option head and trace header and eight of data, on a multiple of eight.
    let (_, frame) = Bench::new(&spec).forward(&sized(1476));
    assert_eq!(frame.len(), ETHERNET + 1500);
    let (_, frame) = Bench::new(&spec).forward(&sized(1477));
    assert_eq!(frame.len(), ETHERNET + 1477);
}

#[test]
fn a_packet_too_large_for_the_tunnels_port_goes_its_own_way() {
    // Skipping means that the packet goes as if there were no profile.
    let mut spec = router();
    spec.profiles = vec![profile(ActionSpec::Encapsulate(encapsulate(
        KIND,
        8,
        tunnel(),
    )))];
    spec.ports[1].mtu = 1280;
    let mut bench = Bench::new(&spec);
    let out = bench.pass(&large(1400).frame(), 0, &moment());
    assert_eq!(out.map(|(port, _)| port), Ok(PortId(2)));
    assert_eq!(bench.noticed(), ["encap_over_mtu"]);
}

#[test]
fn a_packet_that_goes_its_own_way_fits_its_own_port() {
    // The tunnel's port takes 9000 octets and the packet's own 1500; there is no headroom.
    let mut spec = router();
    spec.profiles = vec![profile(ActionSpec::Encapsulate(encapsulate(
        KIND,
        8,
        tunnel(),
    )))];
    spec.ports[1].mtu = 9000;
    let mut bench = Bench::new(&spec);
    let packet = HeapPacket::new(&large(2000).frame(), 0);
    let (verdict, ..) = bench.carry(packet, 0, &moment());
    assert_eq!(verdict, Verdict::Drop(DropReason::OverMtu));
}

#[test]
fn headroom_is_used_to_the_last_octet_and_no_further() {
    for (placement, grows) in [(Placement::Inline, 24), (tunnel(), 64)] {
        let spec = head(placement, OverMtu::Skip);
        let mut bench = Bench::new(&spec);
        let sent = Packet::plain().frame();
        let (_, packet, _) = bench.carry(HeapPacket::new(&sent, grows), 0, &moment());
        assert_eq!(packet.headroom(), 0);
        assert_eq!(packet.bytes().len(), sent.len() + grows);
        assert_eq!(bench.noticed(), [""; 0]);
        let (verdict, packet, _) = bench.carry(HeapPacket::new(&sent, grows - 1), 0, &moment());
        assert_eq!(verdict, Verdict::Send(PortId(1)));
        let expected = HeapPacket::new(&Packet::plain().hops(63).frame(), grows - 1);
        assert_eq!(packet, expected);
        assert_eq!(bench.noticed(), ["encap_no_headroom"]);
    }
}

#[test]
fn nothing_is_encapsulated_towards_the_edge() {
    for placement in [Placement::Inline, tunnel()] {
        for policy in [EdgePolicy::Drop, EdgePolicy::Strip] {
            let mut spec = head(placement, OverMtu::Skip);
            spec.ports[1].side = Side::Edge(policy);
            let mut bench = Bench::new(&spec);
            let (_, frame) = bench.forward(&Packet::plain());
            assert_eq!(frame, Packet::plain().hops(63).frame());
            assert_eq!(bench.noticed(), ["encap_to_edge"]);
        }
    }
}

#[test]
fn what_comes_from_outside_may_be_encapsulated_for_the_inside() {
    let mut spec = head(Placement::Inline, OverMtu::Skip);
    spec.ports[0].side = Side::Edge(EdgePolicy::Drop);
    spec.ports[0].ioam = false;
    let own = Trace::new(123, KIND, 0, &OF_B);
    assert_becomes(&spec, &Packet::plain(), &Packet::traced(&[&own]));
}

#[test]
fn without_a_route_for_the_tunnel_the_packet_goes_as_it_is() {
    let mut spec = router();
    spec.profiles = vec![profile(ActionSpec::Encapsulate(encapsulate(
        KIND,
        8,
        tunnel(),
    )))];
    spec.forwarding = ForwardingSpec::Static {
        routes: vec![route("2001:db8:2::", 48, 2)],
        defaults: vec![],
        decrement_hop_limit: true,
    };
    let mut bench = Bench::new(&spec);
    let (port, frame) = bench.forward(&Packet::plain());
    assert_eq!(port, PortId(2));
    assert_eq!(frame[12..], Packet::plain().hops(63).frame()[12..]);
    assert_eq!(bench.noticed(), ["encap_no_route"]);
}

#[test]
fn without_any_route_it_is_not_the_tunnels_that_is_missing() {
    let mut spec = router();
    let what = encapsulate(KIND, 8, Placement::Inline);
    spec.profiles = vec![profile(ActionSpec::Encapsulate(what))];
    let mut bench = Bench::new(&spec);
    let out = bench.pass(&Packet::plain().to("2002::1").frame(), 0, &moment());
    assert_eq!(out.map(|_| ()), Err(DropReason::NoRoute));
    assert_eq!(bench.noticed(), [""; 0]);
}

#[test]
fn ioam_already_there_is_not_added_to() {
    let foreign = Trace {
        namespace: 0x0BAD,
        ..trace()
    };
    // In a tunnel another namespace would be another layer.
    for (placement, there) in [(Placement::Inline, foreign), (tunnel(), trace())] {
        let mut spec = head(placement, OverMtu::Skip);
        spec.ports[0].ioam = false;
        let sent = Packet::traced(&[&there]);
        let mut bench = Bench::new(&spec);
        let (_, frame) = bench.forward(&sent);
        assert_eq!(frame, sent.hops(63).frame());
        assert_eq!(bench.noticed(), ["encap_already_ioam"]);
    }
}
