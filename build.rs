// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Stamps where a build comes from, so that `ioam --version` and every benchmark line can say it.
//!
//! Shared by the root package and `ioam-app` (`build = "../build.rs"`). Sets, for `env!`:
//!
//! | variable | example |
//! |---|---|
//! | `IOAM_GIT` | `v0.1.0-3-g1a2b3c4-dirty`, or `unknown` outside a git clone |
//! | `IOAM_RUSTC` | `rustc 1.95.0 (59807616e 2026-04-14)` |
//! | `IOAM_DPDK` | `22.11.11`, or `not linked` where the package does not depend on `dpdk-sys` |
//! | `IOAM_TARGET` | `x86_64-unknown-linux-gnu` |
//! | `IOAM_TARGET_CPU` | `generic`, or the `target-cpu` of `RUSTFLAGS` |
//! | `IOAM_TARGET_FEATURES` | `fxsr,sse,sse2,x87` |
//! | `IOAM_PROFILE` | `release` or `debug` |
//! | `IOAM_PROVENANCE` | all of the above but the features, in one line |

use std::env;
use std::path::Path;
use std::process::Command;

/// Folders whose change can turn a clean tree into a dirty one, relative to the workspace.
const SOURCES: [&str; 6] = [
    "build.rs",
    "ioam-dp",
    "config",
    "dpdk-sys",
    "ioam-app",
    "Cargo.lock",
];

fn main() {
    watch_sources();
    watch_git();
    let git = git(&["describe", "--always", "--tags", "--dirty"]).unwrap_or("unknown".to_owned());
    let rustc = output(Command::new(variable("RUSTC", "rustc")).arg("--version"))
        .unwrap_or("unknown rustc".to_owned());
    let dpdk = variable("DEP_DPDK_VERSION", "not linked");
    let target = variable("TARGET", "unknown");
    let cpu = target_cpu();
    let profile = variable("PROFILE", "unknown");
    for (name, value) in [
        ("IOAM_GIT", &git),
        ("IOAM_RUSTC", &rustc),
        ("IOAM_DPDK", &dpdk),
        ("IOAM_TARGET", &target),
        ("IOAM_TARGET_CPU", &cpu),
        (
            "IOAM_TARGET_FEATURES",
            &variable("CARGO_CFG_TARGET_FEATURE", ""),
        ),
        ("IOAM_PROFILE", &profile),
        (
            "IOAM_PROVENANCE",
            &format!("git {git}, {rustc}, DPDK {dpdk}, {target}, target-cpu {cpu}, {profile}"),
        ),
    ] {
        println!("cargo::rustc-env={name}={value}");
    }
}

fn variable(name: &str, otherwise: &str) -> String {
    println!("cargo::rerun-if-env-changed={name}");
    env::var(name).unwrap_or_else(|_| otherwise.to_owned())
}

/// The `target-cpu` given in `RUSTFLAGS`; the last one counts, as for rustc.
fn target_cpu() -> String {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    flags
        .split('\u{1f}')
        .filter_map(|flag| flag.split_once("target-cpu="))
        .next_back()
        .map_or("generic", |(_, cpu)| cpu)
        .to_owned()
}

/// The workspace: beside this file, whichever of the two packages is being built.
fn workspace() -> &'static Path {
    if Path::new("Cargo.lock").exists() {
        Path::new(".")
    } else {
        Path::new("..")
    }
}

fn watch_sources() {
    for source in SOURCES {
        watch(&workspace().join(source));
    }
}

/// Runs this script again after a commit, a checkout or a `git add`.
fn watch_git() {
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]).unwrap_or("HEAD".to_owned());
    for file in ["HEAD", "index", "packed-refs", &branch] {
        if let Some(path) = git(&["rev-parse", "--path-format=absolute", "--git-path", file]) {
            watch(Path::new(&path));
        }
    }
}

/// A missing file would make cargo run this script on every build.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

/// Asks git about this tree. No optional locks: refreshing the index here would make the next
/// build look stale. Any owner will do: what a clone may run, it runs already by being built.
fn git(arguments: &[&str]) -> Option<String> {
    output(
        Command::new("git")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .args(["-c", "safe.directory=*"])
            .args(arguments),
    )
}

fn output(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
