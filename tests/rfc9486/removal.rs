// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Taking options out of a packet's own header (RFC 8200, 4.2), and the domain's border (section 5).

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::stats::DropReason;
use ioam_dp::table::spec::*;

fn inline_end() -> NodeSpec {
    node_that(ActionSpec::Decapsulate(decapsulate(
        DecapsulatePlacement::Inline,
    )))
}

/// With a trace where `header` wants it, what leaves has this header, and there is one record.
#[track_caller]
fn leaves(header: impl Fn(&[u8]) -> Vec<u8>, left: &Packet) {
    let sent = Packet::behind(&header(&trace().option()));
    let mut bench = Bench::new(&inline_end());
    let (_, frame) = bench.forward(&sent);
    assert_eq!(hex(&frame), hex(&left.hops(63).frame()));
    assert_eq!(bench.records.len(), 1);
    assert_eq!(bench.records[0].option_data(), &trace().option()[4..]);
}

#[test]
fn rfc8200_4_2_the_last_option_takes_its_header_with_it() {
    leaves(|option| options(UDP, &[&LEAD, option]), &Packet::plain());
    leaves(
        |option| options(UDP, &[&[0, 0], option, &[1, 6, 9, 9, 9, 9, 9, 9]]),
        &Packet::plain(),
    );
}

#[test]
fn rfc8200_4_2_a_router_alert_stays_and_is_padded() {
    let left = Packet::behind(&options(UDP, &[&ALERT, &LEAD]));
    leaves(|option| options(UDP, &[&ALERT, &LEAD, option]), &left);
}

#[test]
fn rfc8200_4_2_an_option_behind_keeps_its_alignment() {
    // It needs 8n + 4, and stood there.
    let aligned = [0x1E, 6, 1, 2, 3, 4, 5, 6];
    let left = Packet::behind(&options(UDP, &[&LEAD, &aligned]));
    leaves(
        |option| options(UDP, &[&LEAD, option, &[1, 2, 0, 0], &aligned]),
        &left,
    );
}

#[test]
fn rfc8200_4_2_options_on_both_sides_keep_their_order() {
    let other = [0x1E, 2, 7, 8];
    let left = Packet::behind(&options(UDP, &[&ALERT, &LEAD, &other]));
    leaves(
        |option| options(UDP, &[&ALERT, &LEAD, option, &[1, 2, 0, 0], &other]),
        &left,
    );
}

#[test]
fn rfc9197_4_2_several_options_of_a_namespace_all_go() {
    let sent = Packet::traced(&[&trace(), &trace(), &trace()]);
    let mut bench = Bench::new(&inline_end());
    let (_, frame) = bench.forward(&sent);
    assert_eq!(frame, Packet::plain().hops(63).frame());
    assert_eq!(bench.records.len(), 3);
    let counts = &bench.stats.namespaces[1];
    assert_eq!(counts.decapsulated.get(), 3);
    let counts = &bench.stats.profiles[0];
    assert_eq!((counts.done.get(), counts.records.get()), (1, 3));
}

/// Node B with port 0 on the border.
fn edge(policy: EdgePolicy) -> NodeSpec {
    node_with(|spec| {
        spec.ports[0].side = Side::Edge(policy);
        spec.ports[0].ioam = false;
    })
}

/// Every IOAM option there may be, in each header it may be in.
fn carriers() -> Vec<(Packet, Packet)> {
    let bare = Packet::plain();
    let mut all = Vec::new();
    for (number, ioam_type) in [
        (0x31, 0),
        (0x31, 1),
        (0x31, 2),
        (0x11, 3),
        (0x11, 4),
        (0x31, 77),
    ] {
        for namespace in [0, 123, 0x0BAD] {
            let option = Trace {
                number,
                ioam_type,
                namespace,
                ..trace()
            };
            let header = hop_by_hop(&[&option]);
            all.push((Packet::behind(&header), bare.clone()));
            let sent = Packet::new(DESTINATION, &[&header, &udp(5000, 53)]);
            all.push((sent, bare.clone()));
        }
    }
    all
}

#[test]
fn rfc9486_5_ioam_does_not_enter_the_domain() {
    for (sent, stripped) in carriers() {
        assert_dropped(&edge(EdgePolicy::Drop), &sent, DropReason::EdgeIngress);
        let mut bench = Bench::new(&edge(EdgePolicy::Strip));
        let (_, frame) = bench.forward(&sent);
        assert_eq!(hex(&frame), hex(&stripped.hops(63).frame()));
        assert_eq!(bench.noticed(), ["edge_stripped"]);
    }
}

#[test]
fn rfc9486_5_ioam_does_not_leave_the_domain() {
    for (sent, stripped) in carriers() {
        for (policy, expected) in [
            (EdgePolicy::Drop, Err(DropReason::EdgeEgress)),
            (EdgePolicy::Strip, Ok(stripped.hops(63).frame())),
        ] {
            let mut bench = Bench::new(&edge(policy));
            let out = bench.pass(&sent.frame(), 1, &moment());
            assert_eq!(out.map(|(_, frame)| frame), expected);
        }
    }
}

#[test]
fn rfc9486_5_what_has_no_ioam_crosses_the_border_as_it_is() {
    for policy in [EdgePolicy::Drop, EdgePolicy::Strip] {
        for sent in [
            Packet::plain(),
            Packet::behind(&options(UDP, &[&ALERT, &LEAD])),
            Packet::new(DESTINATION, &[&options(UDP, &[&[4, 1, 4]]), &udp(1, 2)]),
        ] {
            for port in [0, 1] {
                let out = Bench::new(&edge(policy)).pass(&sent.frame(), port, &moment());
                assert_eq!(out.expect("forwarded").1, sent.hops(63).frame());
            }
        }
    }
}

#[test]
fn rfc9486_5_a_trace_taken_out_at_the_border_leaves_none() {
    let mut spec = inline_end();
    spec.ports[1].side = Side::Edge(EdgePolicy::Drop);
    assert_becomes(&spec, &Packet::traced(&[&trace()]), &Packet::plain());
    // What was inside the tunnel is looked at as well.
    let mut spec = node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
    spec.ports[1].side = Side::Edge(EdgePolicy::Drop);
    let sent = Packet::plain().tunnelled(&[&trace()]);
    let (_, frame) = Bench::new(&spec).forward(&sent);
    assert_eq!(frame, Packet::plain().hops(63).frame());
    let foreign = Trace {
        namespace: 0x0BAD,
        ..trace()
    };
    let sent = Packet::traced(&[&foreign]).tunnelled(&[&trace()]);
    let out = Bench::new(&spec).pass(&sent.frame(), 0, &moment());
    assert_eq!(out.map(|_| ()), Err(DropReason::EdgeEgress));
}
