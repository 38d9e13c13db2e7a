// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Figures as they fit into few columns, and pictures of one line.

use serde_json::Value;

use crate::figures::duration;

/// Eight heights of a column.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Three or four digits, with a unit of thousands behind them.
pub(super) fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        0.0 => return "0".to_owned(),
        small if small < 1.0 => return format!("{value:.2}"),
        small if small < 99.95 => return format!("{value:.1}"),
        small if small < 9999.5 => return format!("{value:.0}"),
        small if small < 999_500.0 => (value / 1e3, 'k'),
        small if small < 999_500_000.0 => (value / 1e6, 'M'),
        _ => (value / 1e9, 'G'),
    };
    match value.abs() {
        digits if digits < 9.995 => format!("{value:.2} {unit}"),
        digits if digits < 99.95 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

/// A rate; `-` when there is none yet.
pub(super) fn rate(value: &Value) -> String {
    some(value.as_f64())
}

/// As [`short`]; `-` for none.
pub(super) fn some(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), short)
}

/// A total: every digit while there are few.
#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(super) fn total(value: &Value) -> String {
    match value.as_u64() {
        None => "-".to_owned(),
        Some(count) if count < 1_000_000 => count.to_string(),
        Some(count) => short(count as f64),
    }
}

/// A length of time in nanoseconds; `-` for none.
pub(super) fn time(value: &Value) -> String {
    value.as_f64().map_or("-".to_owned(), duration)
}

/// The last values as columns whose height is their part of the largest.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number from 0 to 7"
)]
pub(super) fn spark(values: &[f64], width: usize, top: Option<f64>) -> String {
    let shown = values
        .get(values.len().saturating_sub(width)..)
        .unwrap_or(values);
    let most = shown.iter().copied().fold(0.0, f64::max);
    let most = top.unwrap_or(most);
    let height = |value: &f64| {
        let part = if most > 0.0 { value / most } else { 0.0 };
        let height = (part * 8.0).ceil().clamp(1.0, 8.0) as usize;
        HEIGHTS.get(height - 1).copied().unwrap_or(' ')
    };
    shown.iter().map(height).collect()
}

/// A part of a whole as a bar of `width` columns.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a small positive number"
)]
pub(super) fn bar(part: f64, width: usize) -> String {
    let filled = (part.clamp(0.0, 1.0) * width as f64).round() as usize;
    let filled = filled.min(width);
    format!("{}{}", "■".repeat(filled), "·".repeat(width - filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_say_their_unit() {
        let cases = [
            (0.0, "0"),
            (0.25, "0.25"),
            (12.34, "12.3"),
            (99.96, "100"),
            (9999.0, "9999"),
            (12_345.0, "12.3 k"),
            (999_499.0, "999 k"),
            (999_600.0, "1.00 M"),
            (14_880_952.0, "14.9 M"),
            (2.5e9, "2.50 G"),
        ];
        for (value, expected) in cases {
            assert_eq!(short(value), expected);
            assert!(expected.chars().count() <= 6);
        }
        assert_eq!(total(&999_999.into()), "999999");
        assert_eq!(total(&1_234_567.into()), "1.23 M");
    }

    #[test]
    fn pictures_have_the_width_that_is_asked_for() {
        assert_eq!(spark(&[0.0, 1.0, 4.0, 8.0], 3, None), "▁▄█");
        assert_eq!(spark(&[0.0, 0.0], 9, None), "▁▁");
        assert_eq!(spark(&[0.5, 2.0], 9, Some(1.0)), "▄█");
        assert_eq!(bar(0.5, 4), "■■··");
        assert_eq!(bar(7.0, 2), "■■");
    }
}
