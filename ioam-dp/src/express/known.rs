// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Options a lane has seen: what they ask for, and this node's data for them, written once a burst.

use super::shape::Optioned;
use crate::action::Context;
use crate::option_type::direct_export::own_type;
use crate::port::PortId;
use crate::stats::WorkerStats;
use crate::table::spec::{DecapsulatePlacement, UndefinedBits};
use crate::table::{Action, Role, Tables};
use crate::wire::ioam::{DirectExport, NamespaceId, TraceHeader, TraceType};
use crate::wire::ipv6_ext::{IOAM_IMMUTABLE, IOAM_MUTABLE};

/// Options remembered by one lane.
pub(super) const PLACES: usize = 4;

/// Largest element that a lane writes.
const MAX_ELEMENT: usize = 128;

/// All of a trace's first eight octets but `RemainingLen` and the reserved octet: with it, no flag
/// is set.
const TRACE: u64 = 0xFFFF_FF80_FFFF_FF00;
/// All of direct export's but the flags, of which none is defined, and the reserved octet.
const DIRECT_EXPORT: u64 = 0xFFFF_00FF_FFFF_FF00;

/// What is done with a known option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Work {
    /// This node's data go into the trace.
    #[default]
    Transit,
    /// The tunnel ends here; the trace is recorded.
    Decapsulate,
    /// This node's data are exported.
    Export,
}

/// One option a lane knows.
#[derive(Debug)]
pub(super) struct Known {
    /// Option Type and IOAM-Option-Type.
    tag: [u8; 2],
    head: u64,
    pub work: Work,
    /// Index of the namespace.
    pub namespace: u8,
    /// The profile it is done for, if it is for one.
    pub profile: Option<u16>,
    /// Tunnels that end here have this destination, where it matters.
    pub destination: Option<[u8; 16]>,
    /// Whether this node's data are written.
    pub writes: bool,
    trace_type: TraceType,
    /// Octets that this node's data take.
    pub len: usize,
    /// Direct export: octets of the option.
    pub option_len: usize,
    out: PortId,
    hop_limits: [u8; 2],
    element: [u8; MAX_ELEMENT],
    fresh: bool,
    /// Packets of this burst.
    pub done: u64,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            tag: [0; 2],
            // No option compares equal to a head with a bit that no comparison keeps.
            head: 1,
            work: Work::default(),
            namespace: 0,
            profile: None,
            destination: None,
            writes: false,
            trace_type: TraceType::default(),
            len: 0,
            option_len: 0,
            out: PortId::LOCAL,
            hop_limits: [u8::MAX; 2],
            element: [0; MAX_ELEMENT],
            fresh: false,
            done: 0,
        }
    }
}

/// The place of an option with these first octets.
#[inline]
pub(super) fn place(head: u64) -> u8 {
    let spread = (head & DIRECT_EXPORT & TRACE).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    u8::try_from(spread >> 62).unwrap_or(0)
}

impl Known {
    /// Whether this is the option.
    #[inline]
    pub(super) fn is(&self, option: &Optioned) -> bool {
        let mask = match self.work {
            Work::Export => DIRECT_EXPORT,
            Work::Transit | Work::Decapsulate => TRACE,
        };
        self.tag == option.tag && self.head == option.head & mask
    }

    /// What has to be measured for this node's data.
    #[inline]
    pub(super) fn measures(&self) -> TraceType {
        self.trace_type
    }

    #[inline]
    pub(super) fn begin(&mut self) {
        self.fresh = false;
    }

