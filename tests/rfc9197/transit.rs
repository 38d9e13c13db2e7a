// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 4.4.1: where a transit node's element goes, and when it goes nowhere.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::stats::Notice;
use ioam_dp::table::spec::*;

#[track_caller]
fn fills(sent: &Trace, element: &[u32]) {
    let (before, after) = (sent.clone(), sent.with_element(element));
    assert_becomes(
        &node(),
        &Packet::traced(&[&before]),
        &Packet::traced(&[&after]),
    );
}

#[track_caller]
fn overflows(spec: &NodeSpec, sent: &Trace) {
    let (before, after) = (Packet::traced(&[sent]), sent.overflowed());
    assert_becomes(spec, &before, &Packet::traced(&[&after]));
    let mut bench = Bench::new(spec);
    bench.forward(&before);
    assert_eq!(bench.stats.namespaces[1].overflowed.get(), 1);
    assert_eq!(bench.stats.namespaces[1].filled.get(), 0);
}

#[test]
fn rfc9197_4_4_1_an_element_goes_right_in_front_of_the_last_one() {
    fills(&trace(), &OF_B);
}

#[test]
fn rfc9197_4_4_1_the_first_element_goes_to_the_end() {
    fills(&Trace::new(123, KIND, 6, &[]), &OF_B);
}

#[test]
fn rfc9197_4_4_1_an_exact_fit_is_full_and_no_overflow() {
    fills(&Trace::new(123, KIND, 2, &OF_A), &OF_B);
}

#[test]
fn rfc9197_4_4_1_overflow_set_when_no_room() {
    let full = Trace::new(123, KIND, 0, &[OF_B, OF_A].concat());
    overflows(&node(), &full);
}

#[test]
fn rfc9197_4_4_1_overflow_set_when_one_word_short() {
    overflows(&node(), &Trace::new(123, KIND, 1, &OF_A));
}

#[test]
fn rfc9197_4_4_1_overflow_set_when_the_snapshot_does_not_fit() {
    // NodeLen is 1 and four words are needed: nothing may be written, not even the first.
    let mut spec = node();
    spec.namespaces[0].schema = Some(SchemaSpec {
        id: 777,
        data: b"schemaB!".to_vec(),
    });
    overflows(&spec, &Trace::new(123, 0x80_0002, 3, &[]));
    overflows(&node(), &Trace::new(123, 0x00_0002, 0, &[0x00FF_FFFF]));
}

#[test]
fn rfc9197_4_4_1_overflow_seen_is_left_alone() {
    let sent = Packet::traced(&[&trace().overflowed()]);
    assert_untouched(&node(), &sent, Notice::TraceOverflowed);
}

#[test]
fn rfc9197_4_3_an_unknown_namespace_is_not_changed() {
    for sent in [
        Trace::new(0x0BAD, KIND, 4, &OF_A),
        Trace::new(0x0BAD, KIND, 0, &OF_A),
        Trace::new(0xFFFF, KIND, 4, &OF_A),
    ] {
        let sent = Packet::traced(&[&sent]);
        assert_untouched(&node(), &sent, Notice::NamespaceUnknown);
    }
}

#[test]
fn rfc9197_4_3_the_default_namespace_needs_no_configuration() {
    let sent = Trace::new(0, 0xC4_0000, 3, &[]);
    let element = [OF_B[0], OF_B[1], u32::MAX];
    fills(&sent, &element);
}

#[test]
fn rfc9197_4_3_any_namespace_id_can_be_ours() {
    for id in [1, 0x7FFF, 0x8000, 0xFFFF] {
        let spec = node_with(|spec| spec.namespaces.push(NamespaceSpec::plain(id)));
        let sent = Trace::new(id, KIND, 4, &OF_A);
        let filled = sent.with_element(&OF_B);
        assert_becomes(
            &spec,
            &Packet::traced(&[&sent]),
            &Packet::traced(&[&filled]),
        );
    }
}

#[test]
fn rfc9197_4_4_1_undefined_bits_are_filled_with_all_ones() {
    for bit in 12..=21 {
        let kind = 1 << (23 - bit);
        fills(&Trace::new(123, kind, 1, &[]), &[u32::MAX]);
    }
}

#[test]
fn rfc9197_4_4_1_undefined_bits_may_be_skipped() {
    let mut spec = node();
    spec.policy.undefined_bits = UndefinedBits::Skip;
    let sent = Packet::traced(&[&Trace::new(123, 0x80_0800, 4, &[])]);
    assert_untouched(&spec, &sent, Notice::TraceUndefinedBits);
}

#[test]
fn rfc9197_4_4_2_undefined_fields_stand_behind_bit_11() {
    let sent = Trace::new(123, 0x00_1800, 2, &[]);
    fills(&sent, &[0x8000, u32::MAX]);
}

