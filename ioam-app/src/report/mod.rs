// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a run did, in numbers: gathered from the workers' counters, shown as tables or as JSON.

mod columns;
mod show;

use std::sync::Arc;

use ioam_dp::stats::{Count, DropReason, NamespaceCounts, Notice, SequenceCounts, WorkerStats};
use ioam_dp::table::{Action, Tables};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::export::OutputCounts;
use crate::export::ipfix::CollectorReport;
pub use columns::Columns;

/// The figures of a run. `Display` shows tables without what is zero; `Serialize` has everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the configuration's order.
    pub ports: Vec<PortReport>,
    /// Every reason and notice, by name.
    pub counters: Counters,
    /// In the configuration's order.
    pub profiles: Vec<ProfileReport>,
    /// By index.
    pub namespaces: Vec<NamespaceReport>,
    /// By number.
    pub workers: Vec<WorkerReport>,
    /// What became of the records that left the rings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<OutputCounts>,
    /// What became of the records for each collector, in the configuration's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub collectors: Vec<CollectorReport>,
    /// Packet buffers that did not come back to their pools; absent where there are no pools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mbufs_leaked: Option<u64>,
}

/// One port, over all workers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PortReport {
    /// The operator's name for it.
    pub name: String,
    /// Packets received.
    pub received: u64,
    /// Octets received, from the Ethernet header on.
    pub received_octets: u64,
    /// Packets handed to the port.
    pub sent: u64,
    /// The device's own losses, where there is a device.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceLosses>,
}

/// Frames that a device lost, as its driver counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeviceLosses {
    /// Frames for which the receive queues had no room.
    pub rx_missed: u64,
    /// Frames received with errors.
    pub rx_errors: u64,
    /// Frames for which there was no packet buffer.
    pub rx_no_buffer: u64,
    /// Frames that could not be sent.
    pub tx_errors: u64,
}

impl DeviceLosses {
    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        self.rx_missed + self.rx_errors + self.rx_no_buffer + self.tx_errors
    }
}

/// One profile, over all workers; the counts are those of
/// [`ProfileCounts`](ioam_dp::stats::ProfileCounts).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProfileReport {
    /// The operator's name for it.
    pub name: String,
    /// Its node action: `encapsulate`, `transit` or `decapsulate`.
    pub action: &'static str,
    /// Packets the filter wanted.
    pub selected: u64,
    /// Of these, packets the sampling took; only encapsulating profiles sample.
    pub sampled: u64,
    /// Packets the action was carried out on.
    pub done: u64,
    /// Records handed over for export.
    pub records: u64,
    /// What became of the sequence numbers it accounts for; only decapsulating profiles do.
    pub sequences: SequenceReport,
}

/// Packets with sequence numbers; the counts are those of [`SequenceCounts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SequenceReport {
    /// Arrived, every copy counted.
    pub received: u64,
    /// Not seen before they were given up.
    pub lost: u64,
    /// Arrived behind one with a larger number.
    pub reordered: u64,
    /// Arrived again.
    pub duplicates: u64,
    /// Arrived after they had been given up.
    pub late: u64,
    /// Times a sequence started over.
    pub restarts: u64,
}

/// One namespace, over all workers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NamespaceReport {
    /// The Namespace-ID.
    pub id: u16,
    /// Traces this node wrote its data into.
    pub filled: u64,
    /// Traces without room for them.
    pub overflowed: u64,
    /// Options put into packets.
    pub encapsulated: u64,
    /// Options taken out of packets.
    pub decapsulated: u64,
    /// Direct exports made.
    pub exported: u64,
    /// Proofs of transit this node added its share to.
    pub proved: u64,
    /// Proofs of transit that were verified and found good.
    pub proofs_valid: u64,
}

/// One worker's time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WorkerReport {
    /// Times it looked for packets.
    pub polls: u64,
    /// Times it found some.
    pub bursts: u64,
    /// Packets it received.
    pub packets: u64,
    /// Ticks of its clock spent on bursts; 0 where the clock does not tick.
    pub busy_ticks: u64,
}

/// How often each [`DropReason`] and [`Notice`] was given, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters(Vec<Counter>);

/// One counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Its name.
    pub name: &'static str,
    /// What it counts.
    pub description: &'static str,
    /// Whether it counts packets that were not forwarded.
    pub is_drop: bool,
    /// How many.
    pub count: u64,
}

impl Counters {
    /// All of them, with those that are 0.
    #[must_use]
    pub fn all(&self) -> &[Counter] {
        &self.0
    }

    /// The counter with this name; 0 when there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        let counter = self.0.iter().find(|counter| counter.name == name);
        counter.map_or(0, |counter| counter.count)
    }
}

impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for counter in &self.0 {
            map.serialize_entry(counter.name, &counter.count)?;
        }
        map.end()
    }
}

