// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One rule in one cache line.

use std::ops::RangeInclusive;

use super::fields::{DSCP_SHIFT, Fields, LABEL, Origins};
use crate::classify::Filter;
use crate::wire::ipv6::HEADER;

/// A filter as fixed numbers, and its rule's position.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Entry {
    pub source: u128,
    pub destination: u128,
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
            source,
            destination,
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
    pub(super) fn matches(&self, fields: &Fields, from: Origins) -> bool {
        let addresses = (fields.source ^ self.source) & prefix_mask(self.source_length)
            | (fields.destination ^ self.destination) & prefix_mask(self.destination_length);
        let exact = (fields.class ^ self.class) & self.class_mask
            | u32::from((fields.next_header ^ self.next_header) & self.next_header_mask);
        let origins = Origins {
            ports: self.origin_ports,
            local: self.origin_local,
        };
        (addresses == 0)
            & (exact == 0)
            & self.payload.contains(fields.payload)
            & self.source_ports.contains(fields.source_port)
            & self.destination_ports.contains(fields.destination_port)
            & origins.meet(from)
    }
}

/// So many leading ones.
#[inline]
pub(super) fn prefix_mask(length: u8) -> u128 {
    let host_bits = 128 - u32::from(length.min(128));
    u128::MAX.checked_shl(host_bits).unwrap_or(0)
}
