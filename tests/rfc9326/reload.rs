// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 3.2: sequences go on when a node gets new tables.

use super::ALL;
use crate::common::Bench;
use crate::common::crew::Crew;
use crate::common::direct_export::*;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::table::spec::*;

/// Node B with two profiles for two destination ports, in one order or the other.
fn two(id: FlowIdSpec, swapped: bool) -> NodeSpec {
    let mut spec = exporter(id);
    spec.profiles[0].filter.destination_ports = Some(53..=53);
    let mut other = spec.profiles[0].clone();
    other.name = "other".to_owned();
    other.filter.destination_ports = Some(54..=54);
    spec.profiles.insert(usize::from(!swapped), other);
    spec
}

#[test]
fn rfc9326_3_2_new_tables_go_on_counting() {
    for id in ALL {
        let mut crew = Crew::new(&two(id, false), 2);
        for (expected, turn) in (0..).zip(0..20) {
            // A worker that has seen nothing of the old tables counts on too; one that a flow is
            // pinned to has all of its packets.
            let worker = usize::from(id == FlowIdSpec::Fixed(9)) * (turn % 2);
            let frame = crew.pass(worker, &Packet::plain().frame(), &moment());
            assert_eq!(sequence_of(&frame), Some(expected));
            let mut spec = two(id, turn % 2 == 0);
            if turn % 3 == 0 {
                spec.profiles.insert(0, transit());
            }
            spec.seed = turn as u64;
            crew.reload(&spec);
        }
    }
}

fn transit() -> ProfileSpec {
    let namespaces = vec![0];
    ProfileSpec {
        name: "transit".to_owned(),
        ..profile(ActionSpec::Transit { namespaces })
    }
}

#[test]
fn rfc9326_3_2_other_options_coming_and_going_do_not_matter() {
    let changes: [fn(&mut NodeSpec); 6] = [
        |_| (),
        |spec| {
            // A trace in front of it.
            let what = encapsulation(spec);
            let mut trace = encapsulate(KIND, 2, Placement::Inline).options;
            trace.append(&mut what.options);
            what.options = trace;
        },
        |spec| {
            // Another namespace in front of it, which sorts before its own too.
            let mut seven = direct_export(FlowIdSpec::None);
            seven.namespace = 7;
            spec.namespaces.insert(0, NamespaceSpec::plain(7));
            let what = encapsulation(spec);
            what.options.insert(0, OptionSpec::DirectExport(seven));
        },
        |spec| encapsulation(spec).placement = tunnel(),
        |spec| encapsulation(spec).sampling = Sampling::FirstOf { k: 1, n: 1 },
        |spec| spec.flows.groups += 1,
    ];
    for id in ALL {
        let mut crew = Crew::new(&exporter(id), 1);
        for number in 0..30 {
            let mut spec = exporter(id);
            changes[number % changes.len()](&mut spec);
            crew.reload(&spec);
            let frame = crew.pass(0, &Packet::plain().frame(), &moment());
            let ours = carried(&frame).into_iter().find(|one| one.namespace == 123);
            let sequence = ours.and_then(|one| one.sequence);
            assert_eq!(sequence, Some(number as u32), "{id:?}");
        }
    }
}

#[test]
fn rfc9326_3_2_another_flow_id_is_another_flow() {
    let mut crew = Crew::new(&exporter(FlowIdSpec::Fixed(1)), 1);
    let mut next = |id| {
        crew.reload(&exporter(FlowIdSpec::Fixed(id)));
        sequence_of(&crew.pass(0, &Packet::plain().frame(), &moment()))
    };
    assert_eq!(
        [next(1), next(1), next(2), next(2)].map(Option::unwrap),
        [0, 1, 0, 1]
    );
}

#[test]
fn rfc9326_3_2_two_profiles_are_two_sequences() {
    for id in ALL {
        let mut bench = Bench::new(&two(id, false));
        for number in 0..5 {
            for port in [53, 54] {
                let sent = Packet::new(UDP, &[&udp(5000, port)]);
                assert_eq!(super::numbers(&mut bench, &[sent]), [Some(number)]);
            }
        }
    }
}
