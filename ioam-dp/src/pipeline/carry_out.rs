// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Second pass: one packet's plan carried out, and the packet sent on its way.

use super::leave::leave_tunnel;
use super::plan::Plan;
use crate::action::encapsulate::Wanted;
use crate::action::icmp_error;
use crate::action::{Context, Leaving, encapsulate, loopback, replicate, transit};
use crate::carrier::{Located, edge};
use crate::forward::{self, Hop};
use crate::packet::PacketBuf;
use crate::port::PortId;
use crate::record::RecordSink;
use crate::stats::{DropReason, Notice};
use crate::table::spec::{ActiveSpec, EdgePolicy, Placement, Side};
use crate::table::{Action, Encapsulation, ForwardingMode, Tables};
use crate::wire::ethernet;
use crate::wire::icmpv6::Error;
use crate::wire::ipv6::{HEADER, Ipv6Header};

/// The packet's way through the second pass; the port it leaves by, or why it does not.
pub(super) fn carry_out<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    plan: Plan,
    context: &mut Context<'_, S>,
) -> Result<PortId, DropReason> {
    let tables = context.tables;
    if let Plan::Drop(reason) = plan {
        return Err(reason);
    }
    let l3 = usize::from(located.l3);
    if l3 == 0 {
        let in_port = context.in_port;
        guard_hidden(packet, in_port, DropReason::EdgeIngress, context)?;
        let hop = forward::hop(tables, in_port, None)?;
        guard_hidden(packet, hop.port, DropReason::EdgeEgress, context)?;
        return send(packet, hop, context);
    }
    let mut located = *located;
    if guard_edge(
        packet,
        l3,
        context.in_port,
        DropReason::EdgeIngress,
        context,
    )? {
        // What the first pass saw is gone from the packet.
        located = Located {
            l3: located.l3,
            ..Located::default()
        };
        return route_and_send(packet, &located, Plan::Pass, context);
    }
    match plan {
        Plan::TakeIn => Err(loopback::take_in(packet.bytes(), &located, context)),
        Plan::Decapsulate(profile) | Plan::Terminate(profile) => {
            leave_tunnel(packet, &located, plan, profile, context)
        }
        _ => route_and_send(packet, &located, plan, context),
    }
}

/// Finds the way, decrements the hop limit, fills or encapsulates, and sends.
pub(super) fn route_and_send<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    plan: Plan,
    context: &mut Context<'_, S>,
) -> Result<PortId, DropReason> {
    let l3 = usize::from(located.l3);
    let tables = context.tables;
    let mut encapsulation = encapsulation(tables, plan);
    let header = *Ipv6Header::at(packet.bytes(), l3).ok_or(DropReason::NotIpv6)?;
    let rewrites = !matches!(tables.forwarding.mode, ForwardingMode::Wire { .. });
    if rewrites && forward::stays_on_link(&header) {
        return Err(DropReason::LinkLocal);
    }
    let own = forward::hop(tables, context.in_port, Some(&header.destination));
    let tunnel = outer_destination(encapsulation)
        .filter(|_| rewrites)
        .map(|outer| forward::hop(tables, context.in_port, Some(&outer)));
    let mut hop = match tunnel {
        None => own?,
        Some(Ok(hop)) => hop,
        Some(Err(_)) => {
            context.stats.notice(Notice::EncapNoRoute);
            encapsulation = None;
            own?
        }
    };
    // Encapsulation looks at the MTU of the tunnel's port itself, and may be skipped.
    let elsewhere = encapsulation.is_some() && own != Ok(hop);
    let mut hop_limit = header.hop_limit;
    // Neighbour discovery over a wire needs the hop limit it was sent with (RFC 4861, 7.1).
    if tables.forwarding.decrement_hop_limit && !forward::stays_on_link(&header) {
        if hop_limit <= 1 {
            return expired(packet, l3, context);
        }
        hop_limit -= 1;
        if let Some(header) = Ipv6Header::at_mut(packet.bytes_mut(), l3) {
            header.hop_limit = hop_limit;
        }
    }
    if !elsewhere && too_big(packet.bytes(), l3, hop.port, tables) {
        return answer_too_big(packet, l3, hop.port, context);
    }
    let mut layer = Some(*located);
    if let (Plan::Encapsulate(index), Some(what)) = (plan, encapsulation) {
        let wanted = Wanted { index, what };
        if !encapsulate::encapsulate(packet, l3, wanted, hop.port, context)? {
            // It goes on as it is, and so to its own destination.
            hop = own?;
            if elsewhere && too_big(packet.bytes(), l3, hop.port, tables) {
                return answer_too_big(packet, l3, hop.port, context);
            }
        } else {
            // Only a tunnel is put around a packet that has options already.
            layer = located.behind(what.image.len());
            let counts = context.stats.profiles.get(usize::from(index));
            counts.iter().for_each(|counts| counts.done.add(1));
        }
    }
    if let Some(located) = layer {
        let port = Some(hop.port);
        in_transit(packet, &located, plan, Leaving { hop_limit, port }, context);
    }
    if let Plan::Replicate(index) = plan {
        copy(packet, l3, index, context);
    }
    guard_edge(packet, l3, hop.port, DropReason::EdgeEgress, context)?;
    send(packet, hop, context)
}

