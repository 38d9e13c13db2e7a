// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A node that runs, and a sender at a rate that is also the receiver.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ioam_app::dpdk::{
    Eal, LcoreJob, Mbuf, Mempool, PoolGauge, Port, PortConfig, RxHandle, TscReference, TxHandle,
    launch, ring_pair,
};
use ioam_app::runtime::measure::{NodeBuffers, NodeClock, NodeTx};
use ioam_dp::packet::PacketBuf as _;
use ioam_dp::port::{Burst, PortId, RxQueue as _, Stage, TxQueue as _};
use ioam_dp::stats::WorkerStats;
use ioam_dp::table::Tables;
use ioam_dp::table::publish::Publisher;
use ioam_dp::worker::{Clock as _, Input, Worker, WorkerParts};

use crate::Delays;
use crate::case::{BURST, Case, HEADROOM};
use crate::ends::Forget;
use crate::machine::{Memory, Processors, eal_arguments};

/// Descriptors of each ring, as a node's ports have by default.
const RING: u32 = 1024;
/// Packets, more than the rings and the node can hold.
const PACKETS: u32 = 4095;
/// Of so many received, one is compared octet by octet.
const COMPARED: u64 = 1024;
/// Rounds at the end in which what is still on its way arrives.
const LAST: usize = 200_000;
/// Where the time of sending is, from the frame's end.
const STAMP: usize = 16;

/// How fast packets are offered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rate {
    /// As fast as the sender can.
    Unlimited,
    PerSecond(f64),
}

/// What became of what was offered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub offered: u64,
    pub received: u64,
    pub seconds: f64,
}

impl Outcome {
    pub(crate) fn offered_rate(&self) -> f64 {
        self.offered as f64 / self.seconds
    }

    pub(crate) fn received_rate(&self) -> f64 {
        self.received as f64 / self.seconds
    }
}

/// A place for a node between two pairs of rings.
pub(crate) struct Stand {
    /// Packets at home, some of them with content that was not taken last time.
    free: Vec<Mbuf>,
    feed: Port,
    east: Port,
    west: Port,
    collect: Port,
    gauge: PoolGauge,
    reference: TscReference,
    lcore: u32,
    eal: Eal,
}

impl Stand {
    /// Starts DPDK; the calling thread sends and receives.
    pub(crate) fn start(processors: Processors, memory: Memory) -> Result<Self> {
        let Processors { main, worker } = processors;
        let eal = Eal::init(&eal_arguments(main, &[worker], memory, "load"))?;
        let headroom = u32::try_from(HEADROOM)?;
        let pool = Mempool::new(&eal, "load", PACKETS + 2048, headroom, 2048, -1)?;
        let open = |id| -> Result<Port> {
            let config = PortConfig {
                burst: BURST,
                ..PortConfig::new("")
            };
            let mut port = Port::open_id(&eal, id, &config, &pool)?;
            port.start()?;
            Ok(port)
        };
        let (feed, east) = ring_pair(&eal, "in", RING)?;
        let (west, collect) = ring_pair(&eal, "out", RING)?;
        let free: Option<Vec<Mbuf>> = (0..PACKETS).map(|_| Mbuf::alloc(&pool)).collect();
        Ok(Self {
            free: free.context("the pool is too small")?,
            feed: open(feed)?,
            east: open(east)?,
            west: open(west)?,
            collect: open(collect)?,
            gauge: PoolGauge::new(&eal, std::slice::from_ref(&pool)),
            reference: TscReference::new(),
            lcore: *eal.worker_lcores().first().context("no lcore to work on")?,
            eal,
        })
    }

    /// Closes everything, and finds lost packets.
    pub(crate) fn stop(self) -> Result<()> {
        let eal = self.eal.clone();
        drop(self);
        eal.close().context("after the last measurement")
    }

    /// Offers packets of `case` for so long, and takes what comes out.
    pub(crate) fn offer(
        &mut self,
        case: &Case,
        rate: Rate,
        duration: Duration,
        delays: Option<&mut Delays>,
    ) -> Result<Outcome> {
        self.reference.reanchor();
        let stop = Arc::new(AtomicBool::new(false));
        let job = self.run_node(case, &stop)?;
        let busy = "a queue is in use";
        let mut sender = Sender {
            case,
            feed: self.feed.take_tx(0).context(busy)?,
            collect: self.collect.take_rx(0).context(busy)?,
            clock: NodeClock::new(self.reference.clock(), None),
            hertz: self.reference.ticks_per_second() as f64,
            ready: Stage::new(),
            free: std::mem::take(&mut self.free),
            outcome: Outcome::default(),
            delays,
        };
        let result = sender.run(rate, duration);
        stop.store(true, Ordering::Relaxed);
        job.join()?;
        // What the node sent last.
        while sender.collect(true)? > 0 {}
        let Sender {
            mut free,
            ready,
            outcome,
            ..
        } = sender;
        free.extend(ready);
        let home = free.len();
        self.free = free;
        result?;
        ensure!(
            home == PACKETS as usize,
            "{}: {home} of {PACKETS} packets are back",
            case.name
        );
        Ok(outcome)
    }

