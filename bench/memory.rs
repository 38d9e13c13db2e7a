// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a node takes of memory: for flows, rules and workers by the allocator's figures, for ports
//! by DPDK's own of its buffers.

use std::alloc::System;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use ioam_app::dpdk::{Device, Eal, Mbuf, Mempool, PoolGauge, frame_room};
use ioam_dp::packet::HeapPacket;
use ioam_dp::pipeline::Pipeline;
use ioam_dp::port::{Buffers as _, PortId};
use ioam_dp::stats::WorkerStats;
use ioam_dp::table::Tables;
use ioam_dp::table::spec::NodeSpec;
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use arguments::Arguments;
use case::HEADROOM;
use machine::{Memory, Processors, eal_arguments};

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
mod machine;
#[allow(dead_code, reason = "what the other benchmarks report")]
mod report;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Buffers of a port where a configuration says nothing.
const BUFFERS: u32 = 8192;
/// Octets of layer 3 that a port takes where a configuration says nothing.
const MTU: u16 = 1500;
/// Most flows, as many as a node has by default, and more.
const FLOWS: [u32; 3] = [65_536, 1_000_000, 10_000_000];

/// Adds up memory, prints a table, and ends by itself; it takes no time worth choosing.
#[derive(Debug, clap::Parser)]
struct MemoryArguments {
    #[command(flatten)]
    common: Arguments,
    /// Memory for packets
    #[arg(long, value_enum, default_value = "no-huge")]
    memory: Memory,
}

/// One line of the report.
struct Row {
    what: String,
    octets: usize,
    /// What there are so many of, for which it is.
    per: (usize, &'static str),
}

fn main() -> Result<()> {
    let MemoryArguments { common, memory } = MemoryArguments::parse();
    let load = report::load();
    let mut rows = vec![worker_of(
        &frames::node(),
        "a worker without profiles",
        1,
        "worker",
    )?];
    let enough = machine::available_memory() > 2 << 30;
    for flows in FLOWS
        .into_iter()
        .filter(|flows| enough || *flows <= 1_000_000)
    {
        let spec = cases::direct_export_encapsulation("", "", flows).spec;
        let what = format!("sequences by flow, room for {flows}");
        rows.push(worker_of(&spec, &what, flows as usize, "flow")?);
    }
    rows.push(rules()?);
    rows.push(port(memory)?);
    let mut provenance = report::provenance(load);
    provenance["memory"] = json!(memory.name());
    if !common.json {
        println!(
            "Memory: the allocator's figures; ports by DPDK's of the pool; git {}\n",
            env!("IOAM_GIT")
        );
        println!("{:46} {:>14} {:>14}", "", "octets", "for each");
    }
    let mut lines: Vec<Value> = Vec::new();
    for row in rows {
        let (count, name) = row.per;
        let each = row.octets as f64 / count as f64;
        if !common.json {
            println!("{:46} {:>14} {:>14.1} {name}", row.what, row.octets, each);
        }
        lines.push(json!({
            "bench": "memory", "what": row.what, "octets": row.octets, "count": count,
            "per": name, "octets_each": report::rounded(each), "provenance": provenance,
        }));
    }
    report::write(&lines, common.append.as_deref(), common.json)
}

/// What a worker allocates for its tables once its first packet came.
fn worker_of(spec: &NodeSpec, what: &str, count: usize, per: &'static str) -> Result<Row> {
    let tables = std::sync::Arc::new(Tables::compile(spec).context("the case is no node")?);
    let namespaces = tables.namespaces.all().len();
    let region = Region::new(ALLOCATOR);
    let stats = WorkerStats::new(tables.ports.len(), tables.profiles.len(), namespaces);
    let mut pipeline = Pipeline::new(0);
    let frame = cases::pass().frames.input;
    let burst = [HeapPacket::new(&frame, HEADROOM)];
    pipeline.classify(&tables, PortId(0), &burst, &stats);
    let octets = held(&region);
    Ok(Row {
        what: what.to_owned(),
        octets,
        per: (count, per),
    })
}

/// What compiled tables hold for a thousand rules.
fn rules() -> Result<Row> {
    let all = cases::cases().into_iter();
    let mut cases = all.filter(|case| case.name == "encap-1000-rules");
    let spec = cases.next().context("there is no such case")?.spec;
    let region = Region::new(ALLOCATOR);
    let tables = Tables::compile(&spec).context("the case is no node")?;
    let octets = held(&region);
    Ok(Row {
        what: "rules, compiled, with the headers they add".to_owned(),
        octets,
        per: (tables.profiles.len(), "rule"),
    })
}

/// What buffers of a port take, their own headers included.
fn port(memory: Memory) -> Result<Row> {
    let Processors { main, worker } = Processors::choose()?;
    let eal = Eal::init(&eal_arguments(main, &[worker], memory, "memory"))?;
    let (headroom, room) = (
        u32::try_from(HEADROOM)?,
        frame_room(&Device::new("net_ring"), MTU),
    );
    let pool = Mempool::new(&eal, "memory", BUFFERS, headroom, room, -1)?;
    let gauge = PoolGauge::new(&eal, std::slice::from_ref(&pool));
    let packet = Mbuf::alloc(&pool).context("an empty pool")?;
    let each = gauge.octets_in_use().context("the gauge is silent")?;
    drop((packet, gauge, pool));
    eal.close()?;
    Ok(Row {
        what: format!("packet buffers of a port: {BUFFERS}, MTU {MTU}"),
        octets: usize::try_from(each)? * BUFFERS as usize,
        per: (1, "port"),
    })
}

/// Octets allocated since, and not given back.
fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    let grown = usize::try_from(change.bytes_reallocated.max(0)).unwrap_or(0);
    change
        .bytes_allocated
        .saturating_add(grown)
        .saturating_sub(change.bytes_deallocated)
}
