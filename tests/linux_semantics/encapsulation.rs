// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the kernel's lightweight tunnel sends (`ioam6_iptunnel`).

use super::linux;
use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::table::spec::*;

fn head(what: EncapsulateSpec) -> NodeSpec {
    NodeSpec {
        profiles: vec![profile(ActionSpec::Encapsulate(what))],
        ..linux()
    }
}

#[test]
fn the_outer_header_is_a_copy_of_the_inner_one() {
    for (class, label, hop_limit) in [(0, 0, 64), (0xB8, 0x1_2345, 64), (3, 0xF_FFFF, 2)] {
        let inner = Packet {
            class,
            label,
            hop_limit,
            ..Packet::plain()
        };
        let left = inner.hops(hop_limit - 1);
        let element = [u32::from(left.hop_limit) << 24 | 0x0B_0001, OF_B[1]];
        let own = Trace::new(123, KIND, 4, &[]).with_element(&element);
        let expected = left.tunnelled(&[&own]).hops(left.hop_limit);
        let (_, frame) = Bench::new(&head(encapsulate(KIND, 4, tunnel()))).forward(&inner);
        assert_eq!(hex(&frame), hex(&expected.frame()));
    }
}

#[test]
fn a_hop_by_hop_header_in_the_inner_packet_does_not_matter_to_a_tunnel() {
    let inner = Packet::behind(&options(UDP, &[&ALERT, &LEAD]));
    let own = Trace::new(123, KIND, 4, &[]).with_element(&OF_B);
    let expected = inner.hops(63).tunnelled(&[&own]).hops(63);
    let (_, frame) = Bench::new(&head(encapsulate(KIND, 4, tunnel()))).forward(&inner);
    assert_eq!(hex(&frame), hex(&expected.frame()));
}

#[test]
fn inline_a_packet_with_a_hop_by_hop_header_is_sent_as_it_is() {
    let spec = head(encapsulate(KIND, 4, Placement::Inline));
    for header in [
        options(UDP, &[&ALERT, &LEAD]),
        options(UDP, &[&[1, 4, 0, 0, 0, 0]]),
    ] {
        let sent = Packet::behind(&header);
        let mut bench = Bench::new(&spec);
        let (_, frame) = bench.forward(&sent);
        assert_eq!(frame, sent.hops(63).frame());
        assert_eq!(bench.noticed(), ["encap_header_full"]);
    }
}

#[test]
fn inline_the_header_goes_behind_ipv6_and_is_chained() {
    let own = Trace::new(123, KIND, 4, &[]).with_element(&OF_B);
    let spec = head(encapsulate(KIND, 4, Placement::Inline));
    assert_becomes(&spec, &Packet::plain(), &Packet::traced(&[&own]));
}

#[test]
fn every_size_has_its_layout() {
    // 16 octets around the data, four of padding more where the words are odd, and zeros inside.
    for words in 1..=61 {
        let mut what = encapsulate(0x80_0000, words, Placement::Inline);
        trace_in(&mut what).record_self = false;
        let (_, frame) = Bench::new(&head(what)).forward(&Packet::plain());
        let size = usize::from(words) * 4;
        let header = &frame[EXTENSIONS..frame.len() - 16];
        assert_eq!(header.len(), 16 + size + size % 8);
        assert_eq!(header[..4], [UDP, (header.len() / 8 - 1) as u8, 1, 0]);
        assert_eq!(header[4..8], [0x31, 10 + size as u8, 0, 0]);
        assert_eq!(header[8..16], [0, 123, 8, words, 0x80, 0, 0, 0]);
        assert!(header[16..16 + size].iter().all(|octet| *octet == 0));
        let padding: &[u8] = if words % 2 == 1 { &[1, 2, 0, 0] } else { &[] };
        assert_eq!(&header[16 + size..], padding);
    }
}

#[test]
fn own_data_without_room_are_an_overflow() {
    for (kind, words) in [(KIND, 1), (0xFF_F002, 15)] {
        let spec = head(encapsulate(kind, words, Placement::Inline));
        let own = Trace::new(123, kind, words, &[]).overflowed();
        assert_becomes(&spec, &Packet::plain(), &Packet::traced(&[&own]));
    }
}

#[test]
fn the_snapshot_needs_its_own_room() {
    let mut spec = head(encapsulate(0x00_0002, 1, Placement::Inline));
    let none = Trace::new(123, 0x00_0002, 0, &[0x00FF_FFFF]);
    assert_becomes(&spec, &Packet::plain(), &Packet::traced(&[&none]));
    spec.namespaces[0].schema = Some(SchemaSpec {
        id: 777,
        data: b"something that will be 4n-aligned".to_vec(),
    });
    let full = Trace::new(123, 0x00_0002, 1, &[]).overflowed();
    assert_becomes(&spec, &Packet::plain(), &Packet::traced(&[&full]));
}

#[test]
fn freq_is_a_burst_of_k_and_then_a_pause() {
    let mut what = encapsulate(KIND, 4, Placement::Inline);
    what.sampling = Sampling::FirstOf { k: 2, n: 5 };
    let mut bench = Bench::new(&head(what));
    let pattern: String = (0..12)
        .map(|_| {
            let (_, frame) = bench.forward(&Packet::plain());
            if frame[20] == HOP_BY_HOP { '1' } else { '0' }
        })
        .collect();
    assert_eq!(pattern, "110001100011");
    let counts = &bench.stats.profiles[0];
    assert_eq!(counts.selected.get(), 12);
    assert_eq!((counts.sampled.get(), counts.done.get()), (6, 6));
}
