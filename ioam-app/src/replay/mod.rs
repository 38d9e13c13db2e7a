// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam replay`: capture files through the node's own pipeline, without DPDK, root or a clock.
//!
//! The same worker that polls ports polls files here, so what a replay shows is what the node does.
//! Everything a result depends on is given: packets and their times by the files, measurements by
//! flags or the configuration. Two runs therefore give the same octets, and a capture with a
//! configuration is a complete report of a fault. `docs/replay.md` is the user's side of it.

mod args;
pub mod capture;
mod claims;
mod gate;
mod inputs;
mod outcome;
mod outputs;
mod progress;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ioam_config::{Loaded, Machine, Valid};
use ioam_dp::packet::HeapPacket;
use ioam_dp::port::PortId;
use ioam_dp::record::Records;
use ioam_dp::stats::WorkerStats;
use ioam_dp::table::Tables;
use ioam_dp::table::publish::Publisher;
use ioam_dp::worker::{Input, Worker, WorkerParts};

use crate::export::{Output, write_records};
use crate::report::Report;
pub use args::{PortFile, ReplayArgs};
use gate::{FileRx, Gate, GivenBuffers, GivenClock, Measurements};
use inputs::Inputs;
pub use outcome::{InputSummary, Outcome, OutputSummary};
use outputs::{FileTx, Outputs};
use progress::Progress;

type FileWorker = Worker<FileRx, FileTx, GivenClock, GivenBuffers, Records>;

/// The command: replays, and prints what it did.
///
/// # Errors
/// One sentence that names the file and says what to do.
pub fn run(arguments: &ReplayArgs) -> Result<ExitCode> {
    let outcome = replay(arguments)?;
    for warning in &outcome.warnings {
        crate::say::err(warning);
    }
    let text = if arguments.json {
        outcome.json() + "\n"
    } else {
        outcome.to_string()
    };
    // Records have standard output to themselves. A reader that went misses nothing.
    let _ = if arguments.records_to_stdout() {
        io::stderr().write_all(text.as_bytes())
    } else {
        io::stdout().write_all(text.as_bytes())
    };
    let lost = outcome.report.records.map_or(0, |records| records.lost);
    match &arguments.records {
        Some(path) if lost > 0 && !arguments.records_to_stdout() => bail!(
            "{lost} records could not be written to {}; make room there, or give `--records` \
             another file, and run again",
            path.display()
        ),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Replays, and returns what happened; files are written, nothing is printed but progress.
///
/// # Errors
/// One sentence that names the file and says what to do.
pub fn replay(arguments: &ReplayArgs) -> Result<Outcome> {
    let Loaded {
        valid, warnings, ..
    } = load(&arguments.config)?;
    let mut spec = valid.node_spec(&macs(valid.ports().len()));
    spec.entropy = crate::entropy::fixed(spec.seed);
    let tables = Tables::compile(&spec)
        .with_context(|| format!("{} makes no node", arguments.config.display()))?;
    let publisher = Publisher::new(tables);
    let tables = publisher.current();

    let captures = by_port("--in", &arguments.inputs, &valid)?;
    let files = by_port("--out", &arguments.outputs, &valid)?;
    claims::check(arguments)?;
    let mut inputs = Inputs::open(&captures)?;
    let outputs = Outputs::create(valid.ports().len(), &files)?;
    let mut records = records(arguments)?;

    let gate = Gate::new();
    let measurements = Measurements::new(arguments, valid.simulate());
    let headroom = usize::from(valid.runtime().headroom);
    let stats = WorkerStats::new(
        tables.ports.len(),
        tables.profiles.len(),
        tables.namespaces.all().len(),
    );
    let mut worker = FileWorker::new(WorkerParts {
        number: 0,
        inputs: inputs
            .ports()
            .map(|port| Input {
                port,
                queue: FileRx::new(port, &gate),
            })
            .collect(),
        outputs: outputs.queues(&gate, measurements).map(Some).collect(),
        reader: publisher.reader(),
        stats: Arc::clone(&stats),
        clock: GivenClock::new(&gate, measurements),
        buffers: GivenBuffers::new(measurements, headroom),
        sink: Records::default(),
    });
    let mut progress = Progress::new(inputs.octets());
    // A burst shares one time of receipt, so every packet is a burst of its own.
    while let Some((port, captured)) = inputs.next_packet()? {
        gate.arrive(
            port,
            captured.time,
            HeapPacket::new(&captured.octets, headroom),
        );
        worker.poll();
        write_records(worker.sink_mut(), &tables, &mut records);
        outputs.check()?;
        progress.show(|| inputs.position());
    }
    worker.drain(1);
    write_records(worker.sink_mut(), &tables, &mut records);
    outputs.finish()?;
    records.flush();
    drop(progress);

    let mut report = Report::gather(&[stats], &tables);
    report.records = Some(records.counts());
    Ok(Outcome {
        warnings: warnings
            .iter()
            .map(ToString::to_string)
            .chain(inputs.warnings(&spec))
            .collect(),
        inputs: inputs.summaries(&spec),
        outputs: outputs.summaries(&spec),
        report,
    })
}

/// Reads the configuration for no machine in particular: a replay needs no CPU of its own.
fn load(path: &Path) -> Result<Loaded> {
    let machine = Machine::other((0..1024).collect());
    ioam_config::load(path, &machine).map_err(|errors| anyhow!("{errors}"))
}

/// Fixed, locally administered Ethernet addresses, 02:00:00:00:00:00 for the first port and so on:
/// a capture does not tell those of the machine it is from.
fn macs(ports: usize) -> Vec<[u8; 6]> {
    (0..=u8::MAX)
        .take(ports)
        .map(|port| [2, 0, 0, 0, 0, port])
        .collect()
}

/// The files by port, in the configuration's order of ports.
fn by_port<'a>(
    flag: &str,
    files: &'a [PortFile],
    valid: &Valid,
) -> Result<Vec<(PortId, &'a Path)>> {
    let mut found: Vec<(PortId, &Path)> = Vec::new();
    for file in files {
        let mut names = valid.ports().iter().map(|port| port.name.as_str());
        let Some(place) = names.position(|name| name == file.port) else {
            let names: Vec<_> = valid
                .ports()
                .iter()
                .map(|port| port.name.as_str())
                .collect();
            bail!(
                "{flag} {file}: no port is named `{}`; the ports are {}",
                file.port,
                names.join(", ")
            );
        };
        let port = PortId(u8::try_from(place).context("a node has at most 32 ports")?);
        ensure!(
            found.iter().all(|(other, _)| *other != port),
            "{flag} {file}: port `{}` has a file already; join two captures with `mergecap -w FILE A B`",
            file.port
        );
        found.push((port, &file.path));
    }
    found.sort_by_key(|(port, _)| *port);
    Ok(found)
}

/// The output for records: only what `--records` says, since the configuration's is the live node's.
fn records(arguments: &ReplayArgs) -> Result<Output> {
    let Some(path) = &arguments.records else {
        return Ok(Output::nowhere());
    };
    Output::create(path).map_err(|error| {
        anyhow!(
            "--records {}: cannot be created ({error}); check the path",
            path.display()
        )
    })
}
