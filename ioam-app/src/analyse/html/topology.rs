// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The nodes that packets passed and the links between them, with delay, packets and losses.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::escape::{Esc, shortened};
use super::layout::{Edge, Layout, layout};
use crate::analyse::gather::{Gathered, LinkKey};
use crate::analyse::names::{Names, Node};
use crate::analyse::report::units::{count, counted, duration};
use crate::analyse::report::{Loss, Report};

/// Most links of a picture, those with most packets.
const MOST: usize = 60;
/// From one column to the next at least and at most, and from one row to the next.
const COLUMN: (f64, f64) = (240.0, 340.0);
const ROW: f64 = 108.0;
/// As wide as the page, where columns are few enough.
const PAGE: f64 = 1100.0;
/// Half of a node's width and height.
const HALF: (f64, f64) = (66.0, 23.0);

/// What is drawn as a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Node(Node),
    /// Those that are missing on a link.
    Gap(LinkKey),
}

struct Link {
    packets: u64,
    label: Option<String>,
    lost: u64,
    dashed: bool,
}

/// Everything to be drawn.
#[derive(Default)]
struct Picture {
    marks: Vec<Mark>,
    edges: Vec<Edge>,
    links: Vec<Link>,
}

impl Picture {
    fn mark(&mut self, mark: Mark) -> usize {
        let known = self.marks.iter().position(|other| *other == mark);
        known.unwrap_or_else(|| {
            self.marks.push(mark);
            self.marks.len() - 1
        })
    }

    fn link(&mut self, from: usize, to: usize, link: Link) {
        self.edges.push(Edge {
            from,
            to,
            weight: link.packets,
        });
        self.links.push(link);
    }
}

/// The picture; empty if there are no nodes.
pub(super) fn picture(report: &Report, gathered: &Gathered, names: &Names) -> String {
    let mut links: Vec<_> = gathered.links.iter().collect();
    links.sort_by_key(|(_, link)| std::cmp::Reverse(link.packets));
    let left_out = links.len().saturating_sub(MOST);
    links.truncate(MOST);
    // In the order of the nodes, so that the same network looks the same.
    links.sort_by_key(|(key, _)| **key);
    let mut picture = Picture::default();
    for (key, link) in links {
        let (from, to) = (
            picture.mark(Mark::Node(key.from)),
            picture.mark(Mark::Node(key.to)),
        );
        let whole = |label, dashed| Link {
            packets: link.packets,
            label,
            lost: 0,
            dashed,
        };
        let label = link.delays.quantile(0.5).map(duration);
        if key.missing == 0 {
            picture.link(from, to, whole(label, false));
        } else {
            let gap = picture.mark(Mark::Gap(*key));
            picture.link(from, gap, whole(None, true));
            picture.link(gap, to, whole(None, true));
        }
    }
    if picture.marks.is_empty() {
        let nodes = gathered.nodes.keys().take(MOST);
        picture.marks = nodes.copied().map(Mark::Node).collect();
    }
    if picture.marks.is_empty() {
        return String::new();
    }
    mark_losses(&mut picture, &report.losses, names);
    let mut out = draw(&picture, gathered, names);
    if left_out > 0 {
        let more = counted(left_out as u64, "more link");
        let _ = write!(
            out,
            r#"<p class="faint">{more} with fewer packets are not drawn.</p>"#
        );
    }
    out
}

/// Puts each loss on the link that it happened on, where that is known.
fn mark_losses(picture: &mut Picture, losses: &[Loss], names: &Names) {
    let name = |mark: Option<&Mark>| match mark {
        Some(Mark::Node(node)) => names.of(*node),
        _ => String::new(),
    };
    let mut lost: BTreeMap<(String, String), u64> = BTreeMap::new();
    for loss in losses {
        if let (Some(after), [before]) = (&loss.after, &loss.before[..]) {
            *lost.entry((after.clone(), before.clone())).or_default() += loss.packets;
        }
    }
    for (edge, link) in picture.edges.iter().zip(&mut picture.links) {
        let ends = (
            name(picture.marks.get(edge.from)),
            name(picture.marks.get(edge.to)),
        );
        link.lost = lost.get(&ends).copied().unwrap_or(0);
    }
}

#[derive(Clone, Copy)]
struct Point {
    x: f64,
    y: f64,
}

/// Where labels are already.
#[derive(Default)]
struct Labels(Vec<(Point, f64, f64)>);

