// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From the parts of a running node to a snapshot.

use std::sync::Arc;
use std::time::Instant;

use ioam_dp::stats::{FlowCounts, Notice, TableCounts, WorkerStats};
use ioam_dp::table::Tables;

use super::rows::{
    Collector, Drop, Export, Flows, Latency, Namespace, Outlet, Path, Paths, Port, Profile, Ring,
    Table, Worker,
};
use super::{Counts, Node, Snapshot};
use crate::dpdk;
use crate::export::ipfix::CollectorReport;
use crate::export::{SharedWatch, Watch};
use crate::report::Report;

/// What a snapshot is taken of.
#[derive(Debug)]
pub struct Sources<'a> {
    /// Which node it is.
    pub node: Node,
    /// The tables now.
    pub tables: &'a Tables,
    /// By worker.
    pub stats: &'a [Arc<WorkerStats>],
    /// The CPU of each worker.
    pub cpus: &'a [usize],
    /// By port.
    pub ports: &'a [dpdk::Port],
    /// What the export thread shows.
    pub watch: &'a SharedWatch,
}

impl Sources<'_> {
    /// Takes it.
    #[must_use]
    pub fn snapshot(self) -> Snapshot {
        let report = Report::gather(self.stats, self.tables);
        let (mut export, mut latency, mut left_out) = (Export::default(), Vec::new(), 0);
        let mut paths = Paths::default();
        if let Ok(watch) = self.watch.lock() {
            export = self::export(&watch, self.stats);
            latency = self::latency(&watch);
            left_out = watch.latency.left_out();
            paths = self::paths(&watch, Instant::now());
        }
        let names = report.ports.iter().zip(self.ports);
        Snapshot {
            ports: names
                .map(|(report, port)| self::port(report, port))
                .collect(),
            workers: workers(&report, self.cpus, self.node.ticks_per_second),
            namespaces: namespaces(&report),
            profiles: profiles(&report),
            flows: flows(self.stats),
            drops: drops(&report),
            export,
            latency,
            latency_left_out: left_out,
            paths,
            node: self.node,
        }
    }
}

fn port(report: &crate::report::PortReport, port: &dpdk::Port) -> Port {
    let device = port.statistics().unwrap_or_default();
    let link = port.link().ok();
    let octets = port.mac_address().unwrap_or_default();
    let more = port.extended_statistics().unwrap_or_default();
    Port {
        name: report.name.clone(),
        device: port.device().to_owned(),
        driver: port.driver().to_owned(),
        address: octets.map(|octet| format!("{octet:02x}")).join(":"),
        link_up: link.map(|link| link.is_up),
        megabits_per_second: link.and_then(|link| link.megabits_per_second),
        counts: Counts::from([
            ("received", report.received),
            ("received_octets", report.received_octets),
            ("sent", report.sent),
            ("sent_octets", device.tx_octets),
            ("rx_missed", device.rx_missed),
            ("rx_errors", device.rx_errors),
            ("rx_no_buffer", device.rx_no_buffer),
            ("tx_errors", device.tx_errors),
        ]),
        driver_counts: more.into_iter().collect(),
    }
}

fn workers(report: &Report, cpus: &[usize], ticks_per_second: u64) -> Vec<Worker> {
    let workers = report.workers.iter().zip(cpus).enumerate();
    workers
        .map(|(number, (worker, cpu))| Worker {
            worker: number,
            cpu: *cpu,
            ticks_per_second,
            counts: Counts::from([
                ("polls", worker.polls),
                ("bursts", worker.bursts),
                ("packets", worker.packets),
                ("busy_ticks", worker.busy_ticks),
            ]),
        })
        .collect()
}

fn namespaces(report: &Report) -> Vec<Namespace> {
    let namespaces = report.namespaces.iter();
    namespaces
        .map(|namespace| Namespace {
            id: namespace.id,
            counts: Counts::from([
                ("filled", namespace.filled),
                ("overflowed", namespace.overflowed),
                ("encapsulated", namespace.encapsulated),
                ("decapsulated", namespace.decapsulated),
                ("exported", namespace.exported),
                ("proved", namespace.proved),
                ("proofs_valid", namespace.proofs_valid),
            ]),
        })
        .collect()
}

fn profiles(report: &Report) -> Vec<Profile> {
    let profiles = report.profiles.iter();
    profiles
        .map(|profile| Profile {
            name: profile.name.clone(),
            action: profile.action,
            counts: Counts::from([
                ("selected", profile.selected),
                ("sampled", profile.sampled),
                ("done", profile.done),
                ("records", profile.records),
            ]),
            sequences: Table {
                counts: Counts::from([
                    ("received", profile.sequences.received),
                    ("lost", profile.sequences.lost),
                    ("reordered", profile.sequences.reordered),
                    ("duplicates", profile.sequences.duplicates),
                    ("late", profile.sequences.late),
                    ("restarts", profile.sequences.restarts),
                ]),
            },
        })
        .collect()
}

