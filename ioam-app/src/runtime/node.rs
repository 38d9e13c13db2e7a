// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A node of real ports: DPDK started, ports open, workers polling, records exported.

use std::cell::RefCell;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use ioam_config::{PortRuntime, Valid};
use ioam_dp::port::PortId;
use ioam_dp::stats::WorkerStats;
use ioam_dp::table::Tables;
use ioam_dp::table::publish::Publisher;
use ioam_dp::worker::{Input, Worker, WorkerParts};

use super::manage::Ended;
use super::measure::{NodeBuffers, NodeClock, NodeTx};
use super::plan::{Plan, WorkerPlan};
use crate::dpdk::{
    Device, Eal, LcoreJob, LinkStatus, Mempool, PoolGauge, Port, PortConfig, PortStatistics,
    RxHandle, TscReference, frame_room, launch,
};
use crate::export::{Drain, Output, OutputCounts, RingSink, ring};
use crate::report::{DeviceLosses, Report};
use crate::say;

/// Records that fit between a worker and the exporter.
const RECORDS: usize = 16_384;
/// Rounds a worker offers what still waits before it gives up, at the end.
const DRAIN_ROUNDS: usize = 100_000;
/// How long the exporter sleeps when no record waits.
const EXPORT_PAUSE: Duration = Duration::from_millis(1);

type NodeWorker = Worker<RxHandle, NodeTx, NodeClock, NodeBuffers, RingSink>;

/// The workers' jobs. Dropping them stops them first, since a job's end is waited for.
#[derive(Default)]
struct Workers {
    stop: Arc<AtomicBool>,
    jobs: Vec<LcoreJob>,
}

