// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writing to sysfs, or showing what would be written.

use std::io;
use std::path::PathBuf;

use crate::say;

/// Takes what is written to the kernel's files.
pub trait Sysfs {
    /// Writes `text` to the file at the absolute `path`.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    fn write(&mut self, path: &str, text: &str) -> io::Result<()>;

    /// Whether what is written happens.
    fn is_real(&self) -> bool {
        true
    }
}

/// The kernel's own files, below a root.
#[derive(Clone, Debug)]
pub struct RealSysfs {
    /// The folder that has `sys`.
    pub root: PathBuf,
}

impl Sysfs for RealSysfs {
    fn write(&mut self, path: &str, text: &str) -> io::Result<()> {
        // Without creating it: a missing file of sysfs is an answer.
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .open(self.root.join(path.trim_start_matches('/')))?;
        io::Write::write_all(&mut file, text.as_bytes())
    }
}

/// Prints each write as the command that does it.
#[derive(Clone, Copy, Debug, Default)]
pub struct DryRun;

impl Sysfs for DryRun {
    fn write(&mut self, path: &str, text: &str) -> io::Result<()> {
        let text = text.trim();
        let words = if text.is_empty() {
            "echo".to_owned()
        } else {
            format!("echo {text}")
        };
        say::out(format_args!("{words} > {path}"));
        Ok(())
    }

    fn is_real(&self) -> bool {
        false
    }
}
