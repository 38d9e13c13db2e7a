// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A record of the node as Data Records, each with the fields of its template.

use ioam_dp::record::{ExportRecord, Flow, Occasion, Proof, SequenceReport};
use ioam_dp::table::spec::TimestampFormat;
use ioam_dp::timestamp::WallTime;
use ioam_dp::wire::ioam::{
    DirectExport, NodeData, NodeDataList, OptionType, TraceFlags, TraceHeader,
};

use super::field::Fields as _;
use super::ioam::UNAVAILABLE;
use super::message::Messages;
use super::names::Names;
use super::path::PathReport;
use super::template::{self, Template};
use super::uliege;

/// The number of an option type (RFC 9197, 7.1).
fn number(option_type: OptionType) -> u8 {
    match option_type {
        OptionType::PreallocatedTrace => 0,
        OptionType::IncrementalTrace => 1,
        OptionType::ProofOfTransit => 2,
        OptionType::EdgeToEdge => 3,
        OptionType::DirectExport => 4,
        OptionType::Unknown(number) => number,
    }
}

fn occasion(occasion: Occasion) -> u8 {
    match occasion {
        Occasion::Decapsulated => 0,
        Occasion::DirectExport => 1,
        Occasion::LoopedBack => 2,
        Occasion::Active => 3,
    }
}

fn proof(proof: Option<Proof>) -> u8 {
    match proof {
        None => 0,
        Some(Proof::Valid) => 1,
        Some(Proof::Invalid) => 2,
        Some(Proof::Unverified) => 3,
    }
}

fn format(format: Option<TimestampFormat>) -> u8 {
    match format {
        Some(TimestampFormat::Posix) => 0,
        Some(TimestampFormat::Ptp { .. }) => 1,
        Some(TimestampFormat::Ntp) => 2,
        None => UNAVAILABLE,
    }
}

/// The template of the record as raw data; `None` for option types that have no element.
#[must_use]
pub(super) fn raw_template(option_type: OptionType) -> Option<Template> {
    Some(match option_type {
        OptionType::PreallocatedTrace => template::RAW_PREALLOCATED,
        OptionType::IncrementalTrace => template::RAW_INCREMENTAL,
        OptionType::ProofOfTransit => template::RAW_PROOF,
        OptionType::EdgeToEdge => template::RAW_EDGE_TO_EDGE,
        OptionType::DirectExport => template::RAW_DIRECT_EXPORT,
        OptionType::Unknown(_) => return None,
    })
}

fn context(record: &ExportRecord, names: &Names, out: &mut Vec<u8>) {
    out.ntp(record.received);
    out.u32(names.interface(record.in_port));
    out.u16(record.namespace.0);
    out.u8(number(record.option_type));
    out.u8(occasion(record.occasion));
    out.u16(record.profile.unwrap_or(u16::MAX));
    out.extend_from_slice(&record.outer_source);
    out.extend_from_slice(&record.outer_destination);
    flow(&record.flow, out);
}

fn flow(flow: &Flow, out: &mut Vec<u8>) {
    out.extend_from_slice(&flow.source);
    out.extend_from_slice(&flow.destination);
    out.u16(flow.source_port);
    out.u16(flow.destination_port);
    out.u8(flow.next_header);
    out.u32(flow.label);
}

/// The option as it was in the packet.
pub(super) fn raw(record: &ExportRecord, names: &Names, messages: &mut Messages) {
    let Some(template) = raw_template(record.option_type) else {
        return;
    };
    messages.add(template.id, |out| {
        context(record, names, out);
        if record.option_type == OptionType::ProofOfTransit {
            out.u8(proof(record.proof));
        }
        out.variable(record.option_data());
    });
}

/// What all nodes' records of one option share.
#[derive(Clone, Copy, Debug, Default)]
struct OptionHead {
    trace_type: u32,
    flags: u8,
    flow_id: Option<u32>,
    sequence: Option<u32>,
}

