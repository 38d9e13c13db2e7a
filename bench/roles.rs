// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the processes around a veth pair do: send, be the node, check, and be a node on rings.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use ioam_app::dpdk::{Eal, Mempool, PoolGauge, Port, PortConfig, TscReference, launch};
use ioam_app::runtime::measure::{NodeBuffers, NodeClock, NodeTx};
use ioam_dp::packet::PacketBuf as _;
use ioam_dp::port::{Burst, PortId, RxQueue as _, Stage, TxQueue as _};
use ioam_dp::stats::WorkerStats;
use ioam_dp::table::Tables;
use ioam_dp::table::publish::Publisher;
use ioam_dp::worker::{Clock as _, Input, Worker, WorkerParts};

use crate::case::{BURST, Case, HEADROOM};
use crate::cases;
use crate::ends::Forget;
use crate::machine::{Memory, Processors, eal_arguments};
use crate::rig::{Between, Ports, Rig, Setup};

const PACKETS: u32 = 8191;
/// How long a check waits for what it sent.
const PATIENCE: Duration = Duration::from_secs(2);
/// A line of a child that says it is ready.
pub(crate) const READY: &str = "ready";

/// One of the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Sends as fast as it can into a0
    Send,
    /// Is the node between a1 and b1
    Node,
    /// Sends a burst into a0 and looks at what comes out of b0
    Check,
    /// Is a node on rings, and prints nanoseconds of its own time a packet
    Ring,
}

impl Role {
    /// Its name in arguments.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Node => "node",
            Self::Check => "check",
            Self::Ring => "ring",
        }
    }

    /// Does it, for so long where it has no end of its own.
    pub(crate) fn play(self, memory: Memory, duration: Duration) -> Result<()> {
        let processors = Processors::choose()?;
        match self {
            Self::Send => send(processors, memory, duration),
            Self::Node => node(processors, memory, duration),
            Self::Check => check(processors, memory),
            Self::Ring => ring(processors, memory, duration),
        }
    }
}

/// DPDK with `af_packet` ports on these interfaces.
struct Stage0 {
    ports: Vec<Port>,
    pool: Mempool,
    eal: Eal,
}

impl Stage0 {
    fn set(
        processors: Processors,
        memory: Memory,
        role: Role,
        interfaces: &[&str],
    ) -> Result<Self> {
        let Processors { main, worker } = processors;
        let device = |(number, interface): (usize, &&str)| {
            format!(
                "net_af_packet{number},iface={interface},blocksz=65536,framesz=2048,framecnt=4096,qdisc_bypass=1"
            )
        };
        let devices: Vec<String> = interfaces.iter().enumerate().map(device).collect();
        let mut arguments = eal_arguments(main, &[worker], memory, role.name());
        arguments.extend(devices.iter().map(|device| format!("--vdev={device}")));
        let eal = Eal::init(&arguments)?;
        let pool = Mempool::new(&eal, "veth", PACKETS, u32::try_from(HEADROOM)?, 2048, -1)?;
        let mut ports = Vec::new();
        for device in &devices {
            let config = PortConfig {
                burst: BURST,
                ..PortConfig::new(device)
            };
            let mut port = Port::open(&eal, &config, &pool)?;
            port.start()?;
            ports.push(port);
        }
        println!("{READY}");
        Ok(Self { ports, pool, eal })
    }

    fn port(&self, number: usize) -> Result<&Port> {
        self.ports.get(number).context("a port is missing")
    }
}

fn burst(case: &Case, pool: &Mempool) -> Stage<ioam_app::dpdk::Mbuf> {
    let packets = (0..BURST).filter_map(|_| pool.packet(&case.frames.input));
    packets.collect()
}

fn send(processors: Processors, memory: Memory, duration: Duration) -> Result<()> {
    let stage = Stage0::set(processors, memory, Role::Send, &["a0"])?;
    let mut tx = stage.port(0)?.take_tx(0).context("the queue is in use")?;
    let (case, begun) = (cases::transit(), Instant::now());
    while begun.elapsed() < duration {
        let mut packets = burst(&case, &stage.pool);
        tx.send(&mut packets);
    }
    Ok(())
}

fn node(processors: Processors, memory: Memory, duration: Duration) -> Result<()> {
    let stage = Stage0::set(processors, memory, Role::Node, &["a1", "b1"])?;
    let busy = "a queue is in use";
    let reference = TscReference::new();
    let tables = Tables::compile(&cases::transit().spec).context("the case is no node")?;
    let stats = WorkerStats::new(
        tables.ports.len(),
        tables.profiles.len(),
        tables.namespaces.all().len(),
    );
    let gauge = PoolGauge::new(&stage.eal, std::slice::from_ref(&stage.pool));
    let mut worker = Worker::new(WorkerParts {
        number: 0,
        inputs: vec![Input {
            port: PortId(0),
            queue: stage.port(0)?.take_rx(0).context(busy)?,
        }],
        outputs: vec![
            None,
            Some(NodeTx::new(stage.port(1)?.take_tx(0).context(busy)?, None)),
        ],
        reader: Publisher::new(tables).reader(),
        stats,
        clock: NodeClock::new(reference.clock(), None),
        buffers: NodeBuffers::new(gauge, None),
        sink: Forget,
    });
    let lcore = *stage.eal.worker_lcores().first().context("no lcore")?;
    let job = launch(&stage.eal, lcore, move || {
        let begun = Instant::now();
        while begun.elapsed() < duration {
            for _ in 0..256 {
                worker.poll();
            }
        }
    })?;
    Ok(job.join()?)
}

/// One burst, sent again and again until as many came out right.
fn check(processors: Processors, memory: Memory) -> Result<()> {
    let stage = Stage0::set(processors, memory, Role::Check, &["a0", "b0"])?;
    let busy = "a queue is in use";
    let mut tx = stage.port(0)?.take_tx(0).context(busy)?;
    let mut rx = stage.port(1)?.take_rx(0).context(busy)?;
    let reference = TscReference::new();
    let mut clock = NodeClock::new(reference.clock(), None);
    let (case, begun, mut seen) = (cases::transit(), Instant::now(), 0);
    let received = clock.receive_time();
    let mut packets = burst(&case, &stage.pool);
    tx.send(&mut packets);
    while seen < BURST && begun.elapsed() < PATIENCE {
        let mut burst = Burst::new();
        rx.receive(&mut burst);
        // The kernel's own neighbours talk too.
        let ours = burst
            .iter()
            .filter(|packet| packet.bytes().len() == case.frames.output.len());
        for packet in ours {
            case.check(packet.bytes(), 0, received)?;
            seen += 1;
        }
    }
    ensure!(seen == BURST, "{seen} of {BURST} packets came out");
    Ok(())
}

fn ring(processors: Processors, memory: Memory, duration: Duration) -> Result<()> {
    let rig = Rig::start(&Setup {
        main: processors.main,
        workers: vec![processors.worker],
        memory,
        ports: Ports::Ring,
        in_flight: 512,
        far: 0,
    })?;
    let sample = rig.sample(&cases::transit(), Between::Node, duration)?;
    println!("{}", sample.own_ticks(1.0));
    rig.stop()
}
