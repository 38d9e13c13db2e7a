// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 5, probes: packets this node makes, encapsulated, sent with the Active flag, and ended
//! at the far end.

use super::*;
use crate::common::expect::*;
use crate::common::options::*;
use crate::common::{Bench, Kept};
use ioam_dp::pipeline::Pipeline;
use ioam_dp::port::PortId;
use ioam_dp::record::Occasion;
use ioam_dp::stats::{DropReason, Notice, WorkerStats};
use ioam_dp::table::{CompileError, Tables};

const MILLISECOND: u64 = 1_000_000;
/// Ten a second.
const INTERVAL: u64 = 100 * MILLISECOND;
/// Where the probe begins in its frame: behind the outer header with 48 octets of options.
const PROBE: usize = EXTENSIONS + 48;

fn probe() -> ProbeSpec {
    ProbeSpec {
        name: "to-d".to_owned(),
        source: address("2001:db8:ff::a"),
        destination: address("2001:db8:2::1"),
        source_port: 33434,
        destination_port: 33435,
        length: 100,
        interval: INTERVAL,
        count: None,
        next_hop: next_hop(1),
    }
}

/// Node B, which sends that probe in its tunnel.
fn prober(change: impl FnOnce(&mut ProbeSpec)) -> NodeSpec {
    let mut what = encapsulate(KIND, 8, tunnel());
    what.active = Some(ActiveSpec::Probes);
    let mut spec = node_that(ActionSpec::Encapsulate(what));
    spec.profiles[0].filter.local = true;
    let mut probe = probe();
    change(&mut probe);
    spec.probes = vec![probe];
    spec
}

/// The number in a probe.
fn number(frame: &[u8]) -> u64 {
    let at = PROBE + IPV6 + 8;
    u64::from_be_bytes(frame[at..at + 8].try_into().expect("eight octets"))
}

/// Ones' complement sum of words, the last one padded.
fn sum(octets: &[u8]) -> u16 {
    let words = octets
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)));
    let mut total: u32 = words.sum();
    while total > 0xFFFF {
        total = (total & 0xFFFF) + (total >> 16);
    }
    total as u16
}

#[test]
fn rfc9322_5_a_probe_octet_by_octet() {
    let mut bench = Bench::new(&prober(|_| ()));
    bench.tick(later(0));
    let [(by, frame)] = &bench.originated[..] else {
        panic!("{} probes", bench.originated.len());
    };
    assert_eq!(*by, PortId(1));
    // Its ingress interface is not available; what it was received at is when it was made.
    let trace = Trace {
        flags: A,
        ..Trace::new(123, KIND, 8, &[])
    };
    let trace = trace.with_element(&[0x400B_0001, 0xFFFF_0B22]);
    let mut message = 33434u16.to_be_bytes().to_vec();
    message.extend(33435u16.to_be_bytes());
    message.extend([0, 60]);
    message.extend(&frame[PROBE + IPV6 + 6..PROBE + IPV6 + 8]);
    message.extend(0u64.to_be_bytes());
    message.extend(1_723_560_226_123_456_789_u64.to_be_bytes());
    message.resize(60, 0);
    let inner = Packet {
        label: 0,
        ..Packet::new(UDP, &[&message])
            .from("2001:db8:ff::a")
            .to("2001:db8:2::1")
    };
    assert_eq!(inner.octets().len(), 100);
    let label = u32::from_be_bytes([0, frame[15] & 0xF, frame[16], frame[17]]);
    assert_ne!(label, 0);
    let outer = Packet {
        label,
        ..inner.tunnelled(&[&trace])
    };
    let mut expected = outer.frame();
    expected[..6].copy_from_slice(&next_hop(1).mac);
    expected[6..12].copy_from_slice(&port(1).mac);
    assert_eq!(hex(frame), hex(&expected));
    assert_eq!(bench.counted(), [(Notice::ActiveSent, 1)]);
    let counts = &bench.stats.profiles[0];
    assert_eq!(
        (
            counts.selected.get(),
            counts.sampled.get(),
            counts.done.get()
        ),
        (1, 1, 1)
    );
}

