// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A burst's way through the node, in two passes: look at every packet, then act on every packet.
//!
//! Two passes, so that the headers of later packets are on their way to the cache while earlier ones
//! are worked on, and so that what node data ask for is measured once for the whole burst.

mod carry_out;
mod plan;

use std::sync::Arc;

use crate::action::Context;
use crate::action::icmp_error::TokenBucket;
use crate::carrier::{self, Located};
use crate::classify::Sampler;
use crate::moment::Moment;
use crate::option_type::OwnDataCache;
use crate::packet::PacketBuf;
use crate::port::{BURST, PortId};
use crate::record::RecordSink;
use crate::stats::{DropReason, Notice, WorkerStats};
use crate::table::spec::Sampling;
use crate::table::{Action, Tables};
use crate::wire::ioam::TraceType;
use carry_out::carry_out;
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

/// One worker's pipeline: the arrays between the passes and the state that outlives a burst.
#[derive(Debug)]
pub struct Pipeline {
    located: [Located; BURST],
    plans: [Plan; BURST],
    own_data: OwnDataCache,
    samplers: Box<[Sampler]>,
    icmp: TokenBucket,
    worker: u64,
    tables: Option<Arc<Tables>>,
}

impl Pipeline {
    /// A pipeline for the worker with this number; the number sets workers' random choices apart.
    #[must_use]
    pub fn new(worker: u64) -> Self {
        Self {
            located: [Located::default(); BURST],
            plans: [Plan::Pass; BURST],
            own_data: OwnDataCache::default(),
            samplers: Box::default(),
            icmp: TokenBucket::default(),
            worker,
            tables: None,
        }
    }

    /// Starts over with new tables: templates and sampling cycles depend on them.
    fn adopt(&mut self, tables: &Arc<Tables>) {
        if self
            .tables
            .as_ref()
            .is_some_and(|held| Arc::ptr_eq(held, tables))
        {
            return;
        }
        self.own_data.clear();
        let seed = tables.seed.wrapping_add(self.worker << 32);
        let samplers = (0u64..).zip(&tables.profiles).map(|(place, profile)| {
            let seed = seed.wrapping_add(place);
            match &profile.action {
                Action::Encapsulate(what) => Sampler::new(what.sampling, seed),
                _ => Sampler::new(Sampling::All, seed),
            }
        });
        self.samplers = samplers.collect();
        self.tables = Some(Arc::clone(tables));
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
            samplers: &mut self.samplers,
        };
        let mut wanted = TraceType::default();
        for (place, packet) in packets.iter().enumerate().take(BURST) {
            if let Some(later) = packets.get(place + LOOKAHEAD) {
                later.prefetch();
            }
            if !packet.is_contiguous() {
                stats.notice(Notice::MultiSegment);
                self.located[place] = carrier::locate_ipv6(packet.bytes(), stats);
                self.plans[place] = Plan::Pass;
                continue;
            }
            let frame = packet.bytes();
            let located = carrier::locate(frame, tables, in_port, stats);
            let (plan, writes) = planner.plan(frame, &located);
            self.located[place] = located;
            self.plans[place] = plan;
            wanted = wanted.union(writes);
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
        let (own_data, icmp) = (&mut self.own_data, &mut self.icmp);
        let mut context = Context {
            tables,
            stats,
            moment,
            in_port,
            own_data,
            icmp,
            sink,
        };
        for (place, packet) in packets.iter_mut().enumerate().take(BURST) {
            let (located, plan) = (&self.located[place], self.plans[place]);
            verdicts[place] = match carry_out(packet, located, plan, &mut context) {
                Ok(port) => Verdict::Send(port),
                Err(reason) => {
                    stats.dropped(reason);
                    Verdict::Drop(reason)
                }
            };
        }
    }
}
