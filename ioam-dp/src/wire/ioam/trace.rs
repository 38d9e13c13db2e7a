// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The header of both trace options (RFC 9197, 4.4.1; flags L and A RFC 9322, 3).
//!
//! ```text
//! |        Namespace-ID           | NodeLen |O L A R| RemainingLen|
//! |           IOAM Trace-Type (24)                |   Reserved    |
//! ```

use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{NamespaceId, TraceType};

/// Octets of the header.
pub const HEADER: usize = 8;

const REMAINING: u16 = 0x007F;
const NODE_LEN_SHIFT: u16 = 11;

/// The four flags, as they stand in the second 16-bit word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceFlags(u16);

impl TraceFlags {
    /// O: some node had no room.
    pub const OVERFLOW: Self = Self(0x0400);
    /// L: loopback (RFC 9322, 4).
    pub const LOOPBACK: Self = Self(0x0200);
    /// A: active measurement (RFC 9322, 5).
    pub const ACTIVE: Self = Self(0x0100);
}

/// The trace option's header, in place.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct TraceHeader {
    namespace_id: U16,
    lengths_and_flags: U16,
    trace_type: [u8; 3],
    reserved: u8,
}

const _: () = assert!(size_of::<TraceHeader>() == HEADER);

impl TraceHeader {
    /// A header as an encapsulating node sends it: `NodeLen` from the type, no flag, reserved zero.
    #[must_use]
    pub fn new(namespace: NamespaceId, trace_type: TraceType, remaining_len: u8) -> Self {
        let node_len = u16::from(trace_type.node_len()) << NODE_LEN_SHIFT;
        Self {
            namespace_id: U16::new(namespace.0),
            lengths_and_flags: U16::new(node_len | u16::from(remaining_len) & REMAINING),
            trace_type: trace_type.octets(),
            reserved: 0,
        }
    }

    /// The header at the start of `option_data` and the space behind it.
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

    /// `NodeLen` as received: words per node without the snapshot. Trust the type instead.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "five bits")]
    pub fn node_len(&self) -> u8 {
        (self.lengths_and_flags.get() >> NODE_LEN_SHIFT) as u8
    }

    /// `RemainingLen`: words still free, 0 to 127.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "seven bits")]
    pub fn remaining_len(&self) -> u8 {
        (self.lengths_and_flags.get() & REMAINING) as u8
    }

    /// IOAM-Trace-Type.
    #[must_use]
    pub fn trace_type(&self) -> TraceType {
        TraceType::from_octets(self.trace_type)
    }

    /// Whether `flag` is set.
    #[must_use]
    pub fn has(&self, flag: TraceFlags) -> bool {
        self.lengths_and_flags.get() & flag.0 != 0
    }

    /// Sets `flag` and leaves everything else as it is.
    pub fn set(&mut self, flag: TraceFlags) {
        self.lengths_and_flags = U16::new(self.lengths_and_flags.get() | flag.0);
    }

    /// Clears `flag` and leaves everything else as it is.
    pub fn clear(&mut self, flag: TraceFlags) {
        self.lengths_and_flags = U16::new(self.lengths_and_flags.get() & !flag.0);
    }

    /// Writes `RemainingLen`; the flag in the same octet stays as it is.
    pub fn set_remaining_len(&mut self, words: u8) {
        let rest = self.lengths_and_flags.get() & !REMAINING;
        self.lengths_and_flags = U16::new(rest | u16::from(words) & REMAINING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unassigned_flag_survives_a_new_remaining_len() {
        let mut bytes = [0x00, 0x7B, 0x08, 0x82, 0x80, 0x00, 0x01, 0x5A];
        let (header, rest) = TraceHeader::split_mut(&mut bytes).unwrap();
        assert!(rest.is_empty());
        assert_eq!((header.node_len(), header.remaining_len()), (1, 2));
        header.set_remaining_len(1);
        header.set(TraceFlags::OVERFLOW);
        assert_eq!(bytes, [0x00, 0x7B, 0x0C, 0x81, 0x80, 0x00, 0x01, 0x5A]);
    }

    #[test]
    fn a_new_header_has_the_node_len_of_its_type() {
        let header = TraceHeader::new(NamespaceId(123), TraceType::new(0xC0_0000), 8);
        assert_eq!(header.as_bytes(), [0x00, 0x7B, 0x10, 0x08, 0xC0, 0, 0, 0]);
    }
}
