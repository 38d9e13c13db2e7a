// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The express lanes: packets of the usual kinds, handled by what was worked out beforehand.
//!
//! Nearly every packet is like the one before it: the same headers, the same option, the same port.
//! A lane knows what the tables say of such packets, checks in the first pass that a packet is one
//! of them, and in the second does what there is to do without asking again. Whatever is unusual in
//! any way takes the long way: locate, plan, carry out. So a lane never has to be complete, only
//! right, and both ways do the same to every packet (`tests/properties/both_ways.rs` sends each by both).

mod decapsulate;
mod encapsulate;
mod export;
mod known;
mod lane;
mod ready;
mod shape;
mod transit;

use crate::action::Context;
use crate::packet::PacketBuf;
use crate::pipeline::Verdict;
use crate::port::PortId;
use crate::record::RecordSink;
use crate::table::Tables;
use known::Work;
pub(crate) use lane::{Lane, Look};
pub(crate) use ready::{Counted, Ready};

/// What the first pass says of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ticket {
    /// No lane is for it.
    #[default]
    LongWay,
    /// Nothing but forwarding.
    Pass,
    /// It has an option that the lane knows, in this place of its memory.
    Known(u8),
    /// This profile puts its options in.
    Encapsulate(u16),
}

/// One lane for each port whose packets can take one.
#[derive(Debug, Default)]
pub(crate) struct Express {
    lanes: Box<[Option<Box<Lane>>]>,
}

impl Express {
    /// Works out the lanes for new tables.
    pub(crate) fn adopt(&mut self, tables: &Tables) {
        let ports = (0..).map(PortId).zip(&tables.ports);
        self.lanes = ports
            .map(|(port, _)| Lane::new(tables, port).map(Box::new))
            .collect();
    }

    /// The lane for packets from `port`.
    #[inline]
    pub(crate) fn lane(&mut self, port: PortId) -> Option<&mut Lane> {
        self.lanes.get_mut(port.index())?.as_deref_mut()
    }
}

impl Lane {
    /// Second pass: does what the ticket is for.
    #[inline]
    pub(crate) fn act<P: PacketBuf, S: RecordSink>(
        &mut self,
        ticket: Ticket,
        packet: &mut P,
        counted: &Counted,
        context: &mut Context<'_, S>,
    ) -> Verdict {
        match ticket {
            Ticket::Known(place) => {
                let decrement = self.decrement;
                let known = &mut self.known[usize::from(place) % known::PLACES];
                match known.work {
                    Work::Transit => transit::transit(packet, known, decrement, context),
                    Work::Decapsulate => {
                        decapsulate::decapsulate(packet, known, decrement, context)
                    }
                    Work::Export => export::export(packet, known, decrement, context),
                }
            }
            Ticket::Encapsulate(index) => {
                encapsulate::encapsulate(packet, self, index, *counted, context)
            }
            Ticket::Pass | Ticket::LongWay => shape::decrement_hop_limit(packet, self.decrement),
        }
        Verdict::Send(self.out)
    }

    /// Starts a burst: what is the same for all its packets is written anew when first needed.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.known.iter_mut().for_each(known::Known::begin);
        self.burst = self.burst.wrapping_add(1);
    }

    /// Ends a burst: adds what was done to the counters.
    #[inline]
    pub(crate) fn end<S>(&mut self, context: &Context<'_, S>) {
        for known in &mut self.known {
            known.count(context.stats);
        }
    }
}
