// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which profile, if any, wants a packet, and whether it is sampled.

mod filter;
mod flow_key;
mod rules;
mod sampler;

pub use filter::{Field, Filter, Prefix};
pub(crate) use flow_key::{flow_behind, upper_layer};
pub use flow_key::{flow_hash, flow_label, flow_of};
pub use rules::{RuleMemory, RuleSet};
pub use sampler::Sampler;
