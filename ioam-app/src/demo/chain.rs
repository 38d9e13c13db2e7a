// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The chain of nodes: rings between them, a worker for each, and two cores that poll them all.
//!
//! ```text
//! CPU A:  source -> encap -> transit 1 ->
//! CPU B:                                  transit 2 -> decap -> sink
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ioam_dp::port::{BURST, PortId};
use ioam_dp::record::Records;
use ioam_dp::stats::WorkerStats;
use ioam_dp::table::Tables;
use ioam_dp::table::publish::Publisher;
use ioam_dp::wire::ioam::OptionType;
use ioam_dp::worker::{Clock, Input, Worker, WorkerParts};

use super::collector::Collector;
use super::cpus::Cpus;
use super::domain::{self, IN_PORT, NODES, OUT_PORT};
use super::fault::{Break, Link};
use super::mode::Mode;
use super::rest::Rest;
use super::shared::{Collected, Shared};
use super::sink::Sink;
use super::source::Source;
use super::traffic::{TRACED_FLOWS, Traffic};
use super::witness::Witness;
use crate::dpdk::{
    DpdkError, Eal, LcoreJob, Mempool, PoolGauge, Port, PortConfig, RxHandle, TscClock,
    TscReference, launch, ring_pair,
};

/// Packets a ring is made for; it holds one less.
pub(super) const RING: u32 = 1024;
/// Packet buffers: what is under way, and what two cores keep to themselves. More would only wear
/// out the cache, because they are used in turn.
const BUFFERS: u32 = 1535;
/// Room in front of a frame.
const HEADROOM: u32 = 384;
/// Memory of DPDK's, in MiB.
const MEMORY: &str = "64";
/// How often the second core tells what it sees.
const TELL: Duration = Duration::from_millis(100);
/// Rounds of polling between two looks at the time.
const ROUNDS: u64 = 256;
/// Rounds a node offers what still waits, at the end.
const DRAIN_ROUNDS: usize = 1000;

/// A node keeps its records in itself until they are verified: no ring that could be full, and no
/// verification in the ticks that the node is said to need.
type Node = Worker<RxHandle, Link, TscClock, PoolGauge, Records>;

/// What is run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) cpus: Cpus,
    pub(super) frame_size: u16,
    /// Percent of the IPv6 traffic that gets a trace.
    pub(super) share: u8,
    /// Most packets.
    pub(super) packets: u64,
    pub(super) fault: Option<Break>,
    /// The options that packets carry.
    pub(super) mode: Mode,
}

/// The running chain.
#[derive(Debug)]
pub(super) struct Chain {
    // In the order in which they have to go.
    jobs: Vec<LcoreJob>,
    ports: Vec<Port>,
    pool: Mempool,
    eal: Eal,
    shared: Arc<Shared>,
    stats: Vec<Arc<WorkerStats>>,
}

impl Chain {
    /// Starts DPDK and everything else; on an error what was started is stopped again.
    pub(super) fn start(plan: &Plan) -> Result<Self> {
        let eal = Eal::init(&eal_arguments(plan.cpus))?;
        let pool = Mempool::new(&eal, "demo", BUFFERS, HEADROOM, 2048, -1)?;
        let mut ports = Vec::new();
        for link in 0..=NODES {
            let (from, to) = ring_pair(&eal, &format!("link{link}"), RING)?;
            for id in [from, to] {
                ports.push(open(&eal, id, &pool)?);
            }
        }
        let reference = TscReference::new();
        let mut chain = Self {
            jobs: Vec::new(),
            ports,
            pool,
            eal,
            shared: Arc::new(Shared::default()),
            stats: Vec::new(),
        };
        chain.launch(plan, &reference)?;
        Ok(chain)
    }