impl OptionHead {
    fn new(record: &ExportRecord) -> Self {
        let data = record.option_data();
        if record.option_type == OptionType::DirectExport {
            let option = DirectExport::parse(data);
            return Self {
                trace_type: option.map_or(0, |option| option.trace_type().bits()),
                flags: 0,
                flow_id: option.and_then(|option| option.flow_id()),
                sequence: option.and_then(|option| option.sequence()),
            };
        }
        let header = TraceHeader::split(data).map(|(header, _)| header);
        let flag = |flag, value| match header {
            Some(header) if header.has(flag) => value,
            _ => 0,
        };
        Self {
            trace_type: header.map_or(0, |header| header.trace_type().bits()),
            flags: flag(TraceFlags::OVERFLOW, 8)
                | flag(TraceFlags::LOOPBACK, 4)
                | flag(TraceFlags::ACTIVE, 2),
            flow_id: None,
            sequence: None,
        }
    }
}

/// The nodes of an option, the newest first; none where it has none.
fn nodes(record: &ExportRecord) -> Option<NodeDataList<'_>> {
    let data = record.option_data();
    match record.option_type {
        OptionType::PreallocatedTrace => NodeDataList::preallocated(data),
        OptionType::IncrementalTrace => NodeDataList::incremental(data),
        OptionType::DirectExport => NodeDataList::direct_export(data),
        _ => None,
    }
}

/// Whether there can be records of nodes.
#[must_use]
pub(super) fn has_nodes(option_type: OptionType) -> bool {
    matches!(
        option_type,
        OptionType::PreallocatedTrace | OptionType::IncrementalTrace | OptionType::DirectExport
    )
}

/// One Data Record for each node, the newest first as in the option.
/// `scratch` spares an allocation.
pub(super) fn hops(
    record: &ExportRecord,
    names: &Names,
    scratch: &mut Vec<u8>,
    messages: &mut Messages,
) {
    let Some(list) = nodes(record) else { return };
    let head = OptionHead::new(record);
    let whole = list.clone().filter(Result::is_ok).count();
    let count = u8::try_from(whole).unwrap_or(u8::MAX);
    let mut index = count;
    scratch.clear();
    context(record, names, scratch);
    for node in list.flatten() {
        index = index.saturating_sub(1);
        messages.add(template::HOP.id, |out| {
            out.extend_from_slice(scratch);
            out.u32(head.trace_type);
            out.u8(head.flags);
            out.u32(head.flow_id.unwrap_or(u32::MAX));
            out.u32(head.sequence.unwrap_or(u32::MAX));
            out.u8(index);
            out.u8(count);
            write_node(&node, format(names.format(record.namespace)), out);
        });
    }
}

fn write_node(node: &NodeData<'_>, format: u8, out: &mut Vec<u8>) {
    out.u8(node.hop_limit.unwrap_or(UNAVAILABLE));
    // All ones of 24 bits become all ones of the field, so that "unknown" is one value.
    let wide = |value: Option<u32>, bits: u32| match value {
        Some(value) if value < u32::MAX >> (32 - bits) => value,
        _ => u32::MAX,
    };
    out.u32(wide(node.node_id, 24));
    out.u16(node.ingress_if_id.unwrap_or(u16::MAX));
    out.u16(node.egress_if_id.unwrap_or(u16::MAX));
    out.u32(node.timestamp_seconds.unwrap_or(u32::MAX));
    out.u32(node.timestamp_fraction.unwrap_or(u32::MAX));
    out.u8(format);
    for word in [
        node.transit_delay,
        node.namespace_data,
        node.queue_depth,
        node.checksum_complement,
    ] {
        out.u32(word.unwrap_or(u32::MAX));
    }
    out.u64(match node.node_id_wide {
        Some(id) if id < u64::MAX >> 8 => id,
        _ => u64::MAX,
    });
    out.u32(node.ingress_if_id_wide.unwrap_or(u32::MAX));
    out.u32(node.egress_if_id_wide.unwrap_or(u32::MAX));
    out.u64(node.namespace_data_wide.unwrap_or(u64::MAX));
    out.u32(node.buffer_occupancy.unwrap_or(u32::MAX));
    let (schema, state) = node.opaque_state.unwrap_or((u32::MAX, &[]));
    out.u32(wide(Some(schema), 24));
    out.variable(state);
}

