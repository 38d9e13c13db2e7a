// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Names keep their indices from tables to tables.

use super::super::spec::{
    ActionSpec, EncapsulateSpec, FilterSpec, NamespaceSpec, OptionSpec, Placement, PortSpec,
    ProfileSpec, Side, TraceSpec,
};
use super::*;
use crate::wire::ioam::NamespaceId;

fn profile(name: &str, action: ActionSpec) -> ProfileSpec {
    ProfileSpec {
        name: name.to_owned(),
        filter: FilterSpec::default(),
        action,
    }
}

fn encapsulate(name: &str, namespace: u16) -> ProfileSpec {
    let trace = TraceSpec {
        namespace,
        trace_type: 0x80_0000,
        words: 4,
        record_self: true,
        loopback: false,
    };
    let what = EncapsulateSpec::new(vec![OptionSpec::Trace(trace)], Placement::Inline);
    profile(name, ActionSpec::Encapsulate(what))
}

fn transit(name: &str, namespaces: &[u16]) -> ProfileSpec {
    let namespaces = namespaces.to_vec();
    profile(name, ActionSpec::Transit { namespaces })
}

fn node(namespaces: &[u16], profiles: Vec<ProfileSpec>) -> NodeSpec {
    let port = PortSpec {
        name: "east".to_owned(),
        mac: [0; 6],
        mtu: 1500,
        ioam: true,
        id: None,
        id_wide: None,
        address: None,
        side: Side::Inside,
        speed: 10_000,
    };
    NodeSpec {
        ports: vec![port],
        namespaces: namespaces
            .iter()
            .copied()
            .map(NamespaceSpec::plain)
            .collect(),
        profiles,
        ..NodeSpec::default()
    }
}

fn order(tables: &Tables) -> Vec<(u16, &str)> {
    let profiles = tables.configured_profiles();
    profiles
        .map(|(index, profile)| (index, profile.name.as_str()))
        .collect()
}

fn namespaces(tables: &Tables) -> Vec<(u8, u16)> {
    let all = tables.namespaces.configured();
    all.map(|(index, namespace)| (index, namespace.id.0))
        .collect()
}

fn role(tables: &Tables, namespace: u16) -> Option<Role> {
    let index = tables.namespaces.find(NamespaceId(namespace))?;
    let rule = tables.namespaces.get(index)?.rules.first()?;
    Some(rule.role)
}

#[test]
fn what_stays_keeps_its_index_and_the_order_is_the_files() {
    let first = node(&[7, 9], vec![encapsulate("a", 7), transit("b", &[9])]);
    let first = Tables::compile(&first).unwrap();
    assert_eq!(namespaces(&first), [(0, 0), (1, 7), (2, 9)]);
    // One more of each in front, and the others the other way round.
    let profiles = vec![
        transit("b", &[9]),
        encapsulate("new", 8),
        encapsulate("a", 9),
    ];
    let second = Tables::compile_after(&node(&[7, 8, 9], profiles), &first).unwrap();
    assert_eq!(order(&second), [(1, "b"), (2, "new"), (0, "a")]);
    assert_eq!(namespaces(&second), [(0, 0), (1, 7), (2, 9), (3, 8)]);
    assert_eq!(*second.ports[0].rules.profiles, [2, 0]);
    assert_eq!(role(&second, 9), Some(Role::Transit(Some(1))));
    let part = |profile: usize| match &second.profiles[profile].action {
        Action::Encapsulate(what) => what.parts[0].namespace,
        _ => panic!("no such profile"),
    };
    assert_eq!((part(0), part(2)), (2, 3));
}

#[test]
fn what_goes_leaves_its_index_and_finds_it_when_it_comes_back() {
    let both = node(&[7, 9], vec![encapsulate("a", 7), transit("b", &[9])]);
    let first = Tables::compile(&both).unwrap();
    let one = Tables::compile_after(&node(&[9], vec![transit("b", &[9])]), &first).unwrap();
    assert_eq!(order(&one), [(1, "b")]);
    assert_eq!(namespaces(&one), [(0, 0), (2, 9)]);
    assert_eq!(one.namespaces.find(NamespaceId(7)), None);
    assert!(one.ports[0].rules.profiles.is_empty());
    assert_eq!(one.profiles[0].name, "a", "records on their way are named");
    let again = Tables::compile_after(&both, &one).unwrap();
    assert_eq!(order(&again), [(0, "a"), (1, "b")]);
    assert_eq!(namespaces(&again), [(0, 0), (1, 7), (2, 9)]);
}

#[test]
fn indices_run_out_by_name() {
    let mut tables = Tables::compile(&node(&[], Vec::new())).unwrap();
    for round in 0..4_u16 {
        let ids: Vec<u16> = (1..=60).map(|id| id + round * 60).collect();
        tables = Tables::compile_after(&node(&ids, Vec::new()), &tables).unwrap();
    }
    let ids: Vec<u16> = (1000..1060).collect();
    let error = Tables::compile_after(&node(&ids, Vec::new()), &tables).unwrap_err();
    assert_eq!(error, CompileError::SeenNamespaces(301));
    let profiles = |from: usize| (from..from + 600).map(|n| transit(&n.to_string(), &[0]));
    tables = Tables::compile_after(&node(&[], profiles(0).collect()), &tables).unwrap();
    let more = node(&[], profiles(600).collect());
    let error = Tables::compile_after(&more, &tables).unwrap_err();
    assert_eq!(error, CompileError::SeenProfiles(1200, COUNTED_PROFILES));
}
