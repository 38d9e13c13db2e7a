// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The report for a terminal.

use std::fmt::Write as _;

use super::units::{count, counted, duration, duration_or_dash, percent};
use super::{Delay, Flow, Path, Place, Report, Sequence};
use crate::report::Columns;

/// Most characters of a name in a table.
const LONGEST: usize = 60;

/// The report, with `top` flows.
#[must_use]
pub fn text(report: &Report, top: usize) -> String {
    let mut out = String::new();
    head(report, &mut out);
    for finding in &report.findings {
        let mark = if finding.trouble { "!" } else { "-" };
        let _ = writeln!(out, "{mark} {}", printable(&finding.text, 400));
    }
    flows(report, top, &mut out);
    for flow in report.flows.iter().take(top) {
        for path in &flow.paths {
            show_path(flow, path, &mut out);
        }
    }
    links(report, &mut out);
    sequences(report, &mut out);
    losses(report, &mut out);
    out
}

/// Without what could move the cursor, and not too long.
fn printable(text: &str, longest: usize) -> String {
    let shown = text.chars().filter(|letter| !letter.is_control());
    shown.take(longest).collect()
}

fn head(report: &Report, out: &mut String) {
    let inputs = counted(report.inputs.len() as u64, "input");
    let records = counted(report.records.all(), "record");
    let _ = write!(out, "{inputs}, {records}");
    if let (Some(first), Some(last)) = (&report.first, &report.last) {
        let short = |text: &str| text.get(..19).unwrap_or(text).replacen('T', " ", 1);
        let time = duration(report.nanoseconds);
        let _ = write!(out, ": {time} from {} to {} UTC", short(first), short(last));
    }
    let summary = &report.summary;
    let _ = writeln!(
        out,
        "\n{} in {} on {}; {} lost, {}, {} with missing hops",
        counted(summary.packets, "packet"),
        counted(summary.flows, "flow"),
        counted(summary.paths, "path"),
        count(summary.lost),
        counted(summary.changes, "path change"),
        count(summary.with_missing_hops),
    );
}

/// The 50th and 99th of a hundred, and the greatest.
fn percentiles(delay: Option<&Delay>) -> [String; 3] {
    let known = delay.filter(|delay| delay.count > 0);
    let pick = |value: fn(&Delay) -> Option<u64>| duration_or_dash(known.and_then(value));
    [
        pick(|delay| delay.p50),
        pick(|delay| delay.p99),
        pick(|delay| Some(delay.max)),
    ]
}

fn flows(report: &Report, top: usize, out: &mut String) {
    if report.flows.is_empty() {
        return;
    }
    let mut table = Columns::new([
        "flow", "ns", "packets", "paths", "changes", "lost", "p50", "p99", "max", "",
    ]);
    for flow in report.flows.iter().take(top) {
        let lost = flow.outcome.map_or("–".to_owned(), |outcome| {
            count(outcome.lost + outcome.unseen)
        });
        let [p50, p99, max] = percentiles(flow.end_to_end.as_ref());
        table.row([
            flow.flow.to_string(),
            flow.namespace.to_string(),
            count(flow.packets),
            flow.paths.len().to_string(),
            count(flow.changes),
            lost,
            p50,
            p99,
            max,
            printable(&flow.label, 120),
        ]);
    }
    let _ = write!(out, "\nFlows, with their delay from end to end\n{table}");
    let more = report.flows.len().saturating_sub(top);
    if more > 0 {
        let more = counted(more as u64, "more flow");
        let _ = writeln!(out, "{more}: --top {} shows all", report.flows.len());
    }
}

fn show_path(flow: &Flow, path: &Path, out: &mut String) {
    if path.nodes.is_empty() {
        return;
    }
    let packets = counted(path.packets, "packet");
    let share = percent(path.packets, flow.packets);
    let _ = write!(
        out,
        "\nFlow {}, path {}: {packets}, {share}",
        flow.flow, path.path
    );
    if path.open {
        let _ = write!(out, ", and nodes that had no room to write");
    }
    if path.lost {
        let _ = write!(out, ", lost behind the last node");
    }
    let mut table = Columns::new([
        "node",
        "hop limit",
        "in",
        "out",
        "p50",
        "p99",
        "max",
        "in node p50",
        "p99",
    ]);
    for place in &path.nodes {
        table.row(place_row(place));
    }
    if path.to_end.is_some() {
        let [p50, p99, max] = percentiles(path.to_end.as_ref());
        let empty = String::new;
        table.row([
            "(receipt)".to_owned(),
            empty(),
            empty(),
            empty(),
            p50,
            p99,
            max,
            empty(),
            empty(),
        ]);
    }
    let _ = write!(out, "\n{table}");
}

