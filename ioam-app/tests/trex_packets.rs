// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The packets of bench/trex, before they see a TRex: tshark finds nothing wrong in them, and a node
//! does with each kind what the kind is for.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod rig;
mod running;

use std::path::{Path, PathBuf};
use std::process::Command;

use rig::Need;
use running::{Folder, ioam, says};
use serde_json::Value;

/// Writes a few packets of each kind, small and large, inline and in a tunnel, as TRex would send them.
const WRITER: &str = "
import sys
sys.path.insert(0, sys.argv[1])
import packets
from scapy.all import Ether, wrpcap
def some(**form):
    frame = packets.Frame(**form)
    fields, octets = packets.flow_fields(40000, frame), bytes(frame.packet())
    return [Ether(packets.variant(octets, fields, number)) for number in (0, 1, 32767, 32768, 65535)]
sent = []
for kind in packets.KINDS:
    sent += some(kind=kind) + some(kind=kind, size=1400)
wrpcap(sys.argv[2] + '/inline.pcap', sent)
sent = []
for kind in packets.KINDS[1:]:
    sent += some(kind=kind, tunnel=True)
wrpcap(sys.argv[2] + '/tunnel.pcap', sent)
wrpcap(sys.argv[2] + '/traces.pcap', [packet for kind in (0x800000, 0xc00000, 0xf00000, 0xfff000) for nodes in (1, 4)
    for packet in some(kind='trace', trace_type=kind, nodes=nodes, earlier=nodes - 1)])
";

const TRANSIT: &str = "node: {id: 0x0b0001}
ports:
  - {name: east, device: net_null0, ioam: true, id: 0x0b11}
  - {name: west, device: net_null1, ioam: true, id: 0x0b22}
forwarding: {pairs: [[east, west]]}
namespaces: [{id: 123}]
";
const DECAP: &str = "profiles:
  - name: traces
    filter: {in-port: east}
    tunnel: {destination: '2001:db8:ff::d'}
    preallocated-tracing-profile: {node-action: decapsulate, trace-types: {use-namespace: 123}}
    direct-export-profile: {node-action: decapsulate, trace-types: {use-namespace: 123}}
    e2e-profile: {node-action: decapsulate, e2e-types: {use-namespace: 123}}
";
/// Packets of each kind and form.
const EACH: u64 = 5;

/// Captures made by Debian's Python, which has scapy; or why there are none.
fn captures(folder: &Folder) -> Result<(), String> {
    let trex = concat!(env!("CARGO_MANIFEST_DIR"), "/../bench/trex");
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-B", "-c", WRITER, trex]).arg(folder.path(""));
    let output = python.output().map_err(|error| error.to_string())?;
    let said = says(&output).1;
    if said.contains("No module named 'scapy'") {
        return Err("there is no scapy; scripts/setup test installs it".to_owned());
    }
    assert!(output.status.success(), "{said}");
    Ok(())
}

fn tshark(file: &Path, words: &[&str]) -> Vec<String> {
    let file = file.display().to_string();
    let all = [
        &["tshark", "-r", &file, "-o", "udp.check_checksum:TRUE"],
        words,
    ]
    .concat();
    rig::run(&all).lines().map(str::to_owned).collect()
}

fn assert_sound(file: &Path) {
    let wrong = "_ws.malformed || udp.checksum.status == 0 || \
                 ipv6.opt.ioam.trace.invalid_type || ipv6.opt.ioam.trace.invalid_nodelen || \
                 ipv6.opt.ioam.trace.invalid_remlen";
    let found = tshark(file, &["-Y", wrong]);
    assert!(found.is_empty(), "{}: {found:#?}", file.display());
    let all = tshark(
        file,
        &[
            "-Y",
            "udp.checksum.status == 1",
            "-T",
            "fields",
            "-e",
            "frame.number",
        ],
    );
    let sent = tshark(file, &["-T", "fields", "-e", "frame.number"]);
    assert_eq!(
        all,
        sent,
        "{}: every packet has a UDP checksum",
        file.display()
    );
}

/// What `ioam replay` counts of a capture that arrives at port east.
fn replay(folder: &Folder, capture: &str, config: &str) -> (Value, PathBuf) {
    let (node, out) = (folder.write("node.yaml", config), folder.path("out.pcap"));
    let words = [
        format!("east={}", folder.path(capture).display()),
        format!("west={}", out.display()),
    ];
    let mut command = ioam(&["replay", "--json", "--config"]);
    command
        .arg(node)
        .args(["--in", &words[0], "--out", &words[1]]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{:?}", says(&output));
    (serde_json::from_slice(&output.stdout).unwrap(), out)
}

#[test]
fn each_kind_of_packet_is_sound_and_does_what_it_is_for() {
    let Some(_turn) = rig::turn(&[Need::Tool("tshark")]) else {
        return;
    };
    let folder = Folder::new("trex-packets");
    if let Err(why) = captures(&folder) {
        return rig::skip(&why);
    }
    for name in ["inline.pcap", "tunnel.pcap", "traces.pcap"] {
        assert_sound(&folder.path(name));
    }
    // In transit: two sizes of each kind.
    let (report, out) = replay(&folder, "inline.pcap", TRANSIT);
    let namespace = &report["namespaces"][1];
    assert_eq!(report["outputs"][1]["packets"], 8 * EACH, "{report:#}");
    assert_eq!(namespace["filled"], 2 * EACH, "{report:#}");
    assert_eq!(namespace["exported"], 2 * EACH, "{report:#}");
    assert_sound(&out);
    // Four types, room for one or four nodes of which one is free each time.
    let (report, out) = replay(&folder, "traces.pcap", TRANSIT);
    assert_eq!(report["namespaces"][1]["filled"], 8 * EACH, "{report:#}");
    assert_sound(&out);
    // At the end of the tunnel nothing but plain packets is left.
    let (report, out) = replay(&folder, "tunnel.pcap", &format!("{TRANSIT}{DECAP}"));
    assert_eq!(report["profiles"][0]["done"], 3 * EACH, "{report:#}");
    assert_sound(&out);
    let carrying = tshark(
        &out,
        &["-Y", "ipv6.hopopts || ipv6.dstopts || ipv6.nxt == 41"],
    );
    assert!(carrying.is_empty(), "{carrying:#?}");
}
