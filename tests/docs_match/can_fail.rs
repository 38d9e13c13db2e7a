// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every check can fail: each is shown what it must object to, and what it must let pass.

use super::figures::{unexplained_columns, unsaid_messages, wrong_growth};
use super::*;

fn lines(found: &[Finding]) -> Vec<usize> {
    found.iter().map(|(line, _)| *line).collect()
}

fn files(path: &str) -> Option<String> {
    let text = match path {
        "src/a.rs" => "/// Says.\npub fn go<T>() {}\n// fn gone() {}\nnamed! {\n    Kind {\n",
        "docs" | "tests/golden" => "",
        _ => return None,
    };
    Some(text.to_owned())
}

#[test]
fn a_name_that_moved_is_seen() {
    let text = "[`go`](../src/a.rs) [`X::go`](../src/a.rs) [`a.rs`](../src/a.rs) [`a`](../src/a.rs) [`Kind`](../src/a.rs)\n\
                [`gone`](../src/a.rs)\n[`go`](../src/b.rs)\n[`g`](../src/a.rs)\n[`words`](else.md)\n";
    assert_eq!(
        lines(&wrong_code_references("docs/x.md", text, &files)),
        [2, 3, 4]
    );
}

#[test]
fn a_path_that_moved_is_seen() {
    let text = "`tests/golden` `tests/golden/` `tests/*.rs` `target/x` `fn()`\n`tests/gone.rs`\n";
    assert_eq!(lines(&wrong_paths(text, &files)), [2]);
}

const ARGUMENTS: &str = "#[derive(Subcommand)]\npub enum Command {\n    /// Run\n    Run(Run),\n    Check {\n        \
    #[arg(long)]\n        json: bool,\n    },\n}\nstruct Run {\n    #[arg(long, short, value_name = \"FILE\")]\n    pub dry_run: \
    bool,\n    #[arg(long = \"in\")]\n    pub inputs: u8,\n    #[arg(required = true)]\n    files: u8,\n}\n";

#[test]
fn commands_and_flags_are_read_from_the_source() {
    let mut program = Program::default();
    program.read(ARGUMENTS);
    assert_eq!(Vec::from_iter(&program.commands), ["check", "run"]);
    assert_eq!(Vec::from_iter(&program.flags), ["dry-run", "in", "json"]);
}

#[test]
fn commands_and_flags_that_are_gone_are_seen() {
    let mut program = Program::default();
    program.read(ARGUMENTS);
    let text = "`ioam run --dry-run [--json]` `ioam check FILE` `a ioam b` `cargo --bogus`\n```\n\
                ip netns exec a target/release/ioam run --in=x # --bogus\nthe pool ioam of 3\n```\n\
                `ioam walk`\n`ioam run --wet-run`\n```\nsudo ioam run --gone=3\n```\n";
    assert_eq!(lines(&wrong_commands(text, &program)), [6, 7, 9]);
}

#[test]
fn targets_that_are_gone_are_seen() {
    let text = "`make build` `make X=1` make gone\n`make gone`\n";
    assert_eq!(lines(&wrong_targets(text, "build: ## x\n\tgone\n")), [2]);
}

#[test]
fn decisions_missing_twice_or_out_of_order_are_seen() {
    let list = "| n | d |\n|---|---|\n| [1](0001-a.md) | a |\n| [2](0002-b.md) | b |\n";
    let pages = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        wrong_decisions(list, &pages(&["0001-a.md", "0002-b.md"])),
        []
    );
    assert_eq!(lines(&wrong_decisions(list, &pages(&["0001-a.md"]))), [4]);
    assert_eq!(
        wrong_decisions(list, &pages(&["0001-a.md", "0002-b.md", "0003-c.md"])).len(),
        1
    );
    let twice = format!("{list}| [1](0001-a.md) | a |\n");
    assert_eq!(
        wrong_decisions(&twice, &pages(&["0001-a.md", "0002-b.md"])).len(),
        1
    );
    let gap = list.replace("0002-b", "0003-b");
    assert_eq!(
        wrong_decisions(&gap, &pages(&["0001-a.md", "0003-b.md"])).len(),
        1
    );
}

