// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Loopback flag (RFC 9322, 4): a copy of the packet's headers goes back to where they came
//! from, and the node that asked for it takes it in.

use super::Context;
use super::export::{Noted, Subject, record};
use super::state::Limited;
use crate::carrier::{Kind, Located, OptionAt, hop_by_hop};
use crate::classify::flow_of;
use crate::record::{Occasion, RecordSink};
use crate::stats::{DropReason, Notice};
use crate::table::Tables;
use crate::wire::ethernet;
use crate::wire::ioam::{OptionType, TraceFlags, TraceHeader, TraceType};
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};

/// The hop limit of copies, which travel as packets of this node's own.
const HOP_LIMIT: u8 = 64;

/// Sends a copy of the frame back when its first trace asks for one: its headers up to the IOAM
/// options, with the Loopback flag cleared so that nobody copies the copy.
pub(crate) fn copy_back<S>(
    frame: &[u8],
    located: &Located,
    trace: OptionAt,
    context: &mut Context<'_, S>,
) {
    let (tables, stats, port) = (context.tables, context.stats, context.in_port);
    // Linux knows of no such flag.
    if !asks(frame, trace) || tables.linux() {
        return;
    }
    let header = frame.get(trace.range()).and_then(TraceHeader::split);
    let kind = header.map(|(header, _)| header.trace_type());
    if !tables.policy.loopback {
        stats.notice(Notice::LoopbackOff);
        return;
    }
    let address = tables.port(port).and_then(|port| port.address);
    let (Some(about), Some(address), Some(TraceType::HOP_LIM_NODE_ID)) =
        (answerable(frame, located), address, kind)
    else {
        stats.notice(Notice::LoopbackNotAllowed);
        return;
    };
    // A tunnel that the packet was just put into is not its own.
    let l3 = usize::from(located.l3);
    let link = ethernet::payload(frame).map_or(l3, |(_, link)| link.min(l3));
    let end = l3 + HEADER + usize::from(located.hop_by_hop);
    let (Some(tags), Some(headers)) = (frame.get(..link), frame.get(l3..end)) else {
        return;
    };
    let (now, state) = (context.moment.received, &mut *context.state);
    let octets = link + headers.len();
    if !state.limits.take(Limited::Loopback, port, now, octets) {
        stats.notice(Notice::LoopbackSuppressed);
        return;
    }
    if !state.outbox.push(port, &[tags, headers]) {
        stats.notice(Notice::OriginateNoRoom);
        return;
    }
    let mac = tables.port(port).map_or([0; 6], |port| port.mac);
    if let Some(copy) = state.outbox.last_mut() {
        ethernet::set_addresses(copy, ethernet::source(frame), mac);
        if let Some(packet) = copy.get_mut(link..) {
            turn_around(packet, located, trace, &about, address.octets());
        }
        stats.notice(Notice::LoopbackSent);
    }
}

/// Whether the trace has the Loopback flag.
pub(crate) fn asks(frame: &[u8], trace: OptionAt) -> bool {
    let header = frame.get(trace.range()).and_then(TraceHeader::split);
    header.is_some_and(|(header, _)| header.has(TraceFlags::LOOPBACK))
}

/// The packet's header, when a copy may go back to its source: one host, and on this link alone
/// if the packet was.
fn answerable(frame: &[u8], located: &Located) -> Option<Ipv6Header> {
    let header = *Ipv6Header::at(frame, located.l3.into())?;
    let [first, ..] = header.source;
    let one_host = first != 0xFF && header.source != [0; 16];
    (one_host && !ethernet::is_group(frame) && !crate::forward::stays_on_link(&header))
        .then_some(header)
}

/// Makes the way back of a copy of the headers of `located`, which stand at its start.
fn turn_around(
    copy: &mut [u8],
    located: &Located,
    trace: OptionAt,
    about: &Ipv6Header,
    address: [u8; 16],
) {
    if let Some(header) = Ipv6Header::at_mut(copy, 0) {
        (header.source, header.destination) = (address, about.source);
        header.hop_limit = HOP_LIMIT;
        header.payload_length.set(located.hop_by_hop);
    }
    if let Some(next) = copy.get_mut(HEADER) {
        *next = next_header::NONE;
    }
    let option = copy.get_mut(HEADER + trace.start(located.l3)..);
    if let Some((header, _)) = option.and_then(TraceHeader::split_mut) {
        header.clear(TraceFlags::LOOPBACK);
    }
}

