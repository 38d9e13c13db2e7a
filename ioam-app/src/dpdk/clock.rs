// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Wall-clock time out of the processor's time-stamp counter (TSC): one read of it a burst, and no
//! system call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ioam_dp::timestamp::WallTime;
use ioam_dp::worker::Clock;

/// How long the first measurement of the TSC's rate takes.
const CALIBRATION: Duration = Duration::from_millis(20);

/// A difference from the system's clock that is stepped over; a smaller one is worked off.
const STEP_NANOSECONDS: i64 = 10_000_000;

/// Fastest working off, as a part of the rate: one in so many (500 ppm, as the kernel slews).
const SLEW_LIMIT: i64 = 2000;

/// Shortest time between two comparisons that says something about the rate.
const RATE_NANOSECONDS: u64 = 50_000_000;

/// Ticks become nanoseconds times this power of two.
const SHIFT: u32 = 32;

/// Where the TSC stood at a moment, and how fast it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Anchor {
    ticks: u64,
    nanoseconds: u64,
    /// Nanoseconds a tick, times 2^32.
    rate: u64,
}

impl Anchor {
    fn at(&self, ticks: u64) -> u64 {
        // Another core's TSC may be a little behind the one that made the anchor.
        if ticks >= self.ticks {
            self.nanoseconds
                .wrapping_add(scale(ticks - self.ticks, self.rate))
        } else {
            self.nanoseconds
                .wrapping_sub(scale(self.ticks - ticks, self.rate))
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "2^64 ns are 584 years")]
fn scale(ticks: u64, rate: u64) -> u64 {
    ((u128::from(ticks) * u128::from(rate)) >> SHIFT) as u64
}

/// The anchor as all cores share it: a sequence lock with one writer.
#[derive(Debug, Default)]
struct SharedAnchor {
    /// Odd while the writer is at work.
    sequence: AtomicU64,
    ticks: AtomicU64,
    nanoseconds: AtomicU64,
    rate: AtomicU64,
}

impl SharedAnchor {
    fn write(&self, anchor: Anchor) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence
            .store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        self.ticks.store(anchor.ticks, Ordering::Relaxed);
        self.nanoseconds
            .store(anchor.nanoseconds, Ordering::Relaxed);
        self.rate.store(anchor.rate, Ordering::Relaxed);
        self.sequence
            .store(sequence.wrapping_add(2), Ordering::Release);
    }

    /// The anchor and its sequence, or `None` while the writer is at work.
    fn read(&self) -> Option<(u64, Anchor)> {
        let before = self.sequence.load(Ordering::Acquire);
        let anchor = Anchor {
            ticks: self.ticks.load(Ordering::Relaxed),
            nanoseconds: self.nanoseconds.load(Ordering::Relaxed),
            rate: self.rate.load(Ordering::Relaxed),
        };
        fence(Ordering::Acquire);
        let after = self.sequence.load(Ordering::Relaxed);
        (before == after && before.is_multiple_of(2)).then_some((before, anchor))
    }
}

/// The management core's side: keeps the TSC's time near the system's.
#[derive(Debug)]
pub struct TscReference {
    shared: Arc<SharedAnchor>,
    anchor: Anchor,
    /// The TSC and the system's clock when they were last read together.
    last: (u64, u64),
    /// Nanoseconds a tick times 2^32, without the working off.
    rate: u64,
}

impl TscReference {
    /// Measures the TSC against the system's clock for 20 ms.
    #[must_use]
    pub fn new() -> Self {
        let first = read_both();
        let start = Instant::now();
        while start.elapsed() < CALIBRATION {
            std::hint::spin_loop();
        }
        let second = read_both();
        let rate = rate_between(first, second).unwrap_or(1 << SHIFT);
        let anchor = Anchor {
            ticks: second.0,
            nanoseconds: second.1,
            rate,
        };
        let shared = Arc::new(SharedAnchor::default());
        shared.write(anchor);
        Self {
            shared,
            anchor,
            last: second,
            rate,
        }
    }

