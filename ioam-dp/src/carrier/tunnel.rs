// SPDX-License-Identifier: Apache-2.0 OR MIT
//! IPv6-in-IPv6 (RFC 2473): the outer header that carries IOAM for traffic in flight, since a
//! transit device must not insert into a packet that is not its own (RFC 9486, 4, C4).

use super::{Located, packet_end};
use crate::packet::PacketBuf;
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};
use crate::wire::ipv6_ext;

use super::inline::InsertError;

/// Offset of the inner IPv6 header, when Hop-by-Hop and Destination Options are all that stands
/// between it and the outer one.
#[must_use]
pub fn inner(frame: &[u8], located: &Located) -> Option<usize> {
    let l3 = usize::from(located.l3);
    let end = packet_end(frame, l3).ok()?;
    let mut next = Ipv6Header::at(frame, l3)?.next_header;
    let mut at = l3 + HEADER;
    for skipped in [next_header::HOP_BY_HOP, next_header::DESTINATION_OPTIONS] {
        if next == skipped {
            let start = frame.get(at..end)?;
            next = *start.first()?;
            at += ipv6_ext::header_len(start)?;
        }
    }
    let inner_is_whole = next == next_header::IPV6 && at + HEADER <= end;
    Ipv6Header::at(frame, at)
        .filter(|_| inner_is_whole)
        .map(|_| at)
}

/// Removes the outer header and everything up to the inner IPv6 header at `inner`; the inner packet
/// then is at `l3`.
pub fn remove<P: PacketBuf>(packet: &mut P, l3: usize, inner: usize) {
    let gone = inner - l3;
    packet.bytes_mut().copy_within(..l3, gone);
    // `inner` is an offset into the frame, so there is that much to remove.
    let shrunk = packet.shrink_front(gone);
    debug_assert!(shrunk, "the inner header is inside the frame");
}

/// Whether [`insert`] of an image of that many octets would succeed.
///
/// # Errors
///
/// As [`insert`].
pub fn fits<P: PacketBuf>(packet: &P, l3: usize, image: usize) -> Result<(), InsertError> {
    let end = packet_end(packet.bytes(), l3).map_err(|_| InsertError::HeaderFull)?;
    u16::try_from(image - HEADER + (end - l3)).map_err(|_| InsertError::HeaderFull)?;
    if packet.headroom() < image {
        return Err(InsertError::NoHeadroom);
    }
    Ok(())
}

/// Puts `image` (outer IPv6 header and its extension headers) in front of the IPv6 packet at `l3`, and
/// cuts what the frame holds behind that packet.
///
/// # Errors
///
/// With the packet unchanged, when there is no room in front or the outer payload length cannot
/// hold the whole.
pub fn insert<P: PacketBuf>(
    packet: &mut P,
    l3: usize,
    image: &[u8],
    traffic_class: u8,
    flow_label: u32,
) -> Result<(), InsertError> {
    let end = packet_end(packet.bytes(), l3).map_err(|_| InsertError::HeaderFull)?;
    let payload = image.len() - HEADER + (end - l3);
    let payload = u16::try_from(payload).map_err(|_| InsertError::HeaderFull)?;
    if !packet.grow_front(image.len()) {
        return Err(InsertError::NoHeadroom);
    }
    packet.truncate(image.len() + end);
    let frame = packet.bytes_mut();
    frame.copy_within(image.len()..image.len() + l3, 0);
    if let Some(place) = frame.get_mut(l3..l3 + image.len()) {
        place.copy_from_slice(image);
    }
    if let Some(outer) = Ipv6Header::at_mut(frame, l3) {
        outer.payload_length.set(payload);
        outer.set_class_and_label(traffic_class, flow_label);
    }
    Ok(())
}
