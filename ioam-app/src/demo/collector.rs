// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every trace, verified where it leaves the domain: none on the way to here can be lost.

use std::sync::Arc;

use hdrhistogram::Histogram;
use ioam_dp::port::STAGE;
use ioam_dp::record::ExportRecord;
use ioam_dp::timestamp::WallTime;
use ioam_dp::wire::ioam::{NodeData, NodeDataList, TraceFlags, TraceHeader, UNAVAILABLE};

use super::chain::RING;
use super::domain::{NAMESPACE, NODES, OUTER_HOP_LIMIT, STATIONS, TRACE_TYPE};
use super::findings::{Finding, Findings, ensure};
use super::traffic::{TRACED_FLOWS, Traffic};

/// Ways whose delays are measured: from each node to the next, and from first to last.
pub(super) const WAYS: usize = NODES;

/// Longest delay that is told apart: 10 s.
const LONGEST: u64 = 10_000_000_000;
/// "2^31 ns or more" (RFC 9197, 4.4.2.5).
const LONGEST_TRANSIT: u32 = 0x8000_0000;
/// Most packets that can wait for a link: a ring full of them, and a worker's stage.
#[allow(clippy::cast_possible_truncation, reason = "a few hundred")]
const DEEPEST: u32 = RING + STAGE as u32;
/// Two roundings of one clock may differ by this many nanoseconds.
const ROUNDING: u64 = 1;

/// One node's element of a trace, oldest node first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) hop_limit: u8,
    pub(super) node_id: u32,
    pub(super) ingress: u16,
    pub(super) egress: u16,
    /// When the node received the packet: nanoseconds since 1970.
    pub(super) received: u64,
    /// Nanoseconds in the node.
    pub(super) transit_delay: u32,
    /// Buffers waiting at the node's output.
    pub(super) queue_depth: u32,
}

/// A decoded trace and the flow it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    pub(super) flow: usize,
    pub(super) hops: [Hop; NODES],
}

/// Delays of one way, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Delay {
    pub(super) median: u64,
    pub(super) p99: u64,
    pub(super) longest: u64,
}

/// Verifies the traces that the decapsulating node removes.
#[derive(Debug)]
pub(super) struct Collector {
    traffic: Arc<Traffic>,
    /// When the run began: nanoseconds since 1970.
    start: u64,
    /// The latest time in any trace.
    latest: u64,
    verified: u64,
    findings: Findings,
    /// By flow: traces seen, good or bad.
    seen: [u64; TRACED_FLOWS],
    delays: [Histogram<u64>; WAYS],
    wants_trace: bool,
    trace: Option<Trace>,
}

impl Collector {
    /// A collector of a run that begins at `start`.
    pub(super) fn new(traffic: Arc<Traffic>, start: WallTime) -> anyhow::Result<Self> {
        let histogram = || Histogram::new_with_bounds(1, LONGEST, 2);
        Ok(Self {
            traffic,
            start: start.as_nanoseconds(),
            latest: 0,
            verified: 0,
            findings: Findings::default(),
            seen: [0; TRACED_FLOWS],
            delays: [histogram()?, histogram()?, histogram()?, histogram()?],
            wants_trace: true,
            trace: None,
        })
    }

    /// Traces without a fault.
    pub(super) fn verified(&self) -> u64 {
        self.verified
    }

    /// What was wrong with the others: one finding a trace.
    pub(super) fn findings(&self) -> &Findings {
        &self.findings
    }

    /// By flow: traces seen, good or bad.
    pub(super) fn seen(&self) -> &[u64; TRACED_FLOWS] {
        &self.seen
    }

    /// A recent trace; the next one takes its place.
    pub(super) fn trace(&mut self) -> Option<Trace> {
        self.wants_trace = true;
        self.trace
    }

    /// The delays so far.
    pub(super) fn delays(&self) -> [Delay; WAYS] {
        std::array::from_fn(|way| {
            let histogram = &self.delays[way];
            Delay {
                median: histogram.value_at_quantile(0.5),
                p99: histogram.value_at_quantile(0.99),
                longest: histogram.max(),
            }
        })
    }

    /// The run ends at `now`: a trace from later is wrong.
    pub(super) fn end(&mut self, now: WallTime) {
        if self.latest > now.as_nanoseconds() {
            self.findings.add(Finding::TraceTime);
        }
    }

    /// Verifies a trace and adds it to the figures.
    pub(super) fn enter(&mut self, record: &ExportRecord) {
        match self.verify(record) {
            Ok(()) => self.verified += 1,
            Err(finding) => self.findings.add(finding),
        }
    }

