// SPDX-License-Identifier: Apache-2.0 OR MIT
//! IPv6 Destination Options as the carrier of edge-to-edge options (RFC 9486, 3): directly behind
//! the IPv6 header or behind its Hop-by-Hop Options.

use super::{Located, packet_end};
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};
use crate::wire::ipv6_ext::{self, Tlvs};

/// Notes a Destination Options header that is whole and has an IOAM option. `next` is the protocol
/// of what follows the headers located so far.
pub(super) fn locate(frame: &[u8], next: u8, located: &mut Located) {
    let at = located.destination_at();
    let len = frame.get(at..).and_then(ipv6_ext::header_len);
    let Some(len) = len.filter(|_| next == next_header::DESTINATION_OPTIONS) else {
        return;
    };
    let whole = packet_end(frame, located.l3.into()).is_ok_and(|end| at + len <= end);
    let Some(header) = frame.get(at..at + len).filter(|_| whole) else {
        return;
    };
    if Tlvs::new(header).any(|tlv| tlv.is_err()) {
        return;
    }
    if Tlvs::new(header).flatten().any(|tlv| tlv.is_ioam()) {
        located.ioam = true;
        located.destination = u16::try_from(len).unwrap_or(0);
    }
}

/// The Destination Options header of a located frame, or nothing.
#[must_use]
pub fn options<'a>(frame: &'a [u8], located: &Located) -> &'a [u8] {
    let at = located.destination_at();
    frame
        .get(at..at + usize::from(located.destination))
        .unwrap_or(&[])
}

/// Whether a Destination Options header can be put behind the packet's first `present` octets of
/// extension header: what follows has to be no header that belongs before it, or covers it, or that
/// every fragment repeats (RFC 8200, 4.1).
#[must_use]
pub fn can_take(frame: &[u8], l3: usize, present: usize) -> bool {
    let next = match present {
        0 => Ipv6Header::at(frame, l3).map(|header| header.next_header),
        _ => frame.get(l3 + HEADER).copied(),
    };
    !matches!(
        next,
        None | Some(
            next_header::HOP_BY_HOP
                | next_header::DESTINATION_OPTIONS
                | next_header::ROUTING
                | next_header::FRAGMENT
                | next_header::AUTHENTICATION
        )
    )
}