#[test]
fn rooms_that_came_or_went_are_seen() {
    let map = "### `src`: all\n\n| r | w |\n|---|---|\n| `a` | x |\n| `b` | y |\n\n### `other`\n";
    let rooms = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(wrong_map(map, "src", &rooms(&["a", "b"])), []);
    assert_eq!(lines(&wrong_map(map, "src", &rooms(&["a"]))), [6]);
    assert_eq!(wrong_map(map, "src", &rooms(&["a", "b", "c"])).len(), 1);
    assert_eq!(wrong_map(map, "gone", &rooms(&[])).len(), 1);
}

#[test]
fn requirements_without_verdict_or_test_are_seen() {
    let row = |cells: &str| format!("| r | s | v | f | t |\n|---|---|---|---|---|\n| {cells}\n");
    let packets = BTreeSet::from(["T01".to_owned()]);
    let wrong = |cells: &str| wrong_requirements(&row(cells), &packets).len();
    assert_eq!(wrong("a | 4.2 | met | [x](a) | [y](b) T01 |"), 0);
    assert_eq!(wrong("a | 4.2 | missing | | |"), 0);
    assert_eq!(wrong("a | 4.2 | done | | |"), 1);
    assert_eq!(wrong("a | 4.2 | met | [x](a) | |"), 1);
    assert_eq!(wrong("a | 4.2 | met | | [y](b) |"), 1);
    assert_eq!(wrong("a | 4.2 | setting | [x](a) | [y](b) T02 |"), 1);
    assert_eq!(wrong("a | 4.2 | not built yet | | [y](b) |"), 1);
    assert_eq!(wrong("a | there | missing | | |"), 1);
}

#[test]
fn counters_that_are_gone_are_seen() {
    let text = "[`tx_full`](counters.md)\n[`gone`](counters.md)\n[`x`](other.md)\n";
    assert_eq!(lines(&wrong_counters(text, "TxFull, \"tx_full\"")), [2]);
}

#[test]
fn configurations_that_do_not_load_are_seen() {
    let good = "```yaml\nports:\n  - {name: a, device: net_null0}\n  - {name: b, device: net_null1}\n\
                forwarding: {pairs: [[a, b]]}\n```\n";
    assert_eq!(wrong_configurations(good), []);
    assert_eq!(
        lines(&wrong_configurations(&good.replace("pairs", "pears"))),
        [2]
    );
    assert_eq!(
        wrong_configurations("```yaml\nbogus: 1\n```\n"),
        [],
        "a part of a file"
    );
}

#[test]
fn wrong_figures_are_seen() {
    let rows = "| 1 | 4 | 24 | 64 | 1564 |\n".repeat(5);
    let table = format!(
        "## How much a packet grows\n\n| a | b | c | d | e |\n|---|---|---|---|---|\n{rows}"
    );
    assert_eq!(wrong_growth(&table), []);
    assert_eq!(
        lines(&wrong_growth(&format!(
            "{table}| 2 | 8 | 24 | 64 | 1565 |\n"
        ))),
        [10]
    );
    assert_eq!(wrong_growth("## How much a packet grows\n").len(), 1);
    assert_eq!(wrong_growth("nothing").len(), 1);
}

#[test]
fn columns_without_a_word_are_seen() {
    let source = "Columns::new([\"port\", \"sent\", \"\"]); other([\"no\"])";
    let text = "## Reading the final statistics\n`port` `sent`\n## Next\n";
    assert_eq!(unexplained_columns(text, source), []);
    assert_eq!(
        unexplained_columns(&text.replace("`sent`", "sent"), source).len(),
        1
    );
    assert_eq!(unexplained_columns("nothing", source).len(), 1);
}

#[test]
fn messages_nobody_says_are_seen() {
    let source = "\"{n} pages are needed \\\n         and there are \\\"{m}\\\"\"";
    let text = "## Messages and exit codes\n\n| m | w |\n|---|---|\n| `… pages are needed and there are \"…` | x |\n";
    assert_eq!(unsaid_messages(text, source), []);
    assert_eq!(
        lines(&unsaid_messages(&text.replace("needed", "wanted"), source)),
        [5]
    );
    assert_eq!(unsaid_messages("nothing", source).len(), 1);
}
