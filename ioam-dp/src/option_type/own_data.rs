// SPDX-License-Identifier: Apache-2.0 OR MIT
//! This node's data as a template: constant octets, and the few places that change per packet.
//!
//! What a node writes is mostly the same from packet to packet (RFC 9197, 4.4.2): ids, namespace
//! data and sentinels depend on the namespace, the ports and the trace type alone.

use crate::moment::Moment;
use crate::port::PortId;
use crate::table::{Namespace, Tables};
use crate::timestamp::Timestamp;
use crate::wire::ioam::{TraceType, UNAVAILABLE};

/// Octets of the largest element without its snapshot: 25 words.
const MAX_FIXED: usize = 100;

/// A place beyond every element: the field is not asked for.
const NOWHERE: u8 = u8::MAX;

/// What a template depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    trace_type: TraceType,
    namespace: u8,
    in_port: PortId,
    out_port: Option<PortId>,
}

impl Key {
    /// Spreads keys over the cache's slots.
    fn place(&self) -> usize {
        let ports =
            u32::from(self.in_port.0) << 8 | self.out_port.map_or(0xFF, |port| port.0.into());
        let mixed = (self.trace_type.bits() ^ ports ^ u32::from(self.namespace) << 16)
            .wrapping_mul(0x9E37_79B1);
        (mixed >> 24) as usize
    }
}

/// The octets one node writes for one (namespace, ports, trace type).
#[derive(Clone, Debug)]
pub struct OwnData {
    key: Key,
    fixed: [u8; MAX_FIXED],
    len: u8,
    snapshot: bool,
    hop_limit: u8,
    hop_limit_wide: u8,
    seconds: u8,
    fraction: u8,
    transit_delay: u8,
    queue_depth: u8,
    buffer_occupancy: u8,
}

impl OwnData {
    fn new(tables: &Tables, namespace: &Namespace, key: Key) -> Self {
        let mut own = Self {
            key,
            fixed: [0xFF; MAX_FIXED],
            len: 0,
            snapshot: key.trace_type.has(TraceType::OPAQUE_STATE),
            hop_limit: NOWHERE,
            hop_limit_wide: NOWHERE,
            seconds: NOWHERE,
            fraction: NOWHERE,
            transit_delay: NOWHERE,
            queue_depth: NOWHERE,
            buffer_occupancy: NOWHERE,
        };
        own.lay_out(tables, namespace);
        own
    }

    /// Walks the trace type's bits in order; undefined fields stay all ones.
    fn lay_out(&mut self, tables: &Tables, namespace: &Namespace) {
        let kind = self.key.trace_type;
        let ids = |id: PortId| {
            tables
                .port(id)
                .map_or((u16::MAX, u32::MAX), |p| (p.id, p.id_wide))
        };
        let (ingress, ingress_wide) = ids(self.key.in_port);
        let (egress, egress_wide) = self.key.out_port.map_or((u16::MAX, u32::MAX), ids);
        if kind.has(TraceType::HOP_LIM_NODE_ID) {
            self.hop_limit = self.put(&tables.identity.node_id.to_be_bytes());
        }
        if kind.has(TraceType::IF_ID) {
            self.put(&(u32::from(ingress) << 16 | u32::from(egress)).to_be_bytes());
        }
        if kind.has(TraceType::TIMESTAMP_SECONDS) {
            self.seconds = self.put(&UNAVAILABLE.to_be_bytes());
        }
        if kind.has(TraceType::TIMESTAMP_FRACTION) {
            self.fraction = self.put(&UNAVAILABLE.to_be_bytes());
        }
        if kind.has(TraceType::TRANSIT_DELAY) {
            self.transit_delay = self.put_measured(tables);
        }
        if kind.has(TraceType::NAMESPACE_DATA) {
            self.put(&namespace.data.to_be_bytes());
        }
        if kind.has(TraceType::QUEUE_DEPTH) {
            self.queue_depth = self.put(&UNAVAILABLE.to_be_bytes());
        }
        if kind.has(TraceType::CHECKSUM_COMPLEMENT) {
            // IPv6 options are under no transport checksum, so there is nothing to complement.
            self.put(&UNAVAILABLE.to_be_bytes());
        }
        if kind.has(TraceType::HOP_LIM_NODE_ID_WIDE) {
            self.hop_limit_wide = self.put(&tables.identity.node_id_wide.to_be_bytes());
        }
        if kind.has(TraceType::IF_ID_WIDE) {
            self.put(&ingress_wide.to_be_bytes());
            self.put(&egress_wide.to_be_bytes());
        }
        if kind.has(TraceType::NAMESPACE_DATA_WIDE) {
            self.put(&namespace.data_wide.to_be_bytes());
        }
        if kind.has(TraceType::BUFFER_OCCUPANCY) {
            self.buffer_occupancy = self.put_measured(tables);
        }
        self.len = kind.node_len() * 4;
    }

