// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The terminal: taken, drawn on when something has changed, and given back whatever happens.

use std::io::stdout;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::{DefaultTerminal, Frame};
use serde_json::Value;

use super::keys::{View, Wish};
use super::model::Model;
use super::picture;
use super::tones::Tones;
use super::watcher::{Asker, Watcher};
use crate::interrupt::Interrupt;

/// How long a key or an answer may wait at most.
const TICK: Duration = Duration::from_millis(50);

/// A terminal that is given back when this is dropped; a panic gives it back before it is told of.
struct Screen(DefaultTerminal);

impl Screen {
    fn take() -> Result<Self> {
        let terminal = ratatui::try_init().inspect_err(|_| ratatui::restore());
        terminal.map(Self).context("cannot draw on this terminal")
    }

    /// Draws all at once, where the terminal knows how, so that nobody sees half of it.
    fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> Result<()> {
        let lost = "cannot draw on this terminal any more";
        execute!(stdout(), BeginSynchronizedUpdate).context(lost)?;
        self.0.draw(draw).context(lost)?;
        execute!(stdout(), EndSynchronizedUpdate).context(lost)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Draws until a key or a signal ends it.
///
/// # Errors
/// The terminal cannot be drawn on any more.
pub(super) fn run(asker: Asker, first: Value, interval: Duration) -> Result<ExitCode> {
    let interrupt = Interrupt::watch_with_terminal()?;
    let watcher = Watcher::start(asker, interval)?;
    let mut screen = Screen::take()?;
    let (mut model, mut view) = (Model::new(first), View::new(interval));
    let tones = Tones::of_environment();
    let mut drawn = None;
    let mut has_changed = true;
    while !interrupt.has_come() {
        has_changed |= listen(&watcher, &mut model, view.is_paused);
        // Only how long a node is gone changes by itself.
        let gone = model
            .gone
            .as_ref()
            .map(|(_, since)| since.elapsed().as_secs());
        if has_changed || gone != drawn {
            let now = Instant::now();
            let draw = |frame: &mut Frame<'_>| {
                picture::draw(frame, &model, &mut view, tones, now);
            };
            screen.draw(draw)?;
            (drawn, has_changed) = (gone, false);
        }
        if let Some(event) = key()? {
            has_changed = true;
            match view.press(&event) {
                Wish::Draw => {}
                Wish::Interval(interval) => watcher.set_interval(interval),
                Wish::Quit => break,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes what the node has answered; whether that was anything.
fn listen(watcher: &Watcher, model: &mut Model, is_paused: bool) -> bool {
    let mut has_changed = false;
    for answer in watcher.answers.try_iter() {
        match answer {
            Ok(answer) => model.take(answer, is_paused),
            Err(error) => model.lose(format!("{error:#}"), Instant::now()),
        }
        has_changed = true;
    }
    has_changed
}

/// What is pressed within a tick.
fn key() -> Result<Option<Event>> {
    let lost = "this terminal has no keyboard any more";
    if event::poll(TICK).context(lost)? {
        return event::read().map(Some).context(lost);
    }
    Ok(None)
}
