// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A whole node on DPDK's ring or null ports, beside `dpdk-testpmd` on the same core in the same run.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser as _;
use serde_json::{Value, json};

use arguments::Arguments;
use case::{BURST, Case};
use machine::{Memory, Processors};
use report::{Progress, Spread};
use rig::{Between, Ports, Rig, Sample, Setup};
use testpmd::Testpmd;

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
mod machine;
mod null;
mod report;
mod rig;
mod rings;
mod testpmd;

/// How long each is measured before it is the other's turn.
const SAMPLE: Duration = Duration::from_millis(80);
/// As a user's packet here; macswap does not look behind the addresses.
const TESTPMD_OCTETS: usize = 80;

/// Measures a node, prints a table, and ends by itself.
#[derive(Debug, clap::Parser)]
struct NodeArguments {
    #[command(flatten)]
    common: Arguments,
    /// Memory for packets
    #[arg(long, value_enum, default_value = "no-huge")]
    memory: Memory,
    /// The driver of all ports, ours and testpmd's
    #[arg(long, value_enum, default_value = "ring")]
    ports: Ports,
    /// Leave testpmd out, for profilers
    #[arg(long)]
    alone: bool,
}

fn main() -> Result<()> {
    let NodeArguments {
        common: arguments,
        memory,
        ports,
        alone,
    } = NodeArguments::parse();
    ensure!(
        arguments.in_flight.is_multiple_of(BURST),
        "packets in flight come in bursts of {BURST}"
    );
    let processors = Processors::choose()?;
    let far = if ports == Ports::Ring {
        arguments.far_packets()
    } else {
        0
    };
    let figures = figures(far).into_iter();
    let mut figures: Vec<Figure> = figures
        .filter(|figure| arguments.takes(figure.case.name))
        .collect();
    ensure!(
        !figures.is_empty(),
        "there is no such case; leave --only out to see their names"
    );
    let in_flight = arguments.in_flight;
    // Before DPDK pins this thread, or it would be pinned too.
    let mut testpmd = (!alone)
        .then(|| Testpmd::start(processors, memory, ports, in_flight, TESTPMD_OCTETS))
        .transpose()?;
    let rig = Rig::start(&Setup {
        main: processors.main,
        workers: vec![processors.worker],
        memory,
        ports,
        in_flight,
        far,
    })?;
    let mut run = Run::begin();
    let mut progress = Progress::new(arguments.seconds());
    'rounds: loop {
        for figure in &mut figures {
            // Where others take the processor, a round can take long: each is measured once.
            if run.rounds > 0 && run.begun.elapsed() >= arguments.duration() {
                break 'rounds;
            }
            let beside = testpmd.as_mut().map(|testpmd| testpmd.sample(SAMPLE));
            let sample = rig.sample(&figure.case, figure.between, SAMPLE)?;
            figure.samples.push((sample, beside.transpose()?));
            let (name, ticks) = (figure.case.name, sample.ticks());
            progress.show(&format!("{name:<17} {ticks:6.1} ticks a packet"));
        }
        run.rounds += 1;
    }
    drop((progress, testpmd));
    run.end();
    rig.stop()?;
    (run.memory, run.ports, run.far) = (memory.name(), ports.driver(), far);
    publish(&figures, &arguments, processors, &run)
}

/// What is known of a run as a whole.
struct Run {
    begun: Instant,
    first_tick: u64,
    load: f64,
    rounds: usize,
    ghz: f64,
    memory: &'static str,
    ports: &'static str,
    /// Packets out of cache; 0 where that is not measured.
    far: usize,
}

impl Run {
    fn begin() -> Self {
        Self {
            begun: Instant::now(),
            first_tick: quanta::Clock::new().raw(),
            load: report::load(),
            rounds: 0,
            ghz: 0.0,
            memory: "",
            ports: "",
            far: 0,
        }
    }

    fn end(&mut self) {
        let ticks = quanta::Clock::new().raw().wrapping_sub(self.first_tick);
        self.ghz = ticks as f64 / self.begun.elapsed().as_nanos() as f64;
    }
}