    fn launch(&mut self, plan: &Plan, reference: &TscReference) -> Result<()> {
        let traffic = Arc::new(Traffic::new(plan.frame_size.into()));
        let shared = Arc::clone(&self.shared);
        let pool = self.pool.clone();
        let source = Source::new(
            (Arc::clone(&traffic), Arc::clone(&shared)),
            pool,
            self.ports[0]
                .take_tx(0)
                .context("the source's queue is taken")?,
            plan.share,
            plan.packets,
        );
        let encap = self.node(0, plan, reference)?;
        let transit = self.node(1, plan, reference)?;
        let first = FirstHalf {
            source,
            encap,
            transit,
            witness: Witness::new(Arc::clone(&traffic)),
        };
        let start = reference.clock().receive_time().unwrap_or_default();
        let collector = Collector::new(Arc::clone(&traffic), start)?;
        let rx = self.ports[2 * NODES + 1]
            .take_rx(0)
            .context("the sink's queue is taken")?;
        let second = SecondHalf {
            transit: self.node(2, plan, reference)?,
            decap: self.node(3, plan, reference)?,
            collector,
            traces: plan.mode.traces(),
            witness: Witness::new(Arc::clone(&traffic)),
            sink: Sink::new(traffic, Arc::clone(&shared), rx),
            clock: reference.clock(),
        };
        let rest = Rest::new(plan.cpus.is_single());
        let other = Arc::clone(&shared);
        self.jobs
            .push(launch(&self.eal, 2, move || second.run(&other, rest))?);
        self.jobs
            .push(launch(&self.eal, 1, move || first.run(&shared, rest))?);
        Ok(())
    }

    /// The node at `place` of the path, which receives from the link in front of it.
    fn node(&mut self, place: usize, plan: &Plan, reference: &TscReference) -> Result<Node> {
        let spec = domain::node_spec(place, plan.mode, plan.fault == Some(Break::Keep));
        let tables = Tables::compile(&spec).context("the demonstration's own node")?;
        let namespaces = tables.namespaces.all().len();
        let stats = WorkerStats::new(tables.ports.len(), tables.profiles.len(), namespaces);
        self.stats.push(Arc::clone(&stats));
        let rx = self.ports[2 * place + 1]
            .take_rx(0)
            .context("a node's queue is taken")?;
        let tx = self.ports[2 * place + 2]
            .take_tx(0)
            .context("a node's queue is taken")?;
        let fault = plan
            .fault
            .filter(|fault| place == 1 && *fault != Break::Keep);
        let fault = fault.map(|fault| (fault, self.pool.clone()));
        let mut outputs = vec![None, None];
        outputs[usize::from(OUT_PORT)] = Some(Link::new(tx, fault));
        let input = Input {
            port: PortId(IN_PORT),
            queue: rx,
        };
        Ok(Worker::new(WorkerParts {
            number: place as u64,
            inputs: vec![input],
            outputs,
            reader: Publisher::new(tables).reader(),
            stats,
            clock: reference.clock(),
            buffers: PoolGauge::new(&self.eal, std::slice::from_ref(&self.pool)),
            sink: Records {
                options: Vec::with_capacity(BURST),
                ..Records::default()
            },
        }))
    }

    /// What the cores tell.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What each node counts.
    pub(super) fn stats(&self) -> &[Arc<WorkerStats>] {
        &self.stats
    }

    /// Stops the cores and closes the ports.
    pub(super) fn stop(mut self) -> Stopped {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut failures = Vec::new();
        let mut note = |failure: Result<(), DpdkError>| {
            failures.extend(failure.err().map(|error| error.to_string()));
        };
        self.jobs.drain(..).for_each(|job| note(job.join()));
        self.ports.drain(..).for_each(|port| note(port.close()));
        Stopped {
            shared: Arc::clone(&self.shared),
            leaked: self.pool.in_use(),
            failures,
        }
    }
}

/// What is left of a chain.
#[derive(Debug)]
pub(super) struct Stopped {
    /// What the cores told at their end.
    pub(super) shared: Arc<Shared>,
    /// Packet buffers that did not come back to their pool.
    pub(super) leaked: u32,
    /// What else went wrong.
    pub(super) failures: Vec<String>,
}

