// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Flows through a node with many rules.

use std::sync::Arc;

use anyhow::{Result, ensure};
use ioam_dp::classify::RuleMemory;
use ioam_dp::packet::{HeapPacket, PacketBuf as _};
use ioam_dp::pipeline::{Pipeline, Verdict};
use ioam_dp::port::{BURST as MOST, PortId};
use ioam_dp::record::{ExportRecord, RecordSink, SequenceReport};
use ioam_dp::stats::{DropReason, WorkerStats};
use ioam_dp::table::Tables;
use ioam_dp::table::spec::{ActionSpec, FilterSpec, NodeSpec, ProfileSpec};
use quanta::Clock;
use stats_alloc::Region;

use crate::rule_sets::{Dice, Flow};
use crate::{ALLOCATOR, frames};

/// Packets received, processed and sent together.
pub(crate) const BURST: usize = 32;
/// Octets in front of each frame.
const HEADROOM: usize = 384;

/// Which rules the flows match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matching {
    /// Each another one.
    Spread,
    /// The last one.
    Last,
}

impl Matching {
    pub(crate) const BOTH: [Self; 2] = [Self::Spread, Self::Last];

    /// Any of so many flows.
    pub(crate) fn flow(self, specs: &[FilterSpec], flows: u64, dice: &mut Dice) -> Flow {
        let flow = dice.below(flows);
        let place = match self {
            Self::Spread => {
                let rules = specs.len() as u64;
                usize::try_from(rules - 1 - flow % rules).unwrap_or_default()
            }
            Self::Last => specs.len() - 1,
        };
        Flow::of(&specs[place], flow)
    }
}

/// So many flows through one set of rules, and what was measured of it.
pub(crate) struct Run {
    pub(crate) flows: u64,
    pub(crate) dice: Dice,
    pub(crate) memory: RuleMemory,
    pub(crate) pipelines: [Piped; 2],
    packets: Vec<HeapPacket>,
    frame: Vec<u8>,
    pub(crate) lookup: Vec<f64>,
    pub(crate) find: Vec<f64>,
    pub(crate) walk: Vec<f64>,
    pub(crate) allocations: usize,
}

/// A whole node, and ticks a packet in it.
pub(crate) struct Piped {
    tables: Arc<Tables>,
    pipeline: Pipeline,
    stats: Arc<WorkerStats>,
    pub(crate) ticks: Vec<f64>,
}

impl Piped {
    fn new(tables: &Arc<Tables>) -> Self {
        let namespaces = tables.namespaces.all().len();
        Self {
            tables: Arc::clone(tables),
            pipeline: Pipeline::new(0),
            stats: WorkerStats::new(tables.ports.len(), tables.profiles.len(), namespaces),
            ticks: Vec::new(),
        }
    }
}

impl Run {
    pub(crate) fn new(flows: u64, tables: &Arc<Tables>, frames: &[Vec<u8>]) -> Self {
        let mut memory = RuleMemory::default();
        memory.start_over(tables.remembers_rules());
        let packets = frames.iter().map(|frame| HeapPacket::new(frame, HEADROOM));
        Self {
            flows,
            dice: Dice(flows),
            memory,
            pipelines: [Piped::new(tables), Piped::new(tables)],
            packets: packets.collect(),
            frame: frames.first().cloned().unwrap_or_default(),
            lookup: Vec::new(),
            find: Vec::new(),
            walk: Vec::new(),
            allocations: 0,
        }
    }

    /// All packets through the node once; ticks a packet.
    pub(crate) fn batch(
        &mut self,
        specs: &[FilterSpec],
        matching: Matching,
        clock: &Clock,
    ) -> Result<f64> {
        for packet in &mut self.packets {
            let grown = packet.bytes().len().saturating_sub(self.frame.len());
            ensure!(packet.shrink_front(grown), "a packet has no room left");
            packet.bytes_mut().copy_from_slice(&self.frame);
            matching
                .flow(specs, self.flows, &mut self.dice)
                .stamp(packet.bytes_mut());
        }
        let piped = &mut self.pipelines[usize::from(matching == Matching::Last)];
        let (moment, mut sink) = (frames::moment(), Sink);
        let mut verdicts = [Verdict::Drop(DropReason::NoPeer); MOST];
        let region = Region::new(ALLOCATOR);
        let before = clock.raw();
        for burst in self.packets.chunks_mut(BURST) {
            let (pipeline, stats) = (&mut piped.pipeline, &*piped.stats);
            pipeline.classify(&piped.tables, PortId(0), burst, stats);
            pipeline.act(PortId(0), burst, &moment, stats, &mut sink, &mut verdicts);
        }
        let ticks = clock.raw().wrapping_sub(before);
        // Only new tables and the first template allocate.
        if !self.lookup.is_empty() {
            self.allocations += region.change().allocations;
        }
        let longer = |packet: &HeapPacket| packet.bytes().len() > self.frame.len();
        ensure!(self.packets.iter().all(longer), "a packet got no option");
        Ok(ticks as f64 / self.packets.len() as f64)
    }
}

struct Sink;

impl RecordSink for Sink {
    fn push(&mut self, _record: ExportRecord) -> bool {
        true
    }

    fn report(&mut self, _report: SequenceReport) -> bool {
        true
    }
}

/// A node that puts a trace into what each of the rules wants.
pub(crate) fn node(rules: &[FilterSpec]) -> NodeSpec {
    let what = frames::encapsulate(0xF0_0000, 16, frames::tunnel());
    let profiles = rules.iter().enumerate().map(|(n, filter)| ProfileSpec {
        name: format!("rule-{n}"),
        filter: filter.clone(),
        action: ActionSpec::Encapsulate(what.clone()),
    });
    NodeSpec {
        profiles: profiles.collect(),
        ..frames::node()
    }
}

/// UDP with 18 octets.
pub(crate) fn datagram() -> Vec<u8> {
    let mut octets = vec![0x13, 0x88, 0, 53, 0, 26, 0xAB, 0xCD];
    octets.resize(26, 0);
    octets
}
