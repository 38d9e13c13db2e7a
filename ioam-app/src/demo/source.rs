// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The source: makes packets, as many as the chain can hold, and waits for them to arrive.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ioam_dp::packet::PacketBuf;
use ioam_dp::port::{Stage, TxQueue};

use super::shared::Shared;
use super::traffic::{FLOWS, TRACED_FLOWS, Traffic, kind};
use crate::dpdk::{Mbuf, Mempool, TxHandle};

/// Most packets between source and sink: fewer than a ring holds, so that no ring is ever full.
pub(super) const WINDOW: u64 = 512;
/// Packets sent together.
const BURST: u64 = 32;
/// One packet in so many is not IPv6.
const OTHER: u64 = 1000;

/// The traffic source.
#[derive(Debug)]
pub(super) struct Source {
    traffic: Arc<Traffic>,
    shared: Arc<Shared>,
    pool: Mempool,
    tx: TxHandle,
    stage: Stage<Mbuf>,
    mix: Mix,
    /// By flow: the next number.
    numbers: [u64; FLOWS],
    sent: u64,
    most: u64,
}

impl Source {
    /// A source of at most `most` packets, of which `share` percent get a trace.
    pub(super) fn new(
        (traffic, shared): (Arc<Traffic>, Arc<Shared>),
        pool: Mempool,
        tx: TxHandle,
        share: u8,
        most: u64,
    ) -> Self {
        Self {
            traffic,
            shared,
            pool,
            tx,
            stage: Stage::new(),
            mix: Mix::new(share),
            numbers: [0; FLOWS],
            sent: 0,
            most,
        }
    }

    /// Sends a burst if there is room for one; returns how many packets it made.
    pub(super) fn poll(&mut self) -> usize {
        let wanted = BURST.min(self.most - self.sent);
        if wanted == 0 || self.shared.source_stops.load(Ordering::Relaxed) {
            // Whoever sees this sees the last packet counted.
            self.shared.source_ended.store(true, Ordering::Release);
            return 0;
        }
        let under_way = self.sent.saturating_sub(self.shared.arrived.get());
        if under_way + wanted > WINDOW {
            return 0;
        }
        let made = (0..wanted).take_while(|_| self.make()).count();
        self.sent += made as u64;
        self.shared.sent.add(made as u64);
        self.tx.send(&mut self.stage);
        made
    }

    /// Makes the next packet; `false` when the pool has no buffer.
    fn make(&mut self) -> bool {
        let Some(mut packet) = Mbuf::alloc(&self.pool) else {
            return false;
        };
        let flow = self.mix.flow();
        let size = self.traffic.frame_size();
        if packet.append(size).is_none() {
            return false;
        }
        self.traffic
            .write(flow, self.numbers[flow], packet.bytes_mut());
        if self.stage.try_push(packet).is_err() {
            return false;
        }
        self.numbers[flow] += 1;
        self.shared.sent_of(kind(flow)).add(1);
        true
    }
}

/// Which flow comes next.
#[derive(Debug)]
struct Mix {
    share: u32,
    /// Percent that traced traffic is behind its share.
    due: u32,
    packets: u64,
    traced: usize,
    plain: usize,
}

impl Mix {
    fn new(share: u8) -> Self {
        Self {
            share: share.into(),
            due: 0,
            packets: 0,
            traced: 0,
            plain: 0,
        }
    }

    fn flow(&mut self) -> usize {
        self.packets += 1;
        if self.packets.is_multiple_of(OTHER) {
            return FLOWS - 1;
        }
        self.due += self.share;
        if self.due >= 100 {
            self.due -= 100;
            self.traced = (self.traced + 1) % TRACED_FLOWS;
            return self.traced;
        }
        self.plain = (self.plain + 1) % (FLOWS - 1 - TRACED_FLOWS);
        TRACED_FLOWS + self.plain
    }
}

#[cfg(test)]
mod tests {
    use super::super::traffic::Kind;
    use super::*;

    #[test]
    fn the_mix_has_the_share_that_was_asked_for() {
        for share in [0, 1, 37, 100] {
            let mut mix = Mix::new(share);
            let mut counts = [0_u32; 3];
            for _ in 0..100_000 {
                counts[kind(mix.flow()) as usize] += 1;
            }
            assert_eq!(counts[Kind::Other as usize], 100);
            let wanted = 999 * u32::from(share);
            assert!(
                counts[Kind::Traced as usize].abs_diff(wanted) <= 1,
                "{share}: {counts:?}"
            );
        }
    }
}
