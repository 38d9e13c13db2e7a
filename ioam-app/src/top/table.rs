// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tables that fit: what matters least is left out, then long names are cut.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::figures::{bar, spark};
use super::tones::Tones;

/// Blanks between columns.
const GAP: usize = 2;
/// Least columns a long name is cut to.
const LEAST: usize = 8;
/// Least and most columns of a picture.
const PICTURE: (usize, usize) = (6, 60);

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    heading: &'static str,
    is_left: bool,
    /// What is lowest is left out first; 0 is left out never.
    rank: u8,
}

/// A column of figures.
pub(super) const fn figure(heading: &'static str, rank: u8) -> Column {
    Column {
        heading,
        is_left: false,
        rank,
    }
}

/// A column of names.
pub(super) const fn name(heading: &'static str, rank: u8) -> Column {
    Column {
        heading,
        is_left: true,
        rank,
    }
}

/// What stands in a row.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// Text as it is.
    Text(String, Style),
    /// Values before, in what room the line has left; the largest possible one where there is one.
    History(Vec<f64>, Option<f64>, Style),
    /// A part of a whole, in what room the line has left.
    Part(f64, Style),
}

/// Rows below a heading. A picture stands in the last column.
#[derive(Clone, Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row with a cell for each column.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The heading and the rows, in `room` columns.
    pub(super) fn lines(&self, room: usize, tones: Tones) -> Vec<Line<'static>> {
        let widths = self.widths(room);
        let heading = self.columns.iter().map(|column| {
            let text = column.heading.to_owned();
            Cell::Text(text, tones.heading())
        });
        let heading: Vec<Cell> = heading.collect();
        let rows = std::iter::once(&heading).chain(&self.rows);
        rows.map(|row| self.line(row, &widths)).collect()
    }

    fn line(&self, row: &[Cell], widths: &[usize]) -> Line<'static> {
        let mut line = Line::default();
        let cells = self.columns.iter().zip(row).zip(widths);
        for ((column, cell), width) in cells.filter(|(_, width)| **width > 0) {
            if !line.spans.is_empty() {
                line.push_span(" ".repeat(GAP));
            }
            let (text, style) = match cell {
                Cell::Text(text, style) => (cut(text, *width), *style),
                Cell::History(values, top, style) => (spark(values, *width, *top), *style),
                Cell::Part(part, style) => (bar(*part, *width), *style),
            };
            let blanks = " ".repeat(width.saturating_sub(text.chars().count()));
            let text = Span::styled(text, style);
            if column.is_left {
                line.spans.extend([text, Span::raw(blanks)]);
            } else {
                line.spans.extend([Span::raw(blanks), text]);
            }
        }
        line
    }

    /// Columns of each column; 0 where it is left out.
    fn widths(&self, room: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = (0..self.columns.len())
            .map(|column| self.wanted(column))
            .collect();
        while needed(&widths) > room {
            let ranks = self.columns.iter().zip(&widths).enumerate();
            let there = ranks.filter(|(_, (column, width))| column.rank > 0 && **width > 0);
            let Some((least, _)) = there.min_by_key(|(_, (column, _))| column.rank) else {
                break;
            };
            if let Some(width) = widths.get_mut(least) {
                *width = 0;
            }
        }
        self.shrink(&mut widths, room);
        self.grow(&mut widths, room);
        widths
    }

    fn wanted(&self, column: usize) -> usize {
        let heading = self.columns.get(column).map_or("", |column| column.heading);
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let widths = cells.map(|cell| match cell {
            Cell::Text(text, _) => text.chars().count(),
            Cell::History(..) | Cell::Part(..) => PICTURE.0,
        });
        widths.fold(heading.chars().count(), usize::max)
    }

    /// Takes from the longest names what is too much.
    fn shrink(&self, widths: &mut [usize], room: usize) {
        while needed(widths) > room {
            let names = self.columns.iter().zip(widths.iter_mut());
            let names = names.filter(|(column, width)| column.is_left && **width > LEAST);
            let Some((_, width)) = names.max_by_key(|(_, width)| **width) else {
                return;
            };
            *width -= 1;
        }
    }

    fn is_part(&self) -> bool {
        let last = self.rows.first().and_then(|row| row.last());
        matches!(last, Some(Cell::Part(..)))
    }

    /// Gives a picture at the end what is left.
    fn grow(&self, widths: &mut [usize], room: usize) {
        let is_picture = self
            .rows
            .iter()
            .any(|row| matches!(row.last(), Some(Cell::History(..) | Cell::Part(..))));
        let left = room.saturating_sub(needed(widths));
        if let Some(last) = widths.last_mut().filter(|width| is_picture && **width > 0) {
            let most = if self.is_part() {
                PICTURE.1 / 2
            } else {
                PICTURE.1
            };
            *last = (*last + left).min(most);
        }
    }
}

/// Columns of a line whose columns are so wide.
fn needed(widths: &[usize]) -> usize {
    let there = widths.iter().filter(|width| **width > 0);
    widths.iter().sum::<usize>() + GAP * there.count().saturating_sub(1)
}

/// The text, or its end.
pub(super) fn cut_front(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = text.chars().skip((length + 1).saturating_sub(width));
    std::iter::once('…').chain(kept).collect()
}

/// The text, or its beginning.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain(['…']).collect()
}
