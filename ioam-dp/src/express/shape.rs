// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where things stand in a frame of the usual kind.
//!
//! ```text
//!  0         14        54                58        62             70
//!  | Ethernet | IPv6    | next, len, PadN | option  | Namespace-ID | space of a trace, or
//!  |          |         |                 | head    | … Trace-Type | fields of direct export
//! ```
//! Untagged Ethernet, and a Hop-by-Hop header whose first option is IOAM, as every encapsulating
//! node lays it out (RFC 9486, 3: aligned to 4n).

use crate::packet::PacketBuf;
use crate::wire::ethernet;
use crate::wire::ipv6::{HEADER, Ipv6Header};

/// The IPv6 header.
pub(super) const IPV6: usize = ethernet::HEADER;
/// What follows it.
pub(super) const BEHIND: usize = IPV6 + HEADER;
/// Payload length, next header, hop limit, source and destination in the frame.
pub(super) const PAYLOAD_LENGTH: usize = IPV6 + 4;
pub(super) const NEXT_HEADER: usize = IPV6 + 6;
pub(super) const HOP_LIMIT: usize = IPV6 + 7;
pub(super) const SOURCE: usize = IPV6 + 8;
pub(super) const DESTINATION: usize = IPV6 + 24;
/// The first option: type, length, reserved, IOAM-Option-Type.
pub(super) const OPTION: usize = BEHIND + 4;
/// Its option data, from the Namespace-ID on.
pub(super) const DATA: usize = OPTION + 4;
/// What follows the eight octets that begin a trace and direct export alike.
pub(super) const SPACE: usize = DATA + 8;
/// The octet with the low seven bits of a trace's lengths: `RemainingLen`.
pub(super) const REMAINING: usize = DATA + 3;

/// EtherType and version of a frame that is IPv6 and untagged.
const IS_IPV6: u32 = 0x86DD_6000;
const IPV6_MASK: u32 = 0xFFFF_F000;

/// Addresses from here on are of one link, or of a group (RFC 4291, 2.5.6 and 2.7), or reserved.
const NOT_UNICAST: u8 = 0xFE;

/// The trailing padding of a header whose options leave four octets.
const PADN_4: [u8; 4] = [1, 2, 0, 0];

/// What a lane asks of every packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain {
    /// Octets of the IPv6 packet.
    pub length: usize,
    /// What follows the header.
    pub next_header: u8,
    /// As it arrived.
    pub hop_limit: u8,
}

/// Reads an untagged IPv6 packet that is all in the frame and not bound to one link.
#[inline]
pub(super) fn plain(frame: &[u8]) -> Option<Plain> {
    let head = frame.first_chunk::<BEHIND>()?;
    let [.., a, b, c, d] = *head.first_chunk::<{ ethernet::ADDRESSES + 4 }>()?;
    let length = HEADER
        + usize::from(u16::from_be_bytes([
            head[PAYLOAD_LENGTH],
            head[PAYLOAD_LENGTH + 1],
        ]));
    let usual = u32::from_be_bytes([a, b, c, d]) & IPV6_MASK == IS_IPV6
        && IPV6 + length <= frame.len()
        && head[SOURCE] < NOT_UNICAST
        && head[DESTINATION] < NOT_UNICAST;
    usual.then_some(Plain {
        length,
        next_header: head[NEXT_HEADER],
        hop_limit: head[HOP_LIMIT],
    })
}

/// Whether there is an IPv6 header at `at`.
#[inline]
pub(super) fn is_ipv6(frame: &[u8], at: usize) -> bool {
    Ipv6Header::at(frame, at).is_some()
}

/// Reads an IPv6 header inside a tunnel, unless it is bound to one link.
#[inline]
pub(super) fn inner(frame: &[u8], at: usize) -> Option<Plain> {
    let header = Ipv6Header::at(frame, at)?;
    let [source, ..] = header.source;
    let [destination, ..] = header.destination;
    (source < NOT_UNICAST && destination < NOT_UNICAST).then_some(Plain {
        length: HEADER + usize::from(header.payload_length.get()),
        next_header: header.next_header,
        hop_limit: header.hop_limit,
    })
}

/// An IOAM option where every encapsulating node puts it, with nothing but padding behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Optioned {
    /// Octets of the Hop-by-Hop header.
    pub header: usize,
    /// Octets of option data, from the Namespace-ID on; at least eight.
    pub data: usize,
    /// Option Type and IOAM-Option-Type.
    pub tag: [u8; 2],
    /// The first eight octets of option data.
    pub head: u64,
    /// What follows the Hop-by-Hop header.
    pub next_header: u8,
}

/// Reads the Hop-by-Hop header of a packet of `length` octets.
#[inline]
pub(super) fn optioned(frame: &[u8], length: usize) -> Option<Optioned> {
    let start = frame.get(BEHIND..)?.first_chunk::<{ SPACE - BEHIND }>()?;
    let [
        next_header,
        units,
        pad,
        pad_len,
        kind,
        len,
        _,
        option_type,
        head @ ..,
    ] = *start;
    let header = (usize::from(units) + 1) * 8;
    // Reserved octet and IOAM-Option-Type are inside the option's length.
    let data = usize::from(len).checked_sub(2)?;
    let left = header.checked_sub(DATA - BEHIND + data)?;
    let tail = frame.get(BEHIND + header - 4..)?.first_chunk::<4>()?;
    let usual = data >= head.len()
        && HEADER + header <= length
        && pad_len == 0
        && pad <= 1
        && (left == 0 || left == 4 && *tail == PADN_4);
    usual.then_some(Optioned {
        header,
        data,
        tag: [kind, option_type],
        head: u64::from_be_bytes(head),
        next_header,
    })
}

/// Takes one off the hop limit, or nothing where `decrement` is 0; the first pass has seen that it
/// is more than that.
#[inline]
pub(super) fn decrement_hop_limit<P: PacketBuf>(packet: &mut P, decrement: u8) {
    if let Some(head) = packet.bytes_mut().first_chunk_mut::<BEHIND>() {
        head[HOP_LIMIT] = head[HOP_LIMIT].wrapping_sub(decrement);
    }
}
