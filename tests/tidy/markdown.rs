// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Markdown as the rules read it: links, and the anchors of headings.

use std::collections::BTreeSet;

/// The lines of a Markdown text that are no code block, with code spans taken out.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(i, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then(|| (i + 1, line.split('`').step_by(2).collect()))
    })
}

/// The targets of `[text](target)` and `[name]: target`, with their lines.
pub(crate) fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (i, line) in prose(text) {
        let inline = line
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'));
        links.extend(inline.map(|(target, _)| (i, target.to_owned())));
        if let Some((_, target)) = line
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("]: "))
        {
            links.push((i, target.trim().to_owned()));
        }
    }
    links
}

/// The anchors that forges make of a Markdown text's headings.
pub(crate) fn anchors(text: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let headings = text.lines().filter(|line| {
        fenced ^= line.trim_start().starts_with("```");
        !fenced && line.starts_with('#')
    });
    headings
        .map(|heading| {
            let title = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// A link's target, seen from the folder of the file it stands in.
pub(crate) fn beside(file: &str, target: &str) -> String {
    let mut path: Vec<&str> = file.split('/').collect();
    path.pop();
    for part in target.split('/') {
        match part {
            ".." => drop(path.pop()),
            "." | "" => {}
            part => path.push(part),
        }
    }
    path.join("/")
}
