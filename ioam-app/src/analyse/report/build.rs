// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From what was gathered to what is reported.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::time::{SystemTime, UNIX_EPOCH};

use ioam_dp::record::Flow as UserFlow;
use ioam_dp::timestamp::WallTime;

use super::losses::{losses, outcome};
use super::summary::{left_out, summary};
use super::{
    Change, Delay, Flow, Link, Missing, Node, OneWay, Path, Place, Report, Sequence, Summary,
    findings, units,
};
use crate::analyse::gather::flow::{self, FlowData, FlowKey, Period};
use crate::analyse::gather::{Delays, Gathered, LinkKey, sequences};
use crate::analyse::input::InputReport;
use crate::analyse::names::{self, Names};
use crate::export::rfc3339_text;

impl Delay {
    /// Of delays; `None` if there are none at all.
    #[must_use]
    pub fn of(delays: &Delays) -> Option<Self> {
        if delays.count == 0 && delays.negative == 0 {
            return None;
        }
        Some(Self {
            count: delays.count,
            min: delays.min().unwrap_or(0),
            mean: delays.mean().unwrap_or(0),
            p50: delays.quantile(0.5),
            p90: delays.quantile(0.9),
            p99: delays.quantile(0.99),
            p999: delays.quantile(0.999),
            max: delays.max().unwrap_or(0),
            negative: delays.negative,
        })
    }
}

impl Report {
    /// Reports what was gathered from the inputs.
    #[must_use]
    pub fn new(gathered: &Gathered, inputs: Vec<InputReport>, names: &Names) -> Self {
        let mut order: Vec<&FlowData> = gathered.flows.iter().collect();
        order.sort_by_key(|flow| std::cmp::Reverse(flow.packets));
        let (first, last) = ends(gathered.period);
        let mut report = Self {
            program: program(),
            made: rfc3339_text(now()),
            records: gathered.records,
            first,
            last,
            nanoseconds: gathered
                .period
                .0
                .map_or(0, |(first, last)| last.abs_diff(first)),
            summary: Summary::default(),
            findings: Vec::new(),
            flows: Vec::new(),
            nodes: nodes(gathered, names),
            links: links(gathered, names),
            missing_hops: missing(gathered, names),
            losses: Vec::new(),
            sequences: Vec::new(),
            changes: Vec::new(),
            left_out: left_out(gathered),
            inputs,
        };
        for (number, data) in (1..).zip(order) {
            report.flow(number, data, gathered, names);
        }
        report.changes.sort_by_key(|change| change.time);
        report.sequences = gathered
            .sequences
            .all
            .iter()
            .map(|data| sequence(data, &report))
            .collect();
        report.summary = summary(&report, gathered);
        report.findings = findings::findings(&report);
        report
    }

    fn flow(&mut self, number: usize, data: &FlowData, gathered: &Gathered, names: &Names) {
        let outcome = outcome(data, gathered);
        if let Some(outcome) = &outcome {
            self.losses.extend(losses(data, number, outcome, names));
        }
        let (changes, switches) = data.changes();
        for change in &changes {
            let label = |path: usize| {
                let nodes = data.representative(path).map(|path| path.nodes.as_slice());
                names.path(nodes.unwrap_or_default())
            };
            self.changes.push(Change {
                flow: number,
                before: change.before.map(units::moment),
                at: change.at.map(units::moment),
                from: label(change.from),
                to: label(change.to),
                time: change.at,
            });
        }
        let (first, last) = ends(data.period);
        let user = data.flow;
        let address = |octets: [u8; 16]| Ipv6Addr::from(octets).to_string();
        let (kind, namespace, flow_id) = kind(&data.key);
        self.flows.push(Flow {
            flow: number,
            kind,
            label: label(data),
            namespace,
            source: user.map(|user| address(user.source)),
            destination: user.map(|user| address(user.destination)),
            source_port: user.map_or(0, |user| user.source_port),
            destination_port: user.map_or(0, |user| user.destination_port),
            next_header: user.map(|user| user.next_header),
            flow_id,
            outer_source: data.outer.0.map(|address| address.to_string()),
            outer_destination: data.outer.1.map(|address| address.to_string()),
            packets: data.packets,
            first,
            last,
            end_to_end: Delay::of(&data.end_to_end),
            paths: paths(data, outcome.is_some(), names),
            switches,
            changes: changes.len() as u64,
            spread: switches > changes.len() as u64,
            overflowed: data.overflowed,
            outcome,
            left_out: data.left_out,
        });
    }
}

