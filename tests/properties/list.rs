// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A node data list says what the nodes meant.

use super::any::*;
use crate::common::Bench;
use crate::common::frames::*;
use ioam_dp::table::spec::*;
use ioam_dp::wire::ioam::NodeDataList;
use proptest::prelude::*;

/// A node in transit that only its numbers tell from others.
fn node_of(id: u32, schema: &[u8]) -> NodeSpec {
    let mut spec = NodeSpec {
        node_id: Some(id & 0xFF_FFFF),
        node_id_wide: Some(u64::from(id) << 24),
        ..node()
    };
    spec.namespaces[0] = NamespaceSpec {
        data: Some(!id),
        data_wide: Some(u64::from(!id) << 32),
        schema: Some(SchemaSpec {
            id: id & 0xFF_FFFF,
            data: schema.to_vec(),
        }),
        ..NamespaceSpec::plain(123)
    };
    spec
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_nodes_write_is_what_is_read(
        kind in any::<u32>(),
        nodes in proptest::collection::vec(
            (any::<u32>(), proptest::collection::vec(any::<u8>(), 0..12)),
            1..8,
        ),
        room in 1..=61u8,
    ) {
        // Bit 23 is reserved and asks for nothing.
        let kind = match kind & 0xFF_FFFE { 0 => 0x80_0000, kind => kind };
        let mut frame = Packet::traced(&[&Trace::new(123, kind, room, &[])]).frame();
        let (mut written, mut left) = (Vec::new(), usize::from(room));
        let mut overflow = false;
        for (id, schema) in &nodes {
            let mut bench = Bench::new(&node_of(*id, schema));
            frame = bench.pass(&frame, 0, &moment()).expect("forwarded").1;
            let words = words(kind, schema.len());
            if !overflow && words <= left {
                left -= words;
                written.push((*id, schema, frame[ETHERNET + 7]));
            } else {
                overflow = true;
            }
        }
        let option_data = &frame[EXTENSIONS + 8..EXTENSIONS + 16 + 4 * usize::from(room)];
        prop_assert_eq!(usize::from(option_data[3] & 0x7F), left);
        prop_assert_eq!(option_data[2] & 4 != 0, overflow);
        let list = NodeDataList::preallocated(option_data).expect("a trace");
        let mut list: Vec<_> = list.map(|node| node.expect("whole")).collect();
        list.reverse();
        prop_assert_eq!(list.len(), written.len());
        for (node, (id, schema, hop_limit)) in list.iter().zip(written) {
            let asked = |bit: u32| kind >> (23 - bit) & 1 == 1;
            let short = id & 0xFF_FFFF;
            prop_assert_eq!(node.hop_limit, (asked(0) || asked(8)).then_some(hop_limit));
            prop_assert_eq!(node.node_id, asked(0).then_some(short));
            prop_assert_eq!(node.ingress_if_id, asked(1).then_some(0x0B11));
            prop_assert_eq!(node.egress_if_id, asked(1).then_some(0x0B22));
            prop_assert_eq!(node.timestamp_seconds, asked(2).then_some(1_723_560_226));
            prop_assert_eq!(node.timestamp_fraction, asked(3).then_some(123_456));
            prop_assert_eq!(node.transit_delay, asked(4).then_some(4321));
            prop_assert_eq!(node.namespace_data, asked(5).then_some(!id));
            prop_assert_eq!(node.queue_depth, asked(6).then_some(16));
            prop_assert_eq!(node.checksum_complement, asked(7).then_some(u32::MAX));
            prop_assert_eq!(node.node_id_wide, asked(8).then_some(u64::from(id) << 24));
            prop_assert_eq!(node.ingress_if_id_wide, asked(9).then_some(0x0B11_0011));
            prop_assert_eq!(node.egress_if_id_wide, asked(9).then_some(0x0B22_0022));
            prop_assert_eq!(node.namespace_data_wide, asked(10).then_some(u64::from(!id) << 32));
            prop_assert_eq!(node.buffer_occupancy, asked(11).then_some(0x8000));
            let mut data = schema.clone();
            data.resize(data.len().next_multiple_of(4), 0);
            prop_assert_eq!(node.opaque_state, asked(22).then_some((short, &data[..])));
        }
    }

    #[test]
    fn any_octets_are_read_to_an_end(
        octets in proptest::collection::vec(any::<u8>(), 0..300),
        kind in sendable_types(),
        remaining in 0..62u8,
    ) {
        let count = NodeDataList::preallocated(&octets).map_or(0, Iterator::count);
        prop_assert!(count <= octets.len() / 4);
        let mut option = Trace::new(123, kind, remaining, &[]).option().split_off(4);
        option.truncate(8 + usize::from(remaining) * 4);
        option.extend(&octets);
        let list = NodeDataList::preallocated(&option).expect("a trace");
        let cut = list.clone().filter(Result::is_err).count();
        prop_assert!(cut <= 1);
        prop_assert!(list.count() <= octets.len() / 4 + 1);
    }
}

/// Words that a node with a schema of so many octets needs.
fn words(kind: u32, schema: usize) -> usize {
    let one = (kind & 0xFF_1FFC).count_ones();
    let two = (kind & 0x00_E000).count_ones();
    let snapshot = kind >> 1 & 1;
    (one + 2 * two + snapshot) as usize + snapshot as usize * schema.div_ceil(4)
}
