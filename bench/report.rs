// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Figures: their spread, and where they come from.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// Where the middle of some samples is, and how far they scatter.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread {
    pub least: f64,
    pub lower: f64,
    pub median: f64,
    pub upper: f64,
}

impl Spread {
    /// Of any number of samples; all zero where there are none.
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |quarter: usize| {
            let place = sorted.len().saturating_sub(1) * quarter;
            let (whole, rest) = (place / 4, place % 4);
            let low = sorted.get(whole).copied().unwrap_or_default();
            let high = sorted.get(whole + 1).copied().unwrap_or(low);
            low + (high - low) * f64::from(u8::try_from(rest).unwrap_or(0)) / 4.0
        };
        Self {
            least: at(0),
            lower: at(1),
            median: at(2),
            upper: at(3),
        }
    }

    /// `41.3 [40.9 42.0]`: the median between the quartiles.
    pub(crate) fn text(&self) -> String {
        format!("{:.1} [{:.1} {:.1}]", self.median, self.lower, self.upper)
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "median": rounded(self.median), "lower_quartile": rounded(self.lower),
            "upper_quartile": rounded(self.upper), "least": rounded(self.least),
        })
    }
}

/// Where figures come from, as far as both benchmarks know.
pub(crate) fn provenance(load_before: f64) -> Value {
    let first_line = |path: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().next().unwrap_or("unknown").trim().to_owned()
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    json!({
        "unix_seconds": now.map_or(0, |now| now.as_secs()),
        "git": env!("IOAM_GIT"),
        "rustc": env!("IOAM_RUSTC"),
        "dpdk": env!("IOAM_DPDK"),
        "target": env!("IOAM_TARGET"),
        "target_cpu": env!("IOAM_TARGET_CPU"),
        "processor": processor(),
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": first_line("/proc/sys/kernel/osrelease"),
        "load_before": load_before,
        "load_after": load(),
    })
}

/// The processor's name, and whether it is a virtual one.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_once(':')
            .map(|(_, value)| value.trim().to_owned())
    };
    let name = field("model name").unwrap_or_else(|| "unknown".to_owned());
    match field("flags") {
        Some(flags) if flags.contains(" hypervisor") => format!("{name}, virtual"),
        _ => name,
    }
}

/// The machine and how busy it was, for people.
pub(crate) fn machine(load_before: f64) -> String {
    format!("{}; load {load_before:.1}, then {:.1}", processor(), load())
}

/// A figure with two digits behind the point.
pub(crate) fn rounded(value: f64) -> Value {
    json!((value * 100.0).round() / 100.0)
}

/// Processes that ran or wanted to, on average over the last minute.
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|first| first.parse().ok()).unwrap_or(0.0)
}

/// Appends one line per figure to `file`, where there is one, and prints them where `print` says so.
pub(crate) fn write(lines: &[Value], file: Option<&Path>, print: bool) -> Result<()> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    if print {
        io::stdout().write_all(text.as_bytes())?;
    }
    let Some(path) = file else { return Ok(()) };
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .with_context(|| format!("cannot append to {}", path.display()))?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("cannot append to {}", path.display()))
}

/// A line that lives while a run lasts, where someone watches.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    seconds: f64,
    watched: bool,
}

impl Progress {
    /// For a run of so many seconds.
    pub(crate) fn new(seconds: f64) -> Self {
        Self {
            begun: Instant::now(),
            seconds,
            watched: io::stderr().is_terminal(),
        }
    }

    /// Says what is known now.
    pub(crate) fn show(&mut self, news: &str) {
        if self.watched {
            let passed = self.begun.elapsed().as_secs_f64();
            eprint!("\r\x1b[K  {passed:3.0} s of {:.0}  {news}", self.seconds);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.watched {
            eprint!("\r\x1b[K");
        }
    }
}
