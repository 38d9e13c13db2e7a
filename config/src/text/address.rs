// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Addresses and prefixes.

use std::net::{IpAddr, Ipv6Addr};

use ioam_dp::table::spec::PrefixSpec;
use schemars::{Schema, json_schema};

use crate::report::Complaint;
use crate::scalar::FromText;

/// A unicast IPv6 address: neither `::` nor multicast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(pub Ipv6Addr);

impl FromText for Address {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let help = "write a unicast IPv6 address, as in \"2001:db8::1\"";
        let Ok(address) = text.parse::<Ipv6Addr>() else {
            return Err(Complaint::new(format!("`{text}` is no IPv6 address"), help));
        };
        if address.is_unspecified() || address.is_multicast() || address.is_loopback() {
            return Err(Complaint::new(
                format!("`{text}` is no unicast address of a node"),
                help,
            ));
        }
        Ok(Self(address))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "format": "ipv6" })
    }
}

/// The address of a host that need not speak IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostAddress(pub IpAddr);

impl FromText for HostAddress {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let help = "write an IPv6 or IPv4 address, as in \"2001:db8::1\"";
        let Ok(address) = text.parse::<IpAddr>() else {
            return Err(Complaint::new(format!("`{text}` is no IP address"), help));
        };
        if address.is_unspecified() {
            return Err(Complaint::new(format!("`{text}` is no host"), help));
        }
        Ok(Self(address))
    }

    fn schema() -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "format": "ipv6" },
            { "type": "string", "format": "ipv4" }
        ] })
    }
}

/// An IPv6 prefix; an address alone is itself with all 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix(pub PrefixSpec);

impl FromText for Prefix {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let complaint = || {
            Complaint::new(
                format!("`{text}` is no IPv6 prefix"),
                "write an address, `/` and a length from 0 to 128, as in \"2001:db8::/32\"",
            )
        };
        let (address, length) = text.split_once('/').unwrap_or((text, "128"));
        let address: Ipv6Addr = address.parse().map_err(|_| complaint())?;
        let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
        let length: u8 = length.parse().map_err(|_| complaint())?;
        if !digits || length > 128 {
            return Err(complaint());
        }
        let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
        let kept = Ipv6Addr::from(u128::from(address) & mask);
        if kept != address {
            return Err(Complaint::new(
                format!("`{text}` has bits set beyond its length of {length}"),
                format!("write \"{kept}/{length}\""),
            ));
        }
        Ok(Self(PrefixSpec { address, length }))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$" })
    }
}

/// The Ethernet address of one station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EthernetAddress(pub [u8; 6]);

impl FromText for EthernetAddress {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let help = "write the neighbour's address, as in \"02:00:00:00:00:02\"";
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            let part = parts.next().filter(|p| p.len() == 2 && !p.starts_with('+'));
            let value = part.and_then(|part| u8::from_str_radix(part, 16).ok());
            let no_address = || Complaint::new(format!("`{text}` is no Ethernet address"), help);
            *octet = value.ok_or_else(no_address)?;
        }
        if parts.next().is_some() {
            return Err(Complaint::new(
                format!("`{text}` is no Ethernet address"),
                help,
            ));
        }
        if octets[0] & 1 == 1 || octets == [0; 6] {
            let what = format!("`{text}` is multicast or zero, not the address of one station");
            return Err(Complaint::new(what, help));
        }
        Ok(Self(octets))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$" })
    }
}
