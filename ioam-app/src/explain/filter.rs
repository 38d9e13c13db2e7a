// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Why a profile did not want a packet: the first field of its filter that says so.

use std::net::Ipv6Addr;

use ioam_dp::classify::{Field, flow_of};
use ioam_dp::port::PortId;
use ioam_dp::stats::WorkerStats;
use ioam_dp::table::Tables;
use ioam_dp::wire::ethernet;
use ioam_dp::wire::ipv6::{HEADER, Ipv6Header};

/// The profiles that did not match, in the configuration's order, and the first field of each that
/// says so. One without such a field has nothing to do here: an earlier profile took the packet, or
/// it has nothing that the profile is about.
pub(super) fn why_not(
    tables: &Tables,
    port: PortId,
    frame: &[u8],
    stats: &WorkerStats,
) -> Vec<(String, String)> {
    let Some((ethernet::IPV6, l3)) = ethernet::payload(frame) else {
        return Vec::new();
    };
    let unmatched = tables.configured_profiles().filter(|(index, _)| {
        let counts = stats.profiles.get(usize::from(*index));
        counts.is_some_and(|counts| counts.selected.get() == 0)
    });
    unmatched
        .filter_map(|(_, profile)| {
            let field = profile.filter.mismatch(port, frame, l3)?;
            Some((profile.name.clone(), text(field, frame, l3)?))
        })
        .collect()
}

/// What the packet has there.
fn text(field: Field, frame: &[u8], l3: usize) -> Option<String> {
    let (header, flow) = (Ipv6Header::at(frame, l3)?, flow_of(frame, l3)?);
    Some(match field {
        Field::InPort => "it is for other ports".to_owned(),
        Field::Source => format!(
            "source {} is not in its prefix",
            Ipv6Addr::from(header.source)
        ),
        Field::Destination => {
            let destination = Ipv6Addr::from(header.destination);
            format!("destination {destination} is not in its prefix")
        }
        Field::NextHeader => format!("next header {} is another", flow.next_header),
        Field::SourcePort => format!("source port {} is not in its range", flow.source_port),
        Field::DestinationPort => format!(
            "destination port {} is not in its range",
            flow.destination_port
        ),
        Field::Dscp => format!("DSCP {} is another", header.traffic_class() >> 2),
        Field::FlowLabel => format!("flow label {:#07x} is another", header.flow_label()),
        Field::Length => {
            let length = HEADER + usize::from(header.payload_length.get());
            format!("length {length} is not in its range")
        }
    })
}