fn flows(stats: &[Arc<WorkerStats>]) -> Vec<Flows> {
    type Pick = fn(&FlowCounts) -> &TableCounts;
    let kinds: [(&str, Pick); 3] = [
        ("direct-export", |flows| &flows.direct_export),
        ("edge-to-edge", |flows| &flows.edge_to_edge),
        ("groups", |flows| &flows.groups),
    ];
    let all = stats.iter().enumerate();
    let tables = all
        .flat_map(|(worker, stats)| kinds.map(|(table, pick)| (worker, table, pick(&stats.flows))));
    tables
        .map(|(worker, table, counts)| Flows {
            worker,
            table,
            used: counts.used.get(),
            slots: counts.slots.get(),
            counts: Counts::from([("evicted", counts.evicted.get())]),
        })
        .collect()
}

fn drops(report: &Report) -> Vec<Drop> {
    let counters = report.counters.all().iter();
    counters
        .map(|counter| Drop {
            name: counter.name,
            kind: if counter.is_drop { "drop" } else { "notice" },
            description: counter.description,
            counts: Counts::from([("packets", counter.count)]),
        })
        .collect()
}

fn export(watch: &Watch, stats: &[Arc<WorkerStats>]) -> Export {
    let counts = watch.exported.output;
    let output = Outlet {
        name: "ndjson".to_owned(),
        counts: Counts::from([
            ("written", counts.written),
            ("lost", counts.lost),
            ("discarded", counts.discarded),
            ("write_errors", counts.write_errors),
        ]),
    };
    let rings = watch.rings.iter().zip(stats).enumerate();
    let rings = rings.map(|(worker, ((waiting, slots), stats))| Ring {
        worker,
        waiting: u64::try_from(*waiting).unwrap_or(u64::MAX),
        slots: u64::try_from(*slots).unwrap_or(u64::MAX),
        counts: Counts::from([("lost", stats.notices(Notice::RecordLost))]),
    });
    Export {
        outputs: vec![output],
        collectors: watch.exported.collectors.iter().map(collector).collect(),
        rings: rings.collect(),
    }
}

fn collector(report: &CollectorReport) -> Collector {
    Collector {
        name: report.name.clone(),
        address: report.address.clone(),
        transport: report.transport,
        connected: report.connected,
        waiting: report.waiting,
        counts: Counts::from([
            ("produced", report.produced),
            ("sent", report.sent),
            ("dropped", report.dropped),
            ("data_records", report.data_records),
            ("messages", report.messages),
            ("octets", report.octets),
            ("connections", report.connections),
            ("failures", report.failures),
            ("refused", report.refused),
        ]),
    }
}

fn latency(watch: &Watch) -> Vec<Latency> {
    let spans = watch.latency.spans();
    spans
        .map(|(span, delays)| {
            let recent = delays.recent();
            let quantile = |part| recent.value_at_quantile(part).min(recent.max());
            let is_empty = recent.is_empty();
            Latency {
                namespace: span.namespace,
                kind: span.kind.name(),
                from: span.from.to_string(),
                to: span.to.to_string(),
                recent: recent.len(),
                min: if is_empty { 0 } else { recent.min() },
                p50: quantile(0.5),
                p90: quantile(0.9),
                p99: quantile(0.99),
                p999: quantile(0.999),
                max: recent.max(),
                counts: Counts::from([("delays", delays.count), ("negative", delays.negative)]),
                sum: delays.sum,
                buckets: delays.buckets.to_vec(),
            }
        })
        .collect()
}

fn paths(watch: &Watch, now: Instant) -> Paths {
    let ago = |then: Instant| {
        let ago = now.saturating_duration_since(then).as_nanos();
        u64::try_from(ago).unwrap_or(u64::MAX)
    };
    let latest = watch.paths.latest().into_iter();
    Paths {
        latest: latest
            .map(|path| Path {
                namespace: path.route.namespace,
                source: path.route.source.into(),
                destination: path.route.destination.into(),
                nodes: path.route.nodes.iter().map(ToString::to_string).collect(),
                hops: path.route.nodes.len(),
                overflow: path.route.overflow,
                delay_nanoseconds: path.delay,
                first_seen_nanoseconds_ago: ago(path.first),
                last_seen_nanoseconds_ago: ago(path.last),
                counts: Counts::from([("seen", path.seen)]),
            })
            .collect(),
        counts: Counts::from([
            ("traces", watch.paths.traces),
            ("looked_at", watch.paths.looked_at),
            ("forgotten", watch.paths.forgotten),
        ]),
    }
}
