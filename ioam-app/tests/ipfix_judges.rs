// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Collectors that know nothing of our code judge what we export: tshark, nfacctd, nfcapd and
//! ipfixDump.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod ipfix_support;
mod rig;

use std::fmt::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ioam_app::export::Record;
use ioam_app::export::ipfix::settings::Transport;
use ioam_app::export::ipfix::{element, ioam, template};
use ipfix_support::{ENTERPRISE, collector, exporter, postcard, report, trace};
use rig::packet::{Udp, frame};
use rig::{Folder, Need, pcap, turn, wait_for};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);

/// A program that is stopped as a user would stop it.
struct Daemon(Child);

impl Daemon {
    fn start(words: &[&str], log: &Path) -> Self {
        let file = std::fs::File::create(log).unwrap();
        let child = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn();
        Self(child.unwrap())
    }

    fn interrupt(mut self) {
        let id = self.0.id().to_string();
        rig::run(&["kill", "-INT", &id]);
        let ended = wait_for(PATIENCE, || self.0.try_wait().unwrap());
        assert!(ended.is_some(), "it does not end");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port nobody has at the moment.
fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

/// Whether something listens on this UDP port of ours.
fn is_bound(port: u16) -> bool {
    let tables = ["/proc/net/udp", "/proc/net/udp6"].map(std::fs::read_to_string);
    let end = format!(":{port:04X} ");
    tables.iter().flatten().any(|table| table.contains(&end))
}

/// Everything there is to say, `times` over.
fn export(address: SocketAddr, times: usize) {
    let mut exporter = exporter(&[collector(address, Transport::Udp)]);
    for _ in 0..times {
        for record in all() {
            exporter.take(record);
        }
        exporter.flush();
        // Collectors have small socket buffers by default.
        std::thread::sleep(Duration::from_millis(2));
    }
    let figures = exporter.finish().remove(0);
    assert_eq!((figures.sent, figures.dropped), (figures.produced, 0));
}

fn all() -> Vec<Record> {
    use ioam_dp::wire::ioam::OptionType;
    let pot = "007b0000 0102030405060708 1112131415161718";
    let others = [
        (OptionType::ProofOfTransit, pot),
        (OptionType::EdgeToEdge, "007b4000 00000009"),
        (OptionType::IncrementalTrace, "007b0800 80000000 3f0b0001"),
    ];
    let others = others.map(|(kind, data)| Record::Option(ipfix_support::record(kind, data)));
    [trace(), postcard(), report()]
        .into_iter()
        .chain(others)
        .collect()
}

/// The messages of one export.
fn messages(times: usize) -> Vec<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let patience = Some(Duration::from_millis(300));
    socket.set_read_timeout(patience).unwrap();
    let address = socket.local_addr().unwrap();
    let sending = std::thread::spawn(move || export(address, times));
    let mut messages = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        match socket.recv(&mut buffer) {
            Ok(len) => messages.push(buffer[..len].to_vec()),
            Err(_) if sending.is_finished() => break,
            Err(_) => {}
        }
    }
    sending.join().unwrap();
    messages
}

#[test]
fn tshark_reads_every_field_and_finds_nothing_wrong() {
    let Some(_turn) = turn(&[Need::Tool("tshark")]) else {
        return;
    };
    let frames: Vec<_> = messages(3)
        .into_iter()
        .map(|payload| {
            let udp = Udp::new("2001:db8::c", "2001:db8::f", (40_000, 4739));
            frame([2; 6], [4; 6], &Udp { payload, ..udp }.packet())
        })
        .collect();
    let folder = Folder::new();
    let file = folder.file("ipfix.pcap");
    pcap::write(&file, 1_723_560_226, &frames);
    let file = file.to_str().unwrap();
    for wrong in ["_ws.malformed || _ws.expert", "!cflow"] {
        let found = rig::run(&["tshark", "-r", file, "-Y", wrong, "-V"]);
        assert_eq!(found, "", "{wrong}");
    }
    let text = rig::run(&["tshark", "-r", file, "-V"]);
    assert!(!text.contains("No template found"), "{text}");
    // This tshark knows no names of private elements, but shows how they are described.
    for said in ["ioamNodeId", "Observation Domain Id: 77"] {
        assert!(text.contains(said), "{said} in\n{text}");
    }
}

