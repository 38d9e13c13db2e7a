// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Extension headers that hold options: Hop-by-Hop and Destination (RFC 8200, 4.2, 4.3, 4.6).
//!
//! ```text
//! |  Next Header  |  Hdr Ext Len  |  options: Pad1 (00), or type, length, data ...
//! ```

/// The option type of a single octet of padding; it has no length octet.
pub const PAD1: u8 = 0;
/// The option type of two or more octets of padding.
pub const PADN: u8 = 1;
/// The IOAM option whose data may change en route (RFC 9486, 3).
pub const IOAM_MUTABLE: u8 = 0x31;
/// The IOAM option whose data do not change en route (RFC 9486, 3).
pub const IOAM_IMMUTABLE: u8 = 0x11;

/// Most octets one header can have: 256 units of eight.
pub const MAX_HEADER: usize = 2048;

/// Octets of the header that begins with `start`, or `None` when fewer than two octets are left.
#[must_use]
pub fn header_len(start: &[u8]) -> Option<usize> {
    start.get(1).map(|units| (usize::from(*units) + 1) * 8)
}

/// One option, padding included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The option type.
    pub kind: u8,
    /// Offset of the type octet from the start of the extension header.
    pub at: usize,
    /// The option with its type and length octets.
    pub octets: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// The data behind type and length; empty for Pad1.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.octets.get(2..).unwrap_or(&[])
    }

    /// Whether this is padding.
    #[must_use]
    pub fn is_padding(&self) -> bool {
        self.kind == PAD1 || self.kind == PADN
    }

    /// Whether this is one of the two IOAM options.
    #[must_use]
    pub fn is_ioam(&self) -> bool {
        self.kind == IOAM_MUTABLE || self.kind == IOAM_IMMUTABLE
    }
}

/// An option of this type runs past its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun(pub u8);

/// The options of one extension header, in order; ends after the first [`Overrun`].
#[derive(Clone, Debug)]
pub struct Tlvs<'a> {
    header: &'a [u8],
    at: usize,
}

impl<'a> Tlvs<'a> {
    /// The options of `header`, which is the whole extension header.
    #[must_use]
    pub fn new(header: &'a [u8]) -> Self {
        Self { header, at: 2 }
    }

    /// The options of `header` from offset `at` on, where one must begin.
    #[must_use]
    pub fn starting_at(header: &'a [u8], at: usize) -> Self {
        Self { header, at }
    }
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Result<Tlv<'a>, Overrun>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let kind = *self.header.get(at)?;
        let len = match kind {
            PAD1 => Some(1),
            _ => self.header.get(at + 1).map(|data| usize::from(*data) + 2),
        };
        let octets = len.and_then(|len| self.header.get(at..at + len));
        let Some(octets) = octets else {
            self.at = self.header.len();
            return Some(Err(Overrun(kind)));
        };
        self.at = at + octets.len();
        Some(Ok(Tlv { kind, at, octets }))
    }
}

/// Fills `gap` with padding: nothing, Pad1, or one PadN.
pub fn pad(gap: &mut [u8]) {
    gap.fill(0);
    if let (Ok(data), [kind, len, ..]) = (u8::try_from(gap.len().saturating_sub(2)), gap) {
        (*kind, *len) = (PADN, data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_pad1_padn_and_options_in_order() {
        let header = [17, 1, 0, 1, 1, 0xFF, 0x31, 2, 7, 8, 0, 0, 0, 0, 0, 0];
        let kinds: Vec<_> = Tlvs::new(&header)
            .map(|tlv| tlv.map(|t| (t.kind, t.at)))
            .collect();
        assert_eq!(kinds[..3], [Ok((0, 2)), Ok((1, 3)), Ok((0x31, 6))]);
        assert_eq!(kinds.len(), 9);
    }

    #[test]
    fn an_overrun_ends_the_walk() {
        let header = [17, 0, 0x31, 5, 0, 0, 0, 0];
        assert_eq!(Tlvs::new(&header).collect::<Vec<_>>(), [Err(Overrun(0x31))]);
        let header = [17, 0, 1, 3, 0, 0, 0, 0x31];
        assert_eq!(Tlvs::new(&header).last(), Some(Err(Overrun(0x31))));
    }

    #[test]
    fn padding_of_each_size_is_walked_as_padding() {
        for size in 0..8 {
            let mut header = vec![17, 0];
            header.resize(2 + size, 0xEE);
            pad(&mut header[2..]);
            assert!(Tlvs::new(&header).all(|tlv| tlv.is_ok_and(|t| t.is_padding())));
            assert!(Tlvs::new(&header).count() <= 1);
        }
    }
}
