// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the fuzz targets share: a node run burst by burst, and an independent look at frames.

pub mod frame;
pub mod measuring;
pub mod settings;

use std::sync::Arc;

use ioam_dp::moment::Moment;
use ioam_dp::packet::{HeapPacket, PacketBuf};
use ioam_dp::pipeline::{Pipeline, Verdict};
use ioam_dp::port::{BURST, PortId};
use ioam_dp::record::Records;
use ioam_dp::stats::{DropReason, WorkerStats};
use ioam_dp::table::Tables;
use ioam_dp::table::spec::NodeSpec;
use ioam_dp::timestamp::WallTime;

/// Octets at the front of an input that decide the node; the rest is a frame. A fixed number, so
/// that a frame can be put behind them by hand: zeros make a plain transit node.
pub const SETTINGS: usize = 64;

/// Octets at the end of these that decide what a node has beside traces, see [`measuring`].
pub const MEASURING: usize = 24;

/// A node with one worker.
pub struct Node {
    tables: Arc<Tables>,
    pipeline: Pipeline,
    /// Its counters.
    pub stats: Arc<WorkerStats>,
    /// What it collected.
    pub records: Records,
    /// The frames that it originated, and the ports they leave by.
    pub originated: Vec<(PortId, Vec<u8>)>,
}

impl Node {
    /// The node that `spec` describes, or `None` where it describes none.
    #[must_use]
    pub fn new(spec: &NodeSpec) -> Option<Self> {
        let tables = Arc::new(Tables::compile(spec).ok()?);
        // The default namespace is added when it is not listed.
        let stats = WorkerStats::new(
            spec.ports.len(),
            spec.profiles.len(),
            spec.namespaces.len() + 1,
        );
        Some(Self {
            tables,
            pipeline: Pipeline::new(0),
            stats,
            records: Records::default(),
            originated: Vec::new(),
        })
    }

    /// The same node without express lanes.
    #[must_use]
    pub fn long_way(mut self) -> Self {
        self.pipeline = self.pipeline.long_way();
        self
    }

    /// Runs one burst; every packet's verdict and what has become of it.
    pub fn run(
        &mut self,
        in_port: PortId,
        mut packets: Vec<HeapPacket>,
        moment: &Moment,
    ) -> Vec<(Verdict, Vec<u8>)> {
        let mut verdicts = [Verdict::Drop(DropReason::NoPeer); BURST];
        self.pipeline
            .classify(&self.tables, in_port, &packets, &self.stats);
        self.pipeline.act(
            in_port,
            &mut packets,
            moment,
            &self.stats,
            &mut self.records,
            &mut verdicts,
        );
        self.collect();
        let frames = packets.iter().map(|packet| packet.bytes().to_vec());
        verdicts.into_iter().zip(frames).collect()
    }

    /// What a worker does between bursts, and at the end.
    pub fn end(&mut self, now: WallTime) {
        let (stats, sink) = (&self.stats, &mut self.records);
        self.pipeline.tick(&self.tables, now, stats, sink);
        self.pipeline.finish(stats, sink);
        self.collect();
    }

    fn collect(&mut self) {
        let outbox = self.pipeline.outbox();
        let frames = outbox.frames().map(|(port, frame)| (port, frame.to_vec()));
        self.originated.extend(frames);
        outbox.clear();
    }

    /// Sends one frame through from port 0; `None` when it is dropped.
    pub fn forward(&mut self, frame: &[u8], headroom: usize, moment: &Moment) -> Option<Vec<u8>> {
        let out = self.run(PortId(0), vec![HeapPacket::new(frame, headroom)], moment);
        match out.into_iter().next() {
            Some((Verdict::Send(_), frame)) => Some(frame),
            _ => None,
        }
    }
}
