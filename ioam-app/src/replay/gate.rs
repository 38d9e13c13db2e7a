// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What stands in for ports and clocks: one packet at a time, and measurements that are given.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ioam_config::Simulate;
use ioam_dp::packet::HeapPacket;
use ioam_dp::port::{Buffers, Burst, PortId, RxQueue};
use ioam_dp::timestamp::WallTime;
use ioam_dp::worker::Clock;

use super::ReplayArgs;

/// The packet that arrives next, and the time it was captured.
#[derive(Debug, Default)]
pub(super) struct Gate {
    packet: RefCell<Option<(PortId, HeapPacket)>>,
    captured: Cell<Option<WallTime>>,
}

impl Gate {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self::default())
    }

    /// Lets a packet arrive at `port`.
    pub(super) fn arrive(&self, port: PortId, captured: Option<WallTime>, packet: HeapPacket) {
        self.captured.set(captured);
        self.packet.replace(Some((port, packet)));
    }

    /// When the last packet was captured.
    pub(super) fn captured(&self) -> Option<WallTime> {
        self.captured.get()
    }
}

/// A port's receive queue.
#[derive(Debug)]
pub(super) struct FileRx {
    port: PortId,
    gate: Rc<Gate>,
}

impl FileRx {
    pub(super) fn new(port: PortId, gate: &Rc<Gate>) -> Self {
        Self {
            port,
            gate: Rc::clone(gate),
        }
    }
}

impl RxQueue for FileRx {
    type Packet = HeapPacket;

    fn receive(&mut self, burst: &mut Burst<HeapPacket>) {
        let mut packet = self.gate.packet.borrow_mut();
        if burst.is_full() {
            return;
        }
        if let Some((_, packet)) = packet.take_if(|(port, _)| *port == self.port) {
            burst.push(packet);
        }
    }
}

/// What node data are written from; `None` is "not available", and for the clock the time of
/// capture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measurements {
    clock: Option<WallTime>,
    transit_delay: Option<u32>,
    pub(super) queue_depth: Option<u32>,
    buffer_occupancy: Option<u32>,
}

impl Measurements {
    /// Flags before the configuration. A clock of 0 there is one that was not given.
    pub(super) fn new(arguments: &ReplayArgs, simulate: Option<&Simulate>) -> Self {
        let clock = simulate.map(|given| given.clock);
        let clock = clock.filter(|clock| *clock != WallTime::default());
        let or = |flag: Option<u32>, given: fn(&Simulate) -> u32| flag.or(simulate.map(given));
        Self {
            clock: arguments.clock.or(clock),
            transit_delay: or(arguments.transit_delay, |given| given.transit_delay),
            queue_depth: or(arguments.queue_depth, |given| given.queue_depth),
            buffer_occupancy: or(arguments.buffer_occupancy, |given| given.buffer_occupancy),
        }
    }
}

/// Time as it was captured, or as given.
#[derive(Debug)]
pub(super) struct GivenClock {
    gate: Rc<Gate>,
    measurements: Measurements,
}

impl GivenClock {
    pub(super) fn new(gate: &Rc<Gate>, measurements: Measurements) -> Self {
        Self {
            gate: Rc::clone(gate),
            measurements,
        }
    }
}

impl Clock for GivenClock {
    fn receive_time(&mut self) -> Option<WallTime> {
        self.measurements.clock.or_else(|| self.gate.captured())
    }

    fn residence_nanoseconds(&mut self) -> Option<u32> {
        self.measurements.transit_delay
    }

    fn ticks(&mut self) -> u64 {
        0
    }
}

/// Packet memory in use, as given; else unknown.
#[derive(Debug)]
pub(super) struct GivenBuffers {
    in_use: Option<u64>,
    headroom: usize,
}

impl GivenBuffers {
    /// Packets it makes have `headroom` octets in front of the frame.
    pub(super) fn new(measurements: Measurements, headroom: usize) -> Self {
        Self {
            in_use: measurements.buffer_occupancy.map(u64::from),
            headroom,
        }
    }
}

impl Buffers for GivenBuffers {
    type Packet = HeapPacket;

    fn octets_in_use(&self) -> Option<u64> {
        self.in_use
    }

    fn packet(&mut self, frame: &[u8]) -> Option<HeapPacket> {
        Some(HeapPacket::new(frame, self.headroom))
    }
}
