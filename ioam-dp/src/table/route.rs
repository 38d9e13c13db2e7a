// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Static routes: the longest prefix that contains the destination wins.

use super::spec::{NextHopSpec, RouteSpec};
use crate::classify::Prefix;
use crate::port::PortId;

/// A neighbour and the port it is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextHop {
    /// Output port.
    pub port: PortId,
    /// The neighbour's Ethernet address.
    pub mac: [u8; 6],
}

impl From<NextHopSpec> for NextHop {
    fn from(spec: NextHopSpec) -> Self {
        Self {
            port: PortId(spec.port),
            mac: spec.mac,
        }
    }
}

/// Routes, longest prefix first. Meant for the handful a testbed has: a lookup reads them in order.
#[derive(Clone, Debug, Default)]
pub struct RouteTable(Box<[(Prefix, NextHop)]>);

impl RouteTable {
    /// Compiles `routes`; of two with the same prefix the first wins.
    #[must_use]
    pub fn new(routes: &[RouteSpec]) -> Self {
        let mut sorted = routes.to_vec();
        sorted.sort_by_key(|route| std::cmp::Reverse(route.prefix.length));
        let compiled = sorted
            .iter()
            .map(|route| (Prefix::new(route.prefix), route.next_hop.into()));
        Self(compiled.collect())
    }

    /// Where packets to `destination` go.
    #[must_use]
    pub fn lookup(&self, destination: &[u8; 16]) -> Option<NextHop> {
        self.0
            .iter()
            .find(|(prefix, _)| prefix.contains(destination))
            .map(|(_, hop)| *hop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::spec::PrefixSpec;

    fn route(prefix: &str, length: u8, port: u8) -> RouteSpec {
        RouteSpec {
            prefix: PrefixSpec {
                address: prefix.parse().unwrap(),
                length,
            },
            next_hop: NextHopSpec {
                port,
                mac: [2, 0, 0, 0, 0, port],
            },
        }
    }

    #[test]
    fn the_longest_prefix_wins_in_any_order() {
        let table = RouteTable::new(&[
            route("::", 0, 0),
            route("2001:db8:1::", 48, 1),
            route("2001:db8::", 32, 2),
        ]);
        let port = |address: &str| {
            let address: std::net::Ipv6Addr = address.parse().unwrap();
            table.lookup(&address.octets()).map(|hop| hop.port.0)
        };
        assert_eq!(port("2001:db8:1::9"), Some(1));
        assert_eq!(port("2001:db8:2::9"), Some(2));
        assert_eq!(port("fd00::1"), Some(0));
        assert_eq!(RouteTable::default().lookup(&[0; 16]), None);
    }
}
