// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 4.2: what a transit or decapsulating node sends back, and when it does not.

use super::*;
use crate::common::Bench;
use crate::common::expect::*;
use crate::common::options::*;
use ioam_dp::port::PortId;
use ioam_dp::stats::{DropReason, Notice};

/// What node B writes with hop limit 64 received.
const BY_B: u32 = 0x3F0B_0001;

/// `sent` is forwarded as `forwarded`, and these are sent back by the port it came from.
#[track_caller]
fn sends_back(spec: &NodeSpec, sent: &[u8], forwarded: &[u8], copies: &[Vec<u8>]) {
    let mut bench = Bench::new(spec);
    let (port, frame) = bench.pass(sent, 0, &moment()).expect("forwarded");
    assert_eq!((port, hex(&frame)), (PortId(1), hex(forwarded)));
    let shown = |frame: &Vec<u8>| (PortId(0), hex(frame));
    let originated = bench.originated.iter();
    let originated: Vec<_> = originated
        .map(|(port, frame)| (*port, hex(frame)))
        .collect();
    assert_eq!(originated, copies.iter().map(shown).collect::<Vec<_>>());
    let expected = [(Notice::LoopbackSent, copies.len() as u64)];
    let expected = &expected[..usize::from(!copies.is_empty())];
    assert_eq!(bench.counted(), expected);
}

/// `sent` with traces that become `filled` is forwarded and nothing is sent back, for this reason.
#[track_caller]
fn sends_nothing_back(spec: &NodeSpec, sent: &Packet, filled: &Packet, why: Option<Notice>) {
    let mut bench = Bench::new(spec);
    let (_, frame) = bench.forward(sent);
    assert_eq!(hex(&frame), hex(&filled.hops(63).frame()));
    assert!(bench.originated.is_empty());
    let why: Vec<_> = why.into_iter().map(|notice| (notice, 1)).collect();
    assert_eq!(bench.counted(), why);
}

const MAC_0: [u8; 6] = [2, 0, 0, 0, 0xB, 0];

#[test]
fn rfc9322_4_2_the_packet_is_recorded_forwarded_and_its_headers_sent_back() {
    let sent = Packet::plain().tunnelled(&[&looping(8)]);
    let filled = looping(8).with_element(&[BY_B]);
    let forwarded = Packet::plain().tunnelled(&[&filled]).hops(63);
    let copy = copy_of(&sent, &[&cleared(&filled)], OF_PORT_0);
    let copy = turned(copy.frame(), MAC_0);
    // All that matters, octet by octet: 64 hops, no next header, the length of the header alone.
    assert_eq!(copy.len(), ETHERNET + IPV6 + 56);
    assert_eq!(
        &copy[18..22],
        &[0, 56, 0, 64],
        "length, next header, hop limit"
    );
    assert_eq!(copy[EXTENSIONS], 59);
    sends_back(&node_b(), &sent.frame(), &forwarded.frame(), &[copy]);
}

#[test]
fn rfc9322_4_2_the_copy_leaves_by_the_port_of_its_cause_and_from_its_address() {
    let sent = Packet::plain().tunnelled(&[&looping(8)]);
    let mut bench = Bench::new(&node_b());
    bench.pass(&sent.frame(), 1, &moment()).expect("forwarded");
    let filled = cleared(&looping(8).with_element(&[BY_B]));
    let copy = copy_of(&sent, &[&filled], OF_PORT_1);
    let copy = turned(copy.frame(), [2, 0, 0, 0, 0xB, 1]);
    assert_eq!(bench.originated, [(PortId(1), copy)]);
}

#[test]
fn rfc9322_4_2_a_packet_without_a_tunnel_is_looped_to_its_own_source() {
    let sent = Packet::traced(&[&looping(8)]);
    let filled = looping(8).with_element(&[BY_B]);
    let copy = copy_of(&sent, &[&cleared(&filled)], OF_PORT_0);
    assert_eq!(copy.destination, address(HOST));
    let copy = turned(copy.frame(), MAC_0);
    let forwarded = Packet::traced(&[&filled]).hops(63).frame();
    sends_back(&node_b(), &sent.frame(), &forwarded, &[copy]);
}

#[test]
fn rfc9322_4_2_tags_stay() {
    for tags in [&[0x8100][..], &[0x88A8, 0x8100]] {
        let sent = Packet::plain().tunnelled(&[&looping(8)]);
        let filled = looping(8).with_element(&[BY_B]);
        let forwarded = Packet::plain().tunnelled(&[&filled]).hops(63).tagged(tags);
        let copy = copy_of(&sent, &[&cleared(&filled)], OF_PORT_0).tagged(tags);
        let copy = turned(copy, MAC_0);
        sends_back(&node_b(), &sent.tagged(tags), &forwarded, &[copy]);
    }
}

