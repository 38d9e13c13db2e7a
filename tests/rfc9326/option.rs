// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 3.2: the option's fields, and what has to be ignored of them.

use crate::common::Bench;
use crate::common::direct_export::*;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::record::{ExportRecord, Occasion};
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::Tables;
use ioam_dp::table::spec::*;
use ioam_dp::wire::ioam::OptionType;

/// The only record of what node B was sent, which went on untouched.
#[track_caller]
fn exported_of(spec: &NodeSpec, sent: &Packet) -> ExportRecord {
    let mut bench = Bench::new(spec);
    let (_, frame) = bench.forward(sent);
    assert_eq!(hex(&frame), hex(&sent.hops(63).frame()));
    assert_eq!(bench.noticed(), [""; 0]);
    assert_eq!(bench.records.len(), 1);
    bench.records.remove(0)
}

/// Distinct words for as many fields as there are extension flags.
fn fields(extensions: u8) -> Vec<u32> {
    (0..extensions.count_ones())
        .map(|place| 0xF1E1_D000 + place)
        .collect()
}

#[test]
fn rfc9326_3_2_the_option_is_laid_out_as_in_the_figure() {
    for (flow_id, sequence, header) in [
        (
            FlowIdSpec::Fixed(0x00AB_CDEF),
            true,
            "11020100 11120004 007b00c0 f0000000 00abcdef 00000000",
        ),
        (
            FlowIdSpec::None,
            true,
            "11020100 110e0004 007b0040 f0000000 00000000 01020000",
        ),
        (
            FlowIdSpec::Fixed(0x00AB_CDEF),
            false,
            "11020100 110e0004 007b0080 f0000000 00abcdef 01020000",
        ),
        (
            FlowIdSpec::None,
            false,
            "11010100 110a0004 007b0000 f0000000",
        ),
    ] {
        let mut one = direct_export(flow_id);
        one.sequence = sequence;
        let what = puts_in(&[one], Placement::Inline);
        let mut bench = Bench::new(&node_that(ActionSpec::Encapsulate(what)));
        let (_, frame) = bench.forward(&Packet::plain());
        let end = frame.len() - udp(0, 0).len();
        assert_eq!(hex(&frame[EXTENSIONS..end]), header);
        assert_eq!(frame[20], HOP_BY_HOP);
    }
}

#[test]
fn rfc9326_3_2_every_extension_flag_stands_for_one_word() {
    for extensions in 0..=u8::MAX {
        let dex = Dex::new(123, EXPORTED, extensions, &fields(extensions));
        let record = exported_of(&node(), &exporting(&[&dex]));
        assert_eq!(hex(record.option_data()), hex(&dex.with(&BY_B)));
    }
}

#[test]
fn rfc9326_3_2_fields_stand_in_the_order_of_the_bits_and_unknown_ones_are_skipped() {
    let end = node_that(ActionSpec::Decapsulate(decapsulate(
        DecapsulatePlacement::Inline,
    )));
    for extensions in 0..=u8::MAX {
        // The number of a sequence from 0, so that what was read as one shows in the account.
        let mut fields = fields(extensions);
        let sequence_at = usize::from(extensions & FLOW != 0);
        if extensions & SEQUENCE != 0 {
            fields[sequence_at] = 7;
        }
        let dex = Dex::new(123, EXPORTED, extensions, &fields);
        let mut bench = Bench::new(&end);
        bench.forward(&exporting(&[&dex]));
        bench.finish();
        if extensions & SEQUENCE == 0 {
            assert!(bench.reports.is_empty(), "{extensions:#04x}");
            continue;
        }
        let [report] = &bench.reports[..] else {
            panic!("{extensions:#04x}: {} reports", bench.reports.len());
        };
        let flow_id = (extensions & FLOW != 0).then_some(fields.first().copied());
        assert_eq!(report.flow_id, flow_id.flatten(), "{extensions:#04x}");
        // Numbers 0 to 6 are missing: it was read as 7.
        assert_eq!(report.figures.sequence.lost, 7, "{extensions:#04x}");
    }
}

#[test]
fn rfc9326_3_2_flags_and_reserved_bits_are_ignored_and_exported_as_received() {
    let dex = Dex {
        flags: 0xFF,
        reserved: 0xFF,
        ..Dex::of(0x00AB_CDEF, 7)
    };
    let record = exported_of(&node(), &exporting(&[&dex]));
    assert_eq!(hex(record.option_data()), hex(&dex.with(&BY_B)));
}

#[test]
fn rfc9326_3_2_the_checksum_complement_is_ignored() {
    let dex = Dex {
        kind: 0xD3_0000,
        ..Dex::of(1, 2)
    };
    let record = exported_of(&node(), &exporting(&[&dex]));
    // The type as received, and no word for bit 7 between queue depth and the end.
    let own = [0x3F0B_0001, 0x0B11_0B22, 0x0001_E240, 0x0000_0010];
    assert_eq!(hex(record.option_data()), hex(&dex.with(&own)));
}

#[test]
fn rfc9326_3_2_an_encapsulating_node_cannot_ask_for_the_checksum_complement() {
    for bit in 0..24 {
        let mut spec = exporter(FlowIdSpec::None);
        let mut one = direct_export(FlowIdSpec::None);
        one.trace_type = 1 << (23 - bit);
        encapsulation(&mut spec).options = vec![OptionSpec::DirectExport(one)];
        let sendable = bit <= 11 && bit != 7 || bit == 22;
        assert_eq!(Tables::compile(&spec).is_ok(), sendable, "bit {bit}");
    }
}

