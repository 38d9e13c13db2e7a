// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 3: where an option stands, and what may stand around it.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::packet::HeapPacket;
use ioam_dp::pipeline::Verdict;
use ioam_dp::port::PortId;
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::spec::*;

/// A trace is filled in a packet that `around` builds of the option's octets.
#[track_caller]
fn filled_in(trace: &Trace, element: &[u32], around: impl Fn(&[u8]) -> Packet) {
    let (before, after) = (trace.option(), trace.with_element(element).option());
    assert_becomes(&node(), &around(&before), &around(&after));
}

#[test]
fn rfc9486_3_a_trace_behind_another_option_is_filled() {
    filled_in(&trace(), &OF_B, |option| {
        Packet::behind(&options(UDP, &[&ALERT, &LEAD, option]))
    });
}

#[test]
fn rfc8200_4_2_pad1_has_no_length() {
    let three_words = Trace::new(123, 0x80_0000, 3, &[]);
    filled_in(&three_words, &[0x3F0B_0001], |option| {
        Packet::behind(&options(UDP, &[&[0, 0], option, &[1, 2, 0, 0]]))
    });
}

#[test]
fn rfc8200_4_2_what_padding_holds_does_not_matter() {
    filled_in(&trace(), &OF_B, |option| {
        Packet::behind(&options(UDP, &[&[1, 4, 9, 9, 9, 9], &[1, 2, 9, 9], option]))
    });
}

#[test]
fn rfc8200_4_2_padding_may_be_long() {
    let mut long = vec![1, 12];
    long.resize(14, 0);
    filled_in(&trace(), &OF_B, |option| {
        Packet::behind(&options(UDP, &[&long, option]))
    });
    let mut longest = vec![1, 255];
    longest.resize(257, 0);
    filled_in(&trace(), &OF_B, |option| {
        Packet::behind(&options(UDP, &[&longest, &[0; 5], option]))
    });
}

#[test]
fn rfc9486_3_an_option_not_at_a_multiple_of_four_is_left_alone() {
    let option = trace().option();
    for gap in [0, 1, 3, 4, 5] {
        let gap = vec![0; gap];
        let sent = Packet::behind(&options(UDP, &[&gap, &option]));
        assert_untouched(&node(), &sent, Notice::OptionAlignment);
        let strict = node_with(|spec| spec.policy.malformed = Malformed::Drop);
        assert_dropped(&strict, &sent, DropReason::Malformed);
    }
}

#[test]
fn rfc9486_3_a_trace_whose_data_must_not_change_is_not_changed() {
    let sent = Packet::traced(&[&Trace {
        number: 0x11,
        ..trace()
    }]);
    assert_untouched(&node(), &sent, Notice::OptionNumber);
}

#[test]
fn rfc8200_4_2_an_option_beyond_its_header_stops_everything() {
    // Nothing is done to the sound trace in front of it either.
    let broken = [0x31, 40, 0, 0, 0, 123, 0x10, 4];
    let sent = Packet::behind(&options(UDP, &[&LEAD, &trace().option(), &broken]));
    assert_untouched(&node(), &sent, Notice::HbhTlvOverrun);
    let sent = Packet::behind(&options(UDP, &[&LEAD, &[0x31, 40, 0, 0]]));
    assert_untouched(&node(), &sent, Notice::HbhTlvOverrun);
    let last_octet = Packet::behind(&[UDP, 0, 1, 3, 0, 0, 0, 0x31]);
    assert_untouched(&node(), &last_octet, Notice::HbhTlvOverrun);
}

#[test]
fn rfc8200_4_3_a_header_beyond_its_packet_is_not_read() {
    let mut header = hop_by_hop(&[&trace()]);
    header[1] = 40;
    assert_untouched(&node(), &Packet::behind(&header), Notice::HbhTruncated);
    // The frame goes on behind the packet, and the header into what is behind.
    let mut sent = Packet::traced(&[&trace()]);
    sent.payload_len = Some(24);
    assert_untouched(&node(), &sent, Notice::HbhOverrun);
}

#[test]
fn rfc8200_3_a_packet_longer_than_its_frame_is_not_worked_on() {
    let mut sent = Packet::traced(&[&trace()]);
    sent.payload_len = Some(sent.payload.len() as u16 + 1);
    assert_untouched(&node(), &sent, Notice::PacketTruncated);
}

#[test]
fn rfc8200_3_ethernet_padding_is_not_the_packets() {
    let tiny = Trace::new(123, 0x80_0000, 1, &[]);
    let header = |trace: &Trace| {
        let mut header = options(59, &[&LEAD, &trace.option()]);
        header[0] = 59;
        Packet::new(HOP_BY_HOP, &[&header])
    };
    let with_padding = |packet: Packet| [packet.frame(), vec![0xEE; 9]].concat();
    let sent = with_padding(header(&tiny));
    let expected = with_padding(header(&tiny.with_element(&[0x3F0B_0001])).hops(63));
    assert_frame(&node(), &sent, &moment(), &expected, &[]);
}

#[test]
fn rfc2675_2_a_jumbogram_is_left_alone() {
    let mut sent = Packet::behind(&options(UDP, &[&[0xC2, 4, 0, 1, 0, 0], &trace().option()]));
    sent.payload_len = Some(0);
    assert_untouched(&node(), &sent, Notice::Jumbogram);
    let strict = node_with(|spec| spec.policy.malformed = Malformed::Drop);
    assert_untouched(&strict, &sent, Notice::Jumbogram);
}

