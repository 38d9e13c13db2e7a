// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Delays out of records that are written out.

use ioam_dp::accounting::{GroupAccount, SequenceNumber};
use ioam_dp::port::PortId;
use ioam_dp::record::{ExportRecord, Flow, MAX_OPTION_DATA, Occasion, SequenceReport};
use ioam_dp::table::Tables;
use ioam_dp::table::spec::{NamespaceSpec, NodeSpec};
use ioam_dp::timestamp::WallTime;
use ioam_dp::wire::ioam::{NamespaceId, OptionType};

use super::*;
use crate::export::Record;

const SECONDS: u64 = 1_723_560_226;

fn tables() -> Tables {
    Tables::compile(&NodeSpec {
        namespaces: vec![NamespaceSpec::plain(123)],
        ..NodeSpec::default()
    })
    .unwrap()
}

/// A trace with node id, POSIX time and transit delay of each node, oldest first: id, microseconds
/// and nanoseconds.
fn trace(nodes: &[(u32, u32, u32)]) -> Record {
    let mut octets = vec![0, 123, 4 << 3, 0, 0xB8, 0, 0, 0];
    for (id, fraction, delay) in nodes.iter().rev() {
        let seconds = u32::try_from(SECONDS).unwrap();
        for word in [0x4000_0000 | id, seconds, *fraction, *delay] {
            octets.extend(word.to_be_bytes());
        }
    }
    let mut option = [0; MAX_OPTION_DATA];
    option[..octets.len()].copy_from_slice(&octets);
    Record::Option(ExportRecord {
        occasion: Occasion::Decapsulated,
        received: WallTime {
            seconds: SECONDS,
            nanoseconds: 900_000_000,
        },
        in_port: PortId(0),
        profile: Some(0),
        namespace: NamespaceId(123),
        option_type: OptionType::PreallocatedTrace,
        outer_source: [0; 16],
        outer_destination: [0; 16],
        flow: Flow::default(),
        proof: None,
        option_len: u8::try_from(octets.len()).unwrap(),
        option,
    })
}

fn figures(latency: &Latency) -> Vec<(Kind, String, String, u64, u64, u64)> {
    let spans = latency.spans();
    spans
        .map(|(span, delays)| {
            let (from, to) = (span.from.to_string(), span.to.to_string());
            (
                span.kind,
                from,
                to,
                delays.count,
                delays.sum,
                delays.negative,
            )
        })
        .collect()
}

#[test]
fn a_trace_tells_hops_from_node_to_node_and_the_time_in_each() {
    let mut latency = Latency::default();
    let record = trace(&[
        (0xA, 100_000, 700),
        (0xB, 100_250, u32::MAX),
        (0xC, 100_200, 90),
    ]);
    latency.observe(&record, &tables());
    latency.observe(&record, &tables());
    let expected = [
        (Kind::Hop, "0x00000a", "0x00000b", 2, 500_000, 0),
        (Kind::Hop, "0x00000b", "0x00000c", 0, 0, 2),
        (Kind::Transit, "0x00000a", "0x00000a", 2, 1400, 0),
        (Kind::Transit, "0x00000c", "0x00000c", 2, 180, 0),
    ];
    let expected = expected.map(|(kind, from, to, count, sum, negative)| {
        (kind, from.to_owned(), to.to_owned(), count, sum, negative)
    });
    assert_eq!(figures(&latency), expected);
    let (_, hop) = latency.spans().next().unwrap();
    assert_eq!(hop.buckets[6], 2, "up to 250 µs");
    assert_eq!(hop.recent().len(), 2);
    let (least, most) = (hop.recent().value_at_quantile(0.5), hop.recent().max());
    assert!((248_000..=252_000).contains(&least), "{least} ns");
    assert!((248_000..=252_000).contains(&most), "{most} ns");
}

#[test]
fn what_was_recent_is_not_for_ever_and_what_is_missing_is_no_delay() {
    let mut latency = Latency::default();
    latency.observe(&trace(&[(0xA, 1, 7)]), &tables());
    for turns in 1..=2_u32 {
        latency.turn(Instant::now() + WINDOW * turns * 2);
    }
    let (_, delays) = latency.spans().next().unwrap();
    assert_eq!((delays.count, delays.recent().len()), (1, 0));
    // No id, no time; and a namespace nobody knows.
    let mut latency = Latency::default();
    let nodes = [(0xFF_FFFF, u32::MAX, u32::MAX), (0xB, 5, 9)];
    latency.observe(&trace(&nodes), &tables());
    assert_eq!(figures(&latency).len(), 1);
    latency.observe(
        &trace(&nodes),
        &Tables::compile(&NodeSpec::default()).unwrap(),
    );
    assert_eq!(figures(&latency).len(), 1);
}

#[test]
fn reports_count_each_packet_once_with_the_mean_since_the_last_one() {
    let mut latency = Latency::default();
    let mut account = GroupAccount::default();
    for (number, delay) in [100, 300, 1000, 2000, 3000].into_iter().enumerate() {
        let number = SequenceNumber::Bits32(u32::try_from(number).unwrap());
        account.observe(None, Some(number), Some(delay));
        if [300, 3000].contains(&delay) {
            let report = SequenceReport {
                received: WallTime::default(),
                profile: 0,
                namespace: NamespaceId(123),
                option_type: OptionType::EdgeToEdge,
                outer_source: [0x20; 16],
                flow_id: None,
                flow: None,
                last: delay == 3000,
                figures: account.snapshot(),
            };
            latency.observe(&Record::Report(report), &tables());
        }
    }
    let (span, delays) = latency.spans().next().unwrap();
    assert_eq!((span.kind, span.to), (Kind::OneWay, End::Here));
    assert_eq!((delays.count, delays.sum), (5, 2 * 200 + 3 * 2000));
}

#[test]
fn more_ends_than_there_is_room_for_are_counted() {
    let mut latency = Latency::default();
    for id in 0..300 {
        latency.observe(&trace(&[(id, 1, 1)]), &tables());
    }
    assert_eq!(latency.spans().count(), MOST_SPANS);
    assert_eq!(latency.left_out(), 300 - MOST_SPANS as u64);
}
