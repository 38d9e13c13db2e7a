// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What one collector is to get, and how.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// One collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// The operator's name for it.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// How it is reached.
    pub transport: Transport,
    /// The enterprise number that the elements of IOAM go under.
    pub enterprise: u32,
    /// Observation Domain ID.
    pub domain: u32,
    /// How often descriptions (over UDP) and statistics are sent again.
    pub refresh: Duration,
    /// The pause before an attempt to connect is repeated; it doubles up to eight times that.
    pub reconnect: Duration,
    /// What it gets.
    pub kinds: Kinds,
    /// The elements its records are made of.
    pub profile: Profile,
    /// Records that wait for it at most.
    pub queue: usize,
}

/// How a collector is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams (RFC 7011, 10.3).
    Udp,
    /// A connection (RFC 7011, 10.4).
    Tcp,
    /// A connection that nobody else reads (RFC 7011, 11.1).
    Tls(Tls),
}

impl Transport {
    /// The name used in settings and figures.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls(_) => "tls",
        }
    }

    /// Whether others on the way can read what is sent.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        !matches!(self, Self::Tls(_))
    }
}

/// Who is trusted, and who this node is. All files are PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Certificates of the authorities that may vouch for the collector.
    pub authorities: PathBuf,
    /// This node's certificate chain and its private key, where the collector asks for them.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name in the collector's certificate; by default its address.
    pub server_name: Option<String>,
}

/// What a collector gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds {
    /// Options as they were in packets.
    pub raw: bool,
    /// A record for each node of a trace or of direct export.
    pub hops: bool,
    /// What arrived of sequences.
    pub sequences: bool,
    /// Delays along paths.
    pub paths: bool,
}

impl Kinds {
    /// Everything.
    pub const ALL: Self = Self {
        raw: true,
        hops: true,
        sequences: true,
        paths: true,
    };
}

/// The elements records are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Those of this program.
    Ioam,
    /// Those of the University of Liège's exporter: nodes' records alone.
    Uliege,
}
