// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The demonstration's IOAM domain: four nodes in a row, and what each of them must write.

use std::net::Ipv6Addr;

use ioam_dp::table::spec::{
    AccountingSpec, ActionSpec, DecapsulatePlacement, DecapsulateSpec, EdgePolicy, EncapsulateSpec,
    FilterSpec, ForwardingSpec, LimitsSpec, NamespaceSpec, NodeSpec, Placement, PortSpec,
    PrefixSpec, ProfileSpec, SchemaSpec, Side, TimestampFormat,
};
use ioam_dp::wire::ioam::TraceType;

use super::mode::Mode;

/// Nodes of the domain.
pub(super) const NODES: usize = 4;

/// The namespace all of them are in.
pub(super) const NAMESPACE: u16 = 123;

/// Hop limit of the outer header, as the encapsulating node sends it.
pub(super) const OUTER_HOP_LIMIT: u8 = 64;

/// Largest packet inside the domain: a whole Ethernet frame of the user's, and the trace.
pub(super) const MTU: u16 = 1800;

/// Where traced traffic goes.
pub(super) const TRACED: Ipv6Addr = Ipv6Addr::new(0x2001, 0xDB8, 2, 0, 0, 0, 0, 1);

/// What every node writes: all of the short fields but the checksum complement, and its snapshot.
pub(super) const TRACE_TYPE: TraceType = TraceType::HOP_LIM_NODE_ID
    .union(TraceType::IF_ID)
    .union(TraceType::TIMESTAMP_SECONDS)
    .union(TraceType::TIMESTAMP_FRACTION)
    .union(TraceType::TRANSIT_DELAY)
    .union(TraceType::NAMESPACE_DATA)
    .union(TraceType::QUEUE_DEPTH)
    .union(TraceType::OPAQUE_STATE);

const TUNNEL_START: Ipv6Addr = Ipv6Addr::new(0x2001, 0xDB8, 0xFF, 0, 0, 0, 0, 0xA);
const TUNNEL_END: Ipv6Addr = Ipv6Addr::new(0x2001, 0xDB8, 0xFF, 0, 0, 0, 0, 0xD);

/// The port a node receives on.
pub(super) const IN_PORT: u8 = 0;
/// The port it sends by.
pub(super) const OUT_PORT: u8 = 1;

