// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From a [`NodeSpec`] to [`Tables`]: what can be worked out once is worked out here.

use thiserror::Error;

use super::ends::{home, receivers, tunnel_ends};
use super::namespace::MAX_NAMESPACES;
use super::rules::PortsRules;
use super::spec::{
    ActionSpec, DecapsulatePlacement, EncapsulateSpec, FilterSpec, ForwardingSpec, NamespaceSpec,
    NodeSpec, OptionSpec, Placement, PortSpec, PrefixSpec, ProfileSpec, Sampling,
};
use super::{
    Action, Decapsulation, Encapsulation, Entropy, Forwarding, ForwardingMode, Identity, MAX_PARTS,
    Namespace, NamespaceTable, NextHop, OptionRule, PortLimits, PortRules, PortTable, Profile,
    Role, RouteTable, Tables,
};
use crate::classify::Filter;
use crate::option_type::proof_of_transit::KeyError;
use crate::port::{MAX_PORTS, PortId};
use crate::wire::ioam::{MAX_TRACE_WORDS, NamespaceId};

/// A specification that is no node.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompileError {
    /// More ports than a node can have.
    #[error("{0} ports, and a node has at most {MAX_PORTS}")]
    TooManyPorts(usize),
    /// A port index that names no port.
    #[error("port index {0} names no port")]
    NoSuchPort(u8),
    /// More namespaces than a node can have.
    #[error("{0} namespaces, and a node has at most {MAX_NAMESPACES}")]
    TooManyNamespaces(usize),
    /// A namespace listed twice.
    #[error("namespace {0} is listed twice")]
    NamespaceTwice(u16),
    /// A profile's namespace that is not declared.
    #[error("namespace {0} is not declared")]
    NoSuchNamespace(u16),
    /// An id or value wider than its field.
    #[error("{field} {value:#x} does not fit {bits} bits")]
    TooWide {
        /// Which.
        field: &'static str,
        /// The value.
        value: u64,
        /// The field's width.
        bits: u32,
    },
    /// A schema with too much data.
    #[error("a schema holds at most 1020 octets, not {0}")]
    SchemaTooLong(usize),
    /// A trace type with bits that are not for sending.
    #[error("trace type {0:#08x} has undefined or reserved bits (12 to 21, 23), or none at all")]
    TraceType(u32),
    /// A trace with no room, or more than an IPv6 option has.
    #[error("{0} words of node data; an IPv6 option holds 1 to {MAX_TRACE_WORDS}")]
    TraceRoom(u8),
    /// The Loopback flag with another trace type than the one it is defined for.
    #[error("the Loopback flag needs the trace type 0x800000, not {0:#08x} (RFC 9322, 4.1)")]
    LoopbackType(u32),
    /// The Loopback flag in packets whose copies would not come back to this node.
    #[error(
        "profile {0:?} sets the Loopback flag in packets of others: put them into a tunnel, or take \
         this node's own packets (`in-port: [local]`), so that copies come back (RFC 9322, 4.1)"
    )]
    LoopbackReturn(String),
    /// The Loopback flag where this node could not tell its copies from others'.
    #[error(
        "profile {0:?} sets the Loopback flag, and copies are told by this node's own element: that \
         needs `node: id` and `record-self: true` (RFC 9322, 4.4)"
    )]
    LoopbackIdentity(String),
    /// An encapsulating profile without any option, or with too many.
    #[error("an encapsulating profile puts in 1 to {MAX_PARTS} options, not {0}")]
    Options(usize),
    /// Options that do not fit one extension header.
    #[error("{0} octets of options; an extension header holds 2048")]
    OptionsTooLong(usize),
    /// An E2E type that may not be sent.
    #[error("E2E type {0:#06x} is empty, has undefined bits (4 to 15) or both sequence numbers")]
    E2eType(u16),
    /// Proof of transit in a namespace without keys.
    #[error("namespace {0} has no keys for proofs of transit")]
    NoKeys(u16),
    /// Keys that are none.
    #[error("the proof-of-transit keys of namespace {0}: {1}")]
    Keys(u16, KeyError),
    /// More profiles than counters.
    #[error("{0} profiles, and a node has at most 65535")]
    TooManyProfiles(usize),
    /// More profiles, in all the tables one after the other, than there are counters for.
    #[error("{0} names of profiles since the node started, and it has counters for {1}")]
    SeenProfiles(usize, usize),
    /// More namespaces, in all the tables one after the other, than there are indices.
    #[error("{0} namespaces since the node started, and it has counters for {MAX_NAMESPACES}")]
    SeenNamespaces(usize),
    /// A sampling that takes nothing or more than there is.
    #[error("sampling needs 1 <= k <= n")]
    Sampling,
}

