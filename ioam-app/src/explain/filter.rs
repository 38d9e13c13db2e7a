// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Why a profile did not want a packet: its filter, asked field by field.

use ioam_dp::classify::{Filter, flow_of};
use ioam_dp::port::PortId;
use ioam_dp::stats::WorkerStats;
use ioam_dp::table::spec::{FilterSpec, NodeSpec};
use ioam_dp::wire::ethernet;
use ioam_dp::wire::ipv6::{HEADER, Ipv6Header};
use std::net::Ipv6Addr;

/// The profiles that did not match and the first field of each that says so.
pub(super) fn why_not(
    spec: &NodeSpec,
    port: PortId,
    frame: &[u8],
    stats: &WorkerStats,
) -> Vec<(String, String)> {
    let Some((ethernet::IPV6, l3)) = ethernet::payload(frame) else {
        return Vec::new();
    };
    let unmatched = spec.profiles.iter().zip(stats.profiles.iter());
    let unmatched = unmatched.filter(|(_, counts)| counts.selected.get() == 0);
    unmatched
        .filter_map(|(profile, _)| {
            let why = mismatch(&profile.filter, port, frame, l3)?;
            Some((profile.name.clone(), why))
        })
        .collect()
}

/// The first field that does not match, or `None` when all do: then an earlier profile took it, or
/// it has nothing that the profile is about.
fn mismatch(filter: &FilterSpec, port: PortId, frame: &[u8], l3: usize) -> Option<String> {
    let header = Ipv6Header::at(frame, l3)?;
    let flow = flow_of(frame, l3)?;
    let only = FilterSpec::default;
    let length = HEADER + usize::from(header.payload_length.get());
    let (source, destination) = (
        Ipv6Addr::from(header.source),
        Ipv6Addr::from(header.destination),
    );
    let fields = [
        (
            FilterSpec {
                source: filter.source,
                ..only()
            },
            format!("source {source} is not in its prefix"),
        ),
        (
            FilterSpec {
                destination: filter.destination,
                ..only()
            },
            format!("destination {destination} is not in its prefix"),
        ),
        (
            FilterSpec {
                next_header: filter.next_header,
                ..only()
            },
            format!("next header {} is another", flow.next_header),
        ),
        (
            FilterSpec {
                source_ports: filter.source_ports.clone(),
                ..only()
            },
            format!("source port {} is not in its range", flow.source_port),
        ),
        (
            FilterSpec {
                destination_ports: filter.destination_ports.clone(),
                ..only()
            },
            format!(
                "destination port {} is not in its range",
                flow.destination_port
            ),
        ),
        (
            FilterSpec {
                dscp: filter.dscp,
                ..only()
            },
            format!("DSCP {} is another", header.traffic_class() >> 2),
        ),
        (
            FilterSpec {
                flow_label: filter.flow_label,
                ..only()
            },
            format!("flow label {:#07x} is another", header.flow_label()),
        ),
        (
            FilterSpec {
                length: filter.length.clone(),
                ..only()
            },
            format!("length {length} is not in its range"),
        ),
    ];
    if !Filter::new(filter).admits_port(port) {
        return Some("it is for other ports".to_owned());
    }
    let mut fields = fields.into_iter();
    let failing = fields.find(|(field, _)| !Filter::new(field).matches(frame, l3));
    failing.map(|(_, why)| why)
}
