// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Encapsulation: a profile's options into a packet that has none (RFC 9197, 4.2; RFC 9326, 3.1.1;
//! RFC 9486, 4).

use super::export::{self, Subject};
use super::state::{Limited, Numbers};
use super::{Context, Leaving};
use crate::carrier::inline::{self, InsertError, Inserted};
use crate::carrier::{Kind, OptionAt, tunnel};
use crate::classify::{flow_label, flow_of};
use crate::flow_state::FlowKey;
use crate::option_type::{edge_to_edge, proof_of_transit};
use crate::packet::PacketBuf;
use crate::port::PortId;
use crate::record::{Flow, RecordSink};
use crate::stats::{DropReason, Notice};
use crate::table::spec::{FlowIdSpec, OverMtu, Placement, Side};
use crate::table::{Carried, Encapsulation, Fields, Part};
use crate::timestamp::Timestamp;
use crate::wire::ioam::{OPTION_HEAD, PotHeader};
use crate::wire::ipv6::{HEADER, Ipv6Header};
use rand_chacha::rand_core::RngCore;

/// A profile and its place in the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub index: u16,
    pub what: &'a Encapsulation,
}

/// Puts the profile's options into the IPv6 packet at `l3`, whose hop limit is decremented already.
/// `Ok(false)` when that was not possible and the packet goes on as it is.
pub(crate) fn encapsulate<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    l3: usize,
    wanted: Wanted<'_>,
    out_port: PortId,
    context: &mut Context<'_, S>,
) -> Result<bool, DropReason> {
    let (stats, what) = (context.stats, wanted.what);
    let Some(out) = context.tables.port(out_port) else {
        return Ok(false);
    };
    if out.side != Side::Inside {
        stats.notice(Notice::EncapToEdge);
        return Ok(false);
    }
    let present = match what.placement {
        Placement::Inline => inline::present_header(packet.bytes(), l3),
        Placement::Ip6InIp6 { .. } => 0,
    };
    let grow = match what.placement {
        Placement::Inline => what.headers().growth(present),
        Placement::Ip6InIp6 { .. } => what.image.len(),
    };
    let length = Ipv6Header::at(packet.bytes(), l3).map_or(0, |h| h.payload_length.get().into());
    if HEADER + length + grow > out.mtu {
        stats.notice(Notice::EncapOverMtu);
        return match what.over_mtu {
            OverMtu::Skip => Ok(false),
            OverMtu::Drop => Err(DropReason::EncapOverMtu),
        };
    }
    let octets = l3 + HEADER + length + grow;
    let flow = flow_of(packet.bytes(), l3).filter(|_| what.direct_export || what.sequenced);
    let flow = flow.unwrap_or_default();
    let numbers = match reserve(
        packet,
        l3,
        present,
        what,
        (out_port, octets),
        &flow,
        context,
    ) {
        Ok(numbers) => numbers,
        Err(notice) => {
            stats.notice(notice);
            return Ok(false);
        }
    };
    let inserted = match what.placement {
        Placement::Inline => insert_inline(packet, l3, present, what, context),
        Placement::Ip6InIp6 { .. } => insert_outer(packet, l3, what, context),
    };
    match inserted {
        Ok(inserted) => {
            let at = Written {
                l3,
                inserted,
                out_port,
                flow,
            };
            for (place, part) in what.parts.iter().enumerate() {
                write(packet, part, numbers.get(place), at, wanted.index, context);
            }
            Ok(true)
        }
        Err(error) => {
            stats.notice(notice(error));
            Ok(false)
        }
    }
}

fn notice(error: InsertError) -> Notice {
    match error {
        InsertError::NoHeadroom => Notice::EncapNoHeadroom,
        InsertError::HeaderFull => Notice::EncapHeaderFull,
    }
}

