// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a replay did: its files and the node's own report.

use std::fmt;

use ioam_dp::port::PortId;
use ioam_dp::table::spec::NodeSpec;
use serde::Serialize;

use crate::report::{Columns, Report};

/// What a replay did. As JSON it has the report's keys beside its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// What the user should know of the configuration and the captures.
    pub warnings: Vec<String>,
    /// The captures, in the order of their ports.
    pub inputs: Vec<InputSummary>,
    /// What left by each port.
    pub outputs: Vec<OutputSummary>,
    /// What the node counted.
    #[serde(flatten)]
    pub report: Report,
}

/// One capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InputSummary {
    /// The port it arrived at.
    pub port: String,
    /// The file.
    pub file: String,
    /// Packets in it.
    pub packets: u64,
    /// Of these, packets captured in part.
    pub truncated: u64,
    /// Whether the file ended inside a packet.
    pub cut: bool,
}

/// What left by one port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutputSummary {
    /// The port.
    pub port: String,
    /// The file, or `None` where packets were only counted.
    pub file: Option<String>,
    /// Packets.
    pub packets: u64,
}

/// The port's name in the configuration.
pub(super) fn port_name(spec: &NodeSpec, port: PortId) -> String {
    let port = spec.ports.get(port.index());
    port.map_or_else(String::new, |port| port.name.clone())
}

impl Outcome {
    /// All of it as one JSON object.
    #[must_use]
    pub fn json(&self) -> String {
        // Text, numbers and lists: nothing that JSON could refuse.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Columns::new(["file", "port", "", "packets"]);
        table.left(3);
        for input in &self.inputs {
            let packets = input.packets.to_string();
            table.row([
                input.file.clone(),
                input.port.clone(),
                "in".to_owned(),
                packets,
            ]);
        }
        for output in &self.outputs {
            let file = output.file.as_deref().unwrap_or("(discarded)").to_owned();
            let packets = output.packets.to_string();
            table.row([file, output.port.clone(), "out".to_owned(), packets]);
        }
        write!(f, "{table}\n{}", self.report)
    }
}
