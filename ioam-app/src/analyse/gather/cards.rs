// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Direct exports of several nodes, joined to packets by Flow ID, sequence number and namespace.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::flow::FlowKey;
use super::path::{Step, Way};
use crate::analyse::event::Card;

/// Most packets whose exports are held back until all are there.
pub const MOST_PACKETS: usize = 1 << 19;
/// Most exports of one packet.
const MOST_STEPS: usize = 64;
/// How long a collector waits for another node's export of a packet.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// A sequence number further away than this is one of a sender that has begun anew.
const LONGEST_JUMP: i64 = 1 << 20;

/// What all exports of one packet say.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) key: FlowKey,
    pub(super) sequence: u32,
    pub(super) way: Way,
    pub(super) card: Card,
}

#[derive(Debug)]
struct Packet {
    card: Card,
    steps: Vec<Step>,
    /// The packet's turn, by arrival of its first export.
    turn: u64,
}

/// Exports that wait for others of the same packet.
#[derive(Debug, Default)]
pub(super) struct Cards {
    packets: HashMap<(FlowKey, u32), Packet>,
    /// In the order of their first exports, with the moment of that.
    order: VecDeque<(FlowKey, u32, u64, Instant)>,
    turn: u64,
    spans: HashMap<FlowKey, Span>,
    pub(super) counts: CardCounts,
}

/// What was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct CardCounts {
    /// Exports without Flow ID or sequence number, which nothing joins to others.
    pub unnumbered: u64,
    /// The same export once more.
    pub duplicates: u64,
    /// Exports that came after their packet had been given up waiting for.
    pub late: u64,
}

/// Sequence numbers that were seen of a flow, one behind the other however often they begin at 0 again.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    /// The latest number, and where it stands.
    latest: Option<(u32, i64)>,
    least: i64,
    greatest: i64,
    seen: u64,
    /// Of those before the sender began anew.
    unseen_before: u64,
}

impl Cards {
    /// Takes one node's export; `now` is its arrival.
    pub(super) fn take(&mut self, card: Card, now: Instant) {
        let Some((flow_id, sequence)) = card.flow_id.zip(card.sequence) else {
            self.counts.unnumbered += 1;
            return;
        };
        let key = FlowKey::DirectExport {
            namespace: card.context.namespace,
            source: card.context.outer_source,
            flow_id,
        };
        let step = Step::of_card(&card);
        if let Some(packet) = self.packets.get_mut(&(key, sequence)) {
            let same = |other: &Step| (other.node, other.hop_limit) == (step.node, step.hop_limit);
            if packet.steps.iter().any(same) || packet.steps.len() >= MOST_STEPS {
                self.counts.duplicates += 1;
            } else {
                packet.steps.push(step);
            }
            return;
        }
        if self
            .spans
            .get(&key)
            .is_some_and(|span| span.is_over(sequence))
        {
            self.counts.late += 1;
            return;
        }
        let (turn, steps) = (self.turn, vec![step]);
        self.turn += 1;
        self.order.push_back((key, sequence, turn, now));
        let packet = Packet { card, steps, turn };
        self.packets.insert((key, sequence), packet);
    }

    /// The packets whose turn has come: those waited for long enough, and the oldest ones if there are too
    /// many.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Joined> {
        let mut due = Vec::new();
        while let Some((key, sequence, _, since)) = self.order.front().copied() {
            let old = now.saturating_duration_since(since) >= PATIENCE;
            if !old && self.packets.len() <= MOST_PACKETS {
                break;
            }
            self.order.pop_front();
            due.extend(self.join(key, sequence));
        }
        due
    }

    /// Whether the oldest packets have to go.
    pub(super) fn is_full(&self) -> bool {
        self.packets.len() > MOST_PACKETS
    }

    /// All that is left, in the order of time.
    pub(super) fn rest(&mut self) -> Vec<Joined> {
        let mut packets: Vec<_> = self.packets.drain().collect();
        let time = |packet: &Packet| {
            let times = packet.steps.iter().filter_map(|step| step.when);
            times.min()
        };
        packets
            .sort_by_cached_key(|((_, sequence), packet)| (time(packet), *sequence, packet.turn));
        self.order.clear();
        let joined = packets
            .into_iter()
            .map(|((key, sequence), packet)| self.joined(key, sequence, packet));
        joined.collect()
    }

    fn joined(&mut self, key: FlowKey, sequence: u32, packet: Packet) -> Joined {
        self.spans.entry(key).or_default().observe(sequence);
        Joined {
            key,
            sequence,
            way: Way::of_cards(packet.steps),
            card: packet.card,
        }
    }

    fn join(&mut self, key: FlowKey, sequence: u32) -> Option<Joined> {
        let packet = self.packets.remove(&(key, sequence))?;
        Some(self.joined(key, sequence, packet))
    }

    /// Numbers of the flow that no node exported, though it did others before and after.
    pub(super) fn unseen(&self, key: &FlowKey) -> u64 {
        self.spans.get(key).map_or(0, Span::unseen)
    }
}

impl Span {
    fn unseen(&self) -> u64 {
        let all = self.greatest.saturating_sub(self.least).unsigned_abs();
        let numbers = if self.seen > 0 { all + 1 } else { 0 };
        self.unseen_before + numbers.saturating_sub(self.seen)
    }

    fn observe(&mut self, sequence: u32) {
        let Some((latest, place)) = self.latest else {
            (self.latest, self.seen) = (Some((sequence, 0)), 1);
            return;
        };
        let step = i64::from(sequence.wrapping_sub(latest).cast_signed());
        if step.abs() > LONGEST_JUMP {
            let unseen_before = self.unseen();
            *self = Self {
                latest: Some((sequence, 0)),
                seen: 1,
                unseen_before,
                ..Self::default()
            };
            return;
        }
        let place = place + step;
        self.seen += 1;
        self.least = self.least.min(place);
        if place > self.greatest {
            self.greatest = place;
            self.latest = Some((sequence, place));
        }
    }

    /// Whether the number lies before the latest one that was given up waiting for.
    fn is_over(&self, sequence: u32) -> bool {
        self.latest.is_some_and(|(latest, _)| {
            let step = i64::from(sequence.wrapping_sub(latest).cast_signed());
            (-LONGEST_JUMP..=0).contains(&step)
        })
    }
}
