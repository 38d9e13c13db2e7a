// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What one worker keeps per flow: a table of fixed size from which only silent flows are removed.

mod key;
#[cfg(test)]
mod tests;

use std::hint::black_box;
use std::mem;

pub use key::FlowKey;

/// Flows in a bucket. With a value of four octets a bucket is one cache line.
const SLOTS: usize = 4;

/// Most flows a table is made for; more are taken for this many.
pub const MOST_FLOWS: usize = 1 << 27;

/// Four flows that share a cache line, each part of them together so that a large value does not
/// spread the fingerprints over many lines.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct Bucket<V> {
    /// 0 in a free slot.
    fingerprints: [u64; SLOTS],
    last_seen: [u32; SLOTS],
    values: [V; SLOTS],
}

const _: () = assert!(size_of::<Bucket<u32>>() == 64);

/// The parts of one slot.
struct Slot<'a, V> {
    fingerprint: &'a mut u64,
    last_seen: &'a mut u32,
    value: &'a mut V,
}

impl<V> Bucket<V> {
    fn slot(&mut self, at: usize) -> Option<Slot<'_, V>> {
        Some(Slot {
            fingerprint: self.fingerprints.get_mut(at)?,
            last_seen: self.last_seen.get_mut(at)?,
            value: self.values.get_mut(at)?,
        })
    }

    /// A bit for each slot with this fingerprint, the first one lowest. Without branches, since
    /// where a flow is cannot be predicted.
    #[inline]
    fn matches(&self, fingerprint: u64) -> u32 {
        let slots = self.fingerprints.iter().rev();
        slots.fold(0, |bits, own| bits << 1 | u32::from(*own == fingerprint))
    }

    fn slots(&mut self) -> impl Iterator<Item = Slot<'_, V>> {
        let parts = self.fingerprints.iter_mut().zip(&mut self.last_seen);
        parts
            .zip(&mut self.values)
            .map(|((fingerprint, last_seen), value)| Slot {
                fingerprint,
                last_seen,
                value,
            })
    }
}

/// Where a flow is, or could be.
#[derive(Clone, Copy)]
struct Place {
    bucket: usize,
    slot: usize,
}

/// A flow's value, and how it came to be there.
#[derive(Debug)]
pub enum Entry<'a, V> {
    /// The flow is known and not idle.
    Found(&'a mut V),
    /// The flow starts, with the default value.
    New {
        /// Its value.
        value: &'a mut V,
        /// What it had before it fell idle, when nothing removed that in the meantime.
        ended: Option<V>,
    },
    /// The flow starts, with the default value, in the place of another one that was idle.
    Reused {
        /// Its value.
        value: &'a mut V,
        /// What the other flow had.
        ended: V,
    },
    /// The flow is not known, and all its places are taken by flows that are not idle.
    Full,
}

impl<'a, V> Entry<'a, V> {
    /// The flow's value, however it came to be there; `None` when there is no place for it.
    #[must_use]
    pub fn value(self) -> Option<&'a mut V> {
        match self {
            Self::Found(value) | Self::New { value, .. } | Self::Reused { value, .. } => {
                Some(value)
            }
            Self::Full => None,
        }
    }
}

/// Values by flow, for one worker. Nothing is allocated after [`new`](Self::new).
///
/// A flow has two candidate buckets of four slots and goes to the emptier one. It never moves, and
/// while it is not idle it is never removed, since its sequence would then start over; a flow that
/// finds no place is refused instead.
///
/// Time is in whole seconds from any origin and may wrap. It should come from a clock that is never
/// set: a step forward makes flows idle, while a step back only makes them stay longer.
#[derive(Debug)]
pub struct FlowTable<V> {
    buckets: Box<[Bucket<V>]>,
    idle_seconds: u32,
    len: usize,
    cursor: usize,
    evicted: u64,
}

impl<V: Default> FlowTable<V> {
    /// A table for `flows` at a time, with twice as many slots or more: at that load fewer than one
    /// flow in ten thousand is refused. A flow is idle when more than `idle_seconds` have passed
    /// since it was last seen, by the clock's whole seconds.
    #[must_use]
    pub fn new(flows: usize, idle_seconds: u32) -> Self {
        let slots = flows.clamp(1, MOST_FLOWS) * 2;
        let buckets = slots.div_ceil(SLOTS).next_power_of_two();
        Self {
            buckets: std::iter::repeat_with(Bucket::default)
                .take(buckets)
                .collect(),
            idle_seconds: longest(idle_seconds),
            len: 0,
            cursor: 0,
            evicted: 0,
        }
    }

    /// Changes when a flow is idle, from now on and for the flows that are there.
    pub fn set_idle_seconds(&mut self, idle_seconds: u32) {
        self.idle_seconds = longest(idle_seconds);
    }

    /// Brings the buckets of a burst's keys into the cache, so that the waits for memory overlap
    /// instead of following each other. Changes nothing.
    #[inline]
    pub fn touch(&self, keys: &[FlowKey]) {
        // Plain loads, as safe Rust has no prefetch. None depends on another, and only their sum
        // has to look used.
        let mut seen = 0;
        for key in keys {
            for bucket in self.candidates(*key) {
                seen ^= self
                    .buckets
                    .get(bucket)
                    .map_or(0, |bucket| bucket.fingerprints[0]);
            }
        }
        black_box(seen);
    }

