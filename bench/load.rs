// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A node under load: what comes out for what is offered, and how long packets take. One processor
//! sends and receives, another one has the node; rings in between.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser as _, ValueEnum};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use arguments::Arguments;
use case::{BURST, Case, Records};
use machine::{Memory, Processors};
use offer::{Outcome, Rate, Stand};
use report::{Progress, Spread};

mod arguments;
mod case;
#[allow(dead_code, reason = "what the other benchmarks measure")]
mod cases;
#[path = "../tests/common/direct_export.rs"]
#[allow(dead_code, reason = "the tests' options, of which some are measured")]
#[allow(
    clippy::cast_possible_truncation,
    reason = "their numbers are their own and fit"
)]
mod direct_export;
#[allow(dead_code, reason = "what the other benchmarks put between rings")]
mod ends;
#[path = "../tests/common/frames.rs"]
#[allow(dead_code, reason = "the tests' frames, of which some are measured")]
#[allow(
    clippy::cast_possible_truncation,
    reason = "their numbers are their own and fit"
)]
mod frames;
mod machine;
mod offer;
#[allow(dead_code, reason = "what the other benchmarks report")]
mod report;

/// Offered, in percent of what the node forwards at most.
const OFFERED: [u32; 11] = [10, 25, 50, 75, 90, 95, 100, 105, 125, 150, 200];
/// Loads at which delays are measured.
const LOADS: [u32; 4] = [10, 50, 90, 99];
/// The least time for one rate.
const LEAST: Duration = Duration::from_millis(20);
/// Runs that look for the most a node forwards.
const TRIALS: usize = 3;

/// What is asked of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Packets received for packets offered
    Injected,
    /// Delays of transit under load
    Latency,
}

/// Measures a node under load, prints a table, and ends by itself.
#[derive(Debug, clap::Parser)]
struct LoadArguments {
    #[command(flatten)]
    common: Arguments,
    /// Memory for packets
    #[arg(long, value_enum, default_value = "no-huge")]
    memory: Memory,
    /// What to measure
    #[arg(long, value_enum, default_value = "injected")]
    part: Part,
}

fn main() -> Result<()> {
    let LoadArguments {
        common,
        memory,
        part,
    } = LoadArguments::parse();
    let processors = Processors::choose()?;
    ensure!(
        processors.main != processors.worker,
        "one processor sends, another one has the node: two are needed"
    );
    let load = report::load();
    let mut stand = Stand::start(processors, memory)?;
    let mut progress = Progress::new(common.seconds());
    let (heading, mut lines) = match part {
        Part::Injected => injected(&mut stand, &common, &mut progress)?,
        Part::Latency => latency(&mut stand, &common, &mut progress)?,
    };
    drop(progress);
    stand.stop()?;
    let mut provenance = report::provenance(load);
    provenance["memory"] = json!(memory.name());
    provenance["ports"] = json!("net_ring");
    for line in &mut lines {
        line["burst"] = json!(BURST);
        line["provenance"] = provenance.clone();
    }
    if !common.json {
        println!("{heading}");
        println!(
            "net_ring, {}, node on CPU {}, sender and receiver on CPU {}; {}; git {}\n",
            memory.name(),
            processors.worker,
            processors.main,
            report::machine(load),
            env!("IOAM_GIT")
        );
        match part {
            Part::Injected => print_injected(&lines),
            Part::Latency => print_latency(&lines),
        }
    }
    report::write(&lines, common.append.as_deref(), common.json)
}

/// The most the node forwards, the median of some trials, in packets a second; of packets with a
/// time of sending where that is measured afterwards.
fn most(stand: &mut Stand, case: &Case, duration: Duration, timed: bool) -> Result<f64> {
    let mut rates = Vec::new();
    for _ in 0..TRIALS {
        let mut delays = timed.then(Delays::new).transpose()?;
        let outcome = stand.offer(case, Rate::Unlimited, duration, delays.as_mut())?;
        rates.push(outcome.received_rate());
    }
    Ok(Spread::of(rates).median)
}

fn injected(
    stand: &mut Stand,
    arguments: &Arguments,
    progress: &mut Progress,
) -> Result<(&'static str, Vec<Value>)> {
    let mut cases = cases::cases();
    cases.retain(|case| ["pass", "encap", "transit", "decap-only"].contains(&case.name));
    cases.retain(|case| arguments.takes(case.name));
    ensure!(!cases.is_empty(), "there is no such case");
    let each = arguments
        .duration()
        .div_f64((cases.len() * (OFFERED.len() + TRIALS)) as f64)
        .max(LEAST);
    let mut lines = Vec::new();
    for case in cases {
        let most = most(stand, &case, each, false)?;
        for percent in OFFERED {
            let rate = Rate::PerSecond(most * f64::from(percent) / 100.0);
            let outcome = stand.offer(&case, rate, each, None)?;
            progress.show(&format!("{} at {percent} %", case.name));
            lines.push(outcome_line("injected", &case, percent, &outcome));
        }
    }
    Ok(("Packets received for packets injected", lines))
}

