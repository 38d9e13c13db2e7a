// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One packet as a worker had it: before, after, and what was counted in between.

use std::sync::Arc;

use arrayvec::ArrayVec;

use crate::pipeline::Verdict;
use crate::port::PortId;
use crate::record::{ExportRecord, RecordSink, SequenceReport};
use crate::stats::{DropReason, WorkerStats};
use crate::table::Tables;
use crate::timestamp::WallTime;

/// Most octets kept of a frame.
pub const SNAP: usize = 16_384;

/// Most counters kept that one packet raised.
const RAISED: usize = 64;

/// Most records kept that one packet caused.
const RECORDS: usize = 4;

/// A frame, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    kept: Vec<u8>,
    octets: usize,
}

impl Frame {
    fn new() -> Self {
        Self {
            kept: Vec::with_capacity(SNAP),
            octets: 0,
        }
    }

    /// Copies a frame; its store is large enough from the start.
    fn fill(&mut self, frame: &[u8]) {
        self.kept.clear();
        let kept = frame.get(..SNAP).unwrap_or(frame);
        self.kept.extend_from_slice(kept);
        self.octets = frame.len();
    }

    /// The frame's first octets, at most [`SNAP`].
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.kept
    }

    /// Octets the frame had.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.octets
    }
}

/// One packet's way through a worker. Large, and made before it is needed: a worker only fills it.
#[derive(Debug)]
pub struct Traced {
    /// When its burst was received.
    pub received: Option<WallTime>,
    /// The port it was received on.
    pub in_port: PortId,
    /// The frame as it came.
    pub before: Frame,
    /// The frame as it was left: as it was sent, or as it was when it was dropped.
    pub after: Frame,
    /// Where it went.
    pub fate: Verdict,
    /// Frames this node originated because of it.
    pub originated: usize,
    /// The records it caused.
    pub records: ArrayVec<ExportRecord, RECORDS>,
    /// The tables it was handled with.
    pub tables: Option<Arc<Tables>>,
    /// Packets of this worker that were selected but found no place, before this one.
    pub lost: u64,
    raised: ArrayVec<(usize, u64), RAISED>,
}

impl Traced {
    /// An empty one, with room for any frame.
    #[must_use]
    pub fn new() -> Self {
        Self {
            received: None,
            in_port: PortId(0),
            before: Frame::new(),
            after: Frame::new(),
            fate: Verdict::Drop(DropReason::NoPeer),
            originated: 0,
            records: ArrayVec::new(),
            tables: None,
            lost: 0,
            raised: ArrayVec::new(),
        }
    }

    /// Begins with a packet that has just been received.
    pub(crate) fn begin(&mut self, received: Option<WallTime>, in_port: PortId, frame: &[u8]) {
        (self.received, self.in_port) = (received, in_port);
        self.before.fill(frame);
        self.records.clear();
        self.raised.clear();
    }

    /// Takes what the pipeline made of it.
    pub(crate) fn end(&mut self, frame: &[u8], fate: Verdict, originated: usize) {
        self.after.fill(frame);
        (self.fate, self.originated) = (fate, originated);
    }

    /// Moves what was counted for this packet alone on to the worker's own counters, and keeps it.
    pub(crate) fn settle(&mut self, counted: &WorkerStats, own: &WorkerStats, tables: &Tables) {
        for (place, (one, all)) in counted
            .of_packets(tables)
            .zip(own.of_packets(tables))
            .enumerate()
        {
            let value = one.get();
            if value > 0 {
                all.add(value);
                one.set(0);
                // More than a packet can raise: see the test below.
                let _ = self.raised.try_push((place, value));
            }
        }
    }

    /// What was counted for this packet alone.
    #[must_use]
    pub fn counted(&self, tables: &Tables) -> Arc<WorkerStats> {
        let (profiles, namespaces) = (tables.profiles.len(), tables.namespaces.all().len());
        let stats = WorkerStats::new(tables.ports.len(), profiles, namespaces);
        let mut raised = self.raised.iter().peekable();
        for (place, count) in stats.of_packets(tables).enumerate() {
            if let Some((_, value)) = raised.next_if(|(raised, _)| *raised == place) {
                count.add(*value);
            }
        }
        stats
    }
}

impl Default for Traced {
    fn default() -> Self {
        Self::new()
    }
}

/// A sink that keeps a copy of what goes through it.
pub(crate) struct Tee<'a, S> {
    pub(crate) sink: &'a mut S,
    pub(crate) kept: &'a mut ArrayVec<ExportRecord, RECORDS>,
}

impl<S: RecordSink> RecordSink for Tee<'_, S> {
    fn push(&mut self, record: ExportRecord) -> bool {
        if !self.kept.is_full() {
            self.kept.push(record.clone());
        }
        self.sink.push(record)
    }

    fn report(&mut self, report: SequenceReport) -> bool {
        self.sink.report(report)
    }
}
