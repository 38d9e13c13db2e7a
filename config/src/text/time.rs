// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A moment as `seconds.nanoseconds`.

use ioam_dp::timestamp::WallTime;
use schemars::{Schema, json_schema};

use crate::report::Complaint;
use crate::scalar::FromText;

/// A moment in UTC; up to nine digits after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock(pub WallTime);

impl FromText for Clock {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let complaint = || {
            Complaint::new(
                format!("`{text}` is no moment"),
                "write UTC seconds since 1970, a point and up to nine digits, \
                 as in \"1723560226.123456789\"",
            )
        };
        let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(seconds) || !digits(fraction) || fraction.len() > 9 {
            return Err(complaint());
        }
        Ok(Self(WallTime {
            seconds: seconds.parse().map_err(|_| complaint())?,
            nanoseconds: format!("{fraction:0<9}").parse().map_err(|_| complaint())?,
        }))
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["string", "number"], "pattern": "^[0-9]+(\\.[0-9]{1,9})?$" })
    }
}
