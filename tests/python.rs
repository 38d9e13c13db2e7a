// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The tests of the programs in Python that measure: `tests/python/`, one run of unittest for all.

use std::process::Command;

/// Debian's own, which has the packages that `scripts/setup test` installs; a newer one in PATH may not.
const PYTHON: &str = "/usr/bin/python3";

/// Says that something did not run; where nothing may be skipped, fails.
fn skip(why: &str) {
    let set = |name| std::env::var(name).is_ok_and(|value| !["", "0", "false"].contains(&&*value));
    assert!(
        !set("CI") && !set("IOAM_REQUIRE_ALL"),
        "would be SKIPPED: {why}"
    );
    println!("SKIPPED: {why}");
}

#[test]
fn the_tests_in_python_pass() {
    let words = ["-B", "-m", "unittest", "discover", "-v", "-s"];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python");
    let Ok(output) = Command::new(PYTHON).args(words).arg(folder).output() else {
        return skip("there is no /usr/bin/python3; scripts/setup test installs it");
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("Ran 0 tests"), "none was found: {said}");
    let why = "there is no scapy for this Python";
    if said.contains(why) {
        skip(&format!("{why}; scripts/setup test installs it"));
    }
}
