// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The IPv6 header (RFC 8200, 3).
//!
//! ```text
//! |Version| Traffic Class |           Flow Label                  |
//! |         Payload Length        |  Next Header  |   Hop Limit   |
//! |                      Source Address (16 octets)               |
//! |                   Destination Address (16 octets)             |
//! ```

use zerocopy::byteorder::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Octets of the header.
pub const HEADER: usize = 40;

/// Next Header values this node reads.
pub mod next_header {
    /// Hop-by-Hop Options (RFC 8200, 4.3).
    pub const HOP_BY_HOP: u8 = 0;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 in IPv6 (RFC 2473).
    pub const IPV6: u8 = 41;
    /// Routing (RFC 8200, 4.4).
    pub const ROUTING: u8 = 43;
    /// Fragment (RFC 8200, 4.5).
    pub const FRAGMENT: u8 = 44;
    /// Authentication (RFC 4302, 2).
    pub const AUTHENTICATION: u8 = 51;
    /// `ICMPv6`.
    pub const ICMPV6: u8 = 58;
    /// No next header (RFC 8200, 4.7).
    pub const NONE: u8 = 59;
    /// Destination Options (RFC 8200, 4.6).
    pub const DESTINATION_OPTIONS: u8 = 60;
    /// SCTP.
    pub const SCTP: u8 = 132;
}

/// The fixed header, in place.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Ipv6Header {
    version_class_label: U32,
    /// Octets behind this header.
    pub payload_length: U16,
    /// What follows this header.
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Source address.
    pub source: [u8; 16],
    /// Destination address.
    pub destination: [u8; 16],
}

const _: () = assert!(size_of::<Ipv6Header>() == HEADER);

impl Ipv6Header {
    /// The header at `offset`, or `None` when the frame is too short or the version is not 6.
    #[must_use]
    pub fn at(frame: &[u8], offset: usize) -> Option<&Self> {
        let (header, _) = Self::ref_from_prefix(frame.get(offset..)?).ok()?;
        (header.version_class_label.get() >> 28 == 6).then_some(header)
    }

    /// As [`at`](Self::at), writable.
    #[must_use]
    pub fn at_mut(frame: &mut [u8], offset: usize) -> Option<&mut Self> {
        let (header, _) = Self::mut_from_prefix(frame.get_mut(offset..)?).ok()?;
        (header.version_class_label.get() >> 28 == 6).then_some(header)
    }

    /// A header with the given fields and nothing behind it yet.
    #[must_use]
    pub fn new(source: [u8; 16], destination: [u8; 16], next_header: u8, hop_limit: u8) -> Self {
        Self {
            version_class_label: U32::new(6 << 28),
            payload_length: U16::new(0),
            next_header,
            hop_limit,
            source,
            destination,
        }
    }

    /// The traffic class: DSCP in the upper six bits, ECN in the lower two.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "masked to eight bits")]
    pub fn traffic_class(&self) -> u8 {
        (self.version_class_label.get() >> 20 & 0xFF) as u8
    }

    /// The flow label, 20 bits.
    #[must_use]
    pub fn flow_label(&self) -> u32 {
        self.version_class_label.get() & 0xF_FFFF
    }

    /// Writes traffic class and flow label; bits of `flow_label` beyond 20 are ignored.
    pub fn set_class_and_label(&mut self, traffic_class: u8, flow_label: u32) {
        let word = 6 << 28 | u32::from(traffic_class) << 20 | flow_label & 0xF_FFFF;
        self.version_class_label = U32::new(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_the_rfc_has_them() {
        let mut bytes = [0u8; HEADER];
        bytes[0] = 0x6B;
        bytes[1] = 0x81;
        bytes[2] = 0x23;
        bytes[3] = 0x45;
        let header = Ipv6Header::at(&bytes, 0).unwrap();
        assert_eq!(header.traffic_class(), 0xB8);
        assert_eq!(header.flow_label(), 0x1_2345);
        let mut copy = *header;
        copy.set_class_and_label(0x01, 0xFFF0_0001);
        assert_eq!((copy.traffic_class(), copy.flow_label()), (0x01, 1));
    }

    #[test]
    fn another_version_or_a_short_frame_is_not_a_header() {
        assert!(Ipv6Header::at(&[0x45; 60], 0).is_none());
        assert!(Ipv6Header::at(&[0x60; 39], 0).is_none());
        assert!(Ipv6Header::at(&[0x60; 40], 41).is_none());
    }
}
