// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A record as one line of JSON; `docs/records.md` describes every key.

mod node;
mod option;
mod sequence;

use std::net::Ipv6Addr;

use ioam_dp::port::PortId;
use ioam_dp::record::{ExportRecord, Flow};
use ioam_dp::table::Tables;
use ioam_dp::table::spec::TimestampFormat;
use ioam_dp::timestamp::WallTime;
use serde::Serialize;

use super::{Record, rfc3339};
use node::hex;
use option::Body;

/// The record as one JSON object, without the end of the line. Ports, profiles and timestamp
/// formats are named by `tables`.
#[must_use]
pub fn line(record: &Record, tables: &Tables) -> String {
    let line = match record {
        Record::Option(record) => serde_json::to_string(&Line::new(record, tables)),
        Record::Report(report) => serde_json::to_string(&sequence::Line::new(report, tables)),
    };
    // Text, numbers and lists: nothing that JSON could refuse.
    line.unwrap_or_default()
}

/// The line of an option; its keys are in the order they are written.
#[derive(Serialize)]
struct Line<'a> {
    time: Option<String>,
    in_port: &'a str,
    profile: Option<&'a str>,
    namespace: u16,
    option_type: &'static str,
    occasion: &'static str,
    #[serde(flatten)]
    body: Body,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_format: Option<&'static str>,
    outer: Outer,
    flow: FlowKeys,
    #[serde(flatten)]
    nodes: option::Nodes,
    raw: String,
}

impl<'a> Line<'a> {
    fn new(record: &'a ExportRecord, tables: &'a Tables) -> Self {
        let option_data = record.option_data();
        let (body, nodes) = option::read(record);
        Self {
            time: time(record.received),
            in_port: match record.in_port {
                PortId::LOCAL => "local",
                port => tables.port(port).map_or("", |port| &port.name),
            },
            profile: record.profile.map(|profile| profile_name(profile, tables)),
            namespace: record.namespace.0,
            option_type: record.option_type.name(),
            occasion: record.occasion.name(),
            timestamp_format: body
                .has_timestamps()
                .then(|| timestamp_format(record, tables))
                .flatten(),
            body,
            outer: Outer {
                source: record.outer_source.into(),
                destination: record.outer_destination.into(),
            },
            flow: (&record.flow).into(),
            nodes,
            raw: hex(option_data),
        }
    }
}

#[derive(Serialize)]
struct Outer {
    source: Ipv6Addr,
    destination: Ipv6Addr,
}

#[derive(Serialize)]
struct FlowKeys {
    source: Ipv6Addr,
    destination: Ipv6Addr,
    source_port: u16,
    destination_port: u16,
    next_header: u8,
    flow_label: u32,
}

impl From<&Flow> for FlowKeys {
    fn from(flow: &Flow) -> Self {
        Self {
            source: flow.source.into(),
            destination: flow.destination.into(),
            source_port: flow.source_port,
            destination_port: flow.destination_port,
            next_header: flow.next_header,
            flow_label: flow.label,
        }
    }
}

/// The moment as text; `None` where the clock was not known.
fn time(moment: WallTime) -> Option<String> {
    (moment != WallTime::default()).then(|| rfc3339::text(moment))
}

fn profile_name(index: u16, tables: &Tables) -> &str {
    let profile = tables.profiles.get(usize::from(index));
    profile.map_or("", |profile| &profile.name)
}

/// How the namespace's timestamps are to be read.
fn timestamp_format(record: &ExportRecord, tables: &Tables) -> Option<&'static str> {
    let index = tables.namespaces.find(record.namespace)?;
    Some(match tables.namespaces.get(index)?.timestamp {
        TimestampFormat::Posix => "posix",
        TimestampFormat::Ptp { .. } => "ptp",
        TimestampFormat::Ntp => "ntp",
    })
}

#[cfg(test)]
pub(crate) mod tests;
