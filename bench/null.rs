// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The node between `net_null` ports: packets out of a pool, and back to it.
//!
//! The driver hands out packets without content, and a node uses packets up. So a wrapper around the
//! node's receive queue gives each its content, inside the timed region; the same wrapper is timed
//! around a queue without a node in turns of the same run, less the same without the wrapper, and
//! that is taken off.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use ioam_app::dpdk::{Mbuf, Port, RxHandle};
use ioam_app::export::ring;
use ioam_app::runtime::measure::{NodeClock, NodeTx};
use ioam_dp::packet::PacketBuf as _;
use ioam_dp::port::{Burst, RxQueue, Stage, TxQueue};
use ioam_dp::worker::Clock as _;

use crate::case::{BURST, Case, Records};
use crate::ends::{Bare, Forget};
use crate::rig::{Between, Drained, Order, Parts, Sample, drain, reading, timed};

/// Octets the driver says its packets have, more than any that is measured.
const OCTETS: usize = 256;
/// Rounds before a sample.
const WARM_UP: usize = 64;

/// What an lcore has.
pub(crate) struct Null {
    east: Port,
    west: Port,
    /// One to measure refilling with, and one without.
    refilled: Port,
    bare: Port,
    parts: Parts,
}

impl Null {
    /// What DPDK is started with.
    pub(crate) fn devices() -> Vec<String> {
        let device = |number| format!("--vdev=net_null{number},size={OCTETS}");
        (0..4).map(device).collect()
    }

    pub(crate) fn new(parts: Parts) -> Result<Self> {
        let open = |number| parts.open(None, &format!("net_null{number},size={OCTETS}"));
        Ok(Self {
            east: open(0)?,
            west: open(1)?,
            refilled: open(2)?,
            bare: open(3)?,
            parts,
        })
    }

    pub(crate) fn sample(&mut self, order: &Order) -> Result<Sample> {
        ensure!(
            order.between != Between::Far,
            "packets out of a pool are few: its last ones come first"
        );
        self.parts.reference.reanchor();
        let busy = "a queue is in use";
        let case = &order.case;
        let bare = &self.bare;
        let mut bare = Bare::new(
            bare.take_rx(0).context(busy)?,
            bare.take_tx(0).context(busy)?,
        );
        if order.between == Between::Nothing {
            return self.alone(order, || bare.poll());
        }
        let refilled = &self.refilled;
        let mut refilled = Bare::new(
            Refill::new(refilled.take_rx(0).context(busy)?, case),
            refilled.take_tx(0).context(busy)?,
        );
        let rx = Refill::new(self.east.take_rx(0).context(busy)?, case);
        let seen = Rc::new(RefCell::new(None));
        let tx = Watch {
            tx: NodeTx::new(self.west.take_tx(0).context(busy)?, None),
            seen: Rc::clone(&seen),
        };
        let mut others = (|| refilled.poll(), || bare.poll());
        match case.records {
            Records::None | Records::Forgotten => {
                let mut worker = self.parts.worker(order, rx, tx, Forget);
                let poll = || worker.poll();
                self.beside(order, &seen, poll, || (0, None), &mut others)
            }
            Records::Kept => {
                let (sink, mut records) = ring(self.parts.in_flight);
                let mut worker = self.parts.worker(order, rx, tx, sink);
                let drain = || drain(|| records.pop());
                self.beside(order, &seen, || worker.poll(), drain, &mut others)
            }
        }
    }

    /// Rounds of what needs no packets with content.
    fn alone(&self, order: &Order, mut poll: impl FnMut() -> usize) -> Result<Sample> {
        let (mut sum, mut clock) = (Sample::default(), self.clock());
        let (reading, begun) = (reading(), Instant::now());
        for _ in 0..WARM_UP {
            poll();
        }
        while begun.elapsed() < order.duration || sum.packets == 0 {
            sum.add(timed(&mut clock, reading, || self.rounds(&mut poll)));
        }
        Ok(sum)
    }

