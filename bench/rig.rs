// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The node between two ends: packets prepared, forwarded with the clock running, taken out,
//! checked, and prepared again.
//!
//! ```text
//!          ring pair                        ring pair
//!   feed ───────────► east  │ worker │ west ───────────► collect
//! ```
//! One lcore does it all in turn, so that nobody waits while ticks are counted.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use ioam_app::dpdk::{
    Eal, LcoreJob, Mbuf, Mempool, PoolGauge, Port, PortConfig, RxHandle, TscReference, TxHandle,
    launch, ring_pair,
};
use ioam_app::export::ring;
use ioam_app::runtime::measure::{NodeBuffers, NodeClock, NodeTx};
use ioam_dp::packet::PacketBuf as _;
use ioam_dp::port::PortId;
use ioam_dp::record::RecordSink;
use ioam_dp::stats::WorkerStats;
use ioam_dp::table::Tables;
use ioam_dp::table::publish::Publisher;
use ioam_dp::timestamp::WallTime;
use ioam_dp::worker::{Clock as _, Input, Worker, WorkerParts};

use crate::cases::{self, BURST, Case, HEADROOM, Records};
use crate::ends::{Bare, Ends, Forget};
use crate::machine::{Memory, Processors, eal_arguments, thread_nanoseconds};

/// Room of each ring, a power of two; one less can be in it.
const RING: u32 = 1024;
/// Batches before a sample.
const WARM_UP: usize = 8;
/// Rounds without a packet before the rest of a batch is given up.
const IDLE: usize = 1000;

/// What was counted while packets were forwarded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub packets: u64,
    /// Of the TSC.
    pub ticks: u64,
    /// Of the forwarding thread's own time.
    pub nanoseconds: u64,
}

impl Sample {
    /// Of the TSC a packet.
    pub(crate) fn ticks(&self) -> f64 {
        self.ticks as f64 / self.packets as f64
    }

    /// Of the thread's own time a packet, in ticks of a TSC of so many GHz.
    pub(crate) fn own_ticks(&self, ghz: f64) -> f64 {
        self.nanoseconds as f64 * ghz / self.packets as f64
    }
}

/// What stands between the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Between {
    /// The node of the case.
    Node,
    /// Receive and send, which every node pays for.
    Nothing,
}

/// What to measure next.
type Order = (Case, Between, Duration);

/// A running lcore that measures what it is told to.
#[derive(Debug)]
pub(crate) struct Rig {
    orders: Sender<Order>,
    answers: Receiver<Result<Sample>>,
    job: LcoreJob,
    eal: Eal,
}

