// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 4.2: roles hold per namespace; what a decapsulating node takes out and records.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::record::ExportRecord;
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::spec::*;
use ioam_dp::wire::ioam::{NodeDataList, OptionType};

/// A trace of three nodes, complete.
fn full(namespace: u16) -> Trace {
    let list = [
        0x3E0C_0001,
        0x0C11_0C22,
        0x3F0B_0001,
        0x0B11_0B22,
        0x400A_0001,
        0x0A11_0A22,
    ];
    Trace::new(namespace, KIND, 0, &list)
}

/// Node B at the tunnel's end, with namespace 7 in transit.
fn tunnel_end_node() -> NodeSpec {
    with_namespace_7(ActionSpec::Decapsulate(decapsulate(tunnel_end())))
}

fn inline_node() -> NodeSpec {
    with_namespace_7(ActionSpec::Decapsulate(decapsulate(
        DecapsulatePlacement::Inline,
    )))
}

fn with_namespace_7(action: ActionSpec) -> NodeSpec {
    let mut spec = node_that(action);
    spec.namespaces.push(NamespaceSpec::plain(7));
    spec
}

/// `spec`, its one decapsulating profile changed.
fn changed(mut spec: NodeSpec, change: impl FnOnce(&mut DecapsulateSpec)) -> NodeSpec {
    if let ActionSpec::Decapsulate(what) = &mut spec.profiles[0].action {
        change(what);
    }
    spec
}

fn node_ids(record: &ExportRecord) -> Vec<u32> {
    let list = NodeDataList::preallocated(record.option_data()).expect("a trace");
    list.map(|node| node.expect("whole").node_id.expect("bit 0"))
        .collect()
}

/// The frame that comes out, and the records.
#[track_caller]
fn decapsulated(spec: &NodeSpec, sent: &Packet) -> (Vec<u8>, Vec<ExportRecord>) {
    let mut bench = Bench::new(spec);
    let (_, frame) = bench.forward(sent);
    assert_eq!(bench.noticed(), [""; 0]);
    (frame, bench.records)
}

#[test]
fn rfc9197_4_4_the_trace_is_taken_out_and_recorded() {
    let sent = Packet::plain().tunnelled(&[&full(123)]).hops(62);
    let (frame, records) = decapsulated(&tunnel_end_node(), &sent);
    assert_eq!(frame, Packet::plain().hops(63).frame());
    let [record] = &records[..] else {
        panic!("{} records", records.len());
    };
    assert_eq!(record.option_data(), &full(123).option()[4..]);
    assert_eq!(node_ids(record), [0x0C_0001, 0x0B_0001, 0x0A_0001]);
    assert_eq!(record.namespace.0, 123);
    assert_eq!(record.option_type, OptionType::PreallocatedTrace);
    assert_eq!(record.outer_source, address(TUNNEL_HEAD).octets());
    assert_eq!(record.outer_destination, address(TUNNEL_END).octets());
    assert_eq!(record.flow.source, address(HOST).octets());
    assert_eq!(record.flow.destination, address(PEER).octets());
    assert_eq!(
        (record.flow.source_port, record.flow.destination_port),
        (5000, 53)
    );
    assert_eq!(
        (record.flow.next_header, record.flow.label),
        (UDP, 0x1_2345)
    );
    assert_eq!(Some(record.received), moment().received);
    assert_eq!((record.in_port.0, record.profile), (0, Some(0)));
}

#[test]
fn rfc9197_4_2_a_decapsulating_node_may_record_itself() {
    let spec = changed(tunnel_end_node(), |what| what.record_self = true);
    let sent = Packet::plain().tunnelled(&[&trace()]).hops(62);
    let (frame, records) = decapsulated(&spec, &sent);
    assert_eq!(frame, Packet::plain().hops(63).frame());
    // Hop_Lim is the received one less one, though the outer packet goes no further.
    let own = trace().with_element(&[0x3D0B_0001, 0x0B11_0B22]);
    assert_eq!(records[0].option_data(), &own.option()[4..]);
}

