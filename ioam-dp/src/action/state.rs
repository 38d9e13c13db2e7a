// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What one worker remembers between bursts. Everything here is made when tables are adopted;
//! handling packets allocates nothing.

use std::sync::atomic::Ordering::Relaxed;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::account::Groups;
use super::icmp_error::TokenBucket;
use crate::classify::{RuleMemory, Sampler};
use crate::flow_state::{FlowKey, FlowTable};
use crate::option_type::OwnDataCache;
use crate::outbox::Outbox;
use crate::packet::HeapPacket;
use crate::port::{MAX_PORTS, PortId};
use crate::rate_limit::RateLimit;
use crate::record::Flow;
use crate::stats::FlowCounts;
use crate::table::spec::Sampling;
use crate::table::{Action, Encapsulation, Fields, MAX_PARTS, Part, PortLimits, Sequence, Tables};
use crate::timestamp::WallTime;

/// Octets set aside for a copy or probe with the longest headers.
const SCRATCH: usize = 16 * 1024;

/// A worker's memory.
#[derive(Debug)]
pub(crate) struct State {
    pub own_data: OwnDataCache,
    pub icmp: TokenBucket,
    pub samplers: Box<[Sampler]>,
    pub rules: RuleMemory,
    pub limits: Limits,
    pub sequences: Sequences,
    pub groups: Groups,
    pub random: ChaCha12Rng,
    pub outbox: Outbox,
    /// Where copies of packets and probes are made.
    pub scratch: HeapPacket,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            own_data: OwnDataCache::default(),
            icmp: TokenBucket::default(),
            samplers: Box::default(),
            rules: RuleMemory::default(),
            limits: Limits::default(),
            sequences: Sequences::default(),
            groups: Groups::default(),
            random: ChaCha12Rng::from_seed([0; 32]),
            outbox: Outbox::new(),
            scratch: HeapPacket::new(&[0; SCRATCH], 0),
        }
    }

    /// Makes what `tables` need. Flows, groups and limits go on where these have not changed.
    pub(crate) fn adopt(&mut self, tables: &Tables, worker: u64, first: bool) {
        self.own_data.clear();
        let seed = tables.seed.wrapping_add(worker << 32);
        let samplers = (0u64..).zip(&tables.profiles).map(|(place, profile)| {
            let seed = seed.wrapping_add(place);
            match &profile.action {
                Action::Encapsulate(what) => Sampler::new(what.sampling, seed),
                _ => Sampler::new(Sampling::All, seed),
            }
        });
        self.samplers = samplers.collect();
        self.rules.start_over(tables.remembers_rules());
        self.limits.adopt(tables);
        if first {
            self.random = ChaCha12Rng::from_seed(tables.entropy.0);
            self.random.set_stream(worker);
            let seed = [self.random.next_u64(), self.random.next_u64()];
            (self.sequences.seed, self.groups.seed) = (seed, seed);
        }
        self.sequences.adopt(tables);
        self.groups.adopt(tables);
    }

    /// Shows how full the tables of flows are.
    pub(crate) fn show_flows(&self, counts: &FlowCounts) {
        if let Some(table) = &self.sequences.direct_export {
            counts.direct_export.show(table);
        }
        if let Some(table) = &self.sequences.edge_to_edge {
            counts.edge_to_edge.show(table);
        }
        self.groups.show_flows(&counts.groups);
    }
}

/// What a rate limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limited {
    DirectExport,
    Export,
    Loopback,
    Active,
}

/// The rate limits of every port.
#[derive(Debug)]
pub(crate) struct Limits {
    configured: [PortLimits; MAX_PORTS],
    buckets: [[Option<RateLimit>; 4]; MAX_PORTS],
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            configured: [PortLimits::default(); MAX_PORTS],
            buckets: [[None; 4]; MAX_PORTS],
        }
    }
}

impl Limits {
    fn adopt(&mut self, tables: &Tables) {
        for (place, port) in tables.ports.iter().enumerate().take(MAX_PORTS) {
            if self.configured[place] == port.limits {
                continue;
            }
            let limits = port.limits;
            self.configured[place] = limits;
            self.buckets[place] = [
                limits.direct_export,
                limits.export,
                limits.loopback,
                limits.active,
            ]
            .map(|rate| rate.map(RateLimit::with_default_burst));
        }
    }

