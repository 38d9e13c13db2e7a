// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Options other than traces, and the headers around them, from field values.

use super::frames::*;
use ioam_dp::table::spec::*;
use ioam_dp::timestamp::WallTime;

/// The number of options whose data may change on the way.
pub(crate) const MUTABLE: u8 = 0x31;
/// The number of options whose data may not.
pub(crate) const IMMUTABLE: u8 = 0x11;

/// An IOAM option: number, length, reserved, type, data.
pub(crate) fn ioam(number: u8, ioam_type: u8, data: &[u8]) -> Vec<u8> {
    let mut octets = vec![number, data.len() as u8 + 2, 0, ioam_type];
    octets.extend(data);
    octets
}

/// A proof of transit of type 0.
pub(crate) fn proof(namespace: u16, pkt_id: u64, cumulative: u64) -> Vec<u8> {
    let mut data = namespace.to_be_bytes().to_vec();
    data.extend([0, 0]);
    data.extend(pkt_id.to_be_bytes());
    data.extend(cumulative.to_be_bytes());
    ioam(MUTABLE, 2, &data)
}

/// An edge-to-edge option with these words behind its type.
pub(crate) fn edge_to_edge(namespace: u16, kind: u16, words: &[u32]) -> Vec<u8> {
    let mut data = namespace.to_be_bytes().to_vec();
    data.extend(kind.to_be_bytes());
    words
        .iter()
        .for_each(|word| data.extend(word.to_be_bytes()));
    ioam(IMMUTABLE, 3, &data)
}

/// A direct export option with these words behind its trace type.
pub(crate) fn direct_export(namespace: u16, extension: u8, kind: u32, words: &[u32]) -> Vec<u8> {
    let mut data = namespace.to_be_bytes().to_vec();
    data.extend([0, extension]);
    data.extend((kind << 8).to_be_bytes());
    words
        .iter()
        .for_each(|word| data.extend(word.to_be_bytes()));
    ioam(IMMUTABLE, 4, &data)
}

/// An extension header with these options, the first one at a multiple of four.
pub(crate) fn header(next: u8, list: &[&[u8]]) -> Vec<u8> {
    let mut all: Vec<&[u8]> = vec![&LEAD];
    all.extend(list);
    options(next, &all)
}

/// `inner` in the tunnel of these tests, with these extension headers, the first of type `next`.
pub(crate) fn around(inner: &Packet, next: u8, headers: &[u8]) -> Packet {
    Packet {
        source: address(TUNNEL_HEAD),
        destination: address(TUNNEL_END),
        class: inner.class,
        label: inner.label,
        ..Packet::new(next, &[headers, &inner.octets()])
    }
}

/// Encapsulation of these options into every packet.
pub(crate) fn puts(options: Vec<OptionSpec>, placement: Placement) -> NodeSpec {
    node_that(ActionSpec::Encapsulate(EncapsulateSpec::new(
        options, placement,
    )))
}

/// A trace of namespace 123 that this node is the first to fill.
pub(crate) fn trace_of(kind: u32, words: u8) -> OptionSpec {
    OptionSpec::Trace(TraceSpec {
        namespace: 123,
        trace_type: kind,
        words,
        record_self: true,
        loopback: false,
    })
}

/// An edge-to-edge option of namespace 123.
pub(crate) fn e2e_of(kind: u16, group: GroupSpec) -> OptionSpec {
    OptionSpec::EdgeToEdge(EdgeToEdgeSpec {
        namespace: 123,
        kind,
        group,
    })
}

/// A direct export option of namespace 123 with this Flow ID and a sequence number.
pub(crate) fn dex_of(kind: u32, id: u32) -> OptionSpec {
    OptionSpec::DirectExport(DirectExportSpec {
        namespace: 123,
        trace_type: kind,
        flow_id: FlowIdSpec::Fixed(id),
        sequence: true,
        record_self: false,
    })
}

/// So many nanoseconds after the moment of these tests.
pub(crate) fn later(nanoseconds: u64) -> WallTime {
    let start = moment().received.expect("the moment has a time");
    WallTime::from_nanoseconds(start.as_nanoseconds() + nanoseconds)
}

/// Nanoseconds in a second.
pub(crate) const SECOND: u64 = 1_000_000_000;
