// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What an option says: one file per IOAM-Option-Type, each with build, update and collect.

pub mod direct_export;
pub mod edge_to_edge;
pub mod incremental_trace;
mod own_data;
pub mod preallocated_trace;
pub mod proof_of_transit;

pub use own_data::{OwnData, OwnDataCache};
