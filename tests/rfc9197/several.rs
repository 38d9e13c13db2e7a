// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sections 4.1 to 4.3 and RFC 9486, 3: several options in one packet, of all types, of several
//! namespaces, and of others.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use crate::common::options::*;
use ioam_dp::record::{Occasion, Proof};
use ioam_dp::stats::Notice;
use ioam_dp::table::spec::*;
use ioam_dp::wire::ioam::OptionType;

const PRIME: u64 = (1 << 61) - 1;

/// Keys of a proof that two nodes make, at points 1 and 2: POLY-1 is 5 + 7x, POLY-2 11x, and the
/// Lagrange constants are 2 and -1.
fn keys(point: u64) -> ProofOfTransitSpec {
    ProofOfTransitSpec {
        sets: vec![PotKeysSpec {
            prime: PRIME,
            point,
            share: 5 + 7 * point,
            public: 11 * point,
            lagrange: if point == 1 { 2 } else { PRIME - 1 },
            secret: (point == 2).then_some(5),
        }],
        active: 0,
    }
}

/// Node B with one option of each type in every packet.
fn all_types(placement: Placement) -> NodeSpec {
    let options = vec![
        trace_of(KIND, 6),
        OptionSpec::ProofOfTransit { namespace: 123 },
        dex_of(0x80_0000, 0xABCDEF),
        e2e_of(0x7000, GroupSpec::Profile),
    ];
    let mut spec = puts(options, placement);
    spec.namespaces[0].proof_of_transit = Some(keys(1));
    spec
}

/// What such a node puts in: Hop-by-Hop Options, trace first, and an edge-to-edge option. The
/// numbers of the proof are read from the frame, where they are at this offset.
fn put_in(frame: &[u8], proof_at: usize, hop_limit: u32, words: u8) -> ([Vec<u8>; 3], Vec<u8>) {
    let number = |at: usize| u64::from_be_bytes(frame[at..at + 8].try_into().expect("a number"));
    let (pkt_id, cumulative) = (number(proof_at + 8), number(proof_at + 16));
    let own = u128::from(12 + 11 + pkt_id) * 2 % u128::from(PRIME);
    assert_eq!(u128::from(cumulative), own);
    let element = [hop_limit << 24 | 0x0B_0001, OF_B[1]];
    let trace = Trace::new(123, KIND, words, &[]).with_element(&element);
    let hop_by_hop = [
        trace.option(),
        proof(123, pkt_id, cumulative),
        direct_export(123, 0xC0, 0x80_0000, &[0x00AB_CDEF, 0]),
    ];
    let time = [0, 1_723_560_226, 123_456];
    (hop_by_hop, edge_to_edge(123, 0x7000, &time))
}

#[test]
fn rfc9486_3_one_profile_puts_in_every_type_in_order_in_a_tunnel() {
    let mut bench = Bench::new(&all_types(tunnel()));
    let (_, frame) = bench.forward(&Packet::plain());
    // Behind padding and a trace of 36 octets.
    let (hop_by_hop, e2e) = put_in(&frame, EXTENSIONS + 4 + 36, 64, 6);
    let list: Vec<&[u8]> = hop_by_hop.iter().map(Vec::as_slice).collect();
    let headers = [header(DESTINATION, &list), header(IP6, &[&e2e])].concat();
    let expected = around(&Packet::plain().hops(63), HOP_BY_HOP, &headers);
    assert_eq!(hex(&frame), hex(&expected.frame()));
    assert_eq!(bench.noticed(), [""; 0]);
    assert_eq!(bench.stats.namespaces[1].encapsulated.get(), 4);
}

#[test]
fn rfc9486_3_the_same_inline() {
    let mut bench = Bench::new(&all_types(Placement::Inline));
    let (_, frame) = bench.forward(&Packet::plain());
    let (hop_by_hop, e2e) = put_in(&frame, EXTENSIONS + 4 + 36, 63, 6);
    let list: Vec<&[u8]> = hop_by_hop.iter().map(Vec::as_slice).collect();
    let headers = [header(DESTINATION, &list), header(UDP, &[&e2e])].concat();
    let expected = Packet::new(HOP_BY_HOP, &[&headers, &udp(5000, 53)]).hops(63);
    assert_eq!(hex(&frame), hex(&expected.frame()));
}

#[test]
fn rfc9486_3_the_same_into_a_header_that_is_there() {
    let present = options(UDP, &[&ALERT, &LEAD]);
    let mut bench = Bench::new(&all_types(Placement::Inline));
    let (_, frame) = bench.forward(&Packet::behind(&present));
    let (hop_by_hop, e2e) = put_in(&frame, EXTENSIONS + 8 + 36, 63, 6);
    // What was there stays in front; what comes is at a multiple of four as it begins at one of 8.
    let mut list: Vec<&[u8]> = vec![&ALERT, &LEAD];
    list.extend(hop_by_hop.iter().map(Vec::as_slice));
    let headers = [options(DESTINATION, &list), header(UDP, &[&e2e])].concat();
    let expected = Packet::new(HOP_BY_HOP, &[&headers, &udp(5000, 53)]).hops(63);
    assert_eq!(hex(&frame), hex(&expected.frame()));
}

