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

/// The padding behind options that leave four octets of their header.
const PADN_4: [u8; 4] = [1, 2, 0, 0];

/// The frame's first octets: Ethernet and IPv6.
pub(super) type Head = [u8; BEHIND];

/// Octets of the IPv6 packet, unless it is tagged, not IPv6, cut, or bound to one link.
#[inline]
pub(super) fn length(head: &Head, frame: &[u8]) -> Option<usize> {
    let start = [12, 13, 14, 15].map(|at: usize| head[at]);
    let payload = u16::from_be_bytes([head[PAYLOAD_LENGTH], head[PAYLOAD_LENGTH + 1]]);
    let length = HEADER + usize::from(payload);
    let usual = u32::from_be_bytes(start) & IPV6_MASK == IS_IPV6
        && IPV6 + length <= frame.len()
        && head[SOURCE] < NOT_UNICAST
        && head[DESTINATION] < NOT_UNICAST;
    usual.then_some(length)
}

/// The destination of a frame that is IPv6.
#[inline]
pub(super) fn destination(frame: &[u8]) -> Option<&[u8; 16]> {
    frame.get(DESTINATION..)?.first_chunk()
}

/// Whether there is an IPv6 header at `at`.
#[inline]
pub(super) fn is_ipv6(frame: &[u8], at: usize) -> bool {
    Ipv6Header::at(frame, at).is_some()
}

/// Whether the packet inside a tunnel, at `at`, can go on: with that hop limit at least, in a link's
/// MTU, and not bound to one link.
#[inline]
pub(super) fn can_go_on(frame: &[u8], at: usize, least_hop_limit: u8, mtu: usize) -> bool {
    Ipv6Header::at(frame, at).is_some_and(|header| {
        let ([source, ..], [destination, ..]) = (header.source, header.destination);
        let length = HEADER + usize::from(header.payload_length.get());
        source < NOT_UNICAST
            && destination < NOT_UNICAST
            && header.hop_limit >= least_hop_limit
            && length <= mtu
    })
}

/// The Hop-by-Hop header's first 16 octets: its own, the option's, and what all of a packet's kind
/// have in common of the option data.
pub(super) type Start = [u8; SPACE - BEHIND];

/// Those octets, where there are so many.
#[inline]
pub(super) fn start(frame: &[u8]) -> Option<&Start> {
    frame.get(BEHIND..)?.first_chunk()
}

/// An IOAM option where every encapsulating node puts it, with nothing but padding behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Optioned {
    /// Octets of the Hop-by-Hop header.
    pub header: usize,
    /// Octets of option data, from the Namespace-ID on; at least eight.
    pub data: usize,
    /// Where the padding behind it is, if there is any.
    pub padding: Option<usize>,
    /// Option Type and IOAM-Option-Type.
    pub tag: [u8; 2],
    /// The first eight octets of option data.
    pub head: [u8; 8],
}

/// Reads the Hop-by-Hop header.
pub(super) fn optioned(frame: &[u8]) -> Option<Optioned> {
    let [_, units, pad, pad_len, kind, len, _, option_type, head @ ..] = *start(frame)?;
    let header = (usize::from(units) + 1) * 8;
    // Reserved octet and IOAM-Option-Type are inside the option's length.
    let data = usize::from(len).checked_sub(2)?;
    let left = header.checked_sub(DATA - BEHIND + data)?;
    let padding = (left != 0).then_some(BEHIND + header - PADN_4.len());
    let usual = data >= head.len()
        && (pad, pad_len) == (1, 0)
        && matches!(left, 0 | 4)
        && padding.is_none_or(|at| is_padding(frame, at));
    usual.then_some(Optioned {
        header,
        data,
        padding,
        tag: [kind, option_type],
        head,
    })
}

/// Whether the four octets at `at` are padding.
#[inline]
pub(super) fn is_padding(frame: &[u8], at: usize) -> bool {
    frame.get(at..).and_then(<[u8]>::first_chunk) == Some(&PADN_4)
}

/// Takes one off the hop limit, or nothing where `decrement` is 0; the first pass has seen that it
/// is more than that.
#[inline]
pub(super) fn decrement_hop_limit<P: PacketBuf>(packet: &mut P, decrement: u8) {
    if let Some(head) = packet.bytes_mut().first_chunk_mut::<BEHIND>() {
        head[HOP_LIMIT] = head[HOP_LIMIT].wrapping_sub(decrement);
    }
}
