// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From a snapshot to metrics: names, units and labels. Seconds and octets, as Prometheus wants.

use super::delays::{delays, seconds};
use super::export::export;
use super::names::{NAMESPACES, Named, PORTS, PROFILES, SEQUENCES};
use super::text::{Kind, Text};
use crate::control::snapshot::{Counts, Flows, Snapshot};

/// The whole text of a scrape.
#[must_use]
pub fn metrics(snapshot: &Snapshot) -> String {
    let mut text = Text::default();
    node(&mut text, snapshot);
    let rows = snapshot.ports.iter();
    let rows: Vec<_> = rows
        .map(|port| (vec![("port", port.name.clone())], &port.counts))
        .collect();
    counters(&mut text, &PORTS, &rows);
    ports(&mut text, snapshot);
    workers(&mut text, snapshot);
    let rows = snapshot.namespaces.iter();
    let id = |id: u16| vec![("namespace", id.to_string())];
    let rows: Vec<_> = rows.map(|row| (id(row.id), &row.counts)).collect();
    counters(&mut text, &NAMESPACES, &rows);
    let profile = |name: &String, action: &str| {
        vec![("profile", name.clone()), ("action", action.to_owned())]
    };
    let rows = snapshot.profiles.iter();
    let rows: Vec<_> = rows
        .map(|row| (profile(&row.name, row.action), &row.counts))
        .collect();
    counters(&mut text, &PROFILES, &rows);
    let rows = snapshot
        .profiles
        .iter()
        .filter(|row| row.action == "decapsulate");
    let rows: Vec<_> = rows
        .map(|row| (vec![("profile", row.name.clone())], &row.sequences.counts))
        .collect();
    counters(&mut text, &SEQUENCES, &rows);
    drops(&mut text, snapshot);
    flows(&mut text, snapshot);
    export(&mut text, &snapshot.export);
    delays(&mut text, snapshot);
    text.finish()
}

fn node(text: &mut Text, snapshot: &Snapshot) {
    let node = &snapshot.node;
    let version = env!("CARGO_PKG_VERSION");
    text.family(
        "ioam_build_info",
        Kind::Gauge,
        "The program: always 1, the labels say which.",
    );
    let labels = [("version", version), ("program", node.program)];
    text.metric("ioam_build_info", &labels, 1);
    let uptime = seconds(node.uptime_nanoseconds);
    let gauges = [
        (
            "ioam_uptime_seconds",
            "Seconds since the node was started.",
            uptime,
        ),
        (
            "ioam_buffers",
            "Packet buffers in the pool and outside.",
            node.buffers.to_string(),
        ),
        (
            "ioam_buffers_in_use",
            "Packet buffers outside the pool.",
            node.buffers_in_use.to_string(),
        ),
    ];
    for (name, help, value) in gauges {
        text.family(name, Kind::Gauge, help);
        text.metric(name, &[], value);
    }
    let name = "ioam_reloads_total";
    text.family(
        name,
        Kind::Counter,
        "Configurations taken over, and refused.",
    );
    text.metric(name, &[("outcome", "applied")], node.reloads);
    text.metric(name, &[("outcome", "refused")], node.reloads_refused);
}

/// A family of one number of each row: its name, what it means, and which number it is.
pub(super) type Family<Row> = (&'static str, &'static str, Kind, fn(&Row) -> u64);

