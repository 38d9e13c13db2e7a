// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Two looks at a node make rates: wherever there are `counts`, there are `per_second` then.

use serde_json::{Map, Value, json};

use crate::control::snapshot::Section;

/// An answer to `show`.
#[derive(Clone, Debug)]
pub struct Look(pub Value);

impl Look {
    /// Whether both are of one process, this one earlier, so that they make rates.
    #[must_use]
    pub fn is_before(&self, after: &Self) -> bool {
        let process = |look: &Self| look.0["node"]["pid"].as_u64();
        process(self) == process(after) && self.nanoseconds() < after.nanoseconds()
    }

    fn nanoseconds(&self) -> u64 {
        self.0["uptime_nanoseconds"].as_u64().unwrap_or(0)
    }
}

/// The section of the later look, with rates, and with what follows from them.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "rates for reading")]
pub fn rated(before: &Look, after: &Look, section: &str) -> Value {
    let window = after.nanoseconds().saturating_sub(before.nanoseconds()) as f64 / 1e9;
    let value = walk(Some(&before.0[section]), &after.0[section], window);
    json!({ "window_seconds": window, section: value })
}

/// As [`rated`] with every section of the later look.
#[must_use]
pub fn rated_all(before: &Look, after: &Look) -> Value {
    let mut all = rated(before, after, Section::Node.name());
    for section in Section::ALL.map(Section::name) {
        all[section] = rated(before, after, section)[section].take();
    }
    all
}

fn walk(before: Option<&Value>, after: &Value, window: f64) -> Value {
    match after {
        Value::Array(rows) => {
            let old = before.and_then(Value::as_array);
            let same = |row: &Value| old?.iter().find(|other| identity(other) == identity(row));
            let rows = rows.iter().map(|row| walk(same(row), row, window));
            Value::Array(rows.collect())
        }
        Value::Object(map) => {
            let mut rated = Map::new();
            for (key, value) in map {
                let old = before.and_then(|before| before.get(key));
                if key == "counts" {
                    rated.insert("per_second".to_owned(), rates(old, value, window));
                    rated.insert(key.clone(), value.clone());
                } else {
                    rated.insert(key.clone(), walk(old, value, window));
                }
            }
            derive(&mut rated);
            Value::Object(rated)
        }
        other => other.clone(),
    }
}

/// What says which row it is: text and the numbers that are names.
fn identity(row: &Value) -> Vec<&Value> {
    let keys = [
        "name",
        "id",
        "worker",
        "table",
        "namespace",
        "kind",
        "from",
        "to",
        "source",
        "destination",
        "nodes",
        "overflow",
    ];
    keys.iter().filter_map(|key| row.get(key)).collect()
}

/// How much each count grew in a second; `null` where there was no such count, or a larger one.
#[allow(clippy::cast_precision_loss, reason = "rates for reading")]
fn rates(before: Option<&Value>, after: &Value, window: f64) -> Value {
    let rate = |(name, count): (&String, &Value)| {
        let now = count.as_u64()?;
        let then = before?.get(name)?.as_u64()?;
        let more = now.checked_sub(then)? as f64;
        let rate = (window > 0.0).then(|| json!(more / window));
        Some((name.clone(), rate.unwrap_or_default()))
    };
    let counts = after.as_object().into_iter().flatten();
    Value::Object(
        counts
            .map(|entry| rate(entry).unwrap_or_else(|| (entry.0.clone(), Value::Null)))
            .collect(),
    )
}

/// What a worker's rates say of how busy it is.
fn derive(row: &mut Map<String, Value>) {
    let Some(ticks) = row.get("ticks_per_second").and_then(Value::as_f64) else {
        return;
    };
    let rate = |name: &str| row.get("per_second")?.get(name)?.as_f64();
    let ratio = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) if b > 0.0 => json!(a / b),
        _ => Value::Null,
    };
    let busy = ratio(rate("busy_ticks"), Some(ticks));
    let per_packet = ratio(rate("busy_ticks"), rate("packets"));
    let per_burst = ratio(rate("packets"), rate("bursts"));
    row.insert("busy".to_owned(), busy);
    row.insert("ticks_per_packet".to_owned(), per_packet);
    row.insert("packets_per_burst".to_owned(), per_burst);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(nanoseconds: u64, packets: u64, ticks: u64) -> Look {
        Look(json!({
            "uptime_nanoseconds": nanoseconds,
            "workers": [{
                "worker": 0,
                "ticks_per_second": 1000,
                "counts": { "packets": packets, "bursts": packets / 4, "busy_ticks": ticks },
            }],
        }))
    }

    #[test]
    fn rates_are_of_the_time_the_node_says_has_passed() {
        let rated = rated(
            &look(500_000_000, 100, 0),
            &look(2_500_000_000, 500, 1000),
            "workers",
        );
        assert_eq!(rated["window_seconds"], 2.0);
        let worker = &rated["workers"][0];
        assert_eq!(worker["per_second"]["packets"], 200.0);
        assert_eq!(worker["busy"], 0.5);
        assert_eq!(worker["ticks_per_packet"], 2.5);
        assert_eq!(worker["packets_per_burst"], 4.0);
    }

    #[test]
    fn what_cannot_be_told_is_null() {
        // A node that was started again, and one that is looked at twice at once.
        let looks = [
            (look(9, 500, 9), look(1, 100, 1)),
            (look(1, 100, 1), look(1, 100, 1)),
        ];
        for (before, after) in looks {
            let workers = &rated(&before, &after, "workers")["workers"];
            assert_eq!(workers[0]["per_second"]["packets"], Value::Null);
        }
        let empty = Look(json!({}));
        assert_eq!(rated(&empty, &empty, "workers")["workers"], Value::Null);
    }
}
