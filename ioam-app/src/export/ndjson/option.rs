// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What each kind of option has of its own.

use ioam_dp::option_type::direct_export::own_type;
use ioam_dp::record::{ExportRecord, Proof};
use ioam_dp::wire::ioam::{
    DirectExport, E2eType, EdgeToEdge, NodeDataList, OptionType, PotHeader, TraceFlags,
    TraceHeader, TraceType,
};
use serde::Serialize;

use super::node::{Field, Node, known};

/// The keys between those that every option has. All of a malformed option is in `raw` alone.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Body {
    /// A trace, of either kind.
    Trace {
        trace_type: String,
        overflow: bool,
        loopback: bool,
        active: bool,
        malformed: bool,
    },
    /// Direct export.
    DirectExport {
        trace_type: String,
        flow_id: Option<u32>,
        sequence: Option<u32>,
        flags: u8,
        extension_flags: u8,
        malformed: bool,
    },
    /// Proof of transit; the numbers are those of POT-Type 0.
    ProofOfTransit {
        pot_type: Option<u8>,
        pkt_id: Option<String>,
        cumulative: Option<String>,
        proof: &'static str,
    },
    /// Edge-to-edge.
    EdgeToEdge {
        e2e_type: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        sequence: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Field<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        fraction: Field<u32>,
        malformed: bool,
    },
    /// Nothing this program reads.
    Other { malformed: bool },
}

impl Body {
    /// Whether there is a timestamp whose format matters.
    pub(super) fn has_timestamps(&self) -> bool {
        let asks = |kind: &str| {
            let bits = kind.strip_prefix("0x").unwrap_or_default();
            let kind = TraceType::new(u32::from_str_radix(bits, 16).unwrap_or(0));
            kind.has(TraceType::TIMESTAMP_SECONDS.union(TraceType::TIMESTAMP_FRACTION))
        };
        match self {
            Self::Trace { trace_type, .. } | Self::DirectExport { trace_type, .. } => {
                asks(trace_type)
            }
            Self::EdgeToEdge {
                seconds, fraction, ..
            } => seconds.is_some() || fraction.is_some(),
            Self::ProofOfTransit { .. } | Self::Other { .. } => false,
        }
    }
}

/// The nodes' data: a list of a trace, this node's alone of direct export.
#[derive(Default, Serialize)]
pub(super) struct Nodes {
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<Vec<Node>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Field<Box<Node>>,
}

/// What the record's option has of its own.
pub(super) fn read(record: &ExportRecord) -> (Body, Nodes) {
    let data = record.option_data();
    match record.option_type {
        OptionType::PreallocatedTrace => trace(data, NodeDataList::preallocated(data)),
        OptionType::IncrementalTrace => trace(data, NodeDataList::incremental(data)),
        OptionType::DirectExport => direct_export(data),
        OptionType::ProofOfTransit => (proof(data, record.proof), Nodes::default()),
        OptionType::EdgeToEdge => (edge_to_edge(data), Nodes::default()),
        OptionType::Unknown(_) => (Body::Other { malformed: false }, Nodes::default()),
    }
}

fn trace(data: &[u8], list: Option<NodeDataList<'_>>) -> (Body, Nodes) {
    let header = TraceHeader::split(data).map(|(header, _)| header);
    let has = |flag| header.is_some_and(|header| header.has(flag));
    let kind = header.map_or(TraceType::default(), TraceHeader::trace_type);
    let (nodes, malformed) = list.map_or_else(|| (Vec::new(), true), oldest_first);
    let body = Body::Trace {
        trace_type: kind.to_string(),
        overflow: has(TraceFlags::OVERFLOW),
        loopback: has(TraceFlags::LOOPBACK),
        active: has(TraceFlags::ACTIVE),
        malformed,
    };
    let nodes = Nodes {
        nodes: Some(nodes),
        ..Nodes::default()
    };
    (body, nodes)
}

/// The elements, and whether the list is cut.
fn oldest_first(list: NodeDataList<'_>) -> (Vec<Node>, bool) {
    let mut nodes = Vec::new();
    let mut cut = false;
    for element in list {
        match element {
            Ok(node) => nodes.push(node.into()),
            Err(_) => cut = true,
        }
    }
    nodes.reverse();
    (nodes, cut)
}

/// The option as received, and behind it this node's data: without a word for bit 7, as
/// [`own_type`] says.
fn direct_export(data: &[u8]) -> (Body, Nodes) {
    let option = DirectExport::parse(data);
    let node = option.as_ref().and_then(|option| {
        let [n0, n1] = option.namespace().0.to_be_bytes();
        let [t0, t1, t2] = own_type(option.trace_type()).octets();
        let mut trace = vec![n0, n1, 0, 0, t0, t1, t2, 0];
        trace.extend_from_slice(data.get(option.len()..)?);
        let element = NodeDataList::incremental(&trace)?.next()?.ok()?;
        Some(Box::new(element.into()))
    });
    let kind = option.map_or(TraceType::default(), |option| option.trace_type());
    let body = Body::DirectExport {
        trace_type: kind.to_string(),
        flow_id: option.and_then(|option| option.flow_id()),
        sequence: option.and_then(|option| option.sequence()),
        flags: option.map_or(0, |option| option.flags()),
        extension_flags: option.map_or(0, |option| option.extension_flags()),
        malformed: node.is_none(),
    };
    let nodes = Nodes {
        node: Some(node),
        ..Nodes::default()
    };
    (body, nodes)
}

fn proof(data: &[u8], proof: Option<Proof>) -> Body {
    let pot_type = PotHeader::pot_type_of(data);
    let header = PotHeader::split(data).filter(|(header, _)| header.pot_type() == 0);
    let number =
        |pick: fn(&PotHeader) -> u64| header.map(|(header, _)| format!("{:#018x}", pick(header)));
    Body::ProofOfTransit {
        pot_type,
        pkt_id: number(PotHeader::pkt_id),
        cumulative: number(PotHeader::cumulative),
        proof: proof.unwrap_or(Proof::Unverified).name(),
    }
}

fn edge_to_edge(data: &[u8]) -> Body {
    let option = EdgeToEdge::parse(data).ok();
    let kind = option.map_or(E2eType::default(), |option| option.kind);
    Body::EdgeToEdge {
        e2e_type: format!("{:#06x}", kind.bits()),
        sequence: option.and_then(|option| option.sequence),
        seconds: known(option.and_then(|option| option.seconds), 32),
        fraction: known(option.and_then(|option| option.fraction), 32),
        malformed: option.is_none(),
    }
}
