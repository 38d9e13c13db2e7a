// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The pcapng format (draft-ietf-opsawg-pcapng): blocks of a type, a length, a body and the length
//! again. Packets name the interface whose block has their link type and unit of time.

use ioam_dp::timestamp::WallTime;

use super::source::Source;
use super::{CaptureError, Captured, ETHERNET, LARGEST_PACKET, Order};

/// The first block's type, the same in either byte order.
pub(super) const SECTION_HEADER: [u8; 4] = [0x0A, 0x0D, 0x0D, 0x0A];
pub(super) const BYTE_ORDER: u32 = 0x1A2B_3C4D;
pub(super) const INTERFACE: u32 = 1;
/// The packet block of older files.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
pub(super) const ENHANCED_PACKET: u32 = 6;

pub(super) const TIME_RESOLUTION: u16 = 9;
const TIME_OFFSET: u16 = 14;

/// Octets of a block without its body: type, length, length.
pub(super) const FRAME: u32 = 12;
/// Most octets of one block; names and secrets can be large, too.
const LARGEST_BLOCK: u32 = 16 << 20;

#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    interfaces: Vec<Interface>,
    body: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link_type: u16,
    /// Most octets captured of a packet; 0 is no limit.
    snap_length: u32,
    /// Units in a second.
    units: u128,
    /// Seconds to add to every time.
    offset: i64,
}

impl Pcapng {
    /// Reads the rest of the first block, whose type has been read.
    pub(super) fn open(source: &mut Source) -> Result<Self, CaptureError> {
        let mut pcapng = Self {
            order: Order { big_endian: false },
            interfaces: Vec::new(),
            body: Vec::new(),
        };
        if pcapng.section(source)? {
            Ok(pcapng)
        } else {
            Err(CaptureError::NoCapture)
        }
    }

    /// A section header behind its type: it sets the byte order, and forgets the interfaces.
    fn section(&mut self, source: &mut Source) -> Result<bool, CaptureError> {
        let at = source.position() - 4;
        let mut head = [[0; 4]; 2];
        if !source.fill_inside(head.as_flattened_mut())? {
            return Ok(false);
        }
        let [length, byte_order] = head;
        let order = [true, false]
            .map(|big_endian| Order { big_endian })
            .into_iter()
            .find(|order| order.u32(byte_order) == BYTE_ORDER);
        let what = "a section of no byte order";
        self.order = order.ok_or(CaptureError::Damaged { what, at })?;
        self.interfaces.clear();
        self.body(self.order.u32(length), 4, at, source)
    }

    /// Reads a block's body, of which `read` octets were read already, and its second length.
    fn body(
        &mut self,
        length: u32,
        read: u32,
        at: u64,
        source: &mut Source,
    ) -> Result<bool, CaptureError> {
        let damaged = |what| Err(CaptureError::Damaged { what, at });
        let rest = length.checked_sub(FRAME + read);
        let Some(rest) = rest.filter(|_| length <= LARGEST_BLOCK && length.is_multiple_of(4))
        else {
            return damaged("a block of impossible length");
        };
        self.body.resize(usize::try_from(rest).unwrap_or(0), 0);
        let mut again = [0; 4];
        if !source.fill_inside(&mut self.body)? || !source.fill_inside(&mut again)? {
            return Ok(false);
        }
        if self.order.u32(again) != length {
            return damaged("a block whose two lengths differ");
        }
        Ok(true)
    }

    pub(super) fn next_packet(
        &mut self,
        source: &mut Source,
    ) -> Result<Option<Captured>, CaptureError> {
        loop {
            let at = source.position();
            let mut kind = [0; 4];
            if !source.fill(&mut kind)? {
                return Ok(None);
            }
            if kind == SECTION_HEADER {
                if !self.section(source)? {
                    return Ok(None);
                }
                continue;
            }
            let mut length = [0; 4];
            if !source.fill_inside(&mut length)?
                || !self.body(self.order.u32(length), 0, at, source)?
            {
                return Ok(None);
            }
            let damaged = |what| CaptureError::Damaged { what, at };
            match self.order.u32(kind) {
                INTERFACE => {
                    let interface = self.interface();
                    let what = "an interface that is cut or has an impossible unit of time";
                    self.interfaces.push(interface.ok_or(damaged(what))?);
                }
                kind @ (ENHANCED_PACKET | PACKET | SIMPLE_PACKET) => {
                    let what = "a packet that is cut or has no interface";
                    let (interface, packet) = self.packet(kind).ok_or(damaged(what))?;
                    if interface.link_type != ETHERNET {
                        return Err(CaptureError::LinkType(interface.link_type));
                    }
                    return Ok(Some(packet));
                }
                _ => {}
            }
        }
    }

