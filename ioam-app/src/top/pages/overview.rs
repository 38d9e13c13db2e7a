// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The first page: ports, workers, what is lost, and how it goes elsewhere.

use ratatui::text::{Line, Span};
use serde_json::Value;

use super::super::figures::short;
use super::super::table::{Cell, Table, figure, name};
use super::records::{latency, paths, reasons};
use super::{Sheet, many};
use crate::show::figures::{link, losses, megabits, part, percent, text};

/// Reasons that are shown here; their own page has them all.
const FEW: usize = 4;

/// How busy a worker is that soon cannot keep up.
const FULL: f64 = 0.9;

pub(super) fn parts(sheet: &Sheet<'_>) -> Vec<Vec<Line<'static>>> {
    let mut parts = vec![
        ports(sheet),
        workers(sheet),
        profiles(sheet),
        reasons(sheet, FEW),
        rest(sheet),
    ];
    // What has pages of its own as well, where there is room for all of it.
    let mut used: usize = parts.iter().map(|part| part.len() + 1).sum();
    for part in latency(sheet).into_iter().chain(paths(sheet)) {
        used += part.len() + 1;
        if used <= sheet.height + 1 {
            parts.push(part);
        }
    }
    parts
}

fn ports(sheet: &Sheet<'_>) -> Vec<Line<'static>> {
    let mut table = Table::new(&[
        name("port", 0),
        name("link", 3),
        figure("received/s", 0),
        figure("Mbit/s", 0),
        figure("sent/s", 0),
        figure("Mbit/s", 0),
        figure("lost/s", 0),
        figure("received", 1),
        figure("sent", 1),
        figure("lost", 2),
        name("history", 4),
    ]);
    for port in sheet.model.rows("ports") {
        let (rates, counts) = (&port["per_second"], &port["counts"]);
        let (lost_now, lost) = losses(port);
        let state = match port["link_up"].as_bool() {
            Some(false) => Cell::Text(link(port), sheet.tones.bad()),
            _ => sheet.text(link(port)),
        };
        let label = text(&port["name"]);
        let megabits = |key: &str| sheet.text(super::some(megabits(&rates[key])));
        table.row(vec![
            sheet.name(label.clone()),
            state,
            sheet.rate(&rates["received"]),
            megabits("received_octets"),
            sheet.rate(&rates["sent"]),
            megabits("sent_octets"),
            sheet.bad_rate(lost_now),
            sheet.total(&counts["received"]),
            sheet.total(&counts["sent"]),
            sheet.bad_total(&lost.into()),
            sheet.history(&format!("port {label}"), None),
        ]);
    }
    sheet.table(&table)
}

fn workers(sheet: &Sheet<'_>) -> Vec<Line<'static>> {
    let mut table = Table::new(&[
        figure("worker", 0),
        figure("cpu", 0),
        figure("busy", 0),
        figure("packets/s", 0),
        figure("ticks/packet", 0),
        figure("packets/burst", 0),
        figure("polls/s", 2),
        figure("packets", 1),
        name("history", 3),
    ]);
    for worker in sheet.model.rows("workers") {
        let busy = worker["busy"].as_f64();
        let style = match busy {
            Some(busy) if busy > FULL => sheet.tones.bad(),
            _ => sheet.tones.plain_text(),
        };
        table.row(vec![
            sheet.text(text(&worker["worker"])),
            sheet.text(text(&worker["cpu"])),
            Cell::Text(percent(busy), style),
            sheet.rate(&worker["per_second"]["packets"]),
            sheet.rate(&worker["ticks_per_packet"]),
            sheet.rate(&worker["packets_per_burst"]),
            sheet.rate(&worker["per_second"]["polls"]),
            sheet.total(&worker["counts"]["packets"]),
            sheet.history(&format!("worker {}", worker["worker"]), Some(1.0)),
        ]);
    }
    sheet.table(&table)
}

fn profiles(sheet: &Sheet<'_>) -> Vec<Line<'static>> {
    let mut table = Table::new(&[
        name("profile", 0),
        name("action", 0),
        figure("selected/s", 0),
        figure("done/s", 0),
        figure("records/s", 0),
        figure("lost/s", 0),
        figure("done", 1),
        figure("records", 1),
        figure("lost", 1),
    ]);
    for profile in sheet.model.rows("profiles") {
        let (rates, counts) = (&profile["per_second"], &profile["counts"]);
        let sequences = &profile["sequences"];
        table.row(vec![
            sheet.name(text(&profile["name"])),
            sheet.text(text(&profile["action"])),
            sheet.rate(&rates["selected"]),
            sheet.rate(&rates["done"]),
            sheet.rate(&rates["records"]),
            sheet.bad_rate(sequences["per_second"]["lost"].as_f64()),
            sheet.total(&counts["done"]),
            sheet.total(&counts["records"]),
            sheet.bad_total(&sequences["counts"]["lost"]),
        ]);
    }
    sheet.table(&table)
}

/// Export and packet buffers in a line each.
fn rest(sheet: &Sheet<'_>) -> Vec<Line<'static>> {
    let export = &sheet.model.all["export"];
    let sum = |rows: &str, keys: &[&str]| -> f64 {
        let rows = export[rows].as_array().into_iter().flatten();
        let cells = rows.flat_map(|row| keys.iter().map(|key| row["per_second"][*key].as_f64()));
        cells.flatten().sum()
    };
    let collectors = export["collectors"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let connected = collectors.iter().filter(|row| row["connected"] == true);
    let lost =
        sum("outputs", &["lost"]) + sum("collectors", &["dropped"]) + sum("rings", &["lost"]);
    let tone = |is_bad: bool| {
        if is_bad {
            sheet.tones.bad()
        } else {
            sheet.tones.plain_text()
        }
    };
    let away = connected.clone().count() < collectors.len();
    let written = sum("outputs", &["written", "discarded"]);
    let mut line = Line::from(vec![
        Span::styled("export   ", sheet.tones.heading()),
        format!("{}/s, ", many(written, "records")).into(),
        Span::styled(format!("{} lost/s", short(lost)), tone(lost > 0.0)),
    ]);
    if !collectors.is_empty() {
        let text = format!(
            ", {} of {} collectors connected",
            connected.count(),
            collectors.len()
        );
        line.push_span(Span::styled(text, tone(away)));
    }
    vec![line, buffers(sheet)]
}

fn buffers(sheet: &Sheet<'_>) -> Line<'static> {
    let node: &Value = &sheet.model.all["node"];
    let used = part(&node["buffers_in_use"], &node["buffers"]);
    let style = match used {
        Some(used) if used > FULL => sheet.tones.bad(),
        _ => sheet.tones.plain_text(),
    };
    let text = format!(
        "{} of {} in use, {}",
        text(&node["buffers_in_use"]),
        text(&node["buffers"]),
        percent(used)
    );
    Line::from(vec![
        Span::styled("buffers  ", sheet.tones.heading()),
        Span::styled(text, style),
    ])
}
