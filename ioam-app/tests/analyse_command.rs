// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam analyse` as a user meets it: known records in, known paths, delays, gaps, losses and changes out;
//! from files, over UDP and TCP; and its report in a browser.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod analyse_support;
mod ipfix_support;
mod rig;
mod running;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use analyse_support::{Card, NAMES, Trace, domain, report};
use ioam_app::export::Record;
use ioam_app::export::ipfix::settings::Transport;
use ioam_app::export::ndjson;
use ioam_dp::wire::ioam::OptionType;
use ipfix_support::{collector, exporter, record, tables};
use rig::{Need, turn};
use running::Folder;
use serde_json::{Value, json};

fn analyse(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ioam"));
    command.arg("analyse").args(words).stdin(Stdio::null());
    command
}

fn says(output: &Output) -> (Option<i32>, String, String) {
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn written(folder: &Folder, name: &str, text: &str) -> String {
    let path = folder.path(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// What `--json` says of these files and words.
fn found(words: &[&str]) -> Value {
    let output = analyse(&[words, &["--json"]].concat()).output().unwrap();
    let (code, out, err) = says(&output);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn traces_tell_paths_delays_gaps_and_changes() {
    let folder = Folder::new("analyse-traces");
    let mut lines = String::new();
    // a, b, d for 30 packets, then a, c, d; each hop 1 ms, and 3 ms over c. One trace lacks b.
    for number in 0..50_u64 {
        let (nodes, delay): (&[u32], u64) = match number {
            0..30 => (&[0xA, 0xB, 0xD], 1000),
            _ => (&[0xA, 0xC, 0xD], 3000),
        };
        let silent = (number == 10).then_some(0xB);
        lines += &Trace::new(nodes, number * 1_000_000, delay)
            .without(silent)
            .line();
    }
    let file = written(&folder, "n.ndjson", &lines);
    let names = written(&folder, "names.yaml", "0x00000a: paris\n11: lyon\n");
    let found = found(&[&file, "--nodes", &names]);

    let flow = &found["flows"][0];
    assert_eq!(
        (&flow["packets"], &flow["changes"]),
        (&json!(50), &json!(1))
    );
    assert_eq!(flow["spread"], json!(false));
    let labels: Vec<_> = flow["paths"]
        .as_array()
        .unwrap()
        .iter()
        .map(|path| (&path["label"], &path["packets"]))
        .collect();
    assert_eq!(
        labels,
        [
            (&json!("paris → lyon → 0x00000d"), &json!(29)),
            (&json!("paris → 0x00000c → 0x00000d"), &json!(20)),
            (&json!("paris → (missing) → 0x00000d"), &json!(1)),
        ]
    );
    let hop = &flow["paths"][0]["nodes"][1];
    assert_eq!(
        (&hop["hop_limit"], &hop["ingress"], &hop["transit"]["p50"]),
        (&json!(63), &json!(17), &json!(500))
    );
    let delay = &hop["from_before"];
    assert_eq!(
        (&delay["min"], &delay["p50"], &delay["max"]),
        (&json!(1_000_000), &json!(1_000_000), &json!(1_000_000))
    );
    // 2 hops of 1 ms and 100 µs to the receipt.
    assert_eq!(flow["paths"][0]["end_to_end"]["max"], json!(2_100_000));
    assert_eq!(flow["paths"][1]["end_to_end"]["max"], json!(6_100_000));
    assert_eq!(flow["paths"][0]["to_end"]["mean"], json!(100_000));

    let [change] = &found["changes"].as_array().unwrap()[..] else {
        panic!("{found:#}")
    };
    assert_eq!(change["from"], json!("paris → lyon → 0x00000d"));
    assert_eq!(change["to"], json!("paris → 0x00000c → 0x00000d"));
    assert_eq!(change["at"], json!("2024-08-13T14:44:16.006100000Z"));
    let [gap] = &found["missing_hops"].as_array().unwrap()[..] else {
        panic!("{found:#}")
    };
    assert_eq!(
        (
            &gap["after"],
            &gap["before"],
            &gap["nodes"],
            &gap["packets"]
        ),
        (&json!("paris"), &json!("0x00000d"), &json!(1), &json!(1))
    );
    // Of two ways from paris to d, nobody can say which one lacks its node.
    assert_eq!(gap["probably"], Value::Null);
}

#[test]
fn exports_of_several_nodes_tell_where_packets_were_lost() {
    let folder = Folder::new("analyse-cards");
    let mut files = [String::new(), String::new(), String::new()];
    for number in 0..100_u32 {
        for (node, file) in (0_u8..).zip(&mut files) {
            let seen = match number {
                7 | 8 => node < 1,
                20..25 => node < 2,
                // Whoever is silent is not where the packet was lost.
                50 => node != 1,
                60 => false,
                _ => true,
            };
            if seen {
                *file += &Card::new(number, node).line();
            }
        }
    }
    let files: Vec<_> = ["a", "b", "c"]
        .iter()
        .zip(&files)
        .map(|(name, lines)| written(&folder, name, lines))
        .collect();
    for order in [[0, 1, 2], [2, 1, 0]] {
        let files = order.map(|place| files[place].as_str());
        let found = found(&files);
        let outcome = &found["flows"][0]["outcome"];
        assert_eq!(outcome, &json!({"arrived": 92, "lost": 7, "unseen": 1}));
        let losses: Vec<_> = found["losses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|loss| {
                (
                    loss["after"].clone(),
                    loss["before"].clone(),
                    loss["packets"].clone(),
                    loss["sequences"].clone(),
                )
            })
            .collect();
        let mut expected = vec![
            (
                json!("0x0a0001"),
                json!(["0x0b0001"]),
                json!(2),
                json!([7, 8]),
            ),
            (
                json!("0x0b0001"),
                json!(["0x0c0001"]),
                json!(5),
                json!([20, 21, 22, 23, 24]),
            ),
            (Value::Null, json!(["0x0a0001"]), json!(1), json!([])),
        ];
        expected.retain(|loss| losses.contains(loss));
        assert_eq!((expected.len(), losses.len()), (3, 3), "{losses:#?}");
        let gap = &found["missing_hops"][0];
        assert_eq!(
            (&gap["packets"], &gap["probably"]),
            (&json!(1), &json!("0x0b0001"))
        );
        assert_eq!(
            (&found["summary"]["lost"], &found["summary"]["changes"]),
            (&json!(8), &json!(0))
        );
        let delay = &found["links"][0]["delay"];
        assert_eq!(
            (&delay["min"], &delay["max"]),
            (&json!(250_000), &json!(250_000))
        );
    }
}

#[test]
fn packets_over_several_paths_are_spread_and_no_changes() {
    let folder = Folder::new("analyse-ecmp");
    let mut lines = String::new();
    for number in 0..400_u64 {
        // Neither regular nor long on one path.
        let over: u32 = if number * number % 7 < 3 { 0xB } else { 0xC };
        lines += &Trace::new(&[0xA, over, 0xD], number * 10_000, 1000).line();
    }
    let found = found(&[&written(&folder, "n", &lines)]);
    let flow = &found["flows"][0];
    assert_eq!(
        (&flow["changes"], &flow["spread"]),
        (&json!(0), &json!(true))
    );
    assert!(flow["switches"].as_u64().unwrap() > 100);
    assert_eq!(found["changes"], json!([]));
}

#[test]
fn trouble_has_an_exit_code_if_asked_for() {
    let folder = Folder::new("analyse-strict");
    let good = written(&folder, "good", &Trace::new(&[1, 2], 0, 10).line());
    let gap = Trace::new(&[1, 2, 3], 0, 10).without(Some(2)).line();
    let gap = written(&folder, "gap", &gap);
    let lost = written(&folder, "lost", &report(90, 10, true));
    for (file, code) in [(&good, 0), (&gap, 1), (&lost, 1)] {
        let strict = analyse(&[file, "--strict"]).output().unwrap();
        assert_eq!(says(&strict).0, Some(code), "{file}");
        let lenient = analyse(&[file]).output().unwrap();
        assert_eq!(says(&lenient).0, Some(0));
    }
    let (_, out, _) = says(&analyse(&[&lost]).output().unwrap());
    assert!(out.contains("10 packets of 100 lost (10.0 %)"), "{out}");
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let folder = Folder::new("analyse-bad");
    let line = Trace::new(&[1, 2], 0, 10).line();
    let spoilt = written(&folder, "spoilt", &format!("{line}no record\n{line}"));
    let (code, out, err) = says(&analyse(&[&spoilt]).output().unwrap());
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("spoilt: line 2: is no record"), "{err}");
    assert!(out.contains("2 packets in 1 flow"), "{out}");
    let foreign = written(&folder, "foreign", "\u{7f}ELF and more\n");
    for (words, says_why) in [
        (
            [foreign.as_str()],
            "foreign: nothing in it can be read: line 1: is no record",
        ),
        (["/nonexistent"], "/nonexistent: cannot be opened"),
        (
            ["--listen=udp:203.0.113.1:4739"],
            "--listen udp:203.0.113.1:4739: cannot listen there",
        ),
    ] {
        let (code, _, err) = says(&analyse(&words).output().unwrap());
        assert_eq!(code, Some(1));
        assert!(err.contains(says_why) && !err.contains("panicked"), "{err}");
    }
    let good = written(&folder, "good", &line);
    let (code, _, err) = says(
        &analyse(&[&good, "--html", "/nonexistent/x.html"])
            .output()
            .unwrap(),
    );
    assert_eq!(code, Some(1));
    assert!(
        err.contains("--html /nonexistent/x.html: cannot write"),
        "{err}"
    );
}

/// Records of every kind, as the node's exporter and its NDJSON get them.
fn records() -> Vec<Record> {
    let mut records = Vec::new();
    for number in 0..40_u32 {
        let fraction = 0x1000_0000 + number * 0x0010_0000;
        let middle = if number < 20 { 0x0B_0001 } else { 0x0C_0001 };
        let later = fraction + 0x0040_0000;
        let missing = if number == 30 { 61 } else { 62 };
        let trace = format!(
            "007b 3000 f8000000 {missing:02x}0d0001 0d110d22 ea66a422 {:08x} 00000300 3f{middle:06x} 0b110b22 ea66a422 {later:08x} 00000200 400a0001 0a110a22 ea66a422 {fraction:08x} 00000100",
            later + 0x0030_0000
        );
        let mut trace = record(OptionType::PreallocatedTrace, &trace);
        trace.received.nanoseconds += number * 1_000_000;
        records.push(Record::Option(trace));
        for (node, limit) in [(0x0A_0001, 64), (0x0B_0001, 63), (0x0D_0001, 62)] {
            if (number, limit) == (9, 62) {
                continue;
            }
            let card =
                format!("007b 00c0 c0000000 00abcdef {number:08x} {limit:02x}{node:06x} 0b110b22");
            let mut card = record(OptionType::DirectExport, &card);
            card.received.nanoseconds += number * 1_000_000 + (64 - limit) * 20_000;
            records.push(Record::Option(card));
        }
    }
    records.push(ipfix_support::report());
    let end_to_end = "007b 7000 00000009 66bb7122 000186a0";
    records.push(Record::Option(record(OptionType::EdgeToEdge, end_to_end)));
    records
}

/// A collector that runs for as long as it takes.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Running {
    fn start(transport: &str) -> Self {
        let place = format!("{transport}:[::1]:0");
        // What options were as they were does not say the format of its timestamps.
        let words = [
            "--listen",
            &place,
            "--json",
            "--timestamp-format",
            "ntp",
            "--seconds",
            "30",
        ];
        let mut command = analyse(&words);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        stderr.read_line(&mut line).unwrap();
        let address = line
            .trim()
            .split_once(&format!("listening on {transport}:"))
            .unwrap()
            .1;
        Self {
            address: address.parse().unwrap(),
            child,
        }
    }

    fn found(self) -> Value {
        // What was sent is there at the latest when the exporter has ended.
        std::thread::sleep(Duration::from_millis(200));
        rig::run(&["kill", "-INT", &self.child.id().to_string()]);
        let output = self.child.wait_with_output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// What has to be the same, whichever way the records came.
fn same(found: &Value) -> Value {
    let keys = [
        "flows",
        "links",
        "nodes",
        "missing_hops",
        "losses",
        "changes",
        "summary",
        "first",
        "last",
    ];
    let mut same: serde_json::Map<String, Value> = keys
        .iter()
        .map(|key| ((*key).to_owned(), found[key].clone()))
        .collect();
    let mut sequences = found["sequences"].clone();
    for sequence in sequences.as_array_mut().unwrap() {
        for key in ["input", "profile"] {
            sequence.as_object_mut().unwrap().remove(key);
        }
    }
    same.insert("sequences".to_owned(), sequences);
    Value::Object(same)
}

#[test]
fn records_say_the_same_by_udp_by_tcp_and_as_lines() {
    let folder = Folder::new("analyse-same");
    let file = TcpListener::bind("[::1]:0").unwrap();
    let (udp, tcp) = (Running::start("udp"), Running::start("tcp"));
    let mut exporter = exporter(&[
        collector(udp.address, Transport::Udp),
        collector(tcp.address, Transport::Tcp),
        collector(file.local_addr().unwrap(), Transport::Tcp),
    ]);
    let saved = std::thread::spawn(move || {
        let mut octets = Vec::new();
        file.accept().unwrap().0.read_to_end(&mut octets).unwrap();
        octets
    });
    let (records, tables) = (records(), tables());
    let mut lines = String::new();
    for record in &records {
        let _ = writeln!(lines, "{}", ndjson::line(record, &tables));
        exporter.take(record.clone());
    }
    exporter.flush();
    for report in exporter.finish() {
        assert_eq!((report.dropped, report.waiting), (0, 0), "{report:?}");
    }
    let ipfix = folder.path("messages.ipfix");
    std::fs::write(&ipfix, saved.join().unwrap()).unwrap();
    let ipfix = ipfix.display().to_string();
    let by_file = found(&[&ipfix, "--timestamp-format", "ntp"]);
    let by_lines = found(&[&written(&folder, "lines", &lines)]);

    let expected = same(&by_lines);
    assert_eq!(expected["summary"]["packets"], json!(40 + 40 + 1));
    assert_eq!(expected["summary"]["changes"], json!(1));
    assert_eq!(expected["losses"][0]["sequences"], json!([9]));
    assert_eq!(expected["missing_hops"][0]["packets"], json!(1));
    for (way, found) in [
        ("udp", udp.found()),
        ("tcp", tcp.found()),
        ("file", by_file),
    ] {
        let input = &found["inputs"][0];
        assert_eq!(
            (&input["bad"], &input["ipfix"]["missed_records"]),
            (&json!(0), &json!(0)),
            "{way}"
        );
        assert_eq!(same(&found), expected, "{way}");
    }
}

/// Runs a browser without a window.
fn chromium(folder: &Folder, words: &[&str]) -> Output {
    let profile = format!("--user-data-dir={}", folder.path("profile").display());
    let mut command = Command::new("timeout");
    command.args([
        "60",
        "chromium",
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        &profile,
    ]);
    command.args(words).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn a_browser_shows_the_report() {
    let Some(_turn) = turn(&[Need::Tool("chromium")]) else {
        return;
    };
    let folder = Folder::new("analyse-html");
    let files: Vec<_> = domain()
        .iter()
        .map(|(name, lines)| written(&folder, name, lines))
        .collect();
    let names = written(&folder, "names.yaml", NAMES);
    let html = folder.path("report.html");
    let mut words: Vec<&str> = files.iter().map(String::as_str).collect();
    let page = html.display().to_string();
    words.extend(["--nodes", &names, "--html", &page]);
    let found = found(&words);
    let address = format!("file://{page}");
    let output = chromium(&folder, &["--dump-dom", &address]);
    let (code, dom, log) = says(&output);
    assert_eq!(code, Some(0), "{log}");
    let complaints: Vec<_> = log
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    for key in ["packets", "flows", "paths", "changes"] {
        let figure = found["summary"][key].as_u64().unwrap();
        let figure = ioam_app::analyse::report::units::count(figure);
        assert!(dom.contains(&format!("<b>{figure}</b>")), "{key}: {figure}");
    }
    for finding in found["findings"].as_array().unwrap() {
        let text = finding["text"].as_str().unwrap();
        let text = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        assert!(dom.contains(&text), "{text}");
    }
    for name in [
        "Nodes and links",
        "Delay of each hop",
        "Delay from end to end",
        "Delay of hops over time",
        "Loss over time",
        "Paths over time",
    ] {
        assert!(
            dom.contains(&format!("aria-label=\"{name}\"")),
            "no picture: {name}"
        );
    }
    // The name that one of the nodes was given.
    assert!(!dom.contains("<img") && dom.contains("&lt;img src=x"));
    assert!(Path::new(&html).metadata().unwrap().len() < 1 << 20);
}
