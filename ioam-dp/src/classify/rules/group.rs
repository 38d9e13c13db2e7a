// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules that are found by the same bits of a packet: one hash table.

use super::entry::Entry;
use super::fields::{Fields, Origins, Words, hash, masked};

/// Bits of a slot that say where its bucket's first entry is; the others are a sieve for hashes.
const PLACE_BITS: u32 = 24;

/// The rules in one hash table, over the bits of `mask`.
#[derive(Debug)]
pub(super) struct Group {
    mask: Words,
    /// The first position in it.
    pub best: u16,
    /// Takes a hash to its bucket.
    shift: u32,
    /// For each bucket, where its entries begin, and which hashes they can have: most packets that
    /// no entry is for end here, in a few lines that stay in the cache.
    slots: Box<[u32]>,
    /// By bucket, and in it by position; the last one of each is marked.
    entries: Box<[Entry]>,
}

impl Group {
    /// `rules` are entries with their words, which have to be certain in all bits of `mask`.
    pub(super) fn new(mask: Words, rules: &[(Entry, Words)]) -> Self {
        let buckets = rules.len().next_power_of_two().max(2);
        let shift = u64::BITS - buckets.trailing_zeros();
        let hashed = rules
            .iter()
            .map(|(entry, words)| (hash(masked(words, &mask)), *entry));
        let mut hashed: Vec<(u64, Entry)> = hashed.collect();
        hashed.sort_by_key(|(hash, entry)| (bucket_of(*hash, shift), entry.position));
        let mut group = Self {
            mask,
            best: u16::MAX,
            shift,
            slots: vec![0; buckets].into(),
            entries: Box::default(),
        };
        let mut entries: Vec<Entry> = Vec::with_capacity(hashed.len());
        for bucket in hashed
            .chunk_by(|(one, _), (other, _)| bucket_of(*one, shift) == bucket_of(*other, shift))
        {
            let place = u32::try_from(entries.len()).unwrap_or(0);
            for (hash, entry) in bucket {
                if let Some(slot) = group.slots.get_mut(bucket_of(*hash, shift)) {
                    *slot |= place | sieve(*hash);
                }
                group.best = group.best.min(entry.position);
                entries.push(*entry);
            }
            if let Some(entry) = entries.last_mut() {
                entry.last = true;
            }
        }
        group.entries = entries.into();
        group
    }

    /// The first position before `found` whose rule matches, or else `found`.
    #[inline]
    pub(super) fn before(&self, found: u32, fields: &Fields<'_>, from: Origins) -> u32 {
        let hash = hash(masked(&fields.words(), &self.mask));
        let slot = self.slots.get(bucket_of(hash, self.shift)).copied();
        let Some(slot) = slot.filter(|slot| slot & sieve(hash) != 0) else {
            return found;
        };
        let first = slot & ((1 << PLACE_BITS) - 1);
        for entry in self.entries.get(first as usize..).unwrap_or(&[]) {
            let position = u32::from(entry.position);
            if position >= found {
                break;
            }
            if entry.matches(fields, from) {
                return position;
            }
            if entry.last {
                break;
            }
        }
        found
    }

    /// Entries in its longest bucket, all of which a packet may have to be compared with.
    pub(super) fn longest(&self) -> usize {
        let buckets = self.entries.split_inclusive(|entry| entry.last);
        buckets.map(<[Entry]>::len).max().unwrap_or(0)
    }

    /// Octets of memory.
    pub(super) fn octets(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.slots) + size_of_val(&*self.entries)
    }
}

#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "no more bits than the shift leaves"
)]
fn bucket_of(hash: u64, shift: u32) -> usize {
    (hash >> shift) as usize
}

/// One of a slot's upper bits, by the lowest bits of the hash.
#[inline]
fn sieve(hash: u64) -> u32 {
    1 << PLACE_BITS << (hash & 7)
}
