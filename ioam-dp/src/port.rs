// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a worker needs of a port: bursts in, bursts out, and two figures for the node data.

use arrayvec::ArrayVec;

use crate::packet::PacketBuf;

/// Most packets received, processed and sent together.
pub const BURST: usize = 64;

/// Most packets waiting in a worker for one output port.
pub const STAGE: usize = 256;

/// Most ports of one node; DPDK as Debian builds it has 32.
pub const MAX_PORTS: usize = 32;

/// A port's place in the configuration's list, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct PortId(pub u8);

impl PortId {
    /// No port: where the packets come from that this node originates.
    pub const LOCAL: Self = Self(u8::MAX);

    /// The id as an index into per-port arrays.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Packets received together.
pub type Burst<P> = ArrayVec<P, BURST>;

/// Packets waiting to be sent, oldest first.
pub type Stage<P> = ArrayVec<P, STAGE>;

/// One receive queue, owned by one worker.
pub trait RxQueue {
    /// The packets it yields.
    type Packet: PacketBuf;

    /// Appends what has arrived to `burst`, at most up to its capacity. Never waits.
    fn receive(&mut self, burst: &mut Burst<Self::Packet>);
}

/// One transmit queue, owned by one worker.
pub trait TxQueue {
    /// The packets it takes.
    type Packet: PacketBuf;

    /// Sends from the front of `stage` what the queue takes now and removes it from there. Never
    /// waits; what remains is offered again.
    fn send(&mut self, stage: &mut Stage<Self::Packet>);

    /// Buffers the queue holds that are not yet sent, or `None` where the driver cannot tell.
    fn depth(&self) -> Option<u32>;
}

/// The node's packet memory.
pub trait Buffers {
    /// The packets made from it.
    type Packet: PacketBuf;

    /// Octets of packet buffers in use, over all pools of the node; `None` where that is unknown.
    fn octets_in_use(&self) -> Option<u64>;

    /// A packet that holds a copy of `frame`, or `None` when there is no buffer for it.
    fn packet(&mut self, frame: &[u8]) -> Option<Self::Packet>;
}
