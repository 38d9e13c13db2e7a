// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The sink: checks every octet of every packet, and that each comes once and in order.

use std::sync::Arc;

use ioam_dp::packet::PacketBuf;
use ioam_dp::port::{Burst, RxQueue};
use ioam_dp::wire::ethernet;
use ioam_dp::wire::ipv6::{Ipv6Header, next_header};

use super::findings::{Finding, Findings};
use super::shared::Shared;
use super::traffic::{Arrival, FLOWS, Traffic};
use crate::dpdk::{Mbuf, RxHandle};

/// The traffic sink.
#[derive(Debug)]
pub(super) struct Sink {
    shared: Arc<Shared>,
    rx: RxHandle,
    burst: Burst<Mbuf>,
    ledger: Ledger,
}

impl Sink {
    pub(super) fn new(traffic: Arc<Traffic>, shared: Arc<Shared>, rx: RxHandle) -> Self {
        Self {
            shared,
            rx,
            burst: Burst::new(),
            ledger: Ledger::new(traffic),
        }
    }

    /// Receives and checks one burst; returns its length.
    pub(super) fn poll(&mut self) -> usize {
        self.rx.receive(&mut self.burst);
        let packets = self.burst.len();
        if packets == 0 {
            return 0;
        }
        self.burst.iter().for_each(PacketBuf::prefetch);
        let before = self.ledger.distinct;
        for packet in self.burst.drain(..) {
            self.ledger.enter(packet.bytes());
        }
        self.shared.arrived.add(self.ledger.distinct - before);
        packets
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

/// What came, and how it differs from what was sent.
#[derive(Debug)]
pub(super) struct Ledger {
    traffic: Arc<Traffic>,
    flows: [Progress; FLOWS],
    /// Different packets that came.
    distinct: u64,
    /// Packets whose successors came, but they did not.
    pub(super) missing: u64,
    pub(super) findings: Findings,
}

/// How far a flow has come.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// The next number expected.
    next: u64,
    /// Which of the 64 numbers before that came; bit 0 is the latest.
    came: u64,
    /// Packets that came, duplicates included.
    packets: u64,
}

impl Ledger {
    fn new(traffic: Arc<Traffic>) -> Self {
        Self {
            traffic,
            flows: [Progress::default(); FLOWS],
            distinct: 0,
            missing: 0,
            findings: Findings::default(),
        }
    }

    /// Packets of a flow that came, duplicates included.
    pub(super) fn packets(&self, flow: usize) -> u64 {
        self.flows[flow].packets
    }

    fn enter(&mut self, frame: &[u8]) {
        match self.traffic.recognise(frame) {
            Some(arrival) => {
                if !arrival.is_intact {
                    self.findings.add(Finding::Content);
                }
                if !arrival.has_hop_limit {
                    self.findings.add(Finding::HopLimit);
                }
                self.number(arrival);
            }
            None if carries_ioam(frame) => self.findings.add(Finding::IoamLeft),
            None => self.findings.add(Finding::Stranger),
        }
    }

    /// Enters the number of a packet.
    fn number(&mut self, arrival: Arrival) {
        let flow = &mut self.flows[arrival.flow];
        flow.packets += 1;
        if let Some(gap) = arrival.sequence.checked_sub(flow.next) {
            self.missing += gap;
            flow.came = u32::try_from(gap + 1).map_or(0, |by| flow.came.unbounded_shl(by)) | 1;
            flow.next = arrival.sequence + 1;
            self.distinct += 1;
            return;
        }
        let back = u32::try_from(flow.next - 1 - arrival.sequence).unwrap_or(u32::MAX);
        let bit = 1_u64.unbounded_shl(back);
        if bit != 0 && flow.came & bit == 0 {
            flow.came |= bit;
            self.missing = self.missing.saturating_sub(1);
            self.distinct += 1;
            self.findings.add(Finding::OutOfOrder);
        } else {
            self.findings.add(Finding::Duplicate);
        }
    }
}

/// Whether the frame is IPv6 with a tunnel or a Hop-by-Hop header, neither of which was sent.
fn carries_ioam(frame: &[u8]) -> bool {
    Ipv6Header::at(frame, ethernet::HEADER).is_some_and(|header| {
        matches!(
            header.next_header,
            next_header::HOP_BY_HOP | next_header::IPV6
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enters packets of flow 64 with these numbers, as they arrive.
    fn entered(numbers: &[u64]) -> Ledger {
        let traffic = Arc::new(Traffic::new(100));
        let mut ledger = Ledger::new(Arc::clone(&traffic));
        for number in numbers {
            let mut frame = vec![0; 100];
            traffic.write(64, *number, &mut frame);
            frame[ethernet::HEADER + 7] -= 4;
            ledger.enter(&frame);
        }
        ledger
    }

    #[test]
    fn what_comes_in_order_is_no_finding() {
        let ledger = entered(&[0, 1, 2, 3]);
        assert_eq!(ledger.findings.total(), 0);
        assert_eq!((ledger.distinct, ledger.missing), (4, 0));
    }

    #[test]
    fn lost_late_and_double_packets_are_told_apart() {
        let ledger = entered(&[0, 2, 3]);
        assert_eq!((ledger.missing, ledger.findings.total()), (1, 0));
        let ledger = entered(&[0, 2, 1, 3]);
        assert_eq!((ledger.missing, ledger.distinct), (0, 4));
        assert_eq!(ledger.findings.count(Finding::OutOfOrder), 1);
        let ledger = entered(&[0, 1, 1, 0, 2]);
        assert_eq!((ledger.missing, ledger.distinct), (0, 3));
        assert_eq!(ledger.findings.count(Finding::Duplicate), 2);
        let ledger = entered(&[0, 200, 1]);
        assert_eq!((ledger.missing, ledger.distinct), (199, 2));
    }

    #[test]
    fn tunnels_and_strangers_are_told_apart() {
        let mut ledger = Ledger::new(Arc::new(Traffic::new(100)));
        let mut frame = vec![0; 100];
        ledger.enter(&frame);
        frame[12..15].copy_from_slice(&[0x86, 0xDD, 0x60]);
        ledger.enter(&frame);
        assert_eq!(ledger.findings.count(Finding::Stranger), 1);
        assert_eq!(ledger.findings.count(Finding::IoamLeft), 1);
    }
}
