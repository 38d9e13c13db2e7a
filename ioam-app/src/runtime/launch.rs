// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Workers on their lcores, and the exporter on its thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use ioam_config::Valid;
use ioam_dp::port::PortId;
use ioam_dp::stats::WorkerStats;
use ioam_dp::table::COUNTED_PROFILES;
use ioam_dp::table::publish::{Publisher, Reader};
use ioam_dp::tap::TapHandle;
use ioam_dp::worker::{Input, Worker, WorkerParts};

use super::measure::{NodeBuffers, NodeClock, NodeTx};
use super::plan::WorkerPlan;
use crate::dpdk::{Eal, LcoreJob, Mempool, PoolGauge, Port, RxHandle, TscReference, launch};
use crate::export::{Drain, Exported, RingSink, RingSource, ring};

/// Records that fit between a worker and the exporter.
const RECORDS: usize = 16_384;
/// Namespaces with counters: all there are indices for.
const COUNTED_NAMESPACES: usize = 255;
/// Rounds a worker offers what still waits before it gives up, at the end.
const DRAIN_ROUNDS: usize = 100_000;
/// How long the exporter sleeps when no record waits.
const EXPORT_PAUSE: Duration = Duration::from_millis(1);

type NodeWorker = Worker<RxHandle, NodeTx, NodeClock, NodeBuffers, RingSink>;

/// The workers' jobs. Dropping them stops them first, since a job's end is waited for.
#[derive(Default)]
pub(super) struct Workers {
    stop: Arc<AtomicBool>,
    pub(super) jobs: Vec<LcoreJob>,
}

impl Workers {
    /// Stops them all; what went wrong.
    pub(super) fn stop(mut self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let jobs = std::mem::take(&mut self.jobs).into_iter();
        let failures = jobs.filter_map(|job| job.join().err());
        failures.map(|error| error.to_string()).collect()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// What launching workers needs and leaves.
pub(super) struct Launch<'a> {
    pub(super) eal: &'a Eal,
    pub(super) pool: &'a Mempool,
    pub(super) ports: &'a [Port],
    pub(super) valid: &'a Valid,
    pub(super) publisher: &'a Publisher,
    pub(super) reference: &'a TscReference,
    pub(super) stats: Vec<Arc<WorkerStats>>,
    pub(super) taps: Vec<TapHandle>,
    pub(super) rings: Vec<RingSource>,
    pub(super) running: Arc<AtomicUsize>,
}

impl Launch<'_> {
    /// Starts one worker on its lcore.
    pub(super) fn launch(&mut self, plan: &WorkerPlan, workers: &mut Workers) -> Result<()> {
        let mut worker = self.worker(plan)?;
        let (stop, running) = (Arc::clone(&workers.stop), Arc::clone(&self.running));
        let job = launch(self.eal, plan.lcore, move || {
            let _polling = Polling(running);
            while !stop.load(Ordering::Relaxed) {
                worker.poll();
            }
            worker.drain(DRAIN_ROUNDS);
        });
        workers.jobs.push(job?);
        Ok(())
    }

    fn worker(&mut self, plan: &WorkerPlan) -> Result<NodeWorker> {
        let tables = self.publisher.current();
        // Reloads bring profiles and namespaces, which find their counters here.
        let profiles = tables.profiles.len().max(COUNTED_PROFILES);
        let stats = WorkerStats::new(tables.ports.len(), profiles, COUNTED_NAMESPACES);
        self.stats.push(Arc::clone(&stats));
        let (sink, records) = ring(RECORDS);
        self.rings.push(records);
        let fixed = self.valid.simulate();
        let mut outputs: Vec<Option<NodeTx>> = (0..self.ports.len()).map(|_| None).collect();
        for (port, queue) in &plan.sends {
            let place = usize::from(*port);
            let handle = self.ports[place]
                .take_tx(*queue)
                .context("a transmit queue is taken")?;
            outputs[place] = Some(NodeTx::new(handle, fixed));
        }
        let inputs = plan.receives.iter().map(|(port, queue)| {
            let queue = self.ports[usize::from(*port)].take_rx(*queue);
            let queue = queue.context("a receive queue is taken")?;
            Ok(Input {
                port: PortId(*port),
                queue,
            })
        });
        let gauge = PoolGauge::new(self.eal, std::slice::from_ref(self.pool));
        let handle = TapHandle::default();
        let tap = handle.tap();
        self.taps.push(handle);
        let worker = Worker::new(WorkerParts {
            number: u64::from(plan.number),
            inputs: inputs.collect::<Result<_>>()?,
            outputs,
            reader: self.publisher.reader(),
            stats,
            clock: NodeClock::new(self.reference.clock(), fixed),
            buffers: NodeBuffers::new(gauge, fixed),
            sink,
        });
        Ok(worker.with_tap(tap))
    }
}

/// Runs the exporter on a thread of its own, pinned to the management CPU.
pub(super) fn export(
    mut drain: Drain,
    mut tables: Reader,
    stop: Arc<AtomicBool>,
    cpu: usize,
) -> Result<JoinHandle<Exported>> {
    let work = move || {
        core_affinity::set_for_current(core_affinity::CoreId { id: cpu });
        while !stop.load(Ordering::Relaxed) {
            if drain.round(tables.tables()) == 0 {
                std::thread::sleep(EXPORT_PAUSE);
            }
        }
        drain.finish(tables.tables())
    };
    let builder = std::thread::Builder::new().name("export".to_owned());
    builder
        .spawn(work)
        .context("cannot start the export thread")
}

/// Counts a worker that polls, until it ends for whatever reason.
struct Polling(Arc<AtomicUsize>);

impl Drop for Polling {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
