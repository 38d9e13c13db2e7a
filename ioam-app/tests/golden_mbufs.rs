// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The reference packets through the whole program: real mbufs on `net_pcap` ports, and replay.
//! Both must give what the pure core gives; a difference is a fault of what wraps it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "rig/golden.rs"]
mod golden;
mod rig;

use common::{Case, cases, number};
use rig::packet::{ETHERNET, hex};
use rig::program::{Engine, pass};
use rig::turn;
use serde_json::Value;

/// Every case of this work, those of one configuration in one run; how many there were.
fn all_through(engine: Engine) -> usize {
    let cases = cases();
    let mut seen = 0;
    for (config, group) in golden::groups(&cases) {
        let ids: Vec<_> = group.iter().map(|case| &case.id).collect();
        let input: Vec<_> = group.iter().map(|case| &case.input).collect();
        let passed = pass(engine, &config, &input);
        let expected = group
            .iter()
            .filter_map(|case| Some((case, case.output.as_ref()?)));
        let expected: Vec<_> = expected.collect();
        assert_eq!(
            passed.frames.len(),
            expected.len(),
            "{engine:?}: packets out of {ids:?}"
        );
        for ((case, expected), frame) in expected.iter().zip(&passed.frames) {
            assert_eq!(
                hex(&frame[ETHERNET..]),
                hex(&expected[ETHERNET..]),
                "{engine:?} {}",
                case.id
            );
        }
        check_records(&group, &passed.records);
        check_counts(&group, &passed.stats);
        seen += group.len();
    }
    seen
}

fn check_records(group: &[&Case], records: &[Value]) {
    let with_record: Vec<_> = group
        .iter()
        .filter(|case| case.export["nodes"].is_array())
        .collect();
    assert_eq!(records.len(), with_record.len(), "records");
    for (case, record) in with_record.iter().zip(records) {
        if let Some(raw) = case.export["ioamPreallocatedTraceData"].as_str() {
            assert_eq!(record["raw"], raw, "{}", case.id);
        }
        assert_eq!(
            record["namespace"].as_u64(),
            number(&case.export["namespace"]),
            "{}",
            case.id
        );
        let kind = number(&case.export["trace_type"]).unwrap();
        assert_eq!(record["trace_type"], format!("0x{kind:06x}"), "{}", case.id);
        let overflow = number(&case.export["overflow"]) == Some(1);
        assert_eq!(record["overflow"], overflow, "{}", case.id);
        let nodes = case.export["nodes"].as_array().unwrap();
        assert_eq!(
            record["nodes"].as_array().unwrap().len(),
            nodes.len(),
            "{}",
            case.id
        );
        for (place, node) in nodes.iter().enumerate() {
            let names = [
                ("hop_limit", "hop_lim"),
                ("node_id", "node_id"),
                ("ingress_if_id", "iif"),
                ("egress_if_id", "eif"),
            ];
            for (ours, theirs) in names {
                let found = record["nodes"][place][ours].as_u64();
                assert_eq!(
                    found,
                    number(&node[theirs]),
                    "{} {ours} of node {place}",
                    case.id
                );
            }
        }
    }
}

/// What went in is accounted for, and every buffer came back.
fn check_counts(group: &[&Case], stats: &Value) {
    let east = stats["ports"]
        .as_array()
        .unwrap()
        .iter()
        .find(|port| port["name"] == "east")
        .unwrap();
    assert_eq!(east["received"], group.len(), "{stats}");
    assert!(
        ["0", "null"].contains(&&*stats["mbufs_leaked"].to_string()),
        "{stats}"
    );
    let dropped = group.iter().filter(|case| case.output.is_none()).count();
    if dropped > 0 {
        assert_eq!(stats["counters"]["edge_ingress"], dropped, "{stats}");
    }
}

#[test]
fn every_trace_vector_comes_out_of_real_mbufs_as_written() {
    let Some(_turn) = turn(&[]) else { return };
    let seen = all_through(Engine::Run);
    assert!(seen >= 22, "only {seen} cases");
}

#[test]
fn every_trace_vector_comes_out_of_a_replay_as_written() {
    let Some(_turn) = turn(&[]) else { return };
    let seen = all_through(Engine::Replay);
    assert!(seen >= 22, "only {seen} cases");
}

#[test]
fn malformed_vectors_are_counted_by_name_with_real_mbufs() {
    let Some(_turn) = turn(&[]) else { return };
    let cases = cases();
    let malformed: Vec<_> = cases
        .iter()
        .filter(|case| case.id.starts_with('M'))
        .collect();
    let input: Vec<_> = malformed.iter().map(|case| &case.input).collect();
    let passed = pass(Engine::Run, &golden::config(malformed[0]), &input);
    let counters = passed.stats["counters"].as_object().unwrap();
    let counted: Vec<_> = counters.iter().filter(|(_, count)| **count != 0).collect();
    let mut names: Vec<_> = counted.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "hbh_tlv_overrun",
        "hbh_truncated",
        "option_alignment",
        "trace_nodelen",
        "trace_remlen",
    ];
    assert_eq!(names, expected);
    assert!(counted.iter().all(|(_, count)| **count == 1), "{counted:?}");
}
