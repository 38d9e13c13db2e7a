// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How cost grows: frame sizes, words, room, flows, the share of packets with IOAM and sampling in
//! the pure pipeline; workers in whole nodes on rings.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser as _;
use quanta::Clock;
use serde_json::{Value, json};

use arguments::Arguments;
use case::BURST;
use heap::Bench;
use machine::{Memory, Processors};
use report::{Progress, Spread};
use rig::{Between, Ports, Rig, Sample, Setup};
use sweeps::Sweep;

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
mod ends;
#[path = "../tests/common/frames.rs"]
#[allow(dead_code, reason = "the tests' frames, of which some are measured")]
#[allow(
    clippy::cast_possible_truncation,
    reason = "their numbers are their own and fit"
)]
mod frames;
#[allow(dead_code, reason = "what the other benchmarks count too")]
mod heap;
mod machine;
mod null;
mod report;
#[allow(dead_code, reason = "what the other benchmarks measure too")]
mod rig;
mod rings;
mod sweeps;

/// How long all workers are measured at a time.
const SAMPLE: Duration = Duration::from_millis(80);

/// Measures what grows, prints a table, and ends by itself; `--only` takes the name of a sweep.
#[derive(Debug, clap::Parser)]
struct ScaleArguments {
    #[command(flatten)]
    common: Arguments,
    /// Memory for packets
    #[arg(long, value_enum, default_value = "no-huge")]
    memory: Memory,
}

/// One line of the report.
struct Row {
    sweep: &'static str,
    case: &'static str,
    value: u64,
    /// Of one worker.
    ticks: Spread,
    mpps: f64,
    ratio: Spread,
}

fn main() -> Result<()> {
    let ScaleArguments { common, memory } = ScaleArguments::parse();
    let (load, clock) = (report::load(), Clock::new());
    let (begun, first_tick) = (Instant::now(), clock.raw());
    let mut progress = Progress::new(common.seconds());
    let sweeps = sweeps::sweeps().into_iter();
    let sweeps: Vec<Sweep> = sweeps.filter(|sweep| common.takes(sweep.name)).collect();
    let workers = common.takes("workers");
    let parts = sweeps.len() + usize::from(workers);
    ensure!(parts > 0, "there is no such sweep");
    let each = common.duration().div_f64(parts as f64);
    let mut tables = Vec::new();
    for sweep in sweeps {
        let (name, does) = (sweep.name, sweep.does);
        let rows = measure(sweep, &common, each, &clock, &mut progress)?;
        tables.push((name, does, rows));
    }
    let ticks = || clock.raw().wrapping_sub(first_tick) as f64;
    if workers {
        let rows = measure_workers(memory, &common, each, &mut progress)?;
        let does = "workers on a processor each, transit on rings";
        tables.push(("workers", does, rows));
    }
    drop(progress);
    let ghz = ticks() / begun.elapsed().as_nanos() as f64;
    for row in tables.iter_mut().flat_map(|(_, _, rows)| rows) {
        row.settle(ghz);
    }
    publish(&tables, &common, memory, ghz, load)
}

/// All points of a sweep in turn, until time is up.
fn measure(
    sweep: Sweep,
    arguments: &Arguments,
    duration: Duration,
    clock: &Clock,
    progress: &mut Progress,
) -> Result<Vec<Row>> {
    let mut points = Vec::new();
    for (value, case) in sweep.points {
        points.push((value, Bench::new(case, arguments.in_flight)?, Vec::new()));
    }
    let begun = Instant::now();
    let mut rounds = 0;
    while rounds == 0 || begun.elapsed() < duration {
        let mut first = None;
        for (value, bench, ratios) in &mut points {
            let ticks = bench.sample(clock)?;
            ratios.push(ticks / *first.get_or_insert(ticks));
            progress.show(&format!("{} {value}: {ticks:.1} ticks", sweep.name));
        }
        rounds += 1;
    }
    let row = |(value, bench, ratios): (u64, Bench, Vec<f64>)| Row {
        sweep: sweep.name,
        case: bench.case.name,
        value,
        ticks: Spread::of(bench.ticks),
        mpps: 0.0,
        ratio: Spread::of(ratios),
    };
    Ok(points.into_iter().map(row).collect())
}

