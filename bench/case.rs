// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One thing that is measured: a node, the frames it receives, and what it must send for each.

#![allow(dead_code, reason = "each benchmark has a use for some of it")]

use anyhow::{Context as _, Result, bail, ensure};
use ioam_dp::packet::PacketBuf;
use ioam_dp::record::ExportRecord;
use ioam_dp::table::spec::NodeSpec;
use ioam_dp::timestamp::WallTime;
use serde_json::{Value, json};

/// Packets received, processed and sent together; here and in testpmd.
pub(crate) const BURST: usize = 32;
/// Octets in front of each frame.
pub(crate) const HEADROOM: usize = 384;

/// So many flows that a few find no place in the table, and go by as they came.
const MANY: u64 = 100_000;

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Records {
    /// There is none.
    None,
    /// It goes to the exporter's ring.
    Kept,
    /// It is made and forgotten.
    Forgotten,
}

/// A frame, and what the node must make of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames {
    pub input: Vec<u8>,
    /// What must come out; the node's own timestamp, a Flow ID and a sequence number are zero here.
    pub output: Vec<u8>,
    /// Offset in `output` of that timestamp, eight octets.
    pub timestamp: Option<usize>,
    /// Offset in `output` of a Flow ID and the number in its sequence, eight octets.
    pub sequence: Option<usize>,
    /// Where a flow has its number: offsets in `input` and in `output` of the last four octets of
    /// the user's source address, and of the source port.
    pub addresses: (usize, usize),
    pub ports: (usize, usize),
}

/// Which packets of a mixture get the first kind of frames.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pick {
    /// So many of a hundred, scattered evenly.
    Percent(u64),
    /// One of so many, the first.
    OneOf(u64),
}

/// One thing a node does.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub name: &'static str,
    pub does: &'static str,
    pub spec: NodeSpec,
    pub frames: Frames,
    /// Which packets are of `frames`, and what the others are; all are of `frames` without it.
    pub others: Option<(Pick, Frames)>,
    /// Different flows; packet *n* belongs to flow *n* modulo this.
    pub flows: u64,
    pub records: Records,
    /// The option data of a record, and the offset in it of the node's own timestamp.
    pub record: (Vec<u8>, Option<usize>),
}

impl Case {
    /// Without flows, others or records.
    pub(crate) fn new(
        name: &'static str,
        does: &'static str,
        spec: NodeSpec,
        frames: Frames,
    ) -> Self {
        Self {
            name,
            does,
            spec,
            frames,
            others: None,
            flows: 1,
            records: Records::None,
            record: (Vec::new(), None),
        }
    }

    /// What packet number `packet` of a run is.
    pub(crate) fn frames_of(&self, packet: u64) -> &Frames {
        match &self.others {
            Some((Pick::Percent(share), others)) if packet % 100 * 37 % 100 >= *share => others,
            Some((Pick::OneOf(n), others)) if !packet.is_multiple_of(*n) => others,
            _ => &self.frames,
        }
    }

    /// The flow of packet number `packet`.
    fn flow(&self, packet: u64) -> u64 {
        packet % self.flows
    }

    /// Gives `packet`, which may have been through the node, the content of packet number `number`.
    /// `false` when it has no room.
    pub(crate) fn fill<P: PacketBuf>(&self, packet: &mut P, number: u64) -> bool {
        let frames = self.frames_of(number);
        if !restore(packet, &frames.input) {
            return false;
        }
        if self.flows > 1 {
            let (address, port) = marks(self.flow(number));
            put(packet.bytes_mut(), frames.addresses.0, &address);
            put(packet.bytes_mut(), frames.ports.0, &port);
        }
        true
    }

    /// Whether `frame` is what the node must send for packet number `number` received at `time`;
    /// with any fraction of that second, or the second behind it, where the clock ran on.
    pub(crate) fn check(&self, frame: &[u8], number: u64, time: Option<WallTime>) -> Result<()> {
        let frames = self.frames_of(number);
        let mut expected = frames.output.clone();
        if self.flows > 1 {
            let (address, port) = marks(self.flow(number));
            put(&mut expected, frames.addresses.1, &address);
            put(&mut expected, frames.ports.1, &port);
        }
        if let Some(at) = frames.timestamp {
            self.check_time(frame.get(at..at + 8), time)?;
            copy(frame, &mut expected, at);
        }
        if let Some(at) = frames.sequence {
            self.check_sequence(frame.get(at..at + 8), number)?;
            copy(frame, &mut expected, at);
        }
        if frame == expected {
            return Ok(());
        }
        let differ = frame.iter().zip(&expected).position(|(a, b)| a != b);
        bail!(
            "{}: a wrong frame of {} octets came out, where {} were expected; the first octet that \
             differs is number {}",
            self.name,
            frame.len(),
            expected.len(),
            differ.unwrap_or(frame.len().min(expected.len()))
        )
    }

