// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The options of an encapsulating profile, laid out once: what every packet gets before anything
//! is written into it.

use std::sync::Arc;

use zerocopy::IntoBytes;

use super::profile::{Carried, Fields, Part, Sequence};
use super::spec::{
    DirectExportSpec, EdgeToEdgeSpec, FlowIdSpec, GroupSpec, OptionSpec, Placement, TraceSpec,
};
use super::{CompileError, NamespaceTable};
use crate::carrier::inline::{FIRST_OPTION, Inserted};
use crate::option_type::{direct_export, edge_to_edge, preallocated_trace, proof_of_transit};
use crate::wire::ioam::{E2eType, NamespaceId, TraceType};
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};

/// The tunnel's image, and where the first options are in it.
pub(super) fn image(
    placement: Placement,
    hop_by_hop: &[u8],
    destination: &[u8],
) -> (Box<[u8]>, Inserted) {
    let Placement::Ip6InIp6 {
        source,
        destination: end,
        hop_limit,
    } = placement
    else {
        return (Box::default(), Inserted::default());
    };
    let mut next = next_header::IPV6;
    let mut behind = destination.to_vec();
    for (header, kind) in [
        (destination, next_header::DESTINATION_OPTIONS),
        (hop_by_hop, next_header::HOP_BY_HOP),
    ] {
        if header.is_empty() {
            continue;
        }
        if kind == next_header::HOP_BY_HOP {
            behind.splice(..0, hop_by_hop.iter().copied());
        }
        behind[0] = next;
        next = kind;
    }
    let outer = Ipv6Header::new(source.octets(), end.octets(), next, hop_limit);
    let at = Inserted {
        hop_by_hop: HEADER + FIRST_OPTION,
        destination: HEADER + hop_by_hop.len() + FIRST_OPTION,
    };
    ([outer.as_bytes(), &behind].concat().into(), at)
}

/// The options of a profile as they are laid out, one after the other.
pub(super) struct Run<'a> {
    pub(super) name: &'a str,
    pub(super) namespaces: &'a NamespaceTable,
    pub(super) active: bool,
    pub(super) hop_by_hop: Vec<u8>,
    pub(super) destination: Vec<u8>,
    pub(super) parts: Vec<Part>,
}

