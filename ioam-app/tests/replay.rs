// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam replay` as a user meets it: captures and a configuration in, captures and records out.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that panics has failed, and its frames are short"
)]

#[path = "replay/bench.rs"]
mod bench;

use bench::{Bench, TIME, frame, vector, vectors, yaml};
use ioam_app::replay::{Outcome, replay};
use ioam_dp::timestamp::WallTime;
use serde_json::{Value, json};

fn at(nanoseconds: u32) -> WallTime {
    WallTime {
        nanoseconds,
        ..TIME
    }
}

/// Option types and carriers that this node does not process yet, each left for its own work.
fn is_about_traces_in_ipv6(id: &str) -> bool {
    !(["E04", "E05", "T29"].contains(&id) || id.starts_with(['X', 'N', 'G']))
}

/// Replays one reference packet with the reference node's measurements.
fn replay_vector(vector: &Value) -> (Bench, Outcome) {
    let id = vector["id"].as_str().unwrap();
    let file = vectors();
    let node = &file["nodes"][vector["node"].as_str().unwrap()];
    let bench = Bench::new(id, &yaml(vector));
    bench.capture("in.pcap", [(TIME, &frame(vector, "in")[..])]);
    let mut arguments = bench.arguments(&["in east=in.pcap", "out west=out.pcap", "records r"]);
    arguments.clock = Some(WallTime {
        seconds: node["sec"].as_u64().unwrap(),
        nanoseconds: u32::try_from(node["nsec"].as_u64().unwrap()).unwrap(),
    });
    arguments.transit_delay = Some(4321);
    arguments.queue_depth = Some(0x10);
    arguments.buffer_occupancy = Some(0x8000);
    let outcome = replay(&arguments).unwrap_or_else(|error| panic!("{id}: {error:#}"));
    (bench, outcome)
}

#[test]
fn reference_packets_come_out_as_written() {
    let mut seen = 0;
    for vector in vectors()["vectors"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        if !is_about_traces_in_ipv6(id) {
            continue;
        }
        let (bench, outcome) = replay_vector(vector);
        let out = bench.packets("out.pcap");
        if vector["action"] == "drop" {
            assert!(out.is_empty(), "{id}");
            assert_eq!(outcome.report.counters.get("edge_ingress"), 1, "{id}");
        } else {
            assert_eq!(out.len(), 1, "{id}");
            assert_eq!(out[0].octets[14..], frame(vector, "out")[14..], "{id}");
            assert_eq!(out[0].time, Some(TIME), "{id}");
        }
        seen += 1;
    }
    assert!(seen >= 20, "only {seen}");
}

