// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sections 4.3 and 4.4: copies on their way back, and where they end.

use super::*;
use crate::common::Bench;
use crate::common::expect::*;
use crate::common::options::*;
use ioam_dp::port::PortId;
use ioam_dp::record::{ExportRecord, Occasion};
use ioam_dp::stats::DropReason;
use ioam_dp::wire::ioam::NodeDataList;

/// A copy from node B with this trace, on its way to node A.
fn copy_with(trace: &Trace) -> Packet {
    let cause = Packet::plain().tunnelled(&[trace]);
    copy_of(&cause, &[trace], OF_PORT_0)
}

/// What became of the frame at node A, which it reaches from inside.
fn at_home(spec: &NodeSpec, copy: &Packet) -> (Option<DropReason>, Vec<ExportRecord>) {
    let mut bench = Bench::new(spec);
    let out = bench.pass(&copy.frame(), 1, &moment());
    assert!(bench.originated.is_empty());
    (out.err(), bench.records)
}

fn node_ids(record: &ExportRecord) -> Vec<u32> {
    let list = NodeDataList::preallocated(record.option_data()).expect("a trace");
    list.map(|node| node.expect("whole").node_id.expect("bit 0"))
        .collect()
}

#[test]
fn rfc9322_4_3_on_the_way_back_a_copy_is_filled_like_any_packet() {
    let trace = Trace::new(123, LOOPING, 4, &[0x3F0C_0001, BY_A]);
    let copy = copy_with(&trace);
    let filled = copy_with(&trace.with_element(&[0x3F0B_0001]));
    assert_becomes(&node_b(), &copy, &filled);
}

#[test]
fn rfc9322_4_4_the_initiator_records_its_copy_and_keeps_it() {
    let trace = Trace::new(123, LOOPING, 4, &[0x3F0B_0001, BY_A]);
    let (reason, records) = at_home(&node_a(), &copy_with(&trace));
    assert_eq!(reason, Some(DropReason::LoopedBack));
    let [record] = &records[..] else {
        panic!("{} records", records.len());
    };
    assert_eq!(record.occasion, Occasion::LoopedBack);
    assert_eq!(record.option_data(), &trace.option()[4..]);
    assert_eq!(record.outer_source, address(OF_PORT_0).octets());
    assert_eq!(record.outer_destination, address(TUNNEL_HEAD).octets());
    assert_eq!((record.namespace.0, record.profile), (123, None));
    assert_eq!(node_ids(record), [0x0B_0001, 0x0A_0001]);
}

#[test]
fn rfc9322_4_4_a_copy_that_overflowed_is_ours_all_the_same() {
    let trace = Trace::new(123, LOOPING, 0, &[0x3F0B_0001, BY_A]).overflowed();
    let (reason, records) = at_home(&node_a(), &copy_with(&trace));
    assert_eq!(reason, Some(DropReason::LoopedBack));
    assert_eq!(records.len(), 1);
}

#[test]
fn rfc9322_4_4_the_trace_tells_wherever_it_stands() {
    let trace = Trace::new(123, LOOPING, 4, &[0x3F0B_0001, BY_A]).option();
    let before = direct_export(123, 0, 0x80_0000, &[]);
    let copy = Packet {
        payload: header(59, &[&before, &trace]),
        ..copy_with(&looping(4))
    };
    let (reason, records) = at_home(&node_a(), &copy);
    assert_eq!(reason, Some(DropReason::LoopedBack));
    assert_eq!(records[0].option_data(), &trace[4..]);
}

#[test]
fn rfc9322_4_4_anothers_copy_is_dropped_unrecorded() {
    let list = [0x3F0B_0001, 0x400E_0001];
    let foreign = [
        // Another node's, and one that nobody wrote into.
        Trace::new(123, LOOPING, 4, &list),
        Trace::new(123, LOOPING, 4, &[]),
        // This node's id, but not as the oldest element.
        Trace::new(123, LOOPING, 4, &[BY_A, 0x3F0B_0001]),
        // This node's id in namespaces that it sends no such traces of.
        Trace::new(7, LOOPING, 4, &[0x3F0B_0001, BY_A]),
        Trace::new(0x0BAD, LOOPING, 4, &[0x3F0B_0001, BY_A]),
        // No type that loops.
        Trace::new(123, KIND, 4, &[BY_A, BY_A]),
    ];
    let mut spec = node_a();
    spec.namespaces.push(NamespaceSpec::plain(7));
    for trace in &foreign {
        let (reason, records) = at_home(&spec, &copy_with(trace));
        assert_eq!(reason, Some(DropReason::LoopedBackForeign), "{trace:?}");
        assert!(records.is_empty());
    }
}

#[test]
fn rfc9322_4_4_a_packet_with_payload_to_the_same_address_is_none_of_these() {
    let trace = Trace::new(123, LOOPING, 4, &[0x3F0B_0001, BY_A]);
    let sent = Packet::traced(&[&trace]).to(TUNNEL_HEAD);
    let (_, frame) = Bench::new(&node_a())
        .pass(&sent.frame(), 1, &moment())
        .expect("forwarded");
    let filled = Packet::traced(&[&trace.with_element(&[0x3F0A_0001])]);
    assert_eq!(hex(&frame), hex(&filled.to(TUNNEL_HEAD).hops(63).frame()));
}

