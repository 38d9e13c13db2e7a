// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is different between two files, key by key.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::syntax;

/// A key whose value is not the same in two files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key's path, such as `profiles[web].filter.dscp`: items of lists go by their name or id
    /// where they have one.
    pub key: String,
    /// What it was; `None` where it was not there.
    pub before: Option<String>,
    /// What it is; `None` where it is no longer there.
    pub after: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{key}: {before} -> {after}"),
            (None, Some(after)) => write!(f, "{key}: added, {after}"),
            (Some(before), None) => write!(f, "{key}: removed, was {before}"),
            (None, None) => write!(f, "{key}"),
        }
    }
}

/// The keys that differ between two files that load, in the order of their paths. Numbers are
/// compared as numbers, however they are written.
#[must_use]
pub fn changes(before: &str, after: &str) -> Vec<Change> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    flatten(String::new(), &syntax::values(before), &mut old);
    flatten(String::new(), &syntax::values(after), &mut new);
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let differing = keys
        .into_iter()
        .filter(|key| old.get(*key) != new.get(*key));
    differing
        .map(|key| Change {
            key: key.clone(),
            before: old.get(key).cloned(),
            after: new.get(key).cloned(),
        })
        .collect()
}

/// Every value by its path. A list without names is one value, since what stands where in it counts.
fn flatten(path: String, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let dot = if path.is_empty() { "" } else { "." };
                flatten(format!("{path}{dot}{key}"), value, found);
            }
        }
        Value::Array(items) => match names(items) {
            Some(names) => {
                // The order is a setting of its own: profiles are tried in it.
                found.insert(path.clone(), format!("[{}]", names.join(", ")));
                for (name, item) in names.iter().zip(items) {
                    flatten(format!("{path}[{name}]"), item, found);
                }
            }
            None => {
                found.insert(path, text(value));
            }
        },
        Value::Null => {}
        value => {
            found.insert(path, text(value));
        }
    }
}

/// What the items of a list are called, where each has a name of its own.
fn names(items: &[Value]) -> Option<Vec<String>> {
    let name = |item: &Value| {
        let keys = ["name", "id", "prefix", "in-port", "address"];
        let named = keys.iter().find_map(|key| item.get(key));
        named.map(text)
    };
    let names: Vec<String> = items.iter().map(name).collect::<Option<_>>()?;
    let mut sorted = names.clone();
    sorted.sort();
    sorted.dedup();
    (sorted.len() == names.len() && !names.is_empty()).then_some(names)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "node: {id: 0x0a}
ports: [{name: a, device: net_null0}, {name: b, device: net_null1, mtu: 1500}]
forwarding: {pairs: [[a, b]]}
namespaces: [{id: 123, data: 1}, {id: 7}]
profiles:
  - {name: web, filter: {dscp: 1}}
  - {name: all}
";

    #[test]
    fn keys_go_by_names_and_numbers_by_value() {
        assert_eq!(changes(OLD, OLD), []);
        let same = OLD.replace("0x0a", "10").replace("1500", "0x5dc");
        assert_eq!(changes(OLD, &same), []);
        let new = OLD
            .replace("dscp: 1", "dscp: 46")
            .replace(", {id: 7}", "")
            .replace("  - {name: all}\n", "  - {name: rest, filter: {dscp: 0}}\n")
            .replace("[[a, b]]", "[[b, a]]");
        let lines: Vec<String> = changes(OLD, &new).iter().map(Change::to_string).collect();
        assert_eq!(
            lines,
            [
                "forwarding.pairs: [[\"a\",\"b\"]] -> [[\"b\",\"a\"]]",
                "namespaces: [123, 7] -> [123]",
                "namespaces[7].id: removed, was 7",
                "profiles: [web, all] -> [web, rest]",
                "profiles[all].name: removed, was all",
                "profiles[rest].filter.dscp: added, 0",
                "profiles[rest].name: added, rest",
                "profiles[web].filter.dscp: 1 -> 46",
            ]
        );
    }

    #[test]
    fn what_is_no_file_has_no_keys() {
        assert_eq!(changes("a: [", ""), []);
    }
}