#[test]
fn rfc9326_3_2_undefined_trace_bits_are_exported_as_all_ones() {
    for skip in [UndefinedBits::Fill, UndefinedBits::Skip] {
        let spec = node_with(|spec| spec.policy.undefined_bits = skip);
        for bit in 12..=21 {
            let dex = Dex {
                kind: 0x80_0002 | 1 << (23 - bit),
                ..Dex::of(1, 2)
            };
            let record = exported_of(&spec, &exporting(&[&dex]));
            let own = [0x3F0B_0001, u32::MAX, 0x00FF_FFFF];
            assert_eq!(hex(record.option_data()), hex(&dex.with(&own)), "bit {bit}");
        }
    }
}

#[test]
fn rfc9326_3_2_what_follows_the_fields_is_not_exported() {
    let mut longer = Dex::of(1, 2);
    longer.fields.push(0xDEAD_BEEF);
    let record = exported_of(&node(), &exporting(&[&longer]));
    assert_eq!(
        hex(record.option_data()),
        hex(&Dex::of(1, 2).with(&BY_B)),
        "neither taken for a field nor passed on"
    );
}

#[test]
fn rfc9326_3_2_a_type_that_asks_for_nothing_exports_the_header() {
    for kind in [0, 1] {
        let dex = Dex {
            kind,
            ..Dex::of(1, 2)
        };
        let record = exported_of(&node(), &exporting(&[&dex]));
        assert_eq!(record.option_data(), dex.data());
    }
}

/// Options of namespace 123 that end before their fields do.
fn too_short() -> Vec<Dex> {
    let cut = (1..=u8::MAX).map(|extensions| {
        let mut dex = Dex::new(123, EXPORTED, extensions, &fields(extensions));
        dex.fields.pop();
        dex
    });
    cut.collect()
}

#[test]
fn rfc9326_3_2_an_option_shorter_than_its_flags_is_not_exported() {
    for dex in too_short() {
        let mut bench = Bench::new(&node());
        let sent = exporting(&[&dex]);
        let (_, frame) = bench.forward(&sent);
        assert_eq!(hex(&frame), hex(&sent.hops(63).frame()));
        assert!(bench.records.is_empty());
        assert_eq!(bench.counted(), [(Notice::DexShort, 1)]);
    }
}

#[test]
fn rfc9326_3_2_an_option_shorter_than_its_header_is_not_exported() {
    for len in 4..8 {
        let mut option = Dex::new(123, EXPORTED, 0, &[]).option();
        option.truncate(4 + len);
        option[1] = 2 + len as u8;
        let mut bench = Bench::new(&node());
        let sent = Packet::behind(&options(UDP, &[&LEAD, &option]));
        let (_, frame) = bench.forward(&sent);
        assert_eq!(frame, sent.hops(63).frame());
        assert!(bench.records.is_empty());
        assert_eq!(bench.counted(), [(Notice::DexShort, 1)], "{len} octets");
    }
}

#[test]
fn rfc9326_3_2_a_sound_option_behind_a_short_one_is_exported() {
    let short = Dex::new(123, EXPORTED, FLOW, &[]);
    let mut bench = Bench::new(&node());
    let sent = exporting(&[&short, &Dex::of(1, 2)]);
    let (_, frame) = bench.forward(&sent);
    assert_eq!(frame, sent.hops(63).frame());
    assert_eq!(bench.counted(), [(Notice::DexShort, 1)]);
    assert_eq!(bench.records.len(), 1);
    assert_eq!(
        bench.records[0].option_data(),
        Dex::of(1, 2).with(&BY_B),
        "not mixed with the one before"
    );
}

#[test]
fn rfc9326_3_2_malformed_options_are_dropped_where_asked_for() {
    let strict = node_with(|spec| spec.policy.malformed = Malformed::Drop);
    let short = Dex::new(123, EXPORTED, FLOW, &[]);
    assert_dropped(&strict, &exporting(&[&short]), DropReason::Malformed);
    assert_dropped(
        &strict,
        &exporting(&[&Dex::of(1, 2), &short]),
        DropReason::Malformed,
    );
    exported_of(&strict, &exporting(&[&Dex::of(1, 2)]));
    // What is another's is not judged.
    let foreign = Dex {
        namespace: 0x0BAD,
        ..short.clone()
    };
    assert_untouched(&strict, &exporting(&[&foreign]), Notice::NamespaceUnknown);
    // Where IOAM is off there are no options to judge.
    let mut off = strict;
    off.ports[0].ioam = false;
    assert_becomes(&off, &exporting(&[&short]), &exporting(&[&short]));
}

#[test]
fn rfc9326_3_2_the_namespace_decides() {
    let foreign = Dex {
        namespace: 0x0BAD,
        ..Dex::of(1, 2)
    };
    let mut bench = Bench::new(&node());
    let (_, frame) = bench.forward(&exporting(&[&foreign]));
    assert_eq!(frame, exporting(&[&foreign]).hops(63).frame());
    assert!(bench.records.is_empty());
    assert_eq!(bench.counted(), [(Notice::NamespaceUnknown, 1)]);
    // The default namespace is known to every node.
    let default = Dex {
        namespace: 0,
        ..Dex::of(1, 2)
    };
    let record = exported_of(&node(), &exporting(&[&default]));
    assert_eq!(record.namespace.0, 0);
}

#[test]
fn rfc9486_3_direct_export_is_sent_as_immutable_and_taken_under_either_number() {
    let under_31 = Dex {
        number: 0x31,
        ..Dex::of(0x00AB_CDEF, 7)
    };
    let record = exported_of(&node(), &exporting(&[&under_31]));
    assert_eq!(
        hex(record.option_data()),
        hex(&Dex::of(0x00AB_CDEF, 7).with(&BY_B))
    );
    assert_eq!(record.option_type, OptionType::DirectExport);
    assert_eq!(record.occasion, Occasion::DirectExport);
}