fn outcome_line(bench: &str, case: &Case, percent: u32, outcome: &Outcome) -> Value {
    json!({
        "bench": bench, "case": case.name, "percent_of_most": percent,
        "octets_in": case.frames.input.len(), "octets_out": case.frames.output.len(),
        "offered_pps": outcome.offered_rate().round(),
        "received_pps": outcome.received_rate().round(),
        "offered": outcome.offered, "received": outcome.received, "seconds": outcome.seconds,
    })
}

fn print_injected(lines: &[Value]) {
    println!(
        "{:12} {:>8} {:>12} {:>12} {:>8}",
        "", "", "offered", "received", "lost"
    );
    for line in lines {
        let number = |key: &str| line[key].as_f64().unwrap_or_default();
        let lost = 1.0 - number("received") / number("offered").max(1.0);
        println!(
            "{:12} {:>6} % {:>7.2} Mpps {:>7.2} Mpps {:>6.1} %",
            line["case"].as_str().unwrap_or_default(),
            number("percent_of_most"),
            number("offered_pps") / 1e6,
            number("received_pps") / 1e6,
            100.0 * lost
        );
    }
}

fn latency(
    stand: &mut Stand,
    arguments: &Arguments,
    progress: &mut Progress,
) -> Result<(&'static str, Vec<Value>)> {
    // Of the fifth bit is what the node itself says of its delay.
    let case = Case {
        records: Records::None,
        ..cases::transit_of(0xF8_0000, 10, &cases::plain())
    };
    let each = arguments
        .duration()
        .div_f64((LOADS.len() + TRIALS) as f64)
        .max(LEAST);
    let most = most(stand, &case, each, true)?;
    let mut lines = Vec::new();
    for percent in LOADS {
        let mut delays = Delays::new()?;
        let rate = Rate::PerSecond(most * f64::from(percent) / 100.0);
        let outcome = stand.offer(&case, rate, each, Some(&mut delays))?;
        progress.show(&format!("transit at {percent} %"));
        let mut line = outcome_line("latency", &case, percent, &outcome);
        line["node_nanoseconds"] = percentiles(&delays.node);
        line["end_to_end_nanoseconds"] = percentiles(&delays.end_to_end);
        lines.push(line);
    }
    Ok(("Delays of transit under load, in microseconds", lines))
}

/// Delays of packets, in nanoseconds.
struct Delays {
    /// From receipt until the node wrote its data, as it says itself.
    node: Histogram<u64>,
    /// From the sender to the receiver.
    end_to_end: Histogram<u64>,
}

impl Delays {
    fn new() -> Result<Self> {
        let empty = || Histogram::new_with_bounds(1, 10_000_000_000, 3).context("a histogram");
        Ok(Self {
            node: empty()?,
            end_to_end: empty()?,
        })
    }
}

fn percentiles(delays: &Histogram<u64>) -> Value {
    json!({
        "p50": delays.value_at_quantile(0.5), "p90": delays.value_at_quantile(0.9),
        "p99": delays.value_at_quantile(0.99), "p99.9": delays.value_at_quantile(0.999),
        "max": delays.max(), "count": delays.len(),
    })
}

fn print_latency(lines: &[Value]) {
    const COLUMNS: [&str; 5] = ["p50", "p90", "p99", "p99.9", "max"];
    let heads: String = COLUMNS.iter().map(|head| format!("{head:>10}")).collect();
    println!("{:8} {:>10} {:12} {heads}", "", "received", "");
    for line in lines {
        for (title, key) in [
            ("in node", "node_nanoseconds"),
            ("end to end", "end_to_end_nanoseconds"),
        ] {
            let of = |column: &&str| line[key][*column].as_f64().unwrap_or_default() / 1000.0;
            let figures = COLUMNS.iter().map(|column| format!("{:>10.2}", of(column)));
            println!(
                "{:>6} % {:>5.2} Mpps {:12} {}",
                line["percent_of_most"],
                line["received_pps"].as_f64().unwrap_or_default() / 1e6,
                title,
                figures.collect::<String>()
            );
        }
    }
}