impl Rig {
    /// Starts DPDK; the calling thread becomes its main lcore.
    pub(crate) fn start(processors: Processors, memory: Memory, in_flight: usize) -> Result<Self> {
        ensure!(
            in_flight > 0 && in_flight < RING as usize,
            "1 to {} packets can be in flight",
            RING - 1
        );
        let eal = Eal::init(&eal_arguments(processors, memory, "node"))?;
        let mut bench = Bench::new(&eal, in_flight)?;
        let (orders, inbox) = channel::<Order>();
        let (outbox, answers) = channel();
        let lcore = *eal.worker_lcores().first().context("no lcore to work on")?;
        let job = launch(&eal, lcore, move || {
            for (case, between, duration) in inbox {
                if outbox.send(bench.sample(&case, between, duration)).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self {
            orders,
            answers,
            job,
            eal,
        })
    }

    /// Measures `case` for so long.
    pub(crate) fn sample(
        &self,
        case: &Case,
        between: Between,
        duration: Duration,
    ) -> Result<Sample> {
        let gone = || anyhow!("the measuring lcore is gone");
        self.orders
            .send((case.clone(), between, duration))
            .map_err(|_| gone())?;
        self.answers.recv().map_err(|_| gone())?
    }

    /// Closes everything, and finds lost packets.
    pub(crate) fn stop(self) -> Result<()> {
        drop(self.orders);
        self.job.join()?;
        self.eal.close().context("after the last measurement")
    }
}

/// What the lcore has.
struct Bench {
    /// All packets, between two batches. In front, so that they go before their pool does.
    packets: Vec<Mbuf>,
    feed: Port,
    east: Port,
    west: Port,
    collect: Port,
    gauge: PoolGauge,
    reference: TscReference,
    /// What reading the thread's time twice costs of it.
    reading: u64,
    in_flight: usize,
}

impl Bench {
    fn new(eal: &Eal, in_flight: usize) -> Result<Self> {
        let headroom = u32::try_from(HEADROOM)?;
        let pool = Mempool::new(eal, "bench", 2047, headroom, 2048, -1)?;
        let open = |id| -> Result<Port> {
            let config = PortConfig {
                burst: BURST,
                ..PortConfig::new("")
            };
            let mut port = Port::open_id(eal, id, &config, &pool)?;
            port.start()?;
            Ok(port)
        };
        let (feed, east) = ring_pair(eal, "in", RING)?;
        let (west, collect) = ring_pair(eal, "out", RING)?;
        let packets: Option<Vec<Mbuf>> = (0..in_flight).map(|_| Mbuf::alloc(&pool)).collect();
        Ok(Self {
            feed: open(feed)?,
            east: open(east)?,
            west: open(west)?,
            collect: open(collect)?,
            gauge: PoolGauge::new(eal, std::slice::from_ref(&pool)),
            reference: TscReference::new(),
            packets: packets.context("the pool is too small")?,
            reading: 0,
            in_flight,
        })
    }

    fn sample(&mut self, case: &Case, between: Between, duration: Duration) -> Result<Sample> {
        self.reference.reanchor();
        let idle = |queue| format!("a queue of {queue} is in use");
        let mut ends = Ends {
            feed: self.feed.take_tx(0).with_context(|| idle("feed"))?,
            collect: self.collect.take_rx(0).with_context(|| idle("collect"))?,
        };
        let rx = self.east.take_rx(0).with_context(|| idle("east"))?;
        let tx = self.west.take_tx(0).with_context(|| idle("west"))?;
        self.reading = reading();
        if between == Between::Nothing {
            let mut bare = Bare::new(rx, tx);
            return self.run(case, duration, &mut ends, || bare.poll(), || 0);
        }
        match case.records {
            Records::None | Records::Forgotten => {
                let mut worker = self.worker(case, rx, tx, Forget)?;
                self.run(case, duration, &mut ends, || worker.poll(), || 0)
            }
            Records::Kept => {
                let (sink, mut records) = ring(self.in_flight);
                let mut worker = self.worker(case, rx, tx, sink)?;
                let drain = || std::iter::from_fn(|| records.pop().ok()).count();
                self.run(case, duration, &mut ends, || worker.poll(), drain)
            }
        }
    }

    /// The worker of `ioam run`, with a sink of choice.
    fn worker<S: RecordSink>(
        &self,
        case: &Case,
        rx: RxHandle,
        tx: TxHandle,
        sink: S,
    ) -> Result<Worker<RxHandle, NodeTx, NodeClock, NodeBuffers, S>> {
        let tables = Tables::compile(&case.spec).context("the case is no node")?;
        let stats = WorkerStats::new(
            tables.ports.len(),
            tables.profiles.len(),
            tables.namespaces.all().len(),
        );
        Ok(Worker::new(WorkerParts {
            number: 0,
            inputs: vec![Input {
                port: PortId(0),
                queue: rx,
            }],
            outputs: vec![None, Some(NodeTx::new(tx, None))],
            reader: Publisher::new(tables).reader(),
            stats,
            clock: NodeClock::new(self.reference.clock(), None),
            buffers: NodeBuffers::new(self.gauge.clone(), None),
            sink,
        }))
    }

    /// Batches until time is up. `poll` moves what it finds from east to west; `drain` empties the
    /// ring of records and counts them.
    fn run(
        &mut self,
        case: &Case,
        duration: Duration,
        ends: &mut Ends,
        mut poll: impl FnMut() -> usize,
        mut drain: impl FnMut() -> usize,
    ) -> Result<Sample> {
        let mut sum = Sample::default();
        let mut clock = self.reference.clock();
        let mut begun = Instant::now();
        for batch in 0_usize.. {
            if batch == WARM_UP {
                (sum, begun) = (Sample::default(), Instant::now());
            } else if batch > WARM_UP && begun.elapsed() >= duration {
                break;
            }
            self.prepare(case)?;
            ends.feed(&mut self.packets)?;
            let received = clock.receive_time();
            let (time, ticks) = (thread_nanoseconds(), clock.ticks());
            let forwarded = forward(self.in_flight, &mut poll);
            let (ticks, time) = (
                clock.ticks().wrapping_sub(ticks),
                thread_nanoseconds() - time,
            );
            ensure!(
                forwarded == self.in_flight,
                "{}: {forwarded} of {} packets went through",
                case.name,
                self.in_flight
            );
            sum.packets += forwarded as u64;
            sum.ticks += ticks;
            sum.nanoseconds += time.saturating_sub(self.reading);
            ends.collect(&mut self.packets);
            self.check(case, drain(), received)?;
        }
        Ok(sum)
    }

    fn prepare(&mut self, case: &Case) -> Result<()> {
        for packet in &mut self.packets {
            let ready = cases::restore(packet, &case.input);
            ensure!(ready, "a packet has no room left");
        }
        Ok(())
    }

    /// All packets are back; the first one is right in full, the others in length; and each left a
    /// record, where there is to be one.
    fn check(&self, case: &Case, records: usize, received: Option<WallTime>) -> Result<()> {
        let (back, all) = (self.packets.len(), self.in_flight);
        ensure!(
            back == all,
            "{}: {back} of {all} packets came out",
            case.name
        );
        case.check(self.packets[0].bytes(), received)?;
        let length = case.output.len();
        let same = self
            .packets
            .iter()
            .all(|packet| packet.bytes().len() == length);
        ensure!(same, "{}: a packet has a wrong length", case.name);
        let wanted = if case.records == Records::Kept {
            all
        } else {
            0
        };
        ensure!(
            records == wanted,
            "{}: {records} records of {wanted}",
            case.name
        );
        Ok(())
    }
}

/// What is timed: rounds until all packets are out, or none has come for long.
#[inline(never)]
fn forward(packets: usize, poll: &mut impl FnMut() -> usize) -> usize {
    let (mut done, mut idle) = (0, 0);
    while done < packets && idle < IDLE {
        let moved = poll();
        done += moved;
        idle = if moved == 0 { idle + 1 } else { 0 };
    }
    done
}

/// The median cost of reading the thread's time twice.
fn reading() -> u64 {
    let mut costs: [u64; 101] = std::array::from_fn(|_| {
        let before = thread_nanoseconds();
        thread_nanoseconds() - before
    });
    costs.sort_unstable();
    costs[costs.len() / 2]
}
