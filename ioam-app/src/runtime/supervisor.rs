// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What systemd, if it started us, is told: that packets flow, that the management core is alive, and
//! that the end has begun (sd_notify(3)).

use sd_notify::NotifyState;

/// Workers poll and ports are up.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// To be said more often than half of `WatchdogSec`; without a watchdog it is not heard.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// Stopping drains and closes, which takes its time.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Without a supervisor nothing happens; one that is gone is no reason to stop forwarding.
fn tell(state: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(state);
}