/// One Data Record for each node in the elements of the University of Liège.
pub(super) fn uliege(record: &ExportRecord, messages: &mut Messages) {
    let Some(list) = nodes(record) else { return };
    let head = OptionHead::new(record);
    let direct_export = (head.flow_id, head.sequence);
    for node in list.flatten() {
        messages.add(template::ULIEGE.id, |out| {
            uliege::write(record.namespace.0, &node, direct_export, out);
        });
    }
}

/// What arrived of a sequence.
pub(super) fn sequence(report: &SequenceReport, messages: &mut Messages) {
    messages.add(template::SEQUENCE_REPORT.id, |out| {
        out.ntp(report.received);
        out.u32(0);
        out.u16(report.namespace.0);
        out.u8(number(report.option_type));
        out.u8(occasion(Occasion::Decapsulated));
        out.u16(report.profile);
        out.extend_from_slice(&report.outer_source);
        out.extend_from_slice(&[0; 16]);
        flow(&report.flow.unwrap_or_default(), out);
        out.u32(report.flow_id.unwrap_or(u32::MAX));
        out.u8(if report.last { 1 } else { 2 });
        let figures = &report.figures;
        out.ntp(figures.first.unwrap_or_default());
        out.ntp(figures.last.unwrap_or_default());
        let numbers = &figures.sequence;
        for count in [
            figures.packets,
            numbers.received,
            numbers.lost,
            numbers.pending,
            numbers.reordered,
            numbers.duplicates,
            numbers.late,
            numbers.restarts,
            figures.delay.map_or(0, |delay| delay.count),
        ] {
            out.u64(count);
        }
        let delay = |pick: fn(&ioam_dp::accounting::DelayFigures) -> i64| {
            figures.delay.as_ref().map_or(0, pick)
        };
        out.i64(delay(|delay| delay.mean));
        out.i64(delay(|delay| delay.min));
        out.i64(delay(|delay| delay.max));
        out.u64(figures.delay.map_or(0, |delay| delay.jitter));
    });
}

/// Microseconds, rounded to the nearest.
fn microseconds(nanoseconds: u64) -> u64 {
    nanoseconds.saturating_add(500) / 1000
}

/// The delay along a path.
pub(super) fn path(report: &PathReport, messages: &mut Messages) {
    let narrow = |nanoseconds| u32::try_from(microseconds(nanoseconds)).unwrap_or(u32::MAX);
    messages.add(template::PATH.id, |out| {
        out.ntp(report.first);
        out.ntp(report.last);
        let key = &report.key;
        out.u16(key.namespace.0);
        out.u8(number(key.option_type));
        out.u16(key.profile.unwrap_or(u16::MAX));
        out.extend_from_slice(&key.source);
        out.extend_from_slice(&key.destination);
        out.u32(key.trace_type.bits());
        out.u8(key.hops);
        out.variable(&key.nodes);
        out.u64(report.packets);
        let mean = report.sum.checked_div(report.packets).unwrap_or(0);
        out.u32(narrow(mean));
        out.u32(narrow(report.min));
        out.u32(narrow(report.max));
        out.u64(microseconds(report.sum));
    });
}

/// Milliseconds since 1970.
pub(super) fn milliseconds(time: WallTime) -> u64 {
    time.seconds
        .wrapping_mul(1000)
        .wrapping_add(u64::from(time.nanoseconds / 1_000_000))
}