#[test]
fn rfc9197_4_4_1_reserved_bits_and_the_fourth_flag_are_ignored_and_kept() {
    let sent = Trace {
        option_reserved: 0xA5,
        flags: 1,
        reserved: 0x5A,
        ..Trace::new(123, 0x80_0001, 2, &[])
    };
    fills(&sent, &[0x3F0B_0001]);
    let full = Trace {
        option_reserved: 0xFF,
        flags: 1,
        reserved: 0xFF,
        ..Trace::new(123, 0x80_0001, 0, &[1])
    };
    overflows(&node(), &full);
}

#[test]
fn rfc9197_4_4_1_loopback_and_active_do_not_stop_filling() {
    for (flags, looping) in [(2, false), (3, false), (4, true), (6, true), (7, true)] {
        let sent = Trace { flags, ..trace() };
        let expected = Packet::traced(&[&sent.with_element(&OF_B)]).hops(63);
        let notices = &[(Notice::LoopbackOff, 1)][..usize::from(looping)];
        let sent = Packet::traced(&[&sent]).frame();
        assert_frame(&node(), &sent, &moment(), &expected.frame(), notices);
    }
}

#[test]
fn rfc9197_4_4_1_free_space_outside_the_slot_is_not_touched() {
    let mut sent = trace();
    sent.space[..16].fill(0xEE);
    fills(&sent, &OF_B);
}

#[test]
fn rfc9197_4_4_1_an_unknown_namespace_in_front_hides_nothing() {
    let (foreign, ours) = (Trace::new(0x0BAD, KIND, 4, &OF_A), trace());
    let sent = Packet::traced(&[&foreign, &ours]);
    let expected = Packet::traced(&[&foreign, &ours.with_element(&OF_B)]).hops(63);
    let noticed = [(Notice::NamespaceUnknown, 1)];
    assert_frame(
        &node(),
        &sent.frame(),
        &moment(),
        &expected.frame(),
        &noticed,
    );
}

#[test]
fn rfc9197_4_4_1_the_first_of_two_options_of_a_namespace_is_filled() {
    let filled = trace().with_element(&OF_B);
    let sent = Packet::traced(&[&trace(), &trace()]);
    assert_becomes(&node(), &sent, &Packet::traced(&[&filled, &trace()]));
}

#[test]
fn rfc9197_4_4_1_the_first_usable_of_several_options_is_filled() {
    let broken = Trace {
        node_len: 5,
        ..trace()
    };
    let sent = Packet::traced(&[&broken, &trace(), &trace()]);
    let filled = trace().with_element(&OF_B);
    let expected = Packet::traced(&[&broken, &filled, &trace()]).hops(63);
    let noticed = [(Notice::TraceNodeLen, 1)];
    assert_frame(
        &node(),
        &sent.frame(),
        &moment(),
        &expected.frame(),
        &noticed,
    );
}

#[test]
fn rfc9197_4_4_1_all_options_are_filled_where_asked_for() {
    let mut spec = node();
    spec.policy.several_options = SeveralOptions::All;
    let filled = trace().with_element(&OF_B);
    let sent = Packet::traced(&[&trace(), &trace()]);
    assert_becomes(&spec, &sent, &Packet::traced(&[&filled, &filled]));
}

#[test]
fn rfc9197_4_4_1_the_largest_trace_fills_from_its_end() {
    fills(&Trace::new(123, 0x80_0000, 61, &[]), &[0x3F0B_0001]);
    let full = Trace::new(123, 0x80_0000, 1, &[7; 60]);
    fills(&full, &[0x3F0B_0001]);
}

#[test]
fn rfc9197_4_4_1_a_chain_of_nodes_leaves_the_newest_first() {
    let mut trace = Trace::new(123, KIND, 6, &[]);
    for (hop_limit, id) in [(64, 0x0A_0001), (63, 0x0B_0001), (62, 0x0C_0001)] {
        let spec = NodeSpec {
            node_id: Some(id),
            ..node()
        };
        let element = [(hop_limit - 1) << 24 | id, OF_B[1]];
        let filled = trace.with_element(&element);
        let sent = Packet::traced(&[&trace]).hops(hop_limit as u8);
        assert_becomes(&spec, &sent, &Packet::traced(&[&filled]));
        trace = filled;
    }
    assert_eq!(trace.space[..4], [61, 0x0C, 0, 1]);
    assert_eq!(trace.remaining, 0);
    let last = Packet::traced(&[&trace]);
    assert_becomes(&node(), &last, &Packet::traced(&[&trace.overflowed()]));
}

#[test]
fn rfc9197_4_4_1_what_was_filled_is_counted_by_namespace() {
    let spec = node_with(|spec| spec.namespaces.push(NamespaceSpec::plain(7)));
    let mut bench = Bench::new(&spec);
    let of_seven = Trace {
        namespace: 7,
        ..trace()
    };
    bench.forward(&Packet::traced(&[&of_seven]));
    bench.forward(&Packet::traced(&[&of_seven, &trace()]));
    let filled: Vec<_> = bench
        .stats
        .namespaces
        .iter()
        .map(|n| n.filled.get())
        .collect();
    assert_eq!(filled, [0, 2, 1], "of 0, 7 and 123");
}
