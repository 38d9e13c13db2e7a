// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sections 4.4.2 and 5: what stands in each field of an element.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::moment::Moment;
use ioam_dp::port::MAX_PORTS;
use ioam_dp::table::spec::*;
use ioam_dp::timestamp::WallTime;

/// Bits 0 to 11 in order, and what node B writes for each.
const FIELDS: [(u32, &[u32]); 12] = [
    (0x80_0000, &[0x3F0B_0001]),
    (0x40_0000, &[0x0B11_0B22]),
    (0x20_0000, &[0x66BB_7122]),
    (0x10_0000, &[123_456]),
    (0x08_0000, &[4321]),
    (0x04_0000, &[0xB0B0_B0B0]),
    (0x02_0000, &[16]),
    (0x01_0000, &[0xFFFF_FFFF]),
    (0x00_8000, &[0x3F0B_0000, 0x0000_0001]),
    (0x00_4000, &[0x0B11_0011, 0x0B22_0022]),
    (0x00_2000, &[0xB0B1_B2B3, 0xB4B5_B6B7]),
    (0x00_1000, &[0x8000]),
];

/// The node writes exactly this for that type; one word more of room stays free.
#[track_caller]
fn writes_at(spec: &NodeSpec, moment: &Moment, kind: u32, element: &[u32]) {
    let sent = Trace::new(123, kind, element.len() as u8 + 1, &[]);
    let expected = Packet::traced(&[&sent.with_element(element)]).hops(63);
    let sent = Packet::traced(&[&sent]).frame();
    assert_frame(spec, &sent, moment, &expected.frame(), &[]);
}

#[track_caller]
fn writes(spec: &NodeSpec, kind: u32, element: &[u32]) {
    writes_at(spec, &moment(), kind, element);
}

/// A node that was told nothing about itself.
fn unknown() -> NodeSpec {
    let mut spec = NodeSpec {
        node_id: None,
        node_id_wide: None,
        namespaces: vec![NamespaceSpec::plain(123)],
        ..node()
    };
    for port in &mut spec.ports {
        (port.id, port.id_wide) = (None, None);
    }
    spec
}

#[test]
fn rfc9197_4_4_2_each_field_alone() {
    for (kind, element) in FIELDS {
        writes(&node(), kind, element);
    }
}

#[test]
fn rfc9197_4_4_2_any_two_fields_stand_in_bit_order() {
    for (first, (kind, element)) in FIELDS.iter().enumerate() {
        for (other, more) in &FIELDS[first + 1..] {
            writes(&node(), kind | other, &[*element, *more].concat());
        }
    }
}

#[test]
fn rfc9197_4_4_2_all_defined_fields_in_order() {
    let all: Vec<u32> = FIELDS
        .iter()
        .flat_map(|(_, words)| words.to_vec())
        .collect();
    assert_eq!(all.len(), 15);
    writes(&node(), 0xFF_F000, &all);
}

#[test]
fn rfc9197_4_4_2_the_largest_element_has_undefined_fields_and_a_snapshot_too() {
    let mut all: Vec<u32> = FIELDS
        .iter()
        .flat_map(|(_, words)| words.to_vec())
        .collect();
    all.extend([u32::MAX; 10]);
    all.push(0x00FF_FFFF);
    assert_eq!(all.len(), 26);
    writes(&node(), 0xFF_FFFF, &all);
}

#[test]
fn rfc9197_4_4_2_what_is_not_known_is_all_ones_but_the_hop_limit_is_true() {
    let sentinels = [
        0x3FFF_FFFF,
        u32::MAX,
        u32::MAX,
        u32::MAX,
        u32::MAX,
        u32::MAX,
        u32::MAX,
        u32::MAX,
        0x3FFF_FFFF,
        u32::MAX,
        u32::MAX,
        u32::MAX,
        u32::MAX,
        u32::MAX,
        u32::MAX,
    ];
    writes_at(&unknown(), &Moment::at(None), 0xFF_F000, &sentinels);
}

#[test]
fn rfc9197_4_4_2_1_hop_lim_is_the_one_the_packet_leaves_with() {
    for (decrement, left) in [(true, 63), (false, 64)] {
        let mut spec = node();
        spec.forwarding = ForwardingSpec::Wire {
            pairs: vec![(0, 1)],
            decrement_hop_limit: decrement,
        };
        let sent = Trace::new(123, 0x80_8000, 3, &[]);
        let element = [left << 24 | 0x0B_0001, left << 24 | 0x0B_0000, 1];
        let expected = Packet::traced(&[&sent.with_element(&element)]).hops(left as u8);
        let sent = Packet::traced(&[&sent]).frame();
        assert_frame(&spec, &sent, &moment(), &expected.frame(), &[]);
    }
}

