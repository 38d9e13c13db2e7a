// SPDX-License-Identifier: Apache-2.0 OR MIT
//! RFC 9378, 7.2 and RFC 9197, 3: layers are independent. What an outer header carries and what an
//! inner one carries never influence each other.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the numbers are the tests' own and fit"
)]

mod common;

use common::Bench;
use common::expect::*;
use common::frames::*;
use common::options::*;
use ioam_dp::port::PortId;
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::spec::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Node B with namespaces 123 and 7.
fn both_namespaces(mut spec: NodeSpec) -> NodeSpec {
    spec.namespaces.push(NamespaceSpec::plain(7));
    spec
}

/// A trace of namespace 7, as an inner layer has it.
fn of_7() -> Trace {
    Trace::new(7, KIND, 4, &OF_A)
}

fn inner() -> Packet {
    Packet::traced(&[&of_7()])
}

fn head() -> NodeSpec {
    both_namespaces(node_that(ActionSpec::Encapsulate(encapsulate(
        KIND,
        8,
        tunnel(),
    ))))
}

fn end() -> NodeSpec {
    both_namespaces(node_that(ActionSpec::Decapsulate(
        decapsulate(tunnel_end()),
    )))
}

/// The outer trace that the head begins.
fn outer() -> Trace {
    Trace::new(123, KIND, 8, &[]).with_element(&[0x400B_0001, OF_B[1]])
}

#[test]
fn rfc9378_7_2_a_tunnel_head_adds_a_layer_and_is_in_transit_for_the_inner_one() {
    let mut bench = Bench::new(&head());
    let (_, frame) = bench.forward(&inner());
    let filled = Packet::traced(&[&of_7().with_element(&OF_B)]).hops(63);
    assert_eq!(hex(&frame), hex(&filled.tunnelled(&[&outer()]).frame()));
    assert_eq!(bench.noticed(), [""; 0]);
    let counts = &bench.stats.profiles[0];
    assert_eq!(
        (
            counts.selected.get(),
            counts.sampled.get(),
            counts.done.get()
        ),
        (1, 1, 1)
    );
}

#[test]
fn rfc9378_7_2_an_inner_layer_of_an_unknown_namespace_is_left_alone() {
    let inner = Packet::traced(&[&Trace::new(0x0BAD, KIND, 4, &OF_A)]);
    for ioam in [true, false] {
        let mut spec = head();
        spec.ports[0].ioam = ioam;
        let (_, frame) = Bench::new(&spec).forward(&inner);
        let expected = inner.hops(63).tunnelled(&[&outer()]);
        assert_eq!(hex(&frame), hex(&expected.frame()));
    }
}

#[test]
fn rfc9486_4_on_a_port_without_ioam_the_inner_layer_is_not_looked_at() {
    let mut spec = head();
    spec.ports[0].ioam = false;
    let (_, frame) = Bench::new(&spec).forward(&inner());
    let expected = inner().hops(63).tunnelled(&[&outer()]);
    assert_eq!(hex(&frame), hex(&expected.frame()));
}

#[test]
fn rfc9378_7_2_one_namespace_is_one_layer() {
    // Its packets were taken up by a node before this one, in whichever header and of whatever type.
    let rest = udp(5000, 53);
    let e2e = edge_to_edge(123, 0x4000, &[1]);
    let dex = direct_export(123, 0, 0x80_0000, &[]);
    for (sent, becomes) in [
        (
            Packet::traced(&[&trace()]),
            Packet::traced(&[&trace().with_element(&OF_B)]),
        ),
        (
            Packet::new(DESTINATION, &[&header(UDP, &[&e2e]), &rest]),
            Packet::new(DESTINATION, &[&header(UDP, &[&e2e]), &rest]),
        ),
        (
            Packet::behind(&header(UDP, &[&of_7().option(), &dex])),
            Packet::behind(&header(UDP, &[&of_7().with_element(&OF_B).option(), &dex])),
        ),
        (
            Packet::plain().tunnelled(&[&trace()]),
            Packet::plain().tunnelled(&[&trace().with_element(&OF_B)]),
        ),
    ] {
        let mut bench = Bench::new(&head());
        let (_, frame) = bench.forward(&sent);
        assert_eq!(hex(&frame), hex(&becomes.hops(63).frame()));
        assert_eq!(bench.counted(), [(Notice::EncapAlreadyIoam, 1)]);
        assert_eq!(bench.stats.profiles[0].done.get(), 0);
    }
}

