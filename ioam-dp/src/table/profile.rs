// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Profiles, compiled: an encapsulating one holds the header image it writes.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::layout::{Run, image};
use super::spec::{
    AccountingSpec, ActiveSpec, DecapsulatePlacement, EncapsulateSpec, FlowIdSpec, OptionSpec,
    OverMtu, Placement, Sampling,
};
use super::{CompileError, NamespaceTable};
use crate::carrier::inline::{self, Headers, Inserted};
use crate::classify::Filter;
use crate::option_type::edge_to_edge;
use crate::wire::ioam::TraceType;
use crate::wire::ipv6_ext::MAX_HEADER;

/// One profile.
#[derive(Debug)]
pub struct Profile {
    /// The operator's name.
    pub name: String,
    /// The packets it wants.
    pub filter: Filter,
    /// What it does.
    pub action: Action,
}

/// What a profile does.
#[derive(Debug)]
pub enum Action {
    /// Puts an option into packets.
    Encapsulate(Encapsulation),
    /// Fills in this node's data.
    Transit,
    /// Takes options out.
    Decapsulate(Decapsulation),
}

/// A decapsulating profile.
#[derive(Clone, Copy, Debug)]
pub struct Decapsulation {
    /// What is removed.
    pub placement: DecapsulatePlacement,
    /// Whether this node's data come first.
    pub record_self: bool,
    /// How sequence numbers are accounted for.
    pub accounting: AccountingSpec,
}

/// An encapsulating profile: everything that does not depend on the packet, laid out in advance.
#[derive(Debug)]
pub struct Encapsulation {
    /// Where the options go.
    pub placement: Placement,
    /// The octets put in front in a tunnel: outer IPv6 header and its extension headers.
    pub image: Box<[u8]>,
    /// Where the first options of each header are in the image.
    pub in_image: Inserted,
    hop_by_hop: Box<[u8]>,
    options: Box<[u8]>,
    destination: Box<[u8]>,
    /// What to write into each option.
    pub parts: Box<[Part]>,
    /// What this node's own data ask to be measured.
    pub measures: TraceType,
    /// Which packets get the options.
    pub sampling: Sampling,
    /// What happens when the packet would exceed the MTU.
    pub over_mtu: OverMtu,
    /// Whether packets are sent as active measurement.
    pub active: Option<ActiveSpec>,
    /// Whether some option is direct export.
    pub direct_export: bool,
    /// Whether the trace has the Loopback flag.
    pub loopback: bool,
    /// Whether some option has a sequence number.
    pub sequenced: bool,
}

/// Most options one profile puts in.
pub const MAX_PARTS: usize = 16;

/// The extension header an option is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Hop-by-Hop Options.
    HopByHop,
    /// Destination Options.
    Destination,
}

/// One option of an encapsulating profile.
#[derive(Debug)]
pub struct Part {
    /// What it is known by in later tables, where it may stand elsewhere.
    pub identity: u64,
    /// The header it is in.
    pub carried: Carried,
    /// Where its type octet is, from that of the header's first option.
    pub at: usize,
    /// Octets of the option, from its type octet on.
    pub len: usize,
    /// Index of the namespace.
    pub namespace: u8,
    /// What to write into it.
    pub fields: Fields,
}

/// What an encapsulating node writes into an option; offsets count from its type octet.
#[derive(Debug)]
pub enum Fields {
    /// A trace.
    Trace {
        /// What each node writes.
        trace_type: TraceType,
        /// Where this node's own data go: offset and length.
        own_data: Option<(usize, usize)>,
    },
    /// A proof of transit.
    ProofOfTransit,
    /// Direct export.
    DirectExport {
        /// What each node exports.
        trace_type: TraceType,
        /// Where the Flow ID goes, and what it is.
        flow_id: Option<(usize, FlowIdSpec)>,
        /// Where the Sequence Number goes, and what it counts.
        sequence: Option<(usize, Sequence)>,
        /// Whether this node exports its own data.
        record_self: bool,
    },
    /// Edge-to-edge.
    EdgeToEdge {
        /// Where its fields are.
        places: edge_to_edge::Places,
        /// What the sequence number counts.
        sequence: Option<Sequence>,
    },
}

