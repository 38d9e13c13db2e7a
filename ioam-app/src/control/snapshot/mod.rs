// SPDX-License-Identifier: Apache-2.0 OR MIT
//! All figures of a running node at one moment. Whatever only grows is in a `counts`, so that two
//! snapshots make rates.

mod gather;
mod rows;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

pub use gather::Sources;
pub use rows::{
    Collector, Drop, Export, Flows, Latency, Namespace, Outlet, Path, Paths, Port, Profile, Ring,
    Table, Worker,
};

/// Figures that only grow, by name.
pub type Counts = BTreeMap<&'static str, u64>;

/// A node at one moment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Snapshot {
    /// Which node it is.
    pub node: Node,
    /// In the configuration's order.
    pub ports: Vec<Port>,
    /// By number.
    pub workers: Vec<Worker>,
    /// By index.
    pub namespaces: Vec<Namespace>,
    /// In the configuration's order.
    pub profiles: Vec<Profile>,
    /// Tables of flows, by worker and kind.
    pub flows: Vec<Flows>,
    /// Every reason for which packets are dropped, and every notice.
    pub drops: Vec<Drop>,
    /// The records' way out.
    pub export: Export,
    /// By span.
    pub latency: Vec<Latency>,
    /// Delays of spans there was no room for.
    pub latency_left_out: u64,
    /// The latest different paths.
    pub paths: Paths,
}

/// Which node it is, and since when.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Node {
    /// The program's version and where it was built from.
    pub program: &'static str,
    /// The process.
    pub pid: u32,
    /// The file it was configured with.
    pub configuration: String,
    /// Nanoseconds since it was started.
    pub uptime_nanoseconds: u64,
    /// Configurations taken over since.
    pub reloads: u64,
    /// Configurations refused since.
    pub reloads_refused: u64,
    /// Ticks of the workers' clock in a second.
    pub ticks_per_second: u64,
    /// Packet buffers in the pool.
    pub buffers: u64,
    /// Packet buffers outside of it.
    pub buffers_in_use: u64,
}

/// A part of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Section {
    /// Which node it is, since when it runs, and its packet buffers
    Node,
    /// Packets, octets, links and losses of each port
    Ports,
    /// How busy each worker is
    Workers,
    /// What is done with the options of each namespace
    Namespaces,
    /// What each profile takes, and what sequence numbers tell
    Profiles,
    /// How full the tables of flows are
    Flows,
    /// Why packets were dropped, and what was not done to others
    Drops,
    /// The records' way out
    Export,
    /// Delays between nodes, in nodes and from end to end
    Latency,
    /// The latest different paths that traces tell of
    Paths,
}

impl Section {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Node,
        Self::Ports,
        Self::Workers,
        Self::Namespaces,
        Self::Profiles,
        Self::Flows,
        Self::Drops,
        Self::Export,
        Self::Latency,
        Self::Paths,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Ports => "ports",
            Self::Workers => "workers",
            Self::Namespaces => "namespaces",
            Self::Profiles => "profiles",
            Self::Flows => "flows",
            Self::Drops => "drops",
            Self::Export => "export",
            Self::Latency => "latency",
            Self::Paths => "paths",
        }
    }

    /// The section with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.name() == name)
    }
}

impl Snapshot {
    /// One part of it, as JSON.
    #[must_use]
    pub fn section(&self, section: Section) -> Value {
        let value = match section {
            Section::Node => serde_json::to_value(&self.node),
            Section::Ports => serde_json::to_value(&self.ports),
            Section::Workers => serde_json::to_value(&self.workers),
            Section::Namespaces => serde_json::to_value(&self.namespaces),
            Section::Profiles => serde_json::to_value(&self.profiles),
            Section::Flows => serde_json::to_value(&self.flows),
            Section::Drops => serde_json::to_value(&self.drops),
            Section::Export => serde_json::to_value(&self.export),
            Section::Latency => serde_json::to_value(&self.latency),
            Section::Paths => serde_json::to_value(&self.paths),
        };
        // Text, numbers and lists: nothing that JSON could refuse.
        value.unwrap_or_default()
    }
}
