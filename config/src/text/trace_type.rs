// SPDX-License-Identifier: Apache-2.0 OR MIT
//! IOAM-Trace-Types in the words of RFC 9617, without their `trace-`.

use schemars::{Schema, json_schema};

use super::number::parse_number;
use crate::report::Complaint;
use crate::scalar::FromText;
use crate::suggest;

/// The bit of the opaque state snapshot, whose length is not part of `NodeLen`.
pub const OPAQUE_STATE_SNAPSHOT: u32 = 1 << (23 - 22);

/// Bits 12 to 21 are undefined and bit 23 is reserved: an encapsulating node sets none of them
/// (RFC 9197, 4.4.1).
const UNDEFINED: u32 = 0x00_0ffd;

/// The identities by their bits.
const IDENTITIES: [(&str, u32); 13] = [
    ("hop-lim-node-id", 0),
    ("if-id", 1),
    ("timestamp-seconds", 2),
    ("timestamp-fraction", 3),
    ("transit-delay", 4),
    ("namespace-data", 5),
    ("queue-depth", 6),
    ("checksum-complement", 7),
    ("hop-lim-node-id-wide", 8),
    ("if-id-wide", 9),
    ("namespace-data-wide", 10),
    ("buffer-occupancy", 11),
    ("opaque-state-snapshot", 22),
];

/// `NodeLen`: the words one node adds, without the opaque state snapshot.
#[must_use]
pub fn node_words(trace_type: u32) -> u32 {
    (trace_type & 0xff_1ffc).count_ones() + 2 * (trace_type & 0x00_e000).count_ones()
}

/// Part of a type, or all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeBits {
    /// One bit, by its name.
    Identity(u32),
    /// All bits at once, as a number.
    Whole(u32),
}

/// One identity, or a whole IOAM-Trace-Type of 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceTypeItem(pub TypeBits);

impl From<TraceTypeItem> for TypeBits {
    fn from(item: TraceTypeItem) -> Self {
        item.0
    }
}

impl FromText for TraceTypeItem {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if let Some((_, bit)) = IDENTITIES.iter().find(|(name, _)| *name == text) {
            return Ok(Self(TypeBits::Identity(1 << (23 - bit))));
        }
        if let Some(number) = parse_number(text) {
            return Self::from_number(text, number);
        }
        let short = text.strip_prefix("trace-").unwrap_or(text);
        Err(Complaint::new(
            format!("unknown trace type `{text}`"),
            suggest::help(short, "one of", IDENTITIES.map(|(name, _)| name)),
        ))
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "enum": IDENTITIES.map(|(name, _)| name) },
                { "type": "integer", "minimum": 2, "maximum": 0xff_f002 }
            ]
        })
    }
}

impl TraceTypeItem {
    fn from_number(text: &str, number: u64) -> Result<Self, Complaint> {
        let bits = u32::try_from(number)
            .ok()
            .filter(|bits| (1..1 << 24).contains(bits));
        let Some(bits) = bits else {
            return Err(Complaint::new(
                format!("`{text}` is no trace type"),
                "write 24 bits with at least one set, as in 0xc00000, or a list of names",
            ));
        };
        if bits & UNDEFINED != 0 {
            let valid = bits & !UNDEFINED;
            return Err(Complaint::new(
                format!("`{bits:#08x}` sets undefined bits (12 to 21, 23 of RFC 9197, 4.4.1)"),
                format!("an encapsulating node must leave them 0: write {valid:#08x}"),
            ));
        }
        Ok(Self(TypeBits::Whole(bits)))
    }
}

#[cfg(test)]
mod tests {
    use super::{IDENTITIES, node_words};

    #[test]
    fn node_length_counts_wide_fields_twice_and_no_snapshot() {
        assert_eq!(node_words(0xc0_0000), 2);
        assert_eq!(node_words(0xff_f002), 15);
        let all = IDENTITIES
            .iter()
            .fold(0, |all, (_, bit)| all | 1 << (23 - bit));
        assert_eq!(all, 0xff_f002);
    }
}