impl Report {
    /// Adds up what the workers counted; `tables` name the ports, profiles and namespaces.
    #[must_use]
    pub fn gather(workers: &[Arc<WorkerStats>], tables: &Tables) -> Self {
        Self {
            ports: ports(workers, tables),
            counters: counters(workers),
            profiles: profiles(workers, tables),
            namespaces: namespaces(workers, tables),
            workers: workers.iter().map(|stats| worker(stats)).collect(),
            records: None,
            collectors: Vec::new(),
            mbufs_leaked: None,
        }
    }

    /// The whole report as one JSON object.
    #[must_use]
    pub fn json(&self) -> String {
        // Text, numbers and lists: nothing that JSON could refuse.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// The sum over the workers of the count that `pick` finds.
fn sum<'a>(
    workers: &'a [Arc<WorkerStats>],
    pick: impl Fn(&'a WorkerStats) -> Option<&'a Count>,
) -> u64 {
    let counts = workers.iter().filter_map(|stats| pick(stats));
    counts.fold(0, |sum, count| sum.wrapping_add(count.get()))
}

fn ports(workers: &[Arc<WorkerStats>], tables: &Tables) -> Vec<PortReport> {
    let port = |(place, name): (usize, &String)| PortReport {
        name: name.clone(),
        received: sum(workers, |stats| Some(&stats.ports.get(place)?.received)),
        received_octets: sum(workers, |stats| {
            Some(&stats.ports.get(place)?.received_octets)
        }),
        sent: sum(workers, |stats| Some(&stats.ports.get(place)?.sent)),
        device: None,
    };
    let names = tables.ports.iter().map(|port| &port.name);
    names.enumerate().map(port).collect()
}

fn profiles(workers: &[Arc<WorkerStats>], tables: &Tables) -> Vec<ProfileReport> {
    let profiles = tables.configured_profiles();
    profiles
        .map(|(place, profile)| (usize::from(place), profile))
        .map(|(place, profile)| ProfileReport {
            name: profile.name.clone(),
            action: match profile.action {
                Action::Encapsulate(_) => "encapsulate",
                Action::Transit => "transit",
                Action::Decapsulate(_) => "decapsulate",
            },
            selected: sum(workers, |stats| Some(&stats.profiles.get(place)?.selected)),
            sampled: sum(workers, |stats| Some(&stats.profiles.get(place)?.sampled)),
            done: sum(workers, |stats| Some(&stats.profiles.get(place)?.done)),
            records: sum(workers, |stats| Some(&stats.profiles.get(place)?.records)),
            sequences: sequences(workers, place),
        })
        .collect()
}

fn sequences(workers: &[Arc<WorkerStats>], profile: usize) -> SequenceReport {
    let count = |pick: fn(&SequenceCounts) -> &Count| {
        sum(workers, |stats| {
            Some(pick(&stats.profiles.get(profile)?.sequences))
        })
    };
    SequenceReport {
        received: count(|counts| &counts.received),
        lost: count(|counts| &counts.lost),
        reordered: count(|counts| &counts.reordered),
        duplicates: count(|counts| &counts.duplicates),
        late: count(|counts| &counts.late),
        restarts: count(|counts| &counts.restarts),
    }
}

fn namespaces(workers: &[Arc<WorkerStats>], tables: &Tables) -> Vec<NamespaceReport> {
    let namespaces = tables.namespaces.configured();
    namespaces
        .map(|(place, namespace)| (usize::from(place), namespace))
        .map(|(place, namespace)| {
            let count = |pick: fn(&NamespaceCounts) -> &Count| {
                sum(workers, |stats| Some(pick(stats.namespaces.get(place)?)))
            };
            NamespaceReport {
                id: namespace.id.0,
                filled: count(|counts| &counts.filled),
                overflowed: count(|counts| &counts.overflowed),
                encapsulated: count(|counts| &counts.encapsulated),
                decapsulated: count(|counts| &counts.decapsulated),
                exported: count(|counts| &counts.exported),
                proved: count(|counts| &counts.proved),
                proofs_valid: count(|counts| &counts.proofs_valid),
            }
        })
        .collect()
}

fn worker(stats: &WorkerStats) -> WorkerReport {
    WorkerReport {
        polls: stats.work.polls.get(),
        bursts: stats.work.bursts.get(),
        packets: stats.ports.iter().map(|port| port.received.get()).sum(),
        busy_ticks: stats.work.busy_ticks.get(),
    }
}

fn counters(workers: &[Arc<WorkerStats>]) -> Counters {
    let drops = DropReason::ALL.iter().map(|reason| Counter {
        name: reason.name(),
        description: reason.description(),
        is_drop: true,
        count: workers.iter().map(|stats| stats.drops(*reason)).sum(),
    });
    let notices = Notice::ALL.iter().map(|notice| Counter {
        name: notice.name(),
        description: notice.description(),
        is_drop: false,
        count: workers.iter().map(|stats| stats.notices(*notice)).sum(),
    });
    Counters(drops.chain(notices).collect())
}

#[cfg(test)]
mod tests;
