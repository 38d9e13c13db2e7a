// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sequence numbers have no gap and no repeat, whatever happens between the packets they count:
//! direct export and edge-to-edge, for each flow and for all of a profile.

use std::collections::HashMap;

use crate::common::crew::Crew;
use crate::common::direct_export::*;
use crate::common::frames::*;
use ioam_dp::moment::Moment;
use ioam_dp::packet::HeapPacket;
use ioam_dp::table::spec::*;
use ioam_dp::timestamp::WallTime;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Seconds after which a flow may start over.
const IDLE: u64 = 5;
/// Flows of each worker.
const FLOWS: u16 = 6;
/// The profiles, each with the DSCP of its packets.
const PROFILES: [(&str, u8); 2] = [("one", 0), ("two", 1)];

/// What stays the same while a node runs.
#[derive(Clone, Debug)]
struct Fixed {
    workers: u16,
    flow_ids: [FlowIdSpec; 2],
    groups: [GroupSpec; 2],
    /// Whether each profile has both kinds of option, or which one.
    kinds: [(bool, bool); 2],
    long: bool,
    most: u32,
    speed: u32,
}

/// What an operator changes now and then.
#[derive(Clone, Debug)]
struct Changing {
    swapped: bool,
    with_trace: bool,
    with_other_namespace: bool,
    tunnel: bool,
    third_profile: bool,
    sampling: Sampling,
    limit: u32,
    groups: u32,
    seed: u64,
}

/// A packet of one of a worker's flows.
#[derive(Clone, Copy, Debug)]
struct Sent {
    flow: u16,
    profile: usize,
    back: bool,
    large: bool,
    headroom: usize,
}

#[derive(Clone, Debug)]
enum Event {
    Burst {
        worker: u16,
        packets: Vec<Sent>,
        /// Milliseconds since the event before.
        after: u64,
        time_known: bool,
    },
    Reload(Changing),
}

fn fixed() -> impl Strategy<Value = Fixed> {
    let ids = select(vec![
        FlowIdSpec::None,
        FlowIdSpec::Fixed(9),
        FlowIdSpec::Hashed,
    ]);
    let groups = select(vec![GroupSpec::Profile, GroupSpec::Flow]);
    let kinds = select(vec![(true, true), (true, false), (false, true)]);
    let sizes = (select(vec![1, 2, 1000]), select(vec![1, 10_000]));
    (
        1..4u16,
        [ids.clone(), ids],
        [groups.clone(), groups],
        [kinds.clone(), kinds],
        any::<bool>(),
        sizes,
    )
        .prop_map(
            |(workers, flow_ids, groups, kinds, long, (most, speed))| Fixed {
                workers,
                flow_ids,
                groups,
                kinds,
                long,
                most,
                speed,
            },
        )
}

fn changing() -> impl Strategy<Value = Changing> {
    let samplings = select(vec![
        Sampling::All,
        Sampling::All,
        Sampling::FirstOf { k: 2, n: 3 },
        Sampling::Random { n: 2 },
        Sampling::PerFlow { n: 2 },
    ]);
    let numbers = (select(vec![0, 1, 128]), 1..4u32, any::<u64>());
    (any::<[bool; 5]>(), samplings, numbers).prop_map(
        |(
            [
                swapped,
                with_trace,
                with_other_namespace,
                tunnel,
                third_profile,
            ],
            sampling,
            numbers,
        )| {
            let (limit, groups, seed) = numbers;
            Changing {
                swapped,
                with_trace,
                with_other_namespace,
                tunnel,
                third_profile,
                sampling,
                limit,
                groups,
                seed,
            }
        },
    )
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let headroom = prop_oneof![9 => Just(512usize), 1 => Just(0), 1 => Just(60)];
    let sent = (
        0..FLOWS,
        0..2usize,
        any::<bool>(),
        prop::bool::weighted(0.1),
        headroom,
    );
    let sent = sent.prop_map(|(flow, profile, back, large, headroom)| Sent {
        flow,
        profile,
        back,
        large,
        headroom,
    });
    let after = prop_oneof![6 => 0..500u64, 1 => 0..10_000u64];
    let burst = (
        any::<u16>(),
        vec(sent, 1..20),
        after,
        prop::bool::weighted(0.9),
    );
    let burst = burst.prop_map(|(worker, packets, after, time_known)| Event::Burst {
        worker,
        packets,
        after,
        time_known,
    });
    vec(
        prop_oneof![5 => burst, 1 => changing().prop_map(Event::Reload)],
        1..40,
    )
}

