// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Internet checksum (RFC 1071) with IPv6's pseudo-header (RFC 8200, 8.1).

/// The ones' complement sum of `octets`, added to `start`; not yet folded.
fn sum(start: u64, octets: &[u8]) -> u64 {
    let mut words = octets.chunks_exact(2);
    let mut total = start;
    for word in &mut words {
        total += u64::from(u16::from_be_bytes([word[0], word[1]]));
    }
    match words.remainder() {
        [last] => total + (u64::from(*last) << 8),
        _ => total,
    }
}

/// The checksum of an upper-layer message in an IPv6 packet; the message's own field must be zero.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the sum is folded to 16 bits first"
)]
pub fn upper_layer(
    source: &[u8; 16],
    destination: &[u8; 16],
    next_header: u8,
    message: &[u8],
) -> u16 {
    let mut total = sum(0, source);
    total = sum(total, destination);
    total += message.len() as u64 + u64::from(next_header);
    total = sum(total, message);
    while total > 0xFFFF {
        total = (total & 0xFFFF) + (total >> 16);
    }
    !(total as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_with_its_checksum_in_place_sums_to_zero() {
        let (source, destination) = ([0x20; 16], [0xFE; 16]);
        let mut message = [3, 0, 0, 0, 0, 0, 0, 0, 0xAB, 0xCD, 0xEF];
        let checksum = upper_layer(&source, &destination, 58, &message);
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(upper_layer(&source, &destination, 58, &message), 0);
    }
}
