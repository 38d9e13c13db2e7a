// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Colours that can be read on dark and light: never a background, never white, black or yellow.

use ratatui::style::{Color, Modifier, Style};

/// How things look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tones {
    has_colour: bool,
}

impl Tones {
    /// Those that the user wants: <https://no-color.org>.
    pub(super) fn of_environment() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            has_colour: !unwanted,
        }
    }

    #[cfg(test)]
    pub(super) fn plain() -> Self {
        Self { has_colour: false }
    }

    #[cfg(test)]
    pub(super) fn coloured_text() -> Self {
        Self { has_colour: true }
    }

    fn coloured(self, colour: Color) -> Style {
        let style = Style::new();
        if self.has_colour {
            style.fg(colour)
        } else {
            style
        }
    }

    /// What has nothing special.
    pub(super) fn plain_text(self) -> Style {
        let _ = self;
        Style::new()
    }

    /// What need not be read.
    pub(super) fn quiet(self) -> Style {
        self.plain_text().add_modifier(Modifier::DIM)
    }

    /// The first line of a table.
    pub(super) fn heading(self) -> Style {
        self.plain_text().add_modifier(Modifier::BOLD)
    }

    /// Names of things.
    pub(super) fn name(self) -> Style {
        self.coloured(Color::Cyan)
    }

    /// What is as it should be.
    pub(super) fn good(self) -> Style {
        self.coloured(Color::Green)
    }

    /// What somebody should look at.
    pub(super) fn bad(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What is chosen.
    pub(super) fn chosen(self) -> Style {
        self.plain_text()
            .add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }
}
