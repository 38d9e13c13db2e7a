// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The profiles: names, filters, and keys that fit the node action.

use std::collections::HashSet;

use ioam_dp::table::spec::{
    AccountingSpec, ActionSpec, ActiveSpec, DecapsulatePlacement, DecapsulateSpec, EncapsulateSpec,
    GroupSpec, ProfileSpec,
};

use super::sections::{self, Common, setting};
use super::{
    Surroundings, direct_export, edge_to_edge, encapsulate, filter, proof_of_transit, refuse, trace,
};
use crate::model::{Model, Profile};
use crate::report::Problems;
use crate::scalar::{Placed, Scalar, at, get};
use crate::text::{Group, NodeAction, Placement};

pub(super) fn profiles(
    model: &Model,
    around: &Surroundings,
    problems: &mut Problems,
) -> Vec<ProfileSpec> {
    let mut specs: Vec<ProfileSpec> = Vec::new();
    let mut names = HashSet::new();
    for profile in model.profiles.iter().flatten() {
        let spec = one(profile, model, around, problems);
        if !spec.name.is_empty() && !names.insert(spec.name.clone()) {
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

fn one(
    profile: &Profile,
    model: &Model,
    around: &Surroundings,
    problems: &mut Problems,
) -> ProfileSpec {
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
    let sections = sections::sections(profile);
    let common = sections::common(profile, sections.len(), problems);
    let mut namespaces = Vec::new();
    for section in &sections {
        let own = sections::namespaces(section.namespaces, around.namespaces, problems);
        let new = own.into_iter().filter(|id| !namespaces.contains(id));
        namespaces.extend(new.collect::<Vec<_>>());
    }
    let agreed = sections::action(profile, &sections, problems);
    if let (Some(keys), Some(action)) = (&profile.pot_profile, agreed) {
        proof_of_transit::check(&keys.value, action, model, around, problems);
    }
    let action = match agreed {
        Some(NodeAction::Encapsulate) => {
            encapsulate::encapsulate(profile, &common, &filter, around, problems)
        }
        Some(NodeAction::Decapsulate) => decapsulate(profile, &common, namespaces, problems),
        Some(NodeAction::Transit) => transit(profile, &common, namespaces, problems),
        None => ActionSpec::Transit { namespaces },
    };
    if filter.local && agreed.is_some() {
        only_probes(profile, &action, problems);
    }
    ProfileSpec {
        name,
        filter,
        action,
    }
}

/// What this node originates are probes, and all it does to them is to encapsulate them.
fn only_probes(profile: &Profile, action: &ActionSpec, problems: &mut Problems) {
    let active = match action {
        ActionSpec::Encapsulate(EncapsulateSpec { active, .. }) => *active,
        _ => None,
    };
    let key = profile
        .filter
        .as_ref()
        .and_then(|filter| filter.in_port.as_ref());
    if let Some(key) = key.filter(|_| active != Some(ActiveSpec::Probes)) {
        let what = "`in-port: [local]` is for probes, which are encapsulated and active";
        let help = "write `active: probes` in the profile and `node-action: encapsulate`";
        problems.error(key.place, what, help);
    }
}

fn transit(
    profile: &Profile,
    common: &Common,
    namespaces: Vec<u16>,
    problems: &mut Problems,
) -> ActionSpec {
    let action = NodeAction::Transit;
    common.refuse(true, setting(action), problems);
    refuse_elsewhere(profile, action, problems);
    ActionSpec::Transit { namespaces }
}

/// Keys that mean nothing with this action, which does not encapsulate.
fn refuse_elsewhere(profile: &Profile, action: NodeAction, problems: &mut Problems) {
    let active = [("active", at(&profile.active))];
    refuse(&active, setting(action), problems);
    if let Some(keys) = &profile.preallocated_tracing_profile {
        trace::refuse_keys(&keys.value, action, problems);
    }
    if let Some(keys) = &profile.direct_export_profile {
        direct_export::refuse_keys(&keys.value, action, problems);
    }
    if let Some(keys) = &profile.e2e_profile {
        edge_to_edge::refuse_keys(&keys.value, action, problems);
    }
}

fn decapsulate(
    profile: &Profile,
    common: &Common,
    namespaces: Vec<u16>,
    problems: &mut Problems,
) -> ActionSpec {
    let action = NodeAction::Decapsulate;
    common.refuse(false, setting(action), problems);
    refuse_elsewhere(profile, action, problems);
    let tunnel = common.tunnel.map(|tunnel| &tunnel.value);
    if let Some(tunnel) = tunnel {
        let keys = [
            ("source", at(&tunnel.source)),
            ("hop-limit", at(&tunnel.hop_limit)),
        ];
        refuse(&keys, setting(action), problems);
    }
    let destination = tunnel.and_then(|tunnel| get(&tunnel.destination, problems));
    let placement = common.placement.and_then(|key| key.get(problems));
    let placement = match placement.unwrap_or(Placement::Ip6InIp6) {
        Placement::Ip6InIp6 => DecapsulatePlacement::Ip6InIp6 {
            destination: destination.map(|address| address.0),
        },
        Placement::Inline => {
            let tunnel = common.tunnel.map(Placed::place);
            refuse(&[("tunnel", tunnel)], "placement: inline", problems);
            DecapsulatePlacement::Inline
        }
    };
    let section = profile.preallocated_tracing_profile.as_ref();
    let record_self = section.and_then(|keys| get(&keys.value.record_self, problems));
    ActionSpec::Decapsulate(DecapsulateSpec {
        namespaces,
        placement,
        record_self: record_self.is_some_and(|switch| switch.0),
        accounting: accounting(profile, problems),
    })
}

/// How sequence numbers are accounted for, in all options that have one.
fn accounting(profile: &Profile, problems: &mut Problems) -> AccountingSpec {
    let edge = profile.e2e_profile.as_ref().map(|keys| &keys.value);
    let export = profile
        .direct_export_profile
        .as_ref()
        .map(|keys| &keys.value);
    let group = agreed(
        "group",
        edge.and_then(|keys| keys.group.as_ref()),
        export.and_then(|keys| keys.group.as_ref()),
        problems,
    );
    let seconds = agreed(
        "report-seconds",
        edge.and_then(|keys| keys.report_seconds.as_ref()),
        export.and_then(|keys| keys.report_seconds.as_ref()),
        problems,
    );
    let packets = edge.and_then(|keys| get(&keys.record_packets, problems));
    let default = AccountingSpec::default();
    AccountingSpec {
        group: group.map_or(default.group, group_spec),
        report_seconds: seconds.map_or(default.report_seconds, |seconds| seconds.0),
        record_packets: packets.is_some_and(|switch| switch.0),
    }
}

/// A key that two sections may have, and then alike.
fn agreed<T: Copy + PartialEq>(
    name: &str,
    one: Option<&Scalar<T>>,
    other: Option<&Scalar<T>>,
    problems: &mut Problems,
) -> Option<T> {
    let mine = one.and_then(|key| key.get(problems));
    let theirs = other.and_then(|key| key.get(problems));
    if let (Some(mine), Some(theirs), Some(key)) = (mine, theirs, one)
        && mine != theirs
    {
        let what = format!("`{name}` is another in `direct-export-profile`");
        let help = "write the same in both sections, or another profile";
        problems.error(key.place, what, help);
    }
    mine.or(theirs)
}

pub(super) fn group_spec(group: Group) -> GroupSpec {
    match group {
        Group::Profile => GroupSpec::Profile,
        Group::Flow => GroupSpec::Flow,
    }
}
