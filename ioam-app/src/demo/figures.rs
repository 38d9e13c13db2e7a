// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Figures and tables as people read them.

use super::collector::Trace;
use super::domain::{NODES, STATIONS};
use super::meter::Snapshot;
use crate::figures::{self, counted, grouped};

/// A duration in nanoseconds.
#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
fn duration(nanoseconds: u64) -> String {
    figures::duration(nanoseconds as f64)
}

/// Rows of cells as lines; the first column is for names, the others for figures.
pub(super) fn lines<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let mut line = format!("{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(widths).skip(1) {
            line.push_str(&format!("   {cell:>width$}"));
        }
        line
    };
    rows.iter().map(line).collect()
}

/// The nodes' rates, with a header.
pub(super) fn nodes(snapshot: &Snapshot) -> Vec<String> {
    let header = [
        "node",
        "id",
        "packets",
        "Mpps",
        "ticks/packet",
        "packets/burst",
    ];
    let mut rows = vec![header.map(str::to_owned)];
    for (station, rate) in STATIONS.iter().zip(&snapshot.nodes) {
        rows.push([
            station.name.to_owned(),
            format!("{:#08x}", station.id),
            grouped(rate.packets),
            format!("{:.2}", rate.mpps),
            format!("{:.0}", rate.ticks),
            format!("{:.1}", rate.fill),
        ]);
    }
    lines(&rows)
}

/// A decoded trace, oldest node first, with a header.
pub(super) fn trace(trace: &Trace) -> Vec<String> {
    let header = [
        "node",
        "id",
        "hop limit",
        "in",
        "out",
        "received",
        "in node",
        "queue",
    ];
    let mut rows = vec![header.map(str::to_owned)];
    let first = trace.hops[0].received;
    for (station, hop) in STATIONS.iter().zip(&trace.hops) {
        rows.push([
            station.name.to_owned(),
            format!("{:#08x}", hop.node_id),
            hop.hop_limit.to_string(),
            format!("{:#06x}", hop.ingress),
            format!("{:#06x}", hop.egress),
            format!("+{}", duration(hop.received.saturating_sub(first))),
            duration(hop.transit_delay.into()),
            hop.queue_depth.to_string(),
        ]);
    }
    lines(&rows)
}

/// What was verified, in words: traces, exports, proofs, numbers, as the mode has them.
pub(super) fn verified(snapshot: &Snapshot) -> String {
    let (mode, seen) = (snapshot.mode, &snapshot.witnessed);
    let numbers = seen.numbers.map_or(0, |figures| figures.sequence.received);
    let parts = [
        (mode.traces(), snapshot.collected.verified, "trace"),
        (mode.exports(), seen.exports.iter().sum(), "export"),
        (mode.numbers(), numbers, "sequence number"),
        (mode.proves(), seen.proofs, "proof"),
    ];
    let parts: Vec<_> = parts
        .iter()
        .filter(|(wanted, ..)| *wanted)
        .map(|(_, count, noun)| counted(*count, noun))
        .collect();
    parts.join(", ")
}

/// What the nodes handed over besides traces, one line each.
pub(super) fn witnessed(snapshot: &Snapshot) -> Vec<String> {
    let (mode, seen) = (snapshot.mode, &snapshot.witnessed);
    let mut text = Vec::new();
    if mode.exports() {
        let each = STATIONS.iter().zip(seen.exports);
        let each: Vec<_> = each
            .map(|(station, count)| format!("{} {}", station.name, grouped(count)))
            .collect();
        text.push(format!("Direct exports: {}", each.join(", ")));
    }
    if mode.proves() {
        text.push(format!(
            "Proofs of transit that hold: {}",
            grouped(seen.proofs)
        ));
    }
    if let Some(figures) = seen.numbers.filter(|_| mode.numbers()) {
        let sequence = figures.sequence;
        text.push(format!(
            "From edge to edge: {} received, {} lost, {} reordered, {} twice",
            grouped(sequence.received),
            grouped(sequence.lost),
            grouped(sequence.reordered),
            grouped(sequence.duplicates),
        ));
        if let Some(delay) = figures.delay {
            let [least, mean, most] = [delay.min, delay.mean, delay.max]
                .map(|ns| duration(u64::try_from(ns).unwrap_or(0)));
            text.push(format!(
                "One-way delay: {least} to {most}, {mean} on average"
            ));
        }
    }
    text
}

/// From where to where the delays are.
pub(super) fn ways() -> [String; NODES] {
    std::array::from_fn(|way| match STATIONS.get(way + 1) {
        Some(next) => format!("{} to {}", STATIONS[way].name, next.name),
        None => "whole path".to_owned(),
    })
}

/// The delays between nodes, with a header.
pub(super) fn delays(snapshot: &Snapshot) -> Vec<String> {
    let header = ["delay, receipt to receipt", "median", "99 %", "longest"];
    let mut rows = vec![header.map(str::to_owned)];
    for (way, delay) in ways().into_iter().zip(&snapshot.collected.delays) {
        let figures = [delay.median, delay.p99, delay.longest].map(duration);
        let [median, p99, longest] = figures;
        rows.push([way, median, p99, longest]);
    }
    lines(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [["a", "bbb"], ["cc", "d"]].map(|row| row.map(str::to_owned));
        assert_eq!(lines(&rows), ["a    bbb", "cc     d"]);
    }
}
