// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Incremental Trace Option-Type (RFC 9197, 4.4): each node makes room for its own data.
//!
//! IPv6 does not define it (RFC 9486, 3), so there the option is left alone; this is for carriers
//! that frame the option data themselves and adjust their own lengths and checksums.

use zerocopy::IntoBytes;

use super::OwnData;
use crate::moment::Moment;
use crate::packet::PacketBuf;
use crate::table::Namespace;
use crate::wire::ioam::{NamespaceId, NodeDataList, TraceFlags, TraceHeader, TraceType, trace};

/// Most words `RemainingLen` can promise.
pub const MAX_REMAINING: u8 = 127;

/// Lays out option data, from the Namespace-ID on, to which nodes may add `remaining_words`. With
/// `own` the encapsulating node's element comes first: what nodes may still add is reduced, or the
/// overflow flag set when that is too little.
///
/// `None` when `remaining_words` is beyond [`MAX_REMAINING`], or `own` is not whole words.
#[must_use]
pub fn build(
    namespace: NamespaceId,
    trace_type: TraceType,
    remaining_words: u8,
    own: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let own = own.unwrap_or(&[]);
    if remaining_words > MAX_REMAINING || !own.len().is_multiple_of(4) {
        return None;
    }
    let mut header = TraceHeader::new(namespace, trace_type, remaining_words);
    let own_words = u8::try_from(own.len() / 4).ok();
    let Some(left) = own_words.and_then(|own| remaining_words.checked_sub(own)) else {
        header.set(TraceFlags::OVERFLOW);
        return Some(header.as_bytes().to_vec());
    };
    header.set_remaining_len(left);
    Some([header.as_bytes(), own].concat())
}

/// What became of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// This node's data are in it, and the packet is longer by this many octets: the option data
    /// begin where they did, and what stands behind the trace header moved back.
    Filled(usize),
    /// There was no room in the trace or the packet: the overflow flag is set now.
    Overflowed,
    /// The overflow flag was set before: left alone.
    OverflowSeen,
    /// The trace type asks for nothing, or the header is cut: left alone.
    Nothing,
}

/// Pushes this node's element in right behind the trace header (RFC 9197, 4.4.1). The option data
/// are `len` octets at `at` from the start of `packet`, which may grow by `room` octets and no more.
/// The packet grows at its front, and what stands before the element moves there. The caller has
/// checked that `NodeLen` is what the type implies, and adjusts the lengths of its carrier.
#[inline]
#[allow(
    clippy::too_many_arguments,
    reason = "where the option is, and what is written"
)]
pub fn update<P: PacketBuf>(
    packet: &mut P,
    at: usize,
    len: usize,
    room: usize,
    own: &OwnData,
    namespace: &Namespace,
    hop_limit: u8,
    moment: &Moment,
) -> Update {
    let need = own.words(namespace);
    let Some(header) = header_at(packet, at, len) else {
        return Update::Nothing;
    };
    if header.has(TraceFlags::OVERFLOW) {
        return Update::OverflowSeen;
    }
    if need == 0 {
        return Update::Nothing;
    }
    let grown = need * 4;
    let left = usize::from(header.remaining_len()).checked_sub(need);
    let left = left.and_then(|left| u8::try_from(left).ok());
    let Some(left) = left.filter(|_| grown <= room && packet.grow_front(grown)) else {
        if let Some(header) = header_at(packet, at, len) {
            header.set(TraceFlags::OVERFLOW);
        }
        return Update::Overflowed;
    };
    let element = at + trace::HEADER;
    let frame = packet.bytes_mut();
    frame.copy_within(grown..grown + element, 0);
    if let Some(slot) = frame.get_mut(element..element + grown) {
        own.write(slot, namespace, hop_limit, moment);
    }
    if let Some(header) = header_at(packet, at, len) {
        header.set_remaining_len(left);
    }
    Update::Filled(grown)
}

fn header_at<P: PacketBuf>(packet: &mut P, at: usize, len: usize) -> Option<&mut TraceHeader> {
    let option_data = packet.bytes_mut().get_mut(at..at.checked_add(len)?)?;
    TraceHeader::split_mut(option_data).map(|(header, _)| header)
}

/// The node data in `option_data`, newest node first; `None` when it is too short for its header.
#[must_use]
pub fn collect(option_data: &[u8]) -> Option<NodeDataList<'_>> {
    NodeDataList::incremental(option_data)
}

#[cfg(test)]
mod tests {
    use super::super::own_data::tests::{NodeB, hex};
    use super::*;
    use crate::packet::HeapPacket;

    const KIND: TraceType = TraceType::new(0xC0_0000);
    /// What stands in front of the option data, and behind them.
    const BEFORE: &str = "020000000002020000000001894f 0fc20206000064ff 00090002";
    const BEHIND: &str = "6b812345001f1140";

    struct Case {
        packet: HeapPacket,
        at: usize,
        len: usize,
    }

    impl Case {
        fn new(option_data: &str, headroom: usize) -> Self {
            let (before, option) = (hex(BEFORE), hex(option_data));
            let frame = [&before[..], &option, &hex(BEHIND)].concat();
            Self {
                packet: HeapPacket::new(&frame, headroom),
                at: before.len(),
                len: option.len(),
            }
        }

