// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Frames and nodes from field values, with no code of the data plane, so that a fault there is not
//! repeated in what a test expects.

use std::net::Ipv6Addr;

use ioam_dp::moment::Moment;
use ioam_dp::port::MAX_PORTS;
use ioam_dp::table::spec::*;
use ioam_dp::timestamp::WallTime;

pub(crate) const ETHERNET: usize = 14;
pub(crate) const IPV6: usize = 40;
/// Where the extension headers of an untagged frame begin.
pub(crate) const EXTENSIONS: usize = ETHERNET + IPV6;

pub(crate) const HOST: &str = "2001:db8:1::1";
pub(crate) const PEER: &str = "2001:db8:2::2";
pub(crate) const TUNNEL_HEAD: &str = "2001:db8:ff::a";
pub(crate) const TUNNEL_END: &str = "2001:db8:ff::d";

pub(crate) const HOP_BY_HOP: u8 = 0;
pub(crate) const IP6: u8 = 41;
pub(crate) const ROUTING: u8 = 43;
pub(crate) const FRAGMENT: u8 = 44;
pub(crate) const AH: u8 = 51;
pub(crate) const ICMPV6: u8 = 58;
pub(crate) const DESTINATION: u8 = 60;
pub(crate) const UDP: u8 = 17;

/// The empty PadN that puts the first option behind it at a multiple of four.
pub(crate) const LEAD: [u8; 2] = [1, 0];
/// A router alert.
pub(crate) const ALERT: [u8; 4] = [5, 2, 0, 0];

pub(crate) fn address(text: &str) -> Ipv6Addr {
    text.parse().expect("an address")
}

/// A trace option, sound unless a field is overwritten.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub number: u8,
    pub option_len: Option<u8>,
    pub option_reserved: u8,
    pub ioam_type: u8,
    pub namespace: u16,
    pub node_len: u8,
    /// O 8, L 4, A 2, R 1.
    pub flags: u8,
    pub remaining: u8,
    pub kind: u32,
    pub reserved: u8,
    /// The space behind the header: free words first.
    pub space: Vec<u8>,
}

impl Trace {
    /// With `free` words of zeros in front of `list`.
    pub(crate) fn new(namespace: u16, kind: u32, free: u8, list: &[u32]) -> Self {
        let mut space = vec![0; usize::from(free) * 4];
        list.iter()
            .for_each(|word| space.extend(word.to_be_bytes()));
        let one = (kind & 0xFF_1FFC).count_ones();
        let two = (kind & 0x00_E000).count_ones();
        Self {
            number: 0x31,
            option_len: None,
            option_reserved: 0,
            ioam_type: 0,
            namespace,
            node_len: (one + 2 * two) as u8,
            flags: 0,
            remaining: free,
            kind,
            reserved: 0,
            space,
        }
    }

    /// The option with its type and length.
    pub(crate) fn option(&self) -> Vec<u8> {
        let len = self.option_len.unwrap_or((10 + self.space.len()) as u8);
        let mut octets = vec![self.number, len, self.option_reserved, self.ioam_type];
        octets.extend(self.namespace.to_be_bytes());
        let flags = u16::from(self.flags);
        let word = u16::from(self.node_len) << 11 | flags << 7 | u16::from(self.remaining);
        octets.extend(word.to_be_bytes());
        octets.extend((self.kind << 8 | u32::from(self.reserved)).to_be_bytes());
        octets.extend(&self.space);
        octets
    }

    /// The same with one element more, as a node writes it.
    pub(crate) fn with_element(&self, element: &[u32]) -> Self {
        let mut more = self.clone();
        more.remaining -= element.len() as u8;
        let start = usize::from(more.remaining) * 4;
        for (place, word) in element.iter().enumerate() {
            let at = start + place * 4;
            more.space[at..at + 4].copy_from_slice(&word.to_be_bytes());
        }
        more
    }

    /// The same with the overflow flag.
    pub(crate) fn overflowed(&self) -> Self {
        Self {
            flags: self.flags | 8,
            ..self.clone()
        }
    }
}

