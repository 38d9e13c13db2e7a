// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 3.1.2: a decapsulating node exports, and removes the option whatever it knows of it.

use crate::common::Bench;
use crate::common::direct_export::*;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::record::{ExportRecord, Occasion};
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::spec::*;
use ioam_dp::wire::ioam::OptionType;

/// Node B with namespaces 7 and 123, of which it takes out 123.
fn end(placement: DecapsulatePlacement) -> NodeSpec {
    let mut spec = node_that(ActionSpec::Decapsulate(decapsulate(placement)));
    spec.namespaces.push(NamespaceSpec::plain(7));
    spec
}

fn of_namespace(namespace: u16, flow: u32) -> Dex {
    Dex {
        namespace,
        ..Dex::of(flow, 0)
    }
}

fn data_of(records: &[ExportRecord]) -> Vec<String> {
    let data = records.iter().map(ExportRecord::option_data);
    data.map(hex).collect()
}

#[test]
fn rfc9326_3_1_2_a_decapsulating_node_exports_and_removes() {
    let dex = Dex::of(0x00AB_CDEF, 7);
    let tunnelled = in_tunnel(&Packet::plain(), &[dex.option()]).hops(62);
    // In the tunnel's header, the hop limit the outer packet would leave with.
    for (spec, sent, hop_limit) in [
        (end(tunnel_end()), tunnelled, 61),
        (end(DecapsulatePlacement::Inline), exporting(&[&dex]), 63),
    ] {
        let mut bench = Bench::new(&spec);
        let (_, frame) = bench.forward(&sent);
        assert_eq!(hex(&frame), hex(&Packet::plain().hops(63).frame()));
        assert_eq!(bench.noticed(), [""; 0]);
        let [record] = &bench.records[..] else {
            panic!("{} records", bench.records.len());
        };
        let own = [
            hop_limit << 24 | 0x0B_0001,
            0x0B11_0B22,
            0x66BB_7122,
            0x0001_E240,
        ];
        assert_eq!(hex(record.option_data()), hex(&dex.with(&own)));
        assert_eq!(record.occasion, Occasion::DirectExport);
        assert_eq!(record.option_type, OptionType::DirectExport);
        assert_eq!(record.profile, Some(0));
        assert_eq!(record.flow.destination, address(PEER).octets());
        let counts = &bench.stats.namespaces[2];
        assert_eq!((counts.decapsulated.get(), counts.exported.get()), (1, 1));
    }
}

#[test]
fn rfc9326_3_1_2_a_packet_with_extension_flags_nobody_knows_is_exported_and_removed() {
    let dex = Dex::new(123, 0x80_0000, 0xFF, &[1, 2, 3, 4, 5, 6, 7, 8]);
    let mut bench = Bench::new(&end(DecapsulatePlacement::Inline));
    let (_, frame) = bench.forward(&exporting(&[&dex]));
    assert_eq!(frame, Packet::plain().hops(63).frame());
    assert_eq!(data_of(&bench.records), [hex(&dex.with(&[0x3F0B_0001]))]);
}

#[test]
fn rfc9326_3_1_2_an_option_not_understood_is_removed_all_the_same() {
    // Too short, of types that are not assigned or not for this header, under either number.
    let short = Dex::new(123, EXPORTED, 0xC0, &[1]).option();
    for number in [0x11, 0x31] {
        for ioam_type in [1, 2, 3, 4, 5, 63, 64, 67, 128, 255] {
            let mut option = short.clone();
            (option[0], option[3]) = (number, ioam_type);
            for (spec, sent) in [
                (
                    end(DecapsulatePlacement::Inline),
                    carrying(&[option.clone()]),
                ),
                (
                    end(tunnel_end()),
                    in_tunnel(&Packet::plain(), &[option.clone()]),
                ),
            ] {
                let mut bench = Bench::new(&spec);
                let (_, frame) = bench.forward(&sent);
                let expected = Packet::plain().hops(63).frame();
                assert_eq!(frame, expected, "{number:#04x} type {ioam_type}");
                assert!(bench.records.is_empty());
            }
        }
    }
}

#[test]
fn rfc9326_3_1_2_a_namespace_in_transit_is_exported_and_stays() {
    let (ours, other) = (of_namespace(123, 1), of_namespace(7, 2));
    for list in [[&ours, &other], [&other, &ours]] {
        let mut bench = Bench::new(&end(DecapsulatePlacement::Inline));
        let (_, frame) = bench.forward(&exporting(&list));
        let left = ioam_options(&frame);
        assert_eq!(left, [other.option()]);
        assert_eq!(
            data_of(&bench.records),
            [hex(&ours.with(&BY_B)), hex(&other.with(&BY_B))]
        );
        let profiles: Vec<_> = bench.records.iter().map(|r| r.profile).collect();
        assert_eq!(profiles, [Some(0), None]);
        assert_eq!(bench.noticed(), [""; 0]);
    }
}

#[test]
fn rfc9326_3_1_2_each_option_of_ours_is_exported_at_the_end() {
    let list = [&Dex::of(1, 2), &Dex::of(3, 4)];
    let mut bench = Bench::new(&end(DecapsulatePlacement::Inline));
    bench.forward(&exporting(&list));
    let expected = list.map(|dex| hex(&dex.with(&BY_B)));
    assert_eq!(data_of(&bench.records), expected);
}

#[test]
fn rfc9326_3_1_2_a_trace_beside_it_is_recorded_too() {
    let sent = carrying(&[trace().option(), Dex::of(1, 2).option()]);
    let mut bench = Bench::new(&end(DecapsulatePlacement::Inline));
    let (_, frame) = bench.forward(&sent);
    assert_eq!(frame, Packet::plain().hops(63).frame());
    assert_eq!(
        data_of(&bench.records),
        [hex(&trace().option()[4..]), hex(&Dex::of(1, 2).with(&BY_B))]
    );
}

#[test]
fn rfc9326_3_1_2_sequence_numbers_are_accounted_for_by_flow_id() {
    let mut bench = Bench::new(&end(DecapsulatePlacement::Inline));
    for (flow, sequence) in [(1, 0), (2, 0), (1, 1), (2, 2), (1, 1), (1, 2)] {
        bench.forward(&exporting(&[&Dex::of(flow, sequence)]));
    }
    bench.finish();
    let mut figures: Vec<_> = bench
        .reports
        .iter()
        .map(|report| {
            let all = report.figures.sequence;
            (report.flow_id, all.received, all.lost, all.duplicates)
        })
        .collect();
    figures.sort_unstable();
    assert_eq!(figures, [(Some(1), 4, 0, 1), (Some(2), 2, 1, 0)]);
}

#[test]
fn rfc9326_5_it_does_not_cross_the_domains_border() {
    for (port, reason) in [(0, DropReason::EdgeIngress), (1, DropReason::EdgeEgress)] {
        let spec = node_with(|spec| spec.ports[port].side = Side::Edge(EdgePolicy::Drop));
        let mut bench = Bench::new(&spec);
        let out = bench.pass(&exporting(&[&Dex::of(1, 2)]).frame(), 0, &moment());
        assert_eq!(out.map(|_| ()), Err(reason));
    }
    let spec = node_with(|spec| spec.ports[0].side = Side::Edge(EdgePolicy::Strip));
    let mut bench = Bench::new(&spec);
    let (_, frame) = bench.forward(&exporting(&[&Dex::of(1, 2)]));
    assert_eq!(frame, Packet::plain().hops(63).frame());
    assert_eq!(bench.counted(), [(Notice::EdgeStripped, 1)]);
    assert!(
        bench.records.is_empty(),
        "what came from outside is not served"
    );
}
