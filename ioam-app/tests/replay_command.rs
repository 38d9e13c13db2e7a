// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam replay` as a command: what it prints where, and how it ends.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "replay/bench.rs"]
#[allow(dead_code, reason = "not every test file wants everything")]
mod bench;

use std::process::{Command, Output, Stdio};

use bench::{Bench, TIME, frame, vector, yaml};
use serde_json::Value;

fn bench(name: &str, packets: usize) -> Bench {
    let vector = vector("D01");
    let bench = Bench::new(&format!("command-{name}"), &yaml(&vector));
    let frame = frame(&vector, "in");
    bench.capture("in.pcap", std::iter::repeat_n((TIME, &frame[..]), packets));
    bench
}

fn command(bench: &Bench, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ioam"));
    command
        .current_dir(&bench.folder)
        .arg("replay")
        .args(words.split_whitespace());
    command.stdin(Stdio::null()).env_remove("RUST_BACKTRACE");
    command
}

fn run(bench: &Bench, words: &str) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command(bench, words).output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn the_summary_goes_to_standard_output() {
    let bench = bench("summary", 2);
    let (code, out, err) = run(
        &bench,
        "--config node.yaml --in east=in.pcap --out west=o.pcap",
    );
    assert_eq!(code, Some(0));
    assert!(
        out.contains("o.pcap") && out.contains("the-profile"),
        "{out}"
    );
    assert_eq!(err, "");
    let (code, out, _) = run(&bench, "--config node.yaml --in east=in.pcap --json");
    assert_eq!(code, Some(0));
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["outputs"][1]["packets"], 2);
    assert_eq!(value["records"]["discarded"], 2);
}

#[test]
fn records_on_standard_output_are_alone_there() {
    let bench = bench("alone", 3);
    let (code, out, err) = run(&bench, "--config node.yaml --in east=in.pcap --records -");
    assert_eq!(code, Some(0));
    assert_eq!(out.lines().count(), 3);
    for line in out.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
    assert!(err.contains("records: 3 written"), "{err}");
}

#[test]
fn a_reader_that_goes_early_is_no_panic() {
    let bench = bench("early", 3000);
    let mut command = command(&bench, "--config node.yaml --in east=in.pcap --records -");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert_eq!(
        err.matches("cannot write to standard output").count(),
        1,
        "{err}"
    );
    // A pipe holds less than these lines, however early it is closed.
    assert!(err.contains(" LOST"), "{err}");
}

#[test]
fn records_for_a_full_disk_end_with_an_error() {
    let bench = bench("full", 3);
    let words = "--config node.yaml --in east=in.pcap --records /dev/full";
    let (code, _, err) = run(&bench, words);
    assert_eq!(code, Some(1));
    assert!(
        err.contains("3 records could not be written to /dev/full"),
        "{err}"
    );
}

#[test]
fn mistakes_end_with_one_sentence_and_their_code() {
    let bench = bench("mistakes", 1);
    let (code, out, err) = run(&bench, "--config node.yaml --in east=none.pcap");
    assert_eq!(
        (code, out.as_str(), err.lines().count()),
        (Some(1), "", 1),
        "{err}"
    );
    assert!(err.contains("none.pcap"), "{err}");
    let (code, _, err) = run(&bench, "--config node.yaml --in east");
    assert_eq!(code, Some(2));
    assert!(err.contains("east=east.pcap"), "{err}");
}
