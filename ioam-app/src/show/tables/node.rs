// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tables of what the node is and does to packets.

use serde_json::Value;

use super::super::figures::{
    LOSSES, clock, decimal, link, losses, megabits, part, percent, rate, text,
};
use crate::report::Columns;

pub(super) const PORTS: [&str; 10] = [
    "port",
    "link",
    "received/s",
    "Mbit/s in",
    "sent/s",
    "Mbit/s out",
    "lost/s",
    "received",
    "sent",
    "lost",
];
pub(super) const WORKERS: [&str; 8] = [
    "worker",
    "cpu",
    "busy",
    "packets/s",
    "ticks/packet",
    "packets/burst",
    "polls/s",
    "packets",
];
pub(super) const NAMESPACES: [&str; 5] = ["namespace", "options", "options/s", "total", ""];
pub(super) const PROFILES: [&str; 9] = [
    "profile",
    "action",
    "selected/s",
    "sampled/s",
    "done/s",
    "records/s",
    "selected",
    "done",
    "records",
];
pub(super) const SEQUENCES: [&str; 10] = [
    "numbered packets of",
    "received/s",
    "lost/s",
    "reordered/s",
    "duplicates/s",
    "received",
    "lost",
    "loss",
    "late",
    "restarts",
];
pub(super) const FLOWS: [&str; 7] = [
    "worker",
    "table",
    "flows",
    "places",
    "full",
    "evicted/s",
    "evicted",
];

/// What is counted of a namespace's options, and what it means.
pub const OPTIONS: [(&str, &str); 7] = [
    ("filled", "this node wrote its data into a trace"),
    ("overflowed", "a trace had no room for this node's data"),
    ("encapsulated", "put into packets"),
    ("decapsulated", "taken out of packets"),
    ("exported", "this node's data exported directly"),
    ("proved", "proofs of transit updated"),
    ("proofs_valid", "proofs of transit verified and right"),
];

pub(super) fn node(node: &Value) -> String {
    let number = |key: &str| node[key].as_u64().unwrap_or(0);
    let used = percent(part(&node["buffers_in_use"], &node["buffers"]));
    #[allow(clippy::cast_precision_loss, reason = "a figure for reading")]
    let clock_rate = number("ticks_per_second") as f64 / 1e9;
    let rows = [
        ("program", text(&node["program"])),
        ("process", text(&node["pid"])),
        ("configuration", text(&node["configuration"])),
        ("running for", clock(number("uptime_nanoseconds"))),
        (
            "reloads",
            format!(
                "{} taken over, {} refused",
                number("reloads"),
                number("reloads_refused")
            ),
        ),
        (
            "packet buffers",
            format!(
                "{} of {} in use, {used}",
                number("buffers_in_use"),
                number("buffers")
            ),
        ),
        ("ticks", format!("{clock_rate:.3} GHz")),
    ];
    let lines = rows.map(|(name, value)| format!("{name:<14}  {value}\n"));
    lines.concat()
}

pub(super) fn ports(rows: &[Value]) -> String {
    let mut table = Columns::new(PORTS);
    table.left(2);
    for row in rows {
        let (rates, counts) = (&row["per_second"], &row["counts"]);
        let (lost_now, lost) = losses(row);
        table.row([
            text(&row["name"]),
            link(row),
            rate(&rates["received"]),
            decimal(megabits(&rates["received_octets"])),
            rate(&rates["sent"]),
            decimal(megabits(&rates["sent_octets"])),
            decimal(lost_now),
            text(&counts["received"]),
            text(&counts["sent"]),
            lost.to_string(),
        ]);
    }
    format!("{table}{}", reasons(rows))
}

/// Where what a device lost is lost, for those that lost anything.
fn reasons(rows: &[Value]) -> String {
    let [missed, errors, no_buffer, not_sent] = LOSSES;
    let mut table = Columns::new(["lost by", missed, errors, no_buffer, not_sent]);
    let losing = rows.iter().filter(|row| losses(row).1 > 0);
    for row in losing.clone() {
        let [a, b, c, d] = LOSSES.map(|key| text(&row["counts"][key]));
        table.row([text(&row["name"]), a, b, c, d]);
    }
    if losing.count() == 0 {
        return String::new();
    }
    format!("\n{table}")
}

