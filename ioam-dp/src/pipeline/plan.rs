// SPDX-License-Identifier: Apache-2.0 OR MIT
//! First pass: what is to be done with a packet, from what was located in it and the tables.

use arrayvec::ArrayVec;

use crate::action::loopback;
use crate::action::state::State;
use crate::carrier::{self, Located, destination, edge, hop_by_hop};
use crate::classify::{flow_hash, flow_of};
use crate::express::{Counted, Lane, Look, Ready, Ticket};
use crate::flow_state::FlowKey;
use crate::forward;
use crate::packet::PacketBuf;
use crate::port::{BURST, PortId};
use crate::stats::{DropReason, Notice, WorkerStats};
use crate::table::spec::{ActiveSpec, Malformed, Placement};
use crate::table::{Action, Encapsulation, Role, Tables};
use crate::wire::ethernet::HEADER;
use crate::wire::ioam::{NamespaceId, TraceType};
use crate::wire::ipv6::Ipv6Header;
use crate::wire::ipv6_ext::Tlvs;

/// What is to be done with a packet, decided by the first pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing but forwarding.
    #[default]
    Pass,
    Drop(DropReason),
    /// Work on the options; the role for the first one, `None` where no profile wants it.
    Transit(Option<Role>),
    /// Put options in, and work on those of an inner layer.
    Encapsulate(u16),
    /// Send an encapsulated copy, and the packet as without that.
    Replicate(u16),
    /// Take the options out and record them.
    Decapsulate(u16),
    /// Take the outer header off a packet with no option of ours, at its tunnel's end.
    Terminate(u16),
    /// Take in a copy that was looped back to this node.
    TakeIn,
}

/// What is done with a plain packet in a lane.
#[derive(Debug)]
enum Choice<'a> {
    LongWay,
    Pass,
    Encapsulate(u16, &'a Ready),
}

/// What deciding needs.
pub(super) struct Planner<'a> {
    pub tables: &'a Tables,
    pub stats: &'a WorkerStats,
    pub in_port: PortId,
    pub state: &'a mut State,
}

