// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A file that is put aside when it is full: `PATH` becomes `PATH.1`, that `PATH.2`, the oldest goes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Lines in files of a bounded size. A line is never in two of them.
pub(super) struct Rotating {
    path: PathBuf,
    file: File,
    octets: u64,
    most: u64,
    keep: u16,
    /// The last octet written ended a line.
    whole: bool,
}

impl Rotating {
    /// Goes on with what the file has already.
    pub(super) fn open(path: &Path, most: u64, keep: u16) -> io::Result<Self> {
        let file = append(path)?;
        Ok(Self {
            path: path.to_owned(),
            octets: file.metadata()?.len(),
            file,
            most,
            keep,
            whole: true,
        })
    }

    fn aside(&self, number: u16) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..self.keep).rev() {
            move_away(&self.aside(number), &self.aside(number + 1))?;
        }
        move_away(&self.path, &self.aside(1))?;
        self.file = append(&self.path)?;
        self.octets = 0;
        Ok(())
    }
}

impl Write for Rotating {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let room = self.most.saturating_sub(self.octets);
        let len = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        if self.whole && self.octets > 0 && room < len {
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            // What fits of these lines goes into the old file.
            let fits = octets.get(..room).unwrap_or_default();
            if let Some(end) = fits.iter().rposition(|octet| *octet == b'\n') {
                return self.append(octets.get(..=end).unwrap_or(octets));
            }
            self.rotate()?;
        }
        self.append(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Rotating {
    fn append(&mut self, octets: &[u8]) -> io::Result<usize> {
        let taken = self.file.write(octets)?;
        self.octets += u64::try_from(taken).unwrap_or(u64::MAX);
        let last = taken.checked_sub(1).and_then(|last| octets.get(last));
        self.whole = last.map_or(self.whole, |last| *last == b'\n');
        Ok(taken)
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// Somebody may have taken a file away meanwhile.
fn move_away(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Output;

    #[test]
    fn files_have_whole_lines_and_the_oldest_go() {
        let folder = std::env::temp_dir().join(format!("ioam-rotating-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("lines");
        fs::write(&path, "there before\n").unwrap();
        let file = Rotating::open(&path, 100, 2).unwrap();
        let mut output = Output::new("lines", Box::new(file));
        for number in 0..50 {
            output.line(&format!("line {number:04}"));
            if number % 7 == 0 {
                output.flush();
            }
        }
        output.flush();
        assert_eq!((output.counts().written, output.counts().lost), (50, 0));
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let all = ["lines.2", "lines.1", "lines"].map(read);
        for text in &all {
            assert!(text.len() <= 100 && text.ends_with('\n'), "{text:?}");
        }
        let lines: Vec<String> = all
            .iter()
            .flat_map(|text| text.lines().map(str::to_owned))
            .collect();
        let newest: Vec<String> = (50 - lines.len()..50)
            .map(|number| format!("line {number:04}"))
            .collect();
        assert_eq!(lines, newest);
        assert!(!folder.join("lines.3").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
