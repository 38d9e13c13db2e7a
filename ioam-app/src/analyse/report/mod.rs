// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What was found, in figures that need no further reckoning: `--json` prints them as they are, text and
//! HTML in tables.

mod build;
mod findings;
mod losses;
mod summary;
mod text;
pub mod units;

use serde::Serialize;

use super::gather::{CardCounts, RecordCounts};
use super::input::InputReport;
pub(super) use findings::place as loss_place;
pub(super) use text::name as sequence_name;
pub use text::text;

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The program and its version.
    pub program: String,
    /// When this was made, RFC 3339.
    pub made: String,
    /// What it was made from.
    pub inputs: Vec<InputReport>,
    /// Records by kind.
    pub records: RecordCounts,
    /// The first packet, RFC 3339.
    pub first: Option<String>,
    /// The last one.
    pub last: Option<String>,
    /// Nanoseconds from the first to the last.
    pub nanoseconds: u64,
    /// The short of it.
    pub summary: Summary,
    /// What deserves attention.
    pub findings: Vec<Finding>,
    /// Flows, those with most packets first.
    pub flows: Vec<Flow>,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Links between nodes that are known.
    pub links: Vec<Link>,
    /// Where the hop limits say that nodes wrote nothing.
    pub missing_hops: Vec<Missing>,
    /// Packets with direct export that did not arrive, by where they were seen last.
    pub losses: Vec<Loss>,
    /// What nodes report of sequences.
    pub sequences: Vec<Sequence>,
    /// Changes of paths, in their order.
    pub changes: Vec<Change>,
    /// What there was no room for, or no use.
    pub left_out: LeftOut,
}

/// The short of it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Summary {
    /// Packets whose way is known.
    pub packets: u64,
    /// Flows.
    pub flows: u64,
    /// Paths of all flows.
    pub paths: u64,
    /// Packets that were lost, each counted once as far as records tell.
    pub lost: u64,
    /// Of so many that were sent and counted.
    pub lost_of: u64,
    /// Packets out of order, as nodes report.
    pub reordered: u64,
    /// Packets that came twice, as nodes report.
    pub duplicates: u64,
    /// Packets whose record lacks a node that the hop limits tell of.
    pub with_missing_hops: u64,
    /// Traces that had no room for all nodes.
    pub overflowed: u64,
    /// Nodes that held their place in a trace and wrote nothing.
    pub blank: u64,
    /// Times a flow left one path for another.
    pub changes: u64,
}

/// Something that deserves attention.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Whether packets or hops are missing, and not only records.
    pub trouble: bool,
    /// One or two sentences.
    pub text: String,
}

/// Delays in nanoseconds. Percentiles are to one percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Delay {
    /// Values.
    pub count: u64,
    /// The least.
    pub min: u64,
    /// The mean.
    pub mean: u64,
    /// Half of all are not above; absent where there are too many things to measure.
    pub p50: Option<u64>,
    /// So are 90 of 100.
    pub p90: Option<u64>,
    /// So are 99 of 100.
    pub p99: Option<u64>,
    /// So are 999 of 1000.
    pub p999: Option<u64>,
    /// The greatest.
    pub max: u64,
    /// Values below 0, which only clocks that differ can make; they are in none of the others.
    pub negative: u64,
}

/// One flow.
#[derive(Clone, Debug, Serialize)]
pub struct Flow {
    /// Its number, from 1.
    pub flow: usize,
    /// `trace`, `direct-export` or `edge-to-edge`.
    pub kind: &'static str,
    /// All that tells it apart, as text.
    pub label: String,
    /// Namespace-ID.
    pub namespace: u16,
    /// Source of the user's packets.
    pub source: Option<String>,
    /// Their destination.
    pub destination: Option<String>,
    /// Source port; 0 where there is none.
    pub source_port: u16,
    /// Destination port; 0 where there is none.
    pub destination_port: u16,
    /// The upper-layer protocol.
    pub next_header: Option<u8>,
    /// Flow ID of direct export.
    pub flow_id: Option<u32>,
    /// Source of the header with the option.
    pub outer_source: Option<String>,
    /// Its destination.
    pub outer_destination: Option<String>,
    /// Packets.
    pub packets: u64,
    /// The first, RFC 3339.
    pub first: Option<String>,
    /// The last.
    pub last: Option<String>,
    /// From the first node to the end.
    pub end_to_end: Option<Delay>,
    /// The paths, those with most packets first.
    pub paths: Vec<Path>,
    /// How often a packet took another path than the one before it.
    pub switches: u64,
    /// How often the flow left a path for another one.
    pub changes: u64,
    /// Packets are spread over several paths at the same time.
    pub spread: bool,
    /// Traces that had no room for all nodes.
    pub overflowed: u64,
    /// What became of its packets, as direct exports of several nodes tell.
    pub outcome: Option<Outcome>,
    /// Packets of paths that there was no room for.
    pub left_out: u64,
}

/// What became of a flow's packets.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Outcome {
    /// Seen at the last node of their path.
    pub arrived: u64,
    /// Seen by some node and not by the last.
    pub lost: u64,
    /// Seen by no node, though numbers before and after were.
    pub unseen: u64,
}

