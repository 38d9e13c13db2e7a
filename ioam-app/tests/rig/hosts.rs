// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ordinary hosts of an ordinary kernel, and what they say to each other.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::netns::{End, Namespace};

/// Gives a host its address.
pub(crate) fn address(end: &End<'_>, address: &str) {
    end.at
        .ip(&format!("addr add {address}/64 dev {} nodad", end.name));
}

/// The numbers of the echo requests that were not answered, of `count` with `size` octets each, none
/// fragmented.
pub(crate) fn ping(from: &Namespace, to: &str, count: u32, size: u32, interval: &str) -> Vec<u32> {
    let mut command = from.command("ping");
    command.args(["-6", "-n", "-M", "do", "-W", "10", "-i", interval]);
    command.args(["-c", &count.to_string(), "-s", &size.to_string(), to]);
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let answered: BTreeSet<u32> = text
        .lines()
        .filter(|line| line.contains("bytes from"))
        .filter_map(|line| {
            line.split_once("icmp_seq=")?
                .1
                .split(' ')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    (1..=count)
        .filter(|number| !answered.contains(number))
        .collect()
}

/// What `octets` of TCP brought: both digests, the sender's first.
pub(crate) fn tcp(from: &Namespace, to: &Namespace, address: &str, octets: u32) -> [String; 2] {
    let mut sink = Helper::start(to, &["tcp-sink", address, "5001"]);
    let source = helper(from, &["tcp-source", address, "5001", &octets.to_string()]);
    [said(source), sink.line()]
}

/// Datagrams that came back whole, of `count`.
pub(crate) fn udp(from: &Namespace, to: &Namespace, address: &str, count: u32, size: u32) -> u32 {
    let _echo = Helper::start(to, &["udp-echo", address, "5002"]);
    let numbers = [count.to_string(), size.to_string()];
    let ask = helper(
        from,
        &["udp-ask", address, "5002", &numbers[0], &numbers[1]],
    );
    said(ask).parse().unwrap()
}

fn helper(at: &Namespace, words: &[&str]) -> Command {
    let mut command = at.command("python3");
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rig/host.py"))
        .args(words);
    command
}

fn said(mut command: Command) -> String {
    let output = command.output().unwrap();
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).trim().to_owned();
    match output.status.success() {
        true => text(&output.stdout),
        false => text(&output.stderr)
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned(),
    }
}

/// A helper that listens; it ends with the test at the latest.
struct Helper {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Helper {
    fn start(at: &Namespace, words: &[&str]) -> Self {
        let mut command = helper(at, words);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut helper = Self { child, lines };
        assert_eq!(helper.line(), "ready", "{words:?}");
        helper
    }

    fn line(&mut self) -> String {
        self.lines.next().and_then(Result::ok).unwrap_or_default()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
