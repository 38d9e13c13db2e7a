// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A node of the Linux kernel, as its tools print it.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use anyhow::{Context, Result};
use serde_json::Value;

use super::routes::{Route, parse_routes};

/// What the kernel's `not configured` is, for each width.
const NO_ID: u64 = 0xff_ffff;
const NO_ID_WIDE: u64 = 0xff_ffff_ffff_ffff;
const NO_PORT_ID: u64 = 0xffff;
const NO_PORT_ID_WIDE: u64 = 0xffff_ffff;

/// All that matters of a kernel's node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KernelNode {
    pub(super) id: Option<u64>,
    pub(super) id_wide: Option<u64>,
    pub(super) namespaces: Vec<Namespace>,
    /// Interfaces that carry packets of IOAM or of a route.
    pub(super) ports: Vec<Interface>,
    /// The addresses of all interfaces but those of link-local scope.
    pub(super) addresses: Vec<Ipv6Addr>,
    /// Local ends of tunnels that are up; unspecified where any will do.
    pub(super) tunnel_ends: Vec<Ipv6Addr>,
    pub(super) routes: Vec<Route>,
    pub(super) neighbours: Vec<Neighbour>,
    /// What could not be understood.
    pub(super) remarks: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Namespace {
    pub(super) id: u16,
    pub(super) data: Option<u64>,
    pub(super) data_wide: Option<u64>,
    /// Schema ID and data.
    pub(super) schema: Option<(u32, Vec<u8>)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: String,
    /// Its card's address, or how it is not one.
    pub(super) pci: Option<String>,
    pub(super) mtu: u64,
    pub(super) enabled: bool,
    pub(super) id: Option<u64>,
    pub(super) id_wide: Option<u64>,
    pub(super) addresses: Vec<Ipv6Addr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Neighbour {
    pub(super) address: Ipv6Addr,
    pub(super) interface: String,
    pub(super) mac: String,
}

impl KernelNode {
    pub(super) fn parse(texts: &[String; 6]) -> Result<Self> {
        let [namespaces, schemas, sysctls, addresses, routes, neighbours] = texts;
        let sysctls = parse_sysctls(sysctls);
        let global = |name: &str, none| {
            let value = sysctls.get(&format!("net.ipv6.{name}")).copied();
            value.filter(|value| *value != none)
        };
        let mut node = Self {
            id: global("ioam6_id", NO_ID),
            id_wide: global("ioam6_id_wide", NO_ID_WIDE),
            namespaces: parse_namespaces(namespaces, schemas),
            neighbours: neighbours.lines().filter_map(parse_neighbour).collect(),
            ..Self::default()
        };
        (node.routes, node.remarks) = parse_routes(routes);
        let links: Vec<Value> =
            serde_json::from_str(addresses).context("`ip -j -d addr show` is not JSON")?;
        for link in &links {
            node.add_link(link, &sysctls);
        }
        Ok(node)
    }

    fn add_link(&mut self, link: &Value, sysctls: &BTreeMap<String, u64>) {
        let Some(name) = link["ifname"].as_str().map(str::to_owned) else {
            return;
        };
        let infos = link["addr_info"].as_array().into_iter().flatten();
        let own = infos.filter_map(|info| info["local"].as_str()?.parse::<Ipv6Addr>().ok());
        let addresses: Vec<Ipv6Addr> = own
            .filter(|own| !own.is_unicast_link_local() && !own.is_loopback())
            .collect();
        self.addresses.extend(&addresses);
        let flags = link["flags"].as_array().into_iter().flatten();
        let is_up = flags.into_iter().any(|flag| flag == "UP");
        if link["link_type"] == "tunnel6" {
            let local = link["linkinfo"]["info_data"]["local"].as_str();
            let local = local.or(link["address"].as_str()).unwrap_or("::");
            if is_up {
                let end = local.parse().unwrap_or(Ipv6Addr::UNSPECIFIED);
                self.tunnel_ends.push(end);
            }
            return;
        }
        let of = |key: &str| {
            // A point in an interface's name is a slash for sysctl.
            let name = name.replace('.', "/");
            sysctls.get(&format!("net.ipv6.conf.{name}.{key}")).copied()
        };
        let enabled = of("ioam6_enabled") == Some(1);
        let routed = self.routes.iter().any(|route| route.interface == name);
        if link["link_type"] != "ether" || !(enabled || routed) {
            return;
        }
        let parent = link["parentdev"]
            .as_str()
            .filter(|_| link["parentbus"] == "pci");
        self.ports.push(Interface {
            pci: parent.map(str::to_owned),
            mtu: link["mtu"].as_u64().unwrap_or(1500),
            enabled,
            id: of("ioam6_id").filter(|id| *id != NO_PORT_ID),
            id_wide: of("ioam6_id_wide").filter(|id| *id != NO_PORT_ID_WIDE),
            addresses,
            name,
        });
    }
}

/// Lines such as `net.ipv6.ioam6_id = 1`.
fn parse_sysctls(text: &str) -> BTreeMap<String, u64> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let pairs = pairs.filter_map(|(key, value)| {
        let key = key.trim();
        Some((key.to_owned(), value.trim().parse().ok()?))
    });
    pairs.collect()
}

/// `namespace 123 [schema 777], data 0xdeadbeef, wide 0xcafec0caf00dc0de`, and of schemas
/// `schema 777 [namespace 123], data: 73 63 68`.
fn parse_namespaces(namespaces: &str, schemas: &str) -> Vec<Namespace> {
    let mut all = Vec::new();
    for line in namespaces.lines() {
        let value = |word: &str| {
            let (_, rest) = line.split_once(word)?;
            let text = rest.split([',', ' ', ']']).next()?;
            match text.strip_prefix("0x") {
                Some(hex) => u64::from_str_radix(hex, 16).ok(),
                None => text.parse().ok(),
            }
        };
        let Some(id) = value("namespace ").and_then(|id| u16::try_from(id).ok()) else {
            continue;
        };
        all.push(Namespace {
            id,
            data: value(", data "),
            data_wide: value(", wide "),
            schema: value("[schema ").and_then(|id| schema(schemas, id)),
        });
    }
    all
}

fn schema(schemas: &str, id: u64) -> Option<(u32, Vec<u8>)> {
    let start = format!("schema {id}");
    let line = schemas.lines().find(|line| {
        let rest = line.strip_prefix(&start);
        rest.is_some_and(|rest| rest.starts_with([' ', ',']))
    })?;
    let (_, octets) = line.split_once("data:")?;
    let octets = octets
        .split_whitespace()
        .map(|word| u8::from_str_radix(word, 16));
    Some((
        u32::try_from(id).ok()?,
        octets.collect::<Result<_, _>>().ok()?,
    ))
}

/// `fd00:2::9 dev b1 lladdr 02:00:00:00:00:09 router REACHABLE`.
fn parse_neighbour(line: &str) -> Option<Neighbour> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let behind = |word: &str| {
        let at = words.iter().position(|own| *own == word)?;
        words.get(at + 1).map(|text| (*text).to_owned())
    };
    Some(Neighbour {
        address: words.first()?.parse().ok()?,
        interface: behind("dev")?,
        mac: behind("lladdr")?,
    })
}
