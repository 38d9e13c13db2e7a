// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rates: what the nodes' counters did between two looks at them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ioam_dp::stats::WorkerStats;

use super::chain::Chain;
use super::domain::{IN_PORT, NODES};
use super::mode::Mode;
use super::shared::{Collected, Shared};
use super::traffic::Kind;
use super::witness::Witnessed;

/// The part of a CPU's time that is worth a word when others have it.
pub(super) const NOTABLE: f64 = 0.05;

/// A node's rates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct NodeRate {
    /// Packets since the start.
    pub(super) packets: u64,
    /// Million packets per second.
    pub(super) mpps: f64,
    /// Ticks of the processor's counter from receiving to sending, per packet.
    pub(super) ticks: f64,
    /// Packets per burst.
    pub(super) fill: f64,
}

/// Everything there is to show at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) elapsed: Duration,
    pub(super) nodes: [NodeRate; NODES],
    /// By half of the chain: the part of the time in which its CPU was somebody else's, 0 to 1.
    pub(super) taken: [f64; 2],
    pub(super) sent: u64,
    pub(super) arrived: u64,
    /// By [`Kind`]: packets sent.
    pub(super) kinds: [u64; 3],
    pub(super) collected: Collected,
    /// The options that packets carry.
    pub(super) mode: Mode,
    pub(super) witnessed: Witnessed,
}

/// A node's counters at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    packets: u64,
    bursts: u64,
    ticks: u64,
}

impl Reading {
    fn of(stats: &WorkerStats) -> Self {
        Self {
            packets: stats.ports[usize::from(IN_PORT)].received.get(),
            bursts: stats.work.bursts.get(),
            ticks: stats.work.busy_ticks.get(),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "figures for reading")]
    fn rate(self, before: Self, seconds: f64) -> NodeRate {
        let packets = (self.packets - before.packets) as f64;
        let per = |amount: f64, by: f64| if by > 0.0 { amount / by } else { 0.0 };
        NodeRate {
            packets: self.packets,
            mpps: per(packets, seconds) / 1e6,
            ticks: per((self.ticks - before.ticks) as f64, packets),
            fill: per(packets, (self.bursts - before.bursts) as f64),
        }
    }
}

/// Most samples kept of a node: 200 s of them.
const SAMPLES: usize = 10_000;

/// A node's ticks per packet, sampled so often that the median does not mind the moments in which
/// somebody else had the CPU.
#[derive(Debug, Default)]
struct Ticks {
    last: Reading,
    recent: Vec<f64>,
    all: VecDeque<f64>,
}

impl Ticks {
    fn sample(&mut self, now: Reading) {
        if now.packets > self.last.packets {
            self.recent.push(now.rate(self.last, 1.0).ticks);
            self.last = now;
        }
    }

    /// The median since the last call.
    fn recent(&mut self) -> f64 {
        let median = median(&mut self.recent);
        let beyond = (self.all.len() + self.recent.len()).saturating_sub(SAMPLES);
        self.all.drain(..beyond.min(self.all.len()));
        self.all.extend(self.recent.drain(..));
        median.unwrap_or(0.0)
    }

    /// The median of all; none when there was no time for a sample.
    fn all(&mut self) -> Option<f64> {
        self.recent();
        median(self.all.make_contiguous())
    }
}

fn median(samples: &mut [f64]) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied()
}

/// Looks at the counters again and again.
#[derive(Debug)]
pub(super) struct Meter {
    start: Instant,
    last: Instant,
    readings: [Reading; NODES],
    waited: [u64; 2],
    ticks: [Ticks; NODES],
    mode: Mode,
}

impl Meter {
    pub(super) fn new(mode: Mode) -> Self {
        let now = Instant::now();
        Self {
            start: now,
            last: now,
            readings: [Reading::default(); NODES],
            waited: [0; 2],
            ticks: std::array::from_fn(|_| Ticks::default()),
            mode,
        }
    }

    /// Time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Takes a sample of the nodes' ticks, to be done often.
    pub(super) fn sample(&mut self, chain: &Chain) {
        for (ticks, stats) in self.ticks.iter_mut().zip(chain.stats()) {
            ticks.sample(Reading::of(stats));
        }
    }

    /// The rates since the last look.
    pub(super) fn look(&mut self, chain: &Chain) -> Snapshot {
        let now = Instant::now();
        let seconds = (now - self.last).as_secs_f64();
        self.last = now;
        let mut snapshot = totals(chain.shared(), self.mode, now - self.start);
        let waited = chain.shared().waited();
        snapshot.taken = taken(waited, self.waited, seconds);
        self.waited = waited;
        for (place, stats) in chain.stats().iter().enumerate().take(NODES) {
            let reading = Reading::of(stats);
            let mut rate = reading.rate(self.readings[place], seconds);
            rate.ticks = self.ticks[place].recent();
            self.readings[place] = reading;
            snapshot.nodes[place] = rate;
        }
        snapshot
    }

    /// The rates of the whole run.
    pub(super) fn whole(
        &mut self,
        shared: &Shared,
        stats: &[Arc<WorkerStats>],
        moving: Duration,
    ) -> Snapshot {
        let mut snapshot = totals(shared, self.mode, moving);
        snapshot.taken = taken(shared.waited(), [0; 2], moving.as_secs_f64());
        for (place, stats) in stats.iter().enumerate().take(NODES) {
            let mut rate = Reading::of(stats).rate(Reading::default(), moving.as_secs_f64());
            rate.ticks = self.ticks[place].all().unwrap_or(rate.ticks);
            snapshot.nodes[place] = rate;
        }
        snapshot
    }
}

#[allow(clippy::cast_precision_loss, reason = "figures for reading")]
fn taken(waited: [u64; 2], before: [u64; 2], seconds: f64) -> [f64; 2] {
    std::array::from_fn(|half| {
        let nanoseconds = waited[half].saturating_sub(before[half]) as f64;
        (nanoseconds / 1e9 / seconds.max(1e-9)).clamp(0.0, 1.0)
    })
}

fn totals(shared: &Shared, mode: Mode, elapsed: Duration) -> Snapshot {
    // In this order a packet that is under way is not missed.
    let arrived = shared.arrived.get();
    Snapshot {
        elapsed,
        nodes: [NodeRate::default(); NODES],
        taken: [0.0; 2],
        arrived,
        sent: shared.sent.get(),
        kinds: [Kind::Traced, Kind::Plain, Kind::Other].map(|kind| shared.sent_of(kind).get()),
        collected: shared.collected().clone(),
        mode,
        witnessed: shared.witnessed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sample_with_somebody_elses_ticks_does_not_count() {
        let mut ticks = Ticks::default();
        let mut reading = Reading::default();
        for cost in [100, 100, 5_000_000, 100] {
            reading.packets += 32;
            reading.ticks += 32 * cost;
            ticks.sample(reading);
            ticks.sample(reading);
        }
        assert_eq!(ticks.recent(), 100.0);
        assert_eq!((ticks.recent(), ticks.all()), (0.0, Some(100.0)));
        assert_eq!(Ticks::default().all(), None);
    }

    #[test]
    fn only_so_many_samples_are_kept() {
        let mut ticks = Ticks::default();
        for _ in 0..3 {
            ticks.recent = vec![1.0; SAMPLES / 2 + 1];
            ticks.recent();
        }
        assert_eq!(ticks.all.len(), SAMPLES);
    }
}