#[test]
fn rfc9378_7_2_inline_there_is_one_layer_alone() {
    let what = encapsulate(KIND, 8, Placement::Inline);
    let spec = both_namespaces(node_that(ActionSpec::Encapsulate(what)));
    let mut bench = Bench::new(&spec);
    let (_, frame) = bench.forward(&inner());
    let filled = Packet::traced(&[&of_7().with_element(&OF_B)]).hops(63);
    assert_eq!(hex(&frame), hex(&filled.frame()));
    assert_eq!(bench.counted(), [(Notice::EncapAlreadyIoam, 1)]);
}

#[test]
fn rfc9378_7_2_what_cannot_be_told_is_no_other_layer() {
    for option in [
        ioam(MUTABLE, 0, &[]),
        ioam(MUTABLE, 0, &[0]),
        vec![MUTABLE, 200, 0, 0],
    ] {
        let sent = Packet::behind(&options(UDP, &[&LEAD, &option]));
        let mut bench = Bench::new(&head());
        let (_, frame) = bench.forward(&sent);
        assert_eq!(hex(&frame), hex(&sent.hops(63).frame()));
        assert_eq!(bench.stats.notices(Notice::EncapAlreadyIoam), 1);
    }
}

#[test]
fn rfc9378_7_2_a_layer_that_could_not_be_added_leaves_the_inner_one_to_be_filled() {
    let filler = vec![0x5A; 1500 - IPV6 - 40];
    let header = |trace: &Trace| hop_by_hop(&[trace]);
    let large = |trace: &Trace| Packet::new(HOP_BY_HOP, &[&header(trace), &filler]);
    let mut spec = head();
    spec.ports.push(port(2));
    spec.forwarding = ForwardingSpec::Static {
        routes: vec![route("2001:db8:2::", 48, 1), route("2001:db8:ff::", 48, 2)],
        defaults: vec![],
        decrement_hop_limit: true,
    };
    let mut bench = Bench::new(&spec);
    let (port, frame) = bench.forward(&large(&of_7()));
    assert_eq!(port, PortId(1));
    // With the port it really leaves by, and not the tunnel's.
    let filled = large(&of_7().with_element(&OF_B)).hops(63);
    assert_eq!(hex(&frame[ETHERNET..]), hex(&filled.octets()));
    assert_eq!(bench.counted(), [(Notice::EncapOverMtu, 1)]);
    // In the tunnel it leaves by the tunnel's.
    let (port, frame) = bench.forward(&inner());
    assert_eq!(port, PortId(2));
    let filled = of_7().with_element(&[OF_B[0], 0x0B11_0B02]);
    let outer = Trace::new(123, KIND, 8, &[]).with_element(&[0x400B_0001, 0x0B11_0B02]);
    let expected = Packet::traced(&[&filled]).hops(63).tunnelled(&[&outer]);
    assert_eq!(hex(&frame[ETHERNET..]), hex(&expected.octets()));
}

#[test]
fn rfc9378_7_2_in_transit_the_outer_layer_alone_is_filled() {
    let filled = inner().tunnelled(&[&trace().with_element(&OF_B)]);
    assert_becomes(
        &both_namespaces(node()),
        &inner().tunnelled(&[&trace()]),
        &filled,
    );
    // Where the outer header has none, nothing is.
    let bare = around(&inner(), IP6, &[]);
    assert_becomes(&both_namespaces(node()), &bare, &bare);
}

#[test]
fn rfc9378_7_2_at_the_tunnels_end_the_inner_layer_stays_as_it_is() {
    let mut bench = Bench::new(&end());
    let (_, frame) = bench.forward(&inner().tunnelled(&[&trace()]));
    assert_eq!(hex(&frame), hex(&inner().hops(63).frame()));
    assert_eq!(bench.records.len(), 1);
    assert_eq!(bench.records[0].namespace.0, 123);
    // Also one of the namespace that ends here: it is for the node where its own layer ends.
    let inner = Packet::traced(&[&trace()]);
    let mut bench = Bench::new(&end());
    let (_, frame) = bench.forward(&inner.tunnelled(&[&trace()]));
    assert_eq!(hex(&frame), hex(&inner.hops(63).frame()));
    assert_eq!(bench.records.len(), 1);
}

