// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The one request with more than one answer: packets, as they are traced.

use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use ioam_dp::pipeline::Verdict;
use ioam_dp::port::PortId;
use ioam_dp::tap::{Frame, Traced};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};

use super::protocol::{refusal, sealed};
use super::server::write_line;
use super::{Answer, Ask, Desk};
use crate::explain::{Explained, Happened, Seen};
use crate::trace::{Watch, matcher};

/// How long it rests where no packet waits.
const PAUSE: Duration = Duration::from_millis(2);
/// How long a client that has gone may go unnoticed.
const PARTING: Duration = Duration::from_millis(100);
/// How often it says how far it is.
const PROGRESS: Duration = Duration::from_millis(250);

/// What to trace, and how to tell it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Order {
    /// Which packets: every term has to match.
    pub(super) terms: Vec<String>,
    /// It ends after so many packets.
    pub(super) count: Option<u64>,
    /// It ends after so many seconds.
    pub(super) seconds: Option<f64>,
    /// Whether each packet comes as text too.
    pub(super) text: bool,
    /// Whether each packet's octets come too.
    pub(super) frames: bool,
}

/// Traces until it is over, or the client goes or does not read; `None` when the client is lost.
pub(super) fn trace(order: &Order, desk: &Desk, stream: &mut UnixStream) -> Option<()> {
    match begin(order, desk) {
        Err(error) => write_line(stream, &refusal(&error)),
        Ok((mut watch, deadline, begun)) => {
            write_line(stream, &sealed(begun))?;
            follow(order, &mut watch, deadline, stream)
        }
    }
}

type Begun = (Watch, Option<Instant>, Value);

fn begin(order: &Order, desk: &Desk) -> Result<Begun, String> {
    let wants = || "`seconds` wants a number above 0, such as 10".to_owned();
    let deadline = match order.seconds {
        None => None,
        Some(seconds) => {
            let time = Duration::try_from_secs_f64(seconds).map_err(|_| wants())?;
            let time = Some(time).filter(|time| !time.is_zero());
            Instant::now().checked_add(time.ok_or_else(wants)?)
        }
    };
    if order.count == Some(0) {
        return Err("`count` wants at least 1".to_owned());
    }
    let Some(Answer::Taps(taps)) = desk.ask(Ask::Taps) else {
        return Err("the node does not answer; it may be about to end".to_owned());
    };
    let matcher = matcher(&order.terms, &taps.tables)?;
    let ports: Vec<_> = taps.tables.ports.iter().map(|port| &port.name).collect();
    let begun = json!({ "ok": true, "trace": { "ports": ports } });
    let watch = Watch::begin(&taps, &matcher).or_else(|| {
        // One that has just gone may not be missed yet.
        std::thread::sleep(PARTING);
        Watch::begin(&taps, &matcher)
    });
    let watch = watch.ok_or(
        "another client traces this node; one can at a time: try again when that has ended",
    )?;
    Ok((watch, deadline, begun))
}

fn follow(
    order: &Order,
    watch: &mut Watch,
    deadline: Option<Instant>,
    stream: &mut UnixStream,
) -> Option<()> {
    let (mut shown, mut due) = (0, Instant::now());
    loop {
        let told = watch.next(|traced| told(shown + 1, traced, order));
        let waits = told.is_some();
        if let Some(mut told) = told {
            shown += 1;
            told.insert("lost".to_owned(), watch.lost().into());
            write_line(stream, &sealed(told.into()))?;
        }
        let now = Instant::now();
        let why = if order.count == Some(shown) {
            Some("count")
        } else {
            deadline.filter(|end| now >= *end).map(|_| "seconds")
        };
        if let Some(why) = why {
            let mut end = watch.figures().json(shown);
            end["why"] = why.into();
            return write_line(stream, &sealed(json!({ "ok": true, "end": end })));
        }
        if now >= due {
            due = now + PROGRESS;
            let progress = json!({ "ok": true, "progress": watch.figures().json(shown) });
            write_line(stream, &sealed(progress))?;
        }
        if !waits {
            if has_gone(stream) {
                return None;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Whether the other end is closed, in both directions.
fn has_gone(stream: &UnixStream) -> bool {
    let mut polled = [PollFd::new(stream, PollFlags::empty())];
    let at_once = Timespec::default();
    let found = poll(&mut polled, Some(&at_once));
    found.is_ok() && polled[0].revents().contains(PollFlags::HUP)
}

/// A packet as `ioam explain` would tell it.
fn told(number: u64, traced: &Traced, order: &Order) -> serde_json::Map<String, Value> {
    let mut told = serde_json::Map::new();
    let Some(tables) = &traced.tables else {
        return told;
    };
    let stats = traced.counted(tables);
    let explained = Explained::new(
        number,
        &Happened {
            time: traced.received,
            in_port: traced.in_port,
            before: seen(&traced.before),
            after: seen(&traced.after),
            fate: traced.fate,
            copies: traced.originated,
            tables,
            stats: &stats,
            records: &traced.records,
        },
    );
    told.insert("ok".to_owned(), true.into());
    told.insert("packet".to_owned(), explained.json());
    if order.text {
        told.insert("text".to_owned(), explained.text().into());
    }
    if order.frames {
        told.insert("frames".to_owned(), frames(traced));
    }
    told
}

fn seen(frame: &Frame) -> Seen<'_> {
    Seen {
        bytes: frame.bytes(),
        octets: frame.octets(),
    }
}

/// The octets of a packet, and when and where: for a capture.
fn frames(traced: &Traced) -> Value {
    let frame = |port: PortId, frame: &Frame| {
        let hex: String = frame
            .bytes()
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        json!({ "port": port.0, "octets": frame.octets(), "hex": hex })
    };
    let after = match traced.fate {
        Verdict::Send(port) => Some(frame(port, &traced.after)),
        Verdict::Drop(_) => None,
    };
    json!({
        "nanoseconds": traced.received.map(|time| time.as_nanoseconds()),
        "before": frame(traced.in_port, &traced.before),
        "after": after,
    })
}
