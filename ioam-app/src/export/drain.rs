// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The management thread's side: from the rings to the output.

use ioam_dp::record::ExportRecord;
use ioam_dp::table::Tables;
use rtrb::Consumer;

use super::{Output, OutputCounts, ndjson};

/// Empties the workers' rings into an output.
#[derive(Debug)]
pub struct Drain {
    rings: Vec<Consumer<ExportRecord>>,
    output: Output,
}

impl Drain {
    /// A drain of these rings, one per worker.
    #[must_use]
    pub fn new(rings: Vec<Consumer<ExportRecord>>, output: Output) -> Self {
        Self { rings, output }
    }

    /// Writes out what waits in the rings now, and returns how many records that were. What workers
    /// add meanwhile is left for the next round, so that a round ends.
    pub fn round(&mut self, tables: &Tables) -> usize {
        let mut records = 0;
        for ring in &mut self.rings {
            for _ in 0..ring.slots() {
                let Ok(record) = ring.pop() else { break };
                records += 1;
                write(&record, tables, &mut self.output);
            }
        }
        if records > 0 {
            self.output.flush();
        }
        records
    }

    /// What became of the records so far.
    #[must_use]
    pub fn counts(&self) -> OutputCounts {
        self.output.counts()
    }

    /// Writes out the rest; for when the workers have stopped.
    #[must_use]
    pub fn finish(mut self, tables: &Tables) -> OutputCounts {
        while self.round(tables) > 0 {}
        self.counts()
    }
}

/// One record to `output`, which spares the text where nobody wants it.
pub(crate) fn write(record: &ExportRecord, tables: &Tables, output: &mut Output) {
    if output.takes_lines() {
        output.line(&ndjson::line(record, tables));
    } else {
        output.pass_over();
    }
}
