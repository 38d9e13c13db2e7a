// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The first of many rules that matches a packet: a memory of the last packets, and behind it hash
//! tables of the rules, by the bits that they ask for.

mod arrange;
mod entry;
mod fields;
mod group;
mod memory;
#[cfg(test)]
mod tests;

pub use memory::RuleMemory;

use super::Filter;
use crate::port::PortId;
use entry::{Entry, Range, prefix_mask};
use fields::{Fields, Origins, Words, masked};
use group::Group;
use memory::Known;

/// Most rules that are asked one by one, which is the fastest for a few.
const FEW: usize = 4;

/// What is found where no rule matches; positions are smaller.
const NONE: u32 = u32::MAX;

/// Rules in order, compiled.
#[derive(Debug)]
pub struct RuleSet(Lookup);

#[derive(Debug)]
enum Lookup {
    Few(Box<[Filter]>),
    Many(Box<Many>),
}

/// Hash tables of rules.
#[derive(Debug)]
struct Many {
    /// Its packets' part of the key in a memory that other sets use too.
    id: u8,
    /// Whether some rule looks behind the IPv6 header.
    behind: bool,
    /// The bits that some rule asks for.
    mask: Words,
    payload: Steps,
    source_ports: Steps,
    destination_ports: Steps,
    groups: Box<[Group]>,
}

impl RuleSet {
    /// Compiles `filters`, in the order they are asked, for packets from whatever port.
    #[must_use]
    pub fn new<'a>(filters: impl IntoIterator<Item = &'a Filter>) -> Self {
        Self::compile(0, filters.into_iter().collect())
    }

    /// Compiles `filters` for packets from ports that each of them admits. Sets that share a
    /// [`RuleMemory`] need different ids.
    #[must_use]
    pub fn of_ports<'a>(id: u8, filters: impl IntoIterator<Item = &'a Filter>) -> Self {
        let mut wanted: Vec<&Filter> = filters.into_iter().collect();
        // Nothing gets past a rule for everything.
        if let Some(last) = wanted.iter().position(|filter| filter.wants_everything()) {
            wanted.truncate(last + 1);
        }
        Self::compile(id, wanted)
    }

    fn compile(id: u8, wanted: Vec<&Filter>) -> Self {
        if wanted.len() <= FEW {
            return Self(Lookup::Few(wanted.into_iter().cloned().collect()));
        }
        let entries = (0..=u16::MAX).zip(wanted);
        let entries: Vec<Entry> = entries
            .filter_map(|(position, filter)| Entry::new(position, filter))
            .collect();
        Self(Lookup::Many(Box::new(Many::new(id, &entries))))
    }

    /// Whether there is no rule at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(&self.0, Lookup::Few(few) if few.is_empty())
    }

    /// Whether the first rule takes every IPv6 packet from the ports it is for.
    #[must_use]
    pub fn wants_everything(&self) -> bool {
        matches!(&self.0, Lookup::Few(few) if few.first().is_some_and(Filter::wants_everything))
    }

    /// Whether a [`RuleMemory`] is of use.
    #[must_use]
    pub fn remembers(&self) -> bool {
        matches!(self.0, Lookup::Many(_))
    }

    /// The position of the first rule that matches the IPv6 packet at `l3`, for a set made
    /// [`of_ports`](Self::of_ports).
    #[inline]
    pub fn first(
        &self,
        from: PortId,
        frame: &[u8],
        l3: usize,
        memory: &mut RuleMemory,
    ) -> Option<u16> {
        match &self.0 {
            Lookup::Few(few) => first_of(few, from, frame, l3),
            Lookup::Many(many) => many.recall(from, frame, l3, memory),
        }
    }

    /// The same without a memory, for any set.
    #[inline]
    #[must_use]
    pub fn find(&self, from: PortId, frame: &[u8], l3: usize) -> Option<u16> {
        match &self.0 {
            Lookup::Few(few) => first_of(few, from, frame, l3),
            Lookup::Many(many) => {
                let fields = Fields::read(frame, l3, many.behind)?;
                position(many.search(from, fields))
            }
        }
    }

    /// Octets of memory.
    #[must_use]
    pub fn octets(&self) -> usize {
        size_of::<Self>()
            + match &self.0 {
                Lookup::Few(few) => size_of_val(&**few),
                Lookup::Many(many) => {
                    let groups = many.groups.iter().map(Group::octets);
                    size_of::<Many>() + groups.sum::<usize>()
                }
            }
    }

    /// Most rules that one packet may be compared with.
    #[must_use]
    pub fn worst(&self) -> usize {
        match &self.0 {
            Lookup::Few(few) => few.len(),
            Lookup::Many(many) => many.groups.iter().map(Group::longest).sum(),
        }
    }

    /// Hash tables that a packet may be looked up in.
    #[must_use]
    pub fn tables(&self) -> usize {
        match &self.0 {
            Lookup::Few(_) => 0,
            Lookup::Many(many) => many.groups.len(),
        }
    }
}

