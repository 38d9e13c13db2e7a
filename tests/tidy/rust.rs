// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rust source as the rules read it: without comments and without what stands in quotes.

/// Rust source with comments and the insides of literals blanked out, line by line the same.
pub(crate) fn code(text: &str) -> String {
    let mut rest = text;
    let mut code = String::with_capacity(text.len());
    while let Some(first) = rest.chars().next() {
        let length = literal_or_comment(rest);
        let (token, after) = rest.split_at(if length == 0 {
            first.len_utf8()
        } else {
            length
        });
        if length == 0 {
            code.push_str(token);
        } else {
            code.extend(token.chars().map(|c| if c == '\n' { c } else { ' ' }));
        }
        rest = after;
        // A quote or an `r` inside a name opens nothing: take the name whole.
        if length == 0 && (first.is_alphanumeric() || first == '_') {
            let name = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            code.push_str(&rest[..name]);
            rest = &rest[name..];
        }
    }
    code
}

/// Octets of the literal or comment that `text` begins with; 0 when it begins with neither.
fn literal_or_comment(text: &str) -> usize {
    let until = |end: &str, from: usize| {
        text.get(from..)
            .and_then(|rest| rest.find(end))
            .map_or(text.len(), |at| from + at + end.len())
    };
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return until("*/", 2);
    }
    let raw = text
        .strip_prefix("br")
        .or_else(|| text.strip_prefix('r'))
        .unwrap_or("");
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    if raw[hashes..].starts_with('"') {
        let quote = text.len() - raw.len() + hashes;
        return until(&format!("\"{}", "#".repeat(hashes)), quote + 1);
    }
    let mut characters = text.char_indices().skip(1);
    if text.starts_with('"') {
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => drop(characters.next()),
                '"' => return at + 1,
                _ => {}
            }
        }
        return text.len();
    }
    if text.starts_with("'\\") {
        return until("'", 3);
    }
    // 'x' is a character, 'x without the second quote a lifetime.
    match (text.starts_with('\''), characters.nth(1)) {
        (true, Some((at, '\''))) => at + 1,
        _ => 0,
    }
}
