// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Figures and texts in `docs/operations.md` that come from the code: growth, columns, messages.

use std::fs;
use std::path::Path;

use ioam_dp::table::spec::*;
use ioam_dp::table::{Action, Tables};

use super::{Finding, root, rows, section, spans, text};

/// Octets by which a trace of so many words makes a packet grow: what the data plane would insert.
pub(crate) fn growth(words: u8, placement: Placement) -> usize {
    let trace = OptionSpec::Trace(TraceSpec {
        namespace: 0,
        trace_type: 0x80_0000,
        words,
        record_self: true,
        loopback: false,
    });
    let tables = Tables::compile(&NodeSpec {
        profiles: vec![ProfileSpec {
            name: "any".to_owned(),
            filter: FilterSpec::default(),
            action: ActionSpec::Encapsulate(EncapsulateSpec::new(vec![trace], placement)),
        }],
        ..NodeSpec::default()
    });
    match &tables.expect("a node that encapsulates").profiles[0].action {
        Action::Encapsulate(what) if placement == Placement::Inline => what.headers().growth(0),
        Action::Encapsulate(what) => what.image.len(),
        _ => 0,
    }
}

/// Rows of words, octets inline, octets in a tunnel, and the MTU for inner packets of 1500.
pub(crate) fn wrong_growth(text: &str) -> Vec<Finding> {
    let Some((first, below)) = section(text, "## How much a packet grows") else {
        return vec![(0, "there is no table of growth".to_owned())];
    };
    let tunnel = Placement::Ip6InIp6 {
        source: std::net::Ipv6Addr::LOCALHOST,
        destination: std::net::Ipv6Addr::LOCALHOST,
        hop_limit: 64,
    };
    let mut found = Vec::new();
    let mut seen = 0;
    for (line, cells) in rows(below) {
        let numbers: Vec<usize> = cells.iter().filter_map(|cell| cell.parse().ok()).collect();
        let [words, max_length, inline, in_tunnel, mtu] = numbers[..] else {
            continue;
        };
        seen += 1;
        let room = u8::try_from(words).unwrap_or(u8::MAX);
        let right = [
            words * 4,
            growth(room, Placement::Inline),
            growth(room, tunnel),
            1500 + growth(room, tunnel),
        ];
        if right != [max_length, inline, in_tunnel, mtu] {
            found.push((first + line - 1, format!("{words} words are {right:?}")));
        }
    }
    if seen < 5 {
        found.push((first, format!("{seen} rows of growth")));
    }
    found
}

/// Headings of the program's tables that the section does not explain.
pub(crate) fn unexplained_columns(text: &str, source: &str) -> Vec<Finding> {
    let Some((first, below)) = section(text, "## Reading the final statistics") else {
        return vec![(0, "there are no statistics explained".to_owned())];
    };
    let explained: Vec<&str> = below.lines().flat_map(spans).collect();
    let mut found = Vec::new();
    for table in source.split("Columns::new([").skip(1) {
        let headings = table.split(']').next().unwrap_or_default();
        for heading in headings
            .split('"')
            .skip(1)
            .step_by(2)
            .filter(|own| !own.is_empty())
        {
            if !explained.contains(&heading) {
                found.push((first, format!("the column `{heading}` is not explained")));
            }
        }
    }
    found
}

/// Messages that are quoted and that no source says: the code spans of the first cells.
pub(crate) fn unsaid_messages(text: &str, sources: &str) -> Vec<Finding> {
    let Some((first, below)) = section(text, "## Messages and exit codes") else {
        return vec![(0, "there are no messages explained".to_owned())];
    };
    let said = one_line(sources);
    let mut found = Vec::new();
    for (line, cells) in rows(below) {
        for part in spans(&cells[0]).flat_map(|span| span.split('…')) {
            if !said.contains(part.trim()) {
                found.push((first + line - 1, format!("nobody says `{}`", part.trim())));
            }
        }
    }
    found
}

/// A source with each of its string literals on one line.
fn one_line(source: &str) -> String {
    let mut text = String::new();
    let mut rest = source;
    while let Some((head, tail)) = rest.split_once("\\\n") {
        text += head;
        rest = tail.trim_start();
    }
    text += rest;
    text.replace("\\\"", "\"")
}

fn sources(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder)
        .expect("the source can be read")
        .flatten()
    {
        if entry.path().is_dir() {
            all += &sources(&entry.path());
        } else {
            all += &fs::read_to_string(entry.path()).unwrap_or_default();
        }
    }
    all
}

#[test]
fn packets_grow_as_the_table_says() {
    let found = wrong_growth(&text("docs/operations.md"));
    assert_eq!(found, [], "To mend: the table in docs/operations.md");
}

#[test]
fn every_column_is_explained() {
    let found = unexplained_columns(
        &text("docs/operations.md"),
        &sources(&root().join("ioam-app/src/report")),
    );
    assert_eq!(
        found,
        [],
        "To mend: docs/operations.md, `Reading the final statistics`"
    );
}

#[test]
fn messages_are_the_programs() {
    let program = ["ioam-app/src", "config/src", "ioam-dp/src", "dpdk-sys"];
    let all: Vec<String> = program
        .iter()
        .map(|folder| sources(&root().join(folder)))
        .collect();
    let found = unsaid_messages(&text("docs/operations.md"), &all.concat());
    assert_eq!(
        found,
        [],
        "To mend: docs/operations.md, `Messages and exit codes`"
    );
}
