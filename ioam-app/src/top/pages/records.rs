// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pages whose rows are sorted: drops, delays, paths.

use ratatui::text::Line;
use serde_json::Value;

use super::super::figures::time;
use super::super::table::{Cell, Table, figure, name};
use super::{Sheet, descending, total};
use crate::show::figures::{clock, nodes, text};

/// Columns from which on a description fits beside the figures.
const BESIDE: usize = 110;

/// Why packets were not forwarded, and why options were not processed.
const KINDS: [(&str, &str); 2] = [("drop", "not forwarded"), ("notice", "not processed")];

pub(super) fn drops(sheet: &Sheet<'_>) -> Vec<Vec<Line<'static>>> {
    let kinds = KINDS.map(|(kind, title)| {
        let rows = of_kind(sheet, kind);
        let lines = reason_lines(sheet, title, &rows, sheet.room >= BESIDE);
        if sheet.room >= BESIDE {
            return lines;
        }
        let described = rows.iter().map(|row| {
            let text = format!("    {}", text(&row["description"]));
            Some(Line::styled(text, sheet.tones.quiet()))
        });
        // The first line is the heading.
        let below = std::iter::once(None).chain(described);
        let pairs = lines.into_iter().zip(below);
        pairs
            .flat_map(|(line, below)| std::iter::once(line).chain(below))
            .collect()
    });
    if kinds.iter().all(Vec::is_empty) {
        return vec![sheet.nothing("every packet was forwarded and every option processed")];
    }
    kinds.to_vec()
}

/// The most frequent reasons of both kinds, below each other.
pub(super) fn reasons(sheet: &Sheet<'_>, few: usize) -> Vec<Line<'static>> {
    let kinds = KINDS.map(|(kind, title)| {
        let rows = of_kind(sheet, kind);
        let rows = rows.get(..few).unwrap_or(&rows);
        reason_lines(sheet, title, rows, true)
    });
    let lines: Vec<Line<'static>> = kinds.into_iter().flatten().collect();
    if lines.is_empty() {
        return sheet.nothing("every packet was forwarded and every option processed");
    }
    lines
}

/// The reasons of one kind that occurred, in the order that is asked for.
fn of_kind<'a>(sheet: &Sheet<'a>, kind: &str) -> Vec<&'a Value> {
    let rows = sheet.model.rows("drops").iter();
    let mut rows: Vec<&Value> = rows
        .filter(|row| row["kind"] == kind && row["counts"]["packets"].as_u64() > Some(0))
        .collect();
    let rate = |row: &Value| row["per_second"]["packets"].as_f64();
    let count = |row: &Value| row["counts"]["packets"].as_f64();
    match sheet.view.order() {
        Some("name") => rows.sort_by_key(|row| text(&row["name"])),
        Some("total") => rows.sort_by(|a, b| descending(count(a), count(b))),
        _ => rows.sort_by(|a, b| descending(rate(a), rate(b))),
    }
    rows
}

fn reason_lines(
    sheet: &Sheet<'_>,
    title: &'static str,
    rows: &[&Value],
    is_described: bool,
) -> Vec<Line<'static>> {
    let described = name("", 0);
    let mut columns = vec![name(title, 0), figure("packets/s", 0), figure("packets", 0)];
    columns.extend(is_described.then_some(described));
    columns.push(name("history", 1));
    let mut table = Table::new(&columns);
    for row in rows {
        let label = text(&row["name"]);
        let history = sheet.history(&format!("drop {label}"), None);
        let mut cells = vec![
            sheet.name(label),
            sheet.bad_rate(row["per_second"]["packets"].as_f64()),
            sheet.total(&row["counts"]["packets"]),
        ];
        cells.extend(is_described.then(|| sheet.quiet(text(&row["description"]))));
        cells.push(history);
        table.row(cells);
    }
    sheet.table(&table)
}

