// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Records on their way to collectors, in batches that all collectors share.

use std::sync::Arc;

use super::names::Names;
use super::path::PathReport;
use super::record::has_nodes;
use super::settings::{Collector, Kinds, Profile};
use crate::export::Record;

/// Records that go to the collectors together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// What the records refer to.
    pub names: Arc<Names>,
    /// What workers handed over, in its order.
    pub records: Vec<Record>,
    /// Paths whose interval is over.
    pub paths: Vec<PathReport>,
}

/// What a collector wants of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    kinds: Kinds,
    profile: Profile,
}

impl Wanted {
    /// By its settings.
    #[must_use]
    pub fn of(collector: &Collector) -> Self {
        Self {
            kinds: collector.kinds,
            profile: collector.profile,
        }
    }

    /// Whether options go there as they were.
    #[must_use]
    pub fn raw(&self) -> bool {
        self.kinds.raw && self.profile == Profile::Ioam
    }

    /// Whether nodes' records go there.
    #[must_use]
    pub fn hops(&self) -> bool {
        self.kinds.hops || self.profile == Profile::Uliege
    }

    /// Whether delays along paths go there.
    #[must_use]
    pub fn paths(&self) -> bool {
        self.kinds.paths && self.profile == Profile::Ioam
    }

    /// Whether reports of sequences go there.
    #[must_use]
    pub fn sequences(&self) -> bool {
        self.kinds.sequences && self.profile == Profile::Ioam
    }

    /// Whether this record goes there.
    #[must_use]
    pub fn takes(&self, record: &Record) -> bool {
        match record {
            Record::Option(record) => self.raw() || self.hops() && has_nodes(record.option_type),
            Record::Report(_) => self.sequences(),
        }
    }

    /// How many records of the batch go there.
    #[must_use]
    pub fn count(&self, batch: &Batch) -> usize {
        let records = batch.records.iter().filter(|record| self.takes(record));
        let paths = if self.paths() { batch.paths.len() } else { 0 };
        records.count() + paths
    }
}
