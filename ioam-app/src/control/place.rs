// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where control sockets are: where a node puts its own, and where others look for it.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The directory of sockets that a configuration does not place.
#[must_use]
pub fn default_directory() -> PathBuf {
    directories().swap_remove(0)
}

/// Where sockets are looked for, the user's own directory first.
fn directories() -> Vec<PathBuf> {
    let own = std::env::var_os("XDG_RUNTIME_DIR").filter(|directory| !directory.is_empty());
    let own = own.map(|directory| PathBuf::from(directory).join("ioam"));
    own.into_iter()
        .chain([PathBuf::from("/run/ioam")])
        .collect()
}

/// The sockets at which a node answers.
#[must_use]
pub fn found() -> Vec<PathBuf> {
    let entries = directories()
        .into_iter()
        .filter_map(|directory| fs::read_dir(directory).ok())
        .flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut sockets: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "sock"))
        .filter(|path| UnixStream::connect(path).is_ok())
        .collect();
    sockets.sort();
    sockets
}

/// A socket at `path` with these permissions. It has them from the moment it is there, and takes the
/// place of one that a node has left behind.
pub(super) fn listen(path: &Path, mode: u32) -> Result<UnixListener> {
    let at = path.display();
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => {
            bail!("{at} is there and is no socket; remove it, or write another path");
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            bail!("at {at} another node answers; stop it, or write another path");
        }
        _ => {}
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Short, since a socket's path may be no longer than 107 octets.
    let short: String = name.chars().take(4).collect();
    let aside = path.with_file_name(format!(".{short}{}", std::process::id()));
    let listener = bind(&aside, mode).and_then(|listener| {
        fs::rename(&aside, path)?;
        Ok(listener)
    });
    if listener.is_err() {
        let _ = fs::remove_file(&aside);
    }
    listener.with_context(|| {
        let directory = path.parent().unwrap_or(path).display();
        format!("cannot make {at}; is {directory} there, and may this user write to it?")
    })
}

fn bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let _ = fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(listener)
}
