// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Whether a replay's files are different ones, so that none is written over what is to be read.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::ReplayArgs;

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

/// Checks that no file is used twice where one use writes it. To be asked before any is opened.
///
/// # Errors
/// One is.
pub(super) fn check(arguments: &ReplayArgs) -> Result<()> {
    let read = arguments
        .inputs
        .iter()
        .map(|file| ("--in", file.path.as_path()));
    let read = read.chain([("--config", arguments.config.as_path())]);
    let mut used: Vec<_> = read
        .filter_map(|(flag, path)| Some((identity(path)?, flag)))
        .collect();
    let written = arguments
        .outputs
        .iter()
        .map(|file| ("--out", file.path.as_path()));
    let records = arguments.records.as_deref();
    let records = records.filter(|_| !arguments.records_to_stdout());
    for (flag, path) in written.chain(records.map(|path| ("--records", path))) {
        let Some(identity) = identity(path) else {
            continue;
        };
        if let Some((_, other)) = used.iter().find(|(file, _)| *file == identity) {
            bail!(
                "{flag} {}: {other} uses this file, which would be lost; choose another",
                path.display()
            );
        }
        used.push((identity, flag));
    }
    Ok(())
}
