// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Two interfaces of the kernel for a node's ports, and their other ends for a test to send by.

#![allow(dead_code, reason = "not every test file wants everything")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Sends frames, written in hexadecimal, a line each, by an interface.
const SEND: &str = "
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for line in sys.stdin:
    s.send(bytes.fromhex(line))
";

/// Two pairs of interfaces, which go with it.
pub(crate) struct Wire {
    pub(crate) east: String,
    pub(crate) west: String,
}

impl Wire {
    /// `None`, said loudly, where the machine lacks something; where nothing may be skipped, it fails.
    pub(crate) fn new(name: &str) -> Option<Self> {
        if let Some(why) = missing() {
            let set = |name| std::env::var(name).is_ok_and(|value| !["", "0"].contains(&&*value));
            assert!(
                !set("CI") && !set("IOAM_REQUIRE_ALL"),
                "would be SKIPPED: {why}"
            );
            println!("SKIPPED: {why}");
            return None;
        }
        let own = std::process::id() % 100_000;
        let wire = Self {
            east: format!("{name}e{own}"),
            west: format!("{name}w{own}"),
        };
        for end in [&wire.east, &wire.west] {
            let far = format!("{end}f");
            run(&[
                "ip", "link", "add", end, "type", "veth", "peer", "name", &far,
            ]);
            for end in [end, &far] {
                let key = format!("net.ipv6.conf.{end}.disable_ipv6=1");
                run(&["sysctl", "-qw", &key]);
                run(&["ip", "link", "set", end, "mtu", "3000", "up"]);
            }
        }
        Some(wire)
    }

    /// The device of a port at `end`.
    pub(crate) fn device(number: usize, end: &str) -> String {
        format!("net_af_packet{number},iface={end},framesz=4096,blocksz=65536,framecnt=1024")
    }

    /// Sends frames to the node, by its port `end`.
    pub(crate) fn send<F: AsRef<[u8]>>(end: &str, frames: &[F]) {
        let mut child = Command::new("python3")
            .args(["-c", SEND, &format!("{end}f")])
            .stdin(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut lines = String::new();
        for frame in frames {
            for octet in frame.as_ref() {
                let _ = write!(lines, "{octet:02x}");
            }
            lines.push('\n');
        }
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(lines.as_bytes()).expect("a pipe");
        drop(stdin);
        assert!(child.wait().expect("python3").success());
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for end in [&self.east, &self.west] {
            let _ = Command::new("ip").args(["link", "del", end]).status();
        }
    }
}

fn missing() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let effective = user.and_then(|ids| ids.split_whitespace().nth(1));
    if effective != Some("0") {
        return Some("interfaces of the kernel need root".to_owned());
    }
    let tools = ["ip", "sysctl", "python3", "tshark"];
    tools
        .into_iter()
        .find(|tool| !has_tool(tool))
        .map(|tool| format!("there is no {tool}; scripts/setup test installs it"))
}

/// Whether a program is in PATH.
pub(crate) fn has_tool(name: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&paths).map(|path: PathBuf| path.join(name));
    places.any(|path| path.exists())
}

fn run(words: &[&str]) {
    let status = Command::new(words[0]).args(&words[1..]).status();
    assert!(status.expect("a program").success(), "{words:?}");
}
