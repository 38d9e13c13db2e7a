// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What an examination found, and how it is shown.

use std::fmt;

use serde::Serialize;

/// How bad a finding is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The node will not start, or loses packets.
    Error,
    /// The node runs, slower or less exactly than it could.
    Warn,
    /// Worth knowing, also where something could not be found out.
    Info,
    /// As it should be.
    Ok,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Ok => "ok",
        })
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, always by the same name.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub found: String,
    /// Why that matters; empty where all is well.
    pub why: String,
    /// The command that mends it, or what to do where no command does; empty where nothing is to be
    /// done.
    pub mend: String,
}

impl Finding {
    fn new(severity: Severity, check: &'static str, found: impl Into<String>) -> Self {
        Self {
            check,
            severity,
            found: found.into(),
            why: String::new(),
            mend: String::new(),
        }
    }

    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(Severity::Ok, check, found)
    }

    pub(super) fn info(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(Severity::Info, check, found)
    }

    pub(super) fn warn(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(Severity::Warn, check, found)
    }

    pub(super) fn error(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(Severity::Error, check, found)
    }

    pub(super) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    pub(super) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = mend.into();
        self
    }
}

/// All findings, the worst first. `Display` is the table, `Serialize` the object of `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// How many are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
    /// The findings.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    pub(super) fn new(mut findings: Vec<Finding>) -> Self {
        // Stable: findings of one severity stay in the order of the examination.
        findings.sort_by_key(|finding| finding.severity);
        let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
        Self {
            errors: count(Severity::Error),
            warnings: count(Severity::Warn),
            findings,
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.findings.iter().map(|finding| finding.check.len());
        let width = widths.max().unwrap_or(0);
        for finding in &self.findings {
            let (severity, check) = (finding.severity, finding.check);
            writeln!(f, "{severity:<5}  {check:<width$}  {}", finding.found)?;
            for (word, text) in [("why", &finding.why), ("mend", &finding.mend)] {
                if !text.is_empty() {
                    writeln!(f, "{:7}{word:>width$}: {text}", "")?;
                }
            }
        }
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (errors, warnings) = (self.errors, self.warnings);
        write!(
            f,
            "\n{errors} error{}, {warnings} warning{}",
            plural(errors),
            plural(warnings)
        )
    }
}
