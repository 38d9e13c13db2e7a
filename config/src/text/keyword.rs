// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Values that are one of a few words.

use schemars::{Schema, json_schema};

use crate::report::Complaint;
use crate::scalar::FromText;
use crate::suggest;

/// An enum whose variants are words of the file; the variants' comments describe them in the
/// schema.
macro_rules! keyword {
    (
        $(#[doc = $about:literal])+
        $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+ }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $doc])+ $variant,)+ }

        impl FromText for $name {
            fn from_text(text: &str) -> Result<Self, Complaint> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(Complaint::new(
                        format!("unknown value `{text}`"),
                        suggest::help(text, "one of", [$($word),+]),
                    )),
                }
            }

            fn schema() -> Schema {
                json_schema!({ "oneOf": [
                    $({ "const": $word, "description": concat!($($doc),+).trim() }),+
                ] })
            }
        }
    };
}

keyword! {
    /// Whose reading of the standard the node follows.
    Semantics {
        /// RFC 9197 and RFC 9486.
        Rfc = "rfc",
        /// The Linux kernel, byte for byte where it differs.
        Linux = "linux",
    }
}

keyword! {
    /// The fate of a packet with a malformed option.
    Malformed {
        /// Forwarded untouched, and counted.
        Forward = "forward",
        /// Dropped, and counted.
        Drop = "drop",
    }
}

keyword! {
    /// The treatment of undefined trace-type bits.
    UndefinedTraceBits {
        /// All ones in each undefined field.
        Fill = "fill",
        /// No node data at all.
        Skip = "skip",
    }
}

keyword! {
    /// How many trace options of one packet are filled.
    SeveralOptions {
        /// The first one of each namespace that is known.
        First = "first",
        /// Each one whose namespace is known.
        All = "all",
    }
}

keyword! {
    /// What becomes of traces with the Loopback flag.
    Loopback {
        /// A copy of each goes back to its source, at a limited rate.
        Copy = "copy",
        /// They are traces like any other.
        Ignore = "ignore",
    }
}

keyword! {
    /// Where packet memory comes from.
    Memory {
        /// Hugepages, which the machine must have set aside.
        Hugepages = "hugepages",
        /// Ordinary pages: needs nothing, is slower, and drives virtual devices only.
        NoHuge = "no-huge",
    }
}

keyword! {
    /// A port's place in the IOAM domain.
    Side {
        /// Inside the domain.
        Inside = "inside",
        /// On its border: IOAM neither enters nor leaves here.
        Edge = "edge",
    }
}

keyword! {
    /// What happens to a packet with IOAM options at an edge.
    EdgePolicy {
        /// The packet is dropped.
        Drop = "drop",
        /// The options are removed and the packet goes on.
        Strip = "strip",
    }
}

keyword! {
    /// How the output port is found.
    ForwardingMode {
        /// What enters one port of a pair leaves by the other.
        Wire = "wire",
        /// By destination prefix, and by input port where no prefix matches.
        Static = "static",
    }
}

keyword! {
    /// The format of timestamps (RFC 9197, 5).
    TimestampFormat {
        /// Seconds since 1970 UTC and microseconds.
        Posix = "posix",
        /// Seconds since 1970 TAI and nanoseconds.
        Ptp = "ptp",
        /// Seconds since 1900 UTC and units of 2^-32 s.
        Ntp = "ntp",
    }
}

keyword! {
    /// The protocol that carries IOAM.
    ProtocolType {
        /// IPv6 extension headers (RFC 9486).
        Ipv6 = "ipv6",
    }
}

keyword! {
    /// What a node does with a profile's packets.
    NodeAction {
        /// Puts an option into packets that have none.
        Encapsulate = "encapsulate",
        /// Fills in this node's data.
        Transit = "transit",
        /// Takes the options out and records them.
        Decapsulate = "decapsulate",
    }
}

keyword! {
    /// Where the option stands.
    Placement {
        /// In a new outer IPv6 header, as RFC 9486 asks for traffic in flight.
        Ip6InIp6 = "ip6-in-ip6",
        /// In the packet's own Hop-by-Hop header: for traffic this domain originates, and labs.
        Inline = "inline",
    }
}

keyword! {
    /// The fate of a packet that an option would make too large.
    OverMtu {
        /// Forwarded without IOAM, and counted.
        Skip = "skip",
        /// Dropped, and counted.
        Drop = "drop",
    }
}

keyword! {
    /// The IOAM-POT-Type.
    PotType {
        /// Two numbers of 64 bits: PktID and Cumulative.
        Type0 = "pot-type-0",
    }
}

keyword! {
    /// The packets that share a sequence.
    Group {
        /// All of the profile.
        Profile = "profile",
        /// Those of one flow, in both directions.
        Flow = "flow",
    }
}

keyword! {
    /// Active measurement with packets of this node's own.
    ActiveWord {
        /// The probes this node originates.
        Probes = "probes",
    }
}

keyword! {
    /// One of the two sets of keys for proofs of transit: the low bit of PktID.
    Parity {
        /// 0.
        Even = "even",
        /// 1.
        Odd = "odd",
    }
}

keyword! {
    /// How a collector is reached.
    Transport {
        /// Datagrams, which can be lost and read by others.
        Udp = "udp",
        /// A connection that others can read.
        Tcp = "tcp",
        /// A connection that nobody else reads.
        Tls = "tls",
    }
}

keyword! {
    /// A kind of record that collectors get.
    RecordKind {
        /// Options as they were in packets.
        Raw = "raw",
        /// One record for each node of a trace or of direct export.
        Hops = "hops",
        /// What arrived of sequences: loss, reordering, delay.
        Sequences = "sequences",
        /// Delays along paths.
        Paths = "paths",
    }
}

impl RecordKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Raw, Self::Hops, Self::Sequences, Self::Paths];
}

keyword! {
    /// The elements records for a collector are made of.
    CollectorProfile {
        /// Those of this program, under the configured enterprise number.
        Ioam = "ioam",
        /// Those of the University of Liège's exporter: nodes' records alone.
        Uliege = "uliege",
    }
}
