// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A watched worker does what it would have done, and says so.

use std::cell::RefCell;
use std::rc::Rc;

use zerocopy::IntoBytes;

use super::*;
use crate::classify::Filter;
use crate::packet::{HeapPacket, PacketBuf};
use crate::pipeline::Verdict;
use crate::port::{Buffers, Burst, RxQueue, Stage, TxQueue};
use crate::record::Records;
use crate::stats::{DropReason, Notice};
use crate::table::publish::Publisher;
use crate::table::spec::{
    ActionSpec, EncapsulateSpec, FilterSpec, ForwardingSpec, NamespaceSpec, NodeSpec, OptionSpec,
    OverMtu, Placement, PortSpec, ProfileSpec, Sampling, Side, TraceSpec,
};
use crate::timestamp::WallTime;
use crate::wire::ipv6::Ipv6Header;
use crate::worker::{Clock, Input, Worker, WorkerParts};

/// Frames that arrive in full bursts.
struct Arriving(Rc<RefCell<Vec<Vec<u8>>>>);

impl RxQueue for Arriving {
    type Packet = HeapPacket;

    fn receive(&mut self, burst: &mut Burst<HeapPacket>) {
        let mut frames = self.0.borrow_mut();
        let room = burst.remaining_capacity().min(frames.len());
        burst.extend(
            frames
                .drain(..room)
                .map(|frame| HeapPacket::new(&frame, 256)),
        );
    }
}

/// A link that takes so many packets at a time.
struct Leaving {
    takes: usize,
    sent: Rc<RefCell<Vec<Vec<u8>>>>,
}

impl TxQueue for Leaving {
    type Packet = HeapPacket;

    fn send(&mut self, stage: &mut Stage<HeapPacket>) {
        let takes = self.takes.min(stage.len());
        let frames = stage.drain(..takes).map(|packet| packet.bytes().to_vec());
        self.sent.borrow_mut().extend(frames);
    }

    fn depth(&self) -> Option<u32> {
        Some(7)
    }
}

/// Each look at the counter takes so many ticks; the time stands still.
struct Ticking(u64, u64);

impl Clock for Ticking {
    fn receive_time(&mut self) -> Option<WallTime> {
        Some(WallTime {
            seconds: 1_700_000_000,
            nanoseconds: 5,
        })
    }

    fn residence_nanoseconds(&mut self) -> Option<u32> {
        Some(99)
    }

    fn ticks(&mut self) -> u64 {
        self.0 += self.1;
        self.0
    }
}

struct Memory;

impl Buffers for Memory {
    type Packet = HeapPacket;

    fn octets_in_use(&self) -> Option<u64> {
        Some(1)
    }

    fn packet(&mut self, frame: &[u8]) -> Option<HeapPacket> {
        Some(HeapPacket::new(frame, 256))
    }
}

struct Rig {
    worker: Worker<Arriving, Leaving, Ticking, Memory, Records>,
    arriving: Rc<RefCell<Vec<Vec<u8>>>>,
    sent: Rc<RefCell<Vec<Vec<u8>>>>,
    stats: Arc<WorkerStats>,
    handle: TapHandle,
    publisher: Publisher,
}

fn port(name: &str) -> PortSpec {
    PortSpec {
        name: name.to_owned(),
        mac: [2; 6],
        mtu: 1500,
        ioam: true,
        id: Some(1),
        id_wide: None,
        address: None,
        side: Side::Inside,
        speed: 10_000,
    }
}

