// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sections 4.2 and 4.4.1: what an encapsulating node puts into a packet.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::moment::Moment;
use ioam_dp::table::spec::*;

/// Node B with this encapsulation, changed.
fn head(
    kind: u32,
    words: u8,
    placement: Placement,
    change: impl FnOnce(&mut EncapsulateSpec),
) -> NodeSpec {
    let mut what = encapsulate(kind, words, placement);
    change(&mut what);
    node_that(ActionSpec::Encapsulate(what))
}

/// Inline, the packet carries exactly this afterwards.
#[track_caller]
fn puts_in(spec: &NodeSpec, expected: &Trace) {
    assert_becomes(spec, &Packet::plain(), &Packet::traced(&[expected]));
}

#[test]
fn rfc9197_4_4_1_a_new_header_has_its_types_node_len_and_nothing_else_set() {
    for (kind, node_len) in [
        (0x80_0000, 1),
        (0x00_8000, 2),
        (0xFF_F000, 15),
        (0xFF_F002, 15),
        (0x00_0002, 0),
    ] {
        let spec = head(kind, 40, Placement::Inline, |what| {
            trace_in(what).record_self = false;
        });
        let expected = Trace::new(123, kind, 40, &[]);
        assert_eq!(expected.node_len, node_len);
        puts_in(&spec, &expected);
    }
}

#[test]
fn rfc9197_4_4_1_room_is_what_was_configured_and_zero() {
    for words in 1..=61 {
        let spec = head(0x80_0000, words, Placement::Inline, |what| {
            trace_in(what).record_self = false;
        });
        puts_in(&spec, &Trace::new(123, 0x80_0000, words, &[]));
    }
}

#[test]
fn rfc9197_4_2_an_encapsulating_node_is_in_transit_too() {
    let spec = head(KIND, 8, Placement::Inline, |_| ());
    puts_in(&spec, &Trace::new(123, KIND, 8, &[]).with_element(&OF_B));
}

#[test]
fn rfc9197_4_4_2_every_field_of_the_first_element() {
    let element = [
        0x3F0B_0001,
        0x0B11_0B22,
        0x66BB_7122,
        0x0001_E240,
        0x0000_10E1,
        0xB0B0_B0B0,
        0x0000_0010,
        0xFFFF_FFFF,
        0x3F0B_0000,
        0x0000_0001,
        0x0B11_0011,
        0x0B22_0022,
        0xB0B1_B2B3,
        0xB4B5_B6B7,
        0x0000_8000,
    ];
    let spec = head(0xFF_F000, 30, Placement::Inline, |_| ());
    let expected = Trace::new(123, 0xFF_F000, 30, &[]).with_element(&element);
    puts_in(&spec, &expected);
}

#[test]
fn rfc9197_4_4_2_what_the_first_element_needs_is_measured() {
    let spec = head(0x0A_1000, 3, Placement::Inline, |_| ());
    let packet = ioam_dp::packet::HeapPacket::new(&Packet::plain().frame(), 64);
    let (_, _, wanted) = Bench::new(&spec).carry(packet, 0, &Moment::at(None));
    assert_eq!(wanted.bits(), 0x0A_1000);
}

#[test]
fn rfc9197_4_4_1_own_data_that_do_not_fit_are_an_overflow() {
    let spec = head(KIND, 1, Placement::Inline, |_| ());
    puts_in(&spec, &Trace::new(123, KIND, 1, &[]).overflowed());
    let spec = head(KIND, 2, Placement::Inline, |_| ());
    puts_in(&spec, &Trace::new(123, KIND, 0, &OF_B));
}

#[test]
fn rfc9197_4_4_2_13_the_first_element_has_its_snapshot() {
    let mut spec = head(0x80_0002, 8, Placement::Inline, |_| ());
    spec.namespaces[0].schema = Some(SchemaSpec {
        id: 777,
        data: b"schemaB!".to_vec(),
    });
    let element = [0x3F0B_0001, 0x0200_0309, 0x7363_6865, 0x6D61_4221];
    let expected = Trace::new(123, 0x80_0002, 8, &[]).with_element(&element);
    puts_in(&spec, &expected);
    spec.namespaces[0].schema = None;
    let expected = Trace::new(123, 0x80_0002, 8, &[]).with_element(&[0x3F0B_0001, 0x00FF_FFFF]);
    puts_in(&spec, &expected);
}

#[test]
fn rfc9197_4_3_a_trace_belongs_to_the_profiles_namespace() {
    let mut spec = head(KIND, 4, Placement::Inline, |what| {
        trace_in(what).namespace = 0;
    });
    spec.namespaces.push(NamespaceSpec::plain(7));
    puts_in(&spec, &Trace::new(0, KIND, 4, &[]).with_element(&OF_B));
    let mut bench = Bench::new(&spec);
    bench.forward(&Packet::plain());
    let counts = bench.stats.namespaces.iter().map(|n| n.encapsulated.get());
    assert_eq!(counts.collect::<Vec<_>>(), [1, 0, 0]);
}

#[test]
fn rfc9197_4_4_1_an_encapsulating_node_cannot_ask_for_undefined_bits() {
    let refused = (12..=21).chain([23]).map(|bit| 0x80_0000 | 1 << (23 - bit));
    for kind in refused.chain([0, 0x0100_0000, 0x8000_0000]) {
        let spec = head(kind, 8, Placement::Inline, |_| ());
        assert!(
            ioam_dp::table::Tables::compile(&spec).is_err(),
            "{kind:#08x}"
        );
    }
    for bit in (0..=11).chain([22]) {
        let spec = head(1 << (23 - bit), 8, Placement::Inline, |_| ());
        assert!(ioam_dp::table::Tables::compile(&spec).is_ok(), "bit {bit}");
    }
}

#[test]
fn rfc9197_4_4_1_the_next_node_fills_what_was_put_in() {
    let mut first = Bench::new(&head(KIND, 4, tunnel(), |_| ()));
    let (_, frame) = first.forward(&Packet::plain());
    let (_, frame) = Bench::new(&node())
        .pass(&frame, 0, &moment())
        .expect("forwarded");
    let own = [0x400B_0001, 0x0B11_0B22];
    let trace = Trace::new(123, KIND, 4, &[]);
    let filled = trace.with_element(&own).with_element(&OF_B);
    let expected = Packet::plain().hops(63).tunnelled(&[&filled]).hops(63);
    assert_eq!(hex(&frame), hex(&expected.frame()));
}
