// SPDX-License-Identifier: Apache-2.0 OR MIT
//! RFC 9486 and what it takes from RFC 8200 and RFC 2473, one test a requirement, named by its
//! section.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the numbers are the tests' own and fit"
)]

mod common;
#[path = "rfc9486/header.rs"]
mod header;
#[path = "rfc9486/removal.rs"]
mod removal;
#[path = "rfc9486/tunnel.rs"]
mod tunnel;
