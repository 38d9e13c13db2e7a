// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A burst's way through the node, in two passes: look at every packet, then act on every packet.
//!
//! Two passes, so that the headers of later packets and the table entries of earlier ones are on
//! their way to the cache while others are worked on.

use std::sync::Arc;

use crate::action::icmp_error::{self, TokenBucket};
use crate::action::{Context, Leaving, decapsulate, encapsulate, transit};
use crate::carrier::{self, Located, edge, tunnel};
use crate::classify::{Sampler, flow_hash, flow_of};
use crate::forward::{self, Hop};
use crate::moment::Moment;
use crate::option_type::OwnDataCache;
use crate::packet::PacketBuf;
use crate::port::{BURST, PortId};
use crate::record::RecordSink;
use crate::stats::{DropReason, Notice, WorkerStats};
use crate::table::spec::{DecapsulatePlacement, EdgePolicy, Malformed, Placement, Side};
use crate::table::{Action, Decapsulation, Encapsulation, Role, Tables};
use crate::wire::ethernet;
use crate::wire::icmpv6::Error;
use crate::wire::ioam::{TraceHeader, TraceType};
use crate::wire::ipv6::{HEADER, Ipv6Header};

/// Packets ahead of the one looked at whose headers are asked for.
const LOOKAHEAD: usize = 4;

/// What is to be done with a packet, decided by the first pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Plan {
    /// Nothing but forwarding.
    #[default]
    Pass,
    Drop(DropReason),
    Transit(Option<u16>),
    Encapsulate(u16),
    /// Take the traces out and record them.
    Decapsulate(u16),
    /// Take the outer header off a packet with no trace of ours, at its tunnel's end.
    Terminate(u16),
}

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
        let samplers =
            (seed..)
                .zip(&tables.profiles)
                .map(|(seed, profile)| match &profile.action {
                    Action::Encapsulate(what) => Sampler::new(what.sampling, seed),
                    _ => Sampler::new(crate::table::spec::Sampling::All, seed),
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
        let mut wanted = TraceType::default();
        for (place, packet) in packets.iter().enumerate().take(BURST) {
            if let Some(later) = packets.get(place + LOOKAHEAD) {
                later.prefetch();
            }
            if !packet.is_contiguous() {
                stats.notice(Notice::MultiSegment);
                self.located[place] = Located::default();
                self.plans[place] = Plan::Pass;
                continue;
            }
            let frame = packet.bytes();
            let located = carrier::locate(frame, tables, in_port, stats);
            let (plan, writes) = self.plan(frame, &located, tables, in_port, stats);
            self.located[place] = located;
            self.plans[place] = plan;
            wanted = wanted.union(writes);
        }
        wanted
    }

    /// The plan for one packet, and the trace type it will write.
    fn plan(
        &mut self,
        frame: &[u8],
        located: &Located,
        tables: &Tables,
        in_port: PortId,
        stats: &WorkerStats,
    ) -> (Plan, TraceType) {
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
        if let Some(trace) = located.trace {
            let rules = tables
                .namespaces
                .get(trace.namespace)
                .map_or(&[][..], |n| &n.rules);
            let rule = rules
                .iter()
                .find(|rule| rule.filter.admits_port(in_port) && rule.filter.matches(frame, l3));
            match rule.map(|rule| rule.role) {
                Some(Role::Decapsulate(profile)) => plan = Plan::Decapsulate(profile),
                Some(Role::Transit(profile)) => plan = Plan::Transit(profile),
                None => stats.notice(Notice::NoProfile),
            }
            let header = frame.get(trace.range()).and_then(TraceHeader::split);
            writes = header.map_or(nothing, |(header, _)| header.trace_type());
        }
        if located.ioam && !matches!(plan, Plan::Decapsulate(_)) {
            if let Some(profile) = tunnel_end(frame, l3, tables, in_port) {
                stats.notice(Notice::DecapForeign);
                return (Plan::Terminate(profile), nothing);
            }
        } else if !located.ioam && plan == Plan::Pass {
            return self.select(frame, l3, tables, in_port, stats);
        }
        (plan, writes)
    }

    /// The encapsulating profile that wants the packet and samples it, if any.
    fn select(
        &mut self,
        frame: &[u8],
        l3: usize,
        tables: &Tables,
        in_port: PortId,
        stats: &WorkerStats,
    ) -> (Plan, TraceType) {
        let pass = (Plan::Pass, TraceType::default());
        let Some(port) = tables.port(in_port) else {
            return pass;
        };
        for index in &port.encapsulating {
            let place = usize::from(*index);
            let Some(profile) = tables.profiles.get(place) else {
                continue;
            };
            if !profile.filter.matches(frame, l3) {
                continue;
            }
            let (Action::Encapsulate(what), Some(counts), Some(sampler)) = (
                &profile.action,
                stats.profiles.get(place),
                self.samplers.get_mut(place),
            ) else {
                return pass;
            };
            counts.selected.add(1);
            if Ipv6Header::at(frame, l3).is_none_or(forward::stays_on_link) {
                stats.notice(Notice::EncapLinkLocal);
                return pass;
            }
            if edge::carries_ioam(frame, l3) {
                stats.notice(Notice::EncapAlreadyIoam);
                return pass;
            }
            let hash = || flow_of(frame, l3).map_or(0, |flow| flow_hash(&flow));
            if !sampler.take(hash) {
                return pass;
            }
            counts.sampled.add(1);
            return (Plan::Encapsulate(*index), what.trace_type);
        }
        pass
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

/// The packet's way through the second pass; the port it leaves by, or why it does not.
fn carry_out<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    plan: Plan,
    context: &mut Context<'_, S>,
) -> Result<PortId, DropReason> {
    let tables = context.tables;
    if let Plan::Drop(reason) = plan {
        return Err(reason);
    }
    let l3 = usize::from(located.l3);
    if l3 == 0 {
        let hop = forward::hop(tables, context.in_port, None)?;
        return send(packet, l3, hop, context);
    }
    let mut located = *located;
    if guard_edge(
        packet,
        l3,
        context.in_port,
        DropReason::EdgeIngress,
        context,
    )? {
        // What the first pass saw is gone from the packet.
        located = Located {
            l3: located.l3,
            ..Located::default()
        };
        return route_and_send(packet, &located, Plan::Pass, context);
    }
    match plan {
        Plan::Decapsulate(profile) | Plan::Terminate(profile) => {
            leave_tunnel(packet, &located, plan, profile, context)
        }
        _ => route_and_send(packet, &located, plan, context),
    }
}

/// Decapsulates, then forwards what is left.
fn leave_tunnel<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    plan: Plan,
    index: u16,
    context: &mut Context<'_, S>,
) -> Result<PortId, DropReason> {
    let l3 = usize::from(located.l3);
    let tables = context.tables;
    let Some(Action::Decapsulate(what)) =
        tables.profiles.get(usize::from(index)).map(|p| &p.action)
    else {
        return Err(DropReason::DecapNoInner);
    };
    let inner = match what.placement {
        DecapsulatePlacement::Inline => None,
        DecapsulatePlacement::Ip6InIp6 { .. } => {
            Some(tunnel::inner(packet.bytes(), located).ok_or(DropReason::DecapNoInner)?)
        }
    };
    let subject = inner.unwrap_or(l3);
    if let Plan::Decapsulate(_) = plan {
        record(packet, located, index, *what, subject, context);
    }
    match inner {
        Some(inner) => decapsulate::remove_outer(packet, located, inner),
        None => decapsulate::remove_inline(packet, located, index, context),
    }
    if let Some(counts) = context.stats.profiles.get(usize::from(index)) {
        counts.done.add(1);
    }
    let bare = Located {
        l3: located.l3,
        ..Located::default()
    };
    route_and_send(packet, &bare, Plan::Pass, context)
}

