// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the kernel drops, ignores and fills on input (`ipv6_hop_ioam`, `ioam6_fill_trace_data`).

use super::linux;
use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::moment::Moment;
use ioam_dp::stats::DropReason;
use ioam_dp::table::spec::*;

/// Dropped, for this reason of detail.
#[track_caller]
fn refused(sent: &Packet, notice: &str) {
    refused_by(&linux(), sent, notice);
}

#[track_caller]
fn refused_by(spec: &NodeSpec, sent: &Packet, notice: &str) {
    let mut bench = Bench::new(spec);
    let out = bench.pass(&sent.frame(), 0, &moment());
    assert_eq!(out.map(|_| ()), Err(DropReason::Malformed), "{notice}");
    assert_eq!(bench.noticed(), [notice]);
    assert_eq!(bench.stats.notices(ioam_dp::stats::Notice::IcmpSent), 0);
}

/// Forwarded, and nothing changed but the hop limit.
#[track_caller]
fn ignored(spec: &NodeSpec, sent: &Packet) {
    let (_, frame) = Bench::new(spec).forward(sent);
    assert_eq!(hex(&frame), hex(&sent.hops(sent.hop_limit - 1).frame()));
}

#[track_caller]
fn filled(sent: &Trace, element: &[u32]) {
    let expected = Packet::traced(&[&sent.with_element(element)]);
    assert_becomes(&linux(), &Packet::traced(&[sent]), &expected);
}

/// The header with the trace at this offset.
fn at_offset(offset: usize) -> Packet {
    let gap = vec![0; offset - 2];
    Packet::behind(&options(UDP, &[&gap, &trace().option()]))
}

fn disabled() -> NodeSpec {
    let mut spec = linux();
    spec.ports[0].ioam = false;
    spec
}

#[test]
fn an_option_not_at_a_multiple_of_four_is_dropped_with_ioam_disabled_too() {
    for offset in [2, 3, 5, 6, 7] {
        refused(&at_offset(offset), "option_alignment");
        refused_by(&disabled(), &at_offset(offset), "option_alignment");
    }
    filled(&trace(), &OF_B);
}

#[test]
fn a_disabled_interface_ignores_everything_else() {
    for sent in [
        trace(),
        Trace {
            node_len: 9,
            ..trace()
        },
        Trace {
            remaining: 99,
            ..trace()
        },
    ] {
        ignored(&disabled(), &Packet::traced(&[&sent]));
    }
    let short = Packet::behind(&options(UDP, &[&LEAD, &[0x31, 0], &[0, 0]]));
    ignored(&disabled(), &short);
}

#[test]
fn an_option_shorter_than_its_head_is_dropped() {
    for option in [&[0x31, 0][..], &[0x31, 1, 0]] {
        let sent = Packet::behind(&options(UDP, &[&LEAD, option]));
        refused(&sent, "option_short");
    }
}

#[test]
fn another_option_type_is_ignored_whatever_its_length() {
    for ioam_type in [1, 2, 3, 4, 5, 64, 255] {
        let sent = Trace {
            ioam_type,
            node_len: 9,
            ..trace()
        };
        ignored(&linux(), &Packet::traced(&[&sent]));
        let short = options(UDP, &[&LEAD, &[0x31, 2, 0, ioam_type]]);
        ignored(&linux(), &Packet::behind(&short));
    }
}

#[test]
fn a_trace_shorter_than_its_header_is_dropped() {
    for len in 2..10 {
        let mut option = trace().option();
        option.truncate(2 + usize::from(len));
        option[1] = len;
        refused(
            &Packet::behind(&options(UDP, &[&LEAD, &option])),
            "trace_short",
        );
    }
}

#[test]
fn more_remaining_than_there_is_is_dropped_and_less_is_filled() {
    for namespace in [123, 0x0BAD] {
        let sent = Trace {
            namespace,
            remaining: 7,
            ..trace()
        };
        refused(&Packet::traced(&[&sent]), "trace_remlen");
    }
    let slack = Trace {
        remaining: 3,
        ..Trace::new(123, KIND, 10, &[])
    };
    filled(&slack, &OF_B);
    let mut stray = trace();
    stray.space.extend([0xEE; 2]);
    filled(&stray, &OF_B);
}

