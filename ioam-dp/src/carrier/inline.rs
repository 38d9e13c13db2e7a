// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Options into a packet's own extension headers: for packets this node originates, and for labs
//! (RFC 9486, 4, C4 has everything else use a tunnel).

use super::{destination, lengthen, packet_end};
use crate::packet::PacketBuf;
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};
use crate::wire::ipv6_ext::{self, MAX_HEADER, PADN, Tlvs};

/// Where a new header's first option begins: behind Next Header, Hdr Ext Len and PadN.
pub const FIRST_OPTION: usize = 4;

/// A whole extension header around a run of options: Next Header 0 for the caller to fill, and
/// padding. Nothing around nothing.
#[must_use]
pub fn header_with(options: &[u8]) -> Vec<u8> {
    if options.is_empty() {
        return Vec::new();
    }
    let mut header = vec![0, 0, PADN, 0];
    header.extend_from_slice(options);
    let used = header.len();
    header.resize(used.next_multiple_of(8), 0);
    if let Some(gap) = header.get_mut(used..) {
        ipv6_ext::pad(gap);
    }
    if let (Ok(units), Some(field)) = (u8::try_from(header.len() / 8 - 1), header.get_mut(1)) {
        *field = units;
    }
    header
}

/// Why options could not be put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertError {
    /// No room in front of the frame.
    NoHeadroom,
    /// The present headers, or the payload length, cannot take that much.
    HeaderFull,
}

/// What is put in; empty where there is nothing of the kind.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// A Hop-by-Hop header, for a packet that has none.
    pub hop_by_hop: &'a [u8],
    /// The run of options in it, for a packet that has one.
    pub options: &'a [u8],
    /// A Destination Options header.
    pub destination: &'a [u8],
}

impl Headers<'_> {
    /// Octets of Hop-by-Hop Options added to a packet that has `present` octets of them.
    fn hop_by_hop_growth(&self, present: usize) -> usize {
        match present {
            0 => self.hop_by_hop.len(),
            _ => self.options.len().next_multiple_of(8),
        }
    }

    /// Octets by which [`insert`] makes a packet longer that has a Hop-by-Hop header of `present`.
    #[must_use]
    pub fn growth(&self, present: usize) -> usize {
        self.hop_by_hop_growth(present) + self.destination.len()
    }
}

/// Where options are now, as offsets in the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// The first of the run in the Hop-by-Hop header.
    pub hop_by_hop: usize,
    /// The first in the Destination Options header.
    pub destination: usize,
}

/// Octets of the packet's own Hop-by-Hop header, or 0.
#[must_use]
pub fn present_header(frame: &[u8], l3: usize) -> usize {
    let first = Ipv6Header::at(frame, l3).map(|header| header.next_header);
    let start = frame.get(l3 + HEADER..).unwrap_or(&[]);
    match first {
        Some(next_header::HOP_BY_HOP) => ipv6_ext::header_len(start).unwrap_or(0),
        _ => 0,
    }
}

/// Whether [`insert`] would succeed.
///
/// # Errors
///
/// As [`insert`].
pub fn fits<P: PacketBuf>(
    packet: &P,
    l3: usize,
    present: usize,
    headers: Headers<'_>,
) -> Result<(), InsertError> {
    if !can_take(packet.bytes(), l3, present, headers) {
        Err(InsertError::HeaderFull)
    } else if packet.headroom() < headers.growth(present) {
        Err(InsertError::NoHeadroom)
    } else {
        Ok(())
    }
}

/// Puts options into the packet's own headers: the Hop-by-Hop header of `present` octets is
/// lengthened, or made where there is none; the Destination Options header follows it.
///
/// # Errors
///
/// With the packet unchanged, when there is no room.
pub fn insert<P: PacketBuf>(
    packet: &mut P,
    l3: usize,
    present: usize,
    headers: Headers<'_>,
) -> Result<Inserted, InsertError> {
    let grow = headers.growth(present);
    if !can_take(packet.bytes(), l3, present, headers) {
        return Err(InsertError::HeaderFull);
    }
    if !packet.grow_front(grow) {
        return Err(InsertError::NoHeadroom);
    }
    let (frame, at) = (packet.bytes_mut(), l3 + HEADER + present);
    frame.copy_within(grow..grow + at, 0);
    lengthen(frame, l3, grow);
    let own = headers.hop_by_hop_growth(present);
    if let Some(gap) = frame.get_mut(at..at + own) {
        match present {
            0 => gap.copy_from_slice(headers.hop_by_hop),
            _ => append(gap, headers.options),
        }
    }
    if let Some(gap) = frame.get_mut(at + own..at + grow) {
        gap.copy_from_slice(headers.destination);
    }
    chain(frame, l3, present, own, headers);
    Ok(Inserted {
        hop_by_hop: if present == 0 { at + FIRST_OPTION } else { at },
        destination: at + own + FIRST_OPTION,
    })
}

/// Writes a run of options and the padding behind it.
fn append(gap: &mut [u8], options: &[u8]) {
    if let Some((body, padding)) = gap.split_at_mut_checked(options.len()) {
        body.copy_from_slice(options);
        ipv6_ext::pad(padding);
    }
}

/// Names each header in the one before it, and says how long the Hop-by-Hop header is.
fn chain(frame: &mut [u8], l3: usize, present: usize, own: usize, headers: Headers<'_>) {
    let (first, at) = (l3 + 6, l3 + HEADER);
    let hop_by_hop = present + own;
    let last_name = if present == 0 { first } else { at };
    let behind = frame.get(last_name).copied().unwrap_or(0);
    let mut put = |place: usize, value: u8| {
        if let Some(octet) = frame.get_mut(place) {
            *octet = value;
        }
    };
    let mut next = behind;
    if !headers.destination.is_empty() {
        put(at + hop_by_hop, next);
        next = next_header::DESTINATION_OPTIONS;
    }
    if hop_by_hop > 0 {
        put(at, next);
        put(at + 1, u8::try_from(hop_by_hop / 8 - 1).unwrap_or(u8::MAX));
        next = next_header::HOP_BY_HOP;
    }
    put(first, next);
}

/// Whether the packet can grow by that much, and its present header is sound: behind an option that
/// overruns, nobody would ever find another.
fn can_take(frame: &[u8], l3: usize, present: usize, headers: Headers<'_>) -> bool {
    let (Some(ipv6), Ok(end)) = (Ipv6Header::at(frame, l3), packet_end(frame, l3)) else {
        return false;
    };
    let at = l3 + HEADER;
    let header = frame.get(at..at + present);
    // A header that is cut before its length is there, though it has no octets to say so.
    let is_cut = present == 0 && ipv6.next_header == next_header::HOP_BY_HOP;
    !is_cut
        && present + headers.hop_by_hop_growth(present) <= MAX_HEADER
        && usize::from(ipv6.payload_length.get()) + headers.growth(present) <= usize::from(u16::MAX)
        && at + present <= end
        && header.is_some_and(|header| present == 0 || Tlvs::new(header).all(|tlv| tlv.is_ok()))
        && (headers.destination.is_empty() || destination::can_take(frame, l3, present))
}
