// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Encapsulation: which options, into which packets, and where.

use std::net::Ipv6Addr;

use ioam_dp::table::spec::{self, ActionSpec, ActiveSpec, EncapsulateSpec, FilterSpec, OptionSpec};

use super::sections::{self, Common, namespaces};
use super::{Surroundings, direct_export, edge_to_edge, proof_of_transit, refuse, room, trace};
use crate::model::{Profile, Sampling};
use crate::report::Problems;
use crate::scalar::{Either, Located, Placed, get};
use crate::text::{OverMtu, Placement};

pub(super) fn encapsulate(
    profile: &Profile,
    common: &Common,
    filter: &FilterSpec,
    around: &Surroundings,
    problems: &mut Problems,
) -> ActionSpec {
    let placement = placement(profile, common, problems);
    if let Some(section) = &profile.preallocated_tracing_profile {
        let keys = &section.value;
        trace::loopback(keys, common, placement, filter, around, problems);
    }
    let sampling = common.sampling.and_then(|keys| sampling(keys, problems));
    let over_mtu = common.over_mtu.and_then(|key| key.get(problems));
    let spec = EncapsulateSpec {
        options: options(profile, around, problems),
        placement,
        sampling: sampling.unwrap_or(spec::Sampling::All),
        over_mtu: match over_mtu {
            Some(OverMtu::Drop) => spec::OverMtu::Drop,
            _ => spec::OverMtu::Skip,
        },
        active: active(profile, filter, problems),
    };
    room::check(profile, &spec, around, problems);
    ActionSpec::Encapsulate(spec)
}

/// The options of all sections, in the order they stand in a packet.
fn options(profile: &Profile, around: &Surroundings, problems: &mut Problems) -> Vec<OptionSpec> {
    let mut options = Vec::new();
    if let Some(section) = &profile.preallocated_tracing_profile {
        options.extend(trace::options(section, around, problems));
    }
    if let Some(section) = &profile.pot_profile {
        let used = &section.value.use_namespace;
        let used = namespaces(used, around.namespaces, problems);
        options.extend(proof_of_transit::options(&used));
    }
    if let Some(section) = &profile.direct_export_profile {
        options.extend(direct_export::options(section, around, problems));
    }
    if let Some(section) = &profile.e2e_profile {
        options.extend(edge_to_edge::options(section, around, problems));
    }
    options
}

fn active(profile: &Profile, filter: &FilterSpec, problems: &mut Problems) -> Option<ActiveSpec> {
    let key = profile.active.as_ref()?;
    if profile.preallocated_tracing_profile.is_none() {
        let what = "the Active flag is a trace's, and this profile has none (RFC 9322, 5)";
        problems.error(key.place, what, "add `preallocated-tracing-profile:`");
    }
    match &key.value {
        Either::Word(word) => {
            word.get(problems)?;
            if !filter.local {
                let what = "`active: probes` is for packets this node originates";
                let help = "add `filter: {in-port: [local]}`, or write `active: {copies: 128}`";
                problems.error(key.place, what, help);
            }
            Some(ActiveSpec::Probes)
        }
        Either::Keys(keys) => Some(ActiveSpec::Copies {
            length: keys.copies.get(problems)?.0,
        }),
    }
}

fn placement(profile: &Profile, common: &Common, problems: &mut Problems) -> spec::Placement {
    if common.placement.and_then(|key| key.get(problems)) == Some(Placement::Inline) {
        let place = common.tunnel.map(Placed::place);
        refuse(&[("tunnel", place)], "placement: inline", problems);
        return spec::Placement::Inline;
    }
    let tunnel = common.tunnel.map(|tunnel| tunnel.value.clone());
    let tunnel = tunnel.unwrap_or_default();
    let source = get(&tunnel.source, problems);
    let destination = get(&tunnel.destination, problems);
    if tunnel.source.is_none() || tunnel.destination.is_none() {
        let sections = sections::sections(profile);
        let action = sections.first().and_then(|section| section.node_action);
        let place = common
            .placement
            .map(Placed::place)
            .or(common.tunnel.map(Placed::place))
            .or(action.map(Placed::place));
        let what = "`placement: ip6-in-ip6` needs the source and destination of the outer header";
        let help = "add `tunnel: {source: \"2001:db8::a\", destination: \"2001:db8::d\"}`";
        problems.error(place.unwrap_or(profile.name.place), what, help);
    }
    spec::Placement::Ip6InIp6 {
        source: source.map_or(Ipv6Addr::UNSPECIFIED, |address| address.0),
        destination: destination.map_or(Ipv6Addr::UNSPECIFIED, |address| address.0),
        hop_limit: get(&tunnel.hop_limit, problems).map_or(64, |limit| limit.0),
    }
}

fn sampling(keys: &Located<Sampling>, problems: &mut Problems) -> Option<spec::Sampling> {
    let Sampling {
        first,
        of,
        random,
        per_flow,
    } = &keys.value;
    let numbers =
        [first, of, random, per_flow].map(|key| get(key, problems).map(|number| number.0));
    match [first, of, random, per_flow].map(Option::is_some) {
        [true, true, false, false] => {
            let (k, n) = (numbers[0]?, numbers[1]?);
            if k > n {
                let place = first.as_ref().map(|key| key.place).unwrap_or_default();
                let what = format!("`first: {k}` is more than `of: {n}`");
                problems.error(place, what, format!("write `first: {n}` or less"));
            }
            Some(spec::Sampling::FirstOf { k, n })
        }
        [false, false, true, false] => Some(spec::Sampling::Random { n: numbers[2]? }),
        [false, false, false, true] => Some(spec::Sampling::PerFlow { n: numbers[3]? }),
        _ => {
            let what = "sampling is `first` and `of`, or `random`, or `per-flow`";
            let help = "write one of {first: 1, of: 10}, {random: 100}, {per-flow: 100}";
            problems.error(keys.place, what, help);
            None
        }
    }
}
