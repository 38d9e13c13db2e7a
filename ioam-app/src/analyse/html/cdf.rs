// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which share of packets was on the way no longer than what: a curve for each flow.

use std::fmt::Write as _;

use super::axis::{Area, Logarithmic, durations, horizontal};
use super::legend;
use crate::analyse::gather::flow::FlowData;

/// Most curves of a picture.
const MOST: usize = 6;

/// The delays from end to end of the flows with most packets. Empty if none is known.
pub(super) fn picture(flows: &[(usize, &FlowData, &str)]) -> String {
    let known = flows
        .iter()
        .filter(|(_, flow, _)| flow.end_to_end.quantile(0.5).is_some());
    let flows: Vec<_> = known.take(MOST).collect();
    let ends = flows.iter().map(|(_, flow, _)| &flow.end_to_end);
    let least = ends.clone().filter_map(|delays| delays.min()).min();
    let greatest = ends.filter_map(|delays| delays.max()).max();
    let Some((least, greatest)) = least.zip(greatest) else {
        return String::new();
    };
    let axis = Logarithmic::new(least, greatest);
    let area = Area {
        left: 70.0,
        top: 10.0,
        width: 870.0,
        height: 240.0,
    };
    let mut out = String::from(
        r#"<svg class="chart" viewBox="0 0 960 292" width="960" role="img" aria-label="Delay from end to end">"#,
    );
    durations(axis, area, &mut out);
    for (share, label) in [
        (0.0, "0 %"),
        (0.25, "25 %"),
        (0.5, "50 %"),
        (0.75, "75 %"),
        (1.0, "100 %"),
    ] {
        horizontal(share, label, area, &mut out);
    }
    for (color, (_, flow, _)) in flows.iter().enumerate() {
        curve(flow, axis, area, color, &mut out);
    }
    out += r#"<text class="f" x="505" y="286" text-anchor="middle">delay from the first node to the end, logarithmic</text></svg>"#;
    let entries = flows
        .iter()
        .map(|(number, _, label)| format!("Flow {number}: {label}"));
    out + &legend(entries)
}

fn curve(flow: &FlowData, axis: Logarithmic, area: Area, color: usize, out: &mut String) {
    let shares = (0..=99_u8).map(|share| f64::from(share) / 100.0);
    let shares = shares.chain([0.995, 0.999, 1.0]);
    let mut points = String::new();
    for share in shares {
        let value = match share {
            0.0 => flow.end_to_end.min(),
            share => flow.end_to_end.quantile(share),
        };
        let x = area.left + axis.share(value.unwrap_or(0)) * area.width;
        let y = area.bottom() - share * area.height;
        let _ = write!(points, "{x:.1},{y:.1} ");
    }
    let points = points.trim_end();
    let _ = write!(
        out,
        r#"<polyline class="line s{color}" points="{points}"/>"#
    );
}