/// Records the traces of a packet about to be decapsulated. The node's own element has the hop
/// limit that the outer packet would leave with, and the port that the inner one leaves by.
fn record<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    index: u16,
    what: Decapsulation,
    subject: usize,
    context: &mut Context<'_, S>,
) {
    let tables = context.tables;
    let frame = packet.bytes();
    let inner_destination = Ipv6Header::at(frame, subject).map(|header| header.destination);
    let hop = forward::hop(tables, context.in_port, inner_destination.as_ref()).ok();
    let received = Ipv6Header::at(frame, located.l3.into()).map_or(0, |header| header.hop_limit);
    let hop_limit = received.wrapping_sub(u8::from(tables.forwarding.decrement_hop_limit));
    let leaving = Leaving {
        hop_limit,
        port: hop.map(|hop| hop.port),
    };
    decapsulate::record(packet, located, index, what, subject, leaving, context);
}

/// Finds the way, decrements the hop limit, fills or encapsulates, and sends.
fn route_and_send<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    plan: Plan,
    context: &mut Context<'_, S>,
) -> Result<PortId, DropReason> {
    let l3 = usize::from(located.l3);
    let tables = context.tables;
    let encapsulation = encapsulation(tables, plan);
    let header = *Ipv6Header::at(packet.bytes(), l3).ok_or(DropReason::NotIpv6)?;
    let rewrites = !matches!(
        tables.forwarding.mode,
        crate::table::ForwardingMode::Wire { .. }
    );
    if rewrites && forward::stays_on_link(&header) {
        return Err(DropReason::LinkLocal);
    }
    let hop = forward::hop(tables, context.in_port, Some(&header.destination));
    let hop = match outer_destination(encapsulation) {
        Some(outer) if rewrites => forward::hop(tables, context.in_port, Some(&outer)).or(hop)?,
        _ => hop?,
    };
    let mut hop_limit = header.hop_limit;
    if tables.forwarding.decrement_hop_limit {
        if hop_limit <= 1 {
            return expired(packet, l3, context);
        }
        hop_limit -= 1;
        if let Some(header) = Ipv6Header::at_mut(packet.bytes_mut(), l3) {
            header.hop_limit = hop_limit;
        }
    }
    if let Plan::Transit(profile) = plan {
        let leaving = Leaving {
            hop_limit,
            port: Some(hop.port),
        };
        transit::transit(packet, located, leaving, context);
        let counts = profile.and_then(|index| context.stats.profiles.get(usize::from(index)));
        if let Some(counts) = counts {
            counts.selected.add(1);
            counts.done.add(1);
        }
    }
    if let (Plan::Encapsulate(index), Some(what)) = (plan, encapsulation)
        && encapsulate::encapsulate(packet, l3, what, hop.port, context)?
        && let Some(counts) = context.stats.profiles.get(usize::from(index))
    {
        counts.done.add(1);
    }
    guard_edge(packet, l3, hop.port, DropReason::EdgeEgress, context)?;
    send(packet, l3, hop, context)
}

