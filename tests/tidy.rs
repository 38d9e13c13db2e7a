// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The house rules that no compiler knows, each with a test that it can fail.
//!
//! A rule is a function from one file to what is wrong in it, so that the rule itself is tested on
//! snippets, in `can_fail`. `CONTRIBUTING.md` has the reasons.

use std::fs;
use std::path::Path;

use markdown::{anchors, beside, links};
use rust::code;

#[path = "tidy/can_fail.rs"]
mod can_fail;
#[path = "tidy/markdown.rs"]
mod markdown;
#[path = "tidy/rust.rs"]
mod rust;

/// Lines of a source file before its tests: what a reader still holds in mind.
const MOST_LINES: usize = 400;
const SPDX: &str = "SPDX-License-Identifier: Apache-2.0 OR MIT";

/// A text file of the repository, its path relative to the root.
struct File {
    path: String,
    text: String,
}

/// A line, counted from 1, and what is wrong with it.
type Finding = (usize, String);

impl File {
    fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path
            .rsplit_once('.')
            .is_some_and(|(_, own)| extensions.contains(&own))
    }

    fn is_script(&self) -> bool {
        self.text.starts_with("#!")
    }

    /// Whether all of the file is there for tests or measurements.
    fn is_test(&self) -> bool {
        ["tests/", "bench/"].iter().any(|folder| {
            self.path.starts_with(folder) || self.path.contains(&format!("/{folder}"))
        }) || self.path.ends_with("/tests.rs")
    }

    /// The lines in front of an inline test module.
    fn non_test_lines(&self) -> usize {
        let lines: Vec<&str> = self.text.lines().map(str::trim).collect();
        let opens_module = |after: &[&str]| {
            let item = after.iter().find(|line| !line.starts_with("#["));
            item.is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
        };
        (0..lines.len())
            .find(|&i| lines[i] == "#[cfg(test)]" && opens_module(&lines[i + 1..]))
            .unwrap_or(lines.len())
    }
}

// --- the rules ---

fn unsafe_outside_the_fence(file: &File) -> Vec<Finding> {
    let inside = ["dpdk-sys/", "ioam-app/src/dpdk/"];
    if !file.has_extension(&["rs"]) || inside.iter().any(|folder| file.path.starts_with(folder)) {
        return Vec::new();
    }
    find_words(&code(&file.text), &["unsafe"], usize::MAX)
}

fn impure_data_plane(file: &File) -> Vec<Finding> {
    const WORDS: [&str; 15] = [
        "Instant",
        "SystemTime",
        "std::fs",
        "std::thread",
        "std::process",
        "std::env",
        "std::io",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "println!",
        "eprintln!",
        "print!",
        "log::",
        "extern crate std",
    ];
    if !file.path.starts_with("ioam-dp/src/") || file.is_test() {
        return Vec::new();
    }
    find_words(&code(&file.text), &WORDS, file.non_test_lines())
}

fn long_file(file: &File) -> Vec<Finding> {
    let lines = file.non_test_lines();
    if !file.has_extension(&["rs"]) || file.is_test() || lines <= MOST_LINES {
        return Vec::new();
    }
    vec![(MOST_LINES, format!("{lines} lines before the tests"))]
}

fn no_licence_line(file: &File) -> Vec<Finding> {
    let line = usize::from(file.is_script());
    let asked = file.has_extension(&["rs", "c", "h"]) || file.is_script();
    if !asked
        || file
            .text
            .lines()
            .nth(line)
            .is_some_and(|line| line.contains(SPDX))
    {
        return Vec::new();
    }
    vec![(line + 1, format!("is not `{SPDX}`"))]
}

fn no_opening_sentence(file: &File) -> Vec<Finding> {
    if !file.has_extension(&["rs"]) {
        return Vec::new();
    }
    let opening: Vec<&str> = file
        .text
        .lines()
        .skip(1)
        .map_while(|line| line.strip_prefix("//! "))
        .collect();
    match opening.last() {
        Some(last) if last.ends_with(['.', ':', '?']) => Vec::new(),
        Some(_) => vec![(
            1 + opening.len(),
            "the opening sentence has no end".to_owned(),
        )],
        None => vec![(2, "is not a `//!` sentence".to_owned())],
    }
}

fn unfinished(file: &File) -> Vec<Finding> {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
    ];
    let macros = [
        concat!("to", "do!"),
        concat!("unimpl", "emented!"),
        concat!("db", "g!"),
    ];
    let mut found = find_words(&file.text, &words, usize::MAX);
    if file.has_extension(&["rs"]) {
        found.extend(find_words(&code(&file.text), &macros, usize::MAX));
    }
    found
}

/// Paths of one machine, and registry hosts: both differ from place to place.
fn tied_to_a_place(file: &File) -> Vec<Finding> {
    let places = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("index.", "crates.io"),
        concat!("static.", "crates.io"),
        concat!("crates.io", "-index"),
        concat!("deb.", "debian.org"),
        concat!("pypi.", "org"),
    ];
    let lines = file.text.lines().enumerate();
    let named = |line: &str| places.iter().find(|place| line.contains(**place)).copied();
    lines
        .filter_map(|(i, line)| Some((i + 1, format!("names `{}`", named(line)?))))
        .collect()
}

