// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is wrong with a file, where, and what to write instead.

use std::fmt;

/// Most characters of the offending line that are shown.
const SHOWN: usize = 120;

/// Most characters of a message.
const LONGEST: usize = 1000;

/// A stretch of one line of the file. Line and column count from 1, in characters; line 0 is the
/// file as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1; 0 when the whole file is meant.
    pub line: u32,
    /// The column of its first character, from 1.
    pub column: u32,
    /// Its length in characters; 0 where only the start is known.
    pub length: u32,
}

impl From<serde_saphyr::Location> for Place {
    fn from(at: serde_saphyr::Location) -> Self {
        let narrow = |wide: u64| u32::try_from(wide).unwrap_or(u32::MAX);
        Self {
            line: narrow(at.line()),
            column: narrow(at.column()),
            length: u32::try_from(at.span().len()).unwrap_or(0),
        }
    }
}

/// The line of `text` where `place` is. YAML's lines also end at a lone carriage return.
pub(crate) fn line(text: &str, place: Place) -> &str {
    let mut rest = text;
    for _ in 1..place.line.max(1) {
        let Some(end) = rest.find(['\n', '\r']) else {
            return "";
        };
        rest = &rest[end..];
        rest = rest.strip_prefix("\r\n").unwrap_or(&rest[1..]);
    }
    let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
    if place.line == 0 { "" } else { &rest[..end] }
}

/// Why a value cannot be taken, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong.
    pub what: String,
    /// What to write.
    pub help: String,
}

impl Complaint {
    /// A complaint.
    pub fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            help: help.into(),
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The node is not started.
    Error,
    /// The node runs, though perhaps not as was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One thing found in a file. Its `Display` is the whole story: place, line, caret and help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name as it was given.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub help: String,
    line: String,
}

impl Diagnostic {
    /// A diagnostic about `place` in `text`.
    pub(crate) fn new(
        file: &str,
        text: &str,
        severity: Severity,
        place: Place,
        complaint: Complaint,
    ) -> Self {
        Self {
            file: file.to_owned(),
            place,
            severity,
            what: printable(&complaint.what),
            help: printable(&complaint.help),
            line: line(text, place).to_owned(),
        }
    }

    /// The line, cut to a window around the place when it is long, and the caret under it.
    fn excerpt(&self) -> (String, String) {
        let column = usize::try_from(self.place.column.max(1)).unwrap_or(1) - 1;
        let first = if column < SHOWN - 20 { 0 } else { column - 20 };
        let shown: String = self
            .line
            .chars()
            .skip(first)
            .take(SHOWN)
            .map(visible)
            .collect();
        let blank = |c: char| if c == '\t' { '\t' } else { ' ' };
        let before: String = shown
            .chars()
            .chain([' '])
            .take(column - first)
            .map(blank)
            .collect();
        let rest = shown
            .trim_end()
            .chars()
            .count()
            .saturating_sub(column - first);
        let length = usize::try_from(self.place.length).unwrap_or(usize::MAX);
        (
            shown.trim_end().to_owned(),
            before + &"^".repeat(length.min(rest).max(1)),
        )
    }
}

/// The text without what would steer a terminal, and cut when a value in it is very long.
fn printable(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).map(visible).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

fn visible(c: char) -> char {
    if c.is_control() && c != '\t' {
        '\u{fffd}'
    } else {
        c
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            place,
            severity,
            what,
            help,
            ..
        } = self;
        if place.line == 0 {
            write!(f, "{file}: {severity}: {what}\n  = help: {help}")
        } else {
            let number = place.line.to_string();
            let margin = " ".repeat(number.len());
            let (line, caret) = self.excerpt();
            writeln!(f, "{file}:{number}:{}: {severity}: {what}", place.column)?;
            write!(
                f,
                "  {number} | {line}\n  {margin} | {caret}\n  {margin} = help: {help}"
            )
        }
    }
}

/// Why a file cannot be used: at least one error, and the warnings beside it, in file order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors {
    /// All that was found.
    pub diagnostics: Vec<Diagnostic>,
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.diagnostics.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

/// Collects what validation finds.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<(Place, Severity, Complaint)>,
}

impl Problems {
    /// Notes an error.
    pub(crate) fn error(&mut self, place: Place, what: impl Into<String>, help: impl Into<String>) {
        self.note(place, Severity::Error, Complaint::new(what, help));
    }

    /// Notes a warning.
    pub(crate) fn warning(
        &mut self,
        place: Place,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.note(place, Severity::Warning, Complaint::new(what, help));
    }

    /// Notes a complaint, once: a value may be asked for in several places.
    pub(crate) fn note(&mut self, place: Place, severity: Severity, complaint: Complaint) {
        let found = (place, severity, complaint);
        if !self.found.contains(&found) {
            self.found.push(found);
        }
    }

    /// Whether there was an error.
    pub(crate) fn failed(&self) -> bool {
        self.found
            .iter()
            .any(|(_, severity, _)| *severity == Severity::Error)
    }

    /// All of it, in the order it was found.
    pub(crate) fn into_complaints(self) -> impl Iterator<Item = (Place, Complaint)> {
        let found = self.found.into_iter();
        found.map(|(place, _, complaint)| (place, complaint))
    }

    /// All of it, in file order.
    pub(crate) fn into_diagnostics(mut self, file: &str, text: &str) -> Vec<Diagnostic> {
        self.found
            .sort_by_key(|(place, severity, _)| (place.line, place.column, *severity));
        let found = self.found.into_iter();
        found
            .map(|(place, severity, complaint)| {
                Diagnostic::new(file, text, severity, place, complaint)
            })
            .collect()
    }
}