/// The checksum of the UDP message in the only probe sent, after checking that it is right.
fn checksum(bench: &Bench) -> u16 {
    let (_, frame) = &bench.originated[0];
    let mut pseudo = frame[PROBE + 8..PROBE + 40].to_vec();
    pseudo.extend([0, 0, 0, 60, 0, 0, 0, UDP]);
    pseudo.extend(&frame[PROBE + IPV6..]);
    assert_eq!(sum(&pseudo), 0xFFFF);
    let field = &frame[PROBE + IPV6 + 6..][..2];
    u16::from_be_bytes([field[0], field[1]])
}

#[test]
fn rfc768_the_checksum_of_a_probe_is_right() {
    let mut bench = Bench::new(&prober(|_| ()));
    for step in 0..100 {
        bench.tick(later(step * INTERVAL + step));
        checksum(&bench);
        bench.originated.clear();
    }
}

#[test]
fn rfc8200_8_1_a_checksum_of_zero_is_sent_as_all_ones() {
    let of = |source_port| {
        let mut bench = Bench::new(&prober(|probe| probe.source_port = source_port));
        bench.tick(later(0));
        checksum(&bench)
    };
    // A port larger by its checksum makes the sum of all words 0xFFFF, and its complement zero.
    let port = sum(&[33434u16.to_be_bytes(), of(33434).to_be_bytes()].concat());
    assert_eq!(of(port), 0xFFFF);
}

#[test]
fn rfc9322_5_every_length_is_what_was_asked_for() {
    for length in [0, 48, 63, 64, 65, 99, 1280, 1388] {
        let mut bench = Bench::new(&prober(|probe| probe.length = length));
        bench.tick(later(0));
        let frame = &bench.originated[0].1;
        // Number and time are in every probe.
        assert_eq!(frame.len(), PROBE + usize::from(length.max(64)));
        let outer = u16::from_be_bytes([frame[18], frame[19]]);
        assert_eq!(usize::from(outer), frame.len() - EXTENSIONS);
    }
    let mut bench = Bench::new(&prober(|probe| probe.length = 1500));
    bench.tick(later(0));
    assert!(bench.originated.is_empty());
    assert_eq!(bench.counted(), [(Notice::EncapOverMtu, 1)]);
}

#[test]
fn rfc9322_5_probes_keep_their_pace() {
    let mut bench = Bench::new(&prober(|_| ()));
    for step in 0..=1000 {
        bench.tick(later(step * 10 * MILLISECOND));
    }
    // Ten seconds with both ends.
    assert_eq!(bench.originated.len(), 101);
    for (number_there, (_, frame)) in (0..).zip(&bench.originated) {
        assert_eq!(number(frame), number_there);
    }
}

#[test]
fn rfc9322_5_so_many_probes_and_no_more() {
    let mut bench = Bench::new(&prober(|probe| probe.count = Some(7)));
    for step in 0..100 {
        bench.tick(later(step * INTERVAL));
    }
    assert_eq!(bench.originated.len(), 7);
}

#[test]
fn rfc9322_5_a_few_late_ones_are_made_up_for_and_many_are_not() {
    let mut bench = Bench::new(&prober(|_| ()));
    bench.tick(later(0));
    bench.tick(later(5 * INTERVAL));
    assert_eq!(bench.originated.len(), 6);
    bench.tick(later(1000 * INTERVAL));
    assert_eq!(bench.originated.len(), 7, "no storm after a pause");
    bench.tick(later(1001 * INTERVAL));
    assert_eq!(bench.originated.len(), 8);
}

#[test]
fn rfc9322_5_a_clock_that_is_set_neither_stops_nor_hurries_them() {
    let hour = 3600 * SECOND;
    let mut bench = Bench::new(&prober(|_| ()));
    for step in 0..10 {
        bench.tick(later(2 * hour + step * INTERVAL));
    }
    assert_eq!(bench.originated.len(), 10);
    for start in [hour, 3 * hour] {
        let before = bench.originated.len();
        for step in 0..10 {
            bench.tick(later(start + step * INTERVAL));
        }
        assert_eq!(bench.originated.len() - before, 10);
    }
}

