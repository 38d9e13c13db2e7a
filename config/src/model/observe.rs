// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `control` and `metrics`: how a running node is asked.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scalar::Scalar;
use crate::text::{FileMode, Listen, SocketPath};

/// The socket that `ioam show` and `ioam reload` talk to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Control {
    /// The path of a Unix socket, or `none`; default: the file prefix and `.sock`, in
    /// `$XDG_RUNTIME_DIR/ioam` or else `/run/ioam`.
    pub socket: Option<Scalar<SocketPath>>,
    /// Who may connect: the socket's permissions, in octal.
    #[schemars(extend("default" = "0600"))]
    pub mode: Option<Scalar<FileMode>>,
}

/// The counters for Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Metrics {
    /// The address and port where `/metrics` is served over HTTP; omitted, nowhere.
    pub listen: Option<Scalar<Listen>>,
}
