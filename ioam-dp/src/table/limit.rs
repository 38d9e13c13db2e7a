// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What measurements may take of a port: one N-th of its capacity each (RFC 9326, 3.1; RFC 9322).

use super::spec::LimitsSpec;
use crate::rate_limit;

/// Octets a second that one worker may use of a port; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortLimits {
    /// For packets sent with direct export.
    pub direct_export: Option<u64>,
    /// For records that direct export asks for.
    pub export: Option<u64>,
    /// For packets sent with the Loopback flag, and copies looped back.
    pub loopback: Option<u64>,
    /// For packets sent with the Active flag.
    pub active: Option<u64>,
}

impl PortLimits {
    /// The limits of a port of `speed` megabits a second that `workers` share.
    pub(super) fn new(limits: &LimitsSpec, speed: u32, workers: u16) -> Self {
        let share = |n| rate_limit::share(speed, n, workers);
        Self {
            direct_export: share(limits.direct_export),
            export: share(limits.export),
            loopback: share(limits.loopback),
            active: share(limits.active),
        }
    }
}
