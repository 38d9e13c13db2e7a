// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Linux kernel as an IOAM node: transit, which is built into every kernel since 5.15.

use super::netns::{End, Namespace};

/// Who a Linux node is.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) id: u32,
    pub(crate) id_wide: u64,
    /// Of the port packets arrive at, short and wide.
    pub(crate) ingress: (u16, u32),
    pub(crate) egress: (u16, u32),
}

/// Makes `at` a router from `ingress` to `egress` that fills in traces.
pub(crate) fn transit(at: &Namespace, who: Identity, ingress: &End<'_>, egress: &End<'_>) {
    let (a, b) = (ingress.name, egress.name);
    let ports = [(a, who.ingress), (b, who.egress)];
    let mut settings = vec![
        "net.ipv6.conf.all.forwarding=1".to_owned(),
        format!("net.ipv6.ioam6_id={}", who.id),
        format!("net.ipv6.ioam6_id_wide={}", who.id_wide),
        format!("net.ipv6.conf.{a}.ioam6_enabled=1"),
    ];
    for (port, (id, wide)) in ports {
        settings.push(format!("net.ipv6.conf.{port}.ioam6_id={id}"));
        settings.push(format!("net.ipv6.conf.{port}.ioam6_id_wide={wide}"));
    }
    at.sysctl(&settings.iter().map(String::as_str).collect::<Vec<_>>());
}

/// A route by `egress`, to a neighbour whose Ethernet address needs no asking.
pub(crate) fn route(at: &Namespace, prefix: &str, egress: &End<'_>, mac: [u8; 6]) {
    let mac = mac.map(|octet| format!("{octet:02x}")).join(":");
    let via = format!(
        "fe80::{:x}",
        u16::from_be_bytes([mac.as_bytes()[15], mac.as_bytes()[16]])
    );
    at.ip(&format!(
        "neigh replace {via} lladdr {mac} dev {} nud permanent",
        egress.name
    ));
    at.ip(&format!(
        "route replace {prefix} via {via} dev {}",
        egress.name
    ));
}

/// An IOAM namespace, with words such as `data 0xdeadbeef wide 0xcafec0caf00dc0de`.
pub(crate) fn namespace(at: &Namespace, id: u16, data: &str) {
    at.ip(&format!("ioam namespace add {id} {data}"));
}

/// The snapshot of a namespace.
pub(crate) fn schema(at: &Namespace, namespace: u16, id: u32, text: &str) {
    // The text is one word of the command, blanks and all.
    super::run(&[
        "ip",
        "-n",
        &at.name,
        "ioam",
        "schema",
        "add",
        &id.to_string(),
        text,
    ]);
    at.ip(&format!("ioam namespace set {namespace} schema {id}"));
}