#[test]
fn rfc9322_4_2_all_of_the_hop_by_hop_header_and_nothing_behind_it_is_copied() {
    let alert = |trace: &Trace| options(DESTINATION, &[&ALERT, &LEAD, &trace.option()]);
    let behind = header(UDP, &[&edge_to_edge(123, 0x4000, &[7])]);
    let rest = udp(5000, 53);
    let filled = looping(3).with_element(&[BY_B]);
    let sent = Packet::new(HOP_BY_HOP, &[&alert(&looping(3)), &behind, &rest]);
    let forwarded = Packet::new(HOP_BY_HOP, &[&alert(&filled), &behind, &rest]);
    let mut header = alert(&cleared(&filled));
    header[0] = 59;
    let copy = Packet {
        payload: header,
        ..copy_of(&sent, &[], OF_PORT_0)
    };
    let copy = turned(copy.frame(), MAC_0);
    let forwarded = forwarded.hops(63).frame();
    sends_back(&node_b(), &sent.frame(), &forwarded, &[copy]);
}

#[test]
fn rfc9322_4_2_what_the_frame_holds_behind_the_packet_is_not_copied() {
    let mut sent = Packet::traced(&[&looping(8)]).frame();
    sent.extend([0xEE; 9]);
    let mut bench = Bench::new(&node_b());
    bench.pass(&sent, 0, &moment()).expect("forwarded");
    assert_eq!(bench.originated[0].1.len(), EXTENSIONS + 56);
}

#[test]
fn rfc9322_4_2_a_full_trace_is_looped_without_this_node() {
    for flags in [L, L | 8] {
        let sent = Trace {
            flags,
            ..looping(0)
        };
        let mut bench = Bench::new(&node_b());
        bench.forward(&Packet::traced(&[&sent]));
        let expected = cleared(&sent.overflowed());
        let copy = copy_of(&Packet::traced(&[&sent]), &[&expected], OF_PORT_0);
        assert_eq!(bench.originated, [(PortId(0), turned(copy.frame(), MAC_0))]);
    }
}

#[test]
fn rfc9322_4_2_other_flags_go_back_as_they_are() {
    let sent = Trace {
        flags: L | A | 1,
        ..looping(4)
    };
    let filled = sent.with_element(&[BY_B]);
    let packet = Packet::traced(&[&sent]);
    let copy = copy_of(&packet, &[&cleared(&filled)], OF_PORT_0);
    let copy = turned(copy.frame(), MAC_0);
    let forwarded = Packet::traced(&[&filled]).hops(63).frame();
    sends_back(&node_b(), &packet.frame(), &forwarded, &[copy]);
}

#[test]
fn rfc9322_4_2_any_other_trace_type_is_not_looped() {
    for (kind, list, own) in [
        (KIND, &OF_A[..], &OF_B[..]),
        (0x40_0000, &OF_A[1..], &OF_B[1..]),
        (0x00_8000, &[0x400A_0000, 1], &[0x3F0B_0000, 0x0000_0001]),
    ] {
        let trace = Trace {
            flags: L,
            ..Trace::new(123, kind, 4, list)
        };
        let filled = Packet::traced(&[&trace.with_element(own)]);
        let why = Some(Notice::LoopbackNotAllowed);
        sends_nothing_back(&node_b(), &Packet::traced(&[&trace]), &filled, why);
    }
    // Bit 23 is reserved and asks for nothing, but the type must be exactly 0x800000.
    let trace = Trace {
        flags: L,
        ..Trace::new(123, 0x80_0001, 4, &[BY_A])
    };
    let filled = Packet::traced(&[&trace.with_element(&[BY_B])]);
    let why = Some(Notice::LoopbackNotAllowed);
    sends_nothing_back(&node_b(), &Packet::traced(&[&trace]), &filled, why);
}

#[test]
fn rfc9322_4_2_without_an_address_of_this_node_there_is_no_copy() {
    let mut spec = node_b();
    spec.ports[0].address = None;
    let filled = Packet::traced(&[&looping(4).with_element(&[BY_B])]);
    let why = Some(Notice::LoopbackNotAllowed);
    sends_nothing_back(&spec, &Packet::traced(&[&looping(4)]), &filled, why);
}