    /// Checks everything a trace says.
    fn verify(&mut self, record: &ExportRecord) -> Result<(), Finding> {
        let flow = self
            .traffic
            .traced(&record.flow)
            .ok_or(Finding::TraceFlow)?;
        self.seen[flow] += 1;
        let hops = decode(record.option_data())?;
        for (place, hop) in hops.iter().enumerate() {
            let station = &STATIONS[place];
            ensure(hop.node_id == station.id, Finding::TraceNodeId)?;
            let fallen = OUTER_HOP_LIMIT.wrapping_sub(u8::try_from(place).unwrap_or(u8::MAX));
            ensure(hop.hop_limit == fallen, Finding::TraceHopLimit)?;
            let interfaces = (hop.ingress, hop.egress) == (station.ingress, station.egress);
            ensure(interfaces, Finding::TraceInterfaces)?;
            ensure(hop.queue_depth <= DEEPEST, Finding::TraceQueueDepth)?;
        }
        ensure(hops[0].received >= self.start, Finding::TraceTime)?;
        let last = hops[NODES - 1].received;
        ensure(last == record.received.as_nanoseconds(), Finding::TraceTime)?;
        ensure(
            hops[NODES - 1].transit_delay <= LONGEST_TRANSIT,
            Finding::TraceDelay,
        )?;
        for pair in hops.windows(2) {
            let way = pair[1]
                .received
                .checked_sub(pair[0].received)
                .ok_or(Finding::TraceTime)?;
            let in_node = pair[0].transit_delay;
            let is_sane = in_node != UNAVAILABLE && u64::from(in_node) <= way + ROUNDING;
            ensure(is_sane, Finding::TraceDelay)?;
        }
        self.keep(flow, &hops);
        Ok(())
    }

    /// Adds a good trace to the figures.
    fn keep(&mut self, flow: usize, hops: &[Hop; NODES]) {
        let (first, last) = (hops[0].received, hops[NODES - 1].received);
        for (pair, delay) in hops.windows(2).zip(&mut self.delays) {
            delay.saturating_record(pair[1].received - pair[0].received);
        }
        self.delays[WAYS - 1].saturating_record(last - first);
        self.latest = self.latest.max(last);
        if self.wants_trace {
            self.wants_trace = false;
            self.trace = Some(Trace { flow, hops: *hops });
        }
    }
}

/// Reads a full trace of all nodes, and checks what does not depend on the run.
fn decode(option_data: &[u8]) -> Result<[Hop; NODES], Finding> {
    let (header, _) = TraceHeader::split(option_data).ok_or(Finding::TraceMalformed)?;
    ensure(header.namespace().0 == NAMESPACE, Finding::TraceNamespace)?;
    ensure(header.trace_type() == TRACE_TYPE, Finding::TraceType)?;
    let is_full = header.remaining_len() == 0 && !header.has(TraceFlags::OVERFLOW);
    ensure(is_full, Finding::TraceOverflow)?;
    let list = NodeDataList::preallocated(option_data).ok_or(Finding::TraceMalformed)?;
    let mut hops = [Hop::default(); NODES];
    let mut left = NODES;
    // The newest node stands in front.
    for node in list {
        let node = node.map_err(|_| Finding::TraceMalformed)?;
        left = left.checked_sub(1).ok_or(Finding::TraceLength)?;
        let station = &STATIONS[left];
        ensure(
            node.namespace_data == Some(station.data),
            Finding::TraceNamespaceData,
        )?;
        let is_snapshot = match (node.opaque_state, station.schema) {
            (Some((id, data)), Some((own_id, own))) => id == own_id && same_padded(data, own),
            (Some((id, [])), None) => id == 0xFF_FFFF,
            _ => false,
        };
        ensure(is_snapshot, Finding::TraceSnapshot)?;
        hops[left] = hop(&node).ok_or(Finding::TraceMalformed)?;
    }
    ensure(left == 0, Finding::TraceLength)?;
    Ok(hops)
}

/// Whether `padded` is `data` with zeros behind it.
fn same_padded(padded: &[u8], data: &[u8]) -> bool {
    padded
        .strip_prefix(data)
        .is_some_and(|rest| rest.len() < 4 && rest.iter().all(|o| *o == 0))
}

/// The fields of a node, all of which the trace type asks for; `None` when the nanoseconds are none.
fn hop(node: &NodeData<'_>) -> Option<Hop> {
    let nanoseconds = node
        .timestamp_fraction
        .filter(|fraction| *fraction < 1_000_000_000)?;
    let received = WallTime {
        seconds: node.timestamp_seconds?.into(),
        nanoseconds,
    };
    Some(Hop {
        hop_limit: node.hop_limit?,
        node_id: node.node_id?,
        ingress: node.ingress_if_id?,
        egress: node.egress_if_id?,
        received: received.as_nanoseconds(),
        transit_delay: node.transit_delay?,
        queue_depth: node.queue_depth?,
    })
}
