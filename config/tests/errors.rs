// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What an operator reads about each mistake, word for word: `errors.txt` has a file and its
//! messages for each.
//!
//! In a case, a line `@` stands for two ports and their pair. `IOAM_UPDATE=1 cargo test` writes
//! the messages anew; read the difference before you commit it.

use std::fmt::Write;

use ioam_config::{Machine, parse};

const PORTS: &str = "ports: [{name: a, device: net_null0}, {name: b, device: net_null1}]\n\
                     forwarding: {pairs: [[a, b]]}";

fn messages(text: &str) -> String {
    match parse("f.yaml", text, &Machine::this(vec![0, 1, 2, 3])) {
        Ok(loaded) => loaded
            .warnings
            .iter()
            .map(|warning| format!("{warning}\n"))
            .collect(),
        Err(errors) => format!("{errors}\n"),
    }
}

#[test]
fn each_mistake_has_its_message() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/errors.txt");
    let table = std::fs::read_to_string(path).unwrap();
    let mut actual = String::new();
    let mut count = 0;
    for case in table.split("=== ").skip(1) {
        let (title, rest) = case.split_once('\n').unwrap();
        let (text, _) = rest.split_once("\n---\n").unwrap();
        // A case about two documents has such a line of its own, indented in the table.
        let file = text.replace("\n ---\n", "\n---\n").replacen('@', PORTS, 1);
        let messages = messages(&file);
        assert!(!messages.is_empty(), "{title}: nothing was found wrong");
        writeln!(actual, "=== {title}\n{text}\n---\n{messages}").unwrap();
        count += 1;
    }
    assert!(count >= 90, "{count} cases");
    if std::env::var_os("IOAM_UPDATE").is_some() {
        std::fs::write(path, &actual).unwrap();
    }
    for (expected, actual) in table.split("=== ").zip(actual.split("=== ")) {
        assert_eq!(expected, actual);
    }
}
