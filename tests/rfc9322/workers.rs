// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What this node originates, through a whole worker: from the outbox into buffers, and out.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::*;
use crate::common::expect::*;
use crate::common::options::*;
use ioam_dp::packet::{HeapPacket, PacketBuf};
use ioam_dp::port::{Buffers, Burst, PortId, RxQueue, STAGE, Stage, TxQueue};
use ioam_dp::record::Records;
use ioam_dp::stats::{DropReason, Notice, WorkerStats};
use ioam_dp::table::Tables;
use ioam_dp::table::publish::Publisher;
use ioam_dp::timestamp::WallTime;
use ioam_dp::worker::{Clock, Input, Worker, WorkerParts};

struct Arriving(Vec<Vec<u8>>);

impl RxQueue for Arriving {
    type Packet = HeapPacket;

    fn receive(&mut self, burst: &mut Burst<HeapPacket>) {
        let free = burst.capacity() - burst.len();
        for frame in self.0.drain(..free.min(self.0.len())) {
            burst.push(HeapPacket::new(&frame, 512));
        }
    }
}

type Taken = Rc<RefCell<Vec<Vec<u8>>>>;

/// A link that takes so many packets each time.
struct Leaving {
    takes: usize,
    taken: Taken,
}

impl TxQueue for Leaving {
    type Packet = HeapPacket;

    fn send(&mut self, stage: &mut Stage<HeapPacket>) {
        let takes = self.takes.min(stage.len());
        let frames = stage.drain(..takes).map(|packet| packet.bytes().to_vec());
        self.taken.borrow_mut().extend(frames);
    }

    fn depth(&self) -> Option<u32> {
        None
    }
}

/// A millisecond passes with every look.
struct Running(u64);

impl Clock for Running {
    fn receive_time(&mut self) -> Option<WallTime> {
        self.0 += 1;
        Some(later(self.0 * 1_000_000))
    }

    fn residence_nanoseconds(&mut self) -> Option<u32> {
        None
    }

    fn ticks(&mut self) -> u64 {
        0
    }
}

/// So many buffers.
struct Memory(usize);

impl Buffers for Memory {
    type Packet = HeapPacket;

    fn octets_in_use(&self) -> Option<u64> {
        None
    }

    fn packet(&mut self, frame: &[u8]) -> Option<HeapPacket> {
        self.0 = self.0.checked_sub(1)?;
        Some(HeapPacket::new(frame, 128))
    }
}

struct Rig {
    worker: Worker<Arriving, Leaving, Running, Memory, Records>,
    stats: Arc<WorkerStats>,
    taken: [Taken; 2],
}

impl Rig {
    fn new(spec: &NodeSpec, frames: Vec<Vec<u8>>, buffers: usize, takes: usize) -> Self {
        let tables = Tables::compile(spec).expect("the specification is a node");
        let namespaces = tables.namespaces.all().len();
        let stats = WorkerStats::new(spec.ports.len(), spec.profiles.len(), namespaces);
        let taken = [Taken::default(), Taken::default()];
        let link = |taken: &Taken| {
            let taken = Rc::clone(taken);
            Some(Leaving { takes, taken })
        };
        let worker = Worker::new(WorkerParts {
            number: 0,
            inputs: vec![Input {
                port: PortId(0),
                queue: Arriving(frames),
            }],
            outputs: taken.iter().map(link).collect(),
            reader: Publisher::new(tables).reader(),
            stats: Arc::clone(&stats),
            clock: Running(0),
            buffers: Memory(buffers),
            sink: Records::default(),
        });
        Self {
            worker,
            stats,
            taken,
        }
    }

    fn run(mut self) -> Self {
        while self.worker.poll() > 0 {}
        self
    }

    fn sent(&self, port: usize) -> usize {
        self.taken[port].borrow().len()
    }
}

/// So many packets that ask for copies.
fn asking(packets: usize) -> Vec<Vec<u8>> {
    vec![Packet::traced(&[&looping(8)]).frame(); packets]
}

