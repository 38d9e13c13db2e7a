// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a worker counts: one writer, the worker; any number of readers, at any time.

mod reason;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crossbeam::utils::CachePadded;

use crate::flow_state::FlowTable;
use crate::table::Tables;
pub use reason::{DropReason, Notice};

/// A number that one thread raises and others read.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Raises it. Only the owning worker calls this, so a load and a store are enough.
    #[inline]
    pub fn add(&self, more: u64) {
        self.0
            .store(self.0.load(Relaxed).wrapping_add(more), Relaxed);
    }

    /// Shows a number that is kept elsewhere. Only the owning worker calls this.
    #[inline]
    pub fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    /// Its value now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Packets and octets of one port, as one worker saw them.
#[derive(Debug, Default)]
pub struct PortCounts {
    /// Packets received.
    pub received: Count,
    /// Octets received, from the Ethernet header to the end of the frame.
    pub received_octets: Count,
    /// Packets handed to the port.
    pub sent: Count,
}

/// One profile's packets.
#[derive(Debug, Default)]
pub struct ProfileCounts {
    /// Packets the filter wanted.
    pub selected: Count,
    /// Of these, packets the sampling took.
    pub sampled: Count,
    /// Of these, packets that got the option, or whose option was removed, or filled.
    pub done: Count,
    /// Records handed over for export.
    pub records: Count,
    /// What became of the sequence numbers it accounts for.
    pub sequences: SequenceCounts,
}

impl ProfileCounts {
    fn all(&self) -> [&Count; 10] {
        let Self {
            selected,
            sampled,
            done,
            records,
            sequences,
        } = self;
        let SequenceCounts {
            received,
            lost,
            reordered,
            duplicates,
            late,
            restarts,
        } = sequences;
        [
            selected, sampled, done, records, received, lost, reordered, duplicates, late, restarts,
        ]
    }
}

/// Packets with sequence numbers, at a decapsulating node.
#[derive(Debug, Default)]
pub struct SequenceCounts {
    /// Arrived, every copy counted.
    pub received: Count,
    /// Not seen before they were given up.
    pub lost: Count,
    /// Arrived behind one with a larger number (RFC 4737, 3).
    pub reordered: Count,
    /// Arrived again.
    pub duplicates: Count,
    /// Arrived after they had been given up.
    pub late: Count,
    /// Times a sequence started over.
    pub restarts: Count,
}

/// One namespace's options.
#[derive(Debug, Default)]
pub struct NamespaceCounts {
    /// Traces this node wrote its data into.
    pub filled: Count,
    /// Traces this node had no room in, so that it set the overflow flag.
    pub overflowed: Count,
    /// Options put into packets.
    pub encapsulated: Count,
    /// Options taken out of packets.
    pub decapsulated: Count,
    /// Direct exports made.
    pub exported: Count,
    /// Proofs of transit this node added its share to.
    pub proved: Count,
    /// Proofs of transit that were verified and found good.
    pub proofs_valid: Count,
}

impl NamespaceCounts {
    fn all(&self) -> [&Count; 7] {
        let Self {
            filled,
            overflowed,
            encapsulated,
            decapsulated,
            exported,
            proved,
            proofs_valid,
        } = self;
        [
            filled,
            overflowed,
            encapsulated,
            decapsulated,
            exported,
            proved,
            proofs_valid,
        ]
    }
}

/// How a worker spent its time.
#[derive(Debug, Default)]
pub struct WorkCounts {
    /// Times it looked for packets.
    pub polls: Count,
    /// Times it found some.
    pub bursts: Count,
    /// Ticks of the clock spent on bursts, from receiving to sending.
    pub busy_ticks: Count,
}

/// How full a worker's tables of flows are.
#[derive(Debug, Default)]
pub struct FlowCounts {
    /// Flows whose direct export options are numbered.
    pub direct_export: TableCounts,
    /// Flows whose edge-to-edge options are numbered.
    pub edge_to_edge: TableCounts,
    /// Packet groups that are accounted for.
    pub groups: TableCounts,
}

/// One table of flows; all 0 where nothing needs it.
#[derive(Debug, Default)]
pub struct TableCounts {
    /// Flows in it now, idle ones included until they are found to be.
    pub used: Count,
    /// Places for flows.
    pub slots: Count,
    /// Flows that fell idle and were removed, or started over, since the table was made.
    pub evicted: Count,
}

impl TableCounts {
    /// Takes the figures of a table.
    pub(crate) fn show<V: Default>(&self, table: &FlowTable<V>) {
        self.used.set(table.len() as u64);
        self.slots.set(table.capacity() as u64);
        self.evicted.set(table.evicted());
    }
}

/// Everything one worker counts.
#[derive(Debug)]
pub struct WorkerStats {
    drops: CachePadded<[Count; DropReason::ALL.len()]>,
    notices: CachePadded<[Count; Notice::ALL.len()]>,
    /// By port.
    pub ports: CachePadded<Box<[PortCounts]>>,
    /// By index of the profile; a profile keeps it when tables are replaced.
    pub profiles: CachePadded<Box<[ProfileCounts]>>,
    /// By namespace, in the order of [`Tables::namespaces`](crate::table::Tables).
    pub namespaces: CachePadded<Box<[NamespaceCounts]>>,
    /// The worker's tables of flows.
    pub flows: CachePadded<FlowCounts>,
    /// The worker's time.
    pub work: CachePadded<WorkCounts>,
}

impl WorkerStats {
    /// All zero, for a node with this many of each.
    #[must_use]
    pub fn new(ports: usize, profiles: usize, namespaces: usize) -> Arc<Self> {
        fn zeros<T: Default>(count: usize) -> Box<[T]> {
            std::iter::repeat_with(T::default).take(count).collect()
        }
        Arc::new(Self {
            drops: CachePadded::new(std::array::from_fn(|_| Count::default())),
            notices: CachePadded::new(std::array::from_fn(|_| Count::default())),
            ports: CachePadded::new(zeros(ports)),
            profiles: CachePadded::new(zeros(profiles)),
            namespaces: CachePadded::new(zeros(namespaces)),
            flows: CachePadded::default(),
            work: CachePadded::default(),
        })
    }

    /// All zero, with as many of each.
    pub(crate) fn zeros_alike(&self) -> Arc<Self> {
        Self::new(self.ports.len(), self.profiles.len(), self.namespaces.len())
    }

    /// What handling a packet can raise, in an order that depends on `tables` alone.
    pub(crate) fn of_packets(&self, tables: &Tables) -> impl Iterator<Item = &Count> {
        let profiles = self.profiles.iter().take(tables.profiles.len());
        let namespaces = self.namespaces.iter().take(tables.namespaces.all().len());
        let reasons = self.drops.iter().chain(self.notices.iter());
        reasons
            .chain(profiles.flat_map(ProfileCounts::all))
            .chain(namespaces.flat_map(NamespaceCounts::all))
    }

    /// Counts a packet that is not forwarded.
    #[inline]
    pub fn dropped(&self, reason: DropReason) {
        self.drops[reason as usize].add(1);
    }

    /// Counts something not done to a packet.
    #[inline]
    pub fn notice(&self, notice: Notice) {
        self.notices[notice as usize].add(1);
    }

    /// Packets dropped for `reason`.
    #[must_use]
    pub fn drops(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize].get()
    }

    /// How often `notice` was given.
    #[must_use]
    pub fn notices(&self, notice: Notice) -> u64 {
        self.notices[notice as usize].get()
    }
}