/// A wire that puts a trace into two of five UDP packets, and drops those that get too large.
fn node() -> NodeSpec {
    let trace = TraceSpec {
        namespace: 123,
        trace_type: 0xC0_0000,
        words: 4,
        record_self: true,
        loopback: false,
    };
    let mut what = EncapsulateSpec::new(vec![OptionSpec::Trace(trace)], Placement::Inline);
    (what.sampling, what.over_mtu) = (Sampling::FirstOf { k: 2, n: 5 }, OverMtu::Drop);
    NodeSpec {
        ports: vec![port("east"), port("west")],
        namespaces: vec![NamespaceSpec::plain(123)],
        profiles: vec![ProfileSpec {
            name: "sampled".to_owned(),
            filter: FilterSpec {
                next_header: Some(17),
                ..FilterSpec::default()
            },
            action: ActionSpec::Encapsulate(what),
        }],
        forwarding: ForwardingSpec::Wire {
            pairs: vec![(0, 1)],
            decrement_hop_limit: true,
        },
        ..NodeSpec::default()
    }
}

impl Rig {
    fn new(takes: usize, ticks: u64) -> Self {
        let tables = Tables::compile(&node()).unwrap();
        let stats = WorkerStats::new(2, 4, tables.namespaces.all().len() + 4);
        let publisher = Publisher::new(tables);
        let (arriving, sent, handle) = (Rc::default(), Rc::default(), TapHandle::default());
        let worker = Worker::new(WorkerParts {
            number: 0,
            inputs: vec![Input {
                port: PortId(0),
                queue: Arriving(Rc::clone(&arriving)),
            }],
            outputs: vec![
                None,
                Some(Leaving {
                    takes,
                    sent: Rc::clone(&sent),
                }),
            ],
            reader: publisher.reader(),
            stats: Arc::clone(&stats),
            clock: Ticking(0, ticks),
            buffers: Memory,
            sink: Records::default(),
        });
        Self {
            worker: worker.with_tap(handle.tap()),
            arriving,
            sent,
            stats,
            handle,
            publisher,
        }
    }

    fn arm(&self, matcher: Matcher, places: usize) -> Arc<Exchange> {
        let session = Session::new(matcher, places, &self.stats);
        let exchange = session.exchange();
        self.handle.arm(session);
        exchange
    }

    fn run(&mut self, frames: &[Vec<u8>]) {
        self.arriving.borrow_mut().extend_from_slice(frames);
        while self.worker.poll() > 0 {}
    }

    /// Whether the worker has given a session back.
    fn gave_back(&self) -> bool {
        self.handle.0.retired.take().is_some()
    }

    /// Everything there is to see from outside.
    fn seen(&mut self) -> String {
        self.worker.drain(1000);
        let (sent, records) = (self.sent.borrow(), &self.worker.sink_mut().options);
        format!("{:?} {sent:?} {records:?}", self.stats).replace("CachePadded", "")
    }
}

fn frame(protocol: u8, number: u16, hop_limit: u8, payload: usize) -> Vec<u8> {
    let mut header = Ipv6Header::new([0x20; 16], [0x30; 16], protocol, hop_limit);
    header.payload_length = u16::try_from(payload + 8).unwrap().into();
    let mut frame = vec![2; 12];
    frame.extend_from_slice(&[0x86, 0xDD]);
    frame.extend_from_slice(header.as_bytes());
    frame.extend_from_slice(&number.to_be_bytes());
    frame.extend_from_slice(&[0, 53, 0, 0, 0, 0]);
    frame.resize(frame.len() + payload, 0xA5);
    frame
}

/// UDP and TCP, one packet in seven at the end of its life, one too large for an option, ARP.
fn mixture(packets: u16) -> Vec<Vec<u8>> {
    let one = |number: u16| match number % 11 {
        3 => [&[2; 12][..], &[8, 6], &number.to_be_bytes(), &[0; 40]].concat(),
        5 => frame(17, number, 64, 1440),
        _ if number.is_multiple_of(7) => frame(17, number, 1, 20),
        _ => frame(
            if number.is_multiple_of(3) { 6 } else { 17 },
            number,
            64,
            20,
        ),
    };
    (0..packets).map(one).collect()
}

fn udp() -> Matcher {
    let wanted = FilterSpec {
        next_header: Some(17),
        ..FilterSpec::default()
    };
    Matcher {
        filter: Filter::new(&wanted),
        looks_inside: true,
        ..Matcher::default()
    }
}

