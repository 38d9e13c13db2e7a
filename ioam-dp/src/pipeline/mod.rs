// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A burst's way through the node, in two passes: look at every packet, then act on every packet.
//!
//! Two passes, so that the headers of later packets are on their way to the cache while earlier ones
//! are worked on, and so that what node data ask for is measured once for the whole burst.

mod carry_out;
mod leave;
mod originate;
mod plan;

use std::sync::Arc;

use arrayvec::ArrayVec;

use crate::action::Context;
use crate::action::state::State;
use crate::carrier::Located;
use crate::express::{Counted, Express, Ticket};
use crate::flow_state::FlowKey;
use crate::moment::Moment;
use crate::outbox::Outbox;
use crate::packet::PacketBuf;
use crate::port::{BURST, PortId};
use crate::record::RecordSink;
use crate::stats::{DropReason, WorkerStats};
use crate::table::Tables;
use crate::timestamp::WallTime;
use crate::wire::ioam::TraceType;
use carry_out::carry_out;
use originate::Prober;
use plan::{Plan, Planner};

/// Packets ahead of the one looked at whose headers are asked for.
const LOOKAHEAD: usize = 4;

/// Where a packet goes after the second pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Out of this port.
    Send(PortId),
    /// Nowhere.
    Drop(DropReason),
}

/// One worker's pipeline: the arrays between the passes and what it remembers between bursts.
#[derive(Debug)]
pub struct Pipeline {
    located: [Located; BURST],
    plans: [Plan; BURST],
    tickets: [Ticket; BURST],
    express: Express,
    /// Of the flows whose packets will be counted.
    keys: ArrayVec<FlowKey, BURST>,
    /// Of packets in a lane whose flows are counted or told.
    counted: [Counted; BURST],
    state: State,
    probers: Box<[Prober]>,
    worker: u64,
    tables: Option<Arc<Tables>>,
    takes_lanes: bool,
}

impl Pipeline {
    /// A pipeline for the worker with this number; the number sets workers' random choices apart.
    #[must_use]
    pub fn new(worker: u64) -> Self {
        Self {
            located: [Located::default(); BURST],
            plans: [Plan::Pass; BURST],
            tickets: [Ticket::LongWay; BURST],
            express: Express::default(),
            keys: ArrayVec::new(),
            counted: [Counted::default(); BURST],
            state: State::new(),
            probers: Box::default(),
            worker,
            tables: None,
            takes_lanes: true,
        }
    }

    /// The same pipeline without its express lanes: every packet goes the long way. For comparing
    /// the two.
    #[must_use]
    pub fn long_way(mut self) -> Self {
        self.takes_lanes = false;
        self
    }

    /// Takes over new tables, if these are.
    #[inline]
    fn adopt(&mut self, tables: &Arc<Tables>) {
        let held = self.tables.as_ref();
        if !held.is_some_and(|held| Arc::ptr_eq(held, tables)) {
            self.start_over(tables);
        }
    }

    /// Templates and sampling cycles depend on the tables. Sequences and groups go on.
    #[cold]
    fn start_over(&mut self, tables: &Arc<Tables>) {
        let first = self.tables.is_none();
        self.state.adopt(tables, self.worker, first);
        if self.takes_lanes {
            self.express.adopt(tables);
        }
        self.probers = Prober::all(tables, self.worker, &self.probers);
        self.tables = Some(Arc::clone(tables));
    }

