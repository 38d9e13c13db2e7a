// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The keys of records (`docs/records.md`) that a table of probes is made from.

use std::net::Ipv6Addr;

use ioam_dp::accounting::one_way_delay;
use ioam_dp::table::spec::TimestampFormat;
use ioam_dp::timestamp::{Timestamp, WallTime};
use serde::Deserialize;

use crate::export::rfc3339;

/// From 1900, where NTP counts from, back to 1970 in a later era of 2^32 seconds.
const NTP_TO_POSIX: u64 = (1 << 32) - 2_208_988_800;

/// A line, as far as it matters here: of either kind.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    #[serde(default)]
    pub(super) record: Option<String>,
    #[serde(default)]
    pub(super) time: Option<String>,
    pub(super) namespace: u16,
    pub(super) option_type: String,
    #[serde(default)]
    pub(super) occasion: Option<String>,
    #[serde(default)]
    timestamp_format: Option<String>,
    #[serde(default)]
    pub(super) outer: Option<Addresses>,
    #[serde(default)]
    pub(super) flow: Option<Addresses>,
    #[serde(default)]
    pub(super) nodes: Vec<Node>,
    #[serde(default)]
    pub(super) outer_source: Option<Ipv6Addr>,
    #[serde(default)]
    pub(super) flow_id: Option<u32>,
    #[serde(default)]
    pub(super) last: bool,
    #[serde(flatten)]
    pub(super) figures: Option<Figures>,
}

/// Where a header comes from and goes to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) source: Ipv6Addr,
    pub(super) destination: Ipv6Addr,
}

/// What one node wrote into a trace.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Node {
    #[serde(default)]
    node_id: Option<u32>,
    #[serde(default)]
    node_id_wide: Option<String>,
    #[serde(default)]
    timestamp_seconds: Option<u32>,
    #[serde(default)]
    timestamp_fraction: Option<u32>,
}

/// The figures of a sequence report.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) distinct: u64,
    pub(super) lost: u64,
    pub(super) pending: u64,
    pub(super) reordered: u64,
    pub(super) duplicates: u64,
    pub(super) late: u64,
    pub(super) delay: Option<Delays>,
}

/// One-way delays of a sequence report, in nanoseconds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Delays {
    pub(super) packets: u64,
    pub(super) min: i64,
    pub(super) mean: i64,
    pub(super) max: i64,
    pub(super) jitter: u64,
}

impl Line {
    /// Whether it is a sequence report and not an option.
    pub(super) fn is_report(&self) -> bool {
        self.record.as_deref() == Some("sequence-report")
    }

    /// Nanoseconds from each node to the next, and last from the newest node to the one that made
    /// the record, where timestamps tell: all nodes read them in one format.
    pub(super) fn delays(&self) -> Vec<Option<i64>> {
        let format = match self.timestamp_format.as_deref() {
            Some("posix") => TimestampFormat::Posix,
            // Between nodes the offset does not matter.
            Some("ptp") => TimestampFormat::Ptp { tai_offset: 0 },
            Some("ntp") => TimestampFormat::Ntp,
            _ => return vec![None; self.nodes.len() + 1],
        };
        let sent: Vec<_> = self.nodes.iter().map(Node::timestamp).collect();
        let here = match format {
            TimestampFormat::Ptp { .. } => None,
            _ => self.time.as_deref().and_then(rfc3339::moment),
        };
        let received = sent.iter().map(|sent| moment((*sent)?, format));
        let received = received.skip(1).chain([here]);
        let between = sent.iter().zip(received);
        let between = between.map(|(sent, received)| one_way_delay(received?, (*sent)?, format));
        [None].into_iter().chain(between).collect()
    }
}

impl Node {
    /// Its id as text.
    pub(super) fn id(&self) -> String {
        match (self.node_id, &self.node_id_wide) {
            (Some(id), _) => format!("{id:#08x}"),
            (None, Some(id)) => id.clone(),
            (None, None) => "?".to_owned(),
        }
    }

    fn timestamp(&self) -> Option<Timestamp> {
        Some(Timestamp {
            seconds: self.timestamp_seconds?,
            fraction: self.timestamp_fraction?,
        })
    }
}

/// The moment a timestamp stands for, in some era of its format.
fn moment(timestamp: Timestamp, format: TimestampFormat) -> Option<WallTime> {
    let (seconds, fraction) = (u64::from(timestamp.seconds), u64::from(timestamp.fraction));
    let (seconds, nanoseconds) = match format {
        TimestampFormat::Posix => (seconds, fraction * 1000),
        TimestampFormat::Ptp { .. } => (seconds, fraction),
        TimestampFormat::Ntp => (
            seconds + NTP_TO_POSIX,
            (fraction * 1_000_000_000 + 0xFFFF_FFFF) >> 32,
        ),
    };
    let nanoseconds = u32::try_from(nanoseconds).ok()?;
    Some(WallTime {
        seconds,
        nanoseconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(format: &str, stamps: &[(u32, u32)]) -> Vec<Option<i64>> {
        let nodes: Vec<_> = stamps
            .iter()
            .map(|(seconds, fraction)| {
                format!(r#"{{"timestamp_seconds":{seconds},"timestamp_fraction":{fraction}}}"#)
            })
            .collect();
        let text = format!(
            r#"{{"time":"2024-08-13T14:43:46.000500000Z","namespace":1,"option_type":"x",
                "timestamp_format":"{format}","nodes":[{}]}}"#,
            nodes.join(",")
        );
        serde_json::from_str::<Line>(&text).unwrap().delays()
    }

    #[test]
    fn delays_follow_from_timestamps_of_any_format() {
        let posix = delays("posix", &[(1_723_560_225, 999_900), (1_723_560_226, 100)]);
        assert_eq!(posix, [None, Some(200_000), Some(400_000)]);
        let ptp = delays("ptp", &[(7, 999_999_999), (8, 1)]);
        assert_eq!(ptp, [None, Some(2), None]);
        let ntp = delays("ntp", &[(3_932_549_026, 0), (3_932_549_026, 1 << 20)]);
        assert_eq!(ntp, [None, Some(244_141), Some(255_859)]);
        let none = delays("", &[(1, 1), (1, 2)]);
        assert_eq!(none, [None; 3]);
    }

    #[test]
    fn what_a_node_did_not_know_is_no_delay() {
        let text = r#"{"time":null,"namespace":1,"option_type":"x","timestamp_format":"posix",
            "nodes":[{"node_id":10},{"node_id_wide":"0x0a","timestamp_seconds":null},{}]}"#;
        let line: Line = serde_json::from_str(text).unwrap();
        assert_eq!(line.delays(), [None; 4]);
        let ids: Vec<_> = line.nodes.iter().map(Node::id).collect();
        assert_eq!(ids, ["0x00000a", "0x0a", "?"]);
    }
}
