// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tables of what the node tells: drops, and the records' way out and what is in them.

use serde_json::Value;

use super::super::figures::{decimal, nodes, rate, text};
use crate::figures::duration;
use crate::report::Columns;

pub(super) const DROPS: [&str; 4] = ["not forwarded", "packets/s", "packets", ""];
pub(super) const NOTICES: [&str; 4] = ["not processed", "packets/s", "packets", ""];
pub(super) const OUTPUTS: [&str; 8] = [
    "output",
    "written/s",
    "lost/s",
    "discarded/s",
    "written",
    "lost",
    "discarded",
    "write errors",
];
pub(super) const COLLECTORS: [&str; 11] = [
    "collector",
    "transport",
    "connected",
    "produced/s",
    "sent/s",
    "dropped/s",
    "kbit/s",
    "waiting",
    "sent",
    "dropped",
    "failures",
];
pub(super) const RINGS: [&str; 5] = ["ring of worker", "waiting", "places", "lost/s", "lost"];
pub(super) const LATENCY: [&str; 12] = [
    "namespace",
    "delay",
    "from",
    "to",
    "delays/s",
    "p50 µs",
    "p90 µs",
    "p99 µs",
    "p99.9 µs",
    "max µs",
    "delays",
    "negative",
];
pub(super) const PATHS: [&str; 9] = [
    "namespace",
    "source",
    "destination",
    "nodes, oldest first",
    "hops",
    "delay",
    "seen/s",
    "seen",
    "last",
];

pub(super) fn drops(rows: &[Value]) -> String {
    let mut shown = Vec::new();
    for (kind, heading) in [("drop", DROPS), ("notice", NOTICES)] {
        let mut table = Columns::new(heading);
        let given = rows
            .iter()
            .filter(|row| row["kind"] == kind && row["counts"]["packets"].as_u64() > Some(0));
        for row in given.clone() {
            table.row([
                text(&row["name"]),
                rate(&row["per_second"]["packets"]),
                text(&row["counts"]["packets"]),
                text(&row["description"]),
            ]);
        }
        if given.count() > 0 {
            shown.push(table.to_string());
        }
    }
    if shown.is_empty() {
        return "every packet was forwarded and every option processed".to_owned();
    }
    shown.join("\n")
}

pub(super) fn export(export: &Value) -> String {
    let rows = |key: &str| export[key].as_array().map_or(&[][..], Vec::as_slice);
    let mut outputs = Columns::new(OUTPUTS);
    for row in rows("outputs") {
        let keys = ["written", "lost", "discarded"];
        let [a, b, c] = keys.map(|key| rate(&row["per_second"][key]));
        let [d, e, f] = keys.map(|key| text(&row["counts"][key]));
        let errors = text(&row["counts"]["write_errors"]);
        outputs.row([text(&row["name"]), a, b, c, d, e, f, errors]);
    }
    let mut rings = Columns::new(RINGS);
    for row in rows("rings") {
        rings.row([
            text(&row["worker"]),
            text(&row["waiting"]),
            text(&row["slots"]),
            rate(&row["per_second"]["lost"]),
            text(&row["counts"]["lost"]),
        ]);
    }
    if rows("collectors").is_empty() {
        return format!("{outputs}\n{rings}");
    }
    format!("{outputs}\n{}\n{rings}", collectors(rows("collectors")))
}

fn collectors(rows: &[Value]) -> Columns<11> {
    let mut table = Columns::new(COLLECTORS);
    table.left(3);
    for row in rows {
        let keys = ["produced", "sent", "dropped"];
        let [produced, sending, dropping] = keys.map(|key| rate(&row["per_second"][key]));
        let octets = row["per_second"]["octets"].as_f64();
        let yes = if row["connected"] == true {
            "yes"
        } else {
            "no"
        };
        table.row([
            text(&row["name"]),
            text(&row["transport"]),
            yes.to_owned(),
            produced,
            sending,
            dropping,
            decimal(octets.map(|octets| octets * 8.0 / 1000.0)),
            text(&row["waiting"]),
            text(&row["counts"]["sent"]),
            text(&row["counts"]["dropped"]),
            text(&row["counts"]["failures"]),
        ]);
    }
    table
}

pub(super) fn latency(rows: &[Value]) -> String {
    if rows.is_empty() {
        return "no delays: no record has had timestamps or transit delays".to_owned();
    }
    let mut table = Columns::new(LATENCY);
    table.left(4);
    for row in rows {
        let keys = ["p50", "p90", "p99", "p999", "max"];
        let is_recent = row["recent"].as_u64() > Some(0);
        let [p50, p90, p99, p999, max] = keys.map(|key| {
            let nanoseconds = row[key].as_f64().filter(|_| is_recent);
            decimal(nanoseconds.map(|nanoseconds| nanoseconds / 1000.0))
        });
        table.row([
            text(&row["namespace"]),
            text(&row["kind"]),
            text(&row["from"]),
            text(&row["to"]),
            rate(&row["per_second"]["delays"]),
            p50,
            p90,
            p99,
            p999,
            max,
            text(&row["counts"]["delays"]),
            text(&row["counts"]["negative"]),
        ]);
    }
    table.to_string()
}

pub(super) fn paths(paths: &Value) -> String {
    let rows = paths["latest"].as_array().map_or(&[][..], Vec::as_slice);
    if rows.is_empty() {
        return "no paths: no trace has ended here".to_owned();
    }
    let mut table = Columns::new(PATHS);
    table.left(4);
    for row in rows {
        let delay = row["delay_nanoseconds"].as_f64();
        let ago = row["last_seen_nanoseconds_ago"].as_f64();
        table.row([
            text(&row["namespace"]),
            text(&row["source"]),
            text(&row["destination"]),
            nodes(row),
            text(&row["hops"]),
            delay.map_or("-".to_owned(), duration),
            rate(&row["per_second"]["seen"]),
            text(&row["counts"]["seen"]),
            ago.map_or("-".to_owned(), |ago| format!("{} ago", duration(ago))),
        ]);
    }
    format!("{table}{}", sample(&paths["counts"]))
}

/// What part of the traces the table is of, where it is not all of them.
fn sample(counts: &Value) -> String {
    let number = |key: &str| counts[key].as_u64().unwrap_or(0);
    let (traces, looked_at) = (number("traces"), number("looked_at"));
    let forgotten = match number("forgotten") {
        0 => String::new(),
        many => format!("{many} paths made room for later ones.\n"),
    };
    if traces == looked_at {
        return forgotten;
    }
    format!("A sample: {looked_at} of {traces} traces were looked at.\n{forgotten}")
}
