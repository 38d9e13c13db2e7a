// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The way of one packet: who saw it, when, and where the hop limits say that somebody is missing.

use crate::analyse::event::{Card, Context, Hop, Trace};
use crate::analyse::names::Node;

/// A transit delay that its field could not hold (RFC 9197, 4.4.2.5).
const TOO_LONG: u32 = 1 << 31;

/// One node of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who.
    pub node: Node,
    /// Hop_Lim.
    pub hop_limit: Option<u8>,
    /// Where the packet came in and went out.
    pub interfaces: (Option<u32>, Option<u32>),
    /// When, in nanoseconds from a moment that all steps of a packet share.
    pub when: Option<i64>,
    /// Nanoseconds in the node.
    pub transit: Option<i64>,
    /// Whether the record was made at an end of the domain.
    pub for_profile: bool,
}

/// The way of one packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The nodes, the oldest first, with those that are missing.
    pub steps: Vec<Step>,
    /// Nodes behind the last one had no room to write.
    pub open: bool,
    /// When it was received at the end, if that is known, on the steps' clock.
    pub received: Option<i64>,
    /// When that was, in nanoseconds since 1970.
    pub time: Option<i64>,
}

impl Step {
    pub(super) fn new(hop: &Hop, context: &Context, place: usize) -> Self {
        let here = u8::try_from(place + 1).unwrap_or(u8::MAX);
        let base = context.time().unwrap_or(0);
        let age = context.age(hop);
        Self {
            node: hop.node.map_or(Node::Nameless(here), Node::Id),
            hop_limit: hop.hop_limit.filter(|_| !hop.is_blank()),
            interfaces: (hop.ingress, hop.egress),
            when: age.and_then(|age| base.checked_sub(age)),
            transit: hop.transit.filter(|delay| *delay < TOO_LONG).map(i64::from),
            for_profile: context.for_profile,
        }
    }

    /// Of a direct export: the moment of the record is finer than the timestamp in it.
    pub(super) fn of_card(card: &Card) -> Self {
        let step = Self::new(&card.hop, &card.context, 0);
        Self {
            when: card.context.time().or(step.when),
            ..step
        }
    }

    fn missing(count: u8) -> Self {
        Self {
            node: Node::Missing(count),
            hop_limit: None,
            interfaces: (None, None),
            when: None,
            transit: None,
            for_profile: false,
        }
    }
}

impl Way {
    /// Of a trace.
    #[must_use]
    pub fn of_trace(trace: &Trace) -> Self {
        let hops = trace.hops.iter().enumerate();
        let steps = hops.map(|(place, hop)| Step::new(hop, &trace.context, place));
        Self {
            steps: with_missing(steps),
            open: trace.overflow || trace.malformed,
            received: trace.context.time(),
            time: trace.context.time(),
        }
    }

    /// Of direct exports of one packet, in any order.
    #[must_use]
    pub(super) fn of_cards(mut steps: Vec<Step>) -> Self {
        steps.sort_by_key(|step| (std::cmp::Reverse(step.hop_limit), step.when));
        let time = steps.iter().filter_map(|step| step.when).min();
        for (place, step) in steps.iter_mut().enumerate() {
            if let Node::Nameless(_) = step.node {
                step.node = Node::Nameless(u8::try_from(place + 1).unwrap_or(u8::MAX));
            }
        }
        Self {
            steps: with_missing(steps.into_iter()),
            open: false,
            received: None,
            time,
        }
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> Vec<Node> {
        self.steps.iter().map(|step| step.node).collect()
    }

    /// Nanoseconds from the first node on to the end: until receipt where that is known, else until
    /// the last node.
    #[must_use]
    pub fn end_to_end(&self) -> Option<i64> {
        let first = self.steps.first()?.when?;
        let end = match (self.received, self.steps.as_slice()) {
            (Some(received), _) => received,
            (None, [_, .., last]) => last.when?,
            (None, _) => return None,
        };
        end.checked_sub(first)
    }
}

/// Puts in who is missing: each hop takes at most one off the hop limit, so that what is more was taken by
/// others. Fewer is nothing to worry about, as a bump in the wire takes none.
fn with_missing(steps: impl Iterator<Item = Step>) -> Vec<Step> {
    let mut all: Vec<Step> = Vec::new();
    let mut last: Option<u8> = None;
    let mut since = 0_u8;
    for step in steps {
        since = since.saturating_add(1);
        if let Some(limit) = step.hop_limit {
            let taken = last.map_or(0, |last| last.saturating_sub(limit));
            let missing = taken.saturating_sub(since);
            if missing > 0 && last.is_some() {
                all.push(Step::missing(missing));
            }
            last = Some(limit);
            since = 0;
        }
        all.push(step);
    }
    all
}

/// Whether two paths may be the same one, for all that is known: somebody missing may be anybody, and an
/// open end may go on anyhow.
#[must_use]
pub fn may_be_same((one, open): (&[Node], bool), (other, also_open): (&[Node], bool)) -> bool {
    let mut one = one.iter().flat_map(expand);
    let mut other = other.iter().flat_map(expand);
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (None, Some(_)) => return open,
            (Some(_), None) => return also_open,
            (Some(one), Some(other)) if one.may_be(other) => {}
            _ => return false,
        }
    }
}

