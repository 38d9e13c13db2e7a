// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam top` on a real terminal, that of tmux, with a node that comes and goes.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod running;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ioam_app::control::snapshot::Section;
use ioam_app::show::tables::headings;
use running::{Folder, Node, PATIENCE, ioam, says};
use serde_json::Value;

const NODE: &str = "runtime: {memory: no-huge, buffers: 4096}
node: {id: 0x0a0001}
ports:
  - {name: east, device: net_null0, ioam: true}
  - {name: west, device: net_null1}
forwarding: {mode: wire, pairs: [[east, west]]}
namespaces: [{id: 123}]
profiles:
  - name: collect
    filter: {in-port: east}
    preallocated-tracing-profile: {node-action: decapsulate, trace-types: {use-namespace: 123}}
";

fn configured(name: &str) -> (Folder, PathBuf, PathBuf) {
    let folder = Folder::new(name);
    let socket = folder.path("node.sock");
    let text = format!("{NODE}control: {{socket: {}}}\n", socket.display());
    let config = folder.write("node.yaml", &text);
    (folder, config, socket)
}

/// Whether there is a tmux; where nothing may be skipped, there has to be.
fn has_tmux() -> bool {
    let is_there = Command::new("tmux").arg("-V").output().is_ok();
    if !is_there {
        let set =
            |name| std::env::var(name).is_ok_and(|value| !["", "0", "false"].contains(&&*value));
        let why = "there is no tmux; scripts/setup test installs it";
        assert!(
            !set("CI") && !set("IOAM_REQUIRE_ALL"),
            "would be SKIPPED: {why}"
        );
        println!("SKIPPED: {why}");
    }
    is_there
}

/// A terminal in which a command runs, and a shell says how it ended.
struct Terminal(PathBuf);

impl Terminal {
    fn start(folder: &Folder, socket: &Path, before: &str) -> Self {
        let terminal = Self(folder.path(""));
        let program = env!("CARGO_BIN_EXE_ioam");
        let line = format!(
            "{before} {program} top --interval 0.2 --socket {}; echo ended with $?; stty -a; sleep 600",
            socket.display()
        );
        let size = ["-x", "80", "-y", "24"];
        let started = [&["new-session", "-d"][..], &size, &[&line]].concat();
        assert!(terminal.tmux(&started).status.success());
        terminal
    }

    fn tmux(&self, words: &[&str]) -> std::process::Output {
        let mut command = Command::new("tmux");
        command.args(["-f", "/dev/null", "-L", "top"]).args(words);
        command.env("TMUX_TMPDIR", &self.0).env_remove("TMUX");
        command.output().unwrap()
    }

    fn press(&self, key: &str) {
        assert!(self.tmux(&["send-keys", key]).status.success());
    }

    /// The text on the terminal; with colours if asked.
    fn text(&self, flags: &[&str]) -> String {
        let words = [&["capture-pane", "-p"][..], flags].concat();
        says(&self.tmux(&words)).0
    }

