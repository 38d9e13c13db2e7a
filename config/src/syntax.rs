// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From text to [`Model`]: YAML itself, the shape of the file, and its keys.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::Error;
use serde_saphyr::options::MergeKeyPolicy;

use crate::model::Model;
use crate::report::{Complaint, Place, line};
use crate::suggest;

/// Reads the file.
pub(crate) fn read(text: &str) -> Result<Model, (Place, Complaint)> {
    let error = match document(text) {
        Ok(model) => return Ok(model),
        Err(error) => error,
    };
    let error = error.without_snippet();
    let mut place: Place = error.location().map(Place::from).unwrap_or_default();
    let complaint = complain(error, text, &mut place);
    Err((place, complaint))
}

/// Reads one YAML document. Budgets keep hostile files (aliases that multiply, endless nesting)
/// cheap.
pub(crate) fn document<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 4_000_000,
            max_nodes: 2_000_000,
            max_aliases: 10_000,
            max_depth: 32,
            flow_nesting_limit: 32,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 16,
        },
        merge_keys: MergeKeyPolicy::Merge,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options)
}

/// The file's values without their places; nothing when it is no YAML.
pub(crate) fn values(text: &str) -> Value {
    document(text).unwrap_or_default()
}

/// Our words for the reader's errors.
fn complain(error: &Error, text: &str, place: &mut Place) -> Complaint {
    match error {
        Error::AliasError { error, .. } => complain(error, text, place),
        Error::SerdeUnknownField {
            field, expected, ..
        } => {
            let length = field.chars().count();
            place.length = u32::try_from(length).unwrap_or(1);
            unknown_key(field, expected)
        }
        Error::SerdeMissingField { field, .. } => {
            place.length = place.length.max(1);
            Complaint::new(
                format!("the key `{field}` is missing here"),
                format!("add `{field}:`{}", described(field)),
            )
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("…");
            Complaint::new(
                format!("the key `{key}` is given twice"),
                "remove one of the two; several values of one key are a list",
            )
        }
        Error::MultipleDocuments { .. } => Complaint::new(
            "a second document begins here",
            "remove the `---`: one file is one node",
        ),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => Complaint::new(
            "this file is nested, aliased or long beyond any real configuration",
            "write the values out, with fewer aliases and levels",
        ),
        Error::Unexpected { expected, .. } => shape(expected, text, *place),
        Error::NullIntoString { .. } => {
            Complaint::new("a value must stand here", "write it, or remove the key")
        }
        Error::SerdeInvalidType { .. } => shape("one value", text, *place),
        other => yaml(other, text, *place),
    }
}

/// A key that does not exist here: a slip, or one that belongs elsewhere.
fn unknown_key(key: &str, expected: &[&str]) -> Complaint {
    // What follows the comma of an unquoted vdev string between braces reads as a key of its own.
    if key.contains('=') {
        return Complaint::new(
            format!("unknown key `{key}`"),
            format!("a value with a comma needs quotes here: \"net_af_packet0,{key}\""),
        );
    }
    let help = match suggest::nearest(key, expected.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => match homes(key).as_slice() {
            [] => format!(
                "the keys here are {}",
                suggest::list(expected.iter().copied())
            ),
            homes => format!(
                "it belongs in {}",
                suggest::list(homes.iter().map(String::as_str))
            ),
        },
    };
    Complaint::new(format!("unknown key `{key}`"), help)
}

/// What a list, mapping or value was found instead of.
fn shape(expected: &str, text: &str, place: Place) -> Complaint {
    let column = usize::try_from(place.column).unwrap_or(0).saturating_sub(1);
    let rest: String = line(text, place).chars().skip(column).collect();
    let found = match rest.chars().next() {
        Some('[') => "a list",
        Some('-') if rest.starts_with("- ") || rest == "-" => "a list",
        Some('{') => "a mapping",
        None => "nothing",
        Some(_) if expected.contains("scalar") => "a mapping",
        Some(_) => "something else",
    };
    let (wanted, help) = if expected.contains("sequence") {
        ("a list", "write `[a, b]`, or one `- ` line for each")
    } else if expected.contains("mapping") {
        (
            "keys and values",
            "write `key: value` lines, indented below",
        )
    } else {
        (
            "one value",
            "write the value alone, without brackets, braces or keys",
        )
    };
    let what = match found {
        "something else" => format!("{wanted} must stand here"),
        found => format!("{wanted} must stand here, not {found}"),
    };
    Complaint::new(what, help)
}

/// What the YAML reader itself says.
fn yaml(error: &Error, text: &str, place: Place) -> Complaint {
    let message = error.to_string();
    let what = message
        .split(" at line ")
        .next()
        .unwrap_or(&message)
        .trim()
        .to_owned();
    let line = line(text, place);
    let help = if what.contains("mapping values") && line.contains("::") {
        "an address that ends in `:` must stand in quotes"
    } else if what.contains("tab") {
        "indent with spaces"
    } else if what.contains("unclosed quote") {
        "close the quotes on the same line"
    } else if what.contains("mapping values") {
        "check the indentation of this line and the one above, and quote values that contain `: `"
    } else if what.contains("tag") {
        "remove the tag that begins with `!`"
    } else if what.contains("anchor") {
        "define it earlier in the file with `&name`"
    } else {
        "check the brackets, quotes and indentation here; this is YAML 1.2"
    };
    Complaint::new(format!("this is not YAML: {what}"), help)
}

/// Where in the file a key of this name may stand.
fn homes(key: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(&crate::schema(), &mut |path, name, _| {
        if name == key {
            found.push(if path.is_empty() {
                "the top level".to_owned()
            } else {
                path.to_owned()
            });
        }
    });
    found
}

/// The first sentence of a key's description, when all keys of that name share it.
fn described(key: &str) -> String {
    let mut descriptions = Vec::new();
    walk(&crate::schema(), &mut |_, name, property| {
        if name == key
            && let Some(text) = property.get("description").and_then(Value::as_str)
        {
            let first = text
                .split(['.', ':', ';'])
                .next()
                .unwrap_or(text)
                .to_owned();
            descriptions.push(first);
        }
    });
    descriptions.dedup();
    match descriptions.as_slice() {
        [one] => format!(" ({})", one.trim()),
        _ => String::new(),
    }
}

/// Visits every key of the schema with the path of the mapping it stands in.
pub(crate) fn walk(schema: &Value, visit: &mut dyn FnMut(&str, &str, &Value)) {
    descend(schema, schema, "", visit);
}

fn descend(root: &Value, at: &Value, path: &str, visit: &mut dyn FnMut(&str, &str, &Value)) {
    if let Some(reference) = at.get("$ref").and_then(Value::as_str)
        && let Some(target) = root.pointer(reference.trim_start_matches('#'))
    {
        descend(root, target, path, visit);
    }
    for key in ["anyOf", "allOf"] {
        for inner in at.get(key).and_then(Value::as_array).into_iter().flatten() {
            descend(root, inner, path, visit);
        }
    }
    if let Some(items) = at.get("items") {
        descend(root, items, &format!("{path}[]"), visit);
    }
    for (name, property) in at
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        visit(path, name, property);
        let dot = if path.is_empty() { "" } else { "." };
        descend(root, property, &format!("{path}{dot}{name}"), visit);
    }
}
