// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What DPDK drives as a port: a PCI address, or the name and arguments of a virtual device.

use std::fmt;

use schemars::{Schema, json_schema};

use super::number::parse_number;
use crate::report::Complaint;
use crate::scalar::FromText;
use crate::suggest;

/// Virtual devices a port may be: the names DPDK matches, before the number of the instance.
const VIRTUAL: [&str; 13] = [
    "net_af_packet",
    "net_af_xdp",
    "net_bonding",
    "net_memif",
    "net_null",
    "net_pcap",
    "net_ring",
    "net_softnic",
    "net_tap",
    "net_tun",
    "net_vhost",
    "net_virtio_user",
    "virtio_user",
];

/// A PCI address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PciAddress {
    /// The domain.
    pub domain: u16,
    /// The bus.
    pub bus: u8,
    /// The device, 0 to 31.
    pub device: u8,
    /// The function, 0 to 7.
    pub function: u8,
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            domain,
            bus,
            device,
            function,
        } = self;
        write!(f, "{domain:04x}:{bus:02x}:{device:02x}.{function}")
    }
}

impl PciAddress {
    /// `DDDD:BB:DD.F` or `BB:DD.F`.
    fn parse(text: &str) -> Option<Self> {
        let hex = |part: &str, digits: usize| {
            let right = part.len() == digits && part.bytes().all(|b| b.is_ascii_hexdigit());
            right.then(|| u16::from_str_radix(part, 16).ok()).flatten()
        };
        let (place, function) = text.split_once('.')?;
        let mut parts = place.rsplit(':');
        let (device, bus) = (hex(parts.next()?, 2)?, hex(parts.next()?, 2)?);
        let domain = parts.next().map_or(Some(0), |part| hex(part, 4))?;
        let function = hex(function, 1)?;
        (parts.next().is_none() && device < 32 && function < 8).then_some(())?;
        Some(Self {
            domain,
            bus: u8::try_from(bus).ok()?,
            device: u8::try_from(device).ok()?,
            function: u8::try_from(function).ok()?,
        })
    }
}

/// A device, in the form DPDK takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// A card, with its arguments: empty, or from the comma on.
    Pci(PciAddress, String),
    /// A virtual device with its arguments.
    Virtual(String),
}

impl Device {
    /// The name DPDK gives it: without the arguments.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Pci(address, _) => address.to_string(),
            Self::Virtual(text) => text.split(',').next().unwrap_or_default().to_owned(),
        }
    }

    /// Whether it is the virtual device `kind`.
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        let digits = |rest: &str| rest.bytes().all(|b| b.is_ascii_digit());
        self.name().strip_prefix(kind).is_some_and(digits)
    }

    /// A number among its arguments.
    #[must_use]
    pub fn argument(&self, key: &str) -> Option<u64> {
        let Self::Virtual(text) = self else {
            return None;
        };
        let mut arguments = text.split(',').skip(1).filter_map(|a| a.split_once('='));
        arguments
            .find(|(name, _)| *name == key)
            .and_then(|(_, value)| parse_number(value))
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pci(address, arguments) => write!(f, "{address}{arguments}"),
            Self::Virtual(text) => text.fmt(f),
        }
    }
}

impl FromText for Device {
    fn from_text(text: &str) -> Result<Self, Complaint> {
        let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control());
        let (name, arguments) = text.split_at(text.find(',').unwrap_or(text.len()));
        if let Some(address) = PciAddress::parse(name).filter(|_| plain) {
            return Ok(Self::Pci(address, arguments.to_owned()));
        }
        let device = Self::Virtual(text.to_owned());
        if plain && VIRTUAL.iter().any(|kind| device.is(kind)) {
            return Ok(device);
        }
        let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let help = match suggest::nearest(kind, VIRTUAL) {
            Some(near) if near != kind => format!("did you mean `{near}`?"),
            _ => "write a PCI address such as \"0000:01:00.0\" (`dpdk-devbind.py --status` lists \
                  them), or a virtual device such as \"net_af_packet0,iface=eth1\""
                .to_owned(),
        };
        Err(Complaint::new(
            format!("`{text}` is no device that DPDK could drive"),
            help,
        ))
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(([0-9A-Fa-f]{4}:)?[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\\.[0-7](,\\S+)?|(net_|virtio_user)\\S*)$"
        })
    }
}
