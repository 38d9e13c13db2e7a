// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Transit: this node's data into a trace that is there already (RFC 9197, 4.2).

use super::{Context, Leaving};
use crate::carrier::{Located, TraceAt, hop_by_hop};
use crate::option_type::preallocated_trace::{self, Update};
use crate::packet::PacketBuf;
use crate::stats::Notice;
use crate::table::spec::SeveralOptions;
use crate::wire::ioam::TraceHeader;
use crate::wire::ipv6::HEADER;

/// Fills the trace that was found, and the ones behind it where the policy says so.
pub(crate) fn transit<P: PacketBuf, S>(
    packet: &mut P,
    located: &Located,
    leaving: Leaving,
    context: &mut Context<'_, S>,
) {
    let mut next = located.trace;
    let mut seen = *located;
    while let Some(trace) = next {
        fill(packet, trace, leaving, context);
        if context.tables.policy.several_options == SeveralOptions::First {
            return;
        }
        let behind = trace.range().end - usize::from(located.l3) - HEADER;
        let (tables, stats) = (context.tables, context.stats);
        let frame = packet.bytes();
        next = hop_by_hop::next_trace(frame, located.l3, behind, tables, stats, &mut seen);
    }
}

/// Adds this node's element to one trace, and counts what became of it.
pub(crate) fn fill<P: PacketBuf, S>(
    packet: &mut P,
    trace: TraceAt,
    leaving: Leaving,
    context: &mut Context<'_, S>,
) {
    let (tables, stats) = (context.tables, context.stats);
    let Some(option_data) = packet.bytes_mut().get_mut(trace.range()) else {
        return;
    };
    let Some((header, _)) = TraceHeader::split(option_data) else {
        return;
    };
    let (in_port, kind) = (context.in_port, header.trace_type());
    let own = context
        .own_data
        .get(tables, trace.namespace, kind, in_port, leaving.port);
    let (Some(own), Some(namespace)) = (own, tables.namespaces.get(trace.namespace)) else {
        return;
    };
    let counts = stats.namespaces.get(usize::from(trace.namespace));
    match preallocated_trace::update(
        option_data,
        own,
        namespace,
        leaving.hop_limit,
        context.moment,
    ) {
        Update::Filled => counts.iter().for_each(|counts| counts.filled.add(1)),
        Update::Overflowed => counts.iter().for_each(|counts| counts.overflowed.add(1)),
        Update::OverflowSeen => stats.notice(Notice::TraceOverflowed),
        Update::Nothing => stats.notice(Notice::TraceEmpty),
    }
}