impl Tables {
    /// Compiles `spec`.
    ///
    /// # Errors
    ///
    /// When the specification contradicts itself or a field's width.
    pub fn compile(spec: &NodeSpec) -> Result<Self, CompileError> {
        if spec.ports.len() > MAX_PORTS {
            return Err(CompileError::TooManyPorts(spec.ports.len()));
        }
        if spec.profiles.len() > usize::from(u16::MAX) {
            return Err(CompileError::TooManyProfiles(spec.profiles.len()));
        }
        check_port_indices(spec)?;
        let namespaces = namespaces(spec)?;
        let profiles = profiles(spec, &namespaces)?;
        let home = home(spec, &namespaces);
        let mut rules = PortsRules::new(&profiles);
        Ok(Self {
            policy: spec.policy,
            identity: Identity {
                node_id: narrow("node id", spec.node_id.map(u64::from), 24)?,
                node_id_wide: width("node id-wide", spec.node_id_wide, 56)?,
            },
            ports: (0..)
                .zip(&spec.ports)
                .map(|(id, port)| port_table(port, spec, rules.of(PortId(id))))
                .collect(),
            namespaces,
            decapsulates: profiles
                .iter()
                .any(|profile| matches!(profile.action, Action::Decapsulate(_))),
            tunnel_ends: tunnel_ends(&profiles),
            own_rules: rules.of(PortId::LOCAL),
            home,
            probes: spec.probes.clone().into(),
            receivers: receivers(&spec.receivers),
            order: (0..).zip(&profiles).map(|(index, _)| index).collect(),
            profiles: profiles.into(),
            forwarding: forwarding(&spec.forwarding),
            flows: spec.flows,
            seed: spec.seed,
            entropy: Entropy(spec.entropy),
        })
    }
}

fn width(field: &'static str, value: Option<u64>, bits: u32) -> Result<u64, CompileError> {
    let all_ones = u64::MAX >> (64 - bits);
    match value {
        Some(value) if value > all_ones => Err(CompileError::TooWide { field, value, bits }),
        Some(value) => Ok(value),
        None => Ok(all_ones),
    }
}

fn narrow(field: &'static str, value: Option<u64>, bits: u32) -> Result<u32, CompileError> {
    width(field, value, bits).map(|value| u32::try_from(value).unwrap_or(u32::MAX))
}

fn check_port_indices(spec: &NodeSpec) -> Result<(), CompileError> {
    let mut named: Vec<u8> = spec
        .profiles
        .iter()
        .flat_map(|p| p.filter.in_ports.clone())
        .chain(spec.probes.iter().map(|probe| probe.next_hop.port))
        .collect();
    match &spec.forwarding {
        ForwardingSpec::Wire { pairs, .. } => named.extend(pairs.iter().flat_map(|(a, b)| [a, b])),
        ForwardingSpec::Static {
            routes, defaults, ..
        } => {
            named.extend(routes.iter().map(|route| route.next_hop.port));
            named.extend(defaults.iter().flat_map(|(port, hop)| [*port, hop.port]));
        }
    }
    match named
        .into_iter()
        .find(|port| usize::from(*port) >= spec.ports.len())
    {
        Some(port) => Err(CompileError::NoSuchPort(port)),
        None => Ok(()),
    }
}

fn namespaces(spec: &NodeSpec) -> Result<NamespaceTable, CompileError> {
    let mut all = spec.namespaces.clone();
    if all.iter().all(|namespace| namespace.id != 0) {
        all.push(NamespaceSpec::plain(0));
    }
    all.sort_by_key(|namespace| namespace.id);
    if let Some(pair) = all.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(CompileError::NamespaceTwice(pair[0].id));
    }
    if all.len() > MAX_NAMESPACES {
        return Err(CompileError::TooManyNamespaces(all.len()));
    }
    let mut entries = Vec::new();
    for namespace in &all {
        if let Some(schema) = &namespace.schema {
            width("schema id", Some(schema.id.into()), 24)?;
            if schema.data.len() > 1020 {
                return Err(CompileError::SchemaTooLong(schema.data.len()));
            }
        }
        let rules = option_rules(spec, namespace.id);
        let compiled = Namespace::new(namespace, rules);
        entries.push(compiled.map_err(|error| CompileError::Keys(namespace.id, error))?);
    }
    Ok(NamespaceTable::new(entries))
}

/// What is done with options of one namespace: what its profiles say, in order, and transit for
/// the rest unless a transit profile says for which packets.
fn option_rules(spec: &NodeSpec, namespace: u16) -> Vec<OptionRule> {
    let mut rules = Vec::new();
    let mut implied_transit = true;
    for (index, profile) in (0..).zip(&spec.profiles) {
        let (namespaces, role, filter) = match &profile.action {
            ActionSpec::Transit { namespaces } => (
                namespaces,
                Role::Transit(Some(index)),
                profile.filter.clone(),
            ),
            ActionSpec::Decapsulate(what) => {
                let filter = decapsulation_filter(&profile.filter, what.placement);
                (&what.namespaces, Role::Decapsulate(index), filter)
            }
            ActionSpec::Encapsulate(_) => continue,
        };
        if namespaces.contains(&namespace) {
            implied_transit &= !matches!(role, Role::Transit(_));
            rules.push(OptionRule {
                filter: Filter::new(&filter),
                role,
            });
        }
    }
    if implied_transit {
        rules.push(OptionRule {
            filter: Filter::default(),
            role: Role::Transit(None),
        });
    }
    rules
}

