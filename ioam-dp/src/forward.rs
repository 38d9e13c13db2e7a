// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where a packet goes: the wire peer of its port, or the static next hop of its destination.

use crate::port::PortId;
use crate::stats::DropReason;
use crate::table::{ForwardingMode, NextHop, Tables};
use crate::wire::ipv6::Ipv6Header;

/// An output port, and the neighbour's address where frames are rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Output port.
    pub port: PortId,
    /// Destination address of the frame; `None` leaves the frame's addresses as they are.
    pub mac: Option<[u8; 6]>,
}

impl From<NextHop> for Hop {
    fn from(next: NextHop) -> Self {
        Self {
            port: next.port,
            mac: Some(next.mac),
        }
    }
}

/// The hop of a packet that arrived at `in_port` for `destination`; `None` where it is not IPv6.
///
/// # Errors
///
/// The reason why it goes nowhere.
pub fn hop(
    tables: &Tables,
    in_port: PortId,
    destination: Option<&[u8; 16]>,
) -> Result<Hop, DropReason> {
    match &tables.forwarding.mode {
        ForwardingMode::Wire { peer } => {
            let port = peer.get(in_port.index()).copied().flatten();
            port.map(|port| Hop { port, mac: None })
                .ok_or(DropReason::NoPeer)
        }
        ForwardingMode::Static { routes, defaults } => {
            let default = || {
                defaults
                    .get(in_port.index())
                    .copied()
                    .flatten()
                    .map(Hop::from)
            };
            match destination {
                None => default().ok_or(DropReason::NotIpv6),
                Some(address) => {
                    let route = routes.lookup(address).map(Hop::from);
                    route.or_else(default).ok_or(DropReason::NoRoute)
                }
            }
        }
    }
}

/// Whether the packet must stay on its link: a link-local or multicast address (RFC 4291, 2.5.6
/// and 2.7).
#[must_use]
pub fn stays_on_link(header: &Ipv6Header) -> bool {
    let link_local = |address: &[u8; 16]| address[0] == 0xFE && address[1] & 0xC0 == 0x80;
    header.destination[0] == 0xFF || link_local(&header.destination) || link_local(&header.source)
}
