// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A profile's filter, compiled: what is not asked for costs nothing.

use std::ops::RangeInclusive;

use super::flow_key::flow_of;
use crate::port::PortId;
use crate::table::spec::{FilterSpec, PrefixSpec};
use crate::wire::ipv6::{HEADER, Ipv6Header};

/// An IPv6 prefix as address and mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    address: u128,
    mask: u128,
}

impl Prefix {
    /// Compiles `spec`; lengths beyond 128 count as 128.
    #[must_use]
    pub fn new(spec: PrefixSpec) -> Self {
        let host_bits = 128 - u32::from(spec.length.min(128));
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        Self {
            address: u128::from(spec.address) & mask,
            mask,
        }
    }

    /// Whether `address` is inside.
    #[must_use]
    pub fn contains(&self, address: &[u8; 16]) -> bool {
        u128::from_be_bytes(*address) & self.mask == self.address
    }
}

/// A field that a filter can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The port a packet arrives at.
    InPort,
    /// Source address.
    Source,
    /// Destination address.
    Destination,
    /// Upper-layer protocol.
    NextHeader,
    /// Source port.
    SourcePort,
    /// Destination port.
    DestinationPort,
    /// The six upper bits of the traffic class.
    Dscp,
    /// The flow label.
    FlowLabel,
    /// Length of the IPv6 packet.
    Length,
}

/// Which packets a profile wants.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    in_ports: Option<u32>,
    local: bool,
    source: Option<Prefix>,
    destination: Option<Prefix>,
    dscp: Option<u8>,
    flow_label: Option<u32>,
    length: Option<RangeInclusive<usize>>,
    upper: Option<UpperLayer>,
}

/// The part of a filter that has to look behind the IPv6 header.
#[derive(Clone, Debug)]
struct UpperLayer {
    next_header: Option<u8>,
    source_ports: Option<RangeInclusive<u16>>,
    destination_ports: Option<RangeInclusive<u16>>,
}

impl Filter {
    /// Compiles `spec`.
    #[must_use]
    pub fn new(spec: &FilterSpec) -> Self {
        let in_ports = spec
            .in_ports
            .iter()
            .fold(0, |set, port| set | 1u32 << (port & 31));
        let looks_behind = spec.next_header.is_some()
            || spec.source_ports.is_some()
            || spec.destination_ports.is_some();
        Self {
            in_ports: (!spec.in_ports.is_empty()).then_some(in_ports),
            local: spec.local,
            source: spec.source.map(Prefix::new),
            destination: spec.destination.map(Prefix::new),
            dscp: spec.dscp,
            flow_label: spec.flow_label,
            length: spec
                .length
                .as_ref()
                .map(|range| usize::from(*range.start())..=usize::from(*range.end())),
            upper: looks_behind.then(|| UpperLayer {
                next_header: spec.next_header,
                source_ports: spec.source_ports.clone(),
                destination_ports: spec.destination_ports.clone(),
            }),
        }
    }

    /// Whether packets from `port`, or of this node's own, can match at all.
    #[must_use]
    pub fn admits_port(&self, port: PortId) -> bool {
        if self.local || port == PortId::LOCAL {
            return self.local && port == PortId::LOCAL;
        }
        self.in_ports
            .is_none_or(|set| set & 1u32 << (port.0 & 31) != 0)
    }

    /// `Some` when nothing is asked of a packet but its input port and, perhaps, one destination:
    /// the one inside.
    #[must_use]
    #[allow(
        clippy::option_option,
        reason = "whether it is so, and what it then is"
    )]
    pub(crate) fn only_destination(&self) -> Option<Option<[u8; 16]>> {
        let rest = self.source.is_none()
            && self.dscp.is_none()
            && self.flow_label.is_none()
            && self.length.is_none()
            && self.upper.is_none();
        match self.destination {
            None if rest => Some(None),
            Some(Prefix { address, mask }) if rest && mask == u128::MAX => {
                Some(Some(address.to_be_bytes()))
            }
            _ => None,
        }
    }

    /// The first field that keeps the IPv6 packet at `l3` from matching, its input port included;
    /// `None` when none does, or where there is no IPv6 header.
    #[must_use]
    pub fn mismatch(&self, port: PortId, frame: &[u8], l3: usize) -> Option<Field> {
        if !self.admits_port(port) {
            return Some(Field::InPort);
        }
        self.first_unmatched(Ipv6Header::at(frame, l3)?, frame, l3)
    }

    /// Whether the IPv6 packet at `l3` matches; its input port has been asked before.
    #[must_use]
    pub fn matches(&self, frame: &[u8], l3: usize) -> bool {
        Ipv6Header::at(frame, l3)
            .is_some_and(|header| self.first_unmatched(header, frame, l3).is_none())
    }

    /// Asks the fields of the IPv6 header first, and behind it only where that is needed.
    #[inline]
    fn first_unmatched(&self, header: &Ipv6Header, frame: &[u8], l3: usize) -> Option<Field> {
        let within = |prefix: Option<Prefix>, address| prefix.is_none_or(|p| p.contains(address));
        let length = || HEADER + usize::from(header.payload_length.get());
        if !within(self.source, &header.source) {
            Some(Field::Source)
        } else if !within(self.destination, &header.destination) {
            Some(Field::Destination)
        } else if self
            .dscp
            .is_some_and(|dscp| header.traffic_class() >> 2 != dscp)
        {
            Some(Field::Dscp)
        } else if self
            .flow_label
            .is_some_and(|label| header.flow_label() != label)
        {
            Some(Field::FlowLabel)
        } else if self
            .length
            .as_ref()
            .is_some_and(|range| !range.contains(&length()))
        {
            Some(Field::Length)
        } else {
            self.upper.as_ref()?.first_unmatched(frame, l3)
        }
    }
}

