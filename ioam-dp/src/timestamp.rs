// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Time as a value: when a packet was received, and how a namespace writes that (RFC 9197, 5).

use crate::table::spec::TimestampFormat;

/// Seconds from the NTP epoch (1900) to the POSIX epoch (1970).
const NTP_TO_POSIX: u64 = 2_208_988_800;

/// A moment in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime {
    /// Seconds since 1970-01-01 00:00 UTC, without leap seconds.
    pub seconds: u64,
    /// Nanoseconds within the second, 0 to 999 999 999.
    pub nanoseconds: u32,
}

impl WallTime {
    /// Nanoseconds since 1970.
    #[must_use]
    pub fn from_nanoseconds(nanoseconds: u64) -> Self {
        let below = u32::try_from(nanoseconds % 1_000_000_000).unwrap_or(0);
        Self {
            seconds: nanoseconds / 1_000_000_000,
            nanoseconds: below,
        }
    }

    /// Nanoseconds since 1970; wraps in 2554.
    #[must_use]
    pub fn as_nanoseconds(self) -> u64 {
        self.seconds
            .wrapping_mul(1_000_000_000)
            .wrapping_add(u64::from(self.nanoseconds))
    }
}

/// The two words of a timestamp, as they stand in node data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Timestamp seconds.
    pub seconds: u32,
    /// Timestamp fraction.
    pub fraction: u32,
}

impl Timestamp {
    /// Both words not available (RFC 9197, 4.4.2.3 and 4.4.2.4).
    pub const UNAVAILABLE: Self = Self {
        seconds: u32::MAX,
        fraction: u32::MAX,
    };

    /// `time` in the given format. Seconds wrap as the formats do (RFC 8877, 4).
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the formats keep the low 32 bits"
    )]
    pub fn new(format: TimestampFormat, time: WallTime) -> Self {
        match format {
            TimestampFormat::Posix => Self {
                seconds: time.seconds as u32,
                fraction: time.nanoseconds / 1000,
            },
            TimestampFormat::Ptp { tai_offset } => Self {
                seconds: time.seconds.wrapping_add_signed(i64::from(tai_offset)) as u32,
                fraction: time.nanoseconds,
            },
            TimestampFormat::Ntp => Self {
                seconds: time.seconds.wrapping_add(NTP_TO_POSIX) as u32,
                fraction: ((u64::from(time.nanoseconds) << 32) / 1_000_000_000) as u32,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: WallTime = WallTime {
        seconds: 1_723_560_226,
        nanoseconds: 123_456_789,
    };

    #[test]
    fn each_format_has_its_epoch_and_its_fraction() {
        let posix = Timestamp::new(TimestampFormat::Posix, TIME);
        assert_eq!(
            posix,
            Timestamp {
                seconds: 1_723_560_226,
                fraction: 123_456
            }
        );
        let ptp = Timestamp::new(TimestampFormat::Ptp { tai_offset: 37 }, TIME);
        assert_eq!(
            ptp,
            Timestamp {
                seconds: 1_723_560_263,
                fraction: 123_456_789
            }
        );
        let ntp = Timestamp::new(TimestampFormat::Ntp, TIME);
        assert_eq!(ntp.seconds, 3_932_549_026);
        assert_eq!(ntp.fraction, 530_242_871);
    }

    #[test]
    fn nanoseconds_round_trip() {
        assert_eq!(WallTime::from_nanoseconds(TIME.as_nanoseconds()), TIME);
    }
}