#[test]
fn rfc9486_3_every_option_is_at_a_multiple_of_four() {
    // Each subset, whichever option it begins with.
    let all = [
        trace_of(0x80_0000, 3),
        OptionSpec::ProofOfTransit { namespace: 123 },
        dex_of(0x80_0000, 1),
        e2e_of(0x8000, GroupSpec::Profile),
    ];
    for set in 1..16 {
        let chosen = (0..4).filter(|place| set >> place & 1 == 1);
        let chosen: Vec<_> = chosen.map(|place| all[place].clone()).collect();
        for placement in [Placement::Inline, tunnel()] {
            let mut spec = puts(chosen.clone(), placement);
            spec.namespaces[0].proof_of_transit = Some(keys(1));
            let (_, frame) = Bench::new(&spec).forward(&Packet::plain());
            let (mut next, mut at, mut found) = (frame[20], EXTENSIONS, 0);
            while next == HOP_BY_HOP || next == DESTINATION {
                let end = at + 8 * (1 + usize::from(frame[at + 1]));
                let mut option = at + 2;
                while option < end {
                    if frame[option] > 1 {
                        found += 1;
                        assert_eq!((option - at) % 4, 0);
                    }
                    let len = 2 + usize::from(frame[option + 1]);
                    option += if frame[option] == 0 { 1 } else { len };
                }
                assert_eq!(option, end, "options fill their header");
                (next, at) = (frame[at], end);
            }
            assert_eq!(found, chosen.len());
        }
    }
}

/// The other end of [`all_types`].
fn end(placement: DecapsulatePlacement) -> NodeSpec {
    let mut spec = node_that(ActionSpec::Decapsulate(decapsulate(placement)));
    spec.namespaces[0].proof_of_transit = Some(keys(2));
    spec
}

#[test]
fn rfc9197_4_2_from_end_to_end_each_type_says_what_it_has_to() {
    for (placement, taken) in [
        (tunnel(), tunnel_end()),
        (Placement::Inline, DecapsulatePlacement::Inline),
    ] {
        let mut head = Bench::new(&all_types(placement));
        let (mut between, mut end) = (Bench::new(&node()), Bench::new(&end(taken)));
        let present = options(UDP, &[&ALERT, &LEAD]);
        for packet in [Packet::plain(), Packet::behind(&present)] {
            let (_, frame) = head.forward(&packet);
            let (_, frame) = between.pass(&frame, 0, &moment()).expect("forwarded");
            let (_, frame) = end.pass(&frame, 0, &moment()).expect("forwarded");
            let hops = if placement == tunnel() { 62 } else { 61 };
            assert_eq!(hex(&frame), hex(&packet.hops(hops).frame()));
        }
        // In transit: direct export, and no keys for the proof.
        assert_eq!(between.records.len(), 2);
        assert!(
            between
                .records
                .iter()
                .all(|record| record.occasion == Occasion::DirectExport)
        );
        assert_eq!(between.stats.notices(Notice::PotNoKeys), 2);
        end.finish();
        let of = |kind| {
            let records = end.records.iter();
            records.filter(move |record| record.option_type == kind)
        };
        assert_eq!(of(OptionType::PreallocatedTrace).count(), 2);
        assert_eq!(of(OptionType::DirectExport).count(), 2);
        let mut proofs = of(OptionType::ProofOfTransit);
        assert!(proofs.all(|record| record.proof == Some(Proof::Valid)));
        // The sequences of direct export and of edge-to-edge.
        assert_eq!(end.reports.len(), 2);
        for report in &end.reports {
            let told = report.figures.sequence;
            assert_eq!((told.received, told.lost), (2, 0));
        }
        assert_eq!(end.noticed(), [""; 0]);
    }
}

#[test]
fn rfc9197_4_3_two_namespaces_in_one_header() {
    let of = |namespace| {
        OptionSpec::Trace(TraceSpec {
            namespace,
            trace_type: KIND,
            words: 4,
            record_self: true,
            loopback: false,
        })
    };
    let mut spec = puts(vec![of(123), of(7)], tunnel());
    spec.namespaces.push(NamespaceSpec::plain(7));
    let (_, frame) = Bench::new(&spec).forward(&Packet::plain());
    let element = [0x400B_0001, OF_B[1]];
    let full = |namespace| Trace::new(namespace, KIND, 4, &[]).with_element(&element);
    let expected = Packet::plain().hops(63);
    let expected = expected.tunnelled(&[&full(123), &full(7)]);
    assert_eq!(hex(&frame), hex(&expected.frame()));
    // A node of both fills both, a node of one its own.
    let mut both = node();
    both.namespaces.push(NamespaceSpec::plain(7));
    let (_, by_both) = Bench::new(&both)
        .pass(&frame, 0, &moment())
        .expect("forwarded");
    let (_, by_one) = Bench::new(&node())
        .pass(&frame, 0, &moment())
        .expect("forwarded");
    let filled = |namespace| full(namespace).with_element(&OF_B);
    let inner = Packet::plain().hops(63);
    let expected = inner.tunnelled(&[&filled(123), &filled(7)]).hops(63);
    assert_eq!(hex(&by_both), hex(&expected.frame()));
    let expected = inner.tunnelled(&[&filled(123), &full(7)]).hops(63);
    assert_eq!(hex(&by_one), hex(&expected.frame()));
}

