// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tests of the flow table, mostly against a map that forgets nothing.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const IDLE: u32 = 5;

fn key(flow: u64) -> FlowKey {
    FlowKey::from_words([3, 4], [flow, 0], 0)
}

/// What a flow's packets were last given, and when.
#[derive(Clone, Copy)]
struct Known {
    next: u32,
    last_seen: u32,
}

/// A table that hands out sequences, beside a map that knows what each has to be.
struct Checked {
    table: FlowTable<u32>,
    known: HashMap<u64, Known>,
    now: u32,
    refused: usize,
}

impl Checked {
    fn new(flows: usize, now: u32) -> Self {
        Self {
            table: FlowTable::new(flows, IDLE),
            known: HashMap::new(),
            now,
            refused: 0,
        }
    }

    fn live(known: Known, now: u32) -> bool {
        age(known.last_seen, now) <= IDLE
    }

    /// A packet of `flow`: whatever the table says has to agree with the map.
    fn packet(&mut self, flow: u64) {
        let (now, fingerprint) = (self.now, key(flow).fingerprint());
        let before = self.known.get(&fingerprint).copied();
        let live = before.is_some_and(|known| Self::live(known, now));
        let sequence = match self.table.entry(key(flow), now) {
            Entry::Found(value) => {
                assert!(live, "an idle flow went on");
                assert_eq!(Some(*value), before.map(|known| known.next));
                value
            }
            Entry::New { value, ended } => {
                assert!(!live, "a live flow was forgotten");
                assert_eq!(ended, before.map(|known| known.next));
                value
            }
            Entry::Reused { value, ended } => {
                assert!(before.is_none(), "a flow that has a place took another");
                let idle = self
                    .known
                    .iter()
                    .find(|(_, known)| known.next == ended && !Self::live(**known, now));
                let evicted = *idle.expect("only idle flows end").0;
                self.known.remove(&evicted);
                value
            }
            Entry::Full => {
                assert!(before.is_none(), "a flow that has a place was refused");
                self.refused += 1;
                return;
            }
        };
        if !live {
            // The flow's own number, so that an evicted value tells whose it was.
            *sequence = u32::try_from(flow).unwrap() << 16;
        }
        *sequence += 1;
        let next = *sequence;
        let last_seen = now;
        self.known.insert(fingerprint, Known { next, last_seen });
    }

    fn sweep(&mut self, buckets: usize) {
        let (known, now) = (&mut self.known, self.now);
        self.table.sweep(buckets, now, |fingerprint, value| {
            let ended = known.remove(&fingerprint).expect("a flow ends once");
            assert!(!Self::live(ended, now) && ended.next == value);
        });
    }

    fn check(&mut self) {
        assert_eq!(self.table.len(), self.known.len());
        assert!(self.table.len() <= self.table.capacity());
        let known = &self.known;
        let all = self.table.iter_mut();
        assert!(all.into_iter().all(|(f, value)| known[&f].next == *value));
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Packet(u64),
    Wait(u32),
    /// The clock is set back.
    Back(u32),
    Sweep(usize),
}

fn events(flows: u64) -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        12 => (0..flows).prop_map(Event::Packet),
        3 => (0..IDLE).prop_map(Event::Wait),
        1 => (IDLE..100 * IDLE).prop_map(Event::Wait),
        1 => (0..2 * IDLE).prop_map(Event::Back),
        1 => (0..4_usize).prop_map(Event::Sweep),
    ];
    prop::collection::vec(event, 1..400)
}

proptest! {
    /// Few flows and many, against a table of a few slots, with a clock that wraps on the way.
    #[test]
    fn a_live_flow_has_no_gap_and_no_repeat(
        flows in 1_usize..20,
        start in prop_oneof![Just(0), Just(u32::MAX - 20), any::<u32>()],
        events in prop_oneof![events(4), events(40)],
    ) {
        let mut checked = Checked::new(flows, start);
        for event in events {
            match event {
                Event::Packet(flow) => checked.packet(flow),
                Event::Wait(seconds) => checked.now = checked.now.wrapping_add(seconds),
                Event::Back(seconds) => checked.now = checked.now.wrapping_sub(seconds),
                Event::Sweep(buckets) => checked.sweep(buckets),
            }
            checked.check();
        }
    }
}

#[test]
fn a_full_table_says_so_and_disturbs_nobody() {
    let mut checked = Checked::new(4, 0);
    for flow in 0..100 {
        checked.packet(flow);
    }
    assert_eq!(checked.table.len(), checked.table.capacity());
    assert_eq!(checked.refused, 100 - checked.table.capacity());
    for flow in 0..1000 {
        checked.packet(flow % 100);
    }
    checked.check();
    // Once the flows are silent, their places go to others.
    checked.now = IDLE + 1;
    checked.refused = 0;
    checked.packet(1000);
    assert_eq!(checked.refused, 0);
    checked.check();
}