#[test]
fn rfc9197_4_2_an_inline_trace_may_get_its_last_element_here() {
    let spec = changed(inline_node(), |what| what.record_self = true);
    let (frame, records) = decapsulated(&spec, &Packet::traced(&[&trace()]));
    assert_eq!(frame, Packet::plain().hops(63).frame());
    assert_eq!(
        records[0].option_data(),
        &trace().with_element(&OF_B).option()[4..]
    );
    let (_, records) = decapsulated(&spec, &Packet::traced(&[&full(123)]));
    assert_eq!(
        records[0].option_data(),
        &full(123).overflowed().option()[4..]
    );
}

#[test]
fn rfc9197_4_2_another_domains_tunnel_ends_here_without_a_record() {
    let sent = Packet::plain().tunnelled(&[&full(0x0BAD)]);
    let mut bench = Bench::new(&tunnel_end_node());
    let (_, frame) = bench.forward(&sent);
    assert_eq!(frame, Packet::plain().hops(63).frame());
    assert!(bench.records.is_empty());
    assert_eq!(bench.noticed(), ["namespace_unknown", "decap_foreign"]);
}

#[test]
fn rfc9197_4_2_a_namespace_in_transit_leaves_with_the_tunnel_unrecorded() {
    let sent = Packet::plain().tunnelled(&[&full(7)]);
    let mut bench = Bench::new(&tunnel_end_node());
    let (_, frame) = bench.forward(&sent);
    assert_eq!(frame, Packet::plain().hops(63).frame());
    assert!(bench.records.is_empty());
}

#[test]
fn rfc9197_4_2_a_tunnel_that_goes_on_is_in_transit() {
    for destination in ["2001:db8:ff::e", PEER] {
        let elsewhere = Packet::plain().tunnelled(&[&trace()]).to(destination);
        let filled = Packet::plain()
            .tunnelled(&[&trace().with_element(&OF_B)])
            .to(destination);
        assert_becomes(&tunnel_end_node(), &elsewhere, &filled);
    }
}

#[test]
fn rfc9197_4_2_a_role_holds_per_namespace_in_one_packet_inline() {
    // Namespace 7 is in transit, 123 ends here, in either order. An odd number of words makes an
    // option that keeps what stands behind it aligned to eight, so that no padding is needed.
    let trace = |namespace| Trace::new(namespace, KIND, 3, &OF_A);
    for traces in [[&trace(7), &trace(123)], [&trace(123), &trace(7)]] {
        let (frame, records) = decapsulated(&inline_node(), &Packet::traced(&traces));
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].namespace.0, 123);
        let left = Packet::traced(&[&trace(7).with_element(&OF_B)]).hops(63);
        assert_eq!(frame, left.frame(), "{:04x}", traces[0].namespace);
    }
}

#[test]
fn rfc9197_4_2_a_role_holds_per_namespace_at_one_node() {
    let spec = inline_node();
    let sent = Packet::traced(&[&Trace::new(7, KIND, 4, &OF_A)]);
    let filled = Trace::new(7, KIND, 4, &OF_A).with_element(&OF_B);
    assert_becomes(&spec, &sent, &Packet::traced(&[&filled]));
    assert_becomes(&spec, &Packet::traced(&[&trace()]), &Packet::plain());
}

#[test]
fn rfc9197_4_2_a_trace_that_ends_here_is_recorded_wherever_it_stands() {
    let sent = Packet::plain().tunnelled(&[&Trace::new(7, KIND, 4, &OF_A), &trace()]);
    let (frame, records) = decapsulated(&tunnel_end_node(), &sent);
    assert_eq!(frame, Packet::plain().hops(63).frame());
    assert_eq!(records.len(), 1);
}

#[test]
fn rfc9197_4_2_each_trace_of_ours_is_a_record() {
    let sent = Packet::plain().tunnelled(&[&trace(), &full(123)]);
    let (_, records) = decapsulated(&tunnel_end_node(), &sent);
    let ids: Vec<_> = records.iter().map(node_ids).collect();
    assert_eq!(
        ids,
        [vec![0x0A_0001], vec![0x0C_0001, 0x0B_0001, 0x0A_0001]]
    );
}

