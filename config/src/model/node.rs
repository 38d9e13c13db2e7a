// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `node`, `namespaces`, `export` and `simulate`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Collector;
use crate::scalar::{Located, Scalar};
use crate::text::{
    Clock, HexData, HostAddress, Loopback, Malformed, NamespaceId, Number, Semantics,
    SeveralOptions, TaiOffset, Text, TimestampFormat, UndefinedTraceBits,
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
    /// What becomes of traces with the Loopback flag (RFC 9322).
    #[schemars(extend("default" = "ignore"))]
    pub loopback: Option<Scalar<Loopback>>,
    /// The most that each kind of measurement may take of a port: one N-th of its speed; 0 is no
    /// limit.
    pub limits: Option<Limits>,
    /// The memory of flows each worker has.
    pub flows: Option<Flows>,
}

/// N, where one N-th is meant; 0 is no limit.
pub type Share = Number<u32, 0, 0xffff_ffff>;

/// One N-th of a port's speed for each kind of measurement; 0 is no limit.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Packets sent with a direct export option (RFC 9326, 3.1.1).
    #[schemars(extend("default" = 128))]
    pub direct_export: Option<Scalar<Share>>,
    /// Data exported because of direct export options (RFC 9326, 3.1.2).
    #[schemars(extend("default" = 128))]
    pub export: Option<Scalar<Share>>,
    /// Packets sent with the Loopback flag, and copies sent back (RFC 9322, 4).
    #[schemars(extend("default" = 128))]
    pub loopback: Option<Scalar<Share>>,
    /// Packets sent with the Active flag (RFC 9322, 5).
    #[schemars(extend("default" = 128))]
    pub active: Option<Scalar<Share>>,
}

/// The memory of flows each worker has.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Flows {
    /// Flows whose sequence numbers this node gives at once.
    #[schemars(extend("default" = 65536))]
    pub most: Option<Scalar<Number<u32, 1, 16_777_216>>>,
    /// Packet groups whose sequence numbers this node checks at once.
    #[schemars(extend("default" = 8192))]
    pub groups: Option<Scalar<Number<u32, 1, 16_777_216>>>,
    /// Seconds after which a silent flow or group may be forgotten.
    #[schemars(extend("default" = 60))]
    pub idle_seconds: Option<Scalar<Number<u32, 1, 86_400>>>,
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
    /// The file with this node's keys for proofs of transit, beside this file unless it is an
    /// absolute path. Nobody but its owner may read it.
    pub pot_keys: Option<Scalar<Text>>,
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

/// Where records go.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Export {
    /// A file that gets one line of JSON per record, `-` for standard output, or `unix:` and the
    /// path of a socket somebody listens at; omitted, records are counted and discarded.
    pub ndjson: Option<Scalar<Text>>,
    /// MiB after which the file is put aside as `PATH.1` and another begun; omitted, never.
    pub rotate_mib: Option<Scalar<Number<u32, 1, 0x10_0000>>>,
    /// Files put aside that are kept; the oldest goes.
    #[schemars(extend("default" = 4))]
    pub keep: Option<Scalar<Number<u16, 1, 9999>>>,
    /// Where IOAM data are exported to: packets to these addresses get no direct export option,
    /// which would make each export cause others.
    pub receivers: Option<Vec<Receiver>>,
    /// Collectors of IPFIX, which are receivers too.
    pub collectors: Option<Vec<Collector>>,
    /// Seconds over which delays along a path are gathered before collectors get them.
    #[schemars(extend("default" = 10))]
    pub path_seconds: Option<Scalar<Number<u32, 1, 86_400>>>,
}

/// A receiver of exported data.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Receiver {
    /// Its address, IPv6 or IPv4.
    pub address: Scalar<HostAddress>,
    /// Its port; omitted, any.
    pub port: Option<Scalar<Number<u16, 1, 0xffff>>>,
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
    /// The seed of random sampling and of the random numbers of proofs of transit; omitted, those
    /// of proofs differ from run to run.
    #[schemars(extend("default" = 1))]
    pub seed: Option<Scalar<Number<u64, 0, 0xffff_ffff_ffff_ffff>>>,
}
