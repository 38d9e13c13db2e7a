// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What one packet's counters say, as decisions.

use ioam_dp::stats::{Notice, WorkerStats};
use ioam_dp::table::{Action, Tables};
use serde_json::{Value, json};

/// One thing that was decided, or done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    /// Where: `profile`, `namespace`, or `noticed`.
    pub(super) stage: &'static str,
    /// What it is about.
    pub(super) subject: String,
    /// What was decided or done.
    pub(super) what: String,
}

impl Decision {
    pub(super) fn text(&self) -> String {
        format!("{}: {}", self.subject, self.what)
    }

    pub(super) fn json(&self) -> Value {
        json!({"stage": self.stage, "subject": self.subject, "what": self.what})
    }
}

/// Everything that was counted for a packet, in the order of the pipeline.
pub(super) fn decisions(tables: &Tables, stats: &WorkerStats, copies: usize) -> Vec<Decision> {
    let mut all = profiles(tables, stats);
    all.extend(namespaces(tables, stats));
    let noticed = Notice::ALL
        .iter()
        .filter(|notice| stats.notices(**notice) > 0);
    all.extend(noticed.map(|notice| Decision {
        stage: "noticed",
        subject: notice.name().to_owned(),
        what: notice.description().to_owned(),
    }));
    if copies > 0 {
        all.push(Decision {
            stage: "noticed",
            subject: "originated".to_owned(),
            what: format!("{copies} more packets of this node's own were sent"),
        });
    }
    all
}

fn profiles(tables: &Tables, stats: &WorkerStats) -> Vec<Decision> {
    let mut found = Vec::new();
    for (index, profile) in tables.configured_profiles() {
        let Some(counts) = stats.profiles.get(usize::from(index)) else {
            continue;
        };
        if counts.selected.get() == 0 {
            continue;
        }
        let done = counts.done.get() > 0;
        let what = match (&profile.action, counts.sampled.get() > 0, done) {
            (Action::Encapsulate(_), _, true) => "matched, sampled, encapsulated",
            (Action::Encapsulate(_), true, false) => {
                "matched and sampled, but not encapsulated: see what was noticed"
            }
            (Action::Encapsulate(_), false, _) => {
                "matched, but not taken: sampled out, or see what was noticed"
            }
            (Action::Transit, ..) => "matched, in transit",
            (Action::Decapsulate(_), ..) => "matched, decapsulated",
        };
        found.push(Decision {
            stage: "profile",
            subject: profile.name.clone(),
            what: what.to_owned(),
        });
    }
    found
}

fn namespaces(tables: &Tables, stats: &WorkerStats) -> Vec<Decision> {
    let mut found = Vec::new();
    for (namespace, counts) in tables.namespaces.all().iter().zip(stats.namespaces.iter()) {
        let done = [
            (counts.encapsulated.get(), "options put in"),
            (counts.filled.get(), "traces filled with this node's data"),
            (
                counts.overflowed.get(),
                "traces without room for this node's data: overflow flag set",
            ),
            (
                counts.proved.get(),
                "proofs of transit this node added its share to",
            ),
            (counts.exported.get(), "direct exports made"),
            (counts.decapsulated.get(), "options taken out"),
            (counts.proofs_valid.get(), "proofs of transit found valid"),
        ];
        found.extend(
            done.iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| Decision {
                    stage: "namespace",
                    subject: namespace.id.0.to_string(),
                    what: format!("{what}: {count}"),
                }),
        );
    }
    found
}
