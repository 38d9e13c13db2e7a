// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Gathers events into flows, links, nodes and sequences. All of it is bounded, and what goes beyond
//! that is counted.

mod cards;
mod delays;
pub mod flow;
pub mod path;
pub mod runs;
pub mod sequences;
pub mod series;

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use super::event::{Card, Context, EndToEnd, Event, Summary, Trace};
use super::names::Node;
pub use cards::{CardCounts, MOST_PACKETS, PATIENCE};
use cards::{Cards, Joined};
use delays::Budget;
pub use delays::Delays;
use flow::{FlowData, FlowKey, Period};
use path::{Step, Way};
use sequences::Sequences;
use series::{DelayCell, Series};

/// Most flows.
pub const MOST_FLOWS: usize = 4096;
/// Most links between nodes, and most nodes.
pub const MOST_LINKS: usize = 1024;

/// Records by what they are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct RecordCounts {
    /// Traces.
    pub traces: u64,
    /// Direct exports of one node each.
    pub direct_exports: u64,
    /// Edge-to-edge options.
    pub edge_to_edge: u64,
    /// Sequence reports.
    pub sequence_reports: u64,
    /// Delays along paths that a node gathered itself.
    pub path_summaries: u64,
    /// Copies that were looped back: they are of no flow's way to its end.
    pub looped_back: u64,
    /// Anything else.
    pub other: u64,
}

impl RecordCounts {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> u64 {
        let Self {
            traces,
            direct_exports,
            edge_to_edge,
            sequence_reports,
            path_summaries,
            looped_back,
            other,
        } = self;
        let all = [
            traces,
            direct_exports,
            edge_to_edge,
            sequence_reports,
            path_summaries,
            looped_back,
            other,
        ];
        all.into_iter().sum()
    }
}

/// From one node to the next that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkKey {
    /// From this one.
    pub from: Node,
    /// To that one.
    pub to: Node,
    /// Nodes in between that wrote nothing.
    pub missing: u8,
}

/// What happened on a link.
#[derive(Clone, Debug)]
pub struct Link {
    /// Packets.
    pub packets: u64,
    /// When.
    pub period: Period,
    /// Delays.
    pub delays: Delays,
    /// The same over time.
    pub series: Series<DelayCell>,
}

/// What happened in a node.
#[derive(Clone, Debug)]
pub struct NodeData {
    /// Packets.
    pub packets: u64,
    /// Delays.
    pub transit: Delays,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Records.
    pub records: RecordCounts,
    /// The first and the last packet.
    pub period: Period,
    /// Flows, in the order of their first packets.
    pub flows: Vec<FlowData>,
    by_key: HashMap<FlowKey, usize>,
    /// Links.
    pub links: BTreeMap<LinkKey, Link>,
    /// Nodes.
    pub nodes: BTreeMap<Node, NodeData>,
    /// Sequences.
    pub sequences: Sequences,
    cards: Cards,
    budget: Budget,
    /// Packets of flows beyond the first [`MOST_FLOWS`].
    pub flows_left_out: u64,
    /// Packets on links or in nodes beyond the first [`MOST_LINKS`].
    pub links_left_out: u64,
    /// Nodes that held their place in a trace and wrote nothing but ones.
    pub blank: u64,
    /// Traces that are cut.
    pub malformed: u64,
}

impl Gathered {
    /// Takes an event of an input, which arrived at `now`.
    pub fn take(&mut self, event: Event, input: usize, now: Instant) {
        match event {
            Event::Trace(trace) => self.trace(&trace),
            Event::Card(card) => {
                self.records.direct_exports += 1;
                self.blank += u64::from(card.hop.is_blank());
                self.cards.take(card, now);
                if self.cards.is_full() {
                    self.tick(now);
                }
            }
            Event::EndToEnd(option) => self.end_to_end(&option),
            Event::Report(report) => {
                self.records.sequence_reports += 1;
                self.period.add(report.context.time());
                self.sequences.take(*report, input);
            }
            Event::Summary(summary) => self.summary(&summary),
            Event::LoopedBack => self.records.looped_back += 1,
            Event::Other => self.records.other += 1,
        }
    }

    /// Settles what has waited long enough.
    pub fn tick(&mut self, now: Instant) {
        for joined in self.cards.due(now) {
            self.packet(&joined);
        }
    }

    /// Settles everything: no more events follow.
    pub fn finish(&mut self) {
        for joined in self.cards.rest() {
            self.packet(&joined);
        }
        self.flows.iter_mut().for_each(FlowData::finish);
    }

    /// What was left out of direct exports.
    #[must_use]
    pub fn card_counts(&self) -> CardCounts {
        self.cards.counts
    }

    /// Sequence numbers of a flow with direct export that no node exported.
    #[must_use]
    pub fn unseen(&self, key: &FlowKey) -> u64 {
        self.cards.unseen(key)
    }

    fn trace(&mut self, trace: &Trace) {
        self.records.traces += 1;
        self.malformed += u64::from(trace.malformed);
        let blank = trace.hops.iter().filter(|hop| hop.is_blank()).count();
        self.blank += blank as u64;
        let key = FlowKey::Trace {
            namespace: trace.context.namespace,
            flow: trace.context.flow,
        };
        self.observe(key, &trace.context, &Way::of_trace(trace), None);
    }

