// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One-way delay from an option's timestamp, and its summary over many packets.

use crate::table::spec::TimestampFormat;
use crate::timestamp::{Timestamp, WallTime};

const SECOND: i64 = 1_000_000_000;

/// Nanoseconds from `sent`, written in `format`, until `received`: negative where the clocks
/// differ by more than the delay.
///
/// The seconds wrap, so that times within 68 years of each other are told apart. `None` where a
/// word is not available (all ones), or the fraction is more than its format has. A delay is no
/// finer than the format: with microseconds it comes out up to one too long.
#[must_use]
pub fn one_way_delay(received: WallTime, sent: Timestamp, format: TimestampFormat) -> Option<i64> {
    if sent.seconds == u32::MAX || sent.fraction == u32::MAX {
        return None;
    }
    let sent_nanoseconds = fraction_nanoseconds(sent.fraction, format)?;
    let here = Timestamp::new(format, received).seconds;
    let seconds = here.wrapping_sub(sent.seconds).cast_signed();
    Some(i64::from(seconds) * SECOND + i64::from(received.nanoseconds) - sent_nanoseconds)
}

fn fraction_nanoseconds(fraction: u32, format: TimestampFormat) -> Option<i64> {
    let fraction = i64::from(fraction);
    match format {
        TimestampFormat::Posix => (fraction < 1_000_000).then_some(fraction * 1000),
        TimestampFormat::Ptp { .. } => (fraction < SECOND).then_some(fraction),
        // Rounded up, since who writes it rounds down: then whole nanoseconds come back exactly.
        TimestampFormat::Ntp => Some((fraction * SECOND + 0xFFFF_FFFF) >> 32),
    }
}

/// A summary of delays, all in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delay {
    sum: i128,
    count: u64,
    min: i64,
    max: i64,
    previous: i64,
    variation: u64,
    /// Sixteenths, so that the running estimate keeps moving when differences are small.
    jitter: u64,
}

/// The delays of a group in plain numbers, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayFigures {
    /// Packets with a delay, duplicates and late ones included.
    pub count: u64,
    /// The least.
    pub min: i64,
    /// The most.
    pub max: i64,
    /// Of all; by `count` it gives the mean. Saturates.
    pub sum: i64,
    /// The mean, rounded towards 0; right also where `sum` saturated.
    pub mean: i64,
    /// The sum of absolute differences between one packet and the next, in order of arrival; by
    /// `count` - 1 it gives the mean variation. Saturates.
    pub variation: u64,
    /// The interarrival jitter of RFC 3550, 6.4.1: a running estimate that moves by a sixteenth
    /// of each difference.
    pub jitter: u64,
}

impl Delay {
    /// Takes one packet's delay into account.
    pub fn observe(&mut self, nanoseconds: i64) {
        if self.count == 0 {
            (self.min, self.max) = (nanoseconds, nanoseconds);
        } else {
            self.min = self.min.min(nanoseconds);
            self.max = self.max.max(nanoseconds);
            let difference = nanoseconds.abs_diff(self.previous);
            self.variation = self.variation.saturating_add(difference);
            // RFC 3550, A.8, with its rounding.
            let kept = self.jitter - ((self.jitter + 8) >> 4).min(self.jitter);
            self.jitter = kept.saturating_add(difference.min(u64::MAX >> 5));
        }
        self.previous = nanoseconds;
        self.count += 1;
        self.sum += i128::from(nanoseconds);
    }

