// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The other side of the control socket: finds the node and asks it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::found;

/// How long an answer may take: longer than a node allows itself.
const PATIENCE: Duration = Duration::from_secs(40);

/// Most octets of an answer.
const LONGEST_ANSWER: u64 = 64 << 20;

/// A connection to a node.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects to the socket at `path`, or to the only node that answers on this machine.
    ///
    /// # Errors
    /// No node answers, or several do and none is named.
    pub fn connect(path: Option<&Path>) -> Result<Self> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => only()?,
        };
        let stream = UnixStream::connect(&path).with_context(|| {
            let path = path.display();
            format!("no node answers at {path}; is it running, and may this user ask it?")
        })?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            path,
            stream: BufReader::new(stream),
        })
    }

    /// The socket it is connected to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// The node goes away, or refuses.
    pub fn ask(&mut self, request: &Value) -> Result<Value> {
        let answer = self.exchange(request)?;
        if let Some(error) = answer["error"].as_str() {
            bail!("{error}");
        }
        Ok(answer)
    }

    /// As [`ask`](Self::ask), with a refusal as an answer.
    ///
    /// # Errors
    /// The node goes away.
    pub fn exchange(&mut self, request: &Value) -> Result<Value> {
        let gone = || format!("the node at {} went away", self.path.display());
        writeln!(self.stream.get_mut(), "{request}").with_context(gone)?;
        self.receive()
    }

    /// The next answer to a request that has several.
    ///
    /// # Errors
    /// The node goes away.
    pub fn receive(&mut self) -> Result<Value> {
        let at = self.path.display().to_string();
        let gone = || format!("the node at {at} went away");
        let mut line = String::new();
        let mut stream = self.stream.by_ref().take(LONGEST_ANSWER);
        stream.read_line(&mut line).with_context(gone)?;
        ensure!(line.ends_with('\n'), gone());
        serde_json::from_str(&line).with_context(|| format!("what answers at {at} is no node"))
    }
}

/// Connects, asks once, and leaves.
///
/// # Errors
/// As [`Client::connect`] and [`Client::ask`].
pub fn ask_once(path: Option<&Path>, request: &Value) -> Result<Value> {
    Client::connect(path)?.ask(request)
}

fn only() -> Result<PathBuf> {
    let mut found = found();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => bail!(
            "no node answers in $XDG_RUNTIME_DIR/ioam or /run/ioam; start one with `ioam run`, or \
             name its socket with --socket"
        ),
        _ => {
            let all = found.iter().map(|path| path.display().to_string());
            let all = all.collect::<Vec<_>>().join(", ");
            bail!("several nodes answer; choose one with --socket: {all}")
        }
    }
}
