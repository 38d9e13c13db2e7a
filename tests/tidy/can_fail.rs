// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every rule can fail: each is shown what it must object to, and what it must let pass.

use super::*;

fn file(path: &str, text: &str) -> File {
    File {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

/// The lines that `rule` objects to.
fn lines(rule: fn(&File) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
    rule(&file(path, text))
        .into_iter()
        .map(|(line, _)| line)
        .collect()
}

#[test]
fn the_fence_sees_code_and_not_words_about_it() {
    let bad = "fn f() {\n    unsafe { g() }\n}\n";
    assert_eq!(
        lines(unsafe_outside_the_fence, "ioam-app/src/main.rs", bad),
        [2]
    );
    assert_eq!(
        lines(unsafe_outside_the_fence, "ioam-app/src/dpdk/mbuf.rs", bad),
        []
    );
    let good = "#![forbid(unsafe_code)]\n// unsafe\n/* unsafe */ let a = \"unsafe\"; let b = r#\"un\"safe unsafe\"#;\n";
    assert_eq!(
        lines(unsafe_outside_the_fence, "config/src/lib.rs", good),
        []
    );
    let tricky = "fn f<'a>(x: &'a str) { let q = '\"'; let n = '\\''; unsafe {} }\n";
    assert_eq!(
        lines(unsafe_outside_the_fence, "config/src/lib.rs", tricky),
        [1]
    );
}

#[test]
fn the_purity_rule_sees_each_kind_and_spares_tests() {
    let bad = "use std::time::{Duration, Instant};\nuse std::fs;\nuse std::net::Ipv6Addr;\n\
               use std::net::UdpSocket;\nfn f() { std::thread::yield_now(); println!(\"x\"); }\n\
               log::info!(\"x\");\n#[cfg(test)]\nmod tests {\n    use std::thread;\n}\n";
    assert_eq!(
        lines(impure_data_plane, "ioam-dp/src/worker.rs", bad),
        [1, 2, 4, 5, 6]
    );
    assert_eq!(
        lines(impure_data_plane, "ioam-dp/src/worker/tests.rs", bad),
        []
    );
    assert_eq!(lines(impure_data_plane, "ioam-app/src/main.rs", bad), []);
}

#[test]
fn the_length_rule_counts_up_to_the_tests() {
    let long = "\n".repeat(MOST_LINES + 1);
    let tested = format!(
        "{}#[cfg(test)]\nmod tests {{\n{long}}}\n",
        "\n".repeat(MOST_LINES)
    );
    assert_eq!(lines(long_file, "ioam-dp/src/a.rs", &long), [MOST_LINES]);
    assert_eq!(lines(long_file, "ioam-dp/src/a.rs", &tested), []);
    assert_eq!(lines(long_file, "ioam-dp/src/a/tests.rs", &long), []);
    // A test module in its own file does not end this one.
    let declared = format!("#[cfg(test)]\nmod tests;\n{long}");
    assert_eq!(
        lines(long_file, "ioam-dp/src/a.rs", &declared),
        [MOST_LINES]
    );
}

#[test]
fn the_head_rules_want_licence_and_sentence() {
    let good = format!("// {SPDX}\n//! What this is,\n//! in one sentence.\n//!\n//! More\n");
    assert_eq!(lines(no_licence_line, "a.rs", &good), []);
    assert_eq!(lines(no_opening_sentence, "a.rs", &good), []);
    assert_eq!(lines(no_licence_line, "a.rs", "//! A.\n"), [1]);
    assert_eq!(lines(no_licence_line, "shim.c", "#include <x.h>\n"), [1]);
    assert_eq!(lines(no_licence_line, "scripts/x", "#!/bin/sh\n"), [2]);
    assert_eq!(
        lines(
            no_licence_line,
            "scripts/x",
            &format!("#!/bin/sh\n# {SPDX}\n")
        ),
        []
    );
    assert_eq!(
        lines(no_opening_sentence, "a.rs", &format!("// {SPDX}\nuse x;\n")),
        [2]
    );
    assert_eq!(
        lines(
            no_opening_sentence,
            "a.rs",
            &format!("// {SPDX}\n//! No end\n")
        ),
        [2]
    );
}

#[test]
fn the_finishing_rule_sees_words_and_macros() {
    let bad = concat!("// TO", "DO: later\nfn f() { to", "do!() }\ndb", "g!(x);\n");
    assert_eq!(lines(unfinished, "a.rs", bad), [1, 2, 3]);
    assert_eq!(lines(unfinished, "docs/a.md", concat!("FIX", "ME\n")), [1]);
    assert_eq!(lines(unfinished, "a.rs", "let mastodon = 0xXXX0;\n"), []);
}

#[test]
fn the_place_rule_sees_paths_and_hosts() {
    let bad = concat!("cd /ho", "me/me\ncurl static.", "crates.io\n/usr/lib\n");
    assert_eq!(lines(tied_to_a_place, "scripts/x.sh", bad), [1, 2]);
}

#[test]
fn the_link_rule_follows_files_and_headings() {
    let read = |path: &str| (path == "docs/b.md").then(|| "# One & Two\n".to_owned());
    let dead = |text: &str| dead_links(&file("docs/a.md", text), &read).len();
    assert_eq!(
        dead("[b](b.md) [b](../docs/b.md#one--two) [web](https://x.example/y)\n"),
        0
    );
    assert_eq!(dead("`[c](c.md)`\n```\n[c](c.md)\n```\n"), 0);
    assert_eq!(dead("[c](c.md)\n"), 1);
    assert_eq!(dead("[b](b.md#three)\n"), 1);
    assert_eq!(dead("[c]: c.md\n"), 1);
}

#[test]
fn the_sample_rule_wants_each_name() {
    assert_eq!(
        unnamed_samples(&["a.yaml", "b.yaml"], &["see a.yaml", ""]),
        ["b.yaml"]
    );
}
