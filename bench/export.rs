// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Records from a worker's ring to the socket of a collector, encoding and sending on one core.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Parser as _;
use ioam_app::export::ipfix::settings::{Kinds, Profile, Transport};
use ioam_app::export::ipfix::{Collector, CollectorReport, Exporter};
use ioam_app::export::{Drain, Output, ring};
use ioam_dp::port::PortId;
use ioam_dp::record::{ExportRecord, Flow, MAX_OPTION_DATA, Occasion, RecordSink as _};
use ioam_dp::table::Tables;
use ioam_dp::table::spec::NodeSpec;
use ioam_dp::timestamp::WallTime;
use ioam_dp::wire::ioam::{NamespaceId, OptionType};
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use arguments::Arguments;
use machine::Processors;

mod arguments;
mod machine;
#[allow(dead_code, reason = "what the other benchmarks report")]
mod report;

/// Room of the ring, as in a node.
const RING: usize = 16_384;
/// Records that may wait for the collector, as by default in a node.
const QUEUE: usize = 65_536;

/// What is sent.
struct Case {
    name: &'static str,
    does: &'static str,
    kinds: Kinds,
    option: &'static [u8],
    option_type: OptionType,
}

const NONE: Kinds = Kinds {
    raw: false,
    hops: false,
    sequences: false,
    paths: false,
};

/// A trace of three nodes with ids, interfaces and timestamps; timestamps are POSIX.
const TRACE: [u8; 56] = trace();

const fn trace() -> [u8; 56] {
    let mut data = [0; 56];
    let (mut node, head) = (0, [0, 123, 0x20, 0, 0xF0, 0, 0, 0]);
    let mut at = 0;
    while at < 8 {
        data[at] = head[at];
        at += 1;
    }
    while node < 3 {
        let element = [
            62 + node,
            0x0A,
            0,
            node,
            0,
            1,
            0,
            2,
            0x66,
            0xBB,
            0x71,
            0x22,
            0,
            1,
            0x86,
            0,
        ];
        let mut octet = 0;
        while octet < 16 {
            data[at] = element[octet];
            (octet, at) = (octet + 1, at + 1);
        }
        node += 1;
    }
    data
}

/// Direct export of one node's id and interfaces, with Flow ID and sequence number.
const POSTCARD: [u8; 24] = [
    0, 123, 0, 0xC0, 0xC0, 0, 0, 0, 0, 0xAB, 0xCD, 0xEF, 0, 0, 0, 7, 63, 0x0B, 0, 1, 0, 1, 0, 2,
];

fn cases() -> [Case; 4] {
    let case = |name, does, kinds, option, option_type| Case {
        name,
        does,
        kinds,
        option,
        option_type,
    };
    let (raw, hops) = (Kinds { raw: true, ..NONE }, Kinds { hops: true, ..NONE });
    let trace = OptionType::PreallocatedTrace;
    [
        case("raw", "a trace of 3 nodes as it was", raw, &TRACE, trace),
        case("hops", "a trace of 3 nodes, decoded", hops, &TRACE, trace),
        case(
            "all",
            "raw, decoded, and its path's delay",
            Kinds::ALL,
            &TRACE,
            trace,
        ),
        case(
            "postcard",
            "direct export, decoded",
            hops,
            &POSTCARD,
            OptionType::DirectExport,
        ),
    ]
}

