// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sections 3.1 and 3.1.2: what a transit node exports, and that it leaves the packet as it is.

use crate::common::Bench;
use crate::common::direct_export::*;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::moment::Moment;
use ioam_dp::packet::HeapPacket;
use ioam_dp::record::Occasion;
use ioam_dp::stats::Notice;
use ioam_dp::table::spec::*;
use ioam_dp::wire::ioam::OptionType;

/// Node B with a schema.
fn with_schema() -> NodeSpec {
    node_with(|spec| {
        spec.namespaces[0].schema = Some(SchemaSpec {
            id: 777,
            data: b"schemaB!".to_vec(),
        });
    })
}

/// The words that node B writes into a trace of this type.
fn traced(spec: &NodeSpec, kind: u32, moment: &Moment) -> Vec<u8> {
    let empty = Trace::new(123, kind, 61, &[]);
    let mut bench = Bench::new(spec);
    let sent = Packet::traced(&[&empty]).frame();
    let (_, frame) = bench.pass(&sent, 0, moment).expect("forwarded");
    let data = &frame[EXTENSIONS + 8..EXTENSIONS + 8 + 8 + 61 * 4];
    data[8 + usize::from(data[3] & 0x7F) * 4..].to_vec()
}

#[test]
fn rfc9326_3_1_the_packet_is_read_and_never_modified() {
    let dex = Dex::of(0x00AB_CDEF, 7);
    let alone = exporting(&[&dex]);
    let between = carrying(&[
        vec![5, 2, 0, 0],
        dex.option(),
        vec![0x1E, 6, 1, 2, 3, 4, 5, 6],
    ]);
    for sent in [
        alone,
        between,
        in_tunnel(&Packet::plain(), &[dex.option()]),
        in_tunnel(&exporting(&[&Dex::of(3, 4)]), &[dex.option()]),
    ] {
        for tags in [&[][..], &[0x8100], &[0x88A8, 0x8100]] {
            let mut bench = Bench::new(&node());
            let out = bench.pass(&sent.tagged(tags), 0, &moment());
            let (_, frame) = out.expect("forwarded");
            assert_eq!(hex(&frame), hex(&sent.hops(63).tagged(tags)));
            assert_eq!(bench.records.len(), 1, "of the outermost header alone");
            assert_eq!(bench.records[0].option_data(), dex.with(&BY_B));
        }
    }
}

#[test]
fn rfc9326_3_1_2_each_field_is_exported_as_a_trace_would_carry_it() {
    let spec = with_schema();
    let unknown = Moment::at(None);
    // Every bit alone, all of them, and mixtures of them; bit 7 has no field here.
    let alone = (1..24).map(|bit| 1u32 << bit);
    let mixed = (1..500u32).map(|seed| seed.wrapping_mul(0x9E37_79B1) >> 8 & 0xFF_FFFE);
    for kind in alone.chain(mixed).chain([0xFE_FFFE]) {
        let kind = kind & 0xFE_FFFF;
        for moment in [&moment(), &unknown] {
            if kind == 0 {
                continue;
            }
            let dex = Dex {
                kind,
                ..Dex::of(1, 2)
            };
            let mut bench = Bench::new(&spec);
            let sent = exporting(&[&dex]).frame();
            bench.pass(&sent, 0, moment).expect("forwarded");
            let expected = [dex.data(), traced(&spec, kind, moment)].concat();
            let record = &bench.records[0];
            assert_eq!(hex(record.option_data()), hex(&expected), "{kind:#08x}");
        }
    }
}

#[test]
fn rfc9326_3_1_2_the_hop_limit_is_that_on_egress() {
    for (received, decrements, exported) in [(64, true, 63), (2, true, 1), (64, false, 64)] {
        let spec = node_with(|spec| {
            spec.forwarding = ForwardingSpec::Wire {
                pairs: vec![(0, 1)],
                decrement_hop_limit: decrements,
            };
        });
        let mut bench = Bench::new(&spec);
        bench.forward(&exporting(&[&Dex::of(1, 2)]).hops(received));
        let data = bench.records[0].option_data();
        assert_eq!(data[16], exported, "received {received}");
    }
}

#[test]
fn rfc9326_3_1_2_a_packet_that_goes_no_further_is_not_exported() {
    let mut bench = Bench::new(&node());
    let out = bench.pass(&exporting(&[&Dex::of(1, 2)]).hops(1).frame(), 0, &moment());
    assert!(out.is_err());
    assert!(bench.records.is_empty());
}

