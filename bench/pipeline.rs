// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The pure pipeline on packets in ordinary memory: ticks and nanoseconds per packet for each
//! action, and the proof that none of them allocates. Needs no DPDK.

use std::alloc::System;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser as _;
use ioam_dp::moment::Moment;
use ioam_dp::packet::{HeapPacket, PacketBuf as _};
use ioam_dp::pipeline::{Pipeline, Verdict};
use ioam_dp::port::{BURST as MOST, PortId};
use ioam_dp::record::{ExportRecord, RecordSink, SequenceReport};
use ioam_dp::stats::{DropReason, WorkerStats};
use ioam_dp::table::Tables;
use quanta::Clock;
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use arguments::Arguments;
use cases::{BURST, Case, HEADROOM, Records};
use report::{Progress, Spread};

mod arguments;
mod cases;
#[path = "../tests/common/frames.rs"]
#[allow(dead_code, reason = "the tests' frames, of which some are measured")]
#[allow(
    clippy::cast_possible_truncation,
    reason = "their numbers are their own and fit"
)]
mod frames;
mod report;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SAMPLE: Duration = Duration::from_millis(20);
/// Batches before a sample, which also make the node's templates.
const WARM_UP: usize = 4;

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
    let mut benches = Vec::new();
    for case in cases::cases() {
        if arguments.takes(case.name) {
            benches.push(Bench::new(case, arguments.in_flight)?);
        }
    }
    ensure!(
        !benches.is_empty(),
        "there is no such case; leave --only out to see their names"
    );
    if let Some(batches) = batches {
        return repeat(&mut benches, batches);
    }
    let (load, clock) = (report::load(), Clock::new());
    let (begun, first_tick) = (Instant::now(), clock.raw());
    let mut progress = Progress::new(arguments.seconds);
    let mut rounds = 0;
    while rounds == 0 || begun.elapsed() < arguments.duration() {
        for bench in &mut benches {
            let ticks = bench.sample(&clock)?;
            progress.show(&format!(
                "{:<13} {ticks:6.1} ticks a packet",
                bench.case.name
            ));
        }
        rounds += 1;
    }
    drop(progress);
    let ticks = clock.raw().wrapping_sub(first_tick) as f64;
    let ghz = ticks / begun.elapsed().as_nanos() as f64;
    publish(&benches, &arguments, rounds, ghz, load)
}

/// So many batches of each, every one of them checked.
fn repeat(benches: &mut [Bench], batches: u32) -> Result<()> {
    let clock = Clock::new();
    for bench in benches {
        for _ in 0..batches {
            bench.batch(&clock)?;
        }
        println!(
            "{}: {} packets",
            bench.case.name,
            u64::from(batches) * bench.packets.len() as u64
        );
    }
    Ok(())
}

/// One node, its packets, and what was measured so far.
struct Bench {
    case: Case,
    tables: Arc<Tables>,
    pipeline: Pipeline,
    stats: Arc<WorkerStats>,
    sink: Sink,
    moment: Moment,
    packets: Vec<HeapPacket>,
    verdicts: [Verdict; MOST],
    ticks: Vec<f64>,
    allocations: usize,
}

impl Bench {
    fn new(case: Case, in_flight: usize) -> Result<Self> {
        let tables = Tables::compile(&case.spec).context("the case is no node")?;
        let stats = WorkerStats::new(
            tables.ports.len(),
            tables.profiles.len(),
            tables.namespaces.all().len(),
        );
        let keeps = if case.records == Records::Kept {
            in_flight
        } else {
            0
        };
        Ok(Self {
            tables: Arc::new(tables),
            pipeline: Pipeline::new(0),
            stats,
            sink: Sink(Vec::with_capacity(keeps)),
            moment: frames::moment(),
            packets: vec![HeapPacket::new(&case.input, HEADROOM); in_flight],
            verdicts: [Verdict::Drop(DropReason::NoPeer); MOST],
            ticks: Vec::new(),
            allocations: 0,
            case,
        })
    }

