// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Printing that nobody need be there to read: a closed pipe or terminal is no reason to stop
//! forwarding packets, as `println!` would by panicking.

use std::fmt::Display;
use std::io::Write;

/// A line on standard output, which is for what was asked for.
pub fn out(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A line on standard error, which is for what happens meanwhile.
pub fn err(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