/// What a sequence number counts.
#[derive(Clone, Debug)]
pub enum Sequence {
    /// All packets of the profile, whichever worker has them.
    Shared(Arc<AtomicU64>),
    /// Each flow's packets; the salt sets this option's flows apart from those of others.
    PerFlow {
        /// Part of the flow's key.
        salt: u64,
    },
}

impl Encapsulation {
    pub(super) fn new(
        name: &str,
        spec: &EncapsulateSpec,
        namespaces: &NamespaceTable,
    ) -> Result<Self, CompileError> {
        let mut run = Run {
            name,
            namespaces,
            active: spec.active.is_some(),
            hop_by_hop: Vec::new(),
            destination: Vec::new(),
            parts: Vec::new(),
        };
        spec.options.iter().try_for_each(|option| run.add(option))?;
        let options = run.hop_by_hop;
        let hop_by_hop = inline::header_with(&options);
        let destination = inline::header_with(&run.destination);
        if spec.options.is_empty() || spec.options.len() > MAX_PARTS {
            return Err(CompileError::Options(spec.options.len()));
        }
        if hop_by_hop.len().max(destination.len()) > MAX_HEADER {
            return Err(CompileError::OptionsTooLong(hop_by_hop.len()));
        }
        let (image, in_image) = image(spec.placement, &hop_by_hop, &destination);
        let parts = run.parts;
        Ok(Self {
            placement: spec.placement,
            image,
            in_image,
            hop_by_hop: hop_by_hop.into(),
            options: options.into(),
            destination: destination.into(),
            measures: parts
                .iter()
                .fold(TraceType::default(), |all, part| all.union(part.measures())),
            sampling: spec.sampling,
            over_mtu: spec.over_mtu,
            active: spec.active,
            direct_export: spec
                .options
                .iter()
                .any(|option| matches!(option, OptionSpec::DirectExport(_))),
            loopback: spec
                .options
                .iter()
                .any(|option| matches!(option, OptionSpec::Trace(trace) if trace.loopback)),
            sequenced: parts.iter().any(|part| part.sequence().is_some()),
            parts: parts.into(),
        })
    }

    /// The headers as they are put into a packet itself.
    #[must_use]
    pub fn headers(&self) -> Headers<'_> {
        Headers {
            hop_by_hop: &self.hop_by_hop,
            options: &self.options,
            destination: &self.destination,
        }
    }

    /// Most octets by which a packet grows.
    #[must_use]
    pub fn longest(&self) -> usize {
        match self.placement {
            Placement::Ip6InIp6 { .. } => self.image.len(),
            Placement::Inline => self.hop_by_hop.len() + self.destination.len(),
        }
    }

    /// Goes on counting where `old`, the same profile of older tables, stopped.
    pub(super) fn continue_from(&mut self, old: &Self) {
        for part in &mut self.parts {
            let same = |other: &&Part| other.identity == part.identity;
            let before = old.parts.iter().find(same).and_then(Part::sequence);
            if let (Some(Sequence::Shared(mine)), Some(Sequence::Shared(theirs))) =
                (part.sequence_mut(), before)
            {
                *mine = Arc::clone(theirs);
            }
        }
    }
}

impl Part {
    /// What it counts, if it has a sequence number.
    #[must_use]
    pub fn sequence(&self) -> Option<&Sequence> {
        match &self.fields {
            Fields::DirectExport { sequence, .. } => sequence.as_ref().map(|(_, counted)| counted),
            Fields::EdgeToEdge { sequence, .. } => sequence.as_ref(),
            _ => None,
        }
    }

    fn sequence_mut(&mut self) -> Option<&mut Sequence> {
        match &mut self.fields {
            Fields::DirectExport { sequence, .. } => sequence.as_mut().map(|(_, counted)| counted),
            Fields::EdgeToEdge { sequence, .. } => sequence.as_mut(),
            _ => None,
        }
    }

    fn measures(&self) -> TraceType {
        match &self.fields {
            Fields::Trace { trace_type, .. } | Fields::DirectExport { trace_type, .. } => {
                *trace_type
            }
            _ => TraceType::default(),
        }
    }
}
