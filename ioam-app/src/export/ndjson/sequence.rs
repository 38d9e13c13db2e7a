// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The line of a sequence report: what arrived of a packet group or flow so far.

use std::net::Ipv6Addr;

use ioam_dp::accounting::{DelayFigures, SequenceFigures};
use ioam_dp::record::SequenceReport;
use ioam_dp::table::Tables;
use serde::Serialize;

use super::{FlowKeys, profile_name, time};

/// Its keys are in the order they are written.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    record: &'static str,
    time: Option<String>,
    profile: &'a str,
    namespace: u16,
    option_type: &'static str,
    outer_source: Ipv6Addr,
    flow_id: Option<u32>,
    flow: Option<FlowKeys>,
    last: bool,
    first_packet: Option<String>,
    last_packet: Option<String>,
    packets: u64,
    received: u64,
    distinct: u64,
    lost: u64,
    pending: u64,
    reordered: u64,
    duplicates: u64,
    late: u64,
    restarts: u64,
    loss_ratio: Option<f64>,
    delay: Option<Delay>,
}

/// One-way delay, in nanoseconds.
#[derive(Serialize)]
struct Delay {
    packets: u64,
    min: i64,
    mean: i64,
    max: i64,
    jitter: u64,
    mean_variation: u64,
}

impl<'a> Line<'a> {
    pub(super) fn new(report: &'a SequenceReport, tables: &'a Tables) -> Self {
        let figures = &report.figures;
        let sequence = figures.sequence;
        Self {
            record: "sequence-report",
            time: time(report.received),
            profile: profile_name(report.profile, tables),
            namespace: report.namespace.0,
            option_type: report.option_type.name(),
            outer_source: report.outer_source.into(),
            flow_id: report.flow_id,
            flow: report.flow.as_ref().map(FlowKeys::from),
            last: report.last,
            first_packet: figures.first.and_then(time),
            last_packet: figures.last.and_then(time),
            packets: figures.packets,
            received: sequence.received,
            distinct: sequence.distinct(),
            lost: sequence.lost,
            pending: sequence.pending,
            reordered: sequence.reordered,
            duplicates: sequence.duplicates,
            late: sequence.late,
            restarts: sequence.restarts,
            loss_ratio: loss_ratio(&sequence),
            delay: figures.delay.as_ref().map(Delay::from),
        }
    }
}

/// What is lost of what was sent, as far as that is decided; `None` while nothing is.
#[allow(clippy::cast_precision_loss, reason = "a ratio")]
fn loss_ratio(figures: &SequenceFigures) -> Option<f64> {
    let sent = figures.distinct() + figures.lost;
    (sent > 0).then(|| figures.lost as f64 / sent as f64)
}

impl From<&DelayFigures> for Delay {
    fn from(figures: &DelayFigures) -> Self {
        let differences = figures.count.saturating_sub(1);
        Self {
            packets: figures.count,
            min: figures.min,
            mean: figures.mean,
            max: figures.max,
            jitter: figures.jitter,
            mean_variation: figures.variation.checked_div(differences).unwrap_or(0),
        }
    }
}