impl Labels {
    /// Takes the place if it is free.
    fn take(&mut self, at: Point, width: f64, height: f64) -> bool {
        let free = self.0.iter().all(|(other, other_width, other_height)| {
            (at.x - other.x).abs() >= (width + other_width) / 2.0 + 2.0
                || (at.y - other.y).abs() >= (height + other_height) / 2.0 + 2.0
        });
        if free {
            self.0.push((at, width, height));
        }
        free
    }
}

#[allow(clippy::cast_precision_loss, reason = "for a picture")]
fn draw(picture: &Picture, gathered: &Gathered, names: &Names) -> String {
    let layout = layout(picture.marks.len(), &picture.edges);
    let gaps = layout.columns.saturating_sub(1) as f64;
    let column = ((PAGE - 2.0 * HALF.0 - 20.0) / gaps.max(1.0)).clamp(COLUMN.0, COLUMN.1);
    let width = (gaps * column + 2.0 * HALF.0 + 20.0).max(320.0);
    let start = (width - gaps * column) / 2.0;
    let bends = layout.bends.iter().flatten();
    let rows = layout.places.iter().chain(bends).map(|(_, row)| *row);
    let (least, greatest) = rows.fold((0.0_f64, 0.0_f64), |(least, greatest), row| {
        (least.min(row), greatest.max(row))
    });
    let height = (greatest - least) * ROW + 2.0 * HALF.1 + 40.0;
    let point = |(place, row): (usize, f64)| Point {
        x: start + place as f64 * column,
        y: (row - least) * ROW + HALF.1 + 20.0,
    };
    let mut out = String::new();
    let _ = write!(
        out,
        r#"<div class="scroll"><svg viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" role="img" aria-label="Nodes and links"><defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0,0L8,4L0,8z"/></marker></defs>"#
    );
    let most = picture
        .links
        .iter()
        .map(|link| link.packets)
        .max()
        .unwrap_or(1);
    let mut labels = Labels::default();
    for mark in 0..picture.marks.len() {
        let place = point(place_of(&layout, mark));
        labels.take(place, HALF.0 * 2.0, HALF.1 * 2.0);
    }
    let mut texts = String::new();
    for (number, (edge, link)) in picture.edges.iter().zip(&picture.links).enumerate() {
        let bends = layout.bends.get(number).map_or(&[][..], Vec::as_slice);
        let way: Vec<Point> = std::iter::once(place_of(&layout, edge.from))
            .chain(bends.iter().copied())
            .chain([place_of(&layout, edge.to)])
            .map(point)
            .collect();
        draw_link(link, &way, most, &mut labels, &mut out, &mut texts);
    }
    out += &texts;
    for (number, mark) in picture.marks.iter().enumerate() {
        let at = point(place_of(&layout, number));
        draw_mark(*mark, at, gathered, names, &mut out);
    }
    out + "</svg></div>"
}

fn place_of(layout: &Layout, mark: usize) -> (usize, f64) {
    layout.places.get(mark).copied().unwrap_or((0, 0.0))
}

/// A point of a curve that leaves and arrives level.
fn on_curve(from: Point, to: Point, share: f64) -> Point {
    let middle = f64::midpoint(from.x, to.x);
    let (s, t) = (1.0 - share, share);
    Point {
        x: s.powi(3) * from.x + 3.0 * s * t * middle + t.powi(3) * to.x,
        y: (s.powi(3) + 3.0 * s * s * t) * from.y + (3.0 * s * t * t + t.powi(3)) * to.y,
    }
}

#[allow(clippy::cast_precision_loss, reason = "for a picture")]
fn draw_link(
    link: &Link,
    way: &[Point],
    most: u64,
    labels: &mut Labels,
    out: &mut String,
    texts: &mut String,
) {
    let (Some(first), Some(last)) = (way.first(), way.last()) else {
        return;
    };
    let back = last.x <= first.x;
    let sign = if back { -1.0 } else { 1.0 };
    let mut points = way.to_vec();
    if let Some(first) = points.first_mut() {
        first.x += sign * HALF.0;
    }
    if let Some(last) = points.last_mut() {
        last.x -= sign * HALF.0;
    }
    let Some(start) = points.first() else { return };
    let mut path = format!("M{:.1},{:.1}", start.x, start.y);
    for pair in points.windows(2) {
        let [from, to] = pair else { continue };
        let middle = f64::midpoint(from.x, to.x);
        let _ = write!(
            path,
            "C{middle:.1},{:.1} {middle:.1},{:.1} {:.1},{:.1}",
            from.y, to.y, to.x, to.y
        );
    }
    let width = 1.5 + 4.5 * (link.packets as f64 / most.max(1) as f64).sqrt();
    let dash = if link.dashed { " dash" } else { "" };
    let _ = write!(
        out,
        r#"<path class="link{dash}" stroke-width="{width:.1}" marker-end="url(#a)" d="{path}"/>"#
    );
    let mut lines = Vec::new();
    lines.extend(link.label.clone().map(|text| ("name", text)));
    if !link.dashed {
        lines.push(("f", format!("{} pkt", count(link.packets))));
    }
    if link.lost > 0 {
        lines.push(("badtext", format!("✕ {} lost", count(link.lost))));
    }
    label(&lines, &points, labels, texts);
}