    /// The node, the refilled port, and the bare one, in turn.
    fn beside(
        &self,
        order: &Order,
        seen: &Seen,
        mut poll: impl FnMut() -> usize,
        mut drain: impl FnMut() -> Drained,
        (refilled, bare): &mut (impl FnMut() -> usize, impl FnMut() -> usize),
    ) -> Result<Sample> {
        let (case, reading) = (&order.case, reading());
        let mut clock = self.clock();
        let mut sums = [Sample::default(); 3];
        let mut number = look(case, seen, &mut poll, 0, &mut clock)?;
        drain();
        while number < case.flows.max((WARM_UP * BURST) as u64) {
            number += poll() as u64;
            drain();
        }
        let begun = Instant::now();
        while begun.elapsed() < order.duration || sums[0].packets == 0 {
            let received = clock.receive_time();
            let sample = timed(&mut clock, reading, || self.rounds(&mut poll));
            let (records, first) = drain();
            let packets = usize::try_from(sample.packets)?;
            case.check_records(packets, records, first.as_ref(), received)?;
            number += sample.packets;
            sums[0].add(sample);
            sums[1].add(timed(&mut clock, reading, || self.rounds(refilled)));
            sums[2].add(timed(&mut clock, reading, || self.rounds(bare)));
        }
        look(case, seen, &mut poll, number, &mut clock)?;
        Ok(without_refilling(sums))
    }

    fn clock(&self) -> NodeClock {
        NodeClock::new(self.parts.reference.clock(), None)
    }

    /// As many packets as are in flight elsewhere.
    #[inline(never)]
    fn rounds(&self, poll: &mut impl FnMut() -> usize) -> usize {
        (0..self.parts.in_flight / BURST).map(|_| poll()).sum()
    }
}

/// The node's sample, less what the second takes more than the third.
fn without_refilling([node, refilled, bare]: [Sample; 3]) -> Sample {
    let packets = node.packets as f64;
    let of = |part: fn(&Sample) -> u64| {
        let each = |sample: &Sample| part(sample) as f64 / sample.packets as f64;
        (each(&refilled) - each(&bare)).max(0.0)
    };
    let (ticks, nanoseconds) = (of(|one| one.ticks), of(|one| one.nanoseconds));
    let less = |from: u64, each: f64| (from as f64 - each * packets).max(0.0).round();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a u64"
    )]
    let less = |from, each| less(from, each) as u64;
    Sample {
        packets: node.packets,
        ticks: less(node.ticks, ticks),
        nanoseconds: less(node.nanoseconds, nanoseconds),
        restoring: ticks,
    }
}

/// Frames sent, while somebody looks.
type Seen = Rc<RefCell<Option<Vec<Vec<u8>>>>>;

/// One round, and whether what it sent is right. Answers the packets there were until then.
fn look(
    case: &Case,
    seen: &Seen,
    poll: &mut impl FnMut() -> usize,
    number: u64,
    clock: &mut NodeClock,
) -> Result<u64> {
    let received = clock.receive_time();
    *seen.borrow_mut() = Some(Vec::new());
    let packets = poll();
    let frames = seen.borrow_mut().take().unwrap_or_default();
    let sent = frames.len();
    ensure!(sent == packets, "{}: {sent} of {packets} went", case.name);
    case.check_all(frames.iter().map(Vec::as_slice), number, received)?;
    Ok(number + packets as u64)
}

/// A receive queue whose packets get their content.
struct Refill {
    rx: RxHandle,
    case: Case,
    number: u64,
}

impl Refill {
    fn new(rx: RxHandle, case: &Case) -> Self {
        Self {
            rx,
            case: case.clone(),
            number: 0,
        }
    }
}

impl RxQueue for Refill {
    type Packet = Mbuf;

    fn receive(&mut self, burst: &mut Burst<Mbuf>) {
        self.rx.receive(burst);
        for packet in burst {
            // At its end, since the room in front is the node's.
            packet.truncate(self.case.frames_of(self.number).input.len());
            self.case.fill(packet, self.number);
            self.number += 1;
        }
    }
}

/// A transmit queue that can be looked into.
struct Watch {
    tx: NodeTx,
    seen: Seen,
}

impl TxQueue for Watch {
    type Packet = Mbuf;

    fn send(&mut self, stage: &mut Stage<Mbuf>) {
        if let Some(seen) = &mut *self.seen.borrow_mut() {
            seen.extend(stage.iter().map(|packet| packet.bytes().to_vec()));
        }
        self.tx.send(stage);
    }

    fn depth(&self) -> Option<u32> {
        self.tx.depth()
    }
}
