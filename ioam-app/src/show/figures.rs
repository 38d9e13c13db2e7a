// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Figures as people read them.

use serde_json::Value;

/// A value as it is; `-` for none.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

/// A rate.
pub(super) fn rate(value: &Value) -> String {
    decimal(value.as_f64())
}

/// Whole where it is large, with what matters behind the point where it is small.
pub(super) fn decimal(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 1.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.3}"),
    }
}

/// A part of a whole; `-` when it is not known. What is there is never 0.
#[must_use]
pub fn percent(part: Option<f64>) -> String {
    match part.map(|part| part * 100.0) {
        None => "-".to_owned(),
        Some(0.0) => "0 %".to_owned(),
        Some(part) if part < 0.01 => "< 0.01 %".to_owned(),
        Some(part) if part < 1.0 => format!("{part:.2} %"),
        Some(part) => format!("{part:.1} %"),
    }
}

/// `a` of `b`, where there is any.
#[must_use]
pub fn part(a: &Value, b: &Value) -> Option<f64> {
    let (a, b) = (a.as_f64()?, b.as_f64()?);
    (b > 0.0).then(|| a / b)
}

/// Whether a port's link is up, and its speed.
#[must_use]
pub fn link(port: &Value) -> String {
    match (
        &port["link_up"],
        port["megabits_per_second"].as_u64().unwrap_or(0),
    ) {
        (Value::Bool(true), 0) => "up".to_owned(),
        (Value::Bool(true), speed) if speed.is_multiple_of(1000) => {
            format!("{} Gbit/s", speed / 1000)
        }
        (Value::Bool(true), speed) => format!("{speed} Mbit/s"),
        (Value::Bool(false), _) => "down".to_owned(),
        _ => "unknown".to_owned(),
    }
}

/// What a port's device loses: packets of which no counter of the data plane knows.
pub const LOSSES: [&str; 4] = ["rx_missed", "rx_errors", "rx_no_buffer", "tx_errors"];

/// A port's losses in a second, and in all.
#[must_use]
pub fn losses(port: &Value) -> (Option<f64>, u64) {
    let rates = LOSSES.iter().map(|key| port["per_second"][*key].as_f64());
    let counts = LOSSES
        .iter()
        .filter_map(|key| port["counts"][*key].as_u64());
    (rates.sum(), counts.sum())
}

/// Mbit/s from octets in a second.
#[must_use]
pub fn megabits(octets: &Value) -> Option<f64> {
    octets.as_f64().map(|octets| octets * 8.0 / 1e6)
}

/// Hours, minutes and seconds, with days in front of them where there are any.
#[must_use]
pub fn clock(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    let time = format!("{hours}:{minutes:02}:{seconds:02}");
    match days {
        0 => time,
        1 => format!("1 day {time}"),
        days => format!("{days} days {time}"),
    }
}

/// The nodes of a path, oldest first; behind them `…` where some found no room.
#[must_use]
pub fn nodes(path: &Value) -> String {
    let nodes = path["nodes"].as_array().into_iter().flatten();
    let mut nodes: Vec<String> = nodes.map(text).collect();
    if path["overflow"] == true {
        nodes.push("…".to_owned());
    }
    nodes.join(" > ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_have_the_digits_that_matter() {
        let shown = [0.0, 0.0004, 0.5, 12.34, 1234.5, -0.25].map(|value| decimal(Some(value)));
        assert_eq!(shown, ["0", "0.000", "0.500", "12.3", "1234", "-0.250"]);
        let shown = [0.0, 0.00001, 0.0021, 0.978].map(|part| percent(Some(part)));
        assert_eq!(shown, ["0 %", "< 0.01 %", "0.21 %", "97.8 %"]);
        let shown = [59, 3661, 90_000, 200_000].map(|seconds| clock(seconds * 1_000_000_000));
        assert_eq!(
            shown,
            ["0:00:59", "1:01:01", "1 day 1:00:00", "2 days 7:33:20"]
        );
    }

    #[test]
    fn a_link_says_what_is_known_of_it() {
        let port =
            |up: Value, speed: Value| link(&json!({"link_up": up, "megabits_per_second": speed}));
        assert_eq!(port(true.into(), 10_000.into()), "10 Gbit/s");
        assert_eq!(port(true.into(), 2500.into()), "2500 Mbit/s");
        assert_eq!(port(true.into(), Value::Null), "up");
        assert_eq!(port(false.into(), 10_000.into()), "down");
        assert_eq!(port(Value::Null, Value::Null), "unknown");
    }
}
