// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How a run is shown: a picture on a terminal, lines elsewhere, JSON for machines.

use std::io::{self, IsTerminal, Write, stdout};
use std::thread;
use std::time::Duration;

use super::chain::Plan;
use super::meter::Snapshot;
use super::picture::{self, Picture};
use super::summary;
use super::verdict::Verdict;

/// How often the picture is drawn.
const PICTURE: Duration = Duration::from_millis(200);
/// How often a line is written.
const LINES: Duration = Duration::from_secs(1);

/// How a run is shown.
#[derive(Debug)]
pub(super) enum Show {
    /// Drawn on a terminal.
    Picture(Box<Picture>),
    /// A line each second.
    Lines,
    /// A JSON object each second.
    Json,
}

impl Show {
    /// What suits standard output.
    pub(super) fn new(json: bool, plan: &Plan, seconds: Option<Duration>) -> Self {
        if json {
            return Self::Json;
        }
        if stdout().is_terminal()
            && picture::is_possible()
            && let Ok(picture) = Picture::new(plan, seconds)
        {
            return Self::Picture(Box::new(picture));
        }
        let cpus = plan.cpus;
        let text = format!(
            "Four nodes on CPUs {} and {}, frames of {} octets, {} % of the IPv6 traffic measured",
            cpus.first, cpus.second, plan.frame_size, plan.share
        );
        // If nobody can read it, the next line will tell.
        let _ = writeln!(stdout(), "{text}");
        Self::Lines
    }

    /// How often there is something to show.
    pub(super) fn pace(&self) -> Duration {
        match self {
            Self::Picture(_) => PICTURE,
            Self::Lines | Self::Json => LINES,
        }
    }

    /// Lets time pass; `true` when the user wants to end the run.
    pub(super) fn wait(&mut self, time: Duration) -> bool {
        match self {
            Self::Picture(picture) => picture.wait(time),
            Self::Lines | Self::Json => {
                thread::sleep(time);
                false
            }
        }
    }

    /// Shows how it goes.
    pub(super) fn progress(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        match self {
            Self::Picture(picture) => picture.draw(snapshot),
            Self::Lines => writeln!(stdout(), "{}", summary::progress_line(snapshot)),
            Self::Json => writeln!(stdout(), "{}", summary::progress_json(snapshot)),
        }
    }

    /// Gives the terminal back and writes the summary.
    pub(super) fn end(self, verdict: &Verdict) -> io::Result<()> {
        let is_json = matches!(self, Self::Json);
        drop(self);
        let mut out = stdout().lock();
        if is_json {
            writeln!(out, "{}", summary::summary_json(verdict))?;
        } else {
            writeln!(out)?;
            summary::text(&mut out, verdict)?;
        }
        out.flush()
    }
}