/// The program, its version and where that is from.
pub(super) fn program() -> String {
    format!(
        "ioam {} ({})",
        env!("CARGO_PKG_VERSION"),
        env!("IOAM_PROVENANCE")
    )
}

fn now() -> WallTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    WallTime {
        seconds: since.as_secs(),
        nanoseconds: since.subsec_nanos(),
    }
}

fn ends(period: Period) -> (Option<String>, Option<String>) {
    let (first, last) = period.0.unzip();
    (first.map(units::moment), last.map(units::moment))
}

fn kind(key: &FlowKey) -> (&'static str, u16, Option<u32>) {
    match *key {
        FlowKey::Trace { namespace, .. } => ("trace", namespace, None),
        FlowKey::EndToEnd { namespace, .. } => ("edge-to-edge", namespace, None),
        FlowKey::DirectExport {
            namespace, flow_id, ..
        } => ("direct-export", namespace, Some(flow_id)),
    }
}

/// The user's flow as text.
fn user_flow(flow: &UserFlow) -> String {
    let end = |address: [u8; 16], port: u16| {
        let address = Ipv6Addr::from(address);
        match port {
            0 => address.to_string(),
            port => format!("[{address}]:{port}"),
        }
    };
    let protocol = match flow.next_header {
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        58 => "icmpv6".to_owned(),
        132 => "sctp".to_owned(),
        number => format!("protocol {number}"),
    };
    let source = end(flow.source, flow.source_port);
    let destination = end(flow.destination, flow.destination_port);
    format!("{source} → {destination} {protocol}")
}

fn label(data: &FlowData) -> String {
    let outer = match data.outer {
        (Some(source), Some(destination)) => format!("{source} → {destination}"),
        (Some(source), None) => format!("from {source}"),
        _ => "unknown".to_owned(),
    };
    let user = data.flow.as_ref().map_or(outer, user_flow);
    match data.key {
        FlowKey::DirectExport { flow_id, .. } => format!("{user}, flow {flow_id:#x}"),
        FlowKey::Trace { .. } => user,
        FlowKey::EndToEnd { .. } => format!("{user}, edge-to-edge"),
    }
}

fn paths(data: &FlowData, exported: bool, names: &Names) -> Vec<Path> {
    let mut order: Vec<(&flow::Path, bool)> = data.paths.iter().zip(data.arrived()).collect();
    order.sort_by_key(|(path, _)| std::cmp::Reverse(path.packets));
    let path = |(number, (data, arrived)): (usize, (&flow::Path, bool))| {
        let (first, last) = ends(data.period);
        let places = data.nodes.iter().zip(&data.places);
        Path {
            path: number,
            nodes: places
                .map(|(node, data)| place(*node, data, names))
                .collect(),
            label: names.path(&data.nodes),
            packets: data.packets,
            first,
            last,
            open: data.open,
            lost: exported && !arrived,
            end_to_end: Delay::of(&data.end_to_end).filter(|_| arrived || !exported),
            to_end: Delay::of(&data.to_end),
        }
    };
    (1..).zip(order).map(path).collect()
}

fn id(node: names::Node) -> Option<String> {
    match node {
        names::Node::Id(id) => Some(names::id_text(id)),
        names::Node::Nameless(_) | names::Node::Missing(_) => None,
    }
}

