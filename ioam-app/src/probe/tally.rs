// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What records say of probes, by destination: those that ended at the node, and the copies that
//! came back to it.

use std::net::Ipv6Addr;

use super::line::{Addresses, Delays, Figures, Line};

/// Everything read so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// In the order of their first probes.
    pub(super) ended: Vec<Ended>,
    /// In the order of their first copies.
    pub(super) looped: Vec<Looped>,
    sequences: Vec<Sequence>,
}

/// Probes of one source and destination that ended at the node.
#[derive(Debug)]
pub(super) struct Ended {
    /// Of the probe itself, not of its tunnel.
    pub(super) addresses: Addresses,
    /// Where its outermost header came from.
    outer_source: Ipv6Addr,
    pub(super) namespace: u16,
    /// Traces, one a probe.
    pub(super) received: u64,
    /// The ways they took, the newest last.
    pub(super) paths: Vec<Path>,
}

/// One way of a probe.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// The first node first.
    pub(super) nodes: Vec<String>,
    pub(super) received: u64,
    /// From the hop before; one more than there are nodes, for the node where it ended.
    pub(super) delays: Vec<Spread>,
}

/// Delays in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spread {
    pub(super) count: u64,
    pub(super) min: i64,
    pub(super) max: i64,
    sum: i128,
}

impl Spread {
    fn add(&mut self, delay: i64) {
        if self.count == 0 {
            (self.min, self.max) = (delay, delay);
        }
        (self.min, self.max) = (self.min.min(delay), self.max.max(delay));
        self.count += 1;
        self.sum += i128::from(delay);
    }

    /// The mean, if there is one.
    pub(super) fn mean(&self) -> Option<i64> {
        let mean = self.sum.checked_div(self.count.into())?;
        i64::try_from(mean).ok()
    }
}

/// Copies that came back to one address.
#[derive(Debug)]
pub(super) struct Looped {
    pub(super) address: Ipv6Addr,
    pub(super) copies: u64,
    /// By hop and node; the nearest first.
    pub(super) hops: Vec<LoopedHop>,
}

/// Copies that one node sent back.
#[derive(Debug)]
pub(super) struct LoopedHop {
    /// Nodes from the first on, that one included.
    pub(super) hop: usize,
    pub(super) node: String,
    pub(super) copies: u64,
}

/// One sequence of numbers that arrived.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    pub(super) option_type: String,
    pub(super) namespace: u16,
    outer_source: Ipv6Addr,
    flow: Option<Addresses>,
    pub(super) flow_id: Option<u32>,
    /// Of groups that ended, which were followed by new ones.
    ended: Figures,
    now: Option<Figures>,
}

impl Sequence {
    /// All that arrived.
    pub(super) fn figures(&self) -> Figures {
        self.now.map_or(self.ended, |now| add(self.ended, now))
    }

    fn is_of(&self, line: &Line) -> bool {
        self.option_type == line.option_type
            && self.namespace == line.namespace
            && Some(self.outer_source) == line.outer_source
            && self.flow == line.flow
            && self.flow_id == line.flow_id
    }
}

fn add(a: Figures, b: Figures) -> Figures {
    let delay = match (a.delay, b.delay) {
        (Some(a), Some(b)) => Some(add_delays(a, b)),
        (one, other) => one.or(other),
    };
    Figures {
        distinct: a.distinct + b.distinct,
        lost: a.lost + b.lost,
        pending: b.pending,
        reordered: a.reordered + b.reordered,
        duplicates: a.duplicates + b.duplicates,
        late: a.late + b.late,
        delay,
    }
}

fn add_delays(a: Delays, b: Delays) -> Delays {
    let sum = |of: Delays| i128::from(of.mean) * i128::from(of.packets);
    let packets = a.packets + b.packets;
    let mean = (sum(a) + sum(b)).checked_div(packets.into()).unwrap_or(0);
    Delays {
        packets,
        min: a.min.min(b.min),
        mean: i64::try_from(mean).unwrap_or(b.mean),
        max: a.max.max(b.max),
        jitter: b.jitter,
    }
}

impl Tally {
    /// Takes one record into account; the way of a probe if no other took it before.
    pub(super) fn enter(&mut self, line: &Line) -> Option<&Ended> {
        if line.is_report() {
            self.report(line);
            return None;
        }
        match line.occasion.as_deref() {
            Some("active") => self.active(line),
            Some("looped-back") => {
                self.looped_back(line);
                None
            }
            _ => None,
        }
    }

