// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The cases of the report: what a node does, on the smallest useful packets.

use ioam_dp::table::spec::{
    ActionSpec, FilterSpec, FlowIdSpec, LimitsSpec, NodeSpec, Placement, PrefixSpec, ProfileSpec,
};

use crate::case::{Case, Frames, Records};
use crate::direct_export::{Dex, direct_export, header_of, in_tunnel, puts_in};
use crate::frames::{
    ETHERNET, HOP_BY_HOP, IPV6, PEER, Packet, Trace, UDP, address, decapsulate, encapsulate,
    hop_by_hop, node, node_that, profile, tunnel, tunnel_end,
};

/// Hop limit with node id, interface ids, timestamp seconds and fraction.
pub(crate) const TRACE_TYPE: u32 = 0xF0_0000;
/// Room for four nodes of that.
pub(crate) const WORDS: u8 = 16;

/// The namespace of [`node`].
pub(crate) const NAMESPACE: u16 = 123;
/// What [`node`] writes besides hop limit and time: its node id, and its two interface ids.
const NODE_ID: u32 = 0x0B_0001;
const INTERFACES: u32 = 0x0B11_0B22;
/// An element of some node before it.
const EARLIER: [u32; 4] = [0x3F0A_0001, 0x0A11_0A22, 1_723_560_226, 123_456];
/// The hop limit everything arrives with, and an outer header starts with.
const HOPS: u32 = 64;
/// From the option's head to the Flow ID: type, length, two octets, direct export's header.
const FLOW_ID: usize = 4 + 8;
/// Where the payload of an untagged frame's first Hop-by-Hop header's first option begins.
const OPTION: usize = ETHERNET + IPV6 + 4;

/// Everything that is measured, in the order of the report.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        pass(),
        transit(),
        encapsulation("encap", "adds outer IPv6 + trace", tunnel()),
        last_of_a_thousand(),
        encapsulation("encap-inline", "adds trace in place", Placement::Inline),
        decapsulation("decap", "removes outer, records", Records::Kept),
        decapsulation("decap-only", "removes outer, no record", Records::Forgotten),
        direct_export_transit(),
        direct_export_encapsulation("dex-encap-1k", "adds outer IPv6 + DEX", 1_000),
        direct_export_encapsulation("dex-encap-1m", "the same, 1 000 000 flows", 1_000_000),
    ]
}

/// Whether a case is measured out of cache too: one of each way through the node.
pub(crate) fn is_measured_far(name: &str) -> bool {
    ["pass", "transit", "encap", "encap-inline", "decap-only"].contains(&name)
}

/// Plain IPv6 in, plain IPv6 out.
pub(crate) fn pass() -> Case {
    let frames = frames(&plain(), &plain().hops(63));
    Case::new("pass", "plain IPv6 goes by", node(), frames)
}

/// This node adds its data to a trace that arrives.
pub(crate) fn transit() -> Case {
    transit_of(TRACE_TYPE, WORDS, &plain())
}

/// The same with another type of trace, whose timestamp, if any, is in the third and fourth word;
/// with so many words of room of which one node's are taken where there are two nodes' or more.
pub(crate) fn transit_of(kind: u32, words: u8, inner: &Packet) -> Case {
    let (earlier, own) = (element(kind, &EARLIER), element(kind, &own(HOPS - 1)));
    let trace = Trace::new(NAMESPACE, kind, words, &[]);
    let taken = usize::from(words) >= earlier.len() * 2;
    let arriving = if taken {
        trace.with_element(&earlier)
    } else {
        trace
    };
    let leaving = arriving.with_element(&own);
    let output = inner.tunnelled(&[&leaving]).hops(63);
    let mut frames = frames(&inner.tunnelled(&[&arriving]), &output);
    frames.timestamp = (kind & 0x30_0000 != 0).then(|| timestamp_at(leaving.remaining));
    let does = "adds 16 octets of node data";
    Case::new("transit", does, node(), frames)
}

