// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Numbers: decimal or `0x` hex, within a range.

use std::fmt;

use schemars::{Schema, json_schema};

use crate::report::Complaint;
use crate::scalar::FromText;
use crate::suggest;

/// The digits of a decimal or `0x` hex number, and their radix.
fn digits(text: &str) -> Option<(&str, u32)> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None => (text, 10),
    };
    let right = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    right.then_some((digits, radix))
}

/// A decimal or `0x` hex number; `None` when it is none, or above 64 bits.
pub(super) fn parse_number(text: &str) -> Option<u64> {
    let (digits, radix) = digits(text)?;
    u64::from_str_radix(digits, radix).ok()
}

/// A number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number<T, const MIN: u64, const MAX: u64>(pub T);

/// The range in words: wide ones are bit fields and read better in hex.
fn range(min: u64, max: u64) -> String {
    if max > 0xffff && max.count_zeros() == max.leading_zeros() {
        format!("{min} to {max:#x}")
    } else {
        format!("{min} to {max}")
    }
}

impl<T: TryFrom<u64>, const MIN: u64, const MAX: u64> FromText for Number<T, MIN, MAX> {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let help = || {
            format!(
                "write a number, {}, in decimal or `0x` hex",
                range(MIN, MAX)
            )
        };
        let in_range = |number: &u64| (MIN..=MAX).contains(number);
        let number = parse_number(text)
            .filter(in_range)
            .and_then(|n| T::try_from(n).ok());
        let what = match digits(text.strip_prefix('-').unwrap_or(text)) {
            Some(_) => "is out of range",
            None => "is not a number",
        };
        number
            .map(Self)
            .ok_or_else(|| Complaint::new(format!("`{text}` {what}"), help()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// Seconds that TAI is ahead of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaiOffset(pub i32);

impl FromText for TaiOffset {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match text.parse() {
            Ok(seconds) if (-1000..=1000).contains(&seconds) => Ok(Self(seconds)),
            _ => Err(Complaint::new(
                format!("`{text}` is no offset of TAI"),
                "write whole seconds: 37 since 2017, 0 when the clock already counts TAI",
            )),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": -1000, "maximum": 1000 })
    }
}

/// A Namespace-ID, or the word for 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamespaceId(pub u16);

impl FromText for NamespaceId {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if text == "default-namespace" {
            return Ok(Self(0));
        }
        match Number::<u16, 0, 0xffff>::from_text(text) {
            Ok(number) => Ok(Self(number.0)),
            Err(complaint) => Err(Complaint::new(
                complaint.what,
                "write a Namespace-ID, 0 to 65535, or `default-namespace` for 0",
            )),
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": 0xffff },
                { "const": "default-namespace" }
            ]
        })
    }
}

/// An upper-layer protocol by name or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextHeader(pub u8);

/// The names the assigned numbers have here.
const NEXT_HEADERS: [(&str, u8); 7] = [
    ("tcp", 6),
    ("udp", 17),
    ("gre", 47),
    ("esp", 50),
    ("icmpv6", 58),
    ("no-next-header", 59),
    ("sctp", 132),
];

impl FromText for NextHeader {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if let Some((_, number)) = NEXT_HEADERS.iter().find(|(name, _)| *name == text) {
            return Ok(Self(*number));
        }
        if text.starts_with(char::is_numeric) {
            return Number::<u8, 0, 255>::from_text(text).map(|number| Self(number.0));
        }
        let names = NEXT_HEADERS.map(|(name, _)| name);
        Err(Complaint::new(
            format!("`{text}` is no next header known by name"),
            suggest::help(text, "write its number, 0 to 255, or one of", names),
        ))
    }

    fn schema() -> Schema {
        let names = NEXT_HEADERS.map(|(name, _)| name);
        json_schema!({
            "anyOf": [{ "enum": names }, { "type": "integer", "minimum": 0, "maximum": 255 }]
        })
    }
}

/// A Flow ID, or the word for one that is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowId {
    /// This one.
    Fixed(u32),
    /// A hash of the flow.
    Hash,
}

impl FromText for FlowId {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if text == "hash" {
            return Ok(Self::Hash);
        }
        let help = match suggest::nearest(text, ["hash"]) {
            Some(_) => "did you mean `hash`?",
            None => "write a number of 32 bits, or `hash` for one that is computed from the flow",
        };
        match Number::<u32, 0, 0xffff_ffff>::from_text(text) {
            Ok(number) => Ok(Self::Fixed(number.0)),
            Err(complaint) => Err(Complaint::new(complaint.what, help)),
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": 0xffff_ffff_u32 },
                { "const": "hash" }
            ]
        })
    }
}

/// A number of 64 bits that neither messages nor `Debug` show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretNumber(pub u64);

impl fmt::Debug for SecretNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretNumber").finish_non_exhaustive()
    }
}

impl FromText for SecretNumber {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let complaint = || {
            Complaint::new(
                "this is no number of 64 bits",
                "write a number in decimal or `0x` hex",
            )
        };
        parse_number(text).map(Self).ok_or_else(complaint)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 0 })
    }
}
