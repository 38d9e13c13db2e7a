// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sections 3.1.1 and 3.1.2: direct export and what it causes take one N-th of each interface's
//! capacity.

use crate::common::Bench;
use crate::common::crew::Crew;
use crate::common::direct_export::*;
use crate::common::frames::*;
use ioam_dp::stats::Notice;
use ioam_dp::table::spec::*;

/// Octets that a slow port lets through at once.
const BURST: usize = 16 * 1024;

/// `spec` with ports of ten megabits a second.
fn slow(mut spec: NodeSpec) -> NodeSpec {
    spec.ports.iter_mut().for_each(|port| port.speed = 10);
    spec
}

/// How many of `sent` packets, `seconds` after the moment of the tests, get the option; all go on.
fn encapsulated(bench: &mut Bench, sent: usize, seconds: u64) -> usize {
    let frames = (0..sent).map(|_| {
        let out = bench.pass(&Packet::plain().frame(), 0, &later(seconds));
        out.expect("forwarded whatever the limit says").1
    });
    let (with, without): (Vec<_>, Vec<_>) = frames.partition(|frame| !carried(frame).is_empty());
    let untouched = Packet::plain().hops(63).frame();
    assert!(without.iter().all(|frame| *frame == untouched));
    with.len()
}

/// How many records `sent` packets from port `port` cause; all go on.
fn exported(bench: &mut Bench, sent: usize, port: u8, seconds: u64) -> usize {
    let before = bench.records.len();
    let packet = exporting(&[&Dex::of(1, 2)]);
    for _ in 0..sent {
        let (_, frame) = bench
            .pass(&packet.frame(), port, &later(seconds))
            .expect("forwarded whatever the limit says");
        assert_eq!(frame, packet.hops(63).frame());
    }
    bench.records.len() - before
}

/// Octets of a plain packet with direct export in line, from its Ethernet header on.
fn octets() -> usize {
    Packet::plain().frame().len() + 24
}

#[test]
fn rfc9326_3_1_1_n_is_128_unless_configured() {
    let limits = LimitsSpec::default();
    assert_eq!((limits.direct_export, limits.export), (128, 128));
}

#[test]
fn rfc9326_3_1_1_traffic_with_the_option_stays_below_one_nth_of_the_port() {
    let mut bench = Bench::new(&slow(exporter(FlowIdSpec::None)));
    let at_once = BURST / octets();
    assert_eq!(encapsulated(&mut bench, 1000, 0), at_once);
    let held_back = 1000 - at_once as u64;
    assert_eq!(bench.counted(), [(Notice::EncapRateLimited, held_back)]);
    // Ten megabits are 1 250 000 octets a second, and the 128th part of that 9765.
    let rest = BURST % octets();
    assert_eq!(encapsulated(&mut bench, 1000, 1), (rest + 9765) / octets());
    // However long nothing was sent, no more than a burst.
    assert_eq!(encapsulated(&mut bench, 1000, 1000), at_once);
    let counts = &bench.stats.profiles[0];
    assert_eq!((counts.selected.get(), counts.sampled.get()), (3000, 3000));
    let done = 2 * at_once + (rest + 9765) / octets();
    assert_eq!(counts.done.get(), done as u64);
}

#[test]
fn rfc9326_3_1_1_octets_are_counted_and_not_packets() {
    let payload = [0x5A; 1000];
    let large = Packet::new(UDP, &[&udp(5000, 53), &payload]).frame();
    let mut bench = Bench::new(&slow(exporter(FlowIdSpec::None)));
    let passed = (0..1000)
        .filter(|_| {
            let (_, frame) = bench.pass(&large, 0, &moment()).expect("forwarded");
            !carried(&frame).is_empty()
        })
        .count();
    assert_eq!(passed, BURST / (large.len() + 24));
}

#[test]
fn rfc9326_3_1_1_n_is_configurable_and_0_is_no_limit() {
    for (n, second) in [(10, 125_000), (256, 4882), (1, 1_250_000)] {
        let mut spec = slow(exporter(FlowIdSpec::None));
        spec.limits.direct_export = n;
        let mut bench = Bench::new(&spec);
        let burst = BURST.max(second / 10);
        assert_eq!(encapsulated(&mut bench, 2000, 0), burst / octets());
        // In steps that a burst covers, a second gives the second's worth.
        let more: usize = (1..=10)
            .map(|step| {
                let mut now = moment();
                now.received.as_mut().expect("a time").nanoseconds = 0;
                let received = now.received.as_mut().expect("a time");
                received.seconds += 1;
                received.nanoseconds = step * 99_000_000;
                let frame = Packet::plain().frame();
                let outs = (0..2000).map(|_| bench.pass(&frame, 0, &now));
                outs.filter(|out| !carried(&out.as_ref().expect("forwarded").1).is_empty())
                    .count()
            })
            .sum();
        assert!(more <= (burst + second) / octets() + 1, "N {n}: {more}");
        assert!(more >= second * 9 / 10 / octets(), "N {n}: {more}");
    }
    let mut spec = slow(exporter(FlowIdSpec::None));
    spec.limits.direct_export = 0;
    let mut bench = Bench::new(&spec);
    assert_eq!(encapsulated(&mut bench, 3000, 0), 3000);
    assert_eq!(bench.counted(), []);
}

