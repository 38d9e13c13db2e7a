// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The dealer: from two polynomials to what each node is given (Shamir's scheme).

use std::fmt;

use super::keys::{KeyError, check_below, check_point};
use super::prime_field::PrimeField;

/// What one node is given. None of it is for other eyes: who sees a packet in front of a node and
/// behind it, and knows the node's `poly_2` and `lpc`, knows its share.
#[derive(Clone, PartialEq, Eq)]
pub struct Share {
    /// The prime, the same for all nodes.
    pub prime: u64,
    /// The node's point, neither zero nor another node's.
    pub x: u64,
    /// POLY-1 at x.
    pub share: u64,
    /// POLY-2 at x without its constant, for which each packet's `PktID` stands.
    pub poly_2: u64,
    /// The Lagrange polynomial constant: the node's Lagrange basis polynomial at 0.
    pub lpc: u64,
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").finish_non_exhaustive()
    }
}

/// Deals a secret, the constant of POLY-1, to the nodes at `points`, in their order. Both
/// polynomials are given by their coefficients from x^1 on, one fewer than there are points.
///
/// # Errors
///
/// When the prime is not one, a value is not below it, a point is zero or there twice, or the
/// degree of a polynomial does not match the number of points.
pub fn deal(
    prime: u64,
    secret: u64,
    poly_1: &[u64],
    poly_2: &[u64],
    points: &[u64],
) -> Result<Vec<Share>, KeyError> {
    let field = PrimeField::new(prime).ok_or(KeyError::NotPrime)?;
    check_below(field, "secret", secret)?;
    check_points(field, points)?;
    check_polynomial(field, "POLY-1", poly_1, points.len() - 1)?;
    check_polynomial(field, "POLY-2", poly_2, points.len() - 1)?;
    let share = |x: &u64| Share {
        prime,
        x: *x,
        share: field.add(field.without_constant(poly_1, *x), secret),
        poly_2: field.without_constant(poly_2, *x),
        lpc: lagrange_constant(field, *x, points),
    };
    Ok(points.iter().map(share).collect())
}

fn check_points(field: PrimeField, points: &[u64]) -> Result<(), KeyError> {
    if points.len() < 2 {
        return Err(KeyError::TooFewNodes);
    }
    points
        .iter()
        .try_for_each(|x| check_point(field, "x", *x))?;
    let mut sorted = points.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < points.len() {
        return Err(KeyError::SamePoint);
    }
    Ok(())
}

fn check_polynomial(
    field: PrimeField,
    polynomial: &'static str,
    coefficients: &[u64],
    needs: usize,
) -> Result<(), KeyError> {
    let has = coefficients.len();
    if has != needs {
        return Err(KeyError::Degree {
            polynomial,
            has,
            needs,
        });
    }
    coefficients
        .iter()
        .try_for_each(|coefficient| check_below(field, polynomial, *coefficient))
}

/// The product of `xj / (xj - x)` over all other points.
fn lagrange_constant(field: PrimeField, x: u64, points: &[u64]) -> u64 {
    let others = points.iter().filter(|other| **other != x);
    let (above, below) = others.fold((1, 1), |(above, below), other| {
        let difference = field.sub(*other, x);
        (field.mul(above, *other), field.mul(below, difference))
    });
    field.mul(above, field.inverse(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example() {
        let shares = deal(53, 10, &[3, 3], &[7, 10], &[2, 4, 5]).unwrap();
        let dealt: Vec<_> = shares
            .iter()
            .map(|node| (node.prime, node.x, node.share, node.poly_2, node.lpc))
            .collect();
        assert_eq!(
            dealt,
            [(53, 2, 28, 1, 21), (53, 4, 17, 29, 48), (53, 5, 47, 20, 38)]
        );
    }

    #[test]
    fn what_is_no_scheme_is_refused() {
        let points = [2, 4, 5];
        let degree = |polynomial, has| {
            Err(KeyError::Degree {
                polynomial,
                has,
                needs: 2,
            })
        };
        assert_eq!(
            deal(52, 10, &[3, 3], &[7, 10], &points),
            Err(KeyError::NotPrime)
        );
        assert_eq!(
            deal(53, 53, &[3, 3], &[7, 10], &points),
            Err(KeyError::NotBelowPrime("secret"))
        );
        assert_eq!(deal(53, 10, &[3], &[7, 10], &points), degree("POLY-1", 1));
        assert_eq!(
            deal(53, 10, &[3, 3], &[7, 10, 1], &points),
            degree("POLY-2", 3)
        );
        assert_eq!(
            deal(53, 10, &[3, 99], &[7, 10], &points),
            Err(KeyError::NotBelowPrime("POLY-1"))
        );
        assert_eq!(
            deal(53, 10, &[3, 3], &[7, 10], &[2, 4, 4]),
            Err(KeyError::SamePoint)
        );
        assert_eq!(
            deal(53, 10, &[3, 3], &[7, 10], &[2, 0, 4]),
            Err(KeyError::Zero("x"))
        );
        assert_eq!(
            deal(53, 10, &[3, 3], &[7, 10], &[2, 4, 55]),
            Err(KeyError::NotBelowPrime("x"))
        );
        assert_eq!(deal(53, 10, &[], &[], &[2]), Err(KeyError::TooFewNodes));
        assert_eq!(deal(53, 10, &[], &[], &[]), Err(KeyError::TooFewNodes));
    }
}
