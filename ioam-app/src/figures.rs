// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Figures as people read them.

/// A length of time in the unit that suits it, with three digits. Nanoseconds.
#[must_use]
pub fn duration(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds.abs() {
        ..999.5 => return format!("{nanoseconds:.0} ns"),
        ..999_500.0 => (nanoseconds / 1e3, "µs"),
        ..999_500_000.0 => (nanoseconds / 1e6, "ms"),
        _ => (nanoseconds / 1e9, "s"),
    };
    let digits = match value.abs() {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

/// A number with commas between its thousands.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `count` with the noun's plural where it needs one: `1 packet`, `2,000 packets`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_and_the_unit_that_fits() {
        let shown = [
            (0.0, "0 ns"),
            (999.0, "999 ns"),
            (1000.0, "1.00 µs"),
            (9_996.0, "10.0 µs"),
            (45_678.0, "45.7 µs"),
            (999_499.0, "999 µs"),
            (999_500.0, "1.00 ms"),
            (25e6, "25.0 ms"),
            (2.5e9, "2.50 s"),
            (-2e3, "-2.00 µs"),
        ];
        for (nanoseconds, text) in shown {
            assert_eq!(duration(nanoseconds), text, "{nanoseconds}");
        }
    }

    #[test]
    fn numbers_are_grouped_and_nouns_counted() {
        let shown = [0, 999, 1234, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,234", "1,234,567"]);
        let shown = [1, 0, 2000].map(|count| counted(count, "flow"));
        assert_eq!(shown, ["1 flow", "0 flows", "2,000 flows"]);
    }
}
