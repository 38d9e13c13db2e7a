// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sampling: which of a profile's packets get an option. One sampler per profile and worker.

use crate::table::spec::Sampling;

/// The state behind one profile's sampling.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    position: u32,
    random: u64,
}

impl Sampler {
    /// A sampler at the start of its cycle; `seed` determines the random choices.
    #[must_use]
    pub fn new(sampling: Sampling, seed: u64) -> Self {
        // xorshift has one state it never leaves, 0; mixing the seed keeps near seeds apart.
        let random = (seed ^ 0x5DEE_CE66_D1CE_4E5B).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Self {
            sampling,
            position: 0,
            random,
        }
    }

    /// Whether the next packet is taken; `flow_hash` is asked only where the flow decides.
    #[inline]
    pub fn take(&mut self, flow_hash: impl FnOnce() -> u64) -> bool {
        match self.sampling {
            Sampling::All => true,
            Sampling::FirstOf { k, n } => {
                let taken = self.position < k;
                self.position += 1;
                if self.position >= n {
                    self.position = 0;
                }
                taken
            }
            Sampling::Random { n } => scale(self.next_random(), n) == 0,
            Sampling::PerFlow { n } => scale(flow_hash(), n) == 0,
        }
    }

    fn next_random(&mut self) -> u64 {
        let mut state = self.random;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.random = state;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

/// Maps 64 random bits evenly to 0..n.
fn scale(bits: u64, n: u32) -> u64 {
    ((bits >> 32) * u64::from(n)) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(sampling: Sampling, packets: u64) -> Vec<bool> {
        let mut sampler = Sampler::new(sampling, 1);
        (0..packets)
            .map(|flow| sampler.take(|| flow.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
            .collect()
    }

    #[test]
    fn first_of_is_a_burst_of_k_then_a_pause() {
        let pattern: String = taken(Sampling::FirstOf { k: 2, n: 5 }, 12)
            .iter()
            .map(|taken| if *taken { '1' } else { '0' })
            .collect();
        assert_eq!(pattern, "110001100011");
    }

    #[test]
    fn random_takes_its_share_and_repeats_with_its_seed() {
        let first = taken(Sampling::Random { n: 10 }, 1_000_000);
        let count = first.iter().filter(|taken| **taken).count();
        assert!((99_000..101_000).contains(&count), "{count}");
        assert_eq!(first, taken(Sampling::Random { n: 10 }, 1_000_000));
        assert!(
            taken(Sampling::Random { n: 1 }, 100)
                .iter()
                .all(|taken| *taken)
        );
    }

    #[test]
    fn per_flow_takes_a_share_of_flows_and_always_the_same() {
        let mut sampler = Sampler::new(Sampling::PerFlow { n: 4 }, 9);
        assert!((0..100).all(|_| sampler.take(|| 0)));
        assert!((0..100).all(|_| !sampler.take(|| u64::MAX)));
        let count = taken(Sampling::PerFlow { n: 4 }, 100_000)
            .iter()
            .filter(|t| **t)
            .count();
        assert!((24_000..26_000).contains(&count), "{count}");
    }
}
