// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The reference packets as cases: a node specification, a moment, octets in and octets out.

#![allow(dead_code, reason = "each test takes the helpers it needs")]
#![allow(
    clippy::cast_possible_truncation,
    reason = "the numbers are the tests' own and fit"
)]

pub(crate) mod crew;
pub(crate) mod direct_export;
pub(crate) mod expect;
pub(crate) mod frames;
pub(crate) mod options;

use ioam_dp::moment::Moment;
use ioam_dp::packet::{HeapPacket, PacketBuf};
use ioam_dp::pipeline::{Pipeline, Verdict};
use ioam_dp::port::{BURST, MAX_PORTS, PortId};
use ioam_dp::record::{ExportRecord, RecordSink, SequenceReport};
use ioam_dp::stats::{DropReason, Notice, WorkerStats};
use ioam_dp::table::Tables;
use ioam_dp::table::publish::Publisher;
use ioam_dp::table::spec::*;
use ioam_dp::timestamp::WallTime;
use ioam_dp::wire::ioam::TraceType;
use serde_json::Value;

/// One reference packet.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) role: String,
    pub(crate) action: String,
    pub(crate) config: Value,
    pub(crate) node: Value,
    pub(crate) input: Vec<u8>,
    pub(crate) output: Option<Vec<u8>>,
    pub(crate) extra: Vec<Vec<u8>>,
    pub(crate) export: Value,
}

/// Every reference packet in the repository.
pub(crate) fn cases() -> Vec<Case> {
    let text = include_str!("../golden/vectors.json");
    let file: Value = serde_json::from_str(text).expect("vectors.json is JSON");
    let nodes = &file["nodes"];
    let vectors = file["vectors"].as_array().expect("vectors is a list");
    vectors.iter().map(|vector| case(vector, nodes)).collect()
}

fn case(vector: &Value, nodes: &Value) -> Case {
    let text = |key: &str| vector[key].as_str().unwrap_or_default().to_owned();
    Case {
        id: text("id"),
        role: text("role"),
        action: text("action"),
        config: vector["config"].clone(),
        node: nodes[vector["node"].as_str().unwrap_or("B")].clone(),
        input: hex(vector["in"].as_str().unwrap_or_default()),
        output: vector["out"].as_str().map(hex),
        extra: vector["extra_out"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|frame| frame.as_str().map(hex))
            .collect(),
        export: vector["export"].clone(),
    }
}

/// Octets from hexadecimal digits.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let nibble = |place: usize| u8::from_str_radix(&digits[place..place + 2], 16);
    (0..digits.len())
        .step_by(2)
        .map(|place| nibble(place).expect("hex digits"))
        .collect()
}

/// A number written as a number or as `0x…`.
pub(crate) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => u64::from_str_radix(text.trim_start_matches("0x"), 16).ok(),
        other => other.as_u64(),
    }
}

impl Case {
    /// The node the case is for: a static router, so that hop limits are decremented.
    pub(crate) fn spec(&self) -> NodeSpec {
        let namespaces = match self.config["namespaces"].as_array() {
            Some(ids) => ids.iter().filter_map(Value::as_u64).collect(),
            None => vec![0, number(&self.config["namespace"]).unwrap_or(123)],
        };
        NodeSpec {
            node_id: number(&self.node["node_id"]).map(|id| id as u32),
            node_id_wide: number(&self.node["node_id_wide"]),
            ports: vec![self.port("iif", "iif_wide"), self.port("eif", "eif_wide")],
            namespaces: namespaces
                .into_iter()
                .map(|id| self.namespace(id as u16))
                .collect(),
            profiles: self.profile().into_iter().collect(),
            policy: Policy {
                loopback: self.config["loopback"] == true,
                ..Policy::default()
            },
            forwarding: ForwardingSpec::Wire {
                pairs: vec![(0, 1)],
                decrement_hop_limit: true,
            },
            ..NodeSpec::default()
        }
    }

    fn port(&self, id: &str, wide: &str) -> PortSpec {
        let outside = self.config["side"] == "outside" && id == "iif";
        PortSpec {
            name: id.to_owned(),
            mac: [2, 0, 0, 0, 0, 1],
            mtu: 1500,
            ioam: true,
            id: number(&self.node[id]).map(|id| id as u16),
            id_wide: number(&self.node[wide]).map(|id| id as u32),
            address: "2001:db8:ff::b".parse().ok(),
            side: if outside {
                Side::Edge(EdgePolicy::Drop)
            } else {
                Side::Inside
            },
            speed: 10_000,
        }
    }

