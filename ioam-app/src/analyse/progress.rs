// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A line that says how far it is, each second, where somebody is looking.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// How often the line changes.
const PERIOD: Duration = Duration::from_secs(1);

/// The line.
#[derive(Debug)]
pub struct Progress {
    due: Instant,
    shown: bool,
    watched: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            due: Instant::now() + PERIOD,
            shown: false,
            watched: stderr().is_terminal(),
        }
    }
}

impl Progress {
    /// Shows the line when it is time.
    pub fn show(&mut self, line: impl FnOnce() -> String) {
        if !self.watched || Instant::now() < self.due {
            return;
        }
        self.due = Instant::now() + PERIOD;
        self.shown = true;
        // Nobody misses a line that cannot be shown.
        let _ = write!(stderr(), "\r{}\x1b[K", line());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
