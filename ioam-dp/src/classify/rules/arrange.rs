// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which rules share a hash table: few tables to ask, and few rules behind one hash.

use std::collections::BTreeMap;

use super::entry::{Entry, Range, prefix_mask};
use super::fields::{Fields, Words, hash, masked};
use super::group::Group;

/// Most kinds of rules that are looked at one by one; beyond them, shorter masks make fewer.
const MOST_KINDS: usize = 256;
/// Packets by which a table's cost is guessed.
const SAMPLES: usize = 256;
/// Asking one more table, in the same unit as [`ENTRY`].
const TABLE: usize = 12;
/// Looking at one more entry of a bucket.
const ENTRY: usize = 10;
/// The widest range of ports that is found by its leading bits.
const WIDEST: u16 = 1023;

/// The lengths masks are cut to, finely and coarsely.
const ADDRESS_STEPS: [&[u8]; 2] = [
    &[128, 112, 96, 80, 64, 56, 48, 40, 32, 24, 16],
    &[128, 64, 48, 32],
];
const PORT_STEPS: [&[u8]; 2] = [&[16, 13, 10, 5], &[16]];

/// A rule, or the part of it that has certain port bits.
#[derive(Clone, Copy)]
struct Item {
    entry: Entry,
    words: Words,
    /// The bits of `words` that all its packets have.
    mask: Words,
}

/// Rules that are to share a table.
struct Draft {
    mask: Words,
    items: Vec<Item>,
    cost: usize,
}

/// The tables for these rules, best first.
pub(super) fn arrange(entries: &[Entry]) -> Vec<Group> {
    let mut kinds = kinds(entries, 0);
    if kinds.len() > MOST_KINDS {
        kinds = self::kinds(entries, 1);
    }
    let samples = samples(&kinds.values().flatten().copied().collect::<Vec<_>>());
    let mut kinds: Vec<(Words, Vec<Item>)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, items)| std::cmp::Reverse(items.len()));
    let mut drafts: Vec<Draft> = Vec::new();
    for (mask, items) in kinds {
        place(mask, items, &mut drafts, &samples);
    }
    let mut groups: Vec<Group> = drafts.iter().map(Draft::group).collect();
    groups.sort_by_key(|group| group.best);
    groups
}

/// Puts a kind of rules where it costs least: with others, by the bits that both have, or alone.
fn place(mask: Words, items: Vec<Item>, drafts: &mut Vec<Draft>, samples: &[Words]) {
    let alone = cost(&mask, [&*items, &[]], samples);
    let together = drafts.iter().enumerate().map(|(at, draft)| {
        let mask = masked(&mask, &draft.mask);
        let cost = cost(&mask, [&draft.items, &items], samples);
        (cost.saturating_sub(draft.cost), cost, at, mask)
    });
    match together.min_by_key(|(more, ..)| *more) {
        Some((more, cost, at, mask)) if more <= alone => {
            if let Some(draft) = drafts.get_mut(at) {
                draft.items.extend(items);
                (draft.mask, draft.cost) = (mask, cost);
            }
        }
        _ => drafts.push(Draft {
            mask,
            items,
            cost: alone,
        }),
    }
}

/// What a table over `mask` costs a packet, on average and a little for the worst.
fn cost(mask: &Words, items: [&[Item]; 2], samples: &[Words]) -> usize {
    let all = items.iter().map(|items| items.len()).sum::<usize>();
    let mut lengths = vec![0u16; (4 * all).next_power_of_two()];
    let slots = lengths.len();
    #[allow(
        clippy::cast_possible_truncation,
        reason = "masked to the number of slots"
    )]
    let slot = |words: &Words| hash(masked(words, mask)) as usize & (slots - 1);
    for item in items.into_iter().flatten() {
        let length = &mut lengths[slot(&item.words)];
        *length = length.saturating_add(1);
    }
    let met = samples
        .iter()
        .map(|words| usize::from(lengths[slot(words)]));
    let worst = lengths.iter().copied().max().unwrap_or(0);
    let mean = ENTRY * met.sum::<usize>() / samples.len().max(1);
    // Per thousand, so that small differences count.
    1000 * TABLE + 1000 * mean + 1000 * ENTRY * usize::from(worst) / 8
}

/// Packets as they are met: each some rule's, and in the bits that it leaves open another one's.
fn samples(items: &[Item]) -> Vec<Words> {
    let step = items.len().div_ceil(SAMPLES).max(1);
    let others = items.iter().cycle().skip(items.len() / 2 + 1).step_by(step);
    let own = items.iter().step_by(step);
    own.zip(others)
        .map(|(item, other)| {
            let mut words = item.words;
            for (word, (mask, other)) in words.iter_mut().zip(item.mask.iter().zip(&other.words)) {
                *word = *word & mask | other & !mask;
            }
            words
        })
        .collect()
}

/// The rules by the bits that are certain of them.
fn kinds(entries: &[Entry], steps: usize) -> BTreeMap<Words, Vec<Item>> {
    let mut kinds: BTreeMap<Words, Vec<Item>> = BTreeMap::new();
    for entry in entries {
        for source in blocks(entry.source_ports) {
            for destination in blocks(entry.destination_ports) {
                let item = item(entry, source, destination, steps);
                kinds.entry(item.mask).or_default().push(item);
            }
        }
    }
    kinds
}

fn item(entry: &Entry, source: Range, destination: Range, steps: usize) -> Item {
    let address = |length| prefix_mask(cut(length, ADDRESS_STEPS[steps])).to_be_bytes();
    let port = |range| port_mask(cut(common(range), PORT_STEPS[steps]));
    let words = Fields {
        source: &entry.source,
        destination: &entry.destination,
        class: entry.class,
        payload: 0,
        next_header: entry.next_header,
        source_port: source.first,
        destination_port: destination.first,
    };
    let mask = Fields {
        source: &address(entry.source_length),
        destination: &address(entry.destination_length),
        class: entry.class_mask,
        payload: 0,
        next_header: entry.next_header_mask,
        source_port: port(source),
        destination_port: port(destination),
    };
    Item {
        entry: *entry,
        words: words.words(),
        mask: mask.words(),
    }
}

/// The longest of `steps` that is no longer, or none at all.
fn cut(length: u8, steps: &[u8]) -> u8 {
    let fitting = steps.iter().find(|step| **step <= length);
    fitting.copied().unwrap_or(0)
}

/// Parts of a range with many leading bits in common: a narrow one across the border of two blocks
/// has hardly any, and each of its sides many.
fn blocks(range: Range) -> Vec<Range> {
    let Range { first, last } = range;
    let (width, block) = (last - first, (first ^ last).checked_ilog2());
    match block {
        Some(bit) if width > WIDEST || width >> bit != 0 => vec![range],
        Some(bit) => {
            let border = last >> bit << bit;
            let (below, above) = (border - 1, border);
            vec![Range { first, last: below }, Range { first: above, last }]
        }
        None => vec![range],
    }
}

/// Leading bits that all of the range has, where it is narrow enough to be found by them.
fn common(range: Range) -> u8 {
    if range.last - range.first > WIDEST {
        return 0;
    }
    u8::try_from((range.first ^ range.last).leading_zeros()).unwrap_or(16)
}

fn port_mask(length: u8) -> u16 {
    u16::MAX
        .checked_shl(16 - u32::from(length.min(16)))
        .unwrap_or(0)
}

impl Draft {
    fn group(&self) -> Group {
        let rules: Vec<(Entry, Words)> = self
            .items
            .iter()
            .map(|item| (item.entry, item.words))
            .collect();
        Group::new(self.mask, &rules)
    }
}
