// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An encapsulating profile made ready for a lane: its headers with this node's data in them,
//! written once a burst.

use super::shape::IPV6;
use crate::action::Context;
use crate::action::encapsulate::flow_id_of;
use crate::carrier::inline::FIRST_OPTION;
use crate::classify::flow_of;
use crate::flow_state::FlowKey;
use crate::port::PortId;
use crate::stats::WorkerStats;
use crate::table::spec::{FlowIdSpec, Placement};
use crate::table::{Action, Carried, Encapsulation, Fields, Part, Sequence, Tables};
use crate::wire::ioam::TraceType;

/// Where a trace of the profile has this node's data, in the headers.
#[derive(Clone, Copy, Debug)]
struct Own {
    namespace: u8,
    trace_type: TraceType,
    at: usize,
    len: usize,
}

/// Where direct export has what differs from packet to packet, in the headers.
#[derive(Clone, Debug)]
pub(crate) struct Numbered {
    pub(super) flow_id: Option<(usize, FlowIdSpec)>,
    pub(super) sequence: Option<(usize, Sequence)>,
    /// What sets these flows apart from others', where each is counted by itself.
    pub(crate) salt: Option<u64>,
}

/// What is known of a packet's flow from the first pass on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) key: FlowKey,
    pub(super) flow_id: u32,
}

impl Numbered {
    /// The key and the id of a plain packet's flow, as far as they are asked for.
    #[inline]
    pub(crate) fn count(&self, frame: &[u8], seed: [u64; 2]) -> Counted {
        let flow = flow_of(frame, IPV6).unwrap_or_default();
        let key = self.salt.map(|salt| FlowKey::symmetric(seed, &flow, salt));
        let flow_id = self.flow_id.map(|(_, id)| flow_id_of(id, &flow));
        Counted {
            key: key.unwrap_or_default(),
            flow_id: flow_id.unwrap_or_default(),
        }
    }
}

/// One profile.
#[derive(Debug)]
pub(crate) struct Ready {
    /// What has to be measured for this node's data.
    pub measures: TraceType,
    profile: u16,
    pub(super) out: PortId,
    /// Whether the headers begin with an outer IPv6 header.
    pub(super) tunnel: bool,
    pub(super) headers: Box<[u8]>,
    /// Inline: the places of the packet's hop limit.
    pub(super) hop_limits: [Option<usize>; 2],
    owns: Box<[Own]>,
    pub(crate) numbered: Option<Numbered>,
    pub(super) direct_export: bool,
    namespaces: Box<[u8]>,
    /// The burst that the headers are written for.
    burst: u64,
}

impl Ready {
    /// Prepares the profile with this index for packets that leave by `out`; `None` when something
    /// in it is for the long way.
    pub(super) fn new(tables: &Tables, profile: u16, out: PortId) -> Option<Self> {
        let Action::Encapsulate(what) = &tables.profiles.get(usize::from(profile))?.action else {
            return None;
        };
        let mut ready = Self {
            measures: what.measures,
            profile,
            out,
            tunnel: false,
            headers: Box::default(),
            hop_limits: [None; 2],
            owns: Box::default(),
            numbered: None,
            direct_export: false,
            namespaces: Box::default(),
            burst: 0,
        };
        ready.prepare(what, tables)?;
        Some(ready)
    }

    fn prepare(&mut self, what: &Encapsulation, tables: &Tables) -> Option<()> {
        let of_parts = |part: &Part| match &part.fields {
            Fields::Trace { .. } => true,
            Fields::DirectExport { record_self, .. } => !record_self,
            Fields::ProofOfTransit | Fields::EdgeToEdge { .. } => false,
        };
        let exports = |part: &&Part| matches!(part.fields, Fields::DirectExport { .. });
        let plain = what.active.is_none()
            && !what.loopback
            && what.parts.iter().all(of_parts)
            && what.parts.iter().filter(exports).count() <= 1;
        plain.then_some(())?;
        self.tunnel = what.placement != Placement::Inline;
        self.direct_export = what.direct_export;
        self.headers = match self.tunnel {
            true => what.image.clone(),
            false => what.headers().hop_by_hop.into(),
        };
        let first = if self.tunnel {
            what.in_image.hop_by_hop
        } else {
            FIRST_OPTION
        };
        let mut owns = Vec::new();
        for part in &what.parts {
            (part.carried == Carried::HopByHop).then_some(())?;
            match &part.fields {
                Fields::Trace {
                    trace_type,
                    own_data: Some((offset, len)),
                } => owns.push(Own {
                    namespace: part.namespace,
                    trace_type: *trace_type,
                    at: first + part.at + offset,
                    len: *len,
                }),
                Fields::DirectExport {
                    flow_id, sequence, ..
                } => {
                    let start = first + part.at;
                    let salt = match sequence {
                        Some((_, Sequence::PerFlow { salt })) => Some(*salt),
                        _ => None,
                    };
                    let sequence = sequence.clone();
                    self.numbered = Some(Numbered {
                        flow_id: flow_id.map(|(at, id)| (start + at, id)),
                        sequence: sequence.map(|(at, counts)| (start + at, counts)),
                        salt,
                    });
                }
                _ => {}
            }
        }
        self.namespaces = what.parts.iter().map(|part| part.namespace).collect();
        // Where the hop limits go is kept for one trace only.
        (self.tunnel || owns.len() <= 1).then_some(())?;
        let known = owns
            .iter()
            .all(|own| tables.namespaces.get(own.namespace).is_some());
        self.owns = owns.into();
        known.then_some(())
    }

    /// Octets by which a packet grows.
    #[inline]
    pub(super) fn grow(&self) -> usize {
        self.headers.len()
    }

    /// Writes this node's data of the burst into the headers.
    #[inline]
    pub(super) fn refresh<S>(&mut self, burst: u64, context: &mut Context<'_, S>) {
        if self.burst != burst {
            self.burst = burst;
            self.write(context);
        }
    }

    #[inline(never)]
    fn write<S>(&mut self, context: &mut Context<'_, S>) {
        let (tables, in_port) = (context.tables, context.in_port);
        let outer = self.headers.get(7).copied().filter(|_| self.tunnel);
        for own in &self.owns {
            let cache = &mut context.state.own_data;
            let data = cache.get(
                tables,
                own.namespace,
                own.trace_type,
                in_port,
                Some(self.out),
            );
            let slot = self.headers.get_mut(own.at..own.at + own.len);
            let namespace = tables.namespaces.get(own.namespace);
            if let (Some(data), Some(slot), Some(namespace)) = (data, slot, namespace) {
                data.write(slot, namespace, outer.unwrap_or(0), context.moment);
                let places = data.hop_limits().map(usize::from);
                let inside =
                    |place: usize| (place < own.len && !self.tunnel).then_some(own.at + place);
                self.hop_limits = places.map(inside);
            }
        }
    }

    /// Counts a packet that got the options.
    #[inline]
    pub(super) fn count(&self, stats: &WorkerStats) {
        for namespace in &self.namespaces {
            if let Some(counts) = stats.namespaces.get(usize::from(*namespace)) {
                counts.encapsulated.add(1);
            }
        }
        if let Some(counts) = stats.profiles.get(usize::from(self.profile)) {
            counts.done.add(1);
        }
    }
}
