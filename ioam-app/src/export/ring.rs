// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The ring between a worker and the management thread.
//!
//! A record takes as many slots as its option needs, nearly always one of three cache lines, so that
//! a worker writes no more than there is to say.

use ioam_dp::record::{ExportRecord, MAX_OPTION_DATA, RecordHead, RecordSink, SequenceReport};
use rtrb::{Consumer, Producer, RingBuffer};

/// Octets of option data in a record's first slot: a trace of four nodes with 16 octets each.
const FIRST: usize = 74;
/// Octets in the slot behind it.
const MORE: usize = 184;

/// Slots for options to each for a report, of which there are few.
const OPTIONS_A_REPORT: usize = 8;

/// What goes through a ring: everything a worker hands over, options and reports each in the order
/// they were made.
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

/// A part of a record.
#[derive(Debug)]
enum Slot {
    /// Its head, the length of the option data, and the first of them.
    First(RecordHead, u8, [u8; FIRST]),
    /// What did not fit there.
    More([u8; MORE]),
}

const _: () = assert!(size_of::<Slot>() <= 192);
const _: () = assert!(FIRST + MORE >= MAX_OPTION_DATA);

/// A worker's end of its ring.
#[derive(Debug)]
pub struct RingSink {
    options: Producer<Slot>,
    reports: Producer<SequenceReport>,
}

/// The end of a ring that [`Drain`](super::Drain) reads.
#[derive(Debug)]
pub struct RingSource {
    options: Consumer<Slot>,
    reports: Consumer<SequenceReport>,
}

/// A ring with `slots`, of which a record takes one, or two where its option data are longer than 74
/// octets: the worker's end, and the reader's.
#[must_use]
pub fn ring(slots: usize) -> (RingSink, RingSource) {
    let (options, taken) = RingBuffer::new(slots);
    let (reports, told) = RingBuffer::new(slots.div_ceil(OPTIONS_A_REPORT));
    let sink = RingSink { options, reports };
    let source = RingSource {
        options: taken,
        reports: told,
    };
    (sink, source)
}

impl RecordSink for RingSink {
    fn push(&mut self, record: ExportRecord) -> bool {
        self.put(&record.head(), record.option_data())
    }

    #[inline]
    fn put(&mut self, head: &RecordHead, option_data: &[u8]) -> bool {
        let len = u8::try_from(option_data.len()).unwrap_or(u8::MAX);
        let first = Slot::First(*head, len, filled(option_data));
        match option_data.get(FIRST..) {
            None | Some([]) => self.options.push(first).is_ok(),
            Some(rest) => self.put_both([first, Slot::More(filled(rest))]),
        }
    }

    fn report(&mut self, report: SequenceReport) -> bool {
        self.reports.push(report).is_ok()
    }
}

impl RingSink {
    /// Both at once or neither, so that the reader never sees half a record.
    fn put_both(&mut self, slots: [Slot; 2]) -> bool {
        match self.options.write_chunk_uninit(slots.len()) {
            Ok(chunk) => chunk.fill_from_iter(slots) == 2,
            Err(_) => false,
        }
    }
}

/// The octets, and zeros behind them; no more than there is room for.
#[inline]
fn filled<const N: usize>(octets: &[u8]) -> [u8; N] {
    let mut place = [0; N];
    let len = octets.len().min(N);
    if let (Some(place), Some(octets)) = (place.get_mut(..len), octets.get(..len)) {
        place.copy_from_slice(octets);
    }
    place
}

impl RingSource {
    /// Slots that are taken.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.options.slots() + self.reports.slots()
    }

    /// Slots for options.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.options.buffer().capacity()
    }

    /// The next record; a report when there is no option.
    pub fn pop(&mut self) -> Option<Record> {
        while let Ok(slot) = self.options.pop() {
            if let Slot::First(head, len, first) = slot {
                return Some(Record::Option(self.whole(&head, len.into(), &first)));
            }
        }
        self.reports.pop().ok().map(Record::Report)
    }

    fn whole(&mut self, head: &RecordHead, len: usize, first: &[u8]) -> ExportRecord {
        let mut data = [0; FIRST + MORE];
        let (start, rest) = data.split_at_mut(FIRST);
        start.copy_from_slice(first);
        if len > FIRST
            && let Ok(Slot::More(more)) = self.options.pop()
        {
            rest.copy_from_slice(&more);
        }
        ExportRecord::new(head, data.get(..len).unwrap_or(&data))
    }
}

#[cfg(test)]
mod tests {
    use super::super::ndjson::tests::record;
    use super::*;

    fn with_option(len: u8) -> ExportRecord {
        let octets: Vec<u8> = (0..len).collect();
        ExportRecord::new(&record("007b080080000000").head(), &octets)
    }

    #[test]
    fn a_record_comes_out_as_it_went_in_whatever_its_length() {
        let (mut sink, mut source) = ring(3);
        for len in [0, 1, 73, 74, 75, 200, 253] {
            assert!(sink.push(with_option(len)));
            assert_eq!(source.pop(), Some(Record::Option(with_option(len))));
            assert_eq!((source.pop(), source.slots()), (None, 0));
        }
    }

    #[test]
    fn a_long_record_goes_in_whole_or_not_at_all() {
        let (mut sink, mut source) = ring(3);
        assert!(sink.push(with_option(10)) && sink.push(with_option(100)));
        assert!(!sink.push(with_option(10)) && !sink.push(with_option(100)));
        assert_eq!(source.pop(), Some(Record::Option(with_option(10))));
        assert!(!sink.push(with_option(100)) && sink.push(with_option(20)));
        assert_eq!(source.pop(), Some(Record::Option(with_option(100))));
        assert_eq!(source.pop(), Some(Record::Option(with_option(20))));
        assert_eq!(source.pop(), None);
    }
}
