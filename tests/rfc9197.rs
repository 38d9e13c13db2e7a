// SPDX-License-Identifier: Apache-2.0 OR MIT
//! RFC 9197 on IPv6 packets, one test a requirement, named by its section.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the numbers are the tests' own and fit"
)]

mod common;
#[path = "rfc9197/encapsulation.rs"]
mod encapsulation;
#[path = "rfc9197/fields.rs"]
mod fields;
#[path = "rfc9197/malformed.rs"]
mod malformed;
#[path = "rfc9197/roles.rs"]
mod roles;
#[path = "rfc9197/transit.rs"]
mod transit;