#[test]
fn rfc8200_4_1_a_hop_by_hop_header_elsewhere_is_not_one() {
    let inner = hop_by_hop(&[&trace()]);
    for first in [
        options(HOP_BY_HOP, &[&[1, 4, 0, 0, 0, 0]]),
        vec![HOP_BY_HOP, 0, 0, 1, 0, 0, 0, 9],
    ] {
        let next = if first[2] == 1 { DESTINATION } else { FRAGMENT };
        let sent = Packet::new(next, &[&first, &inner, &udp(1, 2)]);
        assert_becomes(&node(), &sent, &sent);
    }
    // In Destination Options it is none of a transit node's business.
    let sent = Packet::new(DESTINATION, &[&inner, &udp(1, 2)]);
    assert_becomes(&node(), &sent, &sent);
}

/// A sound trace in front of these octets, the first of which are of this kind.
fn traced_in_front_of(next: u8, behind: &[&[u8]]) -> impl Fn(&[u8]) -> Packet + use<> {
    let behind = behind.concat();
    move |option| {
        let header = options(next, &[&LEAD, option]);
        Packet::new(HOP_BY_HOP, &[&header, &behind])
    }
}

#[test]
fn rfc9486_5_1_authentication_behind_does_not_matter() {
    let mut ah = vec![UDP, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    ah.extend([0xA5; 12]);
    filled_in(&trace(), &OF_B, traced_in_front_of(AH, &[&ah, &udp(1, 2)]));
}

#[test]
fn rfc8200_4_5_every_fragment_is_filled() {
    for offset in [[0, 1], [5, 0xA9], [0xFF, 0xF8]] {
        let fragment = [UDP, 0, offset[0], offset[1], 0, 0, 0, 9];
        let packet = traced_in_front_of(FRAGMENT, &[&fragment, &udp(1, 2)]);
        filled_in(&trace(), &OF_B, packet);
    }
}

#[test]
fn rfc9486_3_other_headers_behind_stay_as_they_are() {
    let e2e = options(
        UDP,
        &[&LEAD, &[0x11, 10, 0, 3, 0, 123, 0x70, 0, 9, 9, 9, 9]],
    );
    let packet = traced_in_front_of(DESTINATION, &[&e2e, &udp(1, 2)]);
    filled_in(&trace(), &OF_B, packet);
    let first = options(ROUTING, &[&[1, 4, 0, 0, 0, 0]]);
    let mut routing = vec![UDP, 2, 4, 1, 0, 0, 0, 0];
    routing.extend(address(PEER).octets());
    let packet = traced_in_front_of(DESTINATION, &[&first, &routing, &udp(1, 2)]);
    filled_in(&trace(), &OF_B, packet);
    let tcp = [0x50; 20];
    filled_in(&trace(), &OF_B, traced_in_front_of(6, &[&tcp]));
    filled_in(&trace(), &OF_B, traced_in_front_of(59, &[]));
}

#[test]
fn rfc9486_3_tags_are_seen_through() {
    for tags in [&[0x8100][..], &[0x88A8, 0x8100], &[0x9100, 0x8100]] {
        let sent = Packet::traced(&[&trace()]).tagged(tags);
        let filled = Packet::traced(&[&trace().with_element(&OF_B)]);
        let expected = filled.hops(63).tagged(tags);
        assert_frame(&node(), &sent, &moment(), &expected, &[]);
    }
}

#[test]
fn rfc9486_4_c2_a_port_without_ioam_ignores_every_option() {
    let broken = Trace {
        node_len: 9,
        remaining: 99,
        option_len: Some(77),
        ..trace()
    };
    let mut spec = node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
    spec.policy.malformed = Malformed::Drop;
    spec.ports[0].ioam = false;
    for sent in [
        Packet::traced(&[&trace()]),
        Packet::traced(&[&broken]),
        Packet::plain().tunnelled(&[&trace()]),
        Packet::behind(&options(UDP, &[&trace().option()])),
    ] {
        assert_becomes(&spec, &sent, &sent);
    }
}

#[test]
fn rfc9486_4_c2_it_is_the_port_of_arrival_that_decides() {
    let mut spec = node();
    spec.ports[1].ioam = false;
    let filled = trace().with_element(&OF_B);
    assert_becomes(
        &spec,
        &Packet::traced(&[&trace()]),
        &Packet::traced(&[&filled]),
    );
}

#[test]
fn rfc9486_3_a_chain_of_buffers_is_counted_and_left_alone() {
    let sent = Packet::traced(&[&trace()]);
    let mut bench = Bench::new(&node());
    let chained = HeapPacket::new(&sent.frame(), 64).into_chained();
    let (verdict, packet, _) = bench.carry(chained, 0, &moment());
    assert_eq!(verdict, Verdict::Send(PortId(1)));
    let expected = HeapPacket::new(&sent.hops(63).frame(), 64).into_chained();
    assert_eq!(packet, expected);
    assert_eq!(bench.counted(), [(Notice::MultiSegment, 1)]);
}

#[test]
fn rfc9486_4_what_is_no_ipv6_passes_a_wire_as_it_is() {
    for (ether_type, payload) in [
        (0x0800, &[0x45; 60][..]),
        (0x0806, &[1; 46]),
        (0x86DD, &[0x45; 60]),
        (0x86DD, &[0x60; 39]),
        (0x88CC, &[]),
    ] {
        let sent = frame(&[], ether_type, payload);
        assert_frame(&node(), &sent, &moment(), &sent, &[]);
    }
}
