// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The whole screen: which node, which page, the page, the keys. Made for 80 columns and 24 lines.

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::keys::{Page, View};
use super::model::Model;
use super::pages::Sheet;
use super::table::cut_front;
use super::tones::Tones;
use crate::show::figures::{clock, text};

/// The columns and lines it needs.
const WIDTH: u16 = 80;
const HEIGHT: u16 = 24;
/// Lines above the page, and below it.
const ABOVE: u16 = 3;
const BELOW: u16 = 2;

/// Draws everything. What is scrolled too far comes back.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    model: &Model,
    view: &mut View,
    tones: Tones,
    now: Instant,
) {
    let area = frame.area();
    if area.width < WIDTH || area.height < HEIGHT {
        let lines = [
            format!("`ioam top` needs {WIDTH} columns and {HEIGHT} lines."),
            format!("This terminal has {} and {}.", area.width, area.height),
            "Make it larger, or press q.".to_owned(),
        ];
        let lines = lines.map(Line::from).to_vec();
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    let sheet = Sheet {
        model,
        view,
        room: area.width.into(),
        height: usize::from(area.height - ABOVE - BELOW),
        tones,
    };
    let lines = sheet.lines();
    let room = usize::from(area.height - ABOVE - BELOW);
    let most = lines.len().saturating_sub(room);
    view.scrolled = view.scrolled.min(most);
    let hidden = most - view.scrolled;
    let shown: Vec<Line<'static>> = lines.into_iter().skip(view.scrolled).take(room).collect();
    let at = |y: u16, height: u16| Rect { y, height, ..area };
    frame.render_widget(title(model, view, tones, area.width, now), at(0, 1));
    frame.render_widget(tabs(view, tones), at(1, 1));
    let page = at(ABOVE, area.height - ABOVE - BELOW);
    frame.render_widget(Paragraph::new(shown), page);
    match &model.gone {
        // It says where and why, which may be long.
        Some((why, _)) => {
            let why = Line::styled(why.clone(), tones.bad());
            let why = Paragraph::new(why).wrap(Wrap { trim: true });
            frame.render_widget(why, at(area.height - BELOW, BELOW));
        }
        None => {
            let footer = footer(model, view, tones, area.width, hidden);
            frame.render_widget(footer, at(area.height - 1, 1));
        }
    }
}

/// Which node it is, and whether it answers.
fn title(model: &Model, view: &View, tones: Tones, width: u16, now: Instant) -> Line<'static> {
    let node = &model.all["node"];
    let uptime = clock(node["uptime_nanoseconds"].as_u64().unwrap_or(0));
    let right = match &model.gone {
        Some((_, since)) => Span::styled(
            format!(
                " no answer for {} s, trying again ",
                now.saturating_duration_since(*since).as_secs()
            ),
            tones.bad(),
        ),
        None if view.is_paused => Span::styled(" held still, p goes on ", tones.chosen()),
        None => Span::styled(
            format!("every {} s", view.interval.as_secs_f64()),
            tones.quiet(),
        ),
    };
    let about = format!(", process {}, running for {uptime}", text(&node["pid"]));
    let taken = "ioam top  ".len() + about.chars().count() + right.width() + 2;
    let file = cut_front(
        &text(&node["configuration"]),
        usize::from(width).saturating_sub(taken),
    );
    let left = Line::from(vec![
        Span::styled("ioam top  ", tones.heading()),
        Span::styled(file, tones.name()),
        about.into(),
    ]);
    justify(left, right, width)
}

fn tabs(view: &View, tones: Tones) -> Line<'static> {
    let mut line = Line::default();
    for (place, page) in Page::ALL.iter().enumerate() {
        let style = if place == view.page {
            tones.chosen()
        } else {
            tones.plain_text()
        };
        let text = format!(" {} {} ", place + 1, page.name());
        line.push_span(Span::styled(text, style));
        line.push_span(" ");
    }
    line
}

/// The keys, and what there is to scroll to.
fn footer(model: &Model, view: &View, tones: Tones, width: u16, hidden: usize) -> Line<'static> {
    let window = model.all["window_seconds"].as_f64().unwrap_or(0.0);
    let right = match (hidden, window) {
        (1.., _) => format!("{hidden} more lines below"),
        (_, window) if window > 0.0 => format!("rates over {window:.1} s"),
        _ => "no rates yet".to_owned(),
    };
    let right = Span::styled(right, tones.quiet());
    let order = view.order().map(|order| format!("  s sort: {order}"));
    let sort = order.unwrap_or_default();
    let keys = format!("q quit  Tab page  p hold  +- pace{sort}  ? help");
    let left = Line::styled(keys, tones.quiet());
    justify(left, right, width)
}

/// One to the left, the other to the right.
fn justify(mut left: Line<'static>, right: Span<'static>, width: u16) -> Line<'static> {
    let gap = usize::from(width).saturating_sub(left.width() + right.width());
    left.push_span(" ".repeat(gap));
    left.push_span(right);
    left
}
