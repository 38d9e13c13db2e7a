// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Decapsulation: the options of this node's namespaces out of the packet, and into records
//! (RFC 9197, 4.2).

use super::{Context, Leaving, transit};
use crate::carrier::{Located, TraceAt, hop_by_hop, options_header, tunnel};
use crate::classify::flow_of;
use crate::packet::PacketBuf;
use crate::record::{ExportRecord, Flow, MAX_OPTION_DATA, RecordSink};
use crate::stats::Notice;
use crate::table::{Decapsulation, Role};
use crate::wire::ioam::OptionType;
use crate::wire::ipv6::{HEADER, Ipv6Header};

/// Records every trace that profile `index` is to take, after adding this node's data to it where
/// the profile says so. `subject` is the offset of the header the user's flow is read from.
pub(crate) fn record<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    index: u16,
    what: Decapsulation,
    subject: usize,
    leaving: Leaving,
    context: &mut Context<'_, S>,
) {
    let flow = flow_of(packet.bytes(), subject).unwrap_or_default();
    let mut next = located.trace;
    let mut seen = *located;
    while let Some(trace) = next {
        if takes(trace.namespace, index, context) {
            if what.record_self {
                transit::fill(packet, trace, leaving, context);
            }
            export(packet.bytes(), located, trace, index, flow, context);
        }
        let behind = trace.range().end - usize::from(located.l3) - HEADER;
        let (tables, stats) = (context.tables, context.stats);
        let frame = packet.bytes();
        next = hop_by_hop::next_trace(frame, located.l3, behind, tables, stats, &mut seen);
    }
}

/// Whether the profile decapsulates the namespace.
fn takes<S>(namespace: u8, index: u16, context: &Context<'_, S>) -> bool {
    let rules = context
        .tables
        .namespaces
        .get(namespace)
        .map(|namespace| &namespace.rules);
    rules.is_some_and(|rules| {
        rules
            .iter()
            .any(|rule| rule.role == Role::Decapsulate(index))
    })
}

fn export<S: RecordSink>(
    frame: &[u8],
    located: &Located,
    trace: TraceAt,
    profile: u16,
    flow: Flow,
    context: &mut Context<'_, S>,
) {
    let (tables, stats) = (context.tables, context.stats);
    let (Some(namespace), Some(outer), Some(data)) = (
        tables.namespaces.get(trace.namespace),
        Ipv6Header::at(frame, located.l3.into()),
        frame.get(trace.range()),
    ) else {
        return;
    };
    let mut option = [0; MAX_OPTION_DATA];
    if let Some(place) = option.get_mut(..data.len()) {
        place.copy_from_slice(data);
    }
    let record = ExportRecord {
        received: context.moment.received.unwrap_or_default(),
        in_port: context.in_port,
        profile,
        namespace: namespace.id,
        option_type: OptionType::PreallocatedTrace,
        outer_source: outer.source,
        outer_destination: outer.destination,
        flow,
        option_len: trace.len,
        option,
    };
    let counts = stats.namespaces.get(usize::from(trace.namespace));
    counts.iter().for_each(|counts| counts.decapsulated.add(1));
    if !context.sink.push(record) {
        stats.notice(Notice::RecordLost);
    } else if let Some(counts) = stats.profiles.get(usize::from(profile)) {
        counts.records.add(1);
    }
}

/// Removes the outer header; the inner packet then is at the same `l3`.
pub(crate) fn remove_outer<P: PacketBuf>(packet: &mut P, located: &Located, inner: usize) {
    tunnel::remove(packet, located.l3.into(), inner);
}

/// Removes the profile's namespaces' options, of whatever type, from the packet's own header.
pub(crate) fn remove_inline<P: PacketBuf, S>(
    packet: &mut P,
    located: &Located,
    index: u16,
    context: &Context<'_, S>,
) {
    let l3 = usize::from(located.l3);
    let ours = |namespace| takes(namespace, index, context);
    let len = usize::from(located.hop_by_hop);
    let _ = options_header::remove(packet, l3, l3 + 6, l3 + HEADER, len, |tlv| {
        hop_by_hop::is_of(tlv, context.tables, ours)
    });
}
