// SPDX-License-Identifier: Apache-2.0 OR MIT
//! tshark, which knows nothing of our code, reads what we emit: no complaint, and the same values.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "rig/golden.rs"]
mod golden;
mod rig;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use common::cases;
use rig::packet::{ETHERNET, Udp, frame, hex};
use rig::program::{Engine, pass};
use rig::trace::{Element, Trace};
use rig::{Folder, Need, pcap, runtime, turn};

const NEEDS: [Need; 1] = [Need::Tool("tshark")];
const PREFIX: &str = "ipv6.opt.ioam.trace.";

fn tshark(frames: &[Vec<u8>], words: &[&str]) -> Vec<String> {
    let folder = Folder::new();
    let file = folder.file("frames.pcap");
    pcap::write(&file, 1_723_560_226, frames);
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&file).args(words);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tshark {words:?}: {said}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Fails when tshark finds anything to remark on in any of `frames`.
fn no_complaint(frames: &[Vec<u8>]) {
    let found = tshark(frames, &["-Y", "_ws.malformed || _ws.expert", "-V"]);
    assert!(found.is_empty(), "tshark complains:\n{}", found.join("\n"));
}

/// Of each frame the fields with these names, values joined by commas.
fn fields(frames: &[Vec<u8>], names: &[String]) -> Vec<BTreeMap<String, String>> {
    let mut words = vec!["-T", "fields", "-E", "separator=|", "-E", "occurrence=a"];
    names.iter().for_each(|name| words.extend(["-e", name]));
    let lines = tshark(frames, &words);
    assert_eq!(lines.len(), frames.len());
    let values = |line: &String| -> BTreeMap<String, String> {
        names
            .iter()
            .cloned()
            .zip(line.split('|').map(str::to_owned))
            .collect()
    };
    lines.iter().map(values).collect()
}

