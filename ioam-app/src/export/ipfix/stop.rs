// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The end of the node, which gives senders a little time and then no more.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long what waits may still be sent once the node ends.
const GRACE: Duration = Duration::from_secs(2);

/// Set once, looked at by every thread that sends.
#[derive(Debug, Default)]
pub(super) struct Stop(OnceLock<Instant>);

impl Stop {
    /// The node ends: from now on there is little time.
    pub(super) fn begin(&self) {
        let _ = self.0.set(Instant::now() + GRACE);
    }

    /// Whether the node ends.
    #[must_use]
    pub(super) fn has_begun(&self) -> bool {
        self.0.get().is_some()
    }

    /// Whether the time is over.
    #[must_use]
    pub(super) fn is_over(&self) -> bool {
        self.0.get().is_some_and(|end| Instant::now() >= *end)
    }
}
