// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `/metrics` of a running node, judged by Prometheus's own tools and scraped by Prometheus itself.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod running;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use running::{Folder, Node, PATIENCE};

const NODE: &str = "runtime: {memory: no-huge, buffers: 4096}
ports:
  - {name: east, device: net_null0, ioam: true}
  - {name: west, device: net_null1}
forwarding: {mode: wire, pairs: [[east, west]]}
namespaces: [{id: 123}]
profiles:
  - name: 'collect \"all\"'
    preallocated-tracing-profile: {node-action: decapsulate, trace-types: {use-namespace: 123}}
";

fn start(name: &str) -> (Folder, Node, String) {
    let folder = Folder::new(name);
    let socket = folder.path("node.sock");
    let doors = format!(
        "control: {{socket: {}}}\nmetrics: {{listen: '127.0.0.1:0'}}\n",
        socket.display()
    );
    let node = Node::start(
        &folder.write("node.yaml", &(NODE.to_owned() + &doors)),
        &socket,
    );
    let line = node.waits_for("metrics at");
    let address = line.split('/').nth(2).unwrap().to_owned();
    (folder, node, address)
}

/// Sends a request and reads until the other side closes.
fn exchange(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn get(address: &str, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    exchange(address, request.as_bytes())
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

fn promtool(words: &[&str], input: &str) {
    let mut command = Command::new("promtool");
    command
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .expect("promtool: scripts/setup test installs it");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = running::says(&output);
    assert!(
        output.status.success() && said.1.is_empty(),
        "{said:?}\n{input}"
    );
}

#[test]
fn promtool_finds_nothing_to_say_and_bad_requests_get_what_they_deserve() {
    let (_folder, node, address) = start("promtool");
    let answer = get(&address, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    promtool(&["check", "metrics"], body(&answer));
    for has in [
        "ioam_port_received_packets_total{port=\"east\"} ",
        "ioam_port_driver_statistic{port=\"east\",statistic=\"rx_good_packets\"} ",
        "ioam_dropped_packets_total{reason=\"tx_full\"} ",
        "ioam_notices_total{notice=\"record_lost\"} ",
        "ioam_profile_done_packets_total{profile=\"collect \\\"all\\\"\",action=\"decapsulate\"} 0",
        "ioam_sequence_lost_packets_total{",
        "ioam_build_info{version=",
        "ioam_export_discarded_records_total{output=\"ndjson\"} 0",
    ] {
        assert!(answer.contains(has), "{has}\n{answer}");
    }
    for (request, status) in [
        (&b"GET /other HTTP/1.1\r\n\r\n"[..], "404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400"),
        (b"GET / HTTP/1.0\r\n\r\n", "200"),
    ] {
        let answer = exchange(&address, request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{status}: {answer}"
        );
    }
    let long = [b"GET /metrics HTTP/1.1\r\nA: ".to_vec(), vec![b'a'; 9000]].concat();
    assert!(exchange(&address, &long).contains(" 431 "));
    // Those that say nothing are not waited for by others, and there are never too many of them.
    let silent: Vec<_> = (0..5)
        .map(|_| TcpStream::connect(&address).unwrap())
        .collect();
    assert!(get(&address, "/metrics").contains("ioam_build_info"));
    drop(silent);
    node.stop();
}

/// A port that nobody listens at, a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn prometheus_scrapes_the_node() {
    let (folder, node, address) = start("scrape");
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: ioam\n    \
         static_configs: [{{targets: ['{address}']}}]\n"
    );
    let config = folder.write("prometheus.yml", &config);
    let port = free_port();
    let mut prometheus = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.path("tsdb").display()
        ))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("prometheus: scripts/setup test installs it");
    let began = Instant::now();
    let mut found = serde_json::Value::Null;
    while began.elapsed() < PATIENCE && found.as_array().is_none_or(Vec::is_empty) {
        std::thread::sleep(Duration::from_millis(200));
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
            continue;
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let path = "/api/v1/query?query=ioam_port_received_packets_total";
        let _ = write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\n\r\n");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        let json = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let json: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
        found = json["data"]["result"].clone();
    }
    let _ = prometheus.kill();
    let _ = prometheus.wait();
    let ports: Vec<_> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["metric"]["port"])
        .collect();
    assert_eq!(ports, ["east", "west"], "{found}");
    assert!(
        found[0]["value"][1]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            > 0
    );
    node.stop();
}

#[test]
fn the_rules_and_the_dashboard_ask_for_metrics_that_exist() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let read = |name: &str| std::fs::read_to_string(docs.join(name)).unwrap();
    let rules = docs.join("prometheus/alerts.yml");
    let output = Command::new("promtool")
        .args(["check", "rules"])
        .arg(rules)
        .output();
    let output = output.expect("promtool: scripts/setup test installs it");
    assert!(output.status.success(), "{:?}", running::says(&output));
    let (_folder, node, address) = start("rules");
    let metrics = get(&address, "/metrics");
    node.stop();
    let families: Vec<&str> = body(&metrics)
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let known = |name: &str| {
        let endings = ["_bucket", "_sum", "_count"];
        let base = endings.iter().find_map(|ending| name.strip_suffix(ending));
        families.contains(&name) || base.is_some_and(|base| families.contains(&base))
    };
    let dashboard = read("prometheus/dashboard.json");
    let _: serde_json::Value = serde_json::from_str(&dashboard).expect("JSON");
    let document = read("metrics.md");
    for text in [&read("prometheus/alerts.yml"), &dashboard, &document] {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words = text
            .split(|c| !is_name(c))
            .filter(|word| word.starts_with("ioam_"));
        for word in words {
            assert!(known(word), "there is no metric {word}");
        }
    }
    for family in families {
        let row = format!("| `{family}` |");
        assert!(
            document.contains(&row),
            "docs/metrics.md has no row for {family}"
        );
    }
}
