// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Options a lane has seen: what they ask for, and this node's data for them, written once a burst.

use super::shape::{Optioned, Start, optioned, start};
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

/// Largest element that a lane writes, with the option of direct export in front of it.
pub(super) const MAX_ELEMENT: usize = 128;

/// What all packets of a kind have in common of the header's first 16 octets: not what follows the
/// header, nor reserved octets. Of a trace, `RemainingLen` differs too; with the mask, no flag is set.
const TRACE: u128 = 0x00FF_FFFF_FFFF_00FF_FFFF_FF80_FFFF_FF00;
/// Of direct export, the flags may differ, of which none is defined.
const DIRECT_EXPORT: u128 = 0x00FF_FFFF_FFFF_00FF_FFFF_00FF_FFFF_FF00;

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
    /// The header's first octets, as far as the mask goes.
    mask: u128,
    start: u128,
    pub work: Work,
    /// Octets of the Hop-by-Hop header, and of option data.
    pub header: usize,
    pub data: usize,
    /// Where the padding behind the option is, if there is any.
    pub padding: Option<usize>,
    /// Words of the trace's space, and those this node takes of it.
    pub space: u8,
    pub needs: u8,
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
            // Nothing compares equal to a bit that no comparison keeps.
            mask: 0,
            start: 1,
            header: 0,
            data: 0,
            padding: None,
            space: 0,
            needs: 0,
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

/// The place of an option in a header with these first octets.
#[inline]
pub(super) fn place(start: &Start) -> u8 {
    let [.., n0, n1, _, _, t0, t1, _, _] = *start;
    let spread = u32::from_be_bytes([n0, n1, t0, t1]).wrapping_mul(0x9E37_79B1);
    u8::try_from(spread >> 30).unwrap_or(0)
}

impl Known {
    /// Whether this is the option.
    #[inline]
    pub(super) fn is(&self, start: &Start) -> bool {
        u128::from_be_bytes(*start) & self.mask == self.start
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
        frame: &[u8],
        tables: &Tables,
        (in_port, out): (PortId, PortId),
    ) -> Option<(u8, Self)> {
        let (start, option) = (start(frame)?, &optioned(frame)?);
        let [n0, n1, _, extension_flags, t0, t1, t2, _] = option.head;
        let id = NamespaceId(u16::from_be_bytes([n0, n1]));
        let namespace = tables.namespaces.find(id)?;
        let entry = tables.namespaces.get(namespace)?;
        let mut rules = entry.rules.iter();
        let rule = rules.find(|rule| rule.filter.admits_port(in_port))?;
        let destination = rule.filter.only_destination()?;
        let mut known = Self {
            namespace,
            out,
            header: option.header,
            data: option.data,
            padding: option.padding,
            trace_type: TraceType::from_octets([t0, t1, t2]),
            writes: true,
            ..Self::default()
        };
        match (option.tag, rule.role) {
            ([IOAM_MUTABLE, 0], role) => {
                known.mask = TRACE;
                known.learn_trace(option, role, tables, destination)?;
            }
            ([IOAM_MUTABLE | IOAM_IMMUTABLE, 4], Role::Transit(profile)) => {
                known.mask = DIRECT_EXPORT;
                (known.work, known.profile) = (Work::Export, profile);
                known.trace_type = own_type(known.trace_type);
                known.option_len = DirectExport::octets(extension_flags);
                let sound = known.option_len <= option.data && destination.is_none();
                sound.then_some(())?;
            }
            _ => return None,
        }
        known.start = u128::from_be_bytes(*start) & known.mask;
        known.len = usize::from(known.trace_type.node_len()) * 4;
        known.needs = if known.writes {
            known.trace_type.node_len()
        } else {
            0
        };
        let whole = known.trace_type.has(TraceType::OPAQUE_STATE);
        (!whole && known.len > 0 && known.len + known.option_len <= MAX_ELEMENT)
            .then(|| (place(start), known))
    }

    fn learn_trace(
        &mut self,
        option: &Optioned,
        role: Role,
        tables: &Tables,
        destination: Option<[u8; 16]>,
    ) -> Option<()> {
        let kind = self.trace_type;
        let (header, _) = TraceHeader::split(&option.head)?;
        let space = option.data - option.head.len();
        self.space = u8::try_from(space / 4).ok()?;
        let skipped = tables.policy.undefined_bits == UndefinedBits::Skip;
        let flags = option.head[2] & 7 != 0 || option.head[3] & 0x80 != 0;
        let sound = header.node_len() == kind.node_len() && space.is_multiple_of(4) && !flags;
        let skipped = skipped && kind.has(TraceType::UNDEFINED);
        (sound && !skipped).then_some(())?;
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
