// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a node is told to be, in plain values: the input of [`Tables::compile`](super::Tables::compile).
//!
//! The operator's file becomes this; so does anything else that wants a node (tests, the demo).

mod profile;

use std::net::{IpAddr, Ipv6Addr};

pub use profile::*;

/// A whole node.
#[derive(Clone, PartialEq, Default)]
pub struct NodeSpec {
    /// The 24-bit `node_id` (RFC 9197, 4.4.2.1), or not available.
    pub node_id: Option<u32>,
    /// The 56-bit wide `node_id` (RFC 9197, 4.4.2.9), or not available.
    pub node_id_wide: Option<u64>,
    /// What to do where the RFCs leave a choice.
    pub policy: Policy,
    /// The ports; a [`PortId`](crate::port::PortId) is an index into this list.
    pub ports: Vec<PortSpec>,
    /// The namespaces; the default namespace 0 is added when it is not listed.
    pub namespaces: Vec<NamespaceSpec>,
    /// The profiles, in the order they are tried.
    pub profiles: Vec<ProfileSpec>,
    /// Where packets go.
    pub forwarding: ForwardingSpec,
    /// Probes this node originates.
    pub probes: Vec<ProbeSpec>,
    /// Most traffic each kind of measurement may cause.
    pub limits: LimitsSpec,
    /// Where IOAM data are exported to; no direct export is put on packets to them.
    pub receivers: Vec<ReceiverSpec>,
    /// The per-worker memory of flows.
    pub flows: FlowsSpec,
    /// Workers that share a port's rate limits; 0 counts as 1.
    pub workers: u16,
    /// Seed of the random sampling.
    pub seed: u64,
    /// Seed of the random numbers of proofs of transit, from a proper source.
    pub entropy: [u8; 32],
}

/// Shows everything but the entropy, from which random numbers could be foretold.
impl std::fmt::Debug for NodeSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NodeSpec")
            .field("node_id", &self.node_id)
            .field("node_id_wide", &self.node_id_wide)
            .field("policy", &self.policy)
            .field("ports", &self.ports)
            .field("namespaces", &self.namespaces)
            .field("profiles", &self.profiles)
            .field("forwarding", &self.forwarding)
            .field("probes", &self.probes)
            .field("limits", &self.limits)
            .field("receivers", &self.receivers)
            .field("flows", &self.flows)
            .field("workers", &self.workers)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// The share of each port's capacity that measurements may use: one N-th, 0 turning a limit off
/// (RFC 9326, 3.1; RFC 9322, 4 and 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsSpec {
    /// Packets sent with a direct export option.
    pub direct_export: u32,
    /// Records exported because of direct export options.
    pub export: u32,
    /// Packets sent with the Loopback flag, and copies looped back.
    pub loopback: u32,
    /// Packets sent with the Active flag.
    pub active: u32,
}

impl Default for LimitsSpec {
    fn default() -> Self {
        Self {
            direct_export: 128,
            export: 128,
            loopback: 128,
            active: 128,
        }
    }
}

/// A receiver of exported data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverSpec {
    /// Its address.
    pub address: IpAddr,
    /// Its port, or any.
    pub port: Option<u16>,
}

/// The memory of flows each worker has, for sequence numbers and their accounting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowsSpec {
    /// Flows whose sequence numbers this node keeps at once. Another number starts all of them over.
    pub most: u32,
    /// Packet groups accounted for at once.
    pub groups: u32,
    /// Seconds after which a silent flow may be forgotten.
    pub idle_seconds: u32,
}

impl Default for FlowsSpec {
    fn default() -> Self {
        Self {
            most: 65_536,
            groups: 8_192,
            idle_seconds: 60,
        }
    }
}

/// Probes to one destination: IPv6 with UDP, originated by this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSpec {
    /// The operator's name for them.
    pub name: String,
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address.
    pub destination: Ipv6Addr,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Octets of the probe from its IPv6 header on, before any option: 64 and more, which number
    /// and time take; less counts as 64.
    pub length: u16,
    /// Nanoseconds between two probes.
    pub interval: u64,
    /// Probes to send, or without end.
    pub count: Option<u64>,
    /// Where they leave: the next hop.
    pub next_hop: NextHopSpec,
}

/// Choices the RFCs leave open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The RFCs as written, or the Linux kernel byte for byte where it differs.
    pub semantics: Semantics,
    /// What happens to a packet with a malformed IOAM option.
    pub malformed: Malformed,
    /// What a node writes for trace-type bits 12 to 21.
    pub undefined_bits: UndefinedBits,
    /// Which of several trace options of known namespaces are filled.
    pub several_options: SeveralOptions,
    /// Most `ICMPv6` errors originated per second and worker; 0 turns them off.
    pub icmp_errors_per_second: u32,
    /// Whether traces with the Loopback flag are copied back to their source (RFC 9322, 4).
    pub loopback: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            semantics: Semantics::Rfc,
            malformed: Malformed::Forward,
            undefined_bits: UndefinedBits::Fill,
            several_options: SeveralOptions::First,
            icmp_errors_per_second: 100,
            loopback: false,
        }
    }
}

/// Whose reading of the standard the node follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Semantics {
    /// RFC 9197 and RFC 9486.
    Rfc,
    /// The Linux kernel's `ioam6`, which also drops what it finds malformed.
    Linux,
}

/// The fate of a packet with a malformed option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Forwarded untouched, and counted.
    Forward,
    /// Dropped, and counted.
    Drop,
}

/// The treatment of undefined trace-type bits (RFC 9197, 4.4.1 allows both).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndefinedBits {
    /// All ones in each undefined field.
    Fill,
    /// No node data at all.
    Skip,
}