/// Works on the options of the packet's own headers, whatever is around them by now.
fn in_transit<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    plan: Plan,
    leaving: Leaving,
    context: &mut Context<'_, S>,
) {
    let Some(option) = located.first else {
        return;
    };
    let (namespaces, in_port) = (&context.tables.namespaces, context.in_port);
    let first = match plan {
        Plan::Transit(first) => first,
        _ => namespaces.role(option.namespace, in_port, packet.bytes(), located.l3.into()),
    };
    transit::transit(packet, located, first, leaving, context);
}

/// Sends an encapsulated copy of the packet, which itself stays as it is.
fn copy<P: PacketBuf, S: RecordSink>(
    packet: &P,
    l3: usize,
    index: u16,
    context: &mut Context<'_, S>,
) {
    let tables = context.tables;
    let action = tables
        .profiles
        .get(usize::from(index))
        .map(|profile| &profile.action);
    if let Some(Action::Encapsulate(what)) = action
        && let Some(ActiveSpec::Copies { length }) = what.active
    {
        let wanted = Wanted { index, what };
        replicate::replicate(packet.bytes(), l3, length, wanted, context);
    }
}

fn encapsulation(tables: &Tables, plan: Plan) -> Option<&Encapsulation> {
    let Plan::Encapsulate(index) = plan else {
        return None;
    };
    match &tables.profiles.get(usize::from(index))?.action {
        Action::Encapsulate(what) => Some(what),
        _ => None,
    }
}

fn outer_destination(what: Option<&Encapsulation>) -> Option<[u8; 16]> {
    match what?.placement {
        Placement::Ip6InIp6 { destination, .. } => Some(destination.octets()),
        Placement::Inline => None,
    }
}

/// Applies the edge policy of `port` to a packet entering or leaving by it; whether options were
/// removed.
fn guard_edge<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    port: PortId,
    reason: DropReason,
    context: &Context<'_, S>,
) -> Result<bool, DropReason> {
    let side = context
        .tables
        .port(port)
        .map_or(Side::Inside, |port| port.side);
    let Side::Edge(policy) = side else {
        return Ok(false);
    };
    if !edge::carries_ioam(packet.bytes(), l3) {
        return Ok(false);
    }
    if policy == EdgePolicy::Drop {
        return Err(reason);
    }
    edge::strip(packet, l3);
    if edge::carries_ioam(packet.bytes(), l3) {
        return Err(reason);
    }
    context.stats.notice(Notice::EdgeStripped);
    Ok(true)
}

/// An edge port lets no IOAM pass behind more tags than this node sees through otherwise.
fn guard_hidden<P: PacketBuf, S>(
    packet: &P,
    port: PortId,
    reason: DropReason,
    context: &Context<'_, S>,
) -> Result<(), DropReason> {
    let side = context.tables.port(port).map(|port| port.side);
    if !matches!(side, Some(Side::Edge(_))) {
        return Ok(());
    }
    match ethernet::behind_all_tags(packet.bytes()) {
        Some((ethernet::IPV6, l3)) if edge::carries_ioam(packet.bytes(), l3) => Err(reason),
        _ => Ok(()),
    }
}

/// The hop limit does not allow another hop: an error goes back where it may.
fn expired<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    context: &mut Context<'_, S>,
) -> Result<PortId, DropReason> {
    answer(
        packet,
        l3,
        Error::HopLimitExceeded,
        DropReason::HopLimitExceeded,
        context,
    )
}

/// Sends the error back in the packet's place; the packet itself counts as dropped.
fn answer<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    error: Error,
    reason: DropReason,
    context: &mut Context<'_, S>,
) -> Result<PortId, DropReason> {
    if !icmp_error::originate(packet, l3, error, context) {
        return Err(reason);
    }
    context.stats.dropped(reason);
    context.stats.notice(Notice::IcmpSent);
    Ok(context.in_port)
}

/// Whether the packet is larger than the port's MTU. Checked before anything is filled, so that an
/// error quotes the packet without this node's data.
fn too_big(frame: &[u8], l3: usize, port: PortId, tables: &Tables) -> bool {
    let header = Ipv6Header::at(frame, l3);
    let length = header.map_or(0, |h| HEADER + usize::from(h.payload_length.get()));
    tables.port(port).is_some_and(|out| length > out.mtu)
}

fn answer_too_big<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    port: PortId,
    context: &mut Context<'_, S>,
) -> Result<PortId, DropReason> {
    let mtu = context.tables.port(port).map_or(0, |out| out.mtu);
    let error = Error::PacketTooBig(u32::try_from(mtu).unwrap_or(u32::MAX));
    answer(packet, l3, error, DropReason::OverMtu, context)
}

/// Writes the frame's addresses, where they are rewritten.
fn send<P: PacketBuf, S>(
    packet: &mut P,
    hop: Hop,
    context: &Context<'_, S>,
) -> Result<PortId, DropReason> {
    let out = context.tables.port(hop.port).ok_or(DropReason::NoPeer)?;
    if let Some(mac) = hop.mac {
        ethernet::set_addresses(packet.bytes_mut(), mac, out.mac);
    }
    Ok(hop.port)
}