    /// A field that Linux never has available.
    fn put_measured(&mut self, tables: &Tables) -> u8 {
        let place = self.put(&UNAVAILABLE.to_be_bytes());
        if tables.linux() { NOWHERE } else { place }
    }

    /// Appends a field and returns where it is.
    fn put(&mut self, field: &[u8]) -> u8 {
        let place = self.len;
        let start = usize::from(place);
        if let Some(octets) = self.fixed.get_mut(start..start + field.len()) {
            octets.copy_from_slice(field);
            self.len += if field.len() == 8 { 8 } else { 4 };
        }
        place
    }

    /// The trace type the octets are for.
    #[must_use]
    pub fn trace_type(&self) -> TraceType {
        self.key.trace_type
    }

    /// Octets of the element without its snapshot.
    #[must_use]
    pub fn fixed_len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether the trace type asks for an opaque state snapshot.
    #[must_use]
    pub fn has_snapshot(&self) -> bool {
        self.snapshot
    }

    /// Offsets of the octets that hold the hop limit; beyond the element where there is none.
    #[must_use]
    pub(crate) fn hop_limits(&self) -> [u8; 2] {
        [self.hop_limit, self.hop_limit_wide]
    }

    /// Words the element takes, its snapshot included.
    #[must_use]
    pub fn words(&self, namespace: &Namespace) -> usize {
        let snapshot = if self.snapshot {
            namespace.snapshot_words()
        } else {
            0
        };
        usize::from(self.len) / 4 + snapshot
    }

    /// Writes the element into `slot`, which has exactly [`words`](Self::words) words.
    #[inline]
    pub fn write(&self, slot: &mut [u8], namespace: &Namespace, hop_limit: u8, moment: &Moment) {
        let Some((fixed, snapshot)) = slot.split_at_mut_checked(usize::from(self.len)) else {
            return;
        };
        let Some(template) = self.fixed.get(..fixed.len()) else {
            return;
        };
        fixed.copy_from_slice(template);
        put_octet(fixed, self.hop_limit, hop_limit);
        put_octet(fixed, self.hop_limit_wide, hop_limit);
        if self.seconds != NOWHERE || self.fraction != NOWHERE {
            let time = moment.received.map_or(Timestamp::UNAVAILABLE, |received| {
                Timestamp::new(namespace.timestamp, received)
            });
            put_word(fixed, self.seconds, time.seconds);
            put_word(fixed, self.fraction, time.fraction);
        }
        if self.transit_delay != NOWHERE {
            put_word(fixed, self.transit_delay, moment.transit_delay_field());
        }
        if let (true, Some(port)) = (self.queue_depth != NOWHERE, self.key.out_port) {
            put_word(fixed, self.queue_depth, moment.queue_depth_field(port));
        }
        if self.buffer_occupancy != NOWHERE {
            let octets = moment.buffer_occupancy.unwrap_or(UNAVAILABLE);
            put_word(fixed, self.buffer_occupancy, octets);
        }
        if let (true, Some(state)) = (self.snapshot, namespace.snapshot.get(..snapshot.len())) {
            snapshot.copy_from_slice(state);
        }
    }
}

fn put_octet(element: &mut [u8], place: u8, value: u8) {
    if let Some(octet) = element.get_mut(usize::from(place)) {
        *octet = value;
    }
}

fn put_word(element: &mut [u8], place: u8, value: u32) {
    let start = usize::from(place);
    if let Some(word) = element.get_mut(start..start + 4) {
        word.copy_from_slice(&value.to_be_bytes());
    }
}