#[test]
fn rfc9322_4_2_copies_go_out_by_the_port_that_packets_came_in_by() {
    let mut spec = node_b();
    spec.limits.loopback = 0;
    let rig = Rig::new(&spec, asking(500), 1000, STAGE).run();
    assert_eq!((rig.sent(0), rig.sent(1)), (500, 500));
    assert_eq!(rig.stats.notices(Notice::LoopbackSent), 500);
    assert_eq!(rig.stats.ports[0].sent.get(), 500);
    let filled = looping(8).with_element(&[0x3F0B_0001]);
    let cause = Packet::traced(&[&looping(8)]);
    let copy = copy_of(&cause, &[&cleared(&filled)], OF_PORT_0);
    let copy = turned(copy.frame(), port(0).mac);
    assert!(rig.taken[0].borrow().iter().all(|frame| *frame == copy));
}

#[test]
fn rfc9322_4_2_a_storm_is_bounded_by_the_limit_and_no_packet_suffers() {
    let mut spec = node_b();
    spec.ports[0].speed = 100;
    let rig = Rig::new(&spec, asking(20_000), 100_000, STAGE).run();
    assert_eq!(rig.sent(1), 20_000);
    let copies = rig.sent(0) as u64;
    let suppressed = rig.stats.notices(Notice::LoopbackSuppressed);
    assert_eq!(copies + suppressed, 20_000);
    // 100 Mb/s by 128 is 97656 octets a second; a millisecond passes with every burst.
    let octets = copies * (EXTENSIONS as u64 + 56);
    let bursts = rig.stats.work.bursts.get() + 1;
    assert!(octets <= 16_384 + 98 * bursts, "{octets} octets");
}

#[test]
fn rfc9322_4_2_a_storm_is_bounded_by_the_outbox_where_there_is_no_limit() {
    // Copies of 2 KiB, of which a burst's 64 do not fit in 64 KiB.
    let mut list = vec![vec![0x1E, 255]; 7];
    list.iter_mut().for_each(|filler| filler.resize(257, 0));
    list.push([&[0x1E, 170][..], &[0; 170]].concat());
    let trace = looping(8).option();
    let mut all: Vec<&[u8]> = vec![&LEAD, &trace];
    all.extend(list.iter().map(Vec::as_slice));
    let sent = Packet::behind(&options(UDP, &all));
    let mut spec = node_b();
    spec.limits.loopback = 0;
    spec.ports.iter_mut().for_each(|port| port.mtu = 9000);
    let rig = Rig::new(&spec, vec![sent.frame(); 640], 10_000, STAGE).run();
    assert_eq!(rig.sent(1), 640);
    let copies = rig.sent(0) as u64;
    let room = rig.stats.notices(Notice::OriginateNoRoom);
    assert_eq!(copies + room, 640);
    assert_eq!(rig.stats.notices(Notice::LoopbackSent), copies);
    assert!((280..=360).contains(&copies), "{copies}");
    assert_eq!(rig.stats.notices(Notice::LoopbackSuppressed), 0);
}

#[test]
fn rfc9322_4_2_without_buffers_there_are_no_copies_and_that_is_counted() {
    let mut spec = node_b();
    spec.limits.loopback = 0;
    let rig = Rig::new(&spec, asking(100), 7, STAGE).run();
    assert_eq!((rig.sent(0), rig.sent(1)), (7, 100));
    assert_eq!(rig.stats.notices(Notice::OriginateNoRoom), 93);
}

#[test]
fn rfc9322_4_2_a_link_that_takes_nothing_takes_no_copies() {
    let mut spec = node_b();
    spec.limits.loopback = 0;
    let mut rig = Rig::new(&spec, asking(1000), 10_000, 0).run();
    let waiting = STAGE as u64;
    assert_eq!(rig.stats.notices(Notice::OriginateNoRoom), 1000 - waiting);
    assert_eq!(rig.stats.drops(DropReason::TxFull), 1000 - waiting);
    rig.worker.drain(1);
    assert_eq!(rig.stats.drops(DropReason::TxFull), 1000 + waiting);
}

