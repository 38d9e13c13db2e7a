// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Decapsulation: the options of this node's namespaces out of the packet, and into records
//! (RFC 9197, 4.2).

use super::{Context, Leaving, transit};
use crate::carrier::{Located, TraceAt, hop_by_hop, options_header, tunnel};
use crate::classify::flow_of;
use crate::packet::PacketBuf;
use crate::record::{ExportRecord, Flow, MAX_OPTION_DATA, RecordSink};
use crate::stats::Notice;
use crate::table::{Action, Decapsulation, Role};
use crate::wire::ioam::OptionType;
use crate::wire::ipv6::{HEADER, Ipv6Header};
use crate::wire::ipv6_ext::Tlvs;

/// Records every trace that some profile is to take, after adding this node's data to it where that
/// profile says so; how many there were. `subject` is the offset of the header the user's flow is read from.
pub(crate) fn record<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    subject: usize,
    leaving: Leaving,
    context: &mut Context<'_, S>,
) -> usize {
    let flow = flow_of(packet.bytes(), subject).unwrap_or_default();
    let mut next = located.trace;
    let (mut seen, mut recorded) = (*located, 0);
    while let Some(trace) = next {
        if let Some(index) = taker(packet.bytes(), located, trace.namespace, context) {
            let profile = context.tables.profiles.get(usize::from(index));
            if let Some(Action::Decapsulate(Decapsulation {
                record_self: true, ..
            })) = profile.map(|profile| &profile.action)
            {
                transit::fill(packet, trace, leaving, context);
            }
            export(packet.bytes(), located, trace, index, flow, context);
            recorded += 1;
        }
        let behind = trace.range().end - usize::from(located.l3) - HEADER;
        let (tables, stats) = (context.tables, context.stats);
        let frame = packet.bytes();
        next = hop_by_hop::next_trace(frame, located.l3, behind, tables, Some(stats), &mut seen);
    }
    recorded
}

/// The profile that decapsulates the namespace in this packet.
fn taker<S>(
    frame: &[u8],
    located: &Located,
    namespace: u8,
    context: &Context<'_, S>,
) -> Option<u16> {
    let (namespaces, in_port) = (&context.tables.namespaces, context.in_port);
    match namespaces.role(namespace, in_port, frame, located.l3.into())? {
        Role::Decapsulate(profile) => Some(profile),
        Role::Transit(_) => None,
    }
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

/// Removes the options of all namespaces decapsulated here, of whatever type, from the packet's own
/// Hop-by-Hop header.
pub(crate) fn remove_inline<P: PacketBuf, S>(
    packet: &mut P,
    located: &Located,
    context: &Context<'_, S>,
) {
    let l3 = usize::from(located.l3);
    let frame = packet.bytes();
    let mut taken = [false; 256];
    for tlv in Tlvs::new(hop_by_hop::options(frame, located)).flatten() {
        if let Some(namespace) = hop_by_hop::namespace_of(&tlv, context.tables) {
            taken[usize::from(namespace)] = taker(frame, located, namespace, context).is_some();
        }
    }
    let ours = |namespace: u8| taken[usize::from(namespace)];
    let len = usize::from(located.hop_by_hop);
    let _ = options_header::remove(packet, l3, l3 + 6, l3 + HEADER, len, |tlv| {
        hop_by_hop::is_of(tlv, context.tables, ours)
    });
}
