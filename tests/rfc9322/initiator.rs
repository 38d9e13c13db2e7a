// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sections 4.1 and 4.1.1: who may set the Loopback flag, in which packets, and how often.

use super::*;
use crate::common::Bench;
use crate::common::expect::*;
use crate::common::options::*;
use ioam_dp::stats::Notice;
use ioam_dp::table::{CompileError, Tables};

#[test]
fn rfc9322_4_1_the_flag_goes_with_one_trace_type_alone() {
    let compiled = |kind: u32| {
        let mut spec = node_a();
        let ActionSpec::Encapsulate(what) = &mut spec.profiles[0].action else {
            unreachable!("node A encapsulates");
        };
        trace_in(what).trace_type = kind;
        Tables::compile(&spec).map(drop)
    };
    assert_eq!(compiled(LOOPING), Ok(()));
    for bit in (1..=11).chain([22]) {
        let kind = LOOPING | 1 << (23 - bit);
        assert_eq!(compiled(kind), Err(CompileError::LoopbackType(kind)));
        let without = 1 << (23 - bit);
        assert_eq!(compiled(without), Err(CompileError::LoopbackType(without)));
    }
}

#[test]
fn rfc9322_4_1_the_packet_leaves_with_the_flag_and_nothing_else_set() {
    let mut bench = Bench::new(&node_a());
    let (_, frame) = bench.forward(&Packet::plain());
    let trace = Trace {
        flags: L,
        ..Trace::new(123, LOOPING, 8, &[])
    };
    let sent = trace.with_element(&[BY_A]);
    let expected = Packet::plain().hops(63).tunnelled(&[&sent]);
    assert_eq!(hex(&frame), hex(&expected.frame()));
    assert_eq!(bench.noticed(), [""; 0]);
    assert!(bench.originated.is_empty());
}

#[test]
fn rfc9322_4_1_never_on_packets_that_carry_ioam() {
    // Of the same namespace, of another one that this node has, and of an unknown one.
    for namespace in [123, 7, 0x0BAD] {
        for ioam in [true, false] {
            let mut spec = node_a();
            spec.namespaces.push(NamespaceSpec::plain(7));
            spec.ports[0].ioam = ioam;
            let there = Trace::new(namespace, KIND, 4, &OF_A);
            let mut bench = Bench::new(&spec);
            let (_, frame) = bench.forward(&Packet::traced(&[&there]));
            // It goes on as it is, or filled.
            assert_eq!(frame.len(), Packet::traced(&[&there]).frame().len());
            assert_eq!(bench.stats.profiles[0].done.get(), 0);
            assert_eq!(bench.stats.notices(Notice::EncapAlreadyIoam), 1);
        }
    }
}

#[test]
fn rfc9322_4_1_without_a_way_back_to_this_node_there_is_no_such_profile() {
    // Inline, copies go to the packet's source: only this node's own packets may ask for them.
    let mut spec = node_that(ActionSpec::Encapsulate(loops(Placement::Inline)));
    let refused = Tables::compile(&spec).map(drop);
    assert_eq!(refused, Err(CompileError::LoopbackReturn("it".to_owned())));
    spec.profiles[0].filter.local = true;
    assert_eq!(Tables::compile(&spec).map(drop), Ok(()));
}

#[test]
fn rfc9322_4_4_copies_that_could_not_be_told_from_others_are_not_asked_for() {
    let identity = Err(CompileError::LoopbackIdentity("it".to_owned()));
    let mut spec = node_a();
    spec.node_id = None;
    assert_eq!(Tables::compile(&spec).map(drop), identity);
    let mut what = loops(tunnel());
    trace_in(&mut what).record_self = false;
    let spec = node_that(ActionSpec::Encapsulate(what));
    assert_eq!(Tables::compile(&spec).map(drop), identity);
}

#[test]
fn rfc9322_4_1_1_a_subset_of_packets_can_be_chosen() {
    let mut spec = node_a();
    if let ActionSpec::Encapsulate(what) = &mut spec.profiles[0].action {
        what.sampling = Sampling::FirstOf { k: 1, n: 10 };
    }
    let mut bench = Bench::new(&spec);
    for _ in 0..100 {
        bench.forward(&Packet::plain());
    }
    assert_eq!(bench.stats.profiles[0].done.get(), 10);
}

#[test]
fn rfc9322_4_1_1_what_asks_for_copies_is_an_nth_of_the_port() {
    // A port of 1 Mb/s has 125000 octets a second, of which 1/128 are 976; 16 KiB may come at once.
    let mut spec = node_a();
    spec.ports[1].speed = 1;
    let mut bench = Bench::new(&spec);
    let octets = Packet::plain().tunnelled(&[&looping(7)]).frame().len() as u64;
    let most = 16_384 / octets;
    for _ in 0..1000 {
        let (_, frame) = bench.forward(&Packet::plain());
        assert!(frame.len() >= Packet::plain().frame().len());
    }
    let done = || bench.stats.profiles[0].done.get();
    assert_eq!(done(), most);
    assert_eq!(bench.stats.notices(Notice::EncapRateLimited), 1000 - done());
    // Ten seconds later another 9760 octets have gathered, besides what was left.
    let gathered = 16_384 - most * octets + 9760;
    let mut now = moment();
    now.received = Some(later(10 * SECOND));
    for _ in 0..1000 {
        bench
            .pass(&Packet::plain().frame(), 0, &now)
            .expect("forwarded");
    }
    let done = bench.stats.profiles[0].done.get();
    assert_eq!(done, most + gathered / octets);
}

#[test]
fn rfc9322_4_1_1_a_limit_of_zero_is_none() {
    let mut spec = node_a();
    spec.ports[1].speed = 1;
    spec.limits.loopback = 0;
    let mut bench = Bench::new(&spec);
    for _ in 0..1000 {
        bench.forward(&Packet::plain());
    }
    assert_eq!(bench.stats.profiles[0].done.get(), 1000);
}

#[test]
fn rfc9322_4_1_1_what_is_held_back_leaves_no_gap_in_a_sequence() {
    let mut spec = node_a();
    spec.ports[1].speed = 1;
    if let ActionSpec::Encapsulate(what) = &mut spec.profiles[0].action {
        what.options.push(e2e_of(0x4000, GroupSpec::Profile));
    }
    let mut bench = Bench::new(&spec);
    let plain = Packet::plain().frame().len();
    let mut numbers = Vec::new();
    for second in [0, 100] {
        let mut now = moment();
        now.received = Some(later(second * SECOND));
        for _ in 0..1000 {
            let (_, frame) = bench
                .pass(&Packet::plain().frame(), 0, &now)
                .expect("forwarded");
            if frame.len() > plain {
                // Behind the outer header's 48 octets of Hop-by-Hop Options.
                let at = EXTENSIONS + 48 + 12;
                numbers.push(u32::from_be_bytes(
                    frame[at..at + 4].try_into().expect("a word"),
                ));
            }
        }
    }
    assert!(numbers.len() > 100 && numbers.len() < 2000);
    assert!((0..).zip(&numbers).all(|(number, found)| number == *found));
}
