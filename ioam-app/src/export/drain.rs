// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The management thread's side: from the rings to the output and the collectors.

use std::time::Instant;

use ioam_dp::record::Records;
use ioam_dp::table::Tables;

use super::ipfix::{CollectorReport, Exporter};
use super::{Output, OutputCounts, Record, RingSource, SharedWatch, ndjson};

/// Records that are looked at together.
const BATCH: usize = 512;

/// Empties the workers' rings into an output, and into the queues of collectors.
#[derive(Debug)]
pub struct Drain {
    rings: Vec<RingSource>,
    output: Output,
    exporter: Option<Exporter>,
    watch: SharedWatch,
    batch: Vec<Record>,
}

/// What became of all records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Those for the output.
    pub output: OutputCounts,
    /// Those for each collector.
    pub collectors: Vec<CollectorReport>,
}

impl Drain {
    /// A drain of these rings, one per worker.
    #[must_use]
    pub fn new(rings: Vec<RingSource>, output: Output) -> Self {
        Self {
            rings,
            output,
            exporter: None,
            watch: SharedWatch::default(),
            batch: Vec::with_capacity(BATCH),
        }
    }

    /// The same with collectors.
    #[must_use]
    pub fn with_exporter(self, exporter: Exporter) -> Self {
        let exporter = Some(exporter).filter(Exporter::has_collectors);
        Self { exporter, ..self }
    }

    /// What it shows of its work while it is at it.
    #[must_use]
    pub fn watch(&self) -> SharedWatch {
        SharedWatch::clone(&self.watch)
    }

    /// Writes out what waits in the rings now, and returns how many records that were. What workers
    /// add meanwhile is left for the next round, so that a round ends.
    pub fn round(&mut self, tables: &Tables) -> usize {
        let mut records = 0;
        self.show();
        let waits = self.rings.iter().any(|ring| ring.slots() > 0);
        if let Some(exporter) = self.exporter.as_mut().filter(|_| waits) {
            exporter.set_tables(tables);
        }
        for number in 0..self.rings.len() {
            let mut left = self.rings.get(number).map_or(0, RingSource::slots);
            while left > 0 {
                let taken = self.take(number, left.min(BATCH), tables);
                if taken == 0 {
                    break;
                }
                left -= taken;
                records += taken;
            }
        }
        if records > 0 {
            self.output.flush();
        }
        if let Some(exporter) = &mut self.exporter {
            exporter.flush();
        }
        records
    }

    /// Moves up to `most` records of a ring on; how many those were.
    fn take(&mut self, ring: usize, most: usize, tables: &Tables) -> usize {
        let Some(ring) = self.rings.get_mut(ring) else {
            return 0;
        };
        let records = std::iter::from_fn(|| ring.pop());
        self.batch.extend(records.take(most));
        // Not held while writing, which may take as long as who reads wants it to.
        if let Ok(mut watch) = self.watch.lock() {
            for record in &self.batch {
                watch.latency.observe(record, tables);
                watch.paths.observe(record, tables);
            }
        }
        let taken = self.batch.len();
        for record in self.batch.drain(..) {
            write(&record, tables, &mut self.output);
            if let Some(exporter) = &mut self.exporter {
                exporter.take(record);
            }
        }
        taken
    }

    fn show(&self) {
        if let Ok(mut watch) = self.watch.lock() {
            let now = Instant::now();
            watch.latency.turn(now);
            watch.paths.turn(now);
            watch.exported = self.counts();
            let rings = self.rings.iter();
            watch.rings.clear();
            watch
                .rings
                .extend(rings.map(|ring| (ring.slots(), ring.capacity())));
        }
    }

    /// What became of the records so far.
    #[must_use]
    pub fn counts(&self) -> Exported {
        let collectors = self.exporter.as_ref().map(Exporter::reports);
        Exported {
            output: self.output.counts(),
            collectors: collectors.unwrap_or_default(),
        }
    }

    /// Writes out the rest; for when the workers have stopped.
    #[must_use]
    pub fn finish(mut self, tables: &Tables) -> Exported {
        while self.round(tables) > 0 {}
        Exported {
            output: self.output.counts(),
            collectors: self.exporter.map(Exporter::finish).unwrap_or_default(),
        }
    }
}

/// One record to `output`, which spares the text where nobody wants it.
fn write(record: &Record, tables: &Tables, output: &mut Output) {
    if output.takes_lines() {
        output.line(&ndjson::line(record, tables));
    } else {
        output.pass_over();
    }
}

/// Moves everything that is kept in `records` to `output`.
pub(crate) fn write_records(records: &mut Records, tables: &Tables, output: &mut Output) {
    let options = records.options.drain(..).map(Record::Option);
    let reports = records.reports.drain(..).map(Record::Report);
    for record in options.chain(reports) {
        write(&record, tables, output);
    }
}

#[cfg(test)]
mod tests {
    use ioam_dp::record::RecordSink;

    use super::super::ndjson::tests::{record, tables};
    use super::super::ring;
    use super::*;

    #[test]
    fn rings_are_emptied_into_lines_and_a_full_one_takes_no_more() {
        let (mut first, first_end) = ring(2);
        let (mut second, second_end) = ring(2);
        let tables = tables();
        let lines = std::env::temp_dir().join(format!("ioam-drain-{}", std::process::id()));
        let output = Output::create(&lines).unwrap();
        let mut drain = Drain::new(vec![first_end, second_end], output);
        assert_eq!(drain.round(&tables), 0);
        let record = record("007b080080000000");
        let taken = [0; 3].map(|_| first.push(record.clone()));
        assert_eq!(taken, [true, true, false]);
        assert!(second.push(record.clone()));
        assert_eq!(drain.round(&tables), 3);
        assert!(first.push(record));
        assert_eq!(drain.finish(&tables).output.written, 4);
        let text = std::fs::read_to_string(&lines).unwrap();
        std::fs::remove_file(lines).unwrap();
        assert_eq!(text.lines().count(), 4);
    }

    #[test]
    fn without_an_output_records_are_counted() {
        let (mut sink, end) = ring(4);
        let drain = Drain::new(vec![end], Output::nowhere());
        assert!(sink.push(record("007b080080000000")));
        let counts = drain.finish(&tables());
        assert_eq!((counts.output.discarded, counts.output.written), (1, 0));
    }
}
