// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Any frame through any node, and what a node in transit may change.

use super::any::*;
use crate::common::Bench;
use crate::common::frames::*;
use ioam_dp::packet::{HeapPacket, PacketBuf};
use ioam_dp::pipeline::Verdict;
use ioam_dp::port::PortId;
use ioam_dp::stats::DropReason;
use ioam_dp::table::spec::*;
use proptest::prelude::*;

/// Octets that a node adds at most: an outer header, a trace, a proof of transit and two direct
/// exports in its first extension header, an edge-to-edge option in its second.
const MOST: usize = 40 + (8 + 256 + 24 + 2 * 20) + 32;

fn bounded(spec: &NodeSpec, sent: &[u8], headroom: usize, chained: bool, port: u8) {
    let mut bench = Bench::new(spec);
    let mut packet = HeapPacket::new(sent, headroom);
    if chained {
        packet = packet.into_chained();
    }
    let moment = moment();
    let (verdict, packet, _) = bench.carry(packet, port, &moment);
    assert!(packet.bytes().len() <= sent.len() + MOST);
    assert!(packet.headroom() + packet.bytes().len() <= headroom + sent.len());
    let dropped: u64 = DropReason::ALL.iter().map(|r| bench.stats.drops(*r)).sum();
    match verdict {
        Verdict::Send(PortId(port)) => assert!(usize::from(port) < spec.ports.len()),
        Verdict::Drop(reason) => assert_eq!((dropped, bench.stats.drops(reason)), (1, 1)),
    }
    assert!(dropped <= 1);
}

/// Where the options of this type, which nodes in transit change, begin in a sound packet, each with
/// its length.
fn changing_at(frame: &[u8], sent: &Packet, ioam_type: u8) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    if sent.next != HOP_BY_HOP {
        return found;
    }
    let end = EXTENSIONS + 8 * (usize::from(frame[EXTENSIONS + 1]) + 1);
    let mut at = EXTENSIONS + 2;
    while at < end {
        if frame[at] == 0 {
            at += 1;
            continue;
        }
        let len = 2 + usize::from(frame[at + 1]);
        if frame[at] == 0x31 && frame[at + 3] == ioam_type {
            found.push((at, len));
        }
        at += len;
    }
    found
}

/// The octets that a transit node may change: hop limit, and of each trace flags, RemainingLen and
/// the space behind its header, of each proof of transit the cumulative.
fn changeable(frame: &[u8], sent: &Packet) -> Vec<bool> {
    let mut may = vec![false; frame.len()];
    may[ETHERNET + 7] = true;
    for (at, len) in changing_at(frame, sent, 0) {
        may[at + 6..at + 8].fill(true);
        may[at + 12..at + len].fill(true);
    }
    for (at, len) in changing_at(frame, sent, 2) {
        may[at + 16..at + len].fill(true);
    }
    may
}

/// Each trace's NodeLen and flags, and its RemainingLen.
fn lengths(frame: &[u8], sent: &Packet) -> Vec<(u16, u16)> {
    let traces = changing_at(frame, sent, 0).into_iter();
    let words = traces.map(|(at, _)| u16::from_be_bytes([frame[at + 6], frame[at + 7]]));
    words.map(|word| (word & 0xFF80, word & 0x7F)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_octets_through_any_node(
        spec in nodes(),
        sent in proptest::collection::vec(any::<u8>(), 0..200),
        headroom in 0..400usize,
        port in 0..3u8,
    ) {
        bounded(&spec, &sent, headroom, false, port);
        let ipv6 = frame(&[], 0x86DD, &sent);
        bounded(&spec, &ipv6, headroom, false, port);
    }

    #[test]
    fn any_damaged_frame_through_any_node(
        spec in nodes(),
        sent in damaged_frames(),
        headroom in prop_oneof![Just(512), 0..400usize],
        chained in proptest::bool::weighted(0.1),
        port in 0..3u8,
    ) {
        bounded(&spec, &sent, headroom, chained, port);
    }

    #[test]
    fn in_transit_nothing_changes_but_hop_limit_and_traces(
        node_spec in nodes(),
        sent in packets(),
        moment in moments(),
    ) {
        let spec = NodeSpec {
            profiles: vec![],
            ports: vec![wide(0), wide(1)],
            forwarding: ForwardingSpec::Wire {
                pairs: vec![(0, 1)],
                decrement_hop_limit: node_spec.seed & 1 == 1,
            },
            ..node_spec
        };
        let before = sent.frame();
        if let Ok((_, after)) = Bench::new(&spec).pass(&before, 0, &moment) {
            prop_assert_eq!(before.len(), after.len());
            let may = changeable(&before, &sent);
            for at in 0..before.len() {
                prop_assert!(may[at] || before[at] == after[at], "octet {} changed", at);
            }
            let lengths = |frame: &[u8]| lengths(frame, &sent);
            for ((old, room), (new, left)) in lengths(&before).into_iter().zip(lengths(&after)) {
                prop_assert!(left <= room, "RemainingLen grew");
                // O may be set, then nothing is used; nothing else of the word changes.
                prop_assert!(new == old || (new == old | 0x0400 && left == room));
            }
        }
    }

    #[test]
    fn every_error_has_its_checksum(sent in packets(), mtu in 68..1500u16) {
        let mut spec = node();
        spec.ports[0].address = Some(address("2001:db8::b"));
        spec.ports[1].mtu = mtu;
        let mut bench = Bench::new(&spec);
        if let Ok((PortId(0), frame)) = bench.pass(&sent.frame(), 0, &moment()) {
            let packet = &frame[ETHERNET..];
            prop_assert_eq!(packet[6], ICMPV6);
            prop_assert!(packet.len() <= 1280);
            prop_assert_eq!(sum(packet), 0xFFFF);
            prop_assert_eq!(&packet[24..40], &sent.source.octets());
        }
    }
}

fn wide(number: u8) -> PortSpec {
    PortSpec {
        mtu: u16::MAX,
        ..port(number)
    }
}

/// The ones' complement sum of an `ICMPv6` packet and its pseudo-header.
fn sum(packet: &[u8]) -> u16 {
    let message = &packet[IPV6..];
    let mut octets = packet[8..40].to_vec();
    octets.extend((message.len() as u32).to_be_bytes());
    octets.extend([0, 0, 0, ICMPV6]);
    octets.extend(message);
    octets.resize(octets.len().next_multiple_of(2), 0);
    let words = octets
        .chunks(2)
        .map(|w| u32::from(w[0]) << 8 | u32::from(w[1]));
    let mut total: u32 = words.sum();
    while total > 0xFFFF {
        total = (total & 0xFFFF) + (total >> 16);
    }
    total as u16
}