fn place_row(place: &Place) -> [String; 9] {
    let [p50, p99, max] = percentiles(place.from_before.as_ref());
    let [in_node, in_node_p99, _] = percentiles(place.transit.as_ref());
    let number = |value: Option<u32>| value.map_or("–".to_owned(), |value| value.to_string());
    let known = place.missing.is_none();
    let shown = |text: String| if known { text } else { String::new() };
    [
        printable(&place.name, LONGEST),
        shown(number(place.hop_limit.map(u32::from))),
        shown(number(place.ingress)),
        shown(number(place.egress)),
        shown(p50),
        shown(p99),
        shown(max),
        shown(in_node),
        shown(in_node_p99),
    ]
}

fn links(report: &Report, out: &mut String) {
    if report.links.is_empty() {
        return;
    }
    let mut table = Columns::new([
        "from", "to", "packets", "min", "p50", "p90", "p99", "max", "",
    ]);
    table.left(2);
    for link in &report.links {
        let delay = link.delay.filter(|delay| delay.count > 0);
        let pick =
            |value: fn(&Delay) -> Option<u64>| duration_or_dash(delay.as_ref().and_then(value));
        table.row([
            printable(&link.from, LONGEST),
            printable(&link.to, LONGEST),
            count(link.packets),
            pick(|delay| Some(delay.min)),
            pick(|delay| delay.p50),
            pick(|delay| delay.p90),
            pick(|delay| delay.p99),
            pick(|delay| Some(delay.max)),
            match link.missing {
                0 => String::new(),
                missing => counted(missing.into(), "node") + " missing",
            },
        ]);
    }
    let _ = write!(out, "\nDelay from node to node\n{table}");
}

fn sequences(report: &Report, out: &mut String) {
    if report.sequences.is_empty() {
        return;
    }
    let mut table = Columns::new([
        "sequence",
        "received",
        "lost",
        "",
        "reordered",
        "twice",
        "late",
        "mean delay",
        "jitter",
    ]);
    for sequence in &report.sequences {
        let delay = sequence.delay;
        let mean = delay.and_then(|delay| u64::try_from(delay.mean).ok());
        table.row([
            name(sequence),
            count(sequence.distinct),
            count(sequence.lost),
            percent(
                sequence.lost,
                sequence.lost.saturating_add(sequence.distinct),
            ),
            count(sequence.reordered),
            count(sequence.duplicates),
            count(sequence.late),
            duration_or_dash(mean),
            duration_or_dash(delay.map(|delay| delay.jitter)),
        ]);
    }
    let _ = write!(out, "\nSequences, as nodes report them\n{table}");
}

/// What tells a sequence apart, as text.
pub(in crate::analyse) fn name(sequence: &Sequence) -> String {
    let source = sequence.source.as_deref().unwrap_or("unknown");
    let mut name = format!("{} from {source}", sequence.kind);
    if let Some(id) = sequence.flow_id {
        let _ = write!(name, ", flow {id:#x}");
    }
    if let Some(flow) = &sequence.flow {
        let _ = write!(name, ", {flow}");
    }
    if !sequence.profile.is_empty() {
        let _ = write!(name, " ({})", sequence.profile);
    }
    printable(&name, 120)
}

fn losses(report: &Report, out: &mut String) {
    if report.losses.is_empty() {
        return;
    }
    let mut table = Columns::new(["flow", "packets", ""]);
    for loss in &report.losses {
        let mut place = super::findings::place(loss);
        let numbers: Vec<_> = loss.sequences.iter().take(8).map(u32::to_string).collect();
        if !numbers.is_empty() {
            let dots = if loss.packets > 8 { " …" } else { "" };
            let _ = write!(place, ": number {}{dots}", numbers.join(", "));
        }
        table.row([
            loss.flow.to_string(),
            count(loss.packets),
            printable(&place, 200),
        ]);
    }
    let _ = write!(out, "\nWhere packets with direct export were lost\n{table}");
}
