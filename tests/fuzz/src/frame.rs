// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Frames as the targets judge them, read with no code of the data plane, so that a fault there is
//! not repeated here.

use std::ops::Range;

/// Octets of an IPv6 header.
const IPV6: usize = 40;

/// Where the IPv6 packet begins, behind at most two VLAN tags.
#[must_use]
pub fn ipv6_at(frame: &[u8]) -> Option<usize> {
    let mut at = 12;
    for tags in 0..=2 {
        match *frame.get(at..at + 2)? {
            [0x86, 0xDD] => return (frame.len() >= at + 2 + IPV6).then_some(at + 2),
            [0x81, 0] | [0x88, 0xA8] | [0x91, 0] if tags < 2 => at += 4,
            _ => return None,
        }
    }
    None
}

/// The IPv6 packet, where the frame holds all of it and its length is in the ordinary field: a zero
/// in front of a Hop-by-Hop header is a jumbogram's.
#[must_use]
pub fn whole_packet(frame: &[u8]) -> Option<Range<usize>> {
    let start = ipv6_at(frame)?;
    let payload = usize::from(u16::from_be_bytes([frame[start + 4], frame[start + 5]]));
    let end = start + IPV6 + payload;
    let jumbo = payload == 0 && frame[start + 6] == 0;
    (!jumbo && end <= frame.len()).then_some(start..end)
}

/// The data of each IOAM trace option (0x31, type 0) of the Hop-by-Hop header, from the trace
/// header on, as ranges of the frame.
#[must_use]
pub fn traces(frame: &[u8]) -> Vec<Range<usize>> {
    data_of(frame, 0)
}

/// The data of each proof of transit (0x31, type 2), likewise.
#[must_use]
pub fn proofs(frame: &[u8]) -> Vec<Range<usize>> {
    data_of(frame, 2)
}

fn data_of(frame: &[u8], ioam_type: u8) -> Vec<Range<usize>> {
    let of_type = |at: &Range<usize>| {
        frame[at.start] == 0x31 && at.len() >= 4 && frame[at.start + 3] == ioam_type
    };
    let all = options(frame).into_iter().filter(of_type);
    all.map(|at| at.start + 4..at.end).collect()
}

/// Every option of the Hop-by-Hop header but padding, with its two octets of type and length.
#[must_use]
pub fn options(frame: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let Some(header) = hop_by_hop(frame) else {
        return found;
    };
    let mut at = header.start + 2;
    while at < header.end {
        if frame[at] == 0 {
            at += 1;
            continue;
        }
        let Some(len) = frame.get(at + 1) else { break };
        let end = at + 2 + usize::from(*len);
        if end > header.end {
            break;
        }
        if frame[at] != 1 {
            found.push(at..end);
        }
        at = end;
    }
    found
}

/// The Hop-by-Hop header, as far as the frame holds it.
#[must_use]
pub fn hop_by_hop(frame: &[u8]) -> Option<Range<usize>> {
    let start = ipv6_at(frame)?;
    if frame[start + 6] != 0 {
        return None;
    }
    let header = start + IPV6;
    let len = 8 * (usize::from(*frame.get(header + 1)?) + 1);
    Some(header..(header + len).min(frame.len()))
}
