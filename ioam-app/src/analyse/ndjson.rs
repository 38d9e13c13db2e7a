// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A line of JSON (`docs/records.md`) as an event.

use std::net::Ipv6Addr;

use ioam_dp::record::Flow;
use ioam_dp::table::spec::TimestampFormat;
use ioam_dp::timestamp::Timestamp;
use serde::Deserialize;

use super::event::{self, Card, Context, EndToEnd, Event, Figures, Report, Trace};
use super::ipfix::sequence;
use crate::export::rfc3339;

/// The bit of an IOAM-E2E-Type for a sequence number of 64 bits.
const LONG_SEQUENCE: u16 = 0x8000;

/// Every key of any kind of record that matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    record: Option<String>,
    time: Option<String>,
    profile: Option<String>,
    namespace: Option<u16>,
    option_type: String,
    occasion: String,
    overflow: bool,
    malformed: bool,
    timestamp_format: Option<String>,
    outer: Option<Addresses>,
    flow: Option<FlowKeys>,
    nodes: Vec<Node>,
    node: Option<Node>,
    e2e_type: Option<String>,
    flow_id: Option<u32>,
    sequence: Option<u64>,
    seconds: Option<u32>,
    fraction: Option<u32>,
    outer_source: Option<Ipv6Addr>,
    last: bool,
    received: u64,
    lost: u64,
    pending: u64,
    reordered: u64,
    duplicates: u64,
    late: u64,
    restarts: u64,
    delay: Option<Delay>,
}

#[derive(Debug, Deserialize)]
struct Addresses {
    source: Ipv6Addr,
    destination: Ipv6Addr,
}

