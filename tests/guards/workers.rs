// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A worker between queues that do not do what one would like.

use std::sync::Arc;

use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::packet::{HeapPacket, PacketBuf};
use ioam_dp::port::{BURST, Buffers, Burst, PortId, RxQueue, STAGE, Stage, TxQueue};
use ioam_dp::record::{ExportRecord, RecordSink, SequenceReport};
use ioam_dp::stats::{DropReason, Notice, WorkerStats};
use ioam_dp::table::Tables;
use ioam_dp::table::publish::Publisher;
use ioam_dp::table::spec::*;
use ioam_dp::timestamp::WallTime;
use ioam_dp::worker::{Clock, Input, Worker, WorkerParts};

/// Frames that arrive one burst after another.
#[derive(Debug)]
pub(super) struct Arriving(Vec<Vec<u8>>);

impl RxQueue for Arriving {
    type Packet = HeapPacket;

    fn receive(&mut self, burst: &mut Burst<HeapPacket>) {
        while !burst.is_full() && !self.0.is_empty() {
            burst.push(HeapPacket::new(&self.0.remove(0), 512));
        }
    }
}

/// A link that takes so many packets each time, and says how many it holds.
#[derive(Debug)]
pub(super) struct Leaving {
    takes: usize,
    depth: Option<u32>,
    taken: std::rc::Rc<std::cell::RefCell<Vec<Vec<u8>>>>,
}

impl TxQueue for Leaving {
    type Packet = HeapPacket;

    fn send(&mut self, stage: &mut Stage<HeapPacket>) {
        let takes = self.takes.min(stage.len());
        let frames = stage.drain(..takes).map(|packet| packet.bytes().to_vec());
        self.taken.borrow_mut().extend(frames);
    }

    fn depth(&self) -> Option<u32> {
        self.depth
    }
}

/// Time that stands still.
#[derive(Debug)]
pub(super) struct Still;

impl Clock for Still {
    fn receive_time(&mut self) -> Option<WallTime> {
        moment().received
    }

    fn residence_nanoseconds(&mut self) -> Option<u32> {
        Some(4321)
    }

    fn ticks(&mut self) -> u64 {
        0
    }
}

/// Packet memory of which so much is in use, where that is known.
#[derive(Debug)]
pub(super) struct Memory(Option<u64>);

impl Buffers for Memory {
    type Packet = HeapPacket;

    fn packet(&mut self, frame: &[u8]) -> Option<HeapPacket> {
        self.0.map(|_| HeapPacket::new(frame, 128))
    }

    fn octets_in_use(&self) -> Option<u64> {
        self.0
    }
}

/// A ring with room for so many records.
#[derive(Debug)]
pub(super) struct Ring {
    room: usize,
    records: Vec<ExportRecord>,
}

impl RecordSink for Ring {
    fn push(&mut self, record: ExportRecord) -> bool {
        let fits = self.records.len() < self.room;
        if fits {
            self.records.push(record);
        }
        fits
    }

    fn report(&mut self, _: SequenceReport) -> bool {
        true
    }
}

/// A worker of a node whose port 1 leads somewhere.
pub(super) struct Rig {
    pub(super) worker: Worker<Arriving, Leaving, Still, Memory, Ring>,
    pub(super) stats: Arc<WorkerStats>,
    pub(super) taken: std::rc::Rc<std::cell::RefCell<Vec<Vec<u8>>>>,
}

/// What a rig's surroundings are like.
pub(super) struct Surroundings {
    /// Packets that the link takes at a time.
    pub(super) takes: usize,
    pub(super) depth: Option<u32>,
    pub(super) octets: Option<u64>,
    /// Records that the ring takes.
    pub(super) room: usize,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            takes: STAGE,
            depth: Some(16),
            octets: Some(0x8000),
            room: 1000,
        }
    }
}

impl Rig {
    pub(super) fn new(spec: &NodeSpec, frames: Vec<Vec<u8>>, around: &Surroundings) -> Self {
        let tables = Tables::compile(spec).expect("the specification is a node");
        let namespaces = tables.namespaces.all().len();
        let stats = WorkerStats::new(spec.ports.len(), spec.profiles.len(), namespaces);
        let taken = std::rc::Rc::default();
        let link = Leaving {
            takes: around.takes,
            depth: around.depth,
            taken: std::rc::Rc::clone(&taken),
        };
        let input = Input {
            port: PortId(0),
            queue: Arriving(frames),
        };
        let worker = Worker::new(WorkerParts {
            number: 0,
            inputs: vec![input],
            outputs: vec![None, Some(link)],
            reader: Publisher::new(tables).reader(),
            stats: Arc::clone(&stats),
            clock: Still,
            buffers: Memory(around.octets),
            sink: Ring {
                room: around.room,
                records: Vec::new(),
            },
        });
        Self {
            worker,
            stats,
            taken,
        }
    }

