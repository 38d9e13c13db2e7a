// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What became of probes, as tables to read and as JSON.

use std::fmt;
use std::net::Ipv6Addr;

use serde::Serialize;

use super::line::{Delays, Figures};
use super::tally::{Ended, Looped, Path, Sequence, Spread, Tally};
use crate::report::Columns;

/// What became of probes.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    /// What this node sent; absent where records were read from elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sent: Option<Vec<Sent>>,
    destinations: Vec<Destination>,
    looped_back: Vec<Loop>,
    /// Of sources whose probes go to several destinations.
    sequences: Vec<Loss>,
    /// Why probes were not sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) not_sent: Vec<NotSent>,
}

/// Probes of one name.
#[derive(Debug, Serialize)]
pub(super) struct Sent {
    pub(super) probe: String,
    pub(super) source: Ipv6Addr,
    pub(super) destination: Ipv6Addr,
    /// `None` where that cannot be told from other probes of the same profile.
    pub(super) probes: Option<u64>,
}

/// A counter of probes that were not sent.
#[derive(Debug, Serialize)]
pub(super) struct NotSent {
    pub(super) reason: &'static str,
    pub(super) count: u64,
    pub(super) description: &'static str,
}

/// Probes that ended at the node.
#[derive(Debug, Serialize)]
struct Destination {
    source: Ipv6Addr,
    destination: Ipv6Addr,
    namespace: u16,
    received: u64,
    /// The newest first.
    paths: Vec<PathFigures>,
    sequences: Vec<Loss>,
}

#[derive(Debug, Serialize)]
struct PathFigures {
    received: u64,
    hops: Vec<Hop>,
}

/// A hop of a path; the last one without a node is where the probe ended.
#[derive(Debug, Serialize)]
struct Hop {
    node: Option<String>,
    /// Since the hop before, in nanoseconds.
    delay: Option<HopDelay>,
}

#[derive(Debug, Serialize)]
struct HopDelay {
    probes: u64,
    min: i64,
    mean: i64,
    max: i64,
}

/// What a sequence report says.
#[derive(Debug, Serialize)]
struct Loss {
    option_type: String,
    namespace: u16,
    flow_id: Option<u32>,
    distinct: u64,
    lost: u64,
    pending: u64,
    reordered: u64,
    duplicates: u64,
    late: u64,
    loss_ratio: Option<f64>,
    delay: Option<OneWay>,
}

/// One-way delay in nanoseconds.
#[derive(Debug, Serialize)]
struct OneWay {
    min: i64,
    mean: i64,
    max: i64,
    jitter: u64,
}

/// Copies that came back to an address.
#[derive(Debug, Serialize)]
struct Loop {
    address: Ipv6Addr,
    copies: u64,
    path: Vec<String>,
    hops: Vec<LoopHop>,
}

#[derive(Debug, Serialize)]
struct LoopHop {
    hop: usize,
    node: String,
    copies: u64,
}

impl From<&Tally> for Summary {
    fn from(tally: &Tally) -> Self {
        let destination = |ended: &Ended| Destination {
            source: ended.addresses.source,
            destination: ended.addresses.destination,
            namespace: ended.namespace,
            received: ended.received,
            paths: ended.paths.iter().rev().map(PathFigures::from).collect(),
            sequences: tally.sequences(ended).into_iter().map(Loss::from).collect(),
        };
        let shared = tally.shared_sequences();
        Self {
            destinations: tally.ended.iter().map(destination).collect(),
            looped_back: tally.looped.iter().map(Loop::from).collect(),
            sequences: shared.into_iter().map(Loss::from).collect(),
            ..Self::default()
        }
    }
}

impl From<&Path> for PathFigures {
    fn from(path: &Path) -> Self {
        let nodes = path.nodes.iter().cloned().map(Some).chain([None]);
        let hops = nodes.zip(&path.delays).map(|(node, spread)| Hop {
            node,
            delay: HopDelay::of(spread),
        });
        // Where the end is not known by its time, it is no hop to show.
        let is_known = |hop: &Hop| hop.node.is_some() || hop.delay.is_some();
        Self {
            received: path.received,
            hops: hops.filter(is_known).collect(),
        }
    }
}

impl HopDelay {
    fn of(spread: &Spread) -> Option<Self> {
        Some(Self {
            probes: spread.count,
            min: spread.min,
            mean: spread.mean()?,
            max: spread.max,
        })
    }
}

impl From<&Sequence> for Loss {
    #[allow(clippy::cast_precision_loss, reason = "a ratio")]
    fn from(sequence: &Sequence) -> Self {
        let Figures {
            distinct,
            lost,
            pending,
            reordered,
            duplicates,
            late,
            delay,
        } = sequence.figures();
        let sent = distinct + lost;
        Self {
            option_type: sequence.option_type.clone(),
            namespace: sequence.namespace,
            flow_id: sequence.flow_id,
            distinct,
            lost,
            pending,
            reordered,
            duplicates,
            late,
            loss_ratio: (sent > 0).then(|| lost as f64 / sent as f64),
            delay: delay.map(OneWay::from),
        }
    }
}