#[test]
fn rfc9197_4_2_types_and_namespaces_mixed_are_each_worked_on_once() {
    let trace = |namespace| Trace::new(namespace, KIND, 4, &OF_A);
    let mut spec = node();
    spec.namespaces.push(NamespaceSpec::plain(7));
    spec.namespaces[0].proof_of_transit = Some(keys(1));
    let sent_by = |first: &Trace, second: &Trace, cumulative| {
        let list: [&[u8]; 7] = [
            &proof(123, 8, cumulative),
            &first.option(),
            &direct_export(7, 0, 0x80_0000, &[]),
            &trace(0x0BAD).option(),
            &second.option(),
            &trace(123).option(),
            &edge_to_edge(123, 0x4000, &[1]),
        ];
        Packet::behind(&header(UDP, &list))
    };
    let sent = sent_by(&trace(7), &trace(123), 100);
    let filled = |namespace| trace(namespace).with_element(&OF_B);
    let expected = sent_by(&filled(7), &filled(123), 100 + 2 * (12 + 11 + 8));
    let mut bench = Bench::new(&spec);
    let (_, frame) = bench.forward(&sent);
    assert_eq!(hex(&frame), hex(&expected.hops(63).frame()));
    assert_eq!(bench.records.len(), 1);
    assert_eq!(bench.records[0].namespace.0, 7);
    let counted = [
        (Notice::OptionTypeUnsupported, 1),
        (Notice::NamespaceUnknown, 1),
    ];
    assert_eq!(bench.counted(), counted);
}

#[test]
fn rfc8200_4_2_what_stays_is_padded_anew_and_aligned_as_before() {
    let ours = |words: u8| Trace::new(123, 0x80_0000, words, &[]).option();
    let foreign = Trace::new(0x0BAD, 0x80_0000, 2, &[7]).option();
    assert_eq!(foreign.len(), 24);
    let dex = direct_export(123, 0, 0x80_0000, &[]);
    let pot = proof(123, 8, 9);
    let spec = end(DecapsulatePlacement::Inline);
    let alert_at_2 = &ALERT[..];
    for (sent, left) in [
        // Between two that stay, an odd number of words: the second one's place modulo 8 is kept.
        (
            vec![alert_at_2, &LEAD, &ours(2), &foreign],
            vec![alert_at_2, &[1, 4, 0, 0, 0, 0], &foreign],
        ),
        (
            vec![alert_at_2, &LEAD, &ours(3), &foreign],
            vec![alert_at_2, &LEAD, &foreign],
        ),
        // In front of it, and behind.
        (
            vec![&LEAD, &dex, &foreign, &ours(1)],
            vec![&[1, 4, 0, 0, 0, 0], &foreign],
        ),
        (
            vec![&LEAD, &foreign, &dex, &pot, &ours(4)],
            vec![&LEAD, &foreign],
        ),
        // All around.
        (
            vec![&LEAD, &ours(1), &ours(2), &foreign, &pot, &foreign, &dex],
            vec![&[1, 4, 0, 0, 0, 0], &foreign, &foreign],
        ),
    ] {
        let sent = options(UDP, &sent);
        let left = options(UDP, &left);
        let mut bench = Bench::new(&spec);
        let (_, frame) = bench.forward(&Packet::behind(&sent));
        assert_eq!(hex(&frame), hex(&Packet::behind(&left).hops(63).frame()));
    }
}

#[test]
fn rfc9197_4_2_both_headers_lose_our_options_and_keep_others() {
    let foreign = Trace::new(0x0BAD, 0x80_0000, 1, &[]).option();
    let e2e = |namespace| edge_to_edge(namespace, 0x4000, &[3]);
    let limit = [4, 1, 4];
    let rest = udp(5000, 53);
    let sent = [
        header(DESTINATION, &[&foreign, &trace().option()]),
        options(UDP, &[&limit, &[0], &LEAD, &e2e(123), &e2e(0x0BAD)]),
    ];
    let left = [
        header(DESTINATION, &[&foreign]),
        options(UDP, &[&limit, &[1, 5, 0, 0, 0, 0, 0], &e2e(0x0BAD)]),
    ];
    let mut bench = Bench::new(&end(DecapsulatePlacement::Inline));
    let (_, frame) = bench.forward(&Packet::new(HOP_BY_HOP, &[&sent.concat(), &rest]));
    let expected = Packet::new(HOP_BY_HOP, &[&left.concat(), &rest]).hops(63);
    assert_eq!(hex(&frame), hex(&expected.frame()));
    bench.finish();
    assert_eq!((bench.records.len(), bench.reports.len()), (1, 1));
}
