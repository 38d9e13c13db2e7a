// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 4.6: the edge-to-edge option at the encapsulating node, and on its way.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use crate::common::options::*;
use ioam_dp::moment::Moment;
use ioam_dp::stats::Notice;
use ioam_dp::table::spec::*;
use ioam_dp::table::{Action, CompileError, Sequence, Tables};

/// The time of these tests in POSIX format.
const TIME: [u32; 2] = [1_723_560_226, 123_456];

fn head(kind: u16, placement: Placement) -> NodeSpec {
    puts(vec![e2e_of(kind, GroupSpec::Profile)], placement)
}

/// Lets the sequence of the node's only profile go on at `number`.
fn go_on_at(bench: &Bench, number: u64) {
    let tables = bench.tables();
    let Action::Encapsulate(what) = &tables.profiles[0].action else {
        panic!("the profile does not encapsulate");
    };
    let counted = what.parts.iter().find_map(|part| part.sequence());
    let Some(Sequence::Shared(counter)) = counted else {
        panic!("the profile counts no shared sequence");
    };
    counter.store(number, std::sync::atomic::Ordering::Relaxed);
}

#[test]
fn rfc9197_4_6_every_type_has_its_fields_in_the_order_of_its_bits() {
    let [seconds, fraction] = TIME;
    for (kind, fields) in [
        (0x8000, &[0, 0][..]),
        (0x4000, &[0]),
        (0x2000, &[seconds]),
        (0x1000, &[fraction]),
        (0x3000, &[seconds, fraction]),
        (0x7000, &[0, seconds, fraction]),
        (0xB000, &[0, 0, seconds, fraction]),
        (0x5000, &[0, fraction]),
        (0xA000, &[0, 0, seconds]),
    ] {
        let mut bench = Bench::new(&head(kind, tunnel()));
        let (_, frame) = bench.forward(&Packet::plain());
        let option = edge_to_edge(123, kind, fields);
        let expected = around(
            &Packet::plain().hops(63),
            DESTINATION,
            &header(IP6, &[&option]),
        );
        assert_eq!(hex(&frame), hex(&expected.frame()), "{kind:#06x}");
        assert_eq!(bench.noticed(), [""; 0]);
        assert_eq!(bench.stats.namespaces[1].encapsulated.get(), 1);
    }
}

#[test]
fn rfc9486_3_it_stands_in_destination_options_under_the_number_of_what_does_not_change() {
    let (_, frame) = Bench::new(&head(0x7000, tunnel())).forward(&Packet::plain());
    assert_eq!(frame[20], DESTINATION);
    assert_eq!(frame[EXTENSIONS..][..8], [IP6, 2, 1, 0, 0x11, 18, 0, 3]);
}

#[test]
fn rfc9197_4_6_what_may_not_be_sent_is_refused() {
    for kind in [0xC000, 0xF000, 0, 0x0800, 0x4800, 0x4001, 0x0FFF] {
        let compiled = Tables::compile(&head(kind, tunnel())).map(drop);
        assert_eq!(compiled, Err(CompileError::E2eType(kind)));
    }
}

#[test]
fn rfc9197_4_6_numbers_start_at_zero_and_grow_by_one() {
    let mut bench = Bench::new(&head(0x4000, tunnel()));
    for number in 0..300 {
        let (_, frame) = bench.forward(&Packet::plain());
        let option = edge_to_edge(123, 0x4000, &[number]);
        assert_eq!(frame[EXTENSIONS..][..16], header(IP6, &[&option]));
    }
}

