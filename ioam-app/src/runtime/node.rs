// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A node of real ports: DPDK started, ports open, workers polling, records exported.

use std::cell::RefCell;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use ioam_config::{Loaded, PortRuntime, Valid};
use ioam_dp::stats::{Notice, WorkerStats};
use ioam_dp::table::Tables;
use ioam_dp::table::publish::Publisher;
use ioam_dp::table::spec::NodeSpec;
use ioam_dp::tap::TapHandle;

use super::launch::{Launch, Workers, export};
use super::manage::Ended;
use super::plan::Plan;
use super::serve::{Served, Source};
use crate::dpdk::{
    Device, Eal, LinkStatus, Mempool, Port, PortConfig, PortStatistics, TscReference, frame_room,
};
use crate::export::ipfix::{Collector, Exporter};
use crate::export::{Drain, Exported, Output};
use crate::report::{DeviceLosses, Report};
use crate::say;

/// Megabits a second of a port whose speed nobody knows.
const USUAL_SPEED: u32 = 10_000;

/// What a node is started with.
pub(crate) struct Setup<'a> {
    /// The configuration.
    pub(crate) loaded: &'a Loaded,
    /// Where it came from, and would come from again.
    pub(crate) source: Source,
    /// Who polls what.
    pub(crate) plan: &'a Plan,
    /// Changes the configured node before it starts.
    pub(crate) adjust: &'a dyn Fn(&mut NodeSpec),
}

/// A running node.
pub(crate) struct Node {
    eal: Eal,
    pub(super) pool: Mempool,
    pub(super) ports: Vec<Port>,
    names: Vec<String>,
    links: RefCell<Vec<Option<bool>>>,
    pub(super) reference: RefCell<TscReference>,
    pub(super) publisher: Publisher,
    pub(super) stats: Vec<Arc<WorkerStats>>,
    pub(super) taps: Vec<TapHandle>,
    workers: Workers,
    running: Arc<AtomicUsize>,
    exporter: JoinHandle<Exported>,
    export_stop: Arc<AtomicBool>,
    pub(super) served: Served,
}

impl Node {
    /// Starts everything, with records going to `output`. On an error what was started is stopped
    /// again.
    pub(crate) fn start(setup: Setup<'_>, output: Output) -> Result<Self> {
        let Setup { loaded, plan, .. } = setup;
        let valid = &loaded.valid;
        let exporter = exporter(valid, plan)?;
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
        let mut spec = spec(valid, &macs, &ports);
        (setup.adjust)(&mut spec);
        let tables = Tables::compile(&spec).context("the configuration is no node")?;
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
            taps: Vec::new(),
            rings: Vec::new(),
            running: Arc::new(AtomicUsize::new(plan.workers.len())),
        };
        let mut workers = Workers::default();
        for worker in &plan.workers {
            node.launch(worker, &mut workers)?;
        }
        let Launch {
            stats,
            taps,
            rings,
            running,
            ..
        } = node;
        let export_stop = Arc::new(AtomicBool::new(false));
        let drain = Drain::new(rings, output).with_exporter(exporter);
        let served = Served::new(setup, macs, drain.watch());
        let exporter = export(
            drain,
            publisher.reader(),
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
            taps,
            workers,
            running,
            exporter,
            export_stop,
            served,
        })
    }

    /// Says on standard error what is running.
    pub(crate) fn announce(&self) {
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

    /// How often the workers gave `notice` so far.
    pub(crate) fn notices(&self, notice: Notice) -> u64 {
        self.stats.iter().map(|stats| stats.notices(notice)).sum()
    }

    /// The node's tables.
    pub(crate) fn tables(&self) -> Arc<Tables> {
        self.publisher.current()
    }

    /// Whether some worker is no longer polling.
    pub(crate) fn a_worker_ended(&self) -> bool {
        self.running.load(Ordering::Relaxed) < self.workers.jobs.len()
    }

    /// Keeps time, and says which links have changed.
    pub(crate) fn each_second(&mut self) {
        self.publisher.reclaim();
        self.taps.iter().for_each(TapHandle::reclaim);
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
        let finished = self.finish(ended);
        print(&finished.report, json)?;
        Ok(finished.exit_code())
    }

    /// Stops the workers and closes the ports.
    pub(crate) fn finish(self, ended: Ended) -> Finished {
        let mut failures = self.workers.stop();
        self.export_stop.store(true, Ordering::Relaxed);
        let exported = self.exporter.join().unwrap_or_else(|_| {
            failures.push("the exporter panicked: records may be lost".to_owned());
            Exported::default()
        });
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
        report.records = Some(exported.output);
        report.collectors = exported.collectors;
        report.mbufs_leaked = Some(leaked.into());
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
        Finished { report, failures }
    }
}

/// What is left of a node.
pub(crate) struct Finished {
    /// What it counted.
    pub(crate) report: Report,
    /// What went wrong, a sentence each.
    failures: Vec<String>,
}

impl Finished {
    /// Says what went wrong; whether anything did.
    pub(crate) fn exit_code(&self) -> ExitCode {
        for failure in &self.failures {
            say::err(format_args!("error: {failure}"));
        }
        if self.failures.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
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

/// The way to the collectors: what is wrong with their certificates is said before anything starts.
fn exporter(valid: &Valid, plan: &Plan) -> Result<Exporter> {
    let collectors: Vec<_> = valid.collectors().iter().map(Collector::from).collect();
    Exporter::start(&collectors, valid.path_interval(), Some(plan.main_cpu))
        .context("see `export: collectors:`")
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
    let device = Device::new(&port.device);
    let path = format!("/sys/bus/pci/devices/{}/numa_node", device.name());
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// The configured node. Where no speed is given for a port, that of its link counts for the rate
/// limits; a driver that does not know leaves the usual one.
pub(super) fn spec(valid: &Valid, macs: &[[u8; 6]], ports: &[Port]) -> NodeSpec {
    let mut spec = valid.node_spec(macs);
    for ((spec, port), configured) in spec.ports.iter_mut().zip(ports).zip(valid.ports()) {
        if configured.speed.is_none() {
            let link = port.settled_link().ok();
            let speed = link.and_then(|link| link.megabits_per_second);
            spec.speed = speed.unwrap_or(USUAL_SPEED);
        }
    }
    spec
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