#[test]
fn rfc9322_5_extreme_intervals_do_no_harm() {
    let mut bench = Bench::new(&prober(|probe| probe.interval = u64::MAX));
    bench.tick(later(0));
    bench.tick(later(3600 * SECOND));
    assert_eq!(bench.originated.len(), 1);
    let mut bench = Bench::new(&prober(|probe| probe.interval = 0));
    bench.tick(later(0));
    bench.tick(later(SECOND));
    assert!(bench.originated.len() < 100);
}

#[test]
fn rfc9322_5_new_tables_change_neither_pace_nor_numbers() {
    let spec = prober(|probe| probe.count = Some(30));
    let mut bench = Bench::new(&spec);
    for step in 0..200 {
        if step % 13 == 0 {
            bench.reload(&spec);
        }
        bench.tick(later(step * INTERVAL / 4));
    }
    let numbers: Vec<_> = bench.originated.iter().map(|(_, f)| number(f)).collect();
    assert_eq!(numbers, (0..30).collect::<Vec<_>>());
}

#[test]
fn rfc9322_5_one_worker_sends_them() {
    let spec = prober(|_| ());
    let tables = std::sync::Arc::new(Tables::compile(&spec).expect("a node"));
    let stats = WorkerStats::new(2, 1, 2);
    let (mut records, mut reports) = (Vec::new(), Vec::new());
    for (worker, probes) in [(0, 1), (1, 0), (2, 0)] {
        let mut pipeline = Pipeline::new(worker);
        let mut kept = Kept(&mut records, &mut reports);
        pipeline.tick(&tables, later(0), &stats, &mut kept);
        assert_eq!(pipeline.outbox().frames().count(), probes);
    }
}

#[test]
fn rfc9322_5_a_probe_that_no_profile_wants_is_counted() {
    let mut spec = prober(|_| ());
    spec.profiles[0].filter.destination_ports = Some(1..=1);
    let mut bench = Bench::new(&spec);
    bench.tick(later(0));
    assert!(bench.originated.is_empty());
    assert_eq!(bench.counted(), [(Notice::ProbeNoProfile, 1)]);
    // Nor is a profile for packets that arrive one for probes, or the other way round.
    spec.profiles[0].filter = FilterSpec::default();
    let mut bench = Bench::new(&spec);
    bench.tick(later(0));
    assert!(bench.originated.is_empty());
    assert_eq!(bench.counted(), [(Notice::ProbeNoProfile, 1)]);
    let mut bench = Bench::new(&prober(|_| ()));
    let (_, frame) = bench.forward(&Packet::plain());
    assert_eq!(frame, Packet::plain().hops(63).frame());
}

#[test]
fn rfc9322_5_a_sampled_probe_is_wanted_all_the_same() {
    let mut spec = prober(|_| ());
    if let ActionSpec::Encapsulate(what) = &mut spec.profiles[0].action {
        what.sampling = Sampling::FirstOf { k: 1, n: 2 };
    }
    let mut bench = Bench::new(&spec);
    for step in 0..10 {
        bench.tick(later(step * INTERVAL));
    }
    assert_eq!(bench.counted(), [(Notice::ActiveSent, 5)]);
    let numbers: Vec<_> = bench.originated.iter().map(|(_, f)| number(f)).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
}

#[test]
fn rfc9322_5_probes_are_an_nth_of_the_port_and_what_is_held_back_has_no_number() {
    let mut spec = prober(|probe| probe.interval = MILLISECOND);
    spec.ports[1].speed = 1;
    let mut bench = Bench::new(&spec);
    for step in 0..20_000 {
        bench.tick(later(step * MILLISECOND));
    }
    let sent = bench.originated.len() as u64;
    let octets = bench.originated[0].1.len() as u64;
    // 16 KiB at once, and 976 octets for each of 20 seconds.
    assert!(sent <= (16_384 + 20 * 976) / octets, "{sent}");
    assert!(sent >= (16_384 + 19 * 976) / octets, "{sent}");
    assert_eq!(bench.stats.notices(Notice::EncapRateLimited), 20_000 - sent);
    for (number_there, (_, frame)) in (0..).zip(&bench.originated) {
        assert_eq!(number(frame), number_there);
    }
}

