// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The ring between a worker and the management thread.
//!
//! A record takes as many slots as its option needs, nearly always one of three cache lines, so that
//! a worker writes no more than there is to say.

use ioam_dp::record::{ExportRecord, MAX_OPTION_DATA, RecordHead, RecordSink, SequenceReport};
use rtrb::{Consumer, Producer, RingBuffer};

/// Octets of option data in a slot: a trace of four nodes with 16 octets each fits the first.
const OCTETS: usize = 74;

/// Slots of the longest record.
const MOST_SLOTS: usize = MAX_OPTION_DATA.div_ceil(OCTETS);

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

/// A record with the first of its option data, or, behind such a slot, more of them.
#[derive(Debug)]
struct Slot {
    head: RecordHead,
    /// Octets of all the option data.
    len: u8,
    octets: [u8; OCTETS],
}

const _: () = assert!(size_of::<Slot>() <= 192);

impl Default for Slot {
    fn default() -> Self {
        Self {
            head: RecordHead::default(),
            len: 0,
            octets: [0; OCTETS],
        }
    }
}

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

/// A ring with `slots`, of which a record takes one for each 74 octets of its option data: the
/// worker's end, and the reader's.
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

    /// Written where it stays: copying a record that was just put together would wait for each of
    /// its parts.
    #[inline]
    fn put(&mut self, head: &RecordHead, option_data: &[u8]) -> bool {
        let more = option_data.get(OCTETS..).unwrap_or(&[]);
        let slots = 1 + more.len().div_ceil(OCTETS);
        let Ok(mut chunk) = self.options.write_chunk(slots) else {
            return false;
        };
        let (before_wrap, behind_wrap) = chunk.as_mut_slices();
        let mut slots = before_wrap.iter_mut().chain(behind_wrap);
        if let Some(first) = slots.next() {
            first.head = *head;
            first.len = u8::try_from(option_data.len()).unwrap_or(u8::MAX);
            fill(&mut first.octets, option_data);
        }
        for (slot, octets) in slots.zip(more.chunks(OCTETS)) {
            fill(&mut slot.octets, octets);
        }
        // All at once, so that the reader never sees half a record.
        chunk.commit_all();
        true
    }

    fn report(&mut self, report: SequenceReport) -> bool {
        self.reports.push(report).is_ok()
    }
}

/// The first of `octets`, as many as there is room for.
#[inline]
fn fill(place: &mut [u8; OCTETS], octets: &[u8]) {
    let len = octets.len().min(OCTETS);
    if let (Some(place), Some(octets)) = (place.get_mut(..len), octets.get(..len)) {
        place.copy_from_slice(octets);
    }
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
        let Ok(first) = self.options.pop() else {
            return self.reports.pop().ok().map(Record::Report);
        };
        let mut data = [0; MOST_SLOTS * OCTETS];
        let len = usize::from(first.len);
        let mut places = data.chunks_exact_mut(OCTETS).take(len.div_ceil(OCTETS));
        if let Some(place) = places.next() {
            place.copy_from_slice(&first.octets);
        }
        for (place, slot) in places.zip(std::iter::from_fn(|| self.options.pop().ok())) {
            place.copy_from_slice(&slot.octets);
        }
        let data = data.get(..len).unwrap_or(&data);
        Some(Record::Option(ExportRecord::new(&first.head, data)))
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
        let (mut sink, mut source) = ring(5);
        for len in [0, 1, 73, 74, 75, 148, 149, 200, 222, 223, 253] {
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
