// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The captures that are replayed, as one stream of packets in the order of their times.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use ioam_dp::port::PortId;
use ioam_dp::table::spec::NodeSpec;
use ioam_dp::timestamp::WallTime;

use super::capture::{CaptureError, Captured, Reader};
use super::outcome::{InputSummary, port_name};

/// The captures, in the order of their ports.
#[derive(Debug)]
pub(super) struct Inputs {
    files: Vec<InputFile>,
}

#[derive(Debug)]
struct InputFile {
    port: PortId,
    path: PathBuf,
    reader: Reader,
    octets: u64,
    /// The packet read last, not yet handed out.
    head: Option<Captured>,
    /// When it is due: its time, or that of the one before where it has none.
    due: WallTime,
    packets: u64,
    truncated: u64,
}

impl InputFile {
    fn open(port: PortId, path: &Path) -> Result<Self, CaptureError> {
        let mut file = Self {
            port,
            path: path.to_owned(),
            reader: Reader::open(path)?,
            octets: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
            head: None,
            due: WallTime::default(),
            packets: 0,
            truncated: 0,
        };
        file.advance()?;
        Ok(file)
    }

    /// Hands out the packet at the head, and reads the next.
    fn advance(&mut self) -> Result<Option<Captured>, CaptureError> {
        let next = self.reader.next_packet()?;
        if let Some(packet) = &next {
            self.due = packet.time.unwrap_or(self.due);
            self.packets += 1;
            self.truncated += u64::from(packet.is_truncated());
        }
        Ok(std::mem::replace(&mut self.head, next))
    }
}

/// The error as a sentence that begins with the file.
fn named(path: &Path, error: &CaptureError) -> anyhow::Error {
    anyhow!("{} {error}", path.display())
}

impl Inputs {
    /// Opens the captures, which are in the order of their ports.
    ///
    /// # Errors
    /// One cannot be read.
    pub(super) fn open(files: &[(PortId, &Path)]) -> Result<Self> {
        let open = |(port, path): &(PortId, &Path)| {
            InputFile::open(*port, path).map_err(|error| named(path, &error))
        };
        let files = files.iter().map(open).collect::<Result<_>>()?;
        Ok(Self { files })
    }

    /// The ports that receive something.
    pub(super) fn ports(&self) -> impl Iterator<Item = PortId> {
        self.files.iter().map(|file| file.port)
    }

    /// The next packet of all captures: the one due first, among equals that of the first port.
    /// Packets of one capture stay in its order.
    ///
    /// # Errors
    /// The capture cannot be read on.
    pub(super) fn next_packet(&mut self) -> Result<Option<(PortId, Captured)>> {
        let waiting = self.files.iter_mut().filter(|file| file.head.is_some());
        let Some(file) = waiting.min_by_key(|file| file.due) else {
            return Ok(None);
        };
        let packet = file.advance().map_err(|error| named(&file.path, &error))?;
        Ok(packet.map(|packet| (file.port, packet)))
    }

    /// Octets of all captures.
    pub(super) fn octets(&self) -> u64 {
        self.files.iter().map(|file| file.octets).sum()
    }

    /// Octets read of them.
    pub(super) fn position(&self) -> u64 {
        self.files.iter().map(|file| file.reader.position()).sum()
    }

    /// What was read, by port.
    pub(super) fn summaries(&self, spec: &NodeSpec) -> Vec<InputSummary> {
        let summary = |file: &InputFile| InputSummary {
            port: port_name(spec, file.port),
            file: file.path.display().to_string(),
            packets: file.packets,
            truncated: file.truncated,
            cut: file.reader.was_cut(),
        };
        self.files.iter().map(summary).collect()
    }

    /// What makes the captures less than what was on the wire.
    pub(super) fn warnings(&self, spec: &NodeSpec) -> Vec<String> {
        let mut warnings = Vec::new();
        for input in self.summaries(spec) {
            let InputSummary {
                file,
                packets,
                truncated,
                ..
            } = &input;
            if *truncated > 0 {
                warnings.push(format!(
                    "{file}: warning: {truncated} of {packets} packets are shorter than on the \
                     wire, and are handled as they are; record with `tcpdump -s 0`"
                ));
            }
            if input.cut {
                warnings.push(format!(
                    "{file}: warning: the file ends inside a packet, which is left out; its \
                     recording was interrupted"
                ));
            }
        }
        warnings
    }
}