#[test]
fn rfc9326_3_1_2_each_way_has_its_own_interface_ids() {
    let mut bench = Bench::new(&node());
    let sent = exporting(&[&Dex::of(1, 2)]).frame();
    for _ in 0..2 {
        for port in [0, 1] {
            bench.pass(&sent, port, &moment()).expect("forwarded");
        }
    }
    let ids: Vec<_> = bench
        .records
        .iter()
        .map(|record| hex(&record.option_data()[20..24]))
        .collect();
    assert_eq!(ids, ["0b110b22", "0b220b11", "0b110b22", "0b220b11"]);
    let ports: Vec<_> = bench
        .records
        .iter()
        .map(|record| record.in_port.0)
        .collect();
    assert_eq!(ports, [0, 1, 0, 1]);
}

#[test]
fn rfc9326_3_1_2_a_record_says_of_which_packet_it_is() {
    let sent = in_tunnel(&Packet::plain(), &[Dex::of(1, 2).option()]);
    let mut bench = Bench::new(&node());
    bench.forward(&sent);
    let [record] = &bench.records[..] else {
        panic!("{} records", bench.records.len());
    };
    assert_eq!(record.occasion, Occasion::DirectExport);
    assert_eq!(record.option_type, OptionType::DirectExport);
    assert_eq!((record.namespace.0, record.profile), (123, None));
    assert_eq!(Some(record.received), moment().received);
    assert_eq!(record.outer_source, address(TUNNEL_HEAD).octets());
    assert_eq!(record.outer_destination, address(TUNNEL_END).octets());
    assert_eq!(record.flow.source, address(HOST).octets());
    assert_eq!(record.flow.destination, address(PEER).octets());
    let ports = (record.flow.source_port, record.flow.destination_port);
    assert_eq!((ports, record.flow.next_header), ((5000, 53), UDP));
    assert_eq!(record.proof, None);
    assert_eq!(bench.stats.namespaces[1].exported.get(), 1);
}

#[test]
fn rfc9326_3_1_2_what_is_exported_is_measured() {
    for kind in [0x0A_1000, 0x80_0000, 0x00_1000] {
        let dex = Dex {
            kind,
            ..Dex::of(1, 2)
        };
        for number in [0x11, 0x31] {
            let sent = exporting(&[&Dex {
                number,
                ..dex.clone()
            }]);
            let packet = HeapPacket::new(&sent.frame(), 0);
            let (_, _, wanted) = Bench::new(&node()).carry(packet, 0, &Moment::at(None));
            assert_eq!(wanted.bits(), kind, "under {number:#04x}");
        }
    }
    let both = carrying(&[
        Trace::new(123, 0x02_0000, 1, &[]).option(),
        Dex::new(123, 0x08_0000, 0, &[]).option(),
    ]);
    let packet = HeapPacket::new(&both.frame(), 0);
    let (_, _, wanted) = Bench::new(&node()).carry(packet, 0, &Moment::at(None));
    assert_eq!(wanted.bits(), 0x0A_0000);
}

#[test]
fn rfc9326_3_1_2_a_snapshot_too_long_for_a_record_is_left_out() {
    // A record holds 253 octets: option 16, one word of data, snapshot 4 and its own.
    for (data, fits) in [(228, true), (229, false), (1020, false)] {
        let spec = node_with(|spec| {
            spec.namespaces[0].schema = Some(SchemaSpec {
                id: 777,
                data: vec![0x5A; data],
            });
        });
        let dex = Dex {
            kind: 0x80_0002,
            ..Dex::of(1, 2)
        };
        let sent = exporting(&[&dex]);
        let mut bench = Bench::new(&spec);
        let (_, frame) = bench.forward(&sent);
        assert_eq!(frame, sent.hops(63).frame());
        let record = bench.records[0].option_data();
        if fits {
            assert_eq!(bench.counted(), []);
            assert_eq!(hex(&record[16..24]), "3f0b0001 39000309");
            assert_eq!(record[24..], [0x5A; 228]);
        } else {
            assert_eq!(bench.counted(), [(Notice::DexSnapshotCut, 1)]);
            assert_eq!(hex(&record[16..]), "3f0b0001 00ffffff");
        }
    }
}

