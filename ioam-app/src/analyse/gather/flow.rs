// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Everything about one flow: its paths, their delays, and when it changed them.

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv6Addr;

use ioam_dp::record::Flow;

use super::delays::{Budget, Delays};
use super::path::{Step, Way, may_be_same};
use super::runs::{Change, Runs};
use super::series::{LossCell, Series};
use crate::analyse::names::Node;

/// Most paths of one flow.
pub const MOST_PATHS: usize = 64;
/// Most sequence numbers of lost packets that are named.
pub const MOST_SEQUENCES: usize = 16;

/// What flows are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowKey {
    /// Traces of a user's flow.
    Trace {
        /// Namespace-ID.
        namespace: u16,
        /// The user's flow.
        flow: Option<Flow>,
    },
    /// Direct exports.
    DirectExport {
        /// Namespace-ID.
        namespace: u16,
        /// Source of the header with the option.
        source: Option<Ipv6Addr>,
        /// Flow ID.
        flow_id: u32,
    },
    /// Edge-to-edge options of a user's flow.
    EndToEnd {
        /// Namespace-ID.
        namespace: u16,
        /// The user's flow.
        flow: Option<Flow>,
    },
}

/// The first and the last moment of something, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period(pub Option<(i64, i64)>);

impl Period {
    /// Takes a moment in.
    pub fn add(&mut self, time: Option<i64>) {
        let Some(time) = time else { return };
        let (first, last) = self.0.unwrap_or((time, time));
        self.0 = Some((first.min(time), last.max(time)));
    }
}

/// A node's place on a path.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Hop_Lim, as the last packet had it.
    pub hop_limit: Option<u8>,
    /// Interfaces in and out, as the last packet had them.
    pub interfaces: (Option<u32>, Option<u32>),
    /// From the node before, or from the one before those that are missing.
    pub from_before: Delays,
    /// In the node.
    pub transit: Delays,
}

/// One path of a flow.
#[derive(Clone, Debug)]
pub struct Path {
    /// The nodes, with those that are missing.
    pub nodes: Vec<Node>,
    /// Nodes behind the last one had no room to write.
    pub open: bool,
    /// Packets that took it.
    pub packets: u64,
    /// When.
    pub period: Period,
    /// One for each node.
    pub places: Vec<Place>,
    /// From the last node to the receipt.
    pub to_end: Delays,
    /// From the first node to the end.
    pub end_to_end: Delays,
    /// Whether the last node that saw the packets was at an end of the domain.
    pub ends: bool,
    /// Packets over time, of direct export.
    pub series: Series<LossCell>,
    /// The first sequence numbers, of direct export.
    pub sequences: Vec<u32>,
    /// The number of the path that this one is taken for, since nothing tells them apart.
    alias: usize,
    claimed: bool,
}

/// One flow.
#[derive(Clone, Debug)]
pub struct FlowData {
    /// What it is told apart by.
    pub key: FlowKey,
    /// The user's flow.
    pub flow: Option<Flow>,
    /// Source and destination of the header with the options.
    pub outer: (Option<Ipv6Addr>, Option<Ipv6Addr>),
    /// Packets.
    pub packets: u64,
    /// When.
    pub period: Period,
    /// The paths, in the order of their first packets.
    pub paths: Vec<Path>,
    by_nodes: HashMap<(Vec<Node>, bool), usize>,
    /// When it took which.
    pub runs: Runs,
    /// From the first node to the end.
    pub end_to_end: Delays,
    /// Packets of paths beyond the first [`MOST_PATHS`].
    pub left_out: u64,
    /// Packets whose trace had no room for all nodes.
    pub overflowed: u64,
}

impl FlowData {
    pub(super) fn new(key: FlowKey, budget: &mut Budget) -> Self {
        Self {
            key,
            flow: None,
            outer: (None, None),
            packets: 0,
            period: Period::default(),
            paths: Vec::new(),
            by_nodes: HashMap::new(),
            runs: Runs::default(),
            end_to_end: Delays::new(budget),
            left_out: 0,
            overflowed: 0,
        }
    }

    /// Takes one packet.
    pub(super) fn observe(&mut self, way: &Way, sequence: Option<u32>, budget: &mut Budget) {
        self.packets += 1;
        self.period.add(way.time);
        self.overflowed += u64::from(way.open);
        let end_to_end = way.end_to_end();
        // Who exported it says only later whether the packet has come to the end.
        if let Some(delay) = end_to_end.filter(|_| sequence.is_none()) {
            self.end_to_end.record(delay);
        }
        let Some(number) = self.path(way, budget) else {
            self.left_out += 1;
            return;
        };
        let Some(path) = self.paths.get_mut(number) else {
            return;
        };
        path.take(way, end_to_end);
        if let Some(sequence) = sequence {
            path.sample(sequence, way.time);
        }
        // What stopped on its way tells nothing of the way it would have gone on.
        let (alias, ends) = (path.alias, path.ends);
        let stopped = sequence.is_some() && !ends && self.paths.iter().any(|path| path.ends);
        if !stopped {
            self.runs.observe(alias, way.time);
        }
    }

    /// All packets are there: of direct export, those that arrived were on the way from end to end.
    pub(super) fn finish(&mut self) {
        if !self.is_exported() {
            return;
        }
        let arrived = self.arrived();
        for (path, _) in self
            .paths
            .iter()
            .zip(arrived)
            .filter(|(_, arrived)| *arrived)
        {
            self.end_to_end.add(&path.end_to_end);
        }
    }

    /// Whether its packets are known by direct exports.
    #[must_use]
    pub fn is_exported(&self) -> bool {
        matches!(self.key, FlowKey::DirectExport { .. })
    }

