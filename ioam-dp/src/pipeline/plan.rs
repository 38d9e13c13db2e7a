// SPDX-License-Identifier: Apache-2.0 OR MIT
//! First pass: what is to be done with a packet, from what was located in it and the tables.

use crate::action::loopback;
use crate::action::state::State;
use crate::carrier::{Located, destination, edge, hop_by_hop};
use crate::classify::{flow_hash, flow_of};
use crate::express::{Lane, Ticket};
use crate::flow_state::FlowKey;
use crate::forward;
use crate::packet::PacketBuf;
use crate::port::PortId;
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

/// Whether a packet takes a lane, with which ticket, and the trace type it will write.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    LongWay,
    Lane(Ticket, TraceType),
}

/// What deciding needs.
pub(super) struct Planner<'a> {
    pub tables: &'a Tables,
    pub stats: &'a WorkerStats,
    pub in_port: PortId,
    pub state: &'a mut State,
}

impl Planner<'_> {
    /// The plan for one packet, and the trace type it will write.
    pub(super) fn plan(&mut self, frame: &[u8], located: &Located) -> (Plan, TraceType) {
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
            && let Some(profile) = tunnel_end(frame, l3, tables, in_port)
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
        for index in tables.encapsulating(in_port) {
            let place = usize::from(*index);
            let Some(profile) = tables.profiles.get(place) else {
                continue;
            };
            if !profile.filter.matches(frame, l3) {
                continue;
            }
            let (Action::Encapsulate(what), Some(counts)) =
                (&profile.action, stats.profiles.get(place))
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
                Some(ActiveSpec::Copies { .. }) => Plan::Replicate(*index),
                Some(ActiveSpec::Probes) | None => Plan::Encapsulate(*index),
            };
            return (plan, what.measures);
        }
        pass
    }

    /// As [`select`](Self::select), for a plain packet of `length` octets in a lane; nothing is
    /// counted where it has to go the long way.
    #[inline]
    pub(super) fn choose<P: PacketBuf>(
        &mut self,
        packet: &P,
        length: usize,
        lane: Option<&Lane>,
    ) -> Choice {
        let (tables, stats, frame, l3) = (self.tables, self.stats, packet.bytes(), HEADER);
        let pass = Choice::Lane(Ticket::Pass, TraceType::default());
        let mut candidates = tables.encapsulating(self.in_port).iter();
        let wants = |index: &&u16| {
            let profile = tables.profiles.get(usize::from(**index));
            profile.is_some_and(|profile| profile.filter.matches(frame, l3))
        };
        let Some(index) = candidates.find(wants) else {
            return pass;
        };
        let place = usize::from(*index);
        let action = tables.profiles.get(place).map(|profile| &profile.action);
        let (Some(Action::Encapsulate(what)), Some(counts)) = (action, stats.profiles.get(place))
        else {
            return Choice::LongWay;
        };
        if !lane.is_some_and(|lane| lane.admits(packet, length, *index)) {
            return Choice::LongWay;
        }
        counts.selected.add(1);
        let hash = || flow_of(frame, l3).map_or(0, |flow| flow_hash(&flow));
        let sampler = self.state.samplers.get_mut(place);
        if !sampler.is_some_and(|sampler| sampler.take(hash)) {
            return pass;
        }
        counts.sampled.add(1);
        Choice::Lane(Ticket::Encapsulate(*index), what.measures)
    }

    /// The flow's key, when the plan is going to count its packets.
    pub(super) fn key(&self, frame: &[u8], l3: usize, plan: Plan) -> Option<FlowKey> {
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

/// The decapsulating profile whose tunnel ends at the packet's destination.
fn tunnel_end(frame: &[u8], l3: usize, tables: &Tables, in_port: PortId) -> Option<u16> {
    if tables.tunnel_ends.is_empty() {
        return None;
    }
    let header = Ipv6Header::at(frame, l3)?;
    let end = tables.tunnel_ends.iter().find(|(address, index)| {
        let profile = tables.profiles.get(usize::from(*index));
        *address == header.destination
            && profile.is_some_and(|p| p.filter.admits_port(in_port) && p.filter.matches(frame, l3))
    });
    end.map(|(_, index)| *index)
}