impl Planner<'_> {
    /// The long way: looks through the packet and decides; what was found, the plan, and the trace
    /// type it will write. Its flow, where its packets are counted, is added to `keys`.
    #[inline(never)]
    pub(super) fn consider<P: PacketBuf>(
        &mut self,
        packet: &P,
        keys: &mut ArrayVec<FlowKey, BURST>,
    ) -> (Located, Plan, TraceType) {
        let frame = packet.bytes();
        if !packet.is_contiguous() {
            self.stats.notice(Notice::MultiSegment);
            let located = carrier::locate_ipv6(frame, self.stats);
            return (located, Plan::Pass, TraceType::default());
        }
        let located = carrier::locate(frame, self.tables, self.in_port, self.stats);
        let (plan, writes) = self.plan(frame, &located);
        let key = self.key(frame, located.l3.into(), plan);
        key.map(|key| keys.try_push(key));
        (located, plan, writes)
    }

    /// The plan for one packet, and the trace type it will write.
    fn plan(&mut self, frame: &[u8], located: &Located) -> (Plan, TraceType) {
        let (tables, in_port, stats) = (self.tables, self.in_port, self.stats);
        let nothing = TraceType::default();
        if located.malformed && (tables.linux() || tables.policy.malformed == Malformed::Drop) {
            return (Plan::Drop(DropReason::Malformed), nothing);
        }
        let l3 = usize::from(located.l3);
        if l3 == 0 {
            return (Plan::Pass, nothing);
        }
        let mut plan = Plan::Pass;
        let mut writes = nothing;
        if located.ioam && loopback::came_home(frame, located, tables) {
            return (Plan::TakeIn, nothing);
        }
        if let Some(option) = located.first {
            match tables.namespaces.role(option.namespace, in_port, frame, l3) {
                Some(Role::Decapsulate(profile)) => plan = Plan::Decapsulate(profile),
                role => plan = Plan::Transit(role),
            }
            writes = hop_by_hop::trace_types(frame, located);
        }
        // One option of ours to take out, of whatever type, is enough to decapsulate the packet.
        if located.ioam
            && tables.decapsulates
            && !matches!(plan, Plan::Decapsulate(_))
            && let Some(profile) = self.decapsulating(frame, located)
        {
            plan = Plan::Decapsulate(profile);
        }
        if let Plan::Decapsulate(_) = plan {
            return (plan, writes);
        }
        if located.ioam
            && let Some(profile) = tables.tunnel_ends.find(in_port, frame, l3)
        {
            stats.notice(Notice::DecapForeign);
            return (Plan::Terminate(profile), nothing);
        }
        // What is in the packet's own headers is another layer than a tunnel around it.
        match self.select(frame, l3, in_port) {
            (Plan::Pass, _) => (plan, writes),
            (selected, more) => (selected, writes.union(more)),
        }
    }

    /// The profile that decapsulates any of the packet's options, of whatever type
    /// (RFC 9197, 4.2), if one does.
    fn decapsulating(&self, frame: &[u8], located: &Located) -> Option<u16> {
        let (tables, in_port) = (self.tables, self.in_port);
        [
            hop_by_hop::options(frame, located),
            destination::options(frame, located),
        ]
        .into_iter()
        .flat_map(Tlvs::new)
        .flatten()
        .filter_map(|tlv| hop_by_hop::namespace_of(&tlv, tables))
        .find_map(|namespace| {
            match tables
                .namespaces
                .role(namespace, in_port, frame, located.l3.into())
            {
                Some(Role::Decapsulate(profile)) => Some(profile),
                _ => None,
            }
        })
    }

    /// The encapsulating profile that wants the packet and samples it, if any.
    pub(super) fn select(&mut self, frame: &[u8], l3: usize, in_port: PortId) -> (Plan, TraceType) {
        let (tables, stats) = (self.tables, self.stats);
        let pass = (Plan::Pass, TraceType::default());
        let Some(index) = tables.wanted_by(in_port, frame, l3, &mut self.state.rules) else {
            return pass;
        };
        let place = usize::from(index);
        let action = tables.profiles.get(place).map(|profile| &profile.action);
        let (Some(Action::Encapsulate(what)), Some(counts)) = (action, stats.profiles.get(place))
        else {
            return pass;
        };
        counts.selected.add(1);
        if let Some(notice) = unfit(frame, l3, what, tables) {
            stats.notice(notice);
            return pass;
        }
        let hash = || flow_of(frame, l3).map_or(0, |flow| flow_hash(&flow));
        let sampler = self.state.samplers.get_mut(place);
        if !sampler.is_some_and(|sampler| sampler.take(hash)) {
            return pass;
        }
        counts.sampled.add(1);
        let plan = match what.active {
            Some(ActiveSpec::Copies { .. }) => Plan::Replicate(index),
            Some(ActiveSpec::Probes) | None => Plan::Encapsulate(index),
        };
        (plan, what.measures)
    }

    /// The packet's ticket in this lane; what it will write is added to `wanted`, and its flow, where
    /// its packets are counted, to `keys`.
    #[inline]
    pub(super) fn ticket<P: PacketBuf>(
        &mut self,
        packet: &P,
        lane: &Lane,
        wanted: &mut TraceType,
        keys: &mut ArrayVec<FlowKey, BURST>,
        counted: &mut Counted,
    ) -> Ticket {
        match lane.look(packet) {
            Look::LongWay => Ticket::LongWay,
            Look::Pass => Ticket::Pass,
            Look::Known(place) => {
                *wanted = wanted.union(lane.measures(place));
                packet.prefetch_at(128);
                Ticket::Known(place)
            }
            Look::Choose(length) => match self.choose(packet, length, lane) {
                Choice::Encapsulate(index, ready) => {
                    *wanted = wanted.union(ready.measures);
                    packet.prefetch_at(-64);
                    packet.prefetch_at(-128);
                    if let Some(numbered) = &ready.numbered {
                        *counted = numbered.count(packet.bytes(), self.state.sequences.seed());
                        if numbered.salt.is_some() {
                            let _ = keys.try_push(counted.key);
                        }
                    }
                    Ticket::Encapsulate(index)
                }
                Choice::Pass => Ticket::Pass,
                Choice::LongWay => Ticket::LongWay,
            },
        }
    }

    /// As [`select`](Self::select), for a plain packet of `length` octets in a lane; nothing is
    /// counted where it has to go the long way.
    #[inline]
    fn choose<'l, P: PacketBuf>(
        &mut self,
        packet: &P,
        length: usize,
        lane: &'l Lane,
    ) -> Choice<'l> {
        let (tables, stats, frame, l3) = (self.tables, self.stats, packet.bytes(), HEADER);
        let rules = &mut self.state.rules;
        let wanted = || tables.wanted_by(self.in_port, frame, l3, rules);
        let Some(index) = lane.only().or_else(wanted) else {
            return Choice::Pass;
        };
        let place = usize::from(index);
        let (Some(ready), Some(counts), Some(sampler)) = (
            lane.admits(packet, length, index),
            stats.profiles.get(place),
            self.state.samplers.get_mut(place),
        ) else {
            return Choice::LongWay;
        };
        counts.selected.add(1);
        if !sampler.take(|| flow_of(frame, l3).map_or(0, |flow| flow_hash(&flow))) {
            return Choice::Pass;
        }
        counts.sampled.add(1);
        Choice::Encapsulate(index, ready)
    }

    /// The flow's key, when the plan is going to count its packets.
    fn key(&self, frame: &[u8], l3: usize, plan: Plan) -> Option<FlowKey> {
        let (Plan::Encapsulate(index) | Plan::Replicate(index)) = plan else {
            return None;
        };
        match &self.tables.profiles.get(usize::from(index))?.action {
            Action::Encapsulate(what) if what.sequenced => {
                self.state.sequences.key(what, &flow_of(frame, l3)?)
            }
            _ => None,
        }
    }
}

