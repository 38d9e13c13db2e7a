// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The pcap format: a file header, then a header and the octets of each packet.
//!
//! ```text
//! magic  version 2 4  zone  accuracy  snap length  link type       24 octets, either byte order
//! seconds  fraction  captured octets  octets on the wire           16 octets before each packet
//! ```

use ioam_dp::timestamp::WallTime;

use super::source::Source;
use super::{CaptureError, Captured, ETHERNET, LARGEST_PACKET, Order};

const MICROSECONDS: u32 = 0xA1B2_C3D4;
const NANOSECONDS: u32 = 0xA1B2_3C4D;
const RECORD: u64 = 16;

#[derive(Debug)]
pub(super) struct Pcap {
    order: Order,
    /// Nanoseconds in a unit of the fraction.
    unit: u64,
}

impl Pcap {
    /// Reads what follows the magic number.
    pub(super) fn open(magic: [u8; 4], source: &mut Source) -> Result<Self, CaptureError> {
        let known = |big_endian: bool| {
            let order = Order { big_endian };
            match order.u32(magic) {
                MICROSECONDS => Some(Self { order, unit: 1000 }),
                NANOSECONDS => Some(Self { order, unit: 1 }),
                _ => None,
            }
        };
        let pcap = known(true).or_else(|| known(false));
        let pcap = pcap.ok_or(CaptureError::NoCapture)?;
        let mut header = [0; 20];
        if !source.fill(&mut header)? {
            return Err(CaptureError::NoCapture);
        }
        // The upper half tells of frame check sequences.
        let [.., a, b, c, d] = header;
        let link_type = u16::try_from(pcap.order.u32([a, b, c, d]) & 0xFFFF).unwrap_or(0);
        if link_type != ETHERNET {
            return Err(CaptureError::LinkType(link_type));
        }
        Ok(pcap)
    }

    pub(super) fn next_packet(
        &mut self,
        source: &mut Source,
    ) -> Result<Option<Captured>, CaptureError> {
        let mut words = [[0; 4]; 4];
        if !source.fill(words.as_flattened_mut())? {
            return Ok(None);
        }
        let [seconds, fraction, captured, on_wire] = words.map(|word| self.order.u32(word));
        if captured > LARGEST_PACKET {
            return Err(CaptureError::Damaged {
                what: "a packet larger than any",
                at: source.position() - RECORD,
            });
        }
        let mut octets = vec![0; usize::try_from(captured).unwrap_or(0)];
        if !source.fill_inside(&mut octets)? {
            return Ok(None);
        }
        let nanoseconds = u64::from(seconds) * 1_000_000_000 + u64::from(fraction) * self.unit;
        Ok(Some(Captured {
            time: Some(WallTime::from_nanoseconds(nanoseconds)),
            octets,
            wire_octets: on_wire,
        }))
    }
}
