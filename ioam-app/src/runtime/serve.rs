// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the management core does for those who ask: a snapshot of everything, another configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::Result;
use ioam_config::{Change, Loaded, Machine, changes};
use ioam_dp::table::Tables;

use super::allowed_cpus;
use super::node::{Node, Setup, spec};
use super::plan::Plan;
use crate::control::snapshot::{self, Snapshot, Sources};
use crate::control::{Answer, Ask, Question};
use crate::export::SharedWatch;
use crate::reload::{Outcome, Running, restarts};
use crate::say;
use crate::trace::Taps;

/// Where a configuration comes from.
pub(crate) struct Source {
    path: PathBuf,
    machine: Machine,
}

impl Source {
    /// A file for this machine; to be called before DPDK pins this thread to the management CPU.
    ///
    /// # Errors
    /// The system does not say which CPUs there are.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            machine: Machine::this(allowed_cpus()?),
        })
    }
}

/// What a node is asked about, beside its parts.
pub(super) struct Served {
    running: Running,
    source: Source,
    macs: Vec<[u8; 6]>,
    watch: SharedWatch,
    started: Instant,
    traced: Arc<AtomicBool>,
    reloads: u64,
    refused: u64,
}

impl Served {
    pub(super) fn new(setup: Setup<'_>, macs: Vec<[u8; 6]>, watch: SharedWatch) -> Self {
        Self {
            running: Running {
                loaded: setup.loaded.clone(),
                plan: setup.plan.clone(),
            },
            source: setup.source,
            macs,
            watch,
            started: Instant::now(),
            traced: Arc::default(),
            reloads: 0,
            refused: 0,
        }
    }
}

impl Node {
    /// Answers a question.
    pub(super) fn answer(&mut self, question: Question) {
        let answer = match question.ask {
            Ask::Snapshot => Answer::Snapshot(Box::new(self.snapshot())),
            Ask::Reload { dry_run } => Answer::Reload(self.reload(dry_run)),
            Ask::Taps => Answer::Taps(self.taps()),
        };
        question.answer(answer);
    }

    fn taps(&self) -> Taps {
        let stats = self.stats.iter().cloned();
        Taps {
            workers: self.taps.iter().cloned().zip(stats).collect(),
            tables: self.publisher.current(),
            taken: Arc::clone(&self.served.traced),
        }
    }

    fn snapshot(&self) -> Snapshot {
        let served = &self.served;
        let uptime = served.started.elapsed().as_nanos();
        let node = snapshot::Node {
            program: concat!(
                env!("CARGO_PKG_VERSION"),
                " (",
                env!("IOAM_PROVENANCE"),
                ")"
            ),
            pid: std::process::id(),
            configuration: served.source.path.display().to_string(),
            uptime_nanoseconds: u64::try_from(uptime).unwrap_or(u64::MAX),
            reloads: served.reloads,
            reloads_refused: served.refused,
            ticks_per_second: self.reference.borrow().ticks_per_second(),
            buffers: served.running.plan.buffers.into(),
            buffers_in_use: self.pool.in_use().into(),
        };
        let workers = served.running.plan.workers.iter();
        let cpus: Vec<usize> = workers.map(|worker| worker.cpu).collect();
        let sources = Sources {
            node,
            tables: &self.publisher.current(),
            stats: &self.stats,
            cpus: &cpus,
            ports: &self.ports,
            watch: &served.watch,
        };
        sources.snapshot()
    }

    /// Reads the configuration again and gives it to the workers, unless something is against it.
    pub(super) fn reload(&mut self, dry_run: bool) -> Outcome {
        let outcome = self.try_reload(dry_run);
        match &outcome.error {
            Some(_) => self.served.refused += 1,
            None if outcome.applied => self.served.reloads += 1,
            None => {}
        }
        outcome
    }

    fn try_reload(&mut self, dry_run: bool) -> Outcome {
        let source = &self.served.source;
        let loaded = match ioam_config::load(&source.path, &source.machine) {
            Ok(loaded) => loaded,
            Err(errors) => return Outcome::refused(errors.to_string()),
        };
        let running = &self.served.running;
        let plan = Plan::new(&loaded.valid, "");
        let mut outcome = Outcome {
            changes: differences(&running.loaded, &loaded),
            warnings: loaded.warnings.iter().map(ToString::to_string).collect(),
            ..Outcome::default()
        };
        outcome.restart = restarts(running, &loaded, &plan, &outcome.changes);
        if !outcome.restart.is_empty() {
            outcome.error = Some(outcome.restart.join("; "));
            return outcome;
        }
        let spec = spec(&loaded.valid, &self.served.macs, &self.ports);
        match Tables::compile_after(&spec, &self.publisher.current()) {
            Err(error) => outcome.error = Some(format!("{error}: restart the node")),
            Ok(_) if dry_run => {}
            Ok(tables) => {
                self.publisher.publish(tables);
                self.publisher.reclaim();
                self.served.running.loaded = loaded;
                outcome.applied = true;
            }
        }
        outcome
    }

    /// Reads the configuration again because of a signal, and says on standard error what came of
    /// it.
    pub(super) fn reload_for_signal(&mut self) {
        let outcome = self.reload(false);
        outcome.warnings.iter().for_each(say::err);
        outcome.changes.iter().for_each(say::err);
        match &outcome.error {
            Some(error) => say::err(format_args!("error: nothing was changed: {error}")),
            None => say::err(format_args!("{} keys changed", outcome.changes.len())),
        }
    }
}

/// The keys that differ, and key files whose contents do, which are told without what is in them.
fn differences(old: &Loaded, new: &Loaded) -> Vec<Change> {
    let mut found = changes(&old.text, &new.text);
    let (old, new) = (old.valid.node_spec(&[]), new.valid.node_spec(&[]));
    for namespace in &new.namespaces {
        let before = old.namespaces.iter().find(|other| other.id == namespace.id);
        let key = format!("namespaces[{}].pot-keys", namespace.id);
        let is_told = found.iter().any(|change| change.key == key);
        let differs = before.is_some_and(|old| old.proof_of_transit != namespace.proof_of_transit);
        if differs && !is_told {
            found.push(Change {
                key,
                before: Some("other keys in the file".to_owned()),
                after: Some("new keys in the file".to_owned()),
            });
        }
    }
    found
}
