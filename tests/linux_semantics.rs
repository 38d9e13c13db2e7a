// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `semantics: linux`: what the kernel's `ioam6` does, byte for byte where it differs from the RFCs.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the numbers are the tests' own and fit"
)]

mod common;

use common::Bench;
use common::frames::*;
use ioam_dp::table::spec::*;

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

#[test]
fn a_type_that_asks_for_nothing_overflows_where_there_is_no_room() {
    for kind in [0, 1] {
        let empty = Trace::new(123, kind, 0, &[]);
        let out = Bench::new(&linux()).pass(&Packet::traced(&[&empty]).frame(), 0, &moment());
        let (_, frame) = out.expect("forwarded");
        assert_eq!(
            frame,
            Packet::traced(&[&empty.overflowed()]).hops(63).frame()
        );
    }
}
