// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Text in aligned columns: names to the left, numbers to the right.

use std::fmt;

/// Rows under a heading. The last column is to the left if its heading is empty.
#[derive(Clone, Debug)]
pub struct Columns<const N: usize> {
    /// The heading first.
    rows: Vec<[String; N]>,
    left: usize,
}

impl<const N: usize> Columns<N> {
    /// No rows yet; the first column is to the left.
    #[must_use]
    pub fn new(heading: [&str; N]) -> Self {
        Self {
            rows: vec![heading.map(str::to_owned)],
            left: 1,
        }
    }

    /// Puts the first `columns` to the left.
    pub fn left(&mut self, columns: usize) {
        self.left = columns;
    }

    /// Adds a row.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// Writes it after an empty line, or nothing when it has no rows.
    pub(super) fn write_below(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.len() < 2 {
            return Ok(());
        }
        write!(f, "\n{self}")
    }

    fn is_left(&self, column: usize) -> bool {
        let untitled = self
            .rows
            .first()
            .is_some_and(|heading| heading[column].is_empty());
        column < self.left || untitled
    }
}

impl<const N: usize> fmt::Display for Columns<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: [usize; N] = std::array::from_fn(|column| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        });
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                let gap = if column == 0 { "" } else { "  " };
                line.push_str(gap);
                let blanks = " ".repeat(width - cell.chars().count());
                if self.is_left(column) {
                    line.push_str(cell);
                    line.push_str(&blanks);
                } else {
                    line.push_str(&blanks);
                    line.push_str(cell);
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_to_the_left_and_numbers_to_the_right() {
        let mut table = Columns::new(["port", "sent", ""]);
        table.row(["east".to_owned(), "7".to_owned(), "a word".to_owned()]);
        table.row(["wëst-2".to_owned(), "12345".to_owned(), String::new()]);
        let expected = "port     sent\neast        7  a word\nwëst-2  12345\n";
        assert_eq!(table.to_string(), expected);
    }
}
