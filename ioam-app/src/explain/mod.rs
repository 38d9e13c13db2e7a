// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam explain`: what the node does with each packet of a capture, step by step, and why not.
//!
//! The packet goes through the node's own pipeline, with counters of its own: what they count is
//! what happened. Filters that did not match are asked field by field.

mod decision;
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
use ioam_dp::table::spec::NodeSpec;
use serde_json::{Value, json};

use crate::export::{Record, ndjson, rfc3339_text};
use crate::replay::capture::{Captured, Reader};
use crate::say;
use decision::{Decision, decisions};

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
    spec: NodeSpec,
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
            spec,
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
        let name = |port: PortId| {
            let spec = self.spec.ports.get(port.index());
            spec.map_or_else(|| "?".to_owned(), |port| port.name.clone())
        };
        Explained {
            number,
            time: captured.time.map(rfc3339_text),
            port: name(self.port),
            octets: captured.octets.len(),
            found: frame::describe(&captured.octets),
            filters: filter::why_not(&self.spec, self.port, &captured.octets, &stats),
            decisions: decisions(&self.spec, tables, &stats, copies),
            out: match verdicts[0] {
                Verdict::Send(port) => Ok((name(port), frame::describe(packet.bytes()))),
                Verdict::Drop(reason) => Err(reason),
            },
            octets_out: packet.bytes().len(),
            records: records
                .options
                .into_iter()
                .map(|record| ndjson::line(&Record::Option(record), tables))
                .collect(),
        }
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

/// All there is to say about one packet.
struct Explained {
    number: u64,
    time: Option<String>,
    port: String,
    octets: usize,
    found: Vec<String>,
    filters: Vec<(String, String)>,
    decisions: Vec<Decision>,
    out: Result<(String, Vec<String>), DropReason>,
    octets_out: usize,
    records: Vec<String>,
}

impl Explained {
    fn text(&self) -> String {
        let time = self.time.as_deref().unwrap_or("no time");
        let mut lines = vec![format!(
            "packet {}, {time}, {} octets, arrived at {}",
            self.number, self.octets, self.port
        )];
        let mut say = |what: &str, text: &str| lines.push(format!("  {what:<10} {text}"));
        self.found.iter().for_each(|line| say("found", line));
        for (profile, why) in &self.filters {
            say("passed by", &format!("profile {profile}: {why}"));
        }
        for decision in &self.decisions {
            say(decision.stage, &decision.text());
        }
        match &self.out {
            Ok((port, found)) => {
                let (before, after) = (self.octets, self.octets_out);
                say("sent", &format!("by {port}, {before} → {after} octets"));
                if *found != self.found {
                    found.iter().for_each(|line| say("now", line));
                }
            }
            Err(reason) => say(
                "dropped",
                &format!("{}: {}", reason.name(), reason.description()),
            ),
        }
        self.records.iter().for_each(|line| say("record", line));
        lines.join("\n") + "\n"
    }

    fn json(&self) -> Value {
        let records = self.records.iter();
        let records: Vec<Value> = records
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let filters = self.filters.iter();
        let filters: Vec<_> = filters
            .map(|(profile, why)| json!({"profile": profile, "why": why}))
            .collect();
        json!({
            "packet": self.number,
            "time": self.time,
            "port": self.port,
            "octets": self.octets,
            "found": self.found,
            "passed_by": filters,
            "decisions": self.decisions.iter().map(Decision::json).collect::<Vec<_>>(),
            "sent": self.out.as_ref().ok().map(|(port, found)| {
                json!({"port": port, "octets": self.octets_out, "found": found})
            }),
            "dropped": self.out.as_ref().err().map(|reason| {
                json!({"name": reason.name(), "why": reason.description()})
            }),
            "records": records,
        })
    }
}