#[test]
fn rfc9197_4_6_a_sequence_wraps_at_its_width() {
    for (kind, start, expected) in [
        (
            0x4000,
            0xFFFF_FFFE,
            [&[0xFFFF_FFFE][..], &[0xFFFF_FFFF], &[0], &[1]],
        ),
        (
            0x8000,
            0xFFFF_FFFE,
            [&[0, 0xFFFF_FFFE][..], &[0, 0xFFFF_FFFF], &[1, 0], &[1, 1]],
        ),
        (
            0x8000,
            u64::MAX - 1,
            [
                &[0xFFFF_FFFF, 0xFFFF_FFFE][..],
                &[0xFFFF_FFFF, 0xFFFF_FFFF],
                &[0, 0],
                &[0, 1],
            ],
        ),
    ] {
        let mut bench = Bench::new(&head(kind, tunnel()));
        go_on_at(&bench, start);
        for number in expected {
            let (_, frame) = bench.forward(&Packet::plain());
            let header = header(IP6, &[&edge_to_edge(123, kind, number)]);
            assert_eq!(hex(&frame[EXTENSIONS..][..header.len()]), hex(&header));
        }
    }
}

#[test]
fn rfc9197_4_6_a_group_is_a_profile_or_a_flow() {
    let flow = |port| Packet::new(UDP, &[&udp(port, 53)]);
    let number = |bench: &mut Bench, sent: &Packet| {
        let (_, frame) = bench.forward(sent);
        u32::from_be_bytes(frame[EXTENSIONS + 12..][..4].try_into().expect("a word"))
    };
    let sent = [1, 2, 1, 1, 2, 3, 1];
    for (group, expected) in [
        (GroupSpec::Profile, [0, 1, 2, 3, 4, 5, 6]),
        (GroupSpec::Flow, [0, 0, 1, 2, 1, 0, 3]),
    ] {
        let mut bench = Bench::new(&puts(vec![e2e_of(0x4000, group)], tunnel()));
        let numbers = sent.map(|port| number(&mut bench, &flow(port)));
        assert_eq!(numbers, expected);
    }
}

#[test]
fn rfc9197_4_6_a_time_not_known_is_all_ones() {
    let mut bench = Bench::new(&head(0x7000, tunnel()));
    let (_, frame) = bench
        .pass(&Packet::plain().frame(), 0, &Moment::at(None))
        .expect("forwarded");
    let option = edge_to_edge(123, 0x7000, &[0, u32::MAX, u32::MAX]);
    assert_eq!(frame[EXTENSIONS..][..24], header(IP6, &[&option]));
}

#[test]
fn rfc9197_5_the_namespace_says_the_format_of_the_time() {
    for (format, time) in [
        (TimestampFormat::Posix, TIME),
        (
            TimestampFormat::Ptp { tai_offset: 37 },
            [1_723_560_263, 123_456_789],
        ),
        // 0.123456789 * 2^32, rounded down.
        (
            TimestampFormat::Ntp,
            [(1_723_560_226u64 + 2_208_988_800) as u32, 530_242_871],
        ),
    ] {
        let mut spec = head(0x3000, tunnel());
        spec.namespaces[0].timestamp = format;
        let (_, frame) = Bench::new(&spec).forward(&Packet::plain());
        let header = header(IP6, &[&edge_to_edge(123, 0x3000, &time)]);
        assert_eq!(hex(&frame[EXTENSIONS..][..header.len()]), hex(&header));
    }
}

/// Inline, `sent` becomes `expected`.
#[track_caller]
fn inline(kind: u16, sent: &Packet, expected: &Packet) {
    assert_becomes(&head(kind, Placement::Inline), sent, expected);
}

#[test]
fn rfc9486_3_inline_it_stands_alone_or_behind_hop_by_hop_options() {
    let option = edge_to_edge(123, 0x4000, &[0]);
    let rest = udp(5000, 53);
    let alone = header(UDP, &[&option]);
    inline(
        0x4000,
        &Packet::plain(),
        &Packet::new(DESTINATION, &[&alone, &rest]),
    );
    let before = |next| options(next, &[&ALERT, &LEAD]);
    inline(
        0x4000,
        &Packet::new(HOP_BY_HOP, &[&before(UDP), &rest]),
        &Packet::new(HOP_BY_HOP, &[&before(DESTINATION), &alone, &rest]),
    );
}

