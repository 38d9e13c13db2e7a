// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The traffic: flows whose every octet is known to both ends.
//!
//! ```text
//! | Ethernet | IPv6 | UDP | sequence (8) | its complement (8) | pattern of the flow ... |
//! ```
//! A number and its complement add nothing to the UDP checksum, so that one checksum per flow is
//! right for all of its packets.

use std::net::Ipv6Addr;

use ioam_dp::record::Flow;
use ioam_dp::wire::checksum;
use ioam_dp::wire::ethernet;
use ioam_dp::wire::ipv6::{self, Ipv6Header, next_header};

use super::domain;

/// Flows that get a trace, flows that do not, and one that is not IPv6.
pub(super) const TRACED_FLOWS: usize = 64;
const PLAIN_FLOWS: usize = 16;
/// All flows.
pub(super) const FLOWS: usize = TRACED_FLOWS + PLAIN_FLOWS + 1;

/// Smallest frame: the headers and the sequence number.
#[allow(clippy::cast_possible_truncation, reason = "less than a hundred")]
pub(super) const SMALLEST_FRAME: u16 = (PATTERN_AT + 2) as u16;
/// Largest frame: 1500 octets behind the Ethernet header.
pub(super) const LARGEST_FRAME: u16 = 1514;

const UDP_AT: usize = ethernet::HEADER + ipv6::HEADER;
const UDP_HEADER: usize = 8;
const SEQUENCE_AT: usize = UDP_AT + UDP_HEADER;
const PATTERN_AT: usize = SEQUENCE_AT + 16;
const HOP_LIMIT_AT: usize = ethernet::HEADER + 7;

/// UDP source port of flow 0.
const FIRST_PORT: u16 = 40_000;
/// IEEE's EtherType for local experiments.
const NOT_IPV6: u16 = 0x88B5;

const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xDB8, 1, 0, 0, 0, 0, 1);
const PLAIN: Ipv6Addr = Ipv6Addr::new(0x2001, 0xDB8, 3, 0, 0, 0, 0, 1);
const SENT_HOP_LIMIT: u8 = 64;

/// What becomes of a flow in the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It travels in the tunnel and collects a trace.
    Traced,
    /// IPv6 that no profile wants.
    Plain,
    /// Not IPv6.
    Other,
}

/// What the sink sees in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Index of the flow.
    pub(super) flow: usize,
    /// Number within the flow.
    pub(super) sequence: u64,
    /// Whether all other octets are those that were sent.
    pub(super) is_intact: bool,
    /// Whether the hop limit is what the path leaves.
    pub(super) has_hop_limit: bool,
}

/// All flows, as frames with sequence number 0.
#[derive(Debug)]
pub(super) struct Traffic {
    frames: Vec<Vec<u8>>,
}

impl Traffic {
    /// Flows of frames of `size` octets without checksum.
    pub(super) fn new(size: usize) -> Self {
        Self {
            frames: (0..FLOWS).map(|flow| frame(flow, size)).collect(),
        }
    }

    /// Octets of every frame.
    pub(super) fn frame_size(&self) -> usize {
        self.frames[0].len()
    }

    /// Writes the frame with this number into `place`, which has the frame's size.
    pub(super) fn write(&self, flow: usize, sequence: u64, place: &mut [u8]) {
        place.copy_from_slice(&self.frames[flow]);
        place[SEQUENCE_AT..SEQUENCE_AT + 8].copy_from_slice(&sequence.to_be_bytes());
        place[SEQUENCE_AT + 8..PATTERN_AT].copy_from_slice(&(!sequence).to_be_bytes());
    }

    /// Recognises a frame; `None` when nobody sent it.
    pub(super) fn recognise(&self, frame: &[u8]) -> Option<Arrival> {
        let flow = match frame.get(12..14)? {
            [0x86, 0xDD] => {
                let port = frame.get(UDP_AT..UDP_AT + 2)?;
                usize::from(u16::from_be_bytes([port[0], port[1]]).checked_sub(FIRST_PORT)?)
            }
            _ => FLOWS - 1,
        };
        let sent = self.frames.get(flow)?;
        let sequence = double(frame, SEQUENCE_AT)?;
        if sequence ^ double(frame, SEQUENCE_AT + 8)? != u64::MAX {
            return None;
        }
        let hop_limit = match kind(flow) {
            // Decremented where it enters the tunnel and where it has left it.
            Kind::Traced => SENT_HOP_LIMIT - 2,
            Kind::Plain => SENT_HOP_LIMIT - 4,
            Kind::Other => sent[HOP_LIMIT_AT],
        };
        let same = |from: usize, to: usize| frame.get(from..to) == sent.get(from..to);
        let is_intact = frame.len() == sent.len()
            && same(0, HOP_LIMIT_AT)
            && same(HOP_LIMIT_AT + 1, SEQUENCE_AT)
            && same(PATTERN_AT, sent.len());
        Some(Arrival {
            flow,
            sequence,
            is_intact,
            has_hop_limit: frame[HOP_LIMIT_AT] == hop_limit,
        })
    }