    fn namespace(&self, id: u16) -> NamespaceSpec {
        let schema = self
            .config
            .get("schema")
            .filter(|schema| schema.is_object());
        let offset = self.config["tai_offset"].as_i64().unwrap_or(37) as i32;
        NamespaceSpec {
            data: number(&self.node["ns_data"]).map(|data| data as u32),
            data_wide: number(&self.node["ns_data_wide"]),
            schema: schema.map(|schema| SchemaSpec {
                id: number(&schema["id"]).unwrap_or(0) as u32,
                data: hex(schema["data"].as_str().unwrap_or_default()),
            }),
            timestamp: match self.config["timestamp_format"].as_str() {
                Some("ptp") => TimestampFormat::Ptp { tai_offset: offset },
                Some("ntp") => TimestampFormat::Ntp,
                _ => TimestampFormat::Posix,
            },
            ..NamespaceSpec::plain(id)
        }
    }

    fn profile(&self) -> Option<ProfileSpec> {
        let inline = self.config["mode"] == "inline";
        let action = match self.role.as_str() {
            "encap" => {
                let address = |key: &str| self.config[key].as_str().and_then(|a| a.parse().ok());
                let placement = match (address("src"), address("dst"), inline) {
                    (Some(source), Some(destination), false) => Placement::Ip6InIp6 {
                        source,
                        destination,
                        hop_limit: number(&self.config["hop_limit"]).unwrap_or(64) as u8,
                    },
                    _ => Placement::Inline,
                };
                ActionSpec::Encapsulate(EncapsulateSpec::new(self.options()?, placement))
            }
            "decap" => ActionSpec::Decapsulate(DecapsulateSpec {
                namespaces: vec![0, 123],
                placement: match inline {
                    true => DecapsulatePlacement::Inline,
                    false => DecapsulatePlacement::Ip6InIp6 { destination: None },
                },
                record_self: self.config["record_self"].as_bool().unwrap_or(false),
                accounting: AccountingSpec::default(),
            }),
            _ => return None,
        };
        Some(ProfileSpec {
            name: self.role.clone(),
            filter: FilterSpec::default(),
            action,
        })
    }

    /// The options an encapsulating node is to put in.
    fn options(&self) -> Option<Vec<OptionSpec>> {
        let config = &self.config;
        let namespace = number(&config["namespace"])? as u16;
        let trace_type = number(&config["trace_type"]).map(|kind| kind as u32);
        let mut options = Vec::new();
        if let (Some(words), Some(trace_type)) = (number(&config["size_words"]), trace_type) {
            options.push(OptionSpec::Trace(TraceSpec {
                namespace,
                trace_type,
                words: words as u8,
                record_self: config["record_self"].as_bool().unwrap_or(true),
                loopback: false,
            }));
        }
        if config["dex"] == true {
            options.push(OptionSpec::DirectExport(DirectExportSpec {
                namespace,
                trace_type: trace_type?,
                flow_id: number(&config["flow_id"])
                    .map_or(FlowIdSpec::None, |id| FlowIdSpec::Fixed(id as u32)),
                sequence: !config["first_sequence"].is_null(),
                record_self: false,
            }));
        }
        if let Some(fields) = config["e2e"].as_array() {
            let bit = |field: &Value| match field.as_str() {
                Some("seq64") => 0x8000,
                Some("seq32") => 0x4000,
                Some("sec") => 0x2000,
                _ => 0x1000,
            };
            options.push(OptionSpec::EdgeToEdge(EdgeToEdgeSpec {
                namespace,
                kind: fields.iter().map(bit).sum(),
                group: GroupSpec::Profile,
            }));
        }
        Some(options)
    }

    /// The node's measurements while it has the packet.
    pub(crate) fn moment(&self) -> Moment {
        let received = number(&self.node["sec"]).map(|seconds| WallTime {
            seconds,
            nanoseconds: number(&self.node["nsec"]).unwrap_or(0) as u32,
        });
        let mut moment = Moment::at(received);
        moment.transit_delay = number(&self.node["transit_delay"]).map(|ns| ns as u32);
        let depth = number(&self.node["queue_depth"]).map(|depth| depth as u32);
        moment.queue_depth = [depth; MAX_PORTS];
        moment.buffer_occupancy = number(&self.node["buffer_occupancy"]).map(|b| b as u32);
        moment
    }
}