    fn run_node(&self, case: &Case, stop: &Arc<AtomicBool>) -> Result<LcoreJob> {
        let busy = "a queue is in use";
        let rx = self.east.take_rx(0).context(busy)?;
        let tx = NodeTx::new(self.west.take_tx(0).context(busy)?, None);
        let tables = Tables::compile(&case.spec).context("the case is no node")?;
        let stats = WorkerStats::new(
            tables.ports.len(),
            tables.profiles.len(),
            tables.namespaces.all().len(),
        );
        let mut worker = Worker::new(WorkerParts {
            number: 0,
            inputs: vec![Input {
                port: PortId(0),
                queue: rx,
            }],
            outputs: vec![None, Some(tx)],
            reader: Publisher::new(tables).reader(),
            stats,
            clock: NodeClock::new(self.reference.clock(), None),
            buffers: NodeBuffers::new(self.gauge.clone(), None),
            sink: Forget,
        });
        let stop = Arc::clone(stop);
        Ok(launch(&self.eal, self.lcore, move || {
            // Until nothing is left in the rings in front of it.
            while !stop.load(Ordering::Relaxed) || worker.poll() > 0 {
                worker.poll();
            }
        })?)
    }
}

/// Sends and receives in turn.
struct Sender<'a> {
    case: &'a Case,
    feed: TxHandle,
    collect: RxHandle,
    clock: NodeClock,
    hertz: f64,
    /// Packets with content.
    ready: Stage<Mbuf>,
    free: Vec<Mbuf>,
    outcome: Outcome,
    delays: Option<&'a mut Delays>,
}

impl Sender<'_> {
    fn run(&mut self, rate: Rate, duration: Duration) -> Result<()> {
        let start = self.clock.ticks();
        let end = duration.as_secs_f64() * self.hertz;
        loop {
            let passed = self.clock.ticks().wrapping_sub(start) as f64;
            if passed >= end {
                self.outcome.seconds = passed / self.hertz;
                break;
            }
            let due = match rate {
                Rate::Unlimited => BURST as f64,
                Rate::PerSecond(rate) => passed / self.hertz * rate - self.outcome.offered as f64,
            };
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to a burst"
            )]
            self.send(due.clamp(0.0, BURST as f64) as usize)?;
            self.collect(true)?;
        }
        for _ in 0..LAST {
            self.collect(true)?;
        }
        Ok(())
    }

    /// Offers so many; what finds no place in the ring is lost, as in a card.
    fn send(&mut self, count: usize) -> Result<()> {
        while self.ready.len() < count {
            let Some(mut packet) = self.free.pop() else {
                break;
            };
            ensure!(self.case.fill(&mut packet, 0), "a packet has no room left");
            self.ready.push(packet);
        }
        if count == 0 {
            return Ok(());
        }
        // No more than are due.
        while self.ready.len() > count {
            self.free.extend(self.ready.pop());
        }
        if self.delays.is_some() {
            let now = self.clock.ticks().to_be_bytes();
            for packet in &mut self.ready {
                let octets = packet.bytes_mut();
                let at = octets.len().saturating_sub(STAMP);
                if let Some(place) = octets.get_mut(at..at + 8) {
                    place.copy_from_slice(&now);
                }
            }
        }
        self.outcome.offered += count as u64;
        self.feed.send(&mut self.ready);
        Ok(())
    }

    /// Takes one burst; `counted` where it belongs to the measurement.
    fn collect(&mut self, counted: bool) -> Result<usize> {
        let mut burst = Burst::new();
        self.collect.receive(&mut burst);
        let (count, now) = (burst.len(), self.clock.ticks());
        for packet in &burst {
            self.look(packet, now)?;
            self.outcome.received += u64::from(counted);
        }
        self.free.extend(burst);
        Ok(count)
    }

    fn look(&mut self, packet: &Mbuf, now: u64) -> Result<()> {
        let (frame, frames) = (packet.bytes(), &self.case.frames);
        ensure!(
            frame.len() == frames.output.len(),
            "{}: a packet has a wrong length: {} octets",
            self.case.name,
            frame.len()
        );
        let Some(delays) = &mut self.delays else {
            if self.outcome.received.is_multiple_of(COMPARED) {
                // Of this second or the one before: it was on its way.
                let mut time = self.clock.receive_time();
                if let Some(time) = &mut time {
                    time.seconds -= 1;
                }
                self.case.check(frame, 0, time)?;
            }
            return Ok(());
        };
        let at = frame.len() - STAMP;
        if let Some(stamp) = frame
            .get(at..at + 8)
            .and_then(|octets| octets.first_chunk())
        {
            let ticks = now.wrapping_sub(u64::from_be_bytes(*stamp));
            let nanoseconds = ticks as f64 * 1e9 / self.hertz;
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a difference of times"
            )]
            delays.end_to_end.saturating_record(nanoseconds as u64);
        }
        // Behind the timestamp's two words.
        let own = frames.timestamp.map(|at| at + 8);
        let own = own.and_then(|at| frame.get(at..at + 4));
        if let Some(own) = own.and_then(|octets| octets.first_chunk()) {
            delays
                .node
                .saturating_record(u32::from_be_bytes(*own).into());
        }
        Ok(())
    }
}
