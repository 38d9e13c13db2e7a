// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Documents that cannot rot: what they name of the code, the program and the build exists.
//!
//! As in `tidy`, a rule is a function from a text to what is wrong in it, so that `can_fail` can show
//! each rule what it must object to.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[path = "docs_match/can_fail.rs"]
mod can_fail;
#[path = "docs_match/figures.rs"]
mod figures;
#[path = "docs_match/markdown.rs"]
mod markdown;
#[path = "docs_match/program.rs"]
mod program;

use markdown::{blocks, code, code_links, rows, section, spans};
use program::Program;

/// A line, counted from 1, and what is wrong with it.
type Finding = (usize, String);

/// Gives the text of a file by its path from the root, a folder's as empty.
type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

const VERDICTS: [&str; 5] = [
    "met",
    "setting",
    "not applicable",
    "missing",
    "not built yet",
];

// --- the rules ---

/// Whether `source` defines something of this name.
fn defines(source: &str, name: &str) -> bool {
    const KINDS: [&str; 9] = [
        "fn ",
        "struct ",
        "enum ",
        "trait ",
        "const ",
        "static ",
        "type ",
        "mod ",
        "macro_rules! ",
    ];
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    source.lines().any(|line| {
        let line = line.trim();
        let named = |kind: &&str| {
            line.match_indices(*kind)
                .any(|(at, _)| line[at + kind.len()..].strip_prefix(name).is_some_and(ends))
        };
        // A macro makes types of `Name { … }`.
        let by_macro =
            line.strip_prefix(name) == Some(" {") && name.starts_with(char::is_uppercase);
        !line.starts_with("//") && (KINDS.iter().any(named) || by_macro)
    })
}

/// Whether a file is the module of this name.
fn is_module(file: &str, name: &str) -> bool {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    path.rsplit('/').next() == Some(name)
}

/// A link such as [`name`](../src/file.rs) leads to a file that defines the name.
fn wrong_code_references(path: &str, text: &str, read: Read<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (line, span, target) in code_links(text) {
        if !target.ends_with(".rs") {
            continue;
        }
        let file = beside(path, &target);
        let name = span.rsplit("::").next().unwrap_or_default();
        match read(&file) {
            None => found.push((line, format!("there is no `{file}`"))),
            Some(_) if span.ends_with(".rs") || is_module(&file, name) => {}
            Some(source) if !defines(&source, name) => {
                found.push((line, format!("`{file}` defines no `{name}`")));
            }
            Some(_) => {}
        }
    }
    found
}

/// A code span that looks like a path of the repository is one.
fn wrong_paths(text: &str, read: Read<'_>) -> Vec<Finding> {
    const ROOTS: [&str; 9] = [
        "ioam-dp/",
        "ioam-app/",
        "config/",
        "dpdk-sys/",
        "tests/",
        "docs/",
        "scripts/",
        "bench/",
        ".ci/",
    ];
    let is_path = |span: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        ROOTS.iter().any(|root| span.starts_with(root)) && span.chars().all(plain)
    };
    let paths = code(text).into_iter().filter(|(_, span)| is_path(span));
    paths
        .filter(|(_, path)| read(path.trim_end_matches('/')).is_none())
        .map(|(line, path)| (line, format!("there is no `{path}`")))
        .collect()
}

/// Subcommands and flags behind `ioam` exist.
fn wrong_commands(text: &str, program: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    for (line, code) in code(text) {
        let words: Vec<&str> = code.split_whitespace().collect();
        let is_program = |at: &usize| {
            let after_sudo = *at == 0 || words[at - 1] == "sudo" || words[at - 1] == "&&";
            words[*at].ends_with("/ioam") || (words[*at] == "ioam" && after_sudo)
        };
        let Some(at) = (0..words.len()).find(is_program) else {
            continue;
        };
        let ends = |word: &&&str| ["#", "|", "&&", ">", "2>"].contains(*word);
        let arguments = words[at + 1..].iter().take_while(|word| !ends(word));
        for (place, word) in arguments.enumerate() {
            let word = word.trim_matches(['[', ']']);
            if let Some(flag) = word.strip_prefix("--") {
                let flag = flag.split('=').next().unwrap_or_default();
                if !program.flags.contains(flag) {
                    found.push((line, format!("`ioam` has no flag `--{flag}`")));
                }
            } else if place == 0
                && word.chars().all(|c| c.is_ascii_lowercase())
                && !program.commands.contains(word)
            {
                found.push((line, format!("`ioam` has no command `{word}`")));
            }
        }
    }
    found
}

/// Targets behind `make` exist.
fn wrong_targets(text: &str, makefile: &str) -> Vec<Finding> {
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(target, _)| target)
        .collect();
    let mut found = Vec::new();
    for (line, code) in code(text) {
        let Some(target) = code.strip_prefix("make ") else {
            continue;
        };
        let target = target.split_whitespace().next().unwrap_or_default();
        if target.chars().all(|c| c.is_ascii_lowercase()) && !targets.contains(target) {
            found.push((line, format!("the Makefile has no `{target}`")));
        }
    }
    found
}

