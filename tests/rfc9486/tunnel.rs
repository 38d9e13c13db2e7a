// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 4, C4, and RFC 2473: an outer header for packets in flight; inline for others.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::table::spec::*;

/// Node B that encapsulates in a tunnel.
fn head(kind: u32, words: u8) -> NodeSpec {
    node_that(ActionSpec::Encapsulate(encapsulate(kind, words, tunnel())))
}

fn inline(kind: u32, words: u8) -> NodeSpec {
    let what = encapsulate(kind, words, Placement::Inline);
    node_that(ActionSpec::Encapsulate(what))
}

/// In a tunnel, `inner` leaves with this trace in front.
#[track_caller]
fn tunnels(spec: &NodeSpec, inner: &Packet, trace: &Trace) {
    let mut bench = Bench::new(spec);
    let (_, frame) = bench.forward(inner);
    let expected = inner.hops(inner.hop_limit - 1).tunnelled(&[trace]);
    assert_eq!(hex(&frame), hex(&expected.frame()));
    assert_eq!(bench.noticed(), [""; 0]);
    assert_eq!(bench.stats.profiles[0].done.get(), 1);
}

#[test]
fn rfc9486_4_c4_a_packet_in_flight_gets_an_outer_header() {
    let own = Trace::new(123, KIND, 8, &[]).with_element(&[0x400B_0001, OF_B[1]]);
    tunnels(&head(KIND, 8), &Packet::plain(), &own);
}

#[test]
fn rfc8200_4_2_an_odd_number_of_words_is_padded() {
    let own = Trace::new(123, 0x80_0000, 5, &[]).with_element(&[0x400B_0001]);
    let header = hop_by_hop(&[&own]);
    assert_eq!(header[header.len() - 4..], [1, 2, 0, 0]);
    tunnels(&head(0x80_0000, 5), &Packet::plain(), &own);
}

#[test]
fn rfc9486_3_every_size_has_its_header() {
    for words in 1..=61 {
        let own = Trace::new(123, 0x80_0000, words, &[]).with_element(&[0x400B_0001]);
        let header = hop_by_hop(&[&own]);
        let octets = (16 + 4 * usize::from(words)).next_multiple_of(8);
        assert_eq!(header.len(), octets);
        tunnels(&head(0x80_0000, words), &Packet::plain(), &own);
    }
}

#[test]
fn rfc2473_6_3_the_outer_hop_limit_is_configured_and_the_inner_one_decremented() {
    for hop_limit in [1, 17, 255] {
        let mut what = encapsulate(0x80_0000, 2, tunnel());
        what.placement = Placement::Ip6InIp6 {
            source: address(TUNNEL_HEAD),
            destination: address(TUNNEL_END),
            hop_limit,
        };
        let spec = node_that(ActionSpec::Encapsulate(what));
        let (_, frame) = Bench::new(&spec).forward(&Packet::plain().hops(2));
        let element = [u32::from(hop_limit) << 24 | 0x0B_0001];
        let own = Trace::new(123, 0x80_0000, 2, &[]).with_element(&element);
        let expected = Packet::plain().hops(1).tunnelled(&[&own]).hops(hop_limit);
        assert_eq!(hex(&frame), hex(&expected.frame()));
    }
}

#[test]
fn rfc2473_6_4_the_traffic_class_is_copied() {
    let own = Trace::new(123, 0x80_0000, 2, &[]).with_element(&[0x400B_0001]);
    for class in [0, 0xB8, 0xBB, 0xFF] {
        let inner = Packet {
            class,
            ..Packet::plain()
        };
        tunnels(&head(0x80_0000, 2), &inner, &own);
    }
}

/// The outer flow label of `inner`.
fn outer_label(bench: &mut Bench, inner: &Packet) -> u32 {
    let (_, frame) = bench.forward(inner);
    u32::from_be_bytes([0, frame[15] & 0xF, frame[16], frame[17]])
}

#[test]
fn rfc6438_3_a_flow_has_one_label_and_never_none() {
    let mut bench = Bench::new(&head(0x80_0000, 2));
    let mut labels = Vec::new();
    for port in 1..=200 {
        let mut inner = Packet::new(UDP, &[&udp(port, 53)]);
        assert_eq!(outer_label(&mut bench, &inner), 0x1_2345);
        inner.label = 0;
        let label = outer_label(&mut bench, &inner);
        inner.payload.extend([0; 99]);
        inner.class = 7;
        assert_eq!(outer_label(&mut bench, &inner.hops(9)), label);
        assert_ne!(label, 0);
        labels.push(label);
    }
    labels.sort_unstable();
    labels.dedup();
    assert!(labels.len() >= 199, "{} labels of 200 flows", labels.len());
}

#[test]
fn rfc2473_3_1_what_the_frame_holds_behind_the_packet_is_not_tunnelled() {
    let sent = [Packet::plain().frame(), vec![0xEE; 7]].concat();
    let own = Trace::new(123, 0x80_0000, 2, &[]).with_element(&[0x400B_0001]);
    let expected = Packet::plain().hops(63).tunnelled(&[&own]);
    assert_frame(
        &head(0x80_0000, 2),
        &sent,
        &moment(),
        &expected.frame(),
        &[],
    );
}

