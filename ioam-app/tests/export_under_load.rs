// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Collectors that are killed, paused and restarted, a disk that is full and a configuration that
//! shrinks, all while packets flow: each costs what is its own, and every record is accounted for.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod rig;
mod running;

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use rig::Need;
use running::{Folder, Node, PATIENCE};
use serde_json::Value;

const NODE: &str = "runtime: {memory: no-huge, buffers: 4096}
node: {id: 0x0a0001}
ports:
  - {name: east, device: 'net_pcap0,rx_pcap=IN,infinite_rx=1', ioam: true}
  - {name: west, device: net_null0, ioam: true}
forwarding: {mode: wire, pairs: [[east, west]]}
namespaces: [{id: 123}, {id: 124}]
profiles:
  - name: some
    filter: {in-port: east}
    sampling: {first: 1, of: 500}
    placement: inline
    direct-export-profile: {node-action: encapsulate, trace-types: {use-namespace: 123, trace-type: [hop-lim-node-id, if-id]}, record-self: true}
  - name: extra
    filter: {dscp: 9}
    placement: inline
    preallocated-tracing-profile: {node-action: encapsulate, trace-types: {use-namespace: 124, trace-type: if-id}, max-length: 4}
export:
  ndjson: LINES
  collectors:
    - {name: steady, address: '::1', port: UDP, pen: 32473}
    - {name: moody, address: '::1', port: TCP, transport: tcp, pen: 32473, reconnect-seconds: 1, queue: 600}
control: {socket: SOCKET}
";

/// A node with packets, its two collectors, and where its lines go.
struct Stage {
    folder: Folder,
    text: String,
    node: Node,
    moody: SocketAddr,
    _steady: UdpSocket,
}

impl Stage {
    fn new(name: &str, lines: &str, listener: &TcpListener) -> Self {
        let folder = Folder::new(name);
        rig::pcap::write(&folder.path("in.pcap"), 0, &[rig::packet::any()]);
        let steady = UdpSocket::bind("[::1]:0").unwrap();
        let moody = listener.local_addr().unwrap();
        let socket = folder.path("node.sock");
        let text = NODE
            .replace("IN,", &format!("{},", folder.path("in.pcap").display()))
            .replace(
                "LINES",
                &lines.replace("FOLDER", &folder.path("").display().to_string()),
            )
            .replace("UDP", &steady.local_addr().unwrap().port().to_string())
            .replace("TCP", &moody.port().to_string())
            .replace("SOCKET", &socket.display().to_string());
        let node = Node::start(&folder.write("node.yaml", &text), &socket);
        Self {
            folder,
            text,
            node,
            moody,
            _steady: steady,
        }
    }

    fn export(&self) -> Value {
        self.node.json(&["show", "export", "--window", "0.1"])["export"].clone()
    }

    fn collector(&self, name: &str) -> Value {
        let export = self.export();
        let all = export["collectors"].as_array().unwrap();
        all.iter().find(|row| row["name"] == name).unwrap().clone()
    }

    /// Waits until it is so, and until meanwhile the steady collector has got more and lost nothing.
    fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let sent = |row: &Value| row["counts"]["sent"].as_u64().unwrap();
        let before = sent(&self.collector("steady"));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let steady = self.collector("steady");
            if sent(&steady) > before && is_so(self) {
                assert_eq!(steady["counts"]["dropped"], 0, "{what}: {steady}");
                return;
            }
            assert!(Instant::now() < deadline, "{what}: {}", self.export());
        }
    }

    fn ends_with_everything_accounted_for(self) {
        let report = self.node.stop();
        assert_eq!(report["mbufs_leaked"], 0);
        assert_eq!(report["ports"][0]["received"], report["ports"][1]["sent"]);
        let done = report["profiles"][0]["done"].as_u64().unwrap();
        let lost = report["counters"]["record_lost"].as_u64().unwrap_or(0);
        let count = |row: &Value, key: &str| row[key].as_u64().unwrap();
        for row in report["collectors"].as_array().unwrap() {
            assert_eq!(
                count(row, "sent") + count(row, "dropped"),
                count(row, "produced"),
                "{row}"
            );
            // Paths are records as well, but not of these options.
            assert_eq!(count(row, "produced"), done - lost, "{row}");
        }
        let lines = &report["records"];
        assert_eq!(
            count(lines, "written") + count(lines, "lost"),
            done - lost,
            "{lines}"
        );
    }
}

