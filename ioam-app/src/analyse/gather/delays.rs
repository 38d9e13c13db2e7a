// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Delays of one thing: the least, the mean and the greatest exactly, and percentiles.

use hdrhistogram::Histogram;

/// Most histograms that are kept; delays of further things have no percentiles.
pub(super) const MOST_HISTOGRAMS: usize = 4096;

/// Histograms that may still be made.
#[derive(Debug)]
pub(super) struct Budget(pub(super) usize);

impl Default for Budget {
    fn default() -> Self {
        Self(MOST_HISTOGRAMS)
    }
}

/// Delays in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Delays {
    /// Values of 0 and more.
    pub count: u64,
    sum: u128,
    min: u64,
    max: u64,
    /// Values below 0, which only clocks that differ can make; they are nowhere else.
    pub negative: u64,
    histogram: Option<Histogram<u64>>,
}

impl Delays {
    /// None yet, with percentiles if the budget has room.
    pub(super) fn new(budget: &mut Budget) -> Self {
        let left = budget.0.checked_sub(1);
        budget.0 = left.unwrap_or(0);
        Self {
            histogram: left.and_then(|_| Histogram::new(2).ok()),
            ..Self::default()
        }
    }

    /// Takes one value.
    pub(super) fn record(&mut self, nanoseconds: i64) {
        self.record_many(nanoseconds, 1);
    }

    /// Takes a value that stands for `count`.
    pub(super) fn record_many(&mut self, nanoseconds: i64, count: u64) {
        let Ok(value) = u64::try_from(nanoseconds) else {
            self.negative = self.negative.saturating_add(count);
            return;
        };
        if count == 0 {
            return;
        }
        self.min = if self.count == 0 {
            value
        } else {
            self.min.min(value)
        };
        self.max = self.max.max(value);
        self.count = self.count.saturating_add(count);
        let sum = u128::from(value) * u128::from(count);
        self.sum = self.sum.saturating_add(sum);
        if let Some(histogram) = &mut self.histogram {
            // Grows as it has to; a value it cannot hold counts as the greatest it can.
            if histogram.record_n(value, count).is_err() {
                histogram.saturating_record_n(value, count);
            }
        }
    }

    /// Adds all of the others.
    pub(super) fn add(&mut self, other: &Self) {
        self.negative = self.negative.saturating_add(other.negative);
        if other.count == 0 {
            return;
        }
        self.min = if self.count == 0 {
            other.min
        } else {
            self.min.min(other.min)
        };
        self.max = self.max.max(other.max);
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        // Without one of them, percentiles would be those of the others.
        self.histogram = match (self.histogram.take(), &other.histogram) {
            (Some(mut all), Some(more)) => all.add(more).is_ok().then_some(all),
            _ => None,
        };
    }

    /// Widens the extremes to what is known of them without each value.
    pub(super) fn stretch(&mut self, least: i64, greatest: i64) {
        if self.count > 0 {
            self.min = self.min.min(u64::try_from(least).unwrap_or(0));
            self.max = self.max.max(u64::try_from(greatest).unwrap_or(0));
        }
    }

    /// The least.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The greatest.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> Option<u64> {
        let mean = self.sum.checked_div(self.count.into())?;
        u64::try_from(mean).ok()
    }

    /// The value that this share of all are not above, to one percent.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let histogram = self.histogram.as_ref().filter(|_| self.count > 0)?;
        // A histogram knows values as ranges, of which these are the true ends.
        let value = histogram.value_at_quantile(share);
        Some(value.clamp(self.min, self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_exact_and_percentiles_to_one_percent() {
        let mut delays = Delays::new(&mut Budget(1));
        for value in 1..=1000 {
            delays.record(value * 1000);
        }
        delays.record(-5);
        assert_eq!((delays.count, delays.negative), (1000, 1));
        assert_eq!((delays.min(), delays.max()), (Some(1000), Some(1_000_000)));
        assert_eq!(delays.mean(), Some(500_500));
        let median = delays.quantile(0.5).unwrap();
        assert!((495_000..=505_000).contains(&median), "{median}");
        assert_eq!(delays.quantile(1.0), Some(1_000_000));
    }

    #[test]
    fn delays_add_up() {
        let mut budget = Budget(3);
        let [mut all, mut one, mut other] = [0; 3].map(|_| Delays::new(&mut budget));
        one.record(5000);
        one.record(-1);
        other.record(90_000);
        for more in [&one, &other, &Delays::new(&mut budget)] {
            all.add(more);
        }
        assert_eq!((all.count, all.negative), (2, 1));
        assert_eq!((all.min(), all.max()), (Some(5000), Some(90_000)));
        assert_eq!(all.quantile(1.0), Some(90_000));
        let mut unknown = Delays::new(&mut budget);
        unknown.record(7);
        all.add(&unknown);
        assert_eq!((all.quantile(0.5), all.min()), (None, Some(7)));
    }

    #[test]
    fn nothing_has_no_figures_and_no_budget_no_percentiles() {
        let mut delays = Delays::new(&mut Budget(0));
        assert_eq!(
            (delays.min(), delays.mean(), delays.max()),
            (None, None, None)
        );
        delays.record_many(7, 3);
        delays.record_many(9, 0);
        delays.stretch(5, 8);
        assert_eq!(
            (delays.min(), delays.mean(), delays.max()),
            (Some(5), Some(7), Some(8))
        );
        assert_eq!(delays.quantile(0.5), None);
        delays.record_many(i64::MAX, u64::MAX);
        delays.record_many(i64::MAX, u64::MAX);
        assert!(delays.mean().is_some());
    }
}