    /// A clock for one worker.
    #[must_use]
    pub fn clock(&self) -> TscClock {
        let anchor = self.anchor;
        let shared = Arc::clone(&self.shared);
        TscClock {
            shared,
            sequence: 0,
            anchor,
            received: read_tsc(),
        }
    }

    /// Ticks of the TSC in a second.
    #[must_use]
    pub fn ticks_per_second(&self) -> u64 {
        let ticks = (1_000_000_000_u128 << SHIFT) / u128::from(self.rate.max(1));
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// Compares with the system's clock and works a difference off during the next second, so that
    /// time never runs backwards; a difference of 10 ms or more, as when somebody sets the clock, is
    /// stepped over. To be called about once a second. Answers the difference in nanoseconds,
    /// positive when the TSC's time was behind.
    pub fn reanchor(&mut self) -> i64 {
        let now = read_both();
        let (anchor, rate, difference) = follow(self.anchor, self.rate, self.last, now);
        self.shared.write(anchor);
        (self.anchor, self.rate, self.last) = (anchor, rate, now);
        difference
    }
}

impl Default for TscReference {
    fn default() -> Self {
        Self::new()
    }
}

/// The next anchor, the next rate without the working off, and the difference found.
fn follow(anchor: Anchor, rate: u64, last: (u64, u64), now: (u64, u64)) -> (Anchor, u64, i64) {
    let (ticks, system) = now;
    let ours = anchor.at(ticks);
    let difference = system.wrapping_sub(ours).cast_signed();
    if difference.saturating_abs() >= STEP_NANOSECONDS {
        return (
            Anchor {
                ticks,
                nanoseconds: system,
                rate,
            },
            rate,
            difference,
        );
    }
    let measured = rate_between(last, now)
        .filter(|_| system.saturating_sub(last.1) >= RATE_NANOSECONDS)
        .map_or(0, |measured| measured.wrapping_sub(rate).cast_signed())
        // More than a thousandth is no drift: somebody set the clock a little.
        .clamp(-rate.cast_signed() / 1000, rate.cast_signed() / 1000);
    // A quarter of the change at a time keeps the noise of one comparison small.
    let rate = rate.wrapping_add_signed(measured / 4);
    let limit = rate.cast_signed() / SLEW_LIMIT;
    let slew = i128::from(rate) * i128::from(difference) / 1_000_000_000;
    let slew = i64::try_from(slew).unwrap_or(limit).clamp(-limit, limit);
    let next = Anchor {
        ticks,
        nanoseconds: ours,
        rate: rate.wrapping_add_signed(slew),
    };
    (next, rate, difference)
}

/// Nanoseconds a tick times 2^32, from two common readings; `None` when they are nonsense, as after
/// somebody set the clock.
fn rate_between(first: (u64, u64), second: (u64, u64)) -> Option<u64> {
    let ticks = second.0.checked_sub(first.0).filter(|ticks| *ticks > 0)?;
    let nanoseconds = second
        .1
        .checked_sub(first.1)
        .filter(|nanoseconds| *nanoseconds > 0)?;
    u64::try_from((u128::from(nanoseconds) << SHIFT) / u128::from(ticks)).ok()
}

/// The TSC and the system's clock (nanoseconds since 1970) at the same moment: the closest of
/// several attempts.
fn read_both() -> (u64, u64) {
    let mut best = (u64::MAX, 0, 0);
    for _ in 0..8 {
        let before = read_tsc();
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let width = read_tsc().wrapping_sub(before);
        let nanoseconds = since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos());
        if width < best.0 {
            best = (width, before + width / 2, nanoseconds);
        }
    }
    (best.1, best.2)
}

/// One worker's clock.
#[derive(Debug)]
pub struct TscClock {
    shared: Arc<SharedAnchor>,
    /// Of the copy in `anchor`.
    sequence: u64,
    anchor: Anchor,
    /// The TSC at the last receive time.
    received: u64,
}

impl Clock for TscClock {
    fn receive_time(&mut self) -> Option<WallTime> {
        if self.shared.sequence.load(Ordering::Relaxed) != self.sequence
            && let Some((sequence, anchor)) = self.shared.read()
        {
            (self.sequence, self.anchor) = (sequence, anchor);
        }
        self.received = read_tsc();
        Some(WallTime::from_nanoseconds(self.anchor.at(self.received)))
    }