#[test]
fn another_node_len_than_the_types_is_dropped_even_if_nothing_would_be_filled() {
    for sent in [
        trace(),
        trace().overflowed(),
        Trace {
            namespace: 0x0BAD,
            ..trace()
        },
    ] {
        let sent = Trace {
            node_len: 3,
            ..sent
        };
        refused(&Packet::traced(&[&sent]), "trace_nodelen");
    }
    let undefined = Trace {
        node_len: 0,
        ..Trace::new(123, 0xFF_FFFC, 40, &[])
    };
    refused(&Packet::traced(&[&undefined]), "trace_nodelen");
}

#[test]
fn an_unknown_namespace_is_ignored() {
    for namespace in [0x0BAD, 0xFFFF] {
        let sent = Trace {
            namespace,
            ..trace()
        };
        ignored(&linux(), &Packet::traced(&[&sent]));
    }
}

#[test]
fn the_other_option_number_is_an_option_like_any_other() {
    // Of 0x11 the kernel knows nothing, so that nothing about it can be wrong.
    let immutable = Trace {
        number: 0x11,
        ..trace()
    };
    ignored(&linux(), &Packet::traced(&[&immutable]));
    let misplaced = options(UDP, &[&immutable.option()]);
    ignored(&linux(), &Packet::behind(&misplaced));
    let short = options(UDP, &[&LEAD, &[0x11, 0], &[0, 0]]);
    ignored(&linux(), &Packet::behind(&short));
}

