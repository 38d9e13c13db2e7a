// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The latest different paths that traces tell of, from a sample that costs the export thread little.

use std::time::{Duration, Instant};

use ioam_dp::record::ExportRecord;
use ioam_dp::table::Tables;
use ioam_dp::wire::ioam::{NodeDataList, OptionType, TraceFlags, TraceHeader};

use crate::export::Record;
use crate::latency::{End, age, end};

/// Most paths that are remembered; the one seen longest ago makes room.
pub const MOST_PATHS: usize = 64;

/// Most traces that are looked at in one [`WINDOW`].
pub const LOOKS: u32 = 200;

/// How long one budget of [`LOOKS`] is for.
pub const WINDOW: Duration = Duration::from_millis(100);

/// What makes a path a different one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The Namespace-ID.
    pub namespace: u16,
    /// Source address of the user's packets.
    pub source: [u8; 16],
    /// Destination address of the user's packets.
    pub destination: [u8; 16],
    /// The nodes, oldest first.
    pub nodes: Vec<End>,
    /// Whether nodes found no room in the trace, so that there are more than these.
    pub overflow: bool,
}

/// A path and what was seen of it.
#[derive(Clone, Debug)]
pub struct Path {
    /// The path.
    pub route: Route,
    /// Traces looked at that told of it.
    pub seen: u64,
    /// Nanoseconds from the first node's timestamp to receipt here, of the last trace; below 0 when
    /// clocks differ. `None` without timestamps.
    pub delay: Option<i64>,
    /// When it was seen first.
    pub first: Instant,
    /// When it was seen last.
    pub last: Instant,
}

/// The latest different paths.
#[derive(Debug)]
pub struct Paths {
    paths: Vec<Path>,
    /// Traces that came by.
    pub traces: u64,
    /// Those of them that were looked at.
    pub looked_at: u64,
    /// Paths that made room for others.
    pub forgotten: u64,
    now: Instant,
    window: Instant,
    looks: u32,
}

impl Default for Paths {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            paths: Vec::new(),
            traces: 0,
            looked_at: 0,
            forgotten: 0,
            now,
            window: now,
            looks: LOOKS,
        }
    }
}

impl Paths {
    /// Takes the time, and begins a new window when it is time.
    pub fn turn(&mut self, now: Instant) {
        self.now = now;
        if now.duration_since(self.window) >= WINDOW {
            self.window = now;
            self.looks = LOOKS;
        }
    }

    /// Takes the path of one record, if it is a trace and the window's budget is not used up.
    pub fn observe(&mut self, record: &Record, tables: &Tables) {
        let Record::Option(record) = record else {
            return;
        };
        let is_trace = matches!(
            record.option_type,
            OptionType::PreallocatedTrace | OptionType::IncrementalTrace
        );
        if !is_trace {
            return;
        }
        self.traces += 1;
        if self.looks == 0 {
            return;
        }
        self.looks -= 1;
        self.looked_at += 1;
        if let Some((route, delay)) = read(record, tables) {
            self.see(route, delay);
        }
    }

    fn see(&mut self, route: Route, delay: Option<i64>) {
        let now = self.now;
        if let Some(path) = self.paths.iter_mut().find(|path| path.route == route) {
            path.seen += 1;
            path.delay = delay;
            path.last = now;
            return;
        }
        if self.paths.len() >= MOST_PATHS {
            let ages = self.paths.iter().enumerate();
            if let Some((oldest, _)) = ages.min_by_key(|(_, path)| path.last) {
                self.paths.swap_remove(oldest);
                self.forgotten += 1;
            }
        }
        self.paths.push(Path {
            route,
            seen: 1,
            delay,
            first: now,
            last: now,
        });
    }

    /// The paths, the one seen last first.
    #[must_use]
    pub fn latest(&self) -> Vec<&Path> {
        let mut latest: Vec<&Path> = self.paths.iter().collect();
        latest.sort_by_key(|path| (std::cmp::Reverse(path.last), std::cmp::Reverse(path.seen)));
        latest
    }
}

/// The path a trace tells of, and its delay; `None` when it cannot be read or no node wrote into it.
fn read(record: &ExportRecord, tables: &Tables) -> Option<(Route, Option<i64>)> {
    let data = record.option_data();
    let list = match record.option_type {
        OptionType::PreallocatedTrace => NodeDataList::preallocated(data),
        _ => NodeDataList::incremental(data),
    }?;
    let index = tables.namespaces.find(record.namespace)?;
    let format = tables.namespaces.get(index)?.timestamp;
    let length = list.clone().count();
    let mut nodes = Vec::with_capacity(length);
    let mut delay = None;
    // The newest node comes first, so that the last one read is the oldest.
    for (back, node) in list.enumerate() {
        let node = node.ok()?;
        nodes.push(end(&node, length - back));
        delay = age(&node, record, format);
    }
    if nodes.is_empty() {
        return None;
    }
    nodes.reverse();
    let header = TraceHeader::split(data).map(|(header, _)| header);
    let route = Route {
        namespace: record.namespace.0,
        source: record.flow.source,
        destination: record.flow.destination,
        nodes,
        overflow: header.is_some_and(|header| header.has(TraceFlags::OVERFLOW)),
    };
    Some((route, delay))
}

#[cfg(test)]
mod tests;
