// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What becomes of one packet at node B, and the claims that most tests make about it.

use super::Bench;
use super::frames::*;
use ioam_dp::moment::Moment;
use ioam_dp::port::PortId;
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::spec::*;

/// The type of the traces of node A: `Hop_Lim`, `node_id` and interface ids.
pub(crate) const KIND: u32 = 0xC0_0000;
/// What node A wrote into a trace of that type.
pub(crate) const OF_A: [u32; 2] = [0x400A_0001, 0x0A11_0A22];
/// What node B writes behind it, hop limit 64 received.
pub(crate) const OF_B: [u32; 2] = [0x3F0B_0001, 0x0B11_0B22];

/// A trace of namespace 123 with room for two nodes, and what node A wrote.
pub(crate) fn trace() -> Trace {
    Trace::new(123, KIND, 4, &OF_A)
}

/// The frame becomes `expected`, with these counts and no other notice.
#[track_caller]
pub(crate) fn assert_frame(
    spec: &NodeSpec,
    sent: &[u8],
    moment: &Moment,
    expected: &[u8],
    notices: &[(Notice, u64)],
) {
    let mut bench = Bench::new(spec);
    let (_, frame) = bench.pass(sent, 0, moment).expect("forwarded");
    assert_eq!(hex(&frame), hex(expected));
    assert_eq!(bench.counted(), notices);
}

/// At a node that decrements the hop limit, `sent` becomes `expected`, and nothing is remarkable.
#[track_caller]
pub(crate) fn assert_becomes(spec: &NodeSpec, sent: &Packet, expected: &Packet) {
    let expected = expected.hops(sent.hop_limit - 1).frame();
    assert_frame(spec, &sent.frame(), &moment(), &expected, &[]);
}

/// At such a node `sent` changes in nothing but its hop limit, and is noticed once so.
#[track_caller]
pub(crate) fn assert_untouched(spec: &NodeSpec, sent: &Packet, notice: Notice) {
    let expected = sent.hops(sent.hop_limit - 1).frame();
    assert_frame(spec, &sent.frame(), &moment(), &expected, &[(notice, 1)]);
}

/// `sent` is dropped for this reason.
#[track_caller]
pub(crate) fn assert_dropped(spec: &NodeSpec, sent: &Packet, reason: DropReason) {
    let mut bench = Bench::new(spec);
    let out = bench.pass(&sent.frame(), 0, &moment());
    assert_eq!(out.map(|(port, _)| port), Err(reason));
    assert_eq!(bench.stats.drops(reason), 1);
    assert!(bench.records.is_empty(), "a record of a dropped packet");
}

/// Node B with every port doing this.
pub(crate) fn node_with(change: impl FnOnce(&mut NodeSpec)) -> NodeSpec {
    let mut spec = node();
    change(&mut spec);
    spec
}

/// Digits, which a failed assertion shows better than numbers.
pub(crate) fn hex(octets: &[u8]) -> String {
    let words = octets.chunks(4).map(|word| {
        let digits: String = word.iter().map(|octet| format!("{octet:02x}")).collect();
        digits
    });
    words.collect::<Vec<_>>().join(" ")
}

impl Bench {
    /// Sends the packet from port 0; the port and frame it leaves by and as.
    #[track_caller]
    pub(crate) fn forward(&mut self, sent: &Packet) -> (PortId, Vec<u8>) {
        self.pass(&sent.frame(), 0, &moment()).expect("forwarded")
    }

    /// Every notice that was given, and how often.
    pub(crate) fn counted(&self) -> Vec<(Notice, u64)> {
        let counts = Notice::ALL
            .iter()
            .map(|notice| (*notice, self.stats.notices(*notice)));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}
