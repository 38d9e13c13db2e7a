// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam trace` on a running node: what it tells is what `ioam explain` tells of the same packets,
//! the capture is one for Wireshark, and no client can hold the node up.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
#![allow(
    dead_code,
    reason = "the reference packets come with more than is needed here"
)]

mod rig;
mod running;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ioam_app::replay::capture::Writer;
use ioam_dp::timestamp::WallTime;
use rig::wire::Wire;
use running::{Folder, Node, PATIENCE, ioam, says};
use serde_json::{Value, json};

/// A node that samples, drops what is too large or too old, and fills traces.
const NODE: &str = "node: {id: 0x0b0001}
runtime: {memory: no-huge, buffers: 8192}
simulate: {clock: \"1723560226.123456789\", transit-delay: 5, seed: 3}
ports:
  - {name: east, device: \"EAST\", mtu: 2000, ioam: true, id: 11}
  - {name: west, device: \"WEST\", mtu: 1500, ioam: true, id: 12}
forwarding: {mode: wire, pairs: [[east, west]], decrement-hop-limit: true}
namespaces: [{id: 123}]
profiles:
  - name: voice
    filter: {in-port: east, dscp: 46, next-header: tcp}
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {use-namespace: 123, trace-type: [if-id]}
      max-length: 16
      placement: inline
  - name: sampled
    filter: {in-port: east, next-header: udp, destination-port: 53}
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {use-namespace: 123, trace-type: [hop-lim-node-id, if-id]}
      max-length: 32
      placement: inline
      sampling: {first: 2, of: 5}
  - name: pass
    preallocated-tracing-profile:
      node-action: transit
      trace-types: {use-namespace: 123}
";

struct Rig {
    folder: Folder,
    text: String,
    wire: Wire,
    node: Node,
}

impl Rig {
    fn new(name: &str) -> Option<Self> {
        let wire = Wire::new(name, &[])?;
        let folder = Folder::new(&format!("trace-{name}"));
        let socket = folder.path("node.sock");
        let text = NODE
            .replace("EAST", &Wire::device(0, &wire.east))
            .replace("WEST", &Wire::device(1, &wire.west));
        let text = format!("{text}control: {{socket: {}}}\n", socket.display());
        let node = Node::start(&folder.write("node.yaml", &text), &socket);
        Some(Self {
            folder,
            text,
            wire,
            node,
        })
    }

    fn send<F: AsRef<[u8]>>(&mut self, frames: &[F]) {
        self.wire.send(frames);
    }

    /// Sends frames, no more at a time than an interface holds; `before` were sent already.
    fn send_many(&mut self, frames: &[Vec<u8>], mut before: u64) {
        for some in frames.chunks(400) {
            self.send(some);
            before += some.len() as u64;
            self.received(before);
        }
    }

    /// Waits until so many packets have come in all.
    fn received(&self, packets: u64) {
        let mut client = self.client(&json!({ "request": "hello" }));
        assert_eq!(line(&mut client)["ok"], true);
        let request = json!({ "request": "show", "section": "ports" });
        let deadline = Instant::now() + PATIENCE;
        loop {
            writeln!(client.get_mut(), "{request}").unwrap();
            let ports = line(&mut client)["ports"].clone();
            let received = ports[0]["counts"]["received"].as_u64().unwrap();
            if received == packets {
                return;
            }
            assert!(
                Instant::now() < deadline && received < packets,
                "{received}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// `ioam trace` with these words, once it traces: its capture is there then.
    fn trace(&self, words: &[&str]) -> Child {
        let file = self.folder.path("trace.pcapng");
        let _ = std::fs::remove_file(&file);
        let mut command = ioam(&["trace"]);
        command.args(words).arg("--socket").arg(&self.node.socket);
        command.arg("--write").arg(&file);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = child.spawn().unwrap();
        let begun = || std::fs::metadata(&file).is_ok_and(|file| file.len() > 0);
        wait_for("a capture", begun);
        child
    }

    /// A client of its own making that traces.
    fn client(&self, request: &Value) -> BufReader<UnixStream> {
        let mut stream = UnixStream::connect(&self.node.socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        writeln!(stream, "{request}").unwrap();
        BufReader::new(stream)
    }

    /// A client that traces, as soon as nobody else does.
    fn tracer(&self, request: &Value) -> BufReader<UnixStream> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut client = self.client(request);
            let answer = line(&mut client);
            if answer["ok"] == true {
                assert_eq!(answer["trace"]["ports"], json!(["east", "west"]));
                return client;
            }
            let error = answer["error"].as_str().unwrap();
            assert!(error.contains("another client traces"), "{error}");
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn wait_for(what: &str, found: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !found() {
        assert!(Instant::now() < deadline, "there is no {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn line(client: &mut BufReader<UnixStream>) -> Value {
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"))
}

/// The next answer that is not progress.
fn next(client: &mut BufReader<UnixStream>) -> Value {
    loop {
        let answer = line(client);
        assert_eq!(
            (&answer["ok"], &answer["version"]),
            (&json!(true), &json!(1))
        );
        if answer["progress"].is_null() {
            return answer;
        }
    }
}

fn udp(number: u16, destination: u16, hop_limit: u8, payload: usize) -> Vec<u8> {
    let length = u16::try_from(payload + 8).unwrap();
    let mut frame = vec![2; 12];
    frame.extend([0x86, 0xDD, 0x60, 0, 0, 0]);
    frame.extend(length.to_be_bytes());
    frame.extend([17, hop_limit]);
    for host in [1, 2] {
        frame.extend([0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    frame.extend(number.to_be_bytes());
    frame.extend(destination.to_be_bytes());
    frame.extend(length.to_be_bytes());
    frame.extend([0, 0]);
    frame.resize(frame.len() + payload, 7);
    frame
}

/// A reference packet as it comes.
fn reference(id: &str) -> Vec<u8> {
    let text = include_str!("../../tests/golden/vectors.json");
    let file: Value = serde_json::from_str(text).unwrap();
    let all = file["vectors"].as_array().unwrap();
    let vector = all.iter().find(|vector| vector["id"] == id).unwrap();
    let hex = vector["in"].as_str().unwrap();
    let octets = (0..hex.len()).step_by(2);
    octets
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// One of each kind.
fn frames() -> Vec<Vec<u8>> {
    let mut frames: Vec<_> = (0..6).map(|number| udp(number, 53, 64, 20)).collect();
    frames.push(udp(9, 53, 64, 1440));
    frames.extend(["T01", "T18", "M01", "X01", "T03"].map(reference));
    frames.push(udp(7, 53, 1, 20));
    frames.push(udp(8, 5000, 64, 1600));
    frames.push([&[2; 12][..], &[8, 6], &[1; 40]].concat());
    frames
}

/// What `ioam explain` tells of these frames.
fn explained(folder: &Folder, frames: &[Vec<u8>], more: &[&str]) -> String {
    let path = folder.path("in.pcap");
    let mut writer = Writer::create(&path).unwrap();
    let time = WallTime {
        seconds: 1_723_560_226,
        nanoseconds: 123_456_789,
    };
    frames
        .iter()
        .for_each(|frame| writer.write(time, frame).unwrap());
    writer.finish().unwrap();
    let mut command = ioam(&["explain"]);
    command
        .arg(path)
        .arg("--config")
        .arg(folder.path("node.yaml"));
    let output = command.args(more).output().unwrap();
    assert!(output.status.success(), "{:?}", says(&output));
    says(&output).0
}

/// Comments, interface, direction and time of each packet of a capture, as tshark reads them.
fn tshark(path: &Path) -> Vec<Vec<String>> {
    let fields = [
        "frame.interface_name",
        "frame.packet_flags_direction",
        "frame.time_epoch",
        "frame.len",
        "frame.comment",
    ];
    let mut command = Command::new("tshark");
    command.args(["-T", "fields", "-E", "separator=|", "-E", "aggregator=;"]);
    command.args(fields.iter().flat_map(|field| ["-e", field]));
    let output = command.arg("-r").arg(path).output().unwrap();
    let (text, error) = says(&output);
    assert!(output.status.success(), "{error}");
    let lines = text.lines();
    lines
        .map(|line| line.split('|').map(str::to_owned).collect())
        .collect()
}

#[test]
fn decisions_are_those_of_explain_and_the_capture_is_one_for_wireshark() {
    let Some(mut rig) = Rig::new("itx") else {
        return;
    };
    let frames = frames();
    let child = rig.trace(&["--count", &frames.len().to_string()]);
    rig.send(&frames);
    let output = child.wait_with_output().unwrap();
    let (told, error) = says(&output);
    assert!(output.status.success(), "{error}");
    assert_eq!(told, explained(&rig.folder, &frames, &[]));
    assert!(error.contains("15 packets shown, 15 looked at"), "{error}");
    for words in [
        "matched, sampled, encapsulated",
        "matched, but not taken: sampled out",
        "dropped    hop_limit_exceeded: ",
        "dropped    over_mtu: ",
        "noticed    encap_over_mtu: ",
        "noticed    namespace_unknown: ",
        "overflow flag set",
        "not IPv6: EtherType 0x0806",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }

    let packets = tshark(&rig.folder.path("trace.pcapng"));
    assert_eq!(packets.len(), 2 * frames.len() - 2);
    let came: Vec<_> = packets
        .iter()
        .filter(|packet| packet[0] == "east")
        .collect();
    assert_eq!(came.len(), frames.len());
    for (packet, frame) in came.iter().zip(&frames) {
        assert_eq!(packet[1], "0x00000001", "inbound");
        assert_eq!(packet[2], "1723560226.123456789");
        assert_eq!(packet[3], frame.len().to_string());
    }
    assert!(
        came[12][4].contains("dropped: hop_limit_exceeded: "),
        "{came:?}"
    );
    let sampled = "profile: sampled: matched, sampled, encapsulated";
    assert!(came[0][4].starts_with("packet 1;"), "{came:?}");
    assert!(came[0][4].contains(sampled), "{came:?}");
    assert!(came[0][4].contains("sent: by west, 82 → "), "{came:?}");
    let left = &packets[1];
    assert_eq!(
        (&left[0][..], &left[1][..]),
        ("west", "0x00000002"),
        "{left:?}"
    );
    assert!(left[4].contains("packet 1, as it was sent"), "{left:?}");
    rig.node.stop();
}

#[test]
fn terms_select_and_wrong_ones_are_named() {
    let Some(mut rig) = Rig::new("itm") else {
        return;
    };
    let frames = frames();
    let cases: [(&[&str], usize); 12] = [
        (&["in-port=east"], 15),
        (&["in-port=west"], 0),
        (&["protocol=udp", "source-port=0-3"], 4),
        (&["destination=2001:db8::2/128", "destination-port=5000"], 1),
        (&["dropped"], 2),
        (&["dropped=over_mtu"], 1),
        (&["noticed=namespace_unknown"], 1),
        (&["noticed", "protocol=tcp"], 0),
        (&["profile=sampled", "noticed"], 1),
        (&["namespace=123", "length=1400-1500"], 0),
        (&["source=2001:db8::/64", "ioam"], 2),
        (&["length=1600-1700"], 1),
    ];
    let mut sent = 0;
    for (terms, expected) in cases {
        let request = json!({ "request": "trace", "match": terms, "frames": true });
        let mut client = rig.tracer(&request);
        rig.send(&frames);
        sent += 15;
        rig.received(sent);
        // What it says of its progress from here on is of all of them.
        let (mut shown, began) = (0, Instant::now());
        let end = loop {
            let answer = line(&mut client);
            if answer["progress"].is_object() {
                if began.elapsed() > Duration::from_millis(400) {
                    break answer["progress"].clone();
                }
            } else {
                assert!(answer["frames"]["before"]["hex"].is_string(), "{answer}");
                shown += 1;
            }
        };
        assert_eq!(end["lost"], 0);
        assert_eq!(end["shown"], shown, "{end}");
        // Sampling goes on from case to case.
        let sampled = terms.contains(&"ioam") || terms.contains(&"profile=sampled");
        if sampled {
            assert!(shown > 0, "{terms:?}");
        } else {
            assert_eq!(shown, expected, "{terms:?} {end}");
        }
    }
    for (term, says_why) in [
        ("in-port=north", "there are east, west"),
        ("profile=x", "there are voice, sampled, pass"),
        ("dropped=mtu", "hop_limit_exceeded"),
        (
            "colour=red",
            "there is no term `colour`; there are in-port, ",
        ),
    ] {
        let output = rig.node.ask(&["trace", "--match", term]);
        let (_, error) = says(&output);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(says_why), "{error}");
    }
    for bad in [
        json!({ "request": "trace", "count": 0 }),
        json!({ "request": "trace", "seconds": -1 }),
        json!({ "request": "trace", "seconds": 0 }),
        json!({ "request": "trace", "section": "ports" }),
        json!({ "request": "show", "section": "ports", "frames": true }),
    ] {
        let answer = line(&mut rig.client(&bad));
        assert_eq!(answer["ok"], false, "{answer}");
    }
    let (_, error) = says(&rig.node.ask(&["trace", "--seconds", "0"]));
    assert!(error.contains("--seconds wants"), "{error}");
    let report = rig.node.stop();
    assert_eq!(report["mbufs_leaked"], 0);
    assert_eq!(report["ports"][0]["received"], 15 * cases.len());
}

#[test]
fn a_reload_goes_on_under_a_trace_and_one_client_traces_at_a_time() {
    let Some(mut rig) = Rig::new("itr") else {
        return;
    };
    let mut client = rig.tracer(&json!({ "request": "trace", "text": true }));
    let refused = line(&mut rig.client(&json!({ "request": "trace" })));
    assert!(
        refused["error"]
            .as_str()
            .unwrap()
            .contains("another client")
    );
    rig.send(&[udp(1, 53, 64, 20)]);
    let first = next(&mut client)["text"].as_str().unwrap().to_owned();
    assert!(
        first.contains("passed by  profile voice: DSCP 0 is another"),
        "{first}"
    );
    assert!(
        first.contains("profile    sampled: matched, sampled"),
        "{first}"
    );
    let new = rig.text.replace("name: voice", "name: silence").replace(
        "profiles:\n",
        "profiles:
  - name: first
    filter: {in-port: east, source-port: 2}
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {use-namespace: 123, trace-type: [if-id]}
      max-length: 8
      placement: inline
",
    );
    rig.folder.write("node.yaml", &new);
    assert!(rig.node.ask(&["reload"]).status.success());
    rig.send(&[udp(2, 53, 64, 20), udp(3, 53, 64, 20)]);
    let second = next(&mut client)["text"].as_str().unwrap().to_owned();
    assert!(
        second.contains("profile    first: matched, sampled, encapsulated"),
        "{second}"
    );
    assert!(
        second.contains("passed by  profile silence: DSCP 0 is another"),
        "{second}"
    );
    let third = next(&mut client)["text"].as_str().unwrap().to_owned();
    assert!(
        third.contains("passed by  profile first: source port 3"),
        "{third}"
    );
    // A client that vanishes makes room for the next one.
    drop(client);
    let mut client = rig.tracer(&json!({ "request": "trace", "count": 1 }));
    rig.send(&[udp(4, 53, 64, 20)]);
    assert_eq!(next(&mut client)["packet"]["port"], "east");
    assert_eq!(next(&mut client)["end"]["why"], "count");
    // The same connection may go on.
    writeln!(client.get_mut(), "{}", json!({ "request": "hello" })).unwrap();
    assert!(next(&mut client)["node"].is_object());
    rig.node.stop();
}

#[test]
fn a_client_that_never_reads_is_left_and_packets_that_find_no_place_are_told() {
    let Some(mut rig) = Rig::new("itd") else {
        return;
    };
    let deaf = rig.client(&json!({ "request": "trace", "text": true, "frames": true }));
    let frames: Vec<_> = (0..3000).map(|number| udp(number, 53, 64, 900)).collect();
    rig.send_many(&frames, 0);
    // Left after some seconds, which makes room for the next one.
    let mut client = rig.tracer(&json!({ "request": "trace", "match": ["source-port=1"] }));
    rig.send(&frames[..3]);
    assert_eq!(next(&mut client)["packet"]["octets"], 962);
    drop((client, deaf));

    let child = rig.trace(&["--match", "protocol=udp", "--seconds", "3"]);
    // The client stands still while packets come.
    let pid = child.id().to_string();
    let signal = |name: &str| {
        Command::new("kill")
            .args([name, &pid[..]])
            .status()
            .unwrap()
    };
    assert!(signal("-STOP").success());
    rig.send_many(&frames, 3003);
    assert!(signal("-CONT").success());
    let output = child.wait_with_output().unwrap();
    let (told, error) = says(&output);
    assert!(error.contains("3000 looked at"), "{error}");
    let number = |text: &str, before: &str| {
        let words: Vec<_> = text.split(before).next().unwrap().split(' ').collect();
        words.last().unwrap().parse::<u64>().unwrap()
    };
    let lost = number(&error, " packets not shown");
    assert_eq!(number(&error, " packets shown") + lost, 3000, "{error}");
    assert!(lost > 0 && told.starts_with("packet 1, "), "{error}");
    let report = rig.node.stop();
    assert_eq!(report["mbufs_leaked"], 0);
    assert_eq!(report["ports"][0]["sent"].as_u64().unwrap_or(0), 0);
    assert_eq!(report["ports"][1]["sent"], 6003);
}

#[test]
fn a_capture_that_cannot_be_written_is_said_and_the_node_goes_on() {
    let Some(mut rig) = Rig::new("itf") else {
        return;
    };
    for (path, says_why) in [
        ("/nowhere/x.pcapng", "cannot write /nowhere/x.pcapng"),
        ("/dev/full", "cannot write /dev/full"),
    ] {
        let output = rig.node.ask(&["trace", "--write", path]);
        let (_, error) = says(&output);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(says_why), "{error}");
    }
    // A file that may have no more than some KiB, as on a full disk.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"]);
    command
        .arg(env!("CARGO_BIN_EXE_ioam"))
        .args(["trace", "--socket"]);
    let file = rig.folder.path("small.pcapng");
    command.arg(&rig.node.socket).arg("--write").arg(&file);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    wait_for("a capture", || {
        std::fs::metadata(&file).is_ok_and(|file| file.len() > 0)
    });
    rig.send(
        &(0..20)
            .map(|number| udp(number, 53, 64, 900))
            .collect::<Vec<_>>(),
    );
    let output = child.wait_with_output().unwrap();
    let (_, error) = says(&output);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains("any more; the trace has ended, the node goes on"),
        "{error}"
    );
    let mut client = rig.tracer(&json!({ "request": "trace", "count": 1 }));
    rig.send(&[udp(1, 53, 64, 20)]);
    assert!(next(&mut client)["packet"].is_object());
    rig.node.stop();
}
