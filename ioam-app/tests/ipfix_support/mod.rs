// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A reader of IPFIX that is written from RFC 7011 alone, and records to be exported.

#![allow(dead_code, reason = "not every test file wants everything")]

use std::collections::HashMap;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use ioam_app::export::Record;
use ioam_app::export::ipfix::element::{Element, IANA};
use ioam_app::export::ipfix::settings::{Kinds, Profile, Transport};
use ioam_app::export::ipfix::{Collector, Exporter, ioam};
use ioam_dp::accounting::{GroupAccount, SequenceNumber};
use ioam_dp::port::PortId;
use ioam_dp::record::{ExportRecord, Flow, MAX_OPTION_DATA, Occasion, SequenceReport};
use ioam_dp::table::Tables;
use ioam_dp::table::spec::{NamespaceSpec, NodeSpec, PortSpec, Side, TimestampFormat};
use ioam_dp::timestamp::WallTime;
use ioam_dp::wire::ioam::{NamespaceId, OptionType};

/// The number that RFC 5612 keeps for examples.
pub(crate) const ENTERPRISE: u32 = 32_473;

/// A Data Record: its template, and its fields by enterprise and id, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataRecord {
    pub template: u16,
    pub fields: Vec<(u32, u16, Vec<u8>)>,
}

impl DataRecord {
    /// The field with this name, as it stands there.
    pub(crate) fn octets(&self, name: &str) -> &[u8] {
        let element = element(name);
        let wanted = if IANA.contains(element) {
            0
        } else {
            ENTERPRISE
        };
        let mut fields = self.fields.iter();
        let field = fields.find(|(owner, id, _)| *owner == wanted && *id == element.id);
        &field.unwrap_or_else(|| panic!("no {name} in {self:?}")).2
    }

    /// The field with this name as a number without a sign.
    pub(crate) fn number(&self, name: &str) -> u64 {
        let octets = self.octets(name);
        assert!(octets.len() <= 8, "{name} is no number");
        octets
            .iter()
            .fold(0, |sum, octet| sum << 8 | u64::from(*octet))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.octets(name).to_vec()).unwrap()
    }
}

pub(crate) fn element(name: &str) -> &'static Element {
    let mut all = IANA.iter().chain(ioam::ALL);
    all.find(|element| element.name == name)
        .unwrap_or_else(|| panic!("no element {name}"))
}

/// Enterprise, id and length of a field.
type FieldSpecifier = (u32, u16, u16);

/// The other end of one transport session. Panics at whatever RFC 7011 does not allow.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// By domain and Template ID: its fields.
    templates: HashMap<(u32, u16), Vec<FieldSpecifier>>,
    sequence: HashMap<u32, u32>,
    time: u32,
    pub messages: usize,
    /// Records that came before what was expected: lost ones.
    pub gaps: u64,
}

fn word(octets: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(octets[at..at + 4].try_into().unwrap())
}

fn half(octets: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(octets[at..at + 2].try_into().unwrap())
}

impl Reader {
    /// Reads one message.
    pub(crate) fn message(&mut self, octets: &[u8]) -> Vec<DataRecord> {
        assert!(octets.len() <= 1400, "{} octets", octets.len());
        assert_eq!(
            (half(octets, 0), usize::from(half(octets, 2))),
            (10, octets.len())
        );
        assert!(word(octets, 4) >= self.time, "export time goes back");
        self.time = word(octets, 4);
        let (sequence, domain) = (word(octets, 8), word(octets, 12));
        let expected = self.sequence.entry(domain).or_insert(sequence);
        self.gaps += u64::from(sequence.wrapping_sub(*expected));
        let mut records = Vec::new();
        let mut rest = &octets[16..];
        while !rest.is_empty() {
            let (set, len) = (half(rest, 0), usize::from(half(rest, 2)));
            let (body, after) = rest.split_at(len);
            self.set(domain, set, &body[4..], &mut records);
            rest = after;
        }
        let count = u32::try_from(records.len()).unwrap();
        self.sequence.insert(domain, sequence.wrapping_add(count));
        self.messages += 1;
        records
    }

    fn set(&mut self, domain: u32, set: u16, mut body: &[u8], records: &mut Vec<DataRecord>) {
        assert!(!body.is_empty(), "an empty set {set}");
        while !body.is_empty() {
            match set {
                2 | 3 => body = self.template(domain, set == 3, body),
                256.. => {
                    let fields = self.templates.get(&(domain, set));
                    let fields = fields.unwrap_or_else(|| panic!("data before template {set}"));
                    let mut record = DataRecord {
                        template: set,
                        fields: Vec::new(),
                    };
                    for (owner, id, len) in fields {
                        let mut len = usize::from(*len);
                        if len == 65535 {
                            len = usize::from(body[0]);
                            body = &body[1..];
                            if len == 255 {
                                len = usize::from(half(body, 0));
                                body = &body[2..];
                            }
                        }
                        let (field, rest) = body.split_at(len);
                        record.fields.push((*owner, *id, field.to_vec()));
                        body = rest;
                    }
                    records.push(record);
                }
                _ => panic!("set {set}"),
            }
        }
    }

