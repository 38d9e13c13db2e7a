// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam explain`: what the node does with each packet of a capture, step by step, and why not.
//!
//! The packet goes through the node's own pipeline, with counters of its own: what they count is
//! what happened. Filters that did not match are asked field by field.

mod decision;
mod explained;
mod filter;
mod frame;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use ioam_config::{Loaded, Machine, Valid};
use ioam_dp::moment::Moment;
use ioam_dp::packet::{HeapPacket, PacketBuf};
use ioam_dp::pipeline::{Pipeline, Verdict};
use ioam_dp::port::{BURST, MAX_PORTS, PortId};
use ioam_dp::record::Records;
use ioam_dp::stats::{DropReason, WorkerStats};
use ioam_dp::table::Tables;

use crate::replay::capture::{Captured, Reader};
use crate::say;
pub(crate) use explained::{Explained, Happened, Seen};

/// What to explain.
#[derive(Clone, Debug, Args)]
pub struct ExplainArguments {
    /// A capture, pcap or pcapng
    #[arg(value_name = "CAPTURE")]
    pub capture: PathBuf,
    /// The node's configuration
    #[arg(long, short, value_name = "FILE")]
    pub config: PathBuf,
    /// The port the packets arrive at [default: the first]
    #[arg(long, value_name = "NAME")]
    pub port: Option<String>,
    /// Explain this packet alone, counted from 1; those before it are only processed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub packet: Option<u64>,
    /// Print one JSON object a packet
    #[arg(long)]
    pub json: bool,
}

/// Explains every packet.
///
/// # Errors
///
/// One sentence that names the file and says what to do.
pub fn run(arguments: &ExplainArguments) -> Result<ExitCode> {
    let machine = Machine::other((0..1024).collect());
    let Loaded {
        valid, warnings, ..
    } = ioam_config::load(&arguments.config, &machine).map_err(|errors| anyhow!("{errors}"))?;
    warnings.iter().for_each(say::err);
    let mut node = Node::new(&valid, arguments)?;
    let named = |error| anyhow!("{} {error}", arguments.capture.display());
    let mut capture = Reader::open(&arguments.capture).map_err(named)?;
    let mut number = 0;
    while let Some(captured) = capture.next_packet().map_err(named)? {
        number += 1;
        let explained = node.explain(number, &captured);
        match arguments.packet {
            Some(wanted) if wanted > number => continue,
            Some(wanted) if wanted < number => break,
            _ if arguments.json => say::out(explained.json()),
            _ => say::out(explained.text()),
        }
    }
    match arguments.packet {
        Some(wanted) if wanted > number => bail!(
            "{} has {number} packets, so there is no packet {wanted}",
            arguments.capture.display()
        ),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// A node that takes one packet at a time.
struct Node {
    tables: Arc<Tables>,
    pipeline: Pipeline,
    port: PortId,
    headroom: usize,
    given: Option<ioam_config::Simulate>,
}

impl Node {
    fn new(valid: &Valid, arguments: &ExplainArguments) -> Result<Self> {
        let macs: Vec<_> = (0..=u8::MAX)
            .take(valid.ports().len())
            .map(|port| [2, 0, 0, 0, 0, port])
            .collect();
        let spec = valid.node_spec(&macs);
        let tables = Tables::compile(&spec)
            .with_context(|| format!("{} makes no node", arguments.config.display()))?;
        let names: Vec<_> = spec.ports.iter().map(|port| port.name.as_str()).collect();
        let place = match &arguments.port {
            None => 0,
            Some(wanted) => names
                .iter()
                .position(|name| name == wanted)
                .ok_or_else(|| {
                    let names = names.join(", ");
                    anyhow!("--port {wanted}: no port has that name; the ports are {names}")
                })?,
        };
        Ok(Self {
            tables: Arc::new(tables),
            pipeline: Pipeline::new(0),
            port: PortId(u8::try_from(place).context("a node has at most 32 ports")?),
            headroom: usize::from(valid.runtime().headroom),
            given: valid.simulate().cloned(),
        })
    }

    /// Processes one packet with counters of its own.
    fn explain(&mut self, number: u64, captured: &Captured) -> Explained {
        let tables = &self.tables;
        let (profiles, namespaces) = (tables.profiles.len(), tables.namespaces.all().len());
        let stats = WorkerStats::new(tables.ports.len(), profiles, namespaces);
        let mut burst = [HeapPacket::new(&captured.octets, self.headroom)];
        let mut verdicts = [Verdict::Drop(DropReason::NoPeer); BURST];
        let mut records = Records::default();
        let moment = self.moment(captured);
        self.pipeline.classify(tables, self.port, &burst, &stats);
        let (port, sink) = (self.port, &mut records);
        self.pipeline
            .act(port, &mut burst, &moment, &stats, sink, &mut verdicts);
        let originated = self.pipeline.outbox();
        let copies = originated.frames().count();
        originated.clear();
        let [packet] = burst;
        let frame = Seen::whole;
        Explained::new(
            number,
            &Happened {
                time: captured.time,
                in_port: self.port,
                before: frame(&captured.octets),
                after: frame(packet.bytes()),
                fate: verdicts[0],
                copies,
                tables,
                stats: &stats,
                records: &records.options,
            },
        )
    }

    /// What node data are written from: as in a replay.
    fn moment(&self, captured: &Captured) -> Moment {
        let mut moment = Moment::at(captured.time);
        if let Some(given) = &self.given {
            moment.received = Some(given.clock)
                .filter(|clock| clock.seconds != 0)
                .or(captured.time);
            moment.transit_delay = Some(given.transit_delay);
            moment.queue_depth = [Some(given.queue_depth); MAX_PORTS];
            moment.buffer_occupancy = Some(given.buffer_occupancy);
        }
        moment
    }
}
