// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The key of a flow in a table: two keyed 64-bit hashes of what the flow is known by.

use crate::record::Flow;

/// Digits of pi: keys that stay apart from each other whatever the seed.
const PI: [u64; 8] = [
    0x243F_6A88_85A3_08D3,
    0x1319_8A2E_0370_7344,
    0xA409_3822_299F_31D0,
    0x082E_FA98_EC4E_6C89,
    0x4528_21E6_38D0_1377,
    0xBE54_66CF_34E9_0C6C,
    0xC0AC_29B7_C97C_50DD,
    0x3F84_D5B5_B547_0917,
];

/// What the words are, in bits that no flow uses, so that keys of different kinds never meet.
const DIRECTED: u64 = 0;
const SYMMETRIC: u64 = 1 << 28;
const WORDS: u64 = 2 << 28;

/// A flow, as a [`FlowTable`](super::FlowTable) knows it. Two flows share a key with a probability
/// of 2^-128; a table confuses two with about 2^-61 for each pair that shares a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlowKey {
    fingerprint: u64,
    place: u64,
}

impl FlowKey {
    /// The key of `flow`, its label included, so that each direction and each label is a flow.
    ///
    /// `seed` should be random and secret: who knows it can make flows that crowd out others.
    /// `salt` keeps apart what shares a table, such as profiles.
    #[inline]
    #[must_use]
    pub fn new(seed: [u64; 2], flow: &Flow, salt: u64) -> Self {
        let source = (flow.source, flow.source_port);
        let destination = (flow.destination, flow.destination_port);
        let rest = DIRECTED | u64::from(flow.label & 0xF_FFFF);
        Self::of_ends(seed, source, destination, flow.next_header, rest, salt)
    }

    /// A key that both directions of `flow` share. The label is left out: each direction has its
    /// own. Never equal to a key that [`new`](Self::new) makes.
    #[inline]
    #[must_use]
    pub fn symmetric(seed: [u64; 2], flow: &Flow, salt: u64) -> Self {
        let source = (flow.source, flow.source_port);
        let destination = (flow.destination, flow.destination_port);
        let (low, high) = if source <= destination {
            (source, destination)
        } else {
            (destination, source)
        };
        Self::of_ends(seed, low, high, flow.next_header, SYMMETRIC, salt)
    }

    /// The key of something known by two words and no flow, such as a namespace and a flow id.
    #[inline]
    #[must_use]
    pub fn from_words(seed: [u64; 2], words: [u64; 2], salt: u64) -> Self {
        Self::of(seed, [words[0], words[1], 0, 0, WORDS, salt])
    }

    /// What a table stores of the key, never 0.
    #[inline]
    #[must_use]
    pub fn fingerprint(self) -> u64 {
        self.fingerprint
    }

    /// 32 bits for a Flow ID (RFC 9326, 3.2). They depend on all of the key, and tell who sees
    /// them nothing about the flow's place in a table.
    #[inline]
    #[must_use]
    pub fn flow_id(self) -> u32 {
        u32::try_from(fold(self.fingerprint ^ PI[0], self.place ^ PI[1]) >> 32).unwrap_or(0)
    }

    /// Two numbers of 32 bits, from which the candidate buckets are taken.
    #[inline]
    pub(super) fn places(self) -> [u64; 2] {
        [self.place & 0xFFFF_FFFF, self.place >> 32]
    }

    #[inline]
    fn of_ends(
        seed: [u64; 2],
        one: ([u8; 16], u16),
        other: ([u8; 16], u16),
        next_header: u8,
        rest: u64,
        salt: u64,
    ) -> Self {
        let [a, b] = halves(one.0);
        let [c, d] = halves(other.0);
        let ports = u64::from(one.1) << 48 | u64::from(other.1) << 32;
        let e = ports | u64::from(next_header) << 20 | rest;
        Self::of(seed, [a, b, c, d, e, salt])
    }

    #[inline]
    fn of([s, t]: [u64; 2], words: [u64; 6]) -> Self {
        let keys = [s ^ PI[0], t ^ PI[1], t ^ PI[2], s ^ PI[3]];
        let others = [t ^ PI[4], s ^ PI[5], s ^ PI[6], t ^ PI[7]].map(|key| key.rotate_left(29));
        Self {
            // 0 marks a free slot.
            fingerprint: hash(keys, words).max(1),
            place: hash(others, words),
        }
    }
}

/// A folded-multiply hash, as in foldhash and wyhash, written out here because those give 64 bits
/// a pass where 128 are needed, and because exported flow ids should not change with a crate's
/// version. Every factor has a secret part: with a public one a sender could make it 0, and so
/// make all flows collide.
#[inline]
fn hash(keys: [u64; 4], [a, b, c, d, e, f]: [u64; 6]) -> u64 {
    let first = fold(a ^ keys[0], b ^ keys[1]);
    let second = fold(c ^ first, d ^ keys[2]);
    let third = fold(e ^ second, f ^ keys[3]);
    fold(third ^ keys[1], PI[7] ^ keys[0])
}

