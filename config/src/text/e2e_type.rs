// SPDX-License-Identifier: Apache-2.0 OR MIT
//! IOAM-E2E-Types in the words of RFC 9617, without their `e2e-`.

use schemars::{Schema, json_schema};

use super::TypeBits;
use super::number::parse_number;
use crate::report::Complaint;
use crate::scalar::FromText;
use crate::suggest;

/// The identities by their bits.
const IDENTITIES: [(&str, u32); 4] = [
    ("seq-num-64", 0),
    ("seq-num-32", 1),
    ("timestamp-seconds", 2),
    ("timestamp-fraction", 3),
];

/// The bits that are defined: the highest four of 16 (RFC 9197, 4.6).
const DEFINED: u32 = 0xf000;

/// One identity, or a whole IOAM-E2E-Type of 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct E2eTypeItem(pub TypeBits);

impl From<E2eTypeItem> for TypeBits {
    fn from(item: E2eTypeItem) -> Self {
        item.0
    }
}

impl FromText for E2eTypeItem {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if let Some((_, bit)) = IDENTITIES.iter().find(|(name, _)| *name == text) {
            return Ok(Self(TypeBits::Identity(1 << (15 - bit))));
        }
        let Some(number) = parse_number(text) else {
            let short = text.strip_prefix("e2e-").unwrap_or(text);
            return Err(Complaint::new(
                format!("unknown edge-to-edge type `{text}`"),
                suggest::help(short, "one of", IDENTITIES.map(|(name, _)| name)),
            ));
        };
        match u32::try_from(number) {
            Ok(bits) if bits != 0 && bits & !DEFINED == 0 => Ok(Self(TypeBits::Whole(bits))),
            _ => Err(Complaint::new(
                format!("`{number:#06x}` is no edge-to-edge type of RFC 9197, 4.6"),
                "write the highest four of 16 bits with at least one set, as in 0x7000, or a \
                 list of names",
            )),
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "enum": IDENTITIES.map(|(name, _)| name) },
                { "type": "integer", "minimum": 0x1000, "maximum": DEFINED, "multipleOf": 0x1000 }
            ]
        })
    }
}
