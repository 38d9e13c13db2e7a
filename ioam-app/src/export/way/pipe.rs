// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Standard output, whose reader may be slow, stopped or gone.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// What a pipe takes at once or not at all when it says that it has room (`PIPE_BUF`).
const AT_ONCE: usize = 4096;
/// How long a reader may take that was not late before.
const PATIENCE: Duration = Duration::from_millis(50);

/// A writer that is asked whether it has room before it is written to.
pub(super) struct Pipe<W> {
    inner: W,
    /// It had no room the last time: it is not waited for again until it has.
    late: bool,
}

impl<W: Write + AsFd> Pipe<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, late: false }
    }

    fn has_room(&mut self) -> io::Result<bool> {
        let patience = if self.late { Duration::ZERO } else { PATIENCE };
        let timeout = Timespec::try_from(patience).ok();
        let mut descriptors = [PollFd::new(&self.inner, PollFlags::OUT)];
        let ready = poll(&mut descriptors, timeout.as_ref())? > 0;
        self.late = !ready;
        Ok(ready)
    }
}

impl<W: Write + AsFd> Write for Pipe<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if !self.has_room()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let part = octets.get(..AT_ONCE).unwrap_or(octets);
        let taken = self.inner.write(part)?;
        // Standard output keeps lines back otherwise.
        self.inner.flush()?;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::export::Output;

    #[test]
    fn a_reader_that_stops_costs_lines_and_no_time() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut output = Output::new("a pipe", Box::new(Pipe::new(writer)));
        let line = "x".repeat(999);
        for _ in 0..1000 {
            output.line(&line);
            output.flush();
        }
        let counts = output.counts();
        assert_eq!(counts.written + counts.lost, 1000);
        assert!(counts.written > 0 && counts.lost > 0, "{counts:?}");
        // It reads again: what is lost stays lost, and what follows arrives.
        let mut read = vec![0; 70_000];
        let first = reader.read(&mut read).unwrap();
        assert!(first > 0);
        output.line("later");
        output.flush();
        assert_eq!(output.counts().written, counts.written + 1);
        drop(output);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert!(rest.ends_with("later\n"));
    }
}
