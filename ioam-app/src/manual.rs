// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam man` and `ioam completion`: what the command line is, for `man` and for shells.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Arguments;

/// Writes one page for the program and one for each command: `ioam.1`, `ioam-run.1` and so on.
///
/// # Errors
///
/// The folder cannot be written to.
pub fn pages(folder: &Path) -> Result<ExitCode> {
    clap_mangen::generate_to(Arguments::command(), folder)
        .with_context(|| format!("cannot write manual pages to {}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the completion of a shell.
#[must_use]
pub fn completion(shell: Shell) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "ioam", &mut text);
    // Not `println!`, which panics where nobody reads.
    crate::say::out(String::from_utf8_lossy(&text).trim_end());
    ExitCode::SUCCESS
}