/// One path of a flow.
#[derive(Clone, Debug, Serialize)]
pub struct Path {
    /// Its number within the flow, from 1.
    pub path: usize,
    /// The nodes.
    pub nodes: Vec<Place>,
    /// The same as text.
    pub label: String,
    /// Packets.
    pub packets: u64,
    /// The first, RFC 3339.
    pub first: Option<String>,
    /// The last.
    pub last: Option<String>,
    /// Further nodes had no room to write.
    pub open: bool,
    /// The packets were not seen at the end: direct export.
    pub lost: bool,
    /// From the first node to the end.
    pub end_to_end: Option<Delay>,
    /// From the last node that wrote to the receipt at the end.
    pub to_end: Option<Delay>,
}

/// A node's place on a path.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// Its id; absent where it wrote none.
    pub id: Option<String>,
    /// Its name, else its id.
    pub name: String,
    /// Here so many nodes wrote nothing.
    pub missing: Option<u8>,
    /// Hop_Lim, as the last packet had it.
    pub hop_limit: Option<u8>,
    /// Interface in, as the last packet had it.
    pub ingress: Option<u32>,
    /// Interface out.
    pub egress: Option<u32>,
    /// From the node before.
    pub from_before: Option<Delay>,
    /// In the node.
    pub transit: Option<Delay>,
}

/// One node.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// Its id; absent where it wrote none.
    pub id: Option<String>,
    /// Its name, else its id.
    pub name: String,
    /// Packets.
    pub packets: u64,
    /// In the node.
    pub transit: Option<Delay>,
}

/// From one node to the next that is known.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// The node it comes from.
    pub from: String,
    /// The node it leads to.
    pub to: String,
    /// Nodes in between that wrote nothing.
    pub missing: u8,
    /// Packets.
    pub packets: u64,
    /// Delay, the time in the first node included.
    pub delay: Option<Delay>,
}

/// Where nodes wrote nothing.
#[derive(Clone, Debug, Serialize)]
pub struct Missing {
    /// Behind this node.
    pub after: String,
    /// In front of that one.
    pub before: String,
    /// How many, by the hop limits.
    pub nodes: u8,
    /// Who it must have been, if only one path explains it.
    pub probably: Option<String>,
    /// Packets.
    pub packets: u64,
    /// The first, RFC 3339.
    pub first: Option<String>,
    /// The last.
    pub last: Option<String>,
}

/// Packets with direct export that did not arrive.
#[derive(Clone, Debug, Serialize)]
pub struct Loss {
    /// The flow's number.
    pub flow: usize,
    /// The last node that saw them; absent where none did.
    pub after: Option<String>,
    /// The nodes that others went on to from there.
    pub before: Vec<String>,
    /// How many.
    pub packets: u64,
    /// Their first sequence numbers.
    pub sequences: Vec<u32>,
}

/// What a node reports of a sequence.
#[derive(Clone, Debug, Serialize)]
pub struct Sequence {
    /// The input that the reports came from.
    pub input: String,
    /// `edge-to-edge` or `direct-export`.
    pub kind: &'static str,
    /// The node's profile.
    pub profile: String,
    /// Namespace-ID.
    pub namespace: u16,
    /// Source of the header with the options.
    pub source: Option<String>,
    /// Flow ID of direct export.
    pub flow_id: Option<u32>,
    /// The user's flow, where sequences are by flow.
    pub flow: Option<String>,
    /// Different numbers that came.
    pub distinct: u64,
    /// Numbers that did not.
    pub lost: u64,
    /// Numbers missing that may still come.
    pub pending: u64,
    /// Packets behind one with a larger number.
    pub reordered: u64,
    /// Further copies.
    pub duplicates: u64,
    /// Packets that came after they had been given up.
    pub late: u64,
    /// Times the sender began anew.
    pub restarts: u64,
    /// Least, mean and greatest one-way delay, and jitter, in nanoseconds.
    pub delay: Option<OneWay>,
    /// Losses of the same flow are known from direct exports as well, and counted there.
    pub known_from_exports: bool,
}

/// One-way delay in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OneWay {
    /// Packets.
    pub packets: u64,
    /// The least; negative where clocks differ.
    pub min: i64,
    /// The mean.
    pub mean: i64,
    /// The greatest.
    pub max: i64,
    /// Interarrival jitter (RFC 3550).
    pub jitter: u64,
}

/// A flow left one path for another.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// The flow's number.
    pub flow: usize,
    /// The last packet on the old path, RFC 3339.
    pub before: Option<String>,
    /// The first packet on the new one.
    pub at: Option<String>,
    /// The old path.
    pub from: String,
    /// The new one.
    pub to: String,
    #[serde(skip)]
    pub(super) time: Option<i64>,
}

/// What there was no room for, or no use.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct LeftOut {
    /// Packets of flows, paths, links and nodes beyond what is kept.
    pub packets: u64,
    /// Reports of sequences beyond what is kept.
    pub reports: u64,
    /// Traces that are cut.
    pub malformed_traces: u64,
    /// Direct exports.
    pub exports: CardCounts,
}

impl Report {
    /// Whether packets were lost or hops are missing.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        self.findings.iter().any(|finding| finding.trouble)
    }
}
