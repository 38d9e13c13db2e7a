// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An observation domain of a session: its templates, its sequence, and what waits for a template.

use std::collections::{BTreeMap, VecDeque};

use super::decode::Decoder;
use super::fields::{Fields, Reader};
use super::template::{Definition, Kind, Template};
use super::{Bad, Settings, Told};
use crate::analyse::event::Event;
use crate::export::ipfix::template::{OPTIONS_TEMPLATE_SET, TEMPLATE_SET};

/// Most templates of a domain.
const MOST_TEMPLATES: usize = 1024;
/// Most fields of all templates of a session.
const MOST_FIELDS: usize = 65_536;
/// Most octets of sets that wait for their template, and most sets.
const MOST_WAITING: (usize, usize) = (65_536, 256);

/// What holds for one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) settings: Settings,
    pub(super) datagrams: bool,
    /// Fields of all templates of the session so far.
    pub(super) fields_held: usize,
}

#[derive(Debug)]
pub(super) struct Domain {
    /// By Template ID; whether it came in an options template set.
    templates: BTreeMap<u16, (Template, bool)>,
    waiting: VecDeque<(u16, Vec<u8>)>,
    waiting_octets: usize,
    expected: Option<u32>,
    decoder: Decoder,
}

impl Domain {
    /// The one with this Observation Domain ID.
    pub(super) fn new(number: u32) -> Self {
        Self {
            templates: BTreeMap::new(),
            waiting: VecDeque::new(),
            waiting_octets: 0,
            expected: None,
            decoder: Decoder::new(number),
        }
    }

    pub(super) fn fields_held(&self) -> usize {
        let templates = self.templates.values();
        templates.map(|(template, _)| template.fields.len()).sum()
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.len() as u64
    }

    pub(super) fn is_inside_trace(&self) -> bool {
        self.decoder.is_inside_trace()
    }

    pub(super) fn finish(&mut self) -> Option<Event> {
        self.decoder.finish()
    }

    /// Reads all sets; how many Data Records there were, `None` where a template is missing.
    pub(super) fn sets(
        &mut self,
        mut reader: Reader<'_>,
        limits: Limits,
        told: &mut Told,
        events: &mut Vec<Event>,
    ) -> Result<Option<u32>, Bad> {
        let mut records = Some(0_u32);
        while !reader.rest().is_empty() {
            let start = reader.clone();
            let (set, length) = (reader.u16()?, usize::from(reader.u16()?));
            let length = length.checked_sub(4);
            let length = length.ok_or_else(|| start.bad("a set shorter than its header"))?;
            let at = reader.at();
            let body = Reader::new(reader.take(length)?, at);
            match set {
                TEMPLATE_SET | OPTIONS_TEMPLATE_SET => {
                    self.define(body, set, limits, told, events)?;
                }
                256.. => {
                    let read = self.data(set, body, limits, told, events)?;
                    records = records.zip(read).map(|(sum, more)| sum.wrapping_add(more));
                }
                _ => return Err(start.bad("a Set ID that RFC 7011 does not know")),
            }
        }
        Ok(records)
    }

    /// Compares the message's sequence number with what was expected.
    pub(super) fn sequence(&mut self, number: u32, records: Option<u32>, told: &mut Told) {
        let after = records.map(|records| number.wrapping_add(records));
        let Some(expected) = self.expected else {
            self.expected = after;
            return;
        };
        let ahead = number.wrapping_sub(expected).cast_signed();
        if ahead >= 0 {
            told.counts.missed_records += u64::from(ahead.unsigned_abs());
            self.expected = after;
            return;
        }
        // It was counted as missing when a later one came.
        told.counts.out_of_order += 1;
        let late = u64::from(records.unwrap_or(0));
        told.counts.missed_records = told.counts.missed_records.saturating_sub(late);
    }

    fn define(
        &mut self,
        mut body: Reader<'_>,
        set: u16,
        limits: Limits,
        told: &mut Told,
        events: &mut Vec<Event>,
    ) -> Result<(), Bad> {
        let options = set == OPTIONS_TEMPLATE_SET;
        let enterprise = limits.settings.enterprise;
        // Fewer octets than a template record has at least are padding.
        while body.rest().len() >= 4 {
            match Definition::read(&mut body, options, enterprise)? {
                Definition::Withdrawal(id) if !limits.datagrams => self.withdraw(id, set),
                Definition::Withdrawal(_) => told.counts.malformed += 1,
                Definition::Template(id, template) => {
                    let held = limits.fields_held.max(self.fields_held());
                    let fits = held + template.fields.len() <= MOST_FIELDS;
                    let known = self.templates.contains_key(&id);
                    if !fits || !known && self.templates.len() >= MOST_TEMPLATES {
                        told.counts.over_limit += 1;
                        continue;
                    }
                    self.templates.insert(id, (template, options));
                    self.announced();
                    self.catch_up(id, limits, told, events);
                }
            }
        }
        Ok(())
    }

    fn withdraw(&mut self, id: u16, set: u16) {
        if id == set {
            let options = set == OPTIONS_TEMPLATE_SET;
            self.templates
                .retain(|_, (_, of_options)| *of_options != options);
        } else {
            self.templates.remove(&id);
        }
        self.announced();
    }

    /// Which kinds of record there are decides which of two that say the same is read.
    fn announced(&mut self) {
        let kinds = self.templates.values().map(|(template, _)| template.kind);
        let kinds: Vec<Kind> = kinds.collect();
        self.decoder.announced(&kinds);
    }

    /// Reads the sets that waited for this template.
    fn catch_up(&mut self, id: u16, limits: Limits, told: &mut Told, events: &mut Vec<Event>) {
        let waiting = std::mem::take(&mut self.waiting);
        let (now, later): (VecDeque<_>, VecDeque<_>) =
            waiting.into_iter().partition(|(set, _)| *set == id);
        self.waiting = later;
        for (set, octets) in now {
            self.waiting_octets = self.waiting_octets.saturating_sub(octets.len());
            let read = self.data(set, Reader::new(&octets, 0), limits, told, events);
            told.counts.malformed += u64::from(read.is_err());
        }
    }

    fn data(
        &mut self,
        set: u16,
        mut body: Reader<'_>,
        limits: Limits,
        told: &mut Told,
        events: &mut Vec<Event>,
    ) -> Result<Option<u32>, Bad> {
        let Some((template, _)) = self.templates.get(&set) else {
            self.wait(set, body.rest(), told);
            return Ok(None);
        };
        let mut records = 0_u32;
        // Fewer octets than a record has at least are padding (RFC 7011, 3.3.1).
        while body.rest().len() >= template.least {
            let fields = Fields::read(template, &mut body, limits.settings.enterprise)?;
            records = records.wrapping_add(1);
            told.counts.data_records += 1;
            self.decoder
                .record(template.kind, &fields, limits.settings, told, events);
        }
        Ok(Some(records))
    }

    fn wait(&mut self, set: u16, octets: &[u8], told: &mut Told) {
        let (most_octets, most_sets) = MOST_WAITING;
        if self.waiting_octets + octets.len() > most_octets || self.waiting.len() >= most_sets {
            told.counts.without_template += 1;
            return;
        }
        self.waiting_octets += octets.len();
        self.waiting.push_back((set, octets.to_vec()));
    }
}
