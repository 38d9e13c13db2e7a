// SPDX-License-Identifier: Apache-2.0 OR MIT
//! All there is to say about one packet, for people and for programs.

use ioam_dp::pipeline::Verdict;
use ioam_dp::port::PortId;
use ioam_dp::record::ExportRecord;
use ioam_dp::stats::{DropReason, WorkerStats};
use ioam_dp::table::Tables;
use ioam_dp::timestamp::WallTime;
use serde_json::{Value, json};

use super::decision::{Decision, decisions};
use super::{filter, frame};
use crate::export::{Record, ndjson, rfc3339_text};

/// A frame, of which perhaps only the beginning is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// What is there.
    pub(crate) bytes: &'a [u8],
    /// Octets of the whole frame.
    pub(crate) octets: usize,
}

impl<'a> Seen<'a> {
    /// All of it is there.
    pub(crate) fn whole(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            octets: bytes.len(),
        }
    }
}

/// What a node did with a packet.
pub(crate) struct Happened<'a> {
    /// When it was received.
    pub(crate) time: Option<WallTime>,
    /// Where.
    pub(crate) in_port: PortId,
    /// As it came.
    pub(crate) before: Seen<'a>,
    /// As it left, or was dropped.
    pub(crate) after: Seen<'a>,
    /// Where it went.
    pub(crate) fate: Verdict,
    /// Frames the node originated because of it.
    pub(crate) copies: usize,
    /// What it was handled with.
    pub(crate) tables: &'a Tables,
    /// What was counted for this packet alone.
    pub(crate) stats: &'a WorkerStats,
    /// The records it caused.
    pub(crate) records: &'a [ExportRecord],
}

/// All there is to say about one packet.
pub(crate) struct Explained {
    number: u64,
    time: Option<String>,
    port: String,
    octets: usize,
    found: Vec<String>,
    filters: Vec<(String, String)>,
    decisions: Vec<Decision>,
    out: Result<(String, Vec<String>), DropReason>,
    octets_out: usize,
    records: Vec<String>,
}

impl Explained {
    pub(crate) fn new(number: u64, happened: &Happened<'_>) -> Self {
        let Happened { tables, stats, .. } = *happened;
        let name = |port: PortId| {
            let port = tables.port(port);
            port.map_or_else(|| "?".to_owned(), |port| port.name.clone())
        };
        let records = happened.records.iter().cloned();
        let (before, after) = (happened.before, happened.after);
        Self {
            number,
            time: happened.time.map(rfc3339_text),
            port: name(happened.in_port),
            octets: before.octets,
            found: frame::describe(before.bytes),
            filters: filter::why_not(tables, happened.in_port, before.bytes, stats),
            decisions: decisions(tables, stats, happened.copies),
            out: match happened.fate {
                Verdict::Send(port) => Ok((name(port), frame::describe(after.bytes))),
                Verdict::Drop(reason) => Err(reason),
            },
            octets_out: after.octets,
            records: records
                .map(|record| ndjson::line(&Record::Option(record), tables))
                .collect(),
        }
    }

    /// The lines of `ioam explain`, and an empty one.
    pub(crate) fn text(&self) -> String {
        let time = self.time.as_deref().unwrap_or("no time");
        let mut lines = vec![format!(
            "packet {}, {time}, {} octets, arrived at {}",
            self.number, self.octets, self.port
        )];
        let mut say = |what: &str, text: &str| lines.push(format!("  {what:<10} {text}"));
        self.found.iter().for_each(|line| say("found", line));
        for (profile, why) in &self.filters {
            say("passed by", &format!("profile {profile}: {why}"));
        }
        for decision in &self.decisions {
            say(decision.stage, &decision.text());
        }
        match &self.out {
            Ok((port, found)) => {
                let (before, after) = (self.octets, self.octets_out);
                say("sent", &format!("by {port}, {before} → {after} octets"));
                if *found != self.found {
                    found.iter().for_each(|line| say("now", line));
                }
            }
            Err(reason) => say(
                "dropped",
                &format!("{}: {}", reason.name(), reason.description()),
            ),
        }
        self.records.iter().for_each(|line| say("record", line));
        lines.join("\n") + "\n"
    }

    pub(crate) fn json(&self) -> Value {
        let records = self.records.iter();
        let records: Vec<Value> = records
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let filters = self.filters.iter();
        let filters: Vec<_> = filters
            .map(|(profile, why)| json!({"profile": profile, "why": why}))
            .collect();
        json!({
            "packet": self.number,
            "time": self.time,
            "port": self.port,
            "octets": self.octets,
            "found": self.found,
            "passed_by": filters,
            "decisions": self.decisions.iter().map(Decision::json).collect::<Vec<_>>(),
            "sent": self.out.as_ref().ok().map(|(port, found)| {
                json!({"port": port, "octets": self.octets_out, "found": found})
            }),
            "dropped": self.out.as_ref().err().map(|reason| {
                json!({"name": reason.name(), "why": reason.description()})
            }),
            "records": records,
        })
    }
}
