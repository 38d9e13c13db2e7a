// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Classification at scale: what it costs to find the first of 1 to 10 000 rules that matches, alone
//! and as part of the pipeline. Needs no DPDK.

use std::alloc::System;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser as _;
use ioam_dp::classify::{Filter, RuleSet};
use ioam_dp::port::PortId;
use ioam_dp::table::Tables;
use ioam_dp::table::spec::FilterSpec;
use quanta::Clock;
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use arguments::Arguments;
use report::{Progress, Spread};
use rule_sets::Kind;
use rules_run::{BURST, Matching, Run, datagram, node};
use rules_table::Figure;

mod arguments;
#[path = "../tests/common/frames.rs"]
#[allow(dead_code, reason = "the tests' frames, of which one is measured")]
#[allow(
    clippy::cast_possible_truncation,
    reason = "their numbers are their own and fit"
)]
mod frames;
mod machine;
mod report;
mod rule_sets;
mod rules_run;
mod rules_table;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SIZES: [u64; 5] = [1, 10, 100, 1000, 10_000];
const FLOWS: [u64; 3] = [1, 1000, 1_000_000];
/// As much of one figure in one round.
const SAMPLE: Duration = Duration::from_millis(4);
/// Packets before the first round, so that workers remember what they can.
const WARM_UP: usize = 32_768;
/// Packets whose answers are compared with those of the walk.
const COMPARED: usize = 2000;
/// Packets of a batch of the walk, which is slow.
const WALKED: usize = 32;

/// Measures, prints a table, and ends by itself. A case is a kind of rules.
#[derive(Debug, clap::Parser)]
struct RulesArguments {
    #[command(flatten)]
    common: Arguments,
    /// Rule sets up to this size only
    #[arg(long, default_value_t = 10_000, value_name = "RULES")]
    most: u64,
}

fn main() -> Result<()> {
    let RulesArguments {
        common: arguments,
        most,
    } = RulesArguments::parse();
    let (load, clock) = (report::load(), Clock::new());
    let mut progress = Progress::new(arguments.seconds());
    let mut benches = Vec::new();
    for kind in Kind::ALL {
        for size in SIZES.into_iter().filter(|size| *size <= most) {
            if arguments.takes(kind.name()) {
                progress.show(&format!("{} {size}: compiles", kind.name()));
                benches.push(Bench::new(kind, size, arguments.in_flight, &clock)?);
            }
        }
    }
    ensure!(
        !benches.is_empty(),
        "there is no such case; leave --only out to see their names"
    );
    let (begun, first_tick) = (Instant::now(), clock.raw());
    let mut rounds = 0;
    while rounds == 0 || begun.elapsed() < arguments.duration() {
        for bench in &mut benches {
            let ticks = bench.round(&clock)?;
            let (kind, size) = (bench.kind.name(), bench.size);
            progress.show(&format!(
                "{kind:<13} {size:>6} rules {ticks:7.1} ticks a lookup"
            ));
        }
        rounds += 1;
    }
    drop(progress);
    let ticks = clock.raw().wrapping_sub(first_tick) as f64;
    let ghz = ticks / begun.elapsed().as_nanos() as f64;
    publish(&benches, &arguments, rounds, ghz, load)
}

/// One set of rules.
struct Bench {
    kind: Kind,
    size: u64,
    specs: Vec<FilterSpec>,
    filters: Vec<Filter>,
    set: RuleSet,
    /// Milliseconds to compile the set alone, and a whole node with it.
    build: [f64; 2],
    runs: Vec<Run>,
    frames: Vec<Vec<u8>>,
}

impl Bench {
    fn new(kind: Kind, size: u64, in_flight: usize, clock: &Clock) -> Result<Self> {
        let specs: Vec<FilterSpec> = (0..size).map(|n| kind.rule(n)).collect();
        let filters: Vec<Filter> = specs.iter().map(Filter::new).collect();
        let begun = Instant::now();
        let set = RuleSet::of_ports(0, &filters);
        let alone = begun.elapsed();
        let spec = node(&specs);
        let begun = Instant::now();
        let tables = Arc::new(Tables::compile(&spec).context("the case is no node")?);
        let whole = begun.elapsed();
        let frame = frames::Packet::new(frames::UDP, &[&datagram()]).frame();
        let mut bench = Self {
            kind,
            size,
            specs,
            filters,
            set,
            build: [alone, whole].map(|time| time.as_secs_f64() * 1e3),
            runs: Vec::new(),
            frames: vec![frame; in_flight],
        };
        for flows in FLOWS {
            let mut run = Run::new(flows, &tables, &bench.frames);
            bench.compare(&mut run)?;
            for _ in 0..WARM_UP.div_ceil(in_flight) {
                bench.look_up(&mut run, clock)?;
                run.batch(&bench.specs, Matching::Spread, clock)?;
                run.batch(&bench.specs, Matching::Last, clock)?;
            }
            bench.runs.push(run);
        }
        Ok(bench)
    }

    /// Measures each figure for a while; ticks of the last lookup.
    fn round(&mut self, clock: &Clock) -> Result<f64> {
        let mut runs = std::mem::take(&mut self.runs);
        let mut last = 0.0;
        for run in &mut runs {
            last = median(|| self.look_up(run, clock))?;
            run.lookup.push(last);
            let find = median(|| self.find(run, clock))?;
            run.find.push(find);
            let walk = median(|| Ok(self.walk(run, clock)))?;
            run.walk.push(walk);
            for (place, matching) in Matching::BOTH.into_iter().enumerate() {
                let each = median(|| run.batch(&self.specs, matching, clock))?;
                run.pipelines[place].ticks.push(each);
            }
        }
        self.runs = runs;
        Ok(last)
    }