/// The templates a worker used last; real traffic has few.
#[derive(Clone, Debug, Default)]
pub struct OwnDataCache {
    slots: [Option<Box<OwnData>>; 8],
}

impl OwnDataCache {
    /// Forgets everything; for new tables.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The template for one (namespace, ports, trace type), made if it is not there.
    #[inline]
    pub fn get(
        &mut self,
        tables: &Tables,
        namespace: u8,
        trace_type: TraceType,
        in_port: PortId,
        out_port: Option<PortId>,
    ) -> Option<&OwnData> {
        let key = Key {
            trace_type,
            namespace,
            in_port,
            out_port,
        };
        let place = key.place() % self.slots.len();
        let slot = self.slots.get_mut(place)?;
        if slot.as_ref().is_none_or(|own| own.key != key) {
            let own = OwnData::new(tables, tables.namespaces.get(namespace)?, key);
            match slot {
                Some(old) => **old = own,
                None => *slot = Some(Box::new(own)),
            }
        }
        slot.as_deref()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::table::spec::{NamespaceSpec, NodeSpec, PortSpec, SchemaSpec, Side};
    use crate::timestamp::WallTime;
    use crate::wire::ioam::NamespaceId;

    /// The octets of a dump; spaces do not count.
    pub(in super::super) fn hex(dump: &str) -> Vec<u8> {
        let digits: Vec<u32> = dump.chars().filter_map(|c| c.to_digit(16)).collect();
        let octet = |pair: &[u32]| u8::try_from(pair[0] << 4 | pair[1]).unwrap();
        digits.chunks_exact(2).map(octet).collect()
    }

    /// A node with namespace 123, in at port 0 and out at port 1.
    pub(in super::super) struct NodeB(Tables);

    impl NodeB {
        /// With this data in schema 777, or no schema.
        pub(in super::super) fn new(schema: Option<&[u8]>) -> Self {
            let port = |id: u16| PortSpec {
                name: id.to_string(),
                mac: [0; 6],
                mtu: 1500,
                ioam: true,
                id: Some(id),
                id_wide: None,
                address: None,
                side: Side::Inside,
                speed: 10_000,
            };
            let schema = schema.map(|data| SchemaSpec {
                id: 777,
                data: data.to_vec(),
            });
            let namespace = NamespaceSpec {
                schema,
                ..NamespaceSpec::plain(123)
            };
            let spec = NodeSpec {
                node_id: Some(0x0B_0001),
                ports: vec![port(0x0B11), port(0x0B22)],
                namespaces: vec![namespace],
                ..NodeSpec::default()
            };
            Self(Tables::compile(&spec).unwrap())
        }

        fn index(&self) -> u8 {
            self.0.namespaces.find(NamespaceId(123)).unwrap()
        }

        pub(in super::super) fn namespace(&self) -> &Namespace {
            self.0.namespaces.get(self.index()).unwrap()
        }

        pub(in super::super) fn own_data(&self, kind: TraceType) -> OwnData {
            let mut cache = OwnDataCache::default();
            let own = cache.get(&self.0, self.index(), kind, PortId(0), Some(PortId(1)));
            own.unwrap().clone()
        }

        /// 2024-08-13 14:43:46.123456789 UTC, 16 buffers waiting everywhere.
        pub(in super::super) fn moment() -> Moment {
            let mut moment = Moment::at(Some(WallTime {
                seconds: 1_723_560_226,
                nanoseconds: 123_456_789,
            }));
            moment.queue_depth.fill(Some(16));
            moment
        }
    }

    #[test]
    fn the_snapshot_is_apart_from_the_fixed_octets() {
        let node = NodeB::new(Some(b"schemaB!"));
        let own = node.own_data(TraceType::new(0xC0_0002));
        assert_eq!(own.trace_type(), TraceType::new(0xC0_0002));
        assert_eq!((own.fixed_len(), own.has_snapshot()), (8, true));
        assert_eq!(own.words(node.namespace()), 5);
        let own = node.own_data(TraceType::new(0xC0_0000));
        assert_eq!((own.fixed_len(), own.has_snapshot()), (8, false));
    }
}
