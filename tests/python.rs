// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The tests of the programs in Python that measure: `tests/python/`, one run of unittest for all.

use std::process::Command;

/// Debian's own, which has the packages that `scripts/setup test` installs; a newer one in PATH may not.
const PYTHON: &str = "/usr/bin/python3";

#[test]
fn the_tests_in_python_pass() {
    let words = ["-B", "-m", "unittest", "discover", "--start-directory"];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python");
    let output = Command::new(PYTHON).args(words).arg(folder).output();
    let output = output.expect("python3, which scripts/setup test installs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("Ran 0 tests"), "none was found: {said}");
}
