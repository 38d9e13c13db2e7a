// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The reference packets' nodes as configuration files for the program.

#![allow(dead_code, reason = "not every test wants everything")]

use std::fmt::Write as _;

use ioam_dp::table::spec::{
    ActionSpec, DecapsulatePlacement, EncapsulateSpec, ForwardingSpec, NamespaceSpec, NodeSpec,
    OptionSpec, Placement, Side, TimestampFormat,
};

use super::common::Case;
use super::rig::packet::hex;
use super::rig::runtime;

/// Whether a case is about pre-allocated traces in IPv6, the rest being left for other work.
pub(crate) fn concerns_traces_in_ipv6(case: &Case) -> bool {
    let other_types = [
        "E04", "E05", "E06", "E07", "E08", "E09", "T29", "T30", "D03",
    ];
    !(other_types.contains(&&case.id[..]) || case.id.starts_with(['X', 'N', 'G']))
}

/// The cases of this work, those with one configuration together.
pub(crate) fn groups(cases: &[Case]) -> Vec<(String, Vec<&Case>)> {
    let mut groups: Vec<(String, Vec<&Case>)> = Vec::new();
    for case in cases.iter().filter(|case| concerns_traces_in_ipv6(case)) {
        let config = config(case);
        match groups.iter_mut().find(|(known, _)| *known == config) {
            Some((_, cases)) => cases.push(case),
            None => groups.push((config, vec![case])),
        }
    }
    groups
}

/// A case's node, with its measurements; devices and files are left to be filled in.
pub(crate) fn config(case: &Case) -> String {
    let spec = case.spec();
    let moment = case.moment();
    let received = moment.received.expect("every reference node has a clock");
    let ForwardingSpec::Wire {
        decrement_hop_limit,
        ..
    } = spec.forwarding
    else {
        panic!("{}: a reference node is a wire", case.id);
    };
    let [seconds, nanoseconds] = [received.seconds, received.nanoseconds.into()];
    format!(
        "node: {{{}}}
{}ports:
{}forwarding: {{mode: wire, pairs: [[east, west]], decrement-hop-limit: {decrement_hop_limit}}}
namespaces:
{}{}export: {{ndjson: RECORDS}}
simulate:
  clock: \"{seconds}.{nanoseconds:09}\"
  transit-delay: {}
  queue-depth: {}
  buffer-occupancy: {}
",
        known([
            ("id", spec.node_id.map(u64::from)),
            ("id-wide", spec.node_id_wide)
        ]),
        runtime(0),
        ports(&spec),
        spec.namespaces.iter().map(namespace).collect::<String>(),
        profiles(&spec),
        moment.transit_delay.unwrap(),
        moment.queue_depth[0].unwrap(),
        moment.buffer_occupancy.unwrap(),
    )
}

/// `key: value` for each that is there.
fn known<const N: usize>(values: [(&str, Option<u64>); N]) -> String {
    let there = values
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)));
    there
        .map(|(key, value)| format!("{key}: {value:#x}"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn ports(spec: &NodeSpec) -> String {
    let names = [("east", "EAST"), ("west", "WEST")];
    let each = spec.ports.iter().zip(names).map(|(port, (name, device))| {
        let ids = known([
            ("id", port.id.map(u64::from)),
            ("id-wide", port.id_wide.map(u64::from)),
        ]);
        let side = if port.side == Side::Inside {
            ""
        } else {
            ", side: edge, edge-policy: drop"
        };
        let ioam = port.ioam;
        format!("  - {{name: {name}, device: \"{device}\", ioam: {ioam}, {ids}{side}}}\n")
    });
    each.collect()
}

fn namespace(namespace: &NamespaceSpec) -> String {
    let mut text = format!("  - {{id: {}", namespace.id);
    let data = [
        ("data", namespace.data.map(u64::from)),
        ("data-wide", namespace.data_wide),
    ];
    write!(text, ", {}", known(data)).unwrap();
    if let Some(schema) = &namespace.schema {
        write!(
            text,
            ", schema: {{id: {}, data: \"hex:{}\"}}",
            schema.id,
            hex(&schema.data)
        )
        .unwrap();
    }
    text.push_str(&match namespace.timestamp {
        TimestampFormat::Posix => ", timestamp-format: posix}\n".to_owned(),
        TimestampFormat::Ntp => ", timestamp-format: ntp}\n".to_owned(),
        TimestampFormat::Ptp { tai_offset } => {
            format!(", timestamp-format: ptp, tai-offset: {tai_offset}}}\n")
        }
    });
    text
}

fn profiles(spec: &NodeSpec) -> String {
    let Some(profile) = spec.profiles.first() else {
        return String::new();
    };
    let body = match &profile.action {
        ActionSpec::Encapsulate(what) => encapsulate(what),
        ActionSpec::Decapsulate(what) => {
            let placement = match what.placement {
                DecapsulatePlacement::Inline => "inline",
                DecapsulatePlacement::Ip6InIp6 { .. } => "ip6-in-ip6",
            };
            format!(
                "      node-action: decapsulate
      trace-types: {{use-namespace: {:?}}}
      placement: {placement}
      record-self: {}
",
                what.namespaces, what.record_self
            )
        }
        ActionSpec::Transit { .. } => panic!("no reference node has a transit profile"),
    };
    format!(
        "profiles:\n  - name: {}\n    preallocated-tracing-profile:\n{body}",
        profile.name
    )
}

fn encapsulate(what: &EncapsulateSpec) -> String {
    let [OptionSpec::Trace(trace)] = &what.options[..] else {
        panic!("these reference nodes put in one trace");
    };
    let placement = match &what.placement {
        Placement::Inline => "placement: inline".to_owned(),
        Placement::Ip6InIp6 {
            source,
            destination,
            hop_limit,
        } => format!(
            "tunnel: {{source: \"{source}\", destination: \"{destination}\", hop-limit: {hop_limit}}}"
        ),
    };
    format!(
        "      node-action: encapsulate
      trace-types: {{use-namespace: {}, trace-type: 0x{:06x}}}
      max-length: {}
      record-self: {}
      {placement}
",
        trace.namespace,
        trace.trace_type,
        u16::from(trace.words) * 4,
        trace.record_self
    )
}

/// What tshark shows of a case's packet when it leaves: values by the names of its fields.
pub(crate) fn tshark_out(id: &str) -> serde_json::Value {
    let text = include_str!("../../../tests/golden/vectors.json");
    let file: serde_json::Value = serde_json::from_str(text).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    vectors.iter().find(|vector| vector["id"] == id).unwrap()["tshark_out"].clone()
}
