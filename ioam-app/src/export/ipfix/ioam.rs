// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The enterprise elements of IOAM: 3 to 7 as in draft-spiegel-ippm-ioam-rawexport, and from 16 on
//! those of decoded records; `docs/export.md` has the same table.

use super::element::DataType::{
    Boolean, Ipv6Address, OctetArray, Signed64, Unsigned8, Unsigned16, Unsigned32, Unsigned64,
};
use super::element::{Element, Semantics, Units};

/// What stands for a number that is not there or not known: all ones, as in node data.
pub const UNAVAILABLE: u8 = 0xFF;

macro_rules! ioam {
    ($($constant:ident = $id:literal $name:literal $data_type:ident $semantics:ident $units:ident
       $description:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $description)]
            pub const $constant: Element = Element::enterprise(
                $id, $name, $data_type, Semantics::$semantics, Units::$units, $description,
            );
        )*
        /// All of them, by number.
        pub const ALL: &[Element] = &[$($constant),*];
    };
}

ioam! {
    PREALLOCATED_TRACE_DATA = 3 "ioamPreallocatedTraceData" OctetArray Default None
        "Option data of a pre-allocated trace from the Namespace-ID on";
    INCREMENTAL_TRACE_DATA = 4 "ioamIncrementalTraceData" OctetArray Default None
        "Option data of an incremental trace from the Namespace-ID on";
    E2E_DATA = 5 "ioamE2EData" OctetArray Default None
        "Option data of an edge-to-edge option from the Namespace-ID on";
    POT_DATA = 6 "ioamPOTData" OctetArray Default None
        "Option data of a proof of transit from the Namespace-ID on";
    DIRECT_EXPORT_DATA = 7 "ioamDirectExportData" OctetArray Default None
        "Option data of direct export from the Namespace-ID on, then the exporting node's data";

    NAMESPACE_ID = 16 "ioamNamespaceId" Unsigned16 Identifier None
        "Namespace-ID";
    OPTION_TYPE = 17 "ioamOptionType" Unsigned8 Identifier None
        "IOAM-Option-Type: 0 pre-allocated trace, 1 incremental trace, 2 proof of transit, 3 edge-to-edge, 4 direct export";
    OCCASION = 18 "ioamOccasion" Unsigned8 Identifier None
        "Why there is a record: 0 decapsulated, 1 direct export, 2 looped back, 3 active measurement";
    PROFILE = 19 "ioamProfile" Unsigned16 Identifier None
        "The profile by its place in the configuration from 0 on; 65535 for none";
    CARRIER_SOURCE = 20 "ioamCarrierSourceIPv6Address" Ipv6Address Default None
        "Source of the IPv6 header that carried the option";
    CARRIER_DESTINATION = 21 "ioamCarrierDestinationIPv6Address" Ipv6Address Default None
        "Destination of the IPv6 header that carried the option";
    TRACE_TYPE = 22 "ioamTraceType" Unsigned32 Flags None
        "IOAM-Trace-Type in the low 24 bits: which of the node's fields there are";
    TRACE_FLAGS = 23 "ioamTraceFlags" Unsigned8 Flags None
        "Flags of a trace: 8 overflow, 4 loopback, 2 active";
    PROOF = 24 "ioamProof" Unsigned8 Identifier None
        "Outcome of a proof of transit: 0 not tried, 1 valid, 2 invalid, 3 unverified";
    FLOW_ID = 25 "ioamFlowId" Unsigned32 Identifier None
        "Flow ID of direct export";
    SEQUENCE_NUMBER = 26 "ioamSequenceNumber" Unsigned32 Identifier None
        "Sequence Number of direct export";
    HOP_INDEX = 27 "ioamHopIndex" Unsigned8 Identifier None
        "The node's place in the trace; the oldest is 0";
    HOP_COUNT = 28 "ioamHopCount" Unsigned8 Quantity Hops
        "Nodes in the trace";

    HOP_LIMIT = 32 "ioamHopLimit" Unsigned8 Quantity Hops
        "Hop_Lim as the node wrote it; 255 can be a hop limit";
    NODE_ID = 33 "ioamNodeId" Unsigned32 Identifier None
        "node_id of 24 bits";
    INGRESS_INTERFACE_ID = 34 "ioamIngressInterfaceId" Unsigned16 Identifier None
        "ingress_if_id of 16 bits";
    EGRESS_INTERFACE_ID = 35 "ioamEgressInterfaceId" Unsigned16 Identifier None
        "egress_if_id of 16 bits";
    TIMESTAMP_SECONDS = 36 "ioamTimestampSeconds" Unsigned32 Default None
        "Timestamp seconds in the namespace's format";
    TIMESTAMP_FRACTION = 37 "ioamTimestampFraction" Unsigned32 Default None
        "Timestamp fraction in the namespace's format";
    TIMESTAMP_FORMAT = 38 "ioamTimestampFormat" Unsigned8 Identifier None
        "Format of timestamps: 0 POSIX, 1 PTP, 2 NTP";
    TRANSIT_DELAY = 39 "ioamTransitDelay" Unsigned32 Quantity Nanoseconds
        "Transit delay; 2147483648 is that or more";
    NAMESPACE_DATA = 40 "ioamNamespaceData" Unsigned32 Default None
        "Namespace-specific data of 32 bits";
    QUEUE_DEPTH = 41 "ioamQueueDepth" Unsigned32 Quantity None
        "Queue depth in buffers";
    CHECKSUM_COMPLEMENT = 42 "ioamChecksumComplement" Unsigned32 Default None
        "Checksum complement";
    NODE_ID_WIDE = 43 "ioamNodeIdWide" Unsigned64 Identifier None
        "node_id of 56 bits";
    INGRESS_INTERFACE_ID_WIDE = 44 "ioamIngressInterfaceIdWide" Unsigned32 Identifier None
        "ingress_if_id of 32 bits";
    EGRESS_INTERFACE_ID_WIDE = 45 "ioamEgressInterfaceIdWide" Unsigned32 Identifier None
        "egress_if_id of 32 bits";
    NAMESPACE_DATA_WIDE = 46 "ioamNamespaceDataWide" Unsigned64 Default None
        "Namespace-specific data of 64 bits";
    BUFFER_OCCUPANCY = 47 "ioamBufferOccupancy" Unsigned32 Quantity None
        "Buffer occupancy in the node's units";
    SCHEMA_ID = 48 "ioamSchemaId" Unsigned32 Identifier None
        "Schema ID of the opaque state snapshot";
    OPAQUE_STATE = 49 "ioamOpaqueState" OctetArray Default None
        "Opaque state snapshot, without its Schema ID";

    REPORT_LAST = 64 "ioamReportLast" Boolean Default None
        "Whether nothing more follows of this sequence";
    RECEIVED_COUNT = 65 "ioamSequenceReceivedCount" Unsigned64 TotalCounter Packets
        "Packets with a sequence number, every copy counted";
    LOST_COUNT = 66 "ioamSequenceLostCount" Unsigned64 TotalCounter Packets
        "Sequence numbers that were not seen before they slid out of the window";
    PENDING_COUNT = 67 "ioamSequencePendingCount" Unsigned64 Quantity Packets
        "Sequence numbers missing now that could still come";
    REORDERED_COUNT = 68 "ioamSequenceReorderedCount" Unsigned64 TotalCounter Packets
        "Packets below the highest sequence number seen before them";
    DUPLICATE_COUNT = 69 "ioamSequenceDuplicateCount" Unsigned64 TotalCounter Packets
        "Further copies of packets";
    LATE_COUNT = 70 "ioamSequenceLateCount" Unsigned64 TotalCounter Packets
        "Packets behind the window";
    RESTART_COUNT = 71 "ioamSequenceRestartCount" Unsigned64 TotalCounter None
        "Times the sender started over";
    DELAY_COUNT = 72 "ioamDelayCount" Unsigned64 TotalCounter Packets
        "Packets whose one-way delay is known; 0 where the other delays say nothing";
    DELAY_MEAN = 73 "ioamDelayMean" Signed64 Default Nanoseconds
        "Mean one-way delay; negative where the clocks differ by more than that";
    DELAY_MIN = 74 "ioamDelayMin" Signed64 Default Nanoseconds
        "Least one-way delay";
    DELAY_MAX = 75 "ioamDelayMax" Signed64 Default Nanoseconds
        "Greatest one-way delay";
    DELAY_JITTER = 76 "ioamDelayJitter" Unsigned64 Quantity Nanoseconds
        "Interarrival jitter as in RFC 3550 section 6.4.1";
    PATH = 80 "ioamPath" OctetArray Default None
        "node_ids from the oldest node on: 4 octets each, or 8 where there are wide ones alone";
}
