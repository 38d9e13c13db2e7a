// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The IOAM-Trace-Type: 24 bits that say which fields a node writes (RFC 9197, 4.4.1).

use std::fmt;

/// A trace type; bit 0 is the most significant of 24.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct TraceType(u32);

/// Bits 8, 9 and 10 stand for two words each.
const WIDE: u32 = 0x00_E000;
/// Bits 0 to 7 and 11 to 21 stand for one word each.
const SHORT: u32 = 0xFF_1FFC;

impl TraceType {
    /// Bit 0: `Hop_Lim` and `node_id`.
    pub const HOP_LIM_NODE_ID: Self = Self(0x80_0000);
    /// Bit 1: `ingress_if_id` and `egress_if_id`.
    pub const IF_ID: Self = Self(0x40_0000);
    /// Bit 2: timestamp seconds.
    pub const TIMESTAMP_SECONDS: Self = Self(0x20_0000);
    /// Bit 3: timestamp fraction.
    pub const TIMESTAMP_FRACTION: Self = Self(0x10_0000);
    /// Bit 4: transit delay.
    pub const TRANSIT_DELAY: Self = Self(0x08_0000);
    /// Bit 5: namespace-specific data.
    pub const NAMESPACE_DATA: Self = Self(0x04_0000);
    /// Bit 6: queue depth.
    pub const QUEUE_DEPTH: Self = Self(0x02_0000);
    /// Bit 7: checksum complement.
    pub const CHECKSUM_COMPLEMENT: Self = Self(0x01_0000);
    /// Bit 8: `Hop_Lim` and `node_id`, wide.
    pub const HOP_LIM_NODE_ID_WIDE: Self = Self(0x00_8000);
    /// Bit 9: interface ids, wide.
    pub const IF_ID_WIDE: Self = Self(0x00_4000);
    /// Bit 10: namespace-specific data, wide.
    pub const NAMESPACE_DATA_WIDE: Self = Self(0x00_2000);
    /// Bit 11: buffer occupancy.
    pub const BUFFER_OCCUPANCY: Self = Self(0x00_1000);
    /// Bits 12 to 21: undefined.
    pub const UNDEFINED: Self = Self(0x00_0FFC);
    /// Bit 22: opaque state snapshot.
    pub const OPAQUE_STATE: Self = Self(0x00_0002);

    /// The type with these 24 bits; the upper eight are ignored.
    #[must_use]
    pub const fn new(bits: u32) -> Self {
        Self(bits & 0xFF_FFFF)
    }

    /// The type from its three octets, network order.
    #[must_use]
    pub const fn from_octets([a, b, c]: [u8; 3]) -> Self {
        Self(u32::from_be_bytes([0, a, b, c]))
    }

    /// The 24 bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Three octets, network order.
    #[must_use]
    pub const fn octets(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }

    /// Whether any bit of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// All bits of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// `NodeLen`: words each node adds, without the opaque state snapshot (RFC 9197, 4.4.1).
    /// Bit 23 is reserved and adds none.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "at most 25")]
    pub const fn node_len(self) -> u8 {
        ((self.0 & SHORT).count_ones() + 2 * (self.0 & WIDE).count_ones()) as u8
    }
}

impl fmt::Display for TraceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#08x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_len_counts_wide_fields_twice_and_the_reserved_bit_never() {
        assert_eq!(TraceType::new(0).node_len(), 0);
        assert_eq!(TraceType::new(0x00_0001).node_len(), 0);
        assert_eq!(TraceType::new(0x00_0002).node_len(), 0);
        assert_eq!(TraceType::new(0xFF_F000).node_len(), 15);
        assert_eq!(TraceType::new(0xFF_FFFF).node_len(), 25);
        assert_eq!(TraceType::new(0x00_E000).node_len(), 6);
        assert_eq!(TraceType::new(0x00_0FFC).node_len(), 10);
    }

    #[test]
    fn octets_round_trip() {
        let kind = TraceType::new(0x12_3456);
        assert_eq!(kind.octets(), [0x12, 0x34, 0x56]);
        assert_eq!(TraceType::from_octets(kind.octets()), kind);
        assert_eq!(kind.to_string(), "0x123456");
        assert_eq!(TraceType::new(2).to_string(), "0x000002");
    }
}