/// Puts the lines where they are in nobody's way, as near to the middle as can be.
#[allow(clippy::cast_precision_loss, reason = "for a picture")]
fn label(lines: &[(&str, String)], points: &[Point], labels: &mut Labels, out: &mut String) {
    if lines.is_empty() {
        return;
    }
    let letters = lines.iter().map(|(_, text)| text.chars().count()).max();
    let width = letters.unwrap_or(0) as f64 * 7.2 + 8.0;
    let height = lines.len() as f64 * 15.0 + 4.0;
    let mut tries = Vec::new();
    let pairs: Vec<&[Point]> = points.windows(2).collect();
    for share in [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8] {
        for pair in &pairs {
            if let [from, to] = pair {
                tries.push(on_curve(*from, *to, share));
            }
        }
    }
    let nearest = tries.first().copied();
    let lifted: Vec<Point> = tries
        .iter()
        .flat_map(|at| {
            [-26.0, 26.0].map(|by| Point {
                x: at.x,
                y: at.y + by,
            })
        })
        .collect();
    tries.extend(lifted);
    let free = tries.into_iter().find(|at| labels.take(*at, width, height));
    let Some(at) = free.or(nearest) else { return };
    let (left, top) = (at.x - width / 2.0, at.y - height / 2.0);
    let _ = write!(
        out,
        r#"<rect class="bg" x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" rx="4"/>"#
    );
    for (number, (class, text)) in lines.iter().enumerate() {
        let base = top + 13.0 + number as f64 * 15.0;
        let _ = write!(
            out,
            r#"<text class="{class}" x="{:.1}" y="{base:.1}" text-anchor="middle">{}</text>"#,
            at.x,
            Esc(text)
        );
    }
}

fn draw_mark(mark: Mark, at: Point, gathered: &Gathered, names: &Names, out: &mut String) {
    let Point { x, y } = at;
    match mark {
        Mark::Gap(key) => {
            let packets = gathered.links.get(&key).map_or(0, |link| link.packets);
            let text = format!("{} missing", key.missing);
            let below = format!("{} pkt", count(packets));
            let base = (y - 2.0, y + 14.0);
            let _ = write!(
                out,
                r#"<ellipse class="gap" cx="{x:.1}" cy="{y:.1}" rx="58" ry="23"/><text class="badtext" x="{x:.1}" y="{:.1}" text-anchor="middle">{text}</text><text class="f" x="{x:.1}" y="{:.1}" text-anchor="middle">{below}</text>"#,
                base.0, base.1
            );
        }
        Mark::Node(node) => {
            let data = gathered.nodes.get(&node);
            let transit = data.map(|data| &data.transit);
            let inside = transit.and_then(|delays| delays.quantile(0.5));
            let name = names.of(node);
            let id = match node {
                Node::Id(id) => crate::analyse::names::id_text(id),
                _ => String::new(),
            };
            let below = match inside {
                Some(inside) => format!("{} inside", duration(inside)),
                None if id == name => String::new(),
                None => id.clone(),
            };
            let packets = data.map_or(0, |data| data.packets);
            let tip = format!("{name} {id}: {}", counted(packets, "packet"));
            let (left, top) = (x - HALF.0, y - HALF.1);
            let (width, height) = (2.0 * HALF.0, 2.0 * HALF.1);
            let base = if below.is_empty() { y + 5.0 } else { y - 3.0 };
            let _ = write!(
                out,
                r#"<g><title>{}</title><rect class="box" x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" rx="8"/><text class="name" x="{x:.1}" y="{base:.1}" text-anchor="middle">{}</text><text class="f" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text></g>"#,
                Esc(tip),
                Esc(shortened(&name, 14)),
                y + 14.0,
                Esc(below)
            );
        }
    }
}