#[test]
fn rfc9322_4_2_a_source_that_is_not_one_host_gets_no_copy() {
    for source in ["::", "ff02::1", "ff0e::1234", "fe80::1"] {
        let sent = Packet::traced(&[&looping(4)]).from(source);
        let mut bench = Bench::new(&node_b());
        bench.forward(&sent);
        assert!(bench.originated.is_empty(), "{source}");
        let why = [(Notice::LoopbackNotAllowed, 1)];
        assert_eq!(bench.counted(), why, "{source}");
    }
    let sent = Packet::traced(&[&looping(4)]);
    // Nor a frame to more than one station: each of them would answer.
    let mut frame = sent.frame();
    frame[0] |= 1;
    let mut bench = Bench::new(&node_b());
    bench.pass(&frame, 0, &moment()).expect("forwarded");
    assert!(bench.originated.is_empty());
    let mut bench = Bench::new(&node_b());
    bench.forward(&sent.to("ff0e::1"));
    assert!(bench.originated.is_empty());
}

#[test]
fn rfc9322_4_2_only_the_first_trace_counts() {
    let plain = Trace::new(7, LOOPING, 4, &[BY_A]);
    let of_7 = Trace {
        flags: L,
        ..plain.clone()
    };
    let mut spec = node_b();
    spec.namespaces.push(NamespaceSpec::plain(7));
    let both = |one: &Trace, other: &Trace| {
        let mut bench = Bench::new(&spec);
        bench.forward(&Packet::traced(&[one, other]));
        bench.originated.len()
    };
    assert_eq!(both(&looping(4), &of_7), 1);
    assert_eq!(both(&of_7, &looping(4)), 1);
    assert_eq!(both(&looping(4), &plain), 1);
    assert_eq!(both(&plain, &looping(4)), 0);
    assert_eq!(both(&cleared(&looping(4)), &looping(4)), 0);
}

#[test]
fn rfc9322_4_2_in_a_copy_the_first_flag_alone_is_cleared_so_that_none_counts() {
    let sent = Packet::traced(&[&looping(4), &looping(2)]);
    let mut bench = Bench::new(&node_b());
    bench.forward(&sent);
    let filled = cleared(&looping(4).with_element(&[BY_B]));
    let copy = copy_of(&sent, &[&filled, &looping(2)], OF_PORT_0);
    let copy = turned(copy.frame(), MAC_0);
    assert_eq!(bench.originated, [(PortId(0), copy.clone())]);
    // Whoever has it next copies nothing.
    let mut next = Bench::new(&node_b());
    next.pass(&copy, 1, &moment()).expect("forwarded");
    assert!(next.originated.is_empty());
}

#[test]
fn rfc9322_4_2_a_foreign_trace_is_not_looped() {
    let foreign = Trace {
        namespace: 0x0BAD,
        ..looping(4)
    };
    let sent = Packet::traced(&[&foreign]);
    let why = Some(Notice::NamespaceUnknown);
    sends_nothing_back(&node_b(), &sent, &sent, why);
}

#[test]
fn rfc9322_4_2_a_trace_that_no_profile_wants_is_not_looped() {
    let mut spec = node_b();
    let namespaces = vec![123];
    spec.profiles = vec![profile(ActionSpec::Transit { namespaces })];
    spec.profiles[0].filter.dscp = Some(46);
    let sent = Packet::traced(&[&looping(4)]);
    sends_nothing_back(&spec, &sent, &sent, Some(Notice::NoProfile));
}

#[test]
fn rfc9322_4_2_a_port_without_ioam_loops_nothing() {
    let mut spec = node_b();
    spec.ports[0].ioam = false;
    let sent = Packet::traced(&[&looping(4)]);
    sends_nothing_back(&spec, &sent, &sent, None);
}

#[test]
fn rfc9322_4_2_looping_is_off_unless_asked_for() {
    assert!(!Policy::default().loopback);
    let mut spec = node_b();
    spec.policy.loopback = false;
    let filled = Packet::traced(&[&looping(4).with_element(&[BY_B])]);
    let sent = Packet::traced(&[&looping(4)]);
    sends_nothing_back(&spec, &sent, &filled, Some(Notice::LoopbackOff));
}

#[test]
fn rfc9322_4_2_a_packet_that_goes_no_further_is_not_looped() {
    let mut bench = Bench::new(&node_b());
    let last = Packet::traced(&[&looping(4)]).hops(1);
    let (port, _) = bench.forward(&last);
    // An error about it goes back in its place, and no copy.
    assert_eq!(port, PortId(0));
    assert!(bench.originated.is_empty());
}

