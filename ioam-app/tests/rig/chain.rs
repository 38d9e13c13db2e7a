// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Our nodes in a chain: encapsulating, transit and decapsulating, as configuration files.

use std::fmt::Write as _;

use super::rig::netns::End;
use super::rig::node::device;
use super::rig::runtime;

pub(crate) const HOST: &str = "2001:db8:1::1";
pub(crate) const PEER: &str = "2001:db8:2::2";
pub(crate) const HEAD: &str = "2001:db8:ff::a";
pub(crate) const TAIL: &str = "2001:db8:ff::d";

/// A trace type and the room in octets that three nodes with their snapshots need.
pub(crate) const TYPES: [(u32, u32); 5] = [
    (0xC0_0000, 24),
    (0xFF_F000, 180),
    (0x80_0002, 56),
    (0x30_0000, 24),
    (0x04_E000, 84),
];

/// How a packet is sent is told by its UDP destination port.
pub(crate) fn port_of(kind: usize, inline: bool) -> u16 {
    u16::try_from(7000 + kind + if inline { 100 } else { 0 }).unwrap()
}

/// Our encapsulating node: a profile for each type, in a tunnel and inline.
pub(crate) fn encap(east: &str, west: &str, forwarding: &str) -> String {
    let mut profiles = String::new();
    for (place, (kind, room)) in TYPES.iter().enumerate() {
        for inline in [false, true] {
            let to = if inline {
                "placement: inline".to_owned()
            } else {
                format!("tunnel: {{source: \"{HEAD}\", destination: \"{TAIL}\"}}")
            };
            let port = port_of(place, inline);
            write!(
                profiles,
                "  - name: p{port}
    filter: {{in-port: east, next-header: udp, destination-port: {port}}}
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {{use-namespace: 123, trace-type: 0x{kind:06x}}}
      max-length: {room}
      {to}
"
            )
            .unwrap();
        }
    }
    format!(
        "node: {{id: 0x0a0001, id-wide: 0x0a000000000001}}
{}ports:
  - {{name: east, device: \"{east}\", id: 0x0a11, id-wide: 0x0a110011}}
  - {{name: west, device: \"{west}\", mtu: 2000, ioam: true, id: 0x0a22, id-wide: 0x0a220022}}
{forwarding}namespaces:
  - {{id: 123, data: 0xa0a0a0a0, data-wide: 0xa0a1a2a3a4a5a6a7, schema: {{id: 777, text: schemaA!}}}}
profiles:
{profiles}",
        runtime(0)
    )
}

/// Our decapsulating node, which records itself last.
pub(crate) fn decap(east: &str, west: &str, forwarding: &str) -> String {
    let profile = |name: &str, to: &str, rest: &str| {
        format!(
            "  - name: {name}
    filter: {{in-port: east, destination: \"{to}/128\"}}
    preallocated-tracing-profile:
      node-action: decapsulate
      trace-types: {{use-namespace: 123}}
      record-self: true
      {rest}
"
        )
    };
    let outer = profile(
        "tunnel",
        TAIL,
        &format!("tunnel: {{destination: \"{TAIL}\"}}"),
    );
    let inline = profile("inline", PEER, "placement: inline");
    format!(
        "node: {{id: 0x0d0001, id-wide: 0x0d000000000001}}
{}ports:
  - {{name: east, device: \"{east}\", mtu: 2000, ioam: true, id: 0x0d11, id-wide: 0x0d110011}}
  - {{name: west, device: \"{west}\", id: 0x0d22, id-wide: 0x0d220022}}
{forwarding}namespaces:
  - {{id: 123, data: 0xd0d0d0d0, data-wide: 0xd0d1d2d3d4d5d6d7, schema: {{id: 778, text: schemaD!}}}}
profiles:
{outer}{inline}export: {{ndjson: RECORDS}}
",
        runtime(1)
    )
}

pub(crate) fn mac(octets: [u8; 6]) -> String {
    octets.map(|octet| format!("{octet:02x}")).join(":")
}

/// Forwarding east to west: by next hops, or as a wire. A wire leaves hop limits alone.
pub(crate) fn forwarding(is_static: bool, next_hop: [u8; 6]) -> String {
    if is_static {
        let next_hop = mac(next_hop);
        format!(
            "forwarding:
  mode: static
  defaults:
    - {{in-port: east, port: west, next-hop: \"{next_hop}\"}}
    - {{in-port: west, port: east, next-hop: \"02:00:00:00:00:99\"}}
"
        )
    } else {
        "forwarding: {mode: wire, pairs: [[east, west]]}\n".to_owned()
    }
}

/// Our transit node between two Linux nodes.
pub(crate) fn transit(east: &End<'_>, west: &End<'_>, semantics: &str, forwarding: &str) -> String {
    format!(
        "node: {{id: 0x0b0001, id-wide: 0x0b000000000001, semantics: {semantics}}}
{}ports:
  - {{name: east, device: \"{}\", mtu: 2000, ioam: true, id: 0x0b11, id-wide: 0x0b110011}}
  - {{name: west, device: \"{}\", mtu: 2000, ioam: true, id: 0x0b22, id-wide: 0x0b220022}}
{forwarding}namespaces:
  - {{id: 123, data: 0xb0b0b0b0, data-wide: 0xb0b1b2b3b4b5b6b7, schema: {{id: 9, text: schemaB!}}}}
",
        runtime(0),
        device(0, east),
        device(1, west)
    )
}
