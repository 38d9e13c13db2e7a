// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Records: options as a node hands them over, and what direct export asks of every node
//! (RFC 9326, 3.1).

use super::state::Limited;
use super::{Context, Leaving};
use crate::carrier::OptionAt;
use crate::option_type::direct_export;
use crate::port::PortId;
use crate::record::{ExportRecord, Flow, MAX_OPTION_DATA, Occasion, Proof, RecordSink};
use crate::stats::Notice;
use crate::wire::ioam::{DirectExport, OptionType};
use crate::wire::ipv6::Ipv6Header;

/// Octets a record takes on its way to a collector, besides the option, for the rate limit.
const RECORD_OVERHEAD: usize = 100;

/// A record holds whatever direct export asks for, if not with the snapshot of an opaque state:
/// option, eight extension fields, 24 words of fixed data, and the word in place of the snapshot.
const _: () = assert!(8 + 8 * 4 + 24 * 4 + 4 <= MAX_OPTION_DATA);

/// The packet an option was found in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    /// Source of the header that carries the option.
    pub source: [u8; 16],
    /// Destination of that header.
    pub destination: [u8; 16],
    /// The user's flow.
    pub flow: Flow,
    /// The profile it is recorded for.
    pub profile: Option<u16>,
}

impl Subject {
    /// The packet at `l3` of `frame`.
    pub(crate) fn new(frame: &[u8], l3: usize, flow: Flow, profile: Option<u16>) -> Self {
        let header = Ipv6Header::at(frame, l3);
        Self {
            source: header.map_or([0; 16], |header| header.source),
            destination: header.map_or([0; 16], |header| header.destination),
            flow,
            profile,
        }
    }
}

/// What a record says of an option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noted<'a> {
    /// Why there is a record.
    pub occasion: Occasion,
    /// The option's type.
    pub option_type: OptionType,
    /// Index of its namespace.
    pub namespace: u8,
    /// Its data, at most [`MAX_OPTION_DATA`] octets.
    pub data: &'a [u8],
    /// What a proof of transit says.
    pub proof: Option<Proof>,
}

/// Hands a record over; a record lost is counted.
pub(crate) fn record<S: RecordSink>(
    noted: Noted<'_>,
    subject: &Subject,
    context: &mut Context<'_, S>,
) {
    let (tables, stats) = (context.tables, context.stats);
    let Some(namespace) = tables.namespaces.get(noted.namespace) else {
        return;
    };
    let mut option = [0; MAX_OPTION_DATA];
    let len = noted.data.len().min(MAX_OPTION_DATA);
    if let (Some(place), Some(data)) = (option.get_mut(..len), noted.data.get(..len)) {
        place.copy_from_slice(data);
    }
    let record = ExportRecord {
        occasion: noted.occasion,
        received: context.moment.received.unwrap_or_default(),
        in_port: context.in_port,
        profile: subject.profile,
        namespace: namespace.id,
        option_type: noted.option_type,
        outer_source: subject.source,
        outer_destination: subject.destination,
        flow: subject.flow,
        proof: noted.proof,
        option_len: u8::try_from(len).unwrap_or(u8::MAX),
        option,
    };
    if !context.sink.push(record) {
        stats.notice(Notice::RecordLost);
        return;
    }
    let counts = subject
        .profile
        .and_then(|profile| stats.profiles.get(usize::from(profile)));
    if let Some(counts) = counts {
        counts.records.add(1);
    }
}

/// Whether the port's limit allows a record with `octets` of data, of the namespace with this index;
/// it is counted either way.
pub(crate) fn may_export<S>(
    namespace: u8,
    port: Option<PortId>,
    octets: usize,
    context: &mut Context<'_, S>,
) -> bool {
    let (now, octets) = (context.moment.received, RECORD_OVERHEAD + octets);
    let limits = &mut context.state.limits;
    if port.is_some_and(|port| !limits.take(Limited::Export, port, now, octets)) {
        context.stats.notice(Notice::ExportSuppressed);
        return false;
    }
    if let Some(counts) = context.stats.namespaces.get(usize::from(namespace)) {
        counts.exported.add(1);
    }
    true
}

/// Exports what a direct export option asks for; the packet stays as it is.
pub(crate) fn direct<S: RecordSink>(
    frame: &[u8],
    option: OptionAt,
    subject: &Subject,
    leaving: Leaving,
    context: &mut Context<'_, S>,
) {
    let (tables, stats, in_port) = (context.tables, context.stats, context.in_port);
    let parsed = frame.get(option.range()).and_then(DirectExport::parse);
    let (Some(parsed), Some(namespace)) = (parsed, tables.namespaces.get(option.namespace)) else {
        return;
    };
    let (index, kind) = (
        option.namespace,
        direct_export::own_type(parsed.trace_type()),
    );
    let own = context
        .state
        .own_data
        .get(tables, index, kind, in_port, leaving.port);
    let mut data = [0; MAX_OPTION_DATA];
    let exported = frame
        .get(option.range())
        .zip(own)
        .and_then(|(option_data, own)| {
            let hop_limit = leaving.hop_limit;
            direct_export::export(
                option_data,
                own,
                namespace,
                hop_limit,
                context.moment,
                &mut data,
            )
        });
    let Some(exported) = exported else {
        return;
    };
    if exported.cut {
        stats.notice(Notice::DexSnapshotCut);
    }
    let port = if in_port.index() < tables.ports.len() {
        Some(in_port)
    } else {
        leaving.port
    };
    if !may_export(index, port, exported.len, context) {
        return;
    }
    let noted = Noted {
        occasion: Occasion::DirectExport,
        option_type: OptionType::DirectExport,
        namespace: index,
        data: data.get(..exported.len).unwrap_or(&data),
        proof: None,
    };
    record(noted, subject, context);
}
