// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Messages and sets around records (RFC 7011, 3.1 and 3.3).
//!
//! ```text
//! | version 10 |   length   | export time | sequence | observation domain |   16 octets
//! |  Set ID    |   length   | records ...
//! ```

use std::ops::Range;

use super::field::Fields as _;
use super::template::OPTIONS_TEMPLATE_SET;

/// Most octets of a message, so that it travels in one packet.
pub const MOST_OCTETS: usize = 1400;
const HEADER: usize = 16;
const SET_HEADER: usize = 4;
const VERSION: u16 = 10;
/// No Set ID: 0 and 1 are not used (RFC 7011, 3.3.2).
const NO_SET: u16 = 0;

/// A message that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Where it is in [`Messages::octets`].
    pub place: Range<usize>,
    /// Data Records in it.
    pub data_records: u32,
    /// Records of the node whose last Data Record is in it.
    pub ended: u32,
    /// The last of its records of the node goes on in the next message.
    pub continues: bool,
}

struct Open {
    start: usize,
    set_start: usize,
    set: u16,
    data_records: u32,
    ended: u32,
}

/// Messages one behind the other, of one transport session and observation domain.
pub struct Messages {
    octets: Vec<u8>,
    finished: Vec<Finished>,
    open: Option<Open>,
    domain: u32,
    sequence: u32,
    time: u32,
    /// Data Records of the node's record at hand.
    parts: u32,
    /// Records of the node that had nothing to say.
    empty: u32,
    /// A record on its way to the next message.
    moved: Vec<u8>,
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (finished, sequence) = (self.finished.len(), self.sequence);
        write!(f, "Messages({finished} finished, sequence {sequence})")
    }
}

impl Messages {
    /// No messages yet.
    #[must_use]
    pub fn new(domain: u32) -> Self {
        Self {
            octets: Vec::new(),
            finished: Vec::new(),
            open: None,
            domain,
            sequence: 0,
            time: 0,
            parts: 0,
            empty: 0,
            moved: Vec::new(),
        }
    }

    /// A new transport session: the sequence starts over.
    pub fn restart(&mut self) {
        self.clear();
        self.sequence = 0;
    }

