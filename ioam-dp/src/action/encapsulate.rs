// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Encapsulation: a trace option into a packet that has none (RFC 9197, 4.2; RFC 9486, 4).

use super::Context;
use crate::carrier::hop_by_hop::{self, InsertError};
use crate::carrier::tunnel;
use crate::classify::{flow_label, flow_of};
use crate::packet::PacketBuf;
use crate::port::PortId;
use crate::stats::{DropReason, Notice};
use crate::table::Encapsulation;
use crate::table::spec::{OverMtu, Placement, Side};
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};
use crate::wire::ipv6_ext;

/// Puts the profile's option into the IPv6 packet at `l3`, whose hop limit is decremented already.
/// `Ok(false)` when that was not possible and the packet goes on as it is.
pub(crate) fn encapsulate<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    what: &Encapsulation,
    out_port: PortId,
    context: &mut Context<'_, S>,
) -> Result<bool, DropReason> {
    let stats = context.stats;
    let Some(out) = context.tables.port(out_port) else {
        return Ok(false);
    };
    if out.side != Side::Inside {
        stats.notice(Notice::EncapToEdge);
        return Ok(false);
    }
    let present = present_header(packet.bytes(), l3);
    let grow = match what.placement {
        Placement::Inline => hop_by_hop::growth(present, &what.image, what.option()),
        Placement::Ip6InIp6 { .. } => what.image.len(),
    };
    let length = Ipv6Header::at(packet.bytes(), l3).map_or(0, |h| h.payload_length.get().into());
    if HEADER + length + grow > out.mtu {
        stats.notice(Notice::EncapOverMtu);
        return match what.over_mtu {
            OverMtu::Skip => Ok(false),
            OverMtu::Drop => Err(DropReason::EncapOverMtu),
        };
    }
    let inserted = match what.placement {
        Placement::Inline => inline(packet, l3, present, what, context),
        Placement::Ip6InIp6 { .. } => outer(packet, l3, what, context),
    };
    match inserted {
        Ok(option_at) => {
            own_data(packet, l3, option_at, what, out_port, context);
            let counts = stats.namespaces.get(usize::from(what.namespace));
            counts.iter().for_each(|counts| counts.encapsulated.add(1));
            Ok(true)
        }
        Err(InsertError::NoHeadroom) => {
            stats.notice(Notice::EncapNoHeadroom);
            Ok(false)
        }
        Err(InsertError::HeaderFull) => {
            stats.notice(Notice::EncapHeaderFull);
            Ok(false)
        }
    }
}

/// Octets of the packet's own Hop-by-Hop header, or 0.
fn present_header(frame: &[u8], l3: usize) -> usize {
    let first = Ipv6Header::at(frame, l3).map(|header| header.next_header);
    let start = frame.get(l3 + HEADER..).unwrap_or(&[]);
    match first {
        Some(next_header::HOP_BY_HOP) => ipv6_ext::header_len(start).unwrap_or(0),
        _ => 0,
    }
}

/// Inline: returns the frame offset of the option.
fn inline<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    present: usize,
    what: &Encapsulation,
    context: &Context<'_, S>,
) -> Result<usize, InsertError> {
    // Linux sends a packet that has a Hop-by-Hop header as it is.
    if present > 0 && context.tables.linux() {
        return Err(InsertError::HeaderFull);
    }
    hop_by_hop::insert(packet, l3, present, &what.image, what.option())
}

/// IPv6-in-IPv6: returns the frame offset of the option.
fn outer<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    what: &Encapsulation,
    context: &Context<'_, S>,
) -> Result<usize, InsertError> {
    let inner = *Ipv6Header::at(packet.bytes(), l3).ok_or(InsertError::HeaderFull)?;
    let linux = context.tables.linux();
    let label = match (inner.flow_label(), linux) {
        (0, false) => flow_of(packet.bytes(), l3).map_or(0, |flow| flow_label(&flow)),
        (label, _) => label,
    };
    tunnel::insert(packet, l3, &what.image, inner.traffic_class(), label)?;
    // Linux' outer header is a copy of the inner one, hop limit included.
    if linux && let Some(outer) = Ipv6Header::at_mut(packet.bytes_mut(), l3) {
        outer.hop_limit = inner.hop_limit;
    }
    Ok(l3 + what.option_at)
}

/// This node's own data into the option at `option_at`.
fn own_data<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    option_at: usize,
    what: &Encapsulation,
    out_port: PortId,
    context: &mut Context<'_, S>,
) {
    let Some((offset, len)) = what.own_data else {
        return;
    };
    let tables = context.tables;
    let hop_limit = Ipv6Header::at(packet.bytes(), l3).map_or(u8::MAX, |header| header.hop_limit);
    let (in_port, kind) = (context.in_port, what.trace_type);
    let own = context
        .own_data
        .get(tables, what.namespace, kind, in_port, Some(out_port));
    let start = option_at + offset;
    let slot = packet.bytes_mut().get_mut(start..start + len);
    if let (Some(own), Some(slot), Some(namespace)) =
        (own, slot, tables.namespaces.get(what.namespace))
    {
        own.write(slot, namespace, hop_limit, context.moment);
    }
}
