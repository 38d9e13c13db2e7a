// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Delays as histograms, in seconds.

use super::text::{Kind, Labels, Text};
use crate::control::snapshot::{Latency, Snapshot};
use crate::latency::BOUNDS;

/// The histograms of all spans, and what is in none.
pub(super) fn delays(text: &mut Text, snapshot: &Snapshot) {
    let families = [
        (
            "hop",
            "ioam_hop_delay_seconds",
            "From one node's receipt to the next one's, by the timestamps of traces.",
        ),
        (
            "transit",
            "ioam_transit_delay_seconds",
            "In a node, by the transit delays of traces.",
        ),
        (
            "one-way",
            "ioam_one_way_delay_seconds",
            "From the encapsulating node's receipt to this one's, by sequence reports: each packet counts with its report's mean.",
        ),
    ];
    for (kind, name, help) in families {
        text.family(name, Kind::Histogram, help);
        for row in snapshot.latency.iter().filter(|row| row.kind == kind) {
            histogram(text, name, row);
        }
    }
    let name = "ioam_negative_delays_total";
    text.family(
        name,
        Kind::Counter,
        "Delays below 0, which clocks that differ make; in no histogram.",
    );
    for row in &snapshot.latency {
        let namespace = row.namespace.to_string();
        let labels = [
            ("namespace", namespace.as_str()),
            ("delay", row.kind),
            ("from", row.from.as_str()),
            ("to", row.to.as_str()),
        ];
        text.metric(
            name,
            &labels,
            row.counts.get("negative").copied().unwrap_or(0),
        );
    }
    let name = "ioam_delays_left_out_total";
    text.family(
        name,
        Kind::Counter,
        "Delays between further ends than there are histograms for.",
    );
    text.metric(name, &[], snapshot.latency_left_out);
}

fn histogram(text: &mut Text, name: &str, row: &Latency) {
    let namespace = row.namespace.to_string();
    let labels: Labels<'_> = &[
        ("namespace", &namespace),
        ("from", row.from.as_str()),
        ("to", row.to.as_str()),
    ];
    let mut sum = 0;
    let bounds = BOUNDS.iter().map(|bound| seconds(*bound));
    for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(&row.buckets) {
        sum += count;
        let labels = [labels, &[("le", bound.as_str())]].concat();
        text.metric(&format!("{name}_bucket"), &labels, sum);
    }
    text.metric(&format!("{name}_sum"), labels, seconds(row.sum));
    text.metric(&format!("{name}_count"), labels, sum);
}

/// Nanoseconds as seconds, exactly, and without zeros at the end.
pub(super) fn seconds(nanoseconds: u64) -> String {
    let (whole, part) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let text = format!("{whole}.{part:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