    /// The index of a traced flow, out of a record of it; `None` when nobody sent it.
    pub(super) fn traced(&self, record: &Flow) -> Option<usize> {
        let index = usize::from(record.source_port.checked_sub(FIRST_PORT)?);
        let is_ours = index < TRACED_FLOWS
            && record.source == SOURCE.octets()
            && record.destination == domain::TRACED.octets()
            && record.destination_port == DISCARD
            && record.next_header == next_header::UDP
            && record.label == label(index);
        is_ours.then_some(index)
    }
}

/// The UDP destination port of all flows.
const DISCARD: u16 = 9;

/// What becomes of the flow.
pub(super) fn kind(flow: usize) -> Kind {
    if flow < TRACED_FLOWS {
        Kind::Traced
    } else if flow < FLOWS - 1 {
        Kind::Plain
    } else {
        Kind::Other
    }
}

#[allow(clippy::cast_possible_truncation, reason = "few flows")]
fn label(flow: usize) -> u32 {
    0x1_0000 + flow as u32
}

fn double(frame: &[u8], at: usize) -> Option<u64> {
    frame
        .get(at..)?
        .first_chunk()
        .map(|octets| u64::from_be_bytes(*octets))
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "few flows, and frames of at most 1514 octets"
)]
fn frame(flow: usize, size: usize) -> Vec<u8> {
    let mut frame = pattern(flow as u64 + 1, size);
    ethernet::set_addresses(&mut frame, [2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 1]);
    let number = [0_u64, u64::MAX];
    for (octets, number) in frame[SEQUENCE_AT..PATTERN_AT]
        .chunks_exact_mut(8)
        .zip(number)
    {
        octets.copy_from_slice(&number.to_be_bytes());
    }
    let destination = match kind(flow) {
        Kind::Traced => domain::TRACED,
        Kind::Plain => PLAIN,
        Kind::Other => {
            frame[12..14].copy_from_slice(&NOT_IPV6.to_be_bytes());
            return frame;
        }
    };
    frame[12..14].copy_from_slice(&ethernet::IPV6.to_be_bytes());
    let (source, destination) = (SOURCE.octets(), destination.octets());
    let mut header = Ipv6Header::new(source, destination, next_header::UDP, SENT_HOP_LIMIT);
    let payload = (size - UDP_AT) as u16;
    header.payload_length.set(payload);
    header.set_class_and_label(0, label(flow));
    frame[ethernet::HEADER] = 6 << 4;
    if let Some(place) = Ipv6Header::at_mut(&mut frame, ethernet::HEADER) {
        *place = header;
    }
    let words = [FIRST_PORT + flow as u16, DISCARD, payload, 0];
    for (octets, word) in frame[UDP_AT..SEQUENCE_AT].chunks_exact_mut(2).zip(words) {
        octets.copy_from_slice(&word.to_be_bytes());
    }
    let sum = checksum::upper_layer(&source, &destination, next_header::UDP, &frame[UDP_AT..]);
    frame[UDP_AT + 6..SEQUENCE_AT].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// Octets without a pattern that a misplaced copy could hit (xorshift).
#[allow(clippy::cast_possible_truncation, reason = "the upper octet is wanted")]
fn pattern(seed: u64, octets: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 56) as u8
    };
    (0..octets).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_recognised_by_its_flow_and_number() {
        let traffic = Traffic::new(SMALLEST_FRAME.into());
        for flow in [0, 63, 64, 79, 80] {
            let mut frame = vec![0; traffic.frame_size()];
            traffic.write(flow, 77, &mut frame);
            let before = traffic.recognise(&frame).unwrap();
            assert_eq!(before.has_hop_limit, kind(flow) == Kind::Other);
            match kind(flow) {
                Kind::Traced => frame[HOP_LIMIT_AT] = 62,
                Kind::Plain => frame[HOP_LIMIT_AT] = 60,
                Kind::Other => {}
            }
            let arrival = traffic.recognise(&frame).unwrap();
            assert!(arrival.is_intact && arrival.has_hop_limit);
            assert_eq!((arrival.flow, arrival.sequence), (flow, 77));
        }
    }

    #[test]
    fn any_changed_octet_is_seen() {
        let traffic = Traffic::new(100);
        let mut frame = vec![0; 100];
        traffic.write(5, 1, &mut frame);
        frame[HOP_LIMIT_AT] = 62;
        for at in 0..frame.len() {
            let mut changed = frame.clone();
            changed[at] ^= 0x10;
            let seen = traffic.recognise(&changed);
            let is_fine = seen.is_some_and(|a| a.is_intact && a.has_hop_limit && a.flow == 5);
            assert!(!is_fine, "octet {at}");
        }
        assert_eq!(traffic.recognise(&frame[..60]), None);
    }

    #[test]
    fn the_checksum_holds_for_every_number() {
        let traffic = Traffic::new(128);
        for sequence in [0, 1, 0xFFFF, u64::MAX, 0x1234_5678_9ABC_DEF0] {
            let mut frame = vec![0; 128];
            traffic.write(3, sequence, &mut frame);
            let header = *Ipv6Header::at(&frame, ethernet::HEADER).unwrap();
            let sum: [u8; 2] = frame[UDP_AT + 6..SEQUENCE_AT].try_into().unwrap();
            frame[UDP_AT + 6..SEQUENCE_AT].fill(0);
            let right = checksum::upper_layer(
                &header.source,
                &header.destination,
                next_header::UDP,
                &frame[UDP_AT..],
            );
            assert_eq!(u16::from_be_bytes(sum), right);
        }
    }
}
