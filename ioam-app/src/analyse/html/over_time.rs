// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Delay of hops over time, and loss over time.

use std::fmt::Write as _;

use super::axis::{Area, Time, horizontal, rounded, times};
use super::escape::Esc;
use super::legend;
use crate::analyse::gather::Gathered;
use crate::analyse::gather::series::{Cell, DelayCell, LossCell, Series};
use crate::analyse::names::Names;
use crate::analyse::report::units::{counted, duration, percent, short_moment};

/// Most lines of a picture.
const MOST: usize = 6;

const AREA: Area = Area {
    left: 80.0,
    top: 10.0,
    width: 860.0,
    height: 200.0,
};

fn begin(name: &str) -> String {
    format!(
        r#"<svg class="chart" viewBox="0 0 960 252" width="960" role="img" aria-label="{name}">"#
    )
}

fn end(label: &str, out: &mut String) {
    let _ = write!(
        out,
        r#"<text class="f" x="510" y="246" text-anchor="middle">{label}</text></svg>"#
    );
}

/// The mean delay of the links with most packets, in each interval.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "for a picture"
)]
pub(super) fn delays(gathered: &Gathered, names: &Names) -> String {
    let mut links: Vec<_> = gathered.links.iter().collect();
    links.sort_by_key(|(_, link)| std::cmp::Reverse(link.packets));
    links.retain(|(_, link)| link.series.cells().next().is_some());
    links.truncate(MOST);
    let cells = links.iter().flat_map(|(_, link)| link.series.cells());
    let most = cells.map(|(_, cell)| cell.mean()).max().unwrap_or(0);
    let Some(period) = gathered.period.0.filter(|_| !links.is_empty()) else {
        return String::new();
    };
    let axis = Time::new(period.0, period.1);
    let (top, step) = rounded((most as f64).max(1.0));
    let mut out = begin("Delay of hops over time");
    times(axis, AREA, &mut out);
    let mut value = 0.0;
    while value <= top * 1.001 {
        horizontal(value / top, &duration(value.round() as u64), AREA, &mut out);
        value += step;
    }
    for (color, (_, link)) in links.iter().enumerate() {
        line(&link.series, axis, top, color, &mut out);
    }
    end(
        "time of the day, UTC; mean delay of each interval",
        &mut out,
    );
    let entries = links.iter().map(|(key, _)| match key.missing {
        0 => format!("{} → {}", names.of(key.from), names.of(key.to)),
        missing => format!(
            "{} → ({missing}) → {}",
            names.of(key.from),
            names.of(key.to)
        ),
    });
    out + &legend(entries)
}

#[allow(clippy::cast_precision_loss, reason = "for a picture")]
fn line(series: &Series<DelayCell>, axis: Time, top: f64, color: usize, out: &mut String) {
    let mut path = String::new();
    let mut before: Option<i64> = None;
    let mut alone = Vec::new();
    for (start, cell) in series.cells() {
        let at = start.saturating_add(series.width() / 2);
        let x = AREA.left + axis.share(at) * AREA.width;
        let y = AREA.bottom() - (cell.mean() as f64 / top).clamp(0.0, 1.0) * AREA.height;
        // Where nothing was measured for long, there is no line.
        let goes_on = before
            .is_some_and(|before| start.saturating_sub(before) <= series.width().saturating_mul(8));
        let _ = write!(path, "{}{x:.1},{y:.1}", if goes_on { "L" } else { "M" });
        alone.push((x, y, goes_on));
        before = Some(start);
    }
    let _ = write!(out, r#"<path class="line s{color}" d="{path}"/>"#);
    let next = alone
        .iter()
        .skip(1)
        .map(|(_, _, goes_on)| *goes_on)
        .chain([false]);
    for ((x, y, goes_on), next) in alone.iter().zip(next) {
        if !goes_on && !next {
            let _ = write!(
                out,
                r#"<circle class="f{color}" cx="{x:.1}" cy="{y:.1}" r="3"/>"#
            );
        }
    }
}

/// All that is known of losses, whoever knows it: the share of packets lost in each interval. Empty if
/// nobody counted.
pub(super) fn losses(gathered: &Gathered, exports: &Series<LossCell>, reported: &[bool]) -> String {
    let mut all = Series::<LossCell>::default();
    let sequences = gathered.sequences.all.iter().zip(reported);
    let sequences = sequences
        .filter(|(_, counts)| **counts)
        .map(|(data, _)| &data.series);
    for series in sequences.chain([exports]) {
        for (start, cell) in series.cells() {
            all.add(start.saturating_add(series.width() / 2), cell);
        }
    }
    let Some(period) = gathered.period.0.filter(|_| all.cells().next().is_some()) else {
        return String::new();
    };
    let sum = all.cells().fold(LossCell::default(), |mut sum, (_, cell)| {
        sum.add(cell);
        sum
    });
    if sum.lost == 0 {
        let packets = counted(sum.arrived, "packet");
        return format!("<p>None of {packets} was lost.</p>");
    }
    bars(&all, Time::new(period.0, period.1))
}

#[allow(clippy::cast_precision_loss, reason = "for a picture")]
fn bars(all: &Series<LossCell>, axis: Time) -> String {
    let share = |cell: &LossCell| cell.lost as f64 / (cell.lost + cell.arrived).max(1) as f64;
    let most = all.cells().map(|(_, cell)| share(cell)).fold(0.0, f64::max);
    let (top, step) = rounded(most * 100.0);
    let top = top.min(100.0);
    let mut out = begin("Loss over time");
    times(axis, AREA, &mut out);
    let mut value = 0.0;
    while value <= top * 1.001 {
        let text = format!("{value:.3}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        horizontal(value / top, &format!("{text} %"), AREA, &mut out);
        value += step;
    }
    for (start, cell) in all.cells() {
        let left = AREA.left + axis.share(start) * AREA.width;
        let right = AREA.left + axis.share(start.saturating_add(all.width())) * AREA.width;
        let height = (share(cell) * 100.0 / top).clamp(0.0, 1.0) * AREA.height;
        let (y, width) = (AREA.bottom() - height, (right - left - 1.0).max(2.0));
        let tip = format!(
            "{}: {} of {} lost, {}",
            short_moment(start),
            cell.lost,
            counted(cell.lost + cell.arrived, "packet"),
            percent(cell.lost, cell.lost + cell.arrived)
        );
        let _ = write!(
            out,
            r#"<g><title>{}</title><rect class="badfill" x="{left:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/></g>"#,
            Esc(tip)
        );
    }
    end(
        "time of the day, UTC; share of packets lost in each interval",
        &mut out,
    );
    out
}
