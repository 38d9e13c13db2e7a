// SPDX-License-Identifier: Apache-2.0 OR MIT
//! All collectors together, as the export thread sees them: it offers batches and never waits.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Sender as Queue, unbounded};
use ioam_dp::table::Tables;
use thiserror::Error;

use super::batch::{Batch, Wanted};
use super::counts::{CollectorCounts, CollectorReport};
use super::names::Names;
use super::path::Paths;
use super::sender::{Sender, wall_time};
use super::settings::Collector;
use super::stop::Stop;
use super::transport::{Dialler, TlsError};
use crate::export::Record;

/// Records of one batch at most, so that a queue is neither full nor empty all at once.
const BATCH: usize = 512;
/// How often the time is read for paths, in empty rounds.
const PATH_CHECK: Duration = Duration::from_millis(10);

/// A collector that cannot be exported to.
#[derive(Debug, Error)]
#[error("collector {name}: {why}")]
pub struct CollectorError {
    name: String,
    #[source]
    why: Box<dyn std::error::Error + Send + Sync>,
}

struct Destination {
    name: String,
    address: String,
    transport: &'static str,
    wanted: Wanted,
    room: u64,
    queue: Queue<Arc<Batch>>,
    counts: Arc<CollectorCounts>,
    thread: JoinHandle<()>,
}

/// Exports to all collectors.
pub struct Exporter {
    destinations: Vec<Destination>,
    stop: Arc<Stop>,
    names: Arc<Names>,
    paths: Option<Paths>,
    next_path_check: Instant,
    records: Vec<Record>,
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Exporter({} collectors)", self.destinations.len())
    }
}

impl Exporter {
    /// Starts a thread for each collector, pinned to `cpu` where one is given. Delays along paths
    /// are gathered over `path_interval`.
    ///
    /// # Errors
    ///
    /// When a file that TLS needs cannot be used, or a thread cannot be started. A collector that
    /// cannot be reached is no error: it may come.
    pub fn start(
        collectors: &[Collector],
        path_interval: Duration,
        cpu: Option<usize>,
    ) -> Result<Self, CollectorError> {
        let mut exporter = Self {
            destinations: Vec::new(),
            stop: Arc::default(),
            names: Arc::default(),
            paths: None,
            next_path_check: Instant::now(),
            records: Vec::new(),
        };
        // All files are read before any thread starts.
        let diallers: Result<Vec<_>, _> = collectors.iter().map(dialler).collect();
        for (collector, dialler) in collectors.iter().zip(diallers?) {
            let started = exporter.add(collector, dialler, cpu);
            started.map_err(|error| CollectorError::new(collector, error))?;
        }
        let wants_paths = |destination: &Destination| destination.wanted.paths();
        if exporter.destinations.iter().any(wants_paths) {
            exporter.paths = Some(Paths::new(path_interval, Instant::now()));
        }
        Ok(exporter)
    }

    fn add(
        &mut self,
        collector: &Collector,
        dialler: Dialler,
        cpu: Option<usize>,
    ) -> std::io::Result<()> {
        let (queue, end) = unbounded();
        let counts: Arc<CollectorCounts> = Arc::default();
        let (shared, stop) = (Arc::clone(&counts), Arc::clone(&self.stop));
        let sender = Sender::new(collector, dialler, end, shared, stop);
        let work = move || {
            if let Some(id) = cpu {
                core_affinity::set_for_current(core_affinity::CoreId { id });
            }
            sender.run();
        };
        let builder = std::thread::Builder::new().name(format!("to {}", collector.name));
        self.destinations.push(Destination {
            name: collector.name.clone(),
            address: collector.address.to_string(),
            transport: collector.transport.name(),
            wanted: Wanted::of(collector),
            room: collector.queue as u64,
            queue,
            counts,
            thread: builder.spawn(work)?,
        });
        Ok(())
    }