impl Workers {
    /// Stops them all; what went wrong.
    fn stop(mut self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let jobs = std::mem::take(&mut self.jobs).into_iter();
        let failures = jobs.filter_map(|job| job.join().err());
        failures.map(|error| error.to_string()).collect()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// A running node.
pub(super) struct Node {
    eal: Eal,
    pool: Mempool,
    ports: Vec<Port>,
    names: Vec<String>,
    links: RefCell<Vec<Option<bool>>>,
    reference: RefCell<TscReference>,
    publisher: Publisher,
    stats: Vec<Arc<WorkerStats>>,
    workers: Workers,
    running: Arc<AtomicUsize>,
    exporter: JoinHandle<OutputCounts>,
    export_stop: Arc<AtomicBool>,
}

impl Node {
    /// Starts everything. On an error what was started is stopped again.
    pub(super) fn start(valid: &Valid, plan: &Plan) -> Result<Self> {
        let output = output(valid.export())?;
        let eal = Eal::init(&plan.eal_arguments)?;
        let pool = pool(&eal, valid, plan)?;
        let mut ports = open(&eal, valid, plan, &pool)?;
        for port in &mut ports {
            port.start()?;
        }
        let macs: Vec<_> = ports
            .iter()
            .map(|port| port.mac_address().unwrap_or_default())
            .collect();
        let tables =
            Tables::compile(&valid.node_spec(&macs)).context("the configuration is no node")?;
        let publisher = Publisher::new(tables);
        let reference = TscReference::new();
        let mut node = Launch {
            eal: &eal,
            pool: &pool,
            ports: &ports,
            valid,
            publisher: &publisher,
            reference: &reference,
            stats: Vec::new(),
            rings: Vec::new(),
            running: Arc::new(AtomicUsize::new(plan.workers.len())),
        };
        let mut workers = Workers::default();
        for worker in &plan.workers {
            node.launch(worker, &mut workers)?;
        }
        let Launch {
            stats,
            rings,
            running,
            ..
        } = node;
        let export_stop = Arc::new(AtomicBool::new(false));
        let drain = Drain::new(rings, output);
        let exporter = export(
            drain,
            publisher.current(),
            Arc::clone(&export_stop),
            plan.main_cpu,
        )?;
        Ok(Self {
            links: RefCell::new(vec![None; ports.len()]),
            names: plan.ports.iter().map(|port| port.name.clone()).collect(),
            reference: RefCell::new(reference),
            eal,
            pool,
            ports,
            publisher,
            stats,
            workers,
            running,
            exporter,
            export_stop,
        })
    }

    /// Says on standard error what is running.
    pub(super) fn announce(&self) {
        for (name, port) in self.names.iter().zip(&self.ports) {
            let mac = port.mac_address().unwrap_or_default();
            let mac = mac.map(|octet| format!("{octet:02x}")).join(":");
            let link = port
                .link()
                .map_or("link unknown".to_owned(), |link| link_text(&link));
            say::err(format_args!(
                "port {name}: {} ({}), {mac}, {link}",
                port.device(),
                port.driver()
            ));
        }
        say::err(format_args!(
            "{} workers polling; SIGINT or SIGTERM stops",
            self.workers.jobs.len()
        ));
    }

    /// Packets received so far.
    pub(super) fn received(&self) -> u64 {
        let ports = self.stats.iter().flat_map(|stats| stats.ports.iter());
        ports.map(|port| port.received.get()).sum()
    }

    /// Whether some worker is no longer polling.
    pub(super) fn a_worker_ended(&self) -> bool {
        self.running.load(Ordering::Relaxed) < self.workers.jobs.len()
    }

    /// Keeps time, and says which links have changed.
    pub(super) fn each_second(&self) {
        self.reference.borrow_mut().reanchor();
        let mut links = self.links.borrow_mut();
        for ((name, port), known) in self.names.iter().zip(&self.ports).zip(links.iter_mut()) {
            let Ok(link) = port.link() else { continue };
            if known
                .replace(link.is_up)
                .is_some_and(|was_up| was_up != link.is_up)
            {
                say::err(format_args!("port {name}: {}", link_text(&link)));
            }
        }
    }

    /// Stops the workers, closes the ports, and says what happened.
    pub(super) fn stop(self, ended: Ended, json: bool) -> Result<ExitCode> {
        let mut failures = self.workers.stop();
        self.export_stop.store(true, Ordering::Relaxed);
        let exported = self.exporter.join().unwrap_or_default();
        let tables = self.publisher.current();
        let devices: Vec<_> = self
            .ports
            .iter()
            .map(|port| port.statistics().unwrap_or_default())
            .collect();
        for port in self.ports {
            failures.extend(port.close().err().map(|error| error.to_string()));
        }
        let leaked = self.pool.in_use();
        drop(self.pool);
        let mut report = Report::gather(&self.stats, &tables);
        for (port, device) in report.ports.iter_mut().zip(&devices) {
            port.device = Some(losses(device));
        }
        report.records = Some(exported);
        report.mbufs_leaked = Some(leaked.into());
        print(&report, json)?;
        if leaked > 0 {
            failures.push(format!(
                "{leaked} packet buffers did not come back to their pool"
            ));
        } else {
            failures.extend(self.eal.close().err().map(|error| error.to_string()));
        }
        if ended == Ended::Worker {
            failures.push("a worker stopped polling by itself".to_owned());
        }
        failures
            .iter()
            .for_each(|failure| say::err(format_args!("error: {failure}")));
        Ok(if failures.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn link_text(link: &LinkStatus) -> String {
    match (link.is_up, link.megabits_per_second) {
        (true, Some(speed)) => format!("link up, {speed} Mbit/s"),
        (true, None) => "link up".to_owned(),
        (false, _) => "link down".to_owned(),
    }
}

fn losses(device: &PortStatistics) -> DeviceLosses {
    DeviceLosses {
        rx_missed: device.rx_missed,
        rx_errors: device.rx_errors,
        rx_no_buffer: device.rx_no_buffer,
        tx_errors: device.tx_errors,
    }
}

/// The final figures: tables on standard error, since records may be on standard output, or one
/// JSON object on standard output.
fn print(report: &Report, json: bool) -> Result<()> {
    if json {
        say::out(serde_json::to_string(report).context("no statistics as JSON")?);
    } else {
        say::err(report);
    }
    Ok(())
}

fn output(export: Option<&str>) -> Result<Output> {
    match export {
        None => Ok(Output::nowhere()),
        Some("-") => Ok(Output::new("standard output", Box::new(std::io::stdout()))),
        Some(path) => Output::append(Path::new(path))
            .with_context(|| format!("cannot write records to {path}; see `export: ndjson:`")),
    }
}

/// One pool for all ports, on the NUMA node of the first NIC, so that every packet sent comes from
/// the one pool a driver may assume.
fn pool(eal: &Eal, valid: &Valid, plan: &Plan) -> Result<Mempool> {
    let rooms = valid
        .ports()
        .iter()
        .map(|port| frame_room(&Device::new(&port.device), port.mtu));
    let room = rooms.max().unwrap_or(2048);
    let headroom = valid.runtime().headroom.into();
    let socket = valid.ports().iter().find_map(numa_node).unwrap_or(-1);
    Ok(Mempool::new(
        eal,
        "ioam",
        plan.buffers,
        headroom,
        room,
        socket,
    )?)
}

/// The NUMA node a PCI device is at, as the kernel says.
fn numa_node(port: &PortRuntime) -> Option<i32> {
    let path = format!("/sys/bus/pci/devices/{}/numa_node", port.device);
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn open(eal: &Eal, valid: &Valid, plan: &Plan, pool: &Mempool) -> Result<Vec<Port>> {
    let burst = usize::from(valid.runtime().burst);
    let ports = valid.ports().iter().zip(&plan.ports).map(|(port, queues)| {
        let config = PortConfig {
            rx_queues: queues.rx_queues,
            tx_queues: queues.tx_queues,
            rx_descriptors: port.rx_descriptors,
            tx_descriptors: port.tx_descriptors,
            mtu: port.mtu,
            promiscuous: port.promiscuous,
            burst,
            single_pool: true,
            ..PortConfig::new(&port.device)
        };
        Port::open(eal, &config, pool).with_context(|| format!("port {}", port.name))
    });
    ports.collect()
}

/// What launching workers needs and leaves.
struct Launch<'a> {
    eal: &'a Eal,
    pool: &'a Mempool,
    ports: &'a [Port],
    valid: &'a Valid,
    publisher: &'a Publisher,
    reference: &'a TscReference,
    stats: Vec<Arc<WorkerStats>>,
    rings: Vec<rtrb::Consumer<ioam_dp::record::ExportRecord>>,
    running: Arc<AtomicUsize>,
}

impl Launch<'_> {
    fn launch(&mut self, plan: &WorkerPlan, workers: &mut Workers) -> Result<()> {
        let mut worker = self.worker(plan)?;
        let (stop, running) = (Arc::clone(&workers.stop), Arc::clone(&self.running));
        let job = launch(self.eal, plan.lcore, move || {
            while !stop.load(Ordering::Relaxed) {
                worker.poll();
            }
            worker.drain(DRAIN_ROUNDS);
            running.fetch_sub(1, Ordering::Relaxed);
        });
        workers.jobs.push(job?);
        Ok(())
    }

    fn worker(&mut self, plan: &WorkerPlan) -> Result<NodeWorker> {
        let tables = self.publisher.current();
        let namespaces = tables.namespaces.all().len();
        let stats = WorkerStats::new(tables.ports.len(), tables.profiles.len(), namespaces);
        self.stats.push(Arc::clone(&stats));
        let (sink, records) = ring(RECORDS);
        self.rings.push(records);
        let fixed = self.valid.simulate();
        let mut outputs: Vec<Option<NodeTx>> = (0..self.ports.len()).map(|_| None).collect();
        for (port, queue) in &plan.sends {
            let place = usize::from(*port);
            let handle = self.ports[place]
                .take_tx(*queue)
                .context("a transmit queue is taken")?;
            outputs[place] = Some(NodeTx::new(handle, fixed));
        }
        let inputs = plan.receives.iter().map(|(port, queue)| {
            let queue = self.ports[usize::from(*port)].take_rx(*queue);
            let queue = queue.context("a receive queue is taken")?;
            Ok(Input {
                port: PortId(*port),
                queue,
            })
        });
        let gauge = PoolGauge::new(self.eal, std::slice::from_ref(self.pool));
        Ok(Worker::new(WorkerParts {
            number: u64::from(plan.lcore),
            inputs: inputs.collect::<Result<_>>()?,
            outputs,
            reader: self.publisher.reader(),
            stats,
            clock: NodeClock::new(self.reference.clock(), fixed),
            buffers: NodeBuffers::new(gauge, fixed),
            sink,
        }))
    }
}

/// Runs the exporter on a thread of its own, pinned to the management CPU.
fn export(
    mut drain: Drain,
    tables: Arc<Tables>,
    stop: Arc<AtomicBool>,
    cpu: usize,
) -> Result<JoinHandle<OutputCounts>> {
    let work = move || {
        core_affinity::set_for_current(core_affinity::CoreId { id: cpu });
        while !stop.load(Ordering::Relaxed) {
            if drain.round(&tables) == 0 {
                std::thread::sleep(EXPORT_PAUSE);
            }
        }
        drain.finish(&tables)
    };
    let builder = std::thread::Builder::new().name("export".to_owned());
    builder
        .spawn(work)
        .context("cannot start the export thread")
}