#[test]
fn rfc9322_4_4_a_node_that_asks_for_no_copies_takes_none_in() {
    let trace = Trace::new(123, LOOPING, 4, &[0x3F0C_0001, 0x400B_0001]);
    let filled = copy_with(&trace.with_element(&[0x3F0B_0001]));
    assert_becomes(&node_b(), &copy_with(&trace), &filled);
}

#[test]
fn rfc9322_4_3_at_a_decapsulating_node_a_copy_ends_as_it_has_nothing_to_go_on_with() {
    let anywhere = DecapsulatePlacement::Ip6InIp6 { destination: None };
    for placement in [anywhere, DecapsulatePlacement::Inline] {
        let spec = node_that(ActionSpec::Decapsulate(decapsulate(placement)));
        let trace = Trace::new(123, LOOPING, 4, &[0x3F0C_0001, BY_A]);
        let mut bench = Bench::new(&spec);
        let out = bench.pass(&copy_with(&trace).frame(), 0, &moment());
        assert_eq!(out.map(drop), Err(DropReason::LoopedBackForeign));
        assert_eq!(bench.stats.drops(DropReason::LoopedBackForeign), 1);
        // Decapsulated like any other packet, it is recorded.
        assert_eq!(bench.records.len(), 1);
        assert_eq!(bench.records[0].occasion, Occasion::Decapsulated);
    }
    // So does one for the end of a tunnel, and it is no tunnel with nothing inside.
    let spec = node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
    let copy = copy_with(&Trace::new(123, LOOPING, 4, &[BY_A])).to(TUNNEL_END);
    let out = Bench::new(&spec).pass(&copy.frame(), 0, &moment());
    assert_eq!(out.map(drop), Err(DropReason::LoopedBackForeign));
}

#[test]
fn rfc9486_5_a_copy_does_not_leave_by_an_edge() {
    let trace = Trace::new(123, LOOPING, 4, &[0x3F0C_0001, BY_A]);
    let mut spec = node_b();
    spec.ports[0].side = Side::Edge(EdgePolicy::Drop);
    let out = Bench::new(&spec).pass(&copy_with(&trace).frame(), 1, &moment());
    assert_eq!(out.map(drop), Err(DropReason::EdgeEgress));
    spec.ports[0].side = Side::Edge(EdgePolicy::Strip);
    let out = Bench::new(&spec).pass(&copy_with(&trace).frame(), 1, &moment());
    let (_, frame) = out.expect("forwarded");
    assert_eq!((frame.len(), frame[20]), (EXTENSIONS, 59));
}

/// The frame at `bench`, from `port`; what it sends on, which has to leave by the other port.
fn through(bench: &mut Bench, frame: &[u8], port: u8) -> Result<Vec<u8>, DropReason> {
    let out = bench.pass(frame, port, &moment());
    out.map(|(to, frame)| {
        assert_eq!(to, PortId(1 - port));
        frame
    })
}

#[test]
fn rfc9322_4_every_node_of_a_path_is_heard_once() {
    let mut a = Bench::new(&node_a());
    let mut b = Bench::new(&node_b());
    let mut c = Bench::new(&NodeSpec {
        node_id: Some(0x0C_0001),
        ..node_b()
    });
    let mut end = node_b();
    end.node_id = Some(0x0D_0001);
    end.profiles = vec![profile(ActionSpec::Decapsulate(decapsulate(tunnel_end())))];
    let mut d = Bench::new(&end);
    let mut frame = Packet::plain().frame();
    for node in [&mut a, &mut b, &mut c, &mut d] {
        frame = through(node, &frame, 0).expect("forwarded");
    }
    // Nodes B and C are none of the inner packet's hops.
    assert_eq!(frame, Packet::plain().hops(62).frame());
    // Copies go back from node to node.
    let from = |bench: &Bench| bench.originated[0].1.clone();
    let (from_b, from_c, from_d) = (from(&b), from(&c), from(&d));
    let mut home = Vec::new();
    for (mut copy, back) in [(from_b, 0), (from_c, 1), (from_d, 2)] {
        if back > 1 {
            copy = through(&mut c, &copy, 1).expect("forwarded");
        }
        if back > 0 {
            copy = through(&mut b, &copy, 1).expect("forwarded");
        }
        let out = through(&mut a, &copy, 1);
        assert_eq!(out, Err(DropReason::LoopedBack));
        home.push(node_ids(a.records.last().expect("a record")));
    }
    // Each list is newest first: the way back, the node that looped, the way there.
    assert_eq!(
        home,
        [
            vec![0x0B_0001, 0x0A_0001],
            vec![0x0B_0001, 0x0C_0001, 0x0B_0001, 0x0A_0001],
            vec![
                0x0B_0001, 0x0C_0001, 0x0D_0001, 0x0C_0001, 0x0B_0001, 0x0A_0001
            ],
        ]
    );
    for bench in [&b, &c, &d] {
        assert_eq!(bench.originated.len(), 1, "nobody copies a copy");
    }
}
