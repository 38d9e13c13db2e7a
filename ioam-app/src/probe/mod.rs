// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam probe`: active measurement (RFC 9322, 5) to read like ping and traceroute.
//!
//! With `--config` a node runs until it has sent its probes. What it learns itself are the probes
//! that end at it and the copies that nodes loop back; what becomes of probes elsewhere is in the
//! records of the node that ends them, which `--report` reads.

mod args;
mod line;
mod send;
mod summary;
mod tally;

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::say;
pub use args::ProbeArguments;
use line::Line;
use summary::Summary;
use tally::Tally;

/// Sends probes, or reads what became of them, and prints the outcome.
///
/// # Errors
/// One sentence that names what is missing and what mends it.
pub fn run(arguments: &ProbeArguments) -> Result<ExitCode> {
    match (&arguments.config, &arguments.report) {
        (Some(config), _) => send::send(config, arguments),
        (None, Some(path)) => {
            print(&Summary::from(&read(path)?), arguments.json)?;
            Ok(ExitCode::SUCCESS)
        }
        (None, None) => {
            bail!("give --config FILE to send probes, or --report FILE to read records")
        }
    }
}

fn print(summary: &Summary, json: bool) -> Result<()> {
    if json {
        say::out(serde_json::to_string_pretty(summary).context("no outcome as JSON")?);
    } else {
        say::out(summary.to_string().trim_matches('\n'));
    }
    Ok(())
}

/// All records of a file.
fn read(path: &Path) -> Result<Tally> {
    if path.as_os_str() == "-" {
        return tally("standard input", &mut stdin().lock());
    }
    let name = path.display();
    let file = File::open(path).with_context(|| format!("--report {name}: cannot be read"))?;
    tally(&name.to_string(), &mut BufReader::new(file))
}

/// Tallies lines. A last line without its end is one that is being written, and left out.
fn tally(name: &str, lines: &mut dyn BufRead) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut text = String::new();
    for number in 1_u64.. {
        text.clear();
        let octets = lines.read_line(&mut text);
        octets.with_context(|| format!("{name}: line {number} cannot be read"))?;
        if !text.ends_with('\n') {
            break;
        }
        if text.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(&text).with_context(|| {
            format!(
                "{name}: line {number} is no record; give the file that `export: ndjson:` names"
            )
        })?;
        tally.enter(&line);
    }
    Ok(tally)
}

#[cfg(test)]
mod tests;
