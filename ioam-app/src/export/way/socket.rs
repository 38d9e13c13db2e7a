// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A unix socket somebody listens at, or will: connected to when there are lines.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The pause between attempts to connect.
const PAUSE: Duration = Duration::from_secs(1);

/// The other end of a socket. What it does not take at once is refused.
pub(super) struct Socket {
    path: PathBuf,
    stream: Option<UnixStream>,
    next_attempt: Instant,
}

impl Socket {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            stream: None,
            next_attempt: Instant::now(),
        }
    }

    fn connected(&mut self) -> io::Result<&mut UnixStream> {
        if self.stream.is_none() {
            let now = Instant::now();
            if now < self.next_attempt {
                return Err(io::ErrorKind::NotConnected.into());
            }
            self.next_attempt = now + PAUSE;
            let stream = UnixStream::connect(&self.path)?;
            stream.set_nonblocking(true)?;
            return Ok(self.stream.insert(stream));
        }
        self.stream
            .as_mut()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Write for Socket {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let result = self.connected()?.write(octets);
        match result {
            Err(error) if is_gone(&error) => {
                self.stream = None;
                // Not a broken pipe, which would be the end of it: somebody may listen again.
                Err(io::ErrorKind::NotConnected.into())
            }
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_gone(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::export::Output;

    #[test]
    fn who_listens_later_or_again_gets_the_lines_from_then_on() {
        let path = std::env::temp_dir().join(format!("ioam-socket-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let mut socket = Socket::new(&path);
        assert!(socket.write(b"nobody\n").is_err());
        let listener = UnixListener::bind(&path).unwrap();
        // Not at once: attempts have a pause between them.
        assert_eq!(
            socket.write(b"early\n").unwrap_err().kind(),
            io::ErrorKind::NotConnected
        );
        socket.next_attempt = Instant::now();
        assert_eq!(socket.write(b"first\n").unwrap(), 6);
        let mut reader = BufReader::new(listener.accept().unwrap().0);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert_eq!(line, "first\n");
        drop(reader);
        assert_eq!(
            socket.write(b"gone\n").unwrap_err().kind(),
            io::ErrorKind::NotConnected
        );
        socket.next_attempt = Instant::now();
        assert_eq!(socket.write(b"again\n").unwrap(), 6);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn who_never_reads_costs_lines_and_no_time() {
        let path = std::env::temp_dir().join(format!("ioam-slow-socket-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let _listener = UnixListener::bind(&path).unwrap();
        let mut output = Output::new("a socket", Box::new(Socket::new(&path)));
        let line = "x".repeat(999);
        for _ in 0..2000 {
            output.line(&line);
            output.flush();
        }
        let counts = output.counts();
        assert_eq!(counts.written + counts.lost, 2000);
        assert!(counts.written > 0 && counts.lost > 0, "{counts:?}");
        std::fs::remove_file(path).unwrap();
    }
}