#[test]
fn rfc9197_4_4_2_2_one_half_of_the_interface_ids_may_be_known() {
    let mut spec = node();
    (spec.ports[0].id, spec.ports[0].id_wide) = (None, None);
    writes(&spec, 0x40_4000, &[0xFFFF_0B22, u32::MAX, 0x0B22_0022]);
    let mut spec = node();
    (spec.ports[1].id, spec.ports[1].id_wide) = (None, None);
    writes(&spec, 0x40_4000, &[0x0B11_FFFF, 0x0B11_0011, u32::MAX]);
}

#[test]
fn rfc9197_4_4_2_2_interface_ids_follow_the_packet() {
    let sent = Trace::new(123, 0x40_0000, 1, &[]);
    let mut bench = Bench::new(&node());
    for (port, element) in [(0, 0x0B11_0B22), (1, 0x0B22_0B11), (0, 0x0B11_0B22)] {
        let out = bench.pass(&Packet::traced(&[&sent]).frame(), port, &moment());
        let filled = Packet::traced(&[&sent.with_element(&[element])]).hops(63);
        assert_eq!(out.expect("forwarded").1, filled.frame());
    }
}

fn formatted(timestamp: TimestampFormat) -> NodeSpec {
    node_with(|spec| spec.namespaces[0].timestamp = timestamp)
}

#[test]
fn rfc9197_5_posix_time_has_microseconds_since_1970() {
    let spec = formatted(TimestampFormat::Posix);
    writes(&spec, 0x30_0000, &[1_723_560_226, 123_456]);
}

#[test]
fn rfc9197_5_ptp_time_has_nanoseconds_and_counts_tai() {
    let spec = formatted(TimestampFormat::Ptp { tai_offset: 37 });
    writes(&spec, 0x30_0000, &[1_723_560_263, 123_456_789]);
    let spec = formatted(TimestampFormat::Ptp { tai_offset: 0 });
    writes(&spec, 0x30_0000, &[1_723_560_226, 123_456_789]);
}

#[test]
fn rfc9197_5_ntp_time_has_binary_fractions_since_1900() {
    // floor(123456789 * 2^32 / 10^9)
    let spec = formatted(TimestampFormat::Ntp);
    writes(&spec, 0x30_0000, &[3_932_549_026, 530_242_871]);
}

#[test]
fn rfc9197_4_4_2_4_a_fraction_can_come_without_its_seconds() {
    writes(
        &formatted(TimestampFormat::Posix),
        0xD4_0000,
        &[OF_B[0], OF_B[1], 123_456, 0xB0B0_B0B0],
    );
    let ptp = formatted(TimestampFormat::Ptp { tai_offset: 37 });
    writes(
        &ptp,
        0xD4_0000,
        &[OF_B[0], OF_B[1], 123_456_789, 0xB0B0_B0B0],
    );
    let ntp = formatted(TimestampFormat::Ntp);
    writes(
        &ntp,
        0xD4_0000,
        &[OF_B[0], OF_B[1], 530_242_871, 0xB0B0_B0B0],
    );
}

#[test]
fn rfc9197_5_seconds_wrap_as_the_formats_do() {
    let at = |seconds, nanoseconds| {
        Moment::at(Some(WallTime {
            seconds,
            nanoseconds,
        }))
    };
    let posix = formatted(TimestampFormat::Posix);
    writes_at(&posix, &at(1 << 32, 999_999_999), 0x30_0000, &[0, 999_999]);
    // The NTP era 1 begins on 2036-02-07 06:28:16.
    let ntp = formatted(TimestampFormat::Ntp);
    writes_at(&ntp, &at(2_085_978_496, 0), 0x30_0000, &[0, 0]);
    writes_at(
        &ntp,
        &at(2_085_978_495, 500_000_000),
        0x30_0000,
        &[u32::MAX, 0x8000_0000],
    );
}

#[test]
fn rfc9197_5_the_namespace_selects_the_format() {
    let mut spec = formatted(TimestampFormat::Ntp);
    spec.namespaces.push(NamespaceSpec::plain(7));
    let (ntp, posix) = (
        Trace::new(123, 0x20_0000, 1, &[]),
        Trace::new(7, 0x20_0000, 1, &[]),
    );
    let expected = Packet::traced(&[
        &ntp.with_element(&[3_932_549_026]),
        &posix.with_element(&[1_723_560_226]),
    ]);
    assert_becomes(&spec, &Packet::traced(&[&ntp, &posix]), &expected);
}