#[inline]
fn first_of(few: &[Filter], from: PortId, frame: &[u8], l3: usize) -> Option<u16> {
    let found = (0..)
        .zip(few)
        .find(|(_, filter)| filter.admits_port(from) && filter.matches(frame, l3));
    found.map(|(position, _)| position)
}

fn position(found: u32) -> Option<u16> {
    u16::try_from(found).ok()
}

impl Many {
    fn new(id: u8, entries: &[Entry]) -> Self {
        let steps = |range: fn(&Entry) -> Range| Steps::new(entries.iter().map(range));
        let mut many = Self {
            id,
            behind: false,
            mask: [0; 6],
            payload: steps(|entry| entry.payload),
            source_ports: steps(|entry| entry.source_ports),
            destination_ports: steps(|entry| entry.destination_ports),
            groups: arrange::arrange(entries).into(),
        };
        let longest = |length: fn(&Entry) -> u8| {
            prefix_mask(entries.iter().map(length).max().unwrap_or(0)).to_be_bytes()
        };
        let mask = Fields {
            source: &longest(|entry| entry.source_length),
            destination: &longest(|entry| entry.destination_length),
            class: entries.iter().fold(0, |all, e| all | e.class_mask),
            payload: 0,
            next_header: entries.iter().fold(0, |all, e| all | e.next_header_mask),
            source_port: many.source_ports.mask(),
            destination_port: many.destination_ports.mask(),
        };
        many.behind = mask.next_header != 0 || mask.source_port != 0 || mask.destination_port != 0;
        many.mask = mask.words();
        many
    }

    #[inline]
    fn recall(
        &self,
        from: PortId,
        frame: &[u8],
        l3: usize,
        memory: &mut RuleMemory,
    ) -> Option<u16> {
        let fields = Fields::read(frame, l3, self.behind)?;
        if !memory.is_of_use() {
            return position(self.search(from, fields));
        }
        let key = self.key(&fields);
        let found = match memory.recall(&key) {
            Known::Found(found) => found,
            Known::New(room) => {
                let found = self.search(from, fields);
                memory.keep(room, key, found);
                found
            }
        };
        position(found)
    }

    #[inline]
    fn search(&self, from: PortId, fields: Fields<'_>) -> u32 {
        let from = Origins::of(from);
        let mut found = NONE;
        for group in &self.groups {
            if u32::from(group.best) >= found {
                break;
            }
            found = group.before(found, &fields, from);
        }
        found
    }

    /// What all packets share that the rules cannot tell apart.
    #[inline]
    fn key(&self, fields: &Fields<'_>) -> Words {
        let classes = Fields {
            source_port: self.source_ports.class(fields.source_port),
            destination_port: self.destination_ports.class(fields.destination_port),
            ..*fields
        };
        let mut key = masked(&classes.words(), &self.mask);
        let payload = u64::from(self.payload.class(fields.payload) & self.payload.mask());
        key[4] |= payload << 32;
        // No key is all zero, which is what an empty place has.
        key[5] |= 1 << 48 | u64::from(self.id) << 56;
        key
    }
}

/// Values that the ranges of all rules cannot tell apart are one class, as long as the classes are
/// few; so not every source port is something new.
#[derive(Debug)]
struct Steps {
    /// Where another class begins, and the largest value in the places that are not needed.
    at: [u16; Self::MOST],
    needed: usize,
}

impl Steps {
    const MOST: usize = 8;

    fn new(ranges: impl Iterator<Item = Range>) -> Self {
        let mut at: Vec<u16> = ranges
            .flat_map(|range| [Some(range.first), range.last.checked_add(1)])
            .flatten()
            .filter(|value| *value != 0)
            .collect();
        at.sort_unstable();
        at.dedup();
        let needed = at.len();
        at.resize(Self::MOST, u16::MAX);
        Self {
            at: at.try_into().unwrap_or([0; Self::MOST]),
            needed,
        }
    }

    /// No bits where no rule asks.
    fn mask(&self) -> u16 {
        if self.needed == 0 { 0 } else { u16::MAX }
    }

    #[inline]
    fn class(&self, value: u16) -> u16 {
        if self.needed > Self::MOST {
            return value;
        }
        self.at.iter().map(|at| u16::from(*at <= value)).sum()
    }
}
