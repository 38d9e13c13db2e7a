// SPDX-License-Identifier: Apache-2.0 OR MIT
//! No packet makes the data plane allocate: everything a node does, with a counting allocator. What
//! a node needs it takes when it adopts tables, and with its first burst.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the numbers are the tests' own and fit"
)]

#[path = "allocations/actions.rs"]
mod actions;
mod common;

use std::alloc::System;
use std::sync::Arc;

use actions::{Action, Outcome};
use common::frames::moment;
use ioam_dp::packet::{HeapPacket, PacketBuf as _};
use ioam_dp::pipeline::{Pipeline, Verdict};
use ioam_dp::port::{BURST, PortId};
use ioam_dp::record::{ExportRecord, RecordSink, SequenceReport};
use ioam_dp::stats::{DropReason, WorkerStats};
use ioam_dp::table::Tables;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bursts of each action; the first is not counted.
const BURSTS: usize = 5;
const HEADROOM: usize = 512;

/// Has room for what one burst can bring, and counts.
struct Sink {
    records: Vec<ExportRecord>,
    reports: Vec<SequenceReport>,
    pushed: usize,
}

impl Sink {
    fn new() -> Self {
        Self {
            records: Vec::with_capacity(4 * BURST),
            reports: Vec::with_capacity(4 * BURST),
            pushed: 0,
        }
    }
}

impl RecordSink for Sink {
    fn push(&mut self, record: ExportRecord) -> bool {
        self.pushed += 1;
        self.records.push(record);
        true
    }

    fn report(&mut self, report: SequenceReport) -> bool {
        self.reports.push(report);
        true
    }
}

/// A node, and what it did so far.
struct Node {
    tables: Arc<Tables>,
    pipeline: Pipeline,
    stats: Arc<WorkerStats>,
    sink: Sink,
    verdicts: [Verdict; BURST],
    originated: usize,
}

impl Node {
    fn new(action: &Action) -> Self {
        let tables = Tables::compile(&action.spec).expect("a node");
        let namespaces = tables.namespaces.all().len();
        Self {
            stats: WorkerStats::new(action.spec.ports.len(), tables.profiles.len(), namespaces),
            tables: Arc::new(tables),
            pipeline: Pipeline::new(0),
            sink: Sink::new(),
            verdicts: [Verdict::Drop(DropReason::NoPeer); BURST],
            originated: 0,
        }
    }

    /// One turn of the worker's loop with these packets; allocations it took.
    fn turn(&mut self, packets: &mut [HeapPacket]) -> usize {
        let (stats, now, port) = (&*self.stats, moment(), PortId(0));
        let due = now.received.expect("a time");
        self.sink.records.clear();
        self.sink.reports.clear();
        let region = Region::new(ALLOCATOR);
        self.pipeline.classify(&self.tables, port, packets, stats);
        let (sink, verdicts) = (&mut self.sink, &mut self.verdicts);
        self.pipeline
            .act(port, packets, &now, stats, sink, verdicts);
        self.pipeline.tick(&self.tables, due, stats, sink);
        let outbox = self.pipeline.outbox();
        self.originated += outbox.frames().count();
        outbox.clear();
        let change = region.change();
        change.allocations + change.reallocations + change.deallocations
    }

    /// Packets of which it can be told that they met this end.
    fn met(&self, outcome: Outcome, packets: &[HeapPacket]) -> usize {
        let sent = |length: usize| {
            let ends = self.verdicts.iter().zip(packets);
            ends.filter(|(verdict, packet)| {
                matches!(verdict, Verdict::Send(_)) && packet.bytes().len() == length
            })
            .count()
        };
        let whole = |count: u64| count as usize / BURSTS;
        match outcome {
            Outcome::Sent(length) => sent(length),
            Outcome::Filled(length) => {
                sent(length).min(whole(self.stats.namespaces[1].filled.get()))
            }
            Outcome::Recorded(length) => sent(length).min(self.sink.pushed / BURSTS),
            Outcome::LoopedBack(length) => sent(length).min(self.originated / BURSTS),
            Outcome::Dropped(reason) => whole(self.stats.drops(reason)),
            Outcome::Noticed(notice) => whole(self.stats.notices(notice)),
        }
    }
}

/// All bursts of one action through one node, every packet a flow of its own; allocations in all but
/// the first.
fn allocations(action: &Action) -> usize {
    let mut node = Node::new(action);
    let mut packets: Vec<HeapPacket> = (0..BURST)
        .map(|_| HeapPacket::new(&action.frame, HEADROOM))
        .collect();
    let mut counted = 0;
    for burst in 0..BURSTS {
        for (place, packet) in packets.iter_mut().enumerate() {
            packet.refill(&action.frame, HEADROOM);
            if let Some(at) = action.flow {
                packet.bytes_mut()[at] = (burst * BURST + place) as u8;
            }
        }
        let change = node.turn(&mut packets);
        counted += if burst == 0 { 0 } else { change };
    }
    let met = node.met(action.outcome, &packets);
    assert_eq!(met, BURST, "{}: not what this is about", action.name);
    counted
}

// One test, since the count is of the whole process.
#[test]
fn nothing_that_is_done_with_packets_allocates_after_the_first_burst() {
    let region = Region::new(ALLOCATOR);
    drop(std::hint::black_box(vec![1]));
    assert_eq!(region.change().allocations, 1, "allocations are counted");
    let found: Vec<String> = actions::all()
        .iter()
        .map(|action| (action.name, allocations(action)))
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name}: {count}"))
        .collect();
    assert_eq!(
        found,
        [""; 0],
        "calls of the allocator in {} bursts",
        BURSTS - 1
    );
}