#[test]
fn a_flow_is_idle_after_its_time_and_not_before() {
    let mut table = FlowTable::<u64>::new(10, IDLE);
    let Entry::New { value, ended: None } = table.entry(key(1), 100) else {
        panic!("the flow was known");
    };
    *value = 7;
    assert!(matches!(table.entry(key(1), 100 + IDLE), Entry::Found(7)));
    let late = 100 + 2 * IDLE + 1;
    let back = table.entry(key(1), late);
    assert!(matches!(
        back,
        Entry::New {
            value: 0,
            ended: Some(7)
        }
    ));
    assert_eq!(table.len(), 1);
}

#[test]
fn a_clock_set_back_ends_no_flow_and_one_that_wraps_ages_them() {
    let mut table = FlowTable::<u32>::new(10, IDLE);
    table.entry(key(1), 1000);
    assert!(matches!(table.entry(key(1), 10), Entry::Found(_)));
    table.entry(key(2), 1000);
    assert_eq!(table.sweep(usize::MAX, 10 + IDLE, |_, _| ()), 0);
    assert_eq!(table.sweep(usize::MAX, 11 + IDLE, |_, _| ()), 1);
    let mut table = FlowTable::<u32>::new(10, IDLE);
    table.entry(key(1), u32::MAX - 1);
    assert!(matches!(table.entry(key(1), IDLE - 2), Entry::Found(_)));
    assert!(matches!(
        table.entry(key(1), 2 * IDLE - 1),
        Entry::New { .. }
    ));
}

#[test]
fn a_sweep_goes_round_and_hands_over_silent_flows_once() {
    let mut table = FlowTable::<u32>::new(1000, IDLE);
    for flow in 0..1000 {
        assert!(matches!(table.entry(key(flow), 0), Entry::New { .. }));
    }
    let everything = table.capacity() / SLOTS;
    assert_eq!(table.sweep(everything, IDLE, |_, _| ()), 0);
    let mut ended = 0;
    for _ in 0..everything {
        ended += table.sweep(1, IDLE + 1, |_, _| ());
    }
    assert_eq!((ended, table.len()), (1000, 0));
    assert_eq!(table.sweep(usize::MAX, IDLE + 1, |_, _| ()), 0);
}

#[test]
fn draining_hands_over_everything() {
    let mut table = FlowTable::<u32>::new(100, IDLE);
    let mut given = HashMap::new();
    for flow in 0..100_u32 {
        if let Entry::New { value, .. } = table.entry(key(flow.into()), 0) {
            *value = flow;
            given.insert(key(flow.into()).fingerprint(), flow);
        }
    }
    let mut handed = HashMap::new();
    table.drain(|fingerprint, value| {
        handed.insert(fingerprint, value);
    });
    assert_eq!(handed, given);
    assert!(table.is_empty() && table.iter_mut().next().is_none());
    assert!(matches!(
        table.entry(key(1), 0),
        Entry::New { ended: None, .. }
    ));
}

#[test]
fn no_size_is_too_odd() {
    for flows in [0, 1, 2, 3, 5] {
        let mut table = FlowTable::<u32>::new(flows, u32::MAX);
        table.touch(&[key(1)]);
        assert!(matches!(table.entry(key(1), 0), Entry::New { .. }));
        assert!(table.capacity() >= 2 * flows && table.capacity() <= 4 * flows.max(1));
    }
}

/// A million at once: nearly all find a place, and all of those keep it while others press in.
#[test]
fn a_million_flows_fit() {
    const FLOWS: u32 = 1_000_000;
    let mut table = FlowTable::<u32>::new(FLOWS as usize, IDLE);
    let octets = table.octets();
    assert_eq!(octets, table.capacity() * 16);
    let mut refused = 0;
    for flow in 0..FLOWS {
        match table.entry(key(flow.into()), 0) {
            Entry::New { value, ended: None } => *value = flow,
            Entry::Full => refused += 1,
            entry => panic!("{entry:?} in an empty table"),
        }
    }
    assert!(refused < FLOWS / 10_000, "{refused} refused");
    for flow in FLOWS..3 * FLOWS {
        if let Entry::New { value, .. } = table.entry(key(flow.into()), 1) {
            *value = flow;
        }
    }
    assert!(table.len() <= table.capacity() && table.octets() == octets);
    let kept = (0..FLOWS).filter(|flow| match table.entry(key((*flow).into()), 2) {
        Entry::Found(value) => *value == *flow,
        Entry::Full => false,
        entry => panic!("{entry:?} for a flow of a second ago"),
    });
    assert_eq!(kept.count(), (FLOWS - refused) as usize);
}