#[test]
fn tshark_reads_in_the_reference_packets_what_was_written() {
    let Some(_turn) = turn(&NEEDS) else { return };
    let cases = cases();
    let mut frames = Vec::new();
    let mut expected = Vec::new();
    for (config, group) in golden::groups(&cases) {
        let input: Vec<_> = group.iter().map(|case| &case.input).collect();
        let passed = pass(Engine::Replay, &config, &input);
        let forwarded = group.iter().filter(|case| case.output.is_some());
        for (case, frame) in forwarded.zip(passed.frames) {
            // Of the malformed ones tshark rightly complains: they left as they came.
            if !case.id.starts_with('M') {
                frames.push(frame);
                expected.push((&case.id, golden::tshark_out(&case.id)));
            }
        }
    }
    no_complaint(&frames);
    let mut names: Vec<String> = Vec::new();
    for name in expected
        .iter()
        .filter_map(|(_, fields)| fields.as_object())
        .flat_map(|f| f.keys())
    {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let read = fields(&frames, &names);
    let mut compared = 0;
    for ((id, expected), read) in expected.iter().zip(&read) {
        for (name, value) in expected.as_object().into_iter().flatten() {
            assert_eq!(read[name], value.as_str().unwrap(), "{id} {name}");
            compared += 1;
        }
    }
    assert!(compared > 70, "only {compared} values compared");
}

/// Each bit alone, all of them, and some mixtures. A snapshot is never alone: its `NodeLen` is 0,
/// which RFC 9197 implies, Linux' own suite sends, and tshark 4.0 calls an error.
fn types() -> Vec<u32> {
    let single = (0..12).map(|bit| 0x80_0000 >> bit);
    let mixed = [
        0xC0_0000, 0xFF_F000, 0xFF_F002, 0x30_0000, 0x80_0002, 0xD4_0000,
    ];
    single.chain(mixed).collect()
}

fn profile(port: usize, kind: u32, inline: bool) -> String {
    let placement = match inline {
        true => "placement: inline",
        false => "tunnel: {source: \"2001:db8:ff::a\", destination: \"2001:db8:ff::d\"}",
    };
    format!(
        "  - name: p{port}
    filter: {{destination-port: {port}}}
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {{use-namespace: 123, trace-type: 0x{kind:06x}}}
      max-length: 172
      {placement}
"
    )
}

fn node(letter: &str, rest: &str) -> String {
    format!(
        "node: {{id: 0x0{letter}0001, id-wide: 0x0{letter}000000000001}}
{}ports:
  - {{name: east, device: \"EAST\", ioam: true, id: 0x0{letter}11, id-wide: 0x0{letter}110011}}
  - {{name: west, device: \"WEST\", ioam: true, id: 0x0{letter}22, id-wide: 0x0{letter}220022}}
forwarding: {{mode: wire, pairs: [[east, west]], decrement-hop-limit: true}}
namespaces:
  - id: 123
    data: 0x{letter}0{letter}0{letter}0{letter}0
    data-wide: 0x{letter}0{letter}1{letter}2{letter}3{letter}4{letter}5{letter}6{letter}7
    schema: {{id: 777, text: \"schema{letter}!\"}}
{rest}simulate: {{clock: \"1723560226.123456789\", transit-delay: 4321, queue-depth: 16, buffer-occupancy: 32768}}
",
        runtime(0)
    )
}

/// tshark's name of a field, and how many hex digits it shows; 0 for decimal.
fn shown(name: &str) -> (&'static str, usize) {
    match name {
        "hop_limit" | "hop_limit_wide" => ("node.hlim", 0),
        "node_id" => ("node.id", 6),
        "ingress_if_id" => ("node.iif", 4),
        "egress_if_id" => ("node.eif", 4),
        "timestamp_seconds" => ("node.tss", 8),
        "timestamp_fraction" => ("node.tsf", 8),
        "transit_delay" => ("node.trdelay", 8),
        "namespace_data" => ("node.nsdata", 8),
        "queue_depth" => ("node.qdepth", 8),
        "checksum_complement" => ("node.csum", 8),
        "node_id_wide" => ("node.id_wide", 16),
        "ingress_if_id_wide" => ("node.iif_wide", 8),
        "egress_if_id_wide" => ("node.eif_wide", 8),
        "namespace_data_wide" => ("node.nsdata_wide", 16),
        "buffer_occupancy" => ("node.bufoccup", 8),
        "snapshot_words" => ("node.oss.len", 0),
        "schema_id" => ("node.oss.scid", 6),
        other => panic!("tshark has no {other}"),
    }
}

/// What tshark should show of a trace: fields of all its elements, newest first.
fn expected(trace: &Trace) -> BTreeMap<String, String> {
    let mut shows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut show = |name: &str, value: String| {
        shows
            .entry(format!("{PREFIX}{name}"))
            .or_default()
            .push(value);
    };
    show("ns", trace.namespace.to_string());
    show("nodelen", trace.node_len.to_string());
    show("remlen", trace.remaining.to_string());
    show("type", format!("0x{:06x}", trace.kind));
    for element in trace.elements().iter().rev() {
        for (_, names) in rig::trace::FIELDS {
            for (name, _) in names {
                let Some(value) = element.fields.get(name) else {
                    continue;
                };
                let (name, digits) = shown(name);
                show(
                    name,
                    match digits {
                        0 => value.to_string(),
                        digits => format!("{value:#0width$x}", width = digits + 2),
                    },
                );
            }
        }
        if !element.snapshot.is_empty() {
            show("node.oss.data", hex(&element.snapshot));
        }
    }
    shows
        .into_iter()
        .map(|(name, values)| (name, values.join(",")))
        .collect()
}

#[test]
fn tshark_reads_every_field_two_nodes_wrote_for_every_trace_type() {
    let Some(_turn) = turn(&NEEDS) else { return };
    let (mut profiles, mut packets, mut kinds) = ("profiles:\n".to_owned(), Vec::new(), Vec::new());
    for inline in [false, true] {
        for kind in types() {
            let port = 6000 + packets.len();
            write!(profiles, "{}", profile(port, kind, inline)).unwrap();
            let ports = (5000, u16::try_from(port).unwrap());
            let packet = Udp::new("2001:db8:1::1", "2001:db8:2::2", ports).packet();
            packets.push(frame([2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 1], &packet));
            kinds.push(kind);
        }
    }
    let first = pass(Engine::Replay, &node("a", &profiles), &packets).frames;
    let second = pass(Engine::Replay, &node("b", ""), &first).frames;
    assert_eq!(second.len(), packets.len());
    let all: Vec<_> = first.iter().chain(&second).cloned().collect();
    no_complaint(&all);
    let expects: Vec<_> = all
        .iter()
        .zip(kinds.iter().chain(&kinds))
        .map(|(frame, kind)| {
            let trace = Trace::of_packet(&frame[ETHERNET..]).unwrap();
            assert_eq!((trace.kind, trace.flags), (*kind, 0));
            (expected(&trace), trace.elements())
        })
        .collect();
    let nodes: Vec<usize> = expects.iter().map(|(_, elements)| elements.len()).collect();
    assert!(
        nodes[..kinds.len()].iter().all(|nodes| *nodes == 1),
        "{nodes:?}"
    );
    assert!(
        nodes[kinds.len()..].iter().all(|nodes| *nodes == 2),
        "{nodes:?}"
    );
    check_ids(expects.iter().map(|(_, elements)| elements));
    let mut names: Vec<_> = expects
        .iter()
        .flat_map(|(shows, _)| shows.keys().cloned())
        .collect();
    names.sort();
    names.dedup();
    for ((expected, _), read) in expects.iter().zip(fields(&all, &names)) {
        let read: BTreeMap<_, _> = read
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        assert_eq!(&read, expected);
    }
}

/// The values themselves, for what is read is worth nothing if both read a wrong value alike.
fn check_ids<'a>(traces: impl Iterator<Item = &'a Vec<Element>>) {
    for elements in traces {
        for (element, letter) in elements.iter().zip([0xA, 0xB]) {
            let is = |name: &str, value: u64| {
                assert!(
                    element.fields.get(name).is_none_or(|found| *found == value),
                    "{name}"
                );
            };
            is("node_id", letter << 16 | 1);
            is("node_id_wide", letter << 48 | 1);
            is("ingress_if_id", letter << 8 | 0x11);
            is("egress_if_id_wide", letter << 24 | 0x22_0022);
            is("timestamp_seconds", 1_723_560_226);
            is("timestamp_fraction", 123_456);
            is("transit_delay", 4321);
            is("queue_depth", 16);
            is("buffer_occupancy", 32_768);
            is("checksum_complement", 0xFFFF_FFFF);
        }
    }
}
