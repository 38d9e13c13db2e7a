// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The profiles: names, namespaces, and keys that fit the node action.

use ioam_dp::table::spec::{
    AccountingSpec, ActionSpec, DecapsulatePlacement, DecapsulateSpec, NamespaceSpec, ProfileSpec,
};

use super::{Surroundings, encapsulate, filter, refuse};
use crate::model::{Model, PreallocatedTracingProfile, Profile};
use crate::report::Problems;
use crate::scalar::get;
use crate::text::{NodeAction, Placement};

pub(super) fn profiles(
    model: &Model,
    around: &Surroundings,
    problems: &mut Problems,
) -> Vec<ProfileSpec> {
    let mut specs: Vec<ProfileSpec> = Vec::new();
    for profile in model.profiles.iter().flatten() {
        let spec = one(profile, around, problems);
        if !spec.name.is_empty() && specs.iter().any(|other| other.name == spec.name) {
            let what = format!("two profiles are named `{}`", spec.name);
            problems.error(
                profile.name.place,
                what,
                "give each profile a name of its own",
            );
        }
        specs.push(spec);
    }
    specs
}

fn one(profile: &Profile, around: &Surroundings, problems: &mut Problems) -> ProfileSpec {
    let name = profile
        .name
        .get(problems)
        .map(|name| name.0)
        .unwrap_or_default();
    let filter = filter::filter(
        &profile.filter.clone().unwrap_or_default(),
        around,
        problems,
    );
    get(&profile.protocol_type, problems);
    let trace = &profile.preallocated_tracing_profile;
    let namespaces = namespaces(&trace.value, around.namespaces, problems);
    let action = match get(&trace.value.node_action, problems) {
        Some(NodeAction::Encapsulate) => {
            let namespace = encapsulate::one_namespace(&trace.value, &namespaces, problems);
            encapsulate::encapsulate(trace, namespace, around, problems)
        }
        Some(NodeAction::Decapsulate) => decapsulate(&trace.value, namespaces, problems),
        Some(NodeAction::Transit) | None => transit(&trace.value, namespaces, problems),
    };
    ProfileSpec {
        name,
        filter,
        action,
    }
}

/// The namespaces a profile is for, each of which must be declared.
fn namespaces(
    keys: &PreallocatedTracingProfile,
    declared: &[NamespaceSpec],
    problems: &mut Problems,
) -> Vec<u16> {
    let used = &keys.trace_types.value.use_namespace;
    if used.items.is_empty() {
        problems.error(
            used.place,
            "this profile has no namespace",
            "write its Namespace-ID",
        );
    }
    let mut ids = Vec::new();
    for item in &used.items {
        let Some(id) = item.get(problems).map(|id| id.0) else {
            continue;
        };
        if declared.iter().all(|namespace| namespace.id != id) {
            let all: Vec<_> = declared
                .iter()
                .map(|namespace| namespace.id.to_string())
                .collect();
            let what = format!("namespace {id} is not declared");
            let help = format!(
                "add `- id: {id}` to `namespaces`; there are {}",
                all.join(", ")
            );
            problems.error(item.place, what, help);
        }
        if ids.contains(&id) {
            let what = format!("namespace {id} is listed twice");
            problems.error(item.place, what, "list each namespace once");
        }
        ids.push(id);
    }
    ids
}

/// The keys only an encapsulating node knows.
fn refuse_encapsulation(keys: &PreallocatedTracingProfile, setting: &str, problems: &mut Problems) {
    let trace_type = keys
        .trace_types
        .value
        .trace_type
        .as_ref()
        .map(|list| list.place);
    get(&keys.max_length, problems);
    get(&keys.over_mtu, problems);
    refuse(
        &[
            ("trace-type", trace_type),
            ("max-length", keys.max_length.as_ref().map(|key| key.place)),
            ("sampling", keys.sampling.as_ref().map(|key| key.place)),
            ("over-mtu", keys.over_mtu.as_ref().map(|key| key.place)),
        ],
        setting,
        problems,
    );
}

fn transit(
    keys: &PreallocatedTracingProfile,
    namespaces: Vec<u16>,
    problems: &mut Problems,
) -> ActionSpec {
    let setting = "node-action: transit";
    refuse_encapsulation(keys, setting, problems);
    refuse(
        &[
            ("placement", keys.placement.as_ref().map(|key| key.place)),
            ("tunnel", keys.tunnel.as_ref().map(|key| key.place)),
            (
                "record-self",
                keys.record_self.as_ref().map(|key| key.place),
            ),
        ],
        setting,
        problems,
    );
    ActionSpec::Transit { namespaces }
}

fn decapsulate(
    keys: &PreallocatedTracingProfile,
    namespaces: Vec<u16>,
    problems: &mut Problems,
) -> ActionSpec {
    refuse_encapsulation(keys, "node-action: decapsulate", problems);
    let tunnel = keys.tunnel.as_ref().map(|tunnel| &tunnel.value);
    if let Some(tunnel) = tunnel {
        let source = tunnel.source.as_ref().map(|key| key.place);
        let hop_limit = tunnel.hop_limit.as_ref().map(|key| key.place);
        let keys = [("source", source), ("hop-limit", hop_limit)];
        refuse(&keys, "node-action: decapsulate", problems);
    }
    let destination = tunnel.and_then(|tunnel| get(&tunnel.destination, problems));
    let placement = match get(&keys.placement, problems).unwrap_or(Placement::Ip6InIp6) {
        Placement::Ip6InIp6 => DecapsulatePlacement::Ip6InIp6 {
            destination: destination.map(|address| address.0),
        },
        Placement::Inline => {
            let tunnel = keys.tunnel.as_ref().map(|key| key.place);
            refuse(&[("tunnel", tunnel)], "placement: inline", problems);
            DecapsulatePlacement::Inline
        }
    };
    let record_self = get(&keys.record_self, problems).is_some_and(|switch| switch.0);
    ActionSpec::Decapsulate(DecapsulateSpec {
        namespaces,
        placement,
        record_self,
        accounting: AccountingSpec::default(),
    })
}
