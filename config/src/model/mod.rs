// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The operator's file, key by key. The comments here are the descriptions in the JSON Schema.

mod node;
mod ports;
mod profiles;
mod runtime;

pub use node::{Export, Namespace, Node, Schema, Simulate};
pub use ports::{DefaultNextHop, Forwarding, Pair, Port, Route};
pub use profiles::{Filter, PreallocatedTracingProfile, Profile, Sampling, TraceTypes, Tunnel};
pub use runtime::{Cpu, Runtime};

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
    /// Where the records of decapsulated traces go.
    pub export: Option<Export>,
    /// Fixed measurements in place of real ones, for replay and tests.
    pub simulate: Option<Simulate>,
}