/// A node, as its neighbours and the collector know it.
#[derive(Debug)]
pub(super) struct Station {
    /// What it is called in the picture.
    pub(super) name: &'static str,
    /// `node_id`.
    pub(super) id: u32,
    /// `ingress_if_id`.
    pub(super) ingress: u16,
    /// `egress_if_id`.
    pub(super) egress: u16,
    /// Namespace-specific data.
    pub(super) data: u32,
    /// The opaque state snapshot: Schema ID and data.
    pub(super) schema: Option<(u32, &'static [u8])>,
}

/// The nodes in the order of the path.
pub(super) const STATIONS: [Station; NODES] = [
    Station {
        name: "encap",
        id: 0x0A_0001,
        ingress: 0x0A11,
        egress: 0x0A22,
        data: 0xA0A0_A0A0,
        schema: None,
    },
    Station {
        name: "transit 1",
        id: 0x0B_0001,
        ingress: 0x0B11,
        egress: 0x0B22,
        data: 0xB0B0_B0B0,
        schema: Some((777, b"schemaB!")),
    },
    Station {
        name: "transit 2",
        id: 0x0C_0001,
        ingress: 0x0C11,
        egress: 0x0C22,
        data: 0xC0C0_C0C0,
        schema: None,
    },
    Station {
        name: "decap",
        id: 0x0D_0001,
        ingress: 0x0D11,
        egress: 0x0D22,
        data: 0xD0D0_D0D0,
        schema: None,
    },
];

impl Station {
    /// Words of node data it writes: those of the type, the snapshot's head, and its data.
    fn words(&self) -> usize {
        let schema = self.schema.map_or(0, |(_, data)| data.len().div_ceil(4));
        usize::from(TRACE_TYPE.node_len()) + 1 + schema
    }
}

/// The specification of the node at `place` of the path. With `keeps_trace` no node decapsulates,
/// which is wrong on purpose.
pub(super) fn node_spec(place: usize, mode: Mode, keeps_trace: bool) -> NodeSpec {
    let station = &STATIONS[place];
    let role = match place {
        0 => Some(encapsulation(mode)),
        3 if !keeps_trace => Some(decapsulation()),
        _ => None,
    };
    NodeSpec {
        node_id: Some(station.id),
        ports: vec![
            port("in", place, station.ingress, place == 0),
            port("out", place, station.egress, place == NODES - 1),
        ],
        namespaces: vec![NamespaceSpec {
            data: Some(station.data),
            schema: station.schema.map(|(id, data)| SchemaSpec {
                id,
                data: data.to_vec(),
            }),
            // The one format with nanoseconds; the offset of TAI does not matter in one process.
            timestamp: TimestampFormat::Ptp { tai_offset: 0 },
            proof_of_transit: mode.keys(place),
            ..NamespaceSpec::plain(NAMESPACE)
        }],
        profiles: role.into_iter().collect(),
        // Everything is to be seen here, at whatever rate.
        limits: LimitsSpec {
            direct_export: 0,
            export: 0,
            loopback: 0,
            active: 0,
        },
        forwarding: ForwardingSpec::Wire {
            pairs: vec![(IN_PORT, OUT_PORT)],
            decrement_hop_limit: true,
        },
        ..NodeSpec::default()
    }
}

fn port(name: &str, place: usize, id: u16, is_edge: bool) -> PortSpec {
    let [high, low] = id.to_be_bytes();
    PortSpec {
        name: format!("{} {name}", STATIONS[place].name),
        mac: [0x02, 0, 0, 0, high, low],
        mtu: MTU,
        ioam: !is_edge,
        id: Some(id),
        id_wide: None,
        address: None,
        speed: 10_000,
        side: if is_edge {
            Side::Edge(EdgePolicy::Drop)
        } else {
            Side::Inside
        },
    }
}

fn encapsulation(mode: Mode) -> ProfileSpec {
    let words: usize = STATIONS.iter().map(Station::words).sum();
    ProfileSpec {
        name: "trace".to_owned(),
        filter: FilterSpec {
            in_ports: vec![IN_PORT],
            destination: Some(PrefixSpec {
                address: TRACED,
                length: 64,
            }),
            ..FilterSpec::default()
        },
        action: ActionSpec::Encapsulate(EncapsulateSpec::new(
            mode.options(u8::try_from(words).unwrap_or(u8::MAX)),
            Placement::Ip6InIp6 {
                source: TUNNEL_START,
                destination: TUNNEL_END,
                hop_limit: OUTER_HOP_LIMIT,
            },
        )),
    }
}

fn decapsulation() -> ProfileSpec {
    ProfileSpec {
        name: "collect".to_owned(),
        filter: FilterSpec::default(),
        action: ActionSpec::Decapsulate(DecapsulateSpec {
            namespaces: vec![NAMESPACE],
            placement: DecapsulatePlacement::Ip6InIp6 {
                destination: Some(TUNNEL_END),
            },
            record_self: true,
            accounting: AccountingSpec {
                report_seconds: 1,
                ..AccountingSpec::default()
            },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;
    use ioam_dp::table::Tables;
    use ioam_dp::wire::ioam::MAX_TRACE_WORDS;

    #[test]
    fn every_node_compiles_and_the_trace_fits_an_option() {
        for mode in Mode::value_variants() {
            for place in 0..NODES {
                Tables::compile(&node_spec(place, *mode, false)).unwrap();
            }
        }
        let words: usize = STATIONS.iter().map(Station::words).sum();
        assert_eq!(words, 34);
        assert!(words <= usize::from(MAX_TRACE_WORDS));
    }
}
