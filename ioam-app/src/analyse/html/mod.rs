// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The report as one page of HTML: without script, network or anything but itself.

mod axis;
mod boxes;
mod cdf;
mod escape;
mod layout;
mod over_time;
mod tables;
mod timeline;
mod topology;

use std::fmt::{Display, Write as _};

use super::gather::Gathered;
use super::gather::flow::FlowData;
use super::gather::series::{LossCell, Series};
use super::names::Names;
use super::report::Report;
use super::report::units::{count, duration, percent};
use escape::Esc;

const STYLE: &str = include_str!("style.css");

/// The page, with `top` flows in full.
#[must_use]
pub(super) fn page(report: &Report, gathered: &Gathered, names: &Names, top: usize) -> String {
    let mut order: Vec<&FlowData> = gathered.flows.iter().collect();
    order.sort_by_key(|flow| std::cmp::Reverse(flow.packets));
    let labels = report.flows.iter().map(|flow| flow.label.as_str());
    let flows: Vec<(usize, &FlowData, &str)> = (1..)
        .zip(order)
        .zip(labels)
        .map(|((number, flow), label)| (number, flow, label))
        .collect();
    let mut out = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    out += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">";
    out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
    let _ = write!(
        out,
        "<title>IOAM paths, {}</title><style>{STYLE}</style></head><body>",
        Esc(when(report))
    );
    head(report, &mut out);
    section(
        "Paths",
        &topology::picture(report, gathered, names),
        &mut out,
    );
    section("Flows", &tables::flows(report, top), &mut out);
    let mut hops = String::new();
    let boxes = boxes::picture(gathered, names);
    if !boxes.is_empty() {
        hops += r#"<p class="faint">Box: the middle half; thick line: the median; dot: 99 of 100; thin line: the least and the greatest. From node to node (blue) the time in the first node is included; inside nodes (orange).</p>"#;
        hops += &boxes;
    }
    hops += &tables::links(report);
    section("Delay of each hop", &hops, &mut out);
    section("Delay from end to end", &cdf::picture(&flows), &mut out);
    section(
        "Delay of hops over time",
        &over_time::delays(gathered, names),
        &mut out,
    );
    let mut losses = losses(report, gathered, &flows);
    losses += &tables::losses(report);
    losses += &tables::sequences(report);
    section("Loss", &losses, &mut out);
    let mut changes = timeline::picture(&flows, gathered.period.0, names);
    changes += &tables::changes(report);
    section("Path changes", &changes, &mut out);
    section("Missing hops", &tables::missing(report), &mut out);
    section("Inputs", &tables::inputs(report), &mut out);
    let _ = writeln!(
        out,
        "<footer class=\"faint\">Made {} by {}.</footer></body></html>",
        Esc(&report.made),
        Esc(&report.program)
    );
    out
}

/// A part of the page, if there is anything to say.
fn section(title: &str, content: &str, out: &mut String) {
    if !content.is_empty() {
        let _ = write!(out, "\n<section><h2>{title}</h2>{content}</section>");
    }
}

/// What the colours of a picture mean, in their order.
fn legend(entries: impl Iterator<Item = impl Display>) -> String {
    let mut out = String::from(r#"<ul class="legend">"#);
    for (color, entry) in entries.enumerate() {
        let _ = write!(
            out,
            r#"<li><svg width="12" height="12"><rect class="f{color}" width="12" height="12"/></svg>{}</li>"#,
            Esc(entry)
        );
    }
    out + "</ul>"
}

fn when(report: &Report) -> String {
    let short = |time: &Option<String>| {
        let time = time.as_deref().unwrap_or("unknown");
        time.get(..19).unwrap_or(time).replacen('T', " ", 1)
    };
    format!("{} to {} UTC", short(&report.first), short(&report.last))
}

fn head(report: &Report, out: &mut String) {
    let inputs: Vec<&str> = report
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    let shown = inputs
        .iter()
        .take(6)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    let more = inputs.len().saturating_sub(6);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let _ = write!(
        out,
        "<header><h1>IOAM paths</h1><p>{}, {}</p><p class=\"faint\">From {}{more}. Made {} by {}.</p></header>",
        Esc(when(report)),
        duration(report.nanoseconds),
        Esc(shown),
        Esc(report
            .made
            .get(..19)
            .unwrap_or(&report.made)
            .replacen('T', " ", 1)),
        Esc(report.program.split(" (").next().unwrap_or_default()),
    );
    let summary = &report.summary;
    let lost = match summary.lost {
        0 => "lost".to_owned(),
        lost => format!("lost ({})", percent(lost, summary.lost_of)),
    };
    *out += "<div class=\"tiles\">";
    for (value, what, bad) in [
        (count(report.records.all()), "records", false),
        (count(summary.packets), "packets", false),
        (count(summary.flows), "flows", false),
        (count(summary.paths), "paths", false),
        (count(summary.lost), lost.as_str(), summary.lost > 0),
        (
            count(summary.with_missing_hops),
            "with missing hops",
            summary.with_missing_hops > 0,
        ),
        (count(summary.changes), "path changes", false),
        (count(summary.reordered), "reordered", false),
        (count(summary.duplicates), "duplicates", false),
    ] {
        let class = if bad { "tile bad" } else { "tile" };
        let _ = write!(out, "<div class=\"{class}\"><b>{value}</b>{what}</div>");
    }
    *out += "</div>";
    if !report.findings.is_empty() {
        *out += "<ul class=\"findings\">";
        for finding in &report.findings {
            let class = if finding.trouble {
                " class=\"bad\""
            } else {
                ""
            };
            let _ = write!(out, "<li{class}>{}</li>", Esc(&finding.text));
        }
        *out += "</ul>";
    }
}

/// Losses over time: what direct exports tell, and what nodes report of sequences that those do not.
fn losses(report: &Report, gathered: &Gathered, flows: &[(usize, &FlowData, &str)]) -> String {
    let mut exports = Series::<LossCell>::default();
    let exported = flows.iter().map(|(_, flow, _)| *flow);
    for flow in exported.filter(|flow| flow.is_exported()) {
        for (path, arrived) in flow.paths.iter().zip(flow.arrived()) {
            for (start, cell) in path.series.cells() {
                let cell = LossCell {
                    arrived: if arrived { cell.arrived } else { 0 },
                    lost: if arrived { 0 } else { cell.arrived },
                };
                exports.add(start.saturating_add(path.series.width() / 2), &cell);
            }
        }
    }
    let sequences = report.sequences.iter();
    let reported: Vec<bool> = sequences
        .map(|sequence| !sequence.known_from_exports)
        .collect();
    over_time::losses(gathered, &exports, &reported)
}

#[cfg(test)]
mod tests;
