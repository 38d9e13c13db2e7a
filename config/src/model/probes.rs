// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `probes`: packets this node originates to measure a path.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scalar::Scalar;
use crate::text::{Address, EthernetAddress, Number, Text};

/// Probes to one destination: IPv6 with UDP.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Probe {
    /// Their name.
    pub name: Scalar<Text>,
    /// The source address: one of this node's.
    pub source: Scalar<Address>,
    /// The destination address, behind the decapsulating node, where they end.
    pub destination: Scalar<Address>,
    /// The source port.
    #[schemars(extend("default" = 33434))]
    pub source_port: Option<Scalar<Number<u16, 1, 0xffff>>>,
    /// The destination port.
    #[schemars(extend("default" = 33434))]
    pub destination_port: Option<Scalar<Number<u16, 1, 0xffff>>>,
    /// Octets of each probe from its IPv6 header on, without options.
    #[schemars(extend("default" = 100))]
    pub length: Option<Scalar<Number<u16, 64, 9710>>>,
    /// Probes a second.
    #[schemars(extend("default" = 1))]
    pub per_second: Option<Scalar<Number<u32, 1, 1_000_000>>>,
    /// Probes to send; omitted, without end.
    pub count: Option<Scalar<Number<u64, 1, 0xffff_ffff_ffff_ffff>>>,
    /// The name of the port they leave by.
    pub port: Scalar<Text>,
    /// The neighbour's Ethernet address.
    pub next_hop: Scalar<EthernetAddress>,
}
