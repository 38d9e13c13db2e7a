// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Values as fields of a record, in network byte order (RFC 7011, 6 and 7).

use ioam_dp::timestamp::WallTime;

/// Seconds from the NTP epoch (1900) to the POSIX epoch (1970).
const NTP_TO_POSIX: u64 = 2_208_988_800;

/// Adds fields to a record.
pub(super) trait Fields {
    /// One octet.
    fn u8(&mut self, value: u8);
    /// Two octets.
    fn u16(&mut self, value: u16);
    /// Four octets.
    fn u32(&mut self, value: u32);
    /// Eight octets.
    fn u64(&mut self, value: u64);
    /// Eight octets, two's complement.
    fn i64(&mut self, value: i64);
    /// The `count` low octets, at most eight: a number of reduced size.
    fn low_octets(&mut self, value: u64, count: usize);
    /// A field of variable length: its length in one octet or three, then itself.
    fn variable(&mut self, octets: &[u8]);
    /// NTP time; 0 while unknown.
    fn ntp(&mut self, time: WallTime);
}

impl Fields for Vec<u8> {
    fn u8(&mut self, value: u8) {
        self.push(value);
    }

    fn u16(&mut self, value: u16) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn i64(&mut self, value: i64) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn low_octets(&mut self, value: u64, count: usize) {
        let octets = value.to_be_bytes();
        self.extend_from_slice(octets.get(octets.len() - count.min(8)..).unwrap_or(&octets));
    }

    fn variable(&mut self, octets: &[u8]) {
        // Texts and options are shorter than 65535 octets; a longer one is cut, never mistold.
        let len = u16::try_from(octets.len()).unwrap_or(u16::MAX);
        match u8::try_from(len) {
            Ok(short) if short < u8::MAX => self.push(short),
            _ => {
                self.push(u8::MAX);
                self.u16(len);
            }
        }
        self.extend_from_slice(octets.get(..usize::from(len)).unwrap_or(octets));
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "NTP seconds wrap in 2036, and the fraction is below 2^32"
    )]
    fn ntp(&mut self, time: WallTime) {
        if time == WallTime::default() {
            return self.u64(0);
        }
        // Rounded up, so that whoever rounds down gets the nanosecond back.
        let fraction = (u64::from(time.nanoseconds) << 32).div_ceil(1_000_000_000);
        self.u32(time.seconds.wrapping_add(NTP_TO_POSIX) as u32);
        self.u32(fraction as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_one_octet_below_255_and_three_from_there_on() {
        for (len, head) in [
            (0, vec![0]),
            (254, vec![254]),
            (255, vec![255, 0, 255]),
            (300, vec![255, 1, 44]),
        ] {
            let mut out = Vec::new();
            out.variable(&vec![7; len]);
            assert_eq!(out.split_at(head.len()).0, head);
            assert_eq!(out.len(), head.len() + len);
        }
    }

    #[test]
    fn reduced_numbers_keep_their_low_octets_in_network_order() {
        let mut out = Vec::new();
        out.low_octets(0x0A_0B0C, 3);
        out.low_octets(0x0001_0203_0405_0607, 7);
        assert_eq!(out, [0x0A, 0x0B, 0x0C, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn times_are_ntp_times_and_come_back_to_the_nanosecond() {
        let mut out = Vec::new();
        out.ntp(WallTime {
            seconds: 1_723_560_226,
            nanoseconds: 123_456_789,
        });
        let word = |at: usize| u32::from_be_bytes(out[at..at + 4].try_into().unwrap());
        assert_eq!(word(0), 3_932_549_026);
        assert_eq!((u64::from(word(4)) * 1_000_000_000) >> 32, 123_456_789);
        out.clear();
        out.ntp(WallTime::default());
        assert_eq!(out, [0; 8]);
    }
}