    /// Ticks a packet of the lookup.
    fn look_up(&mut self, run: &mut Run, clock: &Clock) -> Result<f64> {
        for frame in &mut self.frames {
            Matching::Spread
                .flow(&self.specs, run.flows, &mut run.dice)
                .stamp(frame);
        }
        let region = Region::new(ALLOCATOR);
        let before = clock.raw();
        let mut found = 0;
        for frame in &self.frames {
            let first = self.set.first(
                PortId(0),
                black_box(frame),
                frames::ETHERNET,
                &mut run.memory,
            );
            found += usize::from(first.is_some());
        }
        let ticks = clock.raw().wrapping_sub(before);
        run.allocations += region.change().allocations;
        ensure!(found == self.frames.len(), "a packet has no rule");
        Ok(ticks as f64 / self.frames.len() as f64)
    }

    /// Ticks a packet of the lookup without a memory.
    fn find(&mut self, run: &mut Run, clock: &Clock) -> Result<f64> {
        for frame in &mut self.frames {
            Matching::Spread
                .flow(&self.specs, run.flows, &mut run.dice)
                .stamp(frame);
        }
        let before = clock.raw();
        let mut found = 0;
        for frame in &self.frames {
            let first = self.set.find(PortId(0), black_box(frame), frames::ETHERNET);
            found += usize::from(first.is_some());
        }
        let ticks = clock.raw().wrapping_sub(before);
        ensure!(found == self.frames.len(), "a packet has no rule");
        Ok(ticks as f64 / self.frames.len() as f64)
    }

    /// Ticks a packet of asking one rule after the other.
    fn walk(&mut self, run: &mut Run, clock: &Clock) -> f64 {
        let frames = self.frames.iter_mut().take(WALKED);
        let walked = frames.len();
        for frame in frames {
            Matching::Spread
                .flow(&self.specs, run.flows, &mut run.dice)
                .stamp(frame);
        }
        let before = clock.raw();
        for frame in self.frames.iter().take(WALKED) {
            black_box(self.linear(black_box(frame)));
        }
        clock.raw().wrapping_sub(before) as f64 / walked as f64
    }

    fn linear(&self, frame: &[u8]) -> Option<usize> {
        self.filters
            .iter()
            .position(|filter| filter.matches(frame, frames::ETHERNET))
    }

    /// Looks whether both find the same.
    fn compare(&mut self, run: &mut Run) -> Result<()> {
        let mut frame = self.frames.first().cloned().context("no frames")?;
        for _ in 0..COMPARED {
            Matching::Spread
                .flow(&self.specs, run.flows, &mut run.dice)
                .stamp(&mut frame);
            let first = self
                .set
                .first(PortId(0), &frame, frames::ETHERNET, &mut run.memory);
            ensure!(
                first.map(usize::from) == self.linear(&frame),
                "{} {}: another rule was found than by the walk",
                self.kind.name(),
                self.size
            );
        }
        Ok(())
    }
}

/// The median of as many samples as there is time for.
fn median(mut sample: impl FnMut() -> Result<f64>) -> Result<f64> {
    let (begun, mut samples) = (Instant::now(), Vec::new());
    while samples.is_empty() || begun.elapsed() < SAMPLE {
        samples.push(sample()?);
    }
    Ok(Spread::of(samples).median)
}

fn publish(
    benches: &[Bench],
    arguments: &Arguments,
    rounds: usize,
    ghz: f64,
    load: f64,
) -> Result<()> {
    let figures: Vec<Figure<'_>> = benches
        .iter()
        .flat_map(|bench| bench.figures(benches))
        .collect();
    if !arguments.json {
        println!(
            "Rules, frames in cache, burst {BURST}, {} packets in flight",
            arguments.in_flight
        );
        println!(
            "{}, TSC {ghz:.2} GHz; {rounds} rounds",
            report::machine(load)
        );
        rules_table::print(&figures);
    }
    let provenance = report::provenance(load);
    let lines: Vec<Value> = figures
        .iter()
        .map(|figure| {
            let mut line = figure.json();
            line["in_flight"] = json!(arguments.in_flight);
            line["tsc_ghz"] = report::rounded(ghz);
            line["provenance"] = provenance.clone();
            line
        })
        .collect();
    report::write(&lines, arguments.append.as_deref(), arguments.json)?;
    let allocations: usize = figures.iter().map(|figure| figure.allocations).sum();
    ensure!(allocations == 0, "packets caused {allocations} allocations");
    Ok(())
}

impl Bench {
    /// What was measured, beside the same with one rule out of `all`.
    fn figures<'a>(&'a self, all: &'a [Self]) -> Vec<Figure<'a>> {
        let mut same_kind = all.iter().filter(|other| other.kind == self.kind);
        let one = same_kind.find(|other| other.size == 1).unwrap_or(self);
        let ticks = |run: &'a Run| run.pipelines.each_ref().map(|piped| &*piped.ticks);
        let figure = |(run, one): (&'a Run, &'a Run)| Figure {
            kind: self.kind.name(),
            what: self.kind.what(),
            rules: self.size,
            flows: run.flows,
            build: self.build,
            octets: [self.set.octets(), run.memory.octets()],
            tables: [self.set.tables(), self.set.worst()],
            lookup: &run.lookup,
            find: &run.find,
            walk: &run.walk,
            pipeline: ticks(run),
            one_rule: ticks(one),
            allocations: run.allocations,
        };
        self.runs.iter().zip(&one.runs).map(figure).collect()
    }
}
