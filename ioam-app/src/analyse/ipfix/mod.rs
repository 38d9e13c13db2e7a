// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads IPFIX (RFC 7011) from exporters that nobody vouches for: every length is checked, and all that
//! is kept is bounded.
//!
//! A [`Session`] is one transport session: a connection, the datagrams of one peer, or a file. It gives
//! each Data Record of a kind known here to `decode`, and counts the others.

mod decode;
mod domain;
mod fields;
mod raw;
mod template;

use std::collections::BTreeMap;

use ioam_dp::table::spec::TimestampFormat;

use super::event::Event;
use domain::Domain;
use fields::Reader;
pub(super) use raw::sequence;

/// Octets of a message's header.
pub const HEADER: usize = 16;
/// The version of IPFIX.
pub const VERSION: u16 = 10;
/// Most observation domains of one session.
pub const MOST_DOMAINS: usize = 256;

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("octet {at}: {what}")]
pub struct Bad {
    /// Where in the message.
    pub at: usize,
    /// What.
    pub what: &'static str,
}

/// How elements are to be read.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The enterprise number of IOAM's elements; any without.
    pub enterprise: Option<u32>,
    /// The format of timestamps in records that do not say theirs.
    pub format: TimestampFormat,
    /// Seconds that TAI is ahead of UTC.
    pub tai_offset: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enterprise: None,
            format: TimestampFormat::Posix,
            tai_offset: 37,
        }
    }
}

/// What was read, and what was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Messages.
    pub messages: u64,
    /// Data Records, those of options included.
    pub data_records: u64,
    /// Records that the sequence numbers say are missing.
    pub missed_records: u64,
    /// Messages behind one with a larger sequence number.
    pub out_of_order: u64,
    /// Messages or parts of them that break RFC 7011.
    pub malformed: u64,
    /// Sets whose template never came.
    pub without_template: u64,
    /// Traces of which a node's record is missing.
    pub incomplete_traces: u64,
    /// Templates, domains and sets beyond what is kept.
    pub over_limit: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.data_records += other.data_records;
        self.missed_records += other.missed_records;
        self.out_of_order += other.out_of_order;
        self.malformed += other.malformed;
        self.without_template += other.without_template;
        self.incomplete_traces += other.incomplete_traces;
        self.over_limit += other.over_limit;
    }
}

/// One transport session.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    /// Datagrams: templates may come late, are sent again, and are not withdrawn (RFC 7011, 8.4).
    datagrams: bool,
    domains: BTreeMap<u32, Domain>,
    told: Told,
}

/// What all domains of a session have in common.
#[derive(Debug, Default)]
struct Told {
    counts: Counts,
    /// Names of profiles, by domain and number.
    profiles: BTreeMap<(u32, u16), String>,
}

impl Session {
    /// Begins one, of datagrams or of a stream.
    #[must_use]
    pub fn new(settings: Settings, datagrams: bool) -> Self {
        Self {
            settings,
            datagrams,
            domains: BTreeMap::new(),
            told: Told::default(),
        }
    }

    /// Reads one message and adds what it says to `events`.
    ///
    /// # Errors
    /// What of the message breaks the protocol; what stands before that was read.
    pub fn message(&mut self, octets: &[u8], events: &mut Vec<Event>) -> Result<(), Bad> {
        let outcome = self.read(octets, events);
        self.told.counts.malformed += u64::from(outcome.is_err());
        outcome
    }

    fn read(&mut self, octets: &[u8], events: &mut Vec<Event>) -> Result<(), Bad> {
        let mut header = Reader::new(octets, 0);
        let (version, length) = (header.u16()?, usize::from(header.u16()?));
        let _export_time = header.u32()?;
        let (sequence, domain) = (header.u32()?, header.u32()?);
        if version != VERSION {
            return Err(Bad {
                at: 0,
                what: "this is no IPFIX message: its version is not 10",
            });
        }
        let cut = Bad {
            at: 2,
            what: "the message is not as long as it says",
        };
        let body = octets.get(HEADER..length).ok_or(cut)?;
        if !self.domains.contains_key(&domain) && self.domains.len() >= MOST_DOMAINS {
            self.told.counts.over_limit += 1;
            return Ok(());
        }
        self.told.counts.messages += 1;
        let held: usize = self.domains.values().map(Domain::fields_held).sum();
        let domains = self.domains.entry(domain);
        let domain = domains.or_insert_with(|| Domain::new(domain));
        let limits = domain::Limits {
            settings: self.settings,
            datagrams: self.datagrams,
            fields_held: held,
        };
        let read = domain.sets(Reader::new(body, HEADER), limits, &mut self.told, events);
        // Who cannot say how many records there were cannot say what comes next.
        let records = read.as_ref().ok().copied().flatten();
        domain.sequence(sequence, records, &mut self.told);
        if length < octets.len() && self.datagrams {
            return Err(Bad {
                at: length,
                what: "octets behind the message",
            });
        }
        read.map(|_| ())
    }

    /// The end: what was held back in case that more came.
    pub fn finish(&mut self, events: &mut Vec<Event>) {
        events.extend(self.domains.values_mut().filter_map(Domain::finish));
    }

    /// What was read so far; what still waits for its template counts as not read.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = self.told.counts;
        for domain in self.domains.values() {
            counts.without_template += domain.waiting();
            counts.incomplete_traces += u64::from(domain.is_inside_trace());
        }
        counts
    }

    /// Observation domains: as a rule, nodes.
    #[must_use]
    pub fn domains(&self) -> usize {
        self.domains.len()
    }
}

#[cfg(test)]
mod tests;
