// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The live picture: made for 80 columns and 24 lines, and good for more.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, LineGauge, Paragraph, Sparkline};

use super::chain::Plan;
use super::domain::{NAMESPACE, NODES, STATIONS, TRACE_TYPE};
use super::figures;
use super::meter::{NOTABLE, NodeRate, Snapshot};
use crate::figures::{counted, grouped};

/// The columns the picture needs.
const WIDTH: u16 = 80;
/// The lines it needs.
const HEIGHT: u16 = 24;
/// Columns of a node's box, and of what is around the boxes.
const BOX: u16 = 12;
const ARROW: u16 = 4;
const SIDE: u16 = 10;
/// Lines from which on there is room for the rate's history.
const HISTORY_FROM: u16 = 31;
/// What the figures in the boxes mean.
const LEGEND: &str = "ticks of the TSC a packet costs the node; packets it takes in one burst";
/// Columns of the bars behind the delays.
const BAR: usize = 22;

const QUIET: Style = Style::new().add_modifier(Modifier::DIM);
const NODE: Style = Style::new().fg(Color::Cyan);
const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red);

/// A terminal with the picture on it; dropping it gives the terminal back.
#[derive(Debug)]
pub(super) struct Picture {
    terminal: DefaultTerminal,
    about: About,
    /// Mpps at each drawing, times 1000.
    history: VecDeque<u64>,
}

/// What does not change during a run.
#[derive(Clone, Copy, Debug)]
struct About {
    cpus: [usize; 2],
    frame_size: u16,
    seconds: Option<Duration>,
    packets: u64,
}

/// Whether the terminal can show it.
pub(super) fn is_possible() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    let has_room = terminal::size().is_ok_and(|(width, height)| width >= WIDTH && height >= HEIGHT);
    !is_dumb && has_room
}

impl Picture {
    /// Takes the terminal.
    pub(super) fn new(plan: &Plan, seconds: Option<Duration>) -> io::Result<Self> {
        let about = About {
            cpus: [plan.cpus.first, plan.cpus.second],
            frame_size: plan.frame_size,
            seconds,
            packets: plan.packets,
        };
        let terminal = ratatui::try_init().inspect_err(|_| ratatui::restore())?;
        Ok(Self {
            terminal,
            about,
            history: VecDeque::new(),
        })
    }

    /// Lets time pass; `true` when a key asks for the end.
    pub(super) fn wait(&mut self, time: Duration) -> bool {
        let start = Instant::now();
        loop {
            let left = time.saturating_sub(start.elapsed());
            match event::poll(left) {
                Ok(true) => match event::read() {
                    Ok(event) if asks_for_the_end(&event) => return true,
                    Ok(_) => {}
                    Err(_) => std::thread::sleep(left),
                },
                Ok(false) => return false,
                // No keyboard: signals still end the run.
                Err(_) => std::thread::sleep(left),
            }
            if left.is_zero() {
                return false;
            }
        }
    }

