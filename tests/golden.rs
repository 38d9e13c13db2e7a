// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The reference packets through the pure core, octet for octet from layer 3 on.

mod common;

use common::{Bench, cases, hex};
use ioam_dp::wire::ioam::NodeDataList;

/// Cases whose carrier this node does not process yet, each left for its own work.
fn is_in_ipv6(id: &str) -> bool {
    !id.starts_with(['N', 'G'])
}

#[test]
fn every_ipv6_vector_comes_out_as_written() {
    let mut seen = 0;
    for case in cases().iter().filter(|case| is_in_ipv6(&case.id)) {
        let mut bench = Bench::new(&case.spec());
        let out = bench.pass(&case.input, 0, &case.moment());
        match (&case.output, out) {
            (Some(expected), Ok((_, frame))) => {
                assert_eq!(hex_of(&frame[14..]), hex_of(&expected[14..]), "{}", case.id);
            }
            (None, Err(_)) => {
                assert!(["drop", "consume"].contains(&&*case.action), "{}", case.id);
            }
            (expected, out) => panic!("{}: {} expected, {out:?}", case.id, expected.is_some()),
        }
        check_originated(case, &bench);
        check_export(case, &bench);
        seen += 1;
    }
    assert!(seen >= 27, "only {seen} cases");
}

fn check_originated(case: &common::Case, bench: &Bench) {
    let sent: Vec<_> = bench
        .originated
        .iter()
        .map(|(_, frame)| hex_of(&frame[14..]))
        .collect();
    let expected: Vec<_> = case
        .extra
        .iter()
        .map(|frame| hex_of(&frame[14..]))
        .collect();
    assert_eq!(sent, expected, "{}", case.id);
}

fn check_export(case: &common::Case, bench: &Bench) {
    if let Some(raw) = case.export["ioamDirectExportData"].as_str() {
        let [record] = &bench.records[..] else {
            panic!("{}: {} records", case.id, bench.records.len());
        };
        assert_eq!(hex_of(record.option_data()), raw, "{}", case.id);
        return;
    }
    let Some(nodes) = case.export["nodes"].as_array() else {
        assert!(
            bench.records.is_empty(),
            "{}: a record nobody expects",
            case.id
        );
        return;
    };
    let [record] = &bench.records[..] else {
        panic!("{}: {} records", case.id, bench.records.len());
    };
    if let Some(raw) = case.export["ioamPreallocatedTraceData"].as_str() {
        assert_eq!(record.option_data(), hex(raw), "{}", case.id);
    }
    let list = NodeDataList::preallocated(record.option_data()).expect("a whole trace");
    let mut decoded: Vec<_> = list.map(|node| node.expect("a whole element")).collect();
    decoded.reverse();
    assert_eq!(decoded.len(), nodes.len(), "{}", case.id);
    for (node, expected) in decoded.iter().zip(nodes) {
        assert_eq!(
            node.hop_limit.map(u64::from),
            expected["hop_lim"].as_u64(),
            "{}",
            case.id
        );
        assert_eq!(
            node.node_id.map(u64::from),
            expected["node_id"].as_u64(),
            "{}",
            case.id
        );
        assert_eq!(
            node.ingress_if_id.map(u64::from),
            expected["iif"].as_u64(),
            "{}",
            case.id
        );
        assert_eq!(
            node.egress_if_id.map(u64::from),
            expected["eif"].as_u64(),
            "{}",
            case.id
        );
    }
}

fn hex_of(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn malformed_vectors_are_counted_by_name() {
    let names = [
        ("M01", "trace_nodelen"),
        ("M04", "trace_remlen"),
        ("M06", "hbh_tlv_overrun"),
        ("M08", "option_alignment"),
        ("M16", "hbh_truncated"),
    ];
    for (id, name) in names {
        let all = cases();
        let case = all
            .iter()
            .find(|case| case.id == id)
            .expect("the vector is there");
        let mut bench = Bench::new(&case.spec());
        bench
            .pass(&case.input, 0, &case.moment())
            .expect("forwarded");
        let counted: Vec<_> = ioam_dp::stats::Notice::ALL
            .iter()
            .filter(|notice| bench.stats.notices(**notice) > 0)
            .map(|notice| notice.name())
            .collect();
        assert_eq!(counted, [name], "{id}");
    }
}
