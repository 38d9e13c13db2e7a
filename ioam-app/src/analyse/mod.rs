// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam analyse`: the node's own collector. It reads records of several nodes, as IPFIX or as lines of
//! JSON, and says which ways packets took, how long each hop was, and what was lost where.

pub mod args;
pub mod event;
pub mod gather;
mod html;
pub mod input;
pub mod ipfix;
pub mod names;
pub mod ndjson;
mod progress;
pub mod report;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use ioam_dp::table::spec::TimestampFormat;

use crate::say;
pub use args::AnalyseArguments;
use gather::Gathered;
use input::InputReport;
use ipfix::Settings;
use names::Names;
use progress::Progress;
use report::Report;

/// Reads, analyses, and prints.
///
/// # Errors
/// One sentence that names what is missing and what mends it.
pub fn run(arguments: &AnalyseArguments) -> Result<ExitCode> {
    let names = match &arguments.nodes {
        Some(path) => Names::read(path)?,
        None => Names::default(),
    };
    let (gathered, inputs) = gather(arguments)?;
    for input in &inputs {
        for complaint in &input.complaints {
            say::err(format_args!("{}: {complaint}", input.name));
        }
        let more = input.bad.saturating_sub(input.complaints.len() as u64);
        if more > 0 {
            say::err(format_args!("{}: {more} more like that", input.name));
        }
    }
    let report = Report::new(&gathered, inputs, &names);
    if let Some(path) = &arguments.html {
        let page = html::page(&report, &gathered, &names, arguments.top);
        write(path, &page).with_context(|| format!("--html {}: cannot write", path.display()))?;
    }
    if arguments.json {
        say::out(serde_json::to_string_pretty(&report).context("no report as JSON")?);
    } else {
        say::out(report::text(&report, arguments.top).trim_end_matches('\n'));
    }
    let found = arguments.strict && report.is_trouble();
    Ok(if found {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Reads the files, and then the network.
fn gather(arguments: &AnalyseArguments) -> Result<(Gathered, Vec<InputReport>)> {
    let settings = Settings {
        enterprise: arguments.pen,
        format: arguments.timestamp_format.as_format(arguments.tai_offset),
        tai_offset: arguments.tai_offset,
    };
    let mut gathered = Gathered::default();
    let mut progress = Progress::default();
    let mut inputs = input::read(&arguments.files, settings, &mut gathered, &mut progress)?;
    if !arguments.listen.is_empty() {
        let collected = input::collect(
            &arguments.listen,
            arguments.seconds,
            settings,
            &mut gathered,
            inputs.len(),
            &mut progress,
        );
        inputs.extend(collected?);
    }
    gathered.finish();
    Ok((gathered, inputs))
}

/// Writes a file whole or not at all: what was there before is not half of the new one.
fn write(path: &Path, page: &str) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let is_plain = !path.exists() || path.is_file();
    let Some(name) = path.file_name().filter(|_| is_plain) else {
        return std::fs::write(path, page);
    };
    let mut aside = name.to_owned();
    aside.push(format!(".{}", std::process::id()));
    let aside = folder.unwrap_or(Path::new(".")).join(aside);
    let written = std::fs::File::create(&aside)
        .and_then(|mut file| file.write_all(page.as_bytes()))
        .and_then(|()| std::fs::rename(&aside, path));
    if written.is_err() {
        // What cannot be written cannot always be removed.
        let _ = std::fs::remove_file(&aside);
    }
    written
}

impl args::Format {
    fn as_format(self, tai_offset: i32) -> TimestampFormat {
        match self {
            Self::Posix => TimestampFormat::Posix,
            Self::Ptp => TimestampFormat::Ptp { tai_offset },
            Self::Ntp => TimestampFormat::Ntp,
        }
    }
}
