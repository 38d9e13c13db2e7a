// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Receive and transmit queues: what the workers poll.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ioam_dp::port::{Burst, RxQueue, Stage, TxQueue};

use super::mbuf::Mbuf;
use super::port::Shared;
use super::ring::Ring;

/// One receive queue of a port, for one worker.
#[derive(Debug)]
pub struct RxHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: u16,
    /// Most packets asked for at once.
    pub(super) burst: usize,
}

/// One transmit queue of a port, for one worker.
#[derive(Debug)]
pub struct TxHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: u16,
    pub(super) depth: DepthSource,
}

/// Where a transmit queue's depth can be read.
#[derive(Clone, Copy, Debug)]
pub(super) enum DepthSource {
    /// The driver tells of each of so many descriptors whether it is in use.
    Descriptors(u16),
    /// The port is an end of a ring.
    Ring(Ring),
    /// Nowhere.
    Unknown,
}

impl RxQueue for RxHandle {
    type Packet = Mbuf;

    fn receive(&mut self, burst: &mut Burst<Mbuf>) {
        let filled = burst.len();
        let room = burst.remaining_capacity().min(self.burst);
        let room = u16::try_from(room).unwrap_or(u16::MAX);
        // SAFETY: `room` entries behind the filled ones are inside the array; an `Mbuf` is a
        // pointer to an mbuf, and DPDK writes the answered number of valid ones, which are ours
        // from then on. `self` is the queue's only user, and the port exists as long as `shared`.
        unsafe {
            let free = burst
                .as_mut_ptr()
                .add(filled)
                .cast::<*mut dpdk_sys::rte_mbuf>();
            let (port, queue) = (self.shared.id, self.queue);
            let received = dpdk_sys::dpdk_shim_eth_rx_burst(port, queue, free, room);
            burst.set_len(filled + usize::from(received.min(room)));
        }
    }
}

impl TxQueue for TxHandle {
    type Packet = Mbuf;

    fn send(&mut self, stage: &mut Stage<Mbuf>) {
        let waiting = stage.len();
        let count = u16::try_from(waiting).unwrap_or(u16::MAX);
        // SAFETY: an `Mbuf` is a pointer to an mbuf; the first `count` entries are valid, and DPDK
        // owns the answered number of them from then on: they are removed without being dropped,
        // and the others move to the front. `self` is the queue's only user, and the port exists
        // as long as `shared`.
        unsafe {
            let packets = stage.as_mut_ptr();
            let (port, queue) = (self.shared.id, self.queue);
            let sent = dpdk_sys::dpdk_shim_eth_tx_burst(port, queue, packets.cast(), count);
            let sent = usize::from(sent.min(count));
            stage.set_len(0);
            if sent < waiting {
                std::ptr::copy(packets.add(sent), packets, waiting - sent);
                stage.set_len(waiting - sent);
            }
        }
    }

    fn depth(&self) -> Option<u32> {
        match self.depth {
            DepthSource::Descriptors(count) => Some(self.descriptors_in_use(count)),
            DepthSource::Ring(ring) => Some(ring.count()),
            DepthSource::Unknown => None,
        }
    }
}

impl TxHandle {
    /// Those in use have the highest offsets, because offset 0 is the next that the driver fills:
    /// the first of them is found by halving.
    fn descriptors_in_use(&self, count: u16) -> u32 {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            if descriptor_status(self.shared.id, self.queue, middle) == FULL {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        u32::from(count - low)
    }
}

/// The driver has not sent what the descriptor points to.
#[allow(clippy::cast_possible_wrap, reason = "a constant of DPDK: 0")]
const FULL: i32 = dpdk_sys::RTE_ETH_TX_DESC_FULL as i32;

/// DPDK's answer about a descriptor `offset` behind the next to be filled; negative where the
/// driver cannot tell.
pub(super) fn descriptor_status(port: u16, queue: u16, offset: u16) -> i32 {
    // SAFETY: port and queue are set up; DPDK answers an error for an offset too large.
    unsafe { dpdk_sys::dpdk_shim_eth_tx_descriptor_status(port, queue, offset) }
}

impl Drop for RxHandle {
    fn drop(&mut self) {
        self.shared.taken[usize::from(self.queue)]
            .rx
            .store(false, Ordering::Release);
    }
}

impl Drop for TxHandle {
    fn drop(&mut self) {
        self.shared.taken[usize::from(self.queue)]
            .tx
            .store(false, Ordering::Release);
    }
}