/// The keys nfacctd gives: lower case.
fn key(element: &element::Element) -> String {
    element.name.to_lowercase()
}

fn nfacctd_files(folder: &Folder, port: u16) -> String {
    let output = folder.file("records.json");
    let mut list = String::new();
    let mut keys = vec!["src_host".to_owned(), "dst_host".to_owned()];
    let fields = [template::HOP, template::SEQUENCE_REPORT, template::PATH];
    let mut elements: Vec<&element::Element> = Vec::new();
    for element in fields
        .iter()
        .chain(template::RAW)
        .flat_map(|one| one.fields())
    {
        let extra = [27, 28, 7, 11, 4, 10, 2, 86].contains(&element.id)
            && element.owner == element::Owner::Iana;
        if !extra && !elements.contains(&element) {
            elements.push(element);
        }
    }
    for element in elements {
        let number = match element.owner {
            element::Owner::Iana => element.id.to_string(),
            element::Owner::Enterprise => format!("{ENTERPRISE}:{}", element.id),
        };
        let (len, semantics) = match element.data_type {
            element::DataType::OctetArray => ("vlen".to_owned(), "raw"),
            element::DataType::Ipv6Address => ("16".to_owned(), "ip"),
            _ => (element.length.to_string(), "u_int"),
        };
        let name = element.name;
        writeln!(
            list,
            "name={name} field_type={number} len={len} semantics={semantics}"
        )
        .unwrap();
        keys.push(name.to_owned());
    }
    let list = folder.write("elements.lst", &list);
    let text = format!(
        "daemonize: false\nnfacctd_ip: 127.0.0.1\nnfacctd_port: {port}\nnfacctd_disable_checks: \
         false\naggregate_primitives: {}\nplugins: print[j]\naggregate[j]: {}\nprint_output[j]: \
         json\nprint_output_file[j]: {}\nprint_output_file_append[j]: true\nprint_refresh_time[j]: \
         1\n",
        list.display(),
        keys.join(", "),
        output.display()
    );
    folder.write("nfacctd.conf", &text).display().to_string()
}

