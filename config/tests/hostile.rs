// SPDX-License-Identifier: Apache-2.0 OR MIT
//! No text makes the reader panic, hang or forget where it is.

use std::fmt::Write;
use std::path::Path;

use ioam_config::{Diagnostic, Machine, Severity, load, parse};
use proptest::prelude::*;

fn machine() -> Machine {
    Machine::this((0..16).collect())
}

/// Parses `text` and holds what is true of every answer.
fn check(text: &str) -> Vec<Diagnostic> {
    let (diagnostics, failed) = match parse("f.yaml", text, &machine()) {
        Ok(loaded) => {
            let spec = loaded.valid.node_spec(&[]);
            assert_eq!(spec.ports.len(), loaded.valid.ports().len());
            assert!(!loaded.valid.runtime().worker_cpus.is_empty());
            (loaded.warnings, false)
        }
        Err(errors) => (errors.diagnostics, true),
    };
    let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
    assert_eq!(failed, diagnostics.iter().any(is_error));
    for diagnostic in &diagnostics {
        let lines = u32::try_from(text.split(['\n', '\r']).count()).unwrap_or(u32::MAX);
        assert!(diagnostic.place.line <= lines + 1, "{diagnostic}");
        assert!(!diagnostic.what.is_empty() && !diagnostic.help.is_empty());
        let printed = diagnostic.to_string();
        let terminal = |c: char| c.is_control() && c != '\n' && c != '\t';
        assert!(!printed.contains(terminal), "{printed:?}");
    }
    diagnostics
}

/// Files among the samples, those with keys included.
const SAMPLES: usize = 18;

fn samples() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let entries = std::fs::read_dir(folder).expect("the samples");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("a sample").path())
        .collect();
    paths.sort();
    let read = |path| std::fs::read_to_string(path).expect("text");
    paths.into_iter().map(read).collect()
}

/// Words that mean something to the reader, and values at the limits.
const WORDS: [&str; 30] = [
    "0",
    "-1",
    "4294967295",
    "18446744073709551616",
    "0x",
    "1.5e9",
    ".inf",
    ".nan",
    "~",
    "null",
    "[]",
    "{}",
    "[[",
    "&a",
    "*a",
    "<<",
    "!!binary",
    "---",
    "...",
    "|",
    ">",
    "\"\\x1b[2J\"",
    "::",
    "default-namespace",
    "transit",
    "local",
    "active",
    "node",
    "9999999999999999999999",
    "\u{feff}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        check(&text);
    }

    #[test]
    fn any_octets_that_are_text_are_answered(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&String::from_utf8_lossy(&octets));
    }

    #[test]
    fn any_lines_of_keys_are_answered(
        lines in prop::collection::vec(("( ){0,8}(- )?", "[a-z-]{1,12}", "[ -~]{0,20}"), 0..20)
    ) {
        let text: String = lines.iter().map(|(i, k, v)| format!("{i}{k}: {v}\n")).collect();
        check(&text);
    }

    #[test]
    fn a_sample_with_other_values_is_answered(
        sample in 0usize..SAMPLES,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..WORDS.len()), 1..5),
    ) {
        let mut lines: Vec<String> = samples()[sample].lines().map(str::to_owned).collect();
        for (line, word) in edits {
            let line = &mut lines[line.index(line_count(sample))];
            let key = line.split_inclusive(": ").next().unwrap_or_default().to_owned();
            *line = format!("{key}{}", WORDS[word]);
        }
        check(&lines.join("\n"));
    }

    #[test]
    fn a_sample_with_other_octets_is_answered(
        sample in 0usize..SAMPLES,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<char>(), 0u8..3), 1..6),
    ) {
        let mut text: Vec<char> = samples()[sample].chars().collect();
        for (at, character, kind) in edits {
            let at = at.index(text.len());
            match kind {
                0 => text[at] = character,
                1 => text.insert(at, character),
                _ => { text.truncate(at.max(1)); }
            }
        }
        check(&text.into_iter().collect::<String>());
    }
}

fn line_count(sample: usize) -> usize {
    samples()[sample].lines().count()
}

/// Answers with an error, however the text tries to be costly: a test that does not end has failed.
fn refused(text: &str) -> String {
    let diagnostics = check(text);
    assert!(
        diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    );
    diagnostics[0].to_string()
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut text = "profiles:\n  - &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        writeln!(text, "  - &a{level} [{below}]").unwrap();
    }
    refused(&text);
    // The same where the shape of the file allows it, so that every alias is followed.
    let mut text = "namespaces: &n0 [{id: 1}]\nports:\n".to_owned();
    for level in 0..30_000 {
        writeln!(
            text,
            "  - {{name: p{level}, device: &d{level} net_null{level}, ioam: *d0}}"
        )
        .unwrap();
    }
    refused(&text);
}

#[test]
fn nesting_without_end_is_refused() {
    for (open, count) in [
        ("[", 100_000),
        ("{a: ", 50_000),
        ("- ", 100_000),
        ("? ", 100_000),
    ] {
        refused(&format!("profiles: {}", open.repeat(count)));
        refused(&format!("profiles:\n  {}", open.repeat(count)));
    }
    let indented: String = (0..1000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    refused(&indented);
}

#[test]
fn size_without_end_is_refused() {
    assert!(refused(&"#".repeat(17 << 20)).contains("larger than 16 MiB"));
    refused(&format!("ports: {}", "x".repeat(1_000_000)));
    refused(&"a: 1\n".repeat(200_000));
    refused(&"\"".repeat(1_000_000));
    let ports: String = (0..20_000)
        .map(|i| format!("  - {{name: p{i}, device: net_null{i}}}\n"))
        .collect();
    refused(&format!("ports:\n{ports}"));
}

#[test]
fn ten_thousand_profiles_are_no_hostile_file() {
    let mut text = "\
ports:
  - {name: customer, device: net_null0}
  - {name: core, device: net_null1, mtu: 2000, ioam: true}
forwarding: {pairs: [[customer, core]]}
namespaces: [{id: 123}]
profiles:
"
    .to_owned();
    for n in 0..10_000 {
        let (high, low) = (n >> 8, n & 255);
        let _ = write!(
            text,
            "  - name: r{n}
    filter: {{in-port: customer, destination: '2001:{high:x}:{low:x}::/48', next-header: udp, destination-port: {}}}
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {{use-namespace: 123, trace-type: [hop-lim-node-id]}}
      max-length: 16
      placement: ip6-in-ip6
      tunnel: {{source: '2001:db8:ff::a', destination: '2001:db8:ff::d'}}
",
            n + 1
        );
    }
    let loaded = parse("f.yaml", &text, &machine()).expect("a file");
    assert_eq!(loaded.valid.node_spec(&[]).profiles.len(), 10_000);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let error = load(Path::new("does/not/exist.yaml"), &machine())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("does/not/exist.yaml: error: cannot read this file: "),
        "{error}"
    );
    let folder = load(Path::new("."), &machine()).unwrap_err().to_string();
    assert!(
        folder.starts_with(".: error: cannot read this file: "),
        "{folder}"
    );
    let path = std::env::temp_dir().join(format!("ioam-config-{}.yaml", std::process::id()));
    std::fs::write(&path, b"node:\n  id: \xff\n").unwrap();
    let error = load(&path, &machine()).unwrap_err().to_string();
    std::fs::remove_file(&path).unwrap();
    assert!(error.contains("line 2 is not UTF-8 text"), "{error}");
}