#[test]
fn rfc9322_4_2_a_stage_that_is_full_is_sent_before_a_copy_is_given_up() {
    let mut what = encapsulate(KIND, 8, Placement::Inline);
    what.active = Some(ActiveSpec::Copies { length: 100 });
    let mut spec = node_that(ActionSpec::Encapsulate(what));
    spec.limits.active = 0;
    // The link takes little at a time, so that packets and copies fill the stage little by little.
    let frames = vec![Packet::plain().frame(); 6400];
    let rig = Rig::new(&spec, frames, 10_000, 60).run();
    assert_eq!(rig.stats.notices(Notice::OriginateNoRoom), 0);
    assert_eq!(rig.stats.notices(Notice::ActiveSent), 6400);
    assert_eq!(rig.stats.drops(DropReason::TxFull), 0);
}

#[test]
fn rfc9322_5_copies_that_the_outbox_does_not_hold_have_no_number() {
    let mut what = encapsulate(KIND, 8, tunnel());
    what.active = Some(ActiveSpec::Copies { length: 1300 });
    what.options.push(e2e_of(0x4000, GroupSpec::Profile));
    let mut spec = node_that(ActionSpec::Encapsulate(what));
    spec.limits.active = 0;
    let large = Packet::new(UDP, &[&[0x5A; 1300]]).frame();
    let rig = Rig::new(&spec, vec![large.clone(); 640], 10_000, STAGE).run();
    assert!(rig.stats.notices(Notice::OriginateNoRoom) > 100);
    let sent = rig.taken[1].borrow();
    let copies = sent.iter().filter(|frame| frame.len() > large.len());
    let mut number = 0u32;
    for copy in copies {
        let at = EXTENSIONS + 48 + 12;
        assert_eq!(copy[at..at + 4], number.to_be_bytes());
        number += 1;
    }
    assert_eq!(u64::from(number), rig.stats.notices(Notice::ActiveSent));
}

/// Node B, which sends a probe a millisecond.
fn prober() -> NodeSpec {
    let mut what = encapsulate(KIND, 8, tunnel());
    what.active = Some(ActiveSpec::Probes);
    let mut spec = node_that(ActionSpec::Encapsulate(what));
    spec.profiles[0].filter.local = true;
    spec.probes = vec![ProbeSpec {
        name: "to-d".to_owned(),
        source: address("2001:db8:ff::a"),
        destination: address("2001:db8:2::1"),
        source_port: 1,
        destination_port: 2,
        length: 100,
        interval: 1_000_000,
        count: None,
        next_hop: next_hop(1),
    }];
    spec
}

#[test]
fn rfc9322_5_probes_are_sent_while_packets_arrive() {
    let frames = vec![Packet::plain().frame(); 6400];
    let rig = Rig::new(&prober(), frames, 1000, STAGE).run();
    // A burst a millisecond, and a probe for each.
    let bursts = rig.stats.work.bursts.get();
    let probes = rig.stats.notices(Notice::ActiveSent);
    assert_eq!(rig.sent(1) as u64, 6400 + probes);
    assert!(probes >= bursts && probes <= bursts + 1, "{probes}");
}

#[test]
fn rfc9322_5_probes_are_sent_while_nothing_arrives() {
    let mut rig = Rig::new(&prober(), Vec::new(), 1000, STAGE);
    // The clock is read only now and then.
    for _ in 0..256 * 50 {
        rig.worker.poll();
    }
    assert_eq!(rig.sent(1), 50);
    assert_eq!(rig.stats.ports[1].sent.get(), 50);
}

#[test]
fn rfc9322_4_4_the_initiators_copy_ends_in_its_sink() {
    let trace = Trace::new(123, LOOPING, 4, &[0x3F0B_0001, BY_A]);
    let cause = Packet::plain().tunnelled(&[&trace]);
    let copy = copy_of(&cause, &[&trace], OF_PORT_0);
    let mut spec = node_a();
    spec.profiles[0].filter.in_ports = vec![1];
    let mut rig = Rig::new(&spec, vec![copy.frame(); 3], 10, STAGE).run();
    assert_eq!((rig.sent(0), rig.sent(1)), (0, 0));
    assert_eq!(rig.stats.drops(DropReason::LoopedBack), 3);
    assert_eq!(rig.worker.sink_mut().options.len(), 3);
}
