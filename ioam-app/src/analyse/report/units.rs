// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Figures as people read them.

use ioam_dp::timestamp::WallTime;

use crate::export::rfc3339_text;
use crate::figures;
pub use crate::figures::{counted, grouped as count};

/// Nanoseconds in the unit that reads best.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "for reading")]
pub fn duration(nanoseconds: u64) -> String {
    figures::duration(nanoseconds as f64)
}

/// As [`duration`]; a dash for none.
#[must_use]
pub fn duration_or_dash(nanoseconds: Option<u64>) -> String {
    nanoseconds.map_or("–".to_owned(), duration)
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
    fn no_duration_is_a_dash() {
        assert_eq!(duration_or_dash(None), "–");
        assert_eq!(duration_or_dash(Some(12_345)), "12.3 µs");
    }

    #[test]
    fn shares_and_moments() {
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
