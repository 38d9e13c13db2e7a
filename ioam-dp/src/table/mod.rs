// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a node is, compiled once from a [`spec::NodeSpec`] and then only read: workers hold it
//! through a [`Reader`](publish::Reader) and never change or free it.

mod compile;
mod ends;
mod layout;
mod limit;
mod namespace;
mod profile;
pub mod publish;
mod route;
mod rules;
pub mod spec;
mod succeed;

use std::collections::HashMap;
use std::net::Ipv6Addr;

pub use compile::CompileError;
pub use ends::TunnelEnds;
pub use limit::PortLimits;
pub use namespace::{Namespace, NamespaceTable, OptionRule, Role};
pub use profile::{
    Action, Carried, Decapsulation, Encapsulation, Fields, MAX_PARTS, Part, Profile, Sequence,
};
pub use route::{NextHop, RouteTable};
pub use rules::PortRules;
pub use succeed::COUNTED_PROFILES;

use crate::classify::{RuleMemory, RuleSet};
use crate::port::{MAX_PORTS, PortId};
use spec::{FlowsSpec, Policy, ProbeSpec, Semantics, Side};

/// A whole node, ready to be read by workers.
#[derive(Debug)]
pub struct Tables {
    /// What to do where the RFCs leave a choice.
    pub policy: Policy,
    /// The node's ids, as node data write them.
    pub identity: Identity,
    /// By [`PortId`].
    pub ports: Box<[PortTable]>,
    /// By Namespace-ID.
    pub namespaces: NamespaceTable,
    /// By index. Indices are the configuration's order until tables are
    /// [replaced](Self::compile_after).
    pub profiles: Box<[Profile]>,
    /// The profiles' indices in the configuration's order, which is the one they are tried in.
    pub order: Box<[u16]>,
    /// The encapsulating profiles for packets this node originates.
    pub own_rules: PortRules,
    /// Whether any profile decapsulates.
    pub decapsulates: bool,
    /// Local ends of tunnels.
    pub tunnel_ends: TunnelEnds,
    /// Where copies looped back to this node are sent to: address, and index of the namespace.
    pub home: Box<[([u8; 16], u8)]>,
    /// Probes this node originates.
    pub probes: Box<[ProbeSpec]>,
    /// Where IOAM data are exported to: address, and port or any.
    pub receivers: Box<[([u8; 16], Option<u16>)]>,
    /// Where packets go.
    pub forwarding: Forwarding,
    /// The memory of flows each worker has.
    pub flows: FlowsSpec,
    /// Seed of the random sampling.
    pub seed: u64,
    /// Seed of the random numbers of proofs of transit.
    pub entropy: Entropy,
}

/// Secret random octets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entropy(pub [u8; 32]);

/// Shows that it is there and never what it is.
impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy")
    }
}

impl Tables {
    /// The port's entry. Ids come from the configuration that made the tables.
    #[must_use]
    pub fn port(&self, id: PortId) -> Option<&PortTable> {
        self.ports.get(id.index())
    }

    /// Indices of the encapsulating profiles that packets from `port`, or this node's own, may
    /// match, in order.
    #[must_use]
    pub fn encapsulating(&self, port: PortId) -> &[u16] {
        self.port_rules(port).map_or(&[], |rules| &rules.profiles)
    }

    /// The filters of the [`encapsulating`](Self::encapsulating) profiles, by position; `None` where
    /// there is no such port.
    #[must_use]
    pub fn rules(&self, port: PortId) -> Option<&RuleSet> {
        self.port_rules(port).map(|rules| &*rules.filters)
    }

    /// Index of the first encapsulating profile that wants the IPv6 packet at `l3`.
    #[inline]
    pub fn wanted_by(
        &self,
        port: PortId,
        frame: &[u8],
        l3: usize,
        memory: &mut RuleMemory,
    ) -> Option<u16> {
        let rules = self.port_rules(port)?;
        let position = rules.filters.first(port, frame, l3, memory)?;
        rules.profiles.get(usize::from(position)).copied()
    }

    #[inline]
    fn port_rules(&self, port: PortId) -> Option<&PortRules> {
        match port {
            PortId::LOCAL => Some(&self.own_rules),
            port => self.port(port).map(|port| &port.rules),
        }
    }

    /// Whether some port has so many rules that a [`RuleMemory`] is of use.
    #[must_use]
    pub fn remembers_rules(&self) -> bool {
        let ports = self.ports.iter().map(|port| &port.rules);
        let mut all = ports.chain([&self.own_rules]);
        all.any(|rules| rules.filters.remembers())
    }

    /// Goes on counting where `old` stops, in the profiles that have the same name in both.
    pub fn continue_from(&mut self, old: &Self) {
        let mut before: HashMap<&str, &Profile> = HashMap::new();
        for profile in &old.profiles {
            before.entry(&profile.name).or_insert(profile);
        }
        for profile in &mut self.profiles {
            let before = before.get(profile.name.as_str());
            if let (Action::Encapsulate(mine), Some(Action::Encapsulate(theirs))) =
                (&mut profile.action, before.map(|before| &before.action))
            {
                mine.continue_from(theirs);
            }
        }
    }

    /// Whether the Linux kernel's behaviour is asked for.
    #[must_use]
    pub fn linux(&self) -> bool {
        self.policy.semantics == Semantics::Linux
    }
}

/// The node's ids; all ones where not configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `node_id`, 24 bits.
    pub node_id: u32,
    /// `node_id`, 56 bits.
    pub node_id_wide: u64,
}

/// One port.
#[derive(Clone, Debug)]
pub struct PortTable {
    /// The operator's name.
    pub name: String,
    /// Source address of frames in `static` forwarding.
    pub mac: [u8; 6],
    /// Largest layer-3 packet, in octets.
    pub mtu: usize,
    /// Whether IOAM options arriving here are processed.
    pub ioam: bool,
    /// Short interface id; all ones where not configured.
    pub id: u16,
    /// Wide interface id; all ones where not configured.
    pub id_wide: u32,
    /// Source of `ICMPv6` errors.
    pub address: Option<Ipv6Addr>,
    /// Side of the domain's border.
    pub side: Side,
    /// Most octets a second for each kind of measurement.
    pub limits: PortLimits,
    /// The encapsulating profiles that packets arriving here may match.
    pub rules: PortRules,
}

/// Where packets go.
#[derive(Debug)]
pub struct Forwarding {
    /// Whether this node decrements the hop limit.
    pub decrement_hop_limit: bool,
    /// How the output port is found.
    pub mode: ForwardingMode,
}

/// How the output port is found.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one per node, and a lookup should not chase a box"
)]
pub enum ForwardingMode {
    /// By input port; addresses stay.
    Wire {
        /// The other end, by input port.
        peer: [Option<PortId>; MAX_PORTS],
    },
    /// By destination, else by input port; addresses are rewritten.
    Static {
        /// By destination prefix.
        routes: RouteTable,
        /// By input port.
        defaults: [Option<NextHop>; MAX_PORTS],
    },
}