/// Reads on until the connection ends or `stop` says so; what came first.
fn first_octets(stream: &mut TcpStream) -> [u8; 18] {
    let mut octets = [0; 18];
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.read_exact(&mut octets).unwrap();
    octets
}

#[test]
fn a_collector_that_is_killed_paused_and_restarted_costs_its_own_records() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let stage = Stage::new("moody", "/dev/null", &listener);
    let is =
        |connected: bool| move |stage: &Stage| stage.collector("moody")["connected"] == connected;
    let dropped = |stage: &Stage| {
        stage.collector("moody")["counts"]["dropped"]
            .as_u64()
            .unwrap()
    };
    // Killed.
    let (stream, _) = listener.accept().unwrap();
    stage.until("connected", is(true));
    drop((stream, listener));
    stage.until("killed", is(false));
    stage.until("killed: its queue is full", |stage| dropped(stage) > 0);
    // Restarted: it is told everything again.
    let listener = TcpListener::bind(stage.moody).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    assert_eq!(
        first_octets(&mut stream)[16..],
        [0, 3],
        "descriptions come first"
    );
    stage.until("restarted", is(true));
    // Paused: it does not read on.
    let before = dropped(&stage);
    stage.until("paused", |stage| dropped(stage) > before);
    drop(stream);
    stage.ends_with_everything_accounted_for();
}

#[test]
fn a_full_disk_costs_lines_and_says_so() {
    let Some(_turn) = rig::turn(&[Need::Root]) else {
        return;
    };
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let disk = Folder::new("disk");
    let mount = disk.path("").display().to_string();
    rig::run(&["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", &mount]);
    let stage = Stage::new("full-disk", &format!("{mount}/lines"), &listener);
    stage
        .node
        .waits_for("records are being lost: cannot write to");
    let lost = |stage: &Stage| {
        stage.export()["outputs"][0]["counts"]["lost"]
            .as_u64()
            .unwrap()
    };
    stage.until("full", |stage| lost(stage) > 0);
    stage.ends_with_everything_accounted_for();
    rig::run(&["umount", &mount]);
}

#[test]
fn a_socket_that_nobody_reads_and_a_file_that_shrinks_stop_nothing() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let sockets = Folder::new("lines");
    let path = sockets.path("lines.sock");
    let deaf = UnixListener::bind(&path).unwrap();
    let stage = Stage::new("shrinks", &format!("'unix:{}'", path.display()), &listener);
    let lost = |stage: &Stage| {
        stage.export()["outputs"][0]["counts"]["lost"]
            .as_u64()
            .unwrap()
    };
    stage.until("deaf", |stage| lost(stage) > 0);
    // Half a file, one without the profile that packets go by, nothing, and the whole again.
    let reload = |text: &str| {
        stage.folder.write("node.yaml", text);
        stage.node.ask(&["reload"]).status.code()
    };
    let text = &stage.text;
    assert_eq!(reload(&text[..text.len() / 2]), Some(1));
    assert_eq!(reload(""), Some(1));
    let shrunk = text.replace(
        &text[text.find("  - name: some").unwrap()..text.find("  - name: extra").unwrap()],
        "",
    );
    assert_eq!(reload(&shrunk), Some(0));
    let names = stage.node.json(&["show", "profiles", "--window", "0.1"]);
    assert_eq!(names["profiles"].as_array().unwrap().len(), 1);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(reload(text), Some(0));
    stage.until("whole again", |_| true);
    drop(deaf);
    stage.ends_with_everything_accounted_for();
}