    /// Polls until nothing arrives any more.
    pub(super) fn run(mut self) -> Self {
        while self.worker.poll() > 0 {}
        self
    }
}

/// So many plain packets.
fn plain(packets: usize) -> Vec<Vec<u8>> {
    vec![Packet::plain().frame(); packets]
}

#[test]
fn every_packet_is_sent_in_order() {
    let frames = (0..200).map(|port| Packet::new(UDP, &[&udp(port, 53)]).frame());
    let around = Surroundings {
        takes: 1,
        ..Surroundings::default()
    };
    let rig = Rig::new(&node(), frames.collect(), &around);
    let mut rig = rig.run();
    rig.worker.drain(1000);
    let expected: Vec<_> = (0..200)
        .map(|port| Packet::new(UDP, &[&udp(port, 53)]).hops(63).frame())
        .collect();
    assert_eq!(*rig.taken.borrow(), expected);
    assert_eq!(rig.stats.ports[0].received.get(), 200);
    assert_eq!(rig.stats.ports[1].sent.get(), 200);
    let octets = 200 * Packet::plain().frame().len() as u64;
    assert_eq!(rig.stats.ports[0].received_octets.get(), octets);
    assert_eq!(rig.stats.work.bursts.get(), 200u64.div_ceil(BURST as u64));
}

#[test]
fn what_the_link_does_not_take_in_time_is_dropped_and_counted() {
    let around = Surroundings {
        takes: 0,
        ..Surroundings::default()
    };
    let mut rig = Rig::new(&node(), plain(STAGE + 7), &around).run();
    assert_eq!(rig.stats.drops(DropReason::TxFull), 7);
    rig.worker.drain(3);
    assert_eq!(rig.stats.drops(DropReason::TxFull), STAGE as u64 + 7);
    assert_eq!(rig.stats.ports[1].sent.get(), 0);
}

#[test]
fn a_record_that_the_ring_does_not_take_is_lost_and_its_packet_is_not() {
    let spec = node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
    let around = Surroundings {
        room: 2,
        ..Surroundings::default()
    };
    let sent = Packet::plain().tunnelled(&[&trace()]).frame();
    let mut rig = Rig::new(&spec, vec![sent; 5], &around).run();
    assert_eq!(rig.stats.notices(Notice::RecordLost), 3);
    assert_eq!(rig.stats.profiles[0].records.get(), 2);
    assert_eq!(rig.stats.profiles[0].done.get(), 5);
    assert_eq!(rig.stats.namespaces[1].decapsulated.get(), 5);
    assert_eq!(rig.worker.sink_mut().records.len(), 2);
    assert_eq!(
        *rig.taken.borrow(),
        vec![Packet::plain().hops(63).frame(); 5]
    );
}

#[test]
fn an_output_without_a_queue_here_is_no_peer() {
    let spec = node_with(|spec| {
        spec.ports.push(port(2));
        spec.forwarding = ForwardingSpec::Wire {
            pairs: vec![(0, 2)],
            decrement_hop_limit: true,
        };
    });
    let rig = Rig::new(&spec, plain(3), &Surroundings::default()).run();
    assert_eq!(rig.stats.drops(DropReason::NoPeer), 3);
}

/// What the node writes for this type in those surroundings.
fn written(kind: u32, around: &Surroundings) -> u32 {
    let sent = Packet::traced(&[&Trace::new(123, kind, 1, &[])]);
    let rig = Rig::new(&node(), vec![sent.frame()], around).run();
    let frames = rig.taken.borrow();
    let word = frames[0][EXTENSIONS + 16..EXTENSIONS + 20].try_into();
    u32::from_be_bytes(word.expect("four octets"))
}

#[test]
fn measurements_are_the_workers() {
    let around = Surroundings::default();
    assert_eq!(written(0x20_0000, &around), 1_723_560_226);
    assert_eq!(written(0x08_0000, &around), 4321);
    assert_eq!(written(0x02_0000, &around), 16);
    assert_eq!(written(0x00_1000, &around), 0x8000);
}

#[test]
fn a_depth_that_the_driver_cannot_tell_is_not_available() {
    let around = Surroundings {
        depth: None,
        ..Surroundings::default()
    };
    assert_eq!(written(0x02_0000, &around), u32::MAX);
}

#[test]
fn an_occupancy_beyond_the_field_is_not_taken_for_unknown() {
    for (octets, field) in [(Some(u64::MAX), u32::MAX - 1), (None, u32::MAX)] {
        let around = Surroundings {
            octets,
            ..Surroundings::default()
        };
        assert_eq!(written(0x00_1000, &around), field);
    }
}
