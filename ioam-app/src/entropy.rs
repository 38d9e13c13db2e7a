// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Random numbers from the operating system, and fixed ones where a run has to repeat.

use anyhow::{Result, anyhow};

/// A number nobody can guess, with each value below `bound` as likely as any other. `bound` is not
/// zero.
///
/// # Errors
/// The system has none to give.
pub fn below(bound: u64) -> Result<u64> {
    let mask = u64::MAX >> bound.leading_zeros().min(63);
    loop {
        let mut octets = [0; 8];
        getrandom::fill(&mut octets)
            .map_err(|error| anyhow!("the system gives no random numbers: {error}"))?;
        let number = u64::from_ne_bytes(octets) & mask;
        if number < bound {
            return Ok(number);
        }
    }
}

/// The octets of a run with this seed, the same each time: for replay and tests.
#[must_use]
pub fn fixed(seed: u64) -> [u8; 32] {
    let mut octets = [0; 32];
    let (words, _) = octets.as_chunks_mut::<8>();
    words.fill(seed.to_be_bytes());
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_below_their_bound_and_differ() {
        assert!((0..1000).all(|_| below(3).unwrap() < 3));
        assert_eq!(below(1).unwrap(), 0);
        assert!(below(u64::MAX).unwrap() != below(u64::MAX).unwrap());
        assert_eq!(fixed(0x0102)[6..10], [1, 2, 0, 0]);
    }
}
