// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Lines of records whose option data are written out.

use ioam_dp::accounting::GroupAccount;
use ioam_dp::accounting::SequenceNumber;
use ioam_dp::port::PortId;
use ioam_dp::record::{MAX_OPTION_DATA, Occasion, Proof, SequenceReport};
use ioam_dp::table::spec::{
    AccountingSpec, ActionSpec, DecapsulatePlacement, DecapsulateSpec, FilterSpec, NamespaceSpec,
    NodeSpec, PortSpec, ProfileSpec, Side,
};
use ioam_dp::wire::ioam::{NamespaceId, OptionType};
use serde_json::Value;

use super::*;

pub(crate) fn tables() -> Tables {
    let port = PortSpec {
        name: "east".to_owned(),
        mac: [0; 6],
        mtu: 1500,
        ioam: true,
        id: None,
        id_wide: None,
        address: None,
        side: Side::Inside,
        speed: 10_000,
    };
    let profile = ProfileSpec {
        name: "end \"here\"".to_owned(),
        filter: FilterSpec::default(),
        action: ActionSpec::Decapsulate(DecapsulateSpec {
            namespaces: vec![123],
            placement: DecapsulatePlacement::Inline,
            record_self: false,
            accounting: AccountingSpec::default(),
        }),
    };
    Tables::compile(&NodeSpec {
        ports: vec![port],
        namespaces: vec![NamespaceSpec {
            timestamp: TimestampFormat::Ntp,
            ..NamespaceSpec::plain(123)
        }],
        profiles: vec![profile],
        ..NodeSpec::default()
    })
    .unwrap()
}

pub(crate) fn record(option_data: &str) -> ExportRecord {
    let octet = |at| u8::from_str_radix(&option_data[at..at + 2], 16).unwrap();
    let octets: Vec<u8> = (0..option_data.len()).step_by(2).map(octet).collect();
    let mut option = [0; MAX_OPTION_DATA];
    option[..octets.len()].copy_from_slice(&octets);
    let address = |last| {
        let mut address = [0; 16];
        address[..4].copy_from_slice(&[0x20, 0x01, 0x0D, 0xB8]);
        address[15] = last;
        address
    };
    ExportRecord {
        occasion: Occasion::Decapsulated,
        received: WallTime {
            seconds: 1_723_560_226,
            nanoseconds: 123_456_789,
        },
        in_port: PortId(0),
        profile: Some(0),
        namespace: NamespaceId(123),
        option_type: OptionType::PreallocatedTrace,
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
        option_len: u8::try_from(octets.len()).unwrap(),
        option,
    }
}

fn option(record: &ExportRecord, tables: &Tables) -> String {
    line(&Record::Option(record.clone()), tables)
}

#[test]
fn a_line_has_its_keys_in_order_and_its_nodes_oldest_first() {
    let record = record("007b1400c00000003e0c0001ffff0c22400a00010a110a22");
    assert_eq!(
        option(&record, &tables()),
        concat!(
            r#"{"time":"2024-08-13T14:43:46.123456789Z","in_port":"east","#,
            r#""profile":"end \"here\"","namespace":123,"option_type":"preallocated-trace","#,
            r#""occasion":"decapsulated","trace_type":"0xc00000","overflow":true,"loopback":false,"active":false,"#,
            r#""malformed":false,"outer":{"source":"2001:db8::a","destination":"2001:db8::d"},"#,
            r#""flow":{"source":"2001:db8::1","destination":"2001:db8::2","source_port":5000,"#,
            r#""destination_port":6000,"next_header":17,"flow_label":74565},"nodes":["#,
            r#"{"hop_limit":64,"node_id":655361,"ingress_if_id":2577,"egress_if_id":2594},"#,
            r#"{"hop_limit":62,"node_id":786433,"ingress_if_id":null,"egress_if_id":3106}],"#,
            r#""raw":"007b1400c00000003e0c0001ffff0c22400a00010a110a22"}"#
        )
    );
}

