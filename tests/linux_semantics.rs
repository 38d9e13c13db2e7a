// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `semantics: linux`: what the kernel's `ioam6` does, byte for byte where it differs from the RFCs.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the numbers are the tests' own and fit"
)]

mod common;
#[path = "linux_semantics/encapsulation.rs"]
mod encapsulation;
#[path = "linux_semantics/input.rs"]
mod input;

use common::frames::node;
use ioam_dp::table::spec::*;

/// Node B as the configuration's defaults make it with `semantics: linux`.
fn linux() -> NodeSpec {
    let mut spec = node();
    spec.policy = Policy {
        semantics: Semantics::Linux,
        malformed: Malformed::Drop,
        several_options: SeveralOptions::All,
        ..Policy::default()
    };
    spec
}