    /// Draws.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive figure"
    )]
    pub(super) fn draw(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        self.history
            .push_back((snapshot.nodes[NODES - 1].mpps * 1000.0) as u64);
        if self.history.len() > usize::from(WIDTH) {
            self.history.pop_front();
        }
        let (about, history) = (self.about, self.history.make_contiguous());
        self.terminal
            .draw(|frame| about.draw(frame, snapshot, history))?;
        Ok(())
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

fn asks_for_the_end(event: &Event) -> bool {
    let Event::Key(key) = event else {
        return false;
    };
    let is_interrupt =
        key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    let is_quit = matches!(key.code, KeyCode::Char('q') | KeyCode::Esc);
    key.kind == KeyEventKind::Press && (is_interrupt || is_quit)
}

impl About {
    fn draw(&self, frame: &mut Frame<'_>, snapshot: &Snapshot, history: &[u64]) {
        let whole = frame.area();
        if whole.width < WIDTH || whole.height < HEIGHT {
            let hint = Line::styled(
                format!("{WIDTH} columns and {HEIGHT} lines show more"),
                QUIET,
            );
            frame.render_widget(Paragraph::new(vec![totals_line(snapshot), hint]), whole);
            return;
        }
        let area = Rect {
            width: whole.width.min(WIDTH),
            ..whole
        };
        let rows = [1, 1, 1, 6, 1, 1, 1, 1, 5, 1, 5].map(Constraint::Length);
        let [
            title,
            gauge,
            _,
            path,
            cores,
            legend,
            totals,
            about,
            trace,
            _,
            delays,
        ] = Layout::vertical(rows).areas(area);
        frame.render_widget(self.title(), title);
        frame.render_widget(self.gauge(snapshot), gauge);
        draw_path(frame, path, &snapshot.nodes);
        frame.render_widget(self.cores(snapshot), cores);
        frame.render_widget(Line::styled(LEGEND, QUIET), legend);
        frame.render_widget(totals_line(snapshot), totals);
        if let Some(sample) = &snapshot.collected.trace {
            let text = format!(
                "A trace of flow {}, namespace {NAMESPACE}, type {TRACE_TYPE}, decoded:",
                sample.flow
            );
            frame.render_widget(Line::styled(text, QUIET), about);
            frame.render_widget(table(figures::trace(sample)), trace);
            frame.render_widget(Paragraph::new(delay_lines(snapshot)), delays);
        } else {
            let lines = figures::witnessed(snapshot).into_iter().map(Line::raw);
            frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), trace);
        }
        if whole.height >= HISTORY_FROM {
            let place = Rect {
                y: area.y + HEIGHT + 1,
                height: whole.height - HEIGHT - 2,
                ..area
            };
            draw_history(frame, place, history);
        }
    }

    fn title(&self) -> Paragraph<'static> {
        let text = format!(
            " - an IOAM domain in one process, frames of {} octets",
            self.frame_size
        );
        let left = Line::from(vec!["ioam demo".bold(), text.into()]);
        let used = left.width();
        let right = Span::styled("q ends it", QUIET);
        let gap = usize::from(WIDTH).saturating_sub(used + right.width());
        let mut line = left;
        line.push_span(" ".repeat(gap));
        line.push_span(right);
        Paragraph::new(line)
    }

    #[allow(clippy::cast_precision_loss, reason = "a bar")]
    fn gauge(&self, snapshot: &Snapshot) -> LineGauge<'static> {
        let by_packets = snapshot.sent as f64 / self.packets as f64;
        let by_time = self.seconds.map_or(0.0, |seconds| {
            snapshot.elapsed.as_secs_f64() / seconds.as_secs_f64()
        });
        let label = match self.seconds {
            Some(seconds) => {
                let left = seconds.saturating_sub(snapshot.elapsed).as_secs_f64();
                format!("{left:>4.1} s left")
            }
            None => format!("{:>4.1} s", snapshot.elapsed.as_secs_f64()),
        };
        LineGauge::default()
            .ratio(by_packets.max(by_time).clamp(0.0, 1.0))
            .label(label)
            .filled_symbol("━")
            .unfilled_symbol("─")
            .filled_style(NODE)
            .unfilled_style(QUIET)
    }

    /// Which CPU polls what.
    fn cores(&self, snapshot: &Snapshot) -> Line<'static> {
        let first = usize::from(SIDE + 2 * BOX + ARROW);
        let second = usize::from(WIDTH - ARROW) - first;
        let label = |half: usize| match snapshot.taken[half] {
            share if share < NOTABLE => format!(" CPU {} ", self.cpus[half]),
            share => format!(
                " CPU {}, {:.0} % taken by others ",
                self.cpus[half],
                share * 100.0
            ),
        };
        let [left, right] = [0, 1].map(label);
        let gap = " ".repeat(ARROW.into());
        Line::styled(
            format!("└{left:─^0$}┘{gap}└{right:─^1$}┘", first - 2, second - 2),
            QUIET,
        )
    }
}

/// Source, nodes and sink in a row.
fn draw_path(frame: &mut Frame<'_>, area: Rect, nodes: &[NodeRate; NODES]) {
    let middle = |area: Rect| Rect {
        y: area.y + 2,
        height: 1,
        ..area
    };
    let mut x = area.x;
    let mut next = |width: u16| {
        let place = Rect { x, width, ..area };
        x += width;
        place
    };
    frame.render_widget("source ──►", middle(next(SIDE)));
    for (station, rate) in STATIONS.iter().zip(nodes) {
        let lines = [
            format!("{:#08x}", station.id),
            format!("{:.2} Mpps", rate.mpps),
            ticks(rate.ticks),
            format!("{:.0}/burst", rate.fill),
        ];
        let block = Block::bordered()
            .border_style(NODE)
            .title(station.name.bold());
        let lines = lines.map(Line::from).to_vec();
        frame.render_widget(Paragraph::new(lines).block(block).centered(), next(BOX));
        let arrow = if station.id == STATIONS[NODES - 1].id {
            " ──► sink"
        } else {
            " ──►"
        };
        let width = u16::try_from(arrow.chars().count()).unwrap_or(ARROW);
        frame.render_widget(arrow, middle(next(width)));
    }
}

/// At most ten columns.
fn ticks(ticks: f64) -> String {
    if ticks < 9999.5 {
        format!("{ticks:.0} ticks")
    } else {
        format!("{:.0}k ticks", ticks / 1e3)
    }
}

