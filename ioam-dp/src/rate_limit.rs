// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Limits of what IOAM adds to a link: DEX, its export, loopback copies and active measurement
//! (RFC 9326, 3.1.1 and 3.1.2; RFC 9322, 4 and 5).

use crate::timestamp::WallTime;

/// Parts of an octet in the bucket, so that a nanosecond at one octet a second adds one: nothing is
/// ever rounded, hence nothing drifts.
const OCTET: u128 = 1_000_000_000;

/// The least default burst, octets: some packets of any size a link can carry.
const LEAST_BURST: u64 = 16 * 1024;

/// Octets a second in a megabit a second.
const MEGABIT: u64 = 125_000;

/// A token bucket of octets. Over any time that its clock only advanced, it lets through at most
/// the burst and the rate times that time. Where there is no limit there is no bucket: hold an
/// `Option`.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    octets_per_second: u64,
    /// Billionths of an octet, as is the level.
    burst: u128,
    level: u128,
    last: Option<u64>,
}

impl RateLimit {
    /// A full bucket of `burst` octets, gaining `octets_per_second`. Packets longer than the burst
    /// never pass; with a rate of 0 nothing passes but the first burst.
    #[must_use]
    pub fn new(octets_per_second: u64, burst: u64) -> Self {
        let burst = u128::from(burst) * OCTET;
        Self {
            octets_per_second,
            burst,
            level: burst,
            last: None,
        }
    }

    /// With the default burst: what the rate gives in 100 ms, and 16 KiB at least.
    #[must_use]
    pub fn with_default_burst(octets_per_second: u64) -> Self {
        Self::new(octets_per_second, default_burst(octets_per_second))
    }

    /// Whether a packet of `octets` may pass `now`. One that may not costs nothing.
    ///
    /// While the time is unknown nothing is gained. A clock set back gains nothing and counts on
    /// from there; one set forward gains a burst at most.
    #[inline]
    pub fn take(&mut self, now: Option<WallTime>, octets: u32) -> bool {
        if let Some(now) = now {
            self.refill(now.as_nanoseconds());
        }
        match self.level.checked_sub(u128::from(octets) * OCTET) {
            Some(level) => {
                self.level = level;
                true
            }
            None => false,
        }
    }

    #[inline]
    fn refill(&mut self, now: u64) {
        let elapsed = self.last.map_or(0, |last| now.saturating_sub(last));
        self.last = Some(now);
        let gained = u128::from(elapsed) * u128::from(self.octets_per_second);
        self.level = self.level.saturating_add(gained).min(self.burst);
    }
}

/// The burst that goes with a rate when none is configured, octets.
#[must_use]
pub fn default_burst(octets_per_second: u64) -> u64 {
    (octets_per_second / 10).max(LEAST_BURST)
}

