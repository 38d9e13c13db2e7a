// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The delay along each path, gathered over an interval.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use ioam_dp::accounting::one_way_delay;
use ioam_dp::record::{ExportRecord, MAX_OPTION_DATA, Occasion};
use ioam_dp::timestamp::{Timestamp, WallTime};
use ioam_dp::wire::ioam::{
    EdgeToEdge, NamespaceId, NodeData, NodeDataList, OptionType, TraceHeader, TraceType,
};

use super::names::Names;

/// Paths that are told apart in one interval; what comes after them is counted and left out.
pub const MOST_PATHS: usize = 4096;

/// `node_id`s from the oldest node on: four octets each, eight where there are wide ones alone.
type NodeIds = ArrayVec<u8, MAX_OPTION_DATA>;

/// What tells paths apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathKey {
    /// The namespace.
    pub namespace: NamespaceId,
    /// Trace or edge-to-edge.
    pub option_type: OptionType,
    /// The profile that took the option out.
    pub profile: Option<u16>,
    /// Source of the header that carried the option.
    pub source: [u8; 16],
    /// Destination of the header that carried the option.
    pub destination: [u8; 16],
    /// The trace type; 0 for edge-to-edge.
    pub trace_type: TraceType,
    /// Nodes on the path.
    pub hops: u8,
    /// Their ids.
    pub nodes: NodeIds,
}

/// The delay along a path: from the oldest node's timestamp, or the encapsulating node's, until
/// receipt here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathReport {
    /// The path.
    pub key: PathKey,
    /// Receipt of the first packet.
    pub first: WallTime,
    /// Receipt of the last packet.
    pub last: WallTime,
    /// Packets with a delay.
    pub packets: u64,
    /// The sum of their delays, nanoseconds; one below 0 counts as 0.
    pub sum: u64,
    /// The least, nanoseconds.
    pub min: u64,
    /// The greatest, nanoseconds.
    pub max: u64,
}

/// Gathers delays.
#[derive(Debug)]
pub struct Paths {
    reports: HashMap<PathKey, PathReport>,
    interval: Duration,
    due: Instant,
    left_out: u64,
}

impl Paths {
    /// Reports every `interval`, the first time that long after `now`.
    #[must_use]
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self {
            reports: HashMap::new(),
            interval,
            due: now + interval,
            left_out: 0,
        }
    }

    /// Takes a record into account, if it has a delay.
    pub fn observe(&mut self, record: &ExportRecord, names: &Names) {
        let Some((key, delay)) = measured(record, names) else {
            return;
        };
        let received = record.received;
        let delay = u64::try_from(delay).unwrap_or(0);
        if let Some(report) = self.reports.get_mut(&key) {
            report.last = report.last.max(received);
            report.first = report.first.min(received);
            report.packets += 1;
            report.sum = report.sum.saturating_add(delay);
            report.min = report.min.min(delay);
            report.max = report.max.max(delay);
        } else if self.reports.len() < MOST_PATHS {
            let report = PathReport {
                key: key.clone(),
                first: received,
                last: received,
                packets: 1,
                sum: delay,
                min: delay,
                max: delay,
            };
            self.reports.insert(key, report);
        } else {
            self.left_out += 1;
        }
    }

    /// What was gathered, when an interval is over.
    pub fn due(&mut self, now: Instant) -> Vec<PathReport> {
        if now < self.due {
            return Vec::new();
        }
        self.due = now + self.interval;
        self.take()
    }

    /// What was gathered so far.
    pub fn take(&mut self) -> Vec<PathReport> {
        self.reports.drain().map(|(_, report)| report).collect()
    }

    /// Packets that would have been the first of one path too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

/// The path of a packet that ended here, and its delay in nanoseconds.
fn measured(record: &ExportRecord, names: &Names) -> Option<(PathKey, i64)> {
    let ended_here = matches!(record.occasion, Occasion::Decapsulated | Occasion::Active);
    if !ended_here || record.received == WallTime::default() {
        return None;
    }
    let mut key = PathKey {
        namespace: record.namespace,
        option_type: record.option_type,
        profile: record.profile,
        source: record.outer_source,
        destination: record.outer_destination,
        trace_type: TraceType::default(),
        hops: 0,
        nodes: NodeIds::new(),
    };
    let data = record.option_data();
    let sent = match record.option_type {
        OptionType::PreallocatedTrace | OptionType::IncrementalTrace => {
            key.trace_type = TraceHeader::split(data)?.0.trace_type();
            trace(record, &mut key)?
        }
        OptionType::EdgeToEdge => {
            let option = EdgeToEdge::parse(data).ok()?;
            timestamp(option.seconds, option.fraction)?
        }
        _ => return None,
    };
    let delay = one_way_delay(record.received, sent, names.format(record.namespace)?)?;
    Some((key, delay))
}

