// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a worker remembers of its last packets: which rule each kind of them met.

use super::fields::{Words, hash};

/// Pairs of places. With both tags of each, and what is remembered, 544 KiB in all.
const PAIRS: usize = 4096;

/// Packets after which it is looked whether remembering pays.
const TRIAL: u32 = 512;
/// Packets of a trial that may be new: beyond, looking here first costs more than it saves.
const MOST_NEW: u32 = TRIAL * 3 / 8;
/// Packets that then do without, before the next trial. Each trial also makes the next one better.
const PAUSE: u32 = 16 * TRIAL;

/// One kind of packet and the first rule that matches it.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Kept {
    /// Never all zero where something is kept.
    key: Words,
    found: u32,
}

/// The memory of one worker for all of its rule sets; forgotten with the tables it was made for.
#[derive(Debug, Default)]
pub struct RuleMemory {
    /// Part of each place's hash, so that only one place of a pair has to be looked at.
    tags: Box<[[u32; 2]]>,
    places: Box<[Kept]>,
    turn: usize,
    /// Packets until the trial or the pause ends.
    left: u32,
    new: u32,
    paused: bool,
}

/// What is known of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// This was found before.
    Found(u32),
    /// Nothing; it can be kept here.
    New(Room),
}

/// Where something can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pair: usize,
    tag: u32,
}

impl RuleMemory {
    /// Forgets everything, and has room from now on if there is `use_for_it`.
    pub fn start_over(&mut self, use_for_it: bool) {
        let pairs = if use_for_it { PAIRS } else { 0 };
        if self.tags.len() == pairs {
            self.places.fill(Kept::default());
        } else {
            self.tags = vec![[0; 2]; pairs].into();
            self.places = vec![Kept::default(); 2 * pairs].into();
        }
        (self.left, self.new, self.paused) = (TRIAL, 0, pairs == 0);
    }

    /// Octets of memory.
    #[must_use]
    pub fn octets(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.tags) + size_of_val(&*self.places)
    }

    /// Whether the next packet is to be looked for here.
    #[inline]
    pub(super) fn is_of_use(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.turn_around();
        }
        !self.paused
    }

    /// Ends a trial or a pause.
    #[cold]
    fn turn_around(&mut self) {
        self.paused = self.places.is_empty() || !self.paused && self.new > MOST_NEW;
        self.left = if self.paused { PAUSE } else { TRIAL };
        self.new = 0;
    }

    /// What is known of `key`, or where to keep it.
    #[inline]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "other bits of the hash for each"
    )]
    pub(super) fn recall(&self, key: &Words) -> Known {
        let hash = hash(*key);
        let (tag, pair) = (hash as u32, (hash >> 32) as usize & (PAIRS - 1));
        let second = self.tags.get(pair).is_some_and(|tags| tags[1] == tag);
        match self.places.get(2 * pair + usize::from(second)) {
            Some(place) if same(&place.key, key) => Known::Found(place.found),
            _ => Known::New(Room { pair, tag }),
        }
    }

    /// Keeps it in the place of something older.
    #[inline]
    pub(super) fn keep(&mut self, room: Room, key: Words, found: u32) {
        self.new += 1;
        self.turn ^= 1;
        if let (Some(tags), Some(place)) = (
            self.tags.get_mut(room.pair),
            self.places.get_mut(2 * room.pair + self.turn),
        ) {
            tags[self.turn & 1] = room.tag;
            *place = Kept { key, found };
        }
    }
}

#[inline]
fn same(one: &Words, other: &Words) -> bool {
    let differing = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    differing == 0
}
