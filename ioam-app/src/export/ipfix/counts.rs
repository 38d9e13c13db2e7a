// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What became of each record: sent + dropped + waiting = produced, whatever happens.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::message::Finished;
use ioam_dp::timestamp::WallTime;
use serde::Serialize;

/// A count that several threads may add to.
#[derive(Debug, Default)]
pub struct SharedCount(AtomicU64);

impl SharedCount {
    /// Adds.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Takes away.
    fn subtract(&self, count: u64) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }

    /// The count now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What became of one collector's records. The export thread writes `produced` and drops what does
/// not fit; the collector's thread writes everything else; anybody reads.
#[derive(Debug, Default)]
pub struct CollectorCounts {
    /// Records of the node for this collector.
    pub produced: SharedCount,
    /// Records whose messages the system took.
    pub sent: SharedCount,
    /// Records that are lost: no room in the queue, a connection that broke, the end of the node.
    pub dropped: SharedCount,
    /// Records that wait or are being sent.
    pub waiting: SharedCount,
    /// Data Records the system took; a record of the node makes several, or none.
    pub data_records: SharedCount,
    /// Messages the system took.
    pub messages: SharedCount,
    /// Octets of these.
    pub octets: SharedCount,
    /// Times a connection was made, or a socket opened.
    pub connections: SharedCount,
    /// Times that failed, or that what was made broke.
    pub failures: SharedCount,
    /// Times the collector's machine said that nobody listens there (UDP).
    pub refused: SharedCount,
    /// Whether there is a connection now.
    pub connected: AtomicBool,
    first_not_sent: AtomicU64,
    last_not_sent: AtomicU64,
}

impl CollectorCounts {
    /// The system took `message`.
    pub fn count(&self, message: &Finished) {
        self.data_records.add(message.data_records.into());
        self.messages.add(1);
        self.octets.add(message.place.len() as u64);
    }

    /// `count` records have been sent.
    pub fn send(&self, count: u64) {
        self.sent.add(count);
        self.waiting.subtract(count);
    }

    /// `count` records that waited are lost, at `now`.
    pub fn lose(&self, count: u64, now: WallTime) {
        self.waiting.subtract(count);
        self.refuse(count, now);
    }

    /// `count` records found no room, at `now`.
    pub fn refuse(&self, count: u64, now: WallTime) {
        if count == 0 {
            return;
        }
        self.dropped.add(count);
        let now = now.as_nanoseconds().max(1);
        // Two threads at once may both be the first: then either time will do.
        let _ = self
            .first_not_sent
            .compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        self.last_not_sent.store(now, Ordering::Relaxed);
    }

    /// When the first and the last record were lost; 1970 where none was.
    #[must_use]
    pub fn not_sent(&self) -> (WallTime, WallTime) {
        let time = |at: &AtomicU64| WallTime::from_nanoseconds(at.load(Ordering::Relaxed));
        (time(&self.first_not_sent), time(&self.last_not_sent))
    }
}

/// One collector's figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CollectorReport {
    /// The operator's name for it.
    pub name: String,
    /// Address and port.
    pub address: String,
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
    /// Whether there was a connection, at the time of the report or of the end.
    pub connected: bool,
    /// Records for this collector: those sent, dropped and waiting.
    pub produced: u64,
    /// Records whose messages the system took.
    pub sent: u64,
    /// Records that are lost.
    pub dropped: u64,
    /// Records that wait or are being sent; 0 at the end.
    pub waiting: u64,
    /// Data Records the system took.
    pub data_records: u64,
    /// Messages the system took.
    pub messages: u64,
    /// Octets of these.
    pub octets: u64,
    /// Times a connection was made, or a socket opened.
    pub connections: u64,
    /// Times that failed, or that what was made broke.
    pub failures: u64,
    /// Times the collector's machine said that nobody listens there (UDP).
    pub refused: u64,
}

impl CollectorReport {
    /// The figures of now.
    #[must_use]
    pub fn new(
        name: &str,
        address: String,
        transport: &'static str,
        counts: &CollectorCounts,
    ) -> Self {
        Self {
            name: name.to_owned(),
            address,
            transport,
            connected: counts.connected.load(Ordering::Relaxed),
            produced: counts.produced.get(),
            sent: counts.sent.get(),
            dropped: counts.dropped.get(),
            waiting: counts.waiting.get(),
            data_records: counts.data_records.get(),
            messages: counts.messages.get(),
            octets: counts.octets.get(),
            connections: counts.connections.get(),
            failures: counts.failures.get(),
            refused: counts.refused.get(),
        }
    }
}