    /// Frames that handling the last burst has caused, for the worker to send.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.state.outbox
    }

    /// What is due without a packet's cause: probes, and reports on silent groups.
    pub fn tick<S: RecordSink>(
        &mut self,
        tables: &Arc<Tables>,
        now: WallTime,
        stats: &WorkerStats,
        sink: &mut S,
    ) {
        self.adopt(tables);
        self.state.groups.sweep(now, stats, sink);
        self.state.show_flows(&stats.flows);
        let Some(tables) = self.tables.as_deref() else {
            return;
        };
        let moment = Moment::at(Some(now));
        for prober in &mut self.probers {
            let mut context = Context {
                tables,
                stats,
                moment: &moment,
                in_port: PortId::LOCAL,
                state: &mut self.state,
                sink,
            };
            prober.send_due(now, &mut context);
        }
    }

    /// Reports on every packet group; for the end of a run.
    pub fn finish<S: RecordSink>(&mut self, stats: &WorkerStats, sink: &mut S) {
        self.state.groups.finish(stats, sink);
    }

    /// First pass: finds the options and decides. Returns the trace types that will be written, so
    /// that the worker measures only what they ask for.
    pub fn classify<P: PacketBuf>(
        &mut self,
        tables: &Arc<Tables>,
        in_port: PortId,
        packets: &[P],
        stats: &WorkerStats,
    ) -> TraceType {
        self.adopt(tables);
        packets.iter().take(LOOKAHEAD).for_each(PacketBuf::prefetch);
        let mut planner = Planner {
            tables,
            stats,
            in_port,
            state: &mut self.state,
        };
        let mut lane = self.express.lane(in_port);
        lane.iter_mut().for_each(|lane| lane.open());
        self.keys.clear();
        let mut wanted = TraceType::default();
        for (place, (packet, slot)) in packets.iter().zip(&mut self.tickets).enumerate() {
            if let Some(later) = packets.get(place + LOOKAHEAD) {
                later.prefetch();
            }
            let ticket = lane.as_ref().map_or(Ticket::LongWay, |lane| {
                planner.ticket(
                    packet,
                    lane,
                    &mut wanted,
                    &mut self.keys,
                    &mut self.counted[place],
                )
            });
            *slot = ticket;
            if ticket != Ticket::LongWay {
                continue;
            }
            let keys = &mut self.keys;
            let (located, plan, writes) = planner.consider(packet, keys);
            self.located[place] = located;
            self.plans[place] = plan;
            wanted = wanted.union(writes);
            if let Some(lane) = &mut lane {
                lane.learn(packet.bytes(), tables);
            }
        }
        if !self.keys.is_empty() {
            self.state.sequences.touch(&self.keys);
        }
        wanted
    }

    /// Second pass: carries the plans out, with the tables of the first. `verdicts` gets one entry
    /// per packet.
    pub fn act<P: PacketBuf, S: RecordSink>(
        &mut self,
        in_port: PortId,
        packets: &mut [P],
        moment: &Moment,
        stats: &WorkerStats,
        sink: &mut S,
        verdicts: &mut [Verdict; BURST],
    ) {
        let Some(tables) = self.tables.as_deref() else {
            return;
        };
        let mut context = Context {
            tables,
            stats,
            moment,
            in_port,
            state: &mut self.state,
            sink,
        };
        let mut lane = self.express.lane(in_port);
        lane.iter_mut().for_each(|lane| lane.begin());
        let slots = self.tickets.iter().zip(&mut *verdicts);
        for (place, (packet, (ticket, verdict))) in packets.iter_mut().zip(slots).enumerate() {
            if let (Some(lane), true) = (&mut lane, *ticket != Ticket::LongWay) {
                *verdict = lane.act(*ticket, packet, &self.counted[place], &mut context);
                continue;
            }
            let (located, plan) = (&self.located[place], self.plans[place]);
            *verdict = by_the_long_way(packet, located, plan, &mut context);
        }
        if let Some(lane) = lane {
            lane.end(&context);
        }
    }
}

/// Carries out a plan. Apart, so that the loop around the lanes is compiled for them.
#[inline(never)]
fn by_the_long_way<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    plan: Plan,
    context: &mut Context<'_, S>,
) -> Verdict {
    match carry_out(packet, located, plan, context) {
        Ok(port) => Verdict::Send(port),
        Err(reason) => {
            context.stats.dropped(reason);
            Verdict::Drop(reason)
        }
    }
}
