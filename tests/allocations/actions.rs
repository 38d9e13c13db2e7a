// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Everything a node does with packets: a node, a packet that makes it do so, and how one can tell.

use crate::common::direct_export::{Dex, exporter, exporting};
use crate::common::expect::{KIND, OF_A, node_with, trace};
use crate::common::frames::*;
use crate::common::options::{around, e2e_of, edge_to_edge, header, proof, puts};
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::spec::*;

/// How one can tell that it was done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// Forwarded with so many octets.
    Sent(usize),
    /// The same, with this node's data in a trace.
    Filled(usize),
    /// Forwarded, and a record was made.
    Recorded(usize),
    /// The same, and a copy went back.
    LoopedBack(usize),
    Dropped(DropReason),
    Noticed(Notice),
}

/// One thing that is done.
pub(crate) struct Action {
    pub name: &'static str,
    pub spec: NodeSpec,
    pub frame: Vec<u8>,
    pub outcome: Outcome,
    /// An octet of the frame that makes each packet a flow of its own.
    pub flow: Option<usize>,
}

impl Action {
    fn new(name: &'static str, mut spec: NodeSpec, sent: &Packet, outcome: Outcome) -> Self {
        // Nothing here is about the limits of what a node adds.
        spec.limits = LimitsSpec {
            direct_export: 0,
            export: 0,
            loopback: 0,
            active: 0,
        };
        spec.policy.icmp_errors_per_second = 1_000_000;
        Self {
            name,
            spec,
            frame: sent.frame(),
            outcome,
            flow: None,
        }
    }

    /// The last octet of the source differs from packet to packet.
    fn of_many_flows(mut self, ip6: usize) -> Self {
        self.flow = Some(ETHERNET + ip6 + 8 + 15);
        self
    }
}

/// Octets of a plain packet's frame.
const PLAIN: usize = 70;

pub(crate) fn all() -> Vec<Action> {
    [ordinary(), traces(), other_options(), exports(), refusals()]
        .into_iter()
        .flatten()
        .collect()
}

fn ordinary() -> Vec<Action> {
    let (plain, new) = (Packet::plain(), Action::new);
    let routed = NodeSpec {
        forwarding: ForwardingSpec::Static {
            routes: vec![route("2001:db8::", 32, 1)],
            defaults: vec![],
            decrement_hop_limit: true,
        },
        ..node()
    };
    let foreign = Packet::traced(&[&Trace::new(7, KIND, 4, &OF_A)]);
    let full = Packet::traced(&[&Trace::new(123, KIND, 0, &OF_A)]);
    vec![
        new("pass", node(), &plain, Outcome::Sent(PLAIN)),
        new("route", routed, &plain, Outcome::Sent(PLAIN)),
        new(
            "another namespace",
            node(),
            &foreign,
            Outcome::Noticed(Notice::NamespaceUnknown),
        ),
        new("overflow", node(), &full, Outcome::Sent(full.frame().len())),
    ]
}

fn traces() -> Vec<Action> {
    let (plain, new) = (Packet::plain(), Action::new);
    let encap = |placement| {
        node_that(ActionSpec::Encapsulate(encapsulate(
            0xF0_0000, 16, placement,
        )))
    };
    let decap = |placement| node_that(ActionSpec::Decapsulate(decapsulate(placement)));
    let (inline, tunnelled) = (Packet::traced(&[&trace()]), plain.tunnelled(&[&trace()]));
    let every = Trace::new(123, 0xFF_E000, 30, &[]);
    let every = Packet::traced(&[&every]);
    // Hop-by-Hop: 2 and 2 of padding, 12 of header, 64 of room.
    let header = 80;
    vec![
        new(
            "transit",
            node(),
            &inline,
            Outcome::Filled(inline.frame().len()),
        ),
        new(
            "transit in a tunnel",
            node(),
            &tunnelled,
            Outcome::Filled(tunnelled.frame().len()),
        ),
        new(
            "transit with every field",
            node(),
            &every,
            Outcome::Filled(every.frame().len()),
        ),
        new(
            "encapsulation in a tunnel",
            encap(tunnel()),
            &plain,
            Outcome::Sent(PLAIN + IPV6 + header),
        ),
        new(
            "encapsulation in line",
            encap(Placement::Inline),
            &plain,
            Outcome::Sent(PLAIN + header),
        ),
        new(
            "decapsulation of a tunnel",
            decap(tunnel_end()),
            &tunnelled,
            Outcome::Recorded(PLAIN),
        ),
        new(
            "decapsulation in line",
            decap(DecapsulatePlacement::Inline),
            &inline,
            Outcome::Recorded(PLAIN),
        ),
        new(
            "strip at the edge",
            edge(EdgePolicy::Strip),
            &inline,
            Outcome::Sent(PLAIN),
        ),
        looping(),
    ]
}

