// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Export by IPFIX as a collector sees it: RFC 7011 over UDP and TCP, and every record counted.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod ipfix_support;

use std::io::Read as _;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use ioam_app::export::ipfix::settings::{Kinds, Profile, Transport};
use ioam_app::export::ipfix::{CollectorReport, element, ioam, template, uliege};
use ioam_dp::wire::ioam::OptionType;
use ipfix_support::{
    DataRecord, ENTERPRISE, Reader, collector, exporter, postcard, record, report, trace, until,
};

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("[::1]:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    socket
}

/// Everything that waits at the socket.
fn datagrams(socket: &UdpSocket) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    let mut buffer = [0; 65536];
    while let Ok(len) = socket.recv(&mut buffer) {
        datagrams.push(buffer[..len].to_vec());
    }
    datagrams
}

fn adds_up(report: &CollectorReport) {
    assert_eq!(report.waiting, 0);
    assert_eq!(report.sent + report.dropped, report.produced, "{report:?}");
}

/// Exports over UDP and reads what arrives.
fn over_udp(
    kinds: Kinds,
    profile: Profile,
    records: &[ioam_app::export::Record],
) -> (Vec<DataRecord>, CollectorReport) {
    let socket = socket();
    let mut settings = collector(socket.local_addr().unwrap(), Transport::Udp);
    (settings.kinds, settings.profile) = (kinds, profile);
    if profile == Profile::Uliege {
        settings.enterprise = uliege::ENTERPRISE;
    }
    let mut exporter = exporter(&[settings]);
    records
        .iter()
        .for_each(|record| exporter.take(record.clone()));
    exporter.flush();
    let report = exporter.finish().remove(0);
    let mut reader = Reader::default();
    let read = datagrams(&socket);
    let records: Vec<_> = read
        .iter()
        .flat_map(|datagram| reader.message(datagram))
        .collect();
    assert_eq!(reader.gaps, 0);
    adds_up(&report);
    assert_eq!(report.data_records, records.len() as u64);
    assert_eq!(report.messages, reader.messages as u64);
    (records, report)
}

fn of(records: &[DataRecord], template: template::Template) -> Vec<&DataRecord> {
    let has_id = |record: &&DataRecord| record.template == template.id;
    records.iter().filter(has_id).collect()
}

/// What a collector gets of a record of every kind.
fn every_kind() -> Vec<DataRecord> {
    let pot = record(
        OptionType::ProofOfTransit,
        "007b0000 0102030405060708 1112131415161718",
    );
    let e2e = record(OptionType::EdgeToEdge, "007b4000 00000009");
    let all = [
        trace(),
        postcard(),
        report(),
        ioam_app::export::Record::Option(pot),
        ioam_app::export::Record::Option(e2e),
    ];
    let (records, figures) = over_udp(Kinds::ALL, Profile::Ioam, &all);
    assert_eq!((figures.produced, figures.dropped), (6, 0));
    records
}

#[test]
fn decoded_nodes_have_their_values() {
    let records = every_kind();
    let hops = of(&records, template::HOP);
    assert_eq!(hops.len(), 3);
    let newest = hops[0];
    assert_eq!(newest.number("ioamHopIndex"), 1);
    assert_eq!(hops[1].number("ioamHopIndex"), 0);
    for (name, value) in [
        ("ioamNamespaceId", 123),
        ("ioamOptionType", 0),
        ("ioamOccasion", 0),
        ("ioamProfile", 65535),
        ("ingressInterface", 2),
        ("ioamTraceType", 0xF0_0000),
        ("ioamTraceFlags", 0),
        ("ioamHopCount", 2),
        ("ioamHopLimit", 63),
        ("ioamNodeId", 0x0B_0001),
        ("ioamIngressInterfaceId", 0x0B11),
        ("ioamEgressInterfaceId", 0x0B22),
        ("ioamTimestampSeconds", 0xEA65_EFA2),
        ("ioamTimestampFormat", 2),
        ("ioamTransitDelay", 0xFFFF_FFFF),
        ("ioamNodeIdWide", u64::MAX),
        ("sourceTransportPort", 5000),
        ("destinationTransportPort", 6000),
        ("protocolIdentifier", 17),
        ("flowLabelIPv6", 0x12345),
        ("ioamFlowId", 0xFFFF_FFFF),
    ] {
        assert_eq!(newest.number(name), value, "{name}");
    }
    assert_eq!(
        newest.octets("sourceIPv6Address"),
        ipfix_support::address(1)
    );
    assert_eq!(
        newest.octets("ioamCarrierDestinationIPv6Address"),
        ipfix_support::address(0xD)
    );
    // NTP time of 1723560226.123456789.
    let time = newest.number("observationTimeNanoseconds");
    assert_eq!(time >> 32, 3_932_549_026);
    assert_eq!(((time & 0xFFFF_FFFF) * 1_000_000_000) >> 32, 123_456_789);
    let card = hops[2];
    assert_eq!(card.number("ioamFlowId"), 0x00AB_CDEF);
    assert_eq!(card.number("ioamSequenceNumber"), 7);
    assert_eq!(
        (card.number("ioamOptionType"), card.number("ioamOccasion")),
        (4, 1)
    );
}

