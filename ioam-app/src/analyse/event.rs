// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a record says, whichever way it came.

use std::net::Ipv6Addr;

use ioam_dp::accounting::{SequenceNumber, one_way_delay};
use ioam_dp::record::Flow;
use ioam_dp::table::spec::TimestampFormat;
use ioam_dp::timestamp::{Timestamp, WallTime};

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A trace that ended at the node that made the record.
    Trace(Trace),
    /// One node's direct export.
    Card(Card),
    /// An edge-to-edge option.
    EndToEnd(EndToEnd),
    /// What arrived of a sequence so far.
    Report(Box<Report>),
    /// Delays that the node gathered itself.
    Summary(Summary),
    /// A copy that a node looped back.
    LoopedBack,
    /// Something that is no question of paths, delay or loss.
    Other,
}

/// What one node wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// Hop_Lim.
    pub hop_limit: Option<u8>,
    /// node_id, of 24 or of 56 bits.
    pub node: Option<u64>,
    /// Where it came in.
    pub ingress: Option<u32>,
    /// Where it went out.
    pub egress: Option<u32>,
    /// When it was there.
    pub stamp: Option<Timestamp>,
    /// Nanoseconds in the node.
    pub transit: Option<u32>,
}

impl Hop {
    /// Whether the node wrote nothing but ones: it holds its place and says nothing.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let Self {
            hop_limit,
            node,
            ingress,
            egress,
            stamp,
            transit,
        } = self;
        *hop_limit == Some(u8::MAX)
            && node.is_none()
            && (ingress, egress) == (&None, &None)
            && stamp.is_none()
            && transit.is_none()
    }
}

/// What the hops of a record have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// When the node that made the record received the packet.
    pub received: Option<WallTime>,
    /// How timestamps are to be read.
    pub format: Option<TimestampFormat>,
    /// Namespace-ID.
    pub namespace: u16,
    /// Source of the header with the option.
    pub outer_source: Option<Ipv6Addr>,
    /// Destination of the header with the option.
    pub outer_destination: Option<Ipv6Addr>,
    /// The user's flow.
    pub flow: Option<Flow>,
    /// Whether the record was made for a profile: at an end of the domain, not on the way.
    pub for_profile: bool,
}

impl Context {
    /// Nanoseconds from the node's timestamp until receipt, of any use only beside another one if the
    /// receipt is not known.
    #[must_use]
    pub fn age(&self, hop: &Hop) -> Option<i64> {
        let received = self.received.unwrap_or_default();
        one_way_delay(received, hop.stamp?, self.format?)
    }

    /// Nanoseconds since 1970 of the receipt.
    #[must_use]
    pub fn time(&self) -> Option<i64> {
        self.received.and_then(nanoseconds)
    }
}

/// Nanoseconds since 1970; `None` where nobody's clock is (after 2262).
#[must_use]
pub fn nanoseconds(time: WallTime) -> Option<i64> {
    let seconds = i64::try_from(time.seconds).ok()?;
    let whole = seconds.checked_mul(1_000_000_000)?;
    whole.checked_add(time.nanoseconds.into())
}

/// A trace, the oldest node first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Where and when.
    pub context: Context,
    /// The O flag: nodes after the last one had no room.
    pub overflow: bool,
    /// The list is cut; `hops` has what is whole.
    pub malformed: bool,
    /// The nodes.
    pub hops: Vec<Hop>,
}

/// One node's direct export of one packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// Where and when: the receipt is that of this node.
    pub context: Context,
    /// Flow ID.
    pub flow_id: Option<u32>,
    /// Sequence Number.
    pub sequence: Option<u32>,
    /// The node.
    pub hop: Hop,
}

/// An edge-to-edge option.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndToEnd {
    /// Where and when.
    pub context: Context,
    /// The sequence number.
    pub sequence: Option<SequenceNumber>,
    /// When it was sent.
    pub stamp: Option<Timestamp>,
}

/// Figures of a sequence, from its first packet on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Where and when.
    pub context: Context,
    /// The profile, by name or number.
    pub profile: String,
    /// Direct export, else edge-to-edge.
    pub direct_export: bool,
    /// Flow ID.
    pub flow_id: Option<u32>,
    /// Nothing more follows.
    pub last: bool,
    /// The figures.
    pub figures: Figures,
}

/// What arrived of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Packets with a number, every copy counted.
    pub received: u64,
    /// Numbers given up.
    pub lost: u64,
    /// Numbers missing that may still come.
    pub pending: u64,
    /// Packets behind one with a larger number.
    pub reordered: u64,
    /// Further copies.
    pub duplicates: u64,
    /// Packets whose number had been given up.
    pub late: u64,
    /// Times the sender began anew.
    pub restarts: u64,
    /// One-way delay: packets, and the least, mean and greatest, and the jitter, in nanoseconds.
    pub delay: Option<(u64, i64, i64, i64, u64)>,
}

impl Figures {
    /// Different numbers that came in time.
    #[must_use]
    pub fn distinct(&self) -> u64 {
        self.received
            .saturating_sub(self.duplicates)
            .saturating_sub(self.late)
    }
}

/// Delays along one path over an interval, gathered by a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Where and when: the end of the interval.
    pub context: Context,
    /// The nodes, the oldest first.
    pub nodes: Vec<u64>,
    /// Packets.
    pub packets: u64,
    /// Mean, least and greatest delay in nanoseconds.
    pub delay: (i64, i64, i64),
}
