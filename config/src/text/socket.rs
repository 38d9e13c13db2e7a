// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sockets: their paths, permissions and addresses.

use std::net::SocketAddr;

use schemars::{Schema, json_schema};

use super::Text;
use crate::report::Complaint;
use crate::scalar::FromText;

/// Most octets of a Unix socket's path that Linux takes, without its end.
const LONGEST_PATH: usize = 107;

/// The path of a Unix socket, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketPath(pub Option<String>);

impl FromText for SocketPath {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        if text == "none" {
            return Ok(Self(None));
        }
        let path = Text::from_text(text)?.0;
        if !path.starts_with('/') {
            let what = format!("`{path}` is no absolute path");
            let help = "write the whole path, as in `/run/ioam/ioam.sock`, or `none`";
            return Err(Complaint::new(what, help));
        }
        if path.len() > LONGEST_PATH {
            let what = format!("a path of {} octets", path.len());
            let help = format!("a socket's path has at most {LONGEST_PATH}: write a shorter one");
            return Err(Complaint::new(what, help));
        }
        Ok(Self(Some(path)))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^(none|/.*)$", "maxLength": LONGEST_PATH })
    }
}

/// Permissions of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMode(pub u32);

impl FromText for FileMode {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        let octal = digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        let mode = Some(digits)
            .filter(|digits| octal && matches!(digits.len(), 3 | 4))
            .and_then(|digits| u32::from_str_radix(digits, 8).ok())
            .filter(|mode| *mode <= 0o777);
        mode.map(Self).ok_or_else(|| {
            Complaint::new(
                format!("`{text}` are no permissions"),
                "write them in octal, as in `0600` for the owner alone or `0660`",
            )
        })
    }

    fn schema() -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "pattern": "^0?o?[0-7]{3}$" },
            { "type": "integer", "minimum": 0 }
        ] })
    }
}

/// An address and port to listen at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

impl FromText for Listen {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        text.parse().map(Self).map_err(|_| {
            Complaint::new(
                format!("`{text}` is no address with a port"),
                "write one as in `127.0.0.1:9469` or `[::1]:9469`; `[::]:9469` is every address",
            )
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": ":[0-9]+$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_written_as_people_write_them() {
        assert_eq!(SocketPath::from_text("none"), Ok(SocketPath(None)));
        let path = "/run/ioam/a.sock";
        assert_eq!(
            SocketPath::from_text(path),
            Ok(SocketPath(Some(path.to_owned())))
        );
        let long = format!("/{}", "a".repeat(107));
        for bad in ["", "a.sock", &long] {
            assert!(SocketPath::from_text(bad).is_err(), "{bad}");
        }
        for mode in ["0600", "600", "0o600"] {
            assert_eq!(FileMode::from_text(mode), Ok(FileMode(0o600)));
        }
        for bad in ["", "6", "0680", "1777", "rw", "99999999999"] {
            assert!(FileMode::from_text(bad).is_err(), "{bad}");
        }
        for bad in ["9469", "localhost:9469", "::1:9469x", "127.0.0.1"] {
            assert!(Listen::from_text(bad).is_err(), "{bad}");
        }
        assert!(Listen::from_text("[::1]:9469").is_ok());
    }
}
