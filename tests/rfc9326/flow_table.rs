// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 3.2: a sequence for each flow, of which a node remembers so many and for so long.

use super::{ALL, assert_gapless, flow, numbers};
use crate::common::Bench;
use crate::common::direct_export::*;
use crate::common::frames::*;
use ioam_dp::moment::Moment;
use ioam_dp::stats::Notice;
use ioam_dp::table::spec::*;

/// Node B with room for four flows, which are idle after ten seconds.
fn small(id: FlowIdSpec) -> NodeSpec {
    let mut spec = exporter(id);
    spec.flows = FlowsSpec {
        most: 1,
        groups: 1,
        idle_seconds: 10,
    };
    spec
}

#[test]
fn rfc9326_3_2_a_flow_that_finds_no_room_goes_without_and_disturbs_nobody() {
    let mut bench = Bench::new(&small(FlowIdSpec::Hashed));
    let refused = flow(99);
    for round in 0..10 {
        for port in 1..=4 {
            assert_eq!(numbers(&mut bench, &[flow(port)]), [Some(round)]);
        }
        let (_, frame) = bench.forward(&refused);
        assert_eq!(frame, refused.hops(63).frame());
    }
    assert_eq!(bench.counted(), [(Notice::FlowTableFull, 10)]);
}

#[test]
fn rfc9326_3_2_no_option_of_the_packet_is_counted_when_one_finds_no_room() {
    // A shared number, and the flow's; the second is refused for a fifth flow.
    let mut spec = small(FlowIdSpec::Fixed(9));
    let list = [
        direct_export(FlowIdSpec::Fixed(9)),
        direct_export(FlowIdSpec::Hashed),
    ];
    *encapsulation(&mut spec) = puts_in(&list, Placement::Inline);
    let mut bench = Bench::new(&spec);
    let mut total = 0;
    for round in 0..5 {
        for port in 1..=6 {
            let (_, frame) = bench.forward(&flow(port));
            let got: Vec<_> = carried(&frame).iter().map(|one| one.sequence).collect();
            if port <= 4 {
                assert_eq!(got, [Some(total), Some(round)]);
                total += 1;
            } else {
                assert_eq!(got, []);
            }
        }
    }
}

#[test]
fn rfc9326_3_2_a_number_taken_for_a_packet_refused_is_given_back() {
    // Direct export and edge-to-edge have a table each. The first has room for a fifth flow that
    // the second has not, since another profile filled that one with flows of its own.
    let edge_to_edge = OptionSpec::EdgeToEdge(EdgeToEdgeSpec {
        namespace: 123,
        kind: 0x4000,
        group: GroupSpec::Flow,
    });
    let mut spec = small(FlowIdSpec::Hashed);
    let both = vec![
        OptionSpec::DirectExport(direct_export(FlowIdSpec::Hashed)),
        edge_to_edge.clone(),
    ];
    encapsulation(&mut spec).options = both;
    let mut alone = spec.profiles[0].clone();
    alone.name = "edge".to_owned();
    alone.filter.destination_ports = Some(54..=54);
    alone.action =
        ActionSpec::Encapsulate(EncapsulateSpec::new(vec![edge_to_edge], Placement::Inline));
    spec.profiles.insert(0, alone);
    let mut bench = Bench::new(&spec);
    for port in 1..=4 {
        bench.forward(&Packet::new(UDP, &[&udp(port, 54)]));
    }
    let frame = flow(1).frame();
    for _ in 0..3 {
        let out = bench.pass(&frame, 0, &later(5)).expect("forwarded");
        assert_eq!(carried(&out.1), []);
    }
    assert_eq!(bench.stats.notices(Notice::FlowTableFull), 3);
    // The others have fallen idle; the flow's first packet with the options has number 0.
    let out = bench.pass(&frame, 0, &later(11)).expect("forwarded");
    assert_eq!(sequence_of(&out.1), Some(0));
    let out = bench.pass(&frame, 0, &later(11)).expect("forwarded");
    assert_eq!(sequence_of(&out.1), Some(1));
}

#[test]
fn rfc9326_3_2_a_flow_that_was_idle_starts_at_0_again() {
    for id in [FlowIdSpec::None, FlowIdSpec::Hashed] {
        let mut bench = Bench::new(&small(id));
        let mut at = |seconds| {
            let out = bench.pass(&Packet::plain().frame(), 0, &later(seconds));
            sequence_of(&out.expect("forwarded").1).expect("a number")
        };
        assert_eq!([at(0), at(1), at(11), at(21)], [0, 1, 2, 3]);
        assert_eq!([at(32), at(33)], [0, 1], "after eleven silent seconds");
    }
    let mut bench = Bench::new(&small(FlowIdSpec::Fixed(9)));
    let out = [0, 1, 1000].map(|seconds| {
        let out = bench.pass(&Packet::plain().frame(), 0, &later(seconds));
        sequence_of(&out.expect("forwarded").1)
    });
    assert_eq!(out, [Some(0), Some(1), Some(2)], "a profile is never idle");
}

#[test]
fn rfc9326_3_2_an_idle_flows_room_is_anothers() {
    let mut bench = Bench::new(&small(FlowIdSpec::Hashed));
    for port in 1..=4 {
        bench.forward(&flow(port));
    }
    for (port, seconds) in [(5, 11), (6, 11), (5, 12)] {
        let out = bench.pass(&flow(port).frame(), 0, &later(seconds));
        let expected = Some(u32::from(seconds == 12));
        assert_eq!(sequence_of(&out.expect("forwarded").1), expected);
    }
}

#[test]
fn rfc9326_3_2_not_knowing_the_time_makes_no_flow_idle() {
    for id in ALL {
        let mut bench = Bench::new(&small(id));
        let moments = [
            moment(),
            Moment::at(None),
            moment(),
            later(3),
            Moment::at(None),
        ];
        let all = moments.iter().map(|moment| {
            let out = bench.pass(&Packet::plain().frame(), 0, moment);
            sequence_of(&out.expect("forwarded").1)
        });
        let all: Vec<_> = all.collect();
        assert_eq!(assert_gapless(&all), 5);
    }
}

#[test]
fn rfc9326_3_2_without_the_field_nothing_is_counted() {
    let mut spec = small(FlowIdSpec::Hashed);
    let mut one = direct_export(FlowIdSpec::Hashed);
    one.sequence = false;
    *encapsulation(&mut spec) = puts_in(&[one], Placement::Inline);
    let mut bench = Bench::new(&spec);
    for port in 1..100 {
        let (_, frame) = bench.forward(&flow(port));
        assert_eq!(carried(&frame)[0].sequence, None);
    }
    assert_eq!(bench.counted(), [], "no flow needs room");
}