    /// What is there as soon as it is as it should be.
    fn shows(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.text(&[]);
            if is_so(&text) {
                return text;
            }
            assert!(Instant::now() < deadline, "no {what}:\n{text}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// The end, with everything as it was before.
    fn has_ended(&self, code: u8) {
        let end = format!("ended with {code}");
        let text = self.shows(&end, |text| text.contains(&end) && text.contains("icanon"));
        assert!(
            text.contains(" icanon") && text.contains(" echo "),
            "the keyboard is not given back:\n{text}"
        );
        let modes = "#{alternate_on} #{cursor_flag}";
        let (modes, _) = says(&self.tmux(&["display-message", "-p", modes]));
        assert_eq!(modes.trim(), "0 1", "the screen is not given back");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}

/// The figures in the row of a port, once there is a rate.
fn received(text: &str) -> bool {
    let row = text.lines().find(|line| line.starts_with("east "));
    row.is_some_and(|row| row.contains(" M ") || row.contains(" k "))
}

#[test]
fn ports_and_rates_are_shown_pages_turn_and_q_gives_the_terminal_back() {
    if !has_tmux() {
        return;
    }
    let (folder, config, socket) = configured("top");
    let node = Node::start(&config, &socket);
    let terminal = Terminal::start(&folder, &socket, "NO_COLOR=1");
    let text = terminal.shows("rates", received);
    for has in ["node.yaml, process ", " 1 overview ", "Mbit/s", "collect"] {
        assert!(text.contains(has), "{has}\n{text}");
    }
    for (key, has) in [
        ("Tab", "no option of it has been handled"),
        ("3", "every packet was forwarded"),
        ("4", "no delays"),
        ("5", "ring of worker"),
        ("6", "no paths"),
        ("?", "another page"),
        ("1", "ticks/packet"),
        ("p", "held still"),
    ] {
        terminal.press(key);
        terminal.shows(has, |text| text.contains(has));
    }
    let coloured = terminal.text(&["-e"]);
    let has_colour = (31..=37).any(|colour| coloured.contains(&format!("[{colour}m")));
    assert!(!has_colour, "NO_COLOR is set: {coloured:?}");
    terminal.tmux(&["resize-window", "-x", "60", "-y", "20"]);
    terminal.shows("kind words", |text| {
        text.contains("needs 80 columns and 24")
    });
    terminal.tmux(&["resize-window", "-x", "130", "-y", "40"]);
    terminal.shows("history", |text| text.contains("history"));
    terminal.press("q");
    terminal.has_ended(0);
    node.stop();
}

#[test]
fn a_node_that_is_started_anew_is_found_again_and_a_signal_ends_it_cleanly() {
    if !has_tmux() {
        return;
    }
    let (folder, config, socket) = configured("top-again");
    let node = Node::start(&config, &socket);
    let terminal = Terminal::start(&folder, &socket, "");
    terminal.shows("rates", received);
    let process = |text: &str| {
        let rest = text.split(", process ").nth(1).unwrap_or_default();
        rest.split(',').next().unwrap_or_default().to_owned()
    };
    let before = process(&terminal.text(&[]));
    node.signal("-KILL");
    drop(node);
    let text = terminal.shows("loss", |text| text.contains("no answer for"));
    assert!(text.contains("is it running"), "{text}");
    assert!(text.contains("east"), "what was known stays:\n{text}");
    let node = Node::start(&config, &socket);
    let text = terminal.shows("return", |text| {
        received(text) && !text.contains("no answer") && process(text) != before
    });
    assert!(text.contains("running for 0:00:"), "{text}");
    let (shell, _) = says(&terminal.tmux(&["display-message", "-p", "#{pane_pid}"]));
    let children = format!("/proc/{0}/task/{0}/children", shell.trim());
    let children = std::fs::read_to_string(children).unwrap();
    let top = children.split_whitespace().next().unwrap();
    assert!(
        Command::new("kill").arg(top).status().unwrap().success(),
        "{top}"
    );
    terminal.has_ended(0);
    node.stop();
}

#[test]
fn without_a_terminal_it_says_what_else_there_is_and_prints_when_asked() {
    let (_folder, config, socket) = configured("top-print");
    let none = ioam(&["top", "--json", "--socket"]).arg(&socket).output();
    let (_, error) = says(&none.unwrap());
    assert!(error.contains("is it running"), "{error}");
    let node = Node::start(&config, &socket);
    let refused = node.ask(&["top"]);
    let (_, error) = says(&refused);
    assert_eq!(refused.status.code(), Some(1));
    for has in ["no terminal", "ioam show ports --watch", "--once", "--json"] {
        assert!(error.contains(has), "{has}: {error}");
    }
    let (text, _) = says(&node.ask(&["top", "--once", "--interval", "0.1"]));
    for section in Section::ALL {
        let title = format!("[{}]\n", section.name());
        assert!(text.contains(&title), "{title}{text}");
    }
    let once = node.ask(&["top", "--once", "--json", "--interval", "0.1"]);
    let all: Value = serde_json::from_slice(&once.stdout).unwrap();
    assert!(all["window_seconds"].as_f64().unwrap() >= 0.1, "{all}");
    let rate = &all["ports"][0]["per_second"]["received"];
    assert!(rate.as_f64().unwrap() > 0.0, "{all}");
    let (_, error) = says(&node.ask(&["top", "--once", "--interval", "0"]));
    assert!(error.contains("--interval wants seconds"), "{error}");
    // An object after each interval, until nobody reads any more.
    let script = format!(
        "{} top --json --interval 0.1 --socket {} | head -n 3",
        env!("CARGO_BIN_EXE_ioam"),
        socket.display()
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let (lines, _) = says(&output);
    let objects = lines.lines().map(serde_json::from_str::<Value>);
    assert_eq!(objects.filter(Result::is_ok).count(), 3, "{lines}");
    node.stop();
}

/// `make screens` writes the document; this fails when the program prints something else by now.
#[test]
fn the_documents_show_what_is_printed_now() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/screens.md");
    let text = std::fs::read_to_string(path).unwrap();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let block = |name: &str| {
        let begin = format!("<!-- screen: {name} -->\n```text\n");
        let block = text.split(&begin).nth(1);
        let block = block.unwrap_or_else(|| panic!("no screen of {name}: run `make screens`"));
        let block = block.split("\n```\n<!-- end -->").next().unwrap();
        block.lines().map(words).collect::<Vec<_>>()
    };
    for section in Section::ALL {
        let shown = block(&format!("show {}", section.name()));
        for heading in headings(section) {
            let heading = words(&heading.join(" "));
            assert!(
                shown.contains(&heading),
                "`{heading}` is not on the screen of show {}: run `make screens`",
                section.name()
            );
        }
    }
    let node = block("show node");
    assert!(node.iter().any(|line| line.starts_with("packet buffers ")));
    let doctor = block("doctor");
    let is_finding = |line: &&String| {
        let severities = ["error", "warn", "info", "ok"];
        severities.iter().any(|severity| line.starts_with(severity))
    };
    assert!(doctor.iter().filter(is_finding).count() > 3, "{doctor:#?}");
}
