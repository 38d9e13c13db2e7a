// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From a record to the delays in it.

use std::collections::HashMap;

use ioam_dp::accounting::one_way_delay;
use ioam_dp::record::{ExportRecord, Flow, SequenceReport};
use ioam_dp::table::Tables;
use ioam_dp::table::spec::TimestampFormat;
use ioam_dp::timestamp::Timestamp;
use ioam_dp::wire::ioam::{NamespaceId, NodeData, NodeDataList, OptionType};

use super::{End, Kind, Latency, Span};
use crate::export::Record;

/// Most packet groups whose last report is remembered.
const MOST_GROUPS: usize = 65_536;

/// What a transit delay says that is longer than its field holds (RFC 9197, 4.4.2.5).
const TOO_LONG: u32 = 1 << 31;

/// What each packet group's last report said of its delays: how many, and their sum.
#[derive(Debug, Default)]
pub struct Reports(HashMap<Group, (u64, i64)>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Group {
    profile: u16,
    namespace: u16,
    option_type: OptionType,
    source: [u8; 16],
    flow_id: Option<u32>,
    flow: Option<Flow>,
}

impl Latency {
    /// Takes the delays of one record; `tables` know the formats of timestamps.
    pub fn observe(&mut self, record: &Record, tables: &Tables) {
        match record {
            Record::Option(record) => self.option(record, tables),
            Record::Report(report) => self.report(report),
        }
    }

    fn option(&mut self, record: &ExportRecord, tables: &Tables) {
        let list = match record.option_type {
            OptionType::PreallocatedTrace => NodeDataList::preallocated(record.option_data()),
            OptionType::IncrementalTrace => NodeDataList::incremental(record.option_data()),
            _ => None,
        };
        let index = tables.namespaces.find(record.namespace);
        let namespace = index.and_then(|index| tables.namespaces.get(index));
        let (Some(list), Some(namespace)) = (list, namespace) else {
            return;
        };
        let NamespaceId(id) = record.namespace;
        let length = list.clone().count();
        // The newest node comes first.
        let mut later: Option<(End, Option<i64>)> = None;
        for (back, node) in list.enumerate() {
            let Ok(node) = node else { return };
            let end = end(&node, length - back);
            if let Some(delay) = node.transit_delay.filter(|delay| *delay < TOO_LONG) {
                self.record(span(id, Kind::Transit, end, end), delay.into(), 1);
            }
            let age = age(&node, record, namespace.timestamp);
            if let Some((to, Some(after))) = later
                && let Some(before) = age
            {
                self.record(span(id, Kind::Hop, end, to), before - after, 1);
            }
            later = Some((end, age));
        }
    }

    /// A report tells the mean since the last one, which counts as often as there were packets.
    fn report(&mut self, report: &SequenceReport) {
        let Some(figures) = report.figures.delay else {
            return;
        };
        let group = Group {
            profile: report.profile,
            namespace: report.namespace.0,
            option_type: report.option_type,
            source: report.outer_source,
            flow_id: report.flow_id,
            flow: report.flow,
        };
        let known = self.reports.0.get(&group).copied();
        let (count, sum) = known
            .filter(|(count, _)| *count <= figures.count)
            .unwrap_or((0, 0));
        if report.last {
            self.reports.0.remove(&group);
        } else if known.is_some() || self.reports.0.len() < MOST_GROUPS {
            self.reports.0.insert(group, (figures.count, figures.sum));
        }
        let more = figures.count - count;
        let sum = figures.sum.saturating_sub(sum);
        let mean = i64::try_from(more)
            .ok()
            .and_then(|more| sum.checked_div(more));
        if let Some(mean) = mean {
            let from = End::Address(report.outer_source);
            let span = span(report.namespace.0, Kind::OneWay, from, End::Here);
            self.record(span, mean, more);
        }
    }
}

fn span(namespace: u16, kind: Kind, from: End, to: End) -> Span {
    Span {
        namespace,
        kind,
        from,
        to,
    }
}

/// Who wrote this element, the `place`-th of the trace.
pub(crate) fn end(node: &NodeData<'_>, place: usize) -> End {
    let short = node.node_id.filter(|id| *id != 0xFF_FFFF).map(u64::from);
    let wide = node.node_id_wide.filter(|id| *id != u64::MAX >> 8);
    short.or(wide).map_or(End::Place(place), End::Node)
}

/// Nanoseconds from the node's timestamp to this node's receipt.
pub(crate) fn age(
    node: &NodeData<'_>,
    record: &ExportRecord,
    format: TimestampFormat,
) -> Option<i64> {
    let sent = Timestamp {
        seconds: node.timestamp_seconds?,
        fraction: node.timestamp_fraction?,
    };
    one_way_delay(record.received, sent, format)
}
