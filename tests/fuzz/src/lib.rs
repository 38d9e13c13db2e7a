// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the fuzz targets share: a node run burst by burst, and an independent look at frames.

pub mod frame;
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

/// Octets at the front of an input that decide the node; the rest is a frame. A fixed number, so
/// that a frame can be put behind them by hand: zeros make a plain transit node.
pub const SETTINGS: usize = 64;

/// A node with one worker.
pub struct Node {
    tables: Arc<Tables>,
    pipeline: Pipeline,
    /// Its counters.
    pub stats: Arc<WorkerStats>,
    /// What it collected.
    pub records: Records,
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
        })
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
        let frames = packets.iter().map(|packet| packet.bytes().to_vec());
        verdicts.into_iter().zip(frames).collect()
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
