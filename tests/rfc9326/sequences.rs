// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 3.2: the sequence number starts at 0 and counts the packets of a flow that carry direct
//! export, and no others.

use super::{ALL, assert_gapless, flow, numbers};
use crate::common::Bench;
use crate::common::crew::Crew;
use crate::common::direct_export::*;
use crate::common::frames::*;
use ioam_dp::packet::HeapPacket;
use ioam_dp::stats::Notice;
use ioam_dp::table::spec::*;

#[test]
fn rfc9326_3_2_a_sequence_starts_at_0_and_counts() {
    for id in ALL {
        for placement in [Placement::Inline, tunnel()] {
            let mut spec = exporter(id);
            encapsulation(&mut spec).placement = placement;
            let all = numbers(&mut Bench::new(&spec), &vec![Packet::plain(); 300]);
            assert_eq!(assert_gapless(&all), 300);
        }
    }
}

#[test]
fn rfc9326_3_2_packets_that_sampling_passes_over_are_not_counted() {
    for id in ALL {
        for sampling in [Sampling::FirstOf { k: 2, n: 5 }, Sampling::Random { n: 3 }] {
            let mut spec = exporter(id);
            encapsulation(&mut spec).sampling = sampling;
            let all = numbers(&mut Bench::new(&spec), &vec![Packet::plain(); 300]);
            let count = assert_gapless(&all);
            assert!((60..180).contains(&count), "{count}");
        }
    }
}

#[test]
fn rfc9326_3_2_packets_that_cannot_take_the_option_are_not_counted() {
    let too_large = Packet::new(UDP, &[&udp(5000, 53), &[0x5A; 1430]]);
    let no_option = Packet::behind(&[UDP, 0, 5, 20, 0, 0, 0, 0]);
    let link_local = Packet::plain().to("ff02::1");
    let mut lies = Packet::plain();
    lies.payload_len = Some(1000);
    let carries = exporting(&[&Dex::of(1, 2)]);
    for id in [FlowIdSpec::None, FlowIdSpec::Fixed(9)] {
        for placement in [Placement::Inline, tunnel()] {
            let mut spec = exporter(id);
            spec.ports[0].ioam = false;
            encapsulation(&mut spec).placement = placement;
            let mut bench = Bench::new(&spec);
            let mut all = Vec::new();
            for hindrance in [&too_large, &no_option, &link_local, &lies] {
                all.extend(numbers(&mut bench, &[Packet::plain(), hindrance.clone()]));
                let (_, frame) = bench.forward(&carries);
                assert_eq!(frame, carries.hops(63).frame());
            }
            // Broken options are no obstacle for a tunnel.
            let expected = 4 + u32::from(placement != Placement::Inline);
            assert_eq!(assert_gapless(&all), expected);
        }
    }
}

#[test]
fn rfc9326_3_2_a_packet_without_headroom_is_not_counted() {
    for id in ALL {
        let spec = exporter(id);
        let mut crew = Crew::new(&spec, 1);
        let frame = Packet::plain().frame();
        let all: Vec<_> = (0..100)
            .map(|turn| {
                let headroom = if turn % 3 == 1 { 23 } else { 24 };
                let packet = HeapPacket::new(&frame, headroom);
                sequence_of(&crew.carry(0, packet, &moment()).expect("forwarded"))
            })
            .collect();
        assert_eq!(assert_gapless(&all), 67);
        assert_eq!(crew.noticed(Notice::EncapNoHeadroom), 33);
    }
}

#[test]
fn rfc9326_3_2_packets_that_the_limit_holds_back_are_not_counted() {
    for id in ALL {
        let mut spec = exporter(id);
        spec.ports[1].speed = 10;
        let mut bench = Bench::new(&spec);
        let mut all = Vec::new();
        for second in 0..5 {
            for _ in 0..300 {
                let out = bench.pass(&Packet::plain().frame(), 0, &later(second));
                all.push(sequence_of(&out.expect("forwarded").1));
            }
        }
        let held_back = bench.stats.notices(Notice::EncapRateLimited);
        assert_eq!(u64::from(assert_gapless(&all)), 1500 - held_back);
        assert!(held_back > 500);
    }
}

