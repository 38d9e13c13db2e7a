// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is looked at, and the keys that change it.

use std::time::Duration;

use ratatui::crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};

/// The intervals that `+` and `-` choose from, in milliseconds.
const INTERVALS: [u64; 9] = [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

/// Lines that a page down goes.
const LEAP: usize = 10;

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Overview,
    Ioam,
    Drops,
    Latency,
    Export,
    Paths,
}

impl Page {
    /// Every one, by its key from 1 on.
    pub(super) const ALL: [Self; 6] = [
        Self::Overview,
        Self::Ioam,
        Self::Drops,
        Self::Latency,
        Self::Export,
        Self::Paths,
    ];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Ioam => "ioam",
            Self::Drops => "drops",
            Self::Latency => "latency",
            Self::Export => "export",
            Self::Paths => "paths",
        }
    }

    /// What its rows can be sorted by; the first is what they are sorted by unless asked.
    pub(super) fn orders(self) -> &'static [&'static str] {
        match self {
            Self::Overview | Self::Ioam | Self::Export => &[],
            Self::Drops => &["rate", "total", "name"],
            Self::Latency => &["place", "p50", "p99", "rate"],
            Self::Paths => &["newest", "last seen", "rate", "delay"],
        }
    }
}

/// What is looked at.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) page: usize,
    /// By page: which of its orders.
    orders: [usize; Page::ALL.len()],
    /// Lines that are scrolled past.
    pub(super) scrolled: usize,
    pub(super) is_paused: bool,
    pub(super) helps: bool,
    pub(super) interval: Duration,
}

/// What else a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing: the view may have changed.
    Draw,
    /// Another interval.
    Interval(Duration),
    /// The end.
    Quit,
}

impl View {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            page: 0,
            orders: [0; Page::ALL.len()],
            scrolled: 0,
            is_paused: false,
            helps: false,
            interval,
        }
    }

    /// The page that is shown.
    pub(super) fn page(&self) -> Page {
        Page::ALL.get(self.page).copied().unwrap_or(Page::Overview)
    }

    /// What the page is sorted by, if it can be.
    pub(super) fn order(&self) -> Option<&'static str> {
        let order = self.orders.get(self.page).copied().unwrap_or(0);
        self.page().orders().get(order).copied()
    }

    /// Does what a key asks for.
    pub(super) fn press(&mut self, event: &Event) -> Wish {
        let Event::Key(key) = event else {
            return Wish::Draw;
        };
        if key.kind == KeyEventKind::Release {
            return Wish::Draw;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if is_control => return Wish::Quit,
            KeyCode::Esc if self.helps => self.helps = false,
            KeyCode::Char('q') | KeyCode::Esc => return Wish::Quit,
            KeyCode::Char('?' | 'h') => self.helps = !self.helps,
            KeyCode::Char('p' | ' ') => self.is_paused = !self.is_paused,
            KeyCode::Char('s') => self.sort(),
            KeyCode::Char('+' | '=') => return self.pace(true),
            KeyCode::Char('-') => return self.pace(false),
            KeyCode::Char(digit @ '1'..='9') => {
                let page = usize::try_from(u32::from(digit) - u32::from('1')).unwrap_or(0);
                self.turn_to(page);
            }
            KeyCode::Tab | KeyCode::Right => self.turn_to((self.page + 1) % Page::ALL.len()),
            KeyCode::BackTab | KeyCode::Left => {
                self.turn_to((self.page + Page::ALL.len() - 1) % Page::ALL.len());
            }
            other => self.scroll(other),
        }
        Wish::Draw
    }

    fn turn_to(&mut self, page: usize) {
        if page < Page::ALL.len() {
            (self.page, self.scrolled, self.helps) = (page, 0, false);
        }
    }

    /// The frame knows how far is too far.
    fn scroll(&mut self, key: KeyCode) {
        self.scrolled = match key {
            KeyCode::Up | KeyCode::Char('k') => self.scrolled.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scrolled.saturating_add(1),
            KeyCode::PageUp => self.scrolled.saturating_sub(LEAP),
            KeyCode::PageDown => self.scrolled.saturating_add(LEAP),
            KeyCode::Home => 0,
            KeyCode::End => usize::MAX,
            _ => self.scrolled,
        };
    }

    fn sort(&mut self) {
        let many = self.page().orders().len();
        if let Some(order) = self.orders.get_mut(self.page).filter(|_| many > 0) {
            *order = (*order + 1) % many;
        }
    }

    fn pace(&mut self, slower: bool) -> Wish {
        let now = u64::try_from(self.interval.as_millis()).unwrap_or(u64::MAX);
        let next = if slower {
            INTERVALS.into_iter().find(|other| *other > now)
        } else {
            INTERVALS.into_iter().rev().find(|other| *other < now)
        };
        let Some(next) = next else {
            return Wish::Draw;
        };
        self.interval = Duration::from_millis(next);
        Wish::Interval(self.interval)
    }
}
