// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Linux kernel as a transit node between two veth pairs, beside this node on the same
//! interfaces and on rings, in turn, each for the processor time it takes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser as _;
use serde_json::{Value, json};

use arguments::Arguments;
use machine::{Memory, Processors};
use report::{Progress, Spread};
use roles::{READY, Role};
use veth::{Veth, softirq_seconds, worker_seconds};

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
#[allow(dead_code, reason = "what the other benchmarks report")]
mod report;
#[allow(dead_code, reason = "what the other benchmarks measure")]
mod rig;
mod rings;
mod roles;
mod veth;

/// How long each is measured before it is the other's turn.
const SAMPLE: Duration = Duration::from_secs(2);
/// Packets in that time that say something.
const LEAST: u64 = 1000;
/// How long a child lives beyond that.
const AROUND: Duration = Duration::from_millis(1500);

/// Measures transit by the kernel and by this node, prints a table, and ends by itself.
#[derive(Debug, clap::Parser)]
struct KernelArguments {
    #[command(flatten)]
    common: Arguments,
    /// Memory for packets
    #[arg(long, value_enum, default_value = "no-huge")]
    memory: Memory,
    /// Be one of the processes around the interfaces
    #[arg(long, value_enum, hide = true)]
    role: Option<Role>,
}

/// What one turn on veth gave.
#[derive(Clone, Copy)]
struct Turn {
    received: u64,
    seconds: f64,
    /// Of the processor's time: the kernel's softirqs, or the node's worker.
    busy: f64,
}

impl Turn {
    fn a_cpu_second(&self) -> f64 {
        self.received as f64 / self.busy / 1e6
    }
}

/// Everything that was measured.
#[derive(Default)]
struct Turns {
    kernel: Vec<Turn>,
    node: Vec<Turn>,
    /// Million packets in a second of the node's own time on rings.
    ring: Vec<f64>,
}

fn main() -> Result<()> {
    let KernelArguments {
        common,
        memory,
        role,
    } = KernelArguments::parse();
    if let Some(role) = role {
        return role.play(memory, common.duration());
    }
    let processors = Processors::choose()?;
    let missing = veth::missing().or_else(|| {
        let one = processors.main == processors.worker;
        one.then(|| "one processor sends, another one forwards: two are needed".to_owned())
    });
    if let Some(missing) = missing {
        println!("kernel: SKIPPED: {missing}");
        return Ok(());
    }
    let load = report::load();
    let bench = Bench {
        veth: Veth::new()?,
        processors,
        memory,
    };
    bench.check_kernel()?;
    bench.check_node()?;
    let (mut turns, begun) = (Turns::default(), Instant::now());
    let mut progress = Progress::new(common.seconds());
    while turns.ring.is_empty() || begun.elapsed() < common.duration() {
        progress.show("the kernel");
        turns.kernel.push(bench.kernel()?);
        progress.show("the node on af_packet");
        turns.node.push(bench.node()?);
        progress.show("the node on rings");
        turns.ring.push(bench.ring()?);
    }
    drop(progress);
    publish(&turns, &bench, &common, load)
}

struct Bench {
    veth: Veth,
    processors: Processors,
    memory: Memory,
}

impl Bench {
    /// The kernel, its receiving pinned to the worker's processor by RPS.
    fn kernel(&self) -> Result<Turn> {
        self.veth.forward(true)?;
        self.veth.receive_on(Some(self.processors.worker))?;
        let sender = self.child(Role::Send, false, SAMPLE + AROUND)?;
        let turn = self.turn(|| softirq_seconds(self.processors.worker))?;
        sender.end()?;
        Ok(turn)
    }

    /// This node on the same interfaces; what it receives is brought by the sender's processor.
    fn node(&self) -> Result<Turn> {
        self.veth.forward(false)?;
        self.veth.receive_on(None)?;
        let node = self.child(Role::Node, true, SAMPLE + AROUND * 2)?;
        let sender = self.child(Role::Send, false, SAMPLE + AROUND)?;
        let turn = self.turn(|| worker_seconds(node.child.id()))?;
        sender.end()?;
        node.end()?;
        Ok(turn)
    }

    fn ring(&self) -> Result<f64> {
        let mut child = self.child(Role::Ring, false, SAMPLE / 4)?;
        let nanoseconds: f64 = child.line.trim().parse().context("the ring's figure")?;
        child.line.clear();
        child.end()?;
        Ok(1e3 / nanoseconds)
    }

    fn turn(&self, busy: impl Fn() -> Result<f64>) -> Result<Turn> {
        thread::sleep(AROUND / 3);
        let look = || -> Result<_> { Ok((Instant::now(), self.veth.received()?, busy()?)) };
        let before = look()?;
        thread::sleep(SAMPLE);
        let after = look()?;
        let turn = Turn {
            received: after.1 - before.1,
            seconds: after.0.duration_since(before.0).as_secs_f64(),
            busy: after.2 - before.2,
        };
        let (received, busy) = (turn.received, turn.busy);
        // Neighbours that the kernel looks for are some packets too.
        ensure!(
            received > LEAST && busy > 0.0,
            "{received} packets came out in {busy} seconds of a processor"
        );
        Ok(turn)
    }

