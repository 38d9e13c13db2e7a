// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The configuration as text, with comments on what has no equivalent.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::kernel::{Interface, KernelNode, Neighbour};
use super::profiles::profiles;
use super::routes::{Prefix, Route};

/// The largest MTU a port may have.
const LARGEST_MTU: u64 = 9710;

/// Comments that hold for every node.
const HEAD: &str = "\
# Made by `ioam import-linux` from a node of the Linux kernel. Before it runs:
# - Ports: every interface with a route or with IOAM is here. Take out those that stay with the
#   kernel, its way to you above all, and give cards to DPDK with `ioam bind`.
# - Neighbours are those the kernel knew just now. This node resolves none.
# - Packets to the machine itself have no equivalent: this node forwards only.
# - Events of `ip ioam monitor` are records here: see `export`.
";

pub(super) fn configuration(node: &KernelNode) -> String {
    let mut text = HEAD.to_owned();
    for remark in &node.remarks {
        let _ = writeln!(text, "# - {remark}");
    }
    text += "\nnode:\n";
    if let Some(id) = node.id {
        let _ = writeln!(text, "  id: 0x{id:06x}");
    }
    if let Some(id) = node.id_wide {
        let _ = writeln!(text, "  id-wide: 0x{id:014x}");
    }
    text += "  semantics: linux\n";
    if node.ports.iter().all(|port| port.pci.is_none()) {
        text += "\nruntime:\n  memory: no-huge # no port is a card\n";
    }
    text += "\nports:\n";
    for (number, port) in node.ports.iter().enumerate() {
        text += &one_port(number, port);
    }
    text += &forwarding(node);
    text += &namespaces(node);
    text += &profiles(node);
    text
}

fn one_port(number: usize, port: &Interface) -> String {
    let mtu = port.mtu.clamp(1280, LARGEST_MTU);
    let device = match &port.pci {
        Some(address) => address.clone(),
        None => format!("net_af_packet{number},iface={}{}", port.name, frames(mtu)),
    };
    let mut text = format!("  - name: \"{}\"\n    device: \"{device}\"\n", port.name);
    if mtu != 1500 {
        let was = if mtu == port.mtu {
            String::new()
        } else {
            format!(" # Linux: {}", port.mtu)
        };
        let _ = writeln!(text, "    mtu: {mtu}{was}");
    }
    if port.enabled {
        text += "    ioam: true\n";
    }
    if let Some(id) = port.id {
        let _ = writeln!(text, "    id: {id}");
    }
    if let Some(id) = port.id_wide {
        let _ = writeln!(text, "    id-wide: {id}");
    }
    if let Some(address) = port.addresses.first() {
        let _ = writeln!(text, "    address: \"{address}\"");
    }
    text
}

/// Frames of `net_af_packet` that hold the MTU.
fn frames(mtu: u64) -> &'static str {
    match mtu {
        0..=1900 => "",
        1901..=3900 => ",framesz=4096,blocksz=65536,framecnt=1024",
        _ => ",framesz=16384,blocksz=65536,framecnt=512",
    }
}

/// Routes with the neighbours' addresses. Without any, what arrives is sent back to no one.
fn forwarding(node: &KernelNode) -> String {
    let mut text = "\nforwarding:\n  mode: static\n".to_owned();
    let mut lines = String::new();
    let mut seen = BTreeSet::new();
    for route in &node.routes {
        if node.ports.iter().all(|port| port.name != route.interface) {
            let (prefix, name) = (route.prefix, &route.interface);
            let _ = writeln!(
                lines,
                "    # {prefix}: {name} is no port (VLAN, tunnel, bond …)"
            );
            continue;
        }
        let hops = next_hops(node, route);
        if hops.is_empty() {
            let _ = match route.via {
                Some(via) => {
                    writeln!(
                        lines,
                        "    # {}: the address of {via} is not known",
                        route.prefix
                    )
                }
                None => writeln!(lines, "    # {}: no neighbour is known", route.prefix),
            };
        }
        for (prefix, neighbour) in hops {
            if seen.insert(prefix.to_string()) {
                let (port, mac) = (&neighbour.interface, &neighbour.mac);
                let _ = writeln!(
                    lines,
                    "    - {{prefix: \"{prefix}\", port: \"{port}\", next-hop: \"{mac}\"}}"
                );
            }
        }
    }
    text += if seen.is_empty() {
        "  routes: [] # none has a neighbour that is known: ping them, and import again\n"
    } else {
        "  routes:\n"
    };
    text + &lines
}

/// The neighbour of a route; those on the link, one by one, where it leads to a link.
fn next_hops<'a>(node: &'a KernelNode, route: &Route) -> Vec<(Prefix, &'a Neighbour)> {
    let near = node.neighbours.iter();
    let near = near.filter(|own| own.interface == route.interface);
    if let Some(via) = route.via {
        let found = near.filter(|own| own.address == via);
        return found.map(|own| (route.prefix, own)).take(1).collect();
    }
    let alone = |own: &'a Neighbour| {
        let prefix = Prefix {
            address: own.address,
            length: 128,
        };
        (prefix, own)
    };
    near.filter(|own| !own.address.is_unicast_link_local())
        .filter(|own| route.prefix.contains(own.address))
        .map(alone)
        .collect()
}

fn namespaces(node: &KernelNode) -> String {
    let mut text = String::new();
    if node.namespaces.iter().all(|own| own.id != 0) {
        text += "  # Linux does not know namespace 0; this node always fills its traces.\n";
    }
    for own in &node.namespaces {
        let _ = writeln!(text, "  - id: {}", own.id);
        if let Some(data) = own.data {
            let _ = writeln!(text, "    data: 0x{data:08x}");
        }
        if let Some(data) = own.data_wide {
            let _ = writeln!(text, "    data-wide: 0x{data:016x}");
        }
        if let Some((id, data)) = &own.schema {
            let hex: String = data.iter().map(|octet| format!("{octet:02x}")).collect();
            let _ = writeln!(text, "    schema: {{id: {id}, data: \"hex:{hex}\"}}");
        }
    }
    let encaps = node.routes.iter().filter_map(|route| route.encap.as_ref());
    let unknown: BTreeSet<u16> = encaps
        .map(|encap| encap.namespace)
        .filter(|id| *id != 0 && node.namespaces.iter().all(|own| own.id != *id))
        .collect();
    for id in unknown {
        let why =
            "Linux puts such traces on packets and fills none; this node fills them in transit";
        let _ = writeln!(text, "  - id: {id} # {why}");
    }
    if text.lines().all(|line| line.trim_start().starts_with('#')) {
        return format!("\n{}", text.replace("  #", "#"));
    }
    format!("\nnamespaces:\n{text}")
}
