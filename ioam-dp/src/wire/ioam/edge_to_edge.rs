// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Edge-to-Edge option (RFC 9197, 4.6).
//!
//! ```text
//! |        Namespace-ID           |        IOAM-E2E-Type          |
//! |  64-bit or 32-bit sequence number, if bit 0 or bit 1 is set   |
//! |          timestamp seconds, 32 bits, if bit 2 is set          |
//! |          timestamp fraction, 32 bits, if bit 3 is set         |
//! ```

use super::NamespaceId;

/// Octets of the header, without the fields.
pub const HEADER: usize = 4;

/// An IOAM-E2E-Type; bit 0 is the most significant of 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct E2eType(u16);

impl E2eType {
    /// Bit 0: a sequence number of 64 bits; bit 1 is 0 then.
    pub const SEQUENCE_64: Self = Self(0x8000);
    /// Bit 1: a sequence number of 32 bits; bit 0 is 0 then.
    pub const SEQUENCE_32: Self = Self(0x4000);
    /// Bit 2: timestamp seconds.
    pub const SECONDS: Self = Self(0x2000);
    /// Bit 3: timestamp fraction.
    pub const FRACTION: Self = Self(0x1000);
    /// Bits 0 to 3: what has a meaning.
    pub const DEFINED: Self = Self(0xF000);

    /// The type with these bits.
    #[must_use]
    pub const fn new(bits: u16) -> Self {
        Self(bits)
    }

    /// The 16 bits.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
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

    /// The bits that have a meaning; the others are sent 0 and ignored.
    #[must_use]
    pub const fn defined(self) -> Self {
        Self(self.0 & Self::DEFINED.0)
    }

    /// Whether both sequence numbers are asked for, which the RFC forbids.
    #[must_use]
    pub const fn has_both_sequences(self) -> bool {
        self.has(Self::SEQUENCE_64) && self.has(Self::SEQUENCE_32)
    }
}

/// What is wrong with an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum E2eError {
    /// It ends before the last field its type asks for.
    Short,
    /// Its type asks for both sequence numbers.
    BothSequences,
}

/// An Edge-to-Edge option as received. A field is `None` when the type does not ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeToEdge {
    /// Namespace-ID.
    pub namespace: NamespaceId,
    /// IOAM-E2E-Type with all its bits.
    pub kind: E2eType,
    /// Sequence number within the packet group, of [`sequence_bits`](Self::sequence_bits).
    pub sequence: Option<u64>,
    /// Timestamp seconds in the namespace's format; all ones when not available.
    pub seconds: Option<u32>,
    /// Timestamp fraction in the namespace's format; all ones when not available.
    pub fraction: Option<u32>,
}

impl EdgeToEdge {
    /// The option at the start of `option_data`, from the Namespace-ID on. Undefined type bits have
    /// no length, so they and whatever follows the defined fields are ignored.
    ///
    /// # Errors
    ///
    /// When the type asks for both sequence numbers, or for more than there is.
    pub fn parse(option_data: &[u8]) -> Result<Self, E2eError> {
        let (header, mut fields) = option_data
            .split_first_chunk::<HEADER>()
            .ok_or(E2eError::Short)?;
        let [n0, n1, k0, k1] = *header;
        let kind = E2eType::new(u16::from_be_bytes([k0, k1]));
        if kind.has_both_sequences() {
            return Err(E2eError::BothSequences);
        }
        let sequence = if kind.has(E2eType::SEQUENCE_64) {
            take::<8>(&mut fields, kind, E2eType::SEQUENCE_64)?.map(u64::from_be_bytes)
        } else {
            word(&mut fields, kind, E2eType::SEQUENCE_32)?.map(u64::from)
        };
        Ok(Self {
            namespace: NamespaceId(u16::from_be_bytes([n0, n1])),
            kind,
            sequence,
            seconds: word(&mut fields, kind, E2eType::SECONDS)?,
            fraction: word(&mut fields, kind, E2eType::FRACTION)?,
        })
    }

