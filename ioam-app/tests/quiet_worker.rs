// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A worker that forwards asks nothing of the kernel: strace watches its thread and sees no system
//! call, so no lock that waits either, which would be a futex.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod rig;
mod running;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rig::Need;
use rig::packet::Udp;
use running::{Folder, Node};

/// How long the worker is watched.
const WATCH: Duration = Duration::from_secs(1);

/// Packets come from memory and go nowhere, with no system call of the ports' own. Every one gets a
/// direct export option, is numbered by its flow, and is recorded; records go to a file.
const NODE: &str = "runtime: {memory: no-huge, buffers: 4096}
node: {id: 0x0a0001}
ports:
  - {name: east, device: 'net_pcap0,rx_pcap=IN,infinite_rx=1', ioam: true, address: '2001:db8::a'}
  - {name: west, device: net_null0, ioam: true}
forwarding: {mode: wire, pairs: [[east, west]], decrement-hop-limit: true}
namespaces: [{id: 123}, {id: 124}]
profiles:
  - name: exported
    filter: {in-port: east, dscp: 0}
    placement: inline
    direct-export-profile: {node-action: encapsulate, trace-types: {use-namespace: 123, trace-type: [hop-lim-node-id, if-id]}, flow-id: hash, enable-sequence-number: true, record-self: true}
  - name: traced
    filter: {in-port: east, dscp: 9}
    preallocated-tracing-profile: {node-action: encapsulate, trace-types: {use-namespace: 124, trace-type: [hop-lim-node-id, if-id, timestamp-seconds, timestamp-fraction]}, max-length: 64, placement: inline}
export: {ndjson: /dev/null}
control: {socket: SOCKET}
";

/// strace on one thread, writing what that thread asks of the kernel to a file.
struct Watch {
    strace: Child,
    said: BufReader<std::process::ChildStderr>,
}

impl Watch {
    /// Returns when it watches; why not, where it may not.
    fn on(thread: &str, file: &Path) -> Result<Self, String> {
        let mut strace = Command::new("strace")
            .args(["-p", thread, "-o"])
            .arg(file)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(strace.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        if line.contains("attached") {
            return Ok(Self { strace, said });
        }
        strace.wait().unwrap();
        Err(line)
    }

    /// Lets go of the thread again, which goes on.
    fn end(mut self) {
        let id = self.strace.id().to_string();
        rig::run(&["kill", "-INT", &id]);
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        self.strace.wait().unwrap();
    }
}

/// The thread of the process whose name begins so.
fn thread_named(process: i32, name: &str) -> Option<String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let mut ids = threads.flatten().map(|entry| entry.file_name());
    ids.find_map(|id| {
        let id = id.to_str()?.to_owned();
        let path = format!("/proc/{process}/task/{id}/comm");
        fs::read_to_string(path)
            .ok()?
            .starts_with(name)
            .then_some(id)
    })
}

/// The worker's, which is DPDK's to name: `rte-worker` since 23.07.
fn worker_of(process: i32) -> String {
    let names = ["lcore-worker", "rte-worker"];
    let mut found = names.iter().filter_map(|name| thread_named(process, name));
    found.next().expect("a worker's thread")
}

fn start(folder: &Folder) -> Node {
    let frames = [0, 9, 10].map(|dscp: u32| {
        let packet = Udp {
            class_and_label: dscp << 22 | 0x1_2345,
            ..Udp::new("2001:db8:1::1", "2001:db8:2::2", (5000, 53))
        };
        rig::packet::frame([2; 6], [4; 6], &packet.packet())
    });
    rig::pcap::write(&folder.path("in.pcap"), 0, &frames);
    let socket = folder.path("node.sock");
    let text = NODE
        .replace("IN,", &format!("{},", folder.path("in.pcap").display()))
        .replace("SOCKET", &socket.display().to_string());
    Node::start(&folder.write("node.yaml", &text), &socket)
}

/// Packets its first port has received.
fn received(node: &Node) -> u64 {
    let ports = node.json(&["show", "ports", "--window", "0.1"]);
    ports["ports"][0]["counts"]["received"]
        .as_u64()
        .unwrap_or_else(|| panic!("{ports}"))
}

/// What the thread asks of the kernel in a while, a line each; why not, where strace may not attach.
fn calls_of(thread: &str, folder: &Folder) -> Result<Vec<String>, String> {
    let file = folder.path("calls");
    let watch = Watch::on(thread, &file)?;
    std::thread::sleep(WATCH);
    watch.end();
    let calls = fs::read_to_string(&file).unwrap();
    Ok(calls.lines().take(10).map(str::to_owned).collect())
}

#[test]
fn a_worker_that_forwards_makes_no_system_call() {
    let Some(_turn) = rig::turn(&[Need::Root, Need::Tool("strace")]) else {
        return;
    };
    let folder = Folder::new("quiet-worker");
    let node = start(&folder);
    let before = received(&node);
    let calls = match calls_of(&worker_of(node.pid()), &folder) {
        Ok(calls) => calls,
        Err(why) => return rig::skip(&format!("strace may not attach here: {why}")),
    };
    let after = received(&node);
    assert_eq!(calls, [""; 0], "what the worker asked of the kernel");
    assert!(after > before + 1000, "it stood still: {before}, {after}");
    // A thread that does ask is seen to.
    let export = thread_named(node.pid(), "export").expect("the exporter's thread");
    assert_ne!(calls_of(&export, &folder), Ok(Vec::new()));
    let report = node.stop();
    for profile in report["profiles"].as_array().unwrap() {
        assert!(profile["done"].as_u64() > Some(0), "{profile}");
    }
}