#[test]
fn padding_is_at_most_seven_octets_of_zero() {
    let behind = |gap: &[u8], trace: &Trace| {
        let header = options(UDP, &[gap, &trace.option()]);
        Packet::behind(&header)
    };
    // Seven in a row, be it in two options, and again behind another option.
    let filled = trace().with_element(&OF_B);
    for gap in [
        &[0x1E, 1, 9, 1, 5, 0, 0, 0, 0, 0][..],
        &[0x1E, 1, 9, 0, 1, 4, 0, 0, 0, 0],
        &[1, 4, 0, 0, 0, 0, 0x1E, 1, 9, 1, 3, 0, 0, 0],
    ] {
        assert_becomes(&linux(), &behind(gap, &trace()), &behind(gap, &filled));
    }
    for gap in [
        &[1, 8, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &[0x1E, 0, 1, 6, 0, 0, 0, 0, 0, 0],
        &[0; 10],
        &[1, 4, 0, 0, 0, 1],
    ] {
        refused(&behind(gap, &trace()), "hbh_refused");
        refused_by(&disabled(), &behind(gap, &trace()), "hbh_refused");
    }
}

#[test]
fn eight_options_are_read_and_nine_are_not() {
    let other: &[u8] = &[0x1E, 2, 0, 0];
    let with = |others: usize, option: &[u8]| {
        let mut list = vec![&LEAD[..]];
        list.extend(vec![other; others]);
        list.push(option);
        Packet::behind(&options(UDP, &list))
    };
    let (before, after) = (trace().option(), trace().with_element(&OF_B).option());
    assert_becomes(&linux(), &with(7, &before), &with(7, &after));
    refused(&with(8, &before), "hbh_refused");
}

#[test]
fn an_option_beyond_its_header_and_a_header_beyond_its_packet_are_dropped() {
    let overrun = options(UDP, &[&LEAD, &[0x31, 40, 0, 0]]);
    refused(&Packet::behind(&overrun), "hbh_tlv_overrun");
    refused_by(&disabled(), &Packet::behind(&overrun), "hbh_tlv_overrun");
    let mut header = hop_by_hop(&[&trace()]);
    header[1] = 40;
    refused(&Packet::behind(&header), "hbh_truncated");
    let mut sent = Packet::traced(&[&trace()]);
    sent.payload_len = Some(24);
    refused(&sent, "hbh_overrun");
}

#[test]
fn only_a_header_right_behind_ipv6_is_looked_at() {
    let overrun = options(UDP, &[&LEAD, &[0x31, 40, 0, 0]]);
    ignored(&linux(), &Packet::new(DESTINATION, &[&overrun, &udp(1, 2)]));
    let inner = Packet::behind(&overrun).octets();
    ignored(&linux(), &Packet::new(IP6, &[&inner]));
}

#[test]
fn a_type_that_asks_for_nothing_overflows_where_there_is_no_room() {
    for kind in [0, 1] {
        let empty = Trace::new(123, kind, 0, &[]);
        let expected = Packet::traced(&[&empty.overflowed()]);
        assert_becomes(&linux(), &Packet::traced(&[&empty]), &expected);
        ignored(&linux(), &Packet::traced(&[&Trace::new(123, kind, 4, &[])]));
    }
}

#[test]
fn no_room_overflows_and_an_overflow_seen_stays() {
    for free in [0, 1] {
        let sent = Trace::new(123, KIND, free, &OF_A);
        let expected = Packet::traced(&[&sent.overflowed()]);
        assert_becomes(&linux(), &Packet::traced(&[&sent]), &expected);
    }
    ignored(&linux(), &Packet::traced(&[&trace().overflowed()]));
}

#[test]
fn every_trace_of_a_packet_is_filled() {
    let mut spec = linux();
    spec.namespaces.push(NamespaceSpec::plain(7));
    let seven = Trace {
        namespace: 7,
        ..trace()
    };
    let all = [&trace(), &seven, &trace()];
    let filled = all.map(|trace| trace.with_element(&OF_B));
    let expected = Packet::traced(&[&filled[0], &filled[1], &filled[2]]);
    assert_becomes(&spec, &Packet::traced(&all), &expected);
}

#[test]
fn flags_and_reserved_bits_stay_as_they_are() {
    for flags in 0..8 {
        let sent = Trace {
            flags,
            reserved: 0xFF,
            option_reserved: 0xFF,
            ..Trace::new(123, KIND | 1, 4, &OF_A)
        };
        filled(&sent, &OF_B);
    }
}

#[test]
fn what_the_kernel_never_measures_is_all_ones() {
    for (kind, field) in [
        (0x08_0000, u32::MAX),
        (0x01_0000, u32::MAX),
        (0x00_1000, u32::MAX),
        (0x00_0800, u32::MAX),
        (0x00_0004, u32::MAX),
        (0x02_0000, 16),
        (0x10_0000, 123_456),
        (0x20_0000, 1_723_560_226),
        (0x00_0002, 0x00FF_FFFF),
    ] {
        filled(&Trace::new(123, kind, 1, &[]), &[field]);
    }
}

#[test]
fn the_largest_supported_trace() {
    let element = [
        0x3F0B_0001,
        0x0B11_0B22,
        0x66BB_7122,
        0x0001_E240,
        0xFFFF_FFFF,
        0xB0B0_B0B0,
        0x0000_0010,
        0xFFFF_FFFF,
        0x3F0B_0000,
        0x0000_0001,
        0x0B11_0011,
        0x0B22_0022,
        0xB0B1_B2B3,
        0xB4B5_B6B7,
        0xFFFF_FFFF,
        0x00FF_FFFF,
    ];
    filled(&Trace::new(123, 0xFF_F002, 16, &[]), &element);
}

#[test]
fn an_unknown_node_has_its_true_hop_limit() {
    let mut spec = linux();
    (spec.node_id, spec.node_id_wide) = (None, None);
    let sent = Trace::new(123, 0x80_8000, 3, &[]);
    let element = [0x3FFF_FFFF, 0x3FFF_FFFF, u32::MAX];
    let expected = Packet::traced(&[&sent.with_element(&element)]).hops(63);
    let sent = Packet::traced(&[&sent]).frame();
    let unknown = Moment::at(None);
    assert_frame(&spec, &sent, &unknown, &expected.frame(), &[]);
}

#[test]
fn a_decapsulating_node_writes_one_hop_less_than_it_received() {
    let mut what = decapsulate(tunnel_end());
    what.record_self = true;
    let mut spec = linux();
    spec.profiles = vec![profile(ActionSpec::Decapsulate(what))];
    for (received, written) in [(64, 63), (1, 0), (0, 0xFF_u32)] {
        let sent = Packet::plain().tunnelled(&[&trace()]).hops(received);
        let mut bench = Bench::new(&spec);
        let (_, frame) = bench.forward(&sent);
        assert_eq!(frame, Packet::plain().hops(63).frame());
        let own = trace().with_element(&[written << 24 | 0x0B_0001, OF_B[1]]);
        assert_eq!(bench.records[0].option_data(), &own.option()[4..]);
    }
}