#[test]
fn rfc9197_4_4_2_5_a_delay_of_two_to_the_31_and_more_is_marked() {
    for (delay, field) in [
        (0, 0),
        (0x7FFF_FFFF, 0x7FFF_FFFF),
        (0x8000_0000, 0x8000_0000),
        (3_000_000_000, 0x8000_0000),
        (u32::MAX, 0x8000_0000),
    ] {
        let mut moment = moment();
        moment.transit_delay = Some(delay);
        writes_at(&node(), &moment, 0x08_0000, &[field]);
    }
}

#[test]
fn rfc9197_4_4_2_7_queue_depth_is_that_of_the_port_the_packet_leaves_by() {
    let mut moment = moment();
    moment.queue_depth = [None; MAX_PORTS];
    (moment.queue_depth[0], moment.queue_depth[1]) = (Some(3), Some(77));
    writes_at(&node(), &moment, 0x02_0000, &[77]);
    moment.queue_depth[1] = None;
    writes_at(&node(), &moment, 0x02_0000, &[u32::MAX]);
}

#[test]
fn rfc9197_4_4_2_8_the_checksum_complement_has_nothing_to_complement() {
    writes(&node(), 0x01_0000, &[u32::MAX]);
}

#[test]
fn rfc9197_4_4_2_9_wide_ids_alone() {
    writes(
        &node(),
        0x00_E000,
        &[
            0x3F0B_0000,
            1,
            0x0B11_0011,
            0x0B22_0022,
            0xB0B1_B2B3,
            0xB4B5_B6B7,
        ],
    );
}

/// Node B with this schema.
fn schema(data: &[u8]) -> NodeSpec {
    node_with(|spec| {
        spec.namespaces[0].schema = Some(SchemaSpec {
            id: 777,
            data: data.to_vec(),
        });
    })
}

#[test]
fn rfc9197_4_4_2_13_a_snapshot_stands_behind_the_fixed_fields() {
    writes(
        &schema(b"schemaB!"),
        0x80_0002,
        &[OF_B[0], 0x0200_0309, 0x7363_6865, 0x6D61_4221],
    );
}

#[test]
fn rfc9197_4_4_2_13_a_snapshot_is_padded_to_words_with_zeros() {
    writes(
        &schema(b"schem"),
        0x00_0002,
        &[0x0200_0309, 0x7363_6865, 0x6D00_0000],
    );
    writes(&schema(b""), 0x00_0002, &[0x0000_0309]);
}

#[test]
fn rfc9197_4_4_2_13_without_a_schema_the_snapshot_is_one_word() {
    writes(&node(), 0x80_0002, &[OF_B[0], 0x00FF_FFFF]);
    writes(&node(), 0x00_0002, &[0x00FF_FFFF]);
}

#[test]
fn rfc9197_4_4_2_13_the_largest_snapshot_of_an_ipv6_option() {
    let mut element = vec![0x3C00_0309];
    element.extend([0x5A5A_5A5A; 60]);
    let sent = Trace::new(123, 0x00_0002, 61, &[]);
    let expected = Packet::traced(&[&sent.with_element(&element)]);
    assert_becomes(&schema(&[0x5A; 240]), &Packet::traced(&[&sent]), &expected);
    // One word more, and up to the format's 255 words, cannot fit.
    for octets in [241, 1020] {
        let sent = Packet::traced(&[&sent]);
        let full = Packet::traced(&[&Trace::new(123, 0x00_0002, 61, &[]).overflowed()]);
        assert_becomes(&schema(&vec![0x5A; octets]), &sent, &full);
    }
}

#[test]
fn rfc9197_4_4_2_what_any_trace_of_a_packet_asks_for_is_measured() {
    let mut spec = node();
    spec.policy.several_options = SeveralOptions::All;
    let queue = Trace::new(123, 0x02_0000, 2, &[]);
    let frame = Packet::traced(&[&trace(), &queue]).frame();
    let packet = ioam_dp::packet::HeapPacket::new(&frame, 0);
    let (_, _, wanted) = Bench::new(&spec).carry(packet, 0, &moment());
    assert_eq!(wanted.bits(), 0xC2_0000);
}
