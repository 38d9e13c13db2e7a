// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From Data Records to events: this program's own elements (`docs/export.md`), and those of the
//! University of Liège.

use std::net::Ipv6Addr;

use ioam_dp::record::Flow;
use ioam_dp::table::spec::TimestampFormat;
use ioam_dp::timestamp::Timestamp;

use super::fields::Fields;
use super::raw;
use super::template::Kind;
use super::{Settings, Told};
use crate::analyse::event::{Card, Context, Event, Figures, Hop, Report, Summary, Trace};
use crate::export::ipfix::element as iana;
use crate::export::ipfix::ioam;

/// Most profiles of a session whose names are kept, and most octets of a name.
const MOST_PROFILES: (usize, usize) = (1024, 256);
/// The bits of a trace type that ask for Hop_Lim.
const ASKS_HOP_LIMIT: u64 = 0x80_8000;
/// IOAM-Option-Type of direct export.
const DIRECT_EXPORT: u64 = 4;
/// `ioamOccasion` of copies that were looped back.
const LOOPED_BACK: u64 = 2;

/// Which records say what others say too.
#[derive(Debug, Default)]
struct Announced {
    hops: bool,
    raw: bool,
}

/// A trace whose nodes come one record each, the newest first.
#[derive(Debug)]
struct Joining {
    trace: Trace,
    looped_back: bool,
    /// The place of the next record.
    next: u64,
}

#[derive(Debug)]
pub(super) struct Decoder {
    domain: u32,
    announced: Announced,
    joining: Option<Joining>,
    liege: Option<Trace>,
}

impl Decoder {
    /// Of the records of an observation domain.
    pub(super) fn new(domain: u32) -> Self {
        Self {
            domain,
            announced: Announced::default(),
            joining: None,
            liege: None,
        }
    }

    pub(super) fn announced(&mut self, kinds: &[Kind]) {
        self.announced = Announced {
            hops: kinds.contains(&Kind::Hop),
            raw: kinds.contains(&Kind::Raw),
        };
    }

    pub(super) fn is_inside_trace(&self) -> bool {
        self.joining.is_some()
    }

    /// What nothing more follows of.
    pub(super) fn finish(&mut self) -> Option<Event> {
        let mut trace = self.liege.take()?;
        trace.hops.reverse();
        (!trace.hops.is_empty()).then_some(Event::Trace(trace))
    }

    /// Takes one record.
    pub(super) fn record(
        &mut self,
        kind: Kind,
        fields: &Fields<'_, '_>,
        settings: Settings,
        told: &mut Told,
        events: &mut Vec<Event>,
    ) {
        match kind {
            Kind::Hop => self.hop(fields, settings, told, events),
            Kind::Liege => self.liege(fields, settings, events),
            Kind::Raw => {
                let event = raw::read(fields, context(fields, settings), self.announced.hops);
                events.extend(event);
            }
            Kind::Sequence => events.push(self.sequence(fields, settings, told)),
            Kind::Path if !self.announced.hops && !self.announced.raw => {
                events.extend(summary(fields, settings));
            }
            Kind::Profile => self.profile(fields, told),
            Kind::Path | Kind::Other => {}
        }
    }

    fn hop(
        &mut self,
        fields: &Fields<'_, '_>,
        settings: Settings,
        told: &mut Told,
        events: &mut Vec<Event>,
    ) {
        let context = context(fields, settings);
        let hop = hop(fields);
        if fields.number(&ioam::OPTION_TYPE) == Some(DIRECT_EXPORT) {
            events.push(Event::Card(Card {
                context,
                flow_id: fields.known_u32(&ioam::FLOW_ID),
                sequence: fields.known_u32(&ioam::SEQUENCE_NUMBER),
                hop,
            }));
            return;
        }
        let index = fields.number(&ioam::HOP_INDEX).unwrap_or_default();
        let count = fields.number(&ioam::HOP_COUNT).unwrap_or_default();
        let goes_on = |open: &Joining| open.next == index && open.trace.context == context;
        let mut joining = match self.joining.take() {
            Some(open) if goes_on(&open) => open,
            other => {
                told.counts.incomplete_traces += u64::from(other.is_some());
                if index.checked_add(1) != Some(count) {
                    // The records before it are lost; which trace that was is known once.
                    told.counts.incomplete_traces += u64::from(other.is_none() && index == 0);
                    return;
                }
                let flags = fields.number(&ioam::TRACE_FLAGS).unwrap_or_default();
                Joining {
                    trace: Trace {
                        context,
                        overflow: flags & 8 != 0,
                        ..Trace::default()
                    },
                    looped_back: fields.number(&ioam::OCCASION) == Some(LOOPED_BACK),
                    next: index,
                }
            }
        };
        joining.trace.hops.push(hop);
        if let Some(next) = joining.next.checked_sub(1) {
            joining.next = next;
            self.joining = Some(joining);
            return;
        }
        joining.trace.hops.reverse();
        events.push(match joining.looped_back {
            true => Event::LoopedBack,
            false => Event::Trace(joining.trace),
        });
    }

