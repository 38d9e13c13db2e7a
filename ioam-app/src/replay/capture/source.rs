// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A file that is read forward, and knows how far.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};

use super::CaptureError;

/// Octets read ahead.
const BUFFER: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct Source {
    file: BufReader<File>,
    position: u64,
    cut: bool,
}

impl Source {
    pub(super) fn new(file: File) -> Self {
        Self {
            file: BufReader::with_capacity(BUFFER, file),
            position: 0,
            cut: false,
        }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn was_cut(&self) -> bool {
        self.cut
    }

    /// Fills `octets`; `false` when the file ends first.
    pub(super) fn fill(&mut self, octets: &mut [u8]) -> Result<bool, CaptureError> {
        let mut filled = 0;
        while let Some(rest) = octets.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read(rest) {
                Ok(0) => {
                    self.cut |= filled > 0;
                    return Ok(false);
                }
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(CaptureError::Read(error)),
            }
        }
        self.position += u64::try_from(filled).unwrap_or(0);
        Ok(true)
    }

    /// As [`fill`](Self::fill), inside a record: a file that ends here is cut.
    pub(super) fn fill_inside(&mut self, octets: &mut [u8]) -> Result<bool, CaptureError> {
        let whole = self.fill(octets)?;
        self.cut |= !whole;
        Ok(whole)
    }
}
