// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A packet fares the same whether it takes an express lane or the long way: what comes out, what is
//! recorded, originated and counted, and what has to be measured.

use std::sync::Arc;

use super::any::*;
use crate::common::direct_export::Dex;
use crate::common::frames::*;
use ioam_dp::moment::Moment;
use ioam_dp::packet::{HeapPacket, PacketBuf};
use ioam_dp::pipeline::{Pipeline, Verdict};
use ioam_dp::port::{BURST, PortId};
use ioam_dp::record::Records;
use ioam_dp::stats::{DropReason, WorkerStats};
use ioam_dp::table::Tables;
use ioam_dp::table::spec::*;
use ioam_dp::timestamp::WallTime;
use ioam_dp::wire::ioam::TraceType;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One of the two.
struct Way {
    pipeline: Pipeline,
    stats: Arc<WorkerStats>,
    records: Records,
}

/// All that can be seen of a burst from outside.
#[derive(Debug, PartialEq)]
struct Seen {
    /// What has to be measured: delay, queue depth, buffer occupancy.
    wanted: [bool; 3],
    /// Verdict, frame and headroom of each.
    packets: Vec<(Verdict, Vec<u8>, usize)>,
    originated: Vec<(PortId, Vec<u8>)>,
}

impl Way {
    fn new(pipeline: Pipeline) -> Self {
        Self {
            pipeline,
            stats: WorkerStats::new(3, 8, 8),
            records: Records::default(),
        }
    }

    fn burst(&mut self, tables: &Arc<Tables>, packets: &[HeapPacket], moment: &Moment) -> Seen {
        let (mut packets, stats) = (packets.to_vec(), &*self.stats);
        let mut verdicts = [Verdict::Drop(DropReason::NoPeer); BURST];
        let (port, pipeline) = (PortId(0), &mut self.pipeline);
        let wanted = pipeline.classify(tables, port, &packets, stats);
        let sink = &mut self.records;
        pipeline.act(port, &mut packets, moment, stats, sink, &mut verdicts);
        let outbox = pipeline.outbox();
        let originated = outbox.frames().map(|(port, frame)| (port, frame.to_vec()));
        let originated = originated.collect();
        outbox.clear();
        Seen {
            wanted: [
                TraceType::TRANSIT_DELAY,
                TraceType::QUEUE_DEPTH,
                TraceType::BUFFER_OCCUPANCY,
            ]
            .map(|measured| wanted.has(measured)),
            packets: verdicts
                .into_iter()
                .zip(packets)
                .map(|(verdict, packet)| (verdict, packet.bytes().to_vec(), packet.headroom()))
                .collect(),
            originated,
        }
    }

    fn end(&mut self, tables: &Arc<Tables>, moment: &Moment) {
        let now = moment.received.unwrap_or_default();
        let (stats, sink) = (&*self.stats, &mut self.records);
        self.pipeline.tick(tables, now, stats, sink);
        self.pipeline.finish(stats, sink);
    }
}

/// Nodes whose packets may take a lane, and others.
fn either_nodes() -> impl Strategy<Value = NodeSpec> {
    (nodes(), 0..4u8, any::<bool>()).prop_map(|(mut spec, kind, decrement)| {
        if kind > 0 {
            spec.policy.semantics = Semantics::Rfc;
            for port in &mut spec.ports {
                (port.side, port.ioam) = (Side::Inside, true);
            }
            spec.forwarding = ForwardingSpec::Wire {
                pairs: vec![(0, 1)],
                decrement_hop_limit: decrement,
            };
        }
        if kind > 1 {
            spec.profiles.truncate(1);
            for profile in &mut spec.profiles {
                profile.filter = FilterSpec::default();
            }
        }
        spec
    })
}