#[test]
fn rfc9326_3_1_1_each_out_port_has_its_own_share() {
    let mut spec = slow(exporter(FlowIdSpec::None));
    spec.ports.push(port(2));
    spec.ports[1].speed = 10;
    spec.ports[2].speed = 10;
    spec.forwarding = ForwardingSpec::Static {
        routes: vec![route("2001:db8:2::", 48, 1), route("2001:db8:3::", 48, 2)],
        defaults: vec![],
        decrement_hop_limit: true,
    };
    let mut bench = Bench::new(&spec);
    let mut through = |to: &str| {
        let frame = Packet::plain().to(to).frame();
        let outs = (0..500).map(|_| bench.pass(&frame, 0, &moment()).expect("forwarded"));
        outs.filter(|(_, frame)| !carried(frame).is_empty()).count()
    };
    assert_eq!(through(PEER), BURST / octets());
    assert_eq!(through("2001:db8:3::1"), BURST / octets());
    assert_eq!(through(PEER), 0);
}

#[test]
fn rfc9326_3_1_1_workers_share_a_ports_share() {
    let mut spec = slow(exporter(FlowIdSpec::None));
    spec.workers = 4;
    let mut crew = Crew::new(&spec, 4);
    let frame = Packet::plain().frame();
    let mut passed = |seconds| {
        let outs = (0..4000).map(|turn| crew.pass(turn % 4, &frame, &later(seconds)));
        outs.filter(|frame| !carried(frame).is_empty()).count()
    };
    passed(0);
    // What each gains in a second is a quarter of what one alone would.
    let rest = BURST % octets();
    assert_eq!(passed(1), 4 * ((rest + 9765 / 4) / octets()));
}

#[test]
fn rfc9326_3_1_2_exported_data_stay_below_one_nth_of_the_port() {
    let mut bench = Bench::new(&slow(node()));
    // What a record takes on its way: its option data, and the headers around them.
    let record = 100 + Dex::of(1, 2).with(&BY_B).len();
    assert_eq!(exported(&mut bench, 1000, 0, 0), BURST / record);
    let held_back = (1000 - BURST / record) as u64;
    assert_eq!(bench.counted(), [(Notice::ExportSuppressed, held_back)]);
    let rest = BURST % record;
    assert_eq!(exported(&mut bench, 1000, 0, 1), (rest + 9765) / record);
    assert_eq!(exported(&mut bench, 1000, 0, 100), BURST / record);
}

#[test]
fn rfc9326_3_1_2_each_in_port_has_its_own_share_of_exports() {
    let mut bench = Bench::new(&slow(node()));
    let one = exported(&mut bench, 500, 0, 0);
    assert!(one < 500);
    assert_eq!(exported(&mut bench, 500, 1, 0), one);
    assert_eq!(exported(&mut bench, 500, 0, 0), 0);
}

#[test]
fn rfc9326_5_the_limit_of_exports_can_be_off() {
    let mut spec = slow(node());
    spec.limits.export = 0;
    let mut bench = Bench::new(&spec);
    assert_eq!(exported(&mut bench, 2000, 0, 0), 2000);
    assert_eq!(bench.counted(), []);
}

#[test]
fn rfc9326_3_1_2_what_is_taken_out_and_ones_own_exports_are_limited_too() {
    let end = node_that(ActionSpec::Decapsulate(decapsulate(
        DecapsulatePlacement::Inline,
    )));
    let mut one = direct_export(FlowIdSpec::None);
    one.record_self = true;
    let mut head = node_that(ActionSpec::Encapsulate(puts_in(&[one], Placement::Inline)));
    head.limits.direct_export = 0;
    for (spec, sent) in [(end, exporting(&[&Dex::of(1, 2)])), (head, Packet::plain())] {
        let mut bench = Bench::new(&slow(spec));
        for _ in 0..1000 {
            bench.forward(&sent);
        }
        assert!(bench.records.len() < 200, "{}", bench.records.len());
        let suppressed = bench.stats.notices(Notice::ExportSuppressed);
        assert_eq!(suppressed, 1000 - bench.records.len() as u64);
        // The packets all had the option put in or taken out nevertheless.
        assert_eq!(bench.stats.profiles[0].done.get(), 1000);
    }
}

#[test]
fn rfc9326_3_1_1_a_trace_alone_is_not_limited() {
    let what = encapsulate(0x80_0000, 1, Placement::Inline);
    let mut bench = Bench::new(&slow(node_that(ActionSpec::Encapsulate(what))));
    for _ in 0..1000 {
        bench.forward(&Packet::plain());
    }
    assert_eq!(bench.stats.profiles[0].done.get(), 1000);
    assert_eq!(bench.counted(), []);
}

#[test]
fn rfc9326_3_1_1_a_reload_does_not_fill_the_bucket() {
    let mut spec = slow(exporter(FlowIdSpec::None));
    let mut bench = Bench::new(&spec);
    assert_eq!(encapsulated(&mut bench, 1000, 0), BURST / octets());
    spec.policy.icmp_errors_per_second += 1;
    bench.reload(&spec);
    assert_eq!(encapsulated(&mut bench, 1000, 0), 0);
}
