// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Whether all was well, and if not, what was wrong.

use std::sync::Arc;

use ioam_dp::stats::{DropReason, Notice, WorkerStats};

use super::domain::STATIONS;
use super::findings::Finding;
use super::meter::Snapshot;
use super::traffic::Kind;

/// Something that was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The name in JSON.
    pub(super) name: String,
    /// How often.
    pub(super) count: u64,
    /// In words, to stand before the count.
    pub(super) meaning: String,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    /// The whole run.
    pub(super) whole: Snapshot,
    /// Packets that never came.
    pub(super) lost: u64,
    /// Packet buffers that did not come back to their pool.
    pub(super) leaked: u32,
    /// Everything that was wrong; empty when all was well.
    pub(super) wrong: Vec<Wrong>,
}

impl Verdict {
    /// Looks at everything.
    pub(super) fn new(
        whole: Snapshot,
        stats: &[Arc<WorkerStats>],
        leaked: u32,
        failures: &[String],
    ) -> Self {
        let lost = whole.sent.saturating_sub(whole.arrived);
        let mut wrong = Vec::new();
        let mut note = |name: &str, count: u64, meaning: &str| {
            if count > 0 {
                wrong.push(Wrong {
                    name: name.to_owned(),
                    count,
                    meaning: meaning.to_owned(),
                });
            }
        };
        note(
            "nothing-sent",
            u64::from(whole.sent == 0),
            "nothing was sent",
        );
        note("packets-lost", lost, "packets that never came");
        note(
            "traces-missing",
            whole.collected.untraced,
            "packets that came without the record of their trace",
        );
        for finding in Finding::ALL {
            let count =
                whole.collected.findings.count(finding) + whole.witnessed.findings.count(finding);
            note(finding.name(), count, finding.meaning());
        }
        for (name, count, meaning) in unseen(&whole) {
            note(name, count, meaning);
        }
        note(
            "buffers-leaked",
            leaked.into(),
            "packet buffers that did not come back",
        );
        for failure in failures {
            note("dpdk", 1, failure);
        }
        for (station, stats) in STATIONS.iter().zip(stats) {
            let node = station.name.replace(' ', "-");
            for reason in DropReason::ALL {
                let count = stats.drops(*reason);
                let meaning = format!("packets that {} dropped as {}", station.name, reason.name());
                note(&format!("{node}/{}", reason.name()), count, &meaning);
            }
            for notice in Notice::ALL {
                let count = stats.notices(*notice);
                let meaning = format!(
                    "packets that {} left alone: {}",
                    station.name,
                    notice.name()
                );
                note(&format!("{node}/{}", notice.name()), count, &meaning);
            }
        }
        Self {
            whole,
            lost,
            leaked,
            wrong,
        }
    }

    /// Whether all was well.
    pub(super) fn is_good(&self) -> bool {
        self.wrong.is_empty()
    }

    /// How often something was wrong.
    pub(super) fn errors(&self) -> u64 {
        self.wrong.iter().map(|wrong| wrong.count).sum()
    }
}

/// What packets should have left behind besides traces, and did not; or more of it.
fn unseen(whole: &Snapshot) -> Vec<(&'static str, u64, &'static str)> {
    let carried = whole.kinds[Kind::Traced as usize];
    let (mode, seen) = (whole.mode, &whole.witnessed);
    let mut wrong = Vec::new();
    if mode.exports() {
        let off = seen
            .exports
            .iter()
            .map(|count| count.abs_diff(carried))
            .sum();
        wrong.push(("exports-missing", off, "exports more or fewer than packets"));
    }
    if mode.proves() {
        let off = seen.proofs.abs_diff(carried);
        wrong.push(("proofs-missing", off, "proofs more or fewer than packets"));
    }
    if mode.numbers() {
        let figures = seen
            .numbers
            .map(|figures| figures.sequence)
            .unwrap_or_default();
        let off = figures.received.abs_diff(carried);
        let amiss = figures.lost + figures.reordered + figures.duplicates + figures.late;
        wrong.push(("numbers-missing", off, "numbers more or fewer than packets"));
        wrong.push((
            "numbers-amiss",
            amiss,
            "numbers lost, late, twice or out of order",
        ));
    }
    wrong
}
