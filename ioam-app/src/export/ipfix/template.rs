// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Templates: the fields of each kind of record, in their order (RFC 7011, 3.4).

use super::element::{
    self as iana, DESTINATION_IPV6_ADDRESS, DESTINATION_TRANSPORT_PORT, Element, FLOW_LABEL_IPV6,
    INGRESS_INTERFACE, OBSERVATION_TIME_NANOSECONDS, Owner, PROTOCOL_IDENTIFIER,
    SOURCE_IPV6_ADDRESS, SOURCE_TRANSPORT_PORT,
};
use super::message::Messages;
use super::{ioam, uliege};

/// Set ID of a template set.
pub const TEMPLATE_SET: u16 = 2;
/// Set ID of an options template set.
pub const OPTIONS_TEMPLATE_SET: u16 = 3;

/// The fields of one kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its Template ID, from 256 on; also the Set ID of its records.
    pub id: u16,
    /// Fields of the scope; 0 for what is no options template.
    pub scope: u16,
    /// The fields, in parts that templates share.
    pub parts: &'static [&'static [Element]],
}

/// Where and when an option was found.
const CONTEXT: &[Element] = &[
    OBSERVATION_TIME_NANOSECONDS,
    INGRESS_INTERFACE,
    ioam::NAMESPACE_ID,
    ioam::OPTION_TYPE,
    ioam::OCCASION,
    ioam::PROFILE,
    ioam::CARRIER_SOURCE,
    ioam::CARRIER_DESTINATION,
];

/// The user's flow.
const FLOW: &[Element] = &[
    SOURCE_IPV6_ADDRESS,
    DESTINATION_IPV6_ADDRESS,
    SOURCE_TRANSPORT_PORT,
    DESTINATION_TRANSPORT_PORT,
    PROTOCOL_IDENTIFIER,
    FLOW_LABEL_IPV6,
];

const NODE: &[Element] = &[
    ioam::TRACE_TYPE,
    ioam::TRACE_FLAGS,
    ioam::FLOW_ID,
    ioam::SEQUENCE_NUMBER,
    ioam::HOP_INDEX,
    ioam::HOP_COUNT,
    ioam::HOP_LIMIT,
    ioam::NODE_ID,
    ioam::INGRESS_INTERFACE_ID,
    ioam::EGRESS_INTERFACE_ID,
    ioam::TIMESTAMP_SECONDS,
    ioam::TIMESTAMP_FRACTION,
    ioam::TIMESTAMP_FORMAT,
    ioam::TRANSIT_DELAY,
    ioam::NAMESPACE_DATA,
    ioam::QUEUE_DEPTH,
    ioam::CHECKSUM_COMPLEMENT,
    ioam::NODE_ID_WIDE,
    ioam::INGRESS_INTERFACE_ID_WIDE,
    ioam::EGRESS_INTERFACE_ID_WIDE,
    ioam::NAMESPACE_DATA_WIDE,
    ioam::BUFFER_OCCUPANCY,
    ioam::SCHEMA_ID,
    ioam::OPAQUE_STATE,
];

const SEQUENCE: &[Element] = &[
    ioam::FLOW_ID,
    ioam::REPORT_LAST,
    iana::FLOW_START_NANOSECONDS,
    iana::FLOW_END_NANOSECONDS,
    iana::PACKET_TOTAL_COUNT,
    ioam::RECEIVED_COUNT,
    ioam::LOST_COUNT,
    ioam::PENDING_COUNT,
    ioam::REORDERED_COUNT,
    ioam::DUPLICATE_COUNT,
    ioam::LATE_COUNT,
    ioam::RESTART_COUNT,
    ioam::DELAY_COUNT,
    ioam::DELAY_MEAN,
    ioam::DELAY_MIN,
    ioam::DELAY_MAX,
    ioam::DELAY_JITTER,
];

const PATH_DELAY: &[Element] = &[
    iana::FLOW_START_NANOSECONDS,
    iana::FLOW_END_NANOSECONDS,
    ioam::NAMESPACE_ID,
    ioam::OPTION_TYPE,
    ioam::PROFILE,
    ioam::CARRIER_SOURCE,
    ioam::CARRIER_DESTINATION,
    ioam::TRACE_TYPE,
    ioam::HOP_COUNT,
    ioam::PATH,
    iana::PACKET_DELTA_COUNT,
    iana::PATH_DELAY_MEAN,
    iana::PATH_DELAY_MIN,
    iana::PATH_DELAY_MAX,
    iana::PATH_DELAY_SUM,
];

const fn data(id: u16, parts: &'static [&'static [Element]]) -> Template {
    Template {
        id,
        scope: 0,
        parts,
    }
}

/// One node's data of a trace or of direct export.
pub const HOP: Template = data(256, &[CONTEXT, FLOW, NODE]);
/// A pre-allocated trace as it was in the packet.
pub const RAW_PREALLOCATED: Template =
    data(257, &[CONTEXT, FLOW, &[ioam::PREALLOCATED_TRACE_DATA]]);
