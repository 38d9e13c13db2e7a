// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the two polling cores and the drawing one tell each other.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crossbeam::utils::CachePadded;
use ioam_dp::stats::Count;

use super::collector::{Delay, Trace, WAYS};
use super::findings::Findings;
use super::traffic::Kind;
use super::witness::Witnessed;

/// Shared by all threads; each field has one writer.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Packets the source has made. Source: writes.
    pub(super) sent: CachePadded<Count>,
    /// Different packets that have arrived. Sink: writes.
    pub(super) arrived: CachePadded<Count>,
    kinds: CachePadded<[Count; 3]>,
    /// Rounds of polling. Each core writes its own.
    pub(super) rounds: [CachePadded<Count>; 2],
    /// No more packets are wanted. Main: writes.
    pub(super) source_stops: CachePadded<AtomicBool>,
    /// No more packets are made. Source: writes.
    pub(super) source_ended: AtomicBool,
    /// Everybody ends. Main: writes.
    pub(super) stop: AtomicBool,
    /// What the kernel says of the two polling threads. Each core writes its own.
    threads: [OnceLock<PathBuf>; 2],
    collected: Mutex<Collected>,
    /// What each half saw besides traces. Each core writes its own.
    witnessed: [Mutex<Witnessed>; 2],
}

impl Shared {
    /// The calling thread polls the half of the chain with this number.
    pub(super) fn is_polled_by_this_thread(&self, half: usize) {
        if let Ok(thread) = fs::read_link("/proc/thread-self") {
            // It stays what it was, if there was one.
            let _ = self.threads[half].set(Path::new("/proc").join(thread).join("schedstat"));
        }
    }

    /// Nanoseconds for which the polling threads wanted their CPUs and did not have them; 0 where
    /// the kernel does not say.
    pub(super) fn waited(&self) -> [u64; 2] {
        [0, 1].map(|half| {
            let text = self.threads[half]
                .get()
                .and_then(|path| fs::read_to_string(path).ok());
            let second = text.as_deref().and_then(|text| text.split(' ').nth(1));
            second.and_then(|number| number.parse().ok()).unwrap_or(0)
        })
    }

    /// Packets of this kind that the source has made. Source: writes.
    pub(super) fn sent_of(&self, kind: Kind) -> &Count {
        &self.kinds[kind as usize]
    }

    /// What the sink saw last.
    pub(super) fn collected(&self) -> MutexGuard<'_, Collected> {
        self.collected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What both halves saw besides traces.
    pub(super) fn witnessed(&self) -> Witnessed {
        let mut all = Witnessed::default();
        for half in &self.witnessed {
            all.merge(&half.lock().unwrap_or_else(PoisonError::into_inner));
        }
        all
    }

    /// Tells what a half saw besides traces.
    pub(super) fn witness(&self, half: usize, what: Witnessed) {
        let place = &self.witnessed[half];
        *place.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    /// Tells what the sink sees, unless it is being read just now.
    pub(super) fn tell(&self, what: impl FnOnce() -> Collected) -> bool {
        let Ok(mut place) = self.collected.try_lock() else {
            return false;
        };
        *place = what();
        true
    }
}

/// What the second half of the chain saw.
#[derive(Clone, Debug, Default)]
pub(super) struct Collected {
    /// Packets whose successors came, but they did not.
    pub(super) missing: u64,
    /// Traces without a fault.
    pub(super) verified: u64,
    /// Packets that came without the trace they should have left behind; known at the end.
    pub(super) untraced: u64,
    /// What was wrong with packets and traces.
    pub(super) findings: Findings,
    /// Delays between nodes.
    pub(super) delays: [Delay; WAYS],
    /// A recent trace.
    pub(super) trace: Option<Trace>,
}