fn place(node: names::Node, data: &flow::Place, names: &Names) -> Place {
    Place {
        id: id(node),
        name: names.of(node),
        missing: match node {
            names::Node::Missing(count) => Some(count),
            _ => None,
        },
        hop_limit: data.hop_limit,
        ingress: data.interfaces.0,
        egress: data.interfaces.1,
        from_before: Delay::of(&data.from_before),
        transit: Delay::of(&data.transit),
    }
}

fn nodes(gathered: &Gathered, names: &Names) -> Vec<Node> {
    let node = |(node, data): (&names::Node, &crate::analyse::gather::NodeData)| Node {
        id: id(*node),
        name: names.of(*node),
        packets: data.packets,
        transit: Delay::of(&data.transit),
    };
    gathered.nodes.iter().map(node).collect()
}

fn links(gathered: &Gathered, names: &Names) -> Vec<Link> {
    let mut links: Vec<_> = gathered.links.iter().collect();
    links.sort_by_key(|(_, link)| std::cmp::Reverse(link.packets));
    let link = |(key, data): (&LinkKey, &crate::analyse::gather::Link)| Link {
        from: names.of(key.from),
        to: names.of(key.to),
        missing: key.missing,
        packets: data.packets,
        delay: Delay::of(&data.delays),
    };
    links.into_iter().map(link).collect()
}

fn missing(gathered: &Gathered, names: &Names) -> Vec<Missing> {
    let gaps = gathered.links.iter().filter(|(key, _)| key.missing > 0);
    let gap = |(key, link): (&LinkKey, &crate::analyse::gather::Link)| {
        let (first, last) = ends(link.period);
        Missing {
            after: names.of(key.from),
            before: names.of(key.to),
            nodes: key.missing,
            probably: who(gathered, key).map(|nodes| names.path(&nodes)),
            packets: link.packets,
            first,
            last,
        }
    };
    let mut missing: Vec<_> = gaps.map(gap).collect();
    missing.sort_by_key(|gap| std::cmp::Reverse(gap.packets));
    missing
}

/// The nodes that other packets met at the place of those that are missing, if those were always the same.
fn who(gathered: &Gathered, key: &LinkKey) -> Option<Vec<names::Node>> {
    let length = usize::from(key.missing) + 2;
    let mut found: BTreeSet<&[names::Node]> = BTreeSet::new();
    let paths = gathered.flows.iter().flat_map(|flow| &flow.paths);
    for path in paths {
        for window in path.nodes.windows(length) {
            let [first, between @ .., last] = window else {
                continue;
            };
            let whole = between
                .iter()
                .all(|node| !matches!(node, names::Node::Missing(_)));
            if whole && (first, last) == (&key.from, &key.to) {
                found.insert(between);
            }
        }
    }
    let only = found.len() == 1;
    found.first().filter(|_| only).map(|nodes| nodes.to_vec())
}

fn sequence(data: &sequences::Sequence, report: &Report) -> Sequence {
    let (key, figures) = (&data.key, data.figures());
    let source = key.source.map(|address| address.to_string());
    let exported = |flow: &&Flow| {
        let outcome = flow.outcome.is_some();
        outcome
            && (flow.namespace, flow.flow_id) == (key.namespace, key.flow_id)
            && flow.outer_source == source
    };
    let input = report.inputs.get(key.input);
    Sequence {
        input: input.map_or_else(String::new, |input| input.name.clone()),
        kind: if key.direct_export {
            "direct-export"
        } else {
            "edge-to-edge"
        },
        profile: key.profile.clone(),
        namespace: key.namespace,
        known_from_exports: key.direct_export && report.flows.iter().any(|flow| exported(&flow)),
        source,
        flow_id: key.flow_id,
        flow: key.flow.as_ref().map(user_flow),
        distinct: figures.distinct(),
        lost: figures.lost,
        pending: figures.pending,
        reordered: figures.reordered,
        duplicates: figures.duplicates,
        late: figures.late,
        restarts: figures.restarts,
        delay: figures
            .delay
            .map(|(packets, min, mean, max, jitter)| OneWay {
                packets,
                min,
                mean,
                max,
                jitter,
            }),
    }
}