    fn active(&mut self, line: &Line) -> Option<&Ended> {
        let (addresses, outer) = (line.flow?, line.outer?);
        if line.option_type != "preallocated-trace" {
            return None;
        }
        let known = self
            .ended
            .iter()
            .position(|ended| ended.addresses == addresses && ended.namespace == line.namespace);
        let place = known.unwrap_or_else(|| {
            self.ended.push(Ended {
                addresses,
                outer_source: outer.source,
                namespace: line.namespace,
                received: 0,
                paths: Vec::new(),
            });
            self.ended.len() - 1
        });
        let ended = self.ended.get_mut(place)?;
        ended.received += 1;
        ended.outer_source = outer.source;
        let is_new = ended.enter(line);
        is_new.then_some(ended)
    }

    fn looped_back(&mut self, line: &Line) {
        let (Some(outer), Some(node)) = (line.outer, line.nodes.last()) else {
            return;
        };
        let (address, hop, node) = (outer.destination, line.nodes.len(), node.id());
        let known = self
            .looped
            .iter()
            .position(|looped| looped.address == address);
        let place = known.unwrap_or_else(|| {
            self.looped.push(Looped {
                address,
                copies: 0,
                hops: Vec::new(),
            });
            self.looped.len() - 1
        });
        let Some(looped) = self.looped.get_mut(place) else {
            return;
        };
        looped.copies += 1;
        let same = |known: &&mut LoopedHop| known.hop == hop && known.node == node;
        if let Some(known) = looped.hops.iter_mut().find(same) {
            known.copies += 1;
            return;
        }
        let copies = 1;
        looped.hops.push(LoopedHop { hop, node, copies });
        looped.hops.sort_by_key(|known| known.hop);
    }

    fn report(&mut self, line: &Line) {
        let (Some(figures), Some(outer_source)) = (line.figures, line.outer_source) else {
            return;
        };
        let known = self.sequences.iter().position(|known| known.is_of(line));
        let place = known.unwrap_or_else(|| {
            self.sequences.push(Sequence {
                option_type: line.option_type.clone(),
                namespace: line.namespace,
                outer_source,
                flow: line.flow,
                flow_id: line.flow_id,
                ended: Figures::default(),
                now: None,
            });
            self.sequences.len() - 1
        });
        let Some(sequence) = self.sequences.get_mut(place) else {
            return;
        };
        sequence.now = Some(figures);
        if line.last {
            sequence.ended = sequence.figures();
            sequence.now = None;
        }
    }

    /// The sequences that are those of `ended`: of its flow, or of all that its source sends here
    /// when its probes are all of that.
    pub(super) fn sequences(&self, ended: &Ended) -> Vec<&Sequence> {
        let from = |other: &&Ended| {
            other.outer_source == ended.outer_source && other.addresses != ended.addresses
        };
        let is_alone = !self.ended.iter().any(|other| from(&other));
        let is_of = |sequence: &&Sequence| {
            sequence.outer_source == ended.outer_source
                && match sequence.flow {
                    Some(flow) => flow == ended.addresses,
                    None => is_alone,
                }
        };
        self.sequences.iter().filter(is_of).collect()
    }

    /// The sequences of sources whose probes go to several destinations.
    pub(super) fn shared_sequences(&self) -> Vec<&Sequence> {
        let is_shared = |sequence: &&Sequence| {
            let of_source = |ended: &&Ended| ended.outer_source == sequence.outer_source;
            let mut all = self.ended.iter().filter(of_source);
            let first = all.next().map(|ended| ended.addresses);
            sequence.flow.is_none() && all.any(|other| Some(other.addresses) != first)
        };
        self.sequences.iter().filter(is_shared).collect()
    }
}

impl Ended {
    /// Adds a probe to its path; whether that is a new one.
    fn enter(&mut self, line: &Line) -> bool {
        let nodes: Vec<_> = line.nodes.iter().map(super::line::Node::id).collect();
        let known = self.paths.iter().position(|path| path.nodes == nodes);
        // The path in use goes last.
        let mut path = match known {
            Some(place) => self.paths.remove(place),
            None => Path {
                delays: vec![Spread::default(); nodes.len() + 1],
                received: 0,
                nodes,
            },
        };
        path.received += 1;
        for (spread, delay) in path.delays.iter_mut().zip(line.delays()) {
            delay.into_iter().for_each(|delay| spread.add(delay));
        }
        self.paths.push(path);
        known.is_none()
    }
}
