// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Filters: which packets a profile wants.

use ioam_dp::table::spec::FilterSpec;

use super::{Surroundings, port_index};
use crate::model::Filter;
use crate::report::Problems;
use crate::scalar::{Scalar, get};
use crate::text::Text;

/// The protocols whose ports are known: TCP, UDP and SCTP.
const WITH_PORTS: [u8; 3] = [6, 17, 132];

/// The word for packets this node originates, in place of a port's name.
pub(super) const LOCAL: &str = "local";

/// Octets of an IPv6 header: no packet is shorter.
const IPV6_HEADER: u16 = 40;

pub(super) fn filter(keys: &Filter, around: &Surroundings, problems: &mut Problems) -> FilterSpec {
    let local = is_local(keys, problems);
    let spec = FilterSpec {
        in_ports: if local {
            Vec::new()
        } else {
            in_ports(keys, around, problems)
        },
        local,
        source: get(&keys.source, problems).map(|prefix| prefix.0),
        destination: get(&keys.destination, problems).map(|prefix| prefix.0),
        next_header: get(&keys.next_header, problems).map(|number| number.0),
        source_ports: get(&keys.source_port, problems).map(|range| range.0),
        destination_ports: get(&keys.destination_port, problems).map(|range| range.0),
        dscp: get(&keys.dscp, problems).map(|dscp| dscp.0),
        flow_label: get(&keys.flow_label, problems).map(|label| label.0),
        length: get(&keys.length, problems).map(|range| range.0),
    };
    never_matches(keys, &spec, problems);
    spec
}

/// Whether the filter is for packets this node originates.
fn is_local(keys: &Filter, problems: &mut Problems) -> bool {
    let Some(names) = &keys.in_port else {
        return false;
    };
    let is_local = |name: &&Scalar<Text>| {
        name.get(&mut Problems::default())
            .is_some_and(|text| text.0 == LOCAL)
    };
    let local = names.items.iter().find(is_local);
    if let Some(name) = local.filter(|_| names.items.len() > 1) {
        let what = "`local` stands alone: no port receives what this node originates";
        let help = "write `in-port: [local]`, and a profile of its own for the ports";
        problems.error(name.place, what, help);
    }
    local.is_some()
}

fn in_ports(keys: &Filter, around: &Surroundings, problems: &mut Problems) -> Vec<u8> {
    let mut indices = Vec::new();
    let Some(names) = &keys.in_port else {
        return indices;
    };
    if names.items.is_empty() {
        let what = "an empty list of ports matches nothing";
        problems.error(
            names.place,
            what,
            "name a port, or remove `in-port` to match any",
        );
    }
    for name in &names.items {
        let Some(index) = port_index(name, around.ports, problems) else {
            continue;
        };
        if indices.contains(&index) {
            problems.error(
                name.place,
                "this port is listed twice",
                "list each port once",
            );
        }
        indices.push(index);
    }
    indices
}

/// Warns of conditions that exclude each other.
fn never_matches(keys: &Filter, spec: &FilterSpec, problems: &mut Problems) {
    let no_ports = spec
        .next_header
        .is_some_and(|number| !WITH_PORTS.contains(&number));
    for key in [&keys.source_port, &keys.destination_port]
        .into_iter()
        .flatten()
    {
        if no_ports {
            let what = "this never matches: only tcp, udp and sctp have ports";
            problems.warning(key.place, what, "remove it, or write `next-header: udp`");
        }
    }
    if let (Some(key), Some(range)) = (&keys.length, &spec.length)
        && *range.end() < IPV6_HEADER
    {
        let what = "this never matches: the length counts the IPv6 header of 40 octets";
        problems.warning(key.place, what, "add 40 to it");
    }
}
