// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The domain's border: whatever a node does besides, no IOAM gets across.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::packet::HeapPacket;
use ioam_dp::pipeline::Verdict;
use ioam_dp::stats::DropReason;
use ioam_dp::table::spec::*;

/// Node B with this port on the border.
fn edge(port: usize, policy: EdgePolicy) -> NodeSpec {
    node_with(|spec| {
        spec.ports[port].side = Side::Edge(policy);
        spec.ports[port].ioam = false;
    })
}

#[test]
fn a_chain_of_buffers_does_not_leave_with_ioam_either() {
    for policy in [EdgePolicy::Drop, EdgePolicy::Strip] {
        let frame = Packet::traced(&[&trace()]).frame();
        let chained = HeapPacket::new(&frame, 512).into_chained();
        let (verdict, packet, _) = Bench::new(&edge(1, policy)).carry(chained, 0, &moment());
        match verdict {
            Verdict::Drop(reason) => assert_eq!(reason, DropReason::EdgeEgress),
            Verdict::Send(_) => {
                let bare = HeapPacket::new(&Packet::plain().hops(63).frame(), 512);
                let bytes = ioam_dp::packet::PacketBuf::bytes;
                assert_eq!(hex(bytes(&packet)), hex(bytes(&bare)));
            }
        }
    }
}

#[test]
fn a_stripped_packet_keeps_all_else() {
    for tags in [&[][..], &[0x8100], &[0x88A8, 0x8100]] {
        let alert = options(UDP, &[&ALERT, &LEAD]);
        let with_trace = options(UDP, &[&ALERT, &LEAD, &trace().option()]);
        let sent = Packet::behind(&with_trace).tagged(tags);
        let expected = Packet::behind(&alert).hops(63).tagged(tags);
        for port in [0, 1] {
            let out = Bench::new(&edge(port, EdgePolicy::Strip)).pass(&sent, 0, &moment());
            assert_eq!(hex(&out.expect("forwarded").1), hex(&expected));
        }
    }
}

#[test]
fn what_cannot_be_stripped_is_dropped() {
    // An option that runs out of its header, and a header that runs out of its packet.
    let overrun = Packet::behind(&[UDP, 0, 1, 0, 0x31, 40, 0, 0]);
    let mut beyond = Packet::traced(&[&trace()]);
    beyond.payload_len = Some(24);
    for sent in [overrun, beyond] {
        for (port, reason) in [(0, DropReason::EdgeIngress), (1, DropReason::EdgeEgress)] {
            let spec = edge(port, EdgePolicy::Strip);
            let out = Bench::new(&spec).pass(&sent.frame(), 0, &moment());
            assert_eq!(out.map(|_| ()), Err(reason));
        }
    }
}

#[test]
fn several_headers_are_all_stripped() {
    let e2e = Trace {
        number: 0x11,
        ioam_type: 3,
        ..trace()
    };
    let mut first = hop_by_hop(&[&trace(), &trace()]);
    first[0] = DESTINATION;
    let mut second = options(ROUTING, &[&LEAD, &e2e.option()]);
    let routing = [DESTINATION, 0, 4, 0, 0, 0, 0, 0];
    second[0] = ROUTING;
    let third = options(UDP, &[&LEAD, &e2e.option()]);
    let sent = Packet::new(
        HOP_BY_HOP,
        &[&first, &second, &routing, &third, &udp(5000, 53)],
    );
    let mut bare_routing = routing;
    bare_routing[0] = UDP;
    let bare = Packet::new(ROUTING, &[&bare_routing, &udp(5000, 53)]).hops(63);
    let mut bench = Bench::new(&edge(0, EdgePolicy::Strip));
    let (_, frame) = bench.forward(&sent);
    assert_eq!(hex(&frame), hex(&bare.frame()));
}

#[test]
fn an_inline_encapsulation_never_leaves_by_the_edge() {
    let what = encapsulate(KIND, 4, Placement::Inline);
    let mut spec = node_that(ActionSpec::Encapsulate(what));
    spec.ports[1].side = Side::Edge(EdgePolicy::Drop);
    assert_eq!(
        Bench::new(&spec).forward(&Packet::plain()).1,
        Packet::plain().hops(63).frame()
    );
}

#[test]
fn a_trace_that_ends_here_does_not_enter_by_the_edge() {
    let mut spec = node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
    spec.ports[0].side = Side::Edge(EdgePolicy::Drop);
    let sent = Packet::plain().tunnelled(&[&trace()]);
    assert_dropped(&spec, &sent, DropReason::EdgeIngress);
    spec.ports[0].side = Side::Edge(EdgePolicy::Strip);
    let mut bench = Bench::new(&spec);
    bench.forward(&sent);
    assert!(bench.records.is_empty());
}
