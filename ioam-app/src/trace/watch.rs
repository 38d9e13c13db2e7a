// SPDX-License-Identifier: Apache-2.0 OR MIT
//! All workers of a node, watched by one client at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ioam_dp::stats::WorkerStats;
use ioam_dp::table::Tables;
use ioam_dp::tap::{Exchange, Matcher, Session, TapHandle, Traced};
use serde_json::{Value, json};

/// Packets of one worker that wait to be told.
const PLACES: usize = 128;

/// What watching a node takes.
#[derive(Clone, Debug)]
pub struct Taps {
    /// The workers.
    pub(crate) workers: Vec<(TapHandle, Arc<WorkerStats>)>,
    /// What they work with.
    pub(crate) tables: Arc<Tables>,
    /// Whether somebody watches.
    pub(crate) taken: Arc<AtomicBool>,
}

/// What was looked at so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) looked_at: u64,
    pub(crate) passed_by: u64,
    pub(crate) lost: u64,
}

impl Figures {
    pub(crate) fn json(self, shown: u64) -> Value {
        json!({
            "shown": shown,
            "looked_at": self.looked_at,
            "passed_by": self.passed_by,
            "lost": self.lost,
        })
    }
}

/// A watch over all workers; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    taps: Taps,
    exchanges: Vec<Arc<Exchange>>,
    /// By worker: packets lost in front of the last one that was taken.
    lost: Vec<u64>,
    next: usize,
}

impl Watch {
    /// Begins, unless somebody else watches.
    pub(crate) fn begin(taps: &Taps, matcher: &Matcher) -> Option<Self> {
        if taps.taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        let arm = |(handle, stats): &(TapHandle, Arc<WorkerStats>)| {
            let session = Session::new(matcher.clone(), PLACES, stats);
            let exchange = session.exchange();
            handle.arm(session);
            exchange
        };
        Some(Self {
            exchanges: taps.workers.iter().map(arm).collect(),
            lost: vec![0; taps.workers.len()],
            next: 0,
            taps: taps.clone(),
        })
    }

    /// The next packet of any worker, told by `tell`; `None` where none waits.
    pub(crate) fn next<T>(&mut self, tell: impl FnOnce(&Traced) -> T) -> Option<T> {
        let workers = self.exchanges.len();
        for place in (0..workers).map(|step| (self.next + step) % workers.max(1)) {
            let Some(exchange) = self.exchanges.get(place) else {
                continue;
            };
            if let Some(traced) = exchange.take() {
                self.next = place + 1;
                if let Some(lost) = self.lost.get_mut(place) {
                    *lost = traced.lost;
                }
                let told = tell(&traced);
                exchange.give_back(traced);
                return Some(told);
            }
        }
        None
    }

    /// Packets that found no place, in front of those taken so far.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.iter().sum()
    }

    pub(crate) fn figures(&self) -> Figures {
        let add = |sum: Figures, exchange: &Arc<Exchange>| Figures {
            looked_at: sum.looked_at + exchange.looked_at.get(),
            passed_by: sum.passed_by + exchange.passed_by.get(),
            lost: sum.lost + exchange.lost.get(),
        };
        self.exchanges.iter().fold(Figures::default(), add)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for (handle, _) in &self.taps.workers {
            handle.disarm();
        }
        self.taps.taken.store(false, Ordering::Release);
    }
}
