// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Decapsulation: the options of this node's namespaces out of the packet, and into records
//! (RFC 9197, 4.2; RFC 9326, 3.1.2).

use super::account::Arrival;
use super::export::{self, Noted, Subject};
use super::{Context, Leaving, loopback, transit};
use crate::accounting::SequenceNumber;
use crate::carrier::{Kind, Located, OptionAt, destination, hop_by_hop, options_header, tunnel};
use crate::classify::flow_of;
use crate::option_type::proof_of_transit::{self, Verdict};
use crate::packet::PacketBuf;
use crate::record::{Flow, MAX_OPTION_DATA, Occasion, Proof, RecordSink};
use crate::stats::Notice;
use crate::table::{Action, Decapsulation, Role, Tables};
use crate::timestamp::Timestamp;
use crate::wire::ioam::{
    DirectExport, E2eError, EdgeToEdge, OPTION_HEAD, OptionType, TraceFlags, TraceHeader,
};
use crate::wire::ipv6::HEADER;
use crate::wire::ipv6_ext::Tlvs;

/// What was found in a packet about to be decapsulated.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    /// Usable options of the namespaces decapsulated here.
    pub options: usize,
    /// A trace among them has the Active flag.
    pub active: bool,
    /// A trace among them was the one to be looped back.
    pub looped: bool,
}

/// Records the options that some profile is to take, after adding this node's part to them where
/// that profile says so. `subject` is the offset of the header the user's flow is read from.
pub(crate) fn record<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    subject: usize,
    leaving: Leaving,
    context: &mut Context<'_, S>,
) -> Found {
    let flow = flow_of(packet.bytes(), subject).unwrap_or_default();
    let mut next = located.first;
    let (mut seen, mut found) = (*located, Found::default());
    while let Some(option) = next {
        if let Some(index) = taker(packet.bytes(), located, option.namespace, context) {
            found.options += 1;
            let subject = Subject::new(packet.bytes(), located.l3.into(), flow, Some(index));
            match option.kind {
                Kind::Trace => {
                    found.active |= trace(packet, option, leaving, &subject, index, context);
                }
                Kind::ProofOfTransit => proof(packet, option, &subject, context),
                Kind::DirectExport => {
                    direct_export(packet.bytes(), option, leaving, &subject, index, context);
                }
            }
        }
        let (tables, stats) = (context.tables, context.stats);
        let (from, frame) = (option.end(located.l3), packet.bytes());
        next = hop_by_hop::next_option(frame, located.l3, from, tables, Some(stats), &mut seen);
    }
    found.options += edge_to_edge(packet.bytes(), located, flow, context);
    found.looped = loop_back(packet, located, leaving, context);
    found
}

/// Loops a copy back when the first trace asks for one and is taken out here; whether it does. This
/// node's element is in it even where the record is without.
fn loop_back<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    located: &Located,
    leaving: Leaving,
    context: &mut Context<'_, S>,
) -> bool {
    let Some(trace) = loopback::first_trace(packet.bytes(), located, context) else {
        return false;
    };
    let frame = packet.bytes();
    let taker = taker(frame, located, trace.namespace, context);
    let Some(what) = taker.and_then(|index| decapsulation(context.tables, index)) else {
        return false;
    };
    if !loopback::asks(frame, trace) {
        return false;
    }
    if !what.record_self && context.tables.policy.loopback {
        transit::fill(packet, trace, leaving, context);
    }
    loopback::copy_back(packet.bytes(), located, trace, context);
    true
}

/// The profile that decapsulates the namespace in this packet.
fn taker<S>(
    frame: &[u8],
    located: &Located,
    namespace: u8,
    context: &Context<'_, S>,
) -> Option<u16> {
    let (namespaces, in_port) = (&context.tables.namespaces, context.in_port);
    match namespaces.role(namespace, in_port, frame, located.l3.into())? {
        Role::Decapsulate(profile) => Some(profile),
        Role::Transit(_) => None,
    }
}

fn decapsulation(tables: &Tables, index: u16) -> Option<&Decapsulation> {
    match &tables.profiles.get(usize::from(index))?.action {
        Action::Decapsulate(what) => Some(what),
        _ => None,
    }
}

