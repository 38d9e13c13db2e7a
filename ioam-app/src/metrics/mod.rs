// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A node's figures for Prometheus: `/metrics` over HTTP. `docs/metrics.md` lists them.

mod delays;
mod export;
mod families;
mod names;
mod serve;
mod text;

pub use families::metrics;
pub use serve::serve;
