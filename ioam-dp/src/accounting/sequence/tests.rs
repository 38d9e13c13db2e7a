// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tests of the sequence window, mostly against what is known of each packet sent.

use std::collections::HashSet;

use proptest::prelude::*;

use super::SequenceNumber::{Bits32, Bits64};
use super::*;

/// What became of one packet: lost, or arriving so many places later, and perhaps once more.
#[derive(Clone, Copy, Debug)]
struct Fate {
    lost: bool,
    after: u64,
    again: Option<u64>,
}

fn fates(most: usize) -> impl Strategy<Value = Vec<Fate>> {
    // Less than the window, so that nothing is late.
    let fate = (
        0..100_u32,
        0..200_u64,
        prop::option::weighted(0.2, 0..200_u64),
    );
    let fates = prop::collection::vec(fate, 0..most);
    (0..100_u32, prop_oneof![Just(1), 1..200_u64], fates).prop_map(|(loss, spread, fates)| {
        let fate = |(chance, after, again): (u32, u64, Option<u64>)| Fate {
            lost: chance < loss,
            after: after % spread,
            again: again.map(|again| again % spread),
        };
        fates.into_iter().map(fate).collect()
    })
}

/// The positions in the sequence that arrive, in order of arrival.
fn arrivals(fates: &[Fate]) -> Vec<u64> {
    let mut arrivals = Vec::new();
    for (position, fate) in (0..).zip(fates) {
        if !fate.lost {
            arrivals.push((position + fate.after, position));
            arrivals.extend(fate.again.map(|again| (position + again, position)));
        }
    }
    arrivals.sort_by_key(|(time, _)| *time);
    arrivals.into_iter().map(|(_, position)| position).collect()
}

/// What the counts have to be, by the definitions alone. Positions are counted from `start`, the
/// number of the first packet.
fn due(arrivals: &[u64], start: SequenceNumber) -> SequenceFigures {
    let mut due = SequenceFigures {
        received: arrivals.len() as u64,
        ..SequenceFigures::default()
    };
    let mut seen = HashSet::new();
    let mut highest = None;
    for position in arrivals {
        if !seen.insert(*position) {
            due.duplicates += 1;
        } else if highest.is_some_and(|highest| *position < highest) {
            due.reordered += 1;
        }
        highest = highest.max(Some(*position));
    }
    let (Some(highest), Some(lowest), Some(first)) =
        (highest, arrivals.iter().min(), arrivals.first())
    else {
        return due;
    };
    let number = plus(start, *first).value();
    let (highest, lowest, first) = (highest as i64, *lowest as i64, *first as i64);
    let base = if number < WINDOW {
        lowest.min(first - number as i64)
    } else {
        lowest
    };
    due.lost = (highest - base + 1) as u64 - seen.len() as u64;
    due
}

fn plus(start: SequenceNumber, position: u64) -> SequenceNumber {
    match start {
        Bits32(start) => Bits32(start.wrapping_add(u32::try_from(position).unwrap())),
        Bits64(start) => Bits64(start.wrapping_add(position)),
    }
}

fn starts() -> impl Strategy<Value = SequenceNumber> {
    prop_oneof![
        Just(Bits32(0)),
        Just(Bits64(0)),
        (0..2000_u32).prop_map(|below| Bits32(u32::MAX - below)),
        (0..2000_u64).prop_map(|below| Bits64(u64::MAX - below)),
        // 64 bits where 32 would wrap.
        (0..2000_u64).prop_map(|below| Bits64(u64::from(u32::MAX) - below)),
        any::<u32>().prop_map(Bits32),
        any::<u64>().prop_map(Bits64),
    ]
}

/// Without what is open: as after `finish`.
fn finished(mut window: SequenceWindow) -> SequenceFigures {
    window.finish();
    window.snapshot()
}

proptest! {
    #[test]
    fn every_packet_sent_is_accounted_for(start in starts(), fates in fates(1500)) {
        let arrivals = arrivals(&fates);
        let mut window = SequenceWindow::default();
        for position in &arrivals {
            window.observe(plus(start, *position));
            let open = window.snapshot();
            prop_assert_eq!(finished(window).lost, open.lost + open.pending);
        }
        let figures = finished(window);
        prop_assert_eq!(figures, due(&arrivals, start));
        prop_assert_eq!(figures.distinct() + figures.duplicates, figures.received);
    }

    #[test]
    fn a_sender_that_starts_over_is_two_sequences(
        start in (1_u32 << 24)..1 << 25, before in fates(600), after in fates(600),
    ) {
        let (before, after) = (arrivals(&before), arrivals(&after));
        // It starts over with numbers that tell, and more than one of them.
        let telling = |position: &&u64| **position < WINDOW;
        let two: HashSet<_> = after.iter().take(2).filter(telling).collect();
        prop_assume!(!before.is_empty() && two.len() == 2);
        let mut window = SequenceWindow::default();
        before.iter().for_each(|position| window.observe(plus(Bits32(start), *position)));
        after.iter().for_each(|position| window.observe(plus(Bits32(0), *position)));
        let (one, other) = (due(&before, Bits32(start)), due(&after, Bits32(0)));
        prop_assert_eq!(finished(window), SequenceFigures {
            received: one.received + other.received,
            lost: one.lost + other.lost,
            pending: 0,
            reordered: one.reordered + other.reordered,
            duplicates: one.duplicates + other.duplicates,
            late: 0,
            restarts: 1,
        });
    }

    #[test]
    fn no_number_does_harm(numbers: Vec<(Option<u64>, u32)>) {
        let mut window = SequenceWindow::default();
        for (long, short) in &numbers {
            window.observe(long.map_or(Bits32(*short), Bits64));
            prop_assert!(window.pending() < WINDOW);
        }
        let figures = finished(window);
        prop_assert_eq!(figures.received, numbers.len() as u64);
        prop_assert!(figures.duplicates + figures.late <= figures.received);
    }
}

