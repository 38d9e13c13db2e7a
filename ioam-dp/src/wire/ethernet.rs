// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Ethernet header, seen through up to two VLAN tags (802.1Q, 802.1ad).

/// Octets of the two addresses.
pub const ADDRESSES: usize = 12;

/// Octets of an untagged header.
pub const HEADER: usize = 14;

/// The EtherType of IPv6.
pub const IPV6: u16 = 0x86DD;

const TAG: usize = 4;
const MAX_TAGS: usize = 2;

/// The frame's innermost EtherType and the offset of what follows it. A frame with more than two
/// tags yields the third tag's EtherType, which nobody takes for IPv6.
#[must_use]
pub fn payload(frame: &[u8]) -> Option<(u16, usize)> {
    let mut offset = HEADER;
    let mut ether_type = ether_type_before(frame, offset)?;
    for _ in 0..MAX_TAGS {
        if !is_tag(ether_type) {
            break;
        }
        offset += TAG;
        ether_type = ether_type_before(frame, offset)?;
    }
    Some((ether_type, offset))
}

/// As [`payload`], behind any number of tags: for a guard that must not be got round by one more.
#[must_use]
pub fn behind_all_tags(frame: &[u8]) -> Option<(u16, usize)> {
    let mut offset = HEADER;
    let mut ether_type = ether_type_before(frame, offset)?;
    while is_tag(ether_type) {
        offset += TAG;
        ether_type = ether_type_before(frame, offset)?;
    }
    Some((ether_type, offset))
}

/// Whether an EtherType is a VLAN tag's.
#[must_use]
pub fn is_tag(ether_type: u16) -> bool {
    matches!(ether_type, 0x8100 | 0x88A8 | 0x9100)
}

/// Whether the frame is addressed to more than one station.
#[must_use]
pub fn is_group(frame: &[u8]) -> bool {
    frame.first().is_some_and(|octet| octet & 1 != 0)
}

fn ether_type_before(frame: &[u8], offset: usize) -> Option<u16> {
    let field = frame.get(offset - 2..offset)?;
    Some(u16::from_be_bytes([field[0], field[1]]))
}

/// Writes the two addresses; does nothing to a frame too short for them.
pub fn set_addresses(frame: &mut [u8], destination: [u8; 6], source: [u8; 6]) {
    if let Some(addresses) = frame.first_chunk_mut::<ADDRESSES>() {
        addresses[..6].copy_from_slice(&destination);
        addresses[6..].copy_from_slice(&source);
    }
}

/// The source address, or zeros in a frame too short for one.
#[must_use]
pub fn source(frame: &[u8]) -> [u8; 6] {
    let mut address = [0; 6];
    if let Some(field) = frame.get(6..12) {
        address.copy_from_slice(field);
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(types: &[u16]) -> Vec<u8> {
        let mut frame = vec![0; ADDRESSES];
        for ether_type in types {
            frame.extend_from_slice(&ether_type.to_be_bytes());
            if *ether_type != IPV6 {
                frame.extend_from_slice(&[0, 1]);
            }
        }
        frame
    }

    #[test]
    fn sees_through_two_tags_and_no_more() {
        assert_eq!(payload(&frame(&[IPV6])), Some((IPV6, 14)));
        assert_eq!(payload(&frame(&[0x8100, IPV6])), Some((IPV6, 18)));
        assert_eq!(payload(&frame(&[0x88A8, 0x8100, IPV6])), Some((IPV6, 22)));
        assert_eq!(
            payload(&frame(&[0x88A8, 0x8100, 0x8100, IPV6])),
            Some((0x8100, 22))
        );
    }

    #[test]
    fn a_frame_that_ends_in_its_header_has_no_payload() {
        assert_eq!(payload(&[0; 13]), None);
        assert_eq!(payload(&frame(&[0x8100])), None);
    }
}
