// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The rows of a snapshot's parts.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use serde::Serialize;

use super::Counts;

/// One port, over all workers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Port {
    /// The operator's name for it.
    pub name: String,
    /// DPDK's name of the device.
    pub device: String,
    /// Its driver.
    pub driver: String,
    /// Its Ethernet address.
    pub address: String,
    /// Whether frames can pass; `None` when the driver does not tell.
    pub link_up: Option<bool>,
    /// Mbit/s, when the driver knows.
    pub megabits_per_second: Option<u32>,
    /// Packets and octets, and the device's losses.
    pub counts: Counts,
    /// What the driver counts, by its own names.
    pub driver_counts: BTreeMap<String, u64>,
}

/// One worker.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Worker {
    /// Its number, from 0.
    pub worker: usize,
    /// The CPU it is pinned to.
    pub cpu: usize,
    /// Ticks of its clock in a second.
    pub ticks_per_second: u64,
    /// Its time.
    pub counts: Counts,
}

/// One namespace, over all workers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Namespace {
    /// The Namespace-ID.
    pub id: u16,
    /// What was done with its options.
    pub counts: Counts,
}

/// One profile, over all workers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Profile {
    /// The operator's name for it.
    pub name: String,
    /// Its node action.
    pub action: &'static str,
    /// What it took.
    pub counts: Counts,
    /// What became of the sequence numbers it accounts for.
    pub sequences: Table,
}

/// Counts alone, below a name of their own.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Table {
    /// The counts.
    pub counts: Counts,
}

/// One table of flows of one worker.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Flows {
    /// The worker.
    pub worker: usize,
    /// What is kept: `direct-export` and `edge-to-edge` number flows, `groups` accounts for them.
    pub table: &'static str,
    /// Flows in it.
    pub used: u64,
    /// Places for flows; half of them can be counted on.
    pub slots: u64,
    /// Flows that fell idle.
    pub counts: Counts,
}

/// One reason for which packets are dropped, or one notice.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Drop {
    /// Its name.
    pub name: &'static str,
    /// `drop`, or `notice` for what was not done to a packet that went on.
    pub kind: &'static str,
    /// What it counts.
    pub description: &'static str,
    /// How often.
    pub counts: Counts,
}

/// The records' way out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Export {
    /// Where they go.
    pub outputs: Vec<Outlet>,
    /// Collectors of IPFIX.
    pub collectors: Vec<Collector>,
    /// From the workers to the export thread.
    pub rings: Vec<Ring>,
}

/// Where records go.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outlet {
    /// What it is called.
    pub name: String,
    /// What became of the records.
    pub counts: Counts,
}

/// One collector of IPFIX. Of its counts, `sent` and `dropped` with [`waiting`](Self::waiting) are
/// `produced`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Collector {
    /// The operator's name for it.
    pub name: String,
    /// Address and port.
    pub address: String,
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
    /// Whether there is a connection.
    pub connected: bool,
    /// Records that wait or are being sent.
    pub waiting: u64,
    /// What became of the records.
    pub counts: Counts,
}

/// One worker's ring.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ring {
    /// The worker.
    pub worker: usize,
    /// Records that waited when it was last emptied.
    pub waiting: u64,
    /// Records it holds.
    pub slots: u64,
    /// Records it had no room for.
    pub counts: Counts,
}

/// The delays of one span. Nanoseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Latency {
    /// The Namespace-ID.
    pub namespace: u16,
    /// `hop`, `transit` or `one-way`.
    pub kind: &'static str,
    /// Where it begins.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// Delays of the last ten to twenty seconds, of which the following are.
    pub recent: u64,
    /// The least.
    pub min: u64,
    /// Half of them are no more than this.
    pub p50: u64,
    /// 90 percent.
    pub p90: u64,
    /// 99 percent.
    pub p99: u64,
    /// 99.9 percent.
    pub p999: u64,
    /// The most.
    pub max: u64,
    /// How many there were, and how many below 0, which clocks that differ make.
    pub counts: Counts,
    /// The sum of all so far.
    #[serde(skip)]
    pub sum: u64,
    /// All so far, by bucket of [`BOUNDS`](crate::latency::BOUNDS).
    #[serde(skip)]
    pub buckets: Vec<u64>,
}

/// The latest different paths, of a sample of the traces.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Paths {
    /// The one seen last first.
    pub latest: Vec<Path>,
    /// Traces in all, those looked at, and paths that made room for others.
    pub counts: Counts,
}

/// One path of the traces of one flow.
#[derive(Clone, Debug, Serialize)]
pub struct Path {
    /// The Namespace-ID.
    pub namespace: u16,
    /// Source of the user's packets.
    pub source: Ipv6Addr,
    /// Their destination.
    pub destination: Ipv6Addr,
    /// The nodes' ids, oldest first.
    pub nodes: Vec<String>,
    /// How many those are.
    pub hops: usize,
    /// Whether further nodes found no room in the trace.
    pub overflow: bool,
    /// From the first node to here, of the last trace; below 0 when clocks differ, `None` without
    /// timestamps.
    pub delay_nanoseconds: Option<i64>,
    /// How long ago it was seen first.
    pub first_seen_nanoseconds_ago: u64,
    /// How long ago it was seen last.
    pub last_seen_nanoseconds_ago: u64,
    /// How often, in the sample.
    pub counts: Counts,
}