/// Both halves of the product, so that every bit of a factor reaches every bit of the result.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the two halves of the value"
)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the two halves of the value"
)]
fn halves(address: [u8; 16]) -> [u64; 2] {
    let value = u128::from_be_bytes(address);
    [(value >> 64) as u64, value as u64]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const SEED: [u64; 2] = [1, 2];

    fn flow(source: [u8; 16], destination: [u8; 16], ports: (u16, u16), label: u32) -> Flow {
        Flow {
            source,
            destination,
            source_port: ports.0,
            destination_port: ports.1,
            next_header: 17,
            label,
        }
    }

    fn turned(flow: &Flow) -> Flow {
        Flow {
            source: flow.destination,
            destination: flow.source,
            source_port: flow.destination_port,
            destination_port: flow.source_port,
            ..*flow
        }
    }

    proptest! {
        #[test]
        fn both_directions_share_the_symmetric_key_only(
            source: [u8; 16], destination: [u8; 16], ports: (u16, u16), label in 0..1_u32 << 20,
            other in 0..1_u32 << 20,
        ) {
            let there = flow(source, destination, ports, label);
            let back = Flow { label: other, ..turned(&there) };
            let key = FlowKey::symmetric(SEED, &there, 0);
            prop_assert_eq!(key, FlowKey::symmetric(SEED, &back, 0));
            prop_assert_ne!(key, FlowKey::new(SEED, &there, 0));
            prop_assert_ne!(FlowKey::new(SEED, &there, 0), FlowKey::new(SEED, &back, 0));
        }
    }

    /// Only the ports tell the ends apart.
    #[test]
    fn a_host_that_talks_to_itself_has_both_directions() {
        let there = flow([1; 16], [1; 16], (5000, 53), 0);
        let key = FlowKey::symmetric(SEED, &there, 0);
        assert_eq!(key, FlowKey::symmetric(SEED, &turned(&there), 0));
    }

    #[test]
    fn every_part_of_a_flow_tells() {
        let plain = flow([1; 16], [2; 16], (5000, 53), 7);
        let key = |flow: &Flow| FlowKey::new(SEED, flow, 0);
        let others = [
            Flow {
                source: [3; 16],
                ..plain
            },
            Flow {
                destination: [3; 16],
                ..plain
            },
            Flow {
                source_port: 5001,
                ..plain
            },
            Flow {
                destination_port: 54,
                ..plain
            },
            Flow {
                next_header: 6,
                ..plain
            },
            Flow { label: 8, ..plain },
        ];
        let keys: HashSet<_> = others.iter().chain([&plain]).map(key).collect();
        assert_eq!(keys.len(), 7);
        assert_ne!(key(&plain), FlowKey::new(SEED, &plain, 1));
        assert_ne!(key(&plain), FlowKey::new([1, 3], &plain, 0));
        assert_ne!(key(&plain), FlowKey::new([0, 2], &plain, 0));
    }

    /// Flows that differ in a counter, as those of a traffic generator do, spread like random ones.
    #[test]
    fn near_flows_spread_evenly_over_all_bits() {
        let keys: Vec<FlowKey> = (0..1_u16 << 14)
            .map(|i| FlowKey::new([0, 0], &flow([1; 16], [2; 16], (i, 53), 0), 0))
            .collect();
        let evenly = |name: &str, hash: &dyn Fn(&FlowKey) -> u64, bits: u32| {
            for bit in 0..bits {
                let ones = keys.iter().filter(|key| hash(key) >> bit & 1 == 1).count();
                // Six standard deviations, of 64, around the half.
                assert!((7800..8584).contains(&ones), "{name} bit {bit}: {ones}");
            }
            let distinct: HashSet<u64> = keys.iter().map(hash).collect();
            assert!(distinct.len() > keys.len() - 4, "{name}");
        };
        evenly("fingerprint", &|key| key.fingerprint(), 64);
        evenly("place", &|key| key.place, 64);
        evenly("flow id", &|key| key.flow_id().into(), 32);
    }

    #[test]
    fn words_are_keys_too() {
        let key = |words, salt| FlowKey::from_words(SEED, words, salt);
        assert_eq!(key([1, 2], 3), key([1, 2], 3));
        let keys = [
            key([1, 2], 3),
            key([2, 1], 3),
            key([1, 2], 4),
            key([0, 0], 0),
        ];
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 4);
        assert_ne!(key([0, 0], 0), FlowKey::new(SEED, &Flow::default(), 0));
    }
}
