// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ranges of 16-bit numbers: `53` or `5000-6000`.

use std::ops::RangeInclusive;

use schemars::{Schema, json_schema};

use super::number::parse_number;
use crate::report::Complaint;
use crate::scalar::FromText;

/// One number or an inclusive range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range(pub RangeInclusive<u16>);

impl FromText for Range {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let complaint = || {
            Complaint::new(
                format!("`{text}` is no range"),
                "write one number, 0 to 65535, or two with `-` between, as in `5000-6000`",
            )
        };
        let number = |text: &str| {
            let wide = parse_number(text.trim()).ok_or_else(complaint)?;
            u16::try_from(wide).map_err(|_| complaint())
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(Complaint::new(
                format!("the range `{text}` is empty: it ends before it begins"),
                format!("write `{last}-{first}`"),
            ));
        }
        Ok(Self(first..=last))
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": 0xffff },
                { "type": "string", "pattern": "^(0[xX][0-9A-Fa-f]+|[0-9]+)( *- *(0[xX][0-9A-Fa-f]+|[0-9]+))?$" }
            ]
        })
    }
}