/// Whether nothing follows the packet's options, as in a copy that was looped back.
pub(crate) fn is_empty(frame: &[u8], located: &Located) -> bool {
    let at = usize::from(located.l3) + HEADER;
    located.hop_by_hop > 0 && frame.get(at) == Some(&next_header::NONE)
}

/// Whether the packet can be a copy that was looped back: nothing follows its options, and its
/// first trace is of the only type that loops. A user's packet may be empty, too.
pub(crate) fn may_be_copy(frame: &[u8], located: &Located, tables: &Tables) -> bool {
    let loops = |trace: OptionAt| {
        let header = frame.get(trace.range()).and_then(TraceHeader::split);
        header.is_some_and(|(header, _)| header.trace_type() == TraceType::HOP_LIM_NODE_ID)
    };
    is_empty(frame, located) && traces(frame, located, tables).next().is_some_and(loops)
}

/// Whether the packet is a copy that came back to the address this node sends from.
pub(crate) fn came_home(frame: &[u8], located: &Located, tables: &Tables) -> bool {
    if tables.home.is_empty() || !is_empty(frame, located) {
        return false;
    }
    let header = Ipv6Header::at(frame, located.l3.into());
    let mut home = tables.home.iter();
    header.is_some_and(|header| home.any(|(address, _)| *address == header.destination))
}

/// Takes in a copy that came back: recorded when its oldest element is this node's, dropped when
/// it is another's.
pub(crate) fn take_in<S: RecordSink>(
    frame: &[u8],
    located: &Located,
    context: &mut Context<'_, S>,
) -> DropReason {
    let trace = traces(frame, located, context.tables).next();
    let data = trace.and_then(|trace| frame.get(trace.range()));
    let (Some(trace), Some(data)) = (trace, data) else {
        return DropReason::LoopedBackForeign;
    };
    if !is_ours(data, trace.namespace, context.tables) {
        return DropReason::LoopedBackForeign;
    }
    let l3 = usize::from(located.l3);
    let flow = flow_of(frame, l3).unwrap_or_default();
    let noted = Noted {
        occasion: Occasion::LoopedBack,
        option_type: OptionType::PreallocatedTrace,
        namespace: trace.namespace,
        data,
        proof: None,
    };
    record(noted, &Subject::new(frame, l3, flow, None), context);
    DropReason::LoopedBack
}

/// Whether this node sends such traces to be looped, and the oldest element is its own. In the only
/// type that loops an element is one word, the node id its lower 24 bits.
fn is_ours(data: &[u8], namespace: u8, tables: &Tables) -> bool {
    if tables.home.iter().all(|(_, looping)| *looping != namespace) {
        return false;
    }
    let Some((header, space)) = TraceHeader::split(data) else {
        return false;
    };
    let used = space.get(usize::from(header.remaining_len()) * 4..);
    let oldest = used.and_then(<[u8]>::last_chunk::<4>);
    header.trace_type() == TraceType::HOP_LIM_NODE_ID
        && oldest
            .is_some_and(|word| u32::from_be_bytes(*word) & 0xFF_FFFF == tables.identity.node_id)
}

/// The first trace of a located frame that this node has any part in, whatever stands before it.
pub(crate) fn first_trace<S>(
    frame: &[u8],
    located: &Located,
    context: &Context<'_, S>,
) -> Option<OptionAt> {
    let (namespaces, in_port) = (&context.tables.namespaces, context.in_port);
    traces(frame, located, context.tables).find(|trace| {
        let role = namespaces.role(trace.namespace, in_port, frame, located.l3.into());
        role.is_some()
    })
}

/// The traces of a located frame, in order.
fn traces(frame: &[u8], located: &Located, tables: &Tables) -> impl Iterator<Item = OptionAt> {
    let mut seen = *located;
    let options = std::iter::successors(located.first, move |option| {
        let from = option.end(located.l3);
        hop_by_hop::next_option(frame, located.l3, from, tables, None, &mut seen)
    });
    options.filter(|option| option.kind == Kind::Trace)
}
