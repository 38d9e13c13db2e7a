// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where lines go: a file or standard output, whose failure must not stop the node.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

/// Octets collected before they are written by themselves.
const BUFFER: usize = 64 << 10;

/// What became of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutputCounts {
    /// Lines written.
    pub written: u64,
    /// Lines that could not be written.
    pub lost: u64,
    /// Lines that nobody asked for.
    pub discarded: u64,
    /// Times that writing failed.
    pub write_errors: u64,
}

enum Target {
    Nowhere,
    Open(Box<dyn Write + Send>),
    /// The reader has gone; nothing will ever be taken again.
    Closed,
}

/// Takes lines. A write that fails is counted, the first one is also logged, and the lines in it
/// are lost; later ones are tried again, since a full disk may be emptied.
pub struct Output {
    name: String,
    target: Target,
    waiting: Vec<u8>,
    /// The last write ended inside a line.
    torn: bool,
    counts: OutputCounts,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, counts) = (&self.name, &self.counts);
        write!(f, "Output({name}, {counts:?})")
    }
}

impl Output {
    fn to(name: &str, target: Target) -> Self {
        Self {
            name: name.to_owned(),
            target,
            waiting: Vec::new(),
            torn: false,
            counts: OutputCounts::default(),
        }
    }

    /// Takes no lines, and counts them.
    #[must_use]
    pub fn nowhere() -> Self {
        Self::to("nowhere", Target::Nowhere)
    }

    /// Writes to `writer`, which messages call `name`.
    #[must_use]
    pub fn new(name: &str, writer: Box<dyn Write + Send>) -> Self {
        Self::to(name, Target::Open(writer))
    }

    /// Standard output for `-`, else a file that lines are added to.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn append(path: &Path) -> io::Result<Self> {
        Self::open(path, OpenOptions::new().append(true).create(true))
    }

    /// Standard output for `-`, else a file that begins anew.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::open(
            path,
            File::options().write(true).create(true).truncate(true),
        )
    }

    fn open(path: &Path, options: &OpenOptions) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::new("standard output", Box::new(io::stdout())));
        }
        let file = options.open(path)?;
        Ok(Self::new(&path.display().to_string(), Box::new(file)))
    }

    /// Whether lines are wanted at all.
    #[must_use]
    pub fn takes_lines(&self) -> bool {
        !matches!(self.target, Target::Nowhere)
    }

    /// Counts a line that is not wanted.
    pub fn pass_over(&mut self) {
        self.counts.discarded += 1;
    }

    /// Takes a line, without its end.
    pub fn line(&mut self, line: &str) {
        match self.target {
            Target::Nowhere => self.counts.discarded += 1,
            Target::Closed => self.counts.lost += 1,
            Target::Open(_) => {
                self.waiting.extend_from_slice(line.as_bytes());
                self.waiting.push(b'\n');
                if self.waiting.len() >= BUFFER {
                    self.flush();
                }
            }
        }
    }

    /// Writes what waits.
    pub fn flush(&mut self) {
        let Target::Open(writer) = &mut self.target else {
            return;
        };
        if self.waiting.is_empty() {
            return;
        }
        let mut taken = 0;
        let result = write_out(writer.as_mut(), self.torn, &self.waiting, &mut taken);
        let (written, rest) = self.waiting.split_at(taken);
        self.counts.written += lines(written);
        self.counts.lost += lines(rest);
        if taken > 0 {
            self.torn = written.last() != Some(&b'\n');
        }
        self.waiting.clear();
        if let Err(error) = result {
            self.failed(&error);
        }
    }

    fn failed(&mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::BrokenPipe {
            self.target = Target::Closed;
        }
        if self.counts.write_errors == 0 {
            log::error!(
                "records are being lost: cannot write to {}: {error}",
                self.name
            );
        }
        self.counts.write_errors += 1;
    }

    /// What became of the lines so far; those that wait are not in it.
    #[must_use]
    pub fn counts(&self) -> OutputCounts {
        self.counts
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.flush();
    }
}

fn lines(octets: &[u8]) -> u64 {
    octets.iter().map(|octet| u64::from(*octet == b'\n')).sum()
}

/// As `write_all` and `flush`, but says how much of `octets` was taken when it fails. A torn line is
/// ended first.
fn write_out(
    writer: &mut dyn Write,
    torn: bool,
    octets: &[u8],
    taken: &mut usize,
) -> io::Result<()> {
    if torn {
        writer.write_all(b"\n")?;
    }
    while let Some(rest) = octets.get(*taken..).filter(|rest| !rest.is_empty()) {
        match writer.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => *taken += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A disk with room for so many octets.
    #[derive(Clone)]
    struct Disk(Arc<Mutex<(Vec<u8>, usize, io::ErrorKind)>>);

    impl Disk {
        fn new(room: usize, error: io::ErrorKind) -> Self {
            Self(Arc::new(Mutex::new((Vec::new(), room, error))))
        }

        fn output(&self) -> Output {
            Output::new("a disk", Box::new(self.clone()))
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().0.clone()).unwrap()
        }
    }

    impl Write for Disk {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            let (content, room, error) = &mut *self.0.lock().unwrap();
            let count = octets.len().min(room.saturating_sub(content.len()));
            if count == 0 {
                return Err((*error).into());
            }
            content.extend_from_slice(&octets[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_loses_lines_and_takes_them_again_when_emptied() {
        let disk = Disk::new(10, io::ErrorKind::StorageFull);
        let mut output = disk.output();
        for line in ["first", "second", "third"] {
            output.line(line);
        }
        output.flush();
        assert_eq!(disk.text(), "first\nseco");
        disk.0.lock().unwrap().1 = 100;
        output.line("fourth");
        output.flush();
        assert_eq!(disk.text(), "first\nseco\nfourth\n");
        let counts = output.counts();
        assert_eq!(
            (counts.written, counts.lost, counts.write_errors),
            (2, 2, 1)
        );
    }

    #[test]
    fn a_reader_that_went_is_not_asked_again() {
        let disk = Disk::new(0, io::ErrorKind::BrokenPipe);
        let mut output = disk.output();
        for _ in 0..3 {
            output.line("gone");
            output.flush();
        }
        let counts = output.counts();
        assert_eq!(
            (counts.written, counts.lost, counts.write_errors),
            (0, 3, 1)
        );
    }

    #[test]
    fn what_waits_is_written_when_dropped() {
        let disk = Disk::new(100, io::ErrorKind::StorageFull);
        disk.output().line("last");
        assert_eq!(disk.text(), "last\n");
    }

    #[test]
    fn nowhere_counts_and_keeps_nothing() {
        let mut output = Output::nowhere();
        output.line("unwanted");
        output.pass_over();
        assert_eq!(output.counts().discarded, 2);
    }
}
