// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `profiles`: which packets, and what is done with them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scalar::{Located, OneOrMany, Scalar};
use crate::text::{
    Address, NamespaceId, NextHeader, NodeAction, Number, OverMtu, Placement, Prefix, ProtocolType,
    Range, Switch, Text, TraceTypeItem,
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
    /// The pre-allocated trace of RFC 9197.
    pub preallocated_tracing_profile: Located<PreallocatedTracingProfile>,
}

/// Which packets a profile wants; every given key has to match.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Filter {
    /// Names of input ports, one or a list; omitted, any port.
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

/// The pre-allocated trace of RFC 9197.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PreallocatedTracingProfile {
    /// What the node does with the profile's packets.
    #[schemars(extend("default" = "transit"))]
    pub node_action: Option<Scalar<NodeAction>>,
    /// The namespaces, and the data each node adds.
    pub trace_types: Located<TraceTypes>,
    /// Room for node data, in octets: a multiple of 4, at most 244. Required by `encapsulate` and
    /// only used by it.
    #[schemars(extend("minimum" = 4, "maximum" = 244, "multipleOf" = 4))]
    pub max_length: Option<Scalar<Number<u16, 0, 0xffff>>>,
    /// Where the option stands; not for `transit`, which finds it anywhere.
    #[schemars(extend("default" = "ip6-in-ip6"))]
    pub placement: Option<Scalar<Placement>>,
    /// The outer header of `placement: ip6-in-ip6`. `encapsulate` requires source and
    /// destination; `decapsulate` takes the destination alone, or any packet when it is omitted.
    pub tunnel: Option<Located<Tunnel>>,
    /// Whether this node's own data are in the trace; default: `true` for `encapsulate`, `false`
    /// for `decapsulate`; `transit` always records.
    pub record_self: Option<Scalar<Switch>>,
    /// Which of the selected packets get an option; omitted, every one. Counting is per worker.
    /// Only with `encapsulate`.
    pub sampling: Option<Located<Sampling>>,
    /// The fate of a packet that the option would make larger than the output port's MTU. Only
    /// with `encapsulate`.
    #[schemars(extend("default" = "skip"))]
    pub over_mtu: Option<Scalar<OverMtu>>,
}

/// The namespaces of a profile, and the data each node adds.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TraceTypes {
    /// The Namespace-ID, or a list of them for `transit` and `decapsulate`; `default-namespace`
    /// is 0.
    pub use_namespace: OneOrMany<NamespaceId>,
    /// The data each node adds: identities of RFC 9617 without `trace-`, or the 24-bit
    /// IOAM-Trace-Type as a number. Required by `encapsulate` and only used by it.
    pub trace_type: Option<OneOrMany<TraceTypeItem>>,
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

/// Which of the selected packets get an option: `first` and `of`, or `random`, or `per-flow`.
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