    /// The value of the flow, which is seen `now`, and is given a place when it has none.
    #[inline]
    pub fn entry(&mut self, key: FlowKey, now: u32) -> Entry<'_, V> {
        let idle_seconds = self.idle_seconds;
        let known = self.find(key);
        let Some(place) = known.or_else(|| self.choose(key, now)) else {
            return Entry::Full;
        };
        let bucket = self.buckets.get_mut(place.bucket);
        let Some(slot) = bucket.and_then(|bucket| bucket.slot(place.slot)) else {
            return Entry::Full;
        };
        let before = mem::replace(slot.fingerprint, key.fingerprint());
        let last_seen = mem::replace(slot.last_seen, now);
        let value = slot.value;
        if before == 0 {
            self.len += 1;
            return Entry::New { value, ended: None };
        }
        if known.is_none() {
            self.evicted += 1;
            let ended = mem::take(value);
            return Entry::Reused { value, ended };
        }
        if age(last_seen, now) > idle_seconds {
            self.evicted += 1;
            let ended = Some(mem::take(value));
            return Entry::New { value, ended };
        }
        Entry::Found(value)
    }

    /// Removes what is idle from the next `buckets`, going round the table from call to call, and
    /// hands over fingerprint and value of each. Returns how many there were.
    ///
    /// All of the table is seen after [`capacity`](Self::capacity) / 4 buckets.
    pub fn sweep(&mut self, buckets: usize, now: u32, mut ended: impl FnMut(u64, V)) -> usize {
        let before = self.len;
        for _ in 0..buckets.min(self.buckets.len()) {
            if let Some(bucket) = self.buckets.get_mut(self.cursor) {
                let idle_seconds = self.idle_seconds;
                let idle = |slot: &Slot<'_, V>| {
                    *slot.fingerprint != 0 && age(*slot.last_seen, now) > idle_seconds
                };
                for slot in bucket.slots().filter(idle) {
                    self.len -= 1;
                    self.evicted += 1;
                    ended(mem::take(slot.fingerprint), mem::take(slot.value));
                }
            }
            self.cursor = (self.cursor + 1) & self.mask();
        }
        before - self.len
    }

    /// Removes every flow, idle or not, and hands over fingerprint and value of each.
    pub fn drain(&mut self, mut ended: impl FnMut(u64, V)) {
        for slot in self.buckets.iter_mut().flat_map(Bucket::slots) {
            if *slot.fingerprint != 0 {
                ended(mem::take(slot.fingerprint), mem::take(slot.value));
            }
        }
        self.len = 0;
    }

    /// Fingerprint and value of every flow, idle or not.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut V)> {
        self.buckets
            .iter_mut()
            .flat_map(Bucket::slots)
            .filter(|slot| *slot.fingerprint != 0)
            .map(|slot| (*slot.fingerprint, slot.value))
    }

    /// Flows in the table, idle ones included until their places are taken or swept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no flow in the table.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Flows that were idle and were removed, or started over, since the table was made.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Slots: no more flows fit, and at half as many some begin to be refused.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buckets.len() * SLOTS
    }

    /// Octets of memory that the slots take.
    #[must_use]
    pub fn octets(&self) -> usize {
        size_of_val(&*self.buckets)
    }

    /// The number of buckets is a power of two.
    #[inline]
    fn mask(&self) -> usize {
        self.buckets.len() - 1
    }

    #[inline]
    fn candidates(&self, key: FlowKey) -> [usize; 2] {
        let mask = self.mask();
        key.places()
            .map(|place| usize::try_from(place).unwrap_or(0) & mask)
    }

    /// A bit for each slot of the bucket with this fingerprint.
    #[inline]
    fn matches(&self, bucket: usize, fingerprint: u64) -> u32 {
        let bucket = self.buckets.get(bucket);
        bucket.map_or(0, |bucket| bucket.matches(fingerprint))
    }

    #[inline]
    fn find(&self, key: FlowKey) -> Option<Place> {
        let [one, other] = self.candidates(key);
        let here = self.matches(one, key.fingerprint());
        let there = self.matches(other, key.fingerprint());
        let (bucket, bits) = if here == 0 {
            (other, there)
        } else {
            (one, here)
        };
        let slot = lowest(bits)?;
        Some(Place { bucket, slot })
    }

    /// A place for a flow that has none: free, in the emptier bucket, or else that of the flow that
    /// has been idle for longest.
    fn choose(&self, key: FlowKey, now: u32) -> Option<Place> {
        let [one, other] = self.candidates(key);
        let (here, there) = (self.matches(one, 0), self.matches(other, 0));
        let (bucket, free) = if there.count_ones() > here.count_ones() {
            (other, there)
        } else {
            (one, here)
        };
        if let Some(slot) = lowest(free) {
            return Some(Place { bucket, slot });
        }
        let ages = [one, other].into_iter().flat_map(|bucket| {
            let last_seen = self.buckets.get(bucket).map(|bucket| &bucket.last_seen);
            let slots = last_seen.into_iter().flatten().enumerate();
            slots.map(move |(slot, seen)| (age(*seen, now), Place { bucket, slot }))
        });
        ages.filter(|(age, _)| *age > self.idle_seconds)
            .max_by_key(|(age, _)| *age)
            .map(|(_, place)| place)
    }
}

/// The time in which ages can be told.
fn longest(idle_seconds: u32) -> u32 {
    idle_seconds.min(i32::MAX.unsigned_abs() - 1)
}

/// The place of the lowest bit that is set.
#[inline]
fn lowest(bits: u32) -> Option<usize> {
    (bits != 0)
        .then(|| bits.trailing_zeros())
        .and_then(|place| usize::try_from(place).ok())
}

/// Seconds from `last_seen` to `now`, 0 where the clock went back.
#[inline]
fn age(last_seen: u32, now: u32) -> u32 {
    u32::try_from(now.wrapping_sub(last_seen).cast_signed()).unwrap_or(0)
}