    fn check_kernel(&self) -> Result<()> {
        self.veth.forward(true)?;
        self.child(Role::Check, false, SAMPLE)?
            .end()
            .context("the kernel")
    }

    fn check_node(&self) -> Result<()> {
        self.veth.forward(false)?;
        let node = self.child(Role::Node, true, SAMPLE * 2)?;
        self.child(Role::Check, false, SAMPLE)?
            .end()
            .context("the node")?;
        node.end()
    }

    /// Starts a process, and waits for its first line.
    fn child(&self, role: Role, in_middle: bool, duration: Duration) -> Result<Running> {
        let mut command = self.veth.again(in_middle)?;
        command
            .args(["--role", role.name(), "--memory", self.memory.name()])
            .arg(format!("--seconds={}", duration.as_secs_f64()))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = command.spawn().context("cannot start this program again")?;
        let output = child.stdout.take().context("no way to hear a child")?;
        let (mut output, mut line) = (BufReader::new(output), String::new());
        output.read_line(&mut line)?;
        // A ring's first line is its figure.
        let started = role == Role::Ring || line.trim() == READY;
        let mut running = Running {
            child,
            _output: output,
            line,
            role,
        };
        if !started {
            running.line.clear();
            running.end()?;
            anyhow::bail!("the process `{}` did not start", role.name());
        }
        Ok(running)
    }
}

/// A process, ended with this one.
struct Running {
    child: Child,
    _output: BufReader<ChildStdout>,
    line: String,
    role: Role,
}

impl Running {
    fn end(mut self) -> Result<()> {
        let status = self.child.wait()?;
        let name = self.role.name();
        ensure!(status.success(), "the process `{name}` failed: {status}");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn publish(turns: &Turns, bench: &Bench, arguments: &Arguments, load: f64) -> Result<()> {
    let kernel: Vec<f64> = turns.kernel.iter().map(Turn::a_cpu_second).collect();
    let spread = |figures: &[f64]| Spread::of(figures.iter().copied());
    let ratio = |figures: &[f64]| {
        let pairs = figures.iter().zip(&kernel);
        Spread::of(pairs.map(|(own, kernel)| own / kernel))
    };
    let of = |turns: &[Turn], part: fn(&Turn) -> f64| Spread::of(turns.iter().map(part)).median;
    let mut provenance = report::provenance(load);
    provenance["memory"] = json!(bench.memory.name());
    let rows = [
        (
            "kernel",
            "Linux, veth to veth",
            kernel.clone(),
            Some(&turns.kernel),
        ),
        (
            "node-af-packet",
            "this node, the same interfaces",
            turns.node.iter().map(Turn::a_cpu_second).collect(),
            Some(&turns.node),
        ),
        ("node-ring", "this node, rings", turns.ring.clone(), None),
    ];
    if !arguments.json {
        heading(bench, load);
    }
    let mut lines: Vec<Value> = Vec::new();
    for (case, does, figures, veth) in rows {
        let (mpps, ratio) = (spread(&figures), ratio(&figures));
        let part = |part: fn(&Turn) -> f64| veth.map(|turns| of(turns, part));
        let rate = part(|turn| turn.received as f64 / turn.seconds / 1e6);
        let busy = part(|turn| turn.busy / turn.seconds);
        if !arguments.json {
            let text = |figure: Option<f64>, unit: f64| {
                figure.map_or_else(|| "-".to_owned(), |figure| format!("{:.2}", figure * unit))
            };
            println!(
                "{does:32} {:>8} {:>8} {:>20} {:>7.2}",
                text(rate, 1.0),
                text(busy, 100.0),
                format!("{:.2} [{:.2} {:.2}]", mpps.median, mpps.lower, mpps.upper),
                ratio.median
            );
        }
        lines.push(json!({
            "bench": "kernel", "case": case, "mpps": rate.map(report::rounded),
            "busy_share": busy.map(report::rounded),
            "mpps_a_cpu_second": mpps.json(), "ratio_to_kernel": ratio.json(),
            "rounds": turns.ring.len(), "provenance": provenance,
        }));
    }
    report::write(&lines, arguments.append.as_deref(), arguments.json)
}

fn heading(bench: &Bench, load: f64) {
    let Processors { main, worker } = bench.processors;
    println!("Transit by the kernel, and by this node: 200 octets, 16 of node data a packet");
    println!(
        "forwarding on CPU {worker}, sender on CPU {main}; {}; git {}",
        report::machine(load),
        env!("IOAM_GIT")
    );
    println!(
        "Busy: the kernel's softirqs on that CPU, the throwing away at the far end among them; the node's own time."
    );
    println!("The sender's CPU receives for af_packet. Rings have no interface to pay for.\n");
    println!(
        "{:32} {:>8} {:>8} {:>20} {:>7}",
        "", "Mpps", "busy %", "Mpps a CPU second", "ratio"
    );
}