/// Every page of a decision stands in the list once, and the list has no other. Numbers follow each
/// other.
fn wrong_decisions(list: &str, pages: &[String]) -> Vec<Finding> {
    let mut found = Vec::new();
    let listed = rows(list);
    let page_of = |cells: &[String]| -> Option<String> {
        let (_, rest) = cells.first()?.split_once("](")?;
        Some(rest.trim_end_matches(')').to_owned())
    };
    for (place, page) in pages.iter().enumerate() {
        let rows = listed
            .iter()
            .filter(|(_, cells)| page_of(cells).as_ref() == Some(page));
        if rows.count() != 1 {
            found.push((0, format!("`{page}` does not stand in the list once")));
        }
        if !page.starts_with(&format!("{:04}-", place + 1)) {
            found.push((0, format!("`{page}` is the page after {place}")));
        }
    }
    for (line, cells) in &listed {
        if !page_of(cells).is_some_and(|page| pages.contains(&page)) {
            found.push((*line, "this row leads to no decision".to_owned()));
        }
    }
    found
}

/// The code map names each of `rooms`, and no other, below the heading of their folder.
fn wrong_map(text: &str, folder: &str, rooms: &[String]) -> Vec<Finding> {
    let heading = text
        .lines()
        .find(|line| line.starts_with(&format!("### `{folder}`")));
    let Some((first, below)) = heading.and_then(|heading| section(text, heading)) else {
        return vec![(0, format!("the map has no `{folder}`"))];
    };
    let listed: Vec<(usize, String)> = rows(below)
        .into_iter()
        .filter_map(|(line, cells)| Some((line, spans(cells.first()?).next()?.to_owned())))
        .collect();
    let unlisted = rooms
        .iter()
        .filter(|room| listed.iter().all(|(_, own)| own != *room));
    let mut found: Vec<Finding> = unlisted
        .map(|room| (first, format!("the map of `{folder}` lacks `{room}`")))
        .collect();
    let gone = listed.into_iter().filter(|(_, own)| !rooms.contains(own));
    found.extend(gone.map(|(line, own)| (first + line - 1, format!("`{folder}` has no `{own}`"))));
    found
}

/// Requirement, section, verdict, code, test: verdicts are of the list, what is met has code and a
/// test, what is not has no test; reference packets exist.
fn wrong_requirements(text: &str, packets: &BTreeSet<String>) -> Vec<Finding> {
    let is_packet = |word: &str| {
        let mut chars = word.chars();
        word.len() == 3
            && chars.next().is_some_and(|c| c.is_ascii_uppercase())
            && chars.all(|c| c.is_ascii_digit())
    };
    let mut found = Vec::new();
    for (line, cells) in rows(text) {
        let [requirement, section, verdict, file, test] = &cells[..] else {
            continue;
        };
        let mut wrong = |what: String| found.push((line, what));
        if requirement.is_empty() || !section.chars().any(|c| c.is_ascii_digit()) {
            wrong("a row has a requirement and a section".to_owned());
        }
        if !VERDICTS.contains(&verdict.as_str()) {
            wrong(format!("`{verdict}` is no verdict"));
        }
        let is_met = verdict == "met" || verdict == "setting";
        if is_met && !(file.contains("](") && test.contains("](")) {
            wrong("what is met has code and a test, both linked".to_owned());
        }
        if ["missing", "not built yet"].contains(&verdict.as_str()) && test.contains("](") {
            wrong("what is missing has no test".to_owned());
        }
        let words = test.split(|c: char| !c.is_ascii_alphanumeric());
        for packet in words.filter(|word| is_packet(word) && !packets.contains(*word)) {
            wrong(format!("there is no reference packet {packet}"));
        }
    }
    found
}

/// A link such as [`name`](counters.md) names a counter.
fn wrong_counters(text: &str, reasons: &str) -> Vec<Finding> {
    let named = |span: &str| reasons.contains(&format!("\"{span}\""));
    code_links(text)
        .into_iter()
        .filter(|(_, span, target)| target.ends_with("counters.md") && !named(span))
        .map(|(line, span, _)| (line, format!("`{span}` is no counter")))
        .collect()
}

/// A configuration in a document is one that loads.
fn wrong_configurations(text: &str) -> Vec<Finding> {
    let machine = ioam_config::Machine::other((0..64).collect());
    let is_whole = |block: &str| block.lines().any(|line| line.starts_with("ports:"));
    let files = blocks(text, "yaml")
        .into_iter()
        .filter(|(_, block)| is_whole(block));
    files
        .filter_map(|(line, block)| {
            let errors = ioam_config::parse("the document", &block, &machine).err()?;
            Some((line, errors.to_string()))
        })
        .collect()
}