fn counted(numbers: impl IntoIterator<Item = u32>) -> SequenceWindow {
    let mut window = SequenceWindow::default();
    numbers
        .into_iter()
        .for_each(|number| window.observe(Bits32(number)));
    window
}

#[test]
fn a_sequence_begins_at_0_or_where_it_is_joined() {
    assert_eq!(counted([3]).pending(), 3);
    assert_eq!(counted([255]).pending(), 255);
    assert_eq!(counted([256]).pending(), 0);
    // Overtaken at the start: the lower number was sent first.
    let joined = counted([1000, 997, 999]).snapshot();
    assert_eq!((joined.pending, joined.reordered), (1, 2));
}

#[test]
fn a_gap_is_lost_once_it_slides_out() {
    let mut window = counted((0..10).chain(11..=265));
    assert_eq!((window.snapshot().lost, window.pending()), (0, 1));
    window.observe(Bits32(266));
    assert_eq!((window.snapshot().lost, window.pending()), (1, 0));
    // A gap that is longer than the window, most of which is lost at once.
    window.observe(Bits32(1266));
    let figures = window.snapshot();
    assert_eq!((figures.lost, figures.pending), (1 + 744, 255));
    assert_eq!(finished(window).lost, 1 + 999);
}

#[test]
fn what_comes_too_late_stays_lost() {
    let mut window = counted((1000..1010).chain(1011..2000));
    window.observe(Bits32(1010));
    window.observe(Bits32(1010));
    let figures = window.snapshot();
    assert_eq!((figures.lost, figures.late, figures.reordered), (1, 2, 0));
    assert_eq!((figures.distinct(), figures.restarts), (999, 0));
}

#[test]
fn the_window_ends_where_it_says() {
    let missing = (1000..1010).chain(1011..);
    let until = |highest| counted(missing.clone().take_while(|n| *n <= highest).chain([1010]));
    let figures = until(1010 + 255).snapshot();
    assert_eq!((figures.lost, figures.reordered, figures.late), (0, 1, 0));
    let figures = until(1010 + 256).snapshot();
    assert_eq!((figures.lost, figures.reordered, figures.late), (1, 0, 1));
}

#[test]
fn one_stray_packet_moves_nothing() {
    for stray in [0, 200, 3 << 20, u32::MAX - (3 << 20)] {
        let mut window = counted((5000..6000).chain([stray]).chain(6000..7000));
        assert_eq!(
            finished(window),
            SequenceFigures {
                received: 2001,
                late: 1,
                ..SequenceFigures::default()
            },
            "{stray}"
        );
        // Nor does a copy of it.
        window.observe(Bits32(stray));
        assert_eq!((window.snapshot().late, window.snapshot().restarts), (2, 0));
    }
}

#[test]
fn a_second_packet_confirms_a_restart() {
    // Back to 0, out of order and with a gap; and far ahead.
    let figures = finished(counted((5000..6000).chain([3, 0, 1])));
    assert_eq!((figures.restarts, figures.late, figures.lost), (1, 0, 1));
    assert_eq!((figures.reordered, figures.distinct()), (2, 1003));
    let figures = finished(counted((5000..6000).chain([3 << 20, (3 << 20) + 2])));
    assert_eq!((figures.restarts, figures.late, figures.lost), (1, 0, 1));
}

#[test]
fn the_longest_jump_is_loss_and_one_more_is_not() {
    let from = 1_000_000;
    let jump = u32::try_from(LONGEST_JUMP).unwrap();
    let figures = finished(counted([from, from + jump]));
    assert_eq!((figures.lost, figures.late), (LONGEST_JUMP - 1, 0));
    let figures = finished(counted([from, from + jump + 1]));
    assert_eq!((figures.lost, figures.late), (0, 1));
}

#[test]
fn after_the_end_nothing_is_lost_twice() {
    let mut window = counted([0, 2]);
    window.finish();
    window.finish();
    (3..1000).for_each(|number| window.observe(Bits32(number)));
    assert_eq!(finished(window).lost, 1);
}

#[test]
fn bits_shift_across_words() {
    for bit in 0..WINDOW {
        for distance in [0, 1, 63, 64, 65, 127, 128, 192, 255, 256, 1000, u64::MAX] {
            let mut bits = Bits::default();
            bits.set(bit);
            let gone = bits.shift(distance);
            let to = bit.saturating_add(distance);
            assert_eq!(bits.get(to), to < WINDOW, "{bit} by {distance}");
            assert_eq!(
                (bits.count(), gone),
                if to < WINDOW { (1, 0) } else { (0, 1) }
            );
        }
        assert_eq!(Bits::ones(bit).count(), bit);
        assert!(!Bits::ones(bit).get(bit));
    }
}
