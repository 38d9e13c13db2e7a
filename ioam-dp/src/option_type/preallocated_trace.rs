// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Pre-allocated Trace Option-Type (RFC 9197, 4.4): node data fill its space from the end.

use zerocopy::IntoBytes;

use super::OwnData;
use crate::moment::Moment;
use crate::table::Namespace;
use crate::wire::ioam::{
    MAX_TRACE_WORDS, NamespaceId, OPTION_HEAD, TraceFlags, TraceHeader, TraceType, trace,
};
use crate::wire::ipv6_ext::IOAM_MUTABLE;

/// An option laid out by an encapsulating node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The option from its type octet on, free space zero.
    pub option: Vec<u8>,
    /// Where the encapsulating node's own data go: offset and length.
    pub own_data: Option<(usize, usize)>,
}

/// Words one element of this node takes.
#[must_use]
pub fn element_words(trace_type: TraceType, namespace: &Namespace) -> usize {
    let snapshot = if trace_type.has(TraceType::OPAQUE_STATE) {
        namespace.snapshot_words()
    } else {
        0
    };
    usize::from(trace_type.node_len()) + snapshot
}

/// Lays out an option with `words` of room, 1 to 61. With `own_words` the encapsulating node comes
/// first: the room left is reduced, or the overflow flag set when its data do not fit. The flags
/// Loopback and Active are set as `(loopback, active)` says (RFC 9322, 3).
#[must_use]
pub fn build(
    namespace: NamespaceId,
    trace_type: TraceType,
    words: u8,
    own_words: Option<usize>,
    (loopback, active): (bool, bool),
) -> Option<Built> {
    if words == 0 || words > MAX_TRACE_WORDS {
        return None;
    }
    let mut header = TraceHeader::new(namespace, trace_type, words);
    if loopback {
        header.set(TraceFlags::LOOPBACK);
    }
    if active {
        header.set(TraceFlags::ACTIVE);
    }
    let mut own_data = None;
    if let Some(own_words) = own_words {
        match u8::try_from(own_words)
            .ok()
            .and_then(|own| words.checked_sub(own))
        {
            Some(left) => {
                header.set_remaining_len(left);
                let offset = OPTION_HEAD + trace::HEADER + usize::from(left) * 4;
                own_data = Some((offset, own_words * 4));
            }
            None => header.set(TraceFlags::OVERFLOW),
        }
    }
    let data = trace::HEADER + usize::from(words) * 4;
    let length = u8::try_from(2 + data).ok()?;
    let mut option = vec![IOAM_MUTABLE, length, 0, 0];
    option.extend_from_slice(header.as_bytes());
    option.resize(OPTION_HEAD + data, 0);
    Some(Built { option, own_data })
}

/// What became of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// This node's data are in it.
    Filled,
    /// There was no room: the overflow flag is set now.
    Overflowed,
    /// The overflow flag was set before: left alone.
    OverflowSeen,
    /// The trace type asks for nothing: left alone.
    Nothing,
}

/// Adds this node's element to the trace in `option_data` (RFC 9197, 4.4.1). The caller has checked
/// that `RemainingLen` is within the option and `NodeLen` is what the type implies.
#[inline]
pub fn update(
    option_data: &mut [u8],
    own: &OwnData,
    namespace: &Namespace,
    hop_limit: u8,
    moment: &Moment,
) -> Update {
    let Some((header, space)) = TraceHeader::split_mut(option_data) else {
        return Update::Nothing;
    };
    if header.has(TraceFlags::OVERFLOW) {
        return Update::OverflowSeen;
    }
    let need = own.words(namespace);
    if need == 0 {
        return Update::Nothing;
    }
    let left = usize::from(header.remaining_len()).checked_sub(need);
    let slot = left.and_then(|left| space.get_mut(left * 4..(left + need) * 4));
    let (Some(left), Some(slot)) = (left.and_then(|left| u8::try_from(left).ok()), slot) else {
        header.set(TraceFlags::OVERFLOW);
        return Update::Overflowed;
    };
    own.write(slot, namespace, hop_limit, moment);
    header.set_remaining_len(left);
    Update::Filled
}

/// Sets the overflow flag of a trace without any room; whether there was none.
pub fn overflow_if_full(option_data: &mut [u8]) -> bool {
    let full =
        TraceHeader::split_mut(option_data).filter(|(header, _)| header.remaining_len() == 0);
    full.is_some_and(|(header, _)| {
        header.set(TraceFlags::OVERFLOW);
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_FLAGS: (bool, bool) = (false, false);
    const KIND: TraceType = TraceType::new(0xC0_0000);

    #[test]
    fn own_data_stand_at_the_end_of_the_space() {
        let built = build(NamespaceId(123), KIND, 8, Some(2), NO_FLAGS).unwrap();
        assert_eq!(
            built.option[..12],
            [0x31, 42, 0, 0, 0, 123, 0x10, 6, 0xC0, 0, 0, 0]
        );
        assert_eq!(built.own_data, Some((12 + 24, 8)));
        assert_eq!(built.option.len(), 12 + 32);
    }

    #[test]
    fn own_data_that_do_not_fit_are_an_overflow() {
        let built = build(NamespaceId(0), KIND, 1, Some(2), NO_FLAGS).unwrap();
        assert_eq!((built.option[6], built.option[7]), (0x14, 1));
        assert_eq!(built.own_data, None);
    }

    #[test]
    fn room_is_one_to_sixty_one_words() {
        assert!(build(NamespaceId(0), KIND, 0, None, NO_FLAGS).is_none());
        assert!(build(NamespaceId(0), KIND, 62, None, NO_FLAGS).is_none());
        let largest = build(NamespaceId(0), KIND, 61, None, NO_FLAGS).unwrap();
        assert_eq!((largest.option[1], largest.option.len()), (254, 256));
    }
}