    fn residence_nanoseconds(&mut self) -> Option<u32> {
        let ticks = read_tsc().saturating_sub(self.received);
        Some(u32::try_from(scale(ticks, self.anchor.rate)).unwrap_or(u32::MAX))
    }

    fn ticks(&mut self) -> u64 {
        read_tsc()
    }

    fn ticks_received(&mut self) -> u64 {
        self.received
    }
}

#[cfg(target_arch = "x86_64")]
fn read_tsc() -> u64 {
    // SAFETY: every processor that DPDK runs on has the instruction, and it has no effect.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
fn read_tsc() -> u64 {
    // SAFETY: reads a counter of the processor; no precondition.
    unsafe { dpdk_sys::dpdk_shim_rdtsc() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2.1 GHz.
    const RATE: u64 = (1 << SHIFT) * 10 / 21;

    #[test]
    fn the_clock_is_near_the_systems_and_never_runs_backwards() {
        let mut reference = TscReference::new();
        let mut clock = reference.clock();
        let mut last = 0;
        for round in 0..2000 {
            if round % 100 == 0 {
                reference.reanchor();
            }
            let ours = clock.receive_time().unwrap().as_nanoseconds();
            assert!(ours >= last, "{ours} after {last}");
            last = ours;
        }
        let system = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let system = u64::try_from(system.as_nanos()).unwrap();
        let ours = clock.receive_time().unwrap().as_nanoseconds();
        assert!(
            ours.abs_diff(system) < 50_000_000,
            "{ours} is far from {system}"
        );
    }

    #[test]
    fn residence_is_what_passed_since_the_receive_time() {
        let mut clock = TscReference::new().clock();
        clock.receive_time();
        std::thread::sleep(Duration::from_millis(5));
        let residence = clock.residence_nanoseconds().unwrap();
        assert!(
            (4_900_000..4_000_000_000).contains(&residence),
            "{residence}"
        );
    }

    #[test]
    fn a_small_difference_is_worked_off_within_seconds() {
        let mut anchor = Anchor {
            ticks: 0,
            nanoseconds: 1_000_000_000,
            rate: RATE,
        };
        let (mut rate, mut last) = (RATE, (0, 1_000_000_000));
        // The system is 1 ms ahead at first, and its clock runs 20 ppm fast.
        for second in 1..=30_u64 {
            let now = (
                second * 2_100_000_000,
                1_001_000_000 + second * 1_000_020_000,
            );
            let before = anchor.at(now.0);
            let (next, next_rate, _) = follow(anchor, rate, last, now);
            assert_eq!(next.at(now.0), before, "no step at the anchor");
            (anchor, rate, last) = (next, next_rate, now);
        }
        let (_, _, difference) = follow(
            anchor,
            rate,
            last,
            (31 * 2_100_000_000, 1_001_000_000 + 31 * 1_000_020_000),
        );
        assert!(difference.abs() < 1000, "{difference} ns remain");
    }

    #[test]
    fn a_clock_that_was_set_is_followed_at_once() {
        let anchor = Anchor {
            ticks: 0,
            nanoseconds: 5_000_000_000,
            rate: RATE,
        };
        let now = (2_100_000_000, 106_000_000_000);
        let (next, rate, difference) = follow(anchor, RATE, (0, 5_000_000_000), now);
        assert_eq!((next.at(now.0), rate), (now.1, RATE));
        assert!(
            (99_900_000_000..100_100_000_000).contains(&difference),
            "{difference}"
        );
    }

    #[test]
    fn a_counter_a_little_behind_gives_a_time_a_little_before() {
        let anchor = Anchor {
            ticks: 2_100_000,
            nanoseconds: 1_000_000,
            rate: RATE,
        };
        assert_eq!(anchor.at(2_100_000), 1_000_000);
        assert!(anchor.at(2_099_790).abs_diff(999_900) <= 1);
    }
}