#[test]
fn rfc9197_4_2_an_option_type_not_understood_is_removed_with_its_namespace() {
    // As a proof of transit this has a POT-Type that nobody knows.
    for ioam_type in [1, 2, 3, 64, 67, 200] {
        let unknown = Trace {
            ioam_type,
            ..trace()
        };
        let sent = Packet::traced(&[&unknown]);
        let mut bench = Bench::new(&inline_node());
        let (_, frame) = bench.forward(&sent);
        assert_eq!(frame, Packet::plain().hops(63).frame(), "type {ioam_type}");
        assert!(bench.records.is_empty());
        let foreign = Packet::traced(&[&Trace {
            namespace: 7,
            ..unknown
        }]);
        let (_, frame) = Bench::new(&inline_node()).forward(&foreign);
        assert_eq!(frame, foreign.hops(63).frame(), "type {ioam_type}");
    }
}

#[test]
fn rfc9197_4_4_1_undefined_bits_left_empty_are_recorded_all_the_same() {
    // What is skipped is adding this node's data, not taking the trace out.
    let mut spec = tunnel_end_node();
    spec.policy.undefined_bits = UndefinedBits::Skip;
    let undefined = Trace::new(123, 0x80_0800, 0, &[0x400A_0001, u32::MAX]);
    let mut bench = Bench::new(&spec);
    bench.forward(&Packet::plain().tunnelled(&[&undefined]));
    assert_eq!(bench.records.len(), 1, "{:?}", bench.noticed());
    assert_eq!(bench.records[0].option_data(), &undefined.option()[4..]);
}

#[test]
fn rfc9197_4_4_1_a_malformed_trace_of_ours_is_removed_unrecorded() {
    let broken = Trace {
        node_len: 7,
        ..trace()
    };
    let mut bench = Bench::new(&inline_node());
    let (_, frame) = bench.forward(&Packet::traced(&[&broken]));
    assert_eq!(frame, Packet::plain().hops(63).frame());
    assert!(bench.records.is_empty());
    assert_eq!(bench.noticed(), ["trace_nodelen"]);
}

#[test]
fn rfc9197_4_2_what_is_passed_over_is_counted_once() {
    // The packet is looked through again once 123's option is out of it.
    let odd = |namespace| Trace::new(namespace, KIND, 3, &OF_A);
    let sent = Packet::traced(&[&odd(123), &odd(7), &odd(0x0BAD)]);
    let mut bench = Bench::new(&inline_node());
    bench.forward(&sent);
    assert_eq!(bench.counted(), [(Notice::NamespaceUnknown, 1)]);
}

#[test]
fn rfc9197_4_2_a_tunnel_end_with_no_packet_inside_drops() {
    let spec = tunnel_end_node();
    let empty = Packet::traced(&[&trace()]).to(TUNNEL_END);
    assert_dropped_unrecorded(&spec, &empty);
    let mut cut = Packet::plain().tunnelled(&[&trace()]);
    cut.payload.truncate(40 + 39);
    assert_dropped_unrecorded(&spec, &cut);
}

#[track_caller]
fn assert_dropped_unrecorded(spec: &NodeSpec, sent: &Packet) {
    assert_dropped(spec, sent, DropReason::DecapNoInner);
}

#[test]
fn rfc9197_4_2_without_an_end_of_its_own_the_header_of_a_tunnel_goes_or_the_option_does() {
    let anywhere = DecapsulatePlacement::Ip6InIp6 { destination: None };
    let spec = with_namespace_7(ActionSpec::Decapsulate(decapsulate(anywhere)));
    for sent in [
        Packet::plain().tunnelled(&[&full(123)]),
        Packet::traced(&[&full(123)]),
    ] {
        let (frame, records) = decapsulated(&spec, &sent);
        assert_eq!(frame, Packet::plain().hops(63).frame());
        assert_eq!(records.len(), 1);
    }
}

#[test]
fn rfc9197_4_2_a_decapsulating_filter_leaves_other_traces_in_transit() {
    let mut spec = inline_node();
    spec.profiles[0].filter.destination_ports = Some(53..=53);
    let (_, records) = decapsulated(&spec, &Packet::traced(&[&trace()]));
    assert_eq!(records.len(), 1);
    let header = hop_by_hop(&[&trace()]);
    let other = Packet::new(HOP_BY_HOP, &[&header, &udp(5000, 54)]);
    let filled = hop_by_hop(&[&trace().with_element(&OF_B)]);
    let expected = Packet::new(HOP_BY_HOP, &[&filled, &udp(5000, 54)]);
    assert_becomes(&spec, &other, &expected);
}
