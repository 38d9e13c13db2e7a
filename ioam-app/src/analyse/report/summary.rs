// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The short of a report, and what is not in it.

use super::{LeftOut, Outcome, Report, Summary};
use crate::analyse::gather::Gathered;

/// Adds up.
pub(super) fn summary(report: &Report, gathered: &Gathered) -> Summary {
    let sequences = report.sequences.iter();
    let alone = sequences
        .clone()
        .filter(|sequence| !sequence.known_from_exports);
    let outcomes = report.flows.iter().filter_map(|flow| flow.outcome);
    let lost = |outcome: Outcome| outcome.lost + outcome.unseen;
    let lost_of_exports: u64 = outcomes.clone().map(lost).sum();
    let arrived: u64 = outcomes.map(|outcome| outcome.arrived).sum();
    let (reported, distinct) = alone.fold((0_u64, 0_u64), |(lost, distinct), sequence| {
        (
            lost.saturating_add(sequence.lost),
            distinct.saturating_add(sequence.distinct),
        )
    });
    let lost = lost_of_exports.saturating_add(reported);
    let of = arrived.saturating_add(distinct).saturating_add(lost);
    Summary {
        packets: report.flows.iter().map(|flow| flow.packets).sum(),
        flows: report.flows.len() as u64,
        paths: report
            .flows
            .iter()
            .map(|flow| flow.paths.len() as u64)
            .sum(),
        lost,
        lost_of: of,
        reordered: sequences.clone().map(|sequence| sequence.reordered).sum(),
        duplicates: sequences.map(|sequence| sequence.duplicates).sum(),
        with_missing_hops: report.missing_hops.iter().map(|gap| gap.packets).sum(),
        overflowed: report.flows.iter().map(|flow| flow.overflowed).sum(),
        blank: gathered.blank,
        changes: report.changes.len() as u64,
    }
}

/// What there was no room for, or no use.
pub(super) fn left_out(gathered: &Gathered) -> LeftOut {
    let paths: u64 = gathered.flows.iter().map(|flow| flow.left_out).sum();
    LeftOut {
        packets: gathered.flows_left_out + gathered.links_left_out + paths,
        reports: gathered.sequences.left_out,
        malformed_traces: gathered.malformed,
        exports: gathered.card_counts(),
    }
}
