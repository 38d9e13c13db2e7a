// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernel's IPv6 routes, with the IOAM they put on packets.

use std::net::Ipv6Addr;

/// A route to a neighbour or a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) prefix: Prefix,
    pub(super) via: Option<Ipv6Addr>,
    pub(super) interface: String,
    pub(super) encap: Option<Encap>,
}

/// Destinations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) address: Ipv6Addr,
    pub(super) length: u8,
}

impl Default for Prefix {
    fn default() -> Self {
        Self {
            address: Ipv6Addr::UNSPECIFIED,
            length: 0,
        }
    }
}

impl std::fmt::Display for Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl Prefix {
    fn parse(text: &str) -> Option<Self> {
        if text == "default" {
            return Some(Self::default());
        }
        let (address, length) = text.split_once('/').unwrap_or((text, "128"));
        let length = length.parse().ok().filter(|length| *length <= 128)?;
        let address = address.parse().ok()?;
        Some(Self { address, length })
    }

    pub(super) fn contains(&self, address: Ipv6Addr) -> bool {
        let difference = self.address.to_bits() ^ address.to_bits();
        difference.leading_zeros() >= u32::from(self.length)
    }
}

/// `encap ioam6`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Encap {
    /// The first `k` packets of each `n`.
    pub(super) frequency: (u32, u32),
    /// `inline`, `encap` or `auto`.
    pub(super) mode: String,
    pub(super) source: Option<Ipv6Addr>,
    pub(super) destination: Option<Ipv6Addr>,
    /// The 24-bit trace type.
    pub(super) trace_type: u32,
    pub(super) namespace: u16,
    /// Octets for node data.
    pub(super) size: u16,
}

/// Routes, and what of the rest has no place in them.
pub(super) fn parse_routes(text: &str) -> (Vec<Route>, Vec<String>) {
    let (mut routes, mut remarks): (Vec<Route>, Vec<String>) = Default::default();
    let mut pending: Option<Route> = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        // One of several next hops: the first stands for all.
        if words.first() == Some(&"nexthop") {
            if let Some(mut route) = pending.take() {
                add_words(&mut route, &words, line);
                remarks.push(format!(
                    "route {}: the first of several next hops is taken; this node does not spread",
                    route.prefix
                ));
                routes.push(route);
            }
            continue;
        }
        match one(&words, line) {
            Read::Route(route) if route.interface.is_empty() => pending = Some(route),
            Read::Route(route) => {
                pending = None;
                // The kernel prints the one of the best metric first.
                if routes.iter().any(|other| other.prefix == route.prefix) {
                    remarks.push(format!("route {}: only the first is taken", route.prefix));
                } else {
                    routes.push(route);
                }
            }
            Read::Remark(remark) => remarks.push(remark),
            Read::Nothing => {}
        }
    }
    (routes, remarks)
}

enum Read {
    Route(Route),
    Remark(String),
    Nothing,
}

fn one(words: &[&str], line: &str) -> Read {
    let Some(first) = words.first() else {
        return Read::Nothing;
    };
    if ["local", "anycast", "multicast", "broadcast"].contains(first) {
        return Read::Nothing;
    }
    if ["unreachable", "blackhole", "prohibit", "throw"].contains(first) {
        let remark = format!(
            "no equivalent, packets follow a shorter prefix: {}",
            line.trim()
        );
        // The kernel's own, for when there is no default route.
        let is_own = words.contains(&"lo") && words.contains(&"4294967295");
        return if is_own {
            Read::Nothing
        } else {
            Read::Remark(remark)
        };
    }
    let Some(prefix) = Prefix::parse(first) else {
        return Read::Remark(format!("not understood: {}", line.trim()));
    };
    if prefix.address.is_unicast_link_local() || prefix.address.is_multicast() {
        return Read::Nothing;
    }
    if let Some(table) = behind(words, "table")
        && table != "main"
    {
        let remark = format!("no equivalent of table {table}: {}", line.trim());
        return Read::Remark(remark);
    }
    if words.contains(&"ioam6") && words.contains(&"dex") {
        let remark = "direct export of a patched kernel: write a profile for it by hand";
        return Read::Remark(format!("{remark}: {}", line.trim()));
    }
    let mut route = Route {
        prefix,
        ..Route::default()
    };
    add_words(&mut route, words, line);
    if route.interface == "lo" {
        return Read::Nothing;
    }
    if words.contains(&"ioam6") && route.encap.is_none() {
        return Read::Remark(format!("not understood: {}", line.trim()));
    }
    Read::Route(route)
}

fn behind<'a>(words: &[&'a str], word: &str) -> Option<&'a str> {
    let at = words.iter().position(|own| *own == word)?;
    words.get(at + 1).copied()
}

/// Where the route leads, and what it puts on packets.
fn add_words(route: &mut Route, words: &[&str], line: &str) {
    if let Some(interface) = behind(words, "dev") {
        interface.clone_into(&mut route.interface);
    }
    route.via = behind(words, "via")
        .and_then(|via| via.parse().ok())
        .or(route.via);
    if words.contains(&"ioam6") {
        route.encap = encap(line);
    }
}

/// `encap ioam6 freq 1/1 mode encap tunsrc S tundst D trace prealloc type 0x800000 ns 123 size 12`;
/// before iproute2 5.18 without `freq`.
fn encap(line: &str) -> Option<Encap> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |word: &str| -> Option<u32> {
        let text = behind(&words, word)?;
        match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        }
    };
    let frequency = behind(&words, "freq").and_then(|text| {
        let (first, of) = text.split_once('/')?;
        Some((first.parse().ok()?, of.parse().ok()?))
    });
    let address = |word| behind(&words, word).and_then(|text| text.parse().ok());
    Some(Encap {
        frequency: frequency.unwrap_or((1, 1)),
        mode: behind(&words, "mode").unwrap_or("inline").to_owned(),
        source: address("tunsrc"),
        destination: address("tundst"),
        trace_type: number("type")?,
        namespace: u16::try_from(number("ns")?).ok()?,
        size: u16::try_from(number("size")?).ok()?,
    })
}
