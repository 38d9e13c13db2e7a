// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Options as they were in packets, out of records that carry them so.

use ioam_dp::accounting::SequenceNumber;
use ioam_dp::timestamp::Timestamp;
use ioam_dp::wire::ioam::{
    DirectExport, EdgeToEdge, NodeData, NodeDataList, OptionType, TraceFlags, TraceHeader,
};

use super::fields::Fields;
use crate::analyse::event::{Card, Context, EndToEnd, Event, Hop, Trace};
use crate::export::ipfix::ioam;

/// What the option says. `decoded` says that its nodes come in records of their own as well, which then
/// are the ones to be read.
pub(super) fn read(fields: &Fields<'_, '_>, context: Context, decoded: bool) -> Option<Event> {
    let option_type = fields.small(&ioam::OPTION_TYPE)?;
    let looped_back = fields.number(&ioam::OCCASION) == Some(2);
    Some(match OptionType::from_number(option_type) {
        OptionType::PreallocatedTrace => {
            let data = fields.octets(&ioam::PREALLOCATED_TRACE_DATA)?;
            let trace = trace(data, NodeDataList::preallocated(data), context);
            return as_event(trace, looped_back, decoded);
        }
        OptionType::IncrementalTrace => {
            let data = fields.octets(&ioam::INCREMENTAL_TRACE_DATA)?;
            let trace = trace(data, NodeDataList::incremental(data), context);
            return as_event(trace, looped_back, decoded);
        }
        OptionType::DirectExport if decoded => return None,
        OptionType::DirectExport => {
            let data = fields.octets(&ioam::DIRECT_EXPORT_DATA)?;
            let option = DirectExport::parse(data)?;
            let node = NodeDataList::direct_export(data)?.next()?.ok()?;
            Event::Card(Card {
                context,
                flow_id: option.flow_id(),
                sequence: option.sequence(),
                hop: hop(&node),
            })
        }
        OptionType::EdgeToEdge => {
            let option = EdgeToEdge::parse(fields.octets(&ioam::E2E_DATA)?).ok()?;
            let long = option.sequence_bits() == Some(64);
            let sequence = option.sequence.map(|number| sequence(number, long));
            Event::EndToEnd(EndToEnd {
                context,
                sequence,
                stamp: stamp(option.seconds, option.fraction),
            })
        }
        OptionType::ProofOfTransit | OptionType::Unknown(_) => Event::Other,
    })
}

/// A number of 64 or of 32 bits.
pub(in crate::analyse) fn sequence(number: u64, long: bool) -> SequenceNumber {
    match u32::try_from(number) {
        Ok(short) if !long => SequenceNumber::Bits32(short),
        _ => SequenceNumber::Bits64(number),
    }
}

/// Traces without a node have no records of nodes.
fn as_event(trace: Trace, looped_back: bool, decoded: bool) -> Option<Event> {
    if decoded && !trace.hops.is_empty() {
        return None;
    }
    Some(if looped_back {
        Event::LoopedBack
    } else {
        Event::Trace(trace)
    })
}

fn trace(data: &[u8], list: Option<NodeDataList<'_>>, context: Context) -> Trace {
    let mut trace = Trace {
        context,
        malformed: list.is_none(),
        ..Trace::default()
    };
    let header = TraceHeader::split(data).map(|(header, _)| header);
    trace.overflow = header.is_some_and(|header| header.has(TraceFlags::OVERFLOW));
    for node in list.into_iter().flatten() {
        match node {
            Ok(node) => trace.hops.push(hop(&node)),
            Err(_) => trace.malformed = true,
        }
    }
    trace.hops.reverse();
    trace
}

fn known<T: Copy + Into<u64>>(field: Option<T>, bits: u32) -> Option<u64> {
    let all_ones = u64::MAX >> (64 - bits);
    field.map(Into::into).filter(|value| *value != all_ones)
}

fn stamp(seconds: Option<u32>, fraction: Option<u32>) -> Option<Timestamp> {
    let seconds = seconds.filter(|seconds| *seconds != u32::MAX)?;
    let fraction = fraction.filter(|fraction| *fraction != u32::MAX)?;
    Some(Timestamp { seconds, fraction })
}

fn hop(node: &NodeData<'_>) -> Hop {
    let narrow = |value: Option<u64>| value.and_then(|value| u32::try_from(value).ok());
    let ingress = known(node.ingress_if_id, 16).or(known(node.ingress_if_id_wide, 32));
    let egress = known(node.egress_if_id, 16).or(known(node.egress_if_id_wide, 32));
    Hop {
        hop_limit: node.hop_limit,
        node: known(node.node_id, 24).or(known(node.node_id_wide, 56)),
        ingress: narrow(ingress),
        egress: narrow(egress),
        stamp: stamp(node.timestamp_seconds, node.timestamp_fraction),
        transit: node.transit_delay.filter(|delay| *delay != u32::MAX),
    }
}