/// An extension header of options, padded at its end to a multiple of eight.
pub(crate) fn options(next: u8, list: &[&[u8]]) -> Vec<u8> {
    let mut header = vec![next, 0];
    list.iter().for_each(|option| header.extend(*option));
    let gap = header.len().next_multiple_of(8) - header.len();
    match gap {
        0 => {}
        1 => header.push(0),
        more => {
            header.extend([1, more as u8 - 2]);
            header.resize(header.len() + more - 2, 0);
        }
    }
    header[1] = (header.len() / 8 - 1) as u8;
    header
}

/// A Hop-by-Hop header in front of UDP with these traces.
pub(crate) fn hop_by_hop(traces: &[&Trace]) -> Vec<u8> {
    let all: Vec<_> = traces.iter().map(|trace| trace.option()).collect();
    let mut list: Vec<&[u8]> = vec![&LEAD];
    list.extend(all.iter().map(Vec::as_slice));
    options(UDP, &list)
}

/// A UDP datagram of eight octets more than its header.
pub(crate) fn udp(source: u16, destination: u16) -> Vec<u8> {
    let mut octets = source.to_be_bytes().to_vec();
    octets.extend(destination.to_be_bytes());
    octets.extend([0, 16, 0xAB, 0xCD]);
    octets.extend(b"payload!");
    octets
}

/// An IPv6 packet.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub class: u8,
    pub label: u32,
    pub hop_limit: u8,
    pub next: u8,
    pub source: Ipv6Addr,
    pub destination: Ipv6Addr,
    pub payload: Vec<u8>,
    pub payload_len: Option<u16>,
}

impl Packet {
    /// From host to peer with hop limit 64.
    pub(crate) fn new(next: u8, payload: &[&[u8]]) -> Self {
        Self {
            class: 0,
            label: 0x1_2345,
            hop_limit: 64,
            next,
            source: address(HOST),
            destination: address(PEER),
            payload: payload.concat(),
            payload_len: None,
        }
    }

    /// Plain UDP.
    pub(crate) fn plain() -> Self {
        Self::new(UDP, &[&udp(5000, 53)])
    }

    /// UDP behind this Hop-by-Hop header.
    pub(crate) fn behind(header: &[u8]) -> Self {
        Self::new(HOP_BY_HOP, &[header, &udp(5000, 53)])
    }

    /// UDP behind a Hop-by-Hop header with these traces.
    pub(crate) fn traced(traces: &[&Trace]) -> Self {
        Self::behind(&hop_by_hop(traces))
    }

    /// This packet in a tunnel with these traces in the outer header.
    pub(crate) fn tunnelled(&self, traces: &[&Trace]) -> Self {
        let mut header = hop_by_hop(traces);
        header[0] = IP6;
        Self {
            source: address(TUNNEL_HEAD),
            destination: address(TUNNEL_END),
            class: self.class,
            label: self.label,
            ..Self::new(HOP_BY_HOP, &[&header, &self.octets()])
        }
    }

    pub(crate) fn hops(&self, hop_limit: u8) -> Self {
        Self {
            hop_limit,
            ..self.clone()
        }
    }

    pub(crate) fn to(&self, destination: &str) -> Self {
        Self {
            destination: address(destination),
            ..self.clone()
        }
    }

    pub(crate) fn from(&self, source: &str) -> Self {
        Self {
            source: address(source),
            ..self.clone()
        }
    }

    pub(crate) fn octets(&self) -> Vec<u8> {
        let word = 6 << 28 | u32::from(self.class) << 20 | self.label;
        let mut octets = word.to_be_bytes().to_vec();
        let len = self.payload_len.unwrap_or(self.payload.len() as u16);
        octets.extend(len.to_be_bytes());
        octets.extend([self.next, self.hop_limit]);
        octets.extend(self.source.octets());
        octets.extend(self.destination.octets());
        octets.extend(&self.payload);
        octets
    }

    /// The packet in an untagged frame.
    pub(crate) fn frame(&self) -> Vec<u8> {
        self.tagged(&[])
    }

    /// The packet in a frame with these tags' EtherTypes, outermost first.
    pub(crate) fn tagged(&self, tags: &[u16]) -> Vec<u8> {
        frame(tags, 0x86DD, &self.octets())
    }
}

/// An Ethernet frame.
pub(crate) fn frame(tags: &[u16], ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![2, 0, 0, 0, 0, 0xB1, 2, 0, 0, 0, 0, 0xA1];
    for (number, tag) in (100u16..).zip(tags) {
        octets.extend(tag.to_be_bytes());
        octets.extend(number.to_be_bytes());
    }
    octets.extend(ether_type.to_be_bytes());
    octets.extend(payload);
    octets
}

