// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Packets that cannot go on, and the `ICMPv6` errors about them (RFC 4443).

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use crate::router;
use ioam_dp::moment::Moment;
use ioam_dp::port::PortId;
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::spec::*;
use ioam_dp::timestamp::WallTime;

const ROUTER: &str = "2001:db8::b";

/// Node B that answers from port 0.
fn answering() -> NodeSpec {
    node_with(|spec| spec.ports[0].address = Some(address(ROUTER)))
}

/// The ones' complement sum over pseudo-header and message; 0xFFFF when the checksum is right.
fn checksum_sum(packet: &[u8]) -> u16 {
    let message = &packet[IPV6..];
    let mut octets = packet[8..40].to_vec();
    octets.extend((message.len() as u32).to_be_bytes());
    octets.extend([0, 0, 0, packet[6]]);
    octets.extend(message);
    octets.resize(octets.len().next_multiple_of(2), 0);
    let words = octets
        .chunks(2)
        .map(|w| u32::from(w[0]) << 8 | u32::from(w[1]));
    let mut sum: u32 = words.sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    sum as u16
}

/// The frame is an error of this type about `about`, from the router back to where it came from.
#[track_caller]
fn is_error(frame: &[u8], l3: usize, kind: u8, word: u32, about: &[u8]) {
    assert_eq!(frame[..6], [2, 0, 0, 0, 0, 0xA1], "to the previous hop");
    assert_eq!(frame[6..12], [2, 0, 0, 0, 0xB, 0], "from the port");
    let packet = &frame[l3..];
    assert_eq!(packet[0] >> 4, 6);
    assert_eq!(
        usize::from(u16::from_be_bytes([packet[4], packet[5]])),
        packet.len() - IPV6
    );
    assert_eq!((packet[6], packet[7]), (ICMPV6, 64));
    assert_eq!(packet[8..24], address(ROUTER).octets());
    assert_eq!(packet[24..40], about[8..24]);
    assert_eq!((packet[40], packet[41]), (kind, 0));
    assert_eq!(packet[44..48], word.to_be_bytes());
    let quoted = about.len().min(1280 - 48);
    assert_eq!(hex(&packet[48..]), hex(&about[..quoted]));
    assert_eq!(checksum_sum(packet), 0xFFFF);
}

#[test]
fn an_expired_packet_is_answered_with_itself_unfilled() {
    for hop_limit in [0, 1] {
        let sent = Packet::traced(&[&trace()]).hops(hop_limit);
        let mut bench = Bench::new(&answering());
        let (port, frame) = bench.forward(&sent);
        assert_eq!(port, PortId(0));
        is_error(&frame, ETHERNET, 3, 0, &sent.octets());
        assert_eq!(bench.stats.drops(DropReason::HopLimitExceeded), 1);
        assert_eq!(bench.noticed(), ["icmp_sent"]);
        assert_eq!(bench.stats.namespaces[1].filled.get(), 0);
    }
}

#[test]
fn an_error_is_no_larger_than_the_minimum_mtu() {
    for octets in [1231, 1232, 1233, 1500] {
        let sent = Packet::new(UDP, &[&vec![0x5A; octets - 40]]).hops(1);
        let (_, frame) = Bench::new(&answering()).forward(&sent);
        is_error(&frame, ETHERNET, 3, 0, &sent.octets());
        assert!(frame.len() <= ETHERNET + 1280);
    }
}

#[test]
fn an_error_keeps_the_tags_and_leaves_out_ethernet_padding() {
    for tags in [&[0x8100][..], &[0x88A8, 0x8100]] {
        let sent = Packet::plain().hops(1);
        let frame = [sent.tagged(tags), vec![0xEE; 9]].concat();
        let (_, frame) = Bench::new(&answering())
            .pass(&frame, 0, &moment())
            .expect("answered");
        let l3 = ETHERNET + 4 * tags.len();
        assert_eq!(frame[12..l3], sent.tagged(tags)[12..l3]);
        is_error(&frame, l3, 3, 0, &sent.octets());
    }
}

#[test]
fn a_packet_larger_than_the_link_is_answered_with_its_mtu() {
    let mut spec = answering();
    spec.ports[1].mtu = 1400;
    let sized = |octets: usize| Packet::new(UDP, &[&vec![0x5A; octets - 40]]);
    let mut bench = Bench::new(&spec);
    let (port, _) = bench.forward(&sized(1400));
    assert_eq!(port, PortId(1));
    let (port, frame) = bench.forward(&sized(1401));
    assert_eq!(port, PortId(0));
    assert_eq!((frame[54], frame[55]), (2, 0));
    assert_eq!(frame[58..62], 1400u32.to_be_bytes());
    assert_eq!(checksum_sum(&frame[ETHERNET..]), 0xFFFF);
    assert_eq!(bench.stats.drops(DropReason::OverMtu), 1);
    assert_eq!(bench.noticed(), ["icmp_sent"]);
}

#[test]
fn a_packet_too_large_is_not_filled_before_it_is_quoted() {
    let mut spec = answering();
    spec.ports[1].mtu = 80;
    let sent = Packet::traced(&[&trace()]);
    let mut bench = Bench::new(&spec);
    let (_, frame) = bench.forward(&sent);
    assert_eq!(hex(&frame[ETHERNET + 48 + 40..]), hex(&sent.octets()[40..]));
    assert_eq!(bench.stats.namespaces[1].filled.get(), 0);
}

