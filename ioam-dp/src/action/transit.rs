// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Transit: this node's part in options that are there already (RFC 9197, 4.2; RFC 9326, 3.1.2).

use super::export::{self, Subject};
use super::{Context, Leaving, loopback};
use crate::carrier::{Kind, Located, OptionAt, hop_by_hop, tunnel};
use crate::classify::flow_of;
use crate::option_type::preallocated_trace::{self, Update};
use crate::option_type::proof_of_transit;
use crate::packet::PacketBuf;
use crate::record::RecordSink;
use crate::stats::{Notice, WorkerStats};
use crate::table::spec::{SeveralOptions, UndefinedBits};
use crate::table::{Role, Tables};
use crate::wire::ioam::{TraceHeader, TraceType};

/// Works on the packet's options: of each type the first of each namespace that this node is in
/// transit for, or all of them where the policy says so. `first` is the role for the option that
/// was found.
pub(crate) fn transit<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    first: Option<Role>,
    leaving: Leaving,
    context: &mut Context<'_, S>,
) {
    let (tables, stats) = (context.tables, context.stats);
    let fills_all = tables.policy.several_options == SeveralOptions::All;
    let (mut next, mut role) = (located.first, first);
    let (mut seen, mut done) = (*located, Done::default());
    let notices = (!located.noticed).then_some(stats);
    while let Some(option) = next {
        let skipped = option.kind == Kind::Trace && is_skipped(packet.bytes(), option, tables);
        // What is passed over leaves the namespace's next trace to be filled.
        if skipped || done.add(option) || fills_all {
            match role {
                Some(Role::Transit(profile)) => {
                    take_part(packet, located, option, profile, leaving, context);
                    if !skipped {
                        count(profile, stats);
                    }
                }
                Some(Role::Decapsulate(_)) => {}
                None => stats.notice(Notice::NoProfile),
            }
        }
        let (from, frame) = (option.end(located.l3), packet.bytes());
        next = hop_by_hop::next_option(frame, located.l3, from, tables, notices, &mut seen);
        role = next.and_then(|option| {
            let (namespace, l3) = (option.namespace, usize::from(located.l3));
            tables
                .namespaces
                .role(namespace, context.in_port, frame, l3)
        });
    }
    if done.traces
        && !located.looped
        && let Some(trace) = loopback::first_trace(packet.bytes(), located, context)
    {
        loopback::copy_back(packet.bytes(), located, trace, context);
    }
}

/// What this node does with one option that it is in transit for.
fn take_part<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    option: OptionAt,
    profile: Option<u16>,
    leaving: Leaving,
    context: &mut Context<'_, S>,
) {
    match option.kind {
        Kind::Trace => fill(packet, option, leaving, context),
        Kind::ProofOfTransit => prove(packet, option, context),
        Kind::DirectExport => {
            let (frame, l3) = (packet.bytes(), usize::from(located.l3));
            let inner = tunnel::inner(frame, located).unwrap_or(l3);
            let flow = flow_of(frame, inner).unwrap_or_default();
            let subject = Subject::new(frame, l3, flow, profile);
            export::direct(frame, option, &subject, leaving, context);
        }
    }
}

fn count(profile: Option<u16>, stats: &WorkerStats) {
    let counts = profile.and_then(|index| stats.profiles.get(usize::from(index)));
    if let Some(counts) = counts {
        counts.selected.add(1);
        counts.done.add(1);
    }
}

fn is_skipped(frame: &[u8], option: OptionAt, tables: &Tables) -> bool {
    let header = frame.get(option.range()).and_then(TraceHeader::split);
    header.is_some_and(|(header, _)| skips(header.trace_type(), tables))
}

/// Whether this node adds nothing to traces of that type (RFC 9197, 4.4.1); it still takes them out.
fn skips(kind: TraceType, tables: &Tables) -> bool {
    kind.has(TraceType::UNDEFINED) && tables.policy.undefined_bits == UndefinedBits::Skip
}

/// The namespaces, by index, of which an option of each type was worked on.
#[derive(Default)]
struct Done {
    namespaces: [[u64; 4]; 3],
    traces: bool,
}

impl Done {
    /// Adds one; whether it is the first of its namespace and type.
    fn add(&mut self, option: OptionAt) -> bool {
        self.traces |= option.kind == Kind::Trace;
        let bit = 1u64 << (option.namespace & 63);
        let word = &mut self.namespaces[option.kind as usize][usize::from(option.namespace >> 6)];
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

/// Adds this node's element to one trace, and counts what became of it.
pub(crate) fn fill<P: PacketBuf, S>(
    packet: &mut P,
    trace: OptionAt,
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
        .state
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

/// Adds this node's share to a proof of transit.
pub(crate) fn prove<P: PacketBuf, S>(
    packet: &mut P,
    option: OptionAt,
    context: &mut Context<'_, S>,
) {
    let (tables, stats) = (context.tables, context.stats);
    let namespace = tables.namespaces.get(option.namespace);
    let keys = namespace.and_then(|namespace| namespace.proof_of_transit.as_ref());
    let (Some(keys), Some(option_data)) = (keys, packet.bytes_mut().get_mut(option.range())) else {
        stats.notice(Notice::PotNoKeys);
        return;
    };
    if proof_of_transit::update(option_data, keys).is_ok()
        && let Some(counts) = stats.namespaces.get(usize::from(option.namespace))
    {
        counts.proved.add(1);
    }
}
