// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The thread of one collector: connects, encodes, sends, and counts what became of each record.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam::channel::{Receiver, RecvTimeoutError};
use ioam_dp::timestamp::WallTime;

use super::batch::{Batch, Wanted};
use super::counts::CollectorCounts;
use super::session::Session;
use super::settings::Collector;
use super::stop::Stop;
use super::transport::{Dialler, Link};

/// How long it waits for records before it looks after everything else.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between attempts to connect, in times of the first.
const MOST_PAUSES: u32 = 8;

/// The time now.
pub(super) fn wall_time() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or_else(
        |_| WallTime::default(),
        |since| WallTime {
            seconds: since.as_secs(),
            nanoseconds: since.subsec_nanos(),
        },
    )
}

/// What one collector's thread works with.
pub(super) struct Sender {
    name: String,
    dialler: Dialler,
    session: Session,
    wanted: Wanted,
    queue: Receiver<Arc<Batch>>,
    counts: Arc<CollectorCounts>,
    stop: Arc<Stop>,
    link: Option<Link>,
    reconnect: Duration,
    pause: Duration,
    dial_at: Instant,
    connected_at: Instant,
    /// The record of the node at hand has lost some of its Data Records.
    torn: bool,
}

impl Sender {
    pub(super) fn new(
        collector: &Collector,
        dialler: Dialler,
        queue: Receiver<Arc<Batch>>,
        counts: Arc<CollectorCounts>,
        stop: Arc<Stop>,
    ) -> Self {
        let now = Instant::now();
        Self {
            name: collector.name.clone(),
            dialler,
            session: Session::new(collector),
            wanted: Wanted::of(collector),
            queue,
            counts,
            stop,
            link: None,
            reconnect: collector.reconnect,
            pause: collector.reconnect,
            dial_at: now,
            connected_at: now,
            torn: false,
        }
    }

    /// Works until the queue is closed and empty, or the time after the end of the node is over.
    pub(super) fn run(mut self) {
        while !self.stop.is_over() {
            if self.link.is_none() && !self.connect() {
                if self.stop.has_begun() {
                    break;
                }
                std::thread::sleep(
                    PAUSE.min(self.dial_at.saturating_duration_since(Instant::now())),
                );
                continue;
            }
            self.tick();
            if self.link.is_none() {
                continue;
            }
            match self.queue.recv_timeout(PAUSE) {
                Ok(batch) => self.send_batch(&batch),
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.end();
    }

    /// Connects if it is time to; whether there is a connection.
    fn connect(&mut self) -> bool {
        let now = Instant::now();
        if now < self.dial_at {
            return false;
        }
        match self.dialler.dial(&self.stop) {
            Ok(link) => {
                self.counts.connections.add(1);
                self.counts.connected.store(true, Ordering::Relaxed);
                self.link = Some(link);
                self.connected_at = Instant::now();
                self.session.begin(self.connected_at);
                true
            }
            Err(error) => {
                self.failed(&format!("cannot connect: {error}"));
                false
            }
        }
    }

    /// The connection is gone, or never came about; it is tried again after a pause, at once if it
    /// had held for longer than that.
    fn failed(&mut self, why: &str) {
        let now = Instant::now();
        self.counts.failures.add(1);
        let held = self.link.take().is_some() && now - self.connected_at >= self.reconnect;
        self.counts.connected.store(false, Ordering::Relaxed);
        if held {
            self.pause = self.reconnect;
            self.dial_at = now;
        } else {
            self.dial_at = now + self.pause;
            self.pause = (self.pause * 2).min(self.reconnect * MOST_PAUSES);
        }
        let seconds = self.dial_at.saturating_duration_since(now).as_secs();
        log::warn!(
            "collector {}: {why}; next attempt in {seconds} s",
            self.name
        );
    }

    /// Sends what is due by the clock.
    fn tick(&mut self) {
        self.session.tick(Instant::now(), wall_time(), &self.counts);
        self.send();
    }

    fn look(&mut self) {
        if let Some(Err(error)) = self.link.as_mut().map(Link::look) {
            self.failed(&error.to_string());
        }
    }

    /// Sends a batch; what is left of it when the connection breaks is lost.
    fn send_batch(&mut self, batch: &Batch) {
        let mut from = Some(0);
        while let Some(next) = from {
            if self.link.is_none() || self.stop.is_over() {
                let (rest, paths) = (batch.records.get(next..), batch.paths.len());
                let rest = rest.unwrap_or_default().iter();
                let rest = rest.filter(|record| self.wanted.takes(record)).count();
                let paths = if self.wanted.paths() { paths } else { 0 };
                self.lose(rest + paths);
                return;
            }
            from = self.session.add(batch, next);
            self.send();
        }
    }

    fn lose(&self, records: usize) {
        let records = u64::try_from(records).unwrap_or(u64::MAX);
        self.counts.lose(records, wall_time());
    }

    /// Sends the session's messages and counts them.
    fn send(&mut self) {
        self.send_about();
        let messages = &mut self.session.messages;
        let Some(link) = &mut self.link else { return };
        self.counts.send(messages.empty_records().into());
        if messages.finished().is_empty() {
            messages.clear();
            return;
        }
        let taken = link.send(messages.octets(), messages.finished(), &self.stop);
        self.counts.refused.add(taken.refused);
        let mut lost = 0;
        for (message, whole) in messages.finished().iter().zip(&taken.messages) {
            let ended = u64::from(message.ended);
            // A record is sent when all of its Data Records are.
            if *whole {
                let torn = u64::from(self.torn && ended > 0);
                self.counts.send(ended - torn);
                lost += torn;
                self.torn &= ended == 0 && message.continues;
                self.counts.count(message);
            } else {
                lost += ended;
                self.torn = message.continues;
            }
        }
        messages.clear();
        if lost > 0 {
            self.counts.lose(lost, wall_time());
        }
        if let Some(error) = taken.broken {
            self.failed(&error.to_string());
        }
    }

    /// Sends what is about the records, ahead of them.
    fn send_about(&mut self) {
        let about = &mut self.session.about;
        let Some(link) = &mut self.link else { return };
        if about.finished().is_empty() {
            return;
        }
        let taken = link.send(about.octets(), about.finished(), &self.stop);
        self.counts.refused.add(taken.refused);
        for (message, whole) in about.finished().iter().zip(&taken.messages) {
            if *whole {
                self.counts.count(message);
            }
        }
        about.clear();
        if let Some(error) = taken.broken {
            self.failed(&error.to_string());
        }
    }

    /// What still waits is lost; the collector is told how much was.
    fn end(mut self) {
        let left: usize = self
            .queue
            .try_iter()
            .map(|batch| self.wanted.count(&batch))
            .sum();
        self.lose(left);
        if self.link.is_some() {
            let now = wall_time();
            self.session.tick(Instant::now(), now, &self.counts);
            self.session.statistics(&self.counts);
            self.send();
        }
        if let Some(link) = self.link.take() {
            link.close(&self.stop);
        }
    }
}
