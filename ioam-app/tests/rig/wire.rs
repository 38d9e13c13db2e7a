// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Two interfaces of the kernel for a node's ports, and their other ends for a test to send by.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use super::{Need, Turn, run, turn};

/// Sends frames, written in hexadecimal, a line each, by an interface.
const SEND: &str = "
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for line in iter(sys.stdin.readline, ''):
    s.send(bytes.fromhex(line))
";

/// Two pairs of interfaces, which go with it.
///
/// One at a time on a machine: `net_af_packet` takes numbers that clash between processes.
pub(crate) struct Wire {
    pub(crate) east: String,
    pub(crate) west: String,
    sender: Child,
    _turn: Turn,
}

impl Wire {
    /// `None`, said loudly, where the machine lacks something; where nothing may be skipped, it fails.
    pub(crate) fn new(name: &str, needs: &[Need]) -> Option<Self> {
        let tools = ["ip", "sysctl", "python3", "tshark"].map(Need::Tool);
        let turn = turn(&[&[Need::Root][..], &tools, needs].concat())?;
        let own = std::process::id() % 100_000;
        let (east, west) = (format!("{name}e{own}"), format!("{name}w{own}"));
        for end in [&east, &west] {
            let far = format!("{end}f");
            run(&[
                "ip", "link", "add", end, "type", "veth", "peer", "name", &far,
            ]);
            for end in [end, &far] {
                let key = format!("net.ipv6.conf.{end}.disable_ipv6=1");
                run(&["sysctl", "-qw", &key]);
                run(&[
                    "ip",
                    "link",
                    "set",
                    end,
                    "arp",
                    "off",
                    "multicast",
                    "off",
                    "mtu",
                    "3000",
                    "up",
                ]);
            }
        }
        let sender = Command::new("python3")
            .args(["-c", SEND, &format!("{east}f")])
            .stdin(Stdio::piped())
            .spawn();
        Some(Self {
            east,
            west,
            sender: sender.expect("python3"),
            _turn: turn,
        })
    }

    /// The device of a port at `end`.
    pub(crate) fn device(number: usize, end: &str) -> String {
        format!("net_af_packet{number},iface={end},framesz=4096,blocksz=65536,framecnt=1024")
    }

    /// Sends frames to the node's port in the east.
    pub(crate) fn send<F: AsRef<[u8]>>(&mut self, frames: &[F]) {
        let mut lines = String::new();
        for frame in frames {
            for octet in frame.as_ref() {
                let _ = write!(lines, "{octet:02x}");
            }
            lines.push('\n');
        }
        let stdin = self.sender.stdin.as_mut().expect("a pipe");
        stdin.write_all(lines.as_bytes()).expect("a pipe");
        stdin.flush().expect("a pipe");
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = self.sender.kill();
        let _ = self.sender.wait();
        for end in [&self.east, &self.west] {
            let _ = Command::new("ip").args(["link", "del", end]).status();
        }
    }
}
