// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Transit of known direct export: this node's data leave in a record, and the packet stays as it
//! is (RFC 9326, 3.1.2).

use super::decapsulate::address;
use super::known::{Known, MAX_ELEMENT};
use super::shape::{BEHIND, DATA, DESTINATION, HOP_LIMIT, IPV6, SOURCE};
use crate::action::Context;
use crate::action::export::{self, Noted, Subject};
use crate::classify::{flow_behind, flow_of};
use crate::packet::PacketBuf;
use crate::record::{Flow, Occasion, RecordSink};
use crate::wire::ioam::OptionType;
use crate::wire::ipv6::next_header;

/// Forwards the packet and exports what its option asks for.
#[inline]
pub(super) fn export<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    known: &mut Known,
    decrement: u8,
    context: &mut Context<'_, S>,
) {
    known.done += 1;
    let frame = packet.bytes_mut();
    let Some(head) = frame.first_chunk_mut::<DATA>() else {
        return;
    };
    let hop_limit = head[HOP_LIMIT].wrapping_sub(decrement);
    head[HOP_LIMIT] = hop_limit;
    let (next, behind) = (head[BEHIND], BEHIND + known.header);
    let (option, own) = (known.option_len, known.len);
    let octets = option + own;
    if !export::may_export(known.namespace, Some(context.in_port), octets, context) {
        return;
    }
    let mut data = [0; MAX_ELEMENT];
    let Some((place, rest)) = data.split_at_mut_checked(option) else {
        return;
    };
    if let (Some(octets), Some(slot)) = (frame.get(DATA..DATA + option), rest.get_mut(..own)) {
        place.copy_from_slice(octets);
        known.element(context).put(slot, hop_limit);
    }
    let (Some(source), Some(destination)) = (address(frame, SOURCE), address(frame, DESTINATION))
    else {
        return;
    };
    let subject = Subject {
        source,
        destination,
        flow: flow(frame, next, behind).unwrap_or_default(),
        profile: known.profile,
    };
    let noted = Noted {
        occasion: Occasion::DirectExport,
        option_type: OptionType::DirectExport,
        namespace: known.namespace,
        data: data.get(..octets).unwrap_or(&[]),
        proof: None,
    };
    export::record(noted, &subject, context);
}

/// The user's flow, of a packet with `next` behind its Hop-by-Hop header.
#[inline]
fn flow(frame: &[u8], next: u8, behind: usize) -> Option<Flow> {
    match next {
        next_header::IPV6 => flow_of(frame, behind),
        next_header::TCP | next_header::UDP => flow_behind(frame, IPV6, next, behind),
        _ => flow_of(frame, IPV6),
    }
}
