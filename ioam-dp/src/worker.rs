// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One worker: receive, process, send, for ever, on a core of its own.

mod watched;

use std::sync::Arc;

use crate::moment::Moment;
use crate::packet::PacketBuf;
use crate::pipeline::{Pipeline, Verdict};
use crate::port::{BURST, Buffers, Burst, MAX_PORTS, PortId, RxQueue, Stage, TxQueue};
use crate::record::RecordSink;
use crate::stats::{DropReason, Notice, WorkerStats};
use crate::table::publish::Reader;
use crate::tap::Tap;
use crate::timestamp::WallTime;
use crate::wire::ioam::TraceType;

/// Rounds without packets between two looks at the clock.
const TICK: u32 = 256;

/// Time, as a worker needs it.
pub trait Clock {
    /// The wall-clock time now, which becomes the burst's time of receipt; `None` when unknown.
    fn receive_time(&mut self) -> Option<WallTime>;

    /// Nanoseconds since the last [`receive_time`](Self::receive_time), saturating; `None` when
    /// unknown.
    fn residence_nanoseconds(&mut self) -> Option<u32>;

    /// A counter of the processor's, for measuring how long a burst takes.
    fn ticks(&mut self) -> u64;

    /// That counter at the last [`receive_time`](Self::receive_time), where reading it anew can be
    /// spared.
    fn ticks_received(&mut self) -> u64 {
        self.ticks()
    }
}

/// A receive queue and the port it belongs to.
#[derive(Debug)]
pub struct Input<R> {
    /// The port.
    pub port: PortId,
    /// The queue.
    pub queue: R,
}

/// A transmit queue and the packets waiting for it.
#[derive(Debug)]
pub struct Output<T: TxQueue> {
    queue: T,
    stage: Stage<T::Packet>,
}

impl<T: TxQueue> Output<T> {
    /// Offers what waits to the port, and counts what it took.
    fn send(&mut self, port: PortId, stats: &WorkerStats) {
        let waiting = self.stage.len();
        if waiting == 0 {
            return;
        }
        self.queue.send(&mut self.stage);
        if let Some(counts) = stats.ports.get(port.index()) {
            counts.sent.add((waiting - self.stage.len()) as u64);
        }
    }
}

/// What a worker is made of.
#[derive(Debug)]
pub struct WorkerParts<R, T, C, B, S> {
    /// Its number; sets workers' random choices apart.
    pub number: u64,
    /// The queues it polls, in turn.
    pub inputs: Vec<Input<R>>,
    /// By port of the node: the queue it sends by, where it has one.
    pub outputs: Vec<Option<T>>,
    /// Its view of the tables.
    pub reader: Reader,
    /// What it counts.
    pub stats: Arc<WorkerStats>,
    /// Time.
    pub clock: C,
    /// The node's packet memory.
    pub buffers: B,
    /// Where records go.
    pub sink: S,
}

/// A worker with its queues. It shares nothing that it writes but its counters.
#[derive(Debug)]
pub struct Worker<R, T: TxQueue, C, B, S> {
    inputs: Vec<Input<R>>,
    outputs: Vec<Option<Output<T>>>,
    reader: Reader,
    pipeline: Pipeline,
    burst: Burst<T::Packet>,
    verdicts: [Verdict; BURST],
    stats: Arc<WorkerStats>,
    clock: C,
    buffers: B,
    sink: S,
    tap: Tap,
    last_received: Option<WallTime>,
    idle_polls: u32,
}