    /// The path that stands for all that are taken for the one of this number: a whole one, and the one
    /// with most packets.
    #[must_use]
    pub fn representative(&self, number: usize) -> Option<&Path> {
        let paths = self.paths.iter().filter(|path| path.alias == number);
        paths.max_by_key(|path| (path.is_whole(), path.packets))
    }

    /// Which of the paths end where packets leave the domain. If some node made its record at an end of the
    /// domain, there; else where no packet was seen any further.
    #[must_use]
    pub fn arrived(&self) -> Vec<bool> {
        let last = |path: &Path| path.nodes.last().copied();
        let paths = self.paths.iter();
        let ends: BTreeSet<Node> = paths.filter(|path| path.ends).filter_map(last).collect();
        let pairs = self.paths.iter().flat_map(|path| path.nodes.windows(2));
        let followed: BTreeSet<Node> = pairs.filter_map(|pair| pair.first().copied()).collect();
        let arrived = |path: &Path| match last(path) {
            None => false,
            Some(node) if ends.is_empty() => !followed.contains(&node),
            Some(node) => ends.contains(&node),
        };
        self.paths.iter().map(arrived).collect()
    }

    /// When the flow changed its path, and how often a packet took another one than the packet before: of
    /// packets that arrived, as others tell nothing of the way they would have gone on.
    #[must_use]
    pub fn changes(&self) -> (Vec<Change>, u64) {
        let arrived = self.arrived();
        let counts =
            |path: usize| !self.is_exported() || arrived.get(path).copied().unwrap_or(false);
        self.runs.changes(counts)
    }

    /// The number of the way's path; `None` if there is no room for another one.
    fn path(&mut self, way: &Way, budget: &mut Budget) -> Option<usize> {
        let key = (way.nodes(), way.open);
        if let Some(known) = self.by_nodes.get(&key) {
            return Some(*known);
        }
        let number = self.paths.len();
        if number >= MOST_PATHS {
            return None;
        }
        let alias = self.alias(&key).unwrap_or(number);
        let mut path = Path::new(way, alias, budget);
        path.claimed = alias != number;
        self.paths.push(path);
        self.by_nodes.insert(key, number);
        Some(number)
    }

    /// The path that a new one is taken for: one with somebody missing for any that fits, a whole one for
    /// the first with somebody missing that it explains.
    fn alias(&mut self, (nodes, open): &(Vec<Node>, bool)) -> Option<usize> {
        let whole = is_whole(nodes, *open);
        let fits = |path: &&mut Path| {
            (!whole || !path.is_whole() && !path.claimed)
                && !(path.nodes.is_empty() || nodes.is_empty())
                && may_be_same((nodes, *open), (&path.nodes, path.open))
        };
        let path = self.paths.iter_mut().find(fits)?;
        path.claimed |= whole;
        Some(path.alias)
    }
}

/// Whether nobody is missing on a path, as far as it tells.
fn is_whole(nodes: &[Node], open: bool) -> bool {
    let missing = |node: &Node| matches!(node, Node::Missing(_));
    !open && !nodes.iter().any(missing)
}

impl Path {
    fn is_whole(&self) -> bool {
        is_whole(&self.nodes, self.open)
    }

    fn new(way: &Way, alias: usize, budget: &mut Budget) -> Self {
        let place = |_: &Step| Place {
            from_before: Delays::new(budget),
            transit: Delays::new(budget),
            ..Place::default()
        };
        let places = way.steps.iter().map(place).collect();
        Self {
            nodes: way.nodes(),
            open: way.open,
            packets: 0,
            period: Period::default(),
            places,
            to_end: Delays::new(budget),
            end_to_end: Delays::new(budget),
            ends: false,
            series: Series::default(),
            sequences: Vec::new(),
            alias,
            claimed: false,
        }
    }

    fn take(&mut self, way: &Way, end_to_end: Option<i64>) {
        self.packets += 1;
        self.period.add(way.time);
        let mut before: Option<i64> = None;
        for (step, place) in way.steps.iter().zip(&mut self.places) {
            place.hop_limit = step.hop_limit;
            place.interfaces = step.interfaces;
            if let Some(delay) = step.transit {
                place.transit.record(delay);
            }
            if let Some((now, before)) = step.when.zip(before)
                && let Some(delay) = now.checked_sub(before)
            {
                place.from_before.record(delay);
            }
            // Nobody knows when it was at who is missing; the next one counts from before.
            if !matches!(step.node, Node::Missing(_)) {
                before = step.when;
            }
        }
        let to_end = way.received.zip(before);
        if let Some(delay) = to_end.and_then(|(end, last)| end.checked_sub(last)) {
            self.to_end.record(delay);
        }
        if let Some(delay) = end_to_end {
            self.end_to_end.record(delay);
        }
        let last = way.steps.last();
        self.ends |= way.steps.len() > 1 && last.is_some_and(|step| step.for_profile);
    }

    fn sample(&mut self, sequence: u32, time: Option<i64>) {
        if self.sequences.len() < MOST_SEQUENCES {
            self.sequences.push(sequence);
        }
        if let Some(time) = time {
            let cell = LossCell {
                arrived: 1,
                lost: 0,
            };
            self.series.add(time, &cell);
        }
    }

    /// Takes what a node gathered itself.
    pub(super) fn summary(&mut self, packets: u64, (mean, min, max): (i64, i64, i64)) {
        // One packet has been counted when the path was found.
        self.packets = self.packets.saturating_add(packets.saturating_sub(1));
        self.end_to_end.record_many(mean, packets);
        self.end_to_end.stretch(min, max);
    }
}