/// What [`node`] writes for a type, where `four` are the words of its first four bits; queue
/// depth and buffer occupancy are nowhere asked for.
fn element(kind: u32, four: &[u32; 4]) -> Vec<u32> {
    let of_bit = |bit: u32| -> Vec<u32> {
        match bit {
            0..=3 => four.get(bit as usize).copied().into_iter().collect(),
            // Transit delay, whatever it was.
            4 => vec![0],
            5 => vec![0xB0B0_B0B0],
            8 => vec![four[0] & 0xFF00_0000 | 0x0B_0000, 1],
            9 => vec![0x0B11_0011, 0x0B22_0022],
            10 => vec![0xB0B1_B2B3, 0xB4B5_B6B7],
            12..22 => vec![u32::MAX],
            _ => Vec::new(),
        }
    };
    let bits = (0..24).filter(|bit| kind & 0x80_0000 >> bit != 0);
    bits.flat_map(of_bit).collect()
}

fn encapsulation(name: &'static str, does: &'static str, placement: Placement) -> Case {
    let case = encapsulation_of(TRACE_TYPE, WORDS, placement, &plain());
    Case { name, does, ..case }
}

/// This node puts a trace into `inner`, or in front of it.
pub(crate) fn encapsulation_of(kind: u32, words: u8, placement: Placement, inner: &Packet) -> Case {
    let inline = placement == Placement::Inline;
    // The outer header starts with the profile's hop limit, and so does the trace.
    let hops = if inline { HOPS - 1 } else { HOPS };
    let trace = Trace::new(NAMESPACE, kind, words, &[]).with_element(&element(kind, &own(hops)));
    let output = if inline {
        let header = hop_by_hop(&[&trace]);
        Packet::new(HOP_BY_HOP, &[&header, &inner.payload]).hops(63)
    } else {
        inner.hops(63).tunnelled(&[&trace])
    };
    let mut frames = frames(inner, &output);
    frames.timestamp = (kind & 0x30_0000 != 0).then(|| timestamp_at(trace.remaining));
    let action = ActionSpec::Encapsulate(encapsulate(kind, words, placement));
    Case::new(
        "encap",
        "adds outer IPv6 + trace",
        node_that(action),
        frames,
    )
}

/// The same by the last of a thousand rules, each for another prefix of destinations.
fn last_of_a_thousand() -> Case {
    let mut case = encapsulation("encap-1000-rules", "by the last of 1000 rules", tunnel());
    let action = encapsulate(TRACE_TYPE, WORDS, tunnel());
    let rule = |prefix: String| ProfileSpec {
        name: format!("to-{prefix}"),
        filter: FilterSpec {
            destination: Some(PrefixSpec {
                address: address(&prefix),
                length: 48,
            }),
            ..FilterSpec::default()
        },
        ..profile(ActionSpec::Encapsulate(action.clone()))
    };
    let others = (1..1000).map(|number| rule(format!("2001:db9:{number:x}::")));
    case.spec.profiles = others.chain([rule(PEER.replace("::2", "::"))]).collect();
    case
}

/// This node ends a tunnel with a trace.
pub(crate) fn decapsulation(name: &'static str, does: &'static str, records: Records) -> Case {
    let full = (0..3).fold(trace(), |trace, _| trace.with_element(&EARLIER));
    let action = ActionSpec::Decapsulate(decapsulate(tunnel_end()));
    let frames = frames(&plain().tunnelled(&[&full]), &plain().hops(63));
    let head = 4;
    Case {
        records,
        record: (full.option().split_off(head), None),
        ..Case::new(name, does, node_that(action), frames)
    }
}

/// A packet with direct export goes by, and leaves a record.
fn direct_export_transit() -> Case {
    let dex = Dex::of(0x00AB_CDEF, 7);
    let header = header_of(UDP, &[dex.option()]);
    let packet = Packet::new(HOP_BY_HOP, &[&header, &datagram()]);
    let spec = NodeSpec {
        limits: unlimited(),
        ..node()
    };
    let frames = frames(&packet, &packet.hops(63));
    let exported = dex.with(&own(HOPS - 1));
    let timestamp = exported.len() - 8;
    Case {
        records: Records::Kept,
        record: (exported, Some(timestamp)),
        ..Case::new("dex-transit", "DEX in it: a record each", spec, frames)
    }
}