    /// The interface block in `body`.
    fn interface(&self) -> Option<Interface> {
        let (order, body) = (self.order, &self.body);
        let mut interface = Interface {
            link_type: order.u16_at(body, 0)?,
            snap_length: order.u32_at(body, 4)?,
            units: 1_000_000,
            offset: 0,
        };
        let mut options = body.get(8..)?;
        while let (Some(code), Some(length)) = (order.u16_at(options, 0), order.u16_at(options, 2))
        {
            let length = usize::from(length);
            let value = options.get(4..4 + length)?;
            match (code, value) {
                (0, _) => break,
                (TIME_RESOLUTION, [exponent]) => interface.units = units(*exponent)?,
                (TIME_OFFSET, value) if length == 8 => {
                    let (first, second) = (order.u32_at(value, 0)?, order.u32_at(value, 4)?);
                    let (high, low) = if order.big_endian {
                        (first, second)
                    } else {
                        (second, first)
                    };
                    interface.offset = (u64::from(high) << 32 | u64::from(low)).cast_signed();
                }
                _ => {}
            }
            options = options.get(4 + length.next_multiple_of(4)..)?;
        }
        Some(interface)
    }

    /// The packet block in `body`, and its interface.
    fn packet(&self, kind: u32) -> Option<(Interface, Captured)> {
        let (order, body) = (self.order, &self.body);
        if kind == SIMPLE_PACKET {
            let interface = *self.interfaces.first()?;
            let on_wire = order.u32_at(body, 0)?;
            let captured = match interface.snap_length {
                0 => on_wire,
                limit => on_wire.min(limit),
            };
            return Some((interface, captured_at(body, 4, captured, on_wire, None)?));
        }
        let index = match kind {
            PACKET => u32::from(order.u16_at(body, 0)?),
            _ => order.u32_at(body, 0)?,
        };
        let interface = *self.interfaces.get(usize::try_from(index).ok()?)?;
        let (high, low) = (order.u32_at(body, 4)?, order.u32_at(body, 8)?);
        let (captured, on_wire) = (order.u32_at(body, 12)?, order.u32_at(body, 16)?);
        let time = interface.time(u64::from(high) << 32 | u64::from(low));
        Some((
            interface,
            captured_at(body, 20, captured, on_wire, Some(time))?,
        ))
    }
}

impl Interface {
    /// The moment that is `count` units after 1970.
    fn time(&self, count: u64) -> WallTime {
        let nanoseconds = u128::from(count) * 1_000_000_000 / self.units;
        let seconds = u64::try_from(nanoseconds / 1_000_000_000).unwrap_or(u64::MAX);
        WallTime {
            seconds: seconds.saturating_add_signed(self.offset),
            nanoseconds: u32::try_from(nanoseconds % 1_000_000_000).unwrap_or(0),
        }
    }
}

/// Units in a second: a negative power of ten, or of two when the top bit is set.
fn units(exponent: u8) -> Option<u128> {
    match exponent {
        0..0x80 => 10_u128.checked_pow(exponent.into()),
        _ => 1_u128.checked_shl((exponent & 0x7F).into()),
    }
}

fn captured_at(
    body: &[u8],
    at: usize,
    captured: u32,
    on_wire: u32,
    time: Option<WallTime>,
) -> Option<Captured> {
    if captured > LARGEST_PACKET {
        return None;
    }
    let octets = body.get(at..at + usize::try_from(captured).ok()?)?;
    Some(Captured {
        time,
        octets: octets.to_vec(),
        wire_octets: on_wire,
    })
}
