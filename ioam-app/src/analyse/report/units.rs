// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Figures as people read them.

use ioam_dp::timestamp::WallTime;

use crate::export::rfc3339_text;

/// Nanoseconds in the unit that reads best, three digits.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "for reading")]
pub fn duration(nanoseconds: u64) -> String {
    let value = nanoseconds as f64;
    let (value, unit) = match nanoseconds {
        0..1_000 => return format!("{nanoseconds} ns"),
        1_000..999_500 => (value / 1e3, "µs"),
        999_500..999_500_000 => (value / 1e6, "ms"),
        _ => (value / 1e9, "s"),
    };
    let digits = match value {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

/// As [`duration`]; a dash for none.
#[must_use]
pub fn duration_or_dash(nanoseconds: Option<u64>) -> String {
    nanoseconds.map_or("–".to_owned(), duration)
}

/// A count in groups of three digits.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 packet`, `2,000 packets`.
#[must_use]
pub fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", count(number))
}

/// A share in per cent; what is not nothing does not look like nothing.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "for reading")]
pub fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    match share {
        _ if part == 0 => "0 %".to_owned(),
        ..0.01 => "< 0.01 %".to_owned(),
        ..10.0 => format!("{share:.2} %"),
        _ => format!("{share:.1} %"),
    }
}

/// A moment as RFC 3339 text, to the nanosecond.
#[must_use]
pub fn moment(nanoseconds: i64) -> String {
    let time = u64::try_from(nanoseconds).unwrap_or(0);
    rfc3339_text(WallTime::from_nanoseconds(time))
}

/// The same to the millisecond and as people write it.
#[must_use]
pub fn short_moment(nanoseconds: i64) -> String {
    let text = moment(nanoseconds);
    text.get(..23).unwrap_or(&text).replacen('T', " ", 1)
}

/// The time of the day alone.
#[must_use]
pub fn clock(nanoseconds: i64) -> String {
    let text = moment(nanoseconds);
    text.get(11..23).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_the_unit_that_fits() {
        let values = [
            0,
            999,
            1_000,
            12_345,
            999_499,
            999_500,
            25_000_000,
            1_500_000_000,
        ];
        let texts = values.map(duration);
        assert_eq!(
            texts,
            [
                "0 ns", "999 ns", "1.00 µs", "12.3 µs", "999 µs", "1.00 ms", "25.0 ms", "1.50 s"
            ]
        );
        assert_eq!(duration_or_dash(None), "–");
    }

    #[test]
    fn counts_shares_and_moments() {
        assert_eq!(
            [count(7), count(1234), count(1_234_567)],
            ["7", "1,234", "1,234,567"]
        );
        assert_eq!(
            [counted(1, "flow"), counted(0, "flow")],
            ["1 flow", "0 flows"]
        );
        assert_eq!(
            [
                percent(0, 9),
                percent(1, 100_000),
                percent(1, 100),
                percent(1, 2)
            ],
            ["0 %", "< 0.01 %", "1.00 %", "50.0 %"]
        );
        let time = 1_723_560_226_123_456_789;
        assert_eq!(short_moment(time), "2024-08-13 14:43:46.123");
        assert_eq!(clock(time), "14:43:46.123");
        assert_eq!(moment(-1), "1970-01-01T00:00:00.000000000Z");
    }
}
