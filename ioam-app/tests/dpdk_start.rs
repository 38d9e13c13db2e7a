// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the user reads when DPDK refuses to start.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use ioam_app::dpdk::Eal;

#[test]
fn a_refused_start_says_why_and_nothing_else() {
    let mut arguments = support::arguments("start");
    let lcores = arguments
        .iter()
        .position(|word| word == "--lcores")
        .unwrap();
    arguments[lcores + 1] = "0@9999".to_owned();
    let text = Eal::init(&arguments).unwrap_err().to_string();
    assert!(text.starts_with("DPDK does not start: "), "{text}");
    assert!(text.contains("lcore"), "{text}");
    assert!(!text.contains('\n'), "{text}");

    let nul = Eal::init(&["--no-huge".to_owned(), "a\0b".to_owned()]).unwrap_err();
    assert!(nul.to_string().contains("NUL"), "{nul}");
}
