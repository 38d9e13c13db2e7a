// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which path each flow took when: a band in the colour of the path.

use std::fmt::Write as _;

use super::axis::{Area, Time, times};
use super::escape::Esc;
use crate::analyse::gather::flow::FlowData;
use crate::analyse::names::Names;
use crate::analyse::report::units::{counted, short_moment};

/// Colours there are.
const COLORS: usize = 8;
/// Height of a row.
const ROW: f64 = 34.0;
/// Most flows of a picture.
const MOST: usize = 12;

/// Flows that had more than one path. Empty if there are none.
#[allow(clippy::cast_precision_loss, reason = "for a picture")]
pub(super) fn picture(
    flows: &[(usize, &FlowData, &str)],
    period: Option<(i64, i64)>,
    names: &Names,
) -> String {
    let moved = flows.iter().filter(|(_, flow, _)| flow.changes().1 > 0);
    let flows: Vec<_> = moved.take(MOST).collect();
    let Some((first, last)) = period.filter(|_| !flows.is_empty()) else {
        return String::new();
    };
    let axis = Time::new(first, last);
    let area = Area {
        left: 80.0,
        top: 8.0,
        width: 860.0,
        height: ROW * flows.len() as f64,
    };
    let mut out = String::new();
    let height = area.bottom() + 42.0;
    let _ = write!(
        out,
        r#"<svg class="chart" viewBox="0 0 960 {height:.0}" width="960" role="img" aria-label="Paths over time">"#
    );
    times(axis, area, &mut out);
    for (row, (number, flow, _)) in flows.iter().enumerate() {
        let top = area.top + row as f64 * ROW;
        band(
            *number,
            flow,
            axis,
            Area {
                top,
                height: ROW,
                ..area
            },
            names,
            &mut out,
        );
    }
    let bottom = height - 6.0;
    let _ = write!(
        out,
        r#"<text class="f" x="510" y="{bottom:.0}" text-anchor="middle">time of the day, UTC</text></svg>"#
    );
    for (number, flow, label) in flows {
        let _ = write!(out, "<h3>Flow {number}: {}</h3>", Esc(label));
        out += &key(flow, names);
    }
    out
}

fn band(number: usize, flow: &FlowData, axis: Time, area: Area, names: &Names, out: &mut String) {
    let (top, base) = (area.top + 6.0, area.top + 21.0);
    let _ = write!(
        out,
        r#"<text x="72" y="{base:.1}" text-anchor="end">Flow {number}</text>"#
    );
    let runs = flow.runs.runs();
    let starts = runs.iter().skip(1).map(|run| run.first).chain([None]);
    for (run, next) in runs.iter().zip(starts) {
        let (Some(first), Some(last)) = (run.first, run.last) else {
            continue;
        };
        let left = area.left + axis.share(first) * area.width;
        let right = area.left + axis.share(next.unwrap_or(last)) * area.width;
        let width = (right - left).max(1.0);
        let color = run.path % COLORS;
        let path = flow
            .representative(run.path)
            .map(|path| names.path(&path.nodes));
        let tip = format!(
            "{} to {}: {}, {}",
            short_moment(first),
            short_moment(last),
            counted(run.packets, "packet"),
            path.unwrap_or_default()
        );
        let _ = write!(
            out,
            r#"<g><title>{}</title><rect class="f{color}" x="{left:.1}" y="{top:.1}" width="{width:.2}" height="20"/></g>"#,
            Esc(tip)
        );
    }
    for change in flow.changes().0 {
        let Some(at) = change.at else { continue };
        let x = area.left + axis.share(at) * area.width;
        let (from, to) = (area.top + 1.0, area.top + 31.0);
        let _ = write!(
            out,
            r#"<line class="badline" x1="{x:.1}" y1="{from:.1}" x2="{x:.1}" y2="{to:.1}" stroke-width="2"/>"#
        );
    }
}

/// Which colour is which path.
fn key(flow: &FlowData, names: &Names) -> String {
    let mut out = String::from(r#"<ul class="legend">"#);
    let used: std::collections::BTreeSet<usize> =
        flow.runs.runs().iter().map(|run| run.path).collect();
    for number in used.iter().take(COLORS) {
        let Some(path) = flow.representative(*number) else {
            continue;
        };
        let (color, label) = (number % COLORS, names.path(&path.nodes));
        let _ = write!(
            out,
            r#"<li><svg width="12" height="12"><rect class="f{color}" width="12" height="12"/></svg>{}</li>"#,
            Esc(label)
        );
    }
    let more = used.len().saturating_sub(COLORS);
    if more > 0 {
        let _ = write!(out, "<li>{}</li>", counted(more as u64, "more path"));
    }
    out + "</ul>"
}
