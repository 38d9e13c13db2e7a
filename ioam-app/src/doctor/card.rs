// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The IOMMU, each card's driver and IOMMU group, and the PCIe lanes it has.

use super::{Examination, Finding};
use crate::host::{Host, PciDevice};

/// Gigabits a second of a port, by Intel's device ids; all cards here have two ports at most that
/// fill their slot.
const RATES: [(u32, f64); 6] = [
    (0x8086_1583, 40.0),
    (0x8086_1584, 40.0),
    (0x8086_1585, 40.0),
    (0x8086_1572, 10.0),
    (0x8086_158a, 25.0),
    (0x8086_158b, 25.0),
];

pub(super) fn examine(examination: &Examination<'_>) -> Vec<Finding> {
    let host = examination.host;
    let mut findings = Vec::from_iter(iommu(examination));
    if examination.node.is_none() && examination.cards.is_empty() {
        findings.push(Finding::info(
            "card",
            "this machine has no PCI network card",
        ));
    }
    for card in &examination.cards {
        findings.push(binding(examination, card));
        findings.extend(group(host, card));
        findings.extend(lanes(host, card));
    }
    findings
}

/// Whether there is an IOMMU in use.
fn iommu(examination: &Examination<'_>) -> Option<Finding> {
    const CHECK: &str = "iommu";
    let host = examination.host;
    if examination.cards.is_empty() {
        return None;
    }
    if !host.names("/sys/kernel/iommu_groups").is_empty() {
        let unsafe_mode = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode";
        return Some(if host.read(unsafe_mode).as_deref() == Some("Y") {
            Finding::warn(CHECK, "on, and vfio may go without it")
                .why("a card without IOMMU group may then write anywhere in memory")
                .mend(format!("echo N > {unsafe_mode}"))
        } else {
            Finding::ok(CHECK, "on")
        });
    }
    let cpu = host.read("/proc/cpuinfo").unwrap_or_default();
    let words = if cpu.contains("AuthenticAMD") {
        "iommu=pt"
    } else {
        "intel_iommu=on iommu=pt"
    };
    let kernel = host.read("/proc/cmdline").unwrap_or_default();
    let asked = kernel.split_whitespace().any(|word| word == "iommu=pt");
    let mend = if asked {
        "turn VT-d (AMD: IOMMU) on in the machine's firmware".to_owned()
    } else {
        kernel_words(words)
    };
    let finding = if examination.has_card() {
        Finding::error(CHECK, "off: there are no IOMMU groups")
    } else {
        Finding::info(CHECK, "off: there are no IOMMU groups")
    };
    Some(
        finding
            .why("vfio-pci gives a card away only behind an IOMMU")
            .mend(mend),
    )
}

/// The command that adds words to the kernel's command line, on Debian.
pub(super) fn kernel_words(words: &str) -> String {
    format!(
        "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&{words} /' /etc/default/grub && update-grub && reboot"
    )
}

fn binding(examination: &Examination<'_>, card: &PciDevice) -> Finding {
    const CHECK: &str = "binding";
    let address = &card.address;
    let interfaces = match card.interfaces.join(", ") {
        names if names.is_empty() => String::new(),
        names => format!(" as {names}"),
    };
    let has = match &card.driver {
        Some(driver) => format!("{address} has the driver {driver}{interfaces}"),
        None => format!("{address} has no driver"),
    };
    if card.is_for_dpdk() {
        return Finding::ok(CHECK, has);
    }
    if examination.node.is_none() {
        return Finding::info(CHECK, has).why("DPDK cannot use it until it is given away");
    }
    Finding::error(CHECK, has)
        .why("DPDK reaches the card through vfio-pci")
        .mend(format!("ioam bind {address}"))
}

/// The other devices of its IOMMU group have to go together with it.
fn group(host: &Host<'_>, card: &PciDevice) -> Option<Finding> {
    const CHECK: &str = "iommu-group";
    let group = card.group.as_ref()?;
    let others = card.hindering_siblings(host);
    let address = &card.address;
    if others.is_empty() {
        return Some(Finding::ok(
            CHECK,
            format!("{address} is alone in group {group}"),
        ));
    }
    let list: Vec<String> = others
        .iter()
        .map(|other| {
            let driver = other.driver.as_deref().unwrap_or_default();
            format!("{} (driver {driver})", other.address)
        })
        .collect();
    let addresses: Vec<&str> = others.iter().map(|o| o.address.as_str()).collect();
    let found = format!("{address} shares group {group} with {}", list.join(", "));
    // Only a card that is given away is hindered.
    let finding = if card.driver.as_deref() == Some("vfio-pci") {
        Finding::error(CHECK, found)
    } else {
        Finding::info(CHECK, found)
    };
    Some(
        finding
            .why("vfio gives a group away as a whole; until then the group is not viable")
            .mend(format!("ioam bind {}", addresses.join(" "))),
    )
}

/// Lanes and their speed, against what the card can do and what its port needs.
fn lanes(host: &Host<'_>, card: &PciDevice) -> Option<Finding> {
    const CHECK: &str = "pcie";
    let speed = |name: &str| -> Option<f64> {
        let text = card.attribute(host, name)?;
        text.split(' ').next()?.parse().ok()
    };
    let width = |name: &str| -> Option<u32> { card.attribute(host, name)?.parse().ok() };
    let (now, lanes) = (speed("current_link_speed")?, width("current_link_width")?);
    // Devices of virtual machines have no lanes.
    (lanes > 0).then_some(())?;
    let (best, most) = (
        speed("max_link_speed").unwrap_or(now),
        width("max_link_width").unwrap_or(lanes),
    );
    // 8b/10b up to 5 GT/s, 128b/130b from 8 GT/s on.
    let rate = now * f64::from(lanes) * if now < 8.0 { 0.8 } else { 128.0 / 130.0 };
    let address = &card.address;
    let found = format!("{address}: {lanes} lanes of {now} GT/s, {rate:.0} Gbit/s");
    let needed = RATES.iter().find(|(id, _)| *id == card.id).map(|r| r.1);
    let mend = format!("put the card into a slot of {most} lanes; lspci -vv -s {address} shows it");
    Some(if needed.is_some_and(|needed| rate < needed) {
        Finding::error(CHECK, format!("{found}; one port alone has more"))
            .why("what does not fit the lanes is dropped in the card, before anyone can count it")
            .mend(mend)
    } else if now < best || lanes < most {
        let found = format!("{found}; the card can do {most} lanes of {best} GT/s");
        Finding::warn(CHECK, found)
            .why("small packets cost descriptors and headers too: lanes run full before the link")
            .mend(mend)
    } else {
        Finding::ok(CHECK, found)
    })
}
