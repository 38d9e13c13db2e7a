// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How much of its time a worker gives to tracing.

/// One part in so many is for tracing, of the time since the last look at the clock.
const SHARE: u64 = 4;

/// Most ticks saved up: some milliseconds, enough for a few thousand packets at once.
const SAVED: i64 = 1 << 24;

/// Ticks of a worker's clock that tracing may still take; below 0 for what it took too much.
#[derive(Debug)]
pub(super) struct Budget {
    ticks: i64,
    last: Option<u64>,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            ticks: SAVED,
            last: None,
        }
    }

    /// Grows with time.
    pub(super) fn refill(&mut self, now: u64) {
        let elapsed = self.last.map_or(0, |last| now.wrapping_sub(last));
        self.last = Some(now);
        let share = i64::try_from(elapsed / SHARE).unwrap_or(SAVED);
        self.ticks = self.ticks.saturating_add(share).min(SAVED);
    }

    pub(super) fn is_left(&self) -> bool {
        self.ticks > 0
    }

    pub(super) fn spend(&mut self, ticks: u64) {
        let ticks = i64::try_from(ticks).unwrap_or(SAVED);
        self.ticks = self.ticks.saturating_sub(ticks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_worker_traces_a_quarter_of_its_time() {
        let mut budget = Budget::new();
        let (mut now, mut traced) = (0, 0);
        while now < 1 << 30 {
            budget.refill(now);
            let looks = budget.is_left();
            if looks {
                budget.spend(1000);
                traced += 1000;
            }
            now += 1000;
        }
        let share = f64::from(u32::try_from(traced >> 10).unwrap()) / f64::from(1 << 20);
        assert!((0.25..0.28).contains(&share), "{share}");
        budget.refill(now + (1 << 40));
        assert_eq!(budget.ticks, SAVED);
    }
}
