// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Several workers of one node: each has its own memory, and all of them read the same tables.

use std::sync::Arc;

use super::Kept;
use ioam_dp::moment::Moment;
use ioam_dp::packet::{HeapPacket, PacketBuf};
use ioam_dp::pipeline::{Pipeline, Verdict};
use ioam_dp::port::{BURST, PortId};
use ioam_dp::record::{ExportRecord, SequenceReport};
use ioam_dp::stats::{DropReason, Notice, WorkerStats};
use ioam_dp::table::publish::Publisher;
use ioam_dp::table::spec::NodeSpec;
use ioam_dp::table::{Action, Sequence, Tables};

/// Profiles and namespaces that a crew can count, after any reload.
const COUNTED: usize = 16;

/// The workers of one node.
pub(crate) struct Crew {
    publisher: Publisher,
    pipelines: Vec<Pipeline>,
    pub(crate) stats: Arc<WorkerStats>,
    pub(crate) records: Vec<ExportRecord>,
    pub(crate) reports: Vec<SequenceReport>,
}

impl Crew {
    pub(crate) fn new(spec: &NodeSpec, workers: u16) -> Self {
        let tables = Tables::compile(spec).expect("the specification is a node");
        Self {
            publisher: Publisher::new(tables),
            pipelines: (0..u64::from(workers)).map(Pipeline::new).collect(),
            stats: WorkerStats::new(spec.ports.len(), COUNTED, COUNTED),
            records: Vec::new(),
            reports: Vec::new(),
        }
    }

    /// Gives all workers new tables, from their next packet on.
    pub(crate) fn reload(&mut self, spec: &NodeSpec) {
        let tables = Tables::compile(spec).expect("the specification is a node");
        self.publisher.publish(tables);
    }

    /// Sends a burst through one worker from port 0; the frames that come out, by packet.
    pub(crate) fn burst(
        &mut self,
        worker: usize,
        mut burst: Vec<HeapPacket>,
        moment: &Moment,
    ) -> Vec<Option<Vec<u8>>> {
        let mut verdicts = [Verdict::Drop(DropReason::NoPeer); BURST];
        let (tables, pipeline) = (self.publisher.current(), &mut self.pipelines[worker]);
        let (port, stats) = (PortId(0), &*self.stats);
        pipeline.classify(&tables, port, &burst, stats);
        let mut kept = Kept(&mut self.records, &mut self.reports);
        pipeline.act(port, &mut burst, moment, stats, &mut kept, &mut verdicts);
        let out = burst.iter().zip(&verdicts);
        out.map(|(packet, verdict)| match verdict {
            Verdict::Send(_) => Some(packet.bytes().to_vec()),
            Verdict::Drop(_) => None,
        })
        .collect()
    }

    /// Sends `packet` through one worker from port 0; the frame that comes out, if one does.
    pub(crate) fn carry(
        &mut self,
        worker: usize,
        packet: HeapPacket,
        moment: &Moment,
    ) -> Option<Vec<u8>> {
        self.burst(worker, vec![packet], moment).remove(0)
    }

    /// Sends `frame` through one worker, which has room in front of it.
    #[track_caller]
    pub(crate) fn pass(&mut self, worker: usize, frame: &[u8], moment: &Moment) -> Vec<u8> {
        self.carry(worker, HeapPacket::new(frame, 512), moment)
            .expect("forwarded")
    }

    pub(crate) fn noticed(&self, notice: Notice) -> u64 {
        self.stats.notices(notice)
    }

    /// Sets the counter that the first option of the first profile shares between workers.
    #[track_caller]
    pub(crate) fn set_shared(&self, number: u64) {
        let tables = self.publisher.current();
        let Action::Encapsulate(what) = &tables.profiles[0].action else {
            panic!("no encapsulation");
        };
        match what.parts.iter().find_map(|part| part.sequence()) {
            Some(Sequence::Shared(counter)) => {
                counter.store(number, std::sync::atomic::Ordering::Relaxed);
            }
            other => panic!("not shared: {other:?}"),
        }
    }
}
