// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The node data list of a trace, read back (RFC 9197, 4.4.1 and 4.4.2).

use super::{DirectExport, TraceHeader, TraceType};

/// What one node wrote; a field is `None` when the trace type does not ask for it. Values that a
/// node had not available are all ones, as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeData<'a> {
    /// `Hop_Lim`, from the short field or else the wide one.
    pub hop_limit: Option<u8>,
    /// `node_id`, 24 bits.
    pub node_id: Option<u32>,
    /// `ingress_if_id`, 16 bits.
    pub ingress_if_id: Option<u16>,
    /// `egress_if_id`, 16 bits.
    pub egress_if_id: Option<u16>,
    /// Timestamp seconds, in the namespace's format.
    pub timestamp_seconds: Option<u32>,
    /// Timestamp fraction, in the namespace's format.
    pub timestamp_fraction: Option<u32>,
    /// Transit delay in nanoseconds; 0x80000000 is "2^31 or more".
    pub transit_delay: Option<u32>,
    /// Namespace-specific data.
    pub namespace_data: Option<u32>,
    /// Queue depth, in buffers.
    pub queue_depth: Option<u32>,
    /// Checksum complement.
    pub checksum_complement: Option<u32>,
    /// `node_id`, 56 bits.
    pub node_id_wide: Option<u64>,
    /// `ingress_if_id`, 32 bits.
    pub ingress_if_id_wide: Option<u32>,
    /// `egress_if_id`, 32 bits.
    pub egress_if_id_wide: Option<u32>,
    /// Namespace-specific data, 64 bits.
    pub namespace_data_wide: Option<u64>,
    /// Buffer occupancy, in the node's units.
    pub buffer_occupancy: Option<u32>,
    /// The opaque state snapshot: Schema ID (24 bits) and data.
    pub opaque_state: Option<(u32, &'a [u8])>,
}

/// The elements of a trace, newest node first, as they stand in the option.
#[derive(Clone, Debug)]
pub struct NodeDataList<'a> {
    trace_type: TraceType,
    rest: &'a [u8],
}

/// A node data list that ends inside an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut;

impl<'a> NodeDataList<'a> {
    /// The list of a pre-allocated trace option: what stands behind its free space. `None` when
    /// the option is too short for its header or its `RemainingLen`.
    #[must_use]
    pub fn preallocated(option_data: &'a [u8]) -> Option<Self> {
        let (header, space) = TraceHeader::split(option_data)?;
        let rest = space.get(usize::from(header.remaining_len()) * 4..)?;
        Some(Self {
            trace_type: header.trace_type(),
            rest,
        })
    }

    /// The list of an incremental trace option: all that stands behind its header. `None` when the
    /// option is too short for its header.
    #[must_use]
    pub fn incremental(option_data: &'a [u8]) -> Option<Self> {
        let (header, rest) = TraceHeader::split(option_data)?;
        Some(Self {
            trace_type: header.trace_type(),
            rest,
        })
    }

    /// The one node's data that a record of direct export has behind the option: all fields but
    /// that of bit 7 (RFC 9326, 3.2). `None` when the option is shorter than it says.
    #[must_use]
    pub fn direct_export(option_data: &'a [u8]) -> Option<Self> {
        let option = DirectExport::parse(option_data)?;
        let exported = option.trace_type().bits() & !TraceType::CHECKSUM_COMPLEMENT.bits();
        Some(Self {
            trace_type: TraceType::new(exported),
            rest: option_data.get(option.len()..)?,
        })
    }
}

impl<'a> Iterator for NodeDataList<'a> {
    type Item = Result<NodeData<'a>, Cut>;

    fn next(&mut self) -> Option<Self::Item> {
        let asks_nothing =
            self.trace_type.node_len() == 0 && !self.trace_type.has(TraceType::OPAQUE_STATE);
        if self.rest.is_empty() || asks_nothing {
            return None;
        }
        let mut words = Words(self.rest);
        let element = words.node_data(self.trace_type);
        self.rest = if element.is_some() { words.0 } else { &[] };
        Some(element.ok_or(Cut))
    }
}

