// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The end of a tunnel whose trace is known: record it, and take the outer header off.

use super::known::Known;
use super::shape::{
    BEHIND, DATA, DESTINATION, HOP_LIMIT, IPV6, OPTION, SOURCE, decrement_hop_limit,
};
use super::transit;
use crate::action::Context;
use crate::action::export::{Noted, Subject, record};
use crate::classify::flow_of;
use crate::packet::PacketBuf;
use crate::record::{Occasion, RecordSink};
use crate::wire::ethernet;
use crate::wire::ioam::OptionType;

/// Takes the packet out of its tunnel and forwards what was inside; the first pass has seen that
/// all of it is there.
#[inline]
pub(super) fn decapsulate<P: PacketBuf, S: RecordSink>(
    packet: &mut P,
    known: &mut Known,
    decrement: u8,
    context: &mut Context<'_, S>,
) {
    known.done += 1;
    let frame = packet.bytes_mut();
    let Some(head) = frame.first_chunk::<DATA>() else {
        return;
    };
    let data = usize::from(head[OPTION + 1]).saturating_sub(2);
    let inner = BEHIND + (usize::from(head[BEHIND + 1]) + 1) * 8;
    let hop_limit = head[HOP_LIMIT].wrapping_sub(decrement);
    if known.writes {
        transit::fill(frame, known, hop_limit, context);
    }
    if context.sink.takes_options() {
        note(frame, (inner, data), known, context);
    }
    let gone = inner - IPV6;
    let Some(addresses) = frame.first_chunk::<{ ethernet::HEADER }>().copied() else {
        return;
    };
    if packet.shrink_front(gone)
        && let Some(start) = packet.bytes_mut().first_chunk_mut()
    {
        *start = addresses;
    }
    decrement_hop_limit(packet, decrement);
}

/// Records the trace of `data` octets around the packet at `inner`.
#[inline]
fn note<S: RecordSink>(
    frame: &[u8],
    (inner, data): (usize, usize),
    known: &Known,
    context: &mut Context<'_, S>,
) {
    let (Some(source), Some(destination)) = (address(frame, SOURCE), address(frame, DESTINATION))
    else {
        return;
    };
    let subject = Subject {
        source,
        destination,
        flow: flow_of(frame, inner).unwrap_or_default(),
        profile: known.profile,
    };
    let noted = Noted {
        occasion: Occasion::Decapsulated,
        option_type: OptionType::PreallocatedTrace,
        namespace: known.namespace,
        data: frame.get(DATA..DATA + data).unwrap_or(&[]),
        proof: None,
    };
    record(noted, &subject, context);
}

#[inline]
pub(super) fn address(frame: &[u8], at: usize) -> Option<[u8; 16]> {
    frame.get(at..)?.first_chunk().copied()
}
