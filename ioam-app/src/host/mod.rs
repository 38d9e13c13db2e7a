// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The machine as this program reads it: the kernel's files below a root, and the commands of others.
//!
//! Tests give another root and commands that answer from a list.

#[cfg(test)]
pub(crate) mod fake;
mod pci;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub use pci::{PciDevice, full_address};

/// How long a command may take: a clock daemon that does not answer must not stop a report.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often is looked whether it has ended.
const TICK: Duration = Duration::from_millis(5);

/// Runs commands of other packages.
pub trait Commands {
    /// The standard output of `program` with `arguments`.
    ///
    /// # Errors
    ///
    /// The program is not installed (`NotFound`), took too long, or ended with an error, which is
    /// then its own words.
    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<String>;
}

/// The commands of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealCommands;

impl Commands for RealCommands {
    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<String> {
        // What root needs is in sbin, which is not in everybody's PATH.
        let path = std::env::var("PATH").unwrap_or_default();
        let mut child = Command::new(program)
            .args(arguments)
            .env("PATH", format!("{path}:/usr/sbin:/sbin"))
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pipes = (child.stdout.take(), child.stderr.take());
        let readers = (read_all(pipes.0), read_all(pipes.1));
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if start.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                let what = format!("`{program}` did not end within {} s", PATIENCE.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, what));
            }
            std::thread::sleep(TICK);
        };
        let text = |reader: std::thread::JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
        };
        let (output, errors) = (text(readers.0), text(readers.1));
        if status.success() {
            return Ok(output);
        }
        let said = errors.lines().next().unwrap_or("it did not say why");
        Err(io::Error::other(format!("`{program}`: {said}")))
    }
}

/// Reads a pipe on a thread of its own, so that a full one does not stop the command.
fn read_all(pipe: Option<impl io::Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut octets = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before an error is still the answer.
            let _ = pipe.read_to_end(&mut octets);
        }
        octets
    })
}

/// A machine.
pub struct Host<'a> {
    root: PathBuf,
    commands: &'a dyn Commands,
}

impl<'a> Host<'a> {
    /// The machine whose `/sys`, `/proc` and `/dev` are below `root`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, commands: &'a dyn Commands) -> Self {
        let root = root.into();
        Self { root, commands }
    }

    /// Where a file of the machine is; `path` is absolute.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The text of a file without white space around it.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<String> {
        let text = fs::read(self.path(path)).ok()?;
        Some(String::from_utf8_lossy(&text).trim().to_owned())
    }

    /// A file that holds one number.
    #[must_use]
    pub fn number(&self, path: &str) -> Option<u64> {
        self.read(path)?.parse().ok()
    }

    /// Whether there is such a file or folder.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// The last part of where a link leads, which is how sysfs names a driver or a group.
    #[must_use]
    pub fn link_name(&self, path: &str) -> Option<String> {
        let target = self.link_target(path)?;
        target.rsplit('/').next().map(str::to_owned)
    }

    /// Where a link leads, as it is written.
    #[must_use]
    pub fn link_target(&self, path: &str) -> Option<String> {
        let target = fs::read_link(self.path(path)).ok()?;
        Some(target.to_string_lossy().into_owned())
    }

    /// The names in a folder, in order; none when it is not there.
    #[must_use]
    pub fn names(&self, path: &str) -> Vec<String> {
        names(&self.path(path))
    }

    /// The output of a command.
    ///
    /// # Errors
    ///
    /// As [`Commands::run`].
    pub fn run(&self, program: &str, arguments: &[&str]) -> io::Result<String> {
        self.commands.run(program, arguments)
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The CPUs of a kernel's list, such as `0-3,8`.
#[must_use]
pub fn cpu_list(text: &str) -> Vec<usize> {
    let mut cpus = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        // A stride, as in `0-7:2/4`, is no list that sysfs prints.
        if let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) {
            cpus.extend(first..=last);
        }
    }
    cpus
}

/// CPUs as the kernel lists them.
#[must_use]
pub fn cpu_text(cpus: &[usize]) -> String {
    let words: Vec<String> = cpus.iter().map(ToString::to_string).collect();
    words.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cpus_are_read_as_the_kernel_writes_them() {
        assert_eq!(cpu_list("0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(cpu_list(""), [0; 0]);
        assert_eq!(cpu_list("x,3-y,4"), [4]);
        assert_eq!(cpu_text(&[1, 2]), "1,2");
    }

    #[test]
    fn a_command_answers_fails_or_is_missing() {
        let out = RealCommands.run("printf", &["a b"]).unwrap();
        assert_eq!(out, "a b");
        let error = RealCommands.run("ls", &["/no-such-file"]).unwrap_err();
        assert!(error.to_string().contains("no-such-file"), "{error}");
        let error = RealCommands.run("no-such-program", &[]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
