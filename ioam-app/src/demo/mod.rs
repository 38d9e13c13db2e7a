// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam demo`: a whole IOAM domain at work in this process, without a NIC, hugepages or root.
//!
//! A source sends through four nodes of this program, joined by DPDK's rings, to a sink. Every
//! packet is compared with what was sent, every trace with what the path must have written, and the
//! exit code says whether all was well.
//!
//! With `--json` there is one JSON object a line: `{"type":"progress",…}` each second, and
//! `{"type":"summary",…}` at the end.

mod chain;
mod collector;
mod cpus;
mod domain;
mod fault;
mod figures;
mod findings;
mod meter;
mod mode;
mod picture;
mod rest;
mod shared;
mod show;
mod sink;
mod source;
mod summary;
mod traffic;
mod verdict;
mod witness;

use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;

use chain::{Chain, Plan};
use cpus::Cpus;
pub use fault::Break;
use meter::Meter;
pub use mode::Mode;
use shared::Shared;
use show::Show;
use traffic::{LARGEST_FRAME, SMALLEST_FRAME};
use verdict::Verdict;

use crate::interrupt::Interrupt;
use crate::runtime::allowed_cpus;

/// How long a run takes when nothing else is asked for.
const SECONDS: f64 = 8.0;
/// How often the end of the run is looked for.
const TICK: Duration = Duration::from_millis(20);
/// When both cores have polled so often and no packet has arrived, none is under way: a round moves
/// each of them on by a link.
const PATIENCE: u64 = 10_000;
/// So many looks without a round mean that a core is stuck.
const STUCK: u32 = 6000;

/// What to show.
#[derive(Clone, Debug, Args)]
pub struct DemoArguments {
    /// What the packets carry and the nodes do
    #[arg(long, value_enum, default_value_t)]
    pub mode: Mode,
    /// Print JSON: progress each second, a summary at the end
    #[arg(long)]
    pub json: bool,
    /// Stop after this many seconds [default: 8, or never with --packets]
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub seconds: Option<f64>,
    /// Stop after this many packets
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub packets: Option<u64>,
    /// Octets of each frame, without checksum
    #[arg(long, value_name = "OCTETS", default_value_t = 128,
        value_parser = clap::value_parser!(u16).range(SMALLEST_FRAME as i64..=LARGEST_FRAME as i64))]
    pub frame_size: u16,
    /// Percent of the IPv6 traffic that gets a trace
    #[arg(long, value_name = "PERCENT", default_value_t = 100,
        value_parser = clap::value_parser!(u8).range(0..=100))]
    pub share: u8,
    /// The two CPUs that poll [default: two cores of those allowed]
    #[arg(long, value_name = "A,B", value_parser = two_cpus)]
    pub cpus: Option<[usize; 2]>,
    /// Damage packets between the nodes, to see that it is noticed
    #[arg(long = "break", value_name = "KIND", hide = true)]
    pub fault: Option<Break>,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.001..1e9).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds greater than 0 is wanted, such as 8 or 0.5".to_owned()),
    }
}

fn two_cpus(text: &str) -> Result<[usize; 2], String> {
    let pair = text.split_once(',').and_then(|(first, second)| {
        let number = |text: &str| text.trim().parse().ok();
        Some([number(first)?, number(second)?])
    });
    pair.ok_or_else(|| "two CPU numbers are wanted, such as 2,3".to_owned())
}

/// Runs the demonstration; the exit code says whether every packet and every trace was right.
///
/// # Errors
///
/// When DPDK does not start, and when standard output cannot be written.
pub fn demo(arguments: &DemoArguments) -> Result<ExitCode> {
    let allowed = allowed_cpus()?;
    let plan = Plan {
        cpus: Cpus::choose(&allowed, arguments.cpus)?,
        frame_size: arguments.frame_size,
        share: arguments.share,
        packets: arguments.packets.unwrap_or(u64::MAX),
        fault: arguments.fault,
        mode: arguments.mode,
    };
    let seconds = arguments
        .seconds
        .or(arguments.packets.is_none().then_some(SECONDS));
    let seconds = seconds.map(Duration::from_secs_f64);
    let interrupt = Interrupt::watch_with_terminal()?;
    let chain = Chain::start(&plan)?;
    let mut show = Show::new(arguments.json, &plan, seconds);
    let mut meter = Meter::new(plan.mode);
    let ended = watch(&chain, &mut show, &mut meter, seconds, &interrupt);
    // The summary is owed even when the picture could not be drawn.
    let moving = meter.elapsed();
    let verdict = finish(chain, &mut meter, moving);
    show.end(&verdict)?;
    ended?;
    Ok(if verdict.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Shows how it goes until something ends the run.
fn watch(
    chain: &Chain,
    show: &mut Show,
    meter: &mut Meter,
    seconds: Option<Duration>,
    interrupt: &Interrupt,
) -> Result<()> {
    let shared = chain.shared();
    let mut patience = Patience::default();
    let mut shown = Instant::now();
    let mut is_first = true;
    loop {
        let is_over = show.wait(TICK)
            || interrupt.has_come()
            || seconds.is_some_and(|seconds| meter.elapsed() >= seconds)
            || shared.source_ended.load(Ordering::Relaxed)
            || patience.is_at_an_end(shared);
        meter.sample(chain);
        if is_over {
            return Ok(());
        }
        // The first picture comes early, so that nobody looks at nothing.
        let is_early = is_first && matches!(show, Show::Picture(_));
        if is_early || shown.elapsed() >= show.pace() {
            (shown, is_first) = (Instant::now(), false);
            show.progress(&meter.look(chain))
                .context("cannot write to standard output")?;
        }
    }
}

/// Lets what is under way arrive, stops everything, and judges.
fn finish(chain: Chain, meter: &mut Meter, moving: Duration) -> Verdict {
    let shared = chain.shared();
    shared.source_stops.store(true, Ordering::Relaxed);
    let mut patience = Patience::default();
    loop {
        let has_ended = shared.source_ended.load(Ordering::Acquire);
        let has_arrived = shared.arrived.get() == shared.sent.get();
        if has_ended && has_arrived || patience.is_at_an_end(shared) {
            break;
        }
        std::thread::sleep(TICK);
    }
    let stats = chain.stats().to_vec();
    let stopped = chain.stop();
    let whole = meter.whole(&stopped.shared, &stats, moving);
    Verdict::new(whole, &stats, stopped.leaked, &stopped.failures)
}

/// Waits for arrivals. Counts rounds and looks, not time: a core that does not get its CPU has not
/// waited, nor has a process that was suspended.
#[derive(Debug, Default)]
struct Patience {
    arrived: u64,
    /// The rounds of both cores when a packet arrived last.
    rounds: [u64; 2],
    looks: u32,
}

impl Patience {
    fn is_at_an_end(&mut self, shared: &Shared) -> bool {
        let rounds = || [0, 1].map(|core| shared.rounds[core].get());
        // In this order an arrival cannot hide between the two.
        let (now, arrived) = (rounds(), shared.arrived.get());
        if arrived != self.arrived {
            *self = Self {
                arrived,
                rounds: rounds(),
                looks: 0,
            };
            return false;
        }
        self.looks += 1;
        let mut waited = now.iter().zip(self.rounds).map(|(now, then)| now - then);
        waited.all(|rounds| rounds >= PATIENCE) || self.looks >= STUCK
    }
}
