// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Active measurement with copies of real packets (RFC 9322, 5; RFC 9378, 7.6): the copy, cut short,
//! is encapsulated with the Active flag, and the packet itself goes on untouched.

use super::Context;
use super::encapsulate::{Wanted, encapsulate};
use crate::carrier::packet_end;
use crate::forward::{self, Hop};
use crate::packet::PacketBuf;
use crate::port::PortId;
use crate::record::RecordSink;
use crate::stats::Notice;
use crate::table::Tables;
use crate::table::spec::Placement;
use crate::wire::ethernet;
use crate::wire::ipv6::{HEADER, Ipv6Header};

/// Room in front of a copy: the longest header that options can make, twice, and a tunnel's.
const HEADROOM: usize = 4608;

/// Sends a copy of the first `length` octets of the IPv6 packet at `l3`, whose hop limit is
/// decremented already, by the way of the tunnel it is put into.
pub(crate) fn replicate<S: RecordSink>(
    frame: &[u8],
    l3: usize,
    length: u16,
    wanted: Wanted<'_>,
    context: &mut Context<'_, S>,
) {
    let Ok(end) = packet_end(frame, l3) else {
        context.stats.notice(Notice::EncapHeaderFull);
        return;
    };
    let end = end.min(l3 + usize::from(length).max(HEADER));
    let mut copy = context.state.scratch.take();
    copy.refill(frame.get(..end).unwrap_or(frame), HEADROOM);
    if let Some(header) = Ipv6Header::at_mut(copy.bytes_mut(), l3) {
        header
            .payload_length
            .set(u16::try_from(end - l3 - HEADER).unwrap_or(0));
    }
    let destination = Ipv6Header::at(frame, l3).map(|header| header.destination);
    let hop = way(context.tables, wanted, context.in_port, destination);
    match hop {
        Some(hop) => {
            emit(&mut copy, l3, wanted, hop, context);
        }
        None => context.stats.notice(Notice::EncapNoRoute),
    }
    context.state.scratch = copy;
}

/// The next hop of a packet put into the profile's tunnel, or inline on its own way.
fn way(
    tables: &Tables,
    wanted: Wanted<'_>,
    in_port: PortId,
    destination: Option<[u8; 16]>,
) -> Option<Hop> {
    let outer = match wanted.what.placement {
        Placement::Ip6InIp6 { destination, .. } => Some(destination.octets()),
        Placement::Inline => destination,
    };
    forward::hop(tables, in_port, outer.as_ref()).ok()
}

/// Encapsulates a packet made here and puts it with those to be sent; whether it is there.
pub(crate) fn emit<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    l3: usize,
    wanted: Wanted<'_>,
    hop: Hop,
    context: &mut Context<'_, S>,
) -> bool {
    // First of all, since sequence numbers are used up only by what is sent.
    let most = packet.bytes().len() + wanted.what.longest();
    if !context.state.outbox.fits(most) {
        context.stats.notice(Notice::OriginateNoRoom);
        return false;
    }
    if !matches!(encapsulate(packet, l3, wanted, hop.port, context), Ok(true)) {
        return false;
    }
    if let (Some(mac), Some(out)) = (hop.mac, context.tables.port(hop.port)) {
        ethernet::set_addresses(packet.bytes_mut(), mac, out.mac);
    }
    if !context.state.outbox.push(hop.port, &[packet.bytes()]) {
        context.stats.notice(Notice::OriginateNoRoom);
        return false;
    }
    context.stats.notice(Notice::ActiveSent);
    if let Some(counts) = context.stats.profiles.get(usize::from(wanted.index)) {
        counts.done.add(1);
    }
    true
}