fn timestamp(seconds: Option<u32>, fraction: Option<u32>) -> Option<Timestamp> {
    Some(Timestamp {
        seconds: seconds?,
        fraction: fraction?,
    })
}

/// Fills in the nodes; the oldest node's timestamp.
fn trace(record: &ExportRecord, key: &mut PathKey) -> Option<Timestamp> {
    let data = record.option_data();
    let list = match record.option_type {
        OptionType::IncrementalTrace => NodeDataList::incremental(data)?,
        _ => NodeDataList::preallocated(data)?,
    };
    let nodes: ArrayVec<NodeData<'_>, 64> = list.take(64).collect::<Result<_, _>>().ok()?;
    for node in nodes.iter().rev() {
        let id = node_id(node);
        // All ids of a trace that is in an option fit.
        key.nodes.try_extend_from_slice(&id).ok()?;
        key.hops = key.hops.saturating_add(1);
    }
    let oldest = nodes.last()?;
    timestamp(oldest.timestamp_seconds, oldest.timestamp_fraction)
}

fn node_id(node: &NodeData<'_>) -> ArrayVec<u8, 8> {
    match (node.node_id, node.node_id_wide) {
        (Some(id), _) => id.to_be_bytes().into_iter().collect(),
        (None, Some(wide)) => wide.to_be_bytes().into_iter().collect(),
        (None, None) => ArrayVec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::ndjson::tests::{record, tables};
    use super::*;

    /// Two nodes with id, seconds and fraction; the older one sent at .1 s, format NTP.
    fn traced(delay_milliseconds: u32) -> ExportRecord {
        let mut record = record("007b1800b00000003f0b0001eaf53f2220000000400a0001ea66a4a219999999");
        record.received.nanoseconds = 100_000_000 + delay_milliseconds * 1_000_000;
        record
    }

    fn names() -> Names {
        Names::new(&tables())
    }

    #[test]
    fn delays_are_gathered_by_path() {
        let now = Instant::now();
        let mut paths = Paths::new(Duration::from_secs(10), now);
        for delay in [30, 10, 20] {
            let mut record = traced(delay);
            record.option[28..32].copy_from_slice(&[0x19, 0x99, 0x99, 0x99]);
            record.option[24..28].copy_from_slice(&3_932_549_026_u32.to_be_bytes());
            paths.observe(&record, &names());
        }
        paths.observe(&record("007b080080000000"), &names());
        assert_eq!(paths.due(now), []);
        let reports = paths.due(now + Duration::from_secs(10));
        let [report] = &reports[..] else {
            panic!("{reports:?}")
        };
        assert_eq!((report.packets, report.key.hops), (3, 2));
        let milliseconds = [report.min, report.max, report.sum].map(|delay| delay / 1_000_000);
        assert_eq!(milliseconds, [10, 30, 60]);
        assert_eq!(report.key.nodes[..], [0, 0x0A, 0, 1, 0, 0x0B, 0, 1]);
        assert_eq!(paths.take(), []);
    }

    #[test]
    fn there_is_a_limit_and_what_is_left_out_is_counted() {
        let mut paths = Paths::new(Duration::from_secs(10), Instant::now());
        for number in 0..u16::try_from(MOST_PATHS).unwrap() + 5 {
            let mut record = traced(1);
            record.outer_source[..2].copy_from_slice(&number.to_be_bytes());
            paths.observe(&record, &names());
        }
        assert_eq!((paths.take().len(), paths.left_out()), (MOST_PATHS, 5));
    }

    #[test]
    fn what_has_no_time_has_no_delay() {
        let mut paths = Paths::new(Duration::from_secs(10), Instant::now());
        let mut unknown = traced(1);
        unknown.received = WallTime::default();
        let mut postcard = traced(1);
        postcard.occasion = Occasion::DirectExport;
        let mut back = traced(1);
        back.occasion = Occasion::LoopedBack;
        for record in [
            unknown,
            postcard,
            back,
            record("007b1000c0000000400a00010a110a22"),
        ] {
            paths.observe(&record, &names());
        }
        assert_eq!(paths.take(), []);
    }
}
