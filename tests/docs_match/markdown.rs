// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Markdown as these checks read it: code, links to code, and tables.

/// A piece of code in a document, and its line from 1.
pub(crate) type Code = (usize, String);

/// Lines of a Markdown text, from 1, and whether they are in a code block.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(i, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fence).then_some((i + 1, line, fenced))
    })
}

/// The code spans of a line.
pub(crate) fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// All code: the lines of code blocks, and code spans.
pub(crate) fn code(text: &str) -> Vec<Code> {
    let mut found = Vec::new();
    for (number, line, fenced) in lines(text) {
        if fenced {
            found.push((number, line.trim().to_owned()));
        } else {
            found.extend(spans(line).map(|span| (number, span.to_owned())));
        }
    }
    found
}

/// Links whose text is one code span: line, span and target.
pub(crate) fn code_links(text: &str) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    for (number, line, _) in lines(text).filter(|(_, _, fenced)| !fenced) {
        for part in line.split("[`").skip(1) {
            let link = part
                .split_once("`](")
                .and_then(|(span, rest)| Some((span, rest.split_once(')')?.0)));
            if let Some((span, target)) = link.filter(|(span, _)| !span.contains('`')) {
                found.push((number, span.to_owned(), target.to_owned()));
            }
        }
    }
    found
}

/// The code blocks in a language: the line of their first, and their text.
pub(crate) fn blocks(text: &str, language: &str) -> Vec<Code> {
    let mut found: Vec<Code> = Vec::new();
    let mut inside = false;
    for (i, line) in text.lines().enumerate() {
        match line.trim_start().strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(named) if named.trim() == language => {
                inside = true;
                found.push((i + 2, String::new()));
            }
            _ => {}
        }
        if let (true, Some((_, block))) = (inside && !line.contains("```"), found.last_mut()) {
            *block += line;
            block.push('\n');
        }
    }
    found
}

/// The text below a heading, up to the next one of its level or above, with its first line's number.
pub(crate) fn section<'a>(text: &'a str, heading: &str) -> Option<(usize, &'a str)> {
    let level = heading.chars().take_while(|c| *c == '#').count();
    let mut start = None;
    let mut octets = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let own = line.chars().take_while(|c| *c == '#').count();
        if let Some((first, from)) = start
            && (1..=level).contains(&own)
            && line[own..].starts_with(' ')
        {
            return Some((first, &text[from..octets]));
        }
        octets += line.len();
        if line.trim_end() == heading && start.is_none() {
            start = Some((number + 2, octets));
        }
    }
    start.map(|(first, from)| (first, &text[from..]))
}

/// The rows of all tables in a text, without headings: line and cells.
pub(crate) fn rows(text: &str) -> Vec<(usize, Vec<String>)> {
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
        inner
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let mut found = Vec::new();
    let mut below = false;
    for (number, line, fenced) in lines(text) {
        let is_row = !fenced && line.trim_start().starts_with('|');
        let ruler = is_row && line.chars().all(|c| "|-: ".contains(c));
        if is_row && below && !ruler {
            found.push((number, cells(line)));
        }
        below = is_row && (below || ruler);
    }
    found
}
