// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What rules can ask of a packet. Addresses stay where they are, in the order of the wire: copies
//! made of halves would have to leave the processor's store buffer before they can be read whole.

use crate::classify::flow_key::ports;
use crate::port::PortId;
use crate::wire::ipv6::Ipv6Header;

/// Where the DSCP is in [`Fields::class`].
pub(super) const DSCP_SHIFT: u32 = 22;
/// The flow label in [`Fields::class`].
pub(super) const LABEL: u32 = 0xF_FFFF;

/// Fields, or the bits that count of them: both halves of the source and of the destination as they
/// are on the wire, class, ports with the next header.
pub(super) type Words = [u64; 6];

/// The fields of one packet, except its length and the input port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    pub source: &'a [u8; 16],
    pub destination: &'a [u8; 16],
    /// DSCP and flow label where the header has them, zeros elsewhere.
    pub class: u32,
    /// Octets behind the IPv6 header.
    pub payload: u16,
    pub source_port: u16,
    pub destination_port: u16,
    pub next_header: u8,
}

impl<'a> Fields<'a> {
    /// Those of the IPv6 packet at `l3`; what is behind its header only where `behind` asks for it,
    /// and zero otherwise.
    #[inline]
    pub(super) fn read(frame: &'a [u8], l3: usize, behind: bool) -> Option<Self> {
        let header = Ipv6Header::at(frame, l3)?;
        let (next_header, [source_port, destination_port]) = if behind {
            ports(frame, l3, header)
        } else {
            (0, [0; 2])
        };
        Some(Self {
            source: &header.source,
            destination: &header.destination,
            class: u32::from(header.traffic_class() >> 2) << DSCP_SHIFT | header.flow_label(),
            payload: header.payload_length.get(),
            source_port,
            destination_port,
            next_header,
        })
    }

    /// As words, without the length.
    #[inline]
    pub(super) fn words(&self) -> Words {
        let ([a, b], [c, d]) = (halves(self.source), halves(self.destination));
        let upper = u64::from(self.source_port)
            | u64::from(self.destination_port) << 16
            | u64::from(self.next_header) << 32;
        [a, b, c, d, u64::from(self.class), upper]
    }
}

/// Both halves of an address, in the order of the wire.
#[inline]
pub(super) fn halves(address: &[u8; 16]) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *address;
    [
        u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
        u64::from_ne_bytes([i, j, k, l, m, n, o, p]),
    ]
}

/// Where packets come from, as a bit for each port and one for this node itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origins {
    pub ports: u32,
    pub local: bool,
}

impl Origins {
    /// This one alone.
    #[inline]
    pub(super) fn of(port: PortId) -> Self {
        let local = port == PortId::LOCAL;
        Self {
            ports: if local { 0 } else { 1u32 << (port.0 & 31) },
            local,
        }
    }

    #[inline]
    pub(super) fn meet(self, other: Self) -> bool {
        (self.ports & other.ports != 0) | (self.local & other.local)
    }
}

/// The bits of `words` that `mask` has.
#[inline]
pub(super) fn masked(words: &Words, mask: &Words) -> Words {
    let mut all = *words;
    for (word, mask) in all.iter_mut().zip(mask) {
        *word &= mask;
    }
    all
}

/// A hash of all the words. Senders can aim at it: what it is used for has bounds that do not rely
/// on luck.
#[inline]
pub(super) fn hash([a, b, c, d, e, f]: Words) -> u64 {
    let source = fold(a ^ 0x9E37_79B9_7F4A_7C15, b ^ 0xD6E8_FEB8_6659_FD93);
    let destination = fold(c ^ 0xA076_1D64_78BD_642F, d ^ 0xE703_7ED1_A0B4_28DB);
    let rest = fold(e ^ 0x8EBC_6AF0_9C88_C6E3, f ^ 0x5899_65CC_7537_4CC3);
    fold(
        source ^ rest.rotate_left(31),
        destination ^ 0x1D8E_4E27_C47D_124F,
    )
}

/// Both halves of the product, so that each bit depends on all.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the two halves of the product"
)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}
