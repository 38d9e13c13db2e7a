// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A line that says how far a long replay is, where somebody is looking.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// How long a replay takes before the line appears.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the line changes.
const PERIOD: Duration = Duration::from_millis(200);
/// Packets between two looks at the clock.
const STRIDE: u64 = 1024;

#[derive(Debug)]
pub(super) struct Progress {
    octets: u64,
    packets: u64,
    due: Instant,
    shown: bool,
    watched: bool,
}

impl Progress {
    /// Of captures of `octets` octets.
    pub(super) fn new(octets: u64) -> Self {
        Self {
            octets,
            packets: 0,
            due: Instant::now() + PATIENCE,
            shown: false,
            watched: stderr().is_terminal(),
        }
    }

    /// Counts a packet, and shows the line when it is time; `position` is how many octets were read.
    pub(super) fn show(&mut self, position: impl FnOnce() -> u64) {
        self.packets += 1;
        if !self.watched || !self.packets.is_multiple_of(STRIDE) || Instant::now() < self.due {
            return;
        }
        self.due = Instant::now() + PERIOD;
        self.shown = true;
        let percent = position()
            .saturating_mul(100)
            .checked_div(self.octets)
            .unwrap_or(100);
        // Nobody misses a line that cannot be shown.
        let _ = write!(stderr(), "\r{} packets, {percent} %\x1b[K", self.packets);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
