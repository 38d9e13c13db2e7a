// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The arguments all benchmarks understand.

#![allow(dead_code, reason = "each benchmark has a use for some of it")]

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Measures, prints a table, and ends by itself.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Arguments {
    /// How long to measure; 40 by default under `cargo bench`, and one short round elsewhere
    #[arg(long)]
    seconds: Option<f64>,
    /// Print one JSON object per figure instead of the table
    #[arg(long)]
    pub json: bool,
    /// Append one JSON object per figure to this file
    #[arg(long, value_name = "FILE")]
    pub append: Option<PathBuf>,
    /// Measure this case only
    #[arg(long, value_name = "CASE")]
    pub only: Option<String>,
    /// Packets on their way at a time
    #[arg(long, default_value_t = 512, value_name = "PACKETS")]
    pub in_flight: usize,
    /// Packets on their way at a time that do not fit the last-level cache; 0 leaves that out.
    /// Twice the cache's size by default
    #[arg(long, value_name = "PACKETS")]
    pub far: Option<usize>,
    // `cargo bench` gives it to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    /// Whether the case named is to be measured.
    pub(crate) fn takes(&self, case: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == case)
    }

    /// How many packets do not fit the last-level cache; none where nothing is to be measured.
    pub(crate) fn far_packets(&self) -> usize {
        let usual = || {
            if self.bench {
                crate::machine::far_packets()
            } else {
                0
            }
        };
        self.far.unwrap_or_else(usual)
    }

    /// How many seconds to measure.
    pub(crate) fn seconds(&self) -> f64 {
        self.seconds.unwrap_or(if self.bench { 40.0 } else { 0.0 })
    }

    /// How long to measure.
    pub(crate) fn duration(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds()).unwrap_or_default()
    }
}
