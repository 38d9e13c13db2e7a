// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A node that runs as a process of its own, on ports that need nothing, for as long as a test asks
//! it things.

#![allow(dead_code, reason = "not every test file wants everything")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of a test's own, which goes with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ioam-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder in the temporary folder");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file as programs should: there is never half of it.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let (path, aside) = (self.path(name), self.path("aside"));
        std::fs::write(&aside, text).expect("a file in the temporary folder");
        std::fs::rename(aside, &path).expect("a file in the temporary folder");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `ioam` with these words.
pub(crate) fn ioam(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ioam"));
    command.args(words).stdin(Stdio::null());
    command
}

/// What a command says on standard output and standard error.
pub(crate) fn says(output: &Output) -> (String, String) {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A running node.
pub(crate) struct Node {
    child: Option<Child>,
    lines: Receiver<String>,
    pub(crate) socket: PathBuf,
}

impl Node {
    /// Starts `ioam run` and waits until it answers at `socket`.
    pub(crate) fn start(config: &Path, socket: &Path) -> Self {
        let mut command = ioam(&["run", "--json", "--config"]);
        command
            .arg(config)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("ioam");
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().expect("standard error"));
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let node = Self {
            child: Some(child),
            lines,
            socket: socket.to_owned(),
        };
        node.waits_for("workers polling");
        node.waits_for("control socket");
        node
    }

    /// The line of standard error that has `words`, once it is there.
    pub(crate) fn waits_for(&self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut said = String::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line =
                line.unwrap_or_else(|_| panic!("no `{words}` in what the node said: {said}"));
            if line.contains(words) {
                return line;
            }
            said += &line;
            said.push('\n');
        }
    }

    /// `ioam` with these words and the node's socket, to its end.
    pub(crate) fn ask(&self, words: &[&str]) -> Output {
        let mut command = ioam(words);
        command.arg("--socket").arg(&self.socket);
        command.output().expect("ioam")
    }

    /// As [`ask`](Self::ask) with `--json`; what it prints.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let output = self.ask(&[words, &["--json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{:?}", says(&output)))
    }

    /// Its process.
    pub(crate) fn pid(&self) -> i32 {
        let child = self.child.as_ref().expect("a child");
        i32::try_from(child.id()).expect("a process id")
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([name, &self.pid().to_string()])
            .status();
        assert!(status.expect("kill").success());
    }

    /// Stops it; the final report.
    pub(crate) fn stop(mut self) -> Value {
        self.signal("-INT");
        let child = self.child.take().expect("a child");
        let output = child.wait_with_output().expect("an end");
        assert!(
            output.status.success(),
            "{:?}",
            self.lines.try_iter().collect::<Vec<_>>()
        );
        serde_json::from_slice(&output.stdout).expect("the report")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