/// This node adds direct export with a Flow ID and a number to the packets of so many flows.
pub(crate) fn direct_export_encapsulation(
    name: &'static str,
    does: &'static str,
    flows: u32,
) -> Case {
    let option = Dex::of(0, 0).option();
    let output = in_tunnel(&plain().hops(63), &[option]);
    let what = puts_in(&[direct_export(FlowIdSpec::Hashed)], tunnel());
    let mut spec = node_that(ActionSpec::Encapsulate(what));
    spec.limits = unlimited();
    spec.flows.most = flows.max(spec.flows.most);
    // None ends while it is measured, however long its turn takes to come.
    spec.flows.idle_seconds = 3600;
    let mut frames = frames(&plain(), &output.hops(64));
    frames.sequence = Some(OPTION + FLOW_ID);
    Case {
        flows: flows.into(),
        ..Case::new(name, does, spec, frames)
    }
}

/// Every packet is measured, whatever its share of the port's speed.
fn unlimited() -> LimitsSpec {
    LimitsSpec {
        direct_export: 0,
        export: 0,
        ..LimitsSpec::default()
    }
}

/// What goes in and what comes out, where the user's packet is at the end of both.
pub(crate) fn frames(input: &Packet, output: &Packet) -> Frames {
    let (input, output) = (input.frame(), output.frame());
    let address = |frame: &[u8]| {
        // Behind an outer header that has options, or else in the only one.
        let outer = frame.get(ETHERNET + IPV6) == Some(&crate::frames::IP6)
            && frame.get(ETHERNET + 6) == Some(&HOP_BY_HOP);
        let header = usize::from(*frame.get(ETHERNET + IPV6 + 1).unwrap_or(&0));
        let inner = if outer { IPV6 + 8 * (header + 1) } else { 0 };
        ETHERNET + inner + 8 + 12
    };
    let port = |frame: &[u8]| {
        let at = address(frame) + 4 + 16;
        let header = frame
            .get(at + 1)
            .map_or(0, |words| 8 * (usize::from(*words) + 1));
        let next = frame.get(at - 40 + 6);
        if next == Some(&HOP_BY_HOP) {
            at + header
        } else {
            at
        }
    };
    Frames {
        addresses: (address(&input), address(&output)),
        ports: (port(&input), port(&output)),
        input,
        output,
        timestamp: None,
        sequence: None,
    }
}

fn trace() -> Trace {
    Trace::new(NAMESPACE, TRACE_TYPE, WORDS, &[])
}

/// The node's own element, its timestamp zero.
fn own(hop_limit: u32) -> [u32; 4] {
    [hop_limit << 24 | NODE_ID, INTERFACES, 0, 0]
}

/// The offset in an untagged frame of the timestamp of the newest element, behind `left` free words
/// of the only option: option head, trace header, ids.
fn timestamp_at(left: u8) -> usize {
    OPTION + 4 + 8 + usize::from(left) * 4 + 8
}

/// A user's packet: 14 Ethernet, 40 IPv6, 8 UDP, 18 payload.
pub(crate) fn plain() -> Packet {
    Packet::new(UDP, &[&datagram()])
}

/// The same with so much payload that its frame has so many octets.
pub(crate) fn plain_of(octets: usize) -> Packet {
    let mut datagram = datagram();
    datagram.resize(octets.saturating_sub(ETHERNET + IPV6), b'.');
    let [high, low] = u16::try_from(datagram.len()).unwrap_or(0).to_be_bytes();
    (datagram[4], datagram[5]) = (high, low);
    Packet::new(UDP, &[&datagram])
}

fn datagram() -> Vec<u8> {
    let payload = b"eighteen octets...";
    let mut octets = vec![0x13, 0x88, 0, 53, 0, 26, 0xAB, 0xCD];
    octets.extend_from_slice(payload);
    octets
}
