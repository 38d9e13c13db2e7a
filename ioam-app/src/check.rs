// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam check` and `ioam schema`: the configuration without a node.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use ioam_config::{Errors, Loaded, Machine};
use ioam_dp::table::Tables;
use serde_json::{Value, json};

use crate::runtime::allowed_cpus;
use crate::say;

/// Checks each file as for another machine: a missing CPU is a warning. Everything wrong is said.
///
/// # Errors
///
/// When this machine does not say which CPUs it has.
pub fn check(files: &[PathBuf], as_json: bool) -> Result<ExitCode> {
    let machine = Machine::other(allowed_cpus()?);
    let mut all_good = true;
    for file in files {
        let loaded = ioam_config::load(file, &machine);
        let compiled = loaded
            .as_ref()
            .ok()
            .map(|loaded| Tables::compile(&loaded.valid.node_spec(&[])));
        let refused = compiled
            .and_then(Result::err)
            .map(|error| error.to_string());
        all_good &= loaded.is_ok() && refused.is_none();
        if as_json {
            say::out(object(&file.display().to_string(), &loaded, refused));
            continue;
        }
        match (&loaded, refused) {
            (Err(errors), _) => say::err(errors),
            (Ok(_), Some(refused)) => {
                say::err(format_args!("{}: error: {refused}", file.display()));
            }
            (Ok(loaded), None) => {
                loaded.warnings.iter().for_each(say::err);
                say::out(format_args!("{}: ok", file.display()));
            }
        }
    }
    Ok(if all_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn object(file: &str, loaded: &Result<Loaded, Errors>, refused: Option<String>) -> Value {
    let diagnostics = match loaded {
        Ok(loaded) => &loaded.warnings,
        Err(errors) => &errors.diagnostics,
    };
    let diagnostics: Vec<_> = diagnostics
        .iter()
        .map(|d| {
            json!({
                "severity": d.severity.to_string(), "line": d.place.line,
                "column": d.place.column, "what": d.what, "help": d.help,
            })
        })
        .collect();
    let ok = loaded.is_ok() && refused.is_none();
    json!({"file": file, "ok": ok, "diagnostics": diagnostics, "refused": refused})
}

/// Prints the JSON Schema.
#[must_use]
pub fn schema() -> ExitCode {
    say::out(format_args!("{:#}", ioam_config::schema()));
    ExitCode::SUCCESS
}