/// One worker and more of them at a time, in turn; at least two, where there are two processors.
fn measure_workers(
    memory: Memory,
    arguments: &Arguments,
    duration: Duration,
    progress: &mut Progress,
) -> Result<Vec<Row>> {
    let (main, mut others) = Processors::all()?;
    // The main thread sleeps while the workers work, so its processor can have one too.
    if others.len() < 2 && !others.contains(&main) {
        others.push(main);
    }
    let rig = Rig::start(&Setup {
        main,
        workers: others.clone(),
        memory,
        ports: Ports::Ring,
        in_flight: arguments.in_flight,
        far: 0,
    })?;
    let (case, begun) = (cases::transit(), Instant::now());
    let mut all: Vec<Vec<Vec<Sample>>> = vec![Vec::new(); others.len()];
    while all[0].is_empty() || begun.elapsed() < duration {
        for (count, samples) in (1..).zip(&mut all) {
            samples.push(rig.samples(&case, Between::Node, SAMPLE, count)?);
            progress.show(&format!("{count} workers"));
        }
    }
    rig.stop()?;
    let rate =
        |samples: &Vec<Sample>| -> f64 { samples.iter().map(|one| 1.0 / one.own_ticks(1.0)).sum() };
    let one: Vec<f64> = all[0].iter().map(rate).collect();
    let row = |(count, samples): (u64, Vec<Vec<Sample>>)| Row {
        sweep: "workers",
        case: case.name,
        value: count,
        // In nanoseconds; `settle` makes ticks of them.
        ticks: Spread::of(samples.iter().map(|of_all| count as f64 / rate(of_all))),
        mpps: 1000.0 * Spread::of(samples.iter().map(rate)).median,
        ratio: Spread::of(
            samples
                .iter()
                .map(rate)
                .zip(&one)
                .map(|(all, one)| all / one),
        ),
    };
    Ok((1..).zip(all).map(row).collect())
}

impl Row {
    /// Fills in what could not be known before the TSC was.
    fn settle(&mut self, ghz: f64) {
        if self.sweep == "workers" {
            for place in [
                &mut self.ticks.least,
                &mut self.ticks.lower,
                &mut self.ticks.median,
                &mut self.ticks.upper,
            ] {
                *place *= ghz;
            }
        } else {
            self.mpps = 1000.0 * ghz / self.ticks.median;
        }
    }

    fn print(&self) {
        println!(
            "  {:>10}  {:12} {:>24} {:>8.1} {:>8.2}",
            self.value,
            self.case,
            self.ticks.text(),
            self.mpps,
            self.ratio.median
        );
    }

    fn json(&self) -> Value {
        let pure = self.sweep != "workers";
        json!({
            "bench": "scale", "sweep": self.sweep, "case": self.case, "value": self.value,
            "on": if pure { "pipeline" } else { "node" }, "burst": BURST,
            "ticks_a_packet": self.ticks.json(), "mpps_a_cpu_second": report::rounded(self.mpps),
            "ratio_to_first": self.ratio.json(),
        })
    }
}

fn publish(
    tables: &[(&'static str, &'static str, Vec<Row>)],
    arguments: &Arguments,
    memory: Memory,
    ghz: f64,
    load: f64,
) -> Result<()> {
    let mut provenance = report::provenance(load);
    provenance["memory"] = json!(memory.name());
    if !arguments.json {
        println!(
            "What grows: pure pipeline but for the workers; burst {BURST}, {} packets in flight",
            arguments.in_flight
        );
        println!("{}, TSC {ghz:.2} GHz", report::machine(load));
        println!(
            "Workers: of each one's own time, added up; ratios are to the first line of a round.\n"
        );
    }
    let mut lines = Vec::new();
    for (name, does, rows) in tables {
        if !arguments.json {
            println!("{name}: {does}");
            println!(
                "  {:>10}  {:12} {:>24} {:>8} {:>8}",
                "", "", "ticks a packet", "Mpps", "ratio"
            );
            rows.iter().for_each(Row::print);
        }
        for row in rows {
            let mut line = row.json();
            line["in_flight"] = json!(arguments.in_flight);
            line["tsc_ghz"] = report::rounded(ghz);
            line["provenance"] = provenance.clone();
            lines.push(line);
        }
    }
    report::write(&lines, arguments.append.as_deref(), arguments.json)
}