/// A node that takes one frame at a time.
pub(crate) struct Bench {
    publisher: Publisher,
    pipeline: Pipeline,
    pub(crate) stats: std::sync::Arc<WorkerStats>,
    pub(crate) records: Vec<ExportRecord>,
    pub(crate) reports: Vec<SequenceReport>,
    /// Frames it originated, and the ports they leave by.
    pub(crate) originated: Vec<(PortId, Vec<u8>)>,
}

/// Where a bench keeps what a node hands over.
pub(crate) struct Kept<'a>(
    pub(crate) &'a mut Vec<ExportRecord>,
    pub(crate) &'a mut Vec<SequenceReport>,
);

impl RecordSink for Kept<'_> {
    fn push(&mut self, record: ExportRecord) -> bool {
        self.0.push(record);
        true
    }

    fn report(&mut self, report: SequenceReport) -> bool {
        self.1.push(report);
        true
    }
}

impl Bench {
    pub(crate) fn new(spec: &NodeSpec) -> Self {
        let tables = Tables::compile(spec).expect("the specification is a node");
        let namespaces = tables.namespaces.all().len();
        let stats = WorkerStats::new(spec.ports.len(), spec.profiles.len(), namespaces);
        let (publisher, pipeline) = (Publisher::new(tables), Pipeline::new(0));
        Self {
            publisher,
            pipeline,
            stats,
            records: Vec::new(),
            reports: Vec::new(),
            originated: Vec::new(),
        }
    }

    /// Lets the node do what is due at `seconds` after 2024-08-13.
    pub(crate) fn tick(&mut self, now: WallTime) {
        let tables = self.publisher.current();
        let mut kept = Kept(&mut self.records, &mut self.reports);
        self.pipeline.tick(&tables, now, &self.stats, &mut kept);
        self.collect();
    }

    /// Ends the run: every packet group is reported on.
    pub(crate) fn finish(&mut self) {
        let mut kept = Kept(&mut self.records, &mut self.reports);
        self.pipeline.finish(&self.stats, &mut kept);
    }

    /// The tables it has.
    pub(crate) fn tables(&self) -> std::sync::Arc<Tables> {
        self.publisher.current()
    }

    /// Gives the node new tables.
    pub(crate) fn reload(&mut self, spec: &NodeSpec) {
        let tables = Tables::compile(spec).expect("the specification is a node");
        self.publisher.publish(tables);
    }

    fn collect(&mut self) {
        let outbox = self.pipeline.outbox();
        let frames = outbox.frames().map(|(port, frame)| (port, frame.to_vec()));
        self.originated.extend(frames);
        outbox.clear();
    }

    /// Sends `frame` through from `port`; what comes out and where, or why nothing does.
    pub(crate) fn pass(
        &mut self,
        frame: &[u8],
        port: u8,
        moment: &Moment,
    ) -> Result<(PortId, Vec<u8>), DropReason> {
        let mut burst = [HeapPacket::new(frame, 512)];
        let mut verdicts = [Verdict::Drop(DropReason::NoPeer); BURST];
        let (tables, port) = (self.publisher.current(), PortId(port));
        self.pipeline.classify(&tables, port, &burst, &self.stats);
        let stats = &*self.stats;
        let mut kept = Kept(&mut self.records, &mut self.reports);
        self.pipeline
            .act(port, &mut burst, moment, stats, &mut kept, &mut verdicts);
        self.collect();
        match verdicts[0] {
            Verdict::Send(port) => Ok((port, burst[0].bytes().to_vec())),
            Verdict::Drop(reason) => Err(reason),
        }
    }

    /// Sends `packet` through from `port` as it is; the trace types the first pass asked for too.
    pub(crate) fn carry(
        &mut self,
        packet: HeapPacket,
        port: u8,
        moment: &Moment,
    ) -> (Verdict, HeapPacket, TraceType) {
        let mut burst = [packet];
        let mut verdicts = [Verdict::Drop(DropReason::NoPeer); BURST];
        let (tables, port) = (self.publisher.current(), PortId(port));
        let wanted = self.pipeline.classify(&tables, port, &burst, &self.stats);
        let stats = &*self.stats;
        let mut kept = Kept(&mut self.records, &mut self.reports);
        self.pipeline
            .act(port, &mut burst, moment, stats, &mut kept, &mut verdicts);
        self.collect();
        let [packet] = burst;
        (verdicts[0], packet, wanted)
    }

    /// The names of what was noticed, in the order of their counters.
    pub(crate) fn noticed(&self) -> Vec<&'static str> {
        let counted = Notice::ALL
            .iter()
            .filter(|notice| self.stats.notices(**notice) > 0);
        counted.map(|notice| notice.name()).collect()
    }
}
