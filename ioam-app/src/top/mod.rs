// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam top`: a running node's figures on a terminal, again and again, with rates over a window.
//!
//! ```text
//! watcher (a thread) ─► answers ─► Model ─► pages ─► lines ─► the terminal
//!         ▲ interval                        ▲
//!         └─────────────── keys ────────────┘
//! ```
//!
//! Everything is asked for at once, so that all figures on the screen are of one moment.

mod figures;
mod keys;
mod model;
mod pages;
mod picture;
mod screen;
mod table;
mod tones;
mod watcher;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::control::snapshot::Section;
use crate::say;
use crate::show::tables::table;
use crate::show::{Look, rated_all, seconds};
use watcher::Asker;

/// Which node to watch, and how.
#[derive(Clone, Debug, Args)]
pub struct TopArguments {
    /// The node's control socket; default: the one that answers
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Seconds between two looks, which rates are made of
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub interval: f64,
    /// Print a JSON object with everything after each interval, instead of drawing
    #[arg(long)]
    pub json: bool,
    /// Look for one interval, print everything and stop
    #[arg(long)]
    pub once: bool,
}

/// Watches until a key, a signal or `--once` ends it.
///
/// # Errors
/// No node answers at the start, an argument makes no sense, or there is no terminal to draw on.
pub fn top(arguments: &TopArguments) -> Result<ExitCode> {
    let interval = seconds(arguments.interval, "--interval")?;
    if arguments.json || arguments.once {
        return print(arguments, interval);
    }
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    ensure!(
        std::io::stdout().is_terminal() && !is_dumb,
        "standard output is no terminal to draw on; `ioam top --once` prints everything once, `ioam \
         top --json` an object each interval, and `ioam show ports --watch 1` one table"
    );
    let mut asker = Asker::new(arguments.socket.clone());
    let first = asker.ask()?;
    screen::run(asker, first, interval)
}

/// Without a terminal: objects or tables, until `--once` or nobody reads any more.
fn print(arguments: &TopArguments, interval: Duration) -> Result<ExitCode> {
    let mut asker = Asker::new(arguments.socket.clone());
    let mut before = Some(Look(asker.ask()?));
    loop {
        std::thread::sleep(interval);
        let after = match asker.ask() {
            Ok(answer) => Look(answer),
            Err(error) if arguments.once => return Err(error),
            Err(error) => {
                if before.take().is_some() {
                    say::err(format_args!("{error:#}; trying again until it is back"));
                }
                continue;
            }
        };
        // What is older than the node makes no rates.
        let window = before.as_ref().filter(|before| before.is_before(&after));
        let all = rated_all(window.unwrap_or(&after), &after);
        let text = if arguments.json {
            all.to_string()
        } else {
            tables(&all)
        };
        let is_read = writeln!(std::io::stdout(), "{text}").is_ok();
        if arguments.once || !is_read {
            return Ok(ExitCode::SUCCESS);
        }
        before = Some(after);
    }
}

/// Every section's table below its name.
fn tables(all: &Value) -> String {
    let sections = Section::ALL.map(|section| {
        let table = table(section, all);
        format!("[{}]\n{}", section.name(), table.trim_end())
    });
    sections.join("\n\n")
}

#[cfg(test)]
mod tests;
