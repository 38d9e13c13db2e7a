// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The node itself: its choices, its namespaces, and measurements to simulate.

use std::path::Path;

use ioam_dp::table::spec::{
    ActionSpec, FlowsSpec, LimitsSpec, Malformed, NamespaceSpec, NodeSpec, OptionSpec, Policy,
    SchemaSpec, Semantics, SeveralOptions, TimestampFormat, UndefinedBits,
};

use super::{Simulate, refuse};
use crate::key_file;
use crate::model::{Model, Namespace, Node, Schema, Share};
use crate::report::{Place, Problems};
use crate::scalar::{Located, Scalar, at, get};
use crate::text;

/// Most octets of an opaque state snapshot: 255 words.
const LARGEST_SNAPSHOT: usize = 1020;

pub(super) fn policy(node: &Node, problems: &mut Problems) -> Policy {
    let linux = get(&node.semantics, problems) == Some(text::Semantics::Linux);
    let malformed = get(&node.malformed, problems);
    let several = get(&node.several_options, problems);
    Policy {
        semantics: if linux {
            Semantics::Linux
        } else {
            Semantics::Rfc
        },
        malformed: match malformed {
            Some(text::Malformed::Forward) => Malformed::Forward,
            Some(text::Malformed::Drop) => Malformed::Drop,
            None if linux => Malformed::Drop,
            None => Malformed::Forward,
        },
        undefined_bits: match get(&node.undefined_trace_bits, problems) {
            Some(text::UndefinedTraceBits::Skip) => UndefinedBits::Skip,
            _ => UndefinedBits::Fill,
        },
        several_options: match several {
            Some(text::SeveralOptions::First) => SeveralOptions::First,
            Some(text::SeveralOptions::All) => SeveralOptions::All,
            None if linux => SeveralOptions::All,
            None => SeveralOptions::First,
        },
        icmp_errors_per_second: get(&node.icmp_errors_per_second, problems).map_or(100, |n| n.0),
        loopback: loopback(node, linux, problems),
    }
}

fn loopback(node: &Node, linux: bool, problems: &mut Problems) -> bool {
    let copies = get(&node.loopback, problems) == Some(text::Loopback::Copy);
    if copies && linux {
        let keys = [("loopback", at(&node.loopback))];
        refuse(&keys, "semantics: linux", problems);
    }
    copies && !linux
}

/// Warns of copies that would have no source.
pub(super) fn idle_loopback(node: &Node, spec: &NodeSpec, problems: &mut Problems) {
    let mut ports = spec.ports.iter();
    let copies = ports.any(|port| port.ioam && port.address.is_some());
    if let Some(key) = node
        .loopback
        .as_ref()
        .filter(|_| spec.policy.loopback && !copies)
    {
        let what = "nothing is copied: no port with `ioam: true` has an `address`";
        let help = "add `address:` to the ports, as the source of the copies";
        problems.warning(key.place, what, help);
    }
}

pub(super) fn limits(node: &Node, problems: &mut Problems) -> LimitsSpec {
    let keys = node.limits.clone().unwrap_or_default();
    let default = LimitsSpec::default();
    let mut share = |key: &Option<Scalar<Share>>, default| {
        let share = get(key, problems);
        share.map_or(default, |n| n.0)
    };
    LimitsSpec {
        direct_export: share(&keys.direct_export, default.direct_export),
        export: share(&keys.export, default.export),
        loopback: share(&keys.loopback, default.loopback),
        active: share(&keys.active, default.active),
    }
}

pub(super) fn flows(node: &Node, problems: &mut Problems) -> FlowsSpec {
    let keys = node.flows.clone().unwrap_or_default();
    let default = FlowsSpec::default();
    FlowsSpec {
        most: get(&keys.most, problems).map_or(default.most, |n| n.0),
        groups: get(&keys.groups, problems).map_or(default.groups, |n| n.0),
        idle_seconds: get(&keys.idle_seconds, problems).map_or(default.idle_seconds, |n| n.0),
    }
}

/// The declared namespaces, with the default namespace first when it is not among them.
pub(super) fn namespaces(
    model: &Model,
    folder: &Path,
    problems: &mut Problems,
) -> Vec<NamespaceSpec> {
    let mut specs: Vec<NamespaceSpec> = Vec::new();
    for namespace in model.namespaces.iter().flatten() {
        let spec = namespace_spec(namespace, folder, problems);
        let Some(spec) = spec else { continue };
        if specs.iter().any(|other| other.id == spec.id) {
            let what = format!("namespace {} is declared twice", spec.id);
            problems.error(namespace.id.place, what, "remove one of the two");
        }
        specs.push(spec);
    }
    if specs.iter().all(|spec| spec.id != 0) {
        specs.insert(0, NamespaceSpec::plain(0));
    }
    specs
}

fn namespace_spec(
    namespace: &Namespace,
    folder: &Path,
    problems: &mut Problems,
) -> Option<NamespaceSpec> {
    let spec = NamespaceSpec {
        id: 0,
        data: get(&namespace.data, problems).map(|data| data.0),
        data_wide: get(&namespace.data_wide, problems).map(|data| data.0),
        schema: namespace
            .schema
            .as_ref()
            .and_then(|schema| snapshot(schema, problems)),
        timestamp: timestamp(namespace, problems),
        proof_of_transit: namespace.pot_keys.as_ref().and_then(|key| {
            let path = folder.join(key.get(problems)?.0);
            key_file::load(&path, key.place, problems)
        }),
    };
    let id = namespace.id.get(problems)?.0;
    Some(NamespaceSpec { id, ..spec })
}

