// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is left on the screen, and what machines get.

use std::io::{self, Write};

use ioam_dp::accounting::GroupFigures;
use serde_json::{Map, Value, json};

use super::collector::Trace;
use super::domain::{NODES, STATIONS, TRACE_TYPE};
use super::figures;
use super::meter::{NOTABLE, Snapshot};
use super::mode::Mode;
use super::traffic::Kind;
use super::verdict::Verdict;
use crate::figures::{counted, grouped};

/// Writes the summary; its last line says whether all was well.
pub(super) fn text(out: &mut impl Write, verdict: &Verdict) -> io::Result<()> {
    let whole = &verdict.whole;
    let paragraph = |out: &mut dyn Write, lines: Vec<String>| -> io::Result<()> {
        lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        writeln!(out)
    };
    paragraph(out, figures::nodes(whole))?;
    if let Some(trace) = &whole.collected.trace {
        writeln!(
            out,
            "One of the traces, of type {TRACE_TYPE}, flow {}:",
            trace.flow
        )?;
        paragraph(out, figures::trace(trace))?;
        paragraph(out, figures::delays(whole))?;
    }
    if whole.mode != Mode::Trace {
        paragraph(out, figures::witnessed(whole))?;
    }
    if whole.taken.iter().any(|share| *share >= NOTABLE) {
        let [first, second] = whole.taken.map(|share| format!("{:.0} %", share * 100.0));
        writeln!(
            out,
            "Others had the two CPUs for {first} and {second} of the time: rates and delays suffer."
        )?;
    }
    let kinds = [Kind::Traced, Kind::Plain, Kind::Other].map(|kind| whole.kinds[kind as usize]);
    let [traced, plain, other] = kinds.map(grouped);
    writeln!(
        out,
        "Sent: {traced} packets to trace, {plain} plain IPv6, {other} not IPv6"
    )?;
    for wrong in &verdict.wrong {
        writeln!(out, "error: {}: {}", wrong.meaning, grouped(wrong.count))?;
    }
    writeln!(out, "{}", last_line(verdict))
}

fn last_line(verdict: &Verdict) -> String {
    let whole = &verdict.whole;
    format!(
        "{} of {NODES} nodes verified, {}; {} sent, {} received, {} lost",
        figures::verified(whole),
        counted(verdict.errors(), "error"),
        counted(whole.sent, "packet"),
        grouped(whole.arrived),
        grouped(verdict.lost),
    )
}

/// One line for each second, where no picture can be.
pub(super) fn progress_line(snapshot: &Snapshot) -> String {
    let ticks = snapshot
        .nodes
        .map(|node| format!("{:.0}", node.ticks))
        .join("/");
    format!(
        "{:>3.0} s {:>6.2} Mpps  {}  {} lost  {}  {ticks} ticks/packet",
        snapshot.elapsed.as_secs_f64(),
        snapshot.nodes[NODES - 1].mpps,
        figures::verified(snapshot),
        grouped(snapshot.collected.missing),
        counted(errors(snapshot), "error"),
    )
}

/// The same for machines.
pub(super) fn progress_json(snapshot: &Snapshot) -> Value {
    json!({
        "type": "progress",
        "seconds": seconds(snapshot),
        "sent": snapshot.sent,
        "received": snapshot.arrived,
        "lost": snapshot.collected.missing,
        "traces": snapshot.collected.verified,
        "exports": snapshot.witnessed.exports.iter().sum::<u64>(),
        "proofs": snapshot.witnessed.proofs,
        "errors": errors(snapshot),
        "nodes": nodes(snapshot),
        "cpu_taken_by_others": snapshot.taken.map(rounded),
    })
}

fn errors(snapshot: &Snapshot) -> u64 {
    snapshot.collected.findings.total() + snapshot.witnessed.findings.total()
}

/// The summary for machines.
pub(super) fn summary_json(verdict: &Verdict) -> Value {
    let whole = &verdict.whole;
    let kind = |kind: Kind| whole.kinds[kind as usize];
    let mut errors = Map::new();
    for wrong in &verdict.wrong {
        errors.insert(wrong.name.clone(), wrong.count.into());
    }
    json!({
        "type": "summary",
        "mode": format!("{:?}", whole.mode).to_lowercase(),
        "good": verdict.is_good(),
        "seconds": seconds(whole),
        "packets": {
            "sent": whole.sent,
            "received": whole.arrived,
            "lost": verdict.lost,
            "to_trace": kind(Kind::Traced),
            "plain": kind(Kind::Plain),
            "not_ipv6": kind(Kind::Other),
        },
        "traces": whole.collected.verified,
        "exports": whole.witnessed.exports,
        "proofs": whole.witnessed.proofs,
        "edge_to_edge": whole.witnessed.numbers.map(numbers),
        "nodes": nodes(whole),
        "cpu_taken_by_others": whole.taken.map(rounded),
        "delays": delays(whole),
        "trace": whole.collected.trace.as_ref().map(trace),
        "mbufs_leaked": verdict.leaked,
        "errors": errors,
    })
}

fn numbers(figures: GroupFigures) -> Value {
    let sequence = figures.sequence;
    json!({
        "received": sequence.received,
        "lost": sequence.lost,
        "reordered": sequence.reordered,
        "duplicates": sequence.duplicates,
        "late": sequence.late,
        "delay_ns": figures.delay.map(|delay| {
            json!({"min": delay.min, "mean": delay.mean, "max": delay.max})
        }),
    })
}

fn seconds(snapshot: &Snapshot) -> f64 {
    rounded(snapshot.elapsed.as_secs_f64())
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

fn nodes(snapshot: &Snapshot) -> Value {
    let nodes = STATIONS.iter().zip(&snapshot.nodes).map(|(station, rate)| {
        json!({
            "name": station.name,
            "node_id": station.id,
            "packets": rate.packets,
            "mpps": rounded(rate.mpps),
            "ticks_per_packet": rounded(rate.ticks),
            "packets_per_burst": rounded(rate.fill),
        })
    });
    nodes.collect()
}

fn delays(snapshot: &Snapshot) -> Value {
    let ways = figures::ways();
    let delays = ways
        .iter()
        .zip(&snapshot.collected.delays)
        .map(|(way, delay)| {
            json!({
                "way": way,
                "median_ns": delay.median,
                "p99_ns": delay.p99,
                "max_ns": delay.longest,
            })
        });
    delays.collect()
}

fn trace(trace: &Trace) -> Value {
    let nodes = trace.hops.iter().map(|hop| {
        json!({
            "hop_limit": hop.hop_limit,
            "node_id": hop.node_id,
            "ingress_if_id": hop.ingress,
            "egress_if_id": hop.egress,
            "received_ns": hop.received,
            "transit_delay": hop.transit_delay,
            "queue_depth": hop.queue_depth,
        })
    });
    json!({
        "trace_type": TRACE_TYPE.to_string(),
        "flow": trace.flow,
        "nodes": nodes.collect::<Value>(),
    })
}