#[test]
fn rfc9326_3_2_linux_semantics_use_up_no_number() {
    // To them a packet that has a Hop-by-Hop header goes as it is.
    let behind = Packet::behind(&options(UDP, &[&ALERT, &LEAD]));
    for id in ALL {
        let mut spec = exporter(id);
        spec.policy.semantics = Semantics::Linux;
        let mut bench = Bench::new(&spec);
        let sent = [Packet::plain(), behind.clone(), Packet::plain()];
        let all = numbers(&mut bench, &sent);
        assert_eq!(all, [Some(0), None, Some(1)]);
        assert_eq!(bench.counted(), [(Notice::EncapHeaderFull, 1)]);
    }
}

#[test]
fn rfc9326_3_2_a_packet_that_is_dropped_before_is_not_counted() {
    let mut bench = Bench::new(&exporter(FlowIdSpec::Fixed(1)));
    assert_eq!(numbers(&mut bench, &[Packet::plain()]), [Some(0)]);
    let out = bench.pass(&Packet::plain().hops(1).frame(), 0, &moment());
    assert!(out.is_err());
    assert_eq!(numbers(&mut bench, &[Packet::plain()]), [Some(1)]);
}

#[test]
fn rfc9326_3_2_a_configured_flow_is_one_sequence_over_all_workers() {
    let mut crew = Crew::new(&exporter(FlowIdSpec::Fixed(9)), 3);
    let all: Vec<_> = (0..300)
        .map(|turn: u16| {
            let worker = usize::from(turn * 7 % 3);
            let frame = crew.pass(worker, &flow(turn % 20).frame(), &moment());
            sequence_of(&frame)
        })
        .collect();
    assert_eq!(assert_gapless(&all), 300);
}

#[test]
fn rfc9326_3_2_each_other_flow_has_its_own_sequence_in_both_directions() {
    for id in [FlowIdSpec::None, FlowIdSpec::Hashed] {
        let mut bench = Bench::new(&exporter(id));
        for round in 0..20 {
            for port in 1..50 {
                let there = flow(port);
                let mut back = Packet::new(UDP, &[&udp(53, port)]).from(PEER).to(HOST);
                back.label = 0x5_4321;
                let both = numbers(&mut bench, &[there, back]);
                assert_eq!(both, [Some(2 * round), Some(2 * round + 1)]);
            }
        }
    }
}

#[test]
fn rfc9326_3_2_the_options_of_a_packet_count_each_for_itself() {
    let mut spec = exporter(FlowIdSpec::Hashed);
    spec.namespaces.push(NamespaceSpec::plain(7));
    let list = [
        direct_export(FlowIdSpec::Hashed),
        DirectExportSpec {
            namespace: 7,
            ..direct_export(FlowIdSpec::None)
        },
        direct_export(FlowIdSpec::Fixed(3)),
    ];
    *encapsulation(&mut spec) = puts_in(&list, Placement::Inline);
    let mut bench = Bench::new(&spec);
    let mut total = 0;
    for round in 0..10 {
        for port in 1..10 {
            let (_, frame) = bench.forward(&flow(port));
            let got: Vec<_> = carried(&frame).iter().map(|one| one.sequence).collect();
            assert_eq!(got, [Some(round), Some(round), Some(total)]);
            total += 1;
        }
    }
}

#[test]
fn rfc9326_3_2_the_number_wraps() {
    let crew_of = |number| {
        let crew = Crew::new(&exporter(FlowIdSpec::Fixed(9)), 2);
        crew.set_shared(number);
        crew
    };
    // Of the counter's 64 bits the option has the lower 32.
    for start in [u64::from(u32::MAX) - 1, u64::MAX - 1] {
        let mut crew = crew_of(start);
        let all: Vec<_> = (0..4)
            .map(|turn| sequence_of(&crew.pass(turn % 2, &Packet::plain().frame(), &moment())))
            .collect();
        let expected = [u32::MAX - 1, u32::MAX, 0, 1].map(Some);
        assert_eq!(all, expected);
    }
}
