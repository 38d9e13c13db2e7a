// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which files a replay uses, so that none is written over what is still to be read.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The files used so far: what identifies them, and the argument that named them.
#[derive(Debug, Default)]
pub(super) struct Claims {
    files: Vec<(Identity, String)>,
}

/// A file as the system knows it, or the path of one that is not there yet.
#[derive(Debug, PartialEq, Eq)]
enum Identity {
    Present { device: u64, inode: u64 },
    Absent(PathBuf),
}

fn identity(path: &Path) -> Option<Identity> {
    let present = |metadata: Metadata| {
        let (device, inode) = (metadata.dev(), metadata.ino());
        metadata
            .is_file()
            .then_some(Identity::Present { device, inode })
    };
    match std::fs::metadata(path) {
        // What is no file, such as /dev/null, can be named as often as one likes.
        Ok(metadata) => present(metadata),
        Err(_) => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
            Some(Identity::Absent(folder.join(path.file_name()?)))
        }
    }
}

impl Claims {
    /// Notes a file that is read.
    pub(super) fn input(&mut self, argument: &str, path: &Path) {
        if let Some(identity) = identity(path) {
            self.files.push((identity, argument.to_owned()));
        }
    }

    /// Notes a file that is about to be created.
    ///
    /// # Errors
    /// It is used already.
    pub(super) fn output(&mut self, argument: &str, path: &Path) -> Result<()> {
        let Some(identity) = identity(path) else {
            return Ok(());
        };
        if let Some((_, other)) = self.files.iter().find(|(file, _)| *file == identity) {
            bail!(
                "{argument} {}: {other} uses this file, which would be lost; choose another",
                path.display()
            );
        }
        self.files.push((identity, argument.to_owned()));
        Ok(())
    }
}