// --- the repository ---

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> Option<String> {
    let path = root().join(path);
    if path.is_dir() {
        return Some(String::new());
    }
    fs::read_to_string(path).ok()
}

fn text(path: &str) -> String {
    read(path).unwrap_or_else(|| panic!("{path} can be read"))
}

/// A link's target, seen from the folder of the file it stands in.
fn beside(file: &str, target: &str) -> String {
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

/// The names in a folder, in order.
fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder can be read");
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().into_string());
    let mut names: Vec<String> = names.map(|name| name.expect("names are UTF-8")).collect();
    names.sort();
    names
}

/// Every document a reader is sent to, by path.
fn documents() -> Vec<(String, String)> {
    let mut paths = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for folder in ["docs", "docs/adr"] {
        let pages = names(folder)
            .into_iter()
            .filter(|name| name.ends_with(".md"));
        paths.extend(pages.map(|name| format!("{folder}/{name}")));
    }
    assert!(
        paths.len() > 10,
        "only {} documents: is it the wrong place?",
        paths.len()
    );
    paths
        .into_iter()
        .map(|path| (path.clone(), text(&path)))
        .collect()
}

fn hold(rule: impl Fn(&str, &str) -> Vec<Finding>, mend: &str) {
    let mut report = String::new();
    for (path, text) in documents() {
        for (line, what) in rule(&path, &text) {
            report += &format!("  {path}:{line}: {what}\n");
        }
    }
    assert!(report.is_empty(), "\n{report}To mend: {mend}\n");
}

#[test]
fn code_references_lead_to_code() {
    hold(
        |path, text| wrong_code_references(path, text, &read),
        "name what the code is called now, or link the file where it is now",
    );
}

#[test]
fn paths_lead_somewhere() {
    hold(
        |_, text| wrong_paths(text, &read),
        "write the path as it is now",
    );
}

#[test]
fn commands_are_the_programs() {
    let program = Program::of_this_repository();
    hold(
        |_, text| wrong_commands(text, &program),
        "write what `ioam help` shows",
    );
}

#[test]
fn targets_are_the_makefiles() {
    let makefile = text("Makefile");
    hold(
        |_, text| wrong_targets(text, &makefile),
        "write what `make help` shows",
    );
}

#[test]
fn every_decision_is_listed() {
    let pages: Vec<String> = names("docs/adr")
        .into_iter()
        .filter(|name| name.ends_with(".md") && name != "README.md")
        .collect();
    let found = wrong_decisions(&text("docs/adr/README.md"), &pages);
    assert_eq!(
        found,
        [],
        "To mend: docs/adr/README.md has one row for each page"
    );
}

/// Folders below a source folder, and files directly in it, without the crate's own roots and without
/// tests.
fn rooms(folder: &str) -> Vec<String> {
    let roots = ["lib.rs", "main.rs"];
    let files = names(folder)
        .into_iter()
        .filter(|name| name.ends_with(".rs") && !roots.contains(&name.as_str()));
    let mut rooms: Vec<String> = files
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .collect();
    add_folders(folder, "", &mut rooms);
    rooms
}

fn add_folders(folder: &str, prefix: &str, rooms: &mut Vec<String>) {
    for name in names(folder) {
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() && names(&path) != ["tests.rs"] {
            rooms.push(format!("{prefix}{name}"));
            add_folders(&path, &format!("{prefix}{name}/"), rooms);
        }
    }
}

#[test]
fn the_code_map_has_every_room() {
    let map = text("docs/architecture.md");
    let mut found = Vec::new();
    for folder in ["ioam-dp/src", "config/src", "ioam-app/src"] {
        found.extend(wrong_map(&map, folder, &rooms(folder)));
    }
    assert_eq!(
        found,
        [],
        "To mend: one row in docs/architecture.md for each file and folder"
    );
}

#[test]
fn requirements_have_a_verdict_and_what_is_met_a_test() {
    let vectors: serde_json::Value =
        serde_json::from_str(&text("tests/golden/vectors.json")).expect("vectors.json is JSON");
    let vectors = vectors["vectors"].as_array().expect("vectors is a list");
    let packets = vectors
        .iter()
        .filter_map(|vector| Some(vector["id"].as_str()?.to_owned()));
    let text = text("docs/conformance.md");
    let requirements = rows(&text)
        .into_iter()
        .filter(|(_, cells)| cells.len() == 5);
    assert!(requirements.count() > 60, "the tables are of five columns");
    let found = wrong_requirements(&text, &packets.collect());
    assert_eq!(
        found,
        [],
        "To mend: docs/conformance.md, whose head says how it is read"
    );
}

#[test]
fn counters_are_called_by_their_names() {
    let reasons = text("ioam-dp/src/stats/reason.rs");
    hold(
        |_, text| wrong_counters(text, &reasons),
        "see ioam-dp/src/stats/reason.rs",
    );
}

#[test]
fn configurations_load() {
    hold(
        |_, text| wrong_configurations(text),
        "write what the message says",
    );
}
