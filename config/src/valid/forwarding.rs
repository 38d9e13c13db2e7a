// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where packets go: pairs, routes and defaults.

use ioam_dp::table::spec::{ForwardingSpec, NextHopSpec, PortSpec, PrefixSpec, RouteSpec};

use super::{port_index, refuse};
use crate::model::{Forwarding, Model};
use crate::report::{Place, Problems};
use crate::scalar::{Located, Scalar, get};
use crate::text::{EthernetAddress, ForwardingMode, Text};

pub(super) fn forwarding(
    model: &Model,
    ports: &[PortSpec],
    problems: &mut Problems,
) -> ForwardingSpec {
    let keys = model
        .forwarding
        .as_ref()
        .map(|keys| keys.value.clone())
        .unwrap_or_default();
    let decrement = get(&keys.decrement_hop_limit, problems).map(|switch| switch.0);
    match get(&keys.mode, problems).unwrap_or(ForwardingMode::Wire) {
        ForwardingMode::Wire => {
            let routes = keys.routes.as_ref().map(|list| list.place);
            let defaults = keys.defaults.as_ref().map(|list| list.place);
            refuse(
                &[("routes", routes), ("defaults", defaults)],
                "mode: wire",
                problems,
            );
            ForwardingSpec::Wire {
                pairs: pairs(model, &keys, ports, problems),
                decrement_hop_limit: decrement.unwrap_or(false),
            }
        }
        ForwardingMode::Static => {
            let pairs = keys.pairs.as_ref().map(|list| list.place);
            refuse(&[("pairs", pairs)], "mode: static", problems);
            let routes = routes(&keys, ports, problems);
            let defaults = defaults(&keys, ports, problems);
            if keys.routes.is_none() && keys.defaults.is_none() {
                let place = keys
                    .mode
                    .as_ref()
                    .map(|mode| mode.place)
                    .unwrap_or_default();
                let what = "no packet would leave: there are neither routes nor defaults";
                problems.error(place, what, "add `routes:` or `defaults:`");
            }
            let decrement_hop_limit = decrement.unwrap_or(true);
            ForwardingSpec::Static {
                routes,
                defaults,
                decrement_hop_limit,
            }
        }
    }
}

fn pairs(
    model: &Model,
    keys: &Forwarding,
    ports: &[PortSpec],
    problems: &mut Problems,
) -> Vec<(u8, u8)> {
    let mut pairs = Vec::new();
    let mut used = Vec::new();
    let mut all_known = true;
    for pair in keys.pairs.as_ref().map_or(&[][..], |list| &list.value) {
        match one_pair(pair, ports, &mut used, problems) {
            Some(pair) => pairs.push(pair),
            None => all_known = false,
        }
    }
    let listed = model.ports.as_ref().map_or(&[][..], |ports| &ports.value);
    for (index, (port, spec)) in listed.iter().zip(ports).enumerate() {
        // A wrong pair or name already is an error; its victims are not reported as well.
        let known = u8::try_from(index).is_ok_and(|index| used.contains(&index)) || !all_known;
        let twice = ports[..index].iter().any(|other| other.name == spec.name);
        if !known && !twice && !spec.name.is_empty() {
            let what = format!("port `{}` has no peer", spec.name);
            let help = "name it in one of `forwarding.pairs`, as in `pairs: [[east, west]]`";
            problems.error(port.name.place, what, help);
        }
    }
    pairs
}

fn one_pair(
    pair: &Located<Vec<Scalar<Text>>>,
    ports: &[PortSpec],
    used: &mut Vec<u8>,
    problems: &mut Problems,
) -> Option<(u8, u8)> {
    let [one, other] = pair.value.as_slice() else {
        let what = format!("a pair is two ports, not {}", pair.value.len());
        problems.error(pair.place, what, "write two names, as in `[east, west]`");
        return None;
    };
    let same = one
        .get(problems)
        .zip(other.get(problems))
        .filter(|(one, other)| one == other);
    if let Some((name, _)) = same {
        let what = format!("port `{}` is paired with itself", name.0);
        problems.error(other.place, what, "name two different ports");
        used.extend(port_index(one, ports, problems));
        return None;
    }
    let mut known = |name: &Scalar<Text>| {
        let index = port_index(name, ports, problems)?;
        if used.contains(&index) {
            let what = format!("port `{}` stands in two pairs", name.get(problems)?.0);
            problems.error(name.place, what, "name each port in exactly one pair");
        }
        used.push(index);
        Some(index)
    };
    let (first, second) = (known(one), known(other));
    Some((first?, second?))
}

fn routes(keys: &Forwarding, ports: &[PortSpec], problems: &mut Problems) -> Vec<RouteSpec> {
    let mut seen: Vec<PrefixSpec> = Vec::new();
    let mut routes = Vec::new();
    for route in keys.routes.as_ref().map_or(&[][..], |list| &list.value) {
        let prefix = route.prefix.get(problems);
        let next_hop = next_hop(&route.port, &route.next_hop, ports, problems);
        let (Some(prefix), Some(next_hop)) = (prefix, next_hop) else {
            continue;
        };
        if seen.contains(&prefix.0) {
            let what = format!(
                "two routes lead to {}/{}",
                prefix.0.address, prefix.0.length
            );
            problems.error(route.prefix.place, what, "remove one of them");
        }
        seen.push(prefix.0);
        routes.push(RouteSpec {
            prefix: prefix.0,
            next_hop,
        });
    }
    routes
}

fn defaults(
    keys: &Forwarding,
    ports: &[PortSpec],
    problems: &mut Problems,
) -> Vec<(u8, NextHopSpec)> {
    let mut defaults: Vec<(u8, NextHopSpec)> = Vec::new();
    for default in keys.defaults.as_ref().map_or(&[][..], |list| &list.value) {
        let in_port = port_index(&default.in_port, ports, problems);
        let next_hop = next_hop(&default.port, &default.next_hop, ports, problems);
        let (Some(in_port), Some(next_hop)) = (in_port, next_hop) else {
            continue;
        };
        if defaults.iter().any(|(port, _)| *port == in_port) {
            duplicate_default(default.in_port.place, problems);
        }
        defaults.push((in_port, next_hop));
    }
    defaults
}

fn duplicate_default(place: Place, problems: &mut Problems) {
    problems.error(
        place,
        "this port already has a default",
        "remove one of the two",
    );
}

fn next_hop(
    port: &Scalar<Text>,
    address: &Scalar<EthernetAddress>,
    ports: &[PortSpec],
    problems: &mut Problems,
) -> Option<NextHopSpec> {
    let port = port_index(port, ports, problems);
    let address = address.get(problems);
    Some(NextHopSpec {
        port: port?,
        mac: address?.0,
    })
}