/// Makes sure that what is counted and limited is going to be sent, then counts it.
fn reserve<P: PacketBuf, S>(
    packet: &P,
    l3: usize,
    present: usize,
    what: &Encapsulation,
    (port, octets): (PortId, usize),
    flow: &Flow,
    context: &mut Context<'_, S>,
) -> Result<Numbers, Notice> {
    let limited = [
        (what.direct_export, Limited::DirectExport),
        (what.loopback, Limited::Loopback),
        (what.active.is_some(), Limited::Active),
    ];
    if !what.sequenced && limited.iter().all(|(applies, _)| !applies) {
        return Ok(Numbers::default());
    }
    let fits = match what.placement {
        Placement::Inline => admits(present, context)
            .and_then(|()| inline::fits(packet, l3, present, what.headers())),
        Placement::Ip6InIp6 { .. } => tunnel::fits(packet, l3, what.image.len()),
    };
    fits.map_err(notice)?;
    let (now, state) = (context.moment.received, &mut *context.state);
    for (_, limit) in limited.into_iter().filter(|(applies, _)| *applies) {
        if !state.limits.take(limit, port, now, octets) {
            return Err(Notice::EncapRateLimited);
        }
    }
    if !what.sequenced {
        return Ok(Numbers::default());
    }
    let numbers = state.sequences.next(what, flow, now);
    numbers.ok_or(Notice::FlowTableFull)
}

/// Linux sends a packet that has a Hop-by-Hop header as it is.
fn admits<S>(present: usize, context: &Context<'_, S>) -> Result<(), InsertError> {
    if present > 0 && context.tables.linux() {
        return Err(InsertError::HeaderFull);
    }
    Ok(())
}

/// Into the packet's own headers.
fn insert_inline<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    present: usize,
    what: &Encapsulation,
    context: &Context<'_, S>,
) -> Result<Inserted, InsertError> {
    admits(present, context)?;
    inline::insert(packet, l3, present, what.headers())
}

/// In front of the packet, IPv6-in-IPv6.
fn insert_outer<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    what: &Encapsulation,
    context: &Context<'_, S>,
) -> Result<Inserted, InsertError> {
    let inner = *Ipv6Header::at(packet.bytes(), l3).ok_or(InsertError::HeaderFull)?;
    let linux = context.tables.linux();
    let label = match (inner.flow_label(), linux) {
        (0, false) => flow_of(packet.bytes(), l3).map_or(0, |flow| flow_label(&flow)),
        (label, _) => label,
    };
    tunnel::insert(packet, l3, &what.image, inner.traffic_class(), label)?;
    // Linux' outer header is a copy of the inner one, hop limit included.
    if linux && let Some(outer) = Ipv6Header::at_mut(packet.bytes_mut(), l3) {
        outer.hop_limit = inner.hop_limit;
    }
    Ok(Inserted {
        hop_by_hop: l3 + what.in_image.hop_by_hop,
        destination: l3 + what.in_image.destination,
    })
}

/// Where the options now are, and of which packet.
#[derive(Clone, Copy)]
struct Written {
    l3: usize,
    inserted: Inserted,
    out_port: PortId,
    flow: Flow,
}

/// Writes what depends on the packet into one option.
fn write<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    part: &Part,
    number: u64,
    at: Written,
    profile: u16,
    context: &mut Context<'_, S>,
) {
    let start = match part.carried {
        Carried::HopByHop => at.inserted.hop_by_hop,
        Carried::Destination => at.inserted.destination,
    } + part.at;
    let counts = context.stats.namespaces.get(usize::from(part.namespace));
    counts.iter().for_each(|counts| counts.encapsulated.add(1));
    let Some(option) = packet.bytes_mut().get_mut(start..start + part.len) else {
        return;
    };
    match &part.fields {
        Fields::Trace { .. } => own_data(packet, part, start, at, context),
        Fields::ProofOfTransit => start_proof(option, part.namespace, context),
        Fields::EdgeToEdge { places, .. } => {
            let namespace = context.tables.namespaces.get(part.namespace);
            let time = context.moment.received.zip(namespace);
            let time = time.map_or(Timestamp::UNAVAILABLE, |(now, namespace)| {
                Timestamp::new(namespace.timestamp, now)
            });
            edge_to_edge::stamp(option, *places, number, time);
        }
        Fields::DirectExport {
            flow_id,
            sequence,
            record_self,
            ..
        } => {
            if let Some((place, id)) = flow_id {
                put(option, *place, flow_id_of(*id, &at.flow));
            }
            if let Some((place, _)) = sequence {
                put(
                    option,
                    *place,
                    u32::try_from(number & 0xFFFF_FFFF).unwrap_or(0),
                );
            }
            if *record_self {
                export_own(packet.bytes(), part, start, at, profile, context);
            }
        }
    }
}