/// `read` gives the text of another file, by its path from the root; a folder reads as empty.
fn dead_links(file: &File, read: &dyn Fn(&str) -> Option<String>) -> Vec<Finding> {
    if !file.has_extension(&["md"]) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (line, target) in links(&file.text) {
        if ["http:", "https:", "mailto:"]
            .iter()
            .any(|scheme| target.starts_with(scheme))
        {
            continue;
        }
        let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
        let path = if path.is_empty() {
            file.path.clone()
        } else {
            beside(&file.path, path)
        };
        match read(&path) {
            None => found.push((line, format!("`{target}`: there is no `{path}`"))),
            Some(text) if !anchor.is_empty() && path.ends_with(".md") => {
                if !anchors(&text).contains(anchor) {
                    found.push((line, format!("`{path}` has no heading `#{anchor}`")));
                }
            }
            Some(_) => {}
        }
    }
    found
}

fn unnamed_samples<'a>(samples: &[&'a str], documents: &[&str]) -> Vec<&'a str> {
    let named = |sample: &&str| documents.iter().any(|document| document.contains(*sample));
    samples
        .iter()
        .copied()
        .filter(|sample| !named(sample))
        .collect()
}

/// Where one of `words` stands by itself in the first `lines` lines.
fn find_words(text: &str, words: &[&str], lines: usize) -> Vec<Finding> {
    let part_of_a_name = |c: char| c.is_alphanumeric() || c == '_';
    let stands_in = |line: &str, word: &str| {
        line.match_indices(word).any(|(at, _)| {
            let open_end = word.ends_with(|c: char| !part_of_a_name(c));
            !line[..at].ends_with(part_of_a_name)
                && (open_end || !line[at + word.len()..].starts_with(part_of_a_name))
        })
    };
    let mut found = Vec::new();
    for (i, line) in text.lines().take(lines).enumerate() {
        let word = words.iter().find(|word| stands_in(line, word));
        found.extend(word.map(|word| (i + 1, format!("`{word}`"))));
    }
    found
}

// --- the repository ---

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file that belongs to the repository, whether git knows it yet or not.
fn repository() -> Vec<File> {
    let mut files = Vec::new();
    collect(root(), "", &mut files);
    assert!(
        files.len() > 20,
        "tidy found only {} files: is it looking in the wrong place?",
        files.len()
    );
    files
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    const KINDS: [&str; 11] = [
        "rs", "c", "h", "md", "toml", "yaml", "yml", "json", "py", "sh", "awk",
    ];
    let entries = fs::read_dir(folder).expect("the repository can be read");
    for entry in entries.flatten() {
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let path = format!("{prefix}{name}");
        let built = ["target", "corpus", "artifacts", "seeds"].contains(&name.as_str());
        let hidden =
            name.starts_with('.') && ![".ci", ".github", ".cargo"].contains(&name.as_str());
        if built || hidden {
            continue;
        }
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
            continue;
        }
        let Ok(text) = fs::read_to_string(entry.path()) else {
            continue;
        };
        let file = File { path, text };
        if file.has_extension(&KINDS) || file.is_script() || name == "Makefile" {
            files.push(file);
        }
    }
}

fn hold(rule: impl Fn(&File) -> Vec<Finding>, mend: &str) {
    let mut report = String::new();
    for file in repository() {
        for (line, what) in rule(&file) {
            report += &format!("  {}:{line}: {what}\n", file.path);
        }
    }
    assert!(report.is_empty(), "\n{report}To mend: {mend}\n");
}

#[test]
fn unsafe_is_only_behind_the_fence() {
    hold(
        unsafe_outside_the_fence,
        "say it in safe Rust, or give ioam-app/src/dpdk/ a safe function for it",
    );
}

#[test]
fn the_data_plane_is_pure() {
    hold(
        impure_data_plane,
        "take the time, the octets or the setting as a value; count instead of printing \
         (docs/adr/0001-pure-core.md)",
    );
}

#[test]
fn files_are_short() {
    hold(
        long_file,
        "split the file where its subject splits; tests may move to a tests.rs",
    );
}

#[test]
fn every_file_names_its_licence() {
    hold(
        no_licence_line,
        "make it the first line (the second, after #!)",
    );
}

#[test]
fn every_file_opens_with_a_sentence() {
    hold(
        no_opening_sentence,
        "say in one `//!` sentence, from line 2, what the file is for",
    );
}

#[test]
fn nothing_is_left_unfinished() {
    hold(
        unfinished,
        "finish it, or write down what is missing where users look: the README's table",
    );
}

#[test]
fn no_file_is_tied_to_a_place() {
    hold(
        tied_to_a_place,
        "use a relative path, a temporary folder or the tool's own default",
    );
}

#[test]
fn links_lead_somewhere() {
    let read = |path: &str| {
        let path = root().join(path);
        if path.is_dir() {
            return Some(String::new());
        }
        // A picture is a place to lead to as well.
        let octets = fs::read(path).ok()?;
        Some(String::from_utf8_lossy(&octets).into_owned())
    };
    hold(
        |file| dead_links(file, &read),
        "correct the link, or the heading it means",
    );
}

#[test]
fn every_sample_is_documented() {
    let files = repository();
    let samples = files
        .iter()
        .filter_map(|file| file.path.strip_prefix("config/samples/"));
    let documents = files
        .iter()
        .filter(|file| file.path == "README.md" || file.path.starts_with("docs/"));
    let documents: Vec<&str> = documents.map(|file| file.text.as_str()).collect();
    let unnamed = unnamed_samples(&samples.collect::<Vec<_>>(), &documents);
    assert!(
        unnamed.is_empty(),
        "To mend: say in docs/configuration.md what {unnamed:?} is for"
    );
}
