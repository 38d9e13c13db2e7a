// SPDX-License-Identifier: Apache-2.0 OR MIT
//! IOAM data fields (RFC 9197) and how IPv6 frames them (RFC 9486, 3).
//!
//! ```text
//! |  Option Type  |  Opt Data Len |   Reserved    | IOAM-Opt-Type |   then the option data
//! ```

pub mod direct_export;
pub mod edge_to_edge;
pub mod node_data;
pub mod proof_of_transit;
pub mod trace;
pub mod trace_type;

pub use direct_export::DirectExport;
pub use edge_to_edge::{E2eError, E2eType, EdgeToEdge};
pub use node_data::{NodeData, NodeDataList};
pub use proof_of_transit::PotHeader;
pub use trace::{TraceFlags, TraceHeader};
pub use trace_type::TraceType;

/// Octets of an IPv6 option before the option data: type, length, reserved, IOAM-Option-Type.
pub const OPTION_HEAD: usize = 4;

/// Most words of node data an IPv6 option can hold: 255 octets less reserved, type and trace header.
pub const MAX_TRACE_WORDS: u8 = 61;

/// A field whose value is not known (RFC 9197, 4.4.2).
pub const UNAVAILABLE: u32 = u32::MAX;

/// What stands for an opaque state snapshot that is not there: Length 0, Schema ID all ones
/// (RFC 9197, 4.4.2.13).
pub const NO_SNAPSHOT: u32 = 0x00FF_FFFF;

/// A Namespace-ID (RFC 9197, 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamespaceId(pub u16);

/// An IOAM-Option-Type (RFC 9197, 7.1 and RFC 9326, 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OptionType {
    /// 0: Pre-allocated Trace.
    PreallocatedTrace,
    /// 1: Incremental Trace; not defined for IPv6.
    IncrementalTrace,
    /// 2: Proof of Transit.
    ProofOfTransit,
    /// 3: Edge-to-Edge.
    EdgeToEdge,
    /// 4: Direct Export.
    DirectExport,
    /// Any other value.
    Unknown(u8),
}

impl OptionType {
    /// The type with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        match number {
            0 => Self::PreallocatedTrace,
            1 => Self::IncrementalTrace,
            2 => Self::ProofOfTransit,
            3 => Self::EdgeToEdge,
            4 => Self::DirectExport,
            other => Self::Unknown(other),
        }
    }

    /// The name used in records and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PreallocatedTrace => "preallocated-trace",
            Self::IncrementalTrace => "incremental-trace",
            Self::ProofOfTransit => "proof-of-transit",
            Self::EdgeToEdge => "edge-to-edge",
            Self::DirectExport => "direct-export",
            Self::Unknown(_) => "unknown",
        }
    }
}