    /// Whether `octets` more may be used of `port`. What may not be costs nothing.
    pub(crate) fn take(
        &mut self,
        what: Limited,
        port: PortId,
        now: Option<WallTime>,
        octets: usize,
    ) -> bool {
        let buckets = self.buckets.get_mut(port.index());
        match buckets.and_then(|kinds| kinds[what as usize].as_mut()) {
            Some(limit) => limit.take(now, u32::try_from(octets).unwrap_or(u32::MAX)),
            None => true,
        }
    }
}

/// Where the sequence numbers of this node's options stand.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    seed: [u64; 2],
    /// Flows the tables are made for.
    most: u32,
    /// The time last known, by which flows fall idle: not knowing it is no step of the clock.
    now: u32,
    direct_export: Option<FlowTable<u32>>,
    edge_to_edge: Option<FlowTable<u64>>,
}

impl Sequences {
    fn adopt(&mut self, tables: &Tables) {
        let (most, idle) = (tables.flows.most, tables.flows.idle_seconds);
        if self.most != most {
            (self.direct_export, self.edge_to_edge) = (None, None);
            self.most = most;
        }
        let per_flow = |wanted: fn(&Fields) -> bool| {
            let parts = tables
                .profiles
                .iter()
                .flat_map(|profile| match &profile.action {
                    Action::Encapsulate(what) => &*what.parts,
                    _ => &[],
                });
            let mut counted = parts.filter(|part| wanted(&part.fields));
            counted.any(|part| matches!(part.sequence(), Some(Sequence::PerFlow { .. })))
        };
        let most = most as usize;
        if per_flow(|fields| matches!(fields, Fields::DirectExport { .. })) {
            let new = || FlowTable::new(most, idle);
            let table = self.direct_export.get_or_insert_with(new);
            table.set_idle_seconds(idle);
        }
        if per_flow(|fields| matches!(fields, Fields::EdgeToEdge { .. })) {
            let new = || FlowTable::new(most, idle);
            let table = self.edge_to_edge.get_or_insert_with(new);
            table.set_idle_seconds(idle);
        }
    }
}

impl Sequences {
    /// What flows' keys are made with.
    #[inline]
    pub(crate) fn seed(&self) -> [u64; 2] {
        self.seed
    }

    /// The next number of direct export for the flow with this key; `None` when there is no room
    /// for another flow.
    #[inline]
    pub(crate) fn next_of_flow(&mut self, key: FlowKey, now: Option<WallTime>) -> Option<u32> {
        self.learn_time(now);
        let number = self.direct_export.as_mut()?.entry(key, self.now).value()?;
        let current = *number;
        *number = current.wrapping_add(1);
        Some(current)
    }

    #[inline]
    fn learn_time(&mut self, now: Option<WallTime>) {
        if let Some(now) = now {
            self.now = u32::try_from(now.seconds & u64::from(u32::MAX)).unwrap_or(0);
        }
    }

    /// The key of the flow for the first of a profile's options that counts flows, so that its
    /// place can be fetched ahead.
    pub(crate) fn key(&self, what: &Encapsulation, flow: &Flow) -> Option<FlowKey> {
        let salt = what.parts.iter().find_map(|part| match part.sequence() {
            Some(Sequence::PerFlow { salt }) => Some(*salt),
            _ => None,
        });
        salt.map(|salt| FlowKey::symmetric(self.seed, flow, salt))
    }

    /// Brings the places of a burst's flows into the cache.
    pub(crate) fn touch(&self, keys: &[FlowKey]) {
        if let Some(table) = &self.direct_export {
            table.touch(keys);
        }
        if let Some(table) = &self.edge_to_edge {
            table.touch(keys);
        }
    }