impl Run<'_> {
    pub(super) fn add(&mut self, option: &OptionSpec) -> Result<(), CompileError> {
        let (namespace, carried) = match option {
            OptionSpec::Trace(what) => (what.namespace, Carried::HopByHop),
            OptionSpec::ProofOfTransit { namespace } => (*namespace, Carried::HopByHop),
            OptionSpec::DirectExport(what) => (what.namespace, Carried::HopByHop),
            OptionSpec::EdgeToEdge(what) => (what.namespace, Carried::Destination),
        };
        let known = self.namespaces.find(NamespaceId(namespace));
        let index = known.ok_or(CompileError::NoSuchNamespace(namespace))?;
        let identity = self.identity(option, namespace);
        let (octets, fields) = match option {
            OptionSpec::Trace(what) => self.trace(what, index)?,
            OptionSpec::ProofOfTransit { .. } => self.proof_of_transit(namespace, index)?,
            OptionSpec::DirectExport(what) => self.direct_export(what, identity)?,
            OptionSpec::EdgeToEdge(what) => self.edge_to_edge(what, identity)?,
        };
        let run = match carried {
            Carried::HopByHop => &mut self.hop_by_hop,
            Carried::Destination => &mut self.destination,
        };
        self.parts.push(Part {
            identity,
            carried,
            at: run.len(),
            len: octets.len(),
            namespace: index,
            fields,
        });
        run.extend_from_slice(&octets);
        Ok(())
    }

    fn trace(&self, what: &TraceSpec, index: u8) -> Result<(Vec<u8>, Fields), CompileError> {
        let trace_type = sendable(what.trace_type, TraceType::default())?;
        if what.loopback && trace_type != TraceType::HOP_LIM_NODE_ID {
            return Err(CompileError::LoopbackType(what.trace_type));
        }
        let namespace = self.namespaces.get(index);
        let own_words = namespace
            .filter(|_| what.record_self)
            .map(|namespace| preallocated_trace::element_words(trace_type, namespace));
        let id = NamespaceId(what.namespace);
        let flags = (what.loopback, self.active);
        let built = preallocated_trace::build(id, trace_type, what.words, own_words, flags)
            .ok_or(CompileError::TraceRoom(what.words))?;
        let own_data = built.own_data;
        let fields = Fields::Trace {
            trace_type,
            own_data,
        };
        Ok((built.option, fields))
    }

    fn proof_of_transit(&self, id: u16, index: u8) -> Result<(Vec<u8>, Fields), CompileError> {
        let namespace = self.namespaces.get(index);
        if namespace.is_none_or(|namespace| namespace.proof_of_transit.is_none()) {
            return Err(CompileError::NoKeys(id));
        }
        let built = proof_of_transit::build(NamespaceId(id));
        Ok((built.option, Fields::ProofOfTransit))
    }

    fn direct_export(
        &self,
        what: &DirectExportSpec,
        identity: u64,
    ) -> Result<(Vec<u8>, Fields), CompileError> {
        let trace_type = sendable(what.trace_type, TraceType::CHECKSUM_COMPLEMENT)?;
        let id = NamespaceId(what.namespace);
        let with_flow = what.flow_id != FlowIdSpec::None;
        let built = direct_export::build(id, trace_type, with_flow, what.sequence);
        // One Flow ID for all of them makes them one flow.
        let group = match what.flow_id {
            FlowIdSpec::Fixed(_) => GroupSpec::Profile,
            FlowIdSpec::None | FlowIdSpec::Hashed => GroupSpec::Flow,
        };
        let fields = Fields::DirectExport {
            trace_type,
            flow_id: built.flow_id_at.map(|at| (at, what.flow_id)),
            sequence: built.sequence_at.map(|at| (at, sequence(group, identity))),
            record_self: what.record_self,
        };
        Ok((built.option, fields))
    }

    fn edge_to_edge(
        &self,
        what: &EdgeToEdgeSpec,
        identity: u64,
    ) -> Result<(Vec<u8>, Fields), CompileError> {
        let kind = E2eType::new(what.kind);
        if what.kind == 0 || kind.defined() != kind {
            return Err(CompileError::E2eType(what.kind));
        }
        let built = edge_to_edge::build(NamespaceId(what.namespace), kind)
            .ok_or(CompileError::E2eType(what.kind))?;
        let sequenced = built.places.sequence.is_some();
        let fields = Fields::EdgeToEdge {
            places: built.places,
            sequence: sequenced.then(|| sequence(what.group, identity)),
        };
        Ok((built.option, fields))
    }

    /// A number for one option of a profile, the same in later tables whatever other options come
    /// or go. Options of one kind, namespace and Flow ID are told apart by their order.
    fn identity(&self, option: &OptionSpec, namespace: u16) -> u64 {
        let (kind, flow_id) = match option {
            OptionSpec::Trace(_) => (0u8, 0u32),
            OptionSpec::ProofOfTransit { .. } => (2, 0),
            OptionSpec::EdgeToEdge(_) => (3, 0),
            OptionSpec::DirectExport(what) => match what.flow_id {
                FlowIdSpec::Fixed(id) => (4, id),
                FlowIdSpec::None | FlowIdSpec::Hashed => (4, 0),
            },
        };
        let mut own = self.name.as_bytes().to_vec();
        own.push(kind);
        own.extend(namespace.to_be_bytes());
        own.extend(flow_id.to_be_bytes());
        let mut identity = hash(&own);
        while self.parts.iter().any(|part| part.identity == identity) {
            own.push(0);
            identity = hash(&own);
        }
        identity
    }
}

/// FNV-1a, with 64 bits.
fn hash(octets: &[u8]) -> u64 {
    octets.iter().fold(0xCBF2_9CE4_8422_2325, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01B3)
    })
}

fn sequence(group: GroupSpec, identity: u64) -> Sequence {
    match group {
        GroupSpec::Profile => Sequence::Shared(Arc::default()),
        GroupSpec::Flow => Sequence::PerFlow { salt: identity },
    }
}

/// The trace type, when it may be sent: not empty, and no undefined or reserved bit, nor one of
/// `other`.
fn sendable(bits: u32, other: TraceType) -> Result<TraceType, CompileError> {
    let kind = TraceType::new(bits);
    let reserved = TraceType::new(1).union(TraceType::UNDEFINED).union(other);
    if kind.bits() != bits || bits == 0 || kind.has(reserved) {
        return Err(CompileError::TraceType(bits));
    }
    Ok(kind)
}
