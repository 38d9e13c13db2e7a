// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Capture files: pcap and pcapng are read and written, with nanoseconds.
//!
//! Both formats are short enough to be read here, and a replay stands or falls with the times in
//! them: the crates to be had read pcapng times in the wrong unit or refuse binary ones.

mod annotated;
mod pcap;
mod pcapng;
mod source;
mod writer;

use std::fs::File;
use std::io;
use std::path::Path;

use ioam_dp::timestamp::WallTime;
use thiserror::Error;

pub use annotated::{Annotated, AnnotatedWriter, Direction};
use pcap::Pcap;
use pcapng::Pcapng;
use source::Source;
pub use writer::Writer;

/// Most octets of one packet, as in libpcap (`MAXIMUM_SNAPLEN`); a larger length is damage.
const LARGEST_PACKET: u32 = 262_144;

/// The link type of Ethernet.
const ETHERNET: u16 = 1;

/// A packet of a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// When it was captured; `None` where the file does not say.
    pub time: Option<WallTime>,
    /// The frame from its Ethernet header on, as far as it was captured.
    pub octets: Vec<u8>,
    /// Octets of the frame on the wire.
    pub wire_octets: u32,
}

impl Captured {
    /// Whether the capture holds less than was on the wire.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        u32::try_from(self.octets.len()).is_ok_and(|octets| octets < self.wire_octets)
    }
}

/// Why a capture cannot be read: one sentence that says what to do.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// The file cannot be opened.
    #[error("cannot be opened ({0}); check the path")]
    Open(io::Error),
    /// The file cannot be read on.
    #[error("cannot be read ({0})")]
    Read(io::Error),
    /// The file is something else.
    #[error("is neither pcap nor pcapng; record one with `tcpdump -i INTERFACE -w FILE`")]
    NoCapture,
    /// The file is packed.
    #[error("is compressed; unpack it first, as with `gunzip` or `unzstd`")]
    Compressed,
    /// Packets do not begin with an Ethernet header.
    #[error(
        "has packets of link type {0}, not of Ethernet; record on one Ethernet interface, not with \
         `-i any`"
    )]
    LinkType(u16),
    /// The file contradicts itself.
    #[error("is damaged: {what} at octet {at}; keep what is before it with `editcap`")]
    Damaged {
        /// What cannot be.
        what: &'static str,
        /// Where in the file the record begins.
        at: u64,
    },
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// Reads a capture, packet by packet.
#[derive(Debug)]
pub struct Reader {
    source: Source,
    format: Format,
}

impl Reader {
    /// Opens a pcap or pcapng file.
    ///
    /// # Errors
    /// The file cannot be opened, is something else, or is a pcap of another link type.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let file = File::open(path).map_err(CaptureError::Open)?;
        let mut source = Source::new(file);
        let mut magic = [0; 4];
        if !source.fill(&mut magic)? {
            return Err(CaptureError::NoCapture);
        }
        let format = match magic {
            pcapng::SECTION_HEADER => Format::Pcapng(Pcapng::open(&mut source)?),
            [0x1F, 0x8B, ..] | [0x28, 0xB5, 0x2F, 0xFD] | [0xFD, b'7', b'z', b'X'] => {
                return Err(CaptureError::Compressed);
            }
            magic => Format::Pcap(Pcap::open(magic, &mut source)?),
        };
        Ok(Self { source, format })
    }

    /// The next packet, or `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read, is damaged, or has a packet of another link type.
    pub fn next_packet(&mut self) -> Result<Option<Captured>, CaptureError> {
        match &mut self.format {
            Format::Pcap(pcap) => pcap.next_packet(&mut self.source),
            Format::Pcapng(pcapng) => pcapng.next_packet(&mut self.source),
        }
    }

    /// Octets read so far.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.source.position()
    }

    /// Whether the file ended inside a record, as when its recording was interrupted.
    #[must_use]
    pub fn was_cut(&self) -> bool {
        self.source.was_cut()
    }
}

/// Reads integers in a file's order of octets.
#[derive(Clone, Copy, Debug)]
struct Order {
    big_endian: bool,
}

impl Order {
    fn u16(self, octets: [u8; 2]) -> u16 {
        if self.big_endian {
            u16::from_be_bytes(octets)
        } else {
            u16::from_le_bytes(octets)
        }
    }

    fn u32(self, octets: [u8; 4]) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(octets)
        } else {
            u32::from_le_bytes(octets)
        }
    }

    /// The 32-bit word at `octets[at..]`, or `None` beyond the end.
    fn u32_at(self, octets: &[u8], at: usize) -> Option<u32> {
        let word = octets.get(at..)?.first_chunk::<4>()?;
        Some(self.u32(*word))
    }

    /// The 16-bit word at `octets[at..]`, or `None` beyond the end.
    fn u16_at(self, octets: &[u8], at: usize) -> Option<u16> {
        let word = octets.get(at..)?.first_chunk::<2>()?;
        Some(self.u16(*word))
    }
}

#[cfg(test)]
mod tests;