/// How many trace options of one packet are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeveralOptions {
    /// The first one of each namespace that is known.
    First,
    /// Each one whose namespace is known.
    All,
}

/// One port.
#[derive(Clone, Debug, PartialEq)]
pub struct PortSpec {
    /// The operator's name for it.
    pub name: String,
    /// Its Ethernet address, the source of frames in `static` forwarding.
    pub mac: [u8; 6],
    /// Largest layer-3 packet it sends, in octets.
    pub mtu: u16,
    /// Whether IOAM options arriving here are processed (RFC 9486, 4: off unless configured).
    pub ioam: bool,
    /// Its short interface id, or not available.
    pub id: Option<u16>,
    /// Its wide interface id, or not available.
    pub id_wide: Option<u32>,
    /// The source of `ICMPv6` errors about packets that arrive here; `None` originates none.
    pub address: Option<Ipv6Addr>,
    /// On which side of the IOAM domain's border it is.
    pub side: Side,
    /// Its capacity in megabits a second, of which rate limits are a share.
    pub speed: u32,
}

/// A port's place in the IOAM domain (RFC 9486, 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Inside the domain.
    Inside,
    /// On its border: IOAM neither enters nor leaves here.
    Edge(EdgePolicy),
}

/// What happens to a packet with IOAM options at an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgePolicy {
    /// The packet is dropped.
    Drop,
    /// The options are removed and the packet goes on.
    Strip,
}

/// One IOAM-Namespace (RFC 9197, 4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceSpec {
    /// The Namespace-ID.
    pub id: u16,
    /// Namespace-specific data, 32 bits, or not available.
    pub data: Option<u32>,
    /// Namespace-specific data, 64 bits, or not available.
    pub data_wide: Option<u64>,
    /// The opaque state snapshot, or none.
    pub schema: Option<SchemaSpec>,
    /// The format of timestamps.
    pub timestamp: TimestampFormat,
    /// Keys for proofs of transit, or none.
    pub proof_of_transit: Option<ProofOfTransitSpec>,
}

/// The keys of one namespace's proofs of transit: one set, or two to change between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofOfTransitSpec {
    /// The sets: one, or the even and the odd one.
    pub sets: Vec<PotKeysSpec>,
    /// Index of the set an encapsulating node uses.
    pub active: u8,
}

/// One node's keys: its share of the secret, and what it needs to use it.
#[derive(Clone, PartialEq, Eq)]
pub struct PotKeysSpec {
    /// The prime all arithmetic is modulo.
    pub prime: u64,
    /// The node's point.
    pub point: u64,
    /// Its share: the secret polynomial at that point.
    pub share: u64,
    /// The public polynomial without its constant part, at that point.
    pub public: u64,
    /// Its Lagrange polynomial constant.
    pub lagrange: u64,
    /// The secret, which the verifying node alone has.
    pub secret: Option<u64>,
}

/// Shows that there are keys and never what they are.
impl std::fmt::Debug for PotKeysSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PotKeysSpec").finish_non_exhaustive()
    }
}

impl NamespaceSpec {
    /// A namespace with nothing to say of its own and POSIX time.
    #[must_use]
    pub fn plain(id: u16) -> Self {
        Self {
            id,
            data: None,
            data_wide: None,
            schema: None,
            timestamp: TimestampFormat::Posix,
            proof_of_transit: None,
        }
    }
}

/// The opaque state snapshot (RFC 9197, 4.4.2.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaSpec {
    /// The 24-bit Schema ID.
    pub id: u32,
    /// The data, padded with zeros to a multiple of four octets; at most 1020.
    pub data: Vec<u8>,
}

/// The timestamp formats of RFC 9197, 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampFormat {
    /// Seconds since 1970 UTC and microseconds.
    Posix,
    /// Seconds since 1970 TAI and nanoseconds.
    Ptp {
        /// Seconds to add to UTC; 0 when the clock already counts TAI.
        tai_offset: i32,
    },
    /// Seconds since 1900 UTC and units of 2^-32 s.
    Ntp,
}

/// An IPv6 prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixSpec {
    /// The address; bits beyond the length are ignored.
    pub address: Ipv6Addr,
    /// Leading bits that count, 0 to 128.
    pub length: u8,
}

/// Where packets go.
#[derive(Clone, Debug, PartialEq)]
pub enum ForwardingSpec {
    /// What enters one port of a pair leaves by the other, addresses untouched.
    Wire {
        /// Pairs of port indices; each port stands in exactly one.
        pairs: Vec<(u8, u8)>,
        /// Whether the hop limit is decremented.
        decrement_hop_limit: bool,
    },
    /// By destination prefix, and by input port where no prefix matches.
    Static {
        /// Routes; the longest matching prefix wins.
        routes: Vec<RouteSpec>,
        /// By input port: the next hop of what no route matches, and of what is not IPv6.
        defaults: Vec<(u8, NextHopSpec)>,
        /// Whether the hop limit is decremented.
        decrement_hop_limit: bool,
    },
}

impl Default for ForwardingSpec {
    fn default() -> Self {
        Self::Wire {
            pairs: Vec::new(),
            decrement_hop_limit: false,
        }
    }
}

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteSpec {
    /// Destinations it is for.
    pub prefix: PrefixSpec,
    /// Where they go.
    pub next_hop: NextHopSpec,
}

/// A neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextHopSpec {
    /// The output port, as an index.
    pub port: u8,
    /// The neighbour's Ethernet address.
    pub mac: [u8; 6],
}