fn drain(exchange: &Exchange) -> Vec<Traced> {
    std::iter::from_fn(|| exchange.take().map(|traced| *traced)).collect()
}

#[test]
fn what_a_worker_does_and_counts_does_not_depend_on_who_watches() {
    for takes in [1, 3, 256] {
        let frames = mixture(500);
        let mut alone = Rig::new(takes, 0);
        alone.run(&frames[..100]);
        alone.run(&frames[100..200]);
        alone.run(&frames[200..]);
        let alone = alone.seen();
        for matcher in [Matcher::default(), udp()] {
            for places in [1, 1000] {
                let mut watched = Rig::new(takes, 0);
                watched.arm(matcher.clone(), places);
                watched.run(&frames[..100]);
                watched.run(&frames[100..200]);
                watched.run(&frames[200..]);
                assert!(alone == watched.seen(), "{takes} {places} {matcher:?}");
            }
        }
        // Watched for some of its time, and no more.
        let mut watched = Rig::new(takes, 0);
        watched.run(&frames[..100]);
        watched.arm(udp(), 10);
        watched.run(&frames[100..200]);
        watched.handle.disarm();
        watched.run(&frames[200..]);
        assert!(watched.gave_back());
        assert!(alone == watched.seen(), "{takes}");
    }
}

#[test]
fn what_is_told_of_all_packets_together_is_what_was_counted() {
    let mut rig = Rig::new(256, 0);
    let exchange = rig.arm(Matcher::default(), 1000);
    let frames = mixture(300);
    rig.run(&frames);
    let told = drain(&exchange);
    assert_eq!(exchange.looked_at.get(), 300);
    assert_eq!((exchange.lost.get(), exchange.passed_by.get()), (0, 0));
    let before: Vec<_> = told.iter().map(|packet| packet.before.bytes()).collect();
    assert_eq!(before, frames);
    let sent: Vec<_> = told
        .iter()
        .filter(|packet| packet.fate == Verdict::Send(PortId(1)))
        .map(|packet| packet.after.bytes())
        .collect();
    assert_eq!(sent, *rig.sent.borrow());
    let tables = rig.publisher.current();
    let sum = WorkerStats::new(2, 4, tables.namespaces.all().len() + 4);
    for packet in &told {
        let counted = packet.counted(packet.tables.as_ref().unwrap());
        let one = counted.of_packets(&tables);
        sum.of_packets(&tables)
            .zip(one)
            .for_each(|(all, one)| all.add(one.get()));
    }
    let values = |stats: &WorkerStats| {
        let counts = stats.of_packets(&tables).map(Count::get);
        counts.collect::<Vec<_>>()
    };
    assert_eq!(values(&sum), values(&rig.stats));
    assert!(rig.stats.drops(DropReason::HopLimitExceeded) > 0);
    assert!(rig.stats.drops(DropReason::EncapOverMtu) > 0);
    assert!(rig.stats.profiles[0].done.get() > 0);
}

