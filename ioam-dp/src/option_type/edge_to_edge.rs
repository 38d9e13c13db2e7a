// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Edge-to-Edge Option-Type (RFC 9197, 4.6): written at one edge, read at the other.

use crate::timestamp::Timestamp;
use crate::wire::ioam::edge_to_edge::E2eType;
use crate::wire::ioam::{NamespaceId, UNAVAILABLE};
use crate::wire::ipv6_ext::IOAM_IMMUTABLE;

/// Where the fields of an option stand, from its type octet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The sequence number: offset and width in octets, 4 or 8.
    pub sequence: Option<(usize, u8)>,
    /// Offset of the timestamp's seconds.
    pub seconds: Option<usize>,
    /// Offset of the timestamp's fraction.
    pub fraction: Option<usize>,
}

/// An option laid out by an encapsulating node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The option from its type octet on: sequence number zero, timestamps not available.
    pub option: Vec<u8>,
    /// Where to [`stamp`] it.
    pub places: Places,
}

/// Lays out an option; undefined bits of `kind` are sent 0. `None` when `kind` has both sequence
/// numbers.
#[must_use]
pub fn build(namespace: NamespaceId, kind: E2eType) -> Option<Built> {
    if kind.has_both_sequences() {
        return None;
    }
    let mut option = vec![IOAM_IMMUTABLE, 0, 0, 3];
    option.extend_from_slice(&namespace.0.to_be_bytes());
    option.extend_from_slice(&kind.defined().bits().to_be_bytes());
    let mut places = Places::default();
    let width = if kind.has(E2eType::SEQUENCE_64) { 8 } else { 4 };
    if kind.has(E2eType::SEQUENCE_64.union(E2eType::SEQUENCE_32)) {
        places.sequence = Some((option.len(), width));
        option.resize(option.len() + usize::from(width), 0);
    }
    for (bit, place) in [
        (E2eType::SECONDS, &mut places.seconds),
        (E2eType::FRACTION, &mut places.fraction),
    ] {
        if kind.has(bit) {
            *place = Some(option.len());
            option.extend_from_slice(&UNAVAILABLE.to_be_bytes());
        }
    }
    let len = u8::try_from(option.len() - 2).ok()?;
    *option.get_mut(1)? = len;
    Some(Built { option, places })
}

/// Writes the fields of one packet into `option`, which begins at its type octet. A sequence number
/// of 32 bits is the low half of `sequence`, so it wraps.
#[inline]
pub fn stamp(option: &mut [u8], places: Places, sequence: u64, time: Timestamp) {
    let [_, _, _, _, low @ ..] = sequence.to_be_bytes();
    match places.sequence {
        Some((at, 8)) => put(option, Some(at), sequence.to_be_bytes()),
        Some((at, _)) => put(option, Some(at), low),
        None => {}
    }
    put(option, places.seconds, time.seconds.to_be_bytes());
    put(option, places.fraction, time.fraction.to_be_bytes());
}

fn put<const N: usize>(option: &mut [u8], place: Option<usize>, field: [u8; N]) {
    let behind = place.and_then(|at| option.get_mut(at..));
    if let Some(octets) = behind.and_then(|behind| behind.first_chunk_mut()) {
        *octets = field;
    }
}

#[cfg(test)]
mod tests {
    use super::super::own_data::tests::hex;
    use super::*;
    use crate::wire::ioam::OPTION_HEAD;
    use crate::wire::ioam::edge_to_edge::EdgeToEdge;

    const TIME: Timestamp = Timestamp {
        seconds: 0x66BB_7122,
        fraction: 100_000,
    };

    #[test]
    fn a_short_sequence_and_the_time_of_entry() {
        let mut built = build(NamespaceId(123), E2eType::new(0x7000)).unwrap();
        assert_eq!(
            built.option,
            hex("11120003 007b7000 00000000 ffffffff ffffffff")
        );
        assert_eq!(
            built.places,
            Places {
                sequence: Some((8, 4)),
                seconds: Some(12),
                fraction: Some(16)
            }
        );
        stamp(&mut built.option, built.places, 0, TIME);
        assert_eq!(
            built.option,
            hex("11120003 007b7000 00000000 66bb7122 000186a0")
        );
    }

    #[test]
    fn a_short_sequence_wraps_and_a_long_one_does_not() {
        for (kind, expected) in [
            (E2eType::SEQUENCE_32, "110a0003 007b4000 00000002"),
            (E2eType::SEQUENCE_64, "110e0003 007b8000 00000001 00000002"),
        ] {
            let mut built = build(NamespaceId(123), kind).unwrap();
            stamp(&mut built.option, built.places, 0x1_0000_0002, TIME);
            assert_eq!(built.option, hex(expected));
        }
    }

    #[test]
    fn each_allowed_type_is_read_back() {
        for bits in 0..=u16::MAX {
            let kind = E2eType::new(bits);
            let Some(mut built) = build(NamespaceId(7), kind) else {
                assert!(kind.has_both_sequences());
                continue;
            };
            assert_eq!(usize::from(built.option[1]), built.option.len() - 2);
            assert_eq!(built.option.len() % 4, 0);
            stamp(&mut built.option, built.places, 0xAAAA_BBBB, TIME);
            let e2e = EdgeToEdge::parse(&built.option[OPTION_HEAD..]).unwrap();
            assert_eq!(e2e.kind, kind.defined());
            assert_eq!(e2e.sequence.is_some(), bits & 0xC000 != 0);
            assert!(e2e.sequence.is_none_or(|sequence| sequence == 0xAAAA_BBBB));
            assert_eq!(e2e.seconds, (bits & 0x2000 != 0).then_some(TIME.seconds));
            assert_eq!(e2e.fraction, (bits & 0x1000 != 0).then_some(TIME.fraction));
        }
    }

    #[test]
    fn places_beyond_the_option_are_left_alone() {
        let places = build(NamespaceId(7), E2eType::new(0xB000)).unwrap().places;
        for len in 0..24 {
            let mut option = vec![0; len];
            stamp(&mut option, places, u64::MAX, TIME);
            assert_eq!(option.len(), len);
        }
    }
}