#[test]
fn raw_options_and_sequences_and_paths_have_theirs() {
    let records = every_kind();
    for (template, name, first) in [
        (
            template::RAW_PREALLOCATED,
            "ioamPreallocatedTraceData",
            "007b2000",
        ),
        (
            template::RAW_DIRECT_EXPORT,
            "ioamDirectExportData",
            "007b00c0",
        ),
        (template::RAW_PROOF, "ioamPOTData", "007b0000"),
        (template::RAW_EDGE_TO_EDGE, "ioamE2EData", "007b4000"),
    ] {
        let raw = of(&records, template);
        assert_eq!(raw.len(), 1, "{name}");
        assert_eq!(raw[0].octets(name)[..4], ipfix_support::octets(first)[..]);
    }

    let sequence = of(&records, template::SEQUENCE_REPORT)[0];
    for (name, value) in [
        ("ioamFlowId", 0x00AB_CDEF),
        ("ioamReportLast", 1),
        ("packetTotalCount", 3),
        ("ioamSequenceReceivedCount", 3),
        ("ioamSequenceLostCount", 1),
        ("ioamDelayCount", 3),
        ("ioamDelayMean", (-5_i64).cast_unsigned()),
    ] {
        assert_eq!(sequence.number(name), value, "{name}");
    }

    let path = of(&records, template::PATH)[0];
    assert_eq!(
        path.octets("ioamPath"),
        ipfix_support::octets("000a0001 000b0001")
    );
    assert_eq!(path.number("packetDeltaCount"), 1);
    let delay = path.number("pathDelayMeanDeltaMicroseconds");
    assert!((19_000..21_000).contains(&delay), "{delay}");
    for name in ["Min", "Max", "Sum"] {
        let name = format!("pathDelay{name}DeltaMicroseconds");
        assert_eq!(path.number(&name), delay);
    }
}

#[test]
fn everything_is_described_with_all_fields_of_rfc_5610() {
    let (records, _) = over_udp(Kinds::ALL, Profile::Ioam, &[]);
    let described = of(&records, template::ELEMENT_TYPE);
    assert_eq!(described.len(), ioam::ALL.len());
    for (record, element) in described.iter().zip(ioam::ALL) {
        assert_eq!(record.fields.len(), 9);
        assert_eq!(
            record.number("privateEnterpriseNumber"),
            u64::from(ENTERPRISE)
        );
        assert_eq!(record.number("informationElementId"), u64::from(element.id));
        assert_eq!(record.text("informationElementName"), element.name);
        assert_eq!(
            record.text("informationElementDescription"),
            element.description
        );
        assert_eq!(
            record.number("informationElementDataType"),
            u64::from(element.data_type as u8)
        );
    }
    let ports: Vec<_> = of(&records, template::INTERFACE)
        .iter()
        .map(|record| {
            (
                record.number("ingressInterface"),
                record.text("interfaceName"),
            )
        })
        .collect();
    let known = [(1, "east".to_owned()), (2, "west".to_owned())];
    assert!(ports.is_empty() || ports == known, "{ports:?}");
    let last = records.last().unwrap();
    assert_eq!(last.template, template::RELIABILITY.id);
    assert_eq!(last.number("exportingProcessId"), 77);
    assert_eq!(last.number("notSentFlowTotalCount"), 0);
}

#[test]
fn the_documentation_has_every_element() {
    let mut table = String::new();
    for element in ioam::ALL {
        let (id, name, data_type) = (element.id, element.name, element.data_type.name());
        let (semantics, units) = (element.semantics.name(), element.units.name());
        let meaning = element.description;
        table +=
            &format!("| {id} | `{name}` | {data_type} | {semantics} | {units} | {meaning} |\n");
    }
    let document = include_str!("../../docs/export.md");
    assert!(
        document.contains(&table),
        "docs/export.md wants this table:\n{table}"
    );
}