/// Records a trace; whether it has the Active flag.
fn trace<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    option: OptionAt,
    leaving: Leaving,
    subject: &Subject,
    index: u16,
    context: &mut Context<'_, S>,
) -> bool {
    if decapsulation(context.tables, index).is_some_and(|what| what.record_self) {
        transit::fill(packet, option, leaving, context);
    }
    let data = packet.bytes().get(option.range()).unwrap_or(&[]);
    let active = TraceHeader::split(data).is_some_and(|(header, _)| header.has(TraceFlags::ACTIVE));
    let occasion = if active {
        Occasion::Active
    } else {
        Occasion::Decapsulated
    };
    let noted = Noted {
        occasion,
        option_type: OptionType::PreallocatedTrace,
        namespace: option.namespace,
        data,
        proof: None,
    };
    taken(option.namespace, context);
    export::record(noted, subject, context);
    active
}

fn taken<S>(namespace: u8, context: &Context<'_, S>) {
    let counts = context.stats.namespaces.get(usize::from(namespace));
    counts.iter().for_each(|counts| counts.decapsulated.add(1));
}

/// Adds this node's share, verifies and records a proof of transit. The record has the option as it
/// arrived: a whole proof would give the secret away to who reads the records.
fn proof<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    option: OptionAt,
    subject: &Subject,
    context: &mut Context<'_, S>,
) {
    let mut received = [0; MAX_OPTION_DATA];
    let arrived = packet.bytes().get(option.range()).unwrap_or(&[]);
    let len = arrived.len().min(MAX_OPTION_DATA);
    received[..len].copy_from_slice(&arrived[..len]);
    transit::prove(packet, option, context);
    let data = packet.bytes().get(option.range()).unwrap_or(&[]);
    let namespace = context.tables.namespaces.get(option.namespace);
    let keys = namespace.and_then(|namespace| namespace.proof_of_transit.as_ref());
    let verdict = keys.map(|keys| proof_of_transit::verify(data, keys));
    let proof = match verdict {
        Some(Ok(Verdict::Valid)) => Proof::Valid,
        Some(Ok(Verdict::Invalid)) => Proof::Invalid,
        Some(Ok(Verdict::NoSecret) | Err(_)) | None => Proof::Unverified,
    };
    let counts = context.stats.namespaces.get(usize::from(option.namespace));
    match (proof, counts) {
        (Proof::Valid, Some(counts)) => counts.proofs_valid.add(1),
        (Proof::Invalid, _) => context.stats.notice(Notice::PotInvalid),
        _ => context.stats.notice(Notice::PotUnverified),
    }
    let noted = Noted {
        occasion: Occasion::Decapsulated,
        option_type: OptionType::ProofOfTransit,
        namespace: option.namespace,
        data: &received[..len],
        proof: Some(proof),
    };
    taken(option.namespace, context);
    export::record(noted, subject, context);
}

/// Exports, and accounts for the sequence number.
fn direct_export<S: RecordSink>(
    frame: &[u8],
    option: OptionAt,
    leaving: Leaving,
    subject: &Subject,
    index: u16,
    context: &mut Context<'_, S>,
) {
    taken(option.namespace, context);
    export::direct(frame, option, subject, leaving, context);
    let parsed = frame.get(option.range()).and_then(DirectExport::parse);
    let Some((flow_id, sequence)) = parsed.and_then(|p| Some((p.flow_id(), p.sequence()?))) else {
        return;
    };
    let arrival = Arrival {
        namespace: option.namespace,
        option_type: OptionType::DirectExport,
        flow_id,
        sequence: Some(SequenceNumber::Bits32(sequence)),
        sent: None,
    };
    account(arrival, subject, index, context);
}

fn account<S: RecordSink>(
    arrival: Arrival,
    subject: &Subject,
    index: u16,
    context: &mut Context<'_, S>,
) {
    let Some(what) = decapsulation(context.tables, index) else {
        return;
    };
    super::account::account(arrival, subject, index, what.accounting, context);
}

