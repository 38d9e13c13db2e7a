// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Lets somebody watch a worker handle packets, one by one, while it works.
//!
//! ```text
//! TapHandle ── arm(Session) ──► Tap of the worker        one load a burst while nothing is traced
//!     ▲                           │ full: what became of a packet
//!     └──────── Exchange ◄────────┘
//!                  └─ free: places to write that into, made beforehand ──►
//! ```
//!
//! A worker never waits, allocates or frees for it: where no place is free, what happened to a
//! packet is lost, and counted. `docs/adr/0020-trace.md` has the reasons.

mod budget;
mod matcher;
#[cfg(test)]
mod tests;
mod traced;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use crossbeam::atomic::AtomicCell;
use crossbeam::queue::ArrayQueue;
use crossbeam::utils::CachePadded;

use crate::port::PortId;
use crate::stats::{Count, WorkerStats};
use crate::table::Tables;
use budget::Budget;
pub use matcher::{Matcher, Reason, carries_ioam};
pub(crate) use traced::Tee;
pub use traced::{Frame, SNAP, Traced};

/// What goes between a worker and who watches it.
#[derive(Debug)]
pub struct Exchange {
    free: ArrayQueue<Box<Traced>>,
    full: ArrayQueue<Box<Traced>>,
    /// Packets that were handled one by one.
    pub looked_at: Count,
    /// Packets that might have been selected, but were not looked at: the worker had no time.
    pub passed_by: Count,
    /// Selected packets that found no place.
    pub lost: Count,
}

impl Exchange {
    fn new(places: usize) -> Arc<Self> {
        let exchange = Self {
            free: ArrayQueue::new(places.max(1)),
            full: ArrayQueue::new(places.max(1)),
            looked_at: Count::default(),
            passed_by: Count::default(),
            lost: Count::default(),
        };
        for _ in 0..places {
            let _ = exchange.free.push(Box::default());
        }
        Arc::new(exchange)
    }

    /// The next packet, oldest first.
    #[must_use]
    pub fn take(&self) -> Option<Box<Traced>> {
        self.full.pop()
    }

    /// Gives a place back.
    pub fn give_back(&self, mut traced: Box<Traced>) {
        traced.tables = None;
        let _ = self.free.push(traced);
    }
}

/// One watch over one worker: made by who watches, used by the worker.
#[derive(Debug)]
pub struct Session {
    matcher: Matcher,
    exchange: Arc<Exchange>,
    /// What is counted for one packet; all zero between packets.
    pub(crate) counted: Arc<WorkerStats>,
    pub(crate) hand: Box<Traced>,
    budget: Budget,
    number: u64,
}

impl Session {
    /// A session for a worker that counts `stats`, with so many places for packets on their way.
    #[must_use]
    pub fn new(matcher: Matcher, places: usize, stats: &WorkerStats) -> Box<Self> {
        Box::new(Self {
            matcher,
            exchange: Exchange::new(places),
            counted: stats.zeros_alike(),
            hand: Box::default(),
            budget: Budget::new(),
            number: 0,
        })
    }

    /// Where the packets come out.
    #[must_use]
    pub fn exchange(&self) -> Arc<Exchange> {
        Arc::clone(&self.exchange)
    }

    /// The time at the beginning of a burst.
    pub(crate) fn at(&mut self, ticks: u64) {
        self.budget.refill(ticks);
    }

    /// Whether the next packet is to be handled by itself.
    pub(crate) fn wants(&self, port: PortId, frame: &[u8]) -> bool {
        if !self.matcher.wants(port, frame) {
            return false;
        }
        let looks = self.budget.is_left();
        if !looks {
            self.exchange.passed_by.add(1);
        }
        looks
    }

    /// Hands the packet in hand over, if what became of it is what is asked for.
    pub(crate) fn settle(&mut self, own: &WorkerStats, tables: &Arc<Tables>, ticks: u64) {
        self.budget.spend(ticks);
        self.exchange.looked_at.add(1);
        let selected = self.matcher.selects(&self.hand, &self.counted);
        self.hand.settle(&self.counted, own, tables);
        if !selected {
            return;
        }
        let Some(next) = self.exchange.free.pop() else {
            self.exchange.lost.add(1);
            return;
        };
        let mut done = std::mem::replace(&mut self.hand, next);
        done.tables = Some(Arc::clone(tables));
        done.lost = self.exchange.lost.get();
        // As many places as there are packets to put into them: it is never full.
        let _ = self.exchange.full.push(done);
    }
}

/// What both sides know.
#[derive(Default)]
struct Shared {
    /// Grows with each arming and disarming.
    generation: CachePadded<AtomicU64>,
    pending: AtomicCell<Option<Box<Session>>>,
    retired: AtomicCell<Option<Box<Session>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// The end of who watches. Only one thread at a time may arm and disarm a worker.
#[derive(Clone, Debug, Default)]
pub struct TapHandle(Arc<Shared>);

impl TapHandle {
    /// The worker's end. A worker is given one; a second would see only some sessions.
    #[must_use]
    pub fn tap(&self) -> Tap {
        Tap {
            shared: Arc::clone(&self.0),
            quiet: 0,
            session: None,
        }
    }

    /// Has the worker begin a session with its next burst; one before it ends.
    pub fn arm(&self, mut session: Box<Session>) {
        self.0.retired.take();
        session.number = self.0.generation.load(Ordering::Relaxed) + 1;
        self.0.pending.store(Some(session));
        self.0.generation.fetch_add(1, Ordering::Release);
    }

    /// Frees a session that the worker is through with.
    pub fn reclaim(&self) {
        self.0.retired.take();
    }

    /// Has the worker end its session with its next burst.
    pub fn disarm(&self) {
        self.0.pending.take();
        self.0.retired.take();
        self.0.generation.fetch_add(1, Ordering::Release);
    }
}

/// The worker's end.
#[derive(Debug)]
pub struct Tap {
    shared: Arc<Shared>,
    /// The generation that asks for nothing, while there is no session.
    quiet: u64,
    session: Option<Box<Session>>,
}

impl Default for Tap {
    fn default() -> Self {
        TapHandle::default().tap()
    }
}

impl Tap {
    /// Whether nothing is traced, and nothing new is asked for.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        self.shared.generation.load(Ordering::Relaxed) == self.quiet
    }

    /// The session, which [`end`](Self::end) takes back.
    pub(crate) fn begin(&mut self) -> Option<Box<Session>> {
        let generation = self.shared.generation.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        if let Some(new) = self.shared.pending.take() {
            let old = self.session.replace(new);
            self.retire(old);
        }
        // A session may be here before its generation is, never after another one has come.
        let is_over = |session: &mut Box<Session>| session.number < generation;
        let old = self.session.take_if(is_over);
        self.retire(old);
        self.quiet = if self.session.is_none() {
            generation
        } else {
            u64::MAX
        };
        self.session.take()
    }

    /// Keeps the session for the next burst.
    pub(crate) fn end(&mut self, session: Box<Session>) {
        self.session = Some(session);
    }

    /// Leaves a session to be freed by the other side.
    fn retire(&self, session: Option<Box<Session>>) {
        if session.is_some() {
            self.shared.retired.store(session);
        }
    }
}
