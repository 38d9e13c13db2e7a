// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The report's tables in HTML.

use std::fmt::Write as _;

use super::escape::Esc;
use crate::analyse::report::units::{count, counted, duration_or_dash, percent};
use crate::analyse::report::{Delay, Flow, Path, Report, loss_place, sequence_name};

/// Most rows of a table, however many there are.
const MOST: usize = 500;

/// A table being written.
struct Table(String);

/// A cell: how it is shown, and what is in it.
enum Cell {
    /// Text, to the left.
    Text(String),
    /// Text that may be long.
    Long(String),
    /// A figure.
    Figure(String),
    /// A figure that is trouble.
    Bad(String),
}

impl Table {
    /// Columns; those that end in a bar are to the left.
    fn new(heads: &[&str]) -> Self {
        let mut out = String::from("<div class=\"scroll\"><table><thead><tr>");
        for head in heads {
            match head.strip_suffix('|') {
                Some(head) => {
                    let _ = write!(out, "<th class=\"l\">{head}</th>");
                }
                None => {
                    let _ = write!(out, "<th>{head}</th>");
                }
            }
        }
        Self(out + "</tr></thead><tbody>")
    }

    fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.0 += "<tr>";
        for cell in cells {
            let (class, text) = match cell {
                Cell::Text(text) => (" class=\"l\"", text),
                Cell::Long(text) => (" class=\"l w\"", text),
                Cell::Figure(text) => ("", text),
                Cell::Bad(text) => (" class=\"bad\"", text),
            };
            let _ = write!(self.0, "<td{class}>{}</td>", Esc(text));
        }
        self.0 += "</tr>";
    }

    fn end(self) -> String {
        self.0 + "</tbody></table></div>"
    }
}

fn delay(delay: Option<&Delay>) -> [Cell; 5] {
    let known = delay.filter(|delay| delay.count > 0);
    let pick =
        |value: fn(&Delay) -> Option<u64>| Cell::Figure(duration_or_dash(known.and_then(value)));
    [
        pick(|delay| Some(delay.min)),
        pick(|delay| delay.p50),
        pick(|delay| delay.p90),
        pick(|delay| delay.p99),
        pick(|delay| Some(delay.max)),
    ]
}

fn trouble(number: u64) -> Cell {
    if number == 0 {
        Cell::Figure("0".to_owned())
    } else {
        Cell::Bad(count(number))
    }
}

pub(super) fn flows(report: &Report, top: usize) -> String {
    if report.flows.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[
        "",
        "flow|",
        "namespace",
        "packets",
        "paths",
        "changes",
        "lost",
        "min",
        "p50",
        "p90",
        "p99",
        "max",
    ]);
    for flow in report.flows.iter().take(top) {
        let lost = match flow.outcome {
            Some(outcome) => trouble(outcome.lost + outcome.unseen),
            None => Cell::Figure("–".to_owned()),
        };
        let cells = [
            Cell::Figure(flow.flow.to_string()),
            Cell::Long(flow.label.clone()),
            Cell::Figure(flow.namespace.to_string()),
            Cell::Figure(count(flow.packets)),
            Cell::Figure(flow.paths.len().to_string()),
            Cell::Figure(count(flow.changes)),
            lost,
        ];
        table.row(cells.into_iter().chain(delay(flow.end_to_end.as_ref())));
    }
    let mut out = table.end();
    let more = report.flows.len().saturating_sub(top);
    if more > 0 {
        let more = counted(more as u64, "more flow");
        let _ = write!(out, "<p class=\"faint\">{more} with fewer packets.</p>");
    }
    for flow in report.flows.iter().take(top) {
        for path in flow.paths.iter().filter(|path| !path.nodes.is_empty()) {
            show_path(flow, path, &mut out);
        }
    }
    out
}

fn show_path(flow: &Flow, path: &Path, out: &mut String) {
    let mut title = format!(
        "Flow {}, path {}: {}, {}, {}",
        flow.flow,
        path.path,
        path.label,
        counted(path.packets, "packet"),
        percent(path.packets, flow.packets)
    );
    if path.open {
        title += ", and nodes that had no room to write";
    }
    if path.lost {
        title += ", lost behind the last node";
    }
    let open = if flow.flow == 1 { " open" } else { "" };
    let _ = write!(out, "<details{open}><summary>{}</summary>", Esc(title));
    let mut table = Table::new(&[
        "node|",
        "id|",
        "hop limit",
        "in",
        "out",
        "min",
        "p50",
        "p90",
        "p99",
        "max",
        "in node p50",
        "p99",
    ]);
    for place in &path.nodes {
        let number = |value: Option<u32>| {
            Cell::Figure(value.map_or(String::new(), |value| value.to_string()))
        };
        let head = [
            Cell::Text(place.name.clone()),
            Cell::Text(place.id.clone().unwrap_or_default()),
            number(place.hop_limit.map(u32::from)),
            number(place.ingress),
            number(place.egress),
        ];
        let inside = place.transit.filter(|delay| delay.count > 0);
        let in_node = [
            inside.and_then(|delay| delay.p50),
            inside.and_then(|delay| delay.p99),
        ];
        let in_node = in_node.map(|value| Cell::Figure(duration_or_dash(value)));
        table.row(
            head.into_iter()
                .chain(delay(place.from_before.as_ref()))
                .chain(in_node),
        );
    }
    if path.to_end.is_some() {
        let empty = || Cell::Figure(String::new());
        let head = [
            Cell::Text("(receipt)".to_owned()),
            empty(),
            empty(),
            empty(),
            empty(),
        ];
        let tail = [empty(), empty()];
        table.row(
            head.into_iter()
                .chain(delay(path.to_end.as_ref()))
                .chain(tail),
        );
    }
    *out += &table.end();
    *out += "</details>";
}