/// Each of `families`, with a metric for each row; nothing where there are no rows.
pub(super) fn each<Row>(
    text: &mut Text,
    families: &[Family<Row>],
    rows: &[Row],
    labels: impl Fn(&Row) -> Vec<(&'static str, String)>,
) {
    for (name, help, kind, pick) in families.iter().filter(|_| !rows.is_empty()) {
        text.family(name, *kind, help);
        for row in rows {
            let labels = labels(row);
            let labels: Vec<_> = labels
                .iter()
                .map(|(key, value)| (*key, value.as_str()))
                .collect();
            text.metric(name, &labels, pick(row));
        }
    }
}

/// A family for each of `named`, with a metric for each row.
pub(super) fn counters(text: &mut Text, named: &[Named], rows: &[(Vec<(&str, String)>, &Counts)]) {
    if rows.is_empty() {
        return;
    }
    for (key, name, help) in named {
        text.family(name, Kind::Counter, help);
        for (labels, counts) in rows {
            let labels: Vec<_> = labels
                .iter()
                .map(|(key, value)| (*key, value.as_str()))
                .collect();
            text.metric(name, &labels, counts.get(key).copied().unwrap_or(0));
        }
    }
}

fn ports(text: &mut Text, snapshot: &Snapshot) {
    let name = "ioam_port_up";
    text.family(
        name,
        Kind::Gauge,
        "Whether the link is up; absent when the driver does not tell.",
    );
    for port in &snapshot.ports {
        if let Some(is_up) = port.link_up {
            text.metric(name, &[("port", &port.name)], u8::from(is_up));
        }
    }
    let name = "ioam_port_driver_statistic";
    let help = "What the driver counts, by its own names (DPDK's extended statistics).";
    text.family(name, Kind::Untyped, help);
    for port in &snapshot.ports {
        for (statistic, value) in &port.driver_counts {
            let labels = [
                ("port", port.name.as_str()),
                ("statistic", statistic.as_str()),
            ];
            text.metric(name, &labels, value);
        }
    }
}

fn workers(text: &mut Text, snapshot: &Snapshot) {
    let named = [
        (
            "polls",
            "ioam_worker_polls_total",
            "Times a worker looked for packets.",
        ),
        ("bursts", "ioam_worker_bursts_total", "Times it found some."),
        ("packets", "ioam_worker_packets_total", "Packets it found."),
    ];
    let labels = |row: &crate::control::snapshot::Worker| {
        vec![
            ("worker", row.worker.to_string()),
            ("cpu", row.cpu.to_string()),
        ]
    };
    let rows = snapshot.workers.iter();
    let rows: Vec<_> = rows.map(|row| (labels(row), &row.counts)).collect();
    counters(text, &named, &rows);
    let name = "ioam_worker_busy_seconds_total";
    text.family(name, Kind::Counter, "Seconds a worker spent on packets.");
    for row in &snapshot.workers {
        let ticks = row.counts.get("busy_ticks").copied().unwrap_or(0);
        let nanoseconds =
            u128::from(ticks) * 1_000_000_000 / u128::from(row.ticks_per_second.max(1));
        let value = seconds(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let (worker, cpu) = (row.worker.to_string(), row.cpu.to_string());
        text.metric(name, &[("worker", &worker), ("cpu", &cpu)], value);
    }
}

fn drops(text: &mut Text, snapshot: &Snapshot) {
    let families = [
        (
            "drop",
            "ioam_dropped_packets_total",
            "reason",
            "Packets not forwarded, by reason (docs/counters.md).",
        ),
        (
            "notice",
            "ioam_notices_total",
            "notice",
            "What was not done to a packet that went on (docs/counters.md).",
        ),
    ];
    for (kind, name, label, help) in families {
        text.family(name, Kind::Counter, help);
        for row in snapshot.drops.iter().filter(|row| row.kind == kind) {
            let count = row.counts.get("packets").copied().unwrap_or(0);
            text.metric(name, &[(label, row.name)], count);
        }
    }
}

fn flows(text: &mut Text, snapshot: &Snapshot) {
    let families: [Family<Flows>; 3] = [
        (
            "ioam_flows",
            "Flows in a worker's table.",
            Kind::Gauge,
            |row| row.used,
        ),
        (
            "ioam_flow_places",
            "Places for flows in a worker's table, of which half can be counted on.",
            Kind::Gauge,
            |row| row.slots,
        ),
        (
            "ioam_flows_evicted_total",
            "Flows that fell idle.",
            Kind::Counter,
            |row| row.counts.get("evicted").copied().unwrap_or(0),
        ),
    ];
    let labels = |row: &Flows| {
        vec![
            ("worker", row.worker.to_string()),
            ("table", row.table.to_owned()),
        ]
    };
    each(text, &families, &snapshot.flows, labels);
}
