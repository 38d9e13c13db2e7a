// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The node's side of the control socket. A client that sends nonsense, hangs or never reads costs
//! one thread for a while, and no more than that.

use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::protocol::Wanted;
use super::{Desk, LONGEST_REQUEST, place, protocol, tracing};
use crate::timely;

/// Clients served at once.
const MOST_CLIENTS: usize = 16;
/// How long a client may be silent, or take to send a request.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// How long a client may take to read an answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// How long no client is accepted after one could not be.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A socket that is served until this is dropped.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
}

impl Server {
    /// Serves a socket at `path`, with these permissions, from a thread of its own.
    ///
    /// # Errors
    /// The socket cannot be made, or another node answers there.
    pub fn start(path: &Path, mode: u32, desk: Desk) -> Result<Self> {
        let listener = place::listen(path, mode)?;
        let server = Self {
            path: path.to_owned(),
        };
        std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || accept(&listener, &desk))
            .context("cannot start the thread of the control socket")?;
        Ok(server)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// For as long as the process lives: there is nothing to wake this thread for at its end.
fn accept(listener: &UnixListener, desk: &Desk) {
    let clients = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else {
            std::thread::sleep(ACCEPT_PAUSE);
            continue;
        };
        let present = Present::enter(&clients);
        if present.number > MOST_CLIENTS {
            let _ = stream.set_nonblocking(true);
            let why = format!("{MOST_CLIENTS} clients are here already; try again");
            let _ = writeln!(stream, "{}", protocol::refusal(&why));
            continue;
        }
        let desk = desk.clone();
        let thread = std::thread::Builder::new().name("control-client".to_owned());
        // A thread that cannot be had closes the connection, which says as much.
        let _ = thread.spawn(move || {
            let _present = present;
            serve(stream, &desk);
        });
    }
}

/// Counts a client while it is here.
struct Present {
    clients: Arc<AtomicUsize>,
    number: usize,
}

impl Present {
    fn enter(clients: &Arc<AtomicUsize>) -> Self {
        Self {
            number: clients.fetch_add(1, Ordering::Relaxed) + 1,
            clients: Arc::clone(clients),
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers a client's lines until it goes or does what it should not.
fn serve(mut stream: UnixStream, desk: &Desk) {
    let mut waiting = Vec::new();
    loop {
        let answer = match read_line(&mut stream, &mut waiting) {
            Ok(line) => match protocol::wanted(&line) {
                Ok(Wanted::Trace(order)) => {
                    if tracing::trace(&order, desk, &mut stream).is_none() {
                        return;
                    }
                    continue;
                }
                Ok(wanted) => protocol::answer(&wanted, desk),
                Err(why) => protocol::refusal(&why),
            },
            Err(Bad::Gone) => return,
            Err(Bad::TooLong) => {
                let why = format!("a request has at most {LONGEST_REQUEST} octets");
                let _ = write_line(&mut stream, &protocol::refusal(&why));
                return;
            }
        };
        if write_line(&mut stream, &answer).is_none() {
            return;
        }
    }
}

/// Why there is no line.
enum Bad {
    Gone,
    TooLong,
}

/// The next line, without its end; `waiting` keeps what came behind it.
fn read_line(stream: &mut UnixStream, waiting: &mut Vec<u8>) -> Result<Vec<u8>, Bad> {
    let deadline = Instant::now() + REQUEST_TIME;
    loop {
        if let Some(end) = waiting.iter().position(|octet| *octet == b'\n') {
            let mut line: Vec<u8> = waiting.drain(..=end).collect();
            line.pop();
            return Ok(line);
        }
        if waiting.len() >= LONGEST_REQUEST {
            return Err(Bad::TooLong);
        }
        timely::read_more(stream, waiting, deadline).ok_or(Bad::Gone)?;
    }
}

/// Writes a line and its end, unless the client takes too long.
pub(super) fn write_line(stream: &mut UnixStream, line: &str) -> Option<()> {
    let line = [line.as_bytes(), b"\n"].concat();
    timely::write_whole(stream, &line, Instant::now() + ANSWER_TIME)
}
