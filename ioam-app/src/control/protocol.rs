// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The lines of the control socket: one object asks, one object answers.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::snapshot::{Section, Snapshot};
use super::{Answer, Ask, Desk};
use crate::reload::Outcome;

/// Version of the protocol. It changes when what an existing request is answered with does.
pub const VERSION: u64 = 1;

/// Most octets of a request, its end included.
pub const LONGEST_REQUEST: usize = 4096;

/// A request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Request {
    version: Option<u64>,
    request: String,
    section: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Hello,
    Snapshot,
    Show(Section),
    Reload { dry_run: bool },
}

/// The answer to one line, without its end.
pub(super) fn answer(line: &[u8], desk: &Desk) -> String {
    let answer = wanted(line).and_then(|wanted| ask(wanted, desk));
    let mut answer = answer.unwrap_or_else(|error| json!({ "ok": false, "error": error }));
    if let Some(object) = answer.as_object_mut() {
        object.insert("version".to_owned(), VERSION.into());
    }
    answer.to_string()
}

/// The answer to what is no request at all.
pub(super) fn refusal(why: &str) -> String {
    json!({ "ok": false, "error": why, "version": VERSION }).to_string()
}

fn wanted(line: &[u8]) -> Result<Wanted, String> {
    let request: Request = serde_json::from_slice(line)
        .map_err(|error| format!("this is no request: {error}; see docs/control.md"))?;
    if let Some(version) = request.version.filter(|version| *version != VERSION) {
        return Err(format!(
            "this node speaks version {VERSION} of the protocol, not {version}"
        ));
    }
    let section = request.section.as_deref();
    match (request.request.as_str(), section, request.dry_run) {
        ("hello", None, false) => Ok(Wanted::Hello),
        ("snapshot", None, false) => Ok(Wanted::Snapshot),
        ("show", Some(section), false) => {
            Section::named(section).map(Wanted::Show).ok_or_else(|| {
                let names = Section::ALL.map(Section::name).join(", ");
                format!("there is no section `{section}`; there are {names}")
            })
        }
        ("reload", None, dry_run) => Ok(Wanted::Reload { dry_run }),
        ("show", None, _) => Err("`show` needs a `section`".to_owned()),
        ("hello" | "snapshot" | "show" | "reload", _, _) => {
            Err(format!("`{}` does not take that key", request.request))
        }
        (other, _, _) => Err(format!(
            "there is no request `{other}`; there are hello, snapshot, show, reload"
        )),
    }
}

fn ask(wanted: Wanted, desk: &Desk) -> Result<Value, String> {
    let ask = match wanted {
        Wanted::Hello | Wanted::Snapshot | Wanted::Show(_) => Ask::Snapshot,
        Wanted::Reload { dry_run } => Ask::Reload { dry_run },
    };
    match (desk.ask(ask), wanted) {
        (None, _) => Err("the node does not answer; it may be about to end".to_owned()),
        (Some(Answer::Snapshot(snapshot)), Wanted::Show(section)) => Ok(shown(&snapshot, section)),
        (Some(Answer::Snapshot(snapshot)), Wanted::Snapshot) => Ok(everything(&snapshot)),
        (Some(Answer::Snapshot(snapshot)), _) => Ok(json!({ "ok": true, "node": snapshot.node })),
        (Some(Answer::Reload(outcome)), _) => Ok(reloaded(&outcome)),
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
