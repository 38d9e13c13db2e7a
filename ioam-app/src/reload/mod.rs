// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam reload`: another configuration for a running node, taken over between two bursts or not at
//! all.

mod restart;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use ioam_config::Change;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::control::Client;
use crate::say;
pub use restart::{Running, restarts};

/// What became of a reload.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    /// Whether workers have the new configuration.
    pub applied: bool,
    /// The keys that differ, in order.
    #[serde(serialize_with = "changes_as_objects")]
    pub changes: Vec<Change>,
    /// What would need a restart: keys and what to do.
    pub restart: Vec<String>,
    /// What is probably not as it was meant.
    pub warnings: Vec<String>,
    /// Why nothing was changed, where that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Outcome {
    /// Nothing was changed, because of this.
    #[must_use]
    pub fn refused(error: String) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }
}

fn changes_as_objects<S: Serializer>(changes: &[Change], serializer: S) -> Result<S::Ok, S::Error> {
    let objects = changes
        .iter()
        .map(|change| json!({ "key": change.key, "before": change.before, "after": change.after }));
    serializer.collect_seq(objects)
}

/// How to have a node read its configuration again.
#[derive(Clone, Debug, Args)]
pub struct ReloadArguments {
    /// The node's control socket; default: the one that answers
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Only say what would change
    #[arg(long)]
    pub dry_run: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    pub json: bool,
}

/// Asks the node and says what it answered.
///
/// # Errors
/// No node answers.
pub fn reload(arguments: &ReloadArguments) -> Result<ExitCode> {
    let mut client = Client::connect(arguments.socket.as_deref().map(Path::new))?;
    let request = json!({ "request": "reload", "dry-run": arguments.dry_run });
    let answer = client.exchange(&request)?;
    if arguments.json {
        say::out(&answer);
    } else {
        print(&answer, arguments.dry_run);
    }
    Ok(if answer["ok"] == true {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print(answer: &Value, dry_run: bool) {
    let lines = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
    for warning in lines("warnings") {
        say::err(warning.as_str().unwrap_or_default());
    }
    let changes = lines("changes");
    for change in &changes {
        let text = |key: &str| change[key].as_str().map(str::to_owned);
        say::out(Change {
            key: text("key").unwrap_or_default(),
            before: text("before"),
            after: text("after"),
        });
    }
    if let Some(error) = answer["error"].as_str() {
        say::err(format_args!("error: {error}"));
    } else if changes.is_empty() {
        say::out("nothing has changed");
    } else if dry_run {
        say::out(format_args!(
            "{} keys would change; nothing was done",
            changes.len()
        ));
    } else {
        say::out(format_args!("{} keys changed", changes.len()));
    }
}