fn put(option: &mut [u8], at: usize, value: u32) {
    if let Some(word) = option.get_mut(at..at + 4) {
        word.copy_from_slice(&value.to_be_bytes());
    }
}

/// The same for both directions of a flow, and at every node.
pub(crate) fn flow_id_of(id: FlowIdSpec, flow: &Flow) -> u32 {
    match id {
        FlowIdSpec::Fixed(id) => id,
        FlowIdSpec::None | FlowIdSpec::Hashed => FlowKey::symmetric([0; 2], flow, 0).flow_id(),
    }
}

/// A fresh random number, and this node's own mark on it.
fn start_proof<S>(option: &mut [u8], namespace: u8, context: &mut Context<'_, S>) {
    let keys = context.tables.namespaces.get(namespace);
    let keys = keys.and_then(|namespace| namespace.proof_of_transit.as_ref());
    if let (Some(keys), Some(option_data)) = (keys, option.get_mut(OPTION_HEAD..)) {
        let (pkt_id, cumulative) = proof_of_transit::start(context.state.random.next_u64(), keys);
        if let Some((header, _)) = PotHeader::split_mut(option_data) {
            header.set_pkt_id(pkt_id);
            header.set_cumulative(cumulative);
        }
        let _ = proof_of_transit::update(option_data, keys);
    }
}

fn leaving(frame: &[u8], at: Written) -> Leaving {
    let header = Ipv6Header::at(frame, at.l3);
    Leaving {
        hop_limit: header.map_or(u8::MAX, |header| header.hop_limit),
        port: Some(at.out_port),
    }
}

/// This node's own data into the trace whose option is at `start`.
fn own_data<P: PacketBuf, S>(
    packet: &mut P,
    part: &Part,
    start: usize,
    at: Written,
    context: &mut Context<'_, S>,
) {
    let Fields::Trace {
        trace_type,
        own_data: Some((offset, len)),
    } = part.fields
    else {
        return;
    };
    let Leaving { hop_limit, port } = leaving(packet.bytes(), at);
    let (tables, in_port, state) = (context.tables, context.in_port, &mut *context.state);
    let own = state
        .own_data
        .get(tables, part.namespace, trace_type, in_port, port);
    let slot = packet
        .bytes_mut()
        .get_mut(start + offset..start + offset + len);
    if let (Some(own), Some(slot), Some(namespace)) =
        (own, slot, tables.namespaces.get(part.namespace))
    {
        own.write(slot, namespace, hop_limit, context.moment);
    }
}

/// An encapsulating node may export at once what the others are asked to (RFC 9326, 3.1.1).
fn export_own<S: RecordSink>(
    frame: &[u8],
    part: &Part,
    start: usize,
    at: Written,
    profile: u16,
    context: &mut Context<'_, S>,
) {
    let (Ok(data_at), Ok(len)) = (
        u16::try_from(start + OPTION_HEAD),
        u8::try_from(part.len - OPTION_HEAD),
    ) else {
        return;
    };
    let option = OptionAt {
        at: data_at,
        len,
        namespace: part.namespace,
        kind: Kind::DirectExport,
    };
    let subject = Subject::new(frame, at.l3, at.flow, Some(profile));
    export::direct(frame, option, &subject, leaving(frame, at), context);
}