/// Everything that is measured: ports without a node, and then each case, in cache and, where `far`
/// says so, out of it.
fn figures(far: usize) -> Vec<Figure> {
    let pass = cases::pass();
    let frames = case::Frames {
        output: pass.frames.input.clone(),
        ..pass.frames.clone()
    };
    let bare = Case::new("rx-tx", "receive and send, no node", pass.spec, frames);
    let mut figures = vec![Figure::new(bare, Between::Nothing)];
    for case in cases::cases() {
        let too_far = far == 0 || !cases::is_measured_far(case.name);
        figures.push(Figure::new(case.clone(), Between::Node));
        if !too_far {
            figures.push(Figure::new(case, Between::Far));
        }
    }
    figures
}

/// A case and its samples, each with testpmd's just before it.
struct Figure {
    case: Case,
    between: Between,
    samples: Vec<(Sample, Option<Sample>)>,
}

impl Figure {
    fn new(case: Case, between: Between) -> Self {
        Self {
            case,
            between,
            samples: Vec::new(),
        }
    }

    fn own(&self) -> Vec<Sample> {
        self.samples.iter().map(|(own, _)| *own).collect()
    }

    fn beside(&self) -> impl Iterator<Item = Sample> {
        self.samples.iter().filter_map(|(_, beside)| *beside)
    }
}

/// What samples say by themselves.
struct Summary {
    packets: u64,
    /// Of the TSC a packet, whoever had the processor meanwhile.
    ticks: Spread,
    /// Of the thread's own time a packet, in ticks.
    own_ticks: Spread,
    /// Million packets in a second of the thread's own time.
    mpps: f64,
}

impl Summary {
    fn of(samples: &[Sample], ghz: f64) -> Self {
        let own_ticks = Spread::of(samples.iter().map(|sample| sample.own_ticks(ghz)));
        Self {
            packets: samples.iter().map(|sample| sample.packets).sum(),
            ticks: Spread::of(samples.iter().map(Sample::ticks)),
            mpps: 1000.0 * ghz / own_ticks.median,
            own_ticks,
        }
    }

    fn write(&self, line: &mut Value) {
        line["packets"] = json!(self.packets);
        line["tsc_ticks_a_packet"] = self.ticks.json();
        line["own_ticks_a_packet"] = self.own_ticks.json();
        line["mpps_a_cpu_second"] = report::rounded(self.mpps);
    }
}

/// A figure beside testpmd's, sample by sample in the order of time, which is what can be compared
/// on a machine that others use too. Own time, since others take some of any other.
struct Comparison {
    over: Spread,
    ratio: Spread,
}

impl Comparison {
    fn of(figure: &Figure, ghz: f64) -> Option<Self> {
        let pairs = || {
            figure.samples.iter().filter_map(|(own, beside)| {
                let beside = beside.as_ref()?;
                Some((own.own_ticks(ghz), beside.own_ticks(ghz)))
            })
        };
        pairs().next()?;
        Some(Self {
            over: Spread::of(pairs().map(|(own, beside)| own - beside)),
            ratio: Spread::of(pairs().map(|(own, beside)| own / beside)),
        })
    }
}

/// One line of the report.
struct Row {
    title: String,
    octets: String,
    summary: Summary,
    comparison: Option<Comparison>,
    line: Value,
}

impl Row {
    fn testpmd(samples: &[Sample], ghz: f64, in_flight: usize) -> Self {
        let mut line = json!({
            "bench": "node", "case": "testpmd-macswap", "octets_in": TESTPMD_OCTETS,
            "octets_out": TESTPMD_OCTETS, "out_of_cache": false, "burst": BURST, "in_flight": in_flight,
        });
        let summary = Summary::of(samples, ghz);
        summary.write(&mut line);
        Self {
            title: "testpmd           macswap".to_owned(),
            octets: format!("{TESTPMD_OCTETS} → {TESTPMD_OCTETS}"),
            summary,
            comparison: None,
            line,
        }
    }