#[test]
fn outcomes_select_and_places_that_are_missing_are_told() {
    let frames = mixture(300);
    let count = |matcher: Matcher, places| {
        let mut rig = Rig::new(256, 0);
        let exchange = rig.arm(matcher, places);
        rig.run(&frames);
        let told = drain(&exchange);
        (told.len(), exchange.lost.get(), rig)
    };
    let dropped = |wanted| Matcher {
        dropped: Some(wanted),
        ..Matcher::default()
    };
    let reason = DropReason::HopLimitExceeded;
    let (all, lost, rig) = count(dropped(Reason::Any), 1000);
    let drops = |reason| usize::try_from(rig.stats.drops(reason)).unwrap();
    assert_eq!(
        (all, lost),
        (drops(reason) + drops(DropReason::EncapOverMtu), 0)
    );
    let (expired, ..) = count(dropped(Reason::This(reason)), 1000);
    assert_eq!(expired, drops(reason));
    let (told, lost, _) = count(dropped(Reason::This(reason)), 4);
    assert_eq!((told, lost), (4, u64::try_from(expired).unwrap() - 4));
    let noticed = |wanted| Matcher {
        noticed: Some(wanted),
        ..Matcher::default()
    };
    assert_eq!(count(noticed(Reason::This(Notice::Jumbogram)), 10).0, 0);
    let carrying = |ioam| Matcher {
        ioam: Some(ioam),
        ..Matcher::default()
    };
    let done = rig.stats.profiles[0].done.get();
    assert_eq!(count(carrying(None), 1000).0 as u64, done);
    assert_eq!(count(carrying(Some(123)), 1000).0 as u64, done);
    assert_eq!(count(carrying(Some(124)), 1000).0, 0);
    let profile = |index| Matcher {
        profile: Some(index),
        ..Matcher::default()
    };
    let selected = rig.stats.profiles[0].selected.get();
    assert_eq!(count(profile(0), 1000).0 as u64, selected);
    assert_eq!(count(profile(9), 1000).0, 0);
}

#[test]
fn a_full_port_is_the_reason_a_watched_packet_was_dropped_for() {
    let mut rig = Rig::new(0, 0);
    let exchange = rig.arm(Matcher::default(), 1000);
    rig.run(
        &(0..300)
            .map(|number| frame(6, number, 64, 20))
            .collect::<Vec<_>>(),
    );
    let told = drain(&exchange);
    let full = Verdict::Drop(DropReason::TxFull);
    assert_eq!(told.iter().filter(|packet| packet.fate == full).count(), 44);
}

#[test]
fn a_worker_without_time_passes_packets_by_and_says_so() {
    let mut rig = Rig::new(256, 1 << 20);
    let exchange = rig.arm(Matcher::default(), 1000);
    rig.run(&mixture(500));
    let (looked_at, passed_by) = (exchange.looked_at.get(), exchange.passed_by.get());
    assert_eq!(looked_at + passed_by, 500);
    assert!((16..200).contains(&looked_at), "{looked_at}");
}

#[test]
fn sessions_follow_each_other_and_reloads_come_in_between() {
    let mut rig = Rig::new(256, 0);
    let first = rig.arm(Matcher::default(), 10);
    let second = rig.arm(Matcher::default(), 10);
    rig.run(&mixture(3));
    assert_eq!((drain(&first).len(), drain(&second).len()), (0, 3));
    let mut spec = node();
    spec.profiles.insert(0, {
        let mut other = spec.profiles[0].clone();
        other.name = "another".to_owned();
        other
    });
    let tables = Tables::compile_after(&spec, &rig.publisher.current()).unwrap();
    rig.publisher.publish(tables);
    rig.run(&mixture(1));
    let told = drain(&second);
    let tables = told[0].tables.as_ref().unwrap();
    assert_eq!(tables.profiles.len(), 2);
    assert_eq!(told[0].counted(tables).profiles[1].selected.get(), 1);
    let third = rig.arm(Matcher::default(), 10);
    rig.run(&mixture(2));
    assert_eq!(drain(&third).len(), 2);
    assert!(rig.gave_back(), "the second session came back");
    rig.handle.disarm();
    rig.run(&mixture(2));
    assert_eq!(drain(&third).len(), 0);
    for place in told {
        second.give_back(Box::new(place));
    }
    assert_eq!(
        Arc::strong_count(&third),
        2,
        "the session is not with the worker"
    );
    rig.handle.disarm();
    assert_eq!(Arc::strong_count(&third), 1);
}

#[test]
fn a_frame_larger_than_what_is_kept_is_cut_and_says_how_long_it_was() {
    let mut traced = Traced::new();
    traced.begin(None, PortId(0), &vec![7; SNAP + 9]);
    assert_eq!(traced.before.bytes().len(), SNAP);
    assert_eq!(traced.before.octets(), SNAP + 9);
}
