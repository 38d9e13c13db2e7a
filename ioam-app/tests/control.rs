// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A running node is asked and told: `ioam show`, `ioam reload`, signals, and clients that mean no
//! good.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod running;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use running::{Folder, Node, PATIENCE, ioam, says};
use serde_json::{Value, json};

const NODE: &str = "runtime: {memory: no-huge, buffers: 4096}
node: {id: 0x0a0001}
ports:
  - {name: east, device: net_null0, ioam: true}
  - {name: west, device: net_null1}
forwarding: {mode: wire, pairs: [[east, west]]}
namespaces: [{id: 123, data: 1}]
profiles:
  - name: collect
    filter: {in-port: east}
    preallocated-tracing-profile:
      node-action: decapsulate
      trace-types: {use-namespace: 123}
";

fn start(name: &str) -> (Folder, String, Node) {
    let folder = Folder::new(name);
    let socket = folder.path("node.sock");
    let text = format!("{NODE}control: {{socket: {}}}\n", socket.display());
    let node = Node::start(&folder.write("node.yaml", &text), &socket);
    (folder, text, node)
}

#[test]
fn everything_is_shown_as_a_table_and_as_json_with_rates() {
    let (_folder, _, node) = start("show");
    for (section, word) in [
        ("node", "packet buffers"),
        ("ports", "received/s"),
        ("workers", "ticks/packet"),
        ("namespaces", "options/s"),
        ("profiles", "collect"),
        ("flows", "groups"),
        ("drops", "forwarded"),
        ("export", "ring of worker"),
        ("latency", "no delays"),
        ("paths", "no paths"),
    ] {
        let (table, error) = says(&node.ask(&["show", section, "--window", "0.1"]));
        assert!(table.contains(word), "{section}: {table}{error}");
        let json = node.json(&["show", section, "--window", "0.1"]);
        assert!(json["window_seconds"].as_f64().unwrap() >= 0.1, "{json}");
        assert!(!json[section].is_null(), "{json}");
    }
    let ports = node.json(&["show", "ports", "--window", "0.2"]);
    let east = &ports["ports"][0];
    assert!(
        east["per_second"]["received"].as_f64().unwrap() > 0.0,
        "{east}"
    );
    assert!(
        !east["driver_counts"].as_object().unwrap().is_empty(),
        "{east}"
    );
    let workers = node.json(&["show", "workers", "--window", "0.2"]);
    let busy = workers["workers"][0]["busy"].as_f64().unwrap();
    assert!(busy > 0.0 && busy <= 1.5, "{workers}");
    node.stop();
}

#[test]
fn a_reload_changes_what_it_can_and_says_what() {
    let (folder, text, node) = start("reload");
    let new = text.replace("data: 1}", "data: 2}, {id: 7}");
    folder.write("node.yaml", &new);
    let (dry, _) = says(&node.ask(&["reload", "--dry-run"]));
    assert!(dry.contains("namespaces[123].data: 1 -> 2"), "{dry}");
    assert!(dry.contains("nothing was done"), "{dry}");
    let ids = |node: &Node| node.json(&["show", "namespaces", "--window", "0.05"]);
    assert_eq!(ids(&node)["namespaces"].as_array().unwrap().len(), 2);
    let done = node.json(&["reload"]);
    assert_eq!(
        (&done["ok"], &done["applied"]),
        (&json!(true), &json!(true)),
        "{done}"
    );
    assert_eq!(ids(&node)["namespaces"].as_array().unwrap().len(), 3);
    let (again, _) = says(&node.ask(&["reload"]));
    assert!(again.contains("nothing has changed"), "{again}");

    // A signal does the same.
    folder.write("node.yaml", &text);
    node.signal("-HUP");
    node.waits_for("namespaces[123].data: 2 -> 1");
    node.waits_for("keys changed");
    assert_eq!(ids(&node)["namespaces"].as_array().unwrap().len(), 2);
    node.stop();
}

#[test]
fn what_cannot_be_reloaded_is_refused_by_name_and_changes_nothing() {
    let (folder, text, node) = start("refused");
    let cases = [
        (
            text.replace("buffers: 4096", "buffers: 8192"),
            "runtime.buffers",
        ),
        (
            text.replace("device: net_null1", "device: net_null1, mtu: 1400"),
            "ports[west].mtu",
        ),
        (text.replace("west", "north"), "ports: which there are"),
        (text.clone() + "export: {ndjson: /dev/null}\n", "export"),
        (text.clone() + "nodes: 1\n", "unknown key `nodes`"),
        (
            text.replace("use-namespace: 123", "use-namespace: 124"),
            "124",
        ),
        ("- [".to_owned(), "node.yaml:1"),
    ];
    for (bad, says_why) in cases {
        folder.write("node.yaml", &bad);
        for words in [&["reload"][..], &["reload", "--dry-run"]] {
            let output = node.ask(words);
            let (_, error) = says(&output);
            assert_eq!(output.status.code(), Some(1), "{says_why}: {error}");
            assert!(error.contains(says_why), "{says_why}: {error}");
        }
    }
    std::fs::remove_file(folder.path("node.yaml")).unwrap();
    let (_, error) = says(&node.ask(&["reload"]));
    assert!(error.contains("cannot read this file"), "{error}");
    node.signal("-HUP");
    node.waits_for("nothing was changed");
    let report = node.stop();
    assert!(report["ports"][0]["received"].as_u64().unwrap() > 0);
    assert_eq!(report["mbufs_leaked"], 0);
}

