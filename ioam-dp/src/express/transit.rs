// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Transit of a known trace: this node's data into the last of its free space (RFC 9197, 4.4).

use super::known::Known;
use super::shape::{HOP_LIMIT, REMAINING, SPACE};
use crate::action::Context;
use crate::packet::PacketBuf;

/// `RemainingLen`, in its octet.
const WORDS: u8 = 0x7F;

/// Forwards the packet and fills its trace; the first pass has seen that there is room.
#[inline]
pub(super) fn transit<P: PacketBuf, S>(
    packet: &mut P,
    known: &mut Known,
    decrement: u8,
    context: &mut Context<'_, S>,
) {
    known.done += 1;
    let frame = packet.bytes_mut();
    let Some(head) = frame.first_chunk_mut::<SPACE>() else {
        return;
    };
    let hop_limit = head[HOP_LIMIT].wrapping_sub(decrement);
    head[HOP_LIMIT] = hop_limit;
    fill(frame, known, hop_limit, context);
}

/// Writes this node's data in front of those of earlier nodes.
#[inline]
pub(super) fn fill<S>(
    frame: &mut [u8],
    known: &mut Known,
    hop_limit: u8,
    context: &mut Context<'_, S>,
) {
    let Some(head) = frame.first_chunk_mut::<SPACE>() else {
        return;
    };
    let len = known.len;
    // Lengths are in words, and those of an element fit the seven bits.
    let words = u8::try_from(len / 4).unwrap_or(0);
    head[REMAINING] = head[REMAINING].wrapping_sub(words);
    let at = SPACE + usize::from(head[REMAINING] & WORDS) * 4;
    if let Some(slot) = frame.get_mut(at..at + len) {
        known.element(context).put(slot, hop_limit);
    }
}
