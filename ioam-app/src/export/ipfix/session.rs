// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A transport session: what the collector was told already, and what it is to be told again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::{Batch, Wanted};
use super::counts::CollectorCounts;
use super::element::Element;
use super::field::Fields as _;
use super::message::Messages;
use super::names::Names;
use super::settings::{Collector, Profile, Transport};
use super::template::{self, Template};
use super::{ioam, record, uliege};
use crate::export::Record;
use ioam_dp::timestamp::WallTime;

/// When descriptions are sent again over UDP, at first: the datagram that has them may be lost.
const SOON: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];
/// The Observation Domain ID of messages that are about no one domain (RFC 7011, 3.1).
const NO_DOMAIN: u32 = 0;
/// Octets of messages that are sent together.
pub(super) const TOGETHER: usize = 1 << 20;

/// What a collector is sent over one connection or socket.
#[derive(Debug)]
pub struct Session {
    /// Records that are to be sent now.
    pub messages: Messages,
    /// What is to be sent about them before: descriptions, names and statistics, of no one domain.
    /// A collector that does not count such records misses none of the others then.
    pub about: Messages,
    wanted: Wanted,
    profile: Profile,
    enterprise: u32,
    domain: u32,
    refresh: Duration,
    /// Whether descriptions can get lost.
    lossy: bool,
    described: u64,
    describe_at: Option<Instant>,
    statistics_at: Option<Instant>,
    names: Arc<Names>,
    scratch: Vec<u8>,
}

impl Session {
    /// A session that has not begun.
    #[must_use]
    pub fn new(collector: &Collector) -> Self {
        Self {
            messages: Messages::new(collector.domain),
            about: Messages::new(NO_DOMAIN),
            wanted: Wanted::of(collector),
            profile: collector.profile,
            enterprise: collector.enterprise,
            domain: collector.domain,
            refresh: collector.refresh,
            lossy: collector.transport == Transport::Udp,
            described: 0,
            describe_at: None,
            statistics_at: None,
            names: Arc::default(),
            scratch: Vec::new(),
        }
    }

    /// Begins: the sequence starts at 0, and everything is to be described.
    pub fn begin(&mut self, now: Instant) {
        self.messages.restart();
        self.about.restart();
        self.described = 0;
        self.describe_at = Some(now);
        self.statistics_at = Some(now + self.refresh);
    }

    /// Adds what is due at `now`: descriptions in messages of their own, and statistics. Messages
    /// are stamped `time` from here on.
    pub fn tick(&mut self, now: Instant, time: WallTime, counts: &CollectorCounts) {
        let seconds = u32::try_from(time.seconds & 0xFFFF_FFFF).unwrap_or(u32::MAX);
        self.messages.set_time(seconds);
        self.about.set_time(seconds);
        if self.describe_at.is_some_and(|at| now >= at) {
            self.describe();
            let soon = usize::try_from(self.described).ok();
            let soon = soon.and_then(|times| SOON.get(times).copied());
            let next = soon.unwrap_or(self.refresh).min(self.refresh);
            self.describe_at = self.lossy.then(|| now + next);
            self.described += 1;
        }
        if self.statistics_at.is_some_and(|at| now >= at) {
            self.statistics_at = Some(now + self.refresh);
            self.statistics(counts);
        }
    }

    /// The templates that this collector's records have.
    fn templates(&self) -> Vec<Template> {
        let wanted = self.wanted;
        if self.profile == Profile::Uliege {
            return vec![template::ULIEGE];
        }
        let mut templates = Vec::new();
        if wanted.hops() {
            templates.push(template::HOP);
        }
        if wanted.raw() {
            templates.extend_from_slice(template::RAW);
        }
        if wanted.sequences() {
            templates.push(template::SEQUENCE_REPORT);
        }
        if wanted.paths() {
            templates.push(template::PATH);
        }
        templates
    }

    fn elements(&self) -> &'static [Element] {
        match self.profile {
            Profile::Ioam => ioam::ALL,
            Profile::Uliege => uliege::ALL,
        }
    }

    /// What elements mean, then the templates that have them: some collectors read a template with
    /// what they know of its elements when it comes.
    fn describe(&mut self) {
        let enterprise = self.enterprise;
        for template in template::ABOUT {
            template.describe(enterprise, &mut self.about);
            // pmacct 1.7.7 reads the first options template of a set alone.
            self.about.end_set();
        }
        for element in self.elements() {
            self.about.add(template::ELEMENT_TYPE.id, |out| {
                element_type(element, enterprise, out);
            });
        }
        self.about.close();
        for template in self.templates() {
            template.describe(enterprise, &mut self.messages);
        }
        self.messages.close();
        self.name();
    }

    fn name(&mut self) {
        let domain = self.domain;
        for (number, name) in (1..).zip(&self.names.ports) {
            self.about.add(template::INTERFACE.id, |out| {
                out.u32(domain);
                out.u32(number);
                out.variable(name.as_bytes());
            });
        }
        for (number, name) in (0..).zip(&self.names.profiles) {
            self.about.add(template::PROFILE.id, |out| {
                out.u32(domain);
                out.u16(number);
                out.variable(name.as_bytes());
            });
        }
        self.about.close();
    }

    /// What became of the records so far (RFC 7011, 4.3).
    pub fn statistics(&mut self, counts: &CollectorCounts) {
        let domain = self.domain;
        let not_sent = counts.not_sent();
        self.about.add(template::RELIABILITY.id, |out| {
            // One process per observation domain.
            out.u32(domain);
            out.u64(counts.dropped.get());
            out.u64(record::milliseconds(not_sent.0));
            out.u64(record::milliseconds(not_sent.1));
            out.u64(counts.data_records.get());
            out.u64(counts.messages.get());
            out.u64(counts.octets.get());
        });
        self.about.close();
    }

    /// Adds the batch's records from the one with this number on, until there is enough to be sent;
    /// the number of the first that is left, or `None` when there is none.
    pub fn add(&mut self, batch: &Batch, from: usize) -> Option<usize> {
        if !Arc::ptr_eq(&self.names, &batch.names) {
            self.names = Arc::clone(&batch.names);
            self.name();
        }
        for (number, record) in batch.records.iter().enumerate().skip(from) {
            if self.messages.octets().len() >= TOGETHER {
                self.messages.close();
                return Some(number);
            }
            if self.wanted.takes(record) {
                self.record(record);
            }
        }
        if self.wanted.paths() {
            for path in &batch.paths {
                record::path(path, &mut self.messages);
                self.messages.end_record();
            }
        }
        self.messages.close();
        None
    }

    fn record(&mut self, record: &Record) {
        let messages = &mut self.messages;
        match record {
            Record::Option(option) if self.profile == Profile::Uliege => {
                record::uliege(option, messages);
            }
            Record::Option(option) => {
                if self.wanted.raw() {
                    record::raw(option, &self.names, messages);
                }
                if self.wanted.hops() {
                    record::hops(option, &self.names, &mut self.scratch, messages);
                }
            }
            Record::Report(report) => record::sequence(report, messages),
        }
        messages.end_record();
    }
}

/// What an element means (RFC 5610, 3.9): all fields, since some collectors pass over less.
fn element_type(element: &Element, enterprise: u32, out: &mut Vec<u8>) {
    out.u32(enterprise);
    out.u16(element.id);
    out.u8(element.data_type as u8);
    out.u8(element.semantics as u8);
    out.u16(element.units as u16);
    out.u64(0);
    out.u64(element.data_type.range_end());
    out.variable(element.name.as_bytes());
    out.variable(element.description.as_bytes());
}
