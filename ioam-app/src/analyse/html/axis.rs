// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Axes: from values to places on the page, and round values to label.

use std::fmt::Write as _;

use super::escape::Esc;
use crate::analyse::report::units;

/// A rectangle to draw in, in the units of the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Area {
    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }
}

/// Durations in nanoseconds, each decade as wide as any other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logarithmic {
    low: f64,
    high: f64,
}

impl Logarithmic {
    /// From the least to the greatest value, with some room at both ends.
    pub(super) fn new(least: u64, greatest: u64) -> Self {
        let low = log(least) - 0.05;
        let high = log(greatest).max(low + 0.3) + 0.08;
        Self { low, high }
    }

    /// Where a value is, from 0 to 1.
    pub(super) fn share(&self, value: u64) -> f64 {
        ((log(value) - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Round values in between.
    pub(super) fn ticks(&self) -> Vec<u64> {
        let decades = self.high - self.low;
        let steps: &[u64] = match decades {
            ..1.2 => &[1, 2, 3, 5, 7],
            ..2.5 => &[1, 2, 5],
            ..7.0 => &[1],
            _ => &[1],
        };
        let all = (0..20_u32).filter_map(|decade| 10_u64.checked_pow(decade));
        let all = all.flat_map(|decade| steps.iter().map(move |step| decade.saturating_mul(*step)));
        let mut ticks: Vec<u64> = all
            .filter(|tick| (self.low..=self.high).contains(&log(*tick)))
            .collect();
        if ticks.len() > 9 {
            let every = ticks.len().div_ceil(9);
            ticks = ticks.into_iter().step_by(every).collect();
        }
        ticks
    }
}

#[allow(clippy::cast_precision_loss, reason = "for a picture")]
fn log(value: u64) -> f64 {
    (value.max(1) as f64).log10()
}

/// Moments, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    first: i64,
    last: i64,
}

/// Steps between labels of time: nanoseconds.
const STEPS: [u64; 24] = {
    const MS: u64 = 1_000_000;
    const S: u64 = 1000 * MS;
    [
        MS,
        2 * MS,
        5 * MS,
        10 * MS,
        20 * MS,
        50 * MS,
        100 * MS,
        200 * MS,
        500 * MS,
        S,
        2 * S,
        5 * S,
        10 * S,
        30 * S,
        60 * S,
        120 * S,
        300 * S,
        600 * S,
        1800 * S,
        3600 * S,
        7200 * S,
        6 * 3600 * S,
        12 * 3600 * S,
        86_400 * S,
    ]
};

impl Time {
    pub(super) fn new(first: i64, last: i64) -> Self {
        let last = last.max(first.saturating_add(1_000_000));
        Self { first, last }
    }

    #[allow(clippy::cast_precision_loss, reason = "for a picture")]
    pub(super) fn share(&self, time: i64) -> f64 {
        let all = self.last.abs_diff(self.first).max(1) as f64;
        let since = time.saturating_sub(self.first).max(0) as f64;
        (since / all).clamp(0.0, 1.0)
    }

    /// Round moments in between, with their labels.
    fn ticks(&self) -> Vec<(i64, String)> {
        let all = self.last.abs_diff(self.first);
        let step = STEPS.into_iter().find(|step| all / step <= 7);
        let days = (all / (7 * 86_400_000_000_000)).max(1);
        let step = step.unwrap_or(days.saturating_mul(86_400_000_000_000));
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let label = |time: i64| {
            let (text, letters) = match step {
                86_400_000_000_000.. => (units::short_moment(time), 10),
                1_000_000_000.. => (units::clock(time), 8),
                _ => (units::clock(time), 12),
            };
            text.get(..letters).unwrap_or(&text).to_owned()
        };
        let from = self.first.div_euclid(step).saturating_add(1);
        let to = self.last.div_euclid(step);
        let moments = (from..=to).take(12).filter_map(|at| at.checked_mul(step));
        moments.map(|time| (time, label(time))).collect()
    }
}

/// A line with a label below, at each round duration.
pub(super) fn durations(axis: Logarithmic, area: Area, out: &mut String) {
    for tick in axis.ticks() {
        let x = area.left + axis.share(tick) * area.width;
        vertical(x, &units::duration(tick), area, out);
    }
}

/// A line with a label below, at each round moment.
pub(super) fn times(axis: Time, area: Area, out: &mut String) {
    let ticks = axis.ticks();
    for (time, label) in &ticks {
        let x = area.left + axis.share(*time) * area.width;
        vertical(x, label, area, out);
    }
    if ticks.is_empty() {
        vertical(area.left, &units::clock(axis.first), area, out);
    }
}

fn vertical(x: f64, label: &str, area: Area, out: &mut String) {
    let (top, bottom) = (area.top, area.bottom());
    let below = bottom + 16.0;
    let label = Esc(label);
    let _ = write!(
        out,
        r#"<line class="grid" x1="{x:.1}" y1="{top:.1}" x2="{x:.1}" y2="{bottom:.1}"/><text class="f" x="{x:.1}" y="{below:.1}" text-anchor="middle">{label}</text>"#
    );
}

/// A line with a label in front, at `share` of the height from below.
pub(super) fn horizontal(share: f64, label: &str, area: Area, out: &mut String) {
    let y = area.bottom() - share * area.height;
    let (left, right, text, base) = (area.left, area.right(), area.left - 8.0, y + 4.0);
    let label = Esc(label);
    let _ = write!(
        out,
        r#"<line class="grid" x1="{left:.1}" y1="{y:.1}" x2="{right:.1}" y2="{y:.1}"/><text class="f" x="{text:.1}" y="{base:.1}" text-anchor="end">{label}</text>"#
    );
}

/// The next round number from `value` on, and a step that divides it into four or five.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "for a picture"
)]
pub(super) fn rounded(value: f64) -> (f64, f64) {
    let value = value.max(f64::MIN_POSITIVE);
    let decade = 10_f64.powf(value.log10().floor());
    for (top, steps) in [(1.0, 5.0), (2.0, 4.0), (2.5, 5.0), (5.0, 5.0), (10.0, 5.0)] {
        if value <= top * decade * 1.000_001 {
            return (top * decade, top * decade / steps);
        }
    }
    (value, value / 5.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_neither_many_nor_none() {
        for (least, greatest) in [
            (0, 0),
            (1, 2),
            (950, 1050),
            (5_000, 9_000_000),
            (1, u64::MAX),
        ] {
            let axis = Logarithmic::new(least, greatest);
            let ticks = axis.ticks();
            assert!(
                (1..=9).contains(&ticks.len()),
                "{least}..{greatest}: {ticks:?}"
            );
            assert!(axis.share(least) <= axis.share(greatest));
        }
        let second = 1_000_000_000;
        let start = 1_723_560_226 * second;
        for length in [0, 5, second, 61 * second, 86_400 * 900 * second] {
            let ticks = Time::new(start, start + length).ticks();
            assert!(ticks.len() <= 9, "{length}: {ticks:?}");
        }
        assert_eq!(rounded(3.7), (5.0, 1.0));
        assert_eq!(rounded(0.02), (0.02, 0.005));
        let _ = Time::new(i64::MIN, i64::MAX).ticks();
    }
}