fn totals_line(snapshot: &Snapshot) -> Line<'static> {
    let collected = &snapshot.collected;
    let errors = collected.findings.total() + snapshot.witnessed.findings.total();
    let missing = collected.missing;
    let tone = |count: u64| if count == 0 { GOOD } else { BAD };
    Line::from(vec![
        figures::verified(snapshot).bold(),
        " verified, ".into(),
        Span::styled(counted(errors, "error"), tone(errors)),
        "; ".into(),
        grouped(snapshot.sent).bold(),
        " packets sent, ".into(),
        Span::styled(format!("{} lost", grouped(missing)), tone(missing)),
    ])
}

/// A table whose first line is its header.
fn table(lines: Vec<String>) -> Paragraph<'static> {
    let styled = lines
        .into_iter()
        .enumerate()
        .map(|(number, line)| match number {
            0 => Line::styled(line, QUIET),
            _ => Line::raw(line),
        });
    Paragraph::new(styled.collect::<Vec<_>>())
}

/// The delays, with bars for their medians.
fn delay_lines(snapshot: &Snapshot) -> Vec<Line<'static>> {
    let delays = &snapshot.collected.delays;
    let whole = delays[NODES - 1].median.max(1);
    let mut lines = figures::delays(snapshot).into_iter();
    let mut styled: Vec<Line<'static>> = lines
        .next()
        .map(|header| Line::styled(header, QUIET))
        .into_iter()
        .collect();
    for (line, delay) in lines.zip(delays) {
        let length = usize::try_from(delay.median * BAR as u64 / whole)
            .unwrap_or(BAR)
            .min(BAR);
        let bar = Span::styled(format!("   {}", "■".repeat(length)), NODE);
        styled.push(Line::from(vec![line.into(), bar]));
    }
    styled
}

fn draw_history(frame: &mut Frame<'_>, area: Rect, history: &[u64]) {
    let most = history.iter().max().copied().unwrap_or(0);
    #[allow(clippy::cast_precision_loss, reason = "a figure for reading")]
    let title = format!("Mpps, five a second, most {:.2}", most as f64 / 1000.0);
    let block = Block::new().title(Line::styled(title, QUIET));
    let line = Sparkline::default().data(history).style(NODE).block(block);
    frame.render_widget(line, area);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::collector::{Hop, Trace};
    use super::*;

    /// What a terminal of this size shows, line by line.
    fn drawn(width: u16, height: u16) -> Vec<String> {
        let about = About {
            cpus: [2, 3],
            frame_size: 128,
            seconds: Some(Duration::from_secs(8)),
            packets: u64::MAX,
        };
        let mut snapshot = Snapshot {
            sent: 1_234_567,
            taken: [0.5, 0.0],
            ..Snapshot::default()
        };
        snapshot.nodes[3].ticks = 123_456.0;
        snapshot.collected.trace = Some(Trace {
            flow: 63,
            hops: [Hop::default(); NODES],
        });
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal
            .draw(|frame| about.draw(frame, &snapshot, &[1, 2]))
            .unwrap();
        let symbols = terminal.backend().buffer().content().chunks(width.into());
        symbols
            .map(|row| row.iter().map(|cell| cell.symbol()).collect())
            .collect()
    }

    #[test]
    fn a_small_terminal_has_room_for_everything() {
        let lines = drawn(80, 24);
        let ends = [
            (0, "q ends it"),
            (5, "──► sink"),
            (9, "─ CPU 3 ───────────────┘"),
        ];
        for (number, end) in ends {
            assert!(lines[number].trim_end().ends_with(end), "{lines:#?}");
        }
        assert!(lines[6].contains("│123k ticks│"), "{lines:#?}");
        assert!(
            lines[9].starts_with("└─── CPU 2, 50 % taken by others ────┘"),
            "{lines:#?}"
        );
        assert!(lines[11].starts_with("0 traces verified, 0 errors; 1,234,567 packets sent"));
        assert!(lines[17].starts_with("decap "), "{lines:#?}");
        assert!(lines[23].starts_with("whole path "), "{lines:#?}");
    }

    #[test]
    fn a_larger_one_has_the_history_and_a_smaller_one_the_totals() {
        let large = drawn(120, 40);
        assert!(
            large[25].starts_with("Mpps, five a second, most 0.00"),
            "{large:#?}"
        );
        let small = drawn(40, 10);
        assert!(small[0].starts_with("0 traces verified"), "{small:#?}");
        assert!(
            small[1].starts_with("80 columns and 24 lines"),
            "{small:#?}"
        );
    }
}
