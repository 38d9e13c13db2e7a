// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A section as a table: rates first, totals behind them.

use serde_json::Value;

use crate::control::snapshot::Section;
use crate::report::Columns;

/// The table of a section with its rates.
pub(super) fn table(section: Section, rated: &Value) -> String {
    let rows = rated[section.name()].as_array();
    let rows: &[Value] = rows.map_or(&[], Vec::as_slice);
    match section {
        Section::Ports => ports(rows),
        Section::Workers => workers(rows),
        Section::Namespaces => namespaces(rows),
        Section::Profiles => profiles(rows),
        Section::Flows => flows(rows),
        Section::Drops => drops(rows),
        Section::Export => export(&rated["export"]),
        Section::Latency => latency(rows),
    }
}

fn ports(rows: &[Value]) -> String {
    let mut table = Columns::new([
        "port",
        "link",
        "received/s",
        "Mbit/s",
        "sent/s",
        "Mbit/s",
        "lost/s",
        "received",
        "sent",
        "lost",
    ]);
    table.left(2);
    let losses = ["rx_missed", "rx_errors", "rx_no_buffer", "tx_errors"];
    for row in rows {
        let link = match (&row["link_up"], &row["megabits_per_second"]) {
            (Value::Bool(true), Value::Number(speed)) => format!("{speed} Mbit/s"),
            (Value::Bool(true), _) => "up".to_owned(),
            (Value::Bool(false), _) => "down".to_owned(),
            _ => "unknown".to_owned(),
        };
        let rates = &row["per_second"];
        let megabits = |key: &str| rates[key].as_f64().map(|octets| octets * 8.0 / 1e6);
        let lost_now = losses
            .iter()
            .map(|key| rates[*key].as_f64())
            .sum::<Option<f64>>();
        let lost: u64 = losses
            .iter()
            .filter_map(|key| row["counts"][*key].as_u64())
            .sum();
        table.row([
            text(&row["name"]),
            link,
            rate(&rates["received"]),
            decimal(megabits("received_octets")),
            rate(&rates["sent"]),
            decimal(megabits("sent_octets")),
            decimal(lost_now),
            text(&row["counts"]["received"]),
            text(&row["counts"]["sent"]),
            lost.to_string(),
        ]);
    }
    table.to_string()
}

fn workers(rows: &[Value]) -> String {
    let mut table = Columns::new([
        "worker",
        "cpu",
        "busy",
        "packets/s",
        "ticks/packet",
        "packets/burst",
        "polls/s",
        "packets",
    ]);
    for row in rows {
        let busy = row["busy"].as_f64();
        table.row([
            text(&row["worker"]),
            text(&row["cpu"]),
            busy.map_or("-".to_owned(), |busy| format!("{:.1} %", busy * 100.0)),
            rate(&row["per_second"]["packets"]),
            decimal(row["ticks_per_packet"].as_f64()),
            decimal(row["packets_per_burst"].as_f64()),
            rate(&row["per_second"]["polls"]),
            text(&row["counts"]["packets"]),
        ]);
    }
    table.to_string()
}

fn namespaces(rows: &[Value]) -> String {
    let mut table = Columns::new([
        "namespace",
        "filled/s",
        "overflowed/s",
        "encapsulated/s",
        "decapsulated/s",
        "exported/s",
        "proved/s",
        "proofs valid/s",
        "filled",
    ]);
    for row in rows {
        let keys = [
            "filled",
            "overflowed",
            "encapsulated",
            "decapsulated",
            "exported",
            "proved",
            "proofs_valid",
        ];
        let [a, b, c, d, e, f, g] = keys.map(|key| rate(&row["per_second"][key]));
        let total = text(&row["counts"]["filled"]);
        table.row([text(&row["id"]), a, b, c, d, e, f, g, total]);
    }
    table.to_string()
}

fn profiles(rows: &[Value]) -> String {
    let mut table = Columns::new([
        "profile",
        "action",
        "selected/s",
        "sampled/s",
        "done/s",
        "records/s",
        "lost/s",
        "reordered/s",
        "duplicates/s",
        "done",
        "lost",
    ]);
    table.left(2);
    for row in rows {
        let keys = ["selected", "sampled", "done", "records"];
        let [selected, sampled, done, records] = keys.map(|key| rate(&row["per_second"][key]));
        let sequences = &row["sequences"];
        let keys = ["lost", "reordered", "duplicates"];
        let [lost, reordered, duplicates] = keys.map(|key| rate(&sequences["per_second"][key]));
        table.row([
            text(&row["name"]),
            text(&row["action"]),
            selected,
            sampled,
            done,
            records,
            lost,
            reordered,
            duplicates,
            text(&row["counts"]["done"]),
            text(&sequences["counts"]["lost"]),
        ]);
    }
    if rows.is_empty() {
        return "no profiles: every namespace is transit".to_owned();
    }
    table.to_string()
}

fn flows(rows: &[Value]) -> String {
    let mut table = Columns::new([
        "worker",
        "table",
        "flows",
        "places",
        "full",
        "evicted/s",
        "evicted",
    ]);
    table.left(2);
    let used = rows.iter().filter(|row| row["slots"].as_u64() > Some(0));
    for row in used.clone() {
        let part = row["used"].as_f64().zip(row["slots"].as_f64());
        table.row([
            text(&row["worker"]),
            text(&row["table"]),
            text(&row["used"]),
            text(&row["slots"]),
            part.map_or("-".to_owned(), |(used, all)| {
                format!("{:.1} %", used / all * 100.0)
            }),
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

fn drops(rows: &[Value]) -> String {
    let mut shown = Vec::new();
    for (kind, title) in [("drop", "not forwarded"), ("notice", "not processed")] {
        let mut table = Columns::new([title, "packets/s", "packets", ""]);
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

fn export(export: &Value) -> String {
    let rows = |key: &str| export[key].as_array().cloned().unwrap_or_default();
    let mut outputs = Columns::new([
        "output",
        "written/s",
        "lost/s",
        "discarded/s",
        "written",
        "lost",
        "discarded",
    ]);
    for row in rows("outputs") {
        let keys = ["written", "lost", "discarded"];
        let [a, b, c] = keys.map(|key| rate(&row["per_second"][key]));
        let [d, e, f] = keys.map(|key| text(&row["counts"][key]));
        outputs.row([text(&row["name"]), a, b, c, d, e, f]);
    }
    let mut collectors = Columns::new([
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
    ]);
    collectors.left(3);
    for row in rows("collectors") {
        let keys = ["produced", "sent", "dropped"];
        let [produced, sending, dropping] = keys.map(|key| rate(&row["per_second"][key]));
        let octets = row["per_second"]["octets"].as_f64();
        let yes = if row["connected"] == true {
            "yes"
        } else {
            "no"
        };
        collectors.row([
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
        ]);
    }
    let mut rings = Columns::new(["ring of worker", "waiting", "places", "lost/s", "lost"]);
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
    format!("{outputs}\n{collectors}\n{rings}")
}

fn latency(rows: &[Value]) -> String {
    let mut table = Columns::new([
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
    ]);
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
    if rows.is_empty() {
        return "no delays: no record has had timestamps or transit delays".to_owned();
    }
    table.to_string()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

fn rate(value: &Value) -> String {
    decimal(value.as_f64())
}

/// Whole where it is large, with what matters behind the point where it is small.
fn decimal(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 1.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.3}"),
    }
}
