// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What each page shows, as lines.

mod export;
mod ioam;
mod overview;
mod records;

use ratatui::text::Line;
use serde_json::Value;

use super::figures::{rate, short, some, total};
use super::keys::{Page, View};
use super::model::Model;
use super::table::{Cell, Table};
use super::tones::Tones;

/// What a page is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sheet<'a> {
    pub(super) model: &'a Model,
    pub(super) view: &'a View,
    /// Columns.
    pub(super) room: usize,
    /// Lines that are seen at once.
    pub(super) height: usize,
    pub(super) tones: Tones,
}

/// The keys, and what they do.
const HELP: [(&str, &str); 14] = [
    ("Tab, arrows, 1 to 6", "another page"),
    ("Up, Down, PgUp, PgDn", "scroll what does not fit"),
    ("p, Space", "hold still; again: go on"),
    ("+ -", "a longer or shorter interval"),
    ("s", "sort by something else: on drops, latency and paths"),
    ("?, h", "this page"),
    ("q, Esc, Ctrl-C", "end"),
    ("", ""),
    ("/s", "a second, over the last interval; without it:"),
    ("", "since the node was started"),
    ("k, M, G", "thousand, million, thousand million"),
    ("p50, p99", "percentiles of the last 10 to 20 seconds"),
    (
        "history",
        "of a port what it received and sent, of a worker",
    ),
    ("", "how busy it was, of a reason its rate"),
];

impl Sheet<'_> {
    /// The page that is looked at.
    pub(super) fn lines(&self) -> Vec<Line<'static>> {
        if self.view.helps {
            return self.help();
        }
        let parts = match self.view.page() {
            Page::Overview => overview::parts(self),
            Page::Ioam => ioam::parts(self),
            Page::Drops => records::drops(self),
            Page::Latency => records::latency(self),
            Page::Export => export::parts(self),
            Page::Paths => records::paths(self),
        };
        let mut lines = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            below(&mut lines, part);
        }
        lines
    }

    fn help(&self) -> Vec<Line<'static>> {
        let lines = HELP.iter().map(|(keys, meaning)| {
            let keys = ratatui::text::Span::styled(format!("{keys:<22}"), self.tones.name());
            Line::from(vec![keys, (*meaning).into()])
        });
        lines.collect()
    }

    fn table(&self, table: &Table) -> Vec<Line<'static>> {
        if table.is_empty() {
            return Vec::new();
        }
        table.lines(self.room, self.tones)
    }

    /// A line that says that there is nothing, and why.
    fn nothing(&self, why: &str) -> Vec<Line<'static>> {
        vec![Line::styled(why.to_owned(), self.tones.quiet())]
    }

    fn name(&self, text: impl Into<String>) -> Cell {
        Cell::Text(text.into(), self.tones.name())
    }

    fn text(&self, text: impl Into<String>) -> Cell {
        Cell::Text(text.into(), self.tones.plain_text())
    }

    fn quiet(&self, text: impl Into<String>) -> Cell {
        Cell::Text(text.into(), self.tones.quiet())
    }

    fn rate(&self, value: &Value) -> Cell {
        self.text(rate(value))
    }

    fn total(&self, value: &Value) -> Cell {
        self.quiet(total(value))
    }

    /// A rate that had better be 0.
    fn bad_rate(&self, value: Option<f64>) -> Cell {
        let is_bad = value.is_some_and(|value| value > 0.0);
        let style = if is_bad {
            self.tones.bad()
        } else {
            self.tones.plain_text()
        };
        Cell::Text(some(value), style)
    }

    /// A total that had better be 0.
    fn bad_total(&self, value: &Value) -> Cell {
        match value.as_u64() {
            Some(0) | None => self.total(value),
            Some(_) => Cell::Text(total(value), self.tones.plain_text()),
        }
    }

    fn history(&self, name: &str, top: Option<f64>) -> Cell {
        Cell::History(self.model.history(name), top, self.tones.name())
    }
}

/// Puts a part below others.
fn below(lines: &mut Vec<Line<'static>>, part: Vec<Line<'static>>) {
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines.extend(part);
}

/// `count` of something, as text in a sentence.
fn many(count: f64, noun: &str) -> String {
    format!("{} {noun}", short(count))
}

/// For sorting: the largest first, what is not known last.
fn descending(a: Option<f64>, b: Option<f64>) -> std::cmp::Ordering {
    let number = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
    number(b).total_cmp(&number(a))
}