    /// Forgets the messages, which have been sent or lost.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.finished.clear();
        self.open = None;
        (self.parts, self.empty) = (0, 0);
    }

    /// Messages from here on are sent at `time`, in seconds since 1970. It never goes back: no data
    /// may be older than their template (RFC 7011, 8).
    pub fn set_time(&mut self, time: u32) {
        self.time = self.time.max(time);
    }

    /// Adds a record that `write` appends, to a set with this Set ID.
    pub fn add(&mut self, set: u16, write: impl FnOnce(&mut Vec<u8>)) {
        self.enter(set);
        let at = self.octets.len();
        write(&mut self.octets);
        let start = self.open.as_ref().map_or(at, |open| open.start);
        if self.octets.len() - start > MOST_OCTETS && self.has_records(at) {
            self.moved.clear();
            let moved = self.octets.get(at..).unwrap_or_default();
            self.moved.extend_from_slice(moved);
            self.octets.truncate(at);
            self.close();
            self.enter(set);
            self.octets.extend_from_slice(&self.moved);
        }
        if let Some(open) = self.open.as_mut().filter(|_| set > OPTIONS_TEMPLATE_SET) {
            open.data_records += 1;
            self.sequence = self.sequence.wrapping_add(1);
            self.parts += 1;
        }
    }

    /// What follows goes to a set of its own, even if it has the same Set ID.
    pub fn end_set(&mut self) {
        self.close_set();
        if let Some(open) = &mut self.open {
            (open.set_start, open.set) = (self.octets.len(), NO_SET);
        }
    }

    /// The record of the node at hand is complete.
    pub fn end_record(&mut self) {
        self.parts = 0;
        match (&mut self.open, self.finished.last_mut()) {
            (Some(open), _) => open.ended += 1,
            (None, Some(last)) => last.ended += 1,
            (None, None) => self.empty += 1,
        }
    }

    /// Ends the message at hand.
    pub fn close(&mut self) {
        self.close_set();
        let Some(open) = self.open.take() else { return };
        // The sequence that counts before this message (RFC 7011, 3.1).
        let before = self.sequence.wrapping_sub(open.data_records);
        let len = u16::try_from(self.octets.len() - open.start).unwrap_or(u16::MAX);
        let mut header = Vec::with_capacity(HEADER);
        header.u16(VERSION);
        header.u16(len);
        header.u32(self.time);
        header.u32(before);
        header.u32(self.domain);
        if let Some(place) = self.octets.get_mut(open.start..open.start + HEADER) {
            place.copy_from_slice(&header);
        }
        self.finished.push(Finished {
            place: open.start..self.octets.len(),
            data_records: open.data_records,
            ended: open.ended,
            continues: self.parts > 0,
        });
    }

    /// The octets of all messages.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The messages that are ready.
    #[must_use]
    pub fn finished(&self) -> &[Finished] {
        &self.finished
    }

    /// Records of the node that made no Data Record, before the first message.
    #[must_use]
    pub fn empty_records(&self) -> u32 {
        self.empty
    }

    /// Makes `set` the set at hand, in a new message if there is none.
    fn enter(&mut self, set: u16) {
        match &self.open {
            Some(open) if open.set == set => return,
            Some(_) => self.close_set(),
            None => {
                let start = self.octets.len();
                self.octets.resize(start + HEADER, 0);
                self.open = Some(Open {
                    start,
                    set_start: start + HEADER,
                    set,
                    data_records: 0,
                    ended: 0,
                });
            }
        }
        let set_start = self.octets.len();
        if let Some(open) = &mut self.open {
            (open.set_start, open.set) = (set_start, set);
        }
        self.octets.u16(set);
        self.octets.u16(0);
    }

    /// Whether the message at hand has a record before `at`.
    fn has_records(&self, at: usize) -> bool {
        let open = self.open.as_ref();
        open.is_some_and(|open| at > open.start + HEADER + SET_HEADER)
    }

    /// Fills in the length of the set at hand, or takes it back where it is empty.
    fn close_set(&mut self) {
        let Some(open) = &self.open else { return };
        let start = open.set_start;
        let len = self.octets.len() - start;
        if len == 0 {
            // There is none.
        } else if len <= SET_HEADER {
            self.octets.truncate(start);
        } else if let Some(place) = self.octets.get_mut(start + 2..start + SET_HEADER) {
            place.copy_from_slice(&u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(octets: &[u8]) -> Vec<u32> {
        let word = |word: &[u8]| u32::from_be_bytes(word.try_into().unwrap());
        octets.chunks_exact(4).map(word).collect()
    }

    #[test]
    fn sets_and_messages_know_their_lengths() {
        let mut messages = Messages::new(7);
        messages.set_time(1000);
        messages.add(2, |out| out.u32(0x0100_0000));
        messages.add(256, |out| out.u32(1));
        messages.add(256, |out| out.u32(2));
        messages.add(257, |out| out.u32(3));
        messages.close();
        let octets = messages.octets();
        assert_eq!(
            words(octets),
            [
                0x000A_0000 + 44,
                1000,
                0,
                7,
                0x0002_0008,
                0x0100_0000,
                0x0100_000C,
                1,
                2,
                0x0101_0008,
                3
            ]
        );
        assert_eq!(messages.finished()[0].data_records, 3);
    }

    #[test]
    fn a_full_message_is_followed_by_another_and_the_sequence_counts_records() {
        let mut messages = Messages::new(0);
        for _ in 0..3 {
            messages.add(300, |out| out.resize(out.len() + 600, 1));
            messages.end_record();
        }
        messages.close();
        messages.add(300, |out| out.resize(out.len() + 600, 1));
        messages.close();
        let finished = messages.finished();
        let lens: Vec<_> = finished.iter().map(|one| one.place.len()).collect();
        assert_eq!(lens, [1220, 620, 620]);
        let octets = messages.octets();
        let sequences: Vec<_> = finished
            .iter()
            .map(|one| words(&octets[one.place.clone()])[2])
            .collect();
        assert_eq!(sequences, [0, 2, 3]);
        assert_eq!(finished[0].ended, 2);
        assert!(finished.iter().take(2).all(|one| !one.continues));
    }

    #[test]
    fn an_ended_set_is_followed_by_another_with_the_same_id() {
        let mut messages = Messages::new(0);
        messages.add(3, |out| out.u32(1));
        messages.end_set();
        messages.add(3, |out| out.u32(2));
        messages.end_set();
        messages.end_set();
        messages.close();
        let set = 0x0003_0008;
        assert_eq!(words(messages.octets())[4..], [set, 1, set, 2]);
    }

    #[test]
    fn a_set_that_stays_empty_is_taken_back() {
        let mut messages = Messages::new(0);
        messages.add(300, |out| out.resize(out.len() + 1000, 1));
        messages.add(301, |out| out.resize(out.len() + 1000, 1));
        messages.close();
        let finished = messages.finished();
        assert_eq!(finished[0].place.len(), 1020);
        assert_eq!(finished[1].place.len(), 1020);
    }

    #[test]
    fn a_record_of_the_node_in_two_messages_ends_in_the_second() {
        let mut messages = Messages::new(0);
        messages.add(300, |out| out.resize(out.len() + 1000, 1));
        messages.add(300, |out| out.resize(out.len() + 1000, 1));
        messages.end_record();
        messages.close();
        let [first, second] = messages.finished() else {
            panic!("two messages");
        };
        assert_eq!((first.ended, first.continues), (0, true));
        assert_eq!((second.ended, second.continues), (1, false));
        let mut messages = Messages::new(0);
        messages.end_record();
        assert_eq!(messages.empty_records(), 1);
    }

    #[test]
    fn time_never_goes_back_and_a_new_session_counts_from_0() {
        let mut messages = Messages::new(0);
        messages.set_time(50);
        messages.set_time(40);
        messages.add(300, |out| out.u32(1));
        messages.restart();
        messages.add(300, |out| out.u32(1));
        messages.close();
        assert_eq!(words(messages.octets())[1..3], [50, 0]);
    }
}
