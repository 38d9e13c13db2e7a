// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Figures over time, in so many intervals as a picture can show.

use std::collections::BTreeMap;

/// Most intervals; when there are more, their length is doubled.
pub const MOST_CELLS: usize = 120;

/// The shortest interval, in nanoseconds.
const SHORTEST: i64 = 1_000_000;

/// What can be added up.
pub trait Cell: Default {
    /// Adds the other one.
    fn add(&mut self, other: &Self);
}

/// Cells by the interval they belong to.
#[derive(Clone, Debug)]
pub struct Series<C> {
    width: i64,
    cells: BTreeMap<i64, C>,
}

impl<C> Default for Series<C> {
    fn default() -> Self {
        Self {
            width: SHORTEST,
            cells: BTreeMap::new(),
        }
    }
}

impl<C: Cell> Series<C> {
    /// Adds to the interval that `time`, in nanoseconds since 1970, is in.
    pub fn add(&mut self, time: i64, cell: &C) {
        let interval = time.div_euclid(self.width);
        self.cells.entry(interval).or_default().add(cell);
        while self.cells.len() > MOST_CELLS || self.span() > MOST_SPAN {
            self.widen();
        }
    }

    /// Intervals from the first to the last one.
    fn span(&self) -> i64 {
        let (first, last) = (self.cells.first_key_value(), self.cells.last_key_value());
        match first.zip(last) {
            Some(((first, _), (last, _))) => last.saturating_sub(*first),
            None => 0,
        }
    }

    fn widen(&mut self) {
        self.width = self.width.saturating_mul(2);
        for (interval, cell) in std::mem::take(&mut self.cells) {
            self.cells
                .entry(interval.div_euclid(2))
                .or_default()
                .add(&cell);
        }
    }

    /// Nanoseconds of an interval.
    #[must_use]
    pub fn width(&self) -> i64 {
        self.width
    }

    /// The start of each interval that has something, and what.
    pub fn cells(&self) -> impl Iterator<Item = (i64, &C)> {
        let start = |interval: i64| interval.saturating_mul(self.width);
        self.cells.iter().map(move |(at, cell)| (start(*at), cell))
    }
}

/// Most intervals from the first to the last, so that all are about as long as a picture can tell apart.
const MOST_SPAN: i64 = 240;

/// Delays of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DelayCell {
    /// Values.
    pub count: u64,
    /// Their sum in nanoseconds.
    pub sum: u64,
    /// The greatest.
    pub max: u64,
}

impl DelayCell {
    /// Of one value; below 0 there is nothing to show.
    #[must_use]
    pub fn of(nanoseconds: i64) -> Option<Self> {
        let value = u64::try_from(nanoseconds).ok()?;
        Some(Self {
            count: 1,
            sum: value,
            max: value,
        })
    }

    /// The mean in nanoseconds.
    #[must_use]
    pub fn mean(&self) -> u64 {
        self.sum.checked_div(self.count).unwrap_or(0)
    }
}

impl Cell for DelayCell {
    fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
    }
}

/// What became of the packets of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossCell {
    /// Packets that arrived.
    pub arrived: u64,
    /// Packets that did not.
    pub lost: u64,
}

impl Cell for LossCell {
    fn add(&mut self, other: &Self) {
        self.arrived = self.arrived.saturating_add(other.arrived);
        self.lost = self.lost.saturating_add(other.lost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_get_longer_and_nothing_gets_lost() {
        let mut series = Series::default();
        for second in 0..10_000_i64 {
            let cell = LossCell {
                arrived: 1,
                lost: second.unsigned_abs() % 2,
            };
            series.add(1_700_000_000_000_000_000 + second * 1_000_000_000, &cell);
        }
        let cells: Vec<_> = series.cells().collect();
        assert!(cells.len() <= MOST_CELLS && cells.len() > MOST_CELLS / 4);
        let sum = cells.iter().fold((0, 0), |(arrived, lost), (_, cell)| {
            (arrived + cell.arrived, lost + cell.lost)
        });
        assert_eq!(sum, (10_000, 5000));
        assert!(
            cells
                .windows(2)
                .all(|pair| pair[1].0 - pair[0].0 >= series.width())
        );
    }

    #[test]
    fn any_time_has_its_place() {
        let mut series = Series::default();
        for time in [i64::MAX, 0, i64::MIN, -1, 7] {
            series.add(time, &DelayCell::of(9).unwrap());
        }
        let count: u64 = series.cells().map(|(_, cell)| cell.count).sum();
        assert_eq!(count, 5);
        assert_eq!(DelayCell::of(-1), None);
    }
}
