// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Arithmetic modulo a prime of up to 64 bits.

/// Bases that make Miller-Rabin exact for every number below 2^64: the first twelve primes.
const WITNESSES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/// A prime; numbers handed to it may be any, those it returns are below it.
#[derive(Clone, Copy)]
pub(super) struct PrimeField(u64);

impl PrimeField {
    /// The field of this prime, or `None` when it is not one.
    pub(super) fn new(prime: u64) -> Option<Self> {
        is_prime(prime).then_some(Self(prime))
    }

    pub(super) fn prime(self) -> u64 {
        self.0
    }

    pub(super) fn reduce(self, a: u64) -> u64 {
        self.narrow(u128::from(a))
    }

    #[inline]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a remainder of 64 bits divisor"
    )]
    fn narrow(self, a: u128) -> u64 {
        (a % u128::from(self.0)) as u64
    }

    pub(super) fn add(self, a: u64, b: u64) -> u64 {
        self.narrow(u128::from(a) + u128::from(b))
    }

    pub(super) fn sub(self, a: u64, b: u64) -> u64 {
        self.narrow(u128::from(a) + u128::from(self.0 - self.reduce(b)))
    }

    pub(super) fn mul(self, a: u64, b: u64) -> u64 {
        self.narrow(u128::from(a) * u128::from(b))
    }

    /// `a * b + c + d` with one division.
    #[inline]
    pub(super) fn mul_add(self, a: u64, b: u64, c: u64, d: u64) -> u64 {
        // The largest numbers make (2^64 - 1)^2 + 2 (2^64 - 1), which is just 2^128 - 1.
        self.narrow(u128::from(a) * u128::from(b) + u128::from(c) + u128::from(d))
    }

    fn pow(self, mut base: u64, mut exponent: u64) -> u64 {
        let mut power = self.reduce(1);
        while exponent > 0 {
            if exponent & 1 == 1 {
                power = self.mul(power, base);
            }
            base = self.mul(base, base);
            exponent >>= 1;
        }
        power
    }

    /// The inverse by Fermat's little theorem; of no meaning for a multiple of the prime.
    pub(super) fn inverse(self, a: u64) -> u64 {
        self.pow(a, self.0 - 2)
    }

    /// `coefficients[0] * x + coefficients[1] * x^2 ...`: a polynomial without its constant.
    pub(super) fn without_constant(self, coefficients: &[u64], x: u64) -> u64 {
        let horner = |sum, coefficient: &u64| self.mul(self.add(sum, *coefficient), x);
        coefficients.iter().rev().fold(0, horner)
    }
}

/// Whether `n` is prime; exact.
#[must_use]
pub fn is_prime(n: u64) -> bool {
    if n < 2 {
        return false;
    }
    for prime in WITNESSES {
        if n.is_multiple_of(prime) {
            return n == prime;
        }
    }
    let (odd, twos) = (
        (n - 1) >> (n - 1).trailing_zeros(),
        (n - 1).trailing_zeros(),
    );
    // The arithmetic is right for any modulus; only inverses want a prime.
    let modulo = PrimeField(n);
    WITNESSES.iter().all(|witness| {
        let mut power = modulo.pow(*witness, odd);
        if power == 1 {
            return true;
        }
        for _ in 0..twos {
            if power == n - 1 {
                return true;
            }
            power = modulo.mul(power, power);
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_numbers_are_told_apart() {
        let is_plainly = |n: u64| n > 1 && (2..n).all(|divisor| !n.is_multiple_of(divisor));
        for n in 0..3000 {
            assert_eq!(is_prime(n), is_plainly(n), "{n}");
        }
    }

    #[test]
    fn large_primes_and_strong_pseudoprimes_are_told_apart() {
        for prime in [
            (1 << 61) - 1,
            u64::MAX - 58,
            0x7FFF_FFFF,
            4_294_967_291,
            18_446_744_073_709_551_533,
        ] {
            assert!(is_prime(prime), "{prime}");
        }
        for composite in [
            561,
            3_215_031_751,
            3_825_123_056_546_413_051,
            u64::MAX,
            (1 << 61) + 1,
            4_294_967_291 * 4_294_967_279,
        ] {
            assert!(!is_prime(composite), "{composite}");
        }
        // 2^64 - 59 is the largest.
        assert!((u64::MAX - 57..=u64::MAX).all(|n| !is_prime(n)));
    }

    #[test]
    fn a_polynomial_of_the_worked_example() {
        let field = PrimeField::new(53).unwrap();
        let share = |x| field.add(field.without_constant(&[3, 3], x), 10);
        assert_eq!([share(2), share(4), share(5)], [28, 17, 47]);
        assert!(PrimeField::new(54).is_none());
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        for prime in [2, 53, u64::MAX - 58] {
            let field = PrimeField::new(prime).unwrap();
            let all = field.mul_add(u64::MAX, u64::MAX, u64::MAX, u64::MAX);
            assert_eq!(u128::from(all), u128::MAX % u128::from(prime));
            assert_eq!(field.inverse(1), 1);
        }
    }

    proptest! {
        #[test]
        fn any_numbers_are_taken(a: u64, b: u64, c: u64) {
            for prime in [53, (1 << 61) - 1, u64::MAX - 58] {
                let field = PrimeField::new(prime).unwrap();
                let wide = |n: u64| u128::from(n);
                let p = wide(prime);
                prop_assert_eq!(wide(field.add(a, b)), (wide(a) + wide(b)) % p);
                prop_assert_eq!(wide(field.mul(a, b)), wide(a) * wide(b) % p);
                let sum = wide(a) * wide(b) + wide(c) + wide(a);
                prop_assert_eq!(wide(field.mul_add(a, b, c, a)), sum % p);
                prop_assert_eq!(field.add(field.sub(a, b), b), a % prime);
                if a % prime != 0 {
                    prop_assert_eq!(field.mul(field.inverse(a), a), 1);
                }
            }
        }
    }
}