    /// Bits of the sequence number, 32 or 64; `None` without one.
    #[must_use]
    pub fn sequence_bits(&self) -> Option<u32> {
        if self.kind.has(E2eType::SEQUENCE_64) {
            Some(64)
        } else {
            self.kind.has(E2eType::SEQUENCE_32).then_some(32)
        }
    }
}

/// Takes the field of `bit` off the front, if `kind` asks for it.
fn take<const N: usize>(
    fields: &mut &[u8],
    kind: E2eType,
    bit: E2eType,
) -> Result<Option<[u8; N]>, E2eError> {
    if !kind.has(bit) {
        return Ok(None);
    }
    let (field, rest) = fields.split_first_chunk::<N>().ok_or(E2eError::Short)?;
    *fields = rest;
    Ok(Some(*field))
}

fn word(fields: &mut &[u8], kind: E2eType, bit: E2eType) -> Result<Option<u32>, E2eError> {
    Ok(take::<4>(fields, kind, bit)?.map(u32::from_be_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const E05: [u8; 16] = [
        0x00, 0x7B, 0x70, 0, 0, 0, 0, 5, 0x66, 0xBB, 0x71, 0x22, 0x00, 0x01, 0x86, 0xA0,
    ];

    #[test]
    fn reads_a_short_sequence_and_a_timestamp() {
        let e2e = EdgeToEdge::parse(&E05).unwrap();
        assert_eq!(e2e.namespace, NamespaceId(123));
        assert_eq!((e2e.sequence, e2e.sequence_bits()), (Some(5), Some(32)));
        assert_eq!(
            (e2e.seconds, e2e.fraction),
            (Some(0x66BB_7122), Some(100_000))
        );
    }

    #[test]
    fn reads_a_long_sequence() {
        let bytes = [
            0, 1, 0x90, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0xFF, 0xFF, 0xFF, 0xFF,
        ];
        let e2e = EdgeToEdge::parse(&bytes).unwrap();
        assert_eq!(e2e.sequence, Some(0x0102_0304_0506_0708));
        assert_eq!(e2e.sequence_bits(), Some(64));
        assert_eq!((e2e.seconds, e2e.fraction), (None, Some(u32::MAX)));
    }

    #[test]
    fn undefined_bits_and_what_follows_are_ignored() {
        let mut bytes = [&E05[..], &[1, 2, 3]].concat();
        (bytes[2], bytes[3]) = (0x7F, 0xFF);
        let e2e = EdgeToEdge::parse(&bytes).unwrap();
        assert_eq!(e2e.kind.bits(), 0x7FFF);
        assert_eq!(e2e.kind.defined(), E2eType::new(0x7000));
        assert_eq!(e2e.fraction, Some(100_000));
        let nothing = EdgeToEdge::parse(&[0, 0, 0x0F, 0xFF]).unwrap();
        assert_eq!((nothing.sequence, nothing.sequence_bits()), (None, None));
    }

    #[test]
    fn both_sequences_are_an_error_whatever_the_length() {
        for len in HEADER..24 {
            let mut bytes = vec![0; len];
            bytes[2] = 0xC0;
            assert_eq!(EdgeToEdge::parse(&bytes), Err(E2eError::BothSequences));
        }
    }

    #[test]
    fn an_option_shorter_than_its_type_says_is_short() {
        for (kind, least) in [
            (0x00, 4),
            (0x10, 8),
            (0x20, 8),
            (0x30, 12),
            (0x40, 8),
            (0x70, 16),
            (0x80, 12),
            (0xB0, 20),
        ] {
            for len in 0..24 {
                let mut bytes = vec![0; len];
                if let Some(octet) = bytes.get_mut(2) {
                    *octet = kind;
                }
                let parsed = EdgeToEdge::parse(&bytes);
                assert_eq!(parsed.err(), (len < least).then_some(E2eError::Short));
            }
        }
    }
}