fn encapsulation(tables: &Tables, plan: Plan) -> Option<&Encapsulation> {
    let Plan::Encapsulate(index) = plan else {
        return None;
    };
    match &tables.profiles.get(usize::from(index))?.action {
        Action::Encapsulate(what) => Some(what),
        _ => None,
    }
}

fn outer_destination(what: Option<&Encapsulation>) -> Option<[u8; 16]> {
    match what?.placement {
        Placement::Ip6InIp6 { destination, .. } => Some(destination.octets()),
        Placement::Inline => None,
    }
}

/// Applies the edge policy of `port` to a packet entering or leaving by it; whether options were
/// removed.
fn guard_edge<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    port: PortId,
    reason: DropReason,
    context: &Context<'_, S>,
) -> Result<bool, DropReason> {
    let side = context
        .tables
        .port(port)
        .map_or(Side::Inside, |port| port.side);
    let Side::Edge(policy) = side else {
        return Ok(false);
    };
    if !edge::carries_ioam(packet.bytes(), l3) {
        return Ok(false);
    }
    if policy == EdgePolicy::Drop {
        return Err(reason);
    }
    edge::strip(packet, l3);
    if edge::carries_ioam(packet.bytes(), l3) {
        return Err(reason);
    }
    context.stats.notice(Notice::EdgeStripped);
    Ok(true)
}

/// The hop limit does not allow another hop: an error goes back where it may.
fn expired<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    context: &mut Context<'_, S>,
) -> Result<PortId, DropReason> {
    answer(
        packet,
        l3,
        Error::HopLimitExceeded,
        DropReason::HopLimitExceeded,
        context,
    )
}

/// Sends the error back in the packet's place; the packet itself counts as dropped.
fn answer<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    error: Error,
    reason: DropReason,
    context: &mut Context<'_, S>,
) -> Result<PortId, DropReason> {
    if !icmp_error::originate(packet, l3, error, context) {
        return Err(reason);
    }
    context.stats.dropped(reason);
    Ok(context.in_port)
}

/// Checks the MTU and writes the frame's addresses.
fn send<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    hop: Hop,
    context: &mut Context<'_, S>,
) -> Result<PortId, DropReason> {
    let tables = context.tables;
    let Some(out) = tables.port(hop.port) else {
        return Err(DropReason::NoPeer);
    };
    if l3 != 0 {
        let header = Ipv6Header::at(packet.bytes(), l3);
        let length = header.map_or(0, |h| HEADER + usize::from(h.payload_length.get()));
        if length > out.mtu {
            let mtu = u32::try_from(out.mtu).unwrap_or(u32::MAX);
            return answer(
                packet,
                l3,
                Error::PacketTooBig(mtu),
                DropReason::OverMtu,
                context,
            );
        }
    }
    if let Some(mac) = hop.mac {
        ethernet::set_addresses(packet.bytes_mut(), mac, out.mac);
    }
    Ok(hop.port)
}