#[derive(Debug, Deserialize)]
struct FlowKeys {
    source: Ipv6Addr,
    destination: Ipv6Addr,
    #[serde(default)]
    source_port: u16,
    #[serde(default)]
    destination_port: u16,
    #[serde(default)]
    next_header: u8,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Node {
    hop_limit: Option<u8>,
    node_id: Option<u32>,
    node_id_wide: Option<String>,
    ingress_if_id: Option<u32>,
    egress_if_id: Option<u32>,
    ingress_if_id_wide: Option<u32>,
    egress_if_id_wide: Option<u32>,
    timestamp_seconds: Option<u32>,
    timestamp_fraction: Option<u32>,
    transit_delay: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Delay {
    packets: u64,
    min: i64,
    mean: i64,
    max: i64,
    #[serde(default)]
    jitter: u64,
}

/// What the line says.
///
/// # Errors
/// It is no JSON, or no record.
pub fn event(text: &[u8], tai_offset: i32) -> Result<Event, String> {
    let line: Line = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let Some(namespace) = line.namespace.filter(|_| !line.option_type.is_empty()) else {
        return Err("a record has `namespace` and `option_type`".to_owned());
    };
    let context = line.context(namespace, tai_offset);
    if line.record.as_deref() == Some("sequence-report") {
        return Ok(Event::Report(Box::new(line.report(context))));
    }
    Ok(match line.option_type.as_str() {
        _ if line.occasion == "looped-back" => Event::LoopedBack,
        "preallocated-trace" | "incremental-trace" => Event::Trace(Trace {
            context,
            overflow: line.overflow,
            malformed: line.malformed,
            hops: line.nodes.iter().map(event::Hop::from).collect(),
        }),
        "direct-export" => match &line.node {
            Some(node) => Event::Card(Card {
                context,
                flow_id: line.flow_id,
                sequence: line
                    .sequence
                    .and_then(|sequence| u32::try_from(sequence).ok()),
                hop: node.into(),
            }),
            None => Event::Other,
        },
        "edge-to-edge" => Event::EndToEnd(EndToEnd {
            context,
            sequence: line.sequence.map(|number| sequence(number, line.is_long())),
            stamp: stamp(line.seconds, line.fraction),
        }),
        _ => Event::Other,
    })
}

impl Line {
    fn context(&self, namespace: u16, tai_offset: i32) -> Context {
        let outer = self.outer.as_ref();
        Context {
            received: self.time.as_deref().and_then(rfc3339::moment),
            format: match self.timestamp_format.as_deref() {
                Some("posix") => Some(TimestampFormat::Posix),
                Some("ptp") => Some(TimestampFormat::Ptp { tai_offset }),
                Some("ntp") => Some(TimestampFormat::Ntp),
                _ => None,
            },
            namespace,
            outer_source: self.outer_source.or(outer.map(|outer| outer.source)),
            outer_destination: outer.map(|outer| outer.destination),
            flow: self.flow.as_ref().map(Flow::from),
            for_profile: self.profile.is_some(),
        }
    }

    fn is_long(&self) -> bool {
        let digits = self
            .e2e_type
            .as_deref()
            .and_then(|kind| kind.strip_prefix("0x"));
        let bits = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        bits.is_some_and(|bits| bits & LONG_SEQUENCE != 0)
    }

    fn report(self, context: Context) -> Report {
        let delay = self.delay.filter(|delay| delay.packets > 0);
        Report {
            context,
            profile: self.profile.unwrap_or_default(),
            direct_export: self.option_type == "direct-export",
            flow_id: self.flow_id,
            last: self.last,
            figures: Figures {
                received: self.received,
                lost: self.lost,
                pending: self.pending,
                reordered: self.reordered,
                duplicates: self.duplicates,
                late: self.late,
                restarts: self.restarts,
                delay: delay.map(|delay| {
                    let Delay {
                        packets,
                        min,
                        mean,
                        max,
                        jitter,
                    } = delay;
                    (packets, min, mean, max, jitter)
                }),
            },
        }
    }
}

impl From<&FlowKeys> for Flow {
    fn from(keys: &FlowKeys) -> Self {
        Self {
            source: keys.source.octets(),
            destination: keys.destination.octets(),
            source_port: keys.source_port,
            destination_port: keys.destination_port,
            next_header: keys.next_header,
            // A flow stays one if its label changes.
            label: 0,
        }
    }
}

impl From<&Node> for event::Hop {
    fn from(node: &Node) -> Self {
        let wide = || {
            let digits = node.node_id_wide.as_deref()?.strip_prefix("0x")?;
            u64::from_str_radix(digits, 16).ok()
        };
        Self {
            hop_limit: node.hop_limit,
            node: node.node_id.map(u64::from).or_else(wide),
            ingress: node.ingress_if_id.or(node.ingress_if_id_wide),
            egress: node.egress_if_id.or(node.egress_if_id_wide),
            stamp: stamp(node.timestamp_seconds, node.timestamp_fraction),
            transit: node.transit_delay,
        }
    }
}

fn stamp(seconds: Option<u32>, fraction: Option<u32>) -> Option<Timestamp> {
    let (seconds, fraction) = seconds.zip(fraction)?;
    Some(Timestamp { seconds, fraction })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Event {
        event(text.as_bytes(), 37).unwrap()
    }

    #[test]
    fn the_examples_of_the_documentation_are_read() {
        let document = include_str!("../../../docs/records.md");
        let lines = document.lines().filter(|line| line.starts_with('{'));
        let events: Vec<Event> = lines.map(read).collect();
        let [trace, card, other, end_to_end, report] = &events[..] else {
            panic!("{events:?}")
        };
        let Event::Trace(trace) = trace else {
            panic!("{trace:?}")
        };
        let limits: Vec<_> = trace.hops.iter().map(|hop| hop.hop_limit).collect();
        assert_eq!(limits, [Some(64), Some(63), Some(62)]);
        assert_eq!(trace.hops[1].node, Some(0x0B_0001));
        assert!(trace.context.for_profile && trace.context.flow.is_some());
        let Event::Card(card) = card else {
            panic!("{card:?}")
        };
        assert_eq!((card.flow_id, card.sequence), (Some(11_259_375), Some(7)));
        assert_eq!(card.context.age(&card.hop), Some(789));
        assert_eq!(*other, Event::Other);
        let Event::EndToEnd(end_to_end) = end_to_end else {
            panic!("{end_to_end:?}")
        };
        assert_eq!(end_to_end.sequence, Some(sequence(0, false)));
        let Event::Report(report) = report else {
            panic!("{report:?}")
        };
        assert_eq!((report.figures.distinct(), report.last), (2, true));
        assert_eq!(report.figures.delay.unwrap().0, 2);
    }

    #[test]
    fn what_is_no_record_is_told() {
        for text in ["", "{", "[]", "{}", r#"{"namespace":1}"#, "7", "\u{1}"] {
            assert!(event(text.as_bytes(), 37).is_err(), "{text}");
        }
        let line = r#"{"namespace":1,"option_type":"x","key of the future":[{}]}"#;
        assert_eq!(read(line), Event::Other);
    }
}
