// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam import-linux`: the configuration of a node of the Linux kernel, as one for this program.
//!
//! What the kernel's tools print is read as text, not as their JSON: that of iproute2 6.1 has
//! schemas without names for their octets, and two meanings of `type` in one route.

mod kernel;
mod profiles;
mod routes;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::host::{Commands, RealCommands};
use crate::say;
use kernel::KernelNode;

/// Where the kernel's configuration is.
#[derive(Clone, Debug, Args)]
pub struct ImportLinuxArguments {
    /// The network namespace; without it that of this process
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    pub netns: Option<String>,
    /// A folder with what the commands printed on another machine
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
}

/// One thing that is asked.
struct Source {
    /// The file in the folder of `--from`.
    file: &'static str,
    /// The command, which gets `-n NAME` behind `ip`.
    words: &'static [&'static str],
}

/// All that is asked; the documentation has the same list.
const SOURCES: [Source; 6] = [
    Source {
        file: "namespaces.txt",
        words: &["ip", "ioam", "namespace", "show"],
    },
    Source {
        file: "schemas.txt",
        words: &["ip", "ioam", "schema", "show"],
    },
    Source {
        file: "sysctls.txt",
        words: &["sysctl", "-a", "-r", "ioam6"],
    },
    Source {
        file: "addresses.json",
        words: &["ip", "-j", "-d", "addr", "show"],
    },
    Source {
        file: "routes.txt",
        words: &["ip", "-6", "route", "show", "table", "all"],
    },
    Source {
        file: "neighbours.txt",
        words: &["ip", "-6", "neigh", "show"],
    },
];

/// Prints the configuration on standard output.
///
/// # Errors
///
/// A command fails or a file is missing, what they say cannot be understood, or there is nothing to
/// import.
pub fn import_linux(arguments: &ImportLinuxArguments) -> Result<ExitCode> {
    let texts = match &arguments.from {
        Some(folder) => captured(folder)?,
        None => asked(&RealCommands, arguments.netns.as_deref())?,
    };
    say::out(configuration(&texts)?.trim_end());
    Ok(ExitCode::SUCCESS)
}

/// The configuration that follows from what the commands printed, in the order of [`SOURCES`].
fn configuration(texts: &[String; 6]) -> Result<String> {
    let node = KernelNode::parse(texts)?;
    if node.ports.is_empty() {
        bail!(
            "no interface has ioam6_enabled or a route: is this the right network namespace? \
             `ip netns list` shows them, --netns names one"
        );
    }
    Ok(write::configuration(&node))
}

fn captured(folder: &Path) -> Result<[String; 6]> {
    let mut texts: [String; 6] = Default::default();
    for (text, source) in texts.iter_mut().zip(&SOURCES) {
        let path = folder.join(source.file);
        let octets = std::fs::read(&path).with_context(|| {
            let words = source.words.join(" ");
            format!(
                "cannot read {0}; make it with `{words} > {0}`",
                path.display()
            )
        })?;
        *text = String::from_utf8_lossy(&octets).into_owned();
    }
    Ok(texts)
}

fn asked(commands: &dyn Commands, netns: Option<&str>) -> Result<[String; 6]> {
    let mut texts: [String; 6] = Default::default();
    for (text, source) in texts.iter_mut().zip(&SOURCES) {
        let (program, rest) = source.words.split_first().unwrap_or((&"ip", &[]));
        let mut words = Vec::new();
        match netns {
            Some(name) if *program == "ip" => words.extend(["-n", name]),
            Some(name) => words.extend(["netns", "exec", name, program]),
            None => {}
        }
        words.extend(rest);
        let program = if netns.is_some() { "ip" } else { *program };
        let answer = commands.run(program, &words);
        *text = answer.with_context(|| format!("`{program} {}` failed", words.join(" ")))?;
    }
    Ok(texts)
}