    fn packet(&mut self, joined: &Joined) {
        let Card { context, .. } = &joined.card;
        self.observe(joined.key, context, &joined.way, Some(joined.sequence));
    }

    fn end_to_end(&mut self, option: &EndToEnd) {
        self.records.edge_to_edge += 1;
        let context = &option.context;
        let delay = context.received.zip(option.stamp).zip(context.format);
        let delay = delay.and_then(|((received, stamp), format)| {
            ioam_dp::accounting::one_way_delay(received, stamp, format)
        });
        let key = FlowKey::EndToEnd {
            namespace: context.namespace,
            flow: context.flow,
        };
        self.period.add(context.time());
        let Some((flow, _)) = self.flow(key, context) else {
            self.flows_left_out += 1;
            return;
        };
        flow.packets += 1;
        flow.period.add(context.time());
        delay
            .into_iter()
            .for_each(|delay| flow.end_to_end.record(delay));
    }

    fn summary(&mut self, summary: &Summary) {
        self.records.path_summaries += 1;
        let step = |(place, node): (usize, &u64)| {
            let hop = super::event::Hop {
                node: Some(*node),
                ..super::event::Hop::default()
            };
            Step::new(&hop, &summary.context, place)
        };
        let way = Way {
            steps: summary.nodes.iter().enumerate().map(step).collect(),
            time: summary.context.time(),
            ..Way::default()
        };
        let key = FlowKey::Trace {
            namespace: summary.context.namespace,
            flow: None,
        };
        self.observe(key, &summary.context, &way, None);
        let (packets, delay) = (summary.packets, summary.delay);
        if let Some((flow, _)) = self.flow(key, &summary.context) {
            flow.packets = flow.packets.saturating_add(packets.saturating_sub(1));
            flow.end_to_end.record_many(delay.0, packets);
            flow.end_to_end.stretch(delay.1, delay.2);
            let nodes = way.nodes();
            let path = flow.paths.iter_mut().find(|path| path.nodes == nodes);
            path.into_iter()
                .for_each(|path| path.summary(packets, delay));
        }
    }

    fn flow(&mut self, key: FlowKey, context: &Context) -> Option<(&mut FlowData, &mut Budget)> {
        let known = self.by_key.get(&key).copied();
        let number = match known {
            Some(number) => number,
            None if self.flows.len() >= MOST_FLOWS => return None,
            None => {
                self.flows.push(FlowData::new(key, &mut self.budget));
                self.by_key.insert(key, self.flows.len() - 1);
                self.flows.len() - 1
            }
        };
        let flow = self.flows.get_mut(number)?;
        flow.flow = flow.flow.or(context.flow);
        let (source, destination) = flow.outer;
        flow.outer = (
            source.or(context.outer_source),
            destination.or(context.outer_destination),
        );
        Some((flow, &mut self.budget))
    }

    fn observe(&mut self, key: FlowKey, context: &Context, way: &Way, sequence: Option<u32>) {
        self.period.add(way.time);
        match self.flow(key, context) {
            Some((flow, budget)) => flow.observe(way, sequence, budget),
            None => self.flows_left_out += 1,
        }
        let mut before: Option<&Step> = None;
        let mut missing = 0;
        for step in &way.steps {
            if let Node::Missing(count) = step.node {
                missing = count;
                continue;
            }
            self.node(step);
            if let Some(before) = before {
                self.link(before, step, missing, way.time);
            }
            (before, missing) = (Some(step), 0);
        }
    }

    fn node(&mut self, step: &Step) {
        if !self.nodes.contains_key(&step.node) {
            if self.nodes.len() >= MOST_LINKS {
                self.links_left_out += 1;
                return;
            }
            let data = NodeData {
                packets: 0,
                transit: Delays::new(&mut self.budget),
            };
            self.nodes.insert(step.node, data);
        }
        if let Some(node) = self.nodes.get_mut(&step.node) {
            node.packets += 1;
            step.transit
                .into_iter()
                .for_each(|delay| node.transit.record(delay));
        }
    }

    fn link(&mut self, from: &Step, to: &Step, missing: u8, time: Option<i64>) {
        let key = LinkKey {
            from: from.node,
            to: to.node,
            missing,
        };
        if !self.links.contains_key(&key) {
            if self.links.len() >= MOST_LINKS {
                self.links_left_out += 1;
                return;
            }
            let link = Link {
                packets: 0,
                period: Period::default(),
                delays: Delays::new(&mut self.budget),
                series: Series::default(),
            };
            self.links.insert(key, link);
        }
        let Some(link) = self.links.get_mut(&key) else {
            return;
        };
        link.packets += 1;
        link.period.add(time);
        let delay = to.when.zip(from.when);
        let Some(delay) = delay.and_then(|(to, from)| to.checked_sub(from)) else {
            return;
        };
        link.delays.record(delay);
        if let Some((time, cell)) = time.zip(DelayCell::of(delay)) {
            link.series.add(time, &cell);
        }
    }
}

#[cfg(test)]
mod tests;
