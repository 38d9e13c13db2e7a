// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where IOAM lives in a packet: one file per carrier, each of which locates, inserts and removes.

pub mod destination;
pub mod edge;
pub mod hop_by_hop;
pub mod inline;
pub mod linux_rules;
pub mod options_header;
pub mod tunnel;

use crate::port::PortId;
use crate::stats::{Notice, WorkerStats};
use crate::table::Tables;
use crate::wire::ethernet;
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};

/// What is known of a frame after looking at it once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Located {
    /// Offset of the IPv6 header, or 0 when the frame is not IPv6 or is left alone.
    pub l3: u16,
    /// Octets of a sound Hop-by-Hop header behind it, or 0.
    pub hop_by_hop: u16,
    /// Octets of a sound Destination Options header behind that, or 0; looked for only where this
    /// node decapsulates.
    pub destination: u16,
    /// One of these headers has an IOAM option, of whatever kind.
    pub ioam: bool,
    /// Looked through before: what is passed over has been noticed.
    pub noticed: bool,
    /// A copy was looped back already: one of each packet is enough.
    pub looped: bool,
    /// Something is malformed; the notices say what.
    pub malformed: bool,
    /// The first option of the Hop-by-Hop header that this node can process.
    pub first: Option<OptionAt>,
}

impl Located {
    /// The same packet in a frame with `octets` more in front of it.
    pub(crate) fn behind(mut self, octets: usize) -> Option<Self> {
        let octets = u16::try_from(octets).ok()?;
        self.l3 = self.l3.checked_add(octets)?;
        if let Some(option) = &mut self.first {
            option.at = option.at.checked_add(octets)?;
        }
        Some(self)
    }

    /// Offset in the frame of the Destination Options header.
    #[must_use]
    pub fn destination_at(&self) -> usize {
        usize::from(self.l3) + HEADER + usize::from(self.hop_by_hop)
    }
}

/// The option types that every node on the path may have work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pre-allocated trace.
    Trace,
    /// Proof of transit.
    ProofOfTransit,
    /// Direct export.
    DirectExport,
}

/// An option that passed every check, of a namespace this node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionAt {
    /// Offset in the frame of the option data, from the Namespace-ID on.
    pub at: u16,
    /// Octets of option data.
    pub len: u8,
    /// Index of the namespace.
    pub namespace: u8,
    /// Its type.
    pub kind: Kind,
}

impl OptionAt {
    /// The option data as a range of the frame.
    #[must_use]
    pub fn range(&self) -> std::ops::Range<usize> {
        let at = usize::from(self.at);
        at..at + usize::from(self.len)
    }

    /// Where the option data begin, from the start of the Hop-by-Hop header of the packet at `l3`.
    pub(crate) fn start(&self, l3: u16) -> usize {
        self.range().start - usize::from(l3) - HEADER
    }

    /// Where the option ends, from the start of the Hop-by-Hop header of the packet at `l3`.
    pub(crate) fn end(&self, l3: u16) -> usize {
        self.range().end - usize::from(l3) - HEADER
    }
}

/// Finds IPv6 in the frame and, where the port has IOAM enabled, the options to work on
/// (RFC 9486, 4: a port without it ignores the options).
#[inline]
#[must_use]
pub fn locate(frame: &[u8], tables: &Tables, port: PortId, stats: &WorkerStats) -> Located {
    let mut located = locate_ipv6(frame, stats);
    let l3 = usize::from(located.l3);
    let Some(header) = Ipv6Header::at(frame, l3).filter(|_| l3 != 0) else {
        return located;
    };
    let enabled = tables.port(port).is_some_and(|port| port.ioam);
    if header.next_header != next_header::HOP_BY_HOP {
        if enabled && tables.decapsulates {
            destination::locate(frame, header.next_header, &mut located);
        }
        return located;
    }
    if tables.linux()
        && let Some(notice) = linux_rules::refuse(frame, l3, enabled)
    {
        stats.notice(notice);
        located.malformed = true;
    } else if enabled {
        hop_by_hop::locate(frame, tables, stats, &mut located);
        if tables.decapsulates && located.hop_by_hop > 0 {
            let behind = frame.get(l3 + HEADER).copied().unwrap_or(0);
            destination::locate(frame, behind, &mut located);
        }
    }
    located
}

/// Finds IPv6 in the frame and nothing more.
#[inline]
#[must_use]
pub fn locate_ipv6(frame: &[u8], stats: &WorkerStats) -> Located {
    let l3 = match ethernet::payload(frame) {
        Some((ethernet::IPV6, l3)) if Ipv6Header::at(frame, l3).is_some() => l3,
        Some((ether_type, _)) if ethernet::is_tag(ether_type) => {
            stats.notice(Notice::VlanTags);
            0
        }
        _ => 0,
    };
    Located {
        l3: u16::try_from(l3).unwrap_or(0),
        ..Located::default()
    }
}

/// The IPv6 packet's end in the frame, or why its length cannot be trusted.
pub(crate) fn packet_end(frame: &[u8], l3: usize) -> Result<usize, Notice> {
    let Some(header) = Ipv6Header::at(frame, l3) else {
        return Err(Notice::PacketTruncated);
    };
    let payload = usize::from(header.payload_length.get());
    let end = l3 + HEADER + payload;
    if payload == 0 && header.next_header == next_header::HOP_BY_HOP {
        Err(Notice::Jumbogram)
    } else if end > frame.len() {
        Err(Notice::PacketTruncated)
    } else {
        Ok(end)
    }
}

/// Adds `octets` to the payload length; `None`, and no change, where the field cannot hold that.
pub(crate) fn lengthen(frame: &mut [u8], l3: usize, octets: usize) -> Option<()> {
    let header = Ipv6Header::at_mut(frame, l3)?;
    let length = usize::from(header.payload_length.get()) + octets;
    header.payload_length.set(u16::try_from(length).ok()?);
    Some(())
}

/// Takes `octets` from the payload length.
pub(crate) fn shorten(frame: &mut [u8], l3: usize, octets: usize) {
    if let (Some(header), Ok(octets)) = (Ipv6Header::at_mut(frame, l3), u16::try_from(octets)) {
        let length = header.payload_length.get().saturating_sub(octets);
        header.payload_length.set(length);
    }
}
