// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The pure pipeline on packets in ordinary memory: ticks and nanoseconds per packet for each
//! action, in cache and out of it, and the proof that none of them allocates. Needs no DPDK.

use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser as _;
use quanta::Clock;
use serde_json::{Value, json};

use arguments::Arguments;
use case::{BURST, Case};
use heap::Bench;
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
#[path = "../tests/common/frames.rs"]
#[allow(dead_code, reason = "the tests' frames, of which some are measured")]
#[allow(
    clippy::cast_possible_truncation,
    reason = "their numbers are their own and fit"
)]
mod frames;
mod heap;
mod machine;
mod report;

/// Measures the pipeline, prints a table, and ends by itself.
#[derive(Debug, clap::Parser)]
struct PipelineArguments {
    #[command(flatten)]
    common: Arguments,
    /// Forward so many batches and measure nothing, for profilers that count
    #[arg(long, value_name = "BATCHES")]
    batches: Option<u32>,
}

fn main() -> Result<()> {
    let PipelineArguments {
        common: arguments,
        batches,
    } = PipelineArguments::parse();
    let chosen = cases::cases().into_iter();
    let chosen: Vec<Case> = chosen.filter(|case| arguments.takes(case.name)).collect();
    ensure!(
        !chosen.is_empty(),
        "there is no such case; leave --only out to see their names"
    );
    if let Some(batches) = batches {
        return repeat(chosen, arguments.in_flight, batches);
    }
    let (load, clock) = (report::load(), Clock::new());
    let mut pairs = Vec::new();
    for case in chosen {
        pairs.push(Pair::new(case, &arguments)?);
    }
    let (begun, first_tick) = (Instant::now(), clock.raw());
    let mut progress = Progress::new(arguments.seconds());
    let mut rounds = 0;
    while rounds == 0 || begun.elapsed() < arguments.duration() {
        for pair in &mut pairs {
            let ticks = pair.sample(&clock)?;
            progress.show(&format!(
                "{:<17} {ticks:6.1} ticks a packet",
                pair.near.case.name
            ));
        }
        rounds += 1;
    }
    drop(progress);
    let ticks = clock.raw().wrapping_sub(first_tick) as f64;
    let ghz = ticks / begun.elapsed().as_nanos() as f64;
    publish(&pairs, &arguments, rounds, ghz, load)
}

/// So many batches of each, every one of them checked.
fn repeat(cases: Vec<Case>, in_flight: usize, batches: u32) -> Result<()> {
    let clock = Clock::new();
    for case in cases {
        let mut bench = Bench::new(case, in_flight)?;
        for _ in 0..batches {
            bench.batch(&clock)?;
        }
        println!(
            "{}: {} packets",
            bench.case.name,
            u64::from(batches) * bench.packets() as u64
        );
    }
    Ok(())
}

/// A case with packets in cache, and, where that is measured, with more of them than fit there.
struct Pair {
    near: Bench,
    far: Option<Bench>,
    /// Ticks far over ticks near, round by round.
    ratios: Vec<f64>,
}

impl Pair {
    fn new(case: Case, arguments: &Arguments) -> Result<Self> {
        let far = cases::is_measured_far(case.name) && arguments.far_packets() > 0;
        Ok(Self {
            far: far
                .then(|| Bench::new(case.clone(), arguments.far_packets()))
                .transpose()?,
            near: Bench::new(case, arguments.in_flight)?,
            ratios: Vec::new(),
        })
    }

    fn sample(&mut self, clock: &Clock) -> Result<f64> {
        let near = self.near.sample(clock)?;
        if let Some(far) = &mut self.far {
            self.ratios.push(far.sample(clock)? / near);
        }
        Ok(near)
    }

    fn allocations(&self) -> usize {
        self.near.allocations + self.far.as_ref().map_or(0, |far| far.allocations)
    }

    /// Its line of the table, without the line's end.
    fn text(&self, ghz: f64) -> String {
        let ticks = spread(&self.near);
        let (case, allocations) = (&self.near.case, self.allocations());
        let far = self.far.as_ref().map_or_else(String::new, |far| {
            let ratio = Spread::of(self.ratios.iter().copied());
            format!("{:>21} {:>6.2}", spread(far).text(), ratio.median)
        });
        format!(
            "{:46} {:>9}  {:>21} {:>7.1} {:>12} {far}",
            case.title(),
            case.octets(),
            ticks.text(),
            ticks.median / ghz,
            allocations
        )
    }

    fn json(&self) -> Value {
        let mut line = self.near.case.json("pipeline", self.near.packets());
        line["ticks_a_packet"] = spread(&self.near).json();
        line["allocations"] = json!(self.allocations());
        if let Some(far) = &self.far {
            line["out_of_cache_packets"] = json!(far.packets());
            line["out_of_cache_ticks_a_packet"] = spread(far).json();
            let ratio = Spread::of(self.ratios.iter().copied());
            line["out_of_cache_ratio"] = ratio.json();
        }
        line
    }
}

fn spread(bench: &Bench) -> Spread {
    Spread::of(bench.ticks.iter().copied())
}

fn publish(
    pairs: &[Pair],
    arguments: &Arguments,
    rounds: usize,
    ghz: f64,
    load: f64,
) -> Result<()> {
    let provenance = report::provenance(load);
    if !arguments.json {
        heading(arguments, rounds, ghz, load);
        pairs.iter().for_each(|pair| println!("{}", pair.text(ghz)));
    }
    let mut lines: Vec<Value> = pairs.iter().map(Pair::json).collect();
    for line in &mut lines {
        line["rounds"] = json!(rounds);
        line["tsc_ghz"] = report::rounded(ghz);
        line["provenance"] = provenance.clone();
    }
    report::write(&lines, arguments.append.as_deref(), arguments.json)?;
    let allocations: usize = pairs.iter().map(Pair::allocations).sum();
    ensure!(
        allocations == 0,
        "the pipeline allocated {allocations} times"
    );
    Ok(())
}

fn heading(arguments: &Arguments, rounds: usize, ghz: f64, load: f64) {
    println!(
        "Pure pipeline, heap packets, burst {BURST}: {} packets in cache; {} out of a last-level cache of {} MiB",
        arguments.in_flight,
        arguments.far_packets(),
        machine::last_level_cache() >> 20
    );
    println!(
        "{}, TSC {ghz:.2} GHz; {rounds} rounds\n",
        report::machine(load)
    );
    println!(
        "{:46} {:>9}  {:>21} {:>7} {:>12} {:>21} {:>6}",
        "", "octets", "ticks a packet", "ns", "allocations", "out of cache", "ratio"
    );
}