#[test]
fn rfc9486_5_an_inner_layer_that_comes_to_light_at_an_edge_does_not_leave() {
    for policy in [EdgePolicy::Drop, EdgePolicy::Strip] {
        let mut spec = end();
        spec.ports[1].side = Side::Edge(policy);
        let sent = inner().tunnelled(&[&trace()]).frame();
        let out = Bench::new(&spec).pass(&sent, 0, &moment());
        match policy {
            EdgePolicy::Drop => assert_eq!(out.map(drop), Err(DropReason::EdgeEgress)),
            EdgePolicy::Strip => {
                let (_, frame) = out.expect("forwarded");
                assert_eq!(frame, Packet::plain().hops(63).frame());
            }
        }
    }
}

#[test]
fn rfc9322_4_2_the_inner_layer_is_looped_back_without_the_tunnel() {
    let mut spec = head();
    spec.policy.loopback = true;
    spec.ports[0].address = Some(address("2001:db8:ff::b0"));
    let asking = Trace {
        flags: 4,
        ..Trace::new(7, 0x80_0000, 4, &[0x400A_0001])
    };
    for tags in [&[][..], &[0x8100], &[0x88A8, 0x8100]] {
        let mut bench = Bench::new(&spec);
        let sent = Packet::traced(&[&asking]).tagged(tags);
        let (_, frame) = bench.pass(&sent, 0, &moment()).expect("forwarded");
        let filled = asking.with_element(&[0x3F0B_0001]);
        let tunnelled = Packet::traced(&[&filled]).hops(63).tunnelled(&[&outer()]);
        assert_eq!(hex(&frame), hex(&tunnelled.tagged(tags)));
        let back = Trace { flags: 0, ..filled };
        let mut header = hop_by_hop(&[&back]);
        header[0] = 59;
        let copy = Packet::new(HOP_BY_HOP, &[&header])
            .from("2001:db8:ff::b0")
            .to(HOST);
        let mut copy = copy.tagged(tags);
        copy[..6].copy_from_slice(&sent[6..12]);
        copy[6..12].copy_from_slice(&port(0).mac);
        let [(port, found)] = &bench.originated[..] else {
            panic!("{} copies", bench.originated.len());
        };
        assert_eq!((*port, hex(found)), (PortId(0), hex(&copy)));
    }
}

#[test]
fn rfc9326_3_1_an_inner_direct_export_is_answered_before_the_tunnel() {
    let dex = direct_export(7, 0x80, KIND, &[42]);
    let inner = Packet::behind(&header(UDP, &[&dex]));
    let mut bench = Bench::new(&head());
    let (_, frame) = bench.forward(&inner);
    let expected = inner.hops(63).tunnelled(&[&outer()]);
    assert_eq!(hex(&frame), hex(&expected.frame()));
    let [record] = &bench.records[..] else {
        panic!("{} records", bench.records.len());
    };
    assert_eq!(record.outer_source, address(HOST).octets());
    assert_eq!(record.outer_destination, address(PEER).octets());
    let element: Vec<u8> = OF_B.iter().flat_map(|word| word.to_be_bytes()).collect();
    assert_eq!(record.option_data(), [&dex[4..], &element].concat());
    assert_eq!(record.flow.destination_port, 53);
}

/// An option of any type that an inner layer may have, of this namespace.
fn any_option(namespace: u16) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (select(vec![KIND, 0x80_0000, 0xFF_F002]), 0..8u8, 0..8u8).prop_map(
            move |(kind, free, flags)| {
                let trace = Trace::new(namespace, kind, free, &[]);
                Trace { flags, ..trace }.option()
            }
        ),
        (any::<u64>(), any::<u64>()).prop_map(move |(id, sum)| proof(namespace, id, sum)),
        any::<u32>().prop_map(move |id| direct_export(namespace, 0x80, KIND, &[id])),
        (any::<u8>(), vec(any::<u8>(), 0..20)).prop_map(move |(kind, rest)| {
            let data = [&namespace.to_be_bytes()[..], &rest].concat();
            ioam(MUTABLE, kind, &data)
        }),
    ]
}