#[test]
fn rfc9322_4_2_copies_are_an_nth_of_the_port_and_all_packets_go_on() {
    let mut spec = node_b();
    spec.ports[0].speed = 1;
    let mut bench = Bench::new(&spec);
    let sent = Packet::traced(&[&looping(8)]);
    let forwarded = Packet::traced(&[&looping(8).with_element(&[BY_B])]).hops(63);
    for _ in 0..5000 {
        let (_, frame) = bench.forward(&sent);
        assert_eq!(frame, forwarded.frame());
    }
    let octets = (EXTENSIONS + 56) as u64;
    let most = 16_384 / octets;
    assert_eq!(bench.originated.len() as u64, most);
    let counted = [
        (Notice::LoopbackSuppressed, 5000 - most),
        (Notice::LoopbackSent, most),
    ];
    assert_eq!(bench.counted(), counted);
    let mut now = moment();
    now.received = Some(later(SECOND));
    for _ in 0..100 {
        bench.pass(&sent.frame(), 0, &now).expect("forwarded");
    }
    let gathered = 16_384 - most * octets + 976;
    let copies = bench.originated.len() as u64;
    assert_eq!(copies, most + gathered / octets);
}

/// Node D, where the tunnel ends, which loops back as well.
fn node_d(placement: DecapsulatePlacement) -> NodeSpec {
    let mut spec = node_b();
    spec.profiles = vec![profile(ActionSpec::Decapsulate(decapsulate(placement)))];
    spec
}

#[test]
fn rfc9322_4_2_a_decapsulating_node_loops_back_too() {
    let own = |what: &mut NodeSpec, record_self: bool| {
        if let ActionSpec::Decapsulate(what) = &mut what.profiles[0].action {
            what.record_self = record_self;
        }
    };
    for (placement, sent) in [
        (tunnel_end(), Packet::plain().tunnelled(&[&looping(8)])),
        (DecapsulatePlacement::Inline, Packet::traced(&[&looping(8)])),
    ] {
        for record_self in [true, false] {
            let mut spec = node_d(placement);
            own(&mut spec, record_self);
            let mut bench = Bench::new(&spec);
            let (_, frame) = bench.forward(&sent);
            assert_eq!(frame, Packet::plain().hops(63).frame());
            let with_own = looping(8).with_element(&[BY_B]);
            // The copy has this node in it, the record where that is wanted.
            let copy = copy_of(&sent, &[&cleared(&with_own)], OF_PORT_0);
            assert_eq!(bench.originated, [(PortId(0), turned(copy.frame(), MAC_0))]);
            let recorded = if record_self { with_own } else { looping(8) };
            assert_eq!(bench.records.len(), 1);
            assert_eq!(bench.records[0].option_data(), &recorded.option()[4..]);
        }
    }
}

#[test]
fn rfc9322_4_2_what_ends_for_one_namespace_and_goes_on_for_another_is_looped_once() {
    let of_7 = Trace {
        flags: L,
        ..Trace::new(7, LOOPING, 2, &[BY_A])
    };
    for traces in [[&of_7, &looping(2)], [&looping(2), &of_7]] {
        let mut spec = node_d(DecapsulatePlacement::Inline);
        spec.namespaces.push(NamespaceSpec::plain(7));
        let mut bench = Bench::new(&spec);
        let (_, frame) = bench.forward(&Packet::traced(&traces));
        let left = Packet::traced(&[&of_7.with_element(&[BY_B])]).hops(63);
        assert_eq!(hex(&frame), hex(&left.frame()));
        assert_eq!(bench.originated.len(), 1);
        assert_eq!(bench.stats.notices(Notice::LoopbackSent), 1);
    }
}

#[test]
fn rfc9322_4_2_a_decapsulating_node_that_does_not_loop_just_decapsulates() {
    let mut spec = node_d(tunnel_end());
    spec.policy.loopback = false;
    let mut bench = Bench::new(&spec);
    let (_, frame) = bench.forward(&Packet::plain().tunnelled(&[&looping(8)]));
    assert_eq!(frame, Packet::plain().hops(63).frame());
    assert!(bench.originated.is_empty());
    assert_eq!(bench.counted(), [(Notice::LoopbackOff, 1)]);
    assert_eq!(bench.records[0].option_data(), &looping(8).option()[4..]);
}

#[test]
fn rfc9486_5_what_comes_in_by_an_edge_is_not_looped() {
    for policy in [EdgePolicy::Drop, EdgePolicy::Strip] {
        let mut spec = node_b();
        spec.ports[0].side = Side::Edge(policy);
        let mut bench = Bench::new(&spec);
        let sent = Packet::traced(&[&looping(8)]);
        let out = bench.pass(&sent.frame(), 0, &moment());
        match policy {
            EdgePolicy::Drop => assert_eq!(out.map(drop), Err(DropReason::EdgeIngress)),
            EdgePolicy::Strip => {
                assert_eq!(out.expect("forwarded").1, Packet::plain().hops(63).frame());
            }
        }
        assert!(bench.originated.is_empty());
    }
}