    /// Those records say neither when nor of which packet, but for direct export: what has the hop
    /// limits of one packet, rising from the newest node on, is taken for one.
    fn liege(&mut self, fields: &Fields<'_, '_>, settings: Settings, events: &mut Vec<Event>) {
        let small = |id| fields.liege(id).and_then(|value| u32::try_from(value).ok());
        let context = Context {
            format: Some(settings.format),
            namespace: small(0)
                .and_then(|id| u16::try_from(id).ok())
                .unwrap_or_default(),
            ..Context::default()
        };
        let hop = Hop {
            hop_limit: small(1).and_then(|limit| u8::try_from(limit).ok()),
            node: fields.liege(2).or(fields.liege(9)),
            ingress: small(3).or(small(10)),
            egress: small(4).or(small(11)),
            stamp: small(5).zip(small(6)).map(stamp),
            transit: None,
        };
        let (flow_id, sequence) = (small(15), small(16));
        if flow_id.is_some() {
            events.push(Event::Card(Card {
                context,
                flow_id,
                sequence,
                hop,
            }));
            return;
        }
        let trace = self.liege.get_or_insert_default();
        let newer = trace.hops.last().and_then(|newer| newer.hop_limit);
        if newer >= hop.hop_limit || trace.context.namespace != context.namespace {
            let mut whole = std::mem::take(trace);
            whole.hops.reverse();
            events.extend((!whole.hops.is_empty()).then_some(Event::Trace(whole)));
        }
        trace.context = context;
        trace.hops.push(hop);
    }

    fn profile(&self, fields: &Fields<'_, '_>, told: &mut Told) {
        let (most, longest) = MOST_PROFILES;
        let name = fields.octets(&iana::SELECTOR_NAME);
        let name = name.and_then(|octets| octets.get(..octets.len().min(longest)));
        let index = fields.small::<u16>(&ioam::PROFILE);
        // What is about records may go under another domain than they.
        let domain = fields.small(&iana::OBSERVATION_DOMAIN_ID);
        let domain = domain.unwrap_or(self.domain);
        if let Some((index, name)) = index.zip(name)
            && (told.profiles.len() < most || told.profiles.contains_key(&(domain, index)))
        {
            let name = String::from_utf8_lossy(name).into_owned();
            told.profiles.insert((domain, index), name);
        }
    }

    fn sequence(&self, fields: &Fields<'_, '_>, settings: Settings, told: &Told) -> Event {
        let count = |element| fields.number(element).unwrap_or_default();
        let signed = |element| fields.signed(element).unwrap_or_default();
        let delays = fields.number(&ioam::DELAY_COUNT).filter(|count| *count > 0);
        let index = fields.small::<u16>(&ioam::PROFILE);
        let name = index.map(|index| match told.profiles.get(&(self.domain, index)) {
            Some(name) => name.clone(),
            None => index.to_string(),
        });
        Event::Report(Box::new(Report {
            context: context(fields, settings),
            profile: name.unwrap_or_default(),
            direct_export: fields.number(&ioam::OPTION_TYPE) == Some(DIRECT_EXPORT),
            flow_id: fields.known_u32(&ioam::FLOW_ID),
            last: fields.number(&ioam::REPORT_LAST) == Some(1),
            figures: Figures {
                received: count(&ioam::RECEIVED_COUNT),
                lost: count(&ioam::LOST_COUNT),
                pending: count(&ioam::PENDING_COUNT),
                reordered: count(&ioam::REORDERED_COUNT),
                duplicates: count(&ioam::DUPLICATE_COUNT),
                late: count(&ioam::LATE_COUNT),
                restarts: count(&ioam::RESTART_COUNT),
                delay: delays.map(|packets| {
                    let min = signed(&ioam::DELAY_MIN);
                    let (mean, max) = (signed(&ioam::DELAY_MEAN), signed(&ioam::DELAY_MAX));
                    (packets, min, mean, max, count(&ioam::DELAY_JITTER))
                }),
            },
        }))
    }
}

