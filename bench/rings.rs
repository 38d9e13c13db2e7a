// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The node between two ends of rings: packets prepared, forwarded with the clock running, taken
//! out, checked, and prepared again.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use ioam_app::dpdk::{Mbuf, Mempool, Port, ring_pair};
use ioam_app::export::ring;
use ioam_app::runtime::measure::{NodeClock, NodeTx};
use ioam_dp::packet::PacketBuf as _;
use ioam_dp::timestamp::WallTime;
use ioam_dp::worker::Clock as _;

use crate::case::{Case, Records};
use crate::ends::{Bare, Ends, Forget};
use crate::rig::{Between, Drained, Order, Parts, Sample, drain, reading, timed};

/// Room of each ring, a power of two; one less can be in it.
pub(crate) const RING: u32 = 1024;
/// Batches before a sample.
const WARM_UP: u64 = 8;
/// Rounds without a packet before the rest of a batch is given up.
const IDLE: usize = 1000;

/// What an lcore has.
pub(crate) struct Rings {
    /// All packets, between two batches. In front, so that they go before their pool does.
    packets: Vec<Mbuf>,
    /// Those that do not fit the cache, and where they come from.
    far: Vec<Mbuf>,
    _far_pool: Mempool,
    feed: Port,
    east: Port,
    west: Port,
    collect: Port,
    parts: Parts,
    /// What reading the thread's time twice costs of it.
    reading: u64,
}

impl Rings {
    pub(crate) fn new(parts: Parts, number: usize, far_pool: &Mempool, far: usize) -> Result<Self> {
        let (feed, east) = ring_pair(&parts.eal, &format!("in{number}"), RING)?;
        let (west, collect) = ring_pair(&parts.eal, &format!("out{number}"), RING)?;
        let take =
            |pool, count| -> Option<Vec<Mbuf>> { (0..count).map(|_| Mbuf::alloc(pool)).collect() };
        Ok(Self {
            packets: take(&parts.pool, parts.in_flight).context("the pool is too small")?,
            far: take(far_pool, far).context("the pool is too small")?,
            _far_pool: far_pool.clone(),
            feed: parts.open(Some(feed), "")?,
            east: parts.open(Some(east), "")?,
            west: parts.open(Some(west), "")?,
            collect: parts.open(Some(collect), "")?,
            reading: 0,
            parts,
        })
    }

    pub(crate) fn sample(&mut self, order: &Order) -> Result<Sample> {
        self.parts.reference.reanchor();
        let idle = |queue| format!("a queue of {queue} is in use");
        let mut ends = Ends {
            feed: self.feed.take_tx(0).with_context(|| idle("feed"))?,
            collect: self.collect.take_rx(0).with_context(|| idle("collect"))?,
        };
        let rx = self.east.take_rx(0).with_context(|| idle("east"))?;
        let tx = self.west.take_tx(0).with_context(|| idle("west"))?;
        self.reading = reading();
        if order.between == Between::Nothing {
            let mut bare = Bare::new(rx, tx);
            return self.run(order, &mut ends, || bare.poll(), || (0, None));
        }
        let tx = NodeTx::new(tx, None);
        match order.case.records {
            Records::None | Records::Forgotten => {
                let mut worker = self.parts.worker(order, rx, tx, Forget);
                self.run(order, &mut ends, || worker.poll(), || (0, None))
            }
            Records::Kept => {
                let (sink, mut records) = ring(self.parts.in_flight);
                let mut worker = self.parts.worker(order, rx, tx, sink);
                let drain = || drain(|| records.pop());
                self.run(order, &mut ends, || worker.poll(), drain)
            }
        }
    }

    fn run(
        &mut self,
        order: &Order,
        ends: &mut Ends,
        poll: impl FnMut() -> usize,
        drain: impl FnMut() -> Drained,
    ) -> Result<Sample> {
        // Taken out, so that the rest of `self` can be used meanwhile.
        let is_far = order.between == Between::Far;
        let place = if is_far {
            &mut self.far
        } else {
            &mut self.packets
        };
        let mut packets = std::mem::take(place);
        let sum = self.batches(order, ends, &mut packets, poll, drain);
        let place = if is_far {
            &mut self.far
        } else {
            &mut self.packets
        };
        *place = packets;
        sum
    }

    /// Batches until time is up. `poll` moves what it finds from east to west; `drain` empties the
    /// ring of records.
    fn batches(
        &mut self,
        order: &Order,
        ends: &mut Ends,
        packets: &mut Vec<Mbuf>,
        mut poll: impl FnMut() -> usize,
        mut drain: impl FnMut() -> Drained,
    ) -> Result<Sample> {
        let case = &order.case;
        let mut clock = NodeClock::new(self.parts.reference.clock(), None);
        let (mut sum, mut begun) = (Sample::default(), None);
        let mut number = 0;
        let together = packets.len() as u64;
        for batch in 0_u64.. {
            let warm = if order.between == Between::Far {
                1
            } else {
                WARM_UP
            };
            match begun {
                None if batch >= warm && number >= case.flows => {
                    (sum, begun) = (Sample::default(), Some(Instant::now()));
                }
                Some(begun) if sum.packets > 0 && begun.elapsed() >= order.duration => break,
                _ => {}
            }
            prepare(case, packets, number)?;
            let received = clock.receive_time();
            // As many at a time as are in flight; all of them were prepared before the first.
            let mut first = 0;
            let mut back = Vec::with_capacity(packets.len());
            while first < together {
                let some = packets.len().min(self.parts.in_flight);
                let mut chunk: Vec<Mbuf> = packets.drain(..some).collect();
                ends.feed(&mut chunk)?;
                let sample = timed(&mut clock, self.reading, || forward(some, &mut poll));
                let done = sample.packets;
                ensure!(
                    done == some as u64,
                    "{}: {done} of {some} packets went through",
                    case.name
                );
                sum.add(sample);
                ends.collect(&mut back);
                let (records, first_record) = drain();
                case.check_records(some, records, first_record.as_ref(), received)?;
                first += done;
            }
            *packets = back;
            check(case, packets, together, number, received)?;
            number += together;
        }
        Ok(sum)
    }
}

fn prepare(case: &Case, packets: &mut [Mbuf], number: u64) -> Result<()> {
    for (number, packet) in (number..).zip(packets) {
        ensure!(case.fill(packet, number), "a packet has no room left");
    }
    Ok(())
}

/// All packets are back, and right.
fn check(
    case: &Case,
    packets: &[Mbuf],
    all: u64,
    number: u64,
    received: Option<WallTime>,
) -> Result<()> {
    let back = packets.len();
    ensure!(
        back as u64 == all,
        "{}: {back} of {all} packets came out",
        case.name
    );
    let frames = packets.iter().map(|packet| packet.bytes());
    case.check_all(frames, number, received)
}

/// What is timed: rounds until all packets are out, or none has come for long.
#[inline(never)]
fn forward(packets: usize, poll: &mut impl FnMut() -> usize) -> usize {
    let (mut done, mut idle) = (0, 0);
    while done < packets && idle < IDLE {
        let moved = poll();
        done += moved;
        idle = if moved == 0 { idle + 1 } else { 0 };
    }
    done
}
