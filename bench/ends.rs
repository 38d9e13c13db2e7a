// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What stands at the ends of a node that is measured, and what stands in for it.

use anyhow::{Result, ensure};
use ioam_app::dpdk::{Mbuf, RxHandle, TxHandle};
use ioam_dp::port::{Burst, RxQueue, STAGE, Stage, TxQueue as _};
use ioam_dp::record::{ExportRecord, RecordSink, SequenceReport};

/// The far ends of the node's ports.
pub(crate) struct Ends {
    pub feed: TxHandle,
    pub collect: RxHandle,
}

impl Ends {
    /// Hands all packets over.
    pub(crate) fn feed(&mut self, packets: &mut Vec<Mbuf>) -> Result<()> {
        while !packets.is_empty() {
            let some = packets.len().min(STAGE);
            let mut stage: Stage<Mbuf> = packets.drain(..some).collect();
            self.feed.send(&mut stage);
            ensure!(stage.is_empty(), "the ring in front of the node is full");
        }
        Ok(())
    }

    /// Takes everything that came.
    pub(crate) fn collect(&mut self, packets: &mut Vec<Mbuf>) {
        let mut burst = Burst::new();
        loop {
            self.collect.receive(&mut burst);
            if burst.is_empty() {
                return;
            }
            packets.extend(burst.drain(..));
        }
    }
}

/// Receives and sends, and nothing in between.
pub(crate) struct Bare<R> {
    rx: R,
    tx: TxHandle,
    burst: Burst<Mbuf>,
    stage: Stage<Mbuf>,
}

impl<R: RxQueue<Packet = Mbuf>> Bare<R> {
    pub(crate) fn new(rx: R, tx: TxHandle) -> Self {
        Self {
            rx,
            tx,
            burst: Burst::new(),
            stage: Stage::new(),
        }
    }

    pub(crate) fn poll(&mut self) -> usize {
        self.rx.receive(&mut self.burst);
        let packets = self.burst.len();
        self.stage.extend(self.burst.drain(..));
        self.tx.send(&mut self.stage);
        packets
    }
}

/// Takes every record and forgets it.
#[derive(Debug)]
pub(crate) struct Forget;

impl RecordSink for Forget {
    fn push(&mut self, record: ExportRecord) -> bool {
        // Made in full all the same, as for a ring.
        std::hint::black_box(&record);
        true
    }

    fn report(&mut self, report: SequenceReport) -> bool {
        std::hint::black_box(&report);
        true
    }
}
