// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Transit: this node's data into a trace that is there already (RFC 9197, 4.2).

use super::{Context, Leaving};
use crate::carrier::{Located, TraceAt, hop_by_hop};
use crate::option_type::preallocated_trace::{self, Update};
use crate::packet::PacketBuf;
use crate::stats::{Notice, WorkerStats};
use crate::table::spec::{SeveralOptions, UndefinedBits};
use crate::table::{Role, Tables};
use crate::wire::ioam::{TraceHeader, TraceType};
use crate::wire::ipv6::HEADER;

/// Fills the packet's traces: the first of each namespace that this node is in transit for, or all
/// of them where the policy says so. `first` is the role for the trace that was found.
pub(crate) fn transit<P: PacketBuf, S>(
    packet: &mut P,
    located: &Located,
    first: Option<Role>,
    leaving: Leaving,
    context: &mut Context<'_, S>,
) {
    let (tables, stats) = (context.tables, context.stats);
    let fills_all = tables.policy.several_options == SeveralOptions::All;
    let (mut next, mut role) = (located.trace, first);
    let (mut seen, mut done) = (*located, Namespaces::default());
    let notices = (!located.noticed).then_some(stats);
    while let Some(trace) = next {
        let header = packet
            .bytes()
            .get(trace.range())
            .and_then(TraceHeader::split);
        let skipped = header.is_some_and(|(header, _)| skips(header.trace_type(), tables));
        // What is passed over leaves the namespace's next trace to be filled.
        if skipped || done.add(trace.namespace) || fills_all {
            match role {
                Some(Role::Transit(profile)) => {
                    fill(packet, trace, leaving, context);
                    if !skipped {
                        count(profile, stats);
                    }
                }
                Some(Role::Decapsulate(_)) => {}
                None => stats.notice(Notice::NoProfile),
            }
        }
        let behind = trace.range().end - usize::from(located.l3) - HEADER;
        let frame = packet.bytes();
        next = hop_by_hop::next_trace(frame, located.l3, behind, tables, notices, &mut seen);
        role = next.and_then(|trace| {
            let (namespace, l3) = (trace.namespace, usize::from(located.l3));
            tables
                .namespaces
                .role(namespace, context.in_port, frame, l3)
        });
    }
}

fn count(profile: Option<u16>, stats: &WorkerStats) {
    let counts = profile.and_then(|index| stats.profiles.get(usize::from(index)));
    if let Some(counts) = counts {
        counts.selected.add(1);
        counts.done.add(1);
    }
}

/// Whether this node adds nothing to traces of that type (RFC 9197, 4.4.1); it still takes them out.
fn skips(kind: TraceType, tables: &Tables) -> bool {
    kind.has(TraceType::UNDEFINED) && tables.policy.undefined_bits == UndefinedBits::Skip
}

/// A set of namespaces, by index.
#[derive(Default)]
struct Namespaces([u64; 4]);

impl Namespaces {
    /// Adds one; whether it is new.
    fn add(&mut self, namespace: u8) -> bool {
        let bit = 1u64 << (namespace & 63);
        let word = &mut self.0[usize::from(namespace >> 6)];
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
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
    if skips(kind, tables) {
        stats.notice(Notice::TraceUndefinedBits);
        return;
    }
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
        // Linux looks for any room before it looks at how much it needs.
        Update::Nothing if tables.linux() && preallocated_trace::overflow_if_full(option_data) => {
            counts.iter().for_each(|counts| counts.overflowed.add(1));
        }
        Update::Nothing => stats.notice(Notice::TraceEmpty),
    }
}
