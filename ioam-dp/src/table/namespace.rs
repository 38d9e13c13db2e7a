// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The namespaces this node has, found by Namespace-ID in one load.

use super::spec::{NamespaceSpec, PotKeysSpec, ProofOfTransitSpec, TimestampFormat};
use crate::classify::{Filter, RuleSet};
use crate::option_type::proof_of_transit::{KeyError, KeySet, Keys, MINIMUM_BITS, Parity, Share};
use crate::port::PortId;
use crate::wire::ioam::NamespaceId;

/// What the snapshot word says when there is none: Length 0, Schema ID all ones
/// (RFC 9197, 4.4.2.13).
const NO_SCHEMA: [u8; 4] = [0x00, 0xFF, 0xFF, 0xFF];

/// Most namespaces of one node.
pub(super) const MAX_NAMESPACES: usize = 255;

/// The namespaces, in ascending order of their ids unless they came to be one after the other; 0
/// is always there.
#[derive(Debug)]
pub struct NamespaceTable {
    /// By Namespace-ID: index + 1 into `entries`, or 0.
    index: Box<[u8; 0x1_0000]>,
    entries: Box<[Namespace]>,
}

impl NamespaceTable {
    /// Indexes `entries`, at most [`MAX_NAMESPACES`] of them.
    pub(super) fn new(entries: Vec<Namespace>) -> Self {
        let mut index: Box<[u8; 0x1_0000]> = Box::new([0; 0x1_0000]);
        for (place, entry) in (1..=u8::MAX).zip(&entries) {
            index[usize::from(entry.id.0)] = place;
        }
        Self {
            index,
            entries: entries.into(),
        }
    }

    /// The index of the namespace with this id, or `None` when this node does not have it.
    #[must_use]
    pub fn find(&self, id: NamespaceId) -> Option<u8> {
        self.index[usize::from(id.0)].checked_sub(1)
    }

    /// The namespace with this index.
    #[must_use]
    pub fn get(&self, index: u8) -> Option<&Namespace> {
        self.entries.get(usize::from(index))
    }

    /// Changes what is done, namespace by namespace.
    pub(super) fn each_role(&mut self, mut change: impl FnMut(&mut Role)) {
        let rules = self.entries.iter_mut().flat_map(|entry| &mut entry.rules);
        rules.for_each(|rule| change(&mut rule.role));
    }

    /// This node's role for options of the namespace with this index, in the IPv6 packet at `l3`.
    #[must_use]
    pub fn role(&self, index: u8, in_port: PortId, frame: &[u8], l3: usize) -> Option<Role> {
        let namespace = self.get(index)?;
        let position = namespace.filters.find(in_port, frame, l3)?;
        let rule = namespace.rules.get(usize::from(position))?;
        Some(rule.role)
    }

    /// Puts each entry at its place in `places`; the places between are left to those of `old`,
    /// which are not found by their ids any more.
    pub(super) fn placed(self, places: &[usize], old: &Self) -> Self {
        let size = places.iter().map(|place| place + 1).max().unwrap_or(0);
        let mut entries: Vec<Namespace> = old
            .all()
            .iter()
            .map(|was| Namespace::gone(was.id))
            .collect();
        entries.resize_with(size.max(entries.len()), || Namespace::gone(NamespaceId(0)));
        let mut index: Box<[u8; 0x1_0000]> = Box::new([0; 0x1_0000]);
        for (entry, place) in self.entries.into_iter().zip(places) {
            index[usize::from(entry.id.0)] = u8::try_from(place + 1).unwrap_or(0);
            entries[*place] = entry;
        }
        Self {
            index,
            entries: entries.into(),
        }
    }

    /// Those that the configuration has, with their indices.
    pub fn configured(&self) -> impl Iterator<Item = (u8, &Namespace)> {
        let entries = (0..).zip(&self.entries);
        entries.filter(|(index, entry)| self.find(entry.id) == Some(*index))
    }