#[test]
fn elements_have_one_number_one_name_and_native_sizes() {
    for (place, element) in ioam::ALL.iter().enumerate() {
        assert!(ioam::ALL[..place].iter().all(|other| other.id < element.id));
        assert!([1, 2, 4, 8, 16, element::VARIABLE].contains(&element.length));
        assert!(element.name.starts_with("ioam") && !element.description.is_empty());
    }
}

#[test]
fn a_collector_gets_the_kinds_it_asks_for() {
    let none = Kinds {
        raw: false,
        hops: false,
        sequences: false,
        paths: false,
    };
    let all = [trace(), postcard(), report()];
    for (kinds, wanted, templates) in [
        (Kinds { raw: true, ..none }, 2, vec![257, 261]),
        (Kinds { hops: true, ..none }, 2, vec![256, 256, 256]),
        (
            Kinds {
                sequences: true,
                ..none
            },
            1,
            vec![262],
        ),
        (
            Kinds {
                paths: true,
                ..none
            },
            1,
            vec![263],
        ),
    ] {
        let (records, figures) = over_udp(kinds, Profile::Ioam, &all);
        assert_eq!(figures.produced, wanted);
        let data = records.iter().map(|record| record.template);
        let data: Vec<_> = data.filter(|id| *id < 288).collect();
        assert_eq!(data, templates);
    }
}

#[test]
fn the_profile_of_liege_has_its_template_its_sizes_and_network_order() {
    let all = [trace(), postcard(), report()];
    let (records, figures) = over_udp(Kinds::ALL, Profile::Uliege, &all);
    assert_eq!(figures.produced, 2);
    let nodes = of(&records, template::ULIEGE);
    assert_eq!(nodes.len(), 3);
    let field = |node: &DataRecord, id: usize| {
        assert_eq!(usize::from(node.fields[id].1), id);
        assert_eq!(node.fields[id].0, 10383);
        node.fields[id].2.clone()
    };
    assert_eq!(field(nodes[0], 0), [0, 123]);
    assert_eq!(field(nodes[0], 2), [0x0B, 0, 1]);
    assert_eq!(field(nodes[0], 9), [0xFF; 7]);
    assert_eq!(field(nodes[2], 15), [0, 0xAB, 0xCD, 0xEF]);
    assert_eq!(field(nodes[2], 16), [0, 0, 0, 7]);
}

#[test]
fn over_udp_descriptions_come_first_and_again() {
    let socket = socket();
    let mut settings = collector(socket.local_addr().unwrap(), Transport::Udp);
    settings.refresh = Duration::from_millis(150);
    let mut exporter = exporter(&[settings]);
    for _ in 0..8 {
        exporter.take(trace());
        exporter.flush();
        std::thread::sleep(Duration::from_millis(100));
    }
    adds_up(&exporter.finish()[0]);
    let mut reader = Reader::default();
    let read = datagrams(&socket);
    let is_template = |datagram: &&Vec<u8>| datagram[16..18] == [0, 2];
    // What elements mean comes before the templates that have them.
    assert_eq!(read[0][16..18], [0, 3]);
    let templates: Vec<_> = read.iter().filter(is_template).collect();
    assert!(templates.len() >= 3, "{} times", templates.len());
    let records: Vec<_> = read
        .iter()
        .flat_map(|datagram| reader.message(datagram))
        .collect();
    assert_eq!((of(&records, template::HOP).len(), reader.gaps), (16, 0));
    let ports = of(&records, template::INTERFACE);
    assert_eq!(ports[0].text("interfaceName"), "east");
    assert!(of(&records, template::RELIABILITY).len() > 2);
}

#[test]
fn a_collector_that_is_not_there_costs_only_its_own_records() {
    let here = socket();
    let nobody = UdpSocket::bind("[::1]:0").unwrap().local_addr().unwrap();
    let closed = TcpListener::bind("[::1]:0").unwrap().local_addr().unwrap();
    let mut gone = collector(closed, Transport::Tcp);
    gone.queue = 20;
    let mut exporter = exporter(&[
        collector(nobody, Transport::Udp),
        gone,
        collector(here.local_addr().unwrap(), Transport::Udp),
    ]);
    // No more datagrams than a socket holds.
    for _ in 0..100 {
        exporter.take(postcard());
        exporter.flush();
    }
    let reports = exporter.finish();
    reports.iter().for_each(adds_up);
    assert!(reports[0].refused > 0);
    assert_eq!((reports[1].dropped, reports[1].sent), (100, 0));
    assert!(reports[1].failures > 0 && !reports[1].connected);
    assert_eq!((reports[2].sent, reports[2].dropped), (100, 0));
    let mut reader = Reader::default();
    let read = datagrams(&here);
    let records = read.iter().flat_map(|datagram| reader.message(datagram));
    let hops = records.filter(|record| record.template == template::HOP.id);
    assert_eq!((hops.count(), reader.gaps), (100, 0));
}

