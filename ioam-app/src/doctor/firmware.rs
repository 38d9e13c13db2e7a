// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The firmware of cards of Intel's 700 series (i40e): its version, and its own LLDP agent.

use super::{Examination, Finding};
use crate::host::{Host, PciDevice};

/// The version that the driver of the DPDK this program is linked with was tested with, as the guide
/// of DPDK 22.11 lists it.
const DPDK: &str = "22.11";
const TESTED: Nvm = Nvm(9, 1);
/// From here on the driver stops the firmware's LLDP agent itself.
const STOPS_LLDP: Nvm = Nvm(6, 1);

/// A version of the card's memory, as in `9.01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Nvm(u32, u32);

impl Nvm {
    /// The first word of what `ethtool -i` says.
    fn parse(text: &str) -> Option<Self> {
        let word = text.split_whitespace().next()?;
        let (major, minor) = word.split_once('.')?;
        // Two digits always: `7.0` would be `7.00`.
        let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
        Some(Self(major.parse().ok()?, digits.parse().ok()?))
    }
}

/// Cards of the X710, XL710 and XXV710; the X722 has versions of its own.
fn is_700_series(card: &PciDevice) -> bool {
    const DEVICES: [u32; 12] = [
        0x1572, 0x1580, 0x1581, 0x1583, 0x1584, 0x1585, 0x1586, 0x1589, 0x158a, 0x158b, 0x104f,
        0x15ff,
    ];
    card.id >> 16 == 0x8086 && DEVICES.contains(&(card.id & 0xffff))
}

pub(super) fn examine(examination: &Examination<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for card in examination.cards.iter().filter(|card| is_700_series(card)) {
        let version = version(examination, card);
        findings.push(nvm(card, version.as_deref()));
        findings.push(lldp(examination, card, version.as_deref()));
    }
    findings
}

/// What `ethtool -i` says, now or, for a card that DPDK has, when it was bound.
fn version(examination: &Examination<'_>, card: &PciDevice) -> Option<String> {
    match card.interfaces.first() {
        Some(interface) => firmware_of(examination.host, interface),
        None => examination.bindings.get(&card.address)?.firmware.clone(),
    }
}

/// The firmware version the kernel's driver reads from an interface's card.
pub(crate) fn firmware_of(host: &Host<'_>, interface: &str) -> Option<String> {
    let text = host.run("ethtool", &["-i", interface]).ok()?;
    let version = text
        .lines()
        .find_map(|line| line.strip_prefix("firmware-version:"))?
        .trim();
    (!version.is_empty()).then(|| version.to_owned())
}

/// Whether the firmware's own LLDP agent is off; `None` where the driver does not say.
pub(crate) fn firmware_lldp_is_off(host: &Host<'_>, interface: &str) -> Option<bool> {
    let text = host
        .run("ethtool", &["--show-priv-flags", interface])
        .ok()?;
    let line = text
        .lines()
        .find(|line| line.starts_with("disable-fw-lldp"))?;
    Some(line.ends_with("on"))
}

fn nvm(card: &PciDevice, version: Option<&str>) -> Finding {
    const CHECK: &str = "nvm";
    const UPDATE: &str = "nvmupdate64e # of Intel's NVM Update Utility for the 700 series";
    let address = &card.address;
    let known = version.and_then(|text| Some((text, Nvm::parse(text)?)));
    let Some((text, nvm)) = known else {
        let mend = match card.interfaces.first() {
            Some(interface) => format!("ethtool -i {interface}"),
            None => format!("ioam unbind {address} # then `ethtool -i`, and bind it again"),
        };
        let said = version
            .map(|text| format!(" (`{text}`)"))
            .unwrap_or_default();
        return Finding::info(CHECK, format!("{address}: the version is unknown{said}"))
            .why(format!(
                "DPDK {DPDK} was tested with 9.01, and some versions lose packets"
            ))
            .mend(mend);
    };
    let found = format!("{address}: NVM {text}");
    match nvm {
        Nvm(6, 0 | 1) => Finding::warn(CHECK, found)
            .why("6.0.1 drops received packets above 27 Mpps by design")
            .mend(UPDATE),
        Nvm(7, 0) => Finding::warn(CHECK, found)
            .why("7.0 breaks commands that configure queues")
            .mend(UPDATE),
        nvm if nvm == TESTED => Finding::ok(CHECK, format!("{found}, as DPDK {DPDK} wants it")),
        nvm if nvm < TESTED => Finding::warn(CHECK, found)
            .why(format!(
                "older than the 9.01 that DPDK {DPDK} was tested with"
            ))
            .mend(UPDATE),
        _ => Finding::info(CHECK, found).why(format!(
            "newer than the 9.01 that DPDK {DPDK} was tested with: mostly harmless"
        )),
    }
}

fn lldp(examination: &Examination<'_>, card: &PciDevice, version: Option<&str>) -> Finding {
    const CHECK: &str = "firmware-lldp";
    const WHY: &str = "the agent may divide the queues among traffic classes, and half of them \
                       then get no packets, which nothing shows";
    let address = &card.address;
    let off = match card.interfaces.first() {
        Some(interface) => firmware_lldp_is_off(examination.host, interface),
        None => {
            let binding = examination.bindings.get(&card.address);
            binding.and_then(|binding| binding.lldp_off)
        }
    };
    let interface = card.interfaces.first().map_or("INTERFACE", String::as_str);
    let mend = format!("ethtool --set-priv-flags {interface} disable-fw-lldp on");
    let mend = if card.interfaces.is_empty() {
        format!("ioam unbind {address} && {mend} && ioam bind {address}")
    } else {
        mend
    };
    let stopped = version
        .and_then(Nvm::parse)
        .is_some_and(|nvm| nvm >= STOPS_LLDP);
    match off {
        Some(true) => Finding::ok(CHECK, format!("{address}: off")),
        _ if stopped => Finding::ok(
            CHECK,
            format!("{address}: DPDK stops it, as from NVM 6.01 on it can"),
        ),
        Some(false) => Finding::warn(CHECK, format!("{address}: on"))
            .why(WHY)
            .mend(mend),
        None => Finding::info(CHECK, format!("{address}: unknown"))
            .why(WHY)
            .mend(mend),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_ethtool_writes_them() {
        assert_eq!(Nvm::parse("9.01 0x8000cfeb 1.3256.0"), Some(Nvm(9, 1)));
        assert_eq!(Nvm::parse("6.01 0x80003484 1.1747.0"), Some(Nvm(6, 1)));
        assert_eq!(Nvm::parse("8.30 0x8000a4ae"), Some(Nvm(8, 30)));
        assert_eq!(Nvm::parse("N/A"), None);
        assert_eq!(Nvm::parse(""), None);
    }
}
