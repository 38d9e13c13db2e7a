// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A device as the configuration names it, and what its driver is known to want.

/// Octets of Ethernet header and checksum, with room for two VLAN tags: drivers allow for as much.
const FRAME_OVERHEAD: u32 = 14 + 4 + 2 * 4;

/// Drivers count their receive buffers in steps of this many octets, and round down.
const BUFFER_STEP: u32 = 1024;

/// `framesz` of `net_af_packet` when its device string does not set it.
const AF_PACKET_FRAME_SIZE: u32 = 2048;

/// Octets of each `net_af_packet` frame that the kernel's header takes; longer frames are cut off
/// without a word.
const AF_PACKET_HEADER: u32 = 66;

/// A device string taken apart: `name,key=value,…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    text: String,
    name: String,
}

impl Device {
    /// Takes `text` apart. A PCI address without domain gets domain 0, as DPDK names it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let first = text.split(',').next().unwrap_or_default();
        let short_pci = is_pci_address(&format!("0000:{first}"));
        let domain = if short_pci { "0000:" } else { "" };
        Self {
            text: format!("{domain}{text}"),
            name: format!("{domain}{first}"),
        }
    }

    /// The whole string, as DPDK takes it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// DPDK's name of the device: the PCI address, or the driver's name with a number.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a PCI address.
    #[must_use]
    pub fn is_pci(&self) -> bool {
        is_pci_address(&self.name)
    }

    /// The name without its number: a virtual device's driver.
    #[must_use]
    pub fn driver(&self) -> &str {
        self.name
            .trim_end_matches(|character: char| character.is_ascii_digit())
    }

    /// The value of `key=`.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.text
            .split(',')
            .skip(1)
            .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
    }

    /// The kernel's interface the device stands on, where the driver needs an existing one. Its MTU
    /// is the administrator's, and the driver's own idea of it of no effect.
    pub(super) fn interface(&self) -> Option<&str> {
        match self.driver() {
            "net_af_packet" | "net_af_xdp" | "net_pcap" => self.value("iface"),
            _ => None,
        }
    }

    fn frame_size(&self) -> u32 {
        self.value("framesz")
            .and_then(|size| size.parse().ok())
            .unwrap_or(AF_PACKET_FRAME_SIZE)
    }

    /// The largest MTU the driver carries whole beyond what it says of itself, with the remedy for
    /// an MTU of `asked`.
    pub(super) fn hidden_mtu_limit(&self, asked: u32) -> Option<(u32, String)> {
        match self.driver() {
            "net_af_packet" => {
                let most = self.frame_size().saturating_sub(AF_PACKET_HEADER + 18);
                Some((most, af_packet_remedy(asked)))
            }
            "net_tap" => Some((
                1500,
                "set `mtu: 1500`, or use net_af_packet on one end of a veth pair".to_owned(),
            )),
            _ => None,
        }
    }

    /// What to write for `asked` queues.
    pub(super) fn queues_remedy(&self, asked: u16, most: u16) -> String {
        if self.driver() == "net_af_packet" {
            format!("write `qpairs={asked}` in its device string")
        } else {
            format!("set `queues: {most}`, or use fewer workers")
        }
    }
}

/// The `framesz`, `blocksz` and `framecnt` that carry `mtu`, as an advice.
fn af_packet_remedy(mtu: u32) -> String {
    let size = (mtu + 18 + AF_PACKET_HEADER).next_power_of_two().max(4096);
    let count = if size > 4096 { 512 } else { 1024 };
    let block = size.max(65_536);
    format!("write `framesz={size},blocksz={block},framecnt={count}` in its device string")
}

/// Octets a buffer needs behind its headroom for whole frames of `device` at `mtu`: the
/// `data_room` of [`Mempool::new`](super::Mempool::new).
#[must_use]
pub fn frame_room(device: &Device, mtu: u16) -> u32 {
    let frame = (u32::from(mtu) + FRAME_OVERHEAD).max(2048);
    let wanted = if device.driver() == "net_af_packet" {
        frame.max(device.frame_size())
    } else {
        frame
    };
    wanted.next_multiple_of(BUFFER_STEP)
}

/// Whether `text` is `domain:bus:device.function` in hexadecimal.
fn is_pci_address(text: &str) -> bool {
    let Some((front, function)) = text.split_once('.') else {
        return false;
    };
    let mut parts = front.split(':');
    let hexadecimal = |part: Option<&str>, longest: usize| {
        part.is_some_and(|part| {
            !part.is_empty()
                && part.len() <= longest
                && part.chars().all(|digit| digit.is_ascii_hexdigit())
        })
    };
    hexadecimal(parts.next(), 8)
        && hexadecimal(parts.next(), 2)
        && hexadecimal(parts.next(), 2)
        && parts.next().is_none()
        && hexadecimal(Some(function), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_string_is_taken_apart() {
        let device = Device::new("net_af_packet0,iface=a1,framesz=4096");
        assert_eq!(device.name(), "net_af_packet0");
        assert_eq!(device.driver(), "net_af_packet");
        assert_eq!(device.value("framesz"), Some("4096"));
        assert_eq!(device.value("frame"), None);
        assert_eq!(device.interface(), Some("a1"));
        assert!(!device.is_pci());
    }

    #[test]
    fn pci_addresses_are_known_with_and_without_domain() {
        assert!(Device::new("0000:01:00.0").is_pci());
        assert_eq!(Device::new("01:00.1").name(), "0000:01:00.1");
        assert_eq!(Device::new("01:00.1,key=1").text(), "0000:01:00.1,key=1");
        for text in ["net_tap0", "01:00", "xx:00.0", "1:2:3:4.0", "", "."] {
            assert!(!Device::new(text).is_pci(), "{text}");
        }
    }

    #[test]
    fn af_packet_frames_bound_the_mtu_and_the_advice_lifts_the_bound() {
        let plain = Device::new("net_af_packet0,iface=a1");
        assert_eq!(
            plain.hidden_mtu_limit(1500).map(|limit| limit.0),
            Some(1964)
        );
        for mtu in [2000, 4012, 4013, 9000, 16_000] {
            let (_, remedy) = plain.hidden_mtu_limit(mtu).unwrap();
            let words = remedy.split('`').nth(1).unwrap();
            let advised = Device::new(&format!("net_af_packet0,iface=a1,{words}"));
            let (most, _) = advised.hidden_mtu_limit(mtu).unwrap();
            assert!(most >= mtu, "{mtu}: {words}");
        }
    }

    #[test]
    fn the_frame_room_holds_the_frame_in_whole_steps() {
        let physical = Device::new("0000:01:00.0");
        assert_eq!(frame_room(&physical, 1500), 2048);
        assert_eq!(frame_room(&physical, 9000), 9216);
        let packet = Device::new("net_af_packet0,iface=a1,framesz=16384");
        assert_eq!(frame_room(&packet, 9000), 16_384);
    }
}