/// Reads a connection to its end.
fn read_all(mut connection: TcpStream) -> Vec<DataRecord> {
    let mut octets = Vec::new();
    connection.read_to_end(&mut octets).unwrap();
    let mut reader = Reader::default();
    let (records, rest) = reader.stream(&octets);
    assert!(rest.is_empty());
    assert_eq!(reader.gaps, 0);
    records
}

#[test]
fn over_tcp_descriptions_come_once_a_connection() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let mut settings = collector(listener.local_addr().unwrap(), Transport::Tcp);
    settings.refresh = Duration::from_millis(100);
    let mut exporter = exporter(&[settings]);
    let (connection, _) = listener.accept().unwrap();
    let reading = std::thread::spawn(move || read_all(connection));
    for _ in 0..3 {
        (0..200).for_each(|_| exporter.take(trace()));
        exporter.flush();
        std::thread::sleep(Duration::from_millis(120));
    }
    let report = exporter.finish().remove(0);
    adds_up(&report);
    assert_eq!((report.dropped, report.connections), (0, 1));
    let records = reading.join().unwrap();
    assert_eq!(of(&records, template::HOP).len(), 1200);
    assert_eq!(of(&records, template::RAW_PREALLOCATED).len(), 600);
    assert_eq!(of(&records, template::ELEMENT_TYPE).len(), ioam::ALL.len());
    assert_eq!(records.len() as u64, report.data_records);
}

#[test]
fn a_collector_that_hangs_up_is_called_again_and_told_everything_again() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let settings = collector(listener.local_addr().unwrap(), Transport::Tcp);
    let mut exporter = exporter(&[settings]);
    drop(listener.accept().unwrap());
    until("the loss is noticed", || exporter.reports()[0].failures > 0);
    // Waits in the queue until there is a connection again.
    exporter.take(trace());
    exporter.flush();
    let (connection, _) = listener.accept().unwrap();
    let reading = std::thread::spawn(move || read_all(connection));
    until("it is sent", || exporter.reports()[0].sent == 1);
    let report = exporter.finish().remove(0);
    adds_up(&report);
    assert_eq!((report.connections, report.dropped), (2, 0));
    let records = reading.join().unwrap();
    assert_eq!(of(&records, template::HOP).len(), 2);
    assert_eq!(of(&records, template::ELEMENT_TYPE).len(), ioam::ALL.len());
}

#[test]
fn a_collector_that_does_not_read_loses_records_and_holds_nobody_up() {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let here = socket();
    let mut settings = collector(listener.local_addr().unwrap(), Transport::Tcp);
    settings.queue = 1000;
    let mut exporter = exporter(&[
        settings,
        collector(here.local_addr().unwrap(), Transport::Udp),
    ]);
    let (connection, _) = listener.accept().unwrap();
    let mut longest = Duration::ZERO;
    for _ in 0..60 {
        let begun = std::time::Instant::now();
        (0..1000).for_each(|_| exporter.take(trace()));
        exporter.flush();
        longest = longest.max(begun.elapsed());
        until("the other is sent", || exporter.reports()[1].waiting == 0);
    }
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    let reports = exporter.finish();
    reports.iter().for_each(adds_up);
    assert!(reports[0].dropped > 0, "{:?}", reports[0]);
    assert_eq!(reports[1].dropped, 0);
    drop(connection);
}

#[test]
fn a_collector_that_talks_is_not_listened_to() {
    use std::io::Write as _;
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let mut exporter = exporter(&[collector(listener.local_addr().unwrap(), Transport::Tcp)]);
    let (mut connection, _) = listener.accept().unwrap();
    for _ in 0..20 {
        connection.write_all(&[0xA5; 10_000]).unwrap();
        exporter.take(trace());
        exporter.flush();
    }
    until("all are sent", || exporter.reports()[0].sent == 20);
    adds_up(&exporter.finish()[0]);
}
