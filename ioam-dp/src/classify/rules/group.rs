// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules that are found by the same bits of a packet: one hash table.

use super::entry::Entry;
use super::fields::{Fields, Origins, Words, hash, masked};

/// Bits of the sieve for each entry: about one in sixteen packets that no entry is for gets through.
const SIEVE_BITS: usize = 16;

/// The rules in one hash table, over the bits of `mask`.
#[derive(Debug)]
pub(super) struct Group {
    mask: Words,
    /// The first position in it.
    pub best: u16,
    /// Takes a hash to its bucket.
    shift: u32,
    /// A bit for each hash there is, by its low bits, so that most packets without an entry here end
    /// in a few lines that stay in the cache.
    sieve: Box<[u64]>,
    /// Where each bucket begins in `entries`, and the end.
    starts: Box<[u32]>,
    /// By bucket, and in it by position.
    entries: Box<[Entry]>,
}

impl Group {
    /// `rules` are entries with their words, which have to be certain in all bits of `mask`.
    pub(super) fn new(mask: Words, rules: &[(Entry, Words)]) -> Self {
        let buckets = (rules.len() * 2).next_power_of_two().max(2);
        let bits = (rules.len() * SIEVE_BITS).next_power_of_two().max(64);
        let shift = u64::BITS - buckets.trailing_zeros();
        let mut hashed: Vec<(usize, Entry)> = Vec::with_capacity(rules.len());
        let mut sieve = vec![0; bits / 64];
        for (entry, words) in rules {
            let hash = hash(masked(words, &mask));
            if let Some(word) = sieve.get_mut(word_of(hash, bits / 64)) {
                *word |= bit_of(hash);
            }
            hashed.push((bucket_of(hash, shift), *entry));
        }
        hashed.sort_by_key(|(bucket, entry)| (*bucket, entry.position));
        let start = |bucket| hashed.partition_point(|(other, _)| *other < bucket);
        let starts = (0..=buckets).map(|bucket| u32::try_from(start(bucket)).unwrap_or(u32::MAX));
        Self {
            mask,
            best: hashed.iter().map(|(_, e)| e.position).min().unwrap_or(0),
            shift,
            sieve: sieve.into(),
            starts: starts.collect(),
            entries: hashed.iter().map(|(_, entry)| *entry).collect(),
        }
    }

    /// The first position before `found` whose rule matches, or else `found`.
    #[inline]
    pub(super) fn before(&self, found: u32, words: &Words, fields: &Fields, from: Origins) -> u32 {
        let hash = hash(masked(words, &self.mask));
        let word = self.sieve.get(word_of(hash, self.sieve.len()));
        if word.is_none_or(|word| word & bit_of(hash) == 0) {
            return found;
        }
        let bucket = bucket_of(hash, self.shift);
        let (Some(from_entry), Some(to)) = (self.starts.get(bucket), self.starts.get(bucket + 1))
        else {
            return found;
        };
        let entries = self.entries.get(*from_entry as usize..*to as usize);
        for entry in entries.unwrap_or(&[]) {
            let position = u32::from(entry.position);
            if position >= found {
                break;
            }
            if entry.matches(fields, from) {
                return position;
            }
        }
        found
    }

    /// Entries in its longest bucket, all of which a packet may have to be compared with.
    pub(super) fn longest(&self) -> usize {
        let pairs = self.starts.iter().zip(self.starts.iter().skip(1));
        pairs
            .map(|(from, to)| (to - from) as usize)
            .max()
            .unwrap_or(0)
    }

    /// Octets of memory.
    pub(super) fn octets(&self) -> usize {
        size_of::<Self>()
            + size_of_val(&*self.sieve)
            + size_of_val(&*self.starts)
            + size_of_val(&*self.entries)
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

#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "masked to the number of words"
)]
fn word_of(hash: u64, words: usize) -> usize {
    (hash >> 6) as usize & words.wrapping_sub(1)
}

#[inline]
fn bit_of(hash: u64) -> u64 {
    1 << (hash & 63)
}
