// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam explain` as a user meets it: what was found, what was decided, what came out.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(dead_code, reason = "the bench is shared with the tests of replay")]

#[path = "replay/bench.rs"]
mod bench;

use std::process::{Command, Output};

use bench::{Bench, TIME, frame, vectors};
use serde_json::Value;

const TRANSIT: &str = include_str!("../../config/samples/transit.yaml");
const ENCAP: &str = include_str!("../../config/samples/encap.yaml");

/// A capture of these reference packets beside a configuration.
fn captured(name: &str, yaml: &str, ids: &[&str]) -> Bench {
    let bench = Bench::new(&format!("explain-{name}"), yaml);
    let file = vectors();
    let all = file["vectors"].as_array().unwrap();
    let find = |id: &&str| all.iter().find(|vector| vector["id"] == **id).unwrap();
    let frames: Vec<_> = ids.iter().map(|id| frame(find(id), "in")).collect();
    bench.capture("in.pcap", frames.iter().map(|frame| (TIME, &frame[..])));
    bench
}

fn explain(bench: &Bench, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ioam"));
    command.arg("explain").arg(bench.path("in.pcap"));
    command.arg("--config").arg(bench.path("node.yaml"));
    command.args(more).output().unwrap()
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn each_packet_is_told_from_what_was_found_to_what_came_out() {
    let bench = captured("transit", TRANSIT, &["T01", "T18", "X01"]);
    let told = text(explain(&bench, &[]));
    let packets: Vec<_> = told.split("packet ").skip(1).collect();
    assert_eq!(packets.len(), 3);
    assert!(
        packets[0].contains("123: traces filled with this node's data: 1"),
        "{told}"
    );
    assert!(
        packets[0].contains("sent       by west, 165 → 165 octets"),
        "{told}"
    );
    assert!(
        packets[1].contains("noticed    namespace_unknown: "),
        "{told}"
    );
    assert!(!packets[1].contains("\n  now "), "{told}");
    assert!(
        packets[2].contains("IOAM direct-export under 0x11, namespace 123"),
        "{told}"
    );
    assert!(packets[2].contains("direct exports made: 1"), "{told}");
}

#[test]
fn a_profile_that_did_not_match_says_which_field() {
    let bench = captured("encap", ENCAP, &["E01"]);
    let told = text(explain(&bench, &["--port", "customer"]));
    assert!(
        told.contains("passed by  profile web: next header 17 is another"),
        "{told}"
    );
}

#[test]
fn one_packet_can_be_asked_for_and_machines_get_objects() {
    let bench = captured("json", TRANSIT, &["T01", "M01", "T03"]);
    let told = text(explain(&bench, &["--packet", "2", "--json"]));
    assert_eq!(told.lines().count(), 1);
    let packet: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(packet["packet"], 2);
    assert_eq!(packet["decisions"][0]["subject"], "trace_nodelen");
    assert_eq!(packet["sent"]["port"], "west");
    assert_eq!(packet["dropped"], Value::Null);
}

#[test]
fn what_is_not_there_is_said() {
    let bench = captured("wrong", TRANSIT, &["T01"]);
    let said = |more: &[&str]| {
        let output = explain(&bench, more);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said(&["--packet", "7"]).contains("has 1 packets, so there is no packet 7"));
    assert!(said(&["--port", "north"]).contains("no port has that name; the ports are east, west"));
}
