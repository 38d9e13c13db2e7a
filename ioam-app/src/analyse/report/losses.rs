// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which packets with direct export did not arrive, and between which nodes they were lost.

use std::collections::BTreeSet;

use super::{Loss, Outcome};
use crate::analyse::gather::Gathered;
use crate::analyse::gather::flow::FlowData;
use crate::analyse::names::{Names, Node};

/// What became of the packets of a flow with direct export.
pub(super) fn outcome(flow: &FlowData, gathered: &Gathered) -> Option<Outcome> {
    if !flow.is_exported() {
        return None;
    }
    let mut outcome = Outcome {
        arrived: 0,
        lost: 0,
        unseen: gathered.unseen(&flow.key),
    };
    for (path, arrived) in flow.paths.iter().zip(flow.arrived()) {
        if arrived {
            outcome.arrived += path.packets;
        } else {
            outcome.lost += path.packets;
        }
    }
    Some(outcome)
}

/// The losses of a flow by where its packets were seen last.
pub(super) fn losses(
    flow: &FlowData,
    number: usize,
    outcome: &Outcome,
    names: &Names,
) -> Vec<Loss> {
    let mut losses = Vec::new();
    for (path, arrived) in flow.paths.iter().zip(flow.arrived()) {
        let Some(last) = path.nodes.last().filter(|_| !arrived) else {
            continue;
        };
        let mut before: Vec<String> = next(flow, &path.nodes)
            .into_iter()
            .map(|node| names.of(node))
            .collect();
        before.dedup();
        losses.push(Loss {
            flow: number,
            after: Some(names.of(*last)),
            before,
            packets: path.packets,
            sequences: path.sequences.clone(),
        });
    }
    if outcome.unseen > 0 {
        let first: BTreeSet<Node> = flow
            .paths
            .iter()
            .filter_map(|path| path.nodes.first().copied())
            .collect();
        losses.push(Loss {
            flow: number,
            after: None,
            before: first.into_iter().map(|node| names.of(node)).collect(),
            packets: outcome.unseen,
            sequences: Vec::new(),
        });
    }
    losses
}

/// The nodes that other packets went on to after the same nodes; if there are none, after the last of them.
pub(in crate::analyse) fn next(flow: &FlowData, nodes: &[Node]) -> BTreeSet<Node> {
    let paths = flow.paths.iter();
    let same_way = paths.filter_map(|path| path.nodes.strip_prefix(nodes)?.first().copied());
    let known = |node: &Node| !matches!(node, Node::Missing(_));
    let same_way: BTreeSet<Node> = same_way.filter(known).collect();
    if !same_way.is_empty() {
        return same_way;
    }
    let last = nodes.last();
    let pairs = flow.paths.iter().flat_map(|path| path.nodes.windows(2));
    let after = pairs.filter_map(|pair| match pair {
        [from, to] if Some(from) == last && known(to) => Some(*to),
        _ => None,
    });
    after.collect()
}