/// Why the packet may not get the profile's options.
fn unfit(frame: &[u8], l3: usize, what: &Encapsulation, tables: &Tables) -> Option<Notice> {
    if Ipv6Header::at(frame, l3).is_none_or(forward::stays_on_link) {
        Some(Notice::EncapLinkLocal)
    } else if edge::carries_ioam(frame, l3) && !is_layer(frame, l3, what, tables) {
        Some(Notice::EncapAlreadyIoam)
    } else if what.direct_export && is_export(frame, l3, tables) {
        Some(Notice::DexToReceiver)
    } else {
        None
    }
}

/// Whether the profile's options would be a layer of their own around a packet that carries IOAM:
/// in a tunnel, of namespaces that the packet has none of, and without the Loopback flag
/// (RFC 9378, 7.2; RFC 9322, 4.1).
fn is_layer(frame: &[u8], l3: usize, what: &Encapsulation, tables: &Tables) -> bool {
    let shared = |id: Option<NamespaceId>| {
        let ours = |index| tables.namespaces.get(index).map(|own| own.id) == id;
        id.is_none() || what.parts.iter().any(|part| ours(part.namespace))
    };
    what.placement != Placement::Inline
        && !what.loopback
        && !edge::carries_namespace(frame, l3, shared)
}

/// Whether the packet is on its way to a receiver of exported data: a direct export of these would
/// cause others without end (RFC 9326, 3.1.1). Where the port cannot be seen, as in later fragments
/// and behind ESP, it may be one.
fn is_export(frame: &[u8], l3: usize, tables: &Tables) -> bool {
    if tables.receivers.is_empty() {
        return false;
    }
    let Some(flow) = flow_of(frame, l3) else {
        return false;
    };
    let to = flow.destination_port;
    tables.receivers.iter().any(|(address, port)| {
        *address == flow.destination && port.is_none_or(|port| port == to || to == 0)
    })
}
