// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Any frame through any valid node: no panic, lengths stay right, and a node that only fills
//! traces changes nothing outside of them.
#![no_main]

use ioam_dp::packet::HeapPacket;
use ioam_dp::pipeline::Verdict;
use ioam_dp::port::PortId;
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::spec::{ActionSpec, ForwardingSpec, NodeSpec, ProfileSpec, Side};
use ioam_fuzz::{Node, SETTINGS, frame, settings};
use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

/// Octets that an encapsulating node can add: an IPv6 header, and the largest IPv6 option in a
/// Hop-by-Hop header. An ICMPv6 error adds less.
const MOST_GROWTH: usize = 40 + 264;

fuzz_target!(|data: &[u8]| {
    let Some((octets, frame)) = data.split_at_checked(SETTINGS) else {
        return;
    };
    let mut u = Unstructured::new(octets);
    let (Ok(spec), Ok(moment)) = (settings::node(&mut u), settings::moment(&mut u)) else {
        return;
    };
    let headroom = 512 - usize::from(u.arbitrary::<u8>().unwrap_or(0)) * 2;
    let cut = usize::from(u.arbitrary::<u16>().unwrap_or(0)).min(frame.len());
    let in_port = PortId(u.arbitrary::<u8>().unwrap_or(0) & 1);
    let Some(mut node) = Node::new(&spec) else {
        return;
    };

    // A burst of what differs most, twice, since samplers and caches outlive a burst.
    let cut = &frame[..frame.len() - cut];
    for _ in 0..2 {
        let burst = vec![
            HeapPacket::new(frame, headroom),
            HeapPacket::new(frame, headroom).into_chained(),
            HeapPacket::new(cut, 0),
            HeapPacket::new(frame, headroom),
        ];
        let out = node.run(in_port, burst, &moment);
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
        only_traces_changed(spec.ports[in_port.index()].ioam, before, after);
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

fn only_traces_changed(ioam: bool, before: &[u8], after: &[u8]) {
    let traces = if ioam {
        frame::traces(before)
    } else {
        Vec::new()
    };
    for (at, (old, new)) in before.iter().zip(after).enumerate() {
        let Some(trace) = traces.iter().find(|trace| trace.contains(&at)) else {
            assert_eq!(old, new, "octet {at}, outside every trace, changed");
            continue;
        };
        // Namespace-ID, trace type and the reserved octet are the encapsulating node's.
        let fixed = [0, 1, 4, 5, 6, 7].contains(&(at - trace.start));
        assert!(
            !fixed || old == new,
            "octet {at}, a fixed field of a trace, changed"
        );
    }
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
