// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Profiles as they are asked for: which packets, which options, and what becomes of them.

use std::net::Ipv6Addr;
use std::ops::RangeInclusive;

use super::PrefixSpec;

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

/// Encapsulation: which options, where, and into which of the selected packets.
#[derive(Clone, Debug, PartialEq)]
pub struct EncapsulateSpec {
    /// The options, in the order they stand in their header: trace, proof of transit and direct
    /// export in Hop-by-Hop Options, edge-to-edge in Destination Options (RFC 9486, 3).
    pub options: Vec<OptionSpec>,
    /// Where the options go.
    pub placement: Placement,
    /// Which of the selected packets get the options.
    pub sampling: Sampling,
    /// What happens when the packet would become larger than the output port's MTU.
    pub over_mtu: OverMtu,
    /// Sends what it encapsulates as active measurement, or does not.
    pub active: Option<ActiveSpec>,
}

impl EncapsulateSpec {
    /// Every packet gets `options`, and one that would exceed the MTU goes on without.
    #[must_use]
    pub fn new(options: Vec<OptionSpec>, placement: Placement) -> Self {
        Self {
            options,
            placement,
            sampling: Sampling::All,
            over_mtu: OverMtu::Skip,
            active: None,
        }
    }
}

/// One option an encapsulating node puts in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionSpec {
    /// A pre-allocated trace.
    Trace(TraceSpec),
    /// A proof of transit, with the keys of its namespace.
    ProofOfTransit {
        /// The Namespace-ID.
        namespace: u16,
    },
    /// Direct export.
    DirectExport(DirectExportSpec),
    /// Edge-to-edge.
    EdgeToEdge(EdgeToEdgeSpec),
}

/// A pre-allocated trace (RFC 9197, 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceSpec {
    /// The Namespace-ID.
    pub namespace: u16,
    /// The 24-bit IOAM-Trace-Type; bits 12 to 21 and 23 are 0.
    pub trace_type: u32,
    /// Room for node data, in words of four octets, 1 to 61.
    pub words: u8,
    /// Whether this node's own data are the first element.
    pub record_self: bool,
    /// Sets the Loopback flag (RFC 9322, 4), which needs the trace type 0x800000.
    pub loopback: bool,
}

/// A direct export option (RFC 9326, 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectExportSpec {
    /// The Namespace-ID.
    pub namespace: u16,
    /// The 24-bit IOAM-Trace-Type; bits 7, 12 to 21 and 23 are 0.
    pub trace_type: u32,
    /// The Flow ID field.
    pub flow_id: FlowIdSpec,
    /// Whether there is a Sequence Number field.
    pub sequence: bool,
    /// Whether this node exports its own data at once (RFC 9326, 3.1.1).
    pub record_self: bool,
}

/// The Flow ID of a direct export option (RFC 9326, 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowIdSpec {
    /// No such field; sequence numbers count each flow's packets.
    None,
    /// This one for every packet of the profile, which then is one flow.
    Fixed(u32),
    /// A hash of the inner flow, the same for both directions.
    Hashed,
}

/// An edge-to-edge option (RFC 9197, 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeToEdgeSpec {
    /// The Namespace-ID.
    pub namespace: u16,
    /// The 16-bit IOAM-E2E-Type; not both sequence bits, bits 4 to 15 are 0, not empty.
    pub kind: u16,
    /// The packets that share a sequence.
    pub group: GroupSpec,
}

/// A packet group: the packets that share a sequence (RFC 9197, 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupSpec {
    /// All packets of the profile.
    Profile,
    /// The packets of one flow, in both directions.
    Flow,
}

/// Active measurement (RFC 9322, 5): the packets end at the decapsulating node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActiveSpec {
    /// The probes this node originates.
    Probes,
    /// Copies of selected packets, which themselves go on untouched.
    Copies {
        /// Most octets of the packet that are copied, from its IPv6 header on.
        length: u16,
    },
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
    /// How sequence numbers are accounted for.
    pub accounting: AccountingSpec,
}

/// Accounting of sequence numbers that arrive, edge-to-edge and direct export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountingSpec {
    /// The packet groups the encapsulating node counts.
    pub group: GroupSpec,
    /// Seconds between two reports on a group.
    pub report_seconds: u32,
    /// Whether each edge-to-edge option is recorded as well.
    pub record_packets: bool,
}

impl Default for AccountingSpec {
    fn default() -> Self {
        Self {
            group: GroupSpec::Profile,
            report_seconds: 10,
            record_packets: false,
        }
    }
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
    /// Packets this node originates, instead of any that arrive.
    pub local: bool,
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
