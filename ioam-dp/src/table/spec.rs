// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a node is told to be, in plain values: the input of [`Tables::compile`](super::Tables::compile).
//!
//! The operator's file becomes this; so does anything else that wants a node (tests, the demo).

use std::net::Ipv6Addr;
use std::ops::RangeInclusive;

/// A whole node.
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// Seed of the random sampling.
    pub seed: u64,
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
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            semantics: Semantics::Rfc,
            malformed: Malformed::Forward,
            undefined_bits: UndefinedBits::Fill,
            several_options: SeveralOptions::First,
            icmp_errors_per_second: 100,
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

/// A profile: which packets, and what is done with them.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileSpec {
    /// The operator's name for it.
    pub name: String,
    /// The packets it wants.
    pub filter: FilterSpec,
    /// What it does.
    pub action: ActionSpec,
}

/// What a profile does.
#[derive(Clone, Debug, PartialEq)]
pub enum ActionSpec {
    /// Puts an option into packets that have none.
    Encapsulate(EncapsulateSpec),
    /// Fills in this node's data.
    Transit {
        /// The namespaces it is for.
        namespaces: Vec<u16>,
    },
    /// Takes the options out and records them.
    Decapsulate(DecapsulateSpec),
}

/// Encapsulation of a pre-allocated trace.
#[derive(Clone, Debug, PartialEq)]
pub struct EncapsulateSpec {
    /// The Namespace-ID.
    pub namespace: u16,
    /// The 24-bit IOAM-Trace-Type; bits 12 to 21 and 23 are 0.
    pub trace_type: u32,
    /// Room for node data, in words of four octets, 1 to 61.
    pub words: u8,
    /// Where the option goes.
    pub placement: Placement,
    /// Whether this node's own data are the first element.
    pub record_self: bool,
    /// Which of the selected packets get the option.
    pub sampling: Sampling,
    /// What happens when the packet would become larger than the output port's MTU.
    pub over_mtu: OverMtu,
}

/// Where an encapsulating node puts the option (RFC 9486, 4, C4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In a Hop-by-Hop header of a new outer IPv6 header.
    Ip6InIp6 {
        /// The outer source.
        source: Ipv6Addr,
        /// The outer destination: the decapsulating node.
        destination: Ipv6Addr,
        /// The outer hop limit.
        hop_limit: u8,
    },
    /// In the packet's own Hop-by-Hop header: for traffic this domain originates, and labs.
    Inline,
}

/// Which of a profile's packets get an option. Counting is per worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Every one.
    All,
    /// The first `k` of each `n`, as Linux' `freq k/n`.
    FirstOf {
        /// Packets taken.
        k: u32,
        /// Out of this many.
        n: u32,
    },
    /// Each with probability 1/`n`, independently.
    Random {
        /// The inverse of the probability.
        n: u32,
    },
    /// All packets of one flow in `n`, chosen by a hash of the flow.
    PerFlow {
        /// The inverse of the share of flows.
        n: u32,
    },
}

/// The fate of a packet that an option would make too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverMtu {
    /// Forwarded without IOAM, and counted.
    Skip,
    /// Dropped, and counted.
    Drop,
}

/// Decapsulation.
#[derive(Clone, Debug, PartialEq)]
pub struct DecapsulateSpec {
    /// The namespaces whose options are removed.
    pub namespaces: Vec<u16>,
    /// How they were put in.
    pub placement: DecapsulatePlacement,
    /// Whether this node's own data are added before the trace is recorded.
    pub record_self: bool,
}

/// What a decapsulating node removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecapsulatePlacement {
    /// The whole outer header of packets that are addressed to this node.
    Ip6InIp6 {
        /// The tunnel's end here; `None` takes any outer destination.
        destination: Option<Ipv6Addr>,
    },
    /// The options alone, out of the packet's own Hop-by-Hop header.
    Inline,
}

/// Which packets a profile wants; every given field has to match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterSpec {
    /// Input ports, as indices; empty means any.
    pub in_ports: Vec<u8>,
    /// Source address.
    pub source: Option<PrefixSpec>,
    /// Destination address.
    pub destination: Option<PrefixSpec>,
    /// Upper-layer protocol, behind any extension headers.
    pub next_header: Option<u8>,
    /// Source port of TCP, UDP or SCTP.
    pub source_ports: Option<RangeInclusive<u16>>,
    /// Destination port of TCP, UDP or SCTP.
    pub destination_ports: Option<RangeInclusive<u16>>,
    /// The six upper bits of the traffic class.
    pub dscp: Option<u8>,
    /// The flow label.
    pub flow_label: Option<u32>,
    /// Length of the IPv6 packet with its header, in octets.
    pub length: Option<RangeInclusive<u16>>,
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