#[test]
fn nfacctd_keeps_every_element_and_misses_no_record() {
    let Some(_turn) = turn(&[Need::Tool("nfacctd")]) else {
        return;
    };
    let (folder, port) = (Folder::new(), free_port());
    let config = nfacctd_files(&folder, port);
    let log = folder.file("nfacctd.log");
    let daemon = Daemon::start(&["nfacctd", "-f", &config], &log);
    let said = || std::fs::read_to_string(&log).unwrap();
    assert!(
        wait_for(PATIENCE, || is_bound(port).then_some(())).is_some(),
        "{}",
        said()
    );
    export(SocketAddr::from(([127, 0, 0, 1], port)), 3);
    // It hands records on when it has many, or when it ends; before, it reads what waits.
    std::thread::sleep(Duration::from_millis(500));
    daemon.interrupt();
    let output = folder.file("records.json");
    let records = wait_for(PATIENCE, || {
        let text = std::fs::read_to_string(&output).ok()?;
        let lines = text.lines().map(serde_json::from_str::<Value>);
        let records: Vec<Value> = lines.collect::<Result<_, _>>().ok()?;
        (!records.is_empty()).then_some(records)
    });
    let said = said();
    // Its release 1.7.7 miscounts options of variable length, which are all in domain 0.
    let gaps = said.lines().filter(|line| line.contains("expecting flow"));
    let gaps: Vec<_> = gaps.filter(|line| !line.ends_with(":0")).collect();
    assert!(gaps.is_empty(), "{gaps:?}");
    let text = std::fs::read_to_string(&output).unwrap_or_default();
    let records = records.unwrap_or_else(|| panic!("nothing arrived:\n{said}\n{text}"));
    let with = |element: &element::Element, value: &str| {
        let name = key(element);
        let found = records.iter().find(|record| record[&name] == value);
        found.unwrap_or_else(|| panic!("no {name} of {value}:\n{text}"))
    };
    let hop = with(&ioam::NODE_ID, "720897");
    for element in ioam::ALL {
        assert!(
            hop.get(key(element)).is_some(),
            "no {} in {hop}",
            element.name
        );
    }
    assert_eq!(hop["ip_src"], "2001:db8::1", "{hop}");
    assert_eq!(hop[key(&ioam::HOP_LIMIT)], "63");
    assert_eq!(hop[key(&ioam::CARRIER_SOURCE)], "2001:db8::a");
    with(&ioam::LOST_COUNT, "1");
    let path = with(&ioam::HOP_COUNT, "2");
    assert!(path.is_object());
    let delays = records
        .iter()
        .filter_map(|record| record["pathdelaymeandeltamicroseconds"].as_str());
    let delays: Vec<u32> = delays.filter_map(|delay| delay.parse().ok()).collect();
    assert!(
        delays.iter().any(|delay| (19_000..21_000).contains(delay)),
        "{delays:?}"
    );
    let raw = records
        .iter()
        .filter_map(|record| record[key(&ioam::DIRECT_EXPORT_DATA)].as_str());
    assert!(
        raw.clone().any(|raw| raw.starts_with("00-7B-00-C0")),
        "{text}"
    );
}

#[test]
fn nfcapd_finds_no_bad_packet_and_no_gap_in_the_sequence() {
    let Some(_turn) = turn(&[Need::Tool("nfcapd"), Need::Tool("nfdump")]) else {
        return;
    };
    let (folder, port) = (Folder::new(), free_port());
    let place = folder.file("flows");
    std::fs::create_dir_all(&place).unwrap();
    let (place, log) = (place.to_str().unwrap(), folder.file("nfcapd.log"));
    let number = port.to_string();
    let words = [
        "nfcapd",
        "-b",
        "127.0.0.1",
        "-p",
        &number,
        "-w",
        place,
        "-t",
        "60",
    ];
    let daemon = Daemon::start(&words, &log);
    let bound = wait_for(PATIENCE, || is_bound(port).then_some(()));
    assert!(
        bound.is_some(),
        "{}",
        std::fs::read_to_string(&log).unwrap()
    );
    export(SocketAddr::from(([127, 0, 0, 1], port)), 50);
    // It reads what waits before it ends.
    std::thread::sleep(Duration::from_millis(300));
    daemon.interrupt();
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(
        said.contains("Sequence Errors: 0") && said.contains("Bad Packets: 0"),
        "{said}"
    );
    let flows = said
        .split("Flows: ")
        .nth(1)
        .and_then(|rest| rest.split(',').next());
    let flows: u64 = flows
        .and_then(|count| count.trim().parse().ok())
        .unwrap_or(0);
    assert!(flows > 0, "{said}");
}

#[test]
fn ipfixdump_learns_the_elements_from_the_messages_themselves() {
    let Some(_turn) = turn(&[Need::Tool("ipfixDump")]) else {
        return;
    };
    let folder = Folder::new();
    let file = folder.file("messages.ipfix");
    std::fs::write(&file, messages(2).concat()).unwrap();
    let text = rig::run(&["ipfixDump", "--rfc5610", "-i", file.to_str().unwrap()]);
    for element in ioam::ALL {
        assert!(text.contains(element.name), "{} in\n{text}", element.name);
    }
    let number = |name: &str, value: &str| {
        text.lines()
            .any(|line| line.contains(name) && line.trim_end().ends_with(value))
    };
    assert!(number("ioamNodeId", "720897"), "{text}");
    assert!(number("ioamSequenceLostCount", "1"), "{text}");
}
