// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Asks the node again and again, on a thread of its own: a node that is slow does not slow the keys.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::control::Client;

/// How long the first window is at most, so that nobody waits long for rates.
const FIRST_WINDOW: Duration = Duration::from_millis(300);

/// How long a node that is gone is left alone at most.
const PATIENCE: Duration = Duration::from_secs(1);

/// Knows where the node is.
#[derive(Debug)]
pub(super) struct Asker {
    given: Option<PathBuf>,
    found: Option<PathBuf>,
}

impl Asker {
    pub(super) fn new(given: Option<PathBuf>) -> Self {
        Self { given, found: None }
    }

    /// Everything the node tells. A connection for each, as a silent one would be closed.
    ///
    /// # Errors
    /// No node answers, or not what it is asked.
    pub(super) fn ask(&mut self) -> Result<Value> {
        let mut client = self.connect()?;
        client.ask(&json!({ "request": "snapshot" }))
    }

    /// The node that was found before, so that others that are started do not matter. One that was
    /// started anew may be elsewhere.
    fn connect(&mut self) -> Result<Client> {
        let known = self.given.as_deref().or(self.found.as_deref());
        let client = match Client::connect(known) {
            Err(_) if self.given.is_none() && self.found.is_some() => Client::connect(None)?,
            other => other?,
        };
        self.found = Some(client.path().to_owned());
        Ok(client)
    }
}

/// The thread, for as long as this is there.
#[derive(Debug)]
pub(super) struct Watcher {
    /// What the node answers, or why it does not.
    pub(super) answers: Receiver<Result<Value>>,
    interval: Sender<Duration>,
}

impl Watcher {
    /// Begins to ask.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(super) fn start(asker: Asker, interval: Duration) -> Result<Self> {
        let (sender, answers) = channel();
        let (changes, orders) = channel();
        std::thread::Builder::new()
            .name("watcher".to_owned())
            .spawn(move || watch(asker, interval, &sender, &orders))
            .context("cannot start the thread that asks the node")?;
        Ok(Self {
            answers,
            interval: changes,
        })
    }

    /// Asks at another pace from now on.
    pub(super) fn set_interval(&self, interval: Duration) {
        // A thread that is gone has said why.
        let _ = self.interval.send(interval);
    }
}

fn watch(
    mut asker: Asker,
    mut interval: Duration,
    answers: &Sender<Result<Value>>,
    orders: &Receiver<Duration>,
) {
    let mut pause = interval.min(FIRST_WINDOW);
    loop {
        match orders.recv_timeout(pause) {
            Ok(changed) => {
                interval = changed;
                pause = interval;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let answer = asker.ask();
        pause = match &answer {
            Ok(_) => interval,
            Err(_) => interval.min(PATIENCE),
        };
        if answers.send(answer).is_err() {
            return;
        }
    }
}
