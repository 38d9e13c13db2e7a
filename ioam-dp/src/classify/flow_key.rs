// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The flow a packet belongs to: addresses, protocol and ports, behind any extension headers.

use crate::record::Flow;
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};
use crate::wire::ipv6_ext;

/// Most extension headers looked behind.
const MAX_EXTENSIONS: usize = 8;

/// The flow of the IPv6 packet at `l3`, or `None` when there is no IPv6 header. Ports are 0 where
/// the protocol has none, and in all fragments but the first.
#[inline]
#[must_use]
pub fn flow_of(frame: &[u8], l3: usize) -> Option<Flow> {
    let header = Ipv6Header::at(frame, l3)?;
    let (next_header, [source_port, destination_port]) = ports(frame, l3, header);
    Some(Flow {
        source: header.source,
        destination: header.destination,
        source_port,
        destination_port,
        next_header,
        label: header.flow_label(),
    })
}

/// As [`flow_of`], of a packet whose upper layer is known to be `protocol`, at `behind`.
#[inline]
pub(crate) fn flow_behind(frame: &[u8], l3: usize, protocol: u8, behind: usize) -> Option<Flow> {
    let header = Ipv6Header::at(frame, l3)?;
    let [source_port, destination_port] = ports_at(frame, protocol, Some(behind));
    Some(Flow {
        source: header.source,
        destination: header.destination,
        source_port,
        destination_port,
        next_header: protocol,
        label: header.flow_label(),
    })
}

/// The upper-layer protocol of the IPv6 packet at `l3`, and its ports or zeros.
#[inline]
pub(super) fn ports(frame: &[u8], l3: usize, header: &Ipv6Header) -> (u8, [u16; 2]) {
    let behind = l3 + HEADER;
    let (protocol, offset) = match header.next_header {
        // What nearly all packets have needs no walk.
        first @ (next_header::TCP | next_header::UDP) => (first, Some(behind)),
        first => upper_layer(frame, behind, first),
    };
    (protocol, ports_at(frame, protocol, offset))
}

/// The ports of a protocol that has them, or zeros.
#[inline]
fn ports_at(frame: &[u8], protocol: u8, at: Option<usize>) -> [u16; 2] {
    let has_ports = matches!(
        protocol,
        next_header::TCP | next_header::UDP | next_header::SCTP
    );
    let ports = at
        .filter(|_| has_ports)
        .and_then(|at| frame.get(at..at + 4));
    match ports {
        Some([a, b, c, d]) => [u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])],
        _ => [0; 2],
    }
}

/// The upper-layer protocol and where it begins; no offset where it cannot be seen.
pub(crate) fn upper_layer(frame: &[u8], at: usize, first: u8) -> (u8, Option<usize>) {
    let (mut at, mut protocol) = (at, first);
    for _ in 0..MAX_EXTENSIONS {
        let rest = frame.get(at..).unwrap_or(&[]);
        let len = match protocol {
            next_header::HOP_BY_HOP | next_header::ROUTING | next_header::DESTINATION_OPTIONS => {
                ipv6_ext::header_len(rest)
            }
            next_header::FRAGMENT => Some(8),
            // In units of four octets, less two (RFC 4302, 2.2).
            next_header::AUTHENTICATION => rest.get(1).map(|units| (usize::from(*units) + 2) * 4),
            _ => return (protocol, Some(at)),
        };
        let (Some(len), Some(next)) = (len, rest.first()) else {
            return (protocol, None);
        };
        let later_fragment = protocol == next_header::FRAGMENT
            && rest
                .get(2..4)
                .is_none_or(|field| u16::from_be_bytes([field[0], field[1]]) & !7 != 0);
        protocol = *next;
        if later_fragment {
            return (protocol, None);
        }
        at += len;
    }
    (protocol, None)
}

/// A hash of the flow, the same for each of its packets.
#[must_use]
pub fn flow_hash(flow: &Flow) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let source = u128::from_be_bytes(flow.source);
    let destination = u128::from_be_bytes(flow.destination);
    let ports = u64::from(flow.source_port) << 48
        | u64::from(flow.destination_port) << 32
        | u64::from(flow.next_header) << 24;
    let mut hash = ODD;
    for word in halves(source)
        .into_iter()
        .chain(halves(destination))
        .chain([ports])
    {
        hash = (hash ^ word).wrapping_mul(ODD);
        hash ^= hash >> 29;
    }
    // A multiplication carries upwards only, so that without this the low bits, of which the flow
    // label is made, would hardly depend on the ports.
    hash = (hash ^ hash >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    hash ^ hash >> 32
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the two halves of the value"
)]
fn halves(value: u128) -> [u64; 2] {
    [(value >> 64) as u64, value as u64]
}

/// The flow label of an outer header: the inner one, or else a hash of the inner flow that is never
/// 0 (RFC 6438, 3), so that all packets of a flow take one path.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "20 bits are kept")]
pub fn flow_label(inner: &Flow) -> u32 {
    match inner.label {
        0 => (flow_hash(inner) as u32 & 0xF_FFFF).max(1),
        label => label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(first: u8, behind: &[u8]) -> Vec<u8> {
        let header = Ipv6Header::new([1; 16], [2; 16], first, 64);
        let mut bytes = zerocopy::IntoBytes::as_bytes(&header).to_vec();
        bytes.extend_from_slice(behind);
        bytes
    }

    #[test]
    fn ports_are_found_behind_extension_headers() {
        let plain = flow_of(&packet(17, &[0x13, 0x88, 0, 53]), 0).unwrap();
        assert_eq!((plain.source_port, plain.destination_port), (5000, 53));
        let mut behind = vec![60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0];
        behind.extend_from_slice(&[0, 80, 0, 81]);
        let flow = flow_of(&packet(0, &behind), 0).unwrap();
        assert_eq!(
            (flow.next_header, flow.source_port, flow.destination_port),
            (6, 80, 81)
        );
    }

    #[test]
    fn later_fragments_have_no_ports() {
        let first = flow_of(&packet(44, &[17, 0, 0, 1, 0, 0, 0, 9, 0, 7, 0, 8]), 0).unwrap();
        assert_eq!(first.source_port, 7);
        let later = flow_of(&packet(44, &[17, 0, 0, 8, 0, 0, 0, 9, 0, 7, 0, 8]), 0).unwrap();
        assert_eq!((later.next_header, later.source_port), (17, 0));
    }

    #[test]
    fn a_label_of_the_flow_is_kept_and_a_missing_one_is_made() {
        let mut flow = flow_of(&packet(17, &[0, 7, 0, 8]), 0).unwrap();
        let made = flow_label(&flow);
        assert!(made != 0 && made <= 0xF_FFFF);
        assert_eq!(flow_label(&flow), made);
        flow.source_port += 1;
        assert_ne!(flow_label(&flow), made);
        flow.label = 5;
        assert_eq!(flow_label(&flow), 5);
    }
}
