// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What nodes report of sequences: loss, reordering, duplicates, delay.

use std::collections::HashMap;
use std::net::Ipv6Addr;

use ioam_dp::record::Flow;

use super::flow::Period;
use super::series::{LossCell, Series};
use crate::analyse::event::{Figures, Report};

/// Most sequences that are told apart.
pub const MOST_SEQUENCES: usize = 4096;

/// What sequences are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SequenceKey {
    /// The number of the input: nodes do not say who they are.
    pub input: usize,
    /// The profile, by name or number.
    pub profile: String,
    /// Namespace-ID.
    pub namespace: u16,
    /// Direct export, else edge-to-edge.
    pub direct_export: bool,
    /// Source of the header with the options.
    pub source: Option<Ipv6Addr>,
    /// Flow ID.
    pub flow_id: Option<u32>,
    /// The user's flow, where sequences are by flow.
    pub flow: Option<Flow>,
}

/// One sequence.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// What it is told apart by.
    pub key: SequenceKey,
    /// Of groups that have ended.
    ended: Figures,
    /// Of the one that goes on.
    current: Figures,
    /// Reports.
    pub reports: u64,
    /// When they were made.
    pub period: Period,
    /// Loss over time.
    pub series: Series<LossCell>,
}

/// All sequences.
#[derive(Debug, Default)]
pub struct Sequences {
    by_key: HashMap<SequenceKey, usize>,
    /// In the order of their first reports.
    pub all: Vec<Sequence>,
    /// Reports of sequences beyond the first [`MOST_SEQUENCES`].
    pub left_out: u64,
}

impl Sequences {
    /// Takes a report of an input.
    pub(super) fn take(&mut self, report: Report, input: usize) {
        let key = SequenceKey {
            input,
            profile: report.profile.clone(),
            namespace: report.context.namespace,
            direct_export: report.direct_export,
            source: report.context.outer_source,
            flow_id: report.flow_id,
            flow: report.context.flow,
        };
        let known = self.by_key.get(&key).copied();
        let number = match known {
            Some(number) => number,
            None if self.all.len() >= MOST_SEQUENCES => {
                self.left_out += 1;
                return;
            }
            None => {
                self.by_key.insert(key.clone(), self.all.len());
                self.all.push(Sequence::new(key));
                self.all.len() - 1
            }
        };
        if let Some(sequence) = self.all.get_mut(number) {
            sequence.take(&report);
        }
    }
}

impl Sequence {
    fn new(key: SequenceKey) -> Self {
        Self {
            key,
            ended: Figures::default(),
            current: Figures::default(),
            reports: 0,
            period: Period::default(),
            series: Series::default(),
        }
    }

    fn take(&mut self, report: &Report) {
        let figures = report.figures;
        if figures.received < self.current.received {
            // The last report of the group before did not come through.
            self.end();
        }
        let time = report.context.time();
        let more = |now: u64, before: u64| now.saturating_sub(before);
        let cell = LossCell {
            arrived: more(figures.distinct(), self.current.distinct()),
            lost: more(figures.lost, self.current.lost),
        };
        if let Some(time) = time {
            self.series.add(time, &cell);
        }
        self.period.add(time);
        self.reports += 1;
        self.current = figures;
        if report.last {
            self.end();
        }
    }

    fn end(&mut self) {
        self.ended = sum(self.ended, self.current);
        self.current = Figures::default();
    }

    /// The figures of all its groups.
    #[must_use]
    pub fn figures(&self) -> Figures {
        sum(self.ended, self.current)
    }
}

fn sum(one: Figures, other: Figures) -> Figures {
    let add = u64::saturating_add;
    Figures {
        received: add(one.received, other.received),
        lost: add(one.lost, other.lost),
        // What an ended group still waited for is in its losses.
        pending: other.pending,
        reordered: add(one.reordered, other.reordered),
        duplicates: add(one.duplicates, other.duplicates),
        late: add(one.late, other.late),
        restarts: add(one.restarts, other.restarts),
        delay: match (one.delay, other.delay) {
            (Some(one), Some(other)) => Some(delay(one, other)),
            (one, other) => one.or(other),
        },
    }
}

type Delay = (u64, i64, i64, i64, u64);

fn delay(one: Delay, other: Delay) -> Delay {
    let packets = one.0.saturating_add(other.0);
    let weighed = |delay: Delay| i128::from(delay.2) * i128::from(delay.0);
    let total = (weighed(one) + weighed(other)).checked_div(packets.into());
    let mean = total.and_then(|mean| i64::try_from(mean).ok()).unwrap_or(0);
    // Jitter is a running estimate: the latest counts.
    (
        packets,
        one.1.min(other.1),
        mean,
        one.3.max(other.3),
        other.4,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(received: u64, lost: u64, last: bool) -> Report {
        Report {
            last,
            figures: Figures {
                received,
                lost,
                delay: Some((received, 5, 10, 20, 1)),
                ..Figures::default()
            },
            ..Report::default()
        }
    }

    #[test]
    fn the_latest_report_says_all_of_its_group_and_groups_add_up() {
        let mut sequences = Sequences::default();
        for (received, lost, last) in [
            (10, 0, false),
            (20, 2, true),
            (5, 1, false),
            // A group whose last report is lost.
            (3, 0, false),
        ] {
            sequences.take(report(received, lost, last), 0);
        }
        sequences.take(report(7, 7, false), 1);
        let [one, other] = &sequences.all[..] else {
            panic!("{sequences:?}")
        };
        let figures = one.figures();
        assert_eq!((figures.received, figures.lost, one.reports), (28, 3, 4));
        assert_eq!(figures.delay, Some((28, 5, 10, 20, 1)));
        assert_eq!(other.figures().lost, 7);
    }

    #[test]
    fn there_is_a_limit_and_what_is_left_out_is_counted() {
        let mut sequences = Sequences::default();
        for input in 0..MOST_SEQUENCES + 3 {
            sequences.take(report(1, 0, false), input);
        }
        assert_eq!(
            (sequences.all.len(), sequences.left_out),
            (MOST_SEQUENCES, 3)
        );
    }
}
