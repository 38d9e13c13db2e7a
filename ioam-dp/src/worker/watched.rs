// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A burst that somebody watches through the tap.

use std::sync::Arc;

use super::{Clock, Worker};
use crate::moment::Moment;
use crate::packet::PacketBuf;
use crate::pipeline::Verdict;
use crate::port::{Buffers, PortId, RxQueue, TxQueue};
use crate::record::RecordSink;
use crate::stats::DropReason;
use crate::tap::{Session, Tee};

impl<P, R, T, C, B, S> Worker<R, T, C, B, S>
where
    P: PacketBuf,
    R: RxQueue<Packet = P>,
    T: TxQueue<Packet = P>,
    C: Clock,
    B: Buffers<Packet = P>,
    S: RecordSink,
{
    /// As [`handle`](Self::handle), with the packets that are traced by themselves and the others
    /// in bursts between them, so that all keep their order.
    #[cold]
    #[inline(never)]
    pub(super) fn handle_watched(&mut self, port: PortId, moment: &mut Moment, ticks: u64) {
        let Some(mut session) = self.tap.begin() else {
            return self.handle(port, moment);
        };
        session.at(ticks);
        for packet in std::mem::take(&mut self.burst) {
            if session.wants(port, packet.bytes()) {
                if !self.burst.is_empty() {
                    self.handle(port, moment);
                }
                self.burst.push(packet);
                self.handle_one(port, moment, &mut session);
            } else {
                self.burst.push(packet);
            }
        }
        if !self.burst.is_empty() {
            self.handle(port, moment);
        }
        self.tap.end(session);
    }

    /// Handles a burst of one packet with counters of its own, and tells the session.
    fn handle_one(&mut self, port: PortId, moment: &mut Moment, session: &mut Session) {
        let start = self.clock.ticks();
        let tables = self.reader.tables();
        let counted = &*session.counted;
        let hand = &mut *session.hand;
        let frame = self.burst.first().map_or(&[][..], PacketBuf::bytes);
        hand.begin(moment.received, port, frame);
        let wanted = self.pipeline.classify(tables, port, &self.burst, counted);
        let tables = Arc::clone(tables);
        self.measure(wanted, moment);
        let mut sink = Tee {
            sink: &mut self.sink,
            kept: &mut hand.records,
        };
        let (packets, verdicts) = (&mut self.burst, &mut self.verdicts);
        self.pipeline
            .act(port, packets, moment, counted, &mut sink, verdicts);
        let frame = self.burst.first().map_or(&[][..], PacketBuf::bytes);
        let originated = self.pipeline.outbox().frames().count();
        hand.end(frame, self.verdicts[0], originated);
        let undelivered = [DropReason::NoPeer, DropReason::TxFull];
        let before = undelivered.map(|reason| self.stats.drops(reason));
        self.distribute();
        for (reason, before) in undelivered.into_iter().zip(before) {
            if self.stats.drops(reason) > before {
                hand.fate = Verdict::Drop(reason);
            }
        }
        self.send_originated();
        let ticks = self.clock.ticks().wrapping_sub(start);
        session.settle(&self.stats, &tables, ticks);
    }
}
