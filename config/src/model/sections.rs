// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The sections of a profile: one for each kind of IOAM option.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Sampling, Tunnel};
use crate::scalar::{Located, OneOrMany, Scalar};
use crate::text::{
    E2eTypeItem, FlowId, Group, NamespaceId, NodeAction, Number, OverMtu, Placement, PotType,
    Switch, TraceTypeItem,
};

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
    /// Whether this node's own data are in the trace; default: `true` for `encapsulate`, `false`
    /// for `decapsulate`; `transit` always records.
    pub record_self: Option<Scalar<Switch>>,
    /// Whether traces have the Loopback flag (RFC 9322, 4): each node sends a copy back. Only with
    /// `encapsulate`, and only with the trace type `[hop-lim-node-id]`.
    #[schemars(extend("default" = false))]
    pub loopback: Option<Scalar<Switch>>,
    /// As in the profile, where this is its only section.
    #[schemars(extend("default" = "ip6-in-ip6"))]
    pub placement: Option<Scalar<Placement>>,
    /// As in the profile, where this is its only section.
    pub tunnel: Option<Located<Tunnel>>,
    /// As in the profile, where this is its only section.
    pub sampling: Option<Located<Sampling>>,
    /// As in the profile, where this is its only section.
    #[schemars(extend("default" = "skip"))]
    pub over_mtu: Option<Scalar<OverMtu>>,
}

/// The namespaces of a section, and the data each node adds or exports.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TraceTypes {
    /// The Namespace-ID, or a list of them; `default-namespace` is 0. `encapsulate` puts in one
    /// option for each.
    pub use_namespace: OneOrMany<NamespaceId>,
    /// The data each node adds: identities of RFC 9617 without `trace-`, or the 24-bit
    /// IOAM-Trace-Type as a number. Required by `encapsulate` and only used by it.
    pub trace_type: Option<OneOrMany<TraceTypeItem>>,
}

/// The proof of transit of RFC 9197.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PotProfile {
    /// What the node does with the profile's packets.
    #[schemars(extend("default" = "transit"))]
    pub node_action: Option<Scalar<NodeAction>>,
    /// The Namespace-ID, or a list of them, each with `pot-keys`. `encapsulate` puts in one option
    /// for each.
    pub use_namespace: OneOrMany<NamespaceId>,
    /// The IOAM-POT-Type.
    #[schemars(extend("default" = "pot-type-0"))]
    pub pot_type: Option<Scalar<PotType>>,
}

/// The direct export of RFC 9326.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DirectExportProfile {
    /// What the node does with the profile's packets.
    #[schemars(extend("default" = "transit"))]
    pub node_action: Option<Scalar<NodeAction>>,
    /// The namespaces, and the data each node exports.
    pub trace_types: Located<TraceTypes>,
    /// The Flow ID, 32 bits, or `hash` for one that is computed from the flow, the same in both
    /// directions; omitted, there is no such field. Only with `encapsulate`.
    pub flow_id: Option<Scalar<FlowId>>,
    /// Whether packets are numbered: those of a Flow ID, or of a flow where that is computed or
    /// missing. Only with `encapsulate`.
    #[schemars(extend("default" = false))]
    pub enable_sequence_number: Option<Scalar<Switch>>,
    /// Whether the encapsulating node exports its own data at once. Only with `encapsulate`.
    #[schemars(extend("default" = false))]
    pub record_self: Option<Scalar<Switch>>,
    /// The packets that share a sequence: `profile` takes those of one encapsulating node and
    /// Flow ID, `flow` those of a flow, as is right where there is no Flow ID. Only with
    /// `decapsulate`.
    #[schemars(extend("default" = "profile"))]
    pub group: Option<Scalar<Group>>,
    /// Seconds between two reports on a packet group. Only with `decapsulate`.
    #[schemars(extend("default" = 10))]
    pub report_seconds: Option<Scalar<Number<u32, 1, 86_400>>>,
}

/// The edge-to-edge data of RFC 9197.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct E2eProfile {
    /// What the node does with the profile's packets: `encapsulate` or `decapsulate`.
    pub node_action: Scalar<NodeAction>,
    /// The namespaces, and the data the encapsulating node adds.
    pub e2e_types: Located<E2eTypes>,
    /// The packets that share a sequence, the same at both edges.
    #[schemars(extend("default" = "profile"))]
    pub group: Option<Scalar<Group>>,
    /// Seconds between two reports on a packet group. Only with `decapsulate`.
    #[schemars(extend("default" = 10))]
    pub report_seconds: Option<Scalar<Number<u32, 1, 86_400>>>,
    /// Whether each option is recorded as well. Only with `decapsulate`.
    #[schemars(extend("default" = false))]
    pub record_packets: Option<Scalar<Switch>>,
}

/// The namespaces of a section, and the data the encapsulating node adds.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct E2eTypes {
    /// The Namespace-ID, or a list of them; `default-namespace` is 0. `encapsulate` puts in one
    /// option for each.
    pub use_namespace: OneOrMany<NamespaceId>,
    /// The data: identities of RFC 9617 without `e2e-`, or the 16-bit IOAM-E2E-Type as a number.
    /// Required by `encapsulate` and only used by it.
    pub e2e_type: Option<OneOrMany<E2eTypeItem>>,
}