/// The options of profile `place`.
fn options_of(fixed: &Fixed, changing: &Changing, place: usize) -> Vec<OptionSpec> {
    let mut options = Vec::new();
    if changing.with_trace {
        options.extend(encapsulate(0x80_0000, 1, Placement::Inline).options);
    }
    if changing.with_other_namespace {
        options.push(OptionSpec::DirectExport(DirectExportSpec {
            namespace: 7,
            ..direct_export(FlowIdSpec::None)
        }));
    }
    let (with_export, with_edge) = fixed.kinds[place];
    if with_export {
        let one = direct_export(fixed.flow_ids[place]);
        options.push(OptionSpec::DirectExport(one));
    }
    if with_edge {
        options.push(OptionSpec::EdgeToEdge(EdgeToEdgeSpec {
            namespace: 123,
            kind: if fixed.long { 0x8000 } else { 0x4000 },
            group: fixed.groups[place],
        }));
    }
    options
}

fn node_of(fixed: &Fixed, changing: &Changing) -> NodeSpec {
    let mut spec = node();
    spec.namespaces.push(NamespaceSpec::plain(7));
    spec.workers = fixed.workers;
    spec.ports[1].mtu = 1400;
    spec.ports[1].speed = fixed.speed;
    spec.limits.direct_export = changing.limit;
    spec.flows = FlowsSpec {
        most: fixed.most,
        groups: changing.groups,
        idle_seconds: IDLE as u32,
    };
    spec.seed = changing.seed;
    for (place, (name, dscp)) in PROFILES.into_iter().enumerate() {
        let placement = match changing.tunnel {
            true => tunnel(),
            false => Placement::Inline,
        };
        let options = options_of(fixed, changing, place);
        let mut what = EncapsulateSpec::new(options, placement);
        what.sampling = changing.sampling;
        let mut one = profile(ActionSpec::Encapsulate(what));
        one.name = name.to_owned();
        one.filter.dscp = Some(dscp);
        spec.profiles.push(one);
    }
    if changing.swapped {
        spec.profiles.reverse();
    }
    if changing.third_profile {
        let mut third = spec.profiles[0].clone();
        (third.name, third.filter.dscp) = ("third".to_owned(), Some(9));
        spec.profiles.insert(0, third);
    }
    spec
}

impl Sent {
    /// The packet: its source port tells flow and worker.
    fn packet(self, worker: u16) -> HeapPacket {
        let (own, other) = (1000 + worker * FLOWS + self.flow, 53);
        let padding = vec![0x5A; if self.large { 1330 } else { 0 }];
        let mut packet = match self.back {
            true => Packet::new(UDP, &[&udp(other, own), &padding])
                .from(PEER)
                .to(HOST),
            false => Packet::new(UDP, &[&udp(own, other), &padding]),
        };
        packet.class = PROFILES[self.profile].1 << 2;
        HeapPacket::new(&packet.frame(), self.headroom)
    }
}

/// Which sequence a number belongs to: profile, whether of edge-to-edge, and flow, where it has one.
type Sequence = (usize, bool, Option<(u16, u16)>);

/// Where a sequence stands.
#[derive(Clone, Copy, Debug)]
struct Last {
    number: u64,
    /// When a packet of known time had that number or one before, in seconds.
    seen: u64,
}

/// The numbers of namespace 123 in a frame, and whether of edge-to-edge.
fn numbers(frame: &[u8]) -> Vec<(bool, u64)> {
    let mut found = Vec::new();
    for option in ioam_options(frame) {
        if option[4..6] != [0, 123] {
            continue;
        }
        let number = match (option[3], option[6]) {
            (3, 0x40) => option[8..12].to_vec(),
            (3, 0x80) => option[8..16].to_vec(),
            (4, _) => option[option.len() - 4..].to_vec(),
            _ => continue,
        };
        let value = number
            .iter()
            .fold(0, |all, octet| all << 8 | u64::from(*octet));
        found.push((option[3] == 3, value));
    }
    found
}

