// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ports` and `forwarding`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scalar::{Located, Scalar};
use crate::text::{
    Address, Device, EdgePolicy, EthernetAddress, ForwardingMode, Number, Prefix, Side, Switch,
    Text,
};

/// One port.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Port {
    /// The name the rest of the file uses.
    pub name: Scalar<Text>,
    /// What DPDK drives: a PCI address such as "0000:01:00.0", or a virtual device such as
    /// "net_af_packet0,iface=eth1".
    pub device: Scalar<Device>,
    /// Receive queues, 1 to 64.
    #[schemars(extend("default" = 1))]
    pub queues: Option<Scalar<Number<u16, 1, 64>>>,
    /// Descriptors of each receive queue: a power of two, 64 to 4096.
    #[schemars(extend("default" = 1024))]
    pub rx_descriptors: Option<Scalar<Number<u16, 64, 4096>>>,
    /// Descriptors of each transmit queue: a power of two, 64 to 4096.
    #[schemars(extend("default" = 1024))]
    pub tx_descriptors: Option<Scalar<Number<u16, 64, 4096>>>,
    /// Megabits a second, of which `node.limits` are a share; default: what the link says, or
    /// else 10000.
    pub speed: Option<Scalar<Number<u32, 1, 10_000_000>>>,
    /// The largest layer-3 packet, in octets.
    #[schemars(extend("default" = 1500))]
    pub mtu: Option<Scalar<Number<u16, 68, 9710>>>,
    /// Whether frames for other stations are received too, as a wire must.
    #[schemars(extend("default" = true))]
    pub promiscuous: Option<Scalar<Switch>>,
    /// Whether IOAM options that arrive here are processed (RFC 9486: off unless configured).
    #[schemars(extend("default" = false))]
    pub ioam: Option<Scalar<Switch>>,
    /// The 16-bit interface id of RFC 9197; omitted, the node writes "not available".
    pub id: Option<Scalar<Number<u16, 0, 0xffff>>>,
    /// The 32-bit wide interface id of RFC 9197; omitted, the node writes "not available".
    pub id_wide: Option<Scalar<Number<u32, 0, 0xffff_ffff>>>,
    /// This node's address: the source of ICMPv6 errors about packets that arrive here, and of
    /// copies looped back; omitted, there are neither.
    pub address: Option<Scalar<Address>>,
    /// The port's place in the IOAM domain.
    #[schemars(extend("default" = "inside"))]
    pub side: Option<Scalar<Side>>,
    /// What happens to a packet with IOAM options at an edge; only with `side: edge`.
    #[schemars(extend("default" = "drop"))]
    pub edge_policy: Option<Scalar<EdgePolicy>>,
}

/// The names of two ports.
pub type Pair = Located<Vec<Scalar<Text>>>;

/// Where packets go.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Forwarding {
    /// How the output port is found.
    #[schemars(extend("default" = "wire"))]
    pub mode: Option<Scalar<ForwardingMode>>,
    /// Whether the hop limit is decremented; default: `false` in `wire`, `true` in `static`.
    pub decrement_hop_limit: Option<Scalar<Switch>>,
    /// `wire`: two port names each; every port stands in exactly one pair.
    #[schemars(inner(length(equal = 2)))]
    pub pairs: Option<Located<Vec<Pair>>>,
    /// `static`: routes by destination; the longest matching prefix wins.
    pub routes: Option<Located<Vec<Route>>>,
    /// `static`: by input port, the next hop of what no route matches and of what is not IPv6.
    pub defaults: Option<Located<Vec<DefaultNextHop>>>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Route {
    /// The destinations it is for.
    pub prefix: Scalar<Prefix>,
    /// The name of the output port.
    pub port: Scalar<Text>,
    /// The neighbour's Ethernet address.
    pub next_hop: Scalar<EthernetAddress>,
}

/// The next hop of what arrives at one port and matches no route.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DefaultNextHop {
    /// The name of the input port.
    pub in_port: Scalar<Text>,
    /// The name of the output port.
    pub port: Scalar<Text>,
    /// The neighbour's Ethernet address.
    pub next_hop: Scalar<EthernetAddress>,
}