/// Octets a second that one of `workers` may add to a link of `link_mbps` so that all of them
/// together stay within 1/`n` of it, or `None`, no limit, where `n` is 0. A link of 0 Mb/s has 0
/// to share: assume a speed where the port cannot tell.
#[must_use]
pub fn share(link_mbps: u32, n: u32, workers: u16) -> Option<u64> {
    let link = u64::from(link_mbps) * MEGABIT;
    link.checked_div(u64::from(n))
        .map(|share| share / u64::from(workers.max(1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: u64 = 1_723_560_226_000_000_000;

    fn at(nanoseconds: u64) -> Option<WallTime> {
        Some(WallTime::from_nanoseconds(START + nanoseconds))
    }

    /// Octets that pass at one moment, packet by packet.
    fn passing(limit: &mut RateLimit, now: Option<WallTime>, octets: u32) -> u64 {
        let packets = (0..1_000_000_u32).take_while(|_| limit.take(now, octets));
        packets.count() as u64 * u64::from(octets)
    }

    proptest! {
        #[test]
        fn no_time_span_gets_more_than_burst_and_rate(
            rate in prop_oneof![0_u64..3, 0_u64..20_000_000_000],
            burst in 0_u64..100_000,
            packets in prop::collection::vec((0_u64..2_000_000, 0_u32..9000), 1..80),
        ) {
            let mut limit = RateLimit::new(rate, burst);
            let mut now = 0;
            let mut passed = Vec::new();
            for (wait, octets) in packets {
                now += wait;
                passed.push((now, if limit.take(at(now), octets) { octets } else { 0 }));
            }
            for first in 0..passed.len() {
                let mut octets = 0_u128;
                for (time, more) in &passed[first..] {
                    octets += u128::from(*more);
                    let gained = u128::from(time - passed[first].0) * u128::from(rate);
                    prop_assert!(octets * OCTET <= u128::from(burst) * OCTET + gained);
                }
            }
        }

        /// With packets waiting all the time, and asked often enough for the bucket not to spill.
        #[test]
        fn demand_gets_its_rate(
            rate in 1_u64..2_000_000_000,
            octets in 64_u32..9000,
            waits in prop::collection::vec(0_u64..1_000_000, 1..100),
        ) {
            let burst = rate / 1000 + 1 + u64::from(octets);
            let mut limit = RateLimit::new(rate, burst);
            let (mut now, mut passed) = (0, passing(&mut limit, at(0), octets));
            for wait in waits {
                now += wait;
                passed += passing(&mut limit, at(now), octets);
                let due = u128::from(rate) * u128::from(now);
                let got = u128::from(passed + u64::from(octets)) * OCTET;
                prop_assert!(got >= due, "{got} of {due} at {now}");
            }
        }

        #[test]
        fn a_step_of_the_clock_gains_one_burst_at_most(
            rate: u64, burst in 0_u64..1_000_000, steps: Vec<u64>,
        ) {
            let mut limit = RateLimit::new(rate, burst);
            for step in steps {
                prop_assert!(passing(&mut limit, at(step / 2), 1500) <= burst);
            }
        }
    }

    #[test]
    fn an_unknown_time_gives_the_first_burst_only() {
        let mut limit = RateLimit::new(1_000_000, 3000);
        assert_eq!(passing(&mut limit, None, 1500), 3000);
        assert!(!limit.take(None, 1500));
        // Known at last: time counts from here.
        assert!(!limit.take(at(0), 1500));
        assert!(limit.take(at(1_500_000), 1500));
    }

    #[test]
    fn a_clock_set_back_counts_on_from_there() {
        let mut limit = RateLimit::new(1_000_000, 1500);
        assert!(limit.take(at(3_600_000_000_000), 1500));
        assert!(!limit.take(at(0), 1500));
        assert!(!limit.take(at(1_499_999), 1500));
        assert!(limit.take(at(1_500_000), 1500));
    }

    #[test]
    fn slow_rates_do_not_drift() {
        let mut limit = RateLimit::new(1, 10);
        assert_eq!(passing(&mut limit, at(0), 1), 10);
        // Three octets in three seconds of odd steps, each too short to give one.
        let steps = (1..=30_000_u64).map(|i| i * 100_001);
        let passed = steps.filter(|now| limit.take(at(*now), 1)).count();
        assert_eq!(passed, 3);
    }

    #[test]
    fn a_share_is_split_between_workers_and_zero_is_off() {
        assert_eq!(share(10_000, 128, 1), Some(9_765_625));
        assert_eq!(share(10_000, 128, 4), Some(2_441_406));
        assert_eq!(share(10_000, 128, 0), Some(9_765_625));
        assert_eq!(share(10_000, 0, 4), None);
        assert_eq!(share(0, 128, 1), Some(0));
        assert_eq!(share(u32::MAX, 1, 1), Some(536_870_911_875_000));
        assert_eq!(default_burst(9_765_625), 976_562);
        assert_eq!(default_burst(1000), 16_384);
    }

    #[test]
    fn extremes_do_no_harm() {
        let mut limit = RateLimit::new(u64::MAX, u64::MAX);
        assert!(limit.take(at(0), u32::MAX));
        assert!(limit.take(Some(WallTime::from_nanoseconds(u64::MAX)), u32::MAX));
        assert!(RateLimit::new(0, 0).take(None, 0));
        assert!(!RateLimit::new(0, 0).take(None, 1));
    }
}