#[test]
fn what_a_node_did_not_know_is_null_and_wide_ids_are_hex() {
    let all_ones = "f".repeat(8 * 15);
    let text = option(&record(&format!("007b7800fff00000{all_ones}")), &tables());
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["timestamp_format"], "ntp");
    let node = value["nodes"][0].as_object().unwrap();
    assert_eq!(node.len(), 15);
    assert_eq!(node["hop_limit"], 255);
    let known: Vec<_> = node.iter().filter(|(_, field)| !field.is_null()).collect();
    assert_eq!(known.len(), 1, "{known:?}");

    let wide = "007b2000 00a00000 400a000000000001 00000000000000ff".replace(' ', "");
    let value: Value = serde_json::from_str(&option(&record(&wide), &tables())).unwrap();
    let node = &value["nodes"][0];
    assert_eq!(node["node_id_wide"], "0x0a000000000001");
    assert_eq!(node["namespace_data_wide"], "0x00000000000000ff");
    assert_eq!(node["hop_limit"], 64);
}

#[test]
fn snapshots_are_hex_and_the_empty_one_has_no_schema() {
    let text = "007b0000000002000200030973636865 6d61422100ffffff".replace(' ', "");
    let value: Value = serde_json::from_str(&option(&record(&text), &tables())).unwrap();
    assert_eq!(value["nodes"][1]["opaque_state"]["schema_id"], 777);
    assert_eq!(
        value["nodes"][1]["opaque_state"]["data"],
        "736368656d614221"
    );
    assert!(value["nodes"][0]["opaque_state"]["schema_id"].is_null());
    assert_eq!(value["nodes"][0]["opaque_state"]["data"], "");
}

#[test]
fn flags_are_told_apart() {
    for (word, flag) in [
        ("0400", "overflow"),
        ("0200", "loopback"),
        ("0100", "active"),
    ] {
        let text = option(&record(&format!("007b{word}80000000")), &tables());
        let value: Value = serde_json::from_str(&text).unwrap();
        let set: Vec<_> = ["overflow", "loopback", "active"]
            .into_iter()
            .filter(|flag| value[flag] == true)
            .collect();
        assert_eq!(set, [flag]);
    }
}

#[test]
fn a_cut_list_is_malformed_and_shows_what_is_whole() {
    for (data, whole) in [
        ("007b1000c0000000400a0001", 0),
        ("007b1000c00000003e0c00010c110c22400a0001", 1),
        ("007b107fc0000000", 0),
        ("007b", 0),
        ("", 0),
    ] {
        let value: Value = serde_json::from_str(&option(&record(data), &tables())).unwrap();
        assert_eq!(value["malformed"], true, "{data}");
        assert_eq!(value["nodes"].as_array().unwrap().len(), whole);
        assert_eq!(value["raw"], data);
    }
}

#[test]
fn an_unknown_time_is_null() {
    let mut record = record("007b080080000000");
    record.received = WallTime::default();
    let value: Value = serde_json::from_str(&option(&record, &tables())).unwrap();
    assert!(value["time"].is_null());
}

fn value(record: &ExportRecord) -> Value {
    serde_json::from_str(&option(record, &tables())).unwrap()
}

#[test]
fn direct_export_shows_the_option_and_this_nodes_data_without_bit_7() {
    // Extension flags 0xE0: flow id, sequence, and a word nobody knows. Bit 7 has no word.
    let text = "007b00e0f1000000 00abcdef 00000007 11111111 3f0b0001 0b110b22 66bb7122 0001e240";
    let record = ExportRecord {
        occasion: Occasion::DirectExport,
        option_type: OptionType::DirectExport,
        profile: None,
        in_port: PortId::LOCAL,
        ..record(&text.replace(' ', ""))
    };
    let value = value(&record);
    assert_eq!(value["option_type"], "direct-export");
    assert_eq!(value["occasion"], "direct-export");
    assert_eq!(value["in_port"], "local");
    assert!(value["profile"].is_null());
    assert_eq!(value["trace_type"], "0xf10000");
    assert_eq!(value["flow_id"], 0x00AB_CDEF);
    assert_eq!(
        (&value["sequence"], &value["flags"]),
        (&7.into(), &0.into())
    );
    assert_eq!(value["extension_flags"], 0xE0);
    assert_eq!(value["timestamp_format"], "ntp");
    assert_eq!(value["malformed"], false);
    let node = value["node"].as_object().unwrap();
    assert_eq!(node.len(), 6);
    assert_eq!(node["node_id"], 0x0B_0001);
    assert_eq!(node["timestamp_fraction"], 0x1_E240);
    assert!(value.get("nodes").is_none());
    assert_eq!(value["raw"], text.replace(' ', ""));
}

