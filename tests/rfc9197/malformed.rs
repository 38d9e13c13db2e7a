// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Options that are not what they say (section 4.4.1): nothing is read or written beyond them, and
//! each has its counter.

use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::packet::PacketBuf;
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::spec::*;

/// By default the packet goes on untouched; with `malformed: drop` it is dropped.
#[track_caller]
fn malformed(sent: &Packet, notice: Notice) {
    assert_untouched(&node(), sent, notice);
    let strict = node_with(|spec| spec.policy.malformed = Malformed::Drop);
    assert_dropped(&strict, sent, DropReason::Malformed);
}

/// The packet goes on untouched whatever the setting: there is nothing wrong with it.
#[track_caller]
fn foreign(sent: &Packet, notice: Notice) {
    assert_untouched(&node(), sent, notice);
    let strict = node_with(|spec| spec.policy.malformed = Malformed::Drop);
    assert_untouched(&strict, sent, notice);
}

#[test]
fn rfc9197_4_4_1_node_len_other_than_the_types_is_not_trusted() {
    for (kind, node_len) in [
        (KIND, 0),
        (KIND, 1),
        (KIND, 3),
        (KIND, 31),
        (0xFF_FFFC, 0),
        (0xFF_FFFC, 24),
        (0x00_E000, 3),
        (0x00_0002, 1),
        (0x00_0001, 1),
    ] {
        let sent = Trace {
            node_len,
            ..Trace::new(123, kind, 40, &[])
        };
        malformed(&Packet::traced(&[&sent]), Notice::TraceNodeLen);
    }
}

#[test]
fn rfc9197_4_4_1_remaining_len_beyond_the_option_adds_nothing() {
    for remaining in [5, 6, 61, 127] {
        let sent = Trace {
            remaining,
            ..Trace::new(123, KIND, 4, &[])
        };
        malformed(&Packet::traced(&[&sent]), Notice::TraceRemainingLen);
    }
}

#[test]
fn rfc9197_4_4_1_a_trace_shorter_than_its_header_is_not_read() {
    for len in 2..10 {
        let mut option = trace().option();
        option.truncate(2 + usize::from(len));
        option[1] = len;
        let sent = Packet::behind(&options(UDP, &[&LEAD, &option]));
        malformed(&sent, Notice::TraceShort);
    }
}

#[test]
fn rfc9197_4_4_1_an_option_without_a_type_is_not_read() {
    for option in [&[0x31, 0][..], &[0x31, 1, 0]] {
        let sent = Packet::behind(&options(UDP, &[&LEAD, option]));
        malformed(&sent, Notice::OptionShort);
    }
}

#[test]
fn rfc9197_4_4_1_stray_octets_behind_the_words_are_noticed() {
    for stray in 1..4 {
        let mut sent = trace();
        sent.space.extend(vec![0xEE; stray]);
        malformed(&Packet::traced(&[&sent]), Notice::TraceLength);
    }
}

#[test]
fn rfc9197_4_4_1_a_type_that_asks_for_nothing_adds_nothing() {
    for (kind, free) in [(0, 4), (1, 4), (0, 0), (1, 0)] {
        let sent = Packet::traced(&[&Trace::new(123, kind, free, &[])]);
        assert_untouched(&node(), &sent, Notice::TraceEmpty);
    }
}

#[test]
fn rfc9197_4_2_option_types_not_understood_are_ignored() {
    // Incremental traces are not for IPv6, and edge-to-edge options have nothing for transit.
    for ioam_type in [1, 3] {
        let sent = Packet::traced(&[&Trace {
            ioam_type,
            ..trace()
        }]);
        foreign(&sent, Notice::OptionTypeUnsupported);
    }
    for ioam_type in [5, 63, 64, 67, 127, 200, 255] {
        let sent = Packet::traced(&[&Trace {
            ioam_type,
            ..trace()
        }]);
        foreign(&sent, Notice::OptionTypeUnknown);
    }
}

#[test]
fn rfc9197_4_3_another_namespaces_trace_is_not_judged() {
    let wrong = Trace {
        namespace: 0x0BAD,
        node_len: 9,
        remaining: 99,
        ..trace()
    };
    foreign(&Packet::traced(&[&wrong]), Notice::NamespaceUnknown);
}

#[test]
fn rfc9197_4_4_1_each_malformed_option_of_a_packet_is_counted() {
    let (first, second) = (
        Trace {
            node_len: 9,
            ..trace()
        },
        Trace {
            remaining: 99,
            ..trace()
        },
    );
    let sent = Packet::traced(&[&first, &second, &first]);
    let expected = sent.hops(63).frame();
    let notices = [(Notice::TraceRemainingLen, 1), (Notice::TraceNodeLen, 2)];
    assert_frame(&node(), &sent.frame(), &moment(), &expected, &notices);
}

#[test]
fn rfc9197_4_4_1_the_longest_option_does_not_wrap_around() {
    // Opt Data Len 255 leaves 245 octets behind the trace header, which are no words.
    let mut sent = Trace::new(123, KIND, 61, &[]);
    sent.space.push(0xEE);
    malformed(&Packet::traced(&[&sent]), Notice::TraceLength);
    // The longest header, with a trace of 28 octets at its very end.
    let filler = |octets: usize| {
        let mut option = vec![0x1E, (octets - 2) as u8];
        option.resize(octets, 0);
        option
    };
    let (most, rest) = (filler(257), filler(2048 - 2 - 7 * 257 - 28));
    let mut list = vec![&most[..]; 7];
    list.push(&rest);
    let small = Trace::new(123, 0x80_0000, 4, &[]);
    let (before, filled) = (small.option(), small.with_element(&[0x3F0B_0001]).option());
    let header = |option: &[u8]| options(UDP, &[&list[..], &[option]].concat());
    assert_eq!(header(&before)[1], 255);
    let mtu = node_with(|spec| spec.ports.iter_mut().for_each(|port| port.mtu = 9000));
    assert_becomes(
        &mtu,
        &Packet::behind(&header(&before)),
        &Packet::behind(&header(&filled)),
    );
}

#[test]
fn rfc9197_4_4_1_a_frame_cut_anywhere_is_never_read_beyond() {
    let whole = Packet::traced(&[&trace(), &trace()]).frame();
    for len in 0..whole.len() {
        let mut bench = crate::common::Bench::new(&node());
        let packet = ioam_dp::packet::HeapPacket::new(&whole[..len], 0);
        let (_, packet, _) = bench.carry(packet, 0, &moment());
        let mut expected = whole[..len].to_vec();
        if len >= EXTENSIONS {
            expected[21] = 63;
        }
        assert_eq!(hex(packet.bytes()), hex(&expected), "cut at {len}");
    }
}