    fn figure(figure: &Figure, ghz: f64, in_flight: usize) -> Self {
        let mut line = figure.case.json("node", in_flight);
        line["out_of_cache"] = json!(figure.between == Between::Far);
        let restoring = figure.samples.iter().map(|(own, _)| own.restoring);
        line["restoring_taken_off"] = Spread::of(restoring).json();
        let summary = Summary::of(&figure.own(), ghz);
        summary.write(&mut line);
        let comparison = Comparison::of(figure, ghz);
        if let Some(comparison) = &comparison {
            line["own_ticks_over_testpmd"] = comparison.over.json();
            line["ratio_to_testpmd"] = comparison.ratio.json();
        }
        Self {
            title: match figure.between {
                Between::Far => format!("{:17}   out of cache", ""),
                _ => figure.case.title(),
            },
            octets: figure.case.octets(),
            summary,
            comparison,
            line,
        }
    }

    fn print(&self) {
        let compared = self.comparison.as_ref().map_or_else(Default::default, |c| {
            (c.over.text(), format!("{:.2}", c.ratio.median))
        });
        println!(
            "{:44} {:>9} {:>20} {:>20} {:>20} {:>6} {:>6.1}",
            self.title,
            self.octets,
            self.summary.ticks.text(),
            self.summary.own_ticks.text(),
            compared.0,
            compared.1,
            self.summary.mpps
        );
    }
}

fn publish(
    figures: &[Figure],
    arguments: &Arguments,
    processors: Processors,
    run: &Run,
) -> Result<()> {
    let in_flight = arguments.in_flight;
    let beside: Vec<Sample> = figures.iter().flat_map(Figure::beside).collect();
    let testpmd = (!beside.is_empty()).then(|| Row::testpmd(&beside, run.ghz, in_flight));
    let nodes = figures
        .iter()
        .map(|figure| Row::figure(figure, run.ghz, in_flight));
    let mut rows: Vec<Row> = testpmd.into_iter().chain(nodes).collect();
    let mut provenance = report::provenance(run.load);
    provenance["tsc_ghz"] = report::rounded(run.ghz);
    provenance["memory"] = json!(run.memory);
    provenance["ports"] = json!(run.ports);
    provenance["cpu"] = json!(processors.worker);
    for row in &mut rows {
        row.line["rounds"] = json!(run.rounds);
        row.line["provenance"] = provenance.clone();
    }
    if !arguments.json {
        heading(arguments, processors, run);
        rows.iter().for_each(Row::print);
    }
    let lines: Vec<Value> = rows.into_iter().map(|row| row.line).collect();
    report::write(&lines, arguments.append.as_deref(), arguments.json)
}

fn heading(arguments: &Arguments, processors: Processors, run: &Run) {
    println!(
        "A node on {} ports: burst {BURST}, {} packets in flight, {}, one worker on CPU {}",
        run.ports, arguments.in_flight, run.memory, processors.worker
    );
    if run.far > 0 {
        println!(
            "Out of cache: {} packets in turn, prepared before the first is timed; the last-level cache has {} MiB",
            run.far,
            machine::last_level_cache() >> 20
        );
    }
    if run.ports == "net_null" {
        println!(
            "Packets get their content on receipt; what that takes is measured in the same run and taken off"
        );
    }
    println!(
        "{}; TSC {:.2} GHz; DPDK {}; git {}; {} rounds of {} ms, alternating with testpmd",
        report::machine(run.load),
        run.ghz,
        env!("IOAM_DPDK"),
        env!("IOAM_GIT"),
        run.rounds,
        SAMPLE.as_millis()
    );
    println!("Ticks a packet: median [quartiles]. Comparisons are of the thread's own time.\n");
    println!(
        "{:44} {:>9} {:>20} {:>20} {:>20} {:>6} {:>6}",
        "", "octets", "TSC", "own time", "over testpmd", "ratio", "Mpps"
    );
}
