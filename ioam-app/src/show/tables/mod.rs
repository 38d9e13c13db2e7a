// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A section as a table: rates first, totals behind them.

mod node;
mod records;

use serde_json::Value;

use crate::control::snapshot::Section;
pub use node::{OPTIONS, loss};

/// The table of a section with its rates.
#[must_use]
pub fn table(section: Section, rated: &Value) -> String {
    let value = &rated[section.name()];
    let rows: &[Value] = value.as_array().map_or(&[], Vec::as_slice);
    match section {
        Section::Node => node::node(value),
        Section::Ports => node::ports(rows),
        Section::Workers => node::workers(rows),
        Section::Namespaces => node::namespaces(rows),
        Section::Profiles => node::profiles(rows),
        Section::Flows => node::flows(rows),
        Section::Drops => records::drops(rows),
        Section::Export => records::export(value),
        Section::Latency => records::latency(rows),
        Section::Paths => records::paths(value),
    }
}

/// The headings of a section's tables, each of which it has when there is something to show.
#[must_use]
pub fn headings(section: Section) -> Vec<&'static [&'static str]> {
    match section {
        Section::Node => Vec::new(),
        Section::Ports => vec![&node::PORTS],
        Section::Workers => vec![&node::WORKERS],
        Section::Namespaces => vec![&node::NAMESPACES],
        Section::Profiles => vec![&node::PROFILES, &node::SEQUENCES],
        Section::Flows => vec![&node::FLOWS],
        Section::Drops => vec![&records::DROPS, &records::NOTICES],
        Section::Export => vec![&records::OUTPUTS, &records::COLLECTORS, &records::RINGS],
        Section::Latency => vec![&records::LATENCY],
        Section::Paths => vec![&records::PATHS],
    }
}
