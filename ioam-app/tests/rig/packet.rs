// SPDX-License-Identifier: Apache-2.0 OR MIT
//! IPv6 packets, octet by octet.

use std::net::Ipv6Addr;

/// Octets of an Ethernet header without tags.
pub(crate) const ETHERNET: usize = 14;
/// Octets of an IPv6 header.
pub(crate) const IPV6: usize = 40;

pub(crate) fn hex(octets: &[u8]) -> String {
    use std::fmt::Write as _;
    octets.iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").unwrap();
        text
    })
}

pub(crate) fn of_hex(digits: &str) -> Vec<u8> {
    let octet = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.trim_end().len()).step_by(2).map(octet).collect()
}

/// A UDP datagram in IPv6.
#[derive(Clone, Debug)]
pub(crate) struct Udp {
    pub(crate) source: Ipv6Addr,
    pub(crate) destination: Ipv6Addr,
    pub(crate) ports: (u16, u16),
    pub(crate) hop_limit: u8,
    /// Traffic class and flow label: the low 28 bits of the first word.
    pub(crate) class_and_label: u32,
    pub(crate) payload: Vec<u8>,
}

impl Udp {
    pub(crate) fn new(source: &str, destination: &str, ports: (u16, u16)) -> Self {
        Self {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            ports,
            hop_limit: 64,
            class_and_label: 0x0B8_12345,
            payload: b"a payload of some 26 octets".to_vec(),
        }
    }

    /// The packet from the IPv6 header on.
    pub(crate) fn packet(&self) -> Vec<u8> {
        let length = u16::try_from(8 + self.payload.len()).unwrap();
        let (from, to) = self.ports;
        let mut datagram = [from, to, length, 0].map(u16::to_be_bytes).concat();
        datagram.extend(&self.payload);
        let mut pseudo = self.source.octets().to_vec();
        pseudo.extend(self.destination.octets());
        pseudo.extend(u32::from(length).to_be_bytes());
        pseudo.extend([0, 0, 0, 17]);
        pseudo.extend(&datagram);
        let sum = match checksum(&pseudo) {
            0 => 0xFFFF,
            sum => sum,
        };
        datagram[6..8].copy_from_slice(&sum.to_be_bytes());
        ipv6(
            self.source,
            self.destination,
            self.class_and_label,
            17,
            self.hop_limit,
            &datagram,
        )
    }
}

/// An IPv6 header and what follows it.
pub(crate) fn ipv6(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    class_and_label: u32,
    next_header: u8,
    hop_limit: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut packet = (0x6000_0000 | class_and_label).to_be_bytes().to_vec();
    packet.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    packet.extend([next_header, hop_limit]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(payload);
    packet
}

/// The Internet checksum (RFC 1071).
pub(crate) fn checksum(octets: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    let sum: u32 = octets.chunks(2).map(word).sum();
    let folded = (sum & 0xFFFF) + (sum >> 16);
    !u16::try_from((folded & 0xFFFF) + (folded >> 16)).unwrap()
}

/// `packet` with a Hop-by-Hop header of `options`, which are padded to a multiple of 8.
pub(crate) fn with_options(packet: &[u8], options: &[u8]) -> Vec<u8> {
    let mut header = vec![packet[6], 0];
    header.extend(options);
    match (8 - header.len() % 8) % 8 {
        0 => {}
        1 => header.push(0),
        pad => {
            header.extend([1, u8::try_from(pad - 2).unwrap()]);
            header.resize(header.len().next_multiple_of(8), 0);
        }
    }
    header[1] = u8::try_from(header.len() / 8 - 1).unwrap();
    let mut whole = packet[..IPV6].to_vec();
    whole[6] = 0;
    whole.extend(&header);
    whole.extend(&packet[IPV6..]);
    fix_length(&mut whole);
    whole
}

/// `packet` in an outer IPv6 header that is a copy of its own, addresses aside, as Linux does it.
pub(crate) fn tunnelled(packet: &[u8], source: &str, destination: &str) -> Vec<u8> {
    let mut outer = packet[..IPV6].to_vec();
    outer[6] = 41;
    outer[8..24].copy_from_slice(&source.parse::<Ipv6Addr>().unwrap().octets());
    outer[24..40].copy_from_slice(&destination.parse::<Ipv6Addr>().unwrap().octets());
    outer.extend(packet);
    fix_length(&mut outer);
    outer
}

fn fix_length(packet: &mut [u8]) {
    let length = u16::try_from(packet.len() - IPV6).unwrap();
    packet[4..6].copy_from_slice(&length.to_be_bytes());
}

/// A frame from `source` to `destination` with `tags`, each TPID and TCI, before `packet`.
pub(crate) fn tagged(
    destination: [u8; 6],
    source: [u8; 6],
    tags: &[(u16, u16)],
    packet: &[u8],
) -> Vec<u8> {
    let mut frame = [destination, source].concat();
    for (tpid, tci) in tags {
        frame.extend(tpid.to_be_bytes());
        frame.extend(tci.to_be_bytes());
    }
    frame.extend([0x86, 0xDD]);
    frame.extend(packet);
    frame
}

pub(crate) fn frame(destination: [u8; 6], source: [u8; 6], packet: &[u8]) -> Vec<u8> {
    tagged(destination, source, &[], packet)
}

/// A frame with some packet.
pub(crate) fn any() -> Vec<u8> {
    let mut udp = Udp::new("2001:db8::1", "2001:db8::2", (5000, 5001));
    udp.payload = vec![0x5A; 64];
    frame([2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 1], &udp.packet())
}

/// Whether a frame without tags is IPv6 with these as innermost upper layer and UDP destination
/// port: outer IPv6 headers and options headers are passed over.
pub(crate) fn udp_port(frame: &[u8]) -> Option<u16> {
    if frame.get(12..ETHERNET)? != [0x86, 0xDD] {
        return None;
    }
    let (mut at, mut next) = (ETHERNET + IPV6, *frame.get(ETHERNET + 6)?);
    loop {
        match next {
            0 | 60 => {
                let head = frame.get(at..at + 2)?;
                next = head[0];
                at += (usize::from(head[1]) + 1) * 8;
            }
            41 => {
                next = *frame.get(at + 6)?;
                at += IPV6;
            }
            17 => {
                return Some(u16::from_be_bytes(
                    frame.get(at + 2..at + 4)?.try_into().ok()?,
                ));
            }
            _ => return None,
        }
    }
}