    /// The next numbers of all of a profile's options, by part; `None`, and none is used up, when
    /// there is no room for another flow. Where the time is unknown the last known one counts.
    pub(crate) fn next(
        &mut self,
        what: &Encapsulation,
        flow: &Flow,
        now: Option<WallTime>,
    ) -> Option<Numbers> {
        let mut numbers = Numbers::default();
        self.learn_time(now);
        // Those that may be refused come first, so that no shared number is ever used up in vain.
        for (place, part) in what.parts.iter().enumerate() {
            let Some(Sequence::PerFlow { salt }) = part.sequence() else {
                continue;
            };
            let key = FlowKey::symmetric(self.seed, flow, *salt);
            let Some(number) = self.step(part, key, 1) else {
                self.give_back(&what.parts[..place], flow);
                return None;
            };
            numbers.put(place, number);
        }
        for (place, part) in what.parts.iter().enumerate() {
            if let Some(Sequence::Shared(counter)) = part.sequence() {
                numbers.put(place, counter.fetch_add(1, Relaxed));
            }
        }
        Some(numbers)
    }

    fn give_back(&mut self, parts: &[Part], flow: &Flow) {
        for part in parts {
            if let Some(Sequence::PerFlow { salt }) = part.sequence() {
                let key = FlowKey::symmetric(self.seed, flow, *salt);
                let _ = self.step(part, key, u64::MAX);
            }
        }
    }

    /// The flow's number, which then moves by `step`.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "direct export numbers have 32 bits"
    )]
    fn step(&mut self, part: &Part, key: FlowKey, step: u64) -> Option<u64> {
        let now = self.now;
        match part.fields {
            Fields::DirectExport { .. } => {
                let number = self.direct_export.as_mut()?.entry(key, now).value()?;
                let current = *number;
                *number = current.wrapping_add(step as u32);
                Some(current.into())
            }
            _ => {
                let number = self.edge_to_edge.as_mut()?.entry(key, now).value()?;
                let current = *number;
                *number = current.wrapping_add(step);
                Some(current)
            }
        }
    }
}

/// The sequence numbers for one packet, by part of its profile.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers([u64; MAX_PARTS]);

impl Numbers {
    fn put(&mut self, place: usize, number: u64) {
        if let Some(slot) = self.0.get_mut(place) {
            *slot = number;
        }
    }

    pub(crate) fn get(&self, place: usize) -> u64 {
        self.0.get(place).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::spec::{
        ActionSpec, DirectExportSpec, EncapsulateSpec, FilterSpec, FlowIdSpec, NamespaceSpec,
        NodeSpec, OptionSpec, Placement, ProfileSpec,
    };

    /// A profile that counts each flow's packets in direct export options of namespaces 0 and 1.
    fn tables() -> Tables {
        let option = |namespace| {
            OptionSpec::DirectExport(DirectExportSpec {
                namespace,
                trace_type: 0x80_0000,
                flow_id: FlowIdSpec::Hashed,
                sequence: true,
                record_self: false,
            })
        };
        let what = EncapsulateSpec::new(vec![option(0), option(1)], Placement::Inline);
        let spec = NodeSpec {
            namespaces: vec![NamespaceSpec::plain(1)],
            profiles: vec![ProfileSpec {
                name: "all".to_owned(),
                filter: FilterSpec::default(),
                action: ActionSpec::Encapsulate(what),
            }],
            ..NodeSpec::default()
        };
        Tables::compile(&spec).unwrap()
    }

    #[test]
    fn a_flows_number_wraps_and_is_given_back_across_the_wrap() {
        let (tables, flow) = (tables(), Flow::default());
        let Action::Encapsulate(what) = &tables.profiles[0].action else {
            panic!("no encapsulation");
        };
        let mut sequences = Sequences::default();
        sequences.adopt(&tables);
        let next = |sequences: &mut Sequences| {
            let numbers = sequences.next(what, &flow, None).unwrap();
            [numbers.get(0), numbers.get(1)]
        };
        assert_eq!(next(&mut sequences), [0, 0]);
        let values = sequences.direct_export.as_mut().unwrap();
        values.iter_mut().for_each(|(_, value)| *value = u32::MAX);
        assert_eq!(next(&mut sequences), [u64::from(u32::MAX); 2]);
        assert_eq!(next(&mut sequences), [0, 0]);
        sequences.give_back(&what.parts, &flow);
        sequences.give_back(&what.parts[..1], &flow);
        assert_eq!(next(&mut sequences), [u64::from(u32::MAX), 0]);
    }
}
