// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Any rules and any packets: the answer is that of asking one rule after the other.

use std::ops::RangeInclusive;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::table::spec::{FilterSpec, PrefixSpec};
use crate::wire::ipv6::Ipv6Header;

/// Addresses that share long prefixes, so that borders are met.
fn addresses() -> impl Strategy<Value = u128> {
    let near = (0..4u128, 0..129u32);
    let near = near.prop_map(|(high, bit)| {
        let base = 0x2001_0db8u128 << 96 | high << 80;
        base ^ 1u128.checked_shl(bit).unwrap_or(0)
    });
    prop_oneof![4 => near, 1 => any::<u128>()]
}

fn prefixes() -> impl Strategy<Value = Option<PrefixSpec>> {
    let lengths = select(vec![
        0, 1, 16, 31, 32, 33, 47, 48, 49, 64, 95, 127, 128, 200,
    ]);
    option::of(
        (addresses(), lengths).prop_map(|(address, length)| PrefixSpec {
            address: address.into(),
            length,
        }),
    )
}

/// Narrow and wide ranges, some of them across a power of two, some empty.
fn ranges() -> impl Strategy<Value = Option<RangeInclusive<u16>>> {
    let first = prop_oneof![
        select(vec![0, 39, 40, 255, 1000, 1023, 1024, 32767, 65535]),
        any::<u16>()
    ];
    let width = select(vec![0, 0, 0, 1, 2, 30, 1022, 1023, 1024, 40_000, u16::MAX]);
    let range = (first, width).prop_map(|(first, width)| first..=first.saturating_add(width));
    #[allow(
        clippy::reversed_empty_ranges,
        reason = "an operator can write such a range too"
    )]
    let some = prop_oneof![9 => range, 1 => Just(9..=8)];
    option::weighted(0.4, some)
}

fn filters() -> impl Strategy<Value = FilterSpec> {
    let next_header = option::weighted(0.5, select(vec![6u8, 17, 132, 58, 59, 44, 0]));
    let class = (
        option::weighted(0.3, select(vec![0u8, 1, 46, 63, 64, 255])),
        option::weighted(0.1, select(vec![0u32, 1, 0xF_FFFF, 0x10_0000, 0x40_0000])),
    );
    let origins = (vec(0..3u8, 0..2), prop::bool::weighted(0.05));
    let addresses = (prefixes(), prefixes());
    let ports = (ranges(), ranges(), option::weighted(0.2, ranges()));
    (addresses, next_header, ports, class, origins).prop_map(
        |((source, destination), next_header, ports, (dscp, flow_label), (in_ports, local))| {
            FilterSpec {
                in_ports,
                local,
                source,
                destination,
                next_header,
                source_ports: ports.0,
                destination_ports: ports.1,
                dscp,
                flow_label,
                length: ports.2.flatten(),
            }
        },
    )
}

