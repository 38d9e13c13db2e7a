// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the sections of a profile have in common: they agree on the node action, name namespaces,
//! and share the keys of the profile.

use ioam_dp::table::spec::NamespaceSpec;

use super::refuse;
use crate::model::{Profile, Sampling, Tunnel};
use crate::report::{Place, Problems};
use crate::scalar::{Located, OneOrMany, Placed, Scalar};
use crate::text::{NamespaceId, NodeAction, OverMtu, Placement, TypeBits};

/// One section.
pub(super) struct Section<'a> {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) node_action: Option<&'a Scalar<NodeAction>>,
    pub(super) namespaces: &'a OneOrMany<NamespaceId>,
}

/// The sections there are, in the order of their options.
pub(super) fn sections(profile: &Profile) -> Vec<Section<'_>> {
    let trace = profile
        .preallocated_tracing_profile
        .as_ref()
        .map(|keys| Section {
            name: "preallocated-tracing-profile",
            place: keys.place,
            node_action: keys.value.node_action.as_ref(),
            namespaces: &keys.value.trace_types.value.use_namespace,
        });
    let pot = profile.pot_profile.as_ref().map(|keys| Section {
        name: "pot-profile",
        place: keys.place,
        node_action: keys.value.node_action.as_ref(),
        namespaces: &keys.value.use_namespace,
    });
    let export = profile.direct_export_profile.as_ref().map(|keys| Section {
        name: "direct-export-profile",
        place: keys.place,
        node_action: keys.value.node_action.as_ref(),
        namespaces: &keys.value.trace_types.value.use_namespace,
    });
    let edge = profile.e2e_profile.as_ref().map(|keys| Section {
        name: "e2e-profile",
        place: keys.place,
        node_action: Some(&keys.value.node_action),
        namespaces: &keys.value.e2e_types.value.use_namespace,
    });
    [trace, pot, export, edge].into_iter().flatten().collect()
}

/// What all sections do, when they agree.
pub(super) fn action(
    profile: &Profile,
    sections: &[Section],
    problems: &mut Problems,
) -> Option<NodeAction> {
    let Some(first) = sections.first() else {
        let what = "this profile does nothing: it has no section";
        let help = "add `preallocated-tracing-profile:`, `pot-profile:`, \
                    `direct-export-profile:` or `e2e-profile:`";
        problems.error(profile.name.place, what, help);
        return None;
    };
    let mut own = |section: &Section| match section.node_action {
        Some(key) => key.get(problems),
        None => Some(NodeAction::Transit),
    };
    let actions: Vec<_> = sections.iter().map(&mut own).collect();
    let action = *actions.first()?;
    let mut agree = actions.iter().all(Option::is_some);
    for (section, other) in sections.iter().zip(&actions).skip(1) {
        if let (Some(action), Some(other)) = (action, *other)
            && action != other
        {
            let what = format!(
                "`{}` here is not `{}` as in `{}`",
                setting(other),
                setting(action),
                first.name
            );
            let help = "write the same in all sections, or another profile";
            let place = section.node_action.map_or(section.place, |key| key.place);
            problems.error(place, what, help);
            agree = false;
        }
    }
    action.filter(|_| agree)
}

/// The key and its value, for messages.
pub(super) fn setting(action: NodeAction) -> &'static str {
    match action {
        NodeAction::Encapsulate => "node-action: encapsulate",
        NodeAction::Transit => "node-action: transit",
        NodeAction::Decapsulate => "node-action: decapsulate",
    }
}

/// Keys of a profile that may also stand in its one section.
pub(super) struct Common<'a> {
    pub(super) placement: Option<&'a Scalar<Placement>>,
    pub(super) tunnel: Option<&'a Located<Tunnel>>,
    pub(super) sampling: Option<&'a Located<Sampling>>,
    pub(super) over_mtu: Option<&'a Scalar<OverMtu>>,
}

impl Common<'_> {
    /// Refuses those that only an encapsulating node knows, and with `all` the others as well.
    pub(super) fn refuse(&self, all: bool, setting: &str, problems: &mut Problems) {
        let placement = self.placement.filter(|_| all).map(Placed::place);
        let tunnel = self.tunnel.filter(|_| all).map(Placed::place);
        let keys = [
            ("placement", placement),
            ("tunnel", tunnel),
            ("sampling", self.sampling.map(Placed::place)),
            ("over-mtu", self.over_mtu.map(Placed::place)),
        ];
        refuse(&keys, setting, problems);
    }
}

/// The common keys, from the profile or from its one section.
pub(super) fn common<'a>(
    profile: &'a Profile,
    sections: usize,
    problems: &mut Problems,
) -> Common<'a> {
    let section = profile
        .preallocated_tracing_profile
        .as_ref()
        .map(|keys| &keys.value);
    let mut one = One {
        is_alone: sections == 1,
        problems,
    };
    Common {
        placement: one.of(
            "placement",
            &profile.placement,
            section.and_then(|keys| keys.placement.as_ref()),
        ),
        tunnel: one.of(
            "tunnel",
            &profile.tunnel,
            section.and_then(|keys| keys.tunnel.as_ref()),
        ),
        sampling: one.of(
            "sampling",
            &profile.sampling,
            section.and_then(|keys| keys.sampling.as_ref()),
        ),
        over_mtu: one.of(
            "over-mtu",
            &profile.over_mtu,
            section.and_then(|keys| keys.over_mtu.as_ref()),
        ),
    }
}

/// Takes each key from one of two places.
struct One<'a> {
    is_alone: bool,
    problems: &'a mut Problems,
}

impl One<'_> {
    fn of<'k, T: Placed>(
        &mut self,
        name: &str,
        of_profile: &'k Option<T>,
        of_section: Option<&'k T>,
    ) -> Option<&'k T> {
        let place = of_section.map(Placed::place);
        if let (Some(_), Some(place)) = (of_profile, place) {
            let what = format!("`{name}` stands in the profile as well");
            self.problems.error(place, what, "remove one of the two");
        } else if let Some(place) = place.filter(|_| !self.is_alone) {
            let what = format!("`{name}` is the same for all sections of a profile");
            let help = "move it out of this section, beside the profile's `name`";
            self.problems.error(place, what, help);
        }
        of_profile.as_ref().or(of_section)
    }
}

/// The namespaces a section is for, each of which must be declared.
pub(super) fn namespaces(
    used: &OneOrMany<NamespaceId>,
    declared: &[NamespaceSpec],
    problems: &mut Problems,
) -> Vec<u16> {
    if used.items.is_empty() {
        let what = "this profile has no namespace";
        problems.error(used.place, what, "write its Namespace-ID");
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

/// The bits of a type that is listed by names or given as a number, as `example` is.
pub(super) fn type_bits<T: Copy + Into<TypeBits>>(
    list: &OneOrMany<T>,
    example: &str,
    problems: &mut Problems,
) -> Option<u32> {
    let mut bits = 0;
    let mut all_known = true;
    for item in &list.items {
        let Some(value) = item.get(problems) else {
            all_known = false;
            continue;
        };
        match value.into() {
            TypeBits::Identity(bit) if bits & bit != 0 => {
                problems.error(item.place, "this is listed twice", "list each once");
            }
            TypeBits::Identity(bit) => bits |= bit,
            TypeBits::Whole(number) if !list.is_list => bits = number,
            TypeBits::Whole(_) => {
                let what = "a number is a whole type and stands alone";
                problems.error(
                    item.place,
                    what,
                    format!("write `{example}`, or names only"),
                );
            }
        }
    }
    all_known.then_some(bits)
}
