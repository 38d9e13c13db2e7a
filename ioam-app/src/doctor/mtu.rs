// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The MTU of the ports against what the profiles add to packets, and against interfaces of the
//! kernel.

use ioam_config::Valid;
use ioam_dp::table::spec::{ActionSpec, ForwardingSpec, NodeSpec, OverMtu, ProfileSpec};
use ioam_dp::table::{Action, Tables};

use super::{Examination, Finding};
use crate::dpdk::Device;

const CHECK: &str = "mtu";

pub(super) fn examine(examination: &Examination<'_>) -> Vec<Finding> {
    let mut findings = interfaces(examination);
    findings.extend(examination.node.into_iter().flat_map(growth));
    findings
}

/// The kernel's interfaces that ports stand on carry no more than their own MTU.
fn interfaces(examination: &Examination<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for port in examination.ports() {
        let device = Device::new(&port.device);
        let Some(interface) = device.value("iface") else {
            continue;
        };
        let file = format!("/sys/class/net/{interface}/mtu");
        let Some(has) = examination.host.number(&file) else {
            continue;
        };
        if has < u64::from(port.mtu) {
            let (name, mtu) = (&port.name, port.mtu);
            let found = format!("port {name} has mtu {mtu}, its interface {interface} {has}");
            findings.push(
                Finding::error(CHECK, found)
                    .why("the node refuses to start: larger packets would be lost in the kernel")
                    .mend(format!("ip link set {interface} mtu {mtu}")),
            );
        }
    }
    findings
}

/// For each encapsulating profile and port it sends to: the largest packet that gets its options.
fn growth(node: &Valid) -> Vec<Finding> {
    let spec = node.node_spec(&[]);
    // A file that does not compile is the business of `ioam check`.
    let Ok(tables) = Tables::compile(&spec) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut encapsulates = false;
    for (profile, compiled) in spec.profiles.iter().zip(&tables.profiles) {
        let Action::Encapsulate(encapsulation) = &compiled.action else {
            continue;
        };
        encapsulates = true;
        let octets = match encapsulation.image.len() {
            0 => encapsulation.headers().growth(0),
            image => image,
        };
        for output in 0..spec.ports.len() {
            findings.extend(too_large(&spec, profile, octets, output));
        }
    }
    if findings.is_empty() && encapsulates {
        let found = "packets fit the ports with the options of each profile";
        findings.push(Finding::ok(CHECK, found));
    }
    findings
}

/// What of the packets that arrive is too large with `octets` more for the port at `output`.
fn too_large(
    spec: &NodeSpec,
    profile: &ProfileSpec,
    octets: usize,
    output: usize,
) -> Option<Finding> {
    let out = spec.ports.get(output)?;
    let inputs = inputs(spec, profile, u8::try_from(output).ok()?);
    let arriving = inputs
        .iter()
        .filter_map(|input| spec.ports.get(usize::from(*input)));
    let mut largest = usize::from(arriving.map(|port| port.mtu).max()?);
    if let Some(length) = &profile.filter.length {
        largest = largest.min(usize::from(*length.end()));
    }
    let (mtu, needed) = (usize::from(out.mtu), largest + octets);
    if needed <= mtu {
        return None;
    }
    let found = format!(
        "profile {}: packets grow by {octets} octets, and above {} exceed the mtu of port {}, {mtu}",
        profile.name,
        mtu.saturating_sub(octets),
        out.name,
    );
    let why = match &profile.action {
        ActionSpec::Encapsulate(action) if action.over_mtu == OverMtu::Drop => {
            "`over-mtu: drop` drops them"
        }
        _ => "they go on without their options, counted as `encap_over_mtu`",
    };
    let mend = format!(
        "mtu: {needed} # for port {} in the file, and on its link",
        out.name
    );
    Some(Finding::warn(CHECK, found).why(why).mend(mend))
}

/// The ports whose packets may match the profile and leave by `output`.
fn inputs(spec: &NodeSpec, profile: &ProfileSpec, output: u8) -> Vec<u8> {
    if profile.filter.local {
        return Vec::new();
    }
    let leading: Vec<u8> = match &spec.forwarding {
        ForwardingSpec::Wire { pairs, .. } => {
            let peers = pairs.iter().filter_map(|(a, b)| match output {
                port if port == *a => Some(*b),
                port if port == *b => Some(*a),
                _ => None,
            });
            peers.collect()
        }
        ForwardingSpec::Static {
            routes, defaults, ..
        } => {
            let mut inputs: Vec<u8> = Vec::new();
            if routes.iter().any(|route| route.next_hop.port == output) {
                inputs.extend((0..).take(spec.ports.len()));
            }
            let own = defaults.iter().filter(|(_, next)| next.port == output);
            inputs.extend(own.map(|(input, _)| *input));
            inputs
        }
    };
    let wanted = &profile.filter.in_ports;
    let matches = |port: &u8| wanted.is_empty() || wanted.contains(port);
    leading.into_iter().filter(matches).collect()
}