/// Reads words off the front of a list.
struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    fn word(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*word))
    }

    fn double(&mut self) -> Option<u64> {
        Some(u64::from(self.word()?) << 32 | u64::from(self.word()?))
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "fields are cut out of their words"
    )]
    fn node_data(&mut self, kind: TraceType) -> Option<NodeData<'a>> {
        let mut node = NodeData::default();
        if kind.has(TraceType::HOP_LIM_NODE_ID) {
            let word = self.word()?;
            node.hop_limit = Some((word >> 24) as u8);
            node.node_id = Some(word & 0xFF_FFFF);
        }
        if kind.has(TraceType::IF_ID) {
            let word = self.word()?;
            node.ingress_if_id = Some((word >> 16) as u16);
            node.egress_if_id = Some(word as u16);
        }
        for (bit, field) in [
            (TraceType::TIMESTAMP_SECONDS, &mut node.timestamp_seconds),
            (TraceType::TIMESTAMP_FRACTION, &mut node.timestamp_fraction),
            (TraceType::TRANSIT_DELAY, &mut node.transit_delay),
            (TraceType::NAMESPACE_DATA, &mut node.namespace_data),
            (TraceType::QUEUE_DEPTH, &mut node.queue_depth),
            (
                TraceType::CHECKSUM_COMPLEMENT,
                &mut node.checksum_complement,
            ),
        ] {
            if kind.has(bit) {
                *field = Some(self.word()?);
            }
        }
        self.wide(kind, &mut node)?;
        if kind.has(TraceType::OPAQUE_STATE) {
            node.opaque_state = Some(self.opaque_state()?);
        }
        Some(node)
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "fields are cut out of their words"
    )]
    fn wide(&mut self, kind: TraceType, node: &mut NodeData<'a>) -> Option<()> {
        if kind.has(TraceType::HOP_LIM_NODE_ID_WIDE) {
            let double = self.double()?;
            node.hop_limit = node.hop_limit.or(Some((double >> 56) as u8));
            node.node_id_wide = Some(double & 0x00FF_FFFF_FFFF_FFFF);
        }
        if kind.has(TraceType::IF_ID_WIDE) {
            node.ingress_if_id_wide = Some(self.word()?);
            node.egress_if_id_wide = Some(self.word()?);
        }
        if kind.has(TraceType::NAMESPACE_DATA_WIDE) {
            node.namespace_data_wide = Some(self.double()?);
        }
        if kind.has(TraceType::BUFFER_OCCUPANCY) {
            node.buffer_occupancy = Some(self.word()?);
        }
        for _ in 0..TraceType::new(kind.bits() & TraceType::UNDEFINED.bits()).node_len() {
            self.word()?;
        }
        Some(())
    }

    fn opaque_state(&mut self) -> Option<(u32, &'a [u8])> {
        let word = self.word()?;
        let octets = (word >> 24) as usize * 4;
        let (data, rest) = self.0.split_at_checked(octets)?;
        self.0 = rest;
        Some((word & 0xFF_FFFF, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ioam::NamespaceId;
    use zerocopy::IntoBytes;

    fn option(kind: u32, remaining: u8, words: &[u32]) -> Vec<u8> {
        let header = TraceHeader::new(NamespaceId(1), TraceType::new(kind), remaining);
        let mut bytes = header.as_bytes().to_vec();
        words
            .iter()
            .for_each(|word| bytes.extend_from_slice(&word.to_be_bytes()));
        bytes
    }

    #[test]
    fn newest_node_comes_first_and_free_space_is_skipped() {
        let bytes = option(
            0xC0_0000,
            2,
            &[0, 0, 0x3F0B_0001, 0x0B11_0B22, 0x400A_0001, 0],
        );
        let nodes: Vec<_> = NodeDataList::preallocated(&bytes)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(nodes.len(), 2);
        assert_eq!(
            (nodes[0].hop_limit, nodes[0].node_id),
            (Some(63), Some(0x0B_0001))
        );
        assert_eq!(
            (nodes[0].ingress_if_id, nodes[0].egress_if_id),
            (Some(0x0B11), Some(0x0B22))
        );
        assert_eq!(nodes[1].node_id, Some(0x0A_0001));
    }

    #[test]
    fn an_incremental_trace_has_no_free_space() {
        let bytes = option(0x80_0000, 2, &[0x3F0B_0001, 0x400A_0001]);
        let ids: Vec<_> = NodeDataList::incremental(&bytes)
            .unwrap()
            .map(|node| node.unwrap().node_id)
            .collect();
        assert_eq!(ids, [Some(0x0B_0001), Some(0x0A_0001)]);
        assert!(NodeDataList::incremental(&bytes[..7]).is_none());
    }

    #[test]
    fn direct_export_has_one_nodes_data_behind_its_own_fields() {
        let words = [0x007B_0040, 0xC100_0000, 7, 0x3F0B_0001, 0x0B11_0B22];
        let bytes: Vec<u8> = words
            .iter()
            .flat_map(|word: &u32| word.to_be_bytes())
            .collect();
        let mut list = NodeDataList::direct_export(&bytes).unwrap();
        let node = list.next().unwrap().unwrap();
        assert_eq!((node.hop_limit, node.node_id), (Some(63), Some(0x0B_0001)));
        assert_eq!(
            (node.egress_if_id, node.checksum_complement),
            (Some(0x0B22), None)
        );
        assert!(list.next().is_none());
        assert!(NodeDataList::direct_export(&bytes[..8]).is_none());
    }

    #[test]
    fn a_cut_element_is_the_last_thing_said() {
        let bytes = option(0xC0_0000, 0, &[1, 2, 3]);
        let items: Vec<_> = NodeDataList::preallocated(&bytes).unwrap().collect();
        assert_eq!(items.len(), 2);
        assert_eq!(items[1], Err(Cut));
    }

    #[test]
    fn a_type_that_asks_for_nothing_yields_nothing() {
        for kind in [0, 1] {
            let bytes = option(kind, 0, &[1, 2]);
            assert_eq!(NodeDataList::preallocated(&bytes).unwrap().count(), 0);
        }
    }

    #[test]
    fn snapshots_have_their_own_lengths() {
        let bytes = option(2, 0, &[0x0100_0309, 0xAABB_CCDD, 0x00FF_FFFF]);
        let nodes: Vec<_> = NodeDataList::preallocated(&bytes)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(
            nodes[0].opaque_state,
            Some((777, &[0xAA, 0xBB, 0xCC, 0xDD][..]))
        );
        assert_eq!(nodes[1].opaque_state, Some((0xFF_FFFF, &[][..])));
        let cut = option(2, 0, &[0x0200_0309, 0]);
        assert_eq!(
            NodeDataList::preallocated(&cut).unwrap().next(),
            Some(Err(Cut))
        );
    }
}
