// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A record as one line of JSON; `docs/records.md` describes every key.

use std::net::Ipv6Addr;

use ioam_dp::record::{ExportRecord, Flow, SequenceReport};
use ioam_dp::table::Tables;
use ioam_dp::table::spec::TimestampFormat;
use ioam_dp::timestamp::WallTime;
use ioam_dp::wire::ioam::{NodeData, NodeDataList, TraceFlags, TraceHeader, TraceType};
use serde::Serialize;

use super::{Record, rfc3339};

/// A line; its keys are in the order they are written.
#[derive(Serialize)]
struct Line<'a> {
    time: Option<String>,
    in_port: &'a str,
    profile: &'a str,
    namespace: u16,
    option_type: &'static str,
    trace_type: String,
    overflow: bool,
    loopback: bool,
    active: bool,
    malformed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_format: Option<&'static str>,
    outer: Outer,
    flow: FlowKeys,
    nodes: Vec<Node>,
    raw: String,
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

/// A field: absent where the trace type does not ask for it, `null` where the node did not know.
type Field<T> = Option<Option<T>>;

#[derive(Serialize)]
struct Node {
    #[serde(skip_serializing_if = "Option::is_none")]
    hop_limit: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_id: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ingress_if_id: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    egress_if_id: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_seconds: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_fraction: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transit_delay: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_data: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_depth: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_complement: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_id_wide: Field<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ingress_if_id_wide: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    egress_if_id_wide: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_data_wide: Field<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buffer_occupancy: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opaque_state: Option<OpaqueState>,
}

#[derive(Serialize)]
struct OpaqueState {
    schema_id: Option<u32>,
    data: String,
}

/// `null` for all ones in a field of `bits` bits.
fn known<T: Into<u64> + Copy>(field: Option<T>, bits: u32) -> Field<T> {
    let all_ones = u64::MAX >> (64 - bits);
    field.map(|value| Some(value).filter(|value| (*value).into() != all_ones))
}

/// As [`known`], in hex: more bits than a JSON number holds safely.
fn known_wide(field: Option<u64>, bits: u32) -> Field<String> {
    let width = usize::try_from(bits / 4 + 2).unwrap_or(18);
    known(field, bits).map(|value| value.map(|value| format!("{value:#0width$x}")))
}

impl From<NodeData<'_>> for Node {
    fn from(node: NodeData<'_>) -> Self {
        let interface = |id| known(id, 16).map(|id| id.map(u32::from));
        Self {
            hop_limit: node.hop_limit,
            node_id: known(node.node_id, 24),
            ingress_if_id: interface(node.ingress_if_id),
            egress_if_id: interface(node.egress_if_id),
            timestamp_seconds: known(node.timestamp_seconds, 32),
            timestamp_fraction: known(node.timestamp_fraction, 32),
            transit_delay: known(node.transit_delay, 32),
            namespace_data: known(node.namespace_data, 32),
            queue_depth: known(node.queue_depth, 32),
            checksum_complement: known(node.checksum_complement, 32),
            node_id_wide: known_wide(node.node_id_wide, 56),
            ingress_if_id_wide: known(node.ingress_if_id_wide, 32),
            egress_if_id_wide: known(node.egress_if_id_wide, 32),
            namespace_data_wide: known_wide(node.namespace_data_wide, 64),
            buffer_occupancy: known(node.buffer_occupancy, 32),
            opaque_state: node.opaque_state.map(|(id, data)| OpaqueState {
                schema_id: Some(id).filter(|id| *id != 0xFF_FFFF),
                data: hex(data),
            }),
        }
    }
}

fn hex(octets: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    let digits = |octet: &u8| [digit(octet >> 4), digit(octet & 0xF)];
    octets.iter().flat_map(digits).collect()
}

/// The elements oldest first, and whether the list is cut.
fn nodes(option_data: &[u8]) -> (Vec<Node>, bool) {
    let Some(list) = NodeDataList::preallocated(option_data) else {
        return (Vec::new(), true);
    };
    let mut nodes = Vec::new();
    let mut cut = false;
    for element in list {
        match element {
            Ok(node) => nodes.push(node.into()),
            Err(_) => cut = true,
        }
    }
    nodes.reverse();
    (nodes, cut)
}

/// How the namespace's timestamps are to be read, where the trace has any.
fn timestamp_format(
    record: &ExportRecord,
    kind: TraceType,
    tables: &Tables,
) -> Option<&'static str> {
    let timestamps = TraceType::TIMESTAMP_SECONDS.union(TraceType::TIMESTAMP_FRACTION);
    let index = tables
        .namespaces
        .find(record.namespace)
        .filter(|_| kind.has(timestamps))?;
    Some(match tables.namespaces.get(index)?.timestamp {
        TimestampFormat::Posix => "posix",
        TimestampFormat::Ptp { .. } => "ptp",
        TimestampFormat::Ntp => "ntp",
    })
}

/// The record as one JSON object, without the end of the line. Ports, profiles and timestamp
/// formats are named by `tables`.
#[must_use]
pub fn line(record: &Record, tables: &Tables) -> String {
    match record {
        Record::Option(record) => trace(record, tables),
        Record::Report(report) => sequence(report, tables),
    }
}

#[derive(Serialize)]
struct Sequence<'a> {
    record: &'static str,
    profile: &'a str,
    namespace: u16,
    option_type: &'static str,
    received: u64,
    lost: u64,
}

fn sequence(report: &SequenceReport, tables: &Tables) -> String {
    let profile = tables.profiles.get(usize::from(report.profile));
    let figures = report.figures.sequence;
    let line = Sequence {
        record: "sequence-report",
        profile: profile.map_or("", |profile| &profile.name),
        namespace: report.namespace.0,
        option_type: report.option_type.name(),
        received: figures.received,
        lost: figures.lost,
    };
    serde_json::to_string(&line).unwrap_or_default()
}

fn trace(record: &ExportRecord, tables: &Tables) -> String {
    let option_data = record.option_data();
    let header = TraceHeader::split(option_data).map(|(header, _)| header);
    let has = |flag| header.is_some_and(|header| header.has(flag));
    let kind = header.map_or(TraceType::default(), TraceHeader::trace_type);
    let (nodes, malformed) = nodes(option_data);
    let profile = record
        .profile
        .and_then(|profile| tables.profiles.get(usize::from(profile)));
    let line = Line {
        time: Some(record.received)
            .filter(|time| *time != WallTime::default())
            .map(rfc3339::text),
        in_port: tables.port(record.in_port).map_or("", |port| &port.name),
        profile: profile.map_or("", |profile| &profile.name),
        namespace: record.namespace.0,
        option_type: record.option_type.name(),
        trace_type: kind.to_string(),
        overflow: has(TraceFlags::OVERFLOW),
        loopback: has(TraceFlags::LOOPBACK),
        active: has(TraceFlags::ACTIVE),
        malformed,
        timestamp_format: timestamp_format(record, kind, tables),
        outer: Outer {
            source: record.outer_source.into(),
            destination: record.outer_destination.into(),
        },
        flow: (&record.flow).into(),
        nodes,
        raw: hex(option_data),
    };
    // Text, numbers and lists: nothing that JSON could refuse.
    serde_json::to_string(&line).unwrap_or_default()
}

#[cfg(test)]
#[path = "ndjson/tests.rs"]
pub(super) mod tests;