impl Drop for Chain {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

fn eal_arguments(cpus: Cpus) -> Vec<String> {
    let prefix = format!("ioam-demo-{}", std::process::id());
    let lcores = cpus.lcores();
    let words = [
        "--lcores",
        &lcores,
        "--file-prefix",
        &prefix,
        "-m",
        MEMORY,
        "--no-huge",
        "--no-pci",
        "--no-shconf",
        "--no-telemetry",
    ];
    words.map(str::to_owned).to_vec()
}

fn open(eal: &Eal, id: u16, pool: &Mempool) -> Result<Port> {
    let config = PortConfig {
        mtu: domain::MTU,
        single_pool: true,
        ..PortConfig::new("ring")
    };
    let mut port = Port::open_id(eal, id, &config, pool)?;
    port.start()?;
    Ok(port)
}

/// What the first core polls.
struct FirstHalf {
    source: Source,
    encap: Node,
    transit: Node,
    witness: Witness,
}

impl FirstHalf {
    fn run(mut self, shared: &Shared, mut rest: Rest) {
        shared.is_polled_by_this_thread(0);
        let mut told = Instant::now();
        while !shared.stop.load(Ordering::Relaxed) {
            let packets = self.source.poll() + self.encap.poll() + self.transit.poll();
            witness(&mut self.witness, 0, &mut self.encap);
            witness(&mut self.witness, 1, &mut self.transit);
            rest.after(packets);
            shared.rounds[0].add(1);
            if shared.rounds[0].get().is_multiple_of(ROUNDS) && told.elapsed() >= TELL {
                told = Instant::now();
                shared.witness(0, self.witness.seen());
            }
        }
        self.encap.drain(DRAIN_ROUNDS);
        self.transit.drain(DRAIN_ROUNDS);
        shared.witness(0, self.witness.seen());
    }
}

/// Verifies what the node at `place` handed over, no trace among it.
fn witness(witness: &mut Witness, place: usize, node: &mut Node) {
    let sink = node.sink_mut();
    for record in sink.options.drain(..) {
        witness.enter(place, &record);
    }
    for report in sink.reports.drain(..) {
        witness.report(&report);
    }
}

/// What the second core polls.
struct SecondHalf {
    transit: Node,
    decap: Node,
    collector: Collector,
    /// Whether packets leave traces.
    traces: bool,
    witness: Witness,
    sink: Sink,
    clock: TscClock,
}

impl SecondHalf {
    fn run(mut self, shared: &Shared, mut rest: Rest) {
        shared.is_polled_by_this_thread(1);
        let mut told = Instant::now();
        while !shared.stop.load(Ordering::Relaxed) {
            let mut packets = self.transit.poll() + self.decap.poll();
            self.collect();
            packets += self.sink.poll();
            rest.after(packets);
            shared.rounds[1].add(1);
            if shared.rounds[1].get().is_multiple_of(ROUNDS) && told.elapsed() >= TELL {
                told = Instant::now();
                shared.witness(1, self.witness.seen());
                shared.tell(|| self.collected());
            }
        }
        self.transit.drain(DRAIN_ROUNDS);
        self.decap.drain(DRAIN_ROUNDS);
        self.collect();
        shared.witness(1, self.witness.seen());
        if let Some(now) = self.clock.receive_time() {
            self.collector.end(now);
        }
        let mut collected = self.collected();
        let seen = self.collector.seen();
        let packets = |flow| self.sink.ledger().packets(flow);
        collected.untraced = (0..TRACED_FLOWS)
            .filter(|_| self.traces)
            .map(|f| packets(f).abs_diff(seen[f]))
            .sum();
        *shared.collected() = collected;
    }

    /// Verifies the traces of the last burst.
    fn collect(&mut self) {
        let sink = self.decap.sink_mut();
        for record in sink.options.drain(..) {
            match record.option_type {
                OptionType::PreallocatedTrace => self.collector.enter(&record),
                _ => self.witness.enter(NODES - 1, &record),
            }
        }
        for report in sink.reports.drain(..) {
            self.witness.report(&report);
        }
        witness(&mut self.witness, 2, &mut self.transit);
    }

    fn collected(&mut self) -> Collected {
        let (ledger, collector) = (self.sink.ledger(), &mut self.collector);
        let mut findings = ledger.findings;
        findings.merge(collector.findings());
        Collected {
            missing: ledger.missing,
            verified: collector.verified(),
            untraced: 0,
            findings,
            delays: collector.delays(),
            trace: collector.trace(),
        }
    }
}
