// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where records come from: files and standard input, merged by time, and the network.

mod connection;
mod file;
mod listen;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use serde::Serialize;

use super::event::Event;
use super::gather::Gathered;
use super::ipfix::{Counts, Settings};
use super::progress::Progress;
use file::Source;
pub use listen::collect;

/// Most complaints that are kept of one input.
const MOST_COMPLAINTS: usize = 5;

/// What was read from one file, or from one exporter.
#[derive(Clone, Debug, Default, Serialize)]
pub struct InputReport {
    /// The file, or the exporter's address.
    pub name: String,
    /// `ipfix`, `ndjson` or `empty`.
    pub format: &'static str,
    /// Records of a kind that is known.
    pub records: u64,
    /// Lines or messages that could not be read.
    pub bad: u64,
    /// What was wrong with the first of them.
    pub complaints: Vec<String>,
    /// What the protocol tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipfix: Option<Counts>,
}

impl InputReport {
    fn complain(&mut self, what: String) {
        self.bad += 1;
        if self.complaints.len() < MOST_COMPLAINTS {
            self.complaints.push(what);
        }
    }
}

/// When the event was, as far as it says.
fn time(event: &Event) -> Option<i64> {
    match event {
        Event::Trace(trace) => trace.context.time(),
        Event::Card(card) => card.context.time(),
        Event::EndToEnd(option) => option.context.time(),
        Event::Report(report) => report.context.time(),
        Event::Summary(summary) => summary.context.time(),
        Event::LoopedBack | Event::Other => None,
    }
}

/// Reads all files at once, always on with the one whose next record is the oldest: so that packets of
/// several nodes come about in their order.
///
/// # Errors
/// A file that cannot be opened, or of which nothing could be read.
pub fn read(
    files: &[PathBuf],
    settings: Settings,
    gathered: &mut Gathered,
    progress: &mut Progress,
) -> Result<Vec<InputReport>> {
    let sources = files.iter().map(|path| Source::open(path, settings));
    let mut sources: Vec<Source> = sources.collect::<Result<_>>()?;
    let mut heads: Vec<Option<Event>> = sources.iter_mut().map(Iterator::next).collect();
    // Where all is there already, nothing is waited for.
    let arrival = Instant::now();
    loop {
        let waiting = heads.iter().enumerate();
        let waiting = waiting.filter_map(|(at, head)| Some((time(head.as_ref()?), at)));
        let Some((_, at)) = waiting.min() else { break };
        let next = sources.get_mut(at).and_then(Iterator::next);
        let head = heads
            .get_mut(at)
            .and_then(|head| std::mem::replace(head, next));
        if let Some(event) = head {
            gathered.take(event, at, arrival);
        }
        progress.show(|| {
            let octets: u64 = sources.iter().map(|source| source.octets).sum();
            format!(
                "{} records, {} MB read",
                gathered.records.all(),
                octets / 1_000_000
            )
        });
    }
    let reports: Vec<InputReport> = sources.into_iter().map(Source::finish).collect();
    if let Some(report) = reports
        .iter()
        .find(|report| report.bad > 0 && report.records == 0)
    {
        let why = report.complaints.first().map_or("", String::as_str);
        bail!(
            "{}: nothing in it can be read: {why}; give files that `export: ndjson:` names, or of IPFIX messages",
            report.name
        );
    }
    Ok(reports)
}
