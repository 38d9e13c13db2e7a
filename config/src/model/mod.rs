// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The operator's file, key by key. The comments here are the descriptions in the JSON Schema.

mod collectors;
mod node;
mod observe;
mod ports;
mod probes;
mod profiles;
mod runtime;
mod sections;

pub use collectors::Collector;
pub use node::{Export, Flows, Limits, Namespace, Node, Receiver, Schema, Share, Simulate};
pub use observe::{Control, Metrics};
pub use ports::{DefaultNextHop, Forwarding, Pair, Port, Route};
pub use probes::Probe;
pub use profiles::{Active, ActiveCopies, Filter, Profile, Sampling, Tunnel};
pub use runtime::{Cpu, Runtime};
pub use sections::{
    DirectExportProfile, E2eProfile, E2eTypes, PotProfile, PreallocatedTracingProfile, TraceTypes,
};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scalar::Located;

/// The configuration of an IOAM node.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("required" = ["ports"]))]
pub struct Model {
    /// Who the node is, and what it does where the RFCs leave a choice.
    pub node: Option<Node>,
    /// CPUs and memory.
    pub runtime: Option<Runtime>,
    /// The ports, at most 32. Their order is their index.
    pub ports: Option<Located<Vec<Port>>>,
    /// Where packets go.
    pub forwarding: Option<Located<Forwarding>>,
    /// The IOAM-Namespaces known here; the default namespace 0 always is. A namespace is transit
    /// on every port with `ioam: true` unless profiles for it say otherwise.
    pub namespaces: Option<Vec<Namespace>>,
    /// The profiles, in the order they are tried.
    pub profiles: Option<Vec<Profile>>,
    /// Probes this node originates, for profiles with `active: probes`.
    pub probes: Option<Vec<Probe>>,
    /// Where records go.
    pub export: Option<Export>,
    /// Fixed measurements in place of real ones, for replay and tests.
    pub simulate: Option<Simulate>,
    /// How a running node is asked and told.
    pub control: Option<Control>,
    /// How Prometheus reads the node's counters.
    pub metrics: Option<Metrics>,
}
