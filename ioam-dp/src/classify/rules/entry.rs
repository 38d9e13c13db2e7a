// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One rule in one cache line.

use std::ops::RangeInclusive;

use super::fields::{DSCP_SHIFT, Fields, LABEL, Origins, halves};
use crate::classify::Filter;
use crate::wire::ipv6::HEADER;

/// A filter as fixed numbers, and its rule's position.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Entry {
    pub source: [u8; 16],
    pub destination: [u8; 16],
    pub class: u32,
    pub class_mask: u32,
    pub payload: Range,
    pub source_ports: Range,
    pub destination_ports: Range,
    origin_ports: u32,
    /// The rule's place among all.
    pub position: u16,
    pub source_length: u8,
    pub destination_length: u8,
    pub next_header: u8,
    pub next_header_mask: u8,
    origin_local: bool,
    /// Whether no other one follows in its bucket.
    pub last: bool,
}

const _: () = assert!(size_of::<Entry>() == 64);

/// Both ends included, and not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub first: u16,
    pub last: u16,
}

impl Range {
    pub(super) const ALL: Self = Self {
        first: 0,
        last: u16::MAX,
    };

    fn new(range: Option<&RangeInclusive<u16>>) -> Option<Self> {
        let Some(range) = range else {
            return Some(Self::ALL);
        };
        let (first, last) = (*range.start(), *range.end());
        (first <= last).then_some(Self { first, last })
    }

    /// A range of lengths with the IPv6 header as one of lengths without.
    fn of_payload(range: Option<&RangeInclusive<usize>>) -> Option<Self> {
        let Some(range) = range else {
            return Some(Self::ALL);
        };
        let octets = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
        let last = octets(range.end().checked_sub(HEADER)?);
        let first = octets(range.start().saturating_sub(HEADER));
        (first <= last).then_some(Self { first, last })
    }

    #[inline]
    fn contains(self, value: u16) -> bool {
        value.wrapping_sub(self.first) <= self.last.wrapping_sub(self.first)
    }
}

impl Entry {
    /// The rule at `position`; `None` where no packet can match it.
    pub(super) fn new(position: u16, filter: &Filter) -> Option<Self> {
        let prefix = |prefix: Option<crate::classify::Prefix>| {
            prefix.map_or((0, 0), |prefix| prefix.parts())
        };
        let (source, source_length) = prefix(filter.source);
        let (destination, destination_length) = prefix(filter.destination);
        let dscp = filter.dscp.map(u32::from);
        if dscp.is_some_and(|dscp| dscp > 63) || filter.flow_label.is_some_and(|l| l > LABEL) {
            return None;
        }
        let upper = filter.upper.as_ref();
        let next_header = upper.and_then(|upper| upper.next_header);
        let origins = Origins {
            ports: match filter.local {
                true => 0,
                false => filter.in_ports.unwrap_or(u32::MAX),
            },
            local: filter.local,
        };
        Some(Self {
            source: source.to_be_bytes(),
            destination: destination.to_be_bytes(),
            class: dscp.unwrap_or(0) << DSCP_SHIFT | filter.flow_label.unwrap_or(0),
            class_mask: dscp.map_or(0, |_| 63 << DSCP_SHIFT)
                | filter.flow_label.map_or(0, |_| LABEL),
            payload: Range::of_payload(filter.length.as_ref())?,
            source_ports: Range::new(upper.and_then(|u| u.source_ports.as_ref()))?,
            destination_ports: Range::new(upper.and_then(|u| u.destination_ports.as_ref()))?,
            origin_ports: origins.ports,
            position,
            source_length: u8::try_from(source_length).unwrap_or(128),
            destination_length: u8::try_from(destination_length).unwrap_or(128),
            next_header: next_header.unwrap_or(0),
            next_header_mask: next_header.map_or(0, |_| u8::MAX),
            origin_local: origins.local,
            last: false,
        })
    }

    /// Whether a packet with these fields matches. Few branches: which field says no cannot be
    /// predicted.
    #[inline]
    pub(super) fn matches(&self, fields: &Fields<'_>, from: Origins) -> bool {
        let addresses = outside(fields.source, &self.source, self.source_length)
            | outside(
                fields.destination,
                &self.destination,
                self.destination_length,
            );
        let exact = (fields.class ^ self.class) & self.class_mask
            | u32::from((fields.next_header ^ self.next_header) & self.next_header_mask);
        let origins = Origins {
            ports: self.origin_ports,
            local: self.origin_local,
        };
        (addresses | u64::from(exact) == 0)
            & self.payload.contains(fields.payload)
            & self.source_ports.contains(fields.source_port)
            & self.destination_ports.contains(fields.destination_port)
            & origins.meet(from)
    }
}

/// The bits in which an address is not in a prefix.
#[inline]
fn outside(address: &[u8; 16], prefix: &[u8; 16], length: u8) -> u64 {
    let ([a, b], [c, d]) = (halves(address), halves(prefix));
    let [high, low] = MASKS[usize::from(length)];
    (a ^ c) & high | (b ^ d) & low
}

/// The masks of prefixes by their lengths, as [`halves`].
#[allow(clippy::cast_possible_truncation, reason = "the two halves of a mask")]
static MASKS: [[u64; 2]; 256] = {
    let mut masks = [[u64::MAX; 2]; 256];
    let mut length = 0;
    while length < 128 {
        let mask = !(u128::MAX >> length);
        masks[length] = [((mask >> 64) as u64).to_be(), (mask as u64).to_be()];
        length += 1;
    }
    masks
};

/// So many leading ones.
pub(super) fn prefix_mask(length: u8) -> u128 {
    let host_bits = 128 - u32::from(length.min(128));
    u128::MAX.checked_shl(host_bits).unwrap_or(0)
}
