// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The pure pipeline of a case, and packets in ordinary memory that go through it again and again.

use std::alloc::System;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ioam_dp::moment::Moment;
use ioam_dp::packet::{HeapPacket, PacketBuf as _};
use ioam_dp::pipeline::{Pipeline, Verdict};
use ioam_dp::port::{BURST as MOST, PortId};
use ioam_dp::record::{ExportRecord, RecordSink, SequenceReport};
use ioam_dp::stats::{DropReason, WorkerStats};
use ioam_dp::table::Tables;
use quanta::Clock;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use crate::case::{BURST, Case, HEADROOM, Records};
use crate::frames;
use crate::report::Spread;

#[global_allocator]
pub(crate) static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SAMPLE: Duration = Duration::from_millis(20);
/// Batches before a sample, which also make the node's templates.
const WARM_UP: usize = 4;

/// One node, its packets, and what was measured so far.
pub(crate) struct Bench {
    pub case: Case,
    pub ticks: Vec<f64>,
    pub allocations: usize,
    tables: Arc<Tables>,
    pipeline: Pipeline,
    stats: Arc<WorkerStats>,
    sink: Sink,
    moment: Moment,
    packets: Vec<HeapPacket>,
    verdicts: [Verdict; MOST],
    /// Packets before this batch.
    number: u64,
}

impl Bench {
    /// With so many packets, which all go through in turn.
    pub(crate) fn new(case: Case, packets: usize) -> Result<Self> {
        let tables = Tables::compile(&case.spec).context("the case is no node")?;
        let stats = WorkerStats::new(
            tables.ports.len(),
            tables.profiles.len(),
            tables.namespaces.all().len(),
        );
        let kept = case.records == Records::Kept;
        Ok(Self {
            tables: Arc::new(tables),
            pipeline: Pipeline::new(0),
            stats,
            sink: Sink::new(if kept { packets } else { 0 }),
            moment: frames::moment(),
            packets: vec![HeapPacket::new(&case.frames.input, HEADROOM); packets],
            verdicts: [Verdict::Drop(DropReason::NoPeer); MOST],
            ticks: Vec::new(),
            allocations: 0,
            number: 0,
            case,
        })
    }

    /// Packets that go through together.
    pub(crate) fn packets(&self) -> usize {
        self.packets.len()
    }

    /// Measures for a while; ticks a packet in the median batch. Every flow was there before.
    pub(crate) fn sample(&mut self, clock: &Clock) -> Result<f64> {
        let mut warm = 0;
        while warm < WARM_UP || self.number < self.case.flows {
            self.batch(clock)?;
            warm += 1;
        }
        let mut batches = Vec::new();
        let begun = Instant::now();
        while batches.is_empty() || begun.elapsed() < SAMPLE {
            let (ticks, allocations) = self.batch(clock)?;
            batches.push(ticks);
            self.allocations += allocations;
        }
        let each = Spread::of(batches).median / self.packets.len() as f64;
        self.ticks.push(each);
        Ok(each)
    }

    /// All packets through the node once; ticks it took, and allocations. They get their content
    /// before the clock runs.
    pub(crate) fn batch(&mut self, clock: &Clock) -> Result<(f64, usize)> {
        self.sink.clear();
        for (number, packet) in (self.number..).zip(&mut self.packets) {
            ensure!(self.case.fill(packet, number), "a packet has no room left");
        }
        let region = Region::new(ALLOCATOR);
        let before = clock.raw();
        self.forward();
        let ticks = clock.raw().wrapping_sub(before);
        let change = region.change();
        self.check()?;
        self.number += self.packets.len() as u64;
        Ok((ticks as f64, change.allocations + change.reallocations))
    }

    #[inline(never)]
    fn forward(&mut self) {
        let (stats, sink, verdicts) = (&*self.stats, &mut self.sink, &mut self.verdicts);
        for burst in self.packets.chunks_mut(BURST) {
            self.pipeline
                .classify(&self.tables, PortId(0), burst, stats);
            self.pipeline
                .act(PortId(0), burst, &self.moment, stats, sink, verdicts);
        }
    }

    /// What came out of the batch, packets and records.
    fn check(&self) -> Result<()> {
        ensure!(
            self.verdicts[0] == Verdict::Send(PortId(1)),
            "{}: the verdict is {:?}",
            self.case.name,
            self.verdicts[0]
        );
        let time = self.moment.received;
        let frames = self.packets.iter().map(|packet| packet.bytes());
        self.case.check_all(frames, self.number, time)?;
        let (packets, records) = (self.packets.len(), &self.sink.records);
        let first = records.first();
        self.case.check_records(packets, records.len(), first, time)
    }
}

/// Keeps what there is room for, and forgets the rest without complaint.
struct Sink {
    records: Vec<ExportRecord>,
    room: usize,
}

impl Sink {
    fn new(room: usize) -> Self {
        Self {
            records: Vec::with_capacity(room),
            room,
        }
    }

    fn clear(&mut self) {
        self.records.clear();
    }
}

impl RecordSink for Sink {
    fn push(&mut self, record: ExportRecord) -> bool {
        if self.records.len() < self.room {
            self.records.push(record);
        }
        true
    }

    fn report(&mut self, _report: SequenceReport) -> bool {
        true
    }
}
