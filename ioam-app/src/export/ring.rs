// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The ring between a worker and the management thread.

use ioam_dp::record::{ExportRecord, RecordSink};
use rtrb::{Consumer, Producer, RingBuffer};

/// A worker's end of its ring.
#[derive(Debug)]
pub struct RingSink(Producer<ExportRecord>);

/// A ring for `records` records: the worker's end, and the one that [`Drain`](super::Drain) reads.
#[must_use]
pub fn ring(records: usize) -> (RingSink, Consumer<ExportRecord>) {
    let (producer, consumer) = RingBuffer::new(records);
    (RingSink(producer), consumer)
}

impl RecordSink for RingSink {
    fn push(&mut self, record: ExportRecord) -> bool {
        self.0.push(record).is_ok()
    }
}
