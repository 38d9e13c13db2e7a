// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The documents that list what the program says, held against the program.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "replay/bench.rs"]
#[allow(dead_code, reason = "only the reference packets are wanted here")]
mod bench;

use std::path::Path;

use bench::{Bench, frame, vector, yaml};
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::timestamp::WallTime;

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Cells of the tables' rows under a heading, without the tables' own headings.
fn rows(text: &str, heading: &str) -> Vec<Vec<String>> {
    let start = text
        .find(heading)
        .unwrap_or_else(|| panic!("no `{heading}`"));
    let part = &text[start + heading.len()..];
    let part = &part[..part.find("\n## ").unwrap_or(part.len())];
    let rows = part
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1);
    rows.filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").map(str::to_owned).collect())
        .collect()
}

#[test]
fn every_counter_is_documented_in_its_own_words() {
    let text = document("counters.md");
    let drops = DropReason::ALL
        .iter()
        .map(|reason| (reason.name(), reason.description()));
    let notices = Notice::ALL
        .iter()
        .map(|notice| (notice.name(), notice.description()));
    let expected: [(&str, Vec<_>); 2] = [
        ("## Packets not forwarded", drops.collect()),
        ("## Options not processed", notices.collect()),
    ];
    for (heading, counters) in expected {
        let rows = rows(&text, heading);
        let mend = "To mend: add, remove or correct the row in docs/counters.md";
        for (row, (name, description)) in rows.iter().zip(&counters) {
            assert_eq!(row[0].trim_matches('`'), *name, "{mend}");
            assert_eq!(row[1], *description, "{name}. {mend}");
        }
        assert_eq!(rows.len(), counters.len(), "{heading}. {mend}");
        assert!(rows.iter().all(|row| row.len() == 3 && !row[2].is_empty()));
    }
}

/// The line that a reference packet gives at a decapsulating node, with or without its own data.
fn line(id: &str, record_self: bool, nanoseconds: u32) -> String {
    let mut vector = vector(id);
    vector["config"]["role"] = "decap".into();
    let yaml = yaml(&vector).replace("self: false", &format!("self: {record_self}"));
    let bench = Bench::new(&format!("docs-{id}"), &yaml);
    let time = WallTime {
        nanoseconds,
        ..bench::TIME
    };
    bench.capture("in.pcap", [(time, &frame(&vector, "in")[..])]);
    bench.replay(&["in east=in.pcap", "records r"]);
    String::from_utf8(bench.octets("r"))
        .unwrap()
        .trim_end()
        .to_owned()
}

#[test]
fn the_record_shown_is_a_real_one() {
    let line = line("D01", false, 300_000_000);
    let text = document("records.md");
    assert!(
        text.contains(&format!("\n{line}\n")),
        "To mend: show in docs/records.md\n{line}"
    );
}

#[test]
fn every_key_of_a_record_is_documented() {
    let text = document("records.md");
    let keys = |heading: &str| -> Vec<String> {
        let rows = rows(&text, heading);
        let names = rows.iter().flat_map(|row| row[0].split(", "));
        names
            .map(|name| name.trim_matches('`').to_owned())
            .collect()
    };
    // What Node B of the reference passes on, with every field or with a snapshot.
    let mut seen_nodes = Vec::new();
    for id in ["T12", "T15"] {
        let line = line(id, true, 0);
        let record: serde_json::Value = serde_json::from_str(&line).unwrap();
        let nodes = record["nodes"].as_array().unwrap();
        let fields = nodes
            .iter()
            .flat_map(|node| node.as_object().unwrap().keys());
        seen_nodes.extend(fields.cloned());
        let has_time = id == "T12";
        let documented = keys("# Records").into_iter();
        let expected: Vec<_> = documented
            .filter(|key| has_time || key != "timestamp_format")
            .collect();
        let mut seen: Vec<_> = record.as_object().unwrap().keys().cloned().collect();
        let mut expected_sorted = expected.clone();
        seen.sort();
        expected_sorted.sort();
        assert_eq!(seen, expected_sorted);
        // The line has them in the documented order.
        let places: Vec<_> = expected
            .iter()
            .map(|key| line.find(&format!("\"{key}\":")).unwrap())
            .collect();
        assert!(places.is_sorted(), "{expected:?}");
    }
    let mut documented = keys("## Nodes");
    documented.sort();
    seen_nodes.sort();
    seen_nodes.dedup();
    assert_eq!(seen_nodes, documented);
}

/// The example under a heading, and the keys in its table.
fn example(text: &str, heading: &str) -> (serde_json::Value, Vec<String>) {
    let part = &text[text.find(heading).unwrap()..];
    let json = part.split("```json\n").nth(1).unwrap();
    let json = json.lines().next().unwrap();
    let rows = rows(text, heading);
    let names = rows.iter().flat_map(|row| row[0].split(", "));
    let keys = names.map(|name| name.trim_matches('`').to_owned());
    (serde_json::from_str(json).unwrap(), keys.collect())
}

#[test]
fn every_key_of_the_other_kinds_is_documented() {
    let text = document("records.md");
    let (trace, common) = example(&text, "# Records");
    assert_eq!(trace["option_type"], "preallocated-trace");
    for (heading, kind) in [
        ("## Direct export", "direct-export"),
        ("## Proof of transit", "proof-of-transit"),
        ("## Edge-to-edge", "edge-to-edge"),
        ("## Sequence reports", "edge-to-edge"),
    ] {
        let (record, own) = example(&text, heading);
        assert_eq!(record["option_type"], kind);
        let shown: Vec<_> = record.as_object().unwrap().keys().collect();
        for key in &shown {
            assert!(
                own.contains(key) || common.contains(key),
                "{heading}: `{key}`"
            );
        }
        for key in &own {
            assert!(
                shown.contains(&key),
                "{heading}: `{key}` is not in the example"
            );
        }
    }
}
