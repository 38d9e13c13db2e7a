// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is measured: a node, the frame it receives, and the frame it must send for that.

use anyhow::{Result, bail, ensure};
use ioam_dp::packet::PacketBuf;
use ioam_dp::table::spec::{ActionSpec, NodeSpec, Placement};
use ioam_dp::timestamp::WallTime;
use serde_json::{Value, json};

use crate::frames::{
    ETHERNET, IPV6, Packet, Trace, UDP, decapsulate, encapsulate, hop_by_hop, node, node_that,
    tunnel, tunnel_end,
};

/// Packets received, processed and sent together; here and in testpmd.
pub(crate) const BURST: usize = 32;
/// Octets in front of each frame.
pub(crate) const HEADROOM: usize = 384;
/// Hop limit with node id, interface ids, timestamp seconds and fraction.
pub(crate) const TRACE_TYPE: u32 = 0xF0_0000;
/// Room for four nodes of that.
pub(crate) const WORDS: u8 = 16;
const WORDS_OF_A_NODE: u8 = 4;

/// The namespace of [`node`].
const NAMESPACE: u16 = 123;
/// What [`node`] writes besides hop limit and time: its node id, and its two interface ids.
const NODE_ID: u32 = 0x0B_0001;
const INTERFACES: u32 = 0x0B11_0B22;
/// An element of some node before it.
const EARLIER: [u32; 4] = [0x3F0A_0001, 0x0A11_0A22, 1_723_560_226, 123_456];
/// The hop limit everything arrives with.
const ARRIVING: u32 = 64;

/// What becomes of the record of a removed trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Records {
    /// There is none.
    None,
    /// It goes to the exporter's ring.
    Kept,
    /// It is made and forgotten.
    Forgotten,
}

/// One thing a node does.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub name: &'static str,
    pub does: &'static str,
    pub spec: NodeSpec,
    pub input: Vec<u8>,
    /// What must come out; the node's own timestamp is zero here.
    pub output: Vec<u8>,
    /// Offset in `output` of that timestamp, eight octets.
    pub timestamp: Option<usize>,
    pub records: Records,
}

impl Case {
    /// Whether `frame` is what the node must send for a packet received at `time`; with any
    /// fraction of that second, or the second behind it, where the clock ran on.
    pub(crate) fn check(&self, frame: &[u8], time: Option<WallTime>) -> Result<()> {
        let mut expected = self.output.clone();
        if let Some(at) = self.timestamp
            && let (Some(place), Some(found)) =
                (expected.get_mut(at..at + 8), frame.get(at..at + 8))
        {
            let seconds = found
                .first_chunk()
                .map_or(0, |word| u32::from_be_bytes(*word));
            let since = time.map(|time| u64::from(seconds).wrapping_sub(time.seconds));
            ensure!(
                since.is_some_and(|since| since <= 1),
                "{}: the node's timestamp is wrong: {seconds}",
                self.name
            );
            place.copy_from_slice(found);
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

    /// Its line's name in a table.
    pub(crate) fn title(&self) -> String {
        format!("{:13} {}", self.name, self.does)
    }

    /// What comes in and what goes out, in octets of frame.
    pub(crate) fn octets(&self) -> String {
        format!("{} → {}", self.input.len(), self.output.len())
    }

    /// What was measured, for programs; the figures are the caller's to add.
    pub(crate) fn json(&self, bench: &str, in_flight: usize) -> Value {
        let mut line = json!({
            "bench": bench, "case": self.name, "octets_in": self.input.len(),
            "octets_out": self.output.len(), "burst": BURST, "in_flight": in_flight,
        });
        if self.input.len() != self.output.len() || self.timestamp.is_some() {
            line["trace_type"] = json!(format!("{TRACE_TYPE:#08x}"));
            line["trace_words"] = json!(WORDS);
        }
        line
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

/// Everything that is measured, in the order of the report.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        pass(),
        transit(),
        encapsulation("encap", "adds outer IPv6 + trace", tunnel()),
        encapsulation("encap-inline", "adds trace in place", Placement::Inline),
        decapsulation("decap", "removes outer, records", Records::Kept),
        decapsulation("decap-only", "removes outer, no record", Records::Forgotten),
    ]
}

fn pass() -> Case {
    Case {
        name: "pass",
        does: "plain IPv6 goes by",
        spec: node(),
        input: plain().frame(),
        output: plain().hops(63).frame(),
        timestamp: None,
        records: Records::None,
    }
}

fn transit() -> Case {
    let arriving = trace().with_element(&EARLIER);
    let leaving = arriving.with_element(&own(ARRIVING - 1));
    let output = plain().tunnelled(&[&leaving]).hops(63).frame();
    Case {
        name: "transit",
        does: "adds 16 octets of node data",
        spec: node(),
        input: plain().tunnelled(&[&arriving]).frame(),
        timestamp: Some(timestamp_at(leaving.remaining)),
        output,
        records: Records::None,
    }
}

fn encapsulation(name: &'static str, does: &'static str, placement: Placement) -> Case {
    let (output, left) = if placement == Placement::Inline {
        let trace = trace().with_element(&own(ARRIVING - 1));
        let header = hop_by_hop(&[&trace]);
        let packet = Packet::new(0, &[&header, &datagram()]).hops(63);
        (packet.frame(), trace.remaining)
    } else {
        // The outer header starts with the profile's hop limit, and so does the trace.
        let trace = trace().with_element(&own(64));
        (
            plain().hops(63).tunnelled(&[&trace]).frame(),
            trace.remaining,
        )
    };
    let action = encapsulate(TRACE_TYPE, WORDS, placement);
    Case {
        name,
        does,
        spec: node_that(ActionSpec::Encapsulate(action)),
        input: plain().frame(),
        output,
        timestamp: Some(timestamp_at(left)),
        records: Records::None,
    }
}

fn decapsulation(name: &'static str, does: &'static str, records: Records) -> Case {
    let full = (0..3).fold(trace(), |trace, _| trace.with_element(&EARLIER));
    Case {
        name,
        does,
        spec: node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end()))),
        input: plain().tunnelled(&[&full]).frame(),
        output: plain().hops(63).frame(),
        timestamp: None,
        records,
    }
}

fn trace() -> Trace {
    Trace::new(NAMESPACE, TRACE_TYPE, WORDS, &[])
}

/// The node's own element, its timestamp zero.
fn own(hop_limit: u32) -> [u32; 4] {
    [hop_limit << 24 | NODE_ID, INTERFACES, 0, 0]
}

/// The offset in an untagged frame of the timestamp of the newest element, behind `left` free words
/// of the only option: extension header and padding, option head, trace header, ids.
fn timestamp_at(left: u8) -> usize {
    debug_assert!(left.is_multiple_of(WORDS_OF_A_NODE), "whole elements");
    ETHERNET + IPV6 + 4 + 4 + 8 + usize::from(left) * 4 + 8
}

/// A user's packet: 14 Ethernet, 40 IPv6, 8 UDP, 18 payload.
fn plain() -> Packet {
    Packet::new(UDP, &[&datagram()])
}

fn datagram() -> Vec<u8> {
    let payload = b"eighteen octets...";
    let mut octets = vec![0x13, 0x88, 0, 53, 0, 26, 0xAB, 0xCD];
    octets.extend_from_slice(payload);
    octets
}
