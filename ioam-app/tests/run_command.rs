// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam run` as a command: how it starts, refuses and ends, on ports that need nothing.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const NODE: &str = "runtime: {memory: no-huge, buffers: 4096}
ports:
  - {name: a, device: net_null0}
  - {name: b, device: net_null1}
forwarding: {mode: wire, pairs: [[a, b]]}
";

fn configuration(name: &str, text: &str) -> PathBuf {
    let file = format!("ioam-run-{name}-{}.yaml", std::process::id());
    let path = std::env::temp_dir().join(file);
    std::fs::write(&path, text).expect("a file in the temporary folder");
    path
}

fn ioam(config: &PathBuf, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ioam"));
    command
        .args(["run", "--config"])
        .arg(config)
        .args(flags)
        .stdin(Stdio::null());
    command
}

/// Waits for the end, but not for ever: a hang is what some of these tests are about.
fn ends(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(120) {
        if let Some(status) = child.try_wait().expect("a child to wait for") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    None
}

#[test]
fn a_run_whose_output_nobody_reads_still_ends() {
    let config = configuration("unread", NODE);
    let mut command = ioam(&config, &["--duration", "0.2"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ioam");
    drop(child.stdout.take());
    drop(child.stderr.take());
    assert_eq!(ends(&mut child), Some(0));
}

#[test]
fn the_final_statistics_add_up() {
    let config = configuration("sum", NODE);
    let output = ioam(&config, &["--duration", "0.3", "--json"])
        .output()
        .expect("ioam");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    let port = |place: usize, key: &str| report["ports"][place][key].as_u64().expect("a count");
    assert!(port(0, "received") > 0);
    assert_eq!(port(0, "received"), port(1, "sent") + dropped(&report) / 2);
    assert_eq!(report["mbufs_leaked"], 0);
}

fn dropped(report: &serde_json::Value) -> u64 {
    report["counters"]["tx_full"].as_u64().expect("a count")
}

#[test]
fn what_is_missing_is_one_sentence_and_exit_code_1() {
    let absent = NODE.replace("net_null1", "\"net_af_packet0,iface=noSuchIf\"");
    let cpu = NODE.replace("buffers: 4096", "worker-cpus: [4095]");
    let pci = NODE.replace("net_null1", "\"0000:ff:1f.7\"");
    for (name, text, says) in [
        ("absent", absent, "noSuchIf"),
        ("cpu", cpu, "4095"),
        ("pci", pci, "0000:ff:1f.7"),
    ] {
        let config = configuration(name, &text);
        let output = ioam(&config, &["--duration", "1"]).output().expect("ioam");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {stderr}");
        assert!(
            stderr.contains(says) && !stderr.contains("panicked"),
            "{name}: {stderr}"
        );
    }
}

#[test]
fn a_dry_run_starts_nothing_and_shows_who_polls_what() {
    let config = configuration("dry", NODE);
    let output = ioam(&config, &["--dry-run"]).output().expect("ioam");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success());
    assert!(
        stdout.contains("a/0 b/0") && stdout.contains("--lcores 0@"),
        "{stdout}"
    );
    assert!(!stdout.contains("symmetric"), "{stdout}");
    let several = NODE.replace("net_null1", "net_null1, queues: 2");
    let output = ioam(&configuration("dry2", &several), &["--dry-run"]).output();
    let output = output.expect("ioam");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("by a symmetric hash"), "{stdout}");
}
