// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Damage on purpose, between the two transit nodes: proof that the demonstration would notice.

use clap::ValueEnum;
use ioam_dp::packet::PacketBuf;
use ioam_dp::port::{Stage, TxQueue};
use ioam_dp::wire::ioam::{NamespaceId, TraceFlags, TraceHeader};
use ioam_dp::wire::ipv6::{self, Ipv6Header, next_header};
use ioam_dp::wire::{ethernet, ipv6_ext};

use super::domain::{NAMESPACE, TRACE_TYPE};
use crate::dpdk::{Mbuf, Mempool, TxHandle};

/// The first packet that is damaged, and one in so many behind it.
const FIRST: u64 = 100;
const EVERY: u64 = 10_000;
/// Packets that overtake one that is held back: more than there are flows.
const OVERTAKING: u64 = 200;

/// Where the outer Hop-by-Hop header, its trace and the trace's data begin.
const HOP_BY_HOP_AT: usize = ethernet::HEADER + ipv6::HEADER;
const TRACE_AT: usize = HOP_BY_HOP_AT + 8;
const DATA_AT: usize = TRACE_AT + 8;

/// What is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Break {
    /// The node id that the first transit node wrote.
    NodeId,
    /// The hop limit that it wrote.
    TraceHopLimit,
    /// The interface ids that it wrote.
    Interfaces,
    /// Its timestamp: a second too late.
    Time,
    /// Its transit delay: all ones.
    Delay,
    /// Its namespace data.
    NamespaceData,
    /// Its queue depth.
    QueueDepth,
    /// Its snapshot.
    Snapshot,
    /// The namespace of the trace.
    Namespace,
    /// The trace's overflow flag is set.
    Overflow,
    /// The last octet of the packet.
    Content,
    /// The hop limit of the packet inside.
    HopLimit,
    /// A packet is dropped.
    Lose,
    /// A packet is doubled.
    Duplicate,
    /// A packet is held back.
    Reorder,
    /// A packet's buffer never comes back.
    Leak,
    /// No node takes the trace out.
    Keep,
}

/// A transmit queue that may damage what it sends.
#[derive(Debug)]
pub(super) struct Link {
    handle: TxHandle,
    fault: Option<Box<Fault>>,
}

#[derive(Debug)]
struct Fault {
    what: Break,
    pool: Mempool,
    /// Packets that passed.
    passed: u64,
    /// The packet to be damaged next, or the first suitable one behind it.
    next: u64,
    held: Option<Mbuf>,
}

impl Link {
    /// A queue that damages nothing, unless there is a `fault`.
    pub(super) fn new(handle: TxHandle, fault: Option<(Break, Mempool)>) -> Self {
        let fault = fault.map(|(what, pool)| Fault {
            what,
            pool,
            passed: 0,
            next: FIRST,
            held: None,
        });
        Self {
            handle,
            fault: fault.map(Box::new),
        }
    }
}

impl TxQueue for Link {
    type Packet = Mbuf;

    fn send(&mut self, stage: &mut Stage<Mbuf>) {
        if let Some(fault) = &mut self.fault {
            fault.apply(stage);
        }
        self.handle.send(stage);
    }

    fn depth(&self) -> Option<u32> {
        self.handle.depth()
    }
}

impl Fault {
    fn apply(&mut self, stage: &mut Stage<Mbuf>) {
        let before = self.passed;
        self.passed += stage.len() as u64;
        if self.held.is_some() && self.passed > self.next + OVERTAKING {
            stage.extend(self.held.take());
            self.next += EVERY;
        }
        if self.passed <= self.next || self.held.is_some() {
            return;
        }
        let from = usize::try_from(self.next.saturating_sub(before)).unwrap_or(0);
        for place in from..stage.len() {
            if self.damage(stage, place) {
                if self.what != Break::Reorder {
                    self.next += EVERY;
                }
                return;
            }
        }
    }

    /// Damages one packet; `false` when it is of a kind that cannot be damaged so.
    fn damage(&mut self, stage: &mut Stage<Mbuf>, place: usize) -> bool {
        match self.what {
            Break::Lose => drop(stage.remove(place)),
            Break::Leak => std::mem::forget(stage.remove(place)),
            Break::Reorder => self.held = Some(stage.remove(place)),
            Break::Duplicate => {
                let Some(copy) = copy(&self.pool, stage[place].bytes()) else {
                    return false;
                };
                return stage.try_push(copy).is_ok();
            }
            what => return overwrite(what, stage[place].bytes_mut()),
        }
        true
    }
}

fn copy(pool: &Mempool, frame: &[u8]) -> Option<Mbuf> {
    let mut copy = Mbuf::alloc(pool)?;
    copy.append(frame.len())?.copy_from_slice(frame);
    Some(copy)
}

/// Damages octets of a packet with a trace; `false` when it has none.
fn overwrite(what: Break, frame: &mut [u8]) -> bool {
    let header = Ipv6Header::at(frame, ethernet::HEADER);
    if header.is_none_or(|header| header.next_header != next_header::HOP_BY_HOP) {
        return false;
    }
    let inner = frame.get(HOP_BY_HOP_AT..).and_then(ipv6_ext::header_len);
    let Some((trace, _)) = frame.get_mut(TRACE_AT..).and_then(TraceHeader::split_mut) else {
        return false;
    };
    let newest = DATA_AT + usize::from(trace.remaining_len()) * 4;
    let word = |number: usize| newest + number * 4;
    let at = match what {
        Break::TraceHopLimit => word(0),
        Break::NodeId => word(0) + 3,
        Break::Interfaces => word(1) + 1,
        Break::Time => word(2) + 3,
        Break::Delay => {
            return fill(frame, word(4));
        }
        Break::NamespaceData => word(5),
        Break::QueueDepth => word(6) + 1,
        Break::Snapshot => word(8),
        Break::Namespace => {
            *trace = TraceHeader::new(
                NamespaceId(NAMESPACE + 1),
                TRACE_TYPE,
                trace.remaining_len(),
            );
            return true;
        }
        Break::Overflow => {
            trace.set(TraceFlags::OVERFLOW);
            return true;
        }
        Break::HopLimit => HOP_BY_HOP_AT + inner.unwrap_or(0) + 7,
        _ => frame.len().saturating_sub(1),
    };
    let octet = frame.get_mut(at);
    octet.is_some_and(|octet| {
        *octet = octet.wrapping_add(1);
        true
    })
}

fn fill(frame: &mut [u8], at: usize) -> bool {
    let word = frame.get_mut(at..at + 4);
    word.is_some_and(|word| {
        word.fill(0xFF);
        true
    })
}