    /// The summary, once there is a delay.
    #[must_use]
    pub fn snapshot(&self) -> Option<DelayFigures> {
        let whole = |value: i128| {
            let most = if value < 0 { i64::MIN } else { i64::MAX };
            i64::try_from(value).unwrap_or(most)
        };
        let mean = self.sum.checked_div(i128::from(self.count))?;
        Some(DelayFigures {
            count: self.count,
            min: self.min,
            max: self.max,
            sum: whole(self.sum),
            mean: whole(mean),
            variation: self.variation,
            jitter: self.jitter >> 4,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FORMATS: [TimestampFormat; 4] = [
        TimestampFormat::Posix,
        TimestampFormat::Ptp { tai_offset: 37 },
        TimestampFormat::Ptp { tai_offset: -1 },
        TimestampFormat::Ntp,
    ];

    proptest! {
        /// From 1970 to 2242, across every wrap of every format, clocks off both ways.
        #[test]
        fn what_is_written_comes_back(
            sent in 0_u64..1 << 33, below in 0_u32..1_000_000_000,
            later in -1_000_000_000_000_i64..1_000_000_000_000,
        ) {
            let sent = WallTime { seconds: sent + 2000, nanoseconds: below };
            let received = sent.as_nanoseconds().checked_add_signed(later).unwrap();
            let received = WallTime::from_nanoseconds(received);
            for format in FORMATS {
                let stamp = Timestamp::new(format, sent);
                if stamp.seconds == u32::MAX || stamp.fraction == u32::MAX {
                    continue;
                }
                let truncated = match format {
                    TimestampFormat::Posix => i64::from(below % 1000),
                    _ => 0,
                };
                let delay = one_way_delay(received, stamp, format);
                prop_assert_eq!(delay, Some(later + truncated), "{:?}", format);
            }
        }

        #[test]
        fn no_timestamp_does_harm(
            seconds: u64, nanoseconds: u32, sent: (u32, u32), delays: Vec<i64>,
        ) {
            let received = WallTime { seconds, nanoseconds };
            for format in FORMATS {
                let stamp = Timestamp { seconds: sent.0, fraction: sent.1 };
                let _ = one_way_delay(received, stamp, format);
            }
            let mut delay = Delay::default();
            delays.iter().for_each(|nanoseconds| delay.observe(*nanoseconds));
            let figures = delay.snapshot();
            prop_assert_eq!(figures.map(|f| f.min), delays.iter().min().copied());
            prop_assert_eq!(figures.map(|f| f.max), delays.iter().max().copied());
        }
    }

    #[test]
    fn the_wrap_of_ntp_in_2036_is_crossed() {
        // 2036-02-07 06:28:15 UTC, the last second, whose number means "not available".
        let last = 2_085_978_495;
        let at = |seconds| WallTime {
            seconds,
            nanoseconds: 0,
        };
        let before = Timestamp::new(TimestampFormat::Ntp, at(last - 1));
        let delay = one_way_delay(at(last + 1), before, TimestampFormat::Ntp);
        assert_eq!(delay, Some(2 * SECOND));
    }

    #[test]
    fn what_is_not_a_time_gives_no_delay() {
        let received = WallTime {
            seconds: 1_723_560_226,
            nanoseconds: 0,
        };
        let delay = |seconds, fraction, format| {
            one_way_delay(received, Timestamp { seconds, fraction }, format)
        };
        let seconds = 1_723_560_226;
        for format in FORMATS {
            assert_eq!(delay(u32::MAX, 0, format), None);
            assert_eq!(delay(seconds, u32::MAX, format), None);
        }
        assert_eq!(delay(seconds, 1_000_000, TimestampFormat::Posix), None);
        assert_eq!(delay(seconds, 1_000_000_000, FORMATS[1]), None);
        assert_eq!(
            delay(seconds, 999_999, TimestampFormat::Posix),
            Some(-999_999_000)
        );
    }

    #[test]
    fn the_summary_is_exact_and_the_jitter_that_of_rfc_3550() {
        let mut delay = Delay::default();
        assert_eq!(delay.snapshot(), None);
        [100, -60, 180, 180]
            .into_iter()
            .for_each(|each| delay.observe(each));
        let figures = delay.snapshot().unwrap();
        assert_eq!((figures.count, figures.min, figures.max), (4, -60, 180));
        assert_eq!(
            (figures.sum, figures.mean, figures.variation),
            (400, 100, 400)
        );
        // 160/16 = 10; 10 + (240 - 10)/16 = 24.4; 24.4 - 24.4/16 = 22.8.
        assert_eq!(figures.jitter, 22);
        // A steady difference is reached.
        let mut delay = Delay::default();
        (0..1000).for_each(|i| delay.observe(i % 2 * 1600));
        let jitter = delay.snapshot().unwrap().jitter;
        assert!((1599..=1600).contains(&jitter), "{jitter}");
    }
}