impl UpperLayer {
    /// Headers that cannot be followed have no protocol, so it is that which does not match.
    fn first_unmatched(&self, frame: &[u8], l3: usize) -> Option<Field> {
        let Some(flow) = flow_of(frame, l3) else {
            return Some(Field::NextHeader);
        };
        let without = |range: &Option<RangeInclusive<u16>>, port| {
            range.as_ref().is_some_and(|range| !range.contains(port))
        };
        if self
            .next_header
            .is_some_and(|protocol| flow.next_header != protocol)
        {
            Some(Field::NextHeader)
        } else if without(&self.source_ports, &flow.source_port) {
            Some(Field::SourcePort)
        } else if without(&self.destination_ports, &flow.destination_port) {
            Some(Field::DestinationPort)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet() -> Vec<u8> {
        let mut header = Ipv6Header::new([0x20; 16], [0x30; 16], 17, 64);
        header.set_class_and_label(46 << 2, 0x1_2345);
        header.payload_length = 8.into();
        let mut bytes = zerocopy::IntoBytes::as_bytes(&header).to_vec();
        bytes.extend_from_slice(&[0x13, 0x88, 0, 53, 0, 8, 0, 0]);
        bytes
    }

    /// Whether it matches, which must be whether there is no field that does not.
    fn matches(spec: FilterSpec) -> bool {
        let filter = Filter::new(&spec);
        let matches = filter.matches(&packet(), 0);
        let mismatch = filter.mismatch(PortId(0), &packet(), 0);
        assert_eq!(mismatch.is_none(), matches, "{mismatch:?}");
        matches
    }

    fn prefix(address: [u8; 16], length: u8) -> Option<PrefixSpec> {
        Some(PrefixSpec {
            address: address.into(),
            length,
        })
    }

    #[test]
    fn each_field_alone_decides() {
        let any = FilterSpec::default;
        assert!(matches(any()));
        assert!(matches(FilterSpec {
            source: prefix([0x20; 16], 128),
            ..any()
        }));
        assert!(!matches(FilterSpec {
            source: prefix([0x21; 16], 16),
            ..any()
        }));
        assert!(matches(FilterSpec {
            source: prefix([0xFF; 16], 0),
            ..any()
        }));
        assert!(!matches(FilterSpec {
            destination: prefix([0x20; 16], 64),
            ..any()
        }));
        assert!(matches(FilterSpec {
            next_header: Some(17),
            ..any()
        }));
        assert!(!matches(FilterSpec {
            next_header: Some(6),
            ..any()
        }));
        assert!(matches(FilterSpec {
            source_ports: Some(5000..=5000),
            ..any()
        }));
        assert!(!matches(FilterSpec {
            destination_ports: Some(54..=60),
            ..any()
        }));
        assert!(matches(FilterSpec {
            dscp: Some(46),
            ..any()
        }));
        assert!(!matches(FilterSpec {
            dscp: Some(0),
            ..any()
        }));
        assert!(matches(FilterSpec {
            flow_label: Some(0x1_2345),
            ..any()
        }));
        assert!(!matches(FilterSpec {
            flow_label: Some(1),
            ..any()
        }));
        assert!(matches(FilterSpec {
            length: Some(48..=48),
            ..any()
        }));
        assert!(!matches(FilterSpec {
            length: Some(0..=47),
            ..any()
        }));
    }

    #[test]
    fn ports_are_a_set_and_no_port_means_any() {
        assert!(Filter::default().admits_port(PortId(7)));
        let filter = Filter::new(&FilterSpec {
            in_ports: vec![1, 31],
            ..FilterSpec::default()
        });
        assert!(filter.admits_port(PortId(31)) && !filter.admits_port(PortId(0)));
    }
}
