// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The delay of each hop and of each node, as boxes: the middle half, the median, and the ends.

use std::fmt::Write as _;

use super::axis::{Area, Logarithmic, durations};
use super::escape::{Esc, shortened};
use crate::analyse::gather::{Delays, Gathered};
use crate::analyse::names::Names;
use crate::analyse::report::units::{counted, duration, duration_or_dash};

/// Most rows of a picture.
const MOST: usize = 24;
/// Height of a row.
const ROW: f64 = 24.0;

struct Row<'a> {
    name: String,
    delays: &'a Delays,
    color: usize,
}

/// Links in one colour, nodes in another. Empty if no delay is known.
pub(super) fn picture(gathered: &Gathered, names: &Names) -> String {
    let mut links: Vec<_> = gathered.links.iter().collect();
    links.sort_by_key(|(_, link)| std::cmp::Reverse(link.packets));
    let links = links.into_iter().map(|(key, link)| Row {
        name: match key.missing {
            0 => format!("{} → {}", names.of(key.from), names.of(key.to)),
            missing => format!(
                "{} → ({missing}) → {}",
                names.of(key.from),
                names.of(key.to)
            ),
        },
        delays: &link.delays,
        color: 0,
    });
    let nodes = gathered.nodes.iter().map(|(node, data)| Row {
        name: format!("in {}", names.of(*node)),
        delays: &data.transit,
        color: 1,
    });
    let known = |row: &Row<'_>| row.delays.count > 0;
    let rows: Vec<Row<'_>> = links.filter(known).take(MOST).collect();
    let nodes = nodes.filter(known).take(MOST);
    let rows: Vec<Row<'_>> = rows.into_iter().chain(nodes).collect();
    let least = rows.iter().filter_map(|row| row.delays.min()).min();
    let greatest = rows.iter().filter_map(|row| row.delays.max()).max();
    match least.zip(greatest) {
        Some((least, greatest)) => draw(&rows, Logarithmic::new(least, greatest)),
        None => String::new(),
    }
}

#[allow(clippy::cast_precision_loss, reason = "for a picture")]
fn draw(rows: &[Row<'_>], axis: Logarithmic) -> String {
    let area = Area {
        left: 230.0,
        top: 8.0,
        width: 590.0,
        height: ROW * rows.len() as f64,
    };
    let mut out = String::new();
    let height = area.bottom() + 40.0;
    let _ = write!(
        out,
        r#"<svg class="chart" viewBox="0 0 960 {height:.0}" width="960" role="img" aria-label="Delay of each hop">"#
    );
    durations(axis, area, &mut out);
    for (number, row) in rows.iter().enumerate() {
        let middle = area.top + (number as f64 + 0.5) * ROW;
        draw_row(row, axis, area, middle, &mut out);
    }
    let (x, y) = (area.left + area.width / 2.0, area.bottom() + 34.0);
    let _ = write!(
        out,
        r#"<text class="f" x="{x:.0}" y="{y:.0}" text-anchor="middle">delay, logarithmic</text></svg>"#
    );
    out
}

fn draw_row(row: &Row<'_>, axis: Logarithmic, area: Area, y: f64, out: &mut String) {
    let at = |value: Option<u64>| area.left + axis.share(value.unwrap_or(0)) * area.width;
    let delays = row.delays;
    let (min, max) = (at(delays.min()), at(delays.max()));
    let median = delays.quantile(0.5);
    let color = row.color;
    let base = y + 4.0;
    let tip = tip(row);
    let _ = write!(
        out,
        r#"<g><title>{}</title><text x="222" y="{base:.1}" text-anchor="end">{}</text><line class="s{color}" x1="{min:.1}" y1="{y:.1}" x2="{max:.1}" y2="{y:.1}" stroke-width="1"/>"#,
        Esc(&tip),
        Esc(shortened(&row.name, 30)),
    );
    for end in [min, max] {
        let (top, bottom) = (y - 3.0, y + 3.0);
        let _ = write!(
            out,
            r#"<line class="s{color}" x1="{end:.1}" y1="{top:.1}" x2="{end:.1}" y2="{bottom:.1}"/>"#
        );
    }
    let (low, high) = (at(delays.quantile(0.25)), at(delays.quantile(0.75)));
    if delays.quantile(0.5).is_some() {
        let (top, width) = (y - 6.0, (high - low).max(2.0));
        let _ = write!(
            out,
            r#"<rect class="f{color} s{color}" fill-opacity=".35" x="{low:.1}" y="{top:.1}" width="{width:.1}" height="12"/>"#
        );
        let p99 = at(delays.quantile(0.99));
        let _ = write!(
            out,
            r#"<circle class="f{color}" cx="{p99:.1}" cy="{y:.1}" r="2.5"/>"#
        );
    }
    let (middle, top, bottom) = (at(median), y - 7.0, y + 7.0);
    let text = duration_or_dash(median);
    let _ = write!(
        out,
        r#"<line class="s{color}" x1="{middle:.1}" y1="{top:.1}" x2="{middle:.1}" y2="{bottom:.1}" stroke-width="3"/><text x="832" y="{base:.1}">{text}</text></g>"#
    );
}

fn tip(row: &Row<'_>) -> String {
    let delays = row.delays;
    let mut tip = format!("{}: {}", row.name, counted(delays.count, "packet"));
    for (name, value) in [
        ("min", delays.min()),
        ("p25", delays.quantile(0.25)),
        ("p50", delays.quantile(0.5)),
        ("p75", delays.quantile(0.75)),
        ("p99", delays.quantile(0.99)),
        ("max", delays.max()),
    ] {
        if let Some(value) = value {
            let _ = write!(tip, ", {name} {}", duration(value));
        }
    }
    tip
}
