// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The lines of the control socket: one object asks, one object answers.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::snapshot::{Section, Snapshot};
use super::tracing::Order;
use super::{Answer, Ask, Desk};
use crate::reload::Outcome;

/// Version of the protocol. It changes when what an existing request is answered with does.
pub const VERSION: u64 = 1;

/// Most octets of a request, its end included.
pub const LONGEST_REQUEST: usize = 4096;

const REQUESTS: [&str; 5] = ["hello", "snapshot", "show", "reload", "trace"];

/// A request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Request {
    version: Option<u64>,
    request: String,
    section: Option<String>,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    r#match: Vec<String>,
    count: Option<u64>,
    seconds: Option<f64>,
    #[serde(default)]
    text: bool,
    #[serde(default)]
    frames: bool,
}

impl Request {
    /// A key that is there and that this request does not take.
    fn stray_key(&self) -> Option<&'static str> {
        let given = [
            (self.section.is_some(), "section"),
            (self.dry_run, "dry-run"),
            (!self.r#match.is_empty(), "match"),
            (self.count.is_some(), "count"),
            (self.seconds.is_some(), "seconds"),
            (self.text, "text"),
            (self.frames, "frames"),
        ];
        let taken: &[&str] = match self.request.as_str() {
            "show" => &["section"],
            "reload" => &["dry-run"],
            "trace" => &["match", "count", "seconds", "text", "frames"],
            _ => &[],
        };
        let mut stray = given
            .iter()
            .filter(|(is_there, key)| *is_there && !taken.contains(key));
        stray.next().map(|(_, key)| *key)
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    /// The node itself.
    Hello,
    /// All figures of one moment.
    Snapshot,
    /// Figures of one kind.
    Show(Section),
    /// Another configuration.
    Reload {
        /// Only to say what would change.
        dry_run: bool,
    },
    /// Packets.
    Trace(Order),
}

/// The answer to what wants one answer, without its end.
pub(super) fn answer(wanted: &Wanted, desk: &Desk) -> String {
    let answer = ask(wanted, desk);
    sealed(answer.unwrap_or_else(|error| json!({ "ok": false, "error": error })))
}

/// The answer to what cannot be had.
pub(super) fn refusal(why: &str) -> String {
    sealed(json!({ "ok": false, "error": why }))
}

/// An answer with the version that all have.
pub(super) fn sealed(mut answer: Value) -> String {
    if let Some(object) = answer.as_object_mut() {
        object.insert("version".to_owned(), VERSION.into());
    }
    answer.to_string()
}

/// What a line asks for.
///
/// # Errors
/// What is wrong with it.
pub(super) fn wanted(line: &[u8]) -> Result<Wanted, String> {
    let request: Request = serde_json::from_slice(line)
        .map_err(|error| format!("this is no request: {error}; see docs/control.md"))?;
    if let Some(version) = request.version.filter(|version| *version != VERSION) {
        return Err(format!(
            "this node speaks version {VERSION} of the protocol, not {version}"
        ));
    }
    let name = request.request.as_str();
    if !REQUESTS.contains(&name) {
        let there = REQUESTS.join(", ");
        return Err(format!("there is no request `{name}`; there are {there}"));
    }
    if let Some(key) = request.stray_key() {
        return Err(format!("`{name}` does not take `{key}`"));
    }
    Ok(match (name, request.section.as_deref()) {
        ("show", Some(section)) => Wanted::Show(Section::named(section).ok_or_else(|| {
            let names = Section::ALL.map(Section::name).join(", ");
            format!("there is no section `{section}`; there are {names}")
        })?),
        ("show", None) => return Err("`show` needs a `section`".to_owned()),
        ("snapshot", _) => Wanted::Snapshot,
        ("reload", _) => Wanted::Reload {
            dry_run: request.dry_run,
        },
        ("trace", _) => Wanted::Trace(Order {
            terms: request.r#match,
            count: request.count,
            seconds: request.seconds,
            text: request.text,
            frames: request.frames,
        }),
        _ => Wanted::Hello,
    })
}

fn ask(wanted: &Wanted, desk: &Desk) -> Result<Value, String> {
    let ask = match wanted {
        Wanted::Hello | Wanted::Snapshot | Wanted::Show(_) => Ask::Snapshot,
        Wanted::Reload { dry_run } => Ask::Reload { dry_run: *dry_run },
        Wanted::Trace(_) => Ask::Taps,
    };
    match (desk.ask(ask), wanted) {
        (None, _) => Err("the node does not answer; it may be about to end".to_owned()),
        (Some(Answer::Snapshot(snapshot)), Wanted::Show(section)) => Ok(shown(&snapshot, *section)),
        (Some(Answer::Snapshot(snapshot)), Wanted::Snapshot) => Ok(everything(&snapshot)),
        (Some(Answer::Snapshot(snapshot)), _) => Ok(json!({ "ok": true, "node": snapshot.node })),
        (Some(Answer::Reload(outcome)), _) => Ok(reloaded(&outcome)),
        // Traces have answers of their own.
        (Some(Answer::Taps(_)), _) => Ok(json!({ "ok": true })),
    }
}

/// A section with what makes rates of two of them.
fn shown(snapshot: &Snapshot, section: Section) -> Value {
    json!({
        "ok": true,
        "uptime_nanoseconds": snapshot.node.uptime_nanoseconds,
        section.name(): snapshot.section(section),
    })
}

/// Every section of one moment, so that a view of them all agrees with itself.
fn everything(snapshot: &Snapshot) -> Value {
    let mut all = Map::new();
    all.insert("ok".to_owned(), true.into());
    let uptime = snapshot.node.uptime_nanoseconds;
    all.insert("uptime_nanoseconds".to_owned(), uptime.into());
    for section in Section::ALL {
        all.insert(section.name().to_owned(), snapshot.section(section));
    }
    Value::Object(all)
}

fn reloaded(outcome: &Outcome) -> Value {
    let mut value = serde_json::to_value(outcome).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("ok".to_owned(), outcome.error.is_none().into());
    }
    value
}
