// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Records of networks that never were, as lines of JSON.

use std::fmt::Write as _;

use ioam_dp::timestamp::WallTime;
use serde_json::{Value, json};

/// Nanoseconds since 1970 of the beginning: 2024-08-13 14:43:46.
const BEGIN: u64 = 1_723_560_226_000_000_000;

fn rfc3339(nanoseconds: u64) -> String {
    ioam_app::analyse::report::units::moment(nanoseconds.try_into().unwrap())
}

/// A trace: its nodes, each so many microseconds after the one before.
pub(crate) struct Trace {
    nodes: Vec<(u32, u64)>,
    silent: Option<u32>,
    source: String,
    port: u16,
}

impl Trace {
    /// Begins so many microseconds after the beginning, and takes `delay` for each hop.
    pub(crate) fn new(nodes: &[u32], start: u64, delay: u64) -> Self {
        Self::with_delays(nodes, start, &vec![delay; nodes.len()])
    }

    /// As [`new`](Self::new) with a delay in front of each node but the first.
    pub(crate) fn with_delays(nodes: &[u32], start: u64, delays: &[u64]) -> Self {
        let mut when = start;
        let mut placed = Vec::new();
        for (place, (node, delay)) in nodes.iter().zip(delays).enumerate() {
            when += if place > 0 { *delay } else { 0 };
            placed.push((*node, when));
        }
        Self {
            nodes: placed,
            silent: None,
            source: "2001:db8:1::1".to_owned(),
            port: 6000,
        }
    }

    /// This node counts as a hop, and writes nothing.
    pub(crate) fn without(self, silent: Option<u32>) -> Self {
        Self { silent, ..self }
    }

    /// Of another flow.
    pub(crate) fn flow(self, source: &str, port: u16) -> Self {
        let source = source.to_owned();
        Self {
            source,
            port,
            ..self
        }
    }

    /// Received 100 µs after the last node.
    fn received(&self) -> u64 {
        let last = self.nodes.last().map_or(0, |(_, when)| *when);
        BEGIN + (last + 100) * 1000
    }

    pub(crate) fn line(&self) -> String {
        let nodes = self.nodes.iter().enumerate();
        let nodes = nodes.filter(|(_, (node, _))| Some(*node) != self.silent);
        let nodes: Vec<Value> = nodes
            .map(|(place, (node, when))| {
                let time = WallTime::from_nanoseconds(BEGIN + when * 1000);
                json!({
                    "hop_limit": 64 - place, "node_id": node,
                    "ingress_if_id": 17, "egress_if_id": 34,
                    "timestamp_seconds": time.seconds,
                    "timestamp_fraction": time.nanoseconds / 1000,
                    "transit_delay": 500 + when % 7 * u64::from(self.port != 6000),
                })
            })
            .collect();
        let line = json!({
            "time": rfc3339(self.received()), "in_port": "core", "profile": "collect",
            "namespace": 123, "option_type": "preallocated-trace", "occasion": "decapsulated",
            "trace_type": "0xf80000", "overflow": false, "loopback": false, "active": false,
            "malformed": false, "timestamp_format": "posix",
            "outer": {"source": "2001:db8:ff::a", "destination": "2001:db8:ff::d"},
            "flow": {
                "source": self.source, "destination": "2001:db8:2::2", "source_port": 5000,
                "destination_port": self.port, "next_header": 17, "flow_label": 74565,
            },
            "nodes": nodes, "raw": "",
        });
        format!("{line}\n")
    }
}

/// The export of node 0, 1 or 2 on a way of three.
pub(crate) struct Card {
    number: u32,
    node: u8,
}

impl Card {
    pub(crate) fn new(number: u32, node: u8) -> Self {
        Self { number, node }
    }