    /// Measures for a while; ticks a packet in the median batch.
    fn sample(&mut self, clock: &Clock) -> Result<f64> {
        for _ in 0..WARM_UP {
            self.batch(clock)?;
        }
        let mut batches = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < SAMPLE {
            let (ticks, allocations) = self.batch(clock)?;
            batches.push(ticks);
            self.allocations += allocations;
        }
        let each = Spread::of(batches).median / self.packets.len() as f64;
        self.ticks.push(each);
        Ok(each)
    }

    /// All packets through the node once; ticks it took, and allocations.
    fn batch(&mut self, clock: &Clock) -> Result<(f64, usize)> {
        self.sink.0.clear();
        for packet in &mut self.packets {
            ensure!(
                cases::restore(packet, &self.case.input),
                "a packet has no room left"
            );
        }
        let region = Region::new(ALLOCATOR);
        let before = clock.raw();
        self.forward();
        let ticks = clock.raw().wrapping_sub(before);
        let change = region.change();
        self.check()?;
        Ok((ticks as f64, change.allocations + change.reallocations))
    }

    #[inline(never)]
    fn forward(&mut self) {
        let (stats, sink, verdicts) = (&*self.stats, &mut self.sink, &mut self.verdicts);
        for burst in self.packets.chunks_mut(BURST) {
            self.pipeline
                .classify(&self.tables, PortId(0), burst, stats);
            self.pipeline
                .act(PortId(0), burst, &self.moment, stats, sink, verdicts);
        }
    }

    /// The first packet of the batch in full, the others' length, and one record for each.
    fn check(&self) -> Result<()> {
        ensure!(
            self.verdicts[0] == Verdict::Send(PortId(1)),
            "{}: the verdict is {:?}",
            self.case.name,
            self.verdicts[0]
        );
        let first = self.packets.first().context("no packets")?;
        self.case.check(first.bytes(), self.moment.received)?;
        let length = self.case.output.len();
        let same = self
            .packets
            .iter()
            .all(|packet| packet.bytes().len() == length);
        ensure!(same, "{}: not every packet came out right", self.case.name);
        let wanted = if self.case.records == Records::Kept {
            self.packets.len()
        } else {
            0
        };
        ensure!(
            self.sink.0.len() == wanted,
            "{}: records are missing",
            self.case.name
        );
        Ok(())
    }
}

/// Keeps what there is room for, and forgets the rest without complaint.
struct Sink(Vec<ExportRecord>);

impl RecordSink for Sink {
    fn push(&mut self, record: ExportRecord) -> bool {
        if self.0.len() < self.0.capacity() {
            self.0.push(record);
        }
        true
    }

    fn report(&mut self, _report: SequenceReport) -> bool {
        true
    }
}

fn publish(
    benches: &[Bench],
    arguments: &Arguments,
    rounds: usize,
    ghz: f64,
    load: f64,
) -> Result<()> {
    let provenance = report::provenance(load);
    if !arguments.json {
        println!(
            "Pure pipeline, heap packets, burst {BURST}, {} packets in flight",
            arguments.in_flight
        );
        println!(
            "{}, TSC {ghz:.2} GHz; {rounds} rounds\n",
            report::machine(load)
        );
        println!(
            "{:42} {:>9}  {:>21} {:>7} {:>12}",
            "", "octets", "ticks a packet", "ns", "allocations"
        );
    }
    let mut lines: Vec<Value> = Vec::new();
    for bench in benches {
        let ticks = Spread::of(bench.ticks.iter().copied());
        if !arguments.json {
            println!(
                "{:42} {:>9}  {:>21} {:>7.1} {:>12}",
                bench.case.title(),
                bench.case.octets(),
                ticks.text(),
                ticks.median / ghz,
                bench.allocations
            );
        }
        let mut line = bench.case.json("pipeline", arguments.in_flight);
        line["rounds"] = json!(rounds);
        line["ticks_a_packet"] = ticks.json();
        line["tsc_ghz"] = report::rounded(ghz);
        line["allocations"] = json!(bench.allocations);
        line["provenance"] = provenance.clone();
        lines.push(line);
    }
    report::write(&lines, arguments.append.as_deref(), arguments.json)?;
    let allocations: usize = benches.iter().map(|bench| bench.allocations).sum();
    ensure!(
        allocations == 0,
        "the pipeline allocated {allocations} times"
    );
    Ok(())
}