#[test]
fn errors_are_so_many_a_second_and_no_more() {
    let mut spec = answering();
    spec.policy.icmp_errors_per_second = 3;
    let mut bench = Bench::new(&spec);
    let expired = Packet::plain().hops(1).frame();
    let mut sent_at = |ms: u64, packets: u64| {
        let time = WallTime::from_nanoseconds(1_723_560_226_000_000_000 + ms * 1_000_000);
        let moment = Moment::at(Some(time));
        (0..packets)
            .filter(|_| bench.pass(&expired, 0, &moment).is_ok())
            .count()
    };
    assert_eq!(sent_at(0, 10), 3);
    assert_eq!(sent_at(300, 10), 0);
    assert_eq!(sent_at(400, 10), 1);
    assert_eq!(sent_at(60_000, 10), 3);
    assert_eq!(bench.stats.notices(Notice::IcmpSent), 7);
    assert_eq!(bench.stats.notices(Notice::IcmpSuppressed), 33);
    assert_eq!(bench.stats.drops(DropReason::HopLimitExceeded), 40);
}

#[test]
fn errors_can_be_turned_off() {
    let mut spec = answering();
    spec.policy.icmp_errors_per_second = 0;
    let mut bench = Bench::new(&spec);
    let out = bench.pass(&Packet::plain().hops(1).frame(), 0, &moment());
    assert_eq!(out.map(|_| ()), Err(DropReason::HopLimitExceeded));
    assert_eq!(bench.noticed(), ["icmp_suppressed"]);
}

#[test]
fn a_node_without_a_clock_goes_on_answering_at_a_modest_pace() {
    // No time passes that it knows of, so the first second's worth is all there is.
    let mut spec = answering();
    spec.policy.icmp_errors_per_second = 5;
    let mut bench = Bench::new(&spec);
    let expired = Packet::plain().hops(1).frame();
    let unknown = Moment::at(None);
    let answered = (0..9).filter(|_| bench.pass(&expired, 0, &unknown).is_ok());
    assert_eq!(answered.count(), 5);
}

#[test]
fn what_may_not_be_answered_is_only_dropped() {
    let expired = Packet::plain().hops(1);
    let icmp = |kind: u8| Packet::new(ICMPV6, &[&[kind, 0, 0, 0, 0, 0, 0, 0]]).hops(1);
    let fragment = [ICMPV6, 0, 0, 8, 0, 0, 0, 9];
    for sent in [
        icmp(1),
        icmp(2),
        icmp(3),
        icmp(4),
        icmp(127),
        icmp(137),
        Packet::new(ICMPV6, &[]).hops(1),
        Packet::new(FRAGMENT, &[&fragment, &[0; 8]]).hops(1),
        expired.from("::"),
        expired.from("ff02::1"),
    ] {
        let mut bench = Bench::new(&answering());
        let out = bench.pass(&sent.frame(), 0, &moment());
        assert_eq!(out.map(|_| ()), Err(DropReason::HopLimitExceeded));
        assert_eq!(bench.noticed(), ["icmp_not_allowed"]);
    }
    let mut bench = Bench::new(&node());
    assert!(bench.pass(&expired.frame(), 0, &moment()).is_err());
    assert_eq!(bench.noticed(), ["icmp_not_allowed"]);
    let (_, frame) = Bench::new(&answering()).forward(&icmp(128));
    is_error(&frame, ETHERNET, 3, 0, &icmp(128).octets());
}

#[test]
fn an_error_behind_an_authentication_header_is_not_answered() {
    let mut ah = vec![ICMPV6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    ah.extend([0xA5; 12]);
    let sent = Packet::new(AH, &[&ah, &[1, 0, 0, 0, 0, 0, 0, 0]]).hops(1);
    let mut bench = Bench::new(&answering());
    let out = bench.pass(&sent.frame(), 0, &moment());
    assert_eq!(out.map(|_| ()), Err(DropReason::HopLimitExceeded));
}

#[test]
fn an_error_is_answered_by_the_way_it_came_whatever_the_routes() {
    let mut spec = router();
    spec.ports[0].address = Some(address(ROUTER));
    let sent = Packet::plain().hops(1);
    let (port, frame) = Bench::new(&spec).forward(&sent);
    assert_eq!(port, PortId(0));
    is_error(&frame, ETHERNET, 3, 0, &sent.octets());
}

#[test]
fn a_packet_that_expires_behind_its_tunnel_is_answered_without_the_tunnel() {
    let mut spec = node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
    spec.ports[0].address = Some(address(ROUTER));
    let inner = Packet::plain().hops(1);
    let mut bench = Bench::new(&spec);
    let (_, frame) = bench.forward(&inner.tunnelled(&[&trace()]));
    is_error(&frame, ETHERNET, 3, 0, &inner.octets());
    assert_eq!(bench.records.len(), 1);
}

#[test]
fn a_packet_that_expires_is_not_encapsulated() {
    for placement in [Placement::Inline, tunnel()] {
        let mut spec = node_that(ActionSpec::Encapsulate(encapsulate(KIND, 4, placement)));
        spec.ports[0].address = Some(address(ROUTER));
        let sent = Packet::plain().hops(1);
        let mut bench = Bench::new(&spec);
        let (_, frame) = bench.forward(&sent);
        is_error(&frame, ETHERNET, 3, 0, &sent.octets());
        assert_eq!(bench.stats.profiles[0].done.get(), 0);
    }
}
