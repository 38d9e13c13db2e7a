// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A moment as RFC 3339 text.

use ioam_dp::timestamp::WallTime;

const SECONDS_A_DAY: u64 = 86_400;
/// Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar.
const DAYS_TO_1970: u64 = 719_468;
/// Days of 400 years, after which the calendar repeats.
const DAYS_OF_400_YEARS: u64 = 146_097;

/// `2024-08-13T14:43:46.123456789Z`.
pub(crate) fn text(time: WallTime) -> String {
    let (year, month, day) = date(time.seconds / SECONDS_A_DAY);
    let second = time.seconds % SECONDS_A_DAY;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:09}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        time.nanoseconds
    )
}

/// Year, month and day that are `days` after 1970-01-01. Years are counted from March, so that the
/// leap day is the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_TO_1970;
    let day_of_400 = days % DAYS_OF_400_YEARS;
    let year_of_400 =
        (day_of_400 - day_of_400 / 1460 + day_of_400 / 36_524 - day_of_400 / 146_096) / 365;
    let day_of_year = day_of_400 - (365 * year_of_400 + year_of_400 / 4 - year_of_400 / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = days / DAYS_OF_400_YEARS * 400 + year_of_400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> String {
        text(WallTime {
            seconds,
            nanoseconds: 5,
        })
    }

    #[test]
    fn leap_years_and_centuries_are_kept() {
        assert_eq!(at(0), "1970-01-01T00:00:00.000000005Z");
        assert_eq!(at(951_827_696), "2000-02-29T12:34:56.000000005Z");
        assert_eq!(at(1_709_251_199), "2024-02-29T23:59:59.000000005Z");
        assert_eq!(at(1_723_560_226), "2024-08-13T14:43:46.000000005Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00.000000005Z");
        assert_eq!(at(4_107_542_399), "2100-02-28T23:59:59.000000005Z");
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut last = date(0);
        for days in 1..DAYS_OF_400_YEARS {
            let (year, month, day) = date(days);
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let (last_year, last_month, last_day) = last;
            let lengths = [
                31,
                if leap { 29 } else { 28 },
                31,
                30,
                31,
                30,
                31,
                31,
                30,
                31,
                30,
                31,
            ];
            if day == 1 {
                let index = usize::try_from(last_month - 1).unwrap();
                assert!(last_day == lengths[index] && last_month % 12 + 1 == month);
                assert_eq!(year, last_year + u64::from(month == 1));
            } else {
                assert_eq!((year, month, day), (last_year, last_month, last_day + 1));
            }
            last = (year, month, day);
        }
    }
}
