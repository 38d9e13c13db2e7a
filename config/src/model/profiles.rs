// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `profiles`: which packets, and what is done with them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::sections::{DirectExportProfile, E2eProfile, PotProfile, PreallocatedTracingProfile};
use crate::scalar::{Located, OneOrMany, Scalar, WordOrKeys};
use crate::text::{
    ActiveWord, Address, NextHeader, Number, OverMtu, Placement, Prefix, ProtocolType, Range, Text,
};

/// A profile: which packets, and what is done with them.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Profile {
    /// The profile's name, in statistics and records.
    pub name: Scalar<Text>,
    /// The packets it wants: every given key has to match; omitted, all packets.
    pub filter: Option<Filter>,
    /// The protocol that carries IOAM.
    #[schemars(extend("default" = "ipv6"))]
    pub protocol_type: Option<Scalar<ProtocolType>>,
    /// Active measurement (RFC 9322, 5): what is encapsulated has the Active flag and ends at the
    /// decapsulating node.
    pub active: Option<Active>,
    /// Where options stand; not for `transit`, which finds them anywhere.
    #[schemars(extend("default" = "ip6-in-ip6"))]
    pub placement: Option<Scalar<Placement>>,
    /// The outer header of `placement: ip6-in-ip6`. `encapsulate` requires source and
    /// destination; `decapsulate` takes the destination alone, or any packet when it is omitted.
    pub tunnel: Option<Located<Tunnel>>,
    /// Which of the selected packets get options; omitted, every one. Counting is per worker.
    /// Only with `encapsulate`.
    pub sampling: Option<Located<Sampling>>,
    /// The fate of a packet that the options would make larger than the output port's MTU. Only
    /// with `encapsulate`.
    #[schemars(extend("default" = "skip"))]
    pub over_mtu: Option<Scalar<OverMtu>>,
    /// The pre-allocated trace of RFC 9197.
    pub preallocated_tracing_profile: Option<Located<PreallocatedTracingProfile>>,
    /// The proof of transit of RFC 9197.
    pub pot_profile: Option<Located<PotProfile>>,
    /// The direct export of RFC 9326.
    pub direct_export_profile: Option<Located<DirectExportProfile>>,
    /// The edge-to-edge data of RFC 9197.
    pub e2e_profile: Option<Located<E2eProfile>>,
}

/// `probes`, or the keys of copies.
pub type Active = WordOrKeys<ActiveWord, ActiveCopies>;

/// Copies of the profile's packets are sent as active measurement, and the packets themselves go
/// on untouched.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ActiveCopies {
    /// Octets of each copy, from its IPv6 header on; a shorter packet is copied whole.
    pub copies: Scalar<Number<u16, 40, 0xffff>>,
}

/// Which packets a profile wants; every given key has to match.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Filter {
    /// Names of input ports, one or a list; omitted, any port. The word `local`, alone, is for
    /// packets this node originates.
    pub in_port: Option<OneOrMany<Text>>,
    /// Prefix of the source address.
    pub source: Option<Scalar<Prefix>>,
    /// Prefix of the destination address.
    pub destination: Option<Scalar<Prefix>>,
    /// Upper-layer protocol behind any extension headers, by name (`tcp`, `udp`, `icmpv6`,
    /// `sctp`, …) or number.
    pub next_header: Option<Scalar<NextHeader>>,
    /// Source port of TCP, UDP or SCTP: one or a range `n-m`.
    pub source_port: Option<Scalar<Range>>,
    /// Destination port of TCP, UDP or SCTP: one or a range `n-m`.
    pub destination_port: Option<Scalar<Range>>,
    /// The six upper bits of the traffic class, 0 to 63.
    pub dscp: Option<Scalar<Number<u8, 0, 63>>>,
    /// The 20-bit flow label.
    pub flow_label: Option<Scalar<Number<u32, 0, 0xf_ffff>>>,
    /// Length of the IPv6 packet with its header, in octets: one or a range `n-m`.
    pub length: Option<Scalar<Range>>,
}

/// The outer IPv6 header.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tunnel {
    /// The outer source: an address of this node. Only with `encapsulate`.
    pub source: Option<Scalar<Address>>,
    /// The outer destination: an address of the decapsulating node.
    pub destination: Option<Scalar<Address>>,
    /// The outer hop limit, 1 to 255. Only with `encapsulate`.
    #[schemars(extend("default" = 64))]
    pub hop_limit: Option<Scalar<Number<u8, 1, 255>>>,
}

/// Which of the selected packets get options: `first` and `of`, or `random`, or `per-flow`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Sampling {
    /// The first so many packets of each `of`.
    pub first: Option<Scalar<Number<u32, 1, 0xffff_ffff>>>,
    /// The length of the cycle of `first`, in packets.
    pub of: Option<Scalar<Number<u32, 1, 0xffff_ffff>>>,
    /// Each packet with a probability of one in so many, independently.
    pub random: Option<Scalar<Number<u32, 1, 0xffff_ffff>>>,
    /// All packets of one flow in so many, chosen by a hash of the flow.
    pub per_flow: Option<Scalar<Number<u32, 1, 0xffff_ffff>>>,
}