fn timestamp(namespace: &Namespace, problems: &mut Problems) -> TimestampFormat {
    let offset = get(&namespace.tai_offset, problems);
    let place = namespace.tai_offset.as_ref().map(|offset| offset.place);
    let (format, setting) = match get(&namespace.timestamp_format, problems) {
        Some(text::TimestampFormat::Ptp) => {
            if let (None, Some(key)) = (place, &namespace.timestamp_format) {
                let help = "add `tai-offset: 37` (since 2017), or `tai-offset: 0` when the \
                            machine's clock already counts TAI";
                problems.error(
                    key.place,
                    "PTP time needs the offset of TAI from the clock",
                    help,
                );
            }
            return TimestampFormat::Ptp {
                tai_offset: offset.map_or(0, |offset| offset.0),
            };
        }
        Some(text::TimestampFormat::Ntp) => (TimestampFormat::Ntp, "timestamp-format: ntp"),
        _ => (TimestampFormat::Posix, "timestamp-format: posix"),
    };
    refuse(&[("tai-offset", place)], setting, problems);
    format
}

fn snapshot(schema: &Located<Schema>, problems: &mut Problems) -> Option<SchemaSpec> {
    let id = schema.value.id.get(problems);
    let (data, place) = match (&schema.value.data, &schema.value.text) {
        (Some(data), None) => (data.get(problems).map(|data| data.0), data.place),
        (None, Some(text)) => (
            text.get(problems).map(|text| text.0.into_bytes()),
            text.place,
        ),
        _ => {
            let what = "a schema has either `data` or `text`";
            problems.error(
                schema.place,
                what,
                "write `{id: 777, data: \"hex:…\"}` or `{id: 777, text: \"…\"}`",
            );
            return None;
        }
    };
    let mut data = data?;
    if data.len() > LARGEST_SNAPSHOT {
        let what = format!("{} octets are more than a snapshot holds", data.len());
        problems.error(
            place,
            what,
            format!("write at most {LARGEST_SNAPSHOT} octets"),
        );
    }
    data.resize(data.len().next_multiple_of(4), 0);
    Some(SchemaSpec { id: id?.0, data })
}

pub(super) fn simulate(model: &Model, problems: &mut Problems) -> Option<Simulate> {
    let keys = model.simulate.as_ref()?;
    Some(Simulate {
        clock: get(&keys.clock, problems)
            .map(|clock| clock.0)
            .unwrap_or_default(),
        transit_delay: get(&keys.transit_delay, problems).map_or(0, |delay| delay.0),
        queue_depth: get(&keys.queue_depth, problems).map_or(0, |depth| depth.0),
        buffer_occupancy: get(&keys.buffer_occupancy, problems).map_or(0, |octets| octets.0),
    })
}

pub(super) fn seed(model: &Model, problems: &mut Problems) -> u64 {
    let seed = model
        .simulate
        .as_ref()
        .and_then(|simulate| get(&simulate.seed, problems));
    seed.map_or(1, |seed| seed.0)
}

/// What proofs of transit draw their random numbers from.
pub(super) fn entropy(model: &Model, problems: &mut Problems) -> [u8; 32] {
    let mut entropy = [0; 32];
    let seed = model
        .simulate
        .as_ref()
        .and_then(|simulate| get(&simulate.seed, problems));
    match seed {
        Some(seed) => {
            let (words, _) = entropy.as_chunks_mut::<8>();
            words.fill(seed.0.to_be_bytes());
        }
        None => {
            if let Err(error) = getrandom::fill(&mut entropy) {
                let what = format!("the kernel gives no random numbers: {error}");
                let help = "run `head -c 1 /dev/random`: it waits until there are some";
                problems.error(Place::default(), what, help);
            }
        }
    }
    entropy
}

/// Warns of a node that records without saying who it is, or that is told to and never will.
pub(super) fn silent_node(model: &Model, spec: &NodeSpec, problems: &mut Problems) {
    let listed = model.ports.as_ref().map_or(&[][..], |ports| &ports.value);
    let enabled = listed.iter().zip(&spec.ports).find(|(_, spec)| spec.ioam);
    let records = |action: &ActionSpec| match action {
        ActionSpec::Encapsulate(keys) => keys.options.iter().any(|option| match option {
            OptionSpec::Trace(trace) => trace.record_self,
            OptionSpec::DirectExport(export) => export.record_self,
            _ => false,
        }),
        ActionSpec::Transit { .. } => false,
        ActionSpec::Decapsulate(keys) => keys.record_self,
    };
    let profiles = model.profiles.iter().flatten().zip(&spec.profiles);
    let recording = profiles.clone().find(|(_, spec)| records(&spec.action));
    let enabled_at = enabled
        .and_then(|(port, _)| port.ioam.as_ref())
        .map(|key| key.place);
    let place = recording
        .map(|(profile, _)| profile.name.place)
        .or(enabled_at);
    if let (None, Some(place)) = (spec.node_id, place) {
        let what = "this node records data but has no id: its node_id will be \"not available\"";
        problems.warning(
            place,
            what,
            "add `node: {id: 0x0b0001}` with an id of its own",
        );
    }
    let needs_options = |action: &ActionSpec| !matches!(action, ActionSpec::Encapsulate(_));
    let idle = profiles
        .clone()
        .find(|(_, spec)| needs_options(&spec.action));
    if let (None, Some((profile, _))) = (enabled_at, idle) {
        let what = "this profile never acts: no port has `ioam: true`";
        problems.warning(
            profile.name.place,
            what,
            "add `ioam: true` to the ports it is for",
        );
    }
}
