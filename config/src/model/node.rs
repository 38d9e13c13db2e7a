// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `node`, `namespaces`, `export` and `simulate`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scalar::{Located, Scalar};
use crate::text::{
    Clock, HexData, Malformed, NamespaceId, Number, Semantics, SeveralOptions, TaiOffset, Text,
    TimestampFormat, UndefinedTraceBits,
};

/// Who the node is, and what it does where the RFCs leave a choice.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Node {
    /// The 24-bit node_id of RFC 9197; omitted, the node writes "not available".
    pub id: Option<Scalar<Number<u32, 0, 0xff_ffff>>>,
    /// The 56-bit wide node_id of RFC 9197; omitted, the node writes "not available".
    pub id_wide: Option<Scalar<Number<u64, 0, 0xff_ffff_ffff_ffff>>>,
    /// Whose reading of the standard the node follows. `linux` changes the defaults of
    /// `malformed` and `several-options`.
    #[schemars(extend("default" = "rfc"))]
    pub semantics: Option<Scalar<Semantics>>,
    /// The fate of a packet with a malformed IOAM option; with `semantics: linux` the default is
    /// `drop`.
    #[schemars(extend("default" = "forward"))]
    pub malformed: Option<Scalar<Malformed>>,
    /// What the node writes for the undefined trace-type bits 12 to 21.
    #[schemars(extend("default" = "fill"))]
    pub undefined_trace_bits: Option<Scalar<UndefinedTraceBits>>,
    /// Which of several trace options of one packet are filled; with `semantics: linux` the
    /// default is `all`.
    #[schemars(extend("default" = "first"))]
    pub several_options: Option<Scalar<SeveralOptions>>,
    /// Most ICMPv6 errors originated per second and worker; 0 turns them off.
    #[schemars(extend("default" = 100))]
    pub icmp_errors_per_second: Option<Scalar<Number<u32, 0, 1_000_000>>>,
}

/// One IOAM-Namespace.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Namespace {
    /// The Namespace-ID, 16 bits.
    pub id: Scalar<NamespaceId>,
    /// Namespace-specific data, 32 bits; omitted, the node writes "not available".
    pub data: Option<Scalar<Number<u32, 0, 0xffff_ffff>>>,
    /// Namespace-specific data, 64 bits; omitted, the node writes "not available".
    pub data_wide: Option<Scalar<Number<u64, 0, 0xffff_ffff_ffff_ffff>>>,
    /// The opaque state snapshot; omitted, the node has none.
    pub schema: Option<Located<Schema>>,
    /// The format of timestamps.
    #[schemars(extend("default" = "posix"))]
    pub timestamp_format: Option<Scalar<TimestampFormat>>,
    /// Seconds that TAI is ahead of the machine's clock. Required by `timestamp-format: ptp` and
    /// only used by it.
    pub tai_offset: Option<Scalar<TaiOffset>>,
}

/// An opaque state snapshot: exactly one of `data` and `text`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Schema {
    /// The 24-bit Schema ID.
    pub id: Scalar<Number<u32, 0, 0xff_ffff>>,
    /// The data as `hex:` and pairs of hex digits, at most 1020 octets; padded with zeros to a
    /// multiple of 4.
    pub data: Option<Scalar<HexData>>,
    /// The data as text, at most 1020 octets of UTF-8; padded with zeros to a multiple of 4.
    pub text: Option<Scalar<Text>>,
}

/// Where the records of decapsulated traces go.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Export {
    /// A file that gets one line of JSON per trace, or `-` for standard output; omitted, traces
    /// are counted and discarded.
    pub ndjson: Option<Scalar<Text>>,
}

/// Fixed measurements in place of real ones, for replay and tests.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Simulate {
    /// When every packet arrives: UTC seconds since 1970, a point and up to nine digits.
    #[schemars(extend("default" = "0"))]
    pub clock: Option<Scalar<Clock>>,
    /// How long every packet stays in the node, in nanoseconds.
    #[schemars(extend("default" = 0))]
    pub transit_delay: Option<Scalar<Number<u32, 0, 0xffff_ffff>>>,
    /// The depth of every output queue, in packets.
    #[schemars(extend("default" = 0))]
    pub queue_depth: Option<Scalar<Number<u32, 0, 0xffff_ffff>>>,
    /// The octets of packet memory in use.
    #[schemars(extend("default" = 0))]
    pub buffer_occupancy: Option<Scalar<Number<u32, 0, 0xffff_ffff>>>,
    /// The seed of random sampling.
    #[schemars(extend("default" = 1))]
    pub seed: Option<Scalar<Number<u64, 0, 0xffff_ffff_ffff_ffff>>>,
}
