// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where lines of JSON go.

use super::refuse;
use crate::model::Model;
use crate::report::Problems;
use crate::scalar::get;

/// What a path of a socket begins with.
const SOCKET: &str = "unix:";
/// Files kept beside the one that is written, where the file names no number.
const KEEP: u16 = 4;

/// Where lines of JSON go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Standard output.
    StandardOutput,
    /// A file they are added to.
    File {
        /// Its path.
        path: String,
        /// When another is begun, if ever.
        rotation: Option<Rotation>,
    },
    /// A unix socket that somebody listens at: its path.
    Socket(String),
}

/// When a file is put aside and another begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Octets a file may have.
    pub most_octets: u64,
    /// Files put aside that are kept: `PATH.1`, the youngest, to `PATH.N`.
    pub keep: u16,
}

pub(super) fn lines(model: &Model, problems: &mut Problems) -> Option<Lines> {
    let keys = model.export.as_ref()?;
    let rotate = get(&keys.rotate_mib, problems);
    let keep = get(&keys.keep, problems);
    let rotating = [
        ("rotate-mib", keys.rotate_mib.as_ref().map(|key| key.place)),
        ("keep", keys.keep.as_ref().map(|key| key.place)),
    ];
    let Some(ndjson) = get(&keys.ndjson, problems) else {
        refuse(&rotating, "no `ndjson`", problems);
        return None;
    };
    if ndjson.0 == "-" {
        refuse(&rotating, "ndjson: -", problems);
        return Some(Lines::StandardOutput);
    }
    if let Some(path) = ndjson.0.strip_prefix(SOCKET) {
        refuse(&rotating, "ndjson: unix:…", problems);
        if path.is_empty() {
            let place = keys.ndjson.as_ref().map(|key| key.place)?;
            let help = "write the path somebody listens at, as in `unix:/run/records.sock`";
            problems.error(place, "a socket needs a path".to_owned(), help);
        }
        return Some(Lines::Socket(path.to_owned()));
    }
    if let (None, Some(place)) = (&rotate, rotating[1].1) {
        let help = "add `rotate-mib:` with the size of a file, or remove `keep`";
        problems.error(
            place,
            "`keep` means nothing without `rotate-mib`".to_owned(),
            help,
        );
    }
    Some(Lines::File {
        path: ndjson.0,
        rotation: rotate.map(|mib| Rotation {
            most_octets: u64::from(mib.0) << 20,
            keep: keep.map_or(KEEP, |keep| keep.0),
        }),
    })
}
