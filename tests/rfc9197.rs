// SPDX-License-Identifier: Apache-2.0 OR MIT
//! RFC 9197, one test a requirement, named by its section.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the numbers are the tests' own and fit"
)]

mod common;

use common::Bench;
use common::frames::*;
use ioam_dp::packet::HeapPacket;
use ioam_dp::table::spec::*;
use ioam_dp::wire::ioam::TraceType;

const KIND: u32 = 0xC0_0000;
const OURS: [u32; 2] = [0x3F0B_0001, 0x0B11_0B22];

fn trace(namespace: u16) -> Trace {
    Trace::new(namespace, KIND, 4, &[0x400A_0001, 0x0A11_0A22])
}

/// Node B with namespace 7 too.
fn with_namespace_7(action: ActionSpec) -> NodeSpec {
    let mut spec = node_that(action);
    spec.namespaces.push(NamespaceSpec::plain(7));
    spec
}

#[test]
fn s4_2_a_role_holds_per_namespace_in_one_packet_inline() {
    // Namespace 7 is in transit, 123 ends here, in either order. An odd number of words makes an
    // option that keeps what stands behind it aligned to eight, so that no padding is needed.
    let trace = |namespace| Trace::new(namespace, KIND, 3, &[0x400A_0001, 0x0A11_0A22]);
    let spec = with_namespace_7(ActionSpec::Decapsulate(decapsulate(
        DecapsulatePlacement::Inline,
    )));
    for traces in [[&trace(7), &trace(123)], [&trace(123), &trace(7)]] {
        let mut bench = Bench::new(&spec);
        let out = bench.pass(&Packet::traced(&traces).frame(), 0, &moment());
        let (_, frame) = out.expect("forwarded");
        assert_eq!(bench.records.len(), 1);
        assert_eq!(bench.records[0].namespace.0, 123);
        let left = Packet::traced(&[&trace(7).with_element(&OURS)])
            .hops(63)
            .frame();
        assert_eq!(frame, left, "{:04x}", traces[0].namespace);
    }
}

#[test]
fn s4_2_a_trace_that_ends_here_is_recorded_wherever_it_stands() {
    let spec = with_namespace_7(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
    let mut bench = Bench::new(&spec);
    let sent = Packet::plain().tunnelled(&[&trace(7), &trace(123)]).frame();
    let (_, frame) = bench.pass(&sent, 0, &moment()).expect("forwarded");
    assert_eq!(frame, Packet::plain().hops(63).frame());
    assert_eq!(bench.records.len(), 1);
    assert_eq!(bench.noticed(), [""; 0]);
}

#[test]
fn s4_2_an_option_type_not_understood_is_removed_with_its_namespace() {
    let spec = node_that(ActionSpec::Decapsulate(decapsulate(
        DecapsulatePlacement::Inline,
    )));
    for ioam_type in [1, 2, 4, 64, 200] {
        let mut bench = Bench::new(&spec);
        let unknown = Trace {
            ioam_type,
            ..trace(123)
        };
        let (_, frame) = bench
            .pass(&Packet::traced(&[&unknown]).frame(), 0, &moment())
            .expect("forwarded");
        assert_eq!(frame, Packet::plain().hops(63).frame(), "type {ioam_type}");
        assert!(bench.records.is_empty());
    }
}

#[test]
fn s4_4_2_what_any_trace_of_a_packet_asks_for_is_measured() {
    let mut spec = node();
    spec.policy.several_options = SeveralOptions::All;
    let queue = Trace::new(123, 0x02_0000, 2, &[]);
    let frame = Packet::traced(&[&trace(123), &queue]).frame();
    let (_, _, wanted) = Bench::new(&spec).carry(HeapPacket::new(&frame, 0), 0, &moment());
    assert!(wanted.has(TraceType::QUEUE_DEPTH));
}