    /// This node's data for the burst, and where the hop limit goes in them.
    #[inline]
    pub(super) fn element<S>(&mut self, context: &mut Context<'_, S>) -> Element<'_> {
        if !self.fresh {
            self.write(context);
        }
        Element {
            octets: self.element.get(..self.len).unwrap_or(&[]),
            hop_limits: self.hop_limits,
        }
    }

    #[inline(never)]
    fn write<S>(&mut self, context: &mut Context<'_, S>) {
        let (tables, in_port) = (context.tables, context.in_port);
        let (namespace, out) = (self.namespace, Some(self.out));
        let cache = &mut context.state.own_data;
        let own = cache.get(tables, namespace, self.trace_type, in_port, out);
        let namespace = tables.namespaces.get(namespace);
        if let (Some(own), Some(namespace), Some(slot)) =
            (own, namespace, self.element.get_mut(..self.len))
        {
            own.write(slot, namespace, 0, context.moment);
            self.hop_limits = own.hop_limits();
        }
        self.fresh = true;
    }

    /// Adds the burst's packets to the counters.
    #[inline]
    pub(super) fn count(&mut self, stats: &WorkerStats) {
        let done = std::mem::take(&mut self.done);
        if done == 0 {
            return;
        }
        if let Some(counts) = stats.namespaces.get(usize::from(self.namespace)) {
            match self.work {
                Work::Transit => counts.filled.add(done),
                Work::Decapsulate => {
                    counts.decapsulated.add(done);
                    if self.writes {
                        counts.filled.add(done);
                    }
                }
                Work::Export => {}
            }
        }
        let profile = self.profile.map(usize::from);
        if let Some(counts) = profile.and_then(|index| stats.profiles.get(index)) {
            counts.selected.add(done);
            counts.done.add(done);
        }
    }

    /// What the tables say of such an option from `in_port`, when that is the same for each of its
    /// packets; `None` where each has to be asked about.
    pub(super) fn learn(
        option: &Optioned,
        tables: &Tables,
        ports: (PortId, PortId),
    ) -> Option<Self> {
        let (in_port, out) = ports;
        let octets = option.head.to_be_bytes();
        let [n0, n1, _, extension_flags, t0, t1, t2, _] = octets;
        let id = NamespaceId(u16::from_be_bytes([n0, n1]));
        let namespace = tables.namespaces.find(id)?;
        let entry = tables.namespaces.get(namespace)?;
        let rule = entry
            .rules
            .iter()
            .find(|rule| rule.filter.admits_port(in_port))?;
        let mut known = Self {
            tag: option.tag,
            namespace,
            out,
            writes: true,
            ..Self::default()
        };
        match (option.tag, rule.role) {
            ([IOAM_MUTABLE, 0], role) => {
                let (header, _) = TraceHeader::split(&octets)?;
                known.trace_type = header.trace_type();
                known.head = option.head & TRACE;
                known.learn_trace(role, tables, rule.filter.only_destination()?)?;
            }
            ([IOAM_MUTABLE | IOAM_IMMUTABLE, 4], Role::Transit(profile)) => {
                let asked = TraceType::from_octets([t0, t1, t2]);
                (known.work, known.profile) = (Work::Export, profile);
                known.trace_type = own_type(asked);
                known.head = option.head & DIRECT_EXPORT;
                known.option_len = DirectExport::octets(extension_flags);
                rule.filter.only_destination()?.is_none().then_some(())?;
            }
            _ => return None,
        }
        known.len = usize::from(known.trace_type.node_len()) * 4;
        let whole = known.trace_type.has(TraceType::OPAQUE_STATE);
        (!whole && known.len > 0 && known.len + known.option_len <= MAX_ELEMENT).then_some(known)
    }

    fn learn_trace(
        &mut self,
        role: Role,
        tables: &Tables,
        destination: Option<[u8; 16]>,
    ) -> Option<()> {
        let kind = self.trace_type;
        let skipped = tables.policy.undefined_bits == UndefinedBits::Skip;
        let sound = (self.head >> 43 & 0x1F) == u64::from(kind.node_len());
        (sound && !(skipped && kind.has(TraceType::UNDEFINED))).then_some(())?;
        // The bits between are flags; each of them is for the long way.
        (self.head >> 39 & 0xF == 0).then_some(())?;
        match role {
            Role::Transit(profile) => {
                (self.work, self.profile) = (Work::Transit, profile);
                destination.is_none().then_some(())
            }
            Role::Decapsulate(index) => {
                let Action::Decapsulate(what) = tables.profiles.get(usize::from(index))?.action
                else {
                    return None;
                };
                (self.work, self.profile) = (Work::Decapsulate, Some(index));
                (self.writes, self.destination) = (what.record_self, destination);
                matches!(what.placement, DecapsulatePlacement::Ip6InIp6 { .. }).then_some(())
            }
        }
    }
}

/// This node's data for a burst; the hop limit differs from packet to packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    octets: &'a [u8],
    hop_limits: [u8; 2],
}

impl Element<'_> {
    /// Writes them into `slot`, which is of their length.
    #[inline]
    pub(super) fn put(&self, slot: &mut [u8], hop_limit: u8) {
        if slot.len() != self.octets.len() {
            return;
        }
        // Sixteen octets are what the usual trace types take, and one store.
        match self.octets.first_chunk::<16>() {
            Some(octets) if slot.len() == 16 => slot.copy_from_slice(octets),
            _ => slot.copy_from_slice(self.octets),
        }
        for place in self.hop_limits {
            if let Some(octet) = slot.get_mut(usize::from(place)) {
                *octet = hop_limit;
            }
        }
    }
}
