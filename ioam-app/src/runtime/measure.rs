// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What node data are measured with: the real clock, queues and pools, or the fixed values of a
//! `simulate:` section.

use ioam_config::Simulate;
use ioam_dp::packet::PacketBuf;
use ioam_dp::port::{Buffers, Stage, TxQueue};
use ioam_dp::timestamp::WallTime;
use ioam_dp::worker::Clock;

use crate::dpdk::{Mbuf, PoolGauge, TscClock, TxHandle};

/// A worker's time.
#[derive(Debug)]
pub struct NodeClock {
    tsc: TscClock,
    fixed: Option<Simulate>,
}

impl NodeClock {
    /// Real time, unless `fixed` says otherwise.
    #[must_use]
    pub fn new(tsc: TscClock, fixed: Option<&Simulate>) -> Self {
        Self {
            tsc,
            fixed: fixed.cloned(),
        }
    }
}

impl Clock for NodeClock {
    fn receive_time(&mut self) -> Option<WallTime> {
        match &self.fixed {
            Some(fixed) => Some(fixed.clock),
            None => self.tsc.receive_time(),
        }
    }

    fn residence_nanoseconds(&mut self) -> Option<u32> {
        match &self.fixed {
            Some(fixed) => Some(fixed.transit_delay),
            None => self.tsc.residence_nanoseconds(),
        }
    }

    fn ticks(&mut self) -> u64 {
        self.tsc.ticks()
    }

    fn ticks_received(&mut self) -> u64 {
        match &self.fixed {
            Some(_) => self.tsc.ticks(),
            None => self.tsc.ticks_received(),
        }
    }
}

/// A port's transmit queue.
#[derive(Debug)]
pub struct NodeTx {
    handle: TxHandle,
    fixed_depth: Option<u32>,
}

impl NodeTx {
    /// The real queue; its depth too, unless `fixed` says otherwise.
    #[must_use]
    pub fn new(handle: TxHandle, fixed: Option<&Simulate>) -> Self {
        Self {
            handle,
            fixed_depth: fixed.map(|fixed| fixed.queue_depth),
        }
    }
}

impl TxQueue for NodeTx {
    type Packet = Mbuf;

    fn send(&mut self, stage: &mut Stage<Mbuf>) {
        debug_assert!(
            stage.iter().all(|packet| !packet.bytes().is_empty()),
            "no empty frames"
        );
        self.handle.send(stage);
    }

    fn depth(&self) -> Option<u32> {
        self.fixed_depth.or_else(|| self.handle.depth())
    }
}

/// The node's packet memory.
#[derive(Debug)]
pub struct NodeBuffers {
    gauge: PoolGauge,
    fixed: Option<u64>,
}

impl NodeBuffers {
    /// The real pools, unless `fixed` says otherwise.
    #[must_use]
    pub fn new(gauge: PoolGauge, fixed: Option<&Simulate>) -> Self {
        Self {
            gauge,
            fixed: fixed.map(|fixed| fixed.buffer_occupancy.into()),
        }
    }
}

impl Buffers for NodeBuffers {
    type Packet = Mbuf;

    fn octets_in_use(&self) -> Option<u64> {
        self.fixed.or_else(|| self.gauge.octets_in_use())
    }

    fn packet(&mut self, frame: &[u8]) -> Option<Mbuf> {
        self.gauge.packet(frame)
    }
}