/// Each missing node by itself.
fn expand(node: &Node) -> impl Iterator<Item = Node> + use<> {
    let (node, times) = match *node {
        Node::Missing(count) => (Node::Missing(1), count),
        node => (node, 1),
    };
    std::iter::repeat_n(node, times.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(node: u64, hop_limit: Option<u8>, when: i64) -> Step {
        Step {
            node: Node::Id(node),
            hop_limit,
            when: Some(when),
            ..Step::missing(0)
        }
    }

    #[test]
    fn who_is_missing_stands_where_the_hop_limit_says() {
        let nodes = |limits: &[Option<u8>]| {
            let steps = (1..).zip(limits);
            let steps = steps.map(|(node, limit)| step(node, *limit, 0));
            let all = with_missing(steps);
            all.iter().map(|step| step.node).collect::<Vec<_>>()
        };
        let [a, b, c] = [1, 2, 3].map(Node::Id);
        assert_eq!(nodes(&[Some(64), Some(63), Some(62)]), [a, b, c]);
        assert_eq!(nodes(&[Some(64), Some(64), Some(64)]), [a, b, c]);
        assert_eq!(
            nodes(&[Some(64), Some(62), Some(59)]),
            [a, Node::Missing(1), b, Node::Missing(2), c]
        );
        // One that does not know its hop limit is there all the same.
        assert_eq!(nodes(&[Some(64), None, Some(62)]), [a, b, c]);
        assert_eq!(
            nodes(&[Some(64), None, Some(61)]),
            [a, b, Node::Missing(1), c]
        );
        assert_eq!(nodes(&[Some(1), Some(255)]), [a, b]);
    }

    #[test]
    fn exports_are_ordered_by_hop_limit_and_then_by_time() {
        let cards = vec![
            step(3, Some(62), 5),
            step(2, Some(63), 90),
            step(4, Some(62), 7),
            step(1, Some(64), 50),
        ];
        let way = Way::of_cards(cards);
        assert_eq!(way.nodes(), [1, 2, 3, 4].map(Node::Id));
        assert_eq!((way.time, way.end_to_end()), (Some(5), Some(-43)));
    }

    #[test]
    fn somebody_missing_may_be_anybody() {
        let [a, b, c] = [1, 2, 3].map(Node::Id);
        let one = Node::Missing(1);
        assert!(may_be_same((&[a, one, c], false), (&[a, b, c], false)));
        assert!(may_be_same(
            (&[a, Node::Missing(2)], false),
            (&[a, b, c], false)
        ));
        assert!(!may_be_same((&[a, one, c], false), (&[a, b, b], false)));
        assert!(!may_be_same((&[a, b], false), (&[a, b, c], false)));
        assert!(may_be_same((&[a, b], true), (&[a, b, c], false)));
        assert!(may_be_same((&[a, b, c], false), (&[a], true)));
    }
}
