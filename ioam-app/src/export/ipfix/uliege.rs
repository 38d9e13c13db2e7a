// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The elements of the University of Liège's exporter, for collectors that are set up for it:
//! enterprise 10383, one record a node, all of them in Template ID 293.
//!
//! Numbers and lengths are theirs; octets are in network order and the sequence counts records, as
//! RFC 7011 wants and that exporter does not.

use ioam_dp::wire::ioam::NodeData;

use super::element::DataType::{OctetArray, Unsigned8, Unsigned16, Unsigned32, Unsigned64};
use super::element::{Element, Semantics, Units};
use super::field::Fields as _;

/// The enterprise number of the University of Liège.
pub const ENTERPRISE: u32 = 10_383;

macro_rules! element {
    ($id:literal $name:literal $data_type:ident $semantics:ident $description:literal) => {
        Element::enterprise(
            $id,
            $name,
            $data_type,
            Semantics::$semantics,
            Units::None,
            $description,
        )
    };
}

/// All of them, by number, which is also their order in a record.
pub const ALL: &[Element] = &[
    element!(0 "ioamNamespaceId" Unsigned16 Identifier "Namespace-ID"),
    element!(1 "ioamHopLimit" Unsigned8 Default "Hop_Lim"),
    element!(2 "ioamNodeId" Unsigned32 Identifier "node_id of 24 bits").reduced(3),
    element!(3 "ioamIngressInterfaceId" Unsigned16 Identifier "ingress_if_id of 16 bits"),
    element!(4 "ioamEgressInterfaceId" Unsigned16 Identifier "egress_if_id of 16 bits"),
    element!(5 "ioamTimestampSeconds" Unsigned32 Default "Timestamp seconds"),
    element!(6 "ioamTimestampFraction" Unsigned32 Default "Timestamp fraction"),
    element!(7 "ioamNamespaceData" Unsigned32 Default "Namespace-specific data of 32 bits"),
    element!(8 "ioamQueueDepth" Unsigned32 Default "Queue depth"),
    element!(9 "ioamNodeIdWide" Unsigned64 Identifier "node_id of 56 bits").reduced(7),
    element!(10 "ioamIngressInterfaceIdWide" Unsigned32 Identifier "ingress_if_id of 32 bits"),
    element!(11 "ioamEgressInterfaceIdWide" Unsigned32 Identifier "egress_if_id of 32 bits"),
    element!(12 "ioamNamespaceDataWide" Unsigned64 Default "Namespace-specific data of 64 bits"),
    element!(13 "ioamSchemaId" Unsigned32 Identifier "Schema ID").reduced(3),
    element!(14 "ioamOpaqueState" OctetArray Default "Opaque state snapshot"),
    element!(15 "ioamFlowId" Unsigned32 Identifier "Flow ID of direct export"),
    element!(16 "ioamSequenceNumber" Unsigned32 Default "Sequence Number of direct export"),
];

/// Writes one node's record. What is not there is all ones.
pub(super) fn write(
    namespace: u16,
    node: &NodeData<'_>,
    direct_export: (Option<u32>, Option<u32>),
    out: &mut Vec<u8>,
) {
    out.u16(namespace);
    out.u8(node.hop_limit.unwrap_or(u8::MAX));
    out.low_octets(node.node_id.unwrap_or(u32::MAX).into(), 3);
    out.u16(node.ingress_if_id.unwrap_or(u16::MAX));
    out.u16(node.egress_if_id.unwrap_or(u16::MAX));
    for word in [
        node.timestamp_seconds,
        node.timestamp_fraction,
        node.namespace_data,
        node.queue_depth,
    ] {
        out.u32(word.unwrap_or(u32::MAX));
    }
    out.low_octets(node.node_id_wide.unwrap_or(u64::MAX), 7);
    out.u32(node.ingress_if_id_wide.unwrap_or(u32::MAX));
    out.u32(node.egress_if_id_wide.unwrap_or(u32::MAX));
    out.u64(node.namespace_data_wide.unwrap_or(u64::MAX));
    let (schema, state) = node.opaque_state.unwrap_or((u32::MAX, &[]));
    out.low_octets(schema.into(), 3);
    out.variable(state);
    out.u32(direct_export.0.unwrap_or(u32::MAX));
    out.u32(direct_export.1.unwrap_or(u32::MAX));
}
