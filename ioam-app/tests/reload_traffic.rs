// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A thousand reloads under traffic: no packet is lost, none is handled by half of two
//! configurations, and the numbers of their sequence go on.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod rig;
mod running;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::process::Command;
use std::thread::JoinHandle;

use ioam_app::control::Client;
use running::{Folder, Node};
use serde_json::{Value, json};

const RELOADS: u64 = 1000;

/// The same node in two ways that differ in everything a packet shows, and of which each has
/// profiles and namespaces that the other one does not.
fn configuration(folder: &Folder, other: bool) -> String {
    let text = "runtime: {memory: no-huge, buffers: 4096}
node: {id: 0x0a0001}
ports:
  - {name: east, device: 'net_pcap0,rx_pcap=IN,infinite_rx=1', id: 0x0a0a, ioam: true}
  - {name: west, device: 'net_pcap1,tx_pcap=OUT', id: 0x0a0b, ioam: true}
forwarding: {mode: wire, pairs: [[east, west]]}
namespaces: [{id: 123, data: 0xaaaaaaaa}, {id: 120}]
profiles:
  - name: never
    filter: {in-port: east, dscp: 1}
    preallocated-tracing-profile: {node-action: encapsulate, trace-types: {use-namespace: 120, trace-type: if-id}, max-length: 4, placement: inline}
  - name: all
    filter: {in-port: east}
    placement: inline
    preallocated-tracing-profile: {node-action: encapsulate, trace-types: {use-namespace: 123, trace-type: [hop-lim-node-id, if-id, namespace-data]}, max-length: 24}
    e2e-profile: {node-action: encapsulate, e2e-types: {use-namespace: 123, e2e-type: seq-num-32}}
control: {socket: SOCKET}
";
    let text = text
        .replace("IN,", &format!("{},", folder.path("in.pcap").display()))
        .replace("OUT", &folder.path("out.pcap").display().to_string())
        .replace("SOCKET", &folder.path("node.sock").display().to_string());
    if !other {
        return text;
    }
    text.replace("0x0a0001", "0x0b0001")
        .replace("id: 0x0a0a", "id: 0x0b0a")
        .replace("id: 0x0a0b", "id: 0x0b0b")
        .replace("0xaaaaaaaa", "0xbbbbbbbb")
        .replace("120", "119")
        .replace("never", "nowhere")
        .replace("max-length: 24", "max-length: 36")
}

/// What an edge-to-edge option of namespace 123 with a 32-bit number begins with.
const NUMBERED: [u8; 8] = [0x11, 10, 0, 3, 0, 123, 0x40, 0];

/// Reads a capture out of a pipe to its end; every frame there is, but for its number, and how often.
/// The numbers go on from frame to frame.
fn count_frames(path: PathBuf) -> JoinHandle<HashMap<Vec<u8>, u64>> {
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(File::open(path).unwrap());
        let mut frames: HashMap<Vec<u8>, u64> = HashMap::new();
        pipe.read_exact(&mut [0; 24]).unwrap();
        let mut record = [0; 16];
        let mut expected = 0_u32;
        while pipe.read_exact(&mut record).is_ok() {
            let length = u32::from_le_bytes(record[8..12].try_into().unwrap());
            let mut frame = vec![0; usize::try_from(length).unwrap()];
            pipe.read_exact(&mut frame).unwrap();
            let option = frame.windows(8).position(|window| window == NUMBERED);
            let number = option.expect("every frame is numbered") + 8;
            let number = &mut frame[number..number + 4];
            assert_eq!(u32::from_be_bytes(number.try_into().unwrap()), expected);
            number.fill(0);
            expected += 1;
            *frames.entry(frame).or_default() += 1;
        }
        frames
    })
}

fn has(frame: &[u8], octets: &[u8]) -> bool {
    frame.windows(octets.len()).any(|window| window == octets)
}

fn total(report: &Value, key: &str) -> u64 {
    report[key].as_u64().unwrap()
}

#[test]
fn a_thousand_reloads_lose_nothing_and_mix_nothing() {
    let folder = Folder::new("thousand");
    rig::pcap::write(&folder.path("in.pcap"), 0, &[rig::packet::any()]);
    let pipe = folder.path("out.pcap");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let frames = count_frames(pipe);
    let texts = [false, true].map(|other| configuration(&folder, other));
    let config = folder.write("node.yaml", &texts[0]);
    let node = Node::start(&config, &folder.path("node.sock"));
    let mut client = Client::connect(Some(&node.socket)).unwrap();
    let shown = |client: &mut Client, section: &str| {
        let request = json!({ "request": "show", "section": section });
        client.ask(&request).unwrap()[section].clone()
    };
    for round in 1..=RELOADS {
        folder.write("node.yaml", &texts[usize::try_from(round % 2).unwrap()]);
        let answer = client.ask(&json!({ "request": "reload" })).unwrap();
        assert_eq!(answer["applied"], true, "{answer}");
    }
    let profiles = shown(&mut client, "profiles");
    let names: Vec<_> = profiles
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["name"])
        .collect();
    assert_eq!(names, ["never", "all"]);
    drop(client);
    let report = node.stop();

    let (east, west) = (&report["ports"][0], &report["ports"][1]);
    let (received, sent) = (total(east, "received"), total(west, "sent"));
    let counters = report["counters"].as_object().unwrap();
    let noted: u64 = counters.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((received, noted), (sent, 0), "{report}");
    assert_eq!(
        total(&report["profiles"][1], "done"),
        sent,
        "counted by name, all the way"
    );
    assert_eq!(report["mbufs_leaked"], 0);
    let frames = frames.join().unwrap();
    assert_eq!(frames.values().sum::<u64>(), sent);
    assert_eq!(frames.len(), 2, "frames of one configuration or the other");
    for (node, interfaces, data) in [
        ([0x0a, 0, 1], [0x0a, 0x0a, 0x0a, 0x0b], [0xaa; 4]),
        ([0x0b, 0, 1], [0x0b, 0x0a, 0x0b, 0x0b], [0xbb; 4]),
    ] {
        let whole =
            |frame: &&Vec<u8>| has(frame, &node) && has(frame, &interfaces) && has(frame, &data);
        assert_eq!(frames.keys().filter(whole).count(), 1);
    }
    println!("{RELOADS} reloads over {sent} packets");
}