#[test]
fn the_socket_is_the_owners_and_one_nodes_alone() {
    let (folder, text, node) = start("socket");
    let mode = std::fs::metadata(&node.socket)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // A second node is refused by name, and the first one goes on.
    let second = text
        .replace("net_null0", "net_null2")
        .replace("net_null1", "net_null3");
    let path = folder.write("second.yaml", &second);
    let output = ioam(&["run", "--duration", "1", "--config"])
        .arg(&path)
        .output()
        .unwrap();
    let (_, error) = says(&output);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains("control.socket") && error.contains("another node answers"),
        "{error}"
    );
    assert!(
        node.ask(&["show", "drops", "--window", "0.05"])
            .status
            .success()
    );
    let socket = node.socket.clone();
    // One that was left behind is replaced: a node that is killed cannot remove it.
    node.signal("-KILL");
    drop(node);
    assert!(socket.exists());
    let node = Node::start(&folder.path("node.yaml"), &socket);
    assert!(
        node.ask(&["show", "drops", "--window", "0.05"])
            .status
            .success()
    );
    node.stop();
    assert!(!socket.exists());
    // A file that is no socket is left alone.
    std::fs::write(&socket, "mine").unwrap();
    let mut command = ioam(&["run", "--duration", "1", "--config"]);
    let output = command.arg(folder.path("node.yaml")).output().unwrap();
    assert!(
        says(&output).1.contains("is no socket"),
        "{:?}",
        says(&output)
    );
    assert_eq!(std::fs::read_to_string(&socket).unwrap(), "mine");
}

fn line(stream: &mut BufReader<UnixStream>) -> Value {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"))
}

#[test]
fn clients_that_mean_no_good_cost_a_thread_and_nothing_else() {
    let (_folder, _, node) = start("hostile");
    let connect = || {
        let stream = UnixStream::connect(&node.socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        BufReader::new(stream)
    };
    let mut client = connect();
    let garbage: [&[u8]; 9] = [
        b"\n",
        b"\xff\xfe\x00\n",
        b"[]\n",
        b"{}\n",
        b"{\"request\":\"show\"}\n",
        b"{\"request\":\"show\",\"section\":\"ports\",\"evil\":1}\n",
        b"{\"request\":\"show\",\"section\":\"none\"}\n",
        b"{\"request\":\"hello\",\"version\":2}\n",
        b"{\"request\":\"stop\"}\n",
    ];
    for bad in garbage {
        client.get_mut().write_all(bad).unwrap();
        let answer = line(&mut client);
        assert_eq!(answer["ok"], false, "{answer}");
        assert!(answer["error"].as_str().unwrap().len() > 10, "{answer}");
    }
    // The same client may go on, and put several requests into one packet.
    let hello = b"{\"request\":\"hello\"}\n{\"version\":1,\"request\":\"hello\"}\n";
    client.get_mut().write_all(hello).unwrap();
    for _ in 0..2 {
        let answer = line(&mut client);
        assert_eq!(
            (&answer["ok"], &answer["version"]),
            (&json!(true), &json!(1)),
            "{answer}"
        );
    }
    // A line without end.
    let mut endless = connect();
    endless.get_mut().write_all(&[b'x'; 5000]).unwrap();
    assert!(
        line(&mut endless)["error"]
            .as_str()
            .unwrap()
            .contains("4096")
    );
    assert_eq!(endless.read(&mut [0; 1]).unwrap_or(0), 0);
    // Some that say nothing, and some that ask and never read.
    let silent: Vec<_> = (0..6).map(|_| connect()).collect();
    let deaf: Vec<_> = (0..6).map(|_| connect()).collect();
    for mut client in deaf.iter().map(|client| client.get_ref()) {
        client.set_nonblocking(true).unwrap();
        let request = b"{\"request\":\"show\",\"section\":\"drops\"}\n".repeat(200);
        let _ = client.write(&request);
    }
    let began = Instant::now();
    assert!(
        node.ask(&["show", "ports", "--window", "0.05"])
            .status
            .success()
    );
    assert!(began.elapsed() < Duration::from_secs(20));
    // More than there is room for are told so.
    let crowd: Vec<_> = (0..20).map(|_| connect()).collect();
    let refused = crowd.into_iter().filter_map(|mut client| {
        client
            .get_ref()
            .set_read_timeout(Some(Duration::from_millis(200)))
            .unwrap();
        let mut line = String::new();
        client.read_line(&mut line).ok()?;
        line.contains("clients are here already").then_some(())
    });
    assert!(refused.count() > 0);
    drop((silent, deaf, client));
    assert_eq!(node.stop()["mbufs_leaked"], 0);
}

#[test]
fn without_a_node_the_message_says_how_to_get_one() {
    let folder = Folder::new("none");
    let mut command = ioam(&["show", "ports", "--socket"]);
    let output = command.arg(folder.path("none.sock")).output().unwrap();
    let (_, error) = says(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error.contains("none.sock") && error.contains("is it running"),
        "{error}"
    );
}
