// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Second pass: a packet that leaves the IOAM domain, or its tunnel, at this node.

use super::carry_out::route_and_send;
use super::plan::Plan;
use crate::action::decapsulate::{self, Found};
use crate::action::{Context, Leaving, loopback};
use crate::carrier::{Located, hop_by_hop, tunnel};
use crate::forward;
use crate::packet::PacketBuf;
use crate::port::PortId;
use crate::record::RecordSink;
use crate::stats::{DropReason, Notice};
use crate::table::Action;
use crate::table::spec::DecapsulatePlacement;
use crate::wire::ipv6::Ipv6Header;

/// Decapsulates, then forwards what is left.
pub(super) fn leave_tunnel<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    plan: Plan,
    index: u16,
    context: &mut Context<'_, S>,
) -> Result<PortId, DropReason> {
    let l3 = usize::from(located.l3);
    let tables = context.tables;
    let Some(Action::Decapsulate(what)) =
        tables.profiles.get(usize::from(index)).map(|p| &p.action)
    else {
        return Err(DropReason::DecapNoInner);
    };
    // A copy on its way back that is not this node's has nothing to go on with (RFC 9322, 4.3).
    let empty = loopback::may_be_copy(packet.bytes(), located, tables);
    let inner = match what.placement {
        DecapsulatePlacement::Inline => None,
        // Without an end of its own the tunnel is not known from the address: a packet that has no
        // inner one carries its options itself.
        DecapsulatePlacement::Ip6InIp6 { destination: None } => {
            tunnel::inner(packet.bytes(), located)
        }
        DecapsulatePlacement::Ip6InIp6 {
            destination: Some(_),
        } => match tunnel::inner(packet.bytes(), located) {
            None if !empty => return Err(DropReason::DecapNoInner),
            inner => inner,
        },
    };
    let subject = inner.unwrap_or(l3);
    let mut looped = false;
    if let Plan::Decapsulate(_) = plan {
        let found = record(packet, located, subject, context);
        looped = found.looped;
        if found.options == 0 && inner.is_some() {
            context.stats.notice(Notice::DecapForeign);
        }
        if found.active {
            count(index, context);
            return Err(DropReason::ActiveTerminated);
        }
    }
    if empty {
        return Err(DropReason::LoopedBackForeign);
    }
    match inner {
        Some(inner) => decapsulate::remove_outer(packet, located, inner),
        None => decapsulate::remove_inline(packet, located, context),
    }
    count(index, context);
    // Inline, other namespaces' options stay, and this node may be in transit for them.
    let mut left = Located {
        l3: located.l3,
        ..Located::default()
    };
    let mut plan = Plan::Pass;
    if inner.is_none() {
        left = hop_by_hop::remaining(packet.bytes(), left.l3, tables);
        left.looped = looped;
        if let Some(option) = left.first {
            let (namespace, in_port) = (option.namespace, context.in_port);
            let role = tables
                .namespaces
                .role(namespace, in_port, packet.bytes(), l3);
            plan = Plan::Transit(role);
        }
    }
    route_and_send(packet, &left, plan, context)
}

fn count<S>(profile: u16, context: &Context<'_, S>) {
    if let Some(counts) = context.stats.profiles.get(usize::from(profile)) {
        counts.selected.add(1);
        counts.done.add(1);
    }
}

/// Records the options of a packet about to be decapsulated. The node's own
/// element has the hop limit that the outer packet would leave with, and the port that the inner
/// one leaves by.
fn record<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    subject: usize,
    context: &mut Context<'_, S>,
) -> Found {
    let tables = context.tables;
    let frame = packet.bytes();
    let inner_destination = Ipv6Header::at(frame, subject).map(|header| header.destination);
    let hop = forward::hop(tables, context.in_port, inner_destination.as_ref()).ok();
    let received = Ipv6Header::at(frame, located.l3.into()).map_or(0, |header| header.hop_limit);
    let decrement = u8::from(tables.forwarding.decrement_hop_limit);
    // Below 0 is 255 to Linux, which elsewhere is the mark of a layer without hop limits.
    let hop_limit = match tables.linux() {
        true => received.wrapping_sub(decrement),
        false => received.saturating_sub(decrement),
    };
    let leaving = Leaving {
        hop_limit,
        port: hop.map(|hop| hop.port),
    };
    decapsulate::record(packet, located, subject, leaving, context)
}
