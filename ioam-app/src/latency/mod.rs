// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Delays out of the records, in histograms: from node to node, in nodes, and from end to end.

mod spans;

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv6Addr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

pub use spans::Reports;
pub(crate) use spans::{age, end};

/// Most spans that are measured at once; further ones are counted as left out.
pub const MOST_SPANS: usize = 256;

/// How long one of the two windows is that make up what is recent.
pub const WINDOW: Duration = Duration::from_secs(10);

/// Upper bounds of the buckets in nanoseconds; what is larger is in one more.
pub const BOUNDS: [u64; 15] = [
    1_000,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
    1_000_000_000,
];

/// What a delay is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// From one node's receipt to the next one's.
    Hop,
    /// In a node.
    Transit,
    /// From the encapsulating node's receipt to this one's, as sequence reports tell.
    OneWay,
}

impl Kind {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hop => "hop",
            Self::Transit => "transit",
            Self::OneWay => "one-way",
        }
    }
}

/// An end of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// A node by its id.
    Node(u64),
    /// A node without an id, by its place in the trace, from 1.
    Place(usize),
    /// A node by its address.
    Address([u8; 16]),
    /// This node.
    Here,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // As many digits as its field holds, as in configurations.
            Self::Node(id) if *id <= 0xFF_FFFF => write!(f, "{id:#08x}"),
            Self::Node(id) => write!(f, "{id:#016x}"),
            Self::Place(place) => write!(f, "node {place}"),
            Self::Address(octets) => write!(f, "{}", Ipv6Addr::from(*octets)),
            Self::Here => write!(f, "here"),
        }
    }
}

/// What is measured between two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The Namespace-ID.
    pub namespace: u16,
    /// What the delay is of.
    pub kind: Kind,
    /// Where it begins.
    pub from: End,
    /// Where it ends; the same for a delay in a node.
    pub to: End,
}

/// The delays of one span.
#[derive(Clone, Debug)]
pub struct Delays {
    /// Values so far.
    pub count: u64,
    /// Their sum in nanoseconds.
    pub sum: u64,
    /// By bucket of [`BOUNDS`], each value in one; the last one is for what is larger.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// Values below 0, which only clocks that differ can make; they are nowhere else.
    pub negative: u64,
    recent: [Histogram<u64>; 2],
}

impl Delays {
    fn new() -> Option<Self> {
        let histogram = Histogram::new(2).ok()?;
        Some(Self {
            count: 0,
            sum: 0,
            buckets: [0; BOUNDS.len() + 1],
            negative: 0,
            recent: [histogram.clone(), histogram],
        })
    }

    fn record(&mut self, nanoseconds: i64, count: u64) {
        let Ok(value) = u64::try_from(nanoseconds) else {
            self.negative += count;
            return;
        };
        self.count += count;
        self.sum = self.sum.saturating_add(value.saturating_mul(count));
        let bucket = BOUNDS.iter().position(|bound| value <= *bound);
        self.buckets[bucket.unwrap_or(BOUNDS.len())] += count;
        // Not the saturating kind, which never grows: the histogram would end where it began.
        let _ = self.recent[0].record_n(value, count);
    }

    /// The values of the last one or two windows.
    #[must_use]
    pub fn recent(&self) -> Histogram<u64> {
        let mut both = self.recent[0].clone();
        // Both have the same precision, and they grow as they have to.
        let _ = both.add(&self.recent[1]);
        both
    }
}

/// All spans.
#[derive(Debug)]
pub struct Latency {
    spans: BTreeMap<Span, Delays>,
    reports: Reports,
    left_out: u64,
    turned: Instant,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            spans: BTreeMap::new(),
            reports: Reports::default(),
            left_out: 0,
            turned: Instant::now(),
        }
    }
}

impl Latency {
    /// Takes `count` delays of one span.
    fn record(&mut self, span: Span, nanoseconds: i64, count: u64) {
        if let Some(delays) = self.spans.get_mut(&span) {
            delays.record(nanoseconds, count);
            return;
        }
        match Delays::new().filter(|_| self.spans.len() < MOST_SPANS) {
            Some(mut delays) => {
                delays.record(nanoseconds, count);
                self.spans.insert(span, delays);
            }
            None => self.left_out += count,
        }
    }

    /// Begins a new window when it is time.
    pub fn turn(&mut self, now: Instant) {
        if now.duration_since(self.turned) < WINDOW {
            return;
        }
        self.turned = now;
        for delays in self.spans.values_mut() {
            delays.recent.swap(0, 1);
            delays.recent[0].reset();
        }
    }

    /// Every span that has been seen.
    pub fn spans(&self) -> impl Iterator<Item = (&Span, &Delays)> {
        self.spans.iter()
    }

    /// Delays of spans beyond the first [`MOST_SPANS`].
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests;
