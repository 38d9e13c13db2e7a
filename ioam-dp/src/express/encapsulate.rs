// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Encapsulation by a profile that is ready: its headers go in as they are, and what differs from
//! packet to packet is written into them (RFC 9197, 4.2; RFC 9326, 3.1.1; RFC 9486, 4).

use super::Lane;
use super::ready::Ready;
use super::shape::{BEHIND, HOP_LIMIT, IPV6, NEXT_HEADER, PAYLOAD_LENGTH, decrement_hop_limit};
use crate::action::Context;
use crate::action::encapsulate::flow_id_of;
use crate::action::state::Limited;
use crate::classify::{flow_label, flow_of};
use crate::packet::PacketBuf;
use crate::record::RecordSink;
use crate::stats::Notice;
use crate::table::{Action, Encapsulation};
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};

/// Puts the profile's options in, unless a limit or a full table is against it; the first pass has
/// seen that they fit.
#[inline]
pub(super) fn encapsulate<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    lane: &mut Lane,
    index: u16,
    context: &mut Context<'_, S>,
) {
    decrement_hop_limit(packet, lane.decrement);
    let Some(Some(ready)) = lane.ready.get_mut(usize::from(index)) else {
        return;
    };
    let mut numbers = Numbers::default();
    if ready.numbered.is_some() {
        match reserve(packet, ready, index, context) {
            Ok(reserved) => numbers = reserved,
            Err(notice) => return context.stats.notice(notice),
        }
    }
    ready.refresh(lane.burst, context);
    let at = if ready.tunnel {
        insert_outer(packet, ready)
    } else {
        insert_inline(packet, ready)
    };
    if let Some(headers) = at.and_then(|at| packet.bytes_mut().get_mut(at..)) {
        numbers.put(headers, ready);
        ready.count(context.stats);
    }
}

/// The numbers of one packet's direct export.
#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    flow_id: u32,
    sequence: u32,
}

impl Numbers {
    #[inline]
    fn put(self, headers: &mut [u8], ready: &Ready) {
        let Some(places) = ready.numbered else {
            return;
        };
        let mut put = |at: usize, number: u32| {
            if let Some(word) = headers.get_mut(at..at + 4) {
                word.copy_from_slice(&number.to_be_bytes());
            }
        };
        if let Some((at, _)) = places.flow_id {
            put(at, self.flow_id);
        }
        if let Some(at) = places.sequence {
            put(at, self.sequence);
        }
    }
}

/// Asks the limit, then takes the flow's next number.
#[inline]
fn reserve<P: PacketBuf, S>(
    packet: &P,
    ready: &Ready,
    index: u16,
    context: &mut Context<'_, S>,
) -> Result<Numbers, Notice> {
    let frame = packet.bytes();
    let flow = flow_of(frame, IPV6).unwrap_or_default();
    let length = Ipv6Header::at(frame, IPV6).map_or(0, |header| header.payload_length.get());
    let octets = BEHIND + usize::from(length) + ready.grow();
    let (now, state) = (context.moment.received, &mut *context.state);
    if !state
        .limits
        .take(Limited::DirectExport, ready.out, now, octets)
    {
        return Err(Notice::EncapRateLimited);
    }
    let mut numbers = Numbers::default();
    let Some(what) = encapsulation(context, index) else {
        return Ok(numbers);
    };
    let places = ready.numbered;
    if places.is_some_and(|places| places.sequence.is_some()) {
        let next = context.state.sequences.next(what, &flow, now);
        let next = next.ok_or(Notice::FlowTableFull)?;
        let place = what.parts.iter().position(|part| part.sequence().is_some());
        numbers.sequence = (next.get(place.unwrap_or(0)) & 0xFFFF_FFFF) as u32;
    }
    if let Some((_, id)) = places.and_then(|places| places.flow_id) {
        numbers.flow_id = flow_id_of(id, &flow);
    }
    Ok(numbers)
}

#[inline]
fn encapsulation<'a, S>(context: &Context<'a, S>, index: u16) -> Option<&'a Encapsulation> {
    match &context.tables.profiles.get(usize::from(index))?.action {
        Action::Encapsulate(what) => Some(what),
        _ => None,
    }
}

/// In front of the packet, IPv6-in-IPv6; the offset of the outer header.
#[inline]
fn insert_outer<P: PacketBuf>(packet: &mut P, ready: &Ready) -> Option<usize> {
    let frame = packet.bytes();
    let start = *frame.first_chunk::<BEHIND>()?;
    let grow = ready.headers.len();
    let inner = Ipv6Header::at(frame, IPV6)?;
    let (class, end) = (
        inner.traffic_class(),
        BEHIND + usize::from(inner.payload_length.get()),
    );
    let label = match inner.flow_label() {
        0 => flow_label(&flow_of(frame, IPV6)?),
        label => label,
    };
    if !packet.grow_front(grow) {
        return None;
    }
    packet.truncate(grow + end);
    let frame = packet.bytes_mut();
    frame
        .first_chunk_mut::<IPV6>()?
        .copy_from_slice(start.get(..IPV6)?);
    frame
        .get_mut(IPV6..IPV6 + grow)?
        .copy_from_slice(&ready.headers);
    let outer = Ipv6Header::at_mut(frame, IPV6)?;
    let payload = grow - HEADER + (end - IPV6);
    outer
        .payload_length
        .set(u16::try_from(payload).unwrap_or(u16::MAX));
    outer.set_class_and_label(class, label);
    Some(IPV6)
}

/// Between the packet's own headers; the offset of the Hop-by-Hop header.
#[inline]
fn insert_inline<P: PacketBuf>(packet: &mut P, ready: &Ready) -> Option<usize> {
    let mut start = *packet.bytes().first_chunk::<BEHIND>()?;
    let grow = ready.headers.len();
    let payload = u16::from_be_bytes([start[PAYLOAD_LENGTH], start[PAYLOAD_LENGTH + 1]]);
    let longer = usize::from(payload) + grow;
    let [high, low] = u16::try_from(longer).unwrap_or(u16::MAX).to_be_bytes();
    let (next, hop_limit) = (start[NEXT_HEADER], start[HOP_LIMIT]);
    (start[PAYLOAD_LENGTH], start[PAYLOAD_LENGTH + 1]) = (high, low);
    start[NEXT_HEADER] = next_header::HOP_BY_HOP;
    if !packet.grow_front(grow) {
        return None;
    }
    let frame = packet.bytes_mut();
    *frame.first_chunk_mut()? = start;
    let headers = frame.get_mut(BEHIND..BEHIND + grow)?;
    headers.copy_from_slice(&ready.headers);
    *headers.first_mut()? = next;
    for place in ready.hop_limits.into_iter().flatten() {
        *headers.get_mut(place)? = hop_limit;
    }
    Some(BEHIND)
}