    /// A time of the clock's, in seconds and a fraction.
    fn check_time(&self, found: Option<&[u8]>, time: Option<WallTime>) -> Result<()> {
        let found = found.and_then(|octets| octets.first_chunk());
        let seconds = u32::from_be_bytes(*found.context("the frame is too short")?);
        let since = time.map(|time| u64::from(seconds).wrapping_sub(time.seconds));
        ensure!(
            since.is_some_and(|since| since <= 1),
            "{}: the node's timestamp is wrong: {seconds}",
            self.name
        );
        Ok(())
    }

    /// A Flow ID, which is the node's choice, and how often the flow was there before.
    fn check_sequence(&self, found: Option<&[u8]>, number: u64) -> Result<()> {
        let found = found.and_then(|octets| octets.last_chunk());
        let sequence = u32::from_be_bytes(*found.context("the frame is too short")?);
        ensure!(
            u64::from(sequence) == number / self.flows,
            "{}: packet {number} has sequence number {sequence}",
            self.name
        );
        Ok(())
    }

    /// All packets of a batch that began with number `first`: their lengths, and the content of one
    /// of them; of every one in the first batch. Of many flows one in a hundred may be refused.
    pub(crate) fn check_all<'a>(
        &self,
        frames: impl ExactSizeIterator<Item = &'a [u8]>,
        first: u64,
        time: Option<WallTime>,
    ) -> Result<()> {
        let in_full = (first != 0).then(|| first / 97 % frames.len().max(1) as u64);
        let mut may_be_refused = if self.flows >= MANY {
            1 + frames.len() / 100
        } else {
            0
        };
        for (place, frame) in (0..).zip(frames) {
            let number = first + place;
            if may_be_refused > 0 && frame.len() == self.frames_of(number).input.len() {
                may_be_refused -= 1;
                continue;
            }
            if in_full.is_none_or(|one| one == place) {
                self.check(frame, number, time)?;
            }
            let length = self.frames_of(number).output.len();
            ensure!(
                frame.len() == length,
                "{}: packet {number} has a wrong length: {} octets",
                self.name,
                frame.len()
            );
        }
        Ok(())
    }

    /// The records that so many packets left: how many, and the content of the first.
    pub(crate) fn check_records(
        &self,
        packets: usize,
        records: usize,
        first: Option<&ExportRecord>,
        time: Option<WallTime>,
    ) -> Result<()> {
        let kept = self.records == Records::Kept;
        let wanted = if kept { packets } else { 0 };
        ensure!(
            records == wanted,
            "{}: {records} records of {wanted}",
            self.name
        );
        let Some(record) = first else { return Ok(()) };
        let (mut expected, found) = (self.record.0.clone(), record.option_data());
        if let Some(at) = self.record.1 {
            self.check_time(found.get(at..at + 8), time)?;
            copy(found, &mut expected, at);
        }
        ensure!(found == expected, "{}: a record is wrong", self.name);
        Ok(())
    }

    /// Its line's name in a table.
    pub(crate) fn title(&self) -> String {
        format!("{:17} {}", self.name, self.does)
    }

    /// What comes in and what goes out, in octets of frame.
    pub(crate) fn octets(&self) -> String {
        let frames = &self.frames;
        format!("{} → {}", frames.input.len(), frames.output.len())
    }

    /// What was measured, for programs; the figures are the caller's to add.
    pub(crate) fn json(&self, bench: &str, in_flight: usize) -> Value {
        let frames = &self.frames;
        json!({
            "bench": bench, "case": self.name, "octets_in": frames.input.len(),
            "octets_out": frames.output.len(), "burst": BURST, "in_flight": in_flight,
            "flows": self.flows, "rules": self.spec.profiles.len(),
        })
    }
}

/// What a flow has in its source address and port.
fn marks(flow: u64) -> ([u8; 4], [u8; 2]) {
    let [.., a, b, c, d] = flow.to_be_bytes();
    ([a, b, c, d], [c | 4, d])
}

fn put(octets: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = octets.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

/// The eight octets of `from` at `at`, to the same place.
fn copy(from: &[u8], to: &mut [u8], at: usize) {
    if let Some(octets) = from.get(at..at + 8) {
        put(to, at, octets);
    }
}

/// Gives a packet that went through the node its length and content back.
pub(crate) fn restore<P: PacketBuf>(packet: &mut P, frame: &[u8]) -> bool {
    let now = packet.bytes().len();
    let fits = if now > frame.len() {
        packet.shrink_front(now - frame.len())
    } else {
        packet.grow_front(frame.len() - now)
    };
    if fits {
        packet.bytes_mut().copy_from_slice(frame);
    }
    fits
}