    fn template<'a>(&mut self, domain: u32, options: bool, mut body: &'a [u8]) -> &'a [u8] {
        let (id, count) = (half(body, 0), half(body, 2));
        assert!(id >= 256 && count > 0);
        body = &body[4..];
        if options {
            assert!((1..=count).contains(&half(body, 0)), "the scope of {id}");
            body = &body[2..];
        }
        let mut fields = Vec::new();
        for _ in 0..count {
            let (element, len) = (half(body, 0), half(body, 2));
            body = &body[4..];
            let mut owner = 0;
            if element & 0x8000 != 0 {
                owner = word(body, 0);
                body = &body[4..];
            }
            fields.push((owner, element & 0x7FFF, len));
        }
        let before = self.templates.insert((domain, id), fields.clone());
        assert!(
            before.is_none_or(|before| before == fields),
            "template {id} changed"
        );
        body
    }

    /// Reads messages one behind the other; what is left of the last.
    pub(crate) fn stream<'a>(&mut self, mut octets: &'a [u8]) -> (Vec<DataRecord>, &'a [u8]) {
        let mut records = Vec::new();
        while octets.len() >= 4 && octets.len() >= usize::from(half(octets, 2)) {
            let (message, rest) = octets.split_at(half(octets, 2).into());
            records.extend(self.message(message));
            octets = rest;
        }
        (records, octets)
    }
}

/// A node with ports `east` and `west`, and namespace 123 with NTP timestamps.
pub(crate) fn tables() -> Tables {
    let port = |name: &str| PortSpec {
        name: name.to_owned(),
        mac: [0; 6],
        mtu: 1500,
        ioam: true,
        id: None,
        id_wide: None,
        address: None,
        side: Side::Inside,
        speed: 10_000,
    };
    Tables::compile(&NodeSpec {
        ports: vec![port("east"), port("west")],
        namespaces: vec![NamespaceSpec {
            timestamp: TimestampFormat::Ntp,
            ..NamespaceSpec::plain(123)
        }],
        ..NodeSpec::default()
    })
    .unwrap()
}

pub(crate) fn address(last: u8) -> [u8; 16] {
    Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, last.into()).octets()
}

pub(crate) fn octets(hex: &str) -> Vec<u8> {
    let hex: String = hex.split_whitespace().collect();
    let octet = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(octet).collect()
}

/// A record with option data in hex.
pub(crate) fn record(option_type: OptionType, option_data: &str) -> ExportRecord {
    let data = octets(option_data);
    let mut option = [0; MAX_OPTION_DATA];
    option[..data.len()].copy_from_slice(&data);
    ExportRecord {
        occasion: if option_type == OptionType::DirectExport {
            Occasion::DirectExport
        } else {
            Occasion::Decapsulated
        },
        received: WallTime {
            seconds: 1_723_560_226,
            nanoseconds: 123_456_789,
        },
        in_port: PortId(1),
        profile: None,
        namespace: NamespaceId(123),
        option_type,
        outer_source: address(0xA),
        outer_destination: address(0xD),
        flow: Flow {
            source: address(1),
            destination: address(2),
            source_port: 5000,
            destination_port: 6000,
            next_header: 17,
            label: 0x12345,
        },
        proof: None,
        option_len: u8::try_from(data.len()).unwrap(),
        option,
    }
}

/// A trace of two nodes, with the time the older one, `0a0001`, wrote: 20 ms before receipt.
pub(crate) fn trace() -> Record {
    Record::Option(record(
        OptionType::PreallocatedTrace,
        "007b 2000 f0000000  3f0b0001 0b110b22 ea65efa2 1c71c71c  400a0001 0a110a22 ea65efa2 1a7c1a7c",
    ))
}

/// Direct export with Flow ID, sequence number and this node's hop limit, id and interfaces.
pub(crate) fn postcard() -> Record {
    Record::Option(record(
        OptionType::DirectExport,
        "007b 00c0 c0000000 00abcdef 00000007 3f0b0001 0b110b22",
    ))
}

/// A sequence of which one packet of four is missing.
pub(crate) fn report() -> Record {
    let mut account = GroupAccount::default();
    for number in [0, 1, 3] {
        let received = WallTime {
            seconds: 1_723_560_226 + u64::from(number),
            nanoseconds: 0,
        };
        account.observe(
            Some(received),
            Some(SequenceNumber::Bits32(number)),
            Some(-5),
        );
    }
    account.finish();
    Record::Report(SequenceReport {
        received: WallTime {
            seconds: 1_723_560_229,
            nanoseconds: 0,
        },
        profile: 0,
        namespace: NamespaceId(123),
        option_type: OptionType::DirectExport,
        outer_source: address(0xA),
        flow_id: Some(0x00AB_CDEF),
        flow: None,
        last: true,
        figures: account.snapshot(),
    })
}

/// Settings for a test.
pub(crate) fn collector(address: SocketAddr, transport: Transport) -> Collector {
    Collector {
        name: "lab".to_owned(),
        address,
        transport,
        enterprise: ENTERPRISE,
        domain: 77,
        refresh: Duration::from_secs(600),
        reconnect: Duration::from_millis(200),
        kinds: Kinds::ALL,
        profile: Profile::Ioam,
        queue: 10_000,
    }
}

/// Exports to one collector, not pinned; paths come at the end.
pub(crate) fn exporter(collectors: &[Collector]) -> Exporter {
    let mut exporter = Exporter::start(collectors, Duration::from_secs(600), None).unwrap();
    exporter.set_tables(&tables());
    exporter
}

/// Waits until `done` or for 10 seconds, which is a failure.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "not in time: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