    /// All of them by index, and those that former tables had.
    #[must_use]
    pub fn all(&self) -> &[Namespace] {
        &self.entries
    }
}

/// One namespace, its data as node data write them.
#[derive(Debug)]
pub struct Namespace {
    /// Namespace-ID.
    pub id: NamespaceId,
    /// Namespace-specific data; all ones where not configured.
    pub data: u32,
    /// Namespace-specific data, 64 bits; all ones where not configured.
    pub data_wide: u64,
    /// The whole opaque state snapshot: Length, Schema ID and data, at least one word.
    pub snapshot: Box<[u8]>,
    /// How timestamps are written.
    pub timestamp: TimestampFormat,
    /// Keys for proofs of transit.
    pub proof_of_transit: Option<Keys>,
    /// What is done with its options; the first rule that matches decides.
    pub rules: Box<[OptionRule]>,
    /// The rules' filters, by position.
    filters: RuleSet,
}

impl Namespace {
    /// The words the snapshot takes when the trace type asks for it.
    #[must_use]
    pub fn snapshot_words(&self) -> usize {
        self.snapshot.len() / 4
    }

    /// What is left of a namespace that former tables had.
    fn gone(id: NamespaceId) -> Self {
        Self {
            id,
            data: u32::MAX,
            data_wide: u64::MAX,
            snapshot: NO_SCHEMA.into(),
            timestamp: TimestampFormat::Posix,
            proof_of_transit: None,
            rules: Box::default(),
            filters: RuleSet::new([]),
        }
    }

    pub(super) fn new(spec: &NamespaceSpec, rules: Vec<OptionRule>) -> Result<Self, KeyError> {
        let snapshot = spec.schema.as_ref().map_or(NO_SCHEMA.to_vec(), |schema| {
            let words = schema.data.len().div_ceil(4);
            let head = u32::try_from(words).unwrap_or(0) << 24 | schema.id & 0xFF_FFFF;
            let mut octets = head.to_be_bytes().to_vec();
            octets.extend_from_slice(&schema.data);
            octets.resize(4 + words * 4, 0);
            octets
        });
        Ok(Self {
            id: NamespaceId(spec.id),
            data: spec.data.unwrap_or(u32::MAX),
            data_wide: spec.data_wide.unwrap_or(u64::MAX),
            snapshot: snapshot.into(),
            timestamp: spec.timestamp,
            proof_of_transit: spec.proof_of_transit.as_ref().map(keys).transpose()?,
            filters: RuleSet::new(rules.iter().map(|rule| &rule.filter)),
            rules: rules.into(),
        })
    }
}

/// What is done with a trace of the namespace in packets that a filter matches.
#[derive(Debug)]
pub struct OptionRule {
    /// The packets it is for.
    pub filter: Filter,
    /// What is done.
    pub role: Role,
}

/// This node's role for an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Fill in this node's data; for a profile, or because the namespace is declared.
    Transit(Option<u16>),
    /// Remove it, for this profile.
    Decapsulate(u16),
}

fn keys(spec: &ProofOfTransitSpec) -> Result<Keys, KeyError> {
    let sets: Result<Vec<_>, _> = spec.sets.iter().map(key_set).collect();
    let active = if spec.active == 0 {
        Parity::Even
    } else {
        Parity::Odd
    };
    match <[KeySet; 2]>::try_from(sets?) {
        Ok([even, odd]) => Ok(Keys::two(even, odd, active)),
        Err(sets) => sets
            .into_iter()
            .next()
            .map(|set| Keys::one(set, active))
            .ok_or(KeyError::NotPrime),
    }
}

fn key_set(spec: &PotKeysSpec) -> Result<KeySet, KeyError> {
    let share = Share {
        prime: spec.prime,
        x: spec.point,
        share: spec.share,
        poly_2: spec.public,
        lpc: spec.lagrange,
    };
    KeySet::new(&share, spec.secret, MINIMUM_BITS)
}