/// An incremental trace as it was in the packet.
pub const RAW_INCREMENTAL: Template = data(258, &[CONTEXT, FLOW, &[ioam::INCREMENTAL_TRACE_DATA]]);
/// A proof of transit as it was in the packet, and what it says.
pub const RAW_PROOF: Template = data(259, &[CONTEXT, FLOW, &[ioam::PROOF, ioam::POT_DATA]]);
/// An edge-to-edge option as it was in the packet.
pub const RAW_EDGE_TO_EDGE: Template = data(260, &[CONTEXT, FLOW, &[ioam::E2E_DATA]]);
/// Direct export as it was in the packet, and this node's data.
pub const RAW_DIRECT_EXPORT: Template = data(261, &[CONTEXT, FLOW, &[ioam::DIRECT_EXPORT_DATA]]);
/// What arrived of a sequence.
pub const SEQUENCE_REPORT: Template = data(262, &[CONTEXT, FLOW, SEQUENCE]);
/// The delay along a path.
pub const PATH: Template = data(263, &[PATH_DELAY]);

/// What an enterprise element means (RFC 5610, 3.9).
pub const ELEMENT_TYPE: Template = Template {
    id: 288,
    scope: 2,
    parts: &[&[
        iana::PRIVATE_ENTERPRISE_NUMBER,
        iana::INFORMATION_ELEMENT_ID,
        iana::INFORMATION_ELEMENT_DATA_TYPE,
        iana::INFORMATION_ELEMENT_SEMANTICS,
        iana::INFORMATION_ELEMENT_UNITS,
        iana::INFORMATION_ELEMENT_RANGE_BEGIN,
        iana::INFORMATION_ELEMENT_RANGE_END,
        iana::INFORMATION_ELEMENT_NAME,
        iana::INFORMATION_ELEMENT_DESCRIPTION,
    ]],
};
/// The name of a port.
pub const INTERFACE: Template = Template {
    id: 289,
    scope: 2,
    parts: &[&[
        iana::OBSERVATION_DOMAIN_ID,
        INGRESS_INTERFACE,
        iana::INTERFACE_NAME,
    ]],
};
/// The name of a profile.
pub const PROFILE: Template = Template {
    id: 290,
    scope: 2,
    parts: &[&[
        iana::OBSERVATION_DOMAIN_ID,
        ioam::PROFILE,
        iana::SELECTOR_NAME,
    ]],
};
/// What became of the records (RFC 7011, 4.3), with what was sent.
pub const RELIABILITY: Template = Template {
    id: 291,
    scope: 1,
    parts: &[&[
        iana::EXPORTING_PROCESS_ID,
        iana::NOT_SENT_FLOW_TOTAL_COUNT,
        iana::OBSERVATION_TIME_MILLISECONDS,
        iana::OBSERVATION_TIME_MILLISECONDS,
        iana::EXPORTED_FLOW_RECORD_TOTAL_COUNT,
        iana::EXPORTED_MESSAGE_TOTAL_COUNT,
        iana::EXPORTED_OCTET_TOTAL_COUNT,
    ]],
};
/// Templates of what is about other records.
pub const ABOUT: [Template; 4] = [ELEMENT_TYPE, INTERFACE, PROFILE, RELIABILITY];
/// One node's data in the elements of the University of Liège.
pub const ULIEGE: Template = data(293, &[uliege::ALL]);

/// The templates of raw records.
pub const RAW: &[Template] = &[
    RAW_PREALLOCATED,
    RAW_INCREMENTAL,
    RAW_PROOF,
    RAW_EDGE_TO_EDGE,
    RAW_DIRECT_EXPORT,
];

impl Template {
    /// The fields, in the order of the record.
    pub fn fields(&self) -> impl Iterator<Item = &'static Element> {
        self.parts.iter().flat_map(|part| part.iter())
    }

    /// The Set ID that the template itself goes under.
    #[must_use]
    pub const fn set(&self) -> u16 {
        if self.scope > 0 {
            OPTIONS_TEMPLATE_SET
        } else {
            TEMPLATE_SET
        }
    }

    /// Adds the template record to messages.
    pub(super) fn describe(&self, enterprise: u32, messages: &mut Messages) {
        messages.add(self.set(), |out| self.write(enterprise, out));
    }

    /// Writes the template record; elements of the enterprise get the number `enterprise`.
    pub fn write(&self, enterprise: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.to_be_bytes());
        let count = u16::try_from(self.fields().count()).unwrap_or(0);
        out.extend_from_slice(&count.to_be_bytes());
        if self.scope > 0 {
            out.extend_from_slice(&self.scope.to_be_bytes());
        }
        for element in self.fields() {
            let owned = element.owner == Owner::Enterprise;
            let id = element.id | if owned { 0x8000 } else { 0 };
            out.extend_from_slice(&id.to_be_bytes());
            out.extend_from_slice(&element.length.to_be_bytes());
            if owned {
                out.extend_from_slice(&enterprise.to_be_bytes());
            }
        }
    }
}
