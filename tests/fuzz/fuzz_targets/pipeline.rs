// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Any frame through any valid node: no panic, lengths stay right, a node in transit changes nothing
//! but traces and proofs of transit, what it originates is sound, and lanes change nothing at all.
#![no_main]

use ioam_dp::packet::HeapPacket;
use ioam_dp::pipeline::Verdict;
use ioam_dp::port::PortId;
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::spec::{ActionSpec, ForwardingSpec, NodeSpec, ProfileSpec, Side};
use ioam_fuzz::{MEASURING, Node, SETTINGS, frame, measuring, settings};
use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

/// Octets that an encapsulating node can add: an IPv6 header, a Hop-by-Hop header with the largest
/// trace, a proof of transit and two direct exports, and a header with an edge-to-edge option. An
/// ICMPv6 error adds less.
const MOST_GROWTH: usize = 40 + (8 + 256 + 24 + 2 * 20) + 32;

fuzz_target!(|data: &[u8]| {
    let Some((octets, frame)) = data.split_at_checked(SETTINGS) else {
        return;
    };
    let (octets, further) = octets.split_at(SETTINGS - MEASURING);
    let mut u = Unstructured::new(octets);
    let (Ok(mut spec), Ok(moment)) = (settings::node(&mut u), settings::moment(&mut u)) else {
        return;
    };
    let headroom = 512 - usize::from(u.arbitrary::<u8>().unwrap_or(0)) * 2;
    let cut = usize::from(u.arbitrary::<u16>().unwrap_or(0)).min(frame.len());
    let in_port = PortId(u.arbitrary::<u8>().unwrap_or(0) & 1);
    let _ = measuring::add(&mut Unstructured::new(further), &mut spec);
    let (Some(mut node), Some(long)) = (Node::new(&spec), Node::new(&spec)) else {
        return;
    };
    let mut long = long.long_way();

    // A burst of what differs most, twice, since samplers and caches outlive a burst.
    let cut = &frame[..frame.len() - cut];
    for _ in 0..2 {
        let burst = vec![
            HeapPacket::new(frame, headroom),
            HeapPacket::new(frame, headroom).into_chained(),
            HeapPacket::new(cut, 0),
            HeapPacket::new(frame, headroom),
        ];
        let by_the_long_way = long.run(in_port, burst.clone(), &moment);
        let out = node.run(in_port, burst, &moment);
        assert_eq!(out, by_the_long_way, "a lane does something else");
        assert_eq!(out.len(), 4);
        judge(&spec, in_port, frame, &out[0]);
        judge(&spec, in_port, cut, &out[2]);
        judge(&spec, in_port, frame, &out[3]);
        if let (Verdict::Send(_), after) = &out[1] {
            assert!(
                !only_passes_on(&spec) || after == frame,
                "a chain was touched"
            );
        }
    }
    count(&node);
    node.end(moment.received.unwrap_or_default());
    originated(&spec, &node);
    long.end(moment.received.unwrap_or_default());
    assert_eq!(node.records, long.records, "a lane records something else");
    assert_eq!(
        format!("{:?}", node.stats),
        format!("{:?}", long.stats),
        "a lane counts something else"
    );
});

fn judge(spec: &NodeSpec, in_port: PortId, before: &[u8], (verdict, after): &(Verdict, Vec<u8>)) {
    let Verdict::Send(port) = verdict else { return };
    assert!(
        port.index() < spec.ports.len(),
        "sent by a port that is not there"
    );
    assert!(
        after.len() <= before.len() + MOST_GROWTH,
        "grew by more than an option"
    );
    // What comes out of a tunnel is as sound as what was put in.
    if !decapsulates(spec) && frame::whole_packet(before).is_some() {
        assert!(
            frame::whole_packet(after).is_some(),
            "a sound length was made unsound"
        );
    }
    if only_passes_on(spec) {
        assert_eq!(
            before.len(),
            after.len(),
            "the length of a packet in transit changed"
        );
        only_data_changed(spec.ports[in_port.index()].ioam, before, after);
    }
}

fn decapsulates(spec: &NodeSpec) -> bool {
    let decapsulates = |p: &ProfileSpec| matches!(p.action, ActionSpec::Decapsulate(_));
    spec.profiles.iter().any(decapsulates)
}

/// Whether all this node may do is to fill traces.
fn only_passes_on(spec: &NodeSpec) -> bool {
    let wire = matches!(
        spec.forwarding,
        ForwardingSpec::Wire {
            decrement_hop_limit: false,
            ..
        }
    );
    let transit = |p: &ProfileSpec| matches!(p.action, ActionSpec::Transit { .. });
    let inside = spec.ports.iter().all(|port| port.side == Side::Inside);
    // Too large a packet may turn into an error about it.
    let silent = spec.ports.iter().all(|port| port.address.is_none());
    wire && inside && silent && spec.profiles.iter().all(transit)
}

fn only_data_changed(ioam: bool, before: &[u8], after: &[u8]) {
    let (mut traces, mut proofs) = (Vec::new(), Vec::new());
    if ioam {
        (traces, proofs) = (frame::traces(before), frame::proofs(before));
    }
    for (at, (old, new)) in before.iter().zip(after).enumerate() {
        // Namespace-ID, trace type and the reserved octet are the encapsulating node's.
        let in_trace = traces.iter().find(|trace| trace.contains(&at));
        let of_trace =
            in_trace.is_some_and(|trace| ![0, 1, 4, 5, 6, 7].contains(&(at - trace.start)));
        let in_proof = proofs.iter().find(|proof| proof.contains(&at));
        // So are all fields of a proof but its last, the cumulative.
        let of_proof = in_proof.is_some_and(|proof| (12..20).contains(&(at - proof.start)));
        assert!(
            old == new || of_trace || of_proof,
            "octet {at}, which is not for this node to change, changed"
        );
    }
}

/// What a node originates is whole, and nobody copies a copy.
fn originated(spec: &NodeSpec, node: &Node) {
    for (port, sent) in &node.originated {
        assert!(
            port.index() < spec.ports.len(),
            "by a port that is not there"
        );
        let packet = frame::whole_packet(sent).expect("a sound packet");
        let Some(header) = frame::hop_by_hop(sent) else {
            continue;
        };
        let is_copy = sent[header.start] == 59 && header.end == packet.end;
        let loops = |trace: &std::ops::Range<usize>| sent[trace.start + 2] & 2 != 0;
        let first = frame::traces(sent).into_iter().next();
        assert!(
            !is_copy || encapsulates(spec) || !first.is_some_and(|trace| loops(&trace)),
            "a copy that asks for copies"
        );
    }
    let copies = node.stats.notices(Notice::LoopbackSent);
    assert!(copies <= 8, "{copies} copies of 8 packets");
}

fn encapsulates(spec: &NodeSpec) -> bool {
    let encapsulates = |p: &ProfileSpec| matches!(p.action, ActionSpec::Encapsulate(_));
    spec.profiles.iter().any(encapsulates)
}

/// No counter counts more than there were packets.
fn count(node: &Node) {
    let drops: u64 = DropReason::ALL
        .iter()
        .map(|reason| node.stats.drops(*reason))
        .sum();
    assert!(drops <= 8, "{drops} of 8 packets dropped");
    assert!(node.stats.notices(Notice::MultiSegment) == 2);
}
