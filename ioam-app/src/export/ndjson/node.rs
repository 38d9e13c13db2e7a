// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What one node wrote, as JSON: a field that is not there is left out, an unknown one is `null`.

use ioam_dp::wire::ioam::NodeData;
use serde::Serialize;

/// A field: absent where the trace type does not ask for it, `null` where the node did not know.
pub(super) type Field<T> = Option<Option<T>>;

/// What one node wrote.
#[derive(Serialize)]
pub(super) struct Node {
    #[serde(skip_serializing_if = "Option::is_none")]
    hop_limit: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_id: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ingress_if_id: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    egress_if_id: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_seconds: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_fraction: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transit_delay: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_data: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_depth: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum_complement: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_id_wide: Field<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ingress_if_id_wide: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    egress_if_id_wide: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_data_wide: Field<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buffer_occupancy: Field<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opaque_state: Option<OpaqueState>,
}

#[derive(Serialize)]
struct OpaqueState {
    schema_id: Option<u32>,
    data: String,
}

/// `null` for all ones in a field of `bits` bits.
pub(super) fn known<T: Into<u64> + Copy>(field: Option<T>, bits: u32) -> Field<T> {
    let all_ones = u64::MAX >> (64 - bits);
    field.map(|value| Some(value).filter(|value| (*value).into() != all_ones))
}

/// As [`known`], in hex: more bits than a JSON number holds safely.
fn known_wide(field: Option<u64>, bits: u32) -> Field<String> {
    let width = usize::try_from(bits / 4 + 2).unwrap_or(18);
    known(field, bits).map(|value| value.map(|value| format!("{value:#0width$x}")))
}

impl From<NodeData<'_>> for Node {
    fn from(node: NodeData<'_>) -> Self {
        let interface = |id| known(id, 16).map(|id| id.map(u32::from));
        Self {
            hop_limit: node.hop_limit,
            node_id: known(node.node_id, 24),
            ingress_if_id: interface(node.ingress_if_id),
            egress_if_id: interface(node.egress_if_id),
            timestamp_seconds: known(node.timestamp_seconds, 32),
            timestamp_fraction: known(node.timestamp_fraction, 32),
            transit_delay: known(node.transit_delay, 32),
            namespace_data: known(node.namespace_data, 32),
            queue_depth: known(node.queue_depth, 32),
            checksum_complement: known(node.checksum_complement, 32),
            node_id_wide: known_wide(node.node_id_wide, 56),
            ingress_if_id_wide: known(node.ingress_if_id_wide, 32),
            egress_if_id_wide: known(node.egress_if_id_wide, 32),
            namespace_data_wide: known_wide(node.namespace_data_wide, 64),
            buffer_occupancy: known(node.buffer_occupancy, 32),
            opaque_state: node.opaque_state.map(|(id, data)| OpaqueState {
                schema_id: Some(id).filter(|id| *id != 0xFF_FFFF),
                data: hex(data),
            }),
        }
    }
}

/// Octets in hex.
pub(super) fn hex(octets: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    let digits = |octet: &u8| [digit(octet >> 4), digit(octet & 0xF)];
    octets.iter().flat_map(digits).collect()
}
