// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The keys of one node: its part of a shared secret, and the turn from one secret to the next.

use std::fmt;

use thiserror::Error;

use super::dealer::Share;
use super::prime_field::PrimeField;

/// The prime to use unless there is a reason for another: 2^61 - 1.
pub const DEFAULT_PRIME: u64 = (1 << 61) - 1;

/// Fewest bits of a prime that make forging a proof by chance improbable enough.
pub const MINIMUM_BITS: u32 = 61;

/// Values that are no keys. The values themselves are left out, since messages end up in logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The prime is not one.
    #[error("the prime of a proof of transit is not a prime number")]
    NotPrime,
    /// The prime is too small.
    #[error("the prime of a proof of transit has {bits} bits and needs {minimum}")]
    SmallPrime {
        /// Its bits.
        bits: u32,
        /// What was asked for.
        minimum: u32,
    },
    /// A value outside the field.
    #[error("{0} is not below the prime")]
    NotBelowPrime(&'static str),
    /// A value that must not be zero.
    #[error("{0} is zero")]
    Zero(&'static str),
    /// Fewer than two nodes: the only one's data would be the secret.
    #[error("a proof of transit needs at least two nodes")]
    TooFewNodes,
    /// Two nodes at one point.
    #[error("two nodes have the same x")]
    SamePoint,
    /// A polynomial whose degree is not the number of nodes less one.
    #[error("{polynomial} has {has} coefficients besides its constant and needs {needs}")]
    Degree {
        /// Which.
        polynomial: &'static str,
        /// Its coefficients.
        has: usize,
        /// One less than there are nodes.
        needs: usize,
    },
}

/// Checks that `value` is below the prime and not zero.
pub(super) fn check_point(
    field: PrimeField,
    name: &'static str,
    value: u64,
) -> Result<(), KeyError> {
    if value == 0 {
        return Err(KeyError::Zero(name));
    }
    check_below(field, name, value)
}

/// Checks that `value` is below the prime.
pub(super) fn check_below(
    field: PrimeField,
    name: &'static str,
    value: u64,
) -> Result<(), KeyError> {
    if value < field.prime() {
        Ok(())
    } else {
        Err(KeyError::NotBelowPrime(name))
    }
}

/// One node's part of one secret, checked, in the form that costs least per packet.
#[derive(Clone)]
pub struct KeySet {
    field: PrimeField,
    /// (share of POLY-1 + POLY-2 without its constant at x) * LPC: all that no packet changes.
    constant: u64,
    lpc: u64,
    secret: Option<u64>,
}

impl KeySet {
    /// The keys of a node with this share. Only the verifier has the `secret`, the constant of
    /// POLY-1. The prime has at least `minimum_bits`: [`MINIMUM_BITS`] outside examples.
    ///
    /// # Errors
    ///
    /// When a value is not what the scheme needs.
    pub fn new(share: &Share, secret: Option<u64>, minimum_bits: u32) -> Result<Self, KeyError> {
        let field = PrimeField::new(share.prime).ok_or(KeyError::NotPrime)?;
        let bits = u64::BITS - share.prime.leading_zeros();
        if bits < minimum_bits {
            return Err(KeyError::SmallPrime {
                bits,
                minimum: minimum_bits,
            });
        }
        check_point(field, "x", share.x)?;
        check_point(field, "lpc", share.lpc)?;
        check_below(field, "share", share.share)?;
        check_below(field, "poly-2", share.poly_2)?;
        check_below(field, "secret", secret.unwrap_or(0))?;
        Ok(Self {
            field,
            constant: field.mul(field.add(share.share, share.poly_2), share.lpc),
            lpc: share.lpc,
            secret,
        })
    }

    /// `Cumulative` after this node: `CML + (Share1 + Share2(RND)) * LPC`.
    #[inline]
    pub(super) fn add_own(&self, pkt_id: u64, cumulative: u64) -> u64 {
        self.field
            .mul_add(pkt_id, self.lpc, self.constant, cumulative)
    }

    /// Whether this is `Cumulative` after all nodes, `SECRET + RND`; `None` without the secret.
    /// Numbers beyond the prime are never sent, so they prove nothing even where they are congruent.
    #[inline]
    pub(super) fn proves(&self, pkt_id: u64, cumulative: u64) -> Option<bool> {
        let secret = self.secret?;
        let is_reduced = pkt_id < self.field.prime() && cumulative < self.field.prime();
        Some(is_reduced && cumulative == self.field.add(secret, pkt_id))
    }

    /// A random `PktID` below the prime of this parity.
    pub(super) fn pkt_id(&self, random: u64, parity: Parity) -> u64 {
        // Whole pairs of an even and an odd number, so that both stay below the prime.
        let pairs = self.field.prime() / 2;
        random % pairs * 2 + parity as u64
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").finish_non_exhaustive()
    }
}

/// The low bit of a `PktID`, which says with which key set it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// 0.
    Even = 0,
    /// 1.
    Odd = 1,
}

