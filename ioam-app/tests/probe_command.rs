// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam probe` and `ioam pot-keys` as a user meets them: the program itself, without hugepages or
//! root.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A node whose ports are each joined to themselves, so that it is both ends of its own domain. RECORDS
/// stands for a file, ASKED for what a trace is asked to do, TYPE for its type.
const NODE: &str = "node: {id: 0x0a0001, loopback: copy}
runtime: {memory: no-huge, buffers: 4096}
ports:
  - {name: west, device: net_ring0, ioam: true, address: \"2001:db8:ff::a\"}
  - {name: east, device: net_ring1, ioam: true, speed: 40000}
forwarding: {mode: wire, pairs: [[west, east]], decrement-hop-limit: true}
namespaces: [{id: 123}]
profiles:
  - name: probes
    filter: {in-port: [local]}
    active: probes
    placement: ip6-in-ip6
    tunnel: {source: \"2001:db8:ff::a\", destination: \"2001:db8:ff::d\", hop-limit: 64}
    preallocated-tracing-profile: {node-action: encapsulate, trace-types: {use-namespace: 123, trace-type: TYPE}, max-length: 48ASKED}
    e2e-profile:
      node-action: encapsulate
      e2e-types: {use-namespace: 123, e2e-type: [seq-num-32, timestamp-seconds, timestamp-fraction]}
  - name: end
    placement: ip6-in-ip6
    tunnel: {destination: \"2001:db8:ff::d\"}
    preallocated-tracing-profile: {node-action: decapsulate, trace-types: {use-namespace: 123}}
    e2e-profile: {node-action: decapsulate, e2e-types: {use-namespace: 123}}
probes:
  - {name: near, source: \"2001:db8:ff::a\", destination: \"2001:db8:2::1\", per-second: 50, port: west, next-hop: \"02:00:00:00:00:02\"}
  - {name: far, source: \"2001:db8:ff::a\", destination: \"2001:db8:2::2\", per-second: 50, port: west, next-hop: \"02:00:00:00:00:02\"}
export: {ndjson: RECORDS}
";

/// A folder of the test's own, empty at first.
fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("ioam-probe-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir(&path).expect("a folder in the temporary one");
    path
}

fn configuration(folder: &Path, text: &str) -> String {
    let (path, records) = (folder.join("node.yaml"), folder.join("records"));
    let text = text.replace("RECORDS", &records.display().to_string());
    std::fs::write(&path, text).expect("a configuration");
    path.display().to_string()
}

fn traced(kind: &str, asked: &str) -> String {
    NODE.replace("TYPE", kind).replace("ASKED", asked)
}

fn ioam(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ioam"));
    let command = command.args(words).stdin(Stdio::null());
    command.output().expect("ioam")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one object")
}

#[test]
fn probes_that_end_here_have_a_path_delays_and_no_loss() {
    let folder = folder("active");
    let kind = "[hop-lim-node-id, timestamp-seconds, timestamp-fraction]";
    let config = configuration(&folder, &traced(kind, ""));
    let outcome = json(&ioam(&[
        "probe",
        "--config",
        &config,
        "--count",
        "5",
        "--interval",
        "0.02",
        "--json",
    ]));
    for (place, name) in [(0, "near"), (1, "far")] {
        assert_eq!(outcome["sent"][place]["probe"], name);
        assert_eq!(outcome["sent"][place]["probes"], 5, "{outcome:#}");
        let destination = &outcome["destinations"][place];
        assert_eq!(destination["received"], 5, "{outcome:#}");
        let hops = destination["paths"][0]["hops"].as_array().unwrap();
        assert_eq!(hops[0]["node"], "0x0a0001");
        assert!(hops[1]["delay"]["min"].as_i64().unwrap() > 0, "{outcome:#}");
    }
    // One profile, one sequence, two destinations.
    assert_eq!(outcome["sequences"][0]["distinct"], 10, "{outcome:#}");
    assert_eq!(outcome["sequences"][0]["lost"], 0);

    let records = folder.join("records").display().to_string();
    let read = json(&ioam(&["probe", "--report", &records, "--json"]));
    assert_eq!(read["destinations"], outcome["destinations"]);
    let table = text(&ioam(&["probe", "--report", &records]).stdout);
    assert!(
        table.contains("2001:db8:ff::a -> 2001:db8:2::1: 5 probes"),
        "{table}"
    );
    assert!(table.contains("loss: 0 of 10 (0.00 %)"), "{table}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn copies_that_come_back_are_counted_by_hop() {
    let folder = folder("loopback");
    let config = configuration(&folder, &traced("[hop-lim-node-id]", ", loopback: true"));
    let outcome = json(&ioam(&[
        "probe",
        "--config",
        &config,
        "--name",
        "far",
        "--count",
        "4",
        "--interval",
        "0.02",
        "--json",
    ]));
    assert_eq!(outcome["sent"].as_array().unwrap().len(), 1);
    assert_eq!(outcome["sent"][0]["probes"], 4, "{outcome:#}");
    let looped = &outcome["looped_back"][0];
    assert_eq!(looped["address"], "2001:db8:ff::a");
    assert_eq!(looped["copies"], 4, "{outcome:#}");
    assert_eq!(looped["hops"][0]["node"], "0x0a0001");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_missing_is_one_sentence_and_exit_code_1() {
    let folder = folder("missing");
    let config = configuration(&folder, &traced("[hop-lim-node-id]", ""));
    for (words, says) in [
        (vec!["--config", &config, "--name", "nobody"], "near, far"),
        (vec!["--config", "/nonesuch.yaml"], "/nonesuch.yaml"),
        (vec!["--report", "/nonesuch.ndjson"], "/nonesuch.ndjson"),
        (vec!["--report", &config], "line 1 is no record"),
    ] {
        let output = ioam(&[&["probe"], &words[..]].concat());
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(
            stderr.contains(says) && !stderr.contains("panicked"),
            "{stderr}"
        );
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn dealt_keys_are_taken_by_the_nodes_and_not_written_twice() {
    let folder = folder("keys");
    let dir = folder.join("keys").display().to_string();
    let deal = || ioam(&["pot-keys", "--nodes", "2", "--dir", &dir]);
    let output = deal();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let config = configuration(
        &folder,
        "ports: [{name: a, device: net_null0, ioam: true}, {name: b, device: net_null1, ioam: true}]
forwarding: {mode: wire, pairs: [[a, b]]}
namespaces: [{id: 123, pot-keys: keys/node-2.yaml}]
profiles:
  - {name: verify, placement: inline, pot-profile: {node-action: decapsulate, use-namespace: 123}}
",
    );
    let check = ioam(&["check", &config]);
    assert!(check.status.success(), "{}", text(&check.stderr));
    let again = deal();
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("node-1.yaml: is there already"));
    std::fs::remove_dir_all(folder).unwrap();
}
