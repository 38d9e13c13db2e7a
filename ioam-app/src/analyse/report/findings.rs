// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What of the figures deserves attention, in sentences.

use super::units::{count, counted, percent, short_moment};
use super::{Finding, Loss, Missing, Report};

/// Findings of one kind that are told one by one.
const MOST: usize = 5;

fn trouble(text: String) -> Finding {
    Finding {
        trouble: true,
        text,
    }
}

fn note(text: String) -> Finding {
    Finding {
        trouble: false,
        text,
    }
}

/// All findings, what is worst first.
pub(super) fn findings(report: &Report) -> Vec<Finding> {
    let mut findings = Vec::new();
    lost(report, &mut findings);
    missing(report, &mut findings);
    changed(report, &mut findings);
    clocks(report, &mut findings);
    records(report, &mut findings);
    findings
}

/// `between paris and lyon`, as far as it is known.
pub(in crate::analyse) fn place(loss: &Loss) -> String {
    let before = loss.before.join(" or ");
    match (&loss.after, before.is_empty()) {
        (Some(after), false) => format!("between {after} and {before}"),
        (Some(after), true) => format!("after {after}"),
        (None, false) => format!("before {before}, or no node exported them"),
        (None, true) => "no node exported them".to_owned(),
    }
}

fn lost(report: &Report, findings: &mut Vec<Finding>) {
    let summary = &report.summary;
    if summary.lost == 0 {
        return;
    }
    let share = percent(summary.lost, summary.lost_of);
    let of = count(summary.lost_of);
    let lost = counted(summary.lost, "packet");
    findings.push(trouble(format!("{lost} of {of} lost ({share}).")));
    for loss in report.losses.iter().take(MOST) {
        let packets = counted(loss.packets, "packet");
        let flow = loss.flow;
        let place = place(loss);
        findings.push(trouble(format!("Flow {flow}: {packets} lost {place}.")));
    }
}

fn missing(report: &Report, findings: &mut Vec<Finding>) {
    for gap in report.missing_hops.iter().take(MOST) {
        let Missing {
            after,
            before,
            nodes,
            packets,
            ..
        } = gap;
        let nodes = counted((*nodes).into(), "node");
        let packets = counted(*packets, "packet");
        let who = gap.probably.as_ref();
        let who = who.map_or_else(String::new, |who| format!(": {who}, as other packets tell"));
        findings.push(trouble(format!(
            "{nodes} between {after} and {before} wrote nothing about {packets}{who}."
        )));
    }
    let summary = &report.summary;
    if summary.overflowed > 0 {
        let traces = counted(summary.overflowed, "trace");
        findings.push(trouble(format!(
            "{traces} had no room for all nodes: give the encapsulating node a larger max-length."
        )));
    }
    if summary.blank > 0 {
        let nodes = counted(summary.blank, "time");
        findings.push(trouble(format!(
            "{nodes} a node kept its place in a trace and wrote nothing but ones."
        )));
    }
}

fn changed(report: &Report, findings: &mut Vec<Finding>) {
    for change in report.changes.iter().take(MOST) {
        let at = change.time.map_or_else(String::new, |time| {
            format!(" at {} UTC", short_moment(time))
        });
        let (flow, from, to) = (change.flow, &change.from, &change.to);
        findings.push(note(format!(
            "Flow {flow} changed its path{at}: {from} became {to}."
        )));
    }
    let more = report.changes.len().saturating_sub(MOST);
    if more > 0 {
        findings.push(note(format!(
            "{} more.",
            counted(more as u64, "path change")
        )));
    }
    let spread: Vec<_> = report.flows.iter().filter(|flow| flow.spread).collect();
    for flow in spread.iter().take(MOST) {
        let paths = flow.paths.iter().filter(|path| !path.lost).count();
        let switches = counted(flow.switches, "time");
        findings.push(note(format!(
            "Flow {} is spread over {paths} paths: {switches} a packet took another one than the packet before.",
            flow.flow
        )));
    }
}

fn clocks(report: &Report, findings: &mut Vec<Finding>) {
    let negative = |delay: &Option<super::Delay>| delay.map_or(0, |delay| delay.negative);
    for link in &report.links {
        let back = negative(&link.delay);
        if back > 0 {
            let packets = counted(back, "packet");
            findings.push(note(format!(
                "{packets} reached {} before they were at {}: the clocks differ. Delays over that link are not to be trusted.",
                link.to, link.from
            )));
        }
    }
}

fn records(report: &Report, findings: &mut Vec<Finding>) {
    for input in &report.inputs {
        let name = &input.name;
        if input.bad > 0 {
            let bad = count(input.bad);
            findings.push(note(format!(
                "{name}: {bad} × a line or message could not be read."
            )));
        }
        let Some(counts) = input.ipfix else { continue };
        for (number, what) in [
            (
                counts.missed_records,
                "record was lost on the way to here, so that losses of packets may be none",
            ),
            (counts.without_template, "set had no template"),
            (
                counts.incomplete_traces,
                "trace lacks a node's record and was left out",
            ),
            (
                counts.over_limit,
                "template, domain or set was too much to be kept",
            ),
        ] {
            if number > 0 {
                findings.push(note(format!("{name}: {} × a {what}.", count(number))));
            }
        }
    }
    let left_out = &report.left_out;
    for (number, what) in [
        (
            left_out.packets,
            "packet was of a flow, path or link beyond those kept",
        ),
        (
            left_out.reports,
            "report was of a sequence beyond those kept",
        ),
        (left_out.malformed_traces, "trace is cut"),
        (
            left_out.exports.unnumbered,
            "direct export has no Flow ID or no sequence number, and joins no path",
        ),
        (
            left_out.exports.late,
            "direct export came after its packet was given up",
        ),
        (left_out.exports.duplicates, "direct export came twice"),
    ] {
        if number > 0 {
            findings.push(note(format!("{} × a {what}.", count(number))));
        }
    }
}