#[test]
fn rfc9322_5_a_probe_may_carry_whatever_a_packet_can() {
    let mut spec = prober(|_| ());
    if let ActionSpec::Encapsulate(what) = &mut spec.profiles[0].action {
        what.options.push(dex_of(LOOPING, 0xABCDEF));
        what.options.push(e2e_of(0x7000, GroupSpec::Profile));
    }
    let mut bench = Bench::new(&spec);
    bench.tick(later(0));
    let frame = &bench.originated[0].1;
    let trace = Trace {
        flags: A,
        ..Trace::new(123, KIND, 8, &[])
    };
    let trace = trace.with_element(&[0x400B_0001, 0xFFFF_0B22]).option();
    let dex = direct_export(123, 0xC0, LOOPING, &[0x00AB_CDEF, 0]);
    let e2e = edge_to_edge(123, 0x7000, &[0, 1_723_560_226, 123_456]);
    let headers = [header(DESTINATION, &[&trace, &dex]), header(IP6, &[&e2e])].concat();
    assert_eq!(frame[EXTENSIONS..EXTENSIONS + headers.len()], headers);
}

#[test]
fn rfc9322_5_without_the_flag_a_probe_is_a_packet_like_any_other() {
    let mut spec = prober(|_| ());
    if let ActionSpec::Encapsulate(what) = &mut spec.profiles[0].action {
        what.active = None;
    }
    let mut bench = Bench::new(&spec);
    bench.tick(later(0));
    let frame = &bench.originated[0].1;
    assert_eq!(frame[EXTENSIONS + 10] & 7, 0, "no flag");
}

#[test]
fn rfc9322_5_inline_a_probe_carries_its_options_itself() {
    let mut spec = prober(|_| ());
    if let ActionSpec::Encapsulate(what) = &mut spec.profiles[0].action {
        what.placement = Placement::Inline;
    }
    let mut bench = Bench::new(&spec);
    bench.tick(later(0));
    let frame = &bench.originated[0].1;
    let trace = Trace {
        flags: A,
        ..Trace::new(123, KIND, 8, &[])
    };
    let header = hop_by_hop(&[&trace.with_element(&[0x400B_0001, 0xFFFF_0B22])]);
    assert_eq!(frame[EXTENSIONS..EXTENSIONS + header.len()], header);
    assert_eq!(frame.len(), ETHERNET + 100 + header.len());
    let spec = node_that(ActionSpec::Decapsulate(decapsulate(
        DecapsulatePlacement::Inline,
    )));
    let out = Bench::new(&spec).pass(frame, 0, &moment());
    assert_eq!(out.map(drop), Err(DropReason::ActiveTerminated));
}

#[test]
fn rfc9322_5_a_probe_leaves_by_a_port_that_there_is() {
    let spec = prober(|probe| probe.next_hop.port = 2);
    let refused = Tables::compile(&spec).map(drop);
    assert_eq!(refused, Err(CompileError::NoSuchPort(2)));
}

#[test]
fn rfc9322_5_from_end_to_end() {
    let mut spec = prober(|_| ());
    if let ActionSpec::Encapsulate(what) = &mut spec.profiles[0].action {
        what.options.push(e2e_of(0x7000, GroupSpec::Profile));
    }
    let mut head = Bench::new(&spec);
    let end = node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
    let (mut between, mut end) = (Bench::new(&node()), Bench::new(&end));
    for step in 0..100 {
        head.tick(later(step * INTERVAL));
    }
    for (step, (_, frame)) in (0..).zip(&head.originated) {
        if step == 42 {
            continue;
        }
        let mut now = moment();
        now.received = Some(later(step * INTERVAL + 3 * MILLISECOND));
        let (_, frame) = between.pass(frame, 0, &now).expect("forwarded");
        let out = end.pass(&frame, 0, &now);
        assert_eq!(out.map(drop), Err(DropReason::ActiveTerminated));
    }
    assert_eq!(end.records.len(), 99);
    assert!(
        end.records
            .iter()
            .all(|record| record.occasion == Occasion::Active)
    );
    end.finish();
    let figures = end.reports.last().expect("a report").figures;
    assert_eq!((figures.packets, figures.sequence.lost), (99, 1));
    let delay = figures.delay.expect("timestamps");
    // Microseconds were written, so that up to one is added.
    assert_eq!(delay.min / 1000, 3000);
    assert_eq!(delay.max / 1000, 3000);
}
