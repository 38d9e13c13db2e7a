// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `export.collectors`: where records go by IPFIX.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scalar::{OneOrMany, Scalar};
use crate::text::{CollectorProfile, HostAddress, Number, RecordKind, Text, Transport};

/// A collector of IPFIX (RFC 7011).
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Collector {
    /// A name of the operator's choice, for figures and messages.
    pub name: Scalar<Text>,
    /// Its address, IPv6 or IPv4. No packet to it gets a direct export option.
    pub address: Scalar<HostAddress>,
    /// Its port; default: 4739, with `transport: tls` 4740.
    pub port: Option<Scalar<Number<u16, 1, 0xffff>>>,
    /// How it is reached.
    #[schemars(extend("default" = "udp"))]
    pub transport: Option<Scalar<Transport>>,
    /// The certificates of those who may vouch for the collector, a PEM file beside this file unless
    /// it is an absolute path. Required by `transport: tls` and only used by it.
    pub ca: Option<Scalar<Text>>,
    /// This node's certificate chain (PEM), where the collector asks who it is. Only with `tls`.
    pub certificate: Option<Scalar<Text>>,
    /// The private key that goes with `certificate` (PEM).
    pub key: Option<Scalar<Text>>,
    /// The name in the collector's certificate; default: its address. Only with `tls`.
    pub server_name: Option<Scalar<Text>>,
    /// The enterprise number that the elements of IOAM go under: your site's; 32473 is for examples
    /// and labs (RFC 5612). Required, except by `profile: uliege`.
    pub pen: Option<Scalar<Number<u32, 1, 0xffff_ffff>>>,
    /// The Observation Domain ID; default: the node-id, or 1 where there is none.
    pub observation_domain: Option<Scalar<Number<u32, 1, 0xffff_ffff>>>,
    /// Seconds until descriptions (over UDP) and statistics are sent again.
    #[schemars(extend("default" = 60))]
    pub template_refresh: Option<Scalar<Number<u32, 1, 86_400>>>,
    /// Seconds before an attempt to connect is repeated; they double up to eight times that.
    #[schemars(extend("default" = 60))]
    pub reconnect_seconds: Option<Scalar<Number<u32, 1, 86_400>>>,
    /// What it gets, one kind or a list; default: everything.
    pub records: Option<OneOrMany<RecordKind>>,
    /// The elements records are made of.
    #[schemars(extend("default" = "ioam"))]
    pub profile: Option<Scalar<CollectorProfile>>,
    /// Records that may wait for it; what comes when there are as many is dropped and counted.
    #[schemars(extend("default" = 65536))]
    pub queue: Option<Scalar<Number<u32, 1, 16_777_216>>>,
}