/// A packet with up to three such options in its own header.
fn any_inner(namespaces: &'static [u16]) -> impl Strategy<Value = Packet> {
    let option = select(namespaces).prop_flat_map(any_option);
    vec(option, 0..3).prop_map(|list| {
        let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
        match list[..] {
            [] => Packet::plain(),
            _ => Packet::behind(&header(UDP, &list)),
        }
    })
}

/// The same packet with nothing but padding where options were, for comparison.
fn blank(packet: &Packet) -> Packet {
    let mut blank = packet.clone();
    if packet.next == HOP_BY_HOP {
        let len = 8 * (1 + usize::from(packet.payload[1]));
        blank.payload[2..len].fill(0);
    }
    blank
}

proptest! {
    /// In transit and at a tunnel's end, whatever the inner header carries changes nothing outside,
    /// and is not changed.
    #[test]
    fn rfc9378_7_2_the_inner_layer_neither_sees_nor_is_seen(
        inner in any_inner(&[0, 7, 123, 0x0BAD]),
        free in 0..6u8,
        flags in 0..8u8,
    ) {
        let outer = Trace { flags, ..Trace::new(123, KIND, free, &OF_A) };
        let specs = [both_namespaces(node()), end()];
        for spec in specs {
            let run = |inner: &Packet| {
                let mut bench = Bench::new(&spec);
                let sent = inner.tunnelled(&[&outer]).frame();
                let out = bench.pass(&sent, 0, &moment());
                let data = bench.records.iter().map(|record| record.option_data().to_vec());
                (out, data.collect::<Vec<_>>(), bench.counted(), bench.originated)
            };
            let (with, without) = (run(&inner), run(&blank(&inner)));
            prop_assert_eq!((&with.1, &with.2, &with.3), (&without.1, &without.2, &without.3));
            match (with.0, without.0) {
                (Ok((port, frame)), Ok((other_port, other))) => {
                    prop_assert_eq!(port, other_port);
                    let options = inner.payload.len();
                    let at = frame.len() - options;
                    // The inner packet's octets behind its header, and everything before them.
                    prop_assert_eq!(&frame[at..], &inner.payload[..]);
                    prop_assert_eq!(&frame[..at], &other[..at]);
                }
                (Err(reason), Err(other)) => prop_assert_eq!(reason, other),
                (one, other) => prop_assert!(false, "{:?} and {:?}", one, other),
            }
        }
    }

    /// A tunnel head puts the same in front of whatever layer a packet has, and does to that layer
    /// what it does without a tunnel.
    #[test]
    fn rfc9378_7_2_a_new_layer_neither_sees_nor_is_seen(
        inner in any_inner(&[0, 7, 0x0BAD]),
    ) {
        let run = |spec: &NodeSpec, packet: &Packet| {
            let mut bench = Bench::new(spec);
            let (_, frame) = bench.forward(packet);
            (frame, bench.records, bench.originated)
        };
        let transit_alone = both_namespaces(node());
        let (tunnelled, records, originated) = run(&head(), &inner);
        let (forwarded, other_records, other_originated) = run(&transit_alone, &inner);
        let (blank, ..) = run(&head(), &blank(&inner));
        // Ethernet, outer header and options of the outer layer.
        let at = EXTENSIONS + 48;
        prop_assert_eq!(&tunnelled[..at], &blank[..at]);
        prop_assert_eq!(&tunnelled[at..], &forwarded[ETHERNET..]);
        prop_assert_eq!(records, other_records);
        prop_assert_eq!(originated, other_originated);
        // And the far end has the packet as it would have been.
        let (frame, ..) = {
            let mut bench = Bench::new(&end());
            bench.pass(&tunnelled, 0, &moment()).map(|(_, frame)| (frame,)).expect("forwarded")
        };
        let mut expected = forwarded;
        expected[21] -= 1;
        prop_assert_eq!(frame, expected);
    }
}