fn stamp((seconds, fraction): (u32, u32)) -> Timestamp {
    Timestamp { seconds, fraction }
}

fn hop(fields: &Fields<'_, '_>) -> Hop {
    let asks = fields.number(&ioam::TRACE_TYPE).unwrap_or(u64::MAX) & ASKS_HOP_LIMIT != 0;
    let seconds = fields.known_u32(&ioam::TIMESTAMP_SECONDS);
    let fraction = fields.known_u32(&ioam::TIMESTAMP_FRACTION);
    Hop {
        hop_limit: fields.small(&ioam::HOP_LIMIT).filter(|_| asks),
        node: fields
            .known(&ioam::NODE_ID)
            .or(fields.known(&ioam::NODE_ID_WIDE)),
        ingress: fields
            .known_u32(&ioam::INGRESS_INTERFACE_ID)
            .or(fields.known_u32(&ioam::INGRESS_INTERFACE_ID_WIDE)),
        egress: fields
            .known_u32(&ioam::EGRESS_INTERFACE_ID)
            .or(fields.known_u32(&ioam::EGRESS_INTERFACE_ID_WIDE)),
        stamp: seconds.zip(fraction).map(stamp),
        transit: fields.known_u32(&ioam::TRANSIT_DELAY),
    }
}

fn context(fields: &Fields<'_, '_>, settings: Settings) -> Context {
    let address = |element| fields.address(element);
    let known = |address: &Ipv6Addr| !address.is_unspecified();
    Context {
        received: fields.time(&iana::OBSERVATION_TIME_NANOSECONDS),
        format: match fields.number(&ioam::TIMESTAMP_FORMAT) {
            None => Some(settings.format),
            Some(0) => Some(TimestampFormat::Posix),
            Some(1) => Some(TimestampFormat::Ptp {
                tai_offset: settings.tai_offset,
            }),
            Some(2) => Some(TimestampFormat::Ntp),
            Some(_) => None,
        },
        namespace: fields.small(&ioam::NAMESPACE_ID).unwrap_or_default(),
        outer_source: address(&ioam::CARRIER_SOURCE).filter(known),
        outer_destination: address(&ioam::CARRIER_DESTINATION).filter(known),
        flow: flow(fields).filter(|flow| *flow != Flow::default()),
        for_profile: fields.known(&ioam::PROFILE).is_some(),
    }
}

fn flow(fields: &Fields<'_, '_>) -> Option<Flow> {
    Some(Flow {
        source: fields.address(&iana::SOURCE_IPV6_ADDRESS)?.octets(),
        destination: fields.address(&iana::DESTINATION_IPV6_ADDRESS)?.octets(),
        source_port: fields
            .small(&iana::SOURCE_TRANSPORT_PORT)
            .unwrap_or_default(),
        destination_port: fields
            .small(&iana::DESTINATION_TRANSPORT_PORT)
            .unwrap_or_default(),
        next_header: fields.small(&iana::PROTOCOL_IDENTIFIER).unwrap_or_default(),
        // A flow stays one if its label changes.
        label: 0,
    })
}

/// Delays that the node gathered; nothing without the nodes.
fn summary(fields: &Fields<'_, '_>, settings: Settings) -> Option<Event> {
    let octets = fields.octets(&ioam::PATH)?;
    let count = fields.small::<usize>(&ioam::HOP_COUNT)?;
    let width = octets.len().checked_div(count)?;
    if !matches!(width, 4 | 8) || octets.len() % count != 0 {
        return None;
    }
    let node = |octets: &[u8]| {
        octets
            .iter()
            .fold(0, |sum, octet| sum << 8 | u64::from(*octet))
    };
    let delay = |element| {
        let microseconds = fields.number(element)?;
        i64::try_from(microseconds).ok()?.checked_mul(1000)
    };
    let context = Context {
        received: fields.time(&iana::FLOW_END_NANOSECONDS),
        ..context(fields, settings)
    };
    Some(Event::Summary(Summary {
        context,
        nodes: octets.chunks(width).map(node).collect(),
        packets: fields.number(&iana::PACKET_DELTA_COUNT)?,
        delay: (
            delay(&iana::PATH_DELAY_MEAN)?,
            delay(&iana::PATH_DELAY_MIN)?,
            delay(&iana::PATH_DELAY_MAX)?,
        ),
    }))
}
