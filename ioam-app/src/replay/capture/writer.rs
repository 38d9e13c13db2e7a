// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writes pcap files of Ethernet frames, with nanoseconds.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use ioam_dp::timestamp::WallTime;

use super::{ETHERNET, LARGEST_PACKET};

const NANOSECONDS: u32 = 0xA1B2_3C4D;

/// A pcap file in the making, little-endian wherever it is made.
#[derive(Debug)]
pub struct Writer {
    file: BufWriter<File>,
}

impl Writer {
    /// Begins a file anew.
    ///
    /// # Errors
    /// The file cannot be created or written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&NANOSECONDS.to_le_bytes())?;
        file.write_all(&[2, 0, 4, 0])?;
        file.write_all(&[0; 8])?;
        file.write_all(&LARGEST_PACKET.to_le_bytes())?;
        file.write_all(&u32::from(ETHERNET).to_le_bytes())?;
        Ok(Self { file })
    }

    /// Adds a frame. The format holds seconds of 32 bits.
    ///
    /// # Errors
    /// The file cannot be written.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the format has 32 bits for seconds, and no frame is 4 GiB"
    )]
    pub fn write(&mut self, time: WallTime, frame: &[u8]) -> io::Result<()> {
        let length = frame.len() as u32;
        for word in [time.seconds as u32, time.nanoseconds, length, length] {
            self.file.write_all(&word.to_le_bytes())?;
        }
        self.file.write_all(frame)
    }

    /// Writes what is still in memory.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
