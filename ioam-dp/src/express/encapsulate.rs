// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Encapsulation by a profile that is ready: its headers go in as they are, and what differs from
//! packet to packet is written into them (RFC 9197, 4.2; RFC 9326, 3.1.1; RFC 9486, 4).

use std::sync::atomic::Ordering::Relaxed;

use super::Lane;
use super::ready::{Counted, Numbered, Ready};
use super::shape::{BEHIND, HOP_LIMIT, IPV6, NEXT_HEADER, PAYLOAD_LENGTH, decrement_hop_limit};
use crate::action::Context;
use crate::action::state::Limited;
use crate::classify::{flow_label, flow_of};
use crate::flow_state::FlowKey;
use crate::packet::PacketBuf;
use crate::record::RecordSink;
use crate::stats::Notice;
use crate::table::Sequence;
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};

/// Puts the profile's options in, unless a limit or a full table is against it; the first pass has
/// seen that they fit.
#[inline]
pub(super) fn encapsulate<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    lane: &mut Lane,
    index: u16,
    counted: Counted,
    context: &mut Context<'_, S>,
) {
    decrement_hop_limit(packet, lane.decrement);
    let Some(Some(ready)) = lane.ready.get_mut(usize::from(index)) else {
        return;
    };
    let mut sequence = 0;
    if let Some(numbered) = &ready.numbered {
        match reserve(packet, ready, numbered, counted.key, context) {
            Ok(number) => sequence = number,
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
        put(headers, ready, counted.flow_id, sequence);
        ready.count(context.stats);
    }
}

/// Writes the numbers of one packet's direct export.
#[inline]
fn put(headers: &mut [u8], ready: &Ready, flow_id: u32, sequence: u32) {
    let Some(places) = &ready.numbered else {
        return;
    };
    let mut put = |at: usize, number: u32| {
        if let Some(word) = headers.get_mut(at..at + 4) {
            word.copy_from_slice(&number.to_be_bytes());
        }
    };
    if let Some((at, _)) = places.flow_id {
        put(at, flow_id);
    }
    if let Some((at, _)) = &places.sequence {
        put(*at, sequence);
    }
}

/// Asks the limit, then takes the next number, of the flow or of all.
#[inline]
fn reserve<P: PacketBuf, S>(
    packet: &P,
    ready: &Ready,
    numbered: &Numbered,
    key: FlowKey,
    context: &mut Context<'_, S>,
) -> Result<u32, Notice> {
    let length =
        Ipv6Header::at(packet.bytes(), IPV6).map_or(0, |header| header.payload_length.get());
    let octets = BEHIND + usize::from(length) + ready.grow();
    let (now, state) = (context.moment.received, &mut *context.state);
    let limited = Limited::DirectExport;
    if !state.limits.take(limited, ready.out, now, octets) {
        return Err(Notice::EncapRateLimited);
    }
    match &numbered.sequence {
        None => Ok(0),
        Some((_, Sequence::PerFlow { .. })) => {
            let next = state.sequences.next_of_flow(key, now);
            next.ok_or(Notice::FlowTableFull)
        }
        Some((_, Sequence::Shared(counter))) => {
            let next = counter.fetch_add(1, Relaxed) & u64::from(u32::MAX);
            Ok(u32::try_from(next).unwrap_or(0))
        }
    }
}

/// In front of the packet, IPv6-in-IPv6; the offset of the outer header.
#[inline]
fn insert_outer<P: PacketBuf>(packet: &mut P, ready: &Ready) -> Option<usize> {
    let frame = packet.bytes();
    let addresses = *frame.first_chunk::<IPV6>()?;
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
    *frame.first_chunk_mut()? = addresses;
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
