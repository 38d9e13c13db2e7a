// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The management thread's side: from the rings to the output and the collectors.

use ioam_dp::record::Records;
use ioam_dp::table::Tables;
use rtrb::Consumer;

use super::ipfix::{CollectorReport, Exporter};
use super::{Output, OutputCounts, Record, ndjson};

/// Empties the workers' rings into an output, and into the queues of collectors.
#[derive(Debug)]
pub struct Drain {
    rings: Vec<Consumer<Record>>,
    output: Output,
    exporter: Option<Exporter>,
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
    pub fn new(rings: Vec<Consumer<Record>>, output: Output) -> Self {
        Self {
            rings,
            output,
            exporter: None,
        }
    }

    /// The same with collectors.
    #[must_use]
    pub fn with_exporter(self, exporter: Exporter) -> Self {
        let exporter = Some(exporter).filter(Exporter::has_collectors);
        Self { exporter, ..self }
    }

    /// Writes out what waits in the rings now, and returns how many records that were. What workers
    /// add meanwhile is left for the next round, so that a round ends.
    pub fn round(&mut self, tables: &Tables) -> usize {
        let mut records = 0;
        let waits = self.rings.iter().any(|ring| ring.slots() > 0);
        if let Some(exporter) = self.exporter.as_mut().filter(|_| waits) {
            exporter.set_tables(tables);
        }
        for ring in &mut self.rings {
            for _ in 0..ring.slots() {
                let Ok(record) = ring.pop() else { break };
                records += 1;
                write(&record, tables, &mut self.output);
                if let Some(exporter) = &mut self.exporter {
                    exporter.take(record);
                }
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
