// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernel's `encap ioam6` routes and tunnels as profiles.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use super::kernel::{KernelNode, Namespace};
use super::routes::{Encap, Route};

/// The profiles, each with what it cannot do as the kernel does.
pub(super) fn profiles(node: &KernelNode) -> String {
    let mut routes: Vec<(&Route, &Encap)> = node
        .routes
        .iter()
        .filter_map(|route| Some((route, route.encap.as_ref()?)))
        .collect();
    // The kernel takes the longest prefix, profiles are tried in order.
    routes.sort_by_key(|(route, _)| std::cmp::Reverse(route.prefix.length));
    let mut text = String::new();
    for (route, encap) in routes {
        text += &encapsulation(node, route, encap);
    }
    text += &decapsulation(node);
    if text.is_empty() {
        return text;
    }
    format!("\nprofiles:\n{text}")
}

fn encapsulation(node: &KernelNode, route: &Route, encap: &Encap) -> String {
    let prefix = route.prefix;
    let (tunnel, mut remarks) = match tunnel(node, route, encap) {
        Ok(found) => found,
        Err(why) => return format!("  # route {prefix} is left out: {why}\n"),
    };
    let plain = node.routes.iter().filter(|other| other.encap.is_none());
    for other in plain {
        if other.prefix.length > prefix.length && prefix.contains(other.prefix.address) {
            remarks.push(format!(
                "Linux leaves packets to {} alone; this profile takes them too",
                other.prefix
            ));
        }
    }
    let record_self = records_itself(node, encap, &mut remarks);
    let mut text = String::new();
    for remark in remarks {
        let _ = writeln!(text, "  # {remark}.");
    }
    let (first, of) = encap.frequency;
    let sampling = if first == of {
        String::new()
    } else {
        format!(
            "      sampling: {{first: {first}, of: {of}}} # counted by each worker for itself\n"
        )
    };
    let record_self = if record_self {
        ""
    } else {
        "      record-self: false\n"
    };
    let _ = write!(
        text,
        "  - name: \"route {prefix}\"
    filter: {{destination: \"{prefix}\"}}
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {{use-namespace: {}, trace-type: 0x{:06x}}}
      max-length: {}
{tunnel}{sampling}{record_self}",
        encap.namespace, encap.trace_type, encap.size
    );
    text
}

/// The lines of the placement, with remarks; or why there can be none.
fn tunnel(
    node: &KernelNode,
    route: &Route,
    encap: &Encap,
) -> Result<(String, Vec<String>), &'static str> {
    let mut remarks = Vec::new();
    match encap.mode.as_str() {
        "inline" => {
            let line = "      placement: inline\n".to_owned();
            return Ok((line, remarks));
        }
        "auto" => remarks.push(
            "Linux puts it inline into packets of its own; this node forwards only".to_owned(),
        ),
        "encap" => {}
        _ => return Err("its mode is not known"),
    }
    let destination = encap.destination.ok_or("it has no tundst")?;
    let port = node.ports.iter().find(|port| port.name == route.interface);
    let near = port.and_then(|port| port.addresses.first());
    let source = encap.source.or_else(|| {
        remarks.push("no tunsrc: Linux chooses an address for each packet".to_owned());
        near.or(node.addresses.first()).copied()
    });
    let source = source.ok_or("this machine has no address for the outer header")?;
    let line = format!(
        "      tunnel: {{source: \"{source}\", destination: \"{destination}\"}} \
         # the hop limit is the inner packet's\n"
    );
    Ok((line, remarks))
}

/// Whether this node's own data go into the trace.
fn records_itself(node: &KernelNode, encap: &Encap, remarks: &mut Vec<String>) -> bool {
    let namespace = node.namespaces.iter().find(|own| own.id == encap.namespace);
    let Some(namespace) = namespace else {
        remarks.push(format!("Linux does not know namespace {}", encap.namespace));
        return false;
    };
    let own = 4 * own_words(encap.trace_type, namespace);
    if own > usize::from(encap.size) {
        let what = "its own data do not fit: Linux sets the overflow flag, this node leaves it";
        remarks.push(what.to_owned());
        return false;
    }
    true
}

/// Words that one node writes (RFC 9197, 4.4.1): one each, two for bits 8 to 10, and the snapshot.
fn own_words(trace_type: u32, namespace: &Namespace) -> usize {
    let bit = |bit: u32| trace_type >> (23 - bit) & 1 == 1;
    let words: usize = (0..22)
        .filter(|number| bit(*number))
        .map(|number| if (8..=10).contains(&number) { 2 } else { 1 })
        .sum();
    let data = namespace.schema.as_ref().map_or(0, |(_, data)| data.len());
    words + if bit(22) { 1 + data.div_ceil(4) } else { 0 }
}

/// One profile for each tunnel that is up, when there is something to take out.
fn decapsulation(node: &KernelNode) -> String {
    let ids: Vec<String> = node
        .namespaces
        .iter()
        .map(|own| own.id.to_string())
        .collect();
    if ids.is_empty() {
        return String::new();
    }
    let mut ends: Vec<Ipv6Addr> = Vec::new();
    for end in &node.tunnel_ends {
        let own = if end.is_unspecified() {
            node.addresses.clone()
        } else {
            vec![*end]
        };
        for address in own {
            if !ends.contains(&address) {
                ends.push(address);
            }
        }
    }
    let mut text = String::new();
    for end in ends {
        let _ = write!(
            text,
            "  - name: \"tunnel end {end}\"
    preallocated-tracing-profile:
      node-action: decapsulate
      trace-types: {{use-namespace: [{}]}}
      tunnel: {{destination: \"{end}\"}}
      record-self: true
",
            ids.join(", ")
        );
    }
    text
}