/// Packets as encapsulating nodes make them, plain ones, and some of them damaged a little.
fn usual_frames() -> impl Strategy<Value = Vec<u8>> {
    let trace = traces(0..=20).prop_map(|mut trace| {
        trace.flags = [0, 0, 0, 0, 0, 8, 4, 1][usize::from(trace.flags & 7)];
        trace.kind &= if trace.reserved & 3 == 0 {
            !0
        } else {
            0xFF_F000
        };
        Trace {
            reserved: 0,
            flags: trace.flags,
            ..Trace::new(trace.namespace, trace.kind, trace.remaining, &[])
        }
        .option()
    });
    let export =
        (select(NAMESPACES.to_vec()), any::<u32>(), 0..4u8).prop_map(|(id, kind, with)| {
            let fields = [0x00AB_CDEF, 7];
            let with = with << 6;
            let kind = kind & 0xFF_F000;
            Dex::new(
                id,
                kind,
                with,
                fields.get(..with.count_ones() as usize).unwrap_or(&[]),
            )
            .option()
        });
    let option = prop_oneof![4 => trace, 2 => export, 1 => Just(Vec::new())];
    let ends = select(vec![
        PEER,
        TUNNEL_END,
        TUNNEL_END,
        "2001:db8:2::c",
        "fe80::1",
        "ff02::1",
    ]);
    let inside = select(vec![IP6, IP6, UDP, 59, DESTINATION]);
    let damage = vec((any::<Index>(), any::<u8>()), 0..3);
    let more = (any::<u8>(), 0..2u32, 0..3u8, 0..4usize);
    (option, ends, inside, damage, more).prop_map(
        |(option, end, inside, damage, (class, label, hops, behind))| {
            let plain = Packet {
                class,
                label,
                ..Packet::plain().hops(64 >> (hops * 3))
            };
            let mut packet = plain.to(end);
            if !option.is_empty() {
                packet.next = HOP_BY_HOP;
                let header = options(inside, &[&LEAD, &option]);
                let content = if inside == IP6 {
                    plain.octets()
                } else {
                    udp(5000, 53)
                };
                packet.payload = [header, content].concat();
            }
            let mut frame = packet.frame();
            for (place, octet) in damage {
                let place = place.index(frame.len().min(90) * 2);
                if let Some(damaged) = frame.get_mut(place) {
                    *damaged = octet;
                }
            }
            frame.extend(std::iter::repeat_n(0xEE, behind & 1));
            frame
        },
    )
}

/// Makes a packet that differs from its like in what a lane has to look at in each.
fn vary(frame: &mut [u8], how: u8) {
    let inner = frame
        .get(EXTENSIONS + 1)
        .map_or(0, |units| (usize::from(*units) + 1) * 8);
    let mut put = |at: usize, octets: &[u8]| {
        if let Some(place) = frame.get_mut(at..at + octets.len()) {
            place.copy_from_slice(octets);
        }
    };
    match how {
        2 => put(ETHERNET + 24, &address(TUNNEL_END).octets()),
        3 => put(ETHERNET + 8, &[0xFE, 0x80]),
        4 => put(EXTENSIONS + 11, &[13]),
        5 => put(EXTENSIONS + 11, &[0]),
        6 => put(EXTENSIONS, &[59]),
        7 => put(EXTENSIONS + inner + 4, &[0xFF]),
        8 => put(ETHERNET + 7, &[1]),
        9 => put(EXTENSIONS + inner + 7, &[1]),
        _ => {}
    }
}

fn any_frames() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![5 => usual_frames(), 1 => damaged_frames()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn lanes_change_nothing(
        specs in vec(either_nodes(), 1..3),
        frames in vec(any_frames(), 1..4),
        order in vec((any::<Index>(), 0..12u8), 1..40),
        mut moment in moments(),
    ) {
        let mut both = [Way::new(Pipeline::new(0)), Way::new(Pipeline::new(0).long_way())];
        for spec in &specs {
            // Each has its own: shared sequence numbers are in the tables.
            let tables = [(); 2].map(|()| Tables::compile(spec).map(Arc::new));
            let [Ok(of_lanes), Ok(of_long)] = &tables else {
                return Err(TestCaseError::fail(format!("{tables:?}")));
            };
            for burst in order.chunks(5) {
                let packets: Vec<_> = burst
                    .iter()
                    .map(|(which, kind)| {
                        let headroom = if *kind == 0 { 60 } else { 400 };
                        let mut packet = HeapPacket::new(&frames[which.index(frames.len())], headroom);
                        vary(packet.bytes_mut(), *kind);
                        if *kind == 1 { packet.into_chained() } else { packet }
                    })
                    .collect();
                let [lanes, long] = &mut both;
                let (by_lane, by_long) =
                    (lanes.burst(of_lanes, &packets, &moment), long.burst(of_long, &packets, &moment));
                prop_assert_eq!(by_lane, by_long);
                prop_assert_eq!(format!("{:?}", lanes.stats), format!("{:?}", long.stats));
                prop_assert_eq!(&lanes.records, &long.records);
                if let Some(now) = &mut moment.received {
                    *now = WallTime { nanoseconds: (now.nanoseconds + 1) % 1_000_000_000, ..*now };
                }
            }
            let [lanes, long] = &mut both;
            lanes.end(of_lanes, &moment);
            long.end(of_long, &moment);
        }
        let [lanes, long] = &both;
        prop_assert_eq!(format!("{:?}", lanes.stats), format!("{:?}", long.stats));
        prop_assert_eq!(&lanes.records, &long.records);
    }
}