#[test]
fn direct_export_without_fields_or_data_says_so() {
    let of = |text: &str| ExportRecord {
        option_type: OptionType::DirectExport,
        ..record(text)
    };
    let bare = value(&of("007b0000800000003f0b0001"));
    assert!(bare["flow_id"].is_null() && bare["sequence"].is_null());
    assert_eq!(bare["node"]["hop_limit"], 63);
    for text in ["007b000080000000", "007b00c080000000", "007b", ""] {
        let value = value(&of(text));
        assert_eq!(value["malformed"], true, "{text}");
        assert!(value["node"].is_null());
    }
}

#[test]
fn a_proof_of_transit_has_its_numbers_in_hex_and_its_verdict() {
    let record = ExportRecord {
        option_type: OptionType::ProofOfTransit,
        proof: Some(Proof::Invalid),
        ..record("007b00000102030405060708000000000000002a")
    };
    let value = value(&record);
    assert_eq!(value["option_type"], "proof-of-transit");
    assert_eq!(value["pot_type"], 0);
    assert_eq!(value["pkt_id"], "0x0102030405060708");
    assert_eq!(value["cumulative"], "0x000000000000002a");
    assert_eq!(value["proof"], "invalid");
    assert!(value.get("nodes").is_none() && value.get("trace_type").is_none());
}

#[test]
fn edge_to_edge_has_the_fields_its_type_asks_for() {
    let of = |text: &str| {
        value(&ExportRecord {
            option_type: OptionType::EdgeToEdge,
            ..record(text)
        })
    };
    let full = of("007b70000000000566bb7122000186a0");
    assert_eq!(full["e2e_type"], "0x7000");
    assert_eq!(full["sequence"], 5);
    assert_eq!(full["seconds"], 0x66BB_7122);
    assert_eq!(full["fraction"], 100_000);
    assert_eq!(full["timestamp_format"], "ntp");
    let wide = of("007b80000000000100000000");
    assert_eq!(wide["sequence"], 1_u64 << 32);
    assert!(wide.get("seconds").is_none() && wide.get("timestamp_format").is_none());
    let unknown = of("007b2000ffffffff");
    assert!(unknown["seconds"].is_null() && unknown.get("sequence").is_none());
    assert_eq!(of("007bc00000000000")["malformed"], true);
}

#[test]
fn a_report_has_every_figure_and_names_its_group() {
    let mut account = GroupAccount::default();
    let at = |nanoseconds| {
        Some(WallTime {
            seconds: 1_723_560_226,
            nanoseconds,
        })
    };
    for (number, delay) in [(0, 1000), (2, 3000), (2, 2000)] {
        account.observe(
            at(delay),
            Some(SequenceNumber::Bits32(number)),
            Some(i64::from(delay)),
        );
    }
    account.finish();
    let template = record("");
    let report = SequenceReport {
        received: template.received,
        profile: 0,
        namespace: NamespaceId(123),
        option_type: OptionType::EdgeToEdge,
        outer_source: template.outer_source,
        flow_id: None,
        flow: Some(template.flow),
        last: true,
        figures: account.snapshot(),
    };
    assert_eq!(
        line(&Record::Report(report), &tables()),
        concat!(
            r#"{"record":"sequence-report","time":"2024-08-13T14:43:46.123456789Z","#,
            r#""profile":"end \"here\"","namespace":123,"option_type":"edge-to-edge","#,
            r#""outer_source":"2001:db8::a","flow_id":null,"flow":{"source":"2001:db8::1","#,
            r#""destination":"2001:db8::2","source_port":5000,"destination_port":6000,"#,
            r#""next_header":17,"flow_label":74565},"last":true,"#,
            r#""first_packet":"2024-08-13T14:43:46.000001000Z","#,
            r#""last_packet":"2024-08-13T14:43:46.000002000Z","packets":3,"received":3,"#,
            r#""distinct":2,"lost":1,"pending":0,"reordered":0,"duplicates":1,"late":0,"#,
            r#""restarts":0,"loss_ratio":0.3333333333333333,"delay":{"packets":3,"min":1000,"#,
            r#""mean":2000,"max":3000,"jitter":179,"mean_variation":1500}}"#
        )
    );
}
