// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Nodes, and the names that people give them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

/// Most characters of a name: what fits under a node of the picture.
const LONGEST: usize = 24;

/// Who is at a place of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Node {
    /// A node by its id.
    Id(u64),
    /// One that wrote data but no id, by its place from 1.
    Nameless(u8),
    /// So many that wrote nothing at all, as the hop limits tell.
    Missing(u8),
}

impl Node {
    /// Whether it may be `other`, for all that is known.
    #[must_use]
    pub fn may_be(self, other: Self) -> bool {
        self == other || matches!(self, Self::Missing(1)) || matches!(other, Self::Missing(1))
    }
}

/// Names by node id.
#[derive(Clone, Debug, Default)]
pub struct Names(BTreeMap<u64, String>);

impl Names {
    /// Reads a file of lines `id: name`.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("--nodes {shown}: cannot be read"))?;
        Self::parse(&text).with_context(|| format!("--nodes {shown}"))
    }

    fn parse(text: &str) -> Result<Self> {
        let help = "write one node a line: its id and its name, such as `0x0a0001: paris`";
        let mut names = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split(" #").next().unwrap_or(line).trim();
            if line.is_empty() || line.starts_with('#') || line == "---" {
                continue;
            }
            let entry = line.split_once(':');
            let (id, name) = entry.with_context(|| format!("line {number}: {help}"))?;
            let id = node_id(unquoted(id)).with_context(|| format!("line {number}: {help}"))?;
            let name = unquoted(name);
            ensure!(!name.is_empty(), "line {number}: no name; {help}");
            if names.insert(id, shortened(name)).is_some() {
                bail!("line {number}: node {id:#08x} has a name already");
            }
        }
        Ok(Self(names))
    }

    /// The name people know it by, else its id.
    #[must_use]
    pub fn of(&self, node: Node) -> String {
        match node {
            Node::Id(id) => self.0.get(&id).cloned().unwrap_or_else(|| id_text(id)),
            Node::Nameless(place) => format!("node {place}"),
            Node::Missing(1) => "(missing)".to_owned(),
            Node::Missing(count) => format!("({count} missing)"),
        }
    }

    /// A path, as text.
    #[must_use]
    pub fn path(&self, nodes: &[Node]) -> String {
        let mut text = String::new();
        for (place, node) in nodes.iter().enumerate() {
            let arrow = if place == 0 { "" } else { " → " };
            let _ = write!(text, "{arrow}{}", self.of(*node));
        }
        text
    }
}

/// The id as it stands in configurations.
#[must_use]
pub fn id_text(id: u64) -> String {
    if id <= 0xFF_FFFF {
        format!("{id:#08x}")
    } else {
        format!("{id:#016x}")
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\'']).trim()
}

fn node_id(text: &str) -> Option<u64> {
    let id = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => text.parse().ok()?,
    };
    (id < 1 << 56).then_some(id)
}

/// Without what could move a terminal's cursor, and not too long.
fn shortened(name: &str) -> String {
    let shown = name.chars().filter(|letter| !letter.is_control());
    let mut name: String = shown.take(LONGEST + 1).collect();
    if name.chars().count() > LONGEST {
        name = name.chars().take(LONGEST - 1).chain(['…']).collect();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_in_hex_or_as_numbers_and_names_plain_or_quoted() {
        let text = "# nodes\n---\n0x0a0001: paris\n720897: \"a b\"  # transit\n\n'0x0a000000000001': wide\n";
        let names = Names::parse(text).unwrap();
        let of = |id| names.of(Node::Id(id));
        assert_eq!(
            [of(0x0A_0001), of(0x0B_0001), of(0x0A_0000_0000_0001)],
            ["paris", "a b", "wide"]
        );
        assert_eq!([of(1), of(1 << 40)], ["0x000001", "0x00010000000000"]);
        let path = [Node::Id(0x0A_0001), Node::Missing(2), Node::Nameless(4)];
        assert_eq!(names.path(&path), "paris → (2 missing) → node 4");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, says) in [
            ("paris", "line 1: write one node a line"),
            ("0x0a0001: a\nx: b", "line 2: write one node"),
            ("1: a\n1: b", "line 2: node 0x000001 has a name already"),
            ("1:", "line 1: no name"),
            ("0x100000000000000: a", "line 1: write"),
        ] {
            let error = format!("{:#}", Names::parse(text).unwrap_err());
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_name_cannot_move_the_cursor_nor_fill_the_page() {
        let names = Names::parse(&format!("1: a\u{1b}[2Jb\n2: {}", "x".repeat(99))).unwrap();
        assert_eq!(names.of(Node::Id(1)), "a[2Jb");
        assert_eq!(names.of(Node::Id(2)).chars().count(), LONGEST);
    }
}