#[test]
fn rfc9486_3_inline_upper_layers_of_any_kind_may_follow() {
    let option = edge_to_edge(123, 0x4000, &[0]);
    for (next, rest) in [
        (6, &[7; 20][..]),
        (ICMPV6, &[128, 0, 0, 0, 0, 1, 0, 1]),
        (59, &[]),
        (50, &[9; 24]),
        (IP6, &Packet::plain().octets()),
    ] {
        let alone = header(next, &[&option]);
        let expected = Packet::new(DESTINATION, &[&alone, rest]);
        inline(0x4000, &Packet::new(next, &[rest]), &expected);
    }
}

#[test]
fn rfc8200_4_1_inline_it_is_not_put_where_the_order_of_headers_forbids() {
    let rest = udp(5000, 53);
    let with = |next: u8, header: &[u8]| Packet::new(next, &[header, &rest]);
    let behind = options(UDP, &[&[4, 1, 4], &[0]]);
    let routing = [UDP, 0, 4, 0, 0, 0, 0, 0];
    let fragment = [UDP, 0, 0, 1, 0, 0, 0, 1];
    let authentication = [
        UDP, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2,
    ];
    for sent in [
        with(DESTINATION, &behind),
        with(ROUTING, &routing),
        with(FRAGMENT, &fragment),
        with(AH, &authentication),
        with(
            HOP_BY_HOP,
            &[&options(ROUTING, &[&ALERT, &LEAD])[..], &routing].concat(),
        ),
    ] {
        // Nor does the rest of the profile go in then: all or none.
        let both = vec![trace_of(KIND, 4), e2e_of(0x4000, GroupSpec::Profile)];
        for spec in [
            head(0x4000, Placement::Inline),
            puts(both, Placement::Inline),
        ] {
            let mut bench = Bench::new(&spec);
            let (_, frame) = bench.forward(&sent);
            assert_eq!(hex(&frame), hex(&sent.hops(63).frame()));
            assert_eq!(bench.counted(), [(Notice::EncapHeaderFull, 1)]);
            // And no number is used up.
            let (_, frame) = bench.forward(&Packet::plain());
            assert_eq!(frame[frame.len() - 20..][..4], [0; 4]);
        }
    }
}

#[test]
fn rfc9197_4_6_transit_changes_nothing_whatever_the_option_says() {
    let trace = trace();
    for option in [
        edge_to_edge(123, 0x7000, &[7, 8, 9]),
        edge_to_edge(7, 0xC000, &[7, 8, 9]),
        edge_to_edge(0x0BAD, 0x0FFF, &[]),
        ioam(MUTABLE, 3, &[0, 123, 0x40, 0]),
        ioam(IMMUTABLE, 3, &[0]),
    ] {
        let behind = options(UDP, &[&LEAD, &option]);
        let rest = udp(5000, 53);
        let alone = Packet::new(DESTINATION, &[&behind, &rest]);
        assert_becomes(&node(), &alone, &alone);
        let with = |trace: &Trace| {
            let header = header(DESTINATION, &[&trace.option()]);
            Packet::new(HOP_BY_HOP, &[&header, &behind, &rest])
        };
        let filled = with(&trace.with_element(&OF_B));
        assert_becomes(&node(), &with(&trace), &filled);
    }
}

#[test]
fn rfc9197_4_6_over_the_mtu_no_number_is_used_up() {
    let mut bench = Bench::new(&head(0x4000, tunnel()));
    // 40 octets of outer header and 16 of options.
    let large = |octets: usize| Packet::new(UDP, &[&vec![0x5A; octets - 40]]);
    let (_, frame) = bench.forward(&large(1500 - 55));
    assert_eq!(frame.len(), ETHERNET + 1500 - 55);
    let (_, frame) = bench.forward(&large(1500 - 56));
    assert_eq!(frame.len(), ETHERNET + 1500);
    assert_eq!(frame[EXTENSIONS + 12..][..4], [0; 4]);
    assert_eq!(bench.counted(), [(Notice::EncapOverMtu, 1)]);
}
