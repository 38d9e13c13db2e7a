// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The program as a system sees it: notifications, manual pages, completions, installation, and the
//! examination of the machine it runs on.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

const NODE: &str = "runtime: {memory: no-huge, buffers: 4096}
ports:
  - {name: a, device: net_null0}
  - {name: b, device: net_null1}
forwarding: {mode: wire, pairs: [[a, b]]}
";

/// A folder of its own, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("ioam-service-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn ioam(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ioam"))
        .args(words)
        .output()
        .unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn systemd_is_told_of_the_start_of_every_second_and_of_the_end() {
    let folder = Folder::new("notify");
    let config = folder.0.join("node.yaml");
    fs::write(&config, NODE).unwrap();
    let path = folder.0.join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let patience = Some(Duration::from_secs(60));
    socket.set_read_timeout(patience).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ioam"))
        .args(["run", "--duration", "2.5", "--config"])
        .arg(&config)
        .env("NOTIFY_SOCKET", &path)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut words = Vec::new();
    while words.last().is_none_or(|word| word != "STOPPING=1") {
        let mut octets = [0; 256];
        let length = socket.recv(&mut octets).unwrap();
        words.push(String::from_utf8_lossy(&octets[..length]).trim().to_owned());
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(words[0], "READY=1", "{words:?}");
    assert!(words.len() >= 3, "{words:?}");
    let between = &words[1..words.len() - 1];
    assert!(between.iter().all(|word| word == "WATCHDOG=1"), "{words:?}");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::new("man");
    let output = ioam(&["man", folder.0.to_str().unwrap()]);
    assert!(output.status.success());
    for name in [
        "ioam",
        "ioam-run",
        "ioam-doctor",
        "ioam-bind",
        "ioam-import-linux",
    ] {
        let text = fs::read_to_string(folder.0.join(format!("{name}.1"))).unwrap();
        assert!(text.contains(".TH") && text.contains(name), "{name}");
    }
    let output = ioam(&["man", "/no/such/folder"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("/no/such/folder"), "{errors}");
}

#[test]
fn bash_reads_the_completion_and_knows_the_commands() {
    let output = ioam(&["completion", "bash"]);
    let script = String::from_utf8(output.stdout).unwrap();
    let ask = "COMP_WORDS=(ioam doc); COMP_CWORD=1; _ioam ioam doc ioam; echo ${COMPREPLY[@]}";
    let output = Command::new("bash")
        .args(["-c", &format!("{script}\n{ask}")])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "doctor");
    for shell in ["zsh", "fish"] {
        let output = ioam(&["completion", shell]);
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("import-linux"),
            "{shell}"
        );
    }
}

#[test]
fn what_is_installed_is_what_is_removed() {
    let folder = Folder::new("install");
    let install = |words: &[&str]| {
        let output = Command::new(root().join("scripts/install"))
            .args(words)
            .env("IOAM", env!("CARGO_BIN_EXE_ioam"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let destdir = folder.0.to_str().unwrap();
    install(&["/opt/ioam", destdir]);
    let prefix = folder.0.join("opt/ioam");
    for file in [
        "bin/ioam",
        "share/man/man1/ioam-run.1.gz",
        "share/bash-completion/completions/ioam",
        "share/zsh/site-functions/_ioam",
        "share/fish/vendor_completions.d/ioam.fish",
        "share/doc/ioam/samples/transit.yaml",
        "lib/systemd/system/ioam.service",
    ] {
        assert!(prefix.join(file).is_file(), "{file}");
    }
    let unit = fs::read_to_string(prefix.join("lib/systemd/system/ioam.service")).unwrap();
    assert!(unit.contains("ExecStart=/opt/ioam/bin/ioam run"), "{unit}");
    install(&["--remove", "/opt/ioam", destdir]);
    assert_eq!(files_below(&folder.0), 0);
}

fn files_below(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| match entry.path() {
            path if path.is_dir() => files_below(&path),
            _ => 1,
        })
        .sum()
}

#[test]
fn this_machine_is_examined_and_the_exit_code_says_whether_a_node_can_run() {
    let folder = Folder::new("doctor");
    let config = folder.0.join("node.yaml");
    fs::write(&config, NODE).unwrap();
    let config = config.to_str().unwrap();
    let output = ioam(&["doctor", "--config", config, "--json"]);
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let errors = object["errors"].as_u64().unwrap();
    let warnings = object["warnings"].as_u64().unwrap();
    assert_eq!(
        output.status.code(),
        Some(i32::from(errors > 0)),
        "{object:#}"
    );
    assert!(object["findings"].as_array().unwrap().len() > 5);
    let strict = ioam(&["doctor", "--config", config, "--strict"]);
    assert_eq!(strict.status.code(), Some(i32::from(errors + warnings > 0)));
    let table = String::from_utf8_lossy(&strict.stdout).into_owned();
    assert!(table.contains(&format!("{warnings} warning")), "{table}");
    let missing = ioam(&["doctor", "--config", "/no/such.yaml"]);
    assert_eq!(missing.status.code(), Some(1));
}

#[test]
fn binding_what_is_not_there_is_one_sentence() {
    for command in ["bind", "unbind"] {
        let output = ioam(&[command, "--dry-run", "ffff:ff:1f.7"]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(
            errors.contains("there is no PCI device ffff:ff:1f.7"),
            "{errors}"
        );
    }
}
