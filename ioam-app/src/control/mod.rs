// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How a running node is asked and told: a Unix socket that takes lines of JSON.
//!
//! ```text
//! client ─► server (a thread each) ─► Desk ─► the management core, between two of its looks
//! ```
//!
//! `docs/control.md` describes the protocol. Only the management core touches the node; the threads
//! of clients wait for it, and no worker ever does.

mod client;
mod place;
mod protocol;
mod server;
pub mod snapshot;
mod tracing;

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

pub use client::{Client, ask_once};
pub use place::{default_directory, found};
pub use protocol::{LONGEST_REQUEST, VERSION};
pub use server::Server;
use snapshot::Snapshot;

use crate::reload::Outcome;
use crate::trace::Taps;

/// Questions that wait at once; who has one more waits in front of the desk.
const WAITING: usize = 16;

/// How long the management core may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a node can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// All its figures.
    Snapshot,
    /// To read its configuration again.
    Reload {
        /// Only to say what would change.
        dry_run: bool,
    },
    /// For what watching its workers takes.
    Taps,
}

/// What it answers.
#[derive(Debug)]
pub enum Answer {
    /// To [`Ask::Snapshot`].
    Snapshot(Box<Snapshot>),
    /// To [`Ask::Reload`].
    Reload(Outcome),
    /// To [`Ask::Taps`].
    Taps(Taps),
}

/// A question, and where the answer goes.
#[derive(Debug)]
pub struct Question {
    /// What is asked.
    pub ask: Ask,
    answer: SyncSender<Answer>,
}

impl Question {
    /// Answers it. Whether somebody still waits is no matter of the node's.
    pub fn answer(self, answer: Answer) {
        let _ = self.answer.send(answer);
    }
}

/// Where threads put their questions to the management core.
#[derive(Clone, Debug)]
pub struct Desk(SyncSender<Question>);

impl Desk {
    /// A desk, and the management core's side of it.
    #[must_use]
    pub fn new() -> (Self, Receiver<Question>) {
        let (sender, receiver) = sync_channel(WAITING);
        (Self(sender), receiver)
    }

    /// Asks and waits for the answer; `None` when none comes, since the node ends or hangs.
    #[must_use]
    pub fn ask(&self, ask: Ask) -> Option<Answer> {
        let (answer, receiver) = sync_channel(1);
        self.0.send(Question { ask, answer }).ok()?;
        receiver.recv_timeout(PATIENCE).ok()
    }
}
