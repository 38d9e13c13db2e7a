// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The records' way out: outputs, collectors, and the rings in front of them.

use ratatui::text::Line;
use serde_json::Value;

use super::super::table::{Cell, Table, figure, name};
use super::{Sheet, some};
use crate::show::figures::{part, text};

pub(super) fn parts(sheet: &Sheet<'_>) -> Vec<Vec<Line<'static>>> {
    vec![outputs(sheet), collectors(sheet), rings(sheet)]
}

fn rows<'a>(sheet: &Sheet<'a>, key: &str) -> &'a [Value] {
    let rows = sheet.model.all["export"][key].as_array();
    rows.map_or(&[], Vec::as_slice)
}

fn outputs(sheet: &Sheet<'_>) -> Vec<Line<'static>> {
    let mut table = Table::new(&[
        name("output", 0),
        figure("written/s", 0),
        figure("lost/s", 0),
        figure("discarded/s", 0),
        figure("written", 0),
        figure("lost", 0),
        figure("discarded", 1),
        figure("write errors", 2),
    ]);
    for row in rows(sheet, "outputs") {
        let (rates, counts) = (&row["per_second"], &row["counts"]);
        table.row(vec![
            sheet.name(text(&row["name"])),
            sheet.rate(&rates["written"]),
            sheet.bad_rate(rates["lost"].as_f64()),
            sheet.rate(&rates["discarded"]),
            sheet.total(&counts["written"]),
            sheet.bad_total(&counts["lost"]),
            sheet.total(&counts["discarded"]),
            sheet.bad_total(&counts["write_errors"]),
        ]);
    }
    sheet.table(&table)
}

fn collectors(sheet: &Sheet<'_>) -> Vec<Line<'static>> {
    let rows = rows(sheet, "collectors");
    if rows.is_empty() {
        return sheet.nothing("no collectors of IPFIX are configured");
    }
    let mut table = Table::new(&[
        name("collector", 0),
        name("via", 5),
        name("connected", 0),
        figure("sent/s", 0),
        figure("dropped/s", 0),
        figure("kbit/s", 4),
        figure("waiting", 0),
        figure("sent", 0),
        figure("dropped", 0),
        figure("failures", 3),
        name("address", 2),
    ]);
    for row in rows {
        let (rates, counts) = (&row["per_second"], &row["counts"]);
        let connected = if row["connected"] == true {
            Cell::Text("yes".to_owned(), sheet.tones.good())
        } else {
            Cell::Text("no".to_owned(), sheet.tones.bad())
        };
        let octets = rates["octets"].as_f64();
        table.row(vec![
            sheet.name(text(&row["name"])),
            sheet.text(text(&row["transport"])),
            connected,
            sheet.rate(&rates["sent"]),
            sheet.bad_rate(rates["dropped"].as_f64()),
            sheet.text(some(octets.map(|octets| octets * 8.0 / 1000.0))),
            sheet.total(&row["waiting"]),
            sheet.total(&counts["sent"]),
            sheet.bad_total(&counts["dropped"]),
            sheet.bad_total(&counts["failures"]),
            sheet.quiet(text(&row["address"])),
        ]);
    }
    sheet.table(&table)
}

fn rings(sheet: &Sheet<'_>) -> Vec<Line<'static>> {
    let mut table = Table::new(&[
        name("ring of worker", 0),
        figure("waiting", 0),
        figure("places", 0),
        figure("lost/s", 0),
        figure("lost", 0),
        name("full", 1),
    ]);
    for row in rows(sheet, "rings") {
        table.row(vec![
            sheet.name(text(&row["worker"])),
            sheet.total(&row["waiting"]),
            sheet.total(&row["slots"]),
            sheet.bad_rate(row["per_second"]["lost"].as_f64()),
            sheet.bad_total(&row["counts"]["lost"]),
            Cell::Part(
                part(&row["waiting"], &row["slots"]).unwrap_or(0.0),
                sheet.tones.name(),
            ),
        ]);
    }
    sheet.table(&table)
}
