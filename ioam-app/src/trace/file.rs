// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Traced packets as a capture: each as it came and as it left, with what was done as comments.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::replay::capture::{Annotated, AnnotatedWriter, Direction};

/// A capture in the making.
pub(super) struct File {
    path: PathBuf,
    writer: AnnotatedWriter,
}

impl File {
    /// Begins it, with an interface for each port.
    pub(super) fn create(path: &Path, ports: &Value) -> Result<Self> {
        let ports = ports.as_array().into_iter().flatten();
        let names: Vec<_> = ports.filter_map(Value::as_str).collect();
        let writer = AnnotatedWriter::create(path, &names)
            .with_context(|| format!("cannot write {}; see --write", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            writer,
        })
    }

    /// Adds a packet, and sees to it that it is in the file.
    pub(super) fn add(&mut self, answer: &Value) -> Result<()> {
        let path = &self.path;
        let (packet, frames) = (&answer["packet"], &answer["frames"]);
        let came = frame(&frames["before"]).context("the node told of a packet without octets")?;
        let nanoseconds = frames["nanoseconds"].as_u64().unwrap_or(0);
        let number = &packet["packet"];
        let mut comments = vec![format!("packet {number}")];
        comments.extend(deeds(packet));
        let inbound = came.annotated(Direction::Inbound, nanoseconds, &comments);
        let mut written = self.writer.write(&inbound);
        if let (Ok(()), Some(left)) = (&written, frame(&frames["after"])) {
            let comments = [format!("packet {number}, as it was sent")];
            let outbound = left.annotated(Direction::Outbound, nanoseconds, &comments);
            written = self.writer.write(&outbound);
        }
        written.and_then(|()| self.writer.flush()).with_context(|| {
            let path = path.display();
            format!("cannot write {path} any more; the trace has ended, the node goes on")
        })
    }
}

/// What the node did, a comment each.
fn deeds(packet: &Value) -> Vec<String> {
    let list = |key: &str| packet[key].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let passed_by = list("passed_by").into_iter().map(|passed| {
        let (profile, why) = (text(&passed["profile"]), text(&passed["why"]));
        format!("passed by: profile {profile}: {why}")
    });
    let decisions = list("decisions").into_iter().map(|decision| {
        let part = |key: &str| text(&decision[key]);
        format!("{}: {}: {}", part("stage"), part("subject"), part("what"))
    });
    let fate = match (&packet["dropped"], &packet["sent"]) {
        (dropped @ Value::Object(_), _) => {
            format!(
                "dropped: {}: {}",
                text(&dropped["name"]),
                text(&dropped["why"])
            )
        }
        (_, sent) => {
            let (before, after) = (&packet["octets"], &sent["octets"]);
            format!(
                "sent: by {}, {before} → {after} octets",
                text(&sent["port"])
            )
        }
    };
    passed_by.chain(decisions).chain([fate]).collect()
}

/// A frame as the node tells it.
struct Frame {
    interface: u32,
    octets: Vec<u8>,
    wire_octets: u32,
}

impl Frame {
    fn annotated<'a>(
        &'a self,
        direction: Direction,
        nanoseconds: u64,
        comments: &'a [String],
    ) -> Annotated<'a> {
        Annotated {
            interface: self.interface,
            direction,
            nanoseconds,
            octets: &self.octets,
            wire_octets: self.wire_octets,
            comments,
        }
    }
}

fn frame(value: &Value) -> Option<Frame> {
    let number = |key: &str| {
        value[key]
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
    };
    Some(Frame {
        interface: number("port")?,
        octets: octets(value["hex"].as_str()?)?,
        wire_octets: number("octets")?,
    })
}

fn octets(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<_>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
    let pairs = digits?;
    let octet = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high << 4 | low).ok(),
        _ => None,
    };
    pairs.chunks(2).map(octet).collect()
}
