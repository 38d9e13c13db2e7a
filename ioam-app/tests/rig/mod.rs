// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The rig of the judges: namespaces, raw links, Linux as a peer, and the program as users start it.
//!
//! Nothing here knows the data plane's code: packets are built and read with their own few lines, so
//! that a fault there is not repeated in what a test expects.

#![allow(dead_code, reason = "not every judge wants everything")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

pub(crate) mod hosts;
pub(crate) mod link;
pub(crate) mod linux;
pub(crate) mod netns;
pub(crate) mod node;
pub(crate) mod packet;
pub(crate) mod pcap;
pub(crate) mod program;
pub(crate) mod table;
pub(crate) mod trace;
pub(crate) mod wire;

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One test at a time in this process.
static ONE: Mutex<()> = Mutex::new(());

/// A test's turn: workers poll, so that two tests at once would only make both slow.
pub(crate) struct Turn {
    _process: MutexGuard<'static, ()>,
    _machine: File,
}

/// What a test needs of the machine besides the program.
#[derive(Clone, Copy)]
pub(crate) enum Need {
    Root,
    /// A program in PATH.
    Tool(&'static str),
    /// A kernel that fills traces, and an `ip` that can tell it how.
    LinuxIoam,
}

/// Waits for this test's turn; `None`, said loudly, when the machine lacks something.
pub(crate) fn turn(needs: &[Need]) -> Option<Turn> {
    let process = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(why) = needs.iter().find_map(|need| need.missing()) {
        skip(&why);
        return None;
    }
    let path = std::env::temp_dir().join("ioam-rig.lock");
    // Another user's file locks as well, read-only.
    let machine = File::create(&path).or_else(|_| File::open(&path)).unwrap();
    machine.lock().unwrap();
    Some(Turn {
        _process: process,
        _machine: machine,
    })
}

/// Says that a test did not run; where none may be skipped, fails it.
pub(crate) fn skip(why: &str) {
    let set = |name| std::env::var(name).is_ok_and(|value| !["", "0", "false"].contains(&&*value));
    assert!(
        !set("CI") && !set("IOAM_REQUIRE_ALL"),
        "would be SKIPPED: {why}"
    );
    println!("SKIPPED: {why}");
}

impl Need {
    fn missing(self) -> Option<String> {
        match self {
            Self::Root => {
                let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
                let user = status.lines().find_map(|line| line.strip_prefix("Uid:"));
                let effective = user.and_then(|ids| ids.split_whitespace().nth(1));
                (effective != Some("0")).then(|| "network namespaces need root".to_owned())
            }
            Self::Tool(name) => {
                let paths = std::env::var_os("PATH").unwrap_or_default();
                let found = std::env::split_paths(&paths).any(|path| path.join(name).exists());
                (!found).then(|| format!("there is no {name}; scripts/setup test installs it"))
            }
            Self::LinuxIoam => {
                let sysctl = PathBuf::from("/proc/sys/net/ipv6/ioam6_id").exists();
                let ip = Command::new("ip")
                    .args(["ioam", "namespace", "show"])
                    .output();
                let works = sysctl && ip.is_ok_and(|output| output.status.success());
                (!works).then(|| "this kernel, or its ip command, has no IOAM".to_owned())
            }
        }
    }
}

/// Runs a command to its end and returns what it printed; panics with all it said when it fails.
pub(crate) fn run(words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "{words:?}: {}\n{out}{err}",
        output.status
    );
    out
}

/// Looks every few milliseconds until `found` has something, for `patience` at most.
pub(crate) fn wait_for<T>(patience: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(it) = found() {
            return Some(it);
        }
        if start.elapsed() > patience {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A directory of its own, removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("ioam-rig-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is a temporary file more, not a failed test.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// CPUs this process may use.
fn cpus() -> Vec<usize> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .unwrap();
    let ranges = list.trim().split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        first.parse::<usize>().unwrap()..=last.parse::<usize>().unwrap()
    });
    ranges.flatten().collect()
}

/// A `runtime:` section for the node number `place` of those that run at once, each worker on a CPU
/// of its own as far as there are any.
pub(crate) fn runtime(place: usize) -> String {
    let cpus = cpus();
    let line = match &cpus[..] {
        [_] => String::new(),
        cpus => {
            let worker = cpus[(2 * cpus.len() - 1 - place) % cpus.len()];
            let main = cpus.iter().find(|cpu| **cpu != worker).unwrap();
            format!("  main-cpu: {main}\n  worker-cpus: [{worker}]\n")
        }
    };
    format!("runtime:\n{line}  memory: no-huge\n  buffers: 4096\n")
}