fn record(case: &Case) -> ExportRecord {
    let mut option = [0; MAX_OPTION_DATA];
    option[..case.option.len()].copy_from_slice(case.option);
    ExportRecord {
        occasion: Occasion::Decapsulated,
        received: WallTime {
            seconds: 1_723_560_226,
            nanoseconds: 200_000_000,
        },
        in_port: PortId(0),
        profile: Some(0),
        namespace: NamespaceId(0),
        option_type: case.option_type,
        outer_source: [0xA; 16],
        outer_destination: [0xD; 16],
        flow: Flow::default(),
        proof: None,
        option_len: u8::try_from(case.option.len()).unwrap_or(u8::MAX),
        option,
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let processors = Processors::choose()?;
    let chosen = cases();
    let chosen: Vec<_> = chosen
        .iter()
        .filter(|case| arguments.takes(case.name))
        .collect();
    ensure!(!chosen.is_empty(), "there is no such case");
    let each = arguments.duration() / u32::try_from(chosen.len()).unwrap_or(1);
    let load = report::load();
    let mut lines = Vec::new();
    if !arguments.json {
        println!(
            "From ring to UDP socket, both threads on CPU {}; {}; git {}\n\n{:48} {:>12} {:>14} {:>12} {:>8}",
            processors.main,
            report::machine(load),
            env!("IOAM_GIT"),
            "",
            "records/s",
            "of own time",
            "Data Rec./s",
            "Gbit/s"
        );
    }
    for case in chosen {
        let figure = Figure::measure(case, each, processors)?;
        if !arguments.json {
            figure.print(case);
        }
        lines.push(figure.json(case, load));
    }
    report::write(&lines, arguments.append.as_deref(), arguments.json)
}

struct Figure {
    collector: CollectorReport,
    seconds: f64,
    own_seconds: f64,
}

impl Figure {
    /// Keeps the ring full from one core, and has the other send what it can.
    fn measure(case: &Case, duration: Duration, processors: Processors) -> Result<Self> {
        // Nobody reads: the kernel throws away what does not fit, at the cost of delivery.
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let collector = Collector {
            name: "bench".to_owned(),
            address: socket.local_addr()?,
            transport: Transport::Udp,
            enterprise: 32_473,
            domain: 1,
            refresh: Duration::from_secs(600),
            reconnect: Duration::from_secs(60),
            kinds: case.kinds,
            profile: Profile::Ioam,
            queue: QUEUE,
        };
        let tables = Tables::compile(&NodeSpec::default()).context("a node of nothing")?;
        let (mut sink, end) = ring(RING);
        let exporter =
            Exporter::start(&[collector], Duration::from_secs(1), Some(processors.main))?;
        let mut drain = Drain::new(vec![end], Output::nowhere()).with_exporter(exporter);
        let stop = Arc::new(AtomicBool::new(false));
        let (template, over) = (record(case), Arc::clone(&stop));
        let worker = std::thread::spawn(move || {
            pin(processors.worker);
            let mut taken = 0_u64;
            while !over.load(Ordering::Relaxed) {
                taken += u64::from(sink.push(template.clone()));
            }
            (taken, seconds_of(ClockId::ThreadCPUTime))
        });
        pin(processors.main);
        let begun = (Instant::now(), seconds_of(ClockId::ProcessCPUTime));
        while begun.0.elapsed() < duration {
            // As much as the queue holds: this is about speed, and drops are for collectors that
            // do not keep up.
            let waiting = drain
                .counts()
                .collectors
                .first()
                .map_or(0, |one| one.waiting);
            if waiting + RING as u64 > QUEUE as u64 || drain.round(&tables) == 0 {
                std::thread::yield_now();
            }
        }
        let busy = seconds_of(ClockId::ProcessCPUTime) - begun.1;
        let seconds = begun.0.elapsed().as_secs_f64();
        let sent = drain.counts().collectors.remove(0);
        stop.store(true, Ordering::Relaxed);
        let ended = worker.join();
        let (taken, others) = ended.map_err(|_| anyhow!("the worker panicked"))?;
        let end = drain.finish(&tables).collectors.remove(0);
        let paths = u64::from(case.kinds.paths);
        ensure!(end.sent + end.dropped == end.produced, "{end:?}");
        ensure!(
            end.produced >= taken && end.produced <= taken + paths * 10_000,
            "{end:?}"
        );
        // What the ring still held may find the queue full at the end; while it was timed, nothing did.
        ensure!(sent.dropped == 0, "records were dropped: {sent:?}");
        Ok(Self {
            collector: sent,
            seconds,
            own_seconds: busy - others,
        })
    }

    fn rate(&self, count: u64) -> f64 {
        count as f64 / self.seconds
    }

    fn print(&self, case: &Case) {
        let sent = &self.collector;
        println!(
            "{:48} {:>12.0} {:>14.0} {:>12.0} {:>8.2}",
            format!("{:9} {}", case.name, case.does),
            self.rate(sent.sent),
            sent.sent as f64 / self.own_seconds.max(f64::EPSILON),
            self.rate(sent.data_records),
            self.rate(sent.octets) * 8e-9,
        );
    }

    fn json(&self, case: &Case, load: f64) -> Value {
        let sent = &self.collector;
        json!({
            "bench": "export", "case": case.name, "does": case.does,
            "records_a_second": report::rounded(self.rate(sent.sent)),
            "data_records_a_second": report::rounded(self.rate(sent.data_records)),
            "messages_a_second": report::rounded(self.rate(sent.messages)),
            "records_a_cpu_second": report::rounded(sent.sent as f64 / self.own_seconds.max(f64::EPSILON)),
            "octets_a_second": report::rounded(self.rate(sent.octets)),
            "provenance": report::provenance(load),
        })
    }
}

/// Time on any processor, of all threads or of this one.
fn seconds_of(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    // Where it may not be pinned, the figures are what the system makes of it.
    let _ = sched_setaffinity(None, &set);
}