    /// Whether there is any collector.
    #[must_use]
    pub fn has_collectors(&self) -> bool {
        !self.destinations.is_empty()
    }

    /// Records from here on were made under `tables`.
    pub fn set_tables(&mut self, tables: &Tables) {
        let names = Names::new(tables);
        if *self.names != names {
            self.flush();
            self.names = Arc::new(names);
        }
    }

    /// Takes a record.
    pub fn take(&mut self, record: Record) {
        if let (Some(paths), Record::Option(option)) = (&mut self.paths, &record) {
            paths.observe(option, &self.names);
        }
        self.records.push(record);
        if self.records.len() >= BATCH {
            self.flush();
        }
    }

    /// Hands what was taken to the collectors, and the paths that are due.
    pub fn flush(&mut self) {
        let now = Instant::now();
        let paths = match &mut self.paths {
            Some(paths) if now >= self.next_path_check => {
                self.next_path_check = now + PATH_CHECK;
                paths.due(now)
            }
            _ => Vec::new(),
        };
        self.offer(paths);
    }

    fn offer(&mut self, paths: Vec<super::path::PathReport>) {
        if self.records.is_empty() && paths.is_empty() {
            return;
        }
        let records = std::mem::take(&mut self.records);
        self.records = Vec::with_capacity(records.len().min(BATCH));
        let batch = Arc::new(Batch {
            names: Arc::clone(&self.names),
            records,
            paths,
        });
        for destination in &self.destinations {
            destination.offer(&batch);
        }
    }

    /// The figures of now.
    #[must_use]
    pub fn reports(&self) -> Vec<CollectorReport> {
        self.destinations.iter().map(Destination::report).collect()
    }

    /// Sends what can be sent in a little time, and ends; the last figures.
    #[must_use]
    pub fn finish(mut self) -> Vec<CollectorReport> {
        let rest = self.paths.as_mut().map(Paths::take);
        self.offer(rest.unwrap_or_default());
        self.stop.begin();
        let ended = std::mem::take(&mut self.destinations).into_iter();
        // All queues are closed before any thread is waited for.
        let ended: Vec<_> = ended.map(Destination::close).collect();
        ended.into_iter().map(Closed::join).collect()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.stop.begin();
    }
}

fn dialler(collector: &Collector) -> Result<Dialler, CollectorError> {
    let made = Dialler::new(collector.address, &collector.transport);
    made.map_err(|error: TlsError| CollectorError::new(collector, error))
}

impl CollectorError {
    fn new(
        collector: &Collector,
        why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            name: collector.name.clone(),
            why: why.into(),
        }
    }
}

/// A destination whose queue is closed.
struct Closed {
    name: String,
    address: String,
    transport: &'static str,
    counts: Arc<CollectorCounts>,
    thread: JoinHandle<()>,
}

impl Destination {
    /// Queues what this collector wants of the batch, or drops it where there is no room.
    fn offer(&self, batch: &Arc<Batch>) {
        let count = self.wanted.count(batch) as u64;
        if count == 0 {
            return;
        }
        self.counts.produced.add(count);
        let fits = self.counts.waiting.get() + count <= self.room;
        if !fits {
            self.counts.refuse(count, wall_time());
            return;
        }
        self.counts.waiting.add(count);
        if self.queue.send(Arc::clone(batch)).is_err() {
            self.counts.lose(count, wall_time());
        }
    }

    fn report(&self) -> CollectorReport {
        let address = self.address.clone();
        CollectorReport::new(&self.name, address, self.transport, &self.counts)
    }

    fn close(self) -> Closed {
        Closed {
            name: self.name,
            address: self.address,
            transport: self.transport,
            counts: self.counts,
            thread: self.thread,
        }
    }
}

impl Closed {
    fn join(self) -> CollectorReport {
        if self.thread.join().is_err() {
            log::error!("collector {}: its thread panicked", self.name);
        }
        CollectorReport::new(&self.name, self.address, self.transport, &self.counts)
    }
}
