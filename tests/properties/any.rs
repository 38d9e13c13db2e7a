// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Any node, any packet, any frame: what the properties are tried with.

use std::ops::RangeInclusive;

use super::measuring::{any_encapsulations, asks_for_copies, keys, measures, with_keys};
use crate::common::direct_export::*;
use crate::common::frames::*;
use ioam_dp::moment::Moment;
use ioam_dp::port::MAX_PORTS;
use ioam_dp::table::spec::*;
use ioam_dp::timestamp::WallTime;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// The namespaces that nodes have and traces belong to, beside one that nobody has.
pub(crate) const NAMESPACES: [u16; 3] = [0, 7, 123];

pub(crate) fn moments() -> impl Strategy<Value = Moment> {
    let received = option::of((any::<u64>(), 0..1_000_000_000u32));
    let rest = any::<(Option<u32>, Option<u32>, Option<u32>)>();
    (received, rest).prop_map(|(received, (delay, depth, octets))| {
        let mut moment = Moment::at(received.map(|(seconds, nanoseconds)| WallTime {
            seconds,
            nanoseconds,
        }));
        moment.transit_delay = delay;
        moment.queue_depth = [depth; MAX_PORTS];
        moment.buffer_occupancy = octets;
        moment
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    (any::<[bool; 5]>(), 0..3u32).prop_map(|([linux, drop, skip, all, loopback], errors)| Policy {
        semantics: if linux {
            Semantics::Linux
        } else {
            Semantics::Rfc
        },
        malformed: if drop {
            Malformed::Drop
        } else {
            Malformed::Forward
        },
        undefined_bits: if skip {
            UndefinedBits::Skip
        } else {
            UndefinedBits::Fill
        },
        several_options: if all {
            SeveralOptions::All
        } else {
            SeveralOptions::First
        },
        icmp_errors_per_second: errors,
        loopback,
    })
}

fn ports() -> impl Strategy<Value = Vec<PortSpec>> {
    let sides = select(vec![
        Side::Inside,
        Side::Inside,
        Side::Edge(EdgePolicy::Drop),
        Side::Edge(EdgePolicy::Strip),
    ]);
    let mtus = select(vec![68, 1280, 1500, 9000, u16::MAX]);
    let one = (sides, mtus, any::<(bool, bool, Option<u16>, Option<u32>)>());
    let one = one.prop_map(|(side, mtu, (off, silent, id, id_wide))| PortSpec {
        side,
        mtu,
        ioam: !off,
        id,
        id_wide,
        address: (!silent).then(|| address("2001:db8::b")),
        ..port(0)
    });
    vec(one, 3)
}

fn namespaces() -> impl Strategy<Value = Vec<NamespaceSpec>> {
    let formats = select(vec![
        TimestampFormat::Posix,
        TimestampFormat::Ntp,
        TimestampFormat::Ptp { tai_offset: 37 },
        TimestampFormat::Ptp {
            tai_offset: i32::MIN,
        },
    ]);
    let schemas = option::of((0..=0xFF_FFFFu32, vec(any::<u8>(), 0..=1020)));
    let one = (
        any::<(Option<u32>, Option<u64>)>(),
        schemas,
        formats,
        keys(),
    );
    vec(one, NAMESPACES.len()).prop_map(|all| {
        let with_id = NAMESPACES.iter().zip(all);
        with_id
            .map(
                |(id, ((data, data_wide), schema, timestamp, keys))| NamespaceSpec {
                    id: *id,
                    data,
                    data_wide,
                    schema: schema.map(|(id, data)| SchemaSpec { id, data }),
                    timestamp,
                    proof_of_transit: keys,
                },
            )
            .collect()
    })
}

/// Trace types that an encapsulating node may ask for.
pub(crate) fn sendable_types() -> impl Strategy<Value = u32> {
    any::<u32>().prop_map(|bits| match bits & 0xFF_F002 {
        0 => 0x80_0000,
        kind => kind,
    })
}

pub(crate) fn placements() -> impl Strategy<Value = Placement> {
    prop_oneof![Just(Placement::Inline), Just(tunnel())]
}

pub(crate) fn encapsulations() -> impl Strategy<Value = EncapsulateSpec> {
    let samplings = select(vec![
        Sampling::All,
        Sampling::FirstOf { k: 1, n: 2 },
        Sampling::Random { n: 2 },
        Sampling::PerFlow { n: 2 },
    ]);
    let choice = (
        any::<(bool, bool)>(),
        select(NAMESPACES.to_vec()),
        samplings,
    );
    let shape = (sendable_types(), 1..=61u8, placements());
    (shape, choice).prop_map(
        |((kind, words, placement), ((own, drop), namespace, sampling))| {
            let mut what = encapsulate(kind, words, placement);
            let trace = trace_in(&mut what);
            (trace.namespace, trace.record_self) = (namespace, own);
            what.over_mtu = if drop { OverMtu::Drop } else { OverMtu::Skip };
            what.sampling = sampling;
            what
        },
    )
}

fn actions() -> impl Strategy<Value = ActionSpec> {
    let ends = select(vec![
        DecapsulatePlacement::Inline,
        DecapsulatePlacement::Ip6InIp6 { destination: None },
        tunnel_end(),
    ]);
    let some = proptest::sample::subsequence(NAMESPACES.to_vec(), 1..=3);
    let collect = (ends, some.clone(), any::<[bool; 3]>());
    let collect = collect.prop_map(|(placement, namespaces, [own, flow, packets])| {
        ActionSpec::Decapsulate(DecapsulateSpec {
            namespaces,
            placement,
            record_self: own,
            accounting: AccountingSpec {
                group: if flow {
                    GroupSpec::Flow
                } else {
                    GroupSpec::Profile
                },
                report_seconds: 0,
                record_packets: packets,
            },
        })
    });
    prop_oneof![
        3 => any_encapsulations().prop_map(ActionSpec::Encapsulate),
        1 => some.prop_map(|namespaces| ActionSpec::Transit { namespaces }),
        2 => collect,
    ]
}

fn filters() -> impl Strategy<Value = FilterSpec> {
    let ports = vec(0..3u8, 0..2);
    let narrow = option::weighted(0.2, 0..64u8);
    (ports, narrow, option::weighted(0.2, Just(UDP))).prop_map(|(in_ports, dscp, next_header)| {
        FilterSpec {
            in_ports,
            dscp,
            next_header,
            ..FilterSpec::default()
        }
    })
}

fn forwardings() -> impl Strategy<Value = ForwardingSpec> {
    any::<[bool; 3]>().prop_map(|[wire, decrement, bare]| {
        if wire {
            return ForwardingSpec::Wire {
                pairs: vec![(0, 1)],
                decrement_hop_limit: decrement,
            };
        }
        ForwardingSpec::Static {
            routes: vec![route("2001:db8:ff::", 48, 2), route("2001:db8:2::", 48, 1)],
            defaults: if bare { vec![] } else { vec![(0, next_hop(1))] },
            decrement_hop_limit: decrement,
        }
    })
}

/// Any node that can be compiled.
pub(crate) fn nodes() -> impl Strategy<Value = NodeSpec> {
    let profiles = vec((filters(), actions()), 0..4);
    let fixed = (policies(), ports(), namespaces(), forwardings());
    let ids = (option::of(0..1u32 << 24), option::of(0..1u64 << 56));
    (fixed, profiles, ids, any::<u64>(), measures()).prop_map(
        |((policy, ports, namespaces, forwarding), profiles, ids, seed, measures)| {
            let (limits, receivers, flows) = measures;
            let needs_id = profiles.iter().any(|(_, action)| asks_for_copies(action));
            with_keys(NodeSpec {
                node_id: ids.0.or(needs_id.then_some(1)),
                node_id_wide: ids.1,
                policy,
                ports,
                namespaces,
                profiles: profiles
                    .into_iter()
                    .map(|(filter, action)| ProfileSpec {
                        filter,
                        ..profile(action)
                    })
                    .collect(),
                forwarding,
                limits,
                receivers,
                flows,
                seed,
                ..NodeSpec::default()
            })
        },
    )
}

/// Sound traces of any type.
pub(crate) fn traces(words: RangeInclusive<u8>) -> impl Strategy<Value = Trace> {
    let ids = select([&NAMESPACES[..], &[0x0BAD]].concat());
    let bits = any::<(u32, u8, u8, u8)>();
    (ids, words, bits, any::<u8>(), 0..16u8).prop_map(
        |(namespace, words, (kind, free, reserved, option_reserved), fill, flags)| {
            let remaining = free % (words + 1);
            let mut trace = Trace::new(namespace, kind & 0xFF_FFFF, words, &[]);
            trace.space.fill(fill);
            Trace {
                remaining,
                reserved,
                option_reserved,
                // Overflow, but seldom.
                flags: if flags < 14 { flags & 7 } else { flags },
                ..trace
            }
        },
    )
}

/// Options around and between the traces, each in its place.
fn others() -> impl Strategy<Value = Vec<u8>> {
    select(vec![
        vec![],
        ALERT.to_vec(),
        vec![0x1E, 6, 1, 2, 3, 4, 5, 6],
        vec![1, 2, 0, 0],
        vec![0, 0, 0, 0],
        Dex::of(1, 2).option(),
        Dex::new(7, 0xFF_FFFF, 0xFF, &[7; 8]).option(),
        Dex::new(0, EXPORTED, FLOW, &[]).option(),
        [&[0x31, 22, 0, 2, 0, 123, 0, 0][..], &[3; 16]].concat(),
        [&[0x11, 18, 0, 3, 0, 123, 0x70, 0][..], &[3; 12]].concat(),
    ])
}

/// A header of sound traces and other options.
pub(crate) fn headers() -> impl Strategy<Value = Vec<u8>> {
    vec((others(), traces(0..=61)), 0..4).prop_map(|list| {
        let mut all = vec![LEAD.to_vec()];
        for (other, trace) in list {
            all.extend([other, trace.option()]);
        }
        let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
        options(UDP, &all)
    })
}

/// Sound packets, most of them with traces, plain or in a tunnel.
pub(crate) fn packets() -> impl Strategy<Value = Packet> {
    let shape = (headers(), any::<u8>(), 0..=0xF_FFFFu32, any::<u8>());
    let ends = select(vec![PEER, TUNNEL_END, "ff02::1", "2002::1"]);
    (shape, ends, any::<[bool; 2]>()).prop_map(
        |((mut header, class, label, hop_limit), destination, [inside, bare])| {
            let plain = Packet {
                class,
                label,
                ..Packet::plain().hops(hop_limit)
            };
            if bare {
                return plain.to(destination);
            }
            let mut packet = plain.clone();
            packet.next = HOP_BY_HOP;
            packet.payload = if inside {
                header[0] = IP6;
                [header, plain.octets()].concat()
            } else {
                [header, plain.payload].concat()
            };
            packet.to(destination)
        },
    )
}

/// Frames that are sound but for some octets, and a cut.
pub(crate) fn damaged_frames() -> impl Strategy<Value = Vec<u8>> {
    let tags = select(vec![
        vec![],
        vec![0x8100],
        vec![0x88A8, 0x8100],
        vec![0x8100; 3],
    ]);
    let damage = vec((any::<prop::sample::Index>(), any::<u8>()), 0..5);
    let cut = option::weighted(0.3, any::<prop::sample::Index>());
    (packets(), tags, damage, cut).prop_map(|(packet, tags, damage, cut)| {
        let mut frame = packet.tagged(&tags);
        for (place, octet) in damage {
            let place = place.index(frame.len().min(120));
            frame[place] = octet;
        }
        if let Some(cut) = cut {
            frame.truncate(cut.index(frame.len()));
        }
        frame
    })
}