impl<P, R, T, C, B, S> Worker<R, T, C, B, S>
where
    P: PacketBuf,
    R: RxQueue<Packet = P>,
    T: TxQueue<Packet = P>,
    C: Clock,
    B: Buffers<Packet = P>,
    S: RecordSink,
{
    /// A worker that has not polled yet.
    #[must_use]
    pub fn new(parts: WorkerParts<R, T, C, B, S>) -> Self {
        let with_stage = |queue| Output {
            queue,
            stage: Stage::new(),
        };
        Self {
            inputs: parts.inputs,
            outputs: parts
                .outputs
                .into_iter()
                .map(|queue| queue.map(with_stage))
                .collect(),
            reader: parts.reader,
            pipeline: Pipeline::new(parts.number),
            burst: Burst::new(),
            verdicts: [Verdict::Drop(DropReason::NoPeer); BURST],
            stats: parts.stats,
            clock: parts.clock,
            buffers: parts.buffers,
            sink: parts.sink,
            tap: Tap::default(),
            last_received: None,
            idle_polls: 0,
        }
    }

    /// Lets the holder of the tap's other end watch.
    #[must_use]
    pub fn with_tap(mut self, tap: Tap) -> Self {
        self.tap = tap;
        self
    }

    /// One round over every input; returns how many packets there were.
    pub fn poll(&mut self) -> usize {
        let mut packets = 0;
        for place in 0..self.inputs.len() {
            packets += self.poll_input(place);
        }
        self.stats.work.polls.add(1);
        if packets == 0 {
            self.flush();
        }
        self.idle_polls = if packets == 0 {
            self.idle_polls + 1
        } else {
            TICK
        };
        if self.idle_polls >= TICK {
            self.idle_polls = 0;
            self.tick();
        }
        packets
    }

    /// What is due without a packet's cause. After bursts it goes by their clock reading; on idle
    /// rounds the clock is read only now and then.
    fn tick(&mut self) {
        let read = || self.clock.receive_time();
        let Some(now) = self.last_received.take().or_else(read) else {
            return;
        };
        let tables = self.reader.tables();
        self.pipeline.tick(tables, now, &self.stats, &mut self.sink);
        self.send_originated();
    }

    /// Puts the frames that handling packets has caused into buffers, and on their way.
    fn send_originated(&mut self) {
        let outbox = self.pipeline.outbox();
        if outbox.is_empty() {
            return;
        }
        for (port, frame) in outbox.frames() {
            let output = self.outputs.get_mut(port.index()).and_then(Option::as_mut);
            let packet = self.buffers.packet(frame);
            let Some((output, packet)) = output.zip(packet) else {
                self.stats.notice(Notice::OriginateNoRoom);
                continue;
            };
            if output.stage.is_full() {
                output.send(port, &self.stats);
            }
            if output.stage.try_push(packet).is_err() {
                self.stats.notice(Notice::OriginateNoRoom);
            }
        }
        outbox.clear();
        self.flush();
    }

    /// Receives one burst, processes and sends it.
    fn poll_input(&mut self, place: usize) -> usize {
        let Some(input) = self.inputs.get_mut(place) else {
            return 0;
        };
        input.queue.receive(&mut self.burst);
        let packets = self.burst.len();
        if packets == 0 {
            return 0;
        }
        let port = input.port;
        let mut moment = Moment::at(self.clock.receive_time());
        let start = self.clock.ticks_received();
        self.last_received = moment.received;
        self.count_received(port);
        if self.tap.is_quiet() {
            self.handle(port, &mut moment);
        } else {
            self.handle_watched(port, &mut moment, start);
        }
        self.flush();
        self.stats.work.bursts.add(1);
        self.stats
            .work
            .busy_ticks
            .add(self.clock.ticks().wrapping_sub(start));
        packets
    }

    /// Both passes over the burst, and each packet to where its verdict says.
    #[inline]
    fn handle(&mut self, port: PortId, moment: &mut Moment) {
        let tables = self.reader.tables();
        let wanted = self
            .pipeline
            .classify(tables, port, &self.burst, &self.stats);
        self.measure(wanted, moment);
        let (stats, sink, verdicts) = (&*self.stats, &mut self.sink, &mut self.verdicts);
        self.pipeline
            .act(port, &mut self.burst, moment, stats, sink, verdicts);
        self.distribute();
        self.send_originated();
    }

    fn count_received(&self, port: PortId) {
        if let Some(counts) = self.stats.ports.get(port.index()) {
            let octets: usize = self.burst.iter().map(|packet| packet.bytes().len()).sum();
            counts.received.add(self.burst.len() as u64);
            counts.received_octets.add(octets as u64);
        }
    }

    /// Takes the measurements that `wanted` asks for.
    fn measure(&mut self, wanted: TraceType, moment: &mut Moment) {
        if wanted.has(TraceType::QUEUE_DEPTH) {
            for (port, output) in self.outputs.iter().enumerate().take(MAX_PORTS) {
                moment.queue_depth[port] = output.as_ref().and_then(|output| {
                    let waiting = u32::try_from(output.stage.len()).unwrap_or(u32::MAX);
                    Some(waiting.saturating_add(output.queue.depth()?))
                });
            }
        }
        if wanted.has(TraceType::BUFFER_OCCUPANCY) {
            let most = u64::from(u32::MAX - 1);
            let octets = self.buffers.octets_in_use().map(|octets| octets.min(most));
            moment.buffer_occupancy = octets.and_then(|octets| u32::try_from(octets).ok());
        }
        if wanted.has(TraceType::TRANSIT_DELAY) {
            moment.transit_delay = self.clock.residence_nanoseconds();
        }
    }

    /// Moves each packet to where its verdict says; dropped ones are freed here.
    #[inline]
    fn distribute(&mut self) {
        let first = self.verdicts[0];
        let all = self.verdicts.get(..self.burst.len()).unwrap_or(&[]);
        if let Verdict::Send(port) = first
            && all.iter().all(|verdict| *verdict == first)
            && let Some(Some(output)) = self.outputs.get_mut(port.index())
            && output.stage.remaining_capacity() >= self.burst.len()
        {
            output.stage.extend(self.burst.drain(..));
            return;
        }
        self.deal();
    }

    /// Packet by packet, since they go different ways or there is little room.
    fn deal(&mut self) {
        for (packet, verdict) in self.burst.drain(..).zip(&self.verdicts) {
            let Verdict::Send(port) = *verdict else {
                continue;
            };
            let Some(Some(output)) = self.outputs.get_mut(port.index()) else {
                self.stats.dropped(DropReason::NoPeer);
                continue;
            };
            if output.stage.is_full() {
                output.send(port, &self.stats);
            }
            if output.stage.try_push(packet).is_err() {
                self.stats.dropped(DropReason::TxFull);
            }
        }
    }

    /// Offers what waits to the ports.
    fn flush(&mut self) {
        for (port, output) in (0..).map(PortId).zip(&mut self.outputs) {
            if let Some(output) = output {
                output.send(port, &self.stats);
            }
        }
    }

    /// Sends what still waits, trying at most `rounds` times; what then is left is counted as
    /// dropped and freed. Every packet group is reported on. For the end of a run.
    pub fn drain(&mut self, rounds: usize) {
        self.pipeline.finish(&self.stats, &mut self.sink);
        for _ in 0..rounds {
            self.flush();
            if self
                .outputs
                .iter()
                .flatten()
                .all(|output| output.stage.is_empty())
            {
                return;
            }
        }
        for output in self.outputs.iter_mut().flatten() {
            for _ in output.stage.drain(..) {
                self.stats.dropped(DropReason::TxFull);
            }
        }
    }

    /// The sink, for callers that keep records in the worker itself.
    pub fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }
}
