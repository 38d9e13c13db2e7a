// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writes pcapng files: Ethernet frames of several interfaces, with directions and comments.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::pcapng::{
    BYTE_ORDER, ENHANCED_PACKET, FRAME, INTERFACE, SECTION_HEADER, TIME_RESOLUTION,
};
use super::{ETHERNET, LARGEST_PACKET};

const END: u16 = 0;
const COMMENT: u16 = 1;
/// In a section header.
const APPLICATION: u16 = 4;
/// In an interface.
const NAME: u16 = 2;
/// In a packet.
const FLAGS: u16 = 2;
/// Ten to the power of minus nine.
const NANOSECONDS: u8 = 9;

/// Which way a packet went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the node.
    Inbound,
    /// Out of the node.
    Outbound,
}

/// A packet to be written.
#[derive(Clone, Copy, Debug)]
pub struct Annotated<'a> {
    /// The interface's place in the list that the file began with.
    pub interface: u32,
    /// Which way it went.
    pub direction: Direction,
    /// Nanoseconds since 1970.
    pub nanoseconds: u64,
    /// The frame from its Ethernet header on, as far as it is known.
    pub octets: &'a [u8],
    /// Octets of the frame on the wire.
    pub wire_octets: u32,
    /// What there is to say about it.
    pub comments: &'a [String],
}

/// A pcapng file in the making, little-endian wherever it is made.
#[derive(Debug)]
pub struct AnnotatedWriter {
    file: BufWriter<File>,
    body: Vec<u8>,
}

impl AnnotatedWriter {
    /// Begins a file anew, with interfaces of these names.
    ///
    /// # Errors
    /// The file cannot be created or written.
    pub fn create(path: &Path, interfaces: &[&str]) -> io::Result<Self> {
        let mut writer = Self {
            file: BufWriter::new(File::create(path)?),
            body: Vec::new(),
        };
        writer.body.extend_from_slice(&BYTE_ORDER.to_le_bytes());
        writer.body.extend_from_slice(&[1, 0, 0, 0]);
        // The section's length is not known.
        writer.body.extend_from_slice(&[0xFF; 8]);
        let program = concat!("ioam ", env!("CARGO_PKG_VERSION"));
        writer.option(APPLICATION, program.as_bytes());
        writer.block(u32::from_le_bytes(SECTION_HEADER))?;
        for name in interfaces {
            writer.body.extend_from_slice(&ETHERNET.to_le_bytes());
            writer.body.extend_from_slice(&[0, 0]);
            writer.body.extend_from_slice(&LARGEST_PACKET.to_le_bytes());
            writer.option(NAME, name.as_bytes());
            writer.option(TIME_RESOLUTION, &[NANOSECONDS]);
            writer.block(INTERFACE)?;
        }
        writer.file.flush()?;
        Ok(writer)
    }

    /// Adds a packet.
    ///
    /// # Errors
    /// The file cannot be written.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the time is cut in two words, and no frame is 4 GiB"
    )]
    pub fn write(&mut self, packet: &Annotated<'_>) -> io::Result<()> {
        let (high, low) = ((packet.nanoseconds >> 32) as u32, packet.nanoseconds as u32);
        let captured = packet.octets.len() as u32;
        for word in [packet.interface, high, low, captured, packet.wire_octets] {
            self.body.extend_from_slice(&word.to_le_bytes());
        }
        self.padded(packet.octets);
        for comment in packet.comments {
            self.option(COMMENT, comment.as_bytes());
        }
        let direction: u32 = match packet.direction {
            Direction::Inbound => 1,
            Direction::Outbound => 2,
        };
        self.option(FLAGS, &direction.to_le_bytes());
        self.block(ENHANCED_PACKET)
    }

    /// Writes what is still in memory.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// Adds an option to the body; a value that is too long is cut.
    fn option(&mut self, code: u16, value: &[u8]) {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.body.extend_from_slice(&code.to_le_bytes());
        self.body.extend_from_slice(&length.to_le_bytes());
        self.padded(value.get(..usize::from(length)).unwrap_or(value));
    }

    fn padded(&mut self, value: &[u8]) {
        self.body.extend_from_slice(value);
        let whole = self.body.len().next_multiple_of(4);
        self.body.resize(whole, 0);
    }

    /// Writes the body, which has options, as a block.
    fn block(&mut self, kind: u32) -> io::Result<()> {
        self.option(END, &[]);
        let length = FRAME.saturating_add(u32::try_from(self.body.len()).unwrap_or(u32::MAX));
        self.file.write_all(&kind.to_le_bytes())?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(&self.body)?;
        self.body.clear();
        self.file.write_all(&length.to_le_bytes())
    }
}
