// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a burst's packets share: when they came, and the node's state while it handles them.

use crate::port::{MAX_PORTS, PortId};
use crate::timestamp::WallTime;
use crate::wire::ioam::UNAVAILABLE;

/// Measurements of one burst; a worker takes only those some trace in the burst asks for.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When the burst was received.
    pub received: Option<WallTime>,
    /// Nanoseconds from receiving the burst until its node data were written; saturates.
    pub transit_delay: Option<u32>,
    /// By output port: buffers waiting in the transmit queue.
    pub queue_depth: [Option<u32>; MAX_PORTS],
    /// Octets of packet buffers in use; saturates below "not available".
    pub buffer_occupancy: Option<u32>,
}

impl Moment {
    /// Nothing measured but the time of receipt.
    #[must_use]
    pub fn at(received: Option<WallTime>) -> Self {
        Self {
            received,
            transit_delay: None,
            queue_depth: [None; MAX_PORTS],
            buffer_occupancy: None,
        }
    }

    /// The transit delay field: 2^31 ns and more is exactly 0x80000000 (RFC 9197, 4.4.2.5).
    #[must_use]
    pub fn transit_delay_field(&self) -> u32 {
        self.transit_delay
            .map_or(UNAVAILABLE, |nanoseconds| nanoseconds.min(0x8000_0000))
    }

    /// The queue depth field of packets leaving by `port`.
    #[must_use]
    pub fn queue_depth_field(&self, port: PortId) -> u32 {
        self.queue_depth
            .get(port.index())
            .copied()
            .flatten()
            .unwrap_or(UNAVAILABLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_delay_is_marked_and_an_unknown_one_is_all_ones() {
        let mut moment = Moment::at(None);
        assert_eq!(moment.transit_delay_field(), u32::MAX);
        moment.transit_delay = Some(0x7FFF_FFFF);
        assert_eq!(moment.transit_delay_field(), 0x7FFF_FFFF);
        moment.transit_delay = Some(3_000_000_000);
        assert_eq!(moment.transit_delay_field(), 0x8000_0000);
        moment.transit_delay = Some(u32::MAX);
        assert_eq!(moment.transit_delay_field(), 0x8000_0000);
    }
}
