// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The operator's YAML: read, checked, and turned into what a node is told to be.
//!
//! ```text
//! text ─► Model (keys and values with their places) ─► Valid (checked) ─► NodeSpec, runtime, ports
//! ```
//!
//! [`load`] and [`parse`] do all of it. What is wrong comes back as [`Diagnostic`]s that know file,
//! line and column and say what to write instead.

mod diff;
mod key_file;
pub mod model;
mod report;
pub mod scalar;
mod suggest;
mod syntax;
pub mod text;
mod valid;

use std::path::Path;

pub use diff::{Change, changes};
pub use model::Model;
pub use report::{Complaint, Diagnostic, Errors, Place, Severity};
pub use text::{CollectorProfile, Memory, RecordKind, Transport};
pub use valid::{
    Collector, CollectorTls, Control, ControlSocket, Lines, Machine, PortRuntime, Rotation,
    Runtime, Simulate, Valid,
};

/// Largest file read, in octets: far beyond any real one.
const LARGEST: u64 = 16 << 20;

/// A usable configuration.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub valid: Valid,
    /// What is probably not as it was meant.
    pub warnings: Vec<Diagnostic>,
    /// The file's text, for [`changes`].
    pub text: String,
}

/// Reads and checks a file.
///
/// # Errors
/// The file cannot be read, is not YAML, or is not a valid configuration.
pub fn load(path: &Path, machine: &Machine) -> Result<Loaded, Errors> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        let help = "give the path of a YAML file; config/samples has some to start from";
        whole_file(&name, format!("cannot read this file: {error}"), help)
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > LARGEST {
        return Err(too_large(&name));
    }
    let octets = std::fs::read(path).map_err(unreadable)?;
    match std::str::from_utf8(&octets) {
        Ok(text) => check(&name, path.parent(), text, machine),
        Err(error) => {
            let line = octets[..error.valid_up_to()]
                .iter()
                .filter(|&&o| o == b'\n')
                .count()
                + 1;
            let help = "save the file as UTF-8";
            Err(whole_file(
                &name,
                format!("line {line} is not UTF-8 text"),
                help,
            ))
        }
    }
}

/// Checks `text`, which messages call `name`. Files that it names are looked for beside that.
///
/// # Errors
/// The text is not YAML, or not a valid configuration.
pub fn parse(name: &str, text: &str, machine: &Machine) -> Result<Loaded, Errors> {
    check(name, Path::new(name).parent(), text, machine)
}

fn check(
    name: &str,
    folder: Option<&Path>,
    text: &str,
    machine: &Machine,
) -> Result<Loaded, Errors> {
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(too_large(name));
    }
    let model = syntax::read(text).map_err(|(place, complaint)| Errors {
        diagnostics: vec![Diagnostic::new(
            name,
            text,
            Severity::Error,
            place,
            complaint,
        )],
    })?;
    let mut problems = report::Problems::default();
    let folder = folder.unwrap_or(Path::new(""));
    let valid = valid::validate(&model, folder, machine, &mut problems);
    let failed = problems.failed();
    let diagnostics = problems.into_diagnostics(name, text);
    if failed {
        Err(Errors { diagnostics })
    } else {
        Ok(Loaded {
            valid,
            warnings: diagnostics,
            text: text.to_owned(),
        })
    }
}

/// The JSON Schema of the file, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Model);
    schema.insert("title".to_owned(), "IOAM node".into());
    schema.into()
}

fn whole_file(name: &str, what: String, help: &str) -> Errors {
    let complaint = Complaint::new(what, help);
    let place = Place::default();
    Errors {
        diagnostics: vec![Diagnostic::new(name, "", Severity::Error, place, complaint)],
    }
}

fn too_large(name: &str) -> Errors {
    whole_file(
        name,
        "this file is larger than 16 MiB".to_owned(),
        "give a configuration file",
    )
}
