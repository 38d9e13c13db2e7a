// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pages whose rows are sorted: drops, delays, paths.

use ratatui::text::Line;
use serde_json::Value;

use super::super::figures::time;
use super::super::table::{Cell, Table, figure, name};
use super::{Sheet, descending, total};
use crate::show::figures::{nodes, text};

pub(super) fn drops(sheet: &Sheet<'_>) -> Vec<Vec<Line<'static>>> {
    let kinds = ["drop", "notice"].map(|kind| of_kind(sheet, kind, usize::MAX));
    if kinds.iter().all(Vec::is_empty) {
        return vec![sheet.nothing("every packet was forwarded and every option processed")];
    }
    kinds.to_vec()
}

/// The most frequent reasons of both kinds, below each other.
pub(super) fn reasons(sheet: &Sheet<'_>, few: usize) -> Vec<Line<'static>> {
    let kinds = ["drop", "notice"].map(|kind| of_kind(sheet, kind, few));
    let lines: Vec<Line<'static>> = kinds.into_iter().flatten().collect();
    if lines.is_empty() {
        return sheet.nothing("every packet was forwarded and every option processed");
    }
    lines
}

fn of_kind(sheet: &Sheet<'_>, kind: &str, few: usize) -> Vec<Line<'static>> {
    let title = match kind {
        "drop" => "not forwarded",
        _ => "not processed",
    };
    let mut table = Table::new(&[
        name(title, 0),
        figure("packets/s", 0),
        figure("packets", 0),
        name("", 1),
    ]);
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
    for row in rows.into_iter().take(few) {
        table.row(vec![
            sheet.name(text(&row["name"])),
            sheet.bad_rate(rate(row)),
            sheet.total(&row["counts"]["packets"]),
            sheet.quiet(text(&row["description"])),
        ]);
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
        _ => {}
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
        ]);
    }
    vec![sheet.table(&table), sample(sheet, &paths["counts"])]
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
