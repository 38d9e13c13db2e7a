// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The records' way out, as metrics: outputs, collectors, the workers' rings.

use super::families::{Family, counters, each};
use super::names::{COLLECTORS, OUTPUTS};
use super::text::{Kind, Text};
use crate::control::snapshot::{Collector, Export, Ring};

/// All of it.
pub(super) fn export(text: &mut Text, export: &Export) {
    let rows = export.outputs.iter();
    let rows: Vec<_> = rows
        .map(|row| (vec![("output", row.name.clone())], &row.counts))
        .collect();
    counters(text, &OUTPUTS, &rows);
    collectors(text, &export.collectors);
    rings(text, &export.rings);
}

fn collectors(text: &mut Text, collectors: &[Collector]) {
    let gauges: [Family<Collector>; 2] = [
        (
            "ioam_collector_up",
            "Whether there is a connection to a collector.",
            Kind::Gauge,
            |row| row.connected.into(),
        ),
        (
            "ioam_collector_waiting_records",
            "Records that wait for a collector, or are being sent.",
            Kind::Gauge,
            |row| row.waiting,
        ),
    ];
    let labels = |row: &Collector| vec![("collector", row.name.clone())];
    each(text, &gauges, collectors, labels);
    let rows: Vec<_> = collectors
        .iter()
        .map(|row| (labels(row), &row.counts))
        .collect();
    counters(text, &COLLECTORS, &rows);
}

fn rings(text: &mut Text, rings: &[Ring]) {
    let families: [Family<Ring>; 3] = [
        (
            "ioam_export_ring_waiting_records",
            "Records that waited in a worker's ring when it was last emptied.",
            Kind::Gauge,
            |row| row.waiting,
        ),
        (
            "ioam_export_ring_places",
            "Records that a worker's ring holds.",
            Kind::Gauge,
            |row| row.slots,
        ),
        (
            "ioam_export_ring_lost_records_total",
            "Records that a worker's ring had no room for.",
            Kind::Counter,
            |row| row.counts.get("lost").copied().unwrap_or(0),
        ),
    ];
    each(text, &families, rings, |row| {
        vec![("worker", row.worker.to_string())]
    });
}