pub(super) fn workers(rows: &[Value]) -> String {
    let mut table = Columns::new(WORKERS);
    for row in rows {
        table.row([
            text(&row["worker"]),
            text(&row["cpu"]),
            percent(row["busy"].as_f64()),
            rate(&row["per_second"]["packets"]),
            decimal(row["ticks_per_packet"].as_f64()),
            decimal(row["packets_per_burst"].as_f64()),
            rate(&row["per_second"]["polls"]),
            text(&row["counts"]["packets"]),
        ]);
    }
    table.to_string()
}

pub(super) fn namespaces(rows: &[Value]) -> String {
    let mut table = Columns::new(NAMESPACES);
    table.left(2);
    for row in rows {
        let counted = |(key, _): &&(&str, &str)| row["counts"][*key].as_u64() > Some(0);
        let mut name = text(&row["id"]);
        for (key, meaning) in OPTIONS.iter().filter(counted) {
            table.row([
                std::mem::take(&mut name),
                key.replace('_', " "),
                rate(&row["per_second"][*key]),
                text(&row["counts"][*key]),
                (*meaning).to_owned(),
            ]);
        }
        if !name.is_empty() {
            let none = "no option of it has been handled".to_owned();
            table.row([name, "-".to_owned(), "0".to_owned(), "0".to_owned(), none]);
        }
    }
    table.to_string()
}

pub(super) fn profiles(rows: &[Value]) -> String {
    if rows.is_empty() {
        return "no profiles: every namespace is transit".to_owned();
    }
    let mut table = Columns::new(PROFILES);
    table.left(2);
    for row in rows {
        let (rates, counts) = (&row["per_second"], &row["counts"]);
        let keys = ["selected", "sampled", "done", "records"];
        let [selected, sampled, done, records] = keys.map(|key| rate(&rates[key]));
        // Only who puts options in has samples to choose.
        let samples = row["action"] == "encapsulate";
        table.row([
            text(&row["name"]),
            text(&row["action"]),
            selected,
            if samples { sampled } else { "-".to_owned() },
            done,
            records,
            text(&counts["selected"]),
            text(&counts["done"]),
            text(&counts["records"]),
        ]);
    }
    format!("{table}{}", sequences(rows))
}

/// What became of numbered packets, for profiles that see any.
fn sequences(rows: &[Value]) -> String {
    let mut table = Columns::new(SEQUENCES);
    let numbered = |row: &&Value| row["sequences"]["counts"]["received"].as_u64() > Some(0);
    for row in rows.iter().filter(numbered) {
        let sequences = &row["sequences"];
        let keys = ["received", "lost", "reordered", "duplicates"];
        let [a, b, c, d] = keys.map(|key| rate(&sequences["per_second"][key]));
        let keys = ["received", "lost", "late", "restarts"];
        let [received, lost, late, restarts] = keys.map(|key| text(&sequences["counts"][key]));
        let loss = loss(sequences);
        table.row([
            text(&row["name"]),
            a,
            b,
            c,
            d,
            received,
            lost,
            percent(loss),
            late,
            restarts,
        ]);
    }
    if !rows.iter().any(|row| numbered(&row)) {
        return String::new();
    }
    format!("\n{table}")
}

/// The part of numbered packets that never came.
#[must_use]
pub fn loss(sequences: &Value) -> Option<f64> {
    let count = |key: &str| sequences["counts"][key].as_f64();
    let (lost, received) = (count("lost")?, count("received")?);
    (lost + received > 0.0).then(|| lost / (lost + received))
}

pub(super) fn flows(rows: &[Value]) -> String {
    let mut table = Columns::new(FLOWS);
    table.left(2);
    let used = rows.iter().filter(|row| row["slots"].as_u64() > Some(0));
    for row in used.clone() {
        table.row([
            text(&row["worker"]),
            text(&row["table"]),
            text(&row["used"]),
            text(&row["slots"]),
            percent(part(&row["used"], &row["slots"])),
            rate(&row["per_second"]["evicted"]),
            text(&row["counts"]["evicted"]),
        ]);
    }
    if used.count() == 0 {
        return "no tables of flows: nothing here numbers packets or accounts for numbers"
            .to_owned();
    }
    table.to_string()
}
