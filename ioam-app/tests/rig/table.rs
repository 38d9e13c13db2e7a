// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tables that tests generate into a document, and hold it to.

use std::fmt::Write as _;
use std::path::Path;

/// A Markdown table.
pub(crate) struct Table(String);

impl Table {
    pub(crate) fn new(header: &[&str]) -> Self {
        let mut table = Self(String::new());
        table.row(header);
        let rule: Vec<_> = header.iter().map(|_| "---").collect();
        table.row(&rule);
        table
    }

    pub(crate) fn row<C: AsRef<str>>(&mut self, cells: &[C]) {
        let cells: Vec<_> = cells.iter().map(AsRef::as_ref).collect();
        writeln!(self.0, "| {} |", cells.join(" | ")).unwrap();
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// Holds the part of `docs/linux-selftest.md` between the two `name` marks to `text`; with
/// `IOAM_BLESS=1` writes it there instead.
pub(crate) fn hold(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/linux-selftest.md");
    let document = std::fs::read_to_string(&path).unwrap_or_default();
    let (begin, end) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->\n"),
    );
    let (before, rest) = document.split_once(&begin).unwrap_or((&document, &end));
    let (held, after) = rest.split_once(&end).unwrap_or(("", ""));
    if std::env::var_os("IOAM_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{begin}{text}{end}{after}")).unwrap();
        return;
    }
    let differs = held
        .lines()
        .zip(text.lines())
        .find(|(held, now)| held != now);
    assert!(
        held == text,
        "docs/linux-selftest.md no longer says what happens:\n{differs:#?}\n\
         If it should now, write it anew: IOAM_BLESS=1 cargo test --package ioam-app --test 'peer_*'"
    );
}
