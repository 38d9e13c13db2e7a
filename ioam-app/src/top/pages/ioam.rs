// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is done with options: by namespace, by profile, by sequence, and tables of flows.

use ratatui::text::Line;

use super::super::table::{Cell, Table, figure, name};
use super::Sheet;
use crate::show::figures::{part, percent, text};
use crate::show::tables::{OPTIONS, loss};

pub(super) fn parts(sheet: &Sheet<'_>) -> Vec<Vec<Line<'static>>> {
    vec![
        namespaces(sheet),
        profiles(sheet),
        sequences(sheet),
        flows(sheet),
    ]
}

fn namespaces(sheet: &Sheet<'_>) -> Vec<Line<'static>> {
    let mut table = Table::new(&[
        name("namespace", 0),
        name("options", 0),
        figure("options/s", 0),
        figure("total", 0),
        name("", 1),
    ]);
    for row in sheet.model.rows("namespaces") {
        let counted = |(key, _): &&(&str, &str)| row["counts"][*key].as_u64() > Some(0);
        let mut label = text(&row["id"]);
        for (key, meaning) in OPTIONS.iter().filter(counted) {
            table.row(vec![
                sheet.name(std::mem::take(&mut label)),
                sheet.text(key.replace('_', " ")),
                sheet.rate(&row["per_second"][*key]),
                sheet.total(&row["counts"][*key]),
                sheet.quiet(*meaning),
            ]);
        }
        if !label.is_empty() {
            let none = "no option of it has been handled";
            let cells = ["-", "0", "0"].map(|text| sheet.text(text));
            let cells = std::iter::once(sheet.name(label)).chain(cells);
            table.row(cells.chain([sheet.quiet(none)]).collect());
        }
    }
    sheet.table(&table)
}

fn profiles(sheet: &Sheet<'_>) -> Vec<Line<'static>> {
    let rows = sheet.model.rows("profiles");
    if rows.is_empty() {
        return sheet.nothing("no profiles: every namespace is transit");
    }
    let mut table = Table::new(&[
        name("profile", 0),
        name("action", 0),
        figure("selected/s", 0),
        figure("sampled/s", 0),
        figure("done/s", 0),
        figure("records/s", 0),
        figure("selected", 1),
        figure("done", 2),
        figure("records", 1),
    ]);
    for row in rows {
        let (rates, counts) = (&row["per_second"], &row["counts"]);
        let sampled = if row["action"] == "encapsulate" {
            sheet.rate(&rates["sampled"])
        } else {
            sheet.text("-")
        };
        table.row(vec![
            sheet.name(text(&row["name"])),
            sheet.text(text(&row["action"])),
            sheet.rate(&rates["selected"]),
            sampled,
            sheet.rate(&rates["done"]),
            sheet.rate(&rates["records"]),
            sheet.total(&counts["selected"]),
            sheet.total(&counts["done"]),
            sheet.total(&counts["records"]),
        ]);
    }
    sheet.table(&table)
}

fn sequences(sheet: &Sheet<'_>) -> Vec<Line<'static>> {
    let mut table = Table::new(&[
        name("numbered packets of", 0),
        figure("received/s", 0),
        figure("lost/s", 0),
        figure("reordered/s", 2),
        figure("duplicates/s", 1),
        figure("received", 3),
        figure("lost", 0),
        figure("loss", 0),
    ]);
    for row in sheet.model.rows("profiles") {
        let sequences = &row["sequences"];
        let (rates, counts) = (&sequences["per_second"], &sequences["counts"]);
        if counts["received"].as_u64().unwrap_or(0) == 0 {
            continue;
        }
        let bad = |key: &str| sheet.bad_rate(rates[key].as_f64());
        table.row(vec![
            sheet.name(text(&row["name"])),
            sheet.rate(&rates["received"]),
            bad("lost"),
            bad("reordered"),
            bad("duplicates"),
            sheet.total(&counts["received"]),
            sheet.bad_total(&counts["lost"]),
            sheet.text(percent(loss(sequences))),
        ]);
    }
    sheet.table(&table)
}

fn flows(sheet: &Sheet<'_>) -> Vec<Line<'static>> {
    let mut table = Table::new(&[
        name("flows of worker", 0),
        name("table", 0),
        figure("flows", 0),
        figure("places", 0),
        figure("full", 0),
        figure("evicted/s", 0),
        figure("evicted", 1),
        name("", 2),
    ]);
    for row in sheet.model.rows("flows") {
        let Some(full) = part(&row["used"], &row["slots"]) else {
            continue;
        };
        // Half of the places can be counted on.
        let style = if full > 0.5 {
            sheet.tones.bad()
        } else {
            sheet.tones.good()
        };
        table.row(vec![
            sheet.text(text(&row["worker"])),
            sheet.name(text(&row["table"])),
            sheet.total(&row["used"]),
            sheet.total(&row["slots"]),
            sheet.text(percent(Some(full))),
            sheet.rate(&row["per_second"]["evicted"]),
            sheet.total(&row["counts"]["evicted"]),
            Cell::Part(full, style),
        ]);
    }
    sheet.table(&table)
}