#[test]
fn decapsulated_traces_become_lines() {
    for id in ["D01", "D05"] {
        let vector = vector(id);
        let (bench, outcome) = replay_vector(&vector);
        let records = bench.records("r");
        let [record] = &records[..] else {
            panic!("{id}: {records:?}");
        };
        let expected = &vector["export"];
        assert_eq!(record["time"], "2024-08-13T14:43:46.300000000Z");
        assert_eq!(
            (&record["in_port"], &record["profile"]),
            (&"east".into(), &"the-profile".into())
        );
        assert_eq!(record["namespace"], expected["namespace"]);
        assert_eq!(record["trace_type"], "0xc00000");
        let nodes: Vec<Value> = record["nodes"].as_array().unwrap().clone();
        let wanted = expected["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), wanted.len());
        for (node, wanted) in nodes.iter().zip(wanted) {
            assert_eq!(node["hop_limit"], wanted["hop_lim"]);
            assert_eq!(node["node_id"], wanted["node_id"]);
            assert_eq!(node["ingress_if_id"], wanted["iif"]);
            assert_eq!(node["egress_if_id"], wanted["eif"]);
        }
        if let Some(raw) = expected["ioamPreallocatedTraceData"].as_str() {
            assert_eq!(record["raw"], raw);
        }
        assert_eq!(record["flow"]["destination"], "2001:db8:2::2");
        let counts = outcome.report.records.unwrap();
        assert_eq!((counts.written, counts.lost), (1, 0));
        assert_eq!(outcome.report.profiles[0].records, 1);
        assert_eq!(outcome.report.namespaces[1].decapsulated, 1);
    }
}

#[test]
fn counters_say_what_was_not_done_and_why() {
    for (id, counter) in [
        ("T18", "namespace_unknown"),
        ("M04", "trace_remlen"),
        ("M06", "hbh_tlv_overrun"),
        ("M08", "option_alignment"),
        ("F01", "edge_ingress"),
    ] {
        let (_, outcome) = replay_vector(&vector(id));
        assert_eq!(outcome.report.counters.get(counter), 1, "{id}");
        let all = outcome.report.counters.all();
        assert_eq!(
            all.iter().map(|counter| counter.count).sum::<u64>(),
            1,
            "{id}"
        );
        assert!(outcome.to_string().contains(counter), "{outcome}");
    }
}

/// Both directions, random sampling, times that interleave.
fn busy_bench(name: &str) -> Bench {
    let encapsulate = vector("E01");
    let yaml = yaml(&encapsulate).replace(
        "      max-length",
        "      sampling: {random: 3}\n      max-length",
    );
    let bench = Bench::new(name, &yaml);
    let plain = frame(&encapsulate, "in");
    let traced = frame(&vector("T01"), "in");
    let frames = |first: u32| {
        let (plain, traced) = (&plain, &traced);
        (0..300).map(move |n| {
            let frame = if n % 5 == 0 { traced } else { plain };
            (at(first + n * 1000), &frame[..])
        })
    };
    bench.capture("east.pcap", frames(0));
    bench.capture("west.pcap", frames(500));
    bench
}

#[test]
fn two_runs_give_the_same_octets() {
    let bench = busy_bench("same");
    let run = |name: &str| {
        let (east, west) = (format!("out east={name}-e"), format!("out west={name}-w"));
        let records = format!("records {name}-r");
        let mut outcome = bench.replay(&[
            "in west=west.pcap",
            "in east=east.pcap",
            &east,
            &west,
            &records,
        ]);
        for output in &mut outcome.outputs {
            output.file = None;
        }
        let octets = ["e", "w", "r"].map(|file| bench.octets(&format!("{name}-{file}")));
        (octets, outcome.json(), outcome.to_string())
    };
    let first = run("first");
    assert_eq!(first, run("second"));
    let packets = bench.packets("first-w");
    assert_eq!(packets.len(), 300);
    let plain = frame(&vector("E01"), "in").len();
    let larger = packets
        .iter()
        .filter(|packet| packet.octets.len() > plain)
        .count();
    assert!(
        (100..220).contains(&larger),
        "60 traced and a third of 240, but {larger}"
    );
}

#[test]
fn ports_share_one_clock_and_ties_go_to_the_first() {
    let decapsulate = vector("D01");
    let bench = Bench::new("order", &yaml(&decapsulate));
    let packet = frame(&decapsulate, "in");
    let packets = |times: &'static [u32]| times.iter().map(|time| (at(*time), &packet[..]));
    bench.capture("east.pcap", packets(&[10, 30, 20, 50]));
    bench.capture("west.pcap", packets(&[10, 25, 40]));
    bench.replay(&["in west=west.pcap", "in east=east.pcap", "records r"]);
    let order: Vec<(String, String)> = bench
        .records("r")
        .iter()
        .map(|record| {
            let time = record["time"].as_str().unwrap();
            (
                time[26..29].to_owned(),
                record["in_port"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let expected = [
        ("010", "east"),
        ("010", "west"),
        ("025", "west"),
        ("030", "east"),
        ("020", "east"),
        ("040", "west"),
        ("050", "east"),
    ];
    assert_eq!(
        order,
        expected.map(|(time, port)| (time.to_owned(), port.to_owned()))
    );
}

#[test]
fn pcapng_gives_what_pcap_gives() {
    let bench = busy_bench("pcapng");
    let words =
        |values: &[u32]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
    let mut file = words(&[0x0A0D_0D0A, 28, 0x1A2B_3C4D, 1, u32::MAX, u32::MAX, 28]);
    // One interface of Ethernet, whose times are nanoseconds.
    file.extend(words(&[1, 32, 1, 0, 0x0001_0009, 9, 0, 32]));
    for packet in bench.packets("east.pcap") {
        let time = packet.time.unwrap().as_nanoseconds();
        let (high, low) = ((time >> 32) as u32, time as u32);
        let length = packet.octets.len() as u32;
        let padded = packet.octets.len().next_multiple_of(4);
        let block = 32 + padded as u32;
        file.extend(words(&[6, block, 0, high, low, length, length]));
        file.extend(&packet.octets);
        file.resize(file.len() + padded - packet.octets.len(), 0);
        file.extend(words(&[block]));
    }
    std::fs::write(bench.path("east.pcapng"), file).unwrap();
    bench.replay(&["in east=east.pcap", "out west=a"]);
    bench.replay(&["in east=east.pcapng", "out west=b"]);
    assert_eq!(bench.packets("a").len(), 300);
    assert_eq!(bench.octets("a"), bench.octets("b"));
}

/// A node that takes the trace out after adding its own data, all of which were asked for.
fn recording_bench(name: &str, more: &str) -> Bench {
    let mut every_field = vector("T12");
    every_field["config"]["role"] = "decap".into();
    let yaml = yaml(&every_field).replace("record-self: false", "record-self: true") + more;
    let bench = Bench::new(name, &yaml);
    bench.capture("in.pcap", [(at(7000), &frame(&every_field, "in")[..])]);
    bench
}

/// The time, and what this node wrote for seconds, fraction, delay and depth.
fn own_data(bench: &Bench) -> Value {
    let records = bench.records("r");
    let node = records[0]["nodes"].as_array().unwrap().last().unwrap();
    json!([
        records[0]["time"],
        node["timestamp_seconds"],
        node["timestamp_fraction"],
        node["transit_delay"],
        node["queue_depth"],
    ])
}

#[test]
fn time_is_the_capture_s_and_what_nobody_gave_is_not_available() {
    let bench = recording_bench("unknown", "");
    bench.replay(&["in east=in.pcap", "records r"]);
    let expected = json!([
        "2024-08-13T14:43:46.000007000Z",
        TIME.seconds,
        7,
        null,
        null
    ]);
    assert_eq!(own_data(&bench), expected);
}

#[test]
fn flags_go_before_the_configuration() {
    let simulate = "simulate: {clock: \"5.000001\", transit-delay: 1, queue-depth: 2}\n";
    let bench = recording_bench("given", simulate);
    bench.replay(&["in east=in.pcap", "records r"]);
    let expected = json!(["1970-01-01T00:00:05.000001000Z", 5, 1, 1, 2]);
    assert_eq!(own_data(&bench), expected);

    let mut arguments = bench.arguments(&["in east=in.pcap", "records r"]);
    arguments.clock = Some(WallTime {
        seconds: 6,
        nanoseconds: 2_000,
    });
    arguments.queue_depth = Some(9);
    replay(&arguments).unwrap();
    let expected = json!(["1970-01-01T00:00:06.000002000Z", 6, 2, 1, 9]);
    assert_eq!(own_data(&bench), expected);
}

#[test]
fn what_has_no_file_is_counted() {
    let bench = busy_bench("discarded");
    let outcome = bench.replay(&["in east=east.pcap"]);
    let west = &outcome.outputs[1];
    assert_eq!(
        (west.port.as_str(), &west.file, west.packets),
        ("west", &None, 300)
    );
    assert_eq!(outcome.report.ports[0].received, 300);
    assert_eq!(outcome.report.ports[1].sent, 300);
    assert!(outcome.to_string().contains("(discarded)"));
    assert!(outcome.warnings.is_empty(), "{:?}", outcome.warnings);
}

#[test]
fn a_truncated_capture_is_handled_as_it_is_and_said() {
    let bench = busy_bench("truncated");
    let mut file = bench.octets("east.pcap");
    let packet = frame(&vector("T01"), "in");
    // The first packet, whose last 10 octets were not captured.
    let start = 24 + 16;
    let kept = packet.len() - 10;
    file[start - 8..start - 4].copy_from_slice(&u32::try_from(kept).unwrap().to_le_bytes());
    file.drain(start + kept..start + packet.len());
    file.truncate(file.len() - 3);
    std::fs::write(bench.path("cut.pcap"), file).unwrap();
    let outcome = bench.replay(&["in east=cut.pcap", "out west=out"]);
    assert_eq!(outcome.inputs[0].packets, 299);
    assert_eq!(outcome.inputs[0].truncated, 1);
    assert!(outcome.inputs[0].cut);
    assert_eq!(outcome.warnings.len(), 2);
    assert!(outcome.warnings[0].contains("1 of 299 packets are shorter"));
    assert!(outcome.warnings[1].contains("ends inside a packet"));
    assert_eq!(outcome.report.counters.get("packet_truncated"), 1);
    assert_eq!(bench.packets("out")[0].octets.len(), kept);
}

#[test]
fn mistakes_get_one_sentence_each() {
    let bench = busy_bench("mistakes");
    std::fs::write(bench.path("text"), "these are no packets").unwrap();
    let sentence = |words: &[&str], parts: &[&str]| {
        let error = bench.error(words);
        for part in parts {
            assert!(error.contains(part), "{words:?}: {error}");
        }
        assert!(!error.contains('\n'), "{error}");
    };
    sentence(
        &["in north=east.pcap"],
        &["no port is named `north`", "east, west"],
    );
    sentence(
        &["in east=east.pcap", "out up=x"],
        &["--out", "no port is named `up`"],
    );
    sentence(
        &["in east=none.pcap"],
        &["none.pcap cannot be opened", "check the path"],
    );
    sentence(
        &["in east=text"],
        &["text is neither pcap nor pcapng", "tcpdump"],
    );
    sentence(
        &["in east=east.pcap", "in east=west.pcap"],
        &["`east` has a file", "mergecap"],
    );
    let twice = &["in east=east.pcap", "out west=east.pcap"];
    sentence(twice, &["--out", "east.pcap", "--in uses this file"]);
    let twice = &["in east=east.pcap", "out west=new", "records new"];
    sentence(twice, &["--records", "--out uses this file"]);
    sentence(
        &["in east=east.pcap", "out west=node.yaml"],
        &["--config uses this file"],
    );
    let nowhere = &["in east=east.pcap", "out west=no/such/folder"];
    sentence(nowhere, &["cannot be created", "check the path"]);
    sentence(
        &["in east=east.pcap", "records no/such/folder"],
        &["--records", "cannot be created"],
    );
    assert_eq!(bench.packets("east.pcap").len(), 300, "the input is whole");
}

#[test]
fn a_bad_configuration_is_shown_where_it_is_bad() {
    let bench = Bench::new("bad", "ports:\n  - nmae: east\n");
    let error = bench.error(&["in east=in.pcap"]);
    assert!(error.contains("node.yaml:2:5"), "{error}");
}

#[test]
fn a_full_disk_ends_the_replay() {
    let bench = busy_bench("full");
    let mut arguments = bench.arguments(&["in east=east.pcap"]);
    arguments.outputs.push("west=/dev/full".parse().unwrap());
    let error = replay(&arguments).unwrap_err().to_string();
    assert!(error.contains("/dev/full cannot be written"), "{error}");
}

#[test]
fn json_has_the_report_s_keys_beside_its_own() {
    let bench = busy_bench("json");
    let outcome = bench.replay(&["in east=east.pcap", "out west=w.pcap"]);
    let value: Value = serde_json::from_str(&outcome.json()).unwrap();
    assert_eq!(value["inputs"][0]["packets"], 300);
    assert_eq!(value["outputs"][1]["packets"], 300);
    assert_eq!(value["ports"][0]["received"], 300);
    assert_eq!(value["profiles"][0]["action"], "encapsulate");
    assert_eq!(value["namespaces"][1]["filled"], 60);
    assert_eq!(value["counters"]["no_route"], 0);
    assert_eq!(value["records"]["written"], 0);
}
