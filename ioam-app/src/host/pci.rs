// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A PCI device as sysfs describes it.

use super::Host;
use crate::dpdk::Device;

/// Where sysfs lists the devices.
const DEVICES: &str = "/sys/bus/pci/devices";

/// What is there at one PCI address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PciDevice {
    /// Domain, bus, device and function: `0000:3b:00.0`.
    pub address: String,
    /// Vendor in the upper 16 bits, device in the lower.
    pub id: u32,
    /// Class, subclass and programming interface, 24 bits.
    pub class: u32,
    /// The driver that has it, if any.
    pub driver: Option<String>,
    /// The kernel's network interfaces on it.
    pub interfaces: Vec<String>,
    /// Its IOMMU group.
    pub group: Option<String>,
    /// Its NUMA node; `None` where the machine does not say or has but one.
    pub numa_node: Option<usize>,
}

impl PciDevice {
    /// Reads the device at a full address; `None` when there is none.
    #[must_use]
    pub fn read(host: &Host<'_>, address: &str) -> Option<Self> {
        let folder = format!("{DEVICES}/{address}");
        host.exists(&folder).then_some(())?;
        let hex = |file: &str| {
            let text = host.read(&format!("{folder}/{file}"))?;
            u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
        };
        let id = hex("vendor").unwrap_or(0) << 16 | hex("device").unwrap_or(0) & 0xffff;
        let node = host.read(&format!("{folder}/numa_node"));
        Some(Self {
            address: address.to_owned(),
            id,
            class: hex("class").unwrap_or(0),
            driver: host.link_name(&format!("{folder}/driver")),
            interfaces: interfaces(host, &folder),
            group: host.link_name(&format!("{folder}/iommu_group")),
            // -1 is "not said".
            numa_node: node.and_then(|text| text.parse().ok()),
        })
    }

    /// Every network card of the machine.
    #[must_use]
    pub fn cards(host: &Host<'_>) -> Vec<Self> {
        let addresses = host.names(DEVICES);
        let devices = addresses.iter().filter_map(|a| Self::read(host, a));
        devices.filter(Self::is_network).collect()
    }

    /// Whether it is a network card.
    #[must_use]
    pub fn is_network(&self) -> bool {
        self.class >> 16 == 0x02
    }

    /// Whether it is a bridge, which stays with the kernel and hinders nobody.
    #[must_use]
    pub fn is_bridge(&self) -> bool {
        self.class >> 16 == 0x06
    }

    /// Whether DPDK can use it with the driver it has. Cards of Mellanox stay with the kernel's.
    #[must_use]
    pub fn is_for_dpdk(&self) -> bool {
        const DRIVERS: [&str; 5] = [
            "vfio-pci",
            "uio_pci_generic",
            "igb_uio",
            "mlx4_core",
            "mlx5_core",
        ];
        self.driver
            .as_deref()
            .is_some_and(|driver| DRIVERS.contains(&driver))
    }

    /// The other devices of its IOMMU group that a driver of the kernel has: with them the group
    /// can be given to nobody.
    #[must_use]
    pub fn hindering_siblings(&self, host: &Host<'_>) -> Vec<Self> {
        let Some(group) = &self.group else {
            return Vec::new();
        };
        let all = host.names(&format!("/sys/kernel/iommu_groups/{group}/devices"));
        let others = all.iter().filter(|address| **address != self.address);
        let devices = others.filter_map(|address| Self::read(host, address));
        devices
            .filter(|device| !device.is_bridge())
            .filter(|device| !matches!(device.driver.as_deref(), None | Some("vfio-pci")))
            .collect()
    }

    /// A file of its sysfs folder.
    #[must_use]
    pub fn attribute(&self, host: &Host<'_>, name: &str) -> Option<String> {
        host.read(&format!("{DEVICES}/{}/{name}", self.address))
    }
}

/// Interfaces stand directly below a card, or below its virtio device.
fn interfaces(host: &Host<'_>, folder: &str) -> Vec<String> {
    let mut found = host.names(&format!("{folder}/net"));
    let below = host.names(folder);
    for name in below.iter().filter(|name| name.starts_with("virtio")) {
        found.extend(host.names(&format!("{folder}/{name}/net")));
    }
    found
}

/// The full address of `text`: a PCI address with or without domain, or the name of an interface.
#[must_use]
pub fn full_address(host: &Host<'_>, text: &str) -> Option<String> {
    let device = Device::new(&text.to_lowercase());
    if device.is_pci() {
        return Some(device.name().to_owned());
    }
    // A name with a slash would be a path of its own.
    (!text.is_empty() && !text.contains('/')).then_some(())?;
    let cards = PciDevice::cards(host);
    let card = cards
        .into_iter()
        .find(|card| card.interfaces.iter().any(|interface| interface == text));
    card.map(|card| card.address)
}
