// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What records refer to by number and collectors want to know: ports, profiles, timestamp formats.

use ioam_dp::port::PortId;
use ioam_dp::table::Tables;
use ioam_dp::table::spec::TimestampFormat;
use ioam_dp::wire::ioam::NamespaceId;

/// Taken from tables, to go with records made under them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Names of the ports, by index.
    pub ports: Vec<String>,
    /// Names of the profiles, by index.
    pub profiles: Vec<String>,
    /// Timestamp formats, by ascending Namespace-ID.
    formats: Vec<(NamespaceId, TimestampFormat)>,
}

impl Names {
    /// Those of `tables`.
    #[must_use]
    pub fn new(tables: &Tables) -> Self {
        let namespaces = tables.namespaces.all().iter();
        let mut formats: Vec<_> = namespaces.map(|one| (one.id, one.timestamp)).collect();
        // After a reload they stand in the order in which they came.
        formats.sort_unstable_by_key(|(id, _)| *id);
        Self {
            ports: tables.ports.iter().map(|port| port.name.clone()).collect(),
            profiles: tables
                .profiles
                .iter()
                .map(|profile| profile.name.clone())
                .collect(),
            formats,
        }
    }

    /// The namespace's timestamp format, if this node has the namespace.
    #[must_use]
    pub fn format(&self, namespace: NamespaceId) -> Option<TimestampFormat> {
        let place = self
            .formats
            .binary_search_by_key(&namespace, |(id, _)| *id)
            .ok()?;
        self.formats.get(place).map(|(_, format)| *format)
    }

    /// `ingressInterface`: ports count from 1, and 0 is the node itself.
    #[must_use]
    pub fn interface(&self, port: PortId) -> u32 {
        if port.index() < self.ports.len() {
            u32::from(port.0) + 1
        } else {
            0
        }
    }
}
