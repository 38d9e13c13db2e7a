// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Probes this node originates, and receivers of what it exports.

use std::net::Ipv6Addr;

use ioam_dp::table::spec::{
    ActionSpec, ActiveSpec, EncapsulateSpec, NextHopSpec, ProbeSpec, ProfileSpec, ReceiverSpec,
    Side,
};

use super::{Surroundings, port_index};
use crate::model::{Model, Probe};
use crate::report::Problems;
use crate::scalar::get;

/// Where traceroute begins, too.
const UDP_PORT: u16 = 33434;

/// The probes, with the profiles that are to encapsulate them.
pub(super) fn probes(
    model: &Model,
    around: &Surroundings,
    profiles: &[ProfileSpec],
    problems: &mut Problems,
) -> Vec<ProbeSpec> {
    let listed = model.probes.as_deref().unwrap_or_default();
    let mut names = profiles.iter().zip(model.profiles.iter().flatten());
    let local = names.find(|(spec, _)| spec.filter.local);
    match (listed.first(), local) {
        (Some(probe), None) => {
            let what = "no profile takes packets of this node: probes would leave without IOAM";
            let help = "add a profile with `filter: {in-port: [local]}` and `active: probes`";
            problems.error(probe.name.place, what, help);
        }
        (None, Some((spec, profile))) if is_for_probes(spec) => {
            let what = "this profile never acts: there are no probes";
            problems.warning(profile.name.place, what, "add `probes:`");
        }
        _ => {}
    }
    let mut specs: Vec<ProbeSpec> = Vec::new();
    for probe in listed {
        let Some(spec) = one(probe, around, problems) else {
            continue;
        };
        if specs.iter().any(|other| other.name == spec.name) {
            let what = format!("two probes are named `{}`", spec.name);
            let help = "give each a name of its own";
            problems.error(probe.name.place, what, help);
        }
        specs.push(spec);
    }
    specs
}

fn is_for_probes(profile: &ProfileSpec) -> bool {
    let active = Some(ActiveSpec::Probes);
    matches!(&profile.action, ActionSpec::Encapsulate(EncapsulateSpec { active: own, .. }) if *own == active)
}

fn one(probe: &Probe, around: &Surroundings, problems: &mut Problems) -> Option<ProbeSpec> {
    let name = probe.name.get(problems);
    let source = probe.source.get(problems);
    let destination = probe.destination.get(problems);
    let port = port_index(&probe.port, around.ports, problems);
    let mac = probe.next_hop.get(problems);
    let length = get(&probe.length, problems).map_or(100, |length| length.0);
    let per_second = get(&probe.per_second, problems).map_or(1, |number| number.0);
    let spec = ProbeSpec {
        name: name.map(|name| name.0).unwrap_or_default(),
        source: source.map_or(Ipv6Addr::UNSPECIFIED, |address| address.0),
        destination: destination.map_or(Ipv6Addr::UNSPECIFIED, |address| address.0),
        source_port: get(&probe.source_port, problems).map_or(UDP_PORT, |port| port.0),
        destination_port: get(&probe.destination_port, problems).map_or(UDP_PORT, |port| port.0),
        length,
        interval: 1_000_000_000 / u64::from(per_second.max(1)),
        count: get(&probe.count, problems).map(|count| count.0),
        next_hop: NextHopSpec {
            port: port?,
            mac: mac?.0,
        },
    };
    leaves(probe, &spec, around, problems);
    Some(spec)
}

/// Whether the port lets them out.
fn leaves(probe: &Probe, spec: &ProbeSpec, around: &Surroundings, problems: &mut Problems) {
    let Some(port) = around.ports.get(usize::from(spec.next_hop.port)) else {
        return;
    };
    if port.side != Side::Inside {
        let what = format!("port `{}` is an edge: no IOAM leaves there", port.name);
        let help = "name a port inside the domain";
        problems.error(probe.port.place, what, help);
    }
    if spec.length > port.mtu {
        let place = probe.length.as_ref().map(|key| key.place);
        let what = format!(
            "probes of {} octets do not fit port `{}` of mtu {}",
            spec.length, port.name, port.mtu
        );
        let help = format!("write `length: {}` less the options", port.mtu);
        problems.error(place.unwrap_or(probe.name.place), what, help);
    }
}

/// Where IOAM data are exported to.
pub(super) fn receivers(model: &Model, problems: &mut Problems) -> Vec<ReceiverSpec> {
    let export = model.export.as_ref();
    let listed = export.and_then(|export| export.receivers.as_ref());
    let mut specs = Vec::new();
    for receiver in listed.into_iter().flatten() {
        let port = get(&receiver.port, problems).map(|port| port.0);
        if let Some(address) = receiver.address.get(problems) {
            specs.push(ReceiverSpec {
                address: address.0,
                port,
            });
        }
    }
    specs
}