/// The filter of a decapsulating profile, narrowed to its own tunnel end.
fn decapsulation_filter(filter: &FilterSpec, placement: DecapsulatePlacement) -> FilterSpec {
    let mut narrowed = filter.clone();
    if let DecapsulatePlacement::Ip6InIp6 {
        destination: Some(address),
    } = placement
    {
        narrowed.destination = Some(PrefixSpec {
            address,
            length: 128,
        });
    }
    narrowed
}

fn profiles(spec: &NodeSpec, known: &NamespaceTable) -> Result<Vec<Profile>, CompileError> {
    let index = |id: u16| {
        known
            .find(NamespaceId(id))
            .ok_or(CompileError::NoSuchNamespace(id))
    };
    let mut profiles = Vec::new();
    for profile in &spec.profiles {
        let action = match &profile.action {
            ActionSpec::Encapsulate(what) => {
                check_sampling(what.sampling)?;
                check_return(spec, profile, what)?;
                Action::Encapsulate(Encapsulation::new(&profile.name, what, known)?)
            }
            ActionSpec::Transit { namespaces } => {
                namespaces.iter().try_for_each(|id| index(*id).map(drop))?;
                Action::Transit
            }
            ActionSpec::Decapsulate(what) => {
                what.namespaces
                    .iter()
                    .try_for_each(|id| index(*id).map(drop))?;
                Action::Decapsulate(Decapsulation {
                    placement: what.placement,
                    record_self: what.record_self,
                    accounting: what.accounting,
                })
            }
        };
        let filter = Filter::new(&profile.filter);
        profiles.push(Profile {
            name: profile.name.clone(),
            filter,
            action,
        });
    }
    Ok(profiles)
}

/// Copies go back to the source of the header that carries the trace, which has to be this node's,
/// and are known there by the oldest element.
fn check_return(
    node: &NodeSpec,
    profile: &ProfileSpec,
    what: &EncapsulateSpec,
) -> Result<(), CompileError> {
    let looping = what.options.iter().filter_map(|option| match option {
        OptionSpec::Trace(trace) if trace.loopback => Some(trace),
        _ => None,
    });
    for trace in looping {
        if what.placement == Placement::Inline && !profile.filter.local {
            return Err(CompileError::LoopbackReturn(profile.name.clone()));
        }
        if node.node_id.is_none() || !trace.record_self {
            return Err(CompileError::LoopbackIdentity(profile.name.clone()));
        }
    }
    Ok(())
}

fn check_sampling(sampling: Sampling) -> Result<(), CompileError> {
    let sound = match sampling {
        Sampling::All => true,
        Sampling::FirstOf { k, n } => 1 <= k && k <= n,
        Sampling::Random { n } | Sampling::PerFlow { n } => n >= 1,
    };
    if sound {
        Ok(())
    } else {
        Err(CompileError::Sampling)
    }
}

fn port_table(spec: &PortSpec, node: &NodeSpec, rules: PortRules) -> PortTable {
    PortTable {
        name: spec.name.clone(),
        mac: spec.mac,
        mtu: spec.mtu.into(),
        ioam: spec.ioam,
        id: spec.id.unwrap_or(u16::MAX),
        id_wide: spec.id_wide.unwrap_or(u32::MAX),
        address: spec.address,
        side: spec.side,
        limits: PortLimits::new(&node.limits, spec.speed, node.workers.max(1)),
        rules,
    }
}

fn forwarding(spec: &ForwardingSpec) -> Forwarding {
    match spec {
        ForwardingSpec::Wire {
            pairs,
            decrement_hop_limit,
        } => {
            let mut peer = [None; MAX_PORTS];
            for (a, b) in pairs {
                peer[usize::from(*a)] = Some(PortId(*b));
                peer[usize::from(*b)] = Some(PortId(*a));
            }
            let mode = ForwardingMode::Wire { peer };
            Forwarding {
                decrement_hop_limit: *decrement_hop_limit,
                mode,
            }
        }
        ForwardingSpec::Static {
            routes,
            defaults: hops,
            decrement_hop_limit,
        } => {
            let mut defaults = [None; MAX_PORTS];
            for (port, hop) in hops {
                defaults[usize::from(*port)] = Some(NextHop::from(*hop));
            }
            let mode = ForwardingMode::Static {
                routes: RouteTable::new(routes),
                defaults,
            };
            Forwarding {
                decrement_hop_limit: *decrement_hop_limit,
                mode,
            }
        }
    }
}