    pub(crate) fn line(&self) -> String {
        let (number, node) = (u64::from(self.number), u64::from(self.node));
        let received = BEGIN + number * 600_000_000 + node * 250_000;
        let id = [0x0A_0001, 0x0B_0001, 0x0C_0001][usize::from(self.node)];
        let line = json!({
            "time": rfc3339(received), "in_port": "east",
            "profile": if node == 1 { Value::Null } else { json!("watch") },
            "namespace": 123, "option_type": "direct-export", "occasion": "direct-export",
            "trace_type": "0x800000", "flow_id": 11_259_375, "sequence": number, "flags": 0,
            "extension_flags": 192, "malformed": false,
            "outer": {"source": "2001:db8:ff::a", "destination": "2001:db8:ff::d"},
            "flow": {
                "source": "2001:db8:1::9", "destination": "2001:db8:2::2", "source_port": 7000,
                "destination_port": 8000, "next_header": 6, "flow_label": 1,
            },
            "node": {"hop_limit": 64 - node, "node_id": id}, "raw": "",
        });
        format!("{line}\n")
    }
}

/// A sequence report with so many numbers that came, and that did not.
pub(crate) fn report(distinct: u64, lost: u64, last: bool) -> String {
    let line = json!({
        "record": "sequence-report", "time": rfc3339(BEGIN + distinct * 10_000_000),
        "profile": "collect <b>", "namespace": 123, "option_type": "edge-to-edge",
        "outer_source": "2001:db8:ff::a", "flow_id": null, "flow": null, "last": last,
        "packets": distinct + 1, "received": distinct + 1, "distinct": distinct, "lost": lost,
        "pending": 0, "reordered": 3, "duplicates": 1, "late": 0, "restarts": 0,
        "delay": {"packets": distinct, "min": 3_000_000, "mean": 3_500_000, "max": 9_000_000, "jitter": 12_000},
    });
    format!("{line}\n")
}

/// Names of the nodes of [`domain`], one of which wants to be more than a name.
pub(crate) const NAMES: &str = "0x0a0001: paris\n0x0b0001: lyon\n0x0c0001: dijon\n0x0d0001: marseille\n0x0e0001: <img src=x>\n";

/// Numbers that look like chance and are the same each time.
fn chance(seed: u64) -> u64 {
    let mut value = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    value ^= value >> 29;
    value = value.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value ^ value >> 32
}

/// Files of a domain where everything happens: a path change, a flow over two paths, a node that is
/// silent for a while, losses, and a link that gets slow.
pub(crate) fn domain() -> Vec<(&'static str, String)> {
    const A: u32 = 0x0A_0001;
    const B: u32 = 0x0B_0001;
    const C: u32 = 0x0C_0001;
    const D: u32 = 0x0D_0001;
    const E: u32 = 0x0E_0001;
    let mut traces = String::new();
    let delays = |seed: u64, slow: u64| {
        let some = |base: u64, salt: u64| base + chance(seed * 7 + salt) % base;
        [0, some(1000, 1), some(2000 + slow, 2), some(700, 3)]
    };
    for number in 0..600_u64 {
        let start = number * 100_000;
        let slow = 4000 * u64::from((350..450).contains(&number));
        let way = if number < 330 { [A, B, D] } else { [A, C, D] };
        traces += &Trace::with_delays(&way, start, &delays(number, slow)).line();
        let way = if chance(number).is_multiple_of(2) {
            [A, B, D]
        } else {
            [A, C, D]
        };
        let spread = Trace::with_delays(&way, start + 10_000, &delays(number + 1000, slow));
        traces += &spread.flow("2001:db8:1::2", 443).line();
        if number % 3 == 0 {
            let silent = (200..300).contains(&number).then_some(E);
            let long = Trace::with_delays(&[A, B, E, D], start + 20_000, &delays(number + 2000, 0));
            traces += &long.without(silent).flow("2001:db8:1::3", 53).line();
        }
    }
    let mut cards = [String::new(), String::new(), String::new()];
    for number in 0..100 {
        for (node, file) in (0_u8..).zip(&mut cards) {
            if !((40..46).contains(&number) && node == 2) {
                *file += &Card::new(number, node).line();
            }
        }
    }
    let [first, second, third] = cards;
    let mut reports = String::new();
    for (distinct, lost) in [(1000, 0), (2000, 0), (3000, 0), (3990, 14), (4990, 14)] {
        let _ = write!(reports, "{}", report(distinct, lost, distinct == 4990));
    }
    vec![
        ("marseille.ndjson", traces),
        ("paris.ndjson", first),
        ("lyon.ndjson", second),
        ("dijon.ndjson", third),
        ("edge.ndjson", reports),
    ]
}