/// Accounts for the edge-to-edge options in Destination Options; how many there were.
fn edge_to_edge<S: RecordSink>(
    frame: &[u8],
    located: &Located,
    flow: Flow,
    context: &mut Context<'_, S>,
) -> usize {
    let (tables, stats, mut found) = (context.tables, context.stats, 0);
    for tlv in Tlvs::new(destination::options(frame, located)).flatten() {
        let Some(data) = tlv.octets.get(OPTION_HEAD..).filter(|_| tlv.is_ioam()) else {
            continue;
        };
        let is_edge_to_edge = tlv.octets.get(3) == Some(&3);
        let Some(namespace) = hop_by_hop::namespace_of(&tlv, tables) else {
            stats.notice(Notice::NamespaceUnknown);
            continue;
        };
        let taker = taker(frame, located, namespace, context);
        let Some(index) = taker.filter(|_| is_edge_to_edge) else {
            continue;
        };
        let option = match EdgeToEdge::parse(data) {
            Ok(option) => option,
            Err(error) => {
                stats.notice(match error {
                    E2eError::Short => Notice::E2eShort,
                    E2eError::BothSequences => Notice::E2eBothSequences,
                });
                continue;
            }
        };
        found += 1;
        taken(namespace, context);
        let subject = Subject::new(frame, located.l3.into(), flow, Some(index));
        edge_to_edge_option(option, namespace, data, &subject, index, context);
    }
    found
}

fn edge_to_edge_option<S: RecordSink>(
    option: EdgeToEdge,
    namespace: u8,
    data: &[u8],
    subject: &Subject,
    index: u16,
    context: &mut Context<'_, S>,
) {
    let tables = context.tables;
    let records = decapsulation(tables, index).is_some_and(|what| what.accounting.record_packets);
    if records {
        let noted = Noted {
            occasion: Occasion::Decapsulated,
            option_type: OptionType::EdgeToEdge,
            namespace,
            data,
            proof: None,
        };
        export::record(noted, subject, context);
    }
    let sequence = match option.sequence_bits() {
        Some(64) => option.sequence.map(SequenceNumber::Bits64),
        _ => option
            .sequence
            .and_then(|number| u32::try_from(number).ok())
            .map(SequenceNumber::Bits32),
    };
    let sent = option.seconds.zip(option.fraction);
    let arrival = Arrival {
        namespace,
        option_type: OptionType::EdgeToEdge,
        flow_id: None,
        sequence,
        sent: sent.map(|(seconds, fraction)| Timestamp { seconds, fraction }),
    };
    account(arrival, subject, index, context);
}

/// Removes the outer header; the inner packet then is at the same `l3`.
pub(crate) fn remove_outer<P: PacketBuf>(packet: &mut P, located: &Located, inner: usize) {
    tunnel::remove(packet, located.l3.into(), inner);
}

/// Removes the options of all namespaces decapsulated here, of whatever type, from the packet's own
/// Hop-by-Hop and Destination Options.
pub(crate) fn remove_inline<P: PacketBuf, S>(
    packet: &mut P,
    located: &Located,
    context: &Context<'_, S>,
) {
    let l3 = usize::from(located.l3);
    let frame = packet.bytes();
    let mut taken = [false; 256];
    let headers = [
        hop_by_hop::options(frame, located),
        destination::options(frame, located),
    ];
    for tlv in headers.into_iter().flat_map(Tlvs::new).flatten() {
        if let Some(namespace) = hop_by_hop::namespace_of(&tlv, context.tables) {
            taken[usize::from(namespace)] = taker(frame, located, namespace, context).is_some();
        }
    }
    let ours = |namespace: u8| taken[usize::from(namespace)];
    // From the back, so that what is still to be looked at stays where it was found.
    let (at, len) = (located.destination_at(), usize::from(located.destination));
    if len > 0 {
        let named_at = if located.hop_by_hop > 0 {
            l3 + HEADER
        } else {
            l3 + 6
        };
        let _ = options_header::remove(packet, l3, named_at, at, len, |tlv| {
            hop_by_hop::is_of(tlv, context.tables, ours)
        });
    }
    let len = usize::from(located.hop_by_hop);
    if len > 0 {
        let _ = options_header::remove(packet, l3, l3 + 6, l3 + HEADER, len, |tlv| {
            hop_by_hop::is_of(tlv, context.tables, ours)
        });
    }
}