impl From<Delays> for OneWay {
    fn from(delays: Delays) -> Self {
        Self {
            min: delays.min,
            mean: delays.mean,
            max: delays.max,
            jitter: delays.jitter,
        }
    }
}

impl From<&Looped> for Loop {
    fn from(looped: &Looped) -> Self {
        let hops = looped.hops.iter().map(|hop| LoopHop {
            hop: hop.hop,
            node: hop.node.clone(),
            copies: hop.copies,
        });
        Self {
            address: looped.address,
            copies: looped.copies,
            path: looped.hops.iter().map(|hop| hop.node.clone()).collect(),
            hops: hops.collect(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(sent) = &self.sent {
            let mut table = Columns::new(["probe", "source", "destination", "sent"]);
            table.left(3);
            for sent in sent {
                let probes = sent
                    .probes
                    .map_or("?".to_owned(), |probes| probes.to_string());
                let (source, to) = (sent.source.to_string(), sent.destination.to_string());
                table.row([sent.probe.clone(), source, to, probes]);
            }
            write!(f, "{table}")?;
        }
        for reason in &self.not_sent {
            let NotSent {
                reason,
                count,
                description,
            } = reason;
            writeln!(f, "{count} not sent ({reason}): {description}")?;
        }
        self.destinations.iter().try_for_each(|to| to.show(f))?;
        for loss in &self.sequences {
            writeln!(f, "\nof several destinations together")?;
            loss.show(f)?;
        }
        self.looped_back
            .iter()
            .try_for_each(|looped| looped.show(f))?;
        if self.destinations.is_empty() && self.looped_back.is_empty() {
            writeln!(f, "\nno probe ended here, and no copy came back")?;
        }
        Ok(())
    }
}

impl Destination {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let received = count(self.received, "probe");
        writeln!(
            f,
            "\n{} -> {}: {received} ended here (namespace {})",
            self.source, self.destination, self.namespace
        )?;
        let Some(path) = self.paths.first() else {
            return Ok(());
        };
        path.show(f)?;
        let others = self.received.saturating_sub(path.received);
        if others > 0 {
            writeln!(f, "other paths before: {}", count(others, "probe"))?;
        }
        self.sequences.iter().try_for_each(|loss| loss.show(f))
    }
}

impl PathFigures {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.hops.iter().filter_map(|hop| hop.node.as_deref());
        writeln!(f, "path: {}", nodes.collect::<Vec<_>>().join(" -> "))?;
        if self.hops.iter().all(|hop| hop.delay.is_none()) {
            return Ok(());
        }
        let mut table = Columns::new(["hop", "node", "min", "mean", "max"]);
        table.left(2);
        for (number, hop) in (1..).zip(&self.hops) {
            let node = hop.node.clone().unwrap_or_else(|| "(end)".to_owned());
            let delay = |pick: fn(&HopDelay) -> i64| {
                let delay = hop.delay.as_ref().map(pick);
                delay.map_or("-".to_owned(), time_text)
            };
            table.row([
                number_text(number),
                node,
                delay(|delay| delay.min),
                delay(|delay| delay.mean),
                delay(|delay| delay.max),
            ]);
        }
        write!(f, "{table}")
    }
}

impl Loss {
    #[allow(clippy::cast_precision_loss, reason = "a ratio")]
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sent = self.distinct + self.lost;
        let percent = self.loss_ratio.unwrap_or(0.0) * 100.0;
        write!(f, "loss: {} of {sent} ({percent:.2} %)", self.lost)?;
        for (count, what) in [
            (self.pending, "missing so far"),
            (self.reordered, "reordered"),
            (self.duplicates, "duplicates"),
            (self.late, "late"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        writeln!(f, " [{}, namespace {}]", self.option_type, self.namespace)?;
        let Some(delay) = &self.delay else {
            return Ok(());
        };
        let [min, mean, max] = [delay.min, delay.mean, delay.max].map(time_text);
        let jitter = time_text(i64::try_from(delay.jitter).unwrap_or(i64::MAX));
        writeln!(
            f,
            "one-way delay: min {min}, mean {mean}, max {max}, jitter {jitter}"
        )
    }
}

impl Loop {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let copies = match self.copies {
            1 => "1 copy".to_owned(),
            many => format!("{many} copies"),
        };
        writeln!(f, "\nlooped back to {}: {copies}", self.address)?;
        let mut table = Columns::new(["hop", "node", "copies"]);
        table.left(2);
        for hop in &self.hops {
            table.row([
                number_text(hop.hop),
                hop.node.clone(),
                hop.copies.to_string(),
            ]);
        }
        write!(f, "{table}")
    }
}

fn number_text(number: usize) -> String {
    number.to_string()
}

/// `1 probe`, `2 probes`.
fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Nanoseconds in the unit that reads best.
#[allow(clippy::cast_precision_loss, reason = "for reading")]
fn time_text(nanoseconds: i64) -> String {
    let value = nanoseconds as f64;
    match nanoseconds.unsigned_abs() {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => format!("{:.1} µs", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.3} ms", value / 1e6),
        _ => format!("{:.3} s", value / 1e9),
    }
}
