// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Direct Export option (RFC 9326, 3.2).
//!
//! ```text
//! |        Namespace-ID           |     Flags     |Extension-Flags|
//! |           IOAM Trace-Type (24)                |   Reserved    |
//! |            Flow ID, 32 bits, if extension flag 0x80           |
//! |        Sequence Number, 32 bits, if extension flag 0x40       |
//! |     one word for each further extension flag, in their order  |
//! ```

use super::{NamespaceId, TraceType};

/// Octets of the header, without the fields of the extension flags.
pub const HEADER: usize = 8;

/// Extension flag, bit 0 (the most significant): a Flow ID.
pub const FLOW_ID: u8 = 0x80;
/// Extension flag, bit 1: a Sequence Number.
pub const SEQUENCE: u8 = 0x40;

/// A Direct Export option as received. Flags, reserved bits and fields of unknown extension flags
/// are ignored (RFC 9326, 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectExport {
    namespace: NamespaceId,
    flags: u8,
    extension_flags: u8,
    trace_type: TraceType,
    flow_id: Option<u32>,
    sequence: Option<u32>,
}

impl DirectExport {
    /// The option at the start of `option_data`, from the Namespace-ID on; `None` when that is
    /// shorter than its extension flags say. What follows it is ignored.
    #[must_use]
    pub fn parse(option_data: &[u8]) -> Option<Self> {
        let (header, fields) = option_data.split_first_chunk::<HEADER>()?;
        let [n0, n1, flags, extension_flags, t0, t1, t2, _reserved] = *header;
        let fields = fields.get(..field_octets(extension_flags))?;
        Some(Self {
            namespace: NamespaceId(u16::from_be_bytes([n0, n1])),
            flags,
            extension_flags,
            trace_type: TraceType::from_octets([t0, t1, t2]),
            flow_id: field(fields, extension_flags, FLOW_ID),
            sequence: field(fields, extension_flags, SEQUENCE),
        })
    }

    /// Namespace-ID.
    #[must_use]
    pub fn namespace(&self) -> NamespaceId {
        self.namespace
    }

    /// Flags, none of which is allocated.
    #[must_use]
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// Extension-Flags; each stands for one word, known or not.
    #[must_use]
    pub fn extension_flags(&self) -> u8 {
        self.extension_flags
    }

    /// IOAM-Trace-Type: what is to be exported. Its bit 7 is to be ignored (RFC 9326, 3.2).
    #[must_use]
    pub fn trace_type(&self) -> TraceType {
        self.trace_type
    }

    /// Flow ID, if there is one.
    #[must_use]
    pub fn flow_id(&self) -> Option<u32> {
        self.flow_id
    }

    /// Sequence Number within the flow, if there is one.
    #[must_use]
    pub fn sequence(&self) -> Option<u32> {
        self.sequence
    }

    /// Octets of the option data: 8 to 40.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        Self::octets(self.extension_flags)
    }

    /// Octets of option data with these extension flags.
    #[must_use]
    pub fn octets(extension_flags: u8) -> usize {
        HEADER + field_octets(extension_flags)
    }
}

/// Octets of the fields these extension flags stand for.
fn field_octets(extension_flags: u8) -> usize {
    extension_flags.count_ones() as usize * 4
}

/// The field of `flag`: fields stand in the order of the bits from the most significant.
fn field(fields: &[u8], extension_flags: u8, flag: u8) -> Option<u32> {
    if extension_flags & flag == 0 {
        return None;
    }
    let in_front = extension_flags & !(flag | (flag - 1));
    let at = field_octets(in_front);
    let word = fields.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(extension_flags: u8, words: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0x00, 0x7B, 0, extension_flags, 0xF0, 0, 0, 0];
        words
            .iter()
            .for_each(|word| bytes.extend_from_slice(&word.to_be_bytes()));
        bytes
    }

    #[test]
    fn flow_id_and_sequence_are_where_the_flags_put_them() {
        let both = DirectExport::parse(&option(0xC0, &[0x00AB_CDEF, 7])).unwrap();
        assert_eq!(both.namespace(), NamespaceId(123));
        assert_eq!(both.trace_type(), TraceType::new(0xF0_0000));
        assert_eq!(both.flow_id(), Some(0x00AB_CDEF));
        assert_eq!(both.sequence(), Some(7));
        assert_eq!(both.len(), 16);
    }

    #[test]
    fn a_sequence_alone_is_the_first_word() {
        let dex = DirectExport::parse(&option(SEQUENCE, &[7])).unwrap();
        assert_eq!((dex.flow_id(), dex.sequence()), (None, Some(7)));
        let dex = DirectExport::parse(&option(FLOW_ID, &[9, 7])).unwrap();
        assert_eq!((dex.flow_id(), dex.sequence()), (Some(9), None));
        let dex = DirectExport::parse(&option(0, &[9, 7])).unwrap();
        assert_eq!(
            (dex.flow_id(), dex.sequence(), dex.len()),
            (None, None, HEADER)
        );
    }

    #[test]
    fn fields_of_unknown_extension_flags_are_skipped() {
        let dex = DirectExport::parse(&option(0xE1, &[1, 2, 3, 4])).unwrap();
        assert_eq!((dex.flow_id(), dex.sequence()), (Some(1), Some(2)));
        assert_eq!((dex.extension_flags(), dex.len()), (0xE1, 24));
        let dex = DirectExport::parse(&option(0x3F, &[1; 6])).unwrap();
        assert_eq!((dex.flow_id(), dex.sequence()), (None, None));
    }

    #[test]
    fn flags_and_reserved_octet_are_ignored() {
        let mut bytes = option(0xC0, &[1, 2]);
        (bytes[2], bytes[7]) = (0xFF, 0xFF);
        let dex = DirectExport::parse(&bytes).unwrap();
        assert_eq!(dex.flags(), 0xFF);
        assert_eq!(dex.trace_type(), TraceType::new(0xF0_0000));
        assert_eq!(dex.sequence(), Some(2));
    }

    #[test]
    fn an_option_shorter_than_its_flags_say_is_none() {
        let bytes = option(0, &[0; 10]);
        for flags in 0..=u8::MAX {
            let least = HEADER + flags.count_ones() as usize * 4;
            for len in 0..bytes.len() {
                let mut cut = bytes[..len].to_vec();
                if let Some(octet) = cut.get_mut(3) {
                    *octet = flags;
                }
                assert_eq!(DirectExport::parse(&cut).is_some(), len >= least);
            }
        }
    }
}
