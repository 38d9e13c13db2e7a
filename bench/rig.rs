// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Lcores with a node each, told from the main thread what to measure.
//!
//! ```text
//!   net_ring      ring pair                        ring pair
//!            feed ─────────► east  │ worker │ west ─────────► collect
//!
//!   net_null      east, refilled ► │ worker │ ► west              (null.rs)
//! ```
//! One lcore does it all in turn, so that nobody waits while ticks are counted.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::ValueEnum;
use ioam_app::dpdk::{
    Eal, LcoreJob, Mbuf, Mempool, PoolGauge, Port, PortConfig, TscReference, launch,
};
use ioam_app::export::Record;
use ioam_app::runtime::measure::{NodeBuffers, NodeClock};
use ioam_dp::port::{PortId, RxQueue, TxQueue};
use ioam_dp::record::{ExportRecord, RecordSink};
use ioam_dp::stats::WorkerStats;
use ioam_dp::table::Tables;
use ioam_dp::table::publish::{Publisher, Reader};
use ioam_dp::worker::{Clock as _, Input, Worker, WorkerParts};

use crate::case::{BURST, Case, HEADROOM};
use crate::machine::{Memory, eal_arguments, thread_nanoseconds};
use crate::null::Null;
use crate::rings::{RING, Rings};

/// Octets of a frame's buffer besides the headroom, as a node has for an MTU of 1500.
const DATA_ROOM: u32 = 2048;
/// The same where there are many packets; all that is measured fits.
const FAR_ROOM: u32 = 512;
/// Buffers beyond those in flight, for drivers and caches.
const SPARE: usize = 2047;

/// What was counted while packets were forwarded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub packets: u64,
    /// Of the TSC.
    pub ticks: u64,
    /// Of the forwarding thread's own time.
    pub nanoseconds: u64,
    /// What was taken off both for giving packets their content back, in ticks a packet.
    pub restoring: f64,
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

    pub(crate) fn add(&mut self, other: Self) {
        self.packets += other.packets;
        self.ticks += other.ticks;
        self.nanoseconds += other.nanoseconds;
    }
}

/// What stands between the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Between {
    /// The node of the case.
    Node,
    /// The same with more packets than the last-level cache has room for.
    Far,
    /// Receive and send, which every node pays for.
    Nothing,
}

/// The ports of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ports {
    /// `net_ring`: pointers to packets that are there
    Ring,
    /// `net_null`: packets out of a pool and back to it
    Null,
}

impl Ports {
    /// As DPDK calls the driver.
    pub(crate) fn driver(self) -> &'static str {
        match self {
            Self::Ring => "net_ring",
            Self::Null => "net_null",
        }
    }
}

/// How a rig is set up.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub main: usize,
    /// The processor of each worker.
    pub workers: Vec<usize>,
    pub memory: Memory,
    pub ports: Ports,
    pub in_flight: usize,
    /// How many packets do not fit the cache; 0 where that is not measured.
    pub far: usize,
}

/// What to measure next.
pub(crate) struct Order {
    pub case: Case,
    pub between: Between,
    pub duration: Duration,
    pub reader: Reader,
}

/// An lcore that waits for orders.
#[derive(Debug)]
struct Hand {
    orders: Sender<Order>,
    answers: Receiver<Result<Sample>>,
    job: LcoreJob,
}

/// Running lcores that measure what they are told to.
#[derive(Debug)]
pub(crate) struct Rig {
    hands: Vec<Hand>,
    eal: Eal,
}

impl Rig {
    /// Starts DPDK; the calling thread becomes its main lcore.
    pub(crate) fn start(setup: &Setup) -> Result<Self> {
        let in_flight = setup.in_flight;
        ensure!(
            in_flight > 0 && in_flight < RING as usize,
            "1 to {} packets can be in flight",
            RING - 1
        );
        let mut arguments = eal_arguments(setup.main, &setup.workers, setup.memory, "node");
        if setup.ports == Ports::Null {
            arguments.extend(Null::devices());
        }
        let eal = Eal::init(&arguments)?;
        let (buffers, far) = (in_flight * setup.workers.len() + SPARE, setup.far);
        let (buffers, headroom) = (u32::try_from(buffers)?, u32::try_from(HEADROOM)?);
        let pool = Mempool::new(&eal, "bench", buffers, headroom, DATA_ROOM, -1)?;
        let many = u32::try_from(far.max(1))?;
        let far_pool = Mempool::new(&eal, "far", many, headroom, FAR_ROOM, -1)?;
        let mut hands = Vec::new();
        for (number, lcore) in (0..).zip(eal.worker_lcores()) {
            let far = if number == 0 { far } else { 0 };
            let parts = Parts::new(&eal, &pool, in_flight);
            hands.push(match setup.ports {
                Ports::Ring => {
                    let mut rings = Rings::new(parts, number, &far_pool, far)?;
                    Hand::start(&eal, lcore, move |order| rings.sample(&order))?
                }
                Ports::Null => {
                    let mut null = Null::new(parts)?;
                    Hand::start(&eal, lcore, move |order| null.sample(&order))?
                }
            });
        }
        Ok(Self { hands, eal })
    }