pub(super) fn links(report: &Report) -> String {
    if report.links.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[
        "from|", "to|", "packets", "min", "p50", "p90", "p99", "max", "below 0",
    ]);
    for link in report.links.iter().take(MOST) {
        let to = match link.missing {
            0 => link.to.clone(),
            missing => format!("{}, {} missing", link.to, counted(missing.into(), "node")),
        };
        let head = [
            Cell::Text(link.from.clone()),
            Cell::Text(to),
            Cell::Figure(count(link.packets)),
        ];
        let negative = link.delay.map_or(0, |delay| delay.negative);
        let tail = [trouble(negative)];
        table.row(
            head.into_iter()
                .chain(delay(link.delay.as_ref()))
                .chain(tail),
        );
    }
    table.end()
}

pub(super) fn losses(report: &Report) -> String {
    if report.losses.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["flow", "packets", "where|", "sequence numbers|"]);
    for loss in report.losses.iter().take(MOST) {
        let numbers: Vec<_> = loss.sequences.iter().map(u32::to_string).collect();
        let more = loss.packets > loss.sequences.len() as u64 && !numbers.is_empty();
        let dots = if more { " …" } else { "" };
        table.row([
            Cell::Figure(loss.flow.to_string()),
            Cell::Bad(count(loss.packets)),
            Cell::Long(loss_place(loss)),
            Cell::Long(numbers.join(", ") + dots),
        ]);
    }
    "<h3>Where packets with direct export were lost</h3>".to_owned() + &table.end()
}

pub(super) fn sequences(report: &Report) -> String {
    if report.sequences.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[
        "sequence|",
        "reported to|",
        "received",
        "lost",
        "share",
        "pending",
        "reordered",
        "twice",
        "late",
        "mean delay",
        "jitter",
    ]);
    for sequence in report.sequences.iter().take(MOST) {
        let one_way = sequence.delay;
        let mean = one_way.and_then(|delay| u64::try_from(delay.mean).ok());
        let all = sequence.lost.saturating_add(sequence.distinct);
        let figure = |number: u64| Cell::Figure(count(number));
        table.row([
            Cell::Long(sequence_name(sequence)),
            Cell::Long(sequence.input.clone()),
            figure(sequence.distinct),
            trouble(sequence.lost),
            Cell::Figure(percent(sequence.lost, all)),
            figure(sequence.pending),
            figure(sequence.reordered),
            figure(sequence.duplicates),
            figure(sequence.late),
            Cell::Figure(duration_or_dash(mean)),
            Cell::Figure(duration_or_dash(one_way.map(|delay| delay.jitter))),
        ]);
    }
    "<h3>Sequences, as nodes report them</h3>".to_owned() + &table.end()
}

/// When, without what goes without saying.
fn moment(time: Option<&String>) -> Cell {
    let text = time.map_or("–", String::as_str);
    Cell::Text(text.get(..23).unwrap_or(text).replacen('T', " ", 1))
}

pub(super) fn changes(report: &Report) -> String {
    if report.changes.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[
        "flow",
        "last on the old path|",
        "first on the new path|",
        "from|",
        "to|",
    ]);
    for change in report.changes.iter().take(MOST) {
        table.row([
            Cell::Figure(change.flow.to_string()),
            moment(change.before.as_ref()),
            moment(change.at.as_ref()),
            Cell::Long(change.from.clone()),
            Cell::Long(change.to.clone()),
        ]);
    }
    table.end()
}

pub(super) fn missing(report: &Report) -> String {
    if report.missing_hops.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[
        "after|",
        "before|",
        "nodes",
        "packets",
        "first|",
        "last|",
        "probably|",
    ]);
    for gap in report.missing_hops.iter().take(MOST) {
        table.row([
            Cell::Text(gap.after.clone()),
            Cell::Text(gap.before.clone()),
            Cell::Figure(gap.nodes.to_string()),
            Cell::Bad(count(gap.packets)),
            moment(gap.first.as_ref()),
            moment(gap.last.as_ref()),
            Cell::Text(gap.probably.clone().unwrap_or_default()),
        ]);
    }
    table.end()
}

pub(super) fn inputs(report: &Report) -> String {
    let mut table = Table::new(&[
        "input|",
        "format|",
        "records",
        "unreadable",
        "missed",
        "no template",
        "incomplete",
    ]);
    for input in report.inputs.iter().take(MOST) {
        let figure = |pick: fn(&crate::analyse::ipfix::Counts) -> u64| match &input.ipfix {
            Some(counts) => trouble(pick(counts)),
            None => Cell::Figure("–".to_owned()),
        };
        table.row([
            Cell::Long(input.name.clone()),
            Cell::Text(input.format.to_owned()),
            Cell::Figure(count(input.records)),
            trouble(input.bad),
            figure(|counts| counts.missed_records),
            figure(|counts| counts.without_template),
            figure(|counts| counts.incomplete_traces),
        ]);
    }
    let records = &report.records;
    let mut out = table.end();
    let _ = write!(
        out,
        "<p class=\"faint\">{} traces, {} direct exports, {} edge-to-edge options, {} sequence reports, {} path summaries, {} looped back, {} others.</p>",
        count(records.traces),
        count(records.direct_exports),
        count(records.edge_to_edge),
        count(records.sequence_reports),
        count(records.path_summaries),
        count(records.looped_back),
        count(records.other),
    );
    out
}
