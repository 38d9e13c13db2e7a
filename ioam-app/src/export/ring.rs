// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The ring between a worker and the management thread.

use ioam_dp::record::{ExportRecord, RecordSink, SequenceReport};
use rtrb::{Consumer, Producer, RingBuffer};

/// What goes through a ring: everything a worker hands over, in the order it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "a box would be an allocation of the worker's"
)]
pub enum Record {
    /// An option.
    Option(ExportRecord),
    /// What arrived of a sequence.
    Report(SequenceReport),
}

// A ring has room for thousands: a report must not make every slot larger.
const _: () = assert!(size_of::<Record>() <= size_of::<ExportRecord>() + 16);

/// A worker's end of its ring.
#[derive(Debug)]
pub struct RingSink(Producer<Record>);

/// A ring for `records` records: the worker's end, and the one that [`Drain`](super::Drain) reads.
#[must_use]
pub fn ring(records: usize) -> (RingSink, Consumer<Record>) {
    let (producer, consumer) = RingBuffer::new(records);
    (RingSink(producer), consumer)
}

impl RecordSink for RingSink {
    fn push(&mut self, record: ExportRecord) -> bool {
        self.0.push(Record::Option(record)).is_ok()
    }

    fn report(&mut self, report: SequenceReport) -> bool {
        self.0.push(Record::Report(report)).is_ok()
    }
}