    /// Measures `case` for so long on the first lcore.
    pub(crate) fn sample(
        &self,
        case: &Case,
        between: Between,
        duration: Duration,
    ) -> Result<Sample> {
        let samples = self.samples(case, between, duration, 1)?;
        samples.first().copied().context("there is no lcore")
    }

    /// The same on so many lcores at once, which share the tables.
    pub(crate) fn samples(
        &self,
        case: &Case,
        between: Between,
        duration: Duration,
        workers: usize,
    ) -> Result<Vec<Sample>> {
        let gone = || anyhow!("a measuring lcore is gone");
        let tables = Tables::compile(&case.spec).context("the case is no node")?;
        let publisher = Publisher::new(tables);
        let hands = || self.hands.iter().take(workers);
        for hand in hands() {
            let order = Order {
                case: case.clone(),
                between,
                duration,
                reader: publisher.reader(),
            };
            hand.orders.send(order).map_err(|_| gone())?;
        }
        hands()
            .map(|hand| hand.answers.recv().map_err(|_| gone())?)
            .collect()
    }

    /// Closes everything, and finds lost packets.
    pub(crate) fn stop(self) -> Result<()> {
        for hand in self.hands {
            drop(hand.orders);
            hand.job.join()?;
        }
        self.eal.close().context("after the last measurement")
    }
}

impl Hand {
    fn start(
        eal: &Eal,
        lcore: u32,
        mut sample: impl FnMut(Order) -> Result<Sample> + Send + 'static,
    ) -> Result<Self> {
        let (orders, inbox) = channel::<Order>();
        let (outbox, answers) = channel();
        let job = launch(eal, lcore, move || {
            for order in inbox {
                if outbox.send(sample(order)).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self {
            orders,
            answers,
            job,
        })
    }
}

/// What an lcore has, whatever its ports are.
pub(crate) struct Parts {
    pub pool: Mempool,
    pub eal: Eal,
    pub gauge: PoolGauge,
    pub reference: TscReference,
    pub in_flight: usize,
}

/// A worker as that of `ioam run`.
pub(crate) type Node<R, T, S> = Worker<R, T, NodeClock, NodeBuffers, S>;

impl Parts {
    fn new(eal: &Eal, pool: &Mempool, in_flight: usize) -> Self {
        Self {
            pool: pool.clone(),
            eal: eal.clone(),
            gauge: PoolGauge::new(eal, std::slice::from_ref(pool)),
            reference: TscReference::new(),
            in_flight,
        }
    }

    /// Opens a port by DPDK's number of it, or by its device.
    pub(crate) fn open(&self, id: Option<u16>, device: &str) -> Result<Port> {
        let config = PortConfig {
            burst: BURST,
            ..PortConfig::new(device)
        };
        let mut port = match id {
            Some(id) => Port::open_id(&self.eal, id, &config, &self.pool)?,
            None => Port::open(&self.eal, &config, &self.pool)?,
        };
        port.start()?;
        Ok(port)
    }

    /// The worker of `ioam run`, with queues and a sink of choice.
    pub(crate) fn worker<R, T, S>(&self, order: &Order, rx: R, tx: T, sink: S) -> Node<R, T, S>
    where
        R: RxQueue<Packet = Mbuf>,
        T: TxQueue<Packet = Mbuf>,
        S: RecordSink,
    {
        let spec = &order.case.spec;
        // The default namespace is always there, listed or not.
        let namespaces = spec.namespaces.len() + 1;
        Worker::new(WorkerParts {
            number: 0,
            inputs: vec![Input {
                port: PortId(0),
                queue: rx,
            }],
            outputs: vec![None, Some(tx)],
            reader: order.reader.clone(),
            stats: WorkerStats::new(spec.ports.len(), spec.profiles.len(), namespaces),
            clock: NodeClock::new(self.reference.clock(), None),
            buffers: NodeBuffers::new(self.gauge.clone(), None),
            sink,
        })
    }
}

/// Takes what an exporter would: how many records, and the first of them.
pub(crate) type Drained = (usize, Option<ExportRecord>);

/// Empties the ring of records that `pop` takes from.
pub(crate) fn drain(mut pop: impl FnMut() -> Option<Record>) -> Drained {
    let first = match pop() {
        None => return (0, None),
        Some(Record::Option(first)) => Some(first),
        Some(Record::Report(_)) => None,
    };
    (1 + std::iter::from_fn(pop).count(), first)
}

/// Runs `what` with both clocks running; `reading` is what reading the second one costs.
#[inline(always)]
pub(crate) fn timed(clock: &mut NodeClock, reading: u64, what: impl FnOnce() -> usize) -> Sample {
    let (time, ticks) = (thread_nanoseconds(), clock.ticks());
    let packets = what();
    let (ticks, time) = (
        clock.ticks().wrapping_sub(ticks),
        thread_nanoseconds() - time,
    );
    Sample {
        packets: packets as u64,
        ticks,
        nanoseconds: time.saturating_sub(reading),
        restoring: 0.0,
    }
}

/// The median cost of reading the thread's time twice.
pub(crate) fn reading() -> u64 {
    let mut costs: [u64; 101] = std::array::from_fn(|_| {
        let before = thread_nanoseconds();
        thread_nanoseconds() - before
    });
    costs.sort_unstable();
    costs[costs.len() / 2]
}
