// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The management core while workers poll: watches for the end, the links and the clock.

use std::io::{IsTerminal, Write, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use signal_hook::consts::SIGHUP;

use super::node::Node;
use super::supervisor;
use crate::args::RunArguments;
use crate::control::Question;
use crate::interrupt::Interrupt;

/// How often it looks.
const TICK: Duration = Duration::from_millis(10);
/// How often it looks at slower things.
const SECOND: Duration = Duration::from_secs(1);

/// What ends a run.
#[derive(Debug)]
pub(super) struct Limits {
    interrupt: Interrupt,
    hung_up: Arc<AtomicBool>,
    duration: Option<Duration>,
    idle: Option<Duration>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Signal,
    Duration,
    Idle,
    /// A worker stopped by itself, which none should.
    Worker,
}

impl Limits {
    pub(super) fn new(arguments: &RunArguments) -> Result<Self> {
        let hung_up = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGHUP, Arc::clone(&hung_up))
            .context("cannot watch for SIGHUP")?;
        let duration = arguments.duration.map(|seconds| {
            Duration::try_from_secs_f64(seconds)
                .context("--duration wants seconds, such as 10 or 0.5")
        });
        let idle = arguments.until_idle;
        ensure!(idle != Some(0), "--until-idle wants at least 1 millisecond");
        Ok(Self {
            interrupt: Interrupt::watch()?,
            hung_up,
            duration: duration.transpose()?,
            idle: idle.map(Duration::from_millis),
        })
    }
}

/// Waits for the end of the run.
pub(super) fn until_the_end(
    node: &mut Node,
    limits: &Limits,
    questions: &Receiver<Question>,
) -> Result<Ended> {
    let start = Instant::now();
    let (mut second, mut last_packet, mut packets) = (start, start, 0);
    let mut live = Live::new();
    loop {
        if let Ok(question) = questions.recv_timeout(TICK) {
            node.answer(question);
        }
        if limits.hung_up.swap(false, Ordering::Relaxed) {
            node.reload_for_signal();
        }
        let now = Instant::now();
        let received = node.received();
        if received != packets {
            (packets, last_packet) = (received, now);
        }
        let ended = if limits.interrupt.has_come() {
            Some(Ended::Signal)
        } else if limits.duration.is_some_and(|limit| now - start >= limit) {
            Some(Ended::Duration)
        } else if limits.idle.is_some_and(|limit| now - last_packet >= limit) {
            Some(Ended::Idle)
        } else if node.a_worker_ended() {
            Some(Ended::Worker)
        } else {
            None
        };
        if let Some(ended) = ended {
            live.clear();
            return Ok(ended);
        }
        if now - second >= SECOND {
            node.each_second();
            supervisor::alive();
            live.show(received, now - second);
            second = now;
        }
    }
}

/// One line on a terminal, rewritten each second; nothing where nobody looks.
struct Live {
    shown: bool,
    before: u64,
    is_terminal: bool,
}

impl Live {
    fn new() -> Self {
        Self {
            shown: false,
            before: 0,
            is_terminal: stderr().is_terminal(),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a rate for reading")]
    fn show(&mut self, received: u64, since: Duration) {
        let rate = received.wrapping_sub(self.before) as f64 / since.as_secs_f64();
        self.before = received;
        if self.is_terminal {
            let text = format!("\r\x1b[K{received} packets, {:.3} Mpps", rate / 1e6);
            // A terminal that has gone away is no reason to stop forwarding.
            let _ = stderr().write_all(text.as_bytes());
            self.shown = true;
        }
    }

    fn clear(&mut self) {
        if self.shown {
            let _ = stderr().write_all(b"\r\x1b[K");
        }
    }
}
