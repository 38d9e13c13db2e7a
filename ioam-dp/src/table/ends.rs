// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The addresses that mean something to this node: ends of tunnels, where copies come back to, and
//! receivers of exports.

use std::net::IpAddr;

use super::spec::{
    ActionSpec, DecapsulatePlacement, EncapsulateSpec, NodeSpec, OptionSpec, Placement,
    ReceiverSpec,
};
use super::{Action, Decapsulation, NamespaceTable, Profile};
use crate::classify::RuleSet;
use crate::port::PortId;
use crate::wire::ioam::NamespaceId;

/// Local ends of tunnels.
#[derive(Debug)]
pub struct TunnelEnds {
    /// Their addresses, each once.
    pub addresses: Box<[[u8; 16]]>,
    /// Indices of the decapsulating profiles, in order.
    pub profiles: Box<[u16]>,
    filters: RuleSet,
}

impl TunnelEnds {
    /// The profile whose tunnel ends at the destination of the IPv6 packet at `l3`.
    #[must_use]
    pub fn find(&self, in_port: PortId, frame: &[u8], l3: usize) -> Option<u16> {
        let position = self.filters.find(in_port, frame, l3)?;
        self.profiles.get(usize::from(position)).copied()
    }
}

/// Finds the profiles that are for the end of a tunnel.
pub(super) fn tunnel_ends(profiles: &[Profile]) -> TunnelEnds {
    let ends = (0..)
        .zip(profiles)
        .filter_map(|(index, profile)| match profile.action {
            Action::Decapsulate(Decapsulation {
                placement:
                    DecapsulatePlacement::Ip6InIp6 {
                        destination: Some(address),
                    },
                ..
            }) => Some((address, index, profile.filter.at_destination(address)?)),
            _ => None,
        });
    let (mut addresses, mut profiles, mut filters) = (Vec::new(), Vec::new(), Vec::new());
    for (address, profile, filter) in ends {
        addresses.push(address.octets());
        profiles.push(profile);
        filters.push(filter);
    }
    addresses.sort_unstable();
    addresses.dedup();
    TunnelEnds {
        addresses: addresses.into(),
        profiles: profiles.into(),
        filters: RuleSet::new(&filters),
    }
}

/// Where copies may come back to: the sources of packets that carry the Loopback flag.
pub(super) fn home(spec: &NodeSpec, known: &NamespaceTable) -> Box<[([u8; 16], u8)]> {
    let encapsulating = spec
        .profiles
        .iter()
        .filter_map(|profile| match &profile.action {
            ActionSpec::Encapsulate(what) => Some(what),
            _ => None,
        });
    let sources = |profile: &EncapsulateSpec| match profile.placement {
        Placement::Ip6InIp6 { source, .. } => vec![source],
        // Inline, a packet that loops is one this node originates.
        Placement::Inline => spec.probes.iter().map(|probe| probe.source).collect(),
    };
    let homes = encapsulating.flat_map(|profile| {
        let looping = profile.options.iter().filter_map(|option| match option {
            OptionSpec::Trace(trace) if trace.loopback => known.find(NamespaceId(trace.namespace)),
            _ => None,
        });
        looping.flat_map(move |namespace| {
            let own = sources(profile).into_iter();
            own.map(move |source| (source.octets(), namespace))
        })
    });
    let mut homes: Vec<_> = homes.collect();
    // Many profiles can share one source.
    homes.sort_unstable();
    homes.dedup();
    homes.into()
}

/// The receivers that packets of this node's traffic can be for.
pub(super) fn receivers(all: &[ReceiverSpec]) -> Box<[([u8; 16], Option<u16>)]> {
    let of_ipv6 = all.iter().filter_map(|receiver| match receiver.address {
        IpAddr::V6(address) => Some((address.octets(), receiver.port)),
        IpAddr::V4(_) => None,
    });
    of_ipv6.collect()
}