#[test]
fn rfc9326_3_1_2_each_namespace_of_a_header_is_exported() {
    let mut spec = node();
    spec.namespaces.push(NamespaceSpec::plain(7));
    let sent = exporting(&[
        &Dex::of(1, 2),
        &Dex {
            namespace: 0x0BAD,
            ..Dex::of(3, 4)
        },
        &Dex {
            namespace: 7,
            ..Dex::of(5, 6)
        },
    ]);
    let mut bench = Bench::new(&spec);
    let (_, frame) = bench.forward(&sent);
    assert_eq!(frame, sent.hops(63).frame());
    let of: Vec<_> = bench.records.iter().map(|r| r.namespace.0).collect();
    assert_eq!(of, [123, 7]);
    assert_eq!(bench.counted(), [(Notice::NamespaceUnknown, 1)]);
}

#[test]
fn rfc9486_3_of_several_options_of_one_namespace_the_first_is_exported_or_all() {
    for (policy, exported) in [
        (SeveralOptions::First, vec![2]),
        (SeveralOptions::All, vec![2, 4]),
    ] {
        let spec = node_with(|spec| spec.policy.several_options = policy);
        let mut bench = Bench::new(&spec);
        bench.forward(&exporting(&[&Dex::of(1, 2), &Dex::of(3, 4)]));
        let numbers: Vec<_> = bench.records.iter().map(|r| r.option_data()[15]).collect();
        assert_eq!(numbers, exported);
    }
}

#[test]
fn rfc9326_3_1_2_trace_and_direct_export_in_one_header_are_both_served() {
    let dex = Dex::of(1, 2);
    for trace_first in [true, false] {
        let list = |trace: &Trace| match trace_first {
            true => carrying(&[trace.option(), dex.option()]),
            false => carrying(&[dex.option(), trace.option()]),
        };
        let mut bench = Bench::new(&node());
        let (_, frame) = bench.forward(&list(&trace()));
        let filled = list(&trace().with_element(&OF_B)).hops(63).frame();
        assert_eq!(hex(&frame), hex(&filled));
        assert_eq!(bench.records.len(), 1);
        assert_eq!(bench.records[0].option_data(), dex.with(&BY_B));
    }
}

#[test]
fn rfc9486_4_a_port_without_ioam_exports_nothing() {
    let spec = node_with(|spec| spec.ports[0].ioam = false);
    let sent = exporting(&[&Dex::of(1, 2)]);
    let packet = HeapPacket::new(&sent.frame(), 0);
    let mut bench = Bench::new(&spec);
    let (_, _, wanted) = bench.carry(packet, 0, &moment());
    assert_eq!(wanted.bits(), 0, "nothing is measured for it either");
    assert!(bench.records.is_empty());
    assert_becomes(&spec, &sent, &sent);
}

#[test]
fn rfc9326_3_1_2_a_transit_profile_says_for_which_packets() {
    let mut spec = node_that(ActionSpec::Transit {
        namespaces: vec![123],
    });
    spec.profiles[0].filter.destination_ports = Some(53..=53);
    let other = Packet::behind(&header_of(UDP, &[Dex::of(1, 2).option()]));
    let mut bench = Bench::new(&spec);
    bench.forward(&other);
    assert_eq!(
        (bench.records.len(), bench.records[0].profile),
        (1, Some(0))
    );
    assert_eq!(bench.stats.profiles[0].records.get(), 1);
    spec.profiles[0].filter.destination_ports = Some(54..=54);
    let mut bench = Bench::new(&spec);
    bench.forward(&other);
    assert!(bench.records.is_empty());
    assert_eq!(bench.counted(), [(Notice::NoProfile, 1)]);
}

#[test]
fn linux_semantics_leave_direct_export_alone() {
    let linux = node_with(|spec| spec.policy.semantics = Semantics::Linux);
    for (number, notice) in [
        (0x11, Notice::OptionNumber),
        (0x31, Notice::OptionTypeUnsupported),
    ] {
        let dex = Dex {
            number,
            ..Dex::of(1, 2)
        };
        assert_untouched(&linux, &exporting(&[&dex]), notice);
        let mut bench = Bench::new(&linux);
        bench.forward(&exporting(&[&dex]));
        assert!(bench.records.is_empty());
        // Nor does a short one make it drop what it would drop a trace for.
        let short = Dex {
            number,
            ..Dex::new(123, EXPORTED, FLOW, &[])
        };
        assert_untouched(&linux, &exporting(&[&short]), notice);
    }
}
