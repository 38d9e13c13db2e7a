// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The pre-allocated trace as RFC 9197 draws it: built and read for what tests expect.

use std::collections::BTreeMap;

use super::packet::IPV6;

/// A trace option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) namespace: u16,
    pub(crate) node_len: u8,
    /// O is 8.
    pub(crate) flags: u8,
    pub(crate) remaining: u8,
    /// The 24 bits of the type.
    pub(crate) kind: u32,
    pub(crate) reserved: u8,
    /// Free space, then the elements, newest first.
    pub(crate) data: Vec<u8>,
}

/// Words of one element without its snapshot.
pub(crate) fn node_len(kind: u32) -> u8 {
    let wide = kind & 0x00_E000;
    let narrow = kind & 0xFF_1FFC;
    u8::try_from(narrow.count_ones() + 2 * wide.count_ones()).unwrap()
}

impl Trace {
    /// An empty trace with `words` of room.
    pub(crate) fn empty(namespace: u16, kind: u32, words: u8) -> Self {
        let data = vec![0; usize::from(words) * 4];
        let node_len = node_len(kind);
        Self {
            namespace,
            node_len,
            flags: 0,
            remaining: words,
            kind,
            reserved: 0,
            data,
        }
    }

    /// The option for a Hop-by-Hop header, an empty PadN before it for its alignment.
    pub(crate) fn option(&self) -> Vec<u8> {
        let length = u8::try_from(10 + self.data.len()).unwrap();
        let mut octets = vec![1, 0, 0x31, length, 0, 0];
        octets.extend(self.namespace.to_be_bytes());
        let [a, b] = [
            self.node_len << 3 | self.flags >> 1,
            self.flags << 7 | self.remaining,
        ];
        octets.extend([a, b]);
        octets.extend((self.kind << 8 | u32::from(self.reserved)).to_be_bytes());
        octets.extend(&self.data);
        octets
    }

    /// The first trace option of a packet that begins with an IPv6 header.
    pub(crate) fn of_packet(packet: &[u8]) -> Option<Self> {
        let (at, len) = Self::place(packet)?;
        let octets = packet.get(at..at + len)?;
        let word = |at: usize| Some(u16::from_be_bytes(octets.get(at..at + 2)?.try_into().ok()?));
        let kind = u32::from_be_bytes(octets.get(8..12)?.try_into().ok()?);
        Some(Self {
            namespace: word(4)?,
            node_len: octets[6] >> 3,
            flags: (octets[6] & 7) << 1 | octets[7] >> 7,
            remaining: octets[7] & 0x7F,
            kind: kind >> 8,
            reserved: u8::try_from(kind & 0xFF).unwrap(),
            data: octets.get(12..)?.to_vec(),
        })
    }

    /// Where the first trace option is, and its length, both with its type and length octets.
    pub(crate) fn place(packet: &[u8]) -> Option<(usize, usize)> {
        if *packet.get(6)? != 0 {
            return None;
        }
        let end = IPV6 + (usize::from(*packet.get(IPV6 + 1)?) + 1) * 8;
        let mut at = IPV6 + 2;
        while at + 4 <= end {
            let len = 2 + usize::from(packet[at + 1]);
            match packet[at] {
                0 => at += 1,
                0x31 if packet.get(at + 3) == Some(&0) => return Some((at, len)),
                _ => at += len,
            }
        }
        None
    }

    /// The octets in front of the elements.
    pub(crate) fn free(&self) -> &[u8] {
        &self.data[..usize::from(self.remaining) * 4]
    }

    /// The elements, oldest first, each field under its name in the records.
    pub(crate) fn elements(&self) -> Vec<Element> {
        let mut rest = &self.data[usize::from(self.remaining) * 4..];
        let mut elements = Vec::new();
        while !rest.is_empty() && elements.len() < 64 {
            let (element, after) = Element::read(self.kind, rest);
            elements.push(element);
            rest = after;
        }
        elements.reverse();
        elements
    }
}

/// One node's data: fields by name. A snapshot's octets stand apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) fields: BTreeMap<&'static str, u64>,
    pub(crate) snapshot: Vec<u8>,
}

impl Element {
    pub(crate) fn get(&self, name: &str) -> u64 {
        *self
            .fields
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {self:x?}"))
    }

    /// The first element of `octets`, and what is behind it.
    pub(crate) fn read(kind: u32, octets: &[u8]) -> (Self, &[u8]) {
        let mut rest = octets;
        let mut take = |bits: &[u32]| -> Vec<u64> {
            let mut value = |width: u32| {
                let (field, after) = rest.split_at(usize::try_from(width / 8).unwrap());
                rest = after;
                field
                    .iter()
                    .fold(0, |value, octet| value << 8 | u64::from(*octet))
            };
            bits.iter().map(|width| value(*width)).collect()
        };
        let mut element = Self::default();
        for (bit, names) in FIELDS {
            if kind & (0x80_0000 >> bit) != 0 {
                let widths: Vec<u32> = names.iter().map(|(_, width)| *width).collect();
                let values = take(&widths);
                let named = names.iter().map(|(name, _)| *name).zip(values);
                element.fields.extend(named);
            }
        }
        if let Some(words) = element.fields.get("snapshot_words") {
            let len = usize::try_from(*words).unwrap() * 4;
            let (snapshot, after) = rest.split_at(len);
            element.snapshot = snapshot.to_vec();
            rest = after;
        }
        (element, rest)
    }
}

type Fields = (u32, &'static [(&'static str, u32)]);

/// The fields of each bit of the trace type, with their widths in bits (RFC 9197, 4.4.2).
pub(crate) const FIELDS: [Fields; 23] = [
    (0, &[("hop_limit", 8), ("node_id", 24)]),
    (1, &[("ingress_if_id", 16), ("egress_if_id", 16)]),
    (2, &[("timestamp_seconds", 32)]),
    (3, &[("timestamp_fraction", 32)]),
    (4, &[("transit_delay", 32)]),
    (5, &[("namespace_data", 32)]),
    (6, &[("queue_depth", 32)]),
    (7, &[("checksum_complement", 32)]),
    (8, &[("hop_limit_wide", 8), ("node_id_wide", 56)]),
    (9, &[("ingress_if_id_wide", 32), ("egress_if_id_wide", 32)]),
    (10, &[("namespace_data_wide", 64)]),
    (11, &[("buffer_occupancy", 32)]),
    (12, &[("undefined_12", 32)]),
    (13, &[("undefined_13", 32)]),
    (14, &[("undefined_14", 32)]),
    (15, &[("undefined_15", 32)]),
    (16, &[("undefined_16", 32)]),
    (17, &[("undefined_17", 32)]),
    (18, &[("undefined_18", 32)]),
    (19, &[("undefined_19", 32)]),
    (20, &[("undefined_20", 32)]),
    (21, &[("undefined_21", 32)]),
    (22, &[("snapshot_words", 8), ("schema_id", 24)]),
];
