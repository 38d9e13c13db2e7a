// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kinds of values: how each is written, what it means, and what to say of a bad one.

mod address;
mod device;
mod e2e_type;
mod keyword;
mod number;
mod range;
mod socket;
mod time;
mod trace_type;

pub use address::{Address, EthernetAddress, HostAddress, Prefix};
pub use device::{Device, PciAddress};
pub use e2e_type::E2eTypeItem;
pub use keyword::{
    ActiveWord, CollectorProfile, EdgePolicy, ForwardingMode, Group, Loopback, Malformed, Memory,
    NodeAction, OverMtu, Parity, Placement, PotType, ProtocolType, RecordKind, Semantics,
    SeveralOptions, Side, TimestampFormat, Transport, UndefinedTraceBits,
};
pub use number::{FlowId, NamespaceId, NextHeader, Number, SecretNumber, TaiOffset};
pub use range::Range;
pub use socket::{FileMode, Listen, SocketPath};
pub use time::Clock;
pub use trace_type::{OPAQUE_STATE_SNAPSHOT, TraceTypeItem, TypeBits, node_words};

use schemars::{Schema, json_schema};

use crate::report::Complaint;
use crate::scalar::FromText;

/// Text that must not be empty: a name or a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl FromText for Text {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(Complaint::new(
                "this text is empty or has control characters",
                "write printable text",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

/// `true` or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch(pub bool);

impl FromText for Switch {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match text {
            "true" => Ok(Self(true)),
            "false" => Ok(Self(false)),
            _ => Err(Complaint::new(
                format!("`{text}` is neither true nor false"),
                "write `true` or `false`",
            )),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

/// Octets, as `hex:` and pairs of hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HexData(pub Vec<u8>);

impl FromText for HexData {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let complaint = || {
            Complaint::new(
                "these are no octets in hex",
                "write `hex:` and pairs of hex digits, as in `hex:736368656d61`, or use `text:`",
            )
        };
        let digits = text.strip_prefix("hex:").ok_or_else(complaint)?.as_bytes();
        let (pairs, rest) = digits.as_chunks::<2>();
        if pairs.is_empty() || !rest.is_empty() {
            return Err(complaint());
        }
        let nibble = |digit: u8| {
            char::from(digit)
                .to_digit(16)
                .and_then(|n| u8::try_from(n).ok())
        };
        let octet = |&[high, low]: &[u8; 2]| Some(nibble(high)? << 4 | nibble(low)?);
        let octets: Option<Vec<u8>> = pairs.iter().map(octet).collect();
        octets.map(Self).ok_or_else(complaint)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^hex:([0-9A-Fa-f]{2})+$" })
    }
}
