// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The domain's border: finding and removing every IOAM option of a packet's outermost headers
//! (RFC 9486, 5).

use super::options_header;
use crate::packet::PacketBuf;
use crate::wire::ioam::NamespaceId;
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};
use crate::wire::ipv6_ext::{IOAM_IMMUTABLE, IOAM_MUTABLE, Overrun, Tlv, Tlvs};

/// An extension header that holds IOAM options.
struct Found {
    named_at: usize,
    at: usize,
    len: usize,
}

/// Whether the packet at `l3` carries IOAM in Hop-by-Hop or Destination Options.
#[must_use]
pub fn carries_ioam(frame: &[u8], l3: usize) -> bool {
    find(frame, l3, is_ioam).is_some()
}

/// Whether it carries an IOAM option of such a namespace; `None` is for one that ends before it
/// tells.
#[must_use]
pub fn carries_namespace(
    frame: &[u8],
    l3: usize,
    such: impl Fn(Option<NamespaceId>) -> bool,
) -> bool {
    let namespace = |tlv: Tlv<'_>| {
        let id = tlv.data().get(2..4)?.first_chunk()?;
        Some(NamespaceId(u16::from_be_bytes(*id)))
    };
    let wanted = |tlv: Result<Tlv<'_>, Overrun>| is_ioam(tlv) && such(tlv.ok().and_then(namespace));
    find(frame, l3, wanted).is_some()
}

/// Removes every IOAM option; whether there was any. An option in a header that is malformed stays,
/// so callers drop what [`carries_ioam`] still finds afterwards.
pub fn strip<P: PacketBuf>(packet: &mut P, l3: usize) -> bool {
    let mut stripped = false;
    while let Some(Found { named_at, at, len }) = find(packet.bytes(), l3, is_ioam) {
        if options_header::remove(packet, l3, named_at, at, len, |tlv| tlv.is_ioam()).is_none() {
            break;
        }
        stripped = true;
    }
    stripped
}

fn find(
    frame: &[u8],
    l3: usize,
    wanted: impl Fn(Result<Tlv<'_>, Overrun>) -> bool,
) -> Option<Found> {
    let mut next = Ipv6Header::at(frame, l3)?.next_header;
    let (mut named_at, mut at) = (l3 + 6, l3 + HEADER);
    // Each round goes at least eight octets further, so that the frame's end ends it.
    loop {
        let rest = frame.get(at..)?;
        // A header that runs past the frame is looked through as far as it goes: better to find
        // IOAM in a broken packet than to let it out.
        let units = usize::from(*rest.get(1)?);
        let len = match next {
            next_header::FRAGMENT => 8,
            next_header::AUTHENTICATION => (units + 2) * 4,
            _ => (units + 1) * 8,
        };
        let header = rest.get(..len).unwrap_or(rest);
        match next {
            next_header::HOP_BY_HOP | next_header::DESTINATION_OPTIONS => {
                if Tlvs::new(header).any(&wanted) {
                    return Some(Found { named_at, at, len });
                }
            }
            // Behind the header of a later fragment are no headers.
            next_header::FRAGMENT if header.get(2..4).is_none_or(later) => return None,
            next_header::FRAGMENT | next_header::ROUTING | next_header::AUTHENTICATION => {}
            _ => return None,
        }
        (next, named_at, at) = (*rest.first()?, at, at + len);
    }
}

/// Whether this is an IOAM option, be it cut.
fn is_ioam(tlv: Result<Tlv<'_>, Overrun>) -> bool {
    match tlv {
        Ok(tlv) => tlv.is_ioam(),
        Err(Overrun(kind)) => kind == IOAM_MUTABLE || kind == IOAM_IMMUTABLE,
    }
}

/// Whether a fragment with this offset field is not the first.
fn later(field: &[u8]) -> bool {
    field.first() != Some(&0) || field.get(1).is_none_or(|low| low & !7 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::HeapPacket;
    use zerocopy::IntoBytes;

    fn packet(first: u8, behind: &[u8]) -> HeapPacket {
        let mut header = Ipv6Header::new([1; 16], [2; 16], first, 64);
        header
            .payload_length
            .set(u16::try_from(behind.len()).unwrap());
        HeapPacket::new(&[header.as_bytes(), behind].concat(), 0)
    }

    #[test]
    fn finds_and_strips_both_headers() {
        let behind = [
            60, 0, 1, 0, 0x31, 2, 0, 0, 17, 1, 1, 0, 0x11, 2, 0, 3, 5, 2, 0, 0, 1, 2, 0, 0, 9, 9,
        ];
        let mut packet = packet(0, &behind);
        assert!(carries_ioam(packet.bytes(), 0));
        assert!(strip(&mut packet, 0));
        assert!(!carries_ioam(packet.bytes(), 0));
        assert_eq!(packet.bytes()[6], 60);
        let left = [17, 1, 1, 4, 0, 0, 0, 0, 5, 2, 0, 0, 1, 2, 0, 0, 9, 9];
        assert_eq!(packet.bytes()[HEADER..], left);
        assert!(!strip(&mut packet, 0));
    }

    #[test]
    fn ioam_in_a_broken_header_is_found_but_not_stripped() {
        let mut packet = packet(0, &[17, 9, 1, 0, 0x31, 2, 0, 0]);
        assert!(carries_ioam(packet.bytes(), 0));
        assert!(!strip(&mut packet, 0));
    }
}
