// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Proof of Transit option (RFC 9197, 4.5).
//!
//! ```text
//! |        Namespace-ID           | IOAM-POT-Type |IOAM-POT-Flags |
//! |                     PktID, 64 bits (type 0)                   |
//! |                   Cumulative, 64 bits (type 0)                |
//! ```

use zerocopy::byteorder::network_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::NamespaceId;

/// Octets of the option data of POT-Type 0.
pub const HEADER: usize = 20;

/// The only POT-Type there is: `PktID` and Cumulative of 64 bits each.
pub const TYPE_0: u8 = 0;

/// Offset of `PktID` from the start of the option data.
pub const PKT_ID_AT: usize = 4;
/// Offset of Cumulative from the start of the option data.
pub const CUMULATIVE_AT: usize = 12;

/// The option data of POT-Type 0, in place.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct PotHeader {
    namespace_id: U16,
    pot_type: u8,
    flags: u8,
    pkt_id: U64,
    cumulative: U64,
}

const _: () = assert!(size_of::<PotHeader>() == HEADER);

impl PotHeader {
    /// Type 0 as an encapsulating node lays it out: no flag, both numbers zero.
    #[must_use]
    pub fn new(namespace: NamespaceId) -> Self {
        Self {
            namespace_id: U16::new(namespace.0),
            pot_type: TYPE_0,
            flags: 0,
            pkt_id: U64::ZERO,
            cumulative: U64::ZERO,
        }
    }

    /// The POT-Type of an option, also of one too short for [`split`](Self::split); `None` when it
    /// ends in front of it.
    #[must_use]
    pub fn pot_type_of(option_data: &[u8]) -> Option<u8> {
        option_data.get(2).copied()
    }

    /// The header at the start of `option_data` and what stands behind it; `None` when there are
    /// fewer than 20 octets.
    #[must_use]
    pub fn split(option_data: &[u8]) -> Option<(&Self, &[u8])> {
        Self::ref_from_prefix(option_data).ok()
    }

    /// As [`split`](Self::split), writable.
    #[must_use]
    pub fn split_mut(option_data: &mut [u8]) -> Option<(&mut Self, &mut [u8])> {
        Self::mut_from_prefix(option_data).ok()
    }

    /// Namespace-ID.
    #[must_use]
    pub fn namespace(&self) -> NamespaceId {
        NamespaceId(self.namespace_id.get())
    }

    /// IOAM-POT-Type; the numbers mean something for [`TYPE_0`] only.
    #[must_use]
    pub fn pot_type(&self) -> u8 {
        self.pot_type
    }

    /// IOAM-POT-Flags, none of which is assigned.
    #[must_use]
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// `PktID` of type 0.
    #[must_use]
    pub fn pkt_id(&self) -> u64 {
        self.pkt_id.get()
    }

    /// Cumulative of type 0.
    #[must_use]
    pub fn cumulative(&self) -> u64 {
        self.cumulative.get()
    }

    /// Writes `PktID`; for the encapsulating node.
    pub fn set_pkt_id(&mut self, pkt_id: u64) {
        self.pkt_id = U64::new(pkt_id);
    }

    /// Writes Cumulative.
    pub fn set_cumulative(&mut self, cumulative: u64) {
        self.cumulative = U64::new(cumulative);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_in_network_order() {
        let mut bytes = *b"\x00\x7B\x00\xA5\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18\xEE";
        let (header, rest) = PotHeader::split_mut(&mut bytes).unwrap();
        assert_eq!(rest, [0xEE]);
        assert_eq!(header.namespace(), NamespaceId(123));
        assert_eq!((header.pot_type(), header.flags()), (TYPE_0, 0xA5));
        assert_eq!(header.pkt_id(), 0x0102_0304_0506_0708);
        assert_eq!(header.cumulative(), 0x1112_1314_1516_1718);
        header.set_cumulative(0x2A);
        header.set_pkt_id(1);
        assert_eq!(bytes[PKT_ID_AT..CUMULATIVE_AT], [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(bytes[CUMULATIVE_AT..], [0, 0, 0, 0, 0, 0, 0, 0x2A, 0xEE]);
    }

    #[test]
    fn a_short_option_has_a_type_but_no_numbers() {
        let bytes = [0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for len in 0..HEADER {
            assert!(PotHeader::split(&bytes[..len]).is_none());
            let pot_type = PotHeader::pot_type_of(&bytes[..len]);
            assert_eq!(pot_type, (len > 2).then_some(7));
        }
        assert!(PotHeader::split(&bytes).is_some());
    }
}
