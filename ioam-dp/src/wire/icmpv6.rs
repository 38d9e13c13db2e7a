// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ICMPv6` errors (RFC 4443, 3): built in front of the packet they are about.
//!
//! ```text
//! |     Type      |     Code      |          Checksum             |
//! |                       unused, or MTU                          |
//! |      as much of the invoking packet as fits the minimum MTU   |
//! ```

use super::ipv6::{HEADER, next_header};

/// Octets in front of the invoking packet: an IPv6 header and the error's own eight.
pub const OVERHEAD: usize = HEADER + 8;

/// Most octets of an error packet: the minimum IPv6 MTU (RFC 4443, 2.4 c).
pub const MAX_PACKET: usize = 1280;

/// The type of a redirect (RFC 4861, 4.5).
const REDIRECT: u8 = 137;

/// The errors this node originates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Packet Too Big, with the MTU in octets (RFC 4443, 3.2).
    PacketTooBig(u32),
    /// Time Exceeded, hop limit exceeded in transit (RFC 4443, 3.3).
    HopLimitExceeded,
}

impl Error {
    /// The first eight octets, with a zero checksum.
    #[must_use]
    pub fn head(self) -> [u8; 8] {
        let (kind, word) = match self {
            Self::PacketTooBig(mtu) => (2, mtu),
            Self::HopLimitExceeded => (3, 0),
        };
        let [a, b, c, d] = word.to_be_bytes();
        [kind, 0, 0, 0, a, b, c, d]
    }
}

/// Whether an error may be sent about a packet with these addresses and this upper-layer message
/// (RFC 4443, 2.4 e): never about an error or a redirect, a multicast, or a source that names no
/// single node.
#[must_use]
pub fn may_answer(
    source: &[u8; 16],
    destination: &[u8; 16],
    upper_layer: u8,
    message_type: Option<u8>,
) -> bool {
    let about_error =
        upper_layer == next_header::ICMPV6 && message_type.is_none_or(|t| t < 128 || t == REDIRECT);
    !about_error && destination[0] != 0xFF && source[0] != 0xFF && *source != [0; 16]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_multicast_are_never_answered() {
        let (host, group, nobody) = ([0x20; 16], [0xFF; 16], [0; 16]);
        assert!(may_answer(&host, &host, 17, None));
        assert!(may_answer(&host, &host, 58, Some(128)));
        assert!(!may_answer(&host, &host, 58, Some(3)));
        assert!(!may_answer(&host, &host, 58, None));
        assert!(!may_answer(&host, &group, 17, None));
        assert!(!may_answer(&nobody, &host, 17, None));
        assert!(!may_answer(&group, &host, 17, None));
    }
}
