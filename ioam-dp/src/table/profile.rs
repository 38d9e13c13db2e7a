// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Profiles, compiled: an encapsulating one holds the header image it writes.

use super::spec::{DecapsulatePlacement, EncapsulateSpec, OverMtu, Placement, Sampling};
use super::{CompileError, Namespace};
use crate::carrier::hop_by_hop;
use crate::classify::Filter;
use crate::option_type::preallocated_trace;
use crate::wire::ioam::{NamespaceId, TraceType};
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};
use zerocopy::IntoBytes;

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
}

/// An encapsulating profile: everything that does not depend on the packet, laid out in advance.
#[derive(Debug)]
pub struct Encapsulation {
    /// Index of the namespace.
    pub namespace: u8,
    /// What each node writes.
    pub trace_type: TraceType,
    /// Where the option goes.
    pub placement: Placement,
    /// The octets put in front: outer IPv6 and Hop-by-Hop header, or the latter alone.
    pub image: Box<[u8]>,
    /// Where the option's type octet is in the image.
    pub option_at: usize,
    /// Octets of the option, from its type octet on.
    pub option_len: usize,
    /// Where this node's own data go, from the option's type octet on: offset and length.
    pub own_data: Option<(usize, usize)>,
    /// Which packets get it.
    pub sampling: Sampling,
    /// What happens when the packet would exceed the MTU.
    pub over_mtu: OverMtu,
}

impl Encapsulation {
    pub(super) fn new(
        spec: &EncapsulateSpec,
        index: u8,
        namespace: &Namespace,
    ) -> Result<Self, CompileError> {
        let trace_type = TraceType::new(spec.trace_type);
        let own_words = spec
            .record_self
            .then(|| preallocated_trace::element_words(trace_type, namespace));
        let id = NamespaceId(spec.namespace);
        let built = preallocated_trace::build(id, trace_type, spec.words, own_words)
            .ok_or(CompileError::TraceRoom(spec.words))?;
        let header = hop_by_hop::header_with(&built.option);
        let mut image = Vec::new();
        if let Placement::Ip6InIp6 {
            source,
            destination,
            hop_limit,
        } = spec.placement
        {
            let (source, destination) = (source.octets(), destination.octets());
            let outer = Ipv6Header::new(source, destination, next_header::HOP_BY_HOP, hop_limit);
            image.extend_from_slice(outer.as_bytes());
            image.extend_from_slice(&header);
            image[HEADER] = next_header::IPV6;
        } else {
            image.extend_from_slice(&header);
        }
        let option_at = image.len() - header.len() + hop_by_hop::FIRST_OPTION;
        Ok(Self {
            namespace: index,
            trace_type,
            placement: spec.placement,
            image: image.into(),
            option_at,
            option_len: built.option.len(),
            own_data: built.own_data,
            sampling: spec.sampling,
            over_mtu: spec.over_mtu,
        })
    }

    /// The option alone, for a packet that has a Hop-by-Hop header already.
    #[must_use]
    pub fn option(&self) -> &[u8] {
        self.image
            .get(self.option_at..self.option_at + self.option_len)
            .unwrap_or(&[])
    }
}
