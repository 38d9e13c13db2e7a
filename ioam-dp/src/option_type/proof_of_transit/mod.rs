// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Proof of Transit Option-Type (RFC 9197, 4.5), with Shamir's secret sharing.
//!
//! How Cumulative comes about is outside the RFC; this is the scheme of the proof-of-transit draft
//! (draft-ietf-sfc-proof-of-transit, 3). All arithmetic is modulo a prime. A secret is the constant
//! of a polynomial POLY-1 of degree k - 1, and each of k nodes has the value at its own point. A
//! packet's random `PktID` (RND) is the constant of a second one, POLY-2. Every node adds its term of
//! the sum of both to Cumulative (CML), so that after all of them, each once and in any order,
//!
//! ```text
//! CML = CML + (Share1 + Share2(RND)) * LPC     at each node
//! CML = SECRET + RND                           at the verifier
//! ```
//!
//! The verifier should be the last node that adds its term: a packet with all of them shows the
//! secret to whoever sees it. Nothing here keeps a whole packet from being sent again.

mod dealer;
mod keys;
mod prime_field;

use zerocopy::IntoBytes;

pub use dealer::{Share, deal};
pub use keys::{DEFAULT_PRIME, KeyError, KeySet, Keys, MINIMUM_BITS, Parity};
pub use prime_field::is_prime;

use crate::wire::ioam::proof_of_transit::{CUMULATIVE_AT, PKT_ID_AT, PotHeader, TYPE_0};
use crate::wire::ioam::{NamespaceId, OPTION_HEAD};
use crate::wire::ipv6_ext::IOAM_MUTABLE;

/// An option laid out by an encapsulating node, both numbers still zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The option from its type octet on: 24 octets.
    pub option: Vec<u8>,
    /// Offset of `PktID` (64 bits, network order) from the type octet.
    pub pkt_id_at: usize,
    /// Offset of Cumulative (64 bits, network order) from the type octet.
    pub cumulative_at: usize,
}

/// Lays out an option of POT-Type 0.
#[must_use]
pub fn build(namespace: NamespaceId) -> Built {
    let mut option = vec![IOAM_MUTABLE, 22, 0, 2];
    option.extend_from_slice(PotHeader::new(namespace).as_bytes());
    Built {
        option,
        pkt_id_at: OPTION_HEAD + PKT_ID_AT,
        cumulative_at: OPTION_HEAD + CUMULATIVE_AT,
    }
}

/// `PktID` and Cumulative of a new packet: the random number below the prime of the active key set
/// and of its parity, and 0. The encapsulating node, if it has a share, [`update`]s it then.
#[inline]
#[must_use]
pub fn start(random: u64, keys: &Keys) -> (u64, u64) {
    (keys.active_set().pkt_id(random, keys.active()), 0)
}

/// Why an option can be neither updated nor verified; it is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It ends inside its fields.
    Short,
    /// It has this POT-Type, which nobody knows (RFC 9197, 4.5: not to be changed).
    UnknownType(u8),
}

/// Looks at the POT-Type, which says how long the option has to be.
fn check_type(option_data: &[u8]) -> Result<(), Unusable> {
    match PotHeader::pot_type_of(option_data) {
        None => Err(Unusable::Short),
        Some(TYPE_0) => Ok(()),
        Some(other) => Err(Unusable::UnknownType(other)),
    }
}

/// Adds this node's term to Cumulative, with the key set that `PktID` says.
///
/// # Errors
///
/// When the option is too short or of an unknown POT-Type; nothing is changed then.
#[inline]
pub fn update(option_data: &mut [u8], keys: &Keys) -> Result<(), Unusable> {
    check_type(option_data)?;
    let (header, _) = PotHeader::split_mut(option_data).ok_or(Unusable::Short)?;
    let set = keys.of(header.pkt_id());
    header.set_cumulative(set.add_own(header.pkt_id(), header.cumulative()));
    Ok(())
}

/// What a verifier finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every node added its term, once.
    Valid,
    /// Some node did not, or twice, or the numbers were changed.
    Invalid,
    /// The key set that `PktID` says has no secret here.
    NoSecret,
}

/// Whether Cumulative is what all nodes together make of `PktID`. A verifier that is one of the
/// nodes [`update`]s the option first.
///
/// # Errors
///
/// When the option is too short or of an unknown POT-Type.
#[inline]
pub fn verify(option_data: &[u8], keys: &Keys) -> Result<Verdict, Unusable> {
    check_type(option_data)?;
    let (header, _) = PotHeader::split(option_data).ok_or(Unusable::Short)?;
    let proof = keys
        .of(header.pkt_id())
        .proves(header.pkt_id(), header.cumulative());
    Ok(match proof {
        Some(true) => Verdict::Valid,
        Some(false) => Verdict::Invalid,
        None => Verdict::NoSecret,
    })
}

#[cfg(test)]
mod tests;
