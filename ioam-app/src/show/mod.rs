// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam show`: a running node's figures as a table or as JSON, with rates between two looks.

pub mod figures;
mod rates;
pub mod tables;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::control::Client;
use crate::control::snapshot::Section;
pub use rates::{Look, rated, rated_all};

/// Shortest time between two looks: below it rates are noise.
const SHORTEST: f64 = 0.05;

/// What to show of a running node.
#[derive(Clone, Debug, Args)]
pub struct ShowArguments {
    /// What to show
    pub section: Section,
    /// Print JSON: everything, also what a table leaves out
    #[arg(long)]
    pub json: bool,
    /// The node's control socket; default: the one that answers
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Show again every so many seconds, with the rates since the last time
    #[arg(long, value_name = "SECONDS")]
    pub watch: Option<f64>,
    /// Seconds between the two looks that rates are made of
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub window: f64,
}

/// Shows it.
///
/// # Errors
/// No node answers, or it refuses.
pub fn show(arguments: &ShowArguments) -> Result<ExitCode> {
    let window = seconds(arguments.window, "--window")?;
    let watch = arguments.watch.map(|watch| seconds(watch, "--watch"));
    let watch = watch.transpose()?;
    let mut before = look(arguments)?;
    std::thread::sleep(watch.unwrap_or(window));
    loop {
        let after = look(arguments)?;
        let rated = rated(&before, &after, arguments.section.name());
        let is_read = print(arguments, &rated, watch.is_some()).is_ok();
        let Some(watch) = watch.filter(|_| is_read) else {
            return Ok(ExitCode::SUCCESS);
        };
        before = after;
        std::thread::sleep(watch);
    }
}

/// A length of time that somebody gave.
pub(crate) fn seconds(value: f64, flag: &str) -> Result<Duration> {
    ensure!(
        value >= SHORTEST,
        "{flag} wants seconds, at least {SHORTEST}"
    );
    Duration::try_from_secs_f64(value).with_context(|| format!("{flag} wants seconds, such as 1"))
}

/// A connection for each, so that a node that is asked once a minute has no client in between.
fn look(arguments: &ShowArguments) -> Result<Look> {
    let request = json!({ "request": "show", "section": arguments.section.name() });
    let mut client = Client::connect(arguments.socket.as_deref())?;
    Ok(Look(client.ask(&request)?))
}

/// Prints; an error when nobody reads any more.
fn print(arguments: &ShowArguments, rated: &Value, again: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if arguments.json && again {
        return writeln!(out, "{rated}");
    }
    if arguments.json {
        return writeln!(out, "{rated:#}");
    }
    if again && out.is_terminal() {
        // Home, and everything below it away.
        out.write_all(b"\x1b[H\x1b[2J")?;
    }
    let table = tables::table(arguments.section, rated);
    writeln!(out, "{}", table.trim_end())?;
    if again && !out.is_terminal() {
        writeln!(out)?;
    }
    Ok(())
}
