// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Taking options out of an extension header, and re-padding what stays (RFC 8200, 4.2).

use super::{packet_end, shorten};
use crate::packet::PacketBuf;
use crate::wire::ipv6::next_header;
use crate::wire::ipv6_ext::{self, MAX_HEADER, Tlv, Tlvs};

/// Removes the options that `unwanted` names from the extension header at `at` (octets `len`),
/// whose type stands in the octet at `named_at`. What stays keeps its place modulo eight, so that
/// every alignment it may need is kept; a header with nothing but padding left goes altogether.
/// Returns the octets by which the packet became shorter, which may be 0, or `None` where nothing
/// was removed: none was there, or the header is broken.
pub fn remove<P: PacketBuf>(
    packet: &mut P,
    l3: usize,
    named_at: usize,
    at: usize,
    len: usize,
    unwanted: impl Fn(&Tlv<'_>) -> bool,
) -> Option<usize> {
    // A header that the payload length does not cover cannot be taken out of that length.
    if packet_end(packet.bytes(), l3).is_ok_and(|end| end < at + len) {
        return None;
    }
    let mut rebuilt = [0u8; MAX_HEADER];
    let header = packet.bytes().get(at..at + len)?;
    let mut kept = rebuild(header, &mut rebuilt, unwanted)?;
    let behind = header.first().copied().unwrap_or(0);
    if kept == 0 && behind == next_header::HOP_BY_HOP {
        // A Hop-by-Hop header that nobody read, since it was not the first, must not become it.
        kept = 8;
        ipv6_ext::pad(rebuilt.get_mut(2..kept)?);
        rebuilt[1] = 0;
    }
    let gone = len - kept;
    let frame = packet.bytes_mut();
    if kept == 0
        && let Some(name) = frame.get_mut(named_at)
    {
        *name = behind;
    }
    if let (Some(place), Some(new)) = (frame.get_mut(at + gone..at + len), rebuilt.get(..kept)) {
        place.copy_from_slice(new);
    }
    shorten(frame, l3, gone);
    frame.copy_within(..at, gone);
    // The frame holds at least the header just shortened, so this cannot fail.
    let shrunk = packet.shrink_front(gone);
    debug_assert!(shrunk, "a frame is at least as long as the header in it");
    Some(gone)
}

/// Lays out what stays of `header`; its length, 0 when only padding is left, or `None` when there
/// is nothing to remove.
fn rebuild(
    header: &[u8],
    rebuilt: &mut [u8; MAX_HEADER],
    unwanted: impl Fn(&Tlv<'_>) -> bool,
) -> Option<usize> {
    rebuilt.get_mut(..2)?.copy_from_slice(header.get(..2)?);
    let (mut end, mut removed) = (2, false);
    for tlv in Tlvs::new(header) {
        let tlv = tlv.ok()?;
        if unwanted(&tlv) {
            removed = true;
        } else if !tlv.is_padding() {
            let start = end + (tlv.at - end) % 8;
            ipv6_ext::pad(rebuilt.get_mut(end..start)?);
            end = start + tlv.octets.len();
            rebuilt.get_mut(start..end)?.copy_from_slice(tlv.octets);
        }
    }
    if !removed {
        return None;
    }
    if end == 2 {
        return Some(0);
    }
    let total = end.next_multiple_of(8);
    ipv6_ext::pad(rebuilt.get_mut(end..total)?);
    rebuilt[1] = u8::try_from(total / 8 - 1).ok()?;
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::HeapPacket;
    use crate::wire::ipv6::{HEADER, Ipv6Header};
    use zerocopy::IntoBytes;

    fn packet(header: &[u8]) -> HeapPacket {
        let mut ipv6 = Ipv6Header::new([1; 16], [2; 16], 0, 64);
        ipv6.payload_length
            .set(u16::try_from(header.len() + 3).unwrap());
        let frame = [ipv6.as_bytes(), header, b"end"].concat();
        HeapPacket::new(&frame, 0)
    }

    fn without_ioam(header: &[u8]) -> (Vec<u8>, u8) {
        let mut packet = packet(header);
        remove(&mut packet, 0, 6, HEADER, header.len(), |tlv| tlv.is_ioam());
        let length = Ipv6Header::at(packet.bytes(), 0)
            .unwrap()
            .payload_length
            .get();
        assert_eq!(usize::from(length), packet.bytes().len() - HEADER);
        assert!(packet.bytes().ends_with(b"end"));
        let left = packet.bytes().len() - 3;
        (packet.bytes()[HEADER..left].to_vec(), packet.bytes()[6])
    }

    #[test]
    fn others_stay_in_place_modulo_eight() {
        let alert = [
            17, 2, 5, 2, 0, 0, 1, 0, 0x31, 6, 0, 0, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0,
        ];
        let (left, next) = without_ioam(&alert);
        assert_eq!(left, [17, 0, 5, 2, 0, 0, 1, 0]);
        assert_eq!(next, 0);
        let behind = [
            17, 2, 1, 0, 0x31, 2, 0, 0, 1, 2, 0, 0, 5, 2, 7, 7, 1, 6, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(without_ioam(&behind).0, [17, 0, 1, 0, 5, 2, 7, 7]);
    }

    #[test]
    fn an_empty_header_goes_and_the_chain_closes() {
        let (left, next) = without_ioam(&[17, 0, 1, 0, 0x31, 2, 0, 0]);
        assert!(left.is_empty());
        assert_eq!(next, 17);
    }

    #[test]
    fn a_second_hop_by_hop_header_does_not_become_the_first() {
        let (left, next) = without_ioam(&[0, 1, 1, 0, 0x31, 2, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0]);
        assert_eq!(left, [0, 0, 1, 4, 0, 0, 0, 0]);
        assert_eq!(next, 0);
    }

    #[test]
    fn nothing_to_remove_changes_nothing() {
        let header = [17, 0, 5, 2, 0, 0, 1, 0];
        assert_eq!(without_ioam(&header), (header.to_vec(), 0));
    }
}