fn edge(policy: EdgePolicy) -> NodeSpec {
    node_with(|spec| {
        spec.ports[0].side = Side::Edge(policy);
        spec.ports[0].ioam = false;
    })
}

/// A trace with the Loopback flag.
fn looping() -> Action {
    let spec = node_with(|spec| {
        spec.policy.loopback = true;
        spec.ports[0].address = Some(address("2001:db8:ff::b0"));
        spec.ports[1].address = Some(address("2001:db8:ff::b1"));
    });
    let trace = Trace {
        flags: 4,
        ..Trace::new(123, 0x80_0000, 8, &[0x400A_0001])
    };
    let sent = Packet::plain().tunnelled(&[&trace]);
    let length = sent.frame().len();
    Action::new("loopback", spec, &sent, Outcome::LoopedBack(length))
}

/// Keys of a proof of transit, of no polynomial in particular.
fn with_keys(mut spec: NodeSpec) -> NodeSpec {
    let keys = PotKeysSpec {
        prime: (1 << 61) - 1,
        point: 3,
        share: 5,
        public: 7,
        lagrange: 11,
        secret: Some(13),
    };
    spec.namespaces[0].proof_of_transit = Some(ProofOfTransitSpec {
        sets: vec![keys],
        active: 0,
    });
    spec
}

fn other_options() -> Vec<Action> {
    let (plain, new) = (Packet::plain(), Action::new);
    let decap = || node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
    let proving = with_keys(puts(
        vec![OptionSpec::ProofOfTransit { namespace: 123 }],
        tunnel(),
    ));
    let proven = around(&plain, HOP_BY_HOP, &header(IP6, &[&proof(123, 1, 2)]));
    let numbering = puts(vec![e2e_of(0x8000, GroupSpec::Flow)], tunnel());
    let numbered = around(
        &plain,
        DESTINATION,
        &header(IP6, &[&edge_to_edge(123, 0x8000, &[0, 1])]),
    );
    let pot = PLAIN + IPV6 + 32;
    vec![
        new("proof: encapsulation", proving, &plain, Outcome::Sent(pot)),
        new(
            "proof: transit",
            with_keys(node()),
            &proven,
            Outcome::Sent(pot),
        ),
        new(
            "proof: decapsulation",
            with_keys(decap()),
            &proven,
            Outcome::Recorded(PLAIN),
        ),
        new(
            "edge-to-edge: encapsulation",
            numbering,
            &plain,
            Outcome::Sent(PLAIN + IPV6 + 24),
        )
        .of_many_flows(0),
        new(
            "edge-to-edge: decapsulation",
            decap(),
            &numbered,
            Outcome::Sent(PLAIN),
        )
        .of_many_flows(IPV6 + 24),
    ]
}

fn exports() -> Vec<Action> {
    let (plain, new) = (Packet::plain(), Action::new);
    let exported = exporting(&[&Dex::of(1, 2)]);
    let length = exported.frame().len();
    let decap = node_that(ActionSpec::Decapsulate(decapsulate(
        DecapsulatePlacement::Inline,
    )));
    vec![
        new(
            "direct export: transit",
            node(),
            &exported,
            Outcome::Recorded(length),
        )
        .of_many_flows(0),
        new(
            "direct export: encapsulation",
            exporter(FlowIdSpec::Hashed),
            &plain,
            Outcome::Sent(length),
        )
        .of_many_flows(0),
        new(
            "direct export: one flow",
            exporter(FlowIdSpec::Fixed(9)),
            &plain,
            Outcome::Sent(length),
        ),
        new(
            "direct export: decapsulation",
            decap,
            &exported,
            Outcome::Recorded(PLAIN),
        )
        .of_many_flows(0),
    ]
}

fn refusals() -> Vec<Action> {
    let new = Action::new;
    let answering = || node_with(|spec| spec.ports[0].address = Some(address("2001:db8::b")));
    let mut dropping = node();
    dropping.policy.malformed = Malformed::Drop;
    let overrun = Packet::behind(&[UDP, 0, 1, 0, 0x31, 40, 0, 0]);
    let large = Packet::new(UDP, &[&[0; 1500]]);
    let expired = Packet::plain().hops(1);
    let dropped = Outcome::Dropped;
    let (noticed, hops) = (
        Outcome::Noticed(Notice::IcmpSent),
        DropReason::HopLimitExceeded,
    );
    vec![
        new(
            "malformed: forward",
            node(),
            &overrun,
            Outcome::Sent(overrun.frame().len()),
        ),
        new(
            "malformed: drop",
            dropping,
            &overrun,
            dropped(DropReason::Malformed),
        ),
        new(
            "drop at the edge",
            edge(EdgePolicy::Drop),
            &Packet::traced(&[&trace()]),
            dropped(DropReason::EdgeIngress),
        ),
        new("expired, in silence", node(), &expired, dropped(hops)),
        new("ICMPv6: time exceeded", answering(), &expired, noticed),
        new("ICMPv6: packet too big", answering(), &large, noticed),
    ]
}
