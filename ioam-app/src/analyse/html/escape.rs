// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Text from records and names, made harmless in HTML and in attributes.

use std::fmt::{self, Display, Write as _};

/// What may stand in an element or in a quoted attribute, whatever it says.
pub(super) struct Esc<T>(pub(super) T);

impl<T: Display> Display for Esc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '&' => self.0.write_str("&amp;")?,
                '<' => self.0.write_str("&lt;")?,
                '>' => self.0.write_str("&gt;")?,
                '"' => self.0.write_str("&quot;")?,
                '\'' => self.0.write_str("&#39;")?,
                letter if is_tricky(letter) => self.0.write_char('\u{FFFD}')?,
                letter => self.0.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// Whether a letter is not shown as itself, but changes how others are.
fn is_tricky(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// The first `most` letters, the last of which says that there were more.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars()
        .take(most.saturating_sub(1))
        .chain(['…'])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_element_or_attribute() {
        let hostile = "</title><script>alert(\"1\")</script>'&\u{202E}\u{1b}[2J";
        let text = Esc(hostile).to_string();
        assert!(!text.contains(['<', '>', '"', '\'', '\u{202E}', '\u{1b}']));
        assert!(text.starts_with("&lt;/title&gt;&lt;script&gt;"));
        assert_eq!(Esc("paris → lyon, 5 µs").to_string(), "paris → lyon, 5 µs");
    }

    #[test]
    fn long_names_end_where_they_have_to() {
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("äbcd", 3), "äb…");
    }
}
