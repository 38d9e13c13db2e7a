// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What holds for any packet and any node.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the numbers are the tests' own and fit"
)]

#[path = "properties/any.rs"]
mod any;
#[path = "properties/both_ways.rs"]
mod both_ways;
mod common;
#[path = "properties/list.rs"]
mod list;
#[path = "properties/measuring.rs"]
mod measuring;
#[path = "properties/pipeline.rs"]
mod pipeline;
#[path = "properties/round_trip.rs"]
mod round_trip;
#[path = "properties/sequences.rs"]
mod sequences;
