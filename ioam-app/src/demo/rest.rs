// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a polling core does between packets.

/// What a core does when it found nothing to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    /// Rounds without a packet.
    idle: u32,
    /// So many of them are spent waiting; from then on somebody else may have the CPU.
    most: u32,
}

impl Rest {
    pub(super) fn new(is_single: bool) -> Self {
        Self {
            idle: 0,
            most: if is_single { 0 } else { 500 },
        }
    }

    pub(super) fn after(&mut self, packets: usize) {
        if packets > 0 {
            self.idle = 0;
        } else if self.idle < self.most {
            self.idle += 1;
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}
