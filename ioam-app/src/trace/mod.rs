// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam trace`: what a running node does with packets, as they come, in the form of `ioam explain`.
//!
//! The node's side is `watch` and what answers the request in `control`; here is also the other
//! side, which prints, and writes captures. It alone touches the file.

mod file;
mod terms;
mod watch;

use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::control::Client;
use crate::interrupt::Interrupt;
use crate::say;
use file::File;
pub(crate) use terms::matcher;
pub use watch::Taps;
pub(crate) use watch::Watch;

/// Which packets of a running node to show.
#[derive(Clone, Debug, Args)]
pub struct TraceArguments {
    /// Stop after this many packets [default: at Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Show packets of this kind alone, such as protocol=udp, in-port=NAME or dropped; given
    /// several times, all have to match
    #[arg(long = "match", value_name = "TERM")]
    pub terms: Vec<String>,
    /// Write the packets, as they came and as they left, into a pcapng file with comments
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Print one JSON object a packet
    #[arg(long)]
    pub json: bool,
    /// The node's control socket; default: the one that answers
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Stop after this many seconds
    #[arg(long, value_name = "S")]
    pub seconds: Option<f64>,
}

/// Shows them until there are enough.
///
/// # Errors
/// No node answers, or it refuses; or the file cannot be written.
pub fn trace(arguments: &TraceArguments) -> Result<ExitCode> {
    if let Some(seconds) = arguments.seconds {
        let wants = "--seconds wants a number above 0, such as 10";
        ensure!(seconds.is_finite() && seconds > 0.0, wants);
    }
    let interrupt = Interrupt::watch()?;
    let mut client = Client::connect(arguments.socket.as_deref())?;
    let begun = client.ask(&json!({
        "request": "trace",
        "match": arguments.terms,
        "count": arguments.count,
        "seconds": arguments.seconds,
        "text": !arguments.json,
        "frames": arguments.write.is_some(),
    }))?;
    let file = arguments.write.as_deref();
    let file = file.map(|path| File::create(path, &begun["trace"]["ports"]));
    let mut viewer = Viewer {
        json: arguments.json,
        file: file.transpose()?,
        lost: 0,
        live: Live::default(),
    };
    let mut figures = Value::Null;
    while !interrupt.has_come() {
        let answer = client.receive()?;
        if let Some(error) = answer["error"].as_str() {
            bail!("{error}");
        }
        if answer["packet"].is_object() {
            if viewer.show(&answer)?.is_none() {
                return Ok(ExitCode::SUCCESS);
            }
        } else if answer["end"].is_object() {
            figures = answer["end"].clone();
            break;
        } else if answer["progress"].is_object() {
            figures = answer["progress"].clone();
            viewer.live.show(&figures);
        }
    }
    viewer.live.clear();
    say::err(summary(&figures));
    Ok(ExitCode::SUCCESS)
}

/// Where packets go.
struct Viewer {
    json: bool,
    file: Option<File>,
    lost: u64,
    live: Live,
}

impl Viewer {
    /// Shows a packet; `None` when nobody reads any more.
    fn show(&mut self, answer: &Value) -> Result<Option<()>> {
        if let Some(file) = &mut self.file {
            file.add(answer)?;
        }
        self.live.clear();
        let lost = answer["lost"].as_u64().unwrap_or(0);
        let more = lost.saturating_sub(self.lost);
        self.lost = lost;
        let text = match answer["text"].as_str() {
            _ if self.json => answer["packet"].to_string(),
            Some(text) if more > 0 => format!("{} not shown\n\n{text}", packets(more)),
            Some(text) => text.to_owned(),
            None => bail!("the node told of a packet without text; is it of another version?"),
        };
        let mut stdout = stdout().lock();
        let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
        Ok(written.ok())
    }
}

fn packets(number: u64) -> String {
    match number {
        1 => "1 packet".to_owned(),
        number => format!("{number} packets"),
    }
}

/// What was seen in all.
fn summary(figures: &Value) -> String {
    let figure = |key: &str| figures[key].as_u64().unwrap_or(0);
    let mut text = format!(
        "{} shown, {} looked at",
        packets(figure("shown")),
        figure("looked_at")
    );
    if figure("lost") > 0 {
        text += &format!(
            "; {} not shown: they came faster than they could be told",
            packets(figure("lost"))
        );
    }
    if figure("passed_by") > 0 {
        text += &format!(
            "; {} not looked at: tracing takes at most a quarter of a worker's time",
            figure("passed_by")
        );
    }
    text
}

/// One line on a terminal, rewritten while nothing is shown.
#[derive(Default)]
struct Live {
    is_there: bool,
}

impl Live {
    fn show(&mut self, figures: &Value) {
        if stderr().is_terminal() {
            // Nobody misses a line that cannot be shown.
            let _ = write!(stderr(), "\r\x1b[K{}", summary(figures));
            self.is_there = true;
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_there) {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