/// A port of node B: 0 is where packets come from, 1 where they go.
pub(crate) fn port(number: u8) -> PortSpec {
    let (id, id_wide) = match number {
        0 => (0x0B11, 0x0B11_0011),
        1 => (0x0B22, 0x0B22_0022),
        more => (0x0B00 + u16::from(more), 0x0B00_0000 + u32::from(more)),
    };
    PortSpec {
        name: format!("port{number}"),
        mac: [2, 0, 0, 0, 0xB, number],
        mtu: 1500,
        ioam: true,
        id: Some(id),
        id_wide: Some(id_wide),
        address: None,
        side: Side::Inside,
        speed: 10_000,
    }
}

/// Node B: a wire that decrements the hop limit, with namespace 123.
pub(crate) fn node() -> NodeSpec {
    NodeSpec {
        node_id: Some(0x0B_0001),
        node_id_wide: Some(0x0B_0000_0000_0001),
        ports: vec![port(0), port(1)],
        namespaces: vec![NamespaceSpec {
            data: Some(0xB0B0_B0B0),
            data_wide: Some(0xB0B1_B2B3_B4B5_B6B7),
            ..NamespaceSpec::plain(123)
        }],
        forwarding: ForwardingSpec::Wire {
            pairs: vec![(0, 1)],
            decrement_hop_limit: true,
        },
        ..NodeSpec::default()
    }
}

/// Node B with one profile that wants every packet.
pub(crate) fn node_that(action: ActionSpec) -> NodeSpec {
    NodeSpec {
        profiles: vec![profile(action)],
        ..node()
    }
}

pub(crate) fn profile(action: ActionSpec) -> ProfileSpec {
    ProfileSpec {
        name: "it".to_owned(),
        filter: FilterSpec::default(),
        action,
    }
}

pub(crate) fn next_hop(port: u8) -> NextHopSpec {
    NextHopSpec {
        port,
        mac: [2, 0, 0, 0, 0xEE, port],
    }
}

pub(crate) fn route(prefix: &str, length: u8, port: u8) -> RouteSpec {
    let prefix = PrefixSpec {
        address: address(prefix),
        length,
    };
    RouteSpec {
        prefix,
        next_hop: next_hop(port),
    }
}

pub(crate) fn tunnel() -> Placement {
    let (source, destination) = (address(TUNNEL_HEAD), address(TUNNEL_END));
    Placement::Ip6InIp6 {
        source,
        destination,
        hop_limit: 64,
    }
}

/// Encapsulation of namespace 123 for every packet.
pub(crate) fn encapsulate(kind: u32, words: u8, placement: Placement) -> EncapsulateSpec {
    let trace = TraceSpec {
        namespace: 123,
        trace_type: kind,
        words,
        record_self: true,
        loopback: false,
    };
    EncapsulateSpec::new(vec![OptionSpec::Trace(trace)], placement)
}

/// Its first option, a trace.
pub(crate) fn trace_in(what: &mut EncapsulateSpec) -> &mut TraceSpec {
    match what.options.first_mut() {
        Some(OptionSpec::Trace(trace)) => trace,
        other => panic!("no trace: {other:?}"),
    }
}

/// Decapsulation of namespace 123.
pub(crate) fn decapsulate(placement: DecapsulatePlacement) -> DecapsulateSpec {
    DecapsulateSpec {
        namespaces: vec![123],
        placement,
        record_self: false,
        accounting: AccountingSpec::default(),
    }
}

pub(crate) fn tunnel_end() -> DecapsulatePlacement {
    DecapsulatePlacement::Ip6InIp6 {
        destination: Some(address(TUNNEL_END)),
    }
}

/// 2024-08-13 14:43:46.123456789 UTC, with every measurement at hand.
pub(crate) fn moment() -> Moment {
    let received = WallTime {
        seconds: 1_723_560_226,
        nanoseconds: 123_456_789,
    };
    let mut moment = Moment::at(Some(received));
    moment.transit_delay = Some(4321);
    moment.queue_depth = [Some(16); MAX_PORTS];
    moment.buffer_occupancy = Some(0x8000);
    moment
}
