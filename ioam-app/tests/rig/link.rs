// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Raw frames in and out of an interface in a namespace, by way of `link.py`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::netns::End;
use super::packet::{hex, of_hex};

/// Between two frames: about 3000 frames a second, which no machine is too slow for.
const PAUSE_MICROSECONDS: &str = "250";

/// A raw socket at one end of a cable.
pub(crate) struct Link {
    child: Child,
    input: ChildStdin,
    frames: Receiver<Vec<u8>>,
    pub(crate) mac: [u8; 6],
}

impl Link {
    pub(crate) fn open(end: &End<'_>) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rig/link.py");
        let mut command = end.at.command("python3");
        command.args([script, end.name, PAUSE_MICROSECONDS]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().map(Result::unwrap);
        assert_eq!(first.as_deref(), Some("ready"), "link.py at {}", end.name);
        let (sender, frames) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(of_hex(&line)).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take().unwrap();
        Self {
            child,
            input,
            frames,
            mac: end.mac,
        }
    }

    pub(crate) fn send(&mut self, frame: &[u8]) {
        writeln!(self.input, "{}", hex(frame)).unwrap();
    }

    pub(crate) fn send_all<F: AsRef<[u8]>>(&mut self, frames: impl IntoIterator<Item = F>) {
        frames
            .into_iter()
            .for_each(|frame| self.send(frame.as_ref()));
    }

    /// Frames that `wanted` wants, until there are `count` or none came for `patience`.
    pub(crate) fn receive(
        &mut self,
        count: usize,
        patience: Duration,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let mut until = Instant::now() + patience;
        while found.len() < count {
            match self
                .frames
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(frame) if wanted(&frame) => {
                    found.push(frame);
                    until = Instant::now() + patience;
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => panic!("link.py ended"),
            }
        }
        found
    }

    /// As [`receive`](Self::receive), and fails when there are not exactly `count`.
    pub(crate) fn expect(&mut self, count: usize, wanted: impl Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
        let frames = self.receive(count, Duration::from_secs(3), wanted);
        assert_eq!(frames.len(), count, "frames received of frames expected");
        frames
    }

    /// Everything that has arrived by now.
    pub(crate) fn clear(&mut self) {
        while self.frames.try_recv().is_ok() {}
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
