// SPDX-License-Identifier: Apache-2.0 OR MIT
//! RFC 9197 on IPv6 packets, one test a requirement, named by its section.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the numbers are the tests' own and fit"
)]

#[path = "rfc9197/accounting.rs"]
mod accounting;
mod common;
#[path = "rfc9197/edge_to_edge.rs"]
mod edge_to_edge;
#[path = "rfc9197/encapsulation.rs"]
mod encapsulation;
#[path = "rfc9197/fields.rs"]
mod fields;
#[path = "rfc9197/malformed.rs"]
mod malformed;
#[path = "rfc9197/proof.rs"]
mod proof;
#[path = "rfc9197/roles.rs"]
mod roles;
#[path = "rfc9197/several.rs"]
mod several;
#[path = "rfc9197/transit.rs"]
mod transit;
