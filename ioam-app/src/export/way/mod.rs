// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where lines of JSON end: files that are rotated, a socket, standard output. None of them may hold
//! up the collectors, so what is not taken in time is refused, and counted by who writes.

mod pipe;
mod rotating;
mod socket;

use std::path::Path;

use anyhow::{Context, Result};
use ioam_config::Lines;

use super::Output;
use pipe::Pipe;
use rotating::Rotating;
use socket::Socket;

/// Opens the way that the configuration names.
///
/// # Errors
/// A file cannot be written to. A socket nobody listens at is no error: somebody may yet.
pub fn open(lines: Option<&Lines>) -> Result<Output> {
    match lines {
        None => Ok(Output::nowhere()),
        Some(Lines::StandardOutput) => {
            let name = "standard output";
            Ok(Output::new(name, Box::new(Pipe::new(std::io::stdout()))))
        }
        Some(Lines::Socket(path)) => {
            let socket = Socket::new(Path::new(path));
            Ok(Output::new(&format!("unix:{path}"), Box::new(socket)))
        }
        Some(Lines::File { path, rotation }) => {
            let file = Path::new(path);
            let output = match rotation {
                None => Output::append(file),
                Some(rotation) => Rotating::open(file, rotation.most_octets, rotation.keep)
                    .map(|file| Output::new(path, Box::new(file))),
            };
            output.with_context(|| format!("cannot write records to {path}; see `export: ndjson:`"))
        }
    }
}