/// The sequences of a node, as they have to be.
#[derive(Default)]
struct Model {
    last: HashMap<Sequence, Last>,
    counted: u64,
}

impl Model {
    /// A number that was sent is the next one, or 0 after a silence.
    fn check(&mut self, sequence: Sequence, number: u64, now: u64, known: bool) {
        self.counted += 1;
        let Some(last) = self.last.get_mut(&sequence) else {
            assert_eq!(number, 0, "{sequence:?} starts");
            let seen = if known { now } else { 0 };
            self.last.insert(sequence, Last { number, seen });
            return;
        };
        let silent = sequence.2.is_some() && now - last.seen > IDLE;
        assert!(
            number == last.number + 1 || silent && number == 0,
            "{sequence:?}: {number} after {last:?} at {now}"
        );
        last.number = number;
        if known {
            last.seen = now;
        }
    }
}

fn run(fixed: &Fixed, first: &Changing, events: &[Event]) -> u64 {
    let mut crew = Crew::new(&node_of(fixed, first), fixed.workers);
    let (mut model, mut now) = (Model::default(), 1_723_560_226_000);
    for event in events {
        let (worker, packets, known) = match event {
            Event::Reload(changing) => {
                crew.reload(&node_of(fixed, changing));
                continue;
            }
            Event::Burst {
                worker,
                packets,
                after,
                time_known,
            } => {
                now += after;
                (worker % fixed.workers, packets, *time_known)
            }
        };
        let time = WallTime::from_nanoseconds(now * 1_000_000);
        let moment = Moment::at(known.then_some(time));
        let burst = packets.iter().map(|sent| sent.packet(worker)).collect();
        let out = crew.burst(usize::from(worker), burst, &moment);
        for (sent, frame) in packets.iter().zip(out) {
            let flow = (worker, sent.flow);
            for (is_edge, number) in numbers(&frame.expect("forwarded")) {
                let per_flow = match is_edge {
                    true => fixed.groups[sent.profile] == GroupSpec::Flow,
                    false => !matches!(fixed.flow_ids[sent.profile], FlowIdSpec::Fixed(_)),
                };
                let sequence = (sent.profile, is_edge, per_flow.then_some(flow));
                model.check(sequence, number, now / 1000, known);
            }
        }
    }
    model.counted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn sequences_have_no_gap_and_no_repeat(
        fixed in fixed(),
        first in changing(),
        events in events(),
    ) {
        run(&fixed, &first, &events);
    }
}

/// So that the property above is about something.
#[test]
fn most_packets_are_counted_where_nothing_keeps_them_from_it() {
    let fixed = Fixed {
        workers: 2,
        flow_ids: [FlowIdSpec::Hashed, FlowIdSpec::Fixed(9)],
        groups: [GroupSpec::Flow, GroupSpec::Profile],
        kinds: [(true, true); 2],
        long: true,
        most: 1000,
        speed: 10_000,
    };
    let plain = Changing {
        swapped: false,
        with_trace: false,
        with_other_namespace: false,
        tunnel: false,
        third_profile: false,
        sampling: Sampling::All,
        limit: 0,
        groups: 1,
        seed: 1,
    };
    let sent = |flow, profile| Sent {
        flow,
        profile,
        back: flow % 2 == 1,
        large: false,
        headroom: 512,
    };
    let event = |worker| Event::Burst {
        worker,
        packets: (0..FLOWS)
            .flat_map(|flow| [sent(flow, 0), sent(flow, 1)])
            .collect(),
        after: 10,
        time_known: true,
    };
    let change = |change: fn(&mut Changing)| {
        let mut other = plain.clone();
        change(&mut other);
        Event::Reload(other)
    };
    let events = [
        event(0),
        change(|other| other.swapped = true),
        event(1),
        change(|other| other.with_trace = true),
        event(0),
        change(|other| (other.tunnel, other.groups) = (true, 3)),
        event(1),
    ];
    // Two numbers in each packet.
    assert_eq!(run(&fixed, &plain, &events), 4 * 12 * 2);
}