#[test]
fn rfc2473_3_1_tags_stay_in_front_of_the_outer_header() {
    let own = Trace::new(123, 0x80_0000, 2, &[]).with_element(&[0x400B_0001]);
    for tags in [&[0x8100][..], &[0x88A8, 0x8100]] {
        let expected = Packet::plain().hops(63).tunnelled(&[&own]).tagged(tags);
        let sent = Packet::plain().tagged(tags);
        assert_frame(&head(0x80_0000, 2), &sent, &moment(), &expected, &[]);
        let end = node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
        let back = Packet::plain().hops(62).tagged(tags);
        assert_frame(&end, &expected, &moment(), &back, &[]);
    }
}

#[test]
fn rfc9486_4_c4_options_of_the_inner_packet_are_not_this_layers() {
    let inner = Packet::behind(&options(UDP, &[&ALERT, &LEAD]));
    let own = Trace::new(123, 0x80_0000, 2, &[]).with_element(&[0x400B_0001]);
    tunnels(&head(0x80_0000, 2), &inner, &own);
}

#[test]
fn rfc9486_4_c3_over_the_mtu_a_packet_goes_without_ioam() {
    // 40 octets of outer header and 16 + 8 of options.
    let large = |octets: usize| Packet::new(UDP, &[&vec![0x5A; octets - 40]]);
    let spec = head(KIND, 2);
    let own = Trace::new(123, KIND, 0, &[0x400B_0001, OF_B[1]]);
    tunnels(&spec, &large(1500 - 64), &own);
    let mut bench = Bench::new(&spec);
    let (_, frame) = bench.forward(&large(1500 - 63));
    assert_eq!(frame, large(1500 - 63).hops(63).frame());
    let (_, frame) = bench.forward(&large(1500));
    assert_eq!(frame, large(1500).hops(63).frame());
    assert_eq!(bench.noticed(), ["encap_over_mtu"]);
    let counts = &bench.stats.profiles[0];
    assert_eq!((counts.sampled.get(), counts.done.get()), (2, 0));
}

#[test]
fn rfc9486_3_inline_a_present_header_takes_the_option_too() {
    let own = Trace::new(123, KIND, 3, &[]).with_element(&OF_B).option();
    assert_eq!(own.len() % 8, 0);
    let present = options(UDP, &[&ALERT, &LEAD]);
    let expected = options(UDP, &[&ALERT, &LEAD, &own]);
    assert_becomes(
        &inline(KIND, 3),
        &Packet::behind(&present),
        &Packet::behind(&expected),
    );
}

#[test]
fn rfc9486_3_inline_the_rest_of_the_packet_stays() {
    let own = Trace::new(123, KIND, 4, &[]).with_element(&OF_B);
    for (next, rest) in [
        (ICMPV6, &[128, 0, 0, 0, 0, 1, 0, 1][..]),
        (59, &[]),
        (
            FRAGMENT,
            &[UDP, 0, 0, 9, 0, 0, 0, 1, 7, 7, 7, 7, 7, 7, 7, 7],
        ),
    ] {
        let mut header = hop_by_hop(&[&own]);
        header[0] = next;
        let expected = Packet::new(HOP_BY_HOP, &[&header, rest]);
        assert_becomes(&inline(KIND, 4), &Packet::new(next, &[rest]), &expected);
    }
}

#[test]
fn rfc9486_3_inline_a_header_that_cannot_grow_stays() {
    let mut filler = vec![0x1E, 255];
    filler.resize(257, 0);
    let mut list = vec![&filler[..]; 7];
    let last = [&[0x1E, 245][..], &[0; 245]].concat();
    list.push(&last);
    let full = options(UDP, &list);
    assert_eq!(full.len(), 2048);
    let mut spec = inline(KIND, 4);
    spec.ports.iter_mut().for_each(|port| port.mtu = 9000);
    let mut bench = Bench::new(&spec);
    let (_, frame) = bench.forward(&Packet::behind(&full));
    assert_eq!(frame, Packet::behind(&full).hops(63).frame());
    assert_eq!(bench.noticed(), ["encap_header_full"]);
}

#[test]
fn rfc9486_3_a_payload_length_that_cannot_grow_stays() {
    let largest = Packet::new(UDP, &[&vec![0x5A; 65_535 - 8]]);
    for placement in [Placement::Inline, tunnel()] {
        let mut spec = node_that(ActionSpec::Encapsulate(encapsulate(KIND, 4, placement)));
        spec.ports.iter_mut().for_each(|port| port.mtu = u16::MAX);
        let mut bench = Bench::new(&spec);
        let out = bench.pass(&largest.frame(), 0, &moment());
        // The packet with its header is larger than any MTU there is.
        assert!(out.is_err());
        let fits = Packet::new(UDP, &[&vec![0x5A; 65_535 - 40]]);
        let (_, frame) = Bench::new(&spec).forward(&fits);
        assert_eq!(frame, fits.hops(63).frame());
    }
}

#[test]
fn rfc2473_3_3_what_stands_between_the_headers_goes_with_the_outer_one() {
    let limit = options(IP6, &[&[4, 1, 4, 1, 1, 0]]);
    let mut header = hop_by_hop(&[&trace()]);
    header[0] = DESTINATION;
    let mut sent = Packet::plain().tunnelled(&[]);
    sent.payload = [header, limit, Packet::plain().octets()].concat();
    let spec = node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
    let mut bench = Bench::new(&spec);
    let (_, frame) = bench.forward(&sent);
    assert_eq!(hex(&frame), hex(&Packet::plain().hops(63).frame()));
    assert_eq!(bench.records.len(), 1);
}