/// What stands between the IPv6 header and the ports.
fn extensions() -> impl Strategy<Value = (u8, Vec<u8>)> {
    let protocol = select(vec![6u8, 17, 132, 58, 59]);
    let kind = 0..8u8;
    (protocol, kind).prop_map(|(protocol, kind)| match kind {
        0 => (0, vec![protocol, 0, 1, 4, 0, 0, 0, 0]),
        1 => (
            0,
            vec![60, 0, 1, 4, 0, 0, 0, 0, protocol, 0, 1, 4, 0, 0, 0, 0],
        ),
        2 => (44, vec![protocol, 0, 0, 1, 0, 0, 0, 9]),
        3 => (44, vec![protocol, 0, 0, 8, 0, 0, 0, 9]),
        4 => (51, vec![protocol, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        5 => (43, vec![protocol, 200, 0, 0, 0, 0, 0, 0]),
        _ => (protocol, Vec::new()),
    })
}

/// A packet of its own, or one near the borders of some rule.
#[derive(Clone, Debug)]
struct Wish {
    fields: (u128, u128, u8, u32, [u16; 2], u16),
    extension: (u8, Vec<u8>),
    like: Option<Index>,
    shift: i8,
    cut: Option<Index>,
    port: PortId,
}

fn wishes() -> impl Strategy<Value = Wish> {
    let class = (
        select(vec![0u8, 1, 46, 63]),
        select(vec![0u32, 1, 0xF_FFFF]),
    );
    let ports = [any::<u16>(), any::<u16>()];
    let fields = (addresses(), addresses(), class, ports, any::<u16>());
    let fields = fields.prop_map(|(from, to, (dscp, label), ports, length)| {
        (from, to, dscp, label, ports, length)
    });
    let near = (option::weighted(0.8, any::<Index>()), -1..=1i8);
    let cut = option::weighted(0.05, any::<Index>());
    let port = select(vec![PortId(0), PortId(1), PortId(2), PortId::LOCAL]);
    (fields, extensions(), near, cut, port).prop_map(
        |(fields, extension, (like, shift), cut, port)| Wish {
            fields,
            extension,
            like,
            shift,
            cut,
            port,
        },
    )
}

impl Wish {
    fn frame(&self, filters: &[FilterSpec]) -> Vec<u8> {
        let (mut from, mut to, mut dscp, mut label, mut ports, mut payload) = self.fields;
        let (mut first, behind) = self.extension.clone();
        if let Some(index) = self.like
            && let Some(rule) = (!filters.is_empty()).then(|| index.get(filters))
        {
            let near = |prefix: Option<PrefixSpec>, own: u128| {
                prefix.map_or(own, |prefix| {
                    let border = u128::from(prefix.address);
                    border.wrapping_add_signed(self.shift.into())
                })
            };
            (from, to) = (near(rule.source, from), near(rule.destination, to));
            let border = |range: &Option<RangeInclusive<u16>>, own: u16| match range {
                Some(range) if own.is_multiple_of(2) => {
                    range.start().wrapping_add_signed(self.shift.into())
                }
                Some(range) => range.end().wrapping_add_signed(self.shift.into()),
                None => own,
            };
            ports = [
                border(&rule.source_ports, ports[0]),
                border(&rule.destination_ports, ports[1]),
            ];
            payload = border(&rule.length, payload).wrapping_sub(40);
            dscp = rule.dscp.unwrap_or(dscp);
            label = rule.flow_label.unwrap_or(label);
            if behind.is_empty() {
                first = rule.next_header.unwrap_or(first);
            }
        }
        let mut header = Ipv6Header::new(from.to_be_bytes(), to.to_be_bytes(), first, 64);
        header.set_class_and_label(dscp << 2 | 1, label);
        header.payload_length = payload.into();
        let mut frame = vec![0xEE; 14];
        frame.extend_from_slice(zerocopy::IntoBytes::as_bytes(&header));
        frame.extend_from_slice(&behind);
        frame.extend(ports.map(u16::to_be_bytes).concat());
        frame.extend_from_slice(&[0; 4]);
        if let Some(cut) = self.cut {
            frame.truncate(cut.index(frame.len()));
        }
        frame
    }
}

fn linear(filters: &[Filter], from: PortId, frame: &[u8]) -> Option<u16> {
    let mut all = (0..).zip(filters);
    let found = all.find(|(_, f)| f.admits_port(from) && f.matches(frame, 14));
    found.map(|(position, _)| position)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_answer_is_that_of_asking_one_after_the_other(
        specs in vec(filters(), 0..120),
        wishes in vec(wishes(), 40),
    ) {
        let filters: Vec<Filter> = specs.iter().map(Filter::new).collect();
        let set = RuleSet::new(&filters);
        for wish in &wishes {
            let frame = wish.frame(&specs);
            let wanted = linear(&filters, wish.port, &frame);
            prop_assert_eq!(set.find(wish.port, &frame, 14), wanted, "{:?}", wish);
        }
    }

    #[test]
    fn what_is_remembered_is_the_answer(
        specs in [vec(filters(), 0..60), vec(filters(), 0..8)],
        wishes in vec((wishes(), any::<Index>()), 60),
    ) {
        let mut memory = RuleMemory::default();
        memory.start_over(true);
        let lists = specs.map(|specs| {
            let anywhere = |mut spec: FilterSpec| {
                (spec.in_ports, spec.local) = (vec![1], false);
                spec
            };
            specs.into_iter().map(anywhere).collect::<Vec<_>>()
        });
        let filters = lists.each_ref().map(|list| list.iter().map(Filter::new).collect::<Vec<_>>());
        let sets = [RuleSet::of_ports(0, &filters[0]), RuleSet::of_ports(1, &filters[1])];
        for round in 0..2 {
            for (wish, which) in &wishes {
                let which = which.index(2);
                let frame = wish.frame(&lists[which]);
                let found = sets[which].first(PortId(1), &frame, 14, &mut memory);
                let wanted = linear(&filters[which], PortId(1), &frame);
                prop_assert_eq!(found, wanted, "round {}: {:?}", round, wish);
            }
        }
    }
}

fn to(address: u128, length: u8) -> Filter {
    Filter::new(&FilterSpec {
        destination: Some(PrefixSpec {
            address: address.into(),
            length,
        }),
        ..FilterSpec::default()
    })
}

#[test]
fn nothing_is_asked_behind_a_rule_for_everything() {
    let mut filters = vec![Filter::default()];
    filters.extend((0..100).map(|n| to(n, 128)));
    let set = RuleSet::of_ports(0, &filters);
    assert!(set.wants_everything() && !set.remembers() && !set.is_empty());
    // This node's own packets get past a rule for whatever arrives.
    let own = FilterSpec {
        local: true,
        ..FilterSpec::default()
    };
    filters.push(Filter::new(&own));
    let header = Ipv6Header::new([1; 16], [2; 16], 59, 64);
    let frame = zerocopy::IntoBytes::as_bytes(&header);
    assert_eq!(
        RuleSet::new(&filters).find(PortId::LOCAL, frame, 0),
        Some(101)
    );
    assert!(RuleSet::new([]).is_empty());
}

#[test]
fn prefixes_of_many_lengths_share_few_tables() {
    let prefix = |n: u128| {
        let address = 0x2000u128 << 112 | n.wrapping_mul(0x9E37_79B9_7F4A_7C15) << 40;
        to(address, u8::try_from(32 + n % 33).unwrap())
    };
    let filters: Vec<Filter> = (0..5000).map(prefix).collect();
    let set = RuleSet::new(&filters);
    assert!(set.tables() <= 6, "{}", set.tables());
    assert!(set.octets() < 5000 * 128, "{}", set.octets());
}

#[test]
fn ports_alone_tell_many_rules_apart() {
    let filters: Vec<Filter> = (0..10_000u16)
        .map(|n| {
            Filter::new(&FilterSpec {
                destination_ports: Some(n * 6..=n * 6 + 5),
                ..FilterSpec::default()
            })
        })
        .collect();
    let RuleSet(Lookup::Many(many)) = RuleSet::new(&filters) else {
        panic!("few");
    };
    assert!(many.groups.len() <= 3, "{}", many.groups.len());
    let longest = many.groups.iter().map(Group::longest).max();
    assert!(longest <= Some(16), "{longest:?}");
}

#[test]
fn a_memory_that_only_costs_is_left_alone_for_a_while() {
    let mut memory = RuleMemory::default();
    memory.start_over(true);
    let mut asked = |known: bool| {
        let mut used = 0;
        for n in 1..100_000 {
            if memory.is_of_use() {
                used += 1;
                let key = [0, 0, 0, 0, 0, if known { 1 } else { n }];
                if let Known::New(room) = memory.recall(&key) {
                    memory.keep(room, key, 7);
                }
            }
        }
        used
    };
    let of_new = asked(false);
    assert!(of_new < 10_000, "{of_new}");
    let of_known = asked(true);
    assert!(of_known > 90_000, "{of_known}");
}

#[test]
fn a_memory_of_no_use_takes_no_room() {
    let mut memory = RuleMemory::default();
    memory.start_over(false);
    let filters: Vec<Filter> = (0..9).map(|n| to(n, 128)).collect();
    let set = RuleSet::of_ports(0, &filters);
    let header = Ipv6Header::new([1; 16], 7u128.to_be_bytes(), 59, 64);
    let frame = zerocopy::IntoBytes::as_bytes(&header);
    assert_eq!(set.first(PortId(0), frame, 0, &mut memory), Some(7));
}