pub(super) fn latency(sheet: &Sheet<'_>) -> Vec<Vec<Line<'static>>> {
    let mut rows: Vec<&Value> = sheet.model.rows("latency").iter().collect();
    if rows.is_empty() {
        let why = "no delays: no record has had timestamps or transit delays";
        return vec![sheet.nothing(why)];
    }
    let recent = |row: &Value| row["recent"].as_u64() > Some(0);
    let value = |row: &Value, key: &str| row[key].as_f64().filter(|_| recent(row));
    let rate = |row: &Value| row["per_second"]["delays"].as_f64();
    match sheet.view.order() {
        Some("rate") => rows.sort_by(|a, b| descending(rate(a), rate(b))),
        Some(key @ ("p50" | "p99")) => {
            rows.sort_by(|a, b| descending(value(a, key), value(b, key)))
        }
        _ => {}
    }
    let most = rows.iter().filter_map(|row| value(row, "p50"));
    let most = most.fold(0.0, f64::max);
    let mut table = Table::new(&[
        name("ns", 7),
        name("delay", 0),
        name("from", 0),
        name("to", 0),
        figure("delays/s", 0),
        figure("p50", 0),
        figure("p90", 6),
        figure("p99", 0),
        figure("p99.9", 3),
        figure("max", 5),
        figure("delays", 2),
        figure("negative", 4),
        name("p50", 1),
    ]);
    for row in rows {
        let percentile = |key: &str| sheet.text(time(&value(row, key).into()));
        table.row(vec![
            sheet.text(text(&row["namespace"])),
            sheet.text(text(&row["kind"])),
            sheet.name(text(&row["from"])),
            sheet.name(text(&row["to"])),
            sheet.rate(&row["per_second"]["delays"]),
            percentile("p50"),
            percentile("p90"),
            percentile("p99"),
            percentile("p999"),
            percentile("max"),
            sheet.total(&row["counts"]["delays"]),
            sheet.bad_total(&row["counts"]["negative"]),
            Cell::Part(
                value(row, "p50").filter(|_| most > 0.0).unwrap_or(0.0) / most.max(1.0),
                sheet.tones.name(),
            ),
        ]);
    }
    vec![sheet.table(&table)]
}

pub(super) fn paths(sheet: &Sheet<'_>) -> Vec<Vec<Line<'static>>> {
    let paths = &sheet.model.all["paths"];
    let rows = paths["latest"].as_array().map_or(&[][..], Vec::as_slice);
    let mut rows: Vec<&Value> = rows.iter().collect();
    if rows.is_empty() {
        return vec![sheet.nothing("no paths: no trace has ended here")];
    }
    let rate = |row: &Value| row["per_second"]["seen"].as_f64();
    let delay = |row: &Value| row["delay_nanoseconds"].as_f64();
    match sheet.view.order() {
        Some("rate") => rows.sort_by(|a, b| descending(rate(a), rate(b))),
        Some("delay") => rows.sort_by(|a, b| descending(delay(a), delay(b))),
        Some("last seen") => {}
        // Stays as it is while nothing is new.
        _ => rows.sort_by_key(|row| row["first_seen_nanoseconds_ago"].as_u64()),
    }
    let mut table = Table::new(&[
        name("ns", 4),
        name("source", 0),
        name("destination", 0),
        name("nodes, oldest first", 0),
        figure("hops", 3),
        figure("delay", 0),
        figure("seen/s", 0),
        figure("seen", 1),
        figure("last, ago", 2),
        figure("known for", 5),
    ]);
    for row in rows {
        table.row(vec![
            sheet.text(text(&row["namespace"])),
            sheet.text(text(&row["source"])),
            sheet.text(text(&row["destination"])),
            sheet.name(nodes(row)),
            sheet.text(text(&row["hops"])),
            sheet.text(time(&row["delay_nanoseconds"])),
            sheet.rate(&row["per_second"]["seen"]),
            sheet.total(&row["counts"]["seen"]),
            sheet.quiet(time(&row["last_seen_nanoseconds_ago"])),
            sheet.quiet(known_for(row)),
        ]);
    }
    vec![sheet.table(&table), sample(sheet, &paths["counts"])]
}

/// How long ago a path was seen first.
fn known_for(path: &Value) -> String {
    let since = path["first_seen_nanoseconds_ago"].as_u64();
    since.map_or("-".to_owned(), clock)
}

/// What part of the traces the table is of, where it is not all of them.
fn sample(sheet: &Sheet<'_>, counts: &Value) -> Vec<Line<'static>> {
    if counts["traces"] == counts["looked_at"] {
        return Vec::new();
    }
    let text = format!(
        "a sample: {} of {} traces were looked at",
        total(&counts["looked_at"]),
        total(&counts["traces"])
    );
    sheet.nothing(&text)
}
