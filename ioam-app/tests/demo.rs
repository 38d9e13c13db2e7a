// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The demonstration, as a user starts it: that it ends well, and that it notices what is wrong.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, from_str};

/// Enough for every kind of damage, and for every flow to come up several times.
const PACKETS: &str = "3000";

fn demo(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_ioam");
    Command::new(program)
        .arg("demo")
        .args(arguments)
        .output()
        .unwrap()
}

/// The exit code and the summary of a run with `--json`.
fn summary(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = demo(&[&["--json", "--packets", PACKETS], arguments].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap_or_else(|| {
        panic!(
            "nothing on standard output; {}",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    let summary: Value = from_str(last).unwrap();
    assert_eq!(summary["type"], "summary");
    for line in text.lines() {
        let _: Value = from_str(line).unwrap();
    }
    (output.status.code(), summary)
}

#[test]
fn every_packet_arrives_and_every_trace_is_right() {
    let (code, summary) = summary(&[]);
    assert_eq!(code, Some(0), "{summary:#}");
    assert_eq!(summary["good"], true);
    assert_eq!(summary["errors"], serde_json::json!({}));
    let packets = &summary["packets"];
    assert_eq!(
        (&packets["sent"], &packets["received"]),
        (&3000.into(), &3000.into())
    );
    assert_eq!(
        (&packets["lost"], &packets["not_ipv6"]),
        (&0.into(), &3.into())
    );
    assert_eq!(summary["traces"], 2997);
    assert_eq!(summary["mbufs_leaked"], 0);
    let nodes = summary["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 4);
    assert!(
        nodes.iter().all(|node| node["packets"] == 3000),
        "{nodes:?}"
    );
    let path = summary["trace"]["nodes"].as_array().unwrap();
    let hop_limits: Vec<_> = path.iter().map(|node| node["hop_limit"].as_u64()).collect();
    assert_eq!(hop_limits, [Some(64), Some(63), Some(62), Some(61)]);
}

#[test]
fn every_mode_verifies_what_its_options_leave_behind() {
    let every = |count: u64| vec![serde_json::json!(count); 4];
    for (mode, traces, exports, proofs, numbers) in [
        ("trace", 2997, 0, 0, None),
        ("dex", 0, 2997, 0, None),
        ("e2e", 0, 0, 0, Some(2997)),
        ("pot", 0, 0, 2997, None),
        ("all", 2997, 2997, 2997, Some(2997)),
    ] {
        let (code, summary) = summary(&["--mode", mode]);
        assert_eq!(code, Some(0), "{summary:#}");
        assert_eq!(summary["mode"], mode);
        assert_eq!(summary["traces"], traces, "{mode}");
        assert_eq!(
            summary["exports"].as_array(),
            Some(&every(exports)),
            "{mode}"
        );
        assert_eq!(summary["proofs"], proofs, "{mode}");
        let sequence = &summary["edge_to_edge"];
        assert_eq!(sequence["received"].as_u64(), numbers, "{mode}");
        assert_eq!(sequence["lost"].as_u64(), numbers.map(|_| 0), "{mode}");
    }
}

#[test]
fn plain_traffic_goes_its_way_without_a_trace() {
    let (code, mixed) = summary(&["--share", "25", "--frame-size", "1514"]);
    assert_eq!(code, Some(0), "{mixed:#}");
    let traced = mixed["traces"].as_u64().unwrap();
    assert!((748..=750).contains(&traced), "{traced}");
    assert_eq!(mixed["packets"]["to_trace"], mixed["traces"]);
    let (code, plain) = summary(&["--share", "0", "--frame-size", "80"]);
    assert_eq!((code, &plain["traces"]), (Some(0), &0.into()), "{plain:#}");
}

#[test]
fn one_cpu_is_enough() {
    let list = std::fs::read_to_string("/proc/self/status").unwrap();
    let allowed = list
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .unwrap();
    let cpu = allowed.trim().split([',', '-']).next().unwrap();
    let (code, summary) = summary(&["--cpus", &format!("{cpu},{cpu}")]);
    assert_eq!(
        (code, &summary["traces"]),
        (Some(0), &2997.into()),
        "{summary:#}"
    );
}

#[test]
fn the_last_line_says_whether_all_was_well() {
    let output = demo(&["--packets", PACKETS]);
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = "2,997 traces of 4 nodes verified, 0 errors; \
                    3,000 packets sent, 3,000 received, 0 lost";
    assert_eq!(text.lines().last(), Some(expected), "{text}");
    assert!(
        !text.contains('\x1b'),
        "control sequences where there is no terminal"
    );
    assert!(output.status.success());
}

/// What is damaged between two nodes, and the error it must be called.
const DAMAGE: [(&str, &str); 17] = [
    ("node-id", "trace-node-id"),
    ("trace-hop-limit", "trace-hop-limit"),
    ("interfaces", "trace-interfaces"),
    ("time", "trace-time"),
    ("delay", "trace-delay"),
    ("namespace-data", "trace-namespace-data"),
    ("queue-depth", "trace-queue-depth"),
    ("snapshot", "trace-snapshot"),
    ("namespace", "traces-missing"),
    ("overflow", "trace-overflow"),
    ("content", "packet-content"),
    ("hop-limit", "packet-hop-limit"),
    ("lose", "packets-lost"),
    ("duplicate", "packet-duplicate"),
    ("reorder", "packet-out-of-order"),
    ("leak", "buffers-leaked"),
    ("keep", "decap/edge_egress"),
];

#[test]
fn damage_is_noticed_and_named() {
    for (kind, error) in DAMAGE {
        let (code, summary) = summary(&["--break", kind]);
        assert_eq!(code, Some(1), "{kind}: {summary:#}");
        assert_eq!(summary["good"], false);
        let count = summary["errors"][error].as_u64().unwrap_or(0);
        let expected = if kind == "keep" { 1..=3000 } else { 1..=1 };
        assert!(expected.contains(&count), "{kind}: {summary:#}");
    }
}

#[test]
fn an_interrupt_ends_it_early_with_the_summary() {
    let program = env!("CARGO_BIN_EXE_ioam");
    let mut child = Command::new(program)
        .args(["demo", "--json", "--seconds", "60"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let progress: Value = from_str(&lines.next().unwrap()).unwrap();
    assert_eq!(progress["type"], "progress");
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let summary: Value = from_str(&lines.last().unwrap()).unwrap();
    assert_eq!(
        (&summary["type"], &summary["good"]),
        (&"summary".into(), &true.into())
    );
    assert!(summary["seconds"].as_f64().unwrap() < 50.0);
    assert!(child.wait().unwrap().success());
}

#[test]
fn nonsense_is_a_usage_error() {
    for arguments in [
        &["--packets", "0"][..],
        &["--seconds", "0"],
        &["--seconds", "NaN"],
        &["--share", "101"],
        &["--frame-size", "64"],
        &["--cpus", "1"],
    ] {
        assert_eq!(demo(arguments).status.code(), Some(2), "{arguments:?}");
    }
    let output = demo(&["--cpus", "4000,4001"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("error: CPU 4000 is not allowed to this process; "),
        "{said}"
    );
}