/// All keys of a node: one key set, or two while the nodes turn from one to the next.
///
/// To turn without losing a proof: every node is given the new set beside the old one, at the
/// other parity; then the encapsulating node makes the new one active; then the old one goes, and
/// the new one stays at its parity. A set that is alone serves every packet, and sends only its own
/// parity.
#[derive(Clone, Debug)]
pub struct Keys {
    by_parity: [KeySet; 2],
    active: Parity,
}

impl Keys {
    /// One set, whose packets are of this parity.
    #[must_use]
    pub fn one(set: KeySet, parity: Parity) -> Self {
        Self {
            by_parity: [set.clone(), set],
            active: parity,
        }
    }

    /// Two sets; new packets are made with the active one.
    #[must_use]
    pub fn two(even: KeySet, odd: KeySet, active: Parity) -> Self {
        Self {
            by_parity: [even, odd],
            active,
        }
    }

    /// The parity of new packets.
    #[must_use]
    pub fn active(&self) -> Parity {
        self.active
    }

    /// Whether every set has its secret, as a verifier's must.
    #[must_use]
    pub fn can_verify(&self) -> bool {
        self.by_parity.iter().all(|set| set.secret.is_some())
    }

    /// The set that a packet was made with.
    #[inline]
    pub(super) fn of(&self, pkt_id: u64) -> &KeySet {
        let [even, odd] = &self.by_parity;
        if pkt_id & 1 == 0 { even } else { odd }
    }

    pub(super) fn active_set(&self) -> &KeySet {
        self.of(self.active as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: Share = Share {
        prime: 53,
        x: 2,
        share: 28,
        poly_2: 1,
        lpc: 21,
    };

    fn error(change: impl Fn(&mut Share), secret: u64, bits: u32) -> KeyError {
        let mut share = SHARE.clone();
        change(&mut share);
        KeySet::new(&share, Some(secret), bits).unwrap_err()
    }

    #[test]
    fn values_outside_the_scheme_are_refused() {
        assert!(KeySet::new(&SHARE, Some(52), 6).is_ok());
        assert_eq!(error(|share| share.prime = 51, 0, 0), KeyError::NotPrime);
        assert_eq!(error(|share| share.prime = 0, 0, 0), KeyError::NotPrime);
        let small = KeyError::SmallPrime {
            bits: 6,
            minimum: MINIMUM_BITS,
        };
        assert_eq!(error(|_| (), 0, MINIMUM_BITS), small);
        assert_eq!(error(|share| share.x = 0, 0, 0), KeyError::Zero("x"));
        assert_eq!(error(|share| share.lpc = 0, 0, 0), KeyError::Zero("lpc"));
        for (field, change) in [
            ("x", (|share| share.x = 53) as fn(&mut Share)),
            ("lpc", |share| share.lpc = 53),
            ("share", |share| share.share = 53),
            ("poly-2", |share| share.poly_2 = u64::MAX),
        ] {
            assert_eq!(error(change, 0, 0), KeyError::NotBelowPrime(field));
        }
        assert_eq!(error(|_| (), 53, 0), KeyError::NotBelowPrime("secret"));
    }

    #[test]
    fn the_default_prime_has_the_fewest_bits_allowed() {
        let share = Share {
            prime: DEFAULT_PRIME,
            ..SHARE
        };
        assert!(KeySet::new(&share, None, MINIMUM_BITS).is_ok());
        let share = Share {
            prime: (1 << 59) - 55,
            ..SHARE
        };
        assert!(KeySet::new(&share, None, MINIMUM_BITS).is_err());
    }

    #[test]
    fn no_key_is_ever_printed() {
        let set = KeySet::new(&SHARE, Some(10), 0).unwrap();
        let keys = Keys::two(set.clone(), set, Parity::Odd);
        assert_eq!(
            format!("{keys:?}"),
            "Keys { by_parity: [KeySet { .. }, KeySet { .. }], active: Odd }"
        );
        assert_eq!(format!("{SHARE:?}"), "Share { .. }");
    }

    #[test]
    fn a_pkt_id_is_below_the_prime_and_of_its_parity() {
        for prime in [2, 3, 53, DEFAULT_PRIME, u64::MAX - 58] {
            let share = Share {
                prime,
                x: 1,
                share: 0,
                poly_2: 0,
                lpc: 1,
            };
            let set = KeySet::new(&share, None, 0).unwrap();
            for random in (0..200)
                .chain(prime.saturating_sub(3)..=prime)
                .chain([u64::MAX])
            {
                for parity in [Parity::Even, Parity::Odd] {
                    let pkt_id = set.pkt_id(random, parity);
                    assert!(pkt_id < prime && pkt_id & 1 == parity as u64);
                }
            }
        }
    }
}
