// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The JSON Schema that is checked in, the reference in docs/ and the model agree.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .expect("a file of the repository")
}

/// Every key by its path, such as `ports[].mtu`.
fn keys(root: &Value, at: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    if let Some(reference) = at.get("$ref").and_then(Value::as_str) {
        keys(
            root,
            root.pointer(reference.trim_start_matches('#'))
                .expect("a definition"),
            path,
            found,
        );
    }
    for inner in at
        .get("anyOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        keys(root, inner, path, found);
    }
    if let Some(items) = at.get("items") {
        keys(root, items, &format!("{path}[]"), found);
    }
    for (name, property) in at
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let dot = if path.is_empty() { "" } else { "." };
        let key = format!("{path}{dot}{name}");
        keys(root, property, &key, found);
        found.insert(key, property.clone());
    }
}

#[test]
fn the_checked_in_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.json");
    let current = ioam_config::schema();
    if std::env::var_os("IOAM_UPDATE").is_some() {
        std::fs::write(&path, format!("{current:#}\n")).unwrap();
    }
    let checked_in: Value = serde_json::from_str(&read("schema.json")).unwrap();
    assert!(
        checked_in == current,
        "run: ioam schema > config/schema.json"
    );
}

/// The rows of the reference: a key's path and its default. A heading names the path of its table.
fn rows() -> BTreeMap<String, String> {
    let document = read("../docs/configuration.md");
    let mut prefix = String::new();
    let mut rows = BTreeMap::new();
    for line in document.lines() {
        if let Some(heading) = line
            .strip_prefix("## ")
            .or_else(|| line.strip_prefix("### "))
        {
            let path = heading
                .strip_prefix('`')
                .and_then(|path| path.strip_suffix('`'));
            prefix = path.map(|path| format!("{path}.")).unwrap_or_default();
        }
        let mut cells = line.split(" | ");
        let key = cells
            .next()
            .and_then(|cell| cell.strip_prefix("| `")?.strip_suffix('`'));
        if let Some(key) = key {
            let path = format!("{prefix}{key}");
            let default = cells.nth(1).unwrap_or_default().to_owned();
            assert!(
                rows.insert(path.clone(), default).is_none(),
                "{path} is described twice"
            );
        }
    }
    rows
}

#[test]
fn the_reference_describes_every_key_and_no_other() {
    let schema = ioam_config::schema();
    let mut expected = BTreeMap::new();
    keys(&schema, &schema, "", &mut expected);
    let described = rows();
    for key in expected.keys() {
        assert!(
            described.contains_key(key),
            "docs/configuration.md has no row for {key}"
        );
    }
    for key in described.keys() {
        assert!(
            expected.contains_key(key),
            "docs/configuration.md describes {key}: no such key"
        );
    }
}

#[test]
fn the_reference_gives_the_defaults_of_the_schema() {
    let schema = ioam_config::schema();
    let mut properties = BTreeMap::new();
    keys(&schema, &schema, "", &mut properties);
    let described = rows();
    for (path, property) in properties {
        let Some(default) = property.get("default") else {
            continue;
        };
        let default = default
            .as_str()
            .map_or_else(|| default.to_string(), str::to_owned);
        assert_eq!(described[&path], format!("`{default}`"), "{path}");
    }
}

#[test]
fn every_key_is_described_in_the_schema() {
    let schema = ioam_config::schema();
    for definition in schema["$defs"].as_object().unwrap().values() {
        for (name, property) in definition["properties"].as_object().unwrap() {
            let text = property["description"].as_str().unwrap_or_default();
            assert!(text.ends_with('.'), "{name}: {text}");
        }
        assert_eq!(definition["additionalProperties"], false);
    }
}