        fn update(&mut self, node: &NodeB, kind: TraceType, room: usize) -> Update {
            let done = update(
                &mut self.packet,
                self.at,
                self.len,
                room,
                &node.own_data(kind),
                node.namespace(),
                62,
                &NodeB::moment(),
            );
            if let Update::Filled(octets) = done {
                self.len += octets;
            }
            done
        }

        fn option_data(&self) -> &[u8] {
            let bytes = self.packet.bytes();
            assert_eq!(bytes[..self.at], hex(BEFORE));
            assert_eq!(bytes[self.at + self.len..], hex(BEHIND));
            &bytes[self.at..self.at + self.len]
        }
    }

    #[test]
    fn the_encapsulating_node_may_come_first() {
        let none = build(NamespaceId(123), KIND, 6, None).unwrap();
        assert_eq!(none, hex("007b1006 c0000000"));
        let own = hex("400a0001 0a110a22");
        let built = build(NamespaceId(123), KIND, 6, Some(&own)).unwrap();
        assert_eq!(built, hex("007b1004 c0000000 400a0001 0a110a22"));
        let full = build(NamespaceId(123), KIND, 1, Some(&own)).unwrap();
        assert_eq!(full, hex("007b1401 c0000000"));
        assert!(build(NamespaceId(123), KIND, 128, None).is_none());
        assert!(build(NamespaceId(123), KIND, 8, Some(&own[1..])).is_none());
    }

    #[test]
    fn the_element_is_pushed_in_front_of_older_ones() {
        let mut case = Case::new("007b1004 c0000000 400a0001 0a110a22", 16);
        let node = NodeB::new(None);
        assert_eq!(case.update(&node, KIND, 1000), Update::Filled(8));
        let once = hex("007b1002 c0000000 3e0b0001 0b110b22 400a0001 0a110a22");
        assert_eq!(case.option_data(), once);
        assert_eq!(case.update(&node, KIND, 8), Update::Filled(8));
        // Full is no overflow; the next node says that.
        let twice = hex("007b1000 c0000000 3e0b0001 0b110b22 3e0b0001 0b110b22 400a0001 0a110a22");
        assert_eq!(case.option_data(), twice);
        assert_eq!(case.update(&node, KIND, 1000), Update::Overflowed);
        assert_eq!(case.option_data()[..4], hex("007b1400"));
        assert_eq!(case.option_data()[4..], twice[4..]);
        assert_eq!(case.update(&node, KIND, 1000), Update::OverflowSeen);
        let nodes: Vec<_> = collect(case.option_data())
            .unwrap()
            .map(|node| node.unwrap().node_id)
            .collect();
        assert_eq!(nodes, [Some(0x0B_0001), Some(0x0B_0001), Some(0x0A_0001)]);
    }

    #[test]
    fn remaining_len_may_exceed_the_option() {
        let mut case = Case::new("007b107f c0000000", 8);
        let done = case.update(&NodeB::new(None), KIND, 8);
        assert_eq!(done, Update::Filled(8));
        let filled = hex("007b107d c0000000 3e0b0001 0b110b22");
        assert_eq!(case.option_data(), filled);
    }

    #[test]
    fn a_snapshot_grows_the_packet_too() {
        let mut case = Case::new("007b0885 8000025a", 16);
        let node = NodeB::new(Some(b"schemaB!"));
        let kind = TraceType::new(0x80_0002);
        assert_eq!(case.update(&node, kind, 16), Update::Filled(16));
        // The unassigned flag and the reserved octet stay as received.
        let filled = hex("007b0881 8000025a 3e0b0001 02000309 73636865 6d614221");
        assert_eq!(case.option_data(), filled);
    }

    #[test]
    fn a_packet_that_must_not_or_cannot_grow_is_an_overflow() {
        for (headroom, room) in [(64, 7), (7, 64), (64, 0), (0, 64)] {
            let mut case = Case::new("007b1004 c0000000", headroom);
            let done = case.update(&NodeB::new(None), KIND, room);
            assert_eq!(done, Update::Overflowed);
            assert_eq!(case.option_data(), hex("007b1404 c0000000"));
            assert_eq!(case.packet.headroom(), headroom);
        }
    }

    #[test]
    fn what_asks_for_nothing_or_is_cut_is_left_alone() {
        let node = NodeB::new(None);
        let mut empty = Case::new("007b0004 00000100", 64);
        let nothing = empty.update(&node, TraceType::new(1), 64);
        assert_eq!(nothing, Update::Nothing);
        assert_eq!(empty.option_data(), hex("007b0004 00000100"));
        assert_eq!(collect(empty.option_data()).unwrap().count(), 0);
        for len in 0..8 {
            let mut cut = Case::new("007b1004 c0000000", 64);
            let before = cut.packet.clone();
            cut.len = len;
            assert_eq!(cut.update(&node, KIND, 64), Update::Nothing);
            assert_eq!(cut.packet, before);
        }
        for (at, len) in [(30, 13), (usize::MAX, 8), (8, usize::MAX), (100, 8)] {
            let mut outside = Case::new("007b1004 c0000000", 64);
            (outside.at, outside.len) = (at, len);
            assert_eq!(outside.update(&node, KIND, 64), Update::Nothing);
        }
    }
}
