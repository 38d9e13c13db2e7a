// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every reason to drop and every notice, each provoked once: a new one does not compile until it
//! has its packet here.

use super::measuring;
use super::workers::{Rig, Surroundings};
use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use crate::router;
use ioam_dp::packet::HeapPacket;
use ioam_dp::port::STAGE;
use ioam_dp::stats::{DropReason, Notice, WorkerStats};
use ioam_dp::table::spec::*;
use std::sync::Arc;

pub(super) type Counted = Arc<WorkerStats>;

/// One packet from port 0.
pub(super) fn once(spec: &NodeSpec, sent: &Packet) -> Counted {
    raw(spec, &sent.frame())
}

fn raw(spec: &NodeSpec, frame: &[u8]) -> Counted {
    let mut bench = Bench::new(spec);
    // Dropped or not is what the caller counts.
    let _ = bench.pass(frame, 0, &moment());
    bench.stats
}

pub(super) fn options_of(list: &[&[u8]]) -> Packet {
    Packet::behind(&options(UDP, list))
}

fn broken(change: impl FnOnce(&mut Trace)) -> Packet {
    let mut one = trace();
    change(&mut one);
    Packet::traced(&[&one])
}

fn head(change: impl FnOnce(&mut EncapsulateSpec)) -> NodeSpec {
    let mut what = encapsulate(KIND, 2, tunnel());
    change(&mut what);
    node_that(ActionSpec::Encapsulate(what))
}

fn end() -> NodeSpec {
    node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())))
}

fn with_edge(port: usize, policy: EdgePolicy, mut spec: NodeSpec) -> NodeSpec {
    spec.ports[port].side = Side::Edge(policy);
    spec
}

fn answering(per_second: u32) -> NodeSpec {
    node_with(|spec| {
        spec.ports[0].address = Some(address("2001:db8::b"));
        spec.policy.icmp_errors_per_second = per_second;
    })
}

/// A node and packets that are dropped for this reason; how often.
fn drop_for(reason: DropReason) -> (Counted, u64) {
    let traced = Packet::traced(&[&trace()]);
    let large = Packet::new(UDP, &[&[0x5A; 1450]]);
    let counted = match reason {
        DropReason::Malformed => {
            let strict = node_with(|spec| spec.policy.malformed = Malformed::Drop);
            once(&strict, &broken(|one| one.node_len = 3))
        }
        DropReason::EdgeIngress => once(&with_edge(0, EdgePolicy::Drop, node()), &traced),
        DropReason::EdgeEgress => once(&with_edge(1, EdgePolicy::Drop, node()), &traced),
        DropReason::HopLimitExceeded => once(&node(), &Packet::plain().hops(1)),
        DropReason::OverMtu => {
            let narrow = node_with(|spec| spec.ports[1].mtu = 1280);
            once(&narrow, &large)
        }
        DropReason::EncapOverMtu => once(&head(|what| what.over_mtu = OverMtu::Drop), &large),
        DropReason::NoRoute => once(&router(), &Packet::plain().to("2002::1")),
        DropReason::NoPeer => {
            let alone = node_with(|spec| spec.forwarding = ForwardingSpec::default());
            once(&alone, &Packet::plain())
        }
        DropReason::NotIpv6 => raw(&router(), &frame(&[], 0x0806, &[1; 46])),
        DropReason::LinkLocal => once(&router(), &Packet::plain().to("fe80::1")),
        DropReason::DecapNoInner => once(&end(), &traced.to(TUNNEL_END)),
        DropReason::ActiveTerminated | DropReason::LoopedBack | DropReason::LoopedBackForeign => {
            measuring::dropped_for(reason)
        }
        DropReason::TxFull => {
            let around = Surroundings {
                takes: 0,
                ..Surroundings::default()
            };
            let frames = vec![Packet::plain().frame(); STAGE + 1];
            Rig::new(&node(), frames, &around).run().stats
        }
    };
    (counted, 1)
}

#[test]
fn every_reason_drops_and_is_counted_alone() {
    for reason in DropReason::ALL {
        let (stats, times) = drop_for(*reason);
        assert_eq!(stats.drops(*reason), times, "{}", reason.name());
        let all: u64 = DropReason::ALL
            .iter()
            .map(|other| stats.drops(*other))
            .sum();
        assert_eq!(all, times, "{}", reason.name());
    }
}

/// A node and a packet that make for this notice, and for no other.
fn notice_for(notice: Notice) -> Counted {
    match notice {
        Notice::MultiSegment
        | Notice::VlanTags
        | Notice::PacketTruncated
        | Notice::Jumbogram
        | Notice::HbhTruncated
        | Notice::HbhOverrun
        | Notice::HbhTlvOverrun
        | Notice::HbhRefused => of_header(notice),
        Notice::OptionAlignment
        | Notice::OptionShort
        | Notice::OptionNumber
        | Notice::OptionTypeUnsupported
        | Notice::OptionTypeUnknown
        | Notice::TraceShort
        | Notice::TraceLength
        | Notice::TraceRemainingLen
        | Notice::TraceNodeLen
        | Notice::TraceEmpty
        | Notice::TraceUndefinedBits
        | Notice::TraceOverflowed
        | Notice::NamespaceUnknown
        | Notice::NoProfile => of_option(notice),
        Notice::EncapAlreadyIoam
        | Notice::EncapLinkLocal
        | Notice::EncapOverMtu
        | Notice::EncapNoHeadroom
        | Notice::EncapHeaderFull
        | Notice::EncapNoRoute
        | Notice::EncapToEdge => of_encapsulation(notice),
        Notice::DecapForeign
        | Notice::EdgeStripped
        | Notice::RecordLost
        | Notice::IcmpSent
        | Notice::IcmpSuppressed
        | Notice::IcmpNotAllowed => of_the_rest(notice),
        Notice::DexShort
        | Notice::DexSnapshotCut
        | Notice::DexToReceiver
        | Notice::ExportSuppressed
        | Notice::EncapRateLimited
        | Notice::FlowTableFull
        | Notice::GroupTableFull => measuring::of_direct_export(notice),
        Notice::PotShort
        | Notice::PotTypeUnknown
        | Notice::PotNoKeys
        | Notice::PotInvalid
        | Notice::PotUnverified
        | Notice::E2eShort
        | Notice::E2eBothSequences => measuring::of_proofs_and_edges(notice),
        Notice::LoopbackOff
        | Notice::LoopbackNotAllowed
        | Notice::LoopbackSuppressed
        | Notice::LoopbackSent
        | Notice::ActiveSent
        | Notice::ProbeNoProfile
        | Notice::OriginateNoRoom => measuring::of_packets_of_its_own(notice),
    }
}

fn of_header(notice: Notice) -> Counted {
    let traced = Packet::traced(&[&trace()]);
    let with_length = |length: u16| Packet {
        payload_len: Some(length),
        ..traced.clone()
    };
    match notice {
        Notice::MultiSegment => {
            let mut bench = Bench::new(&node());
            let chained = HeapPacket::new(&traced.frame(), 0).into_chained();
            bench.carry(chained, 0, &moment());
            bench.stats
        }
        Notice::VlanTags => raw(&node(), &traced.tagged(&[0x88A8, 0x8100, 0x8100])),
        Notice::PacketTruncated => once(&node(), &with_length(1000)),
        Notice::Jumbogram => once(&node(), &with_length(0)),
        Notice::HbhTruncated => raw(&node(), &traced.frame()[..EXTENSIONS + 20]),
        Notice::HbhOverrun => once(&node(), &with_length(24)),
        Notice::HbhTlvOverrun => once(&node(), &options_of(&[&LEAD, &[0x1E, 40, 0, 0]])),
        _ => {
            let linux = node_with(|spec| spec.policy.semantics = Semantics::Linux);
            once(&linux, &options_of(&[&[0; 14]]))
        }
    }
}

fn of_option(notice: Notice) -> Counted {
    match notice {
        Notice::OptionAlignment => once(&node(), &options_of(&[&trace().option()])),
        Notice::OptionShort => once(&node(), &options_of(&[&LEAD, &[0x31, 0], &[0, 0]])),
        Notice::OptionNumber => once(&node(), &broken(|one| one.number = 0x11)),
        Notice::OptionTypeUnsupported => once(&node(), &broken(|one| one.ioam_type = 1)),
        Notice::OptionTypeUnknown => once(&node(), &broken(|one| one.ioam_type = 64)),
        Notice::TraceShort => {
            let short = [0x31, 9, 0, 0, 0, 123, 0x08, 1, 0x80, 0, 0];
            once(&node(), &options_of(&[&LEAD, &short]))
        }
        Notice::TraceLength => once(&node(), &broken(|one| one.space.push(0))),
        Notice::TraceRemainingLen => once(&node(), &broken(|one| one.remaining = 99)),
        Notice::TraceNodeLen => once(&node(), &broken(|one| one.node_len = 3)),
        Notice::TraceEmpty => {
            let empty = Trace::new(123, 1, 4, &[]);
            once(&node(), &Packet::traced(&[&empty]))
        }
        Notice::TraceUndefinedBits => {
            let skips = node_with(|spec| spec.policy.undefined_bits = UndefinedBits::Skip);
            let undefined = Trace::new(123, 0x00_0800, 4, &[]);
            once(&skips, &Packet::traced(&[&undefined]))
        }
        Notice::TraceOverflowed => once(&node(), &broken(|one| one.flags = 8)),
        Notice::NamespaceUnknown => once(&node(), &broken(|one| one.namespace = 0x0BAD)),
        _ => {
            let transit = ActionSpec::Transit {
                namespaces: vec![123],
            };
            let mut spec = node_that(transit);
            spec.profiles[0].filter.dscp = Some(46);
            once(&spec, &Packet::traced(&[&trace()]))
        }
    }
}

fn of_encapsulation(notice: Notice) -> Counted {
    match notice {
        Notice::EncapAlreadyIoam => {
            let mut spec = head(|_| ());
            spec.ports[0].ioam = false;
            once(&spec, &Packet::traced(&[&trace()]))
        }
        Notice::EncapLinkLocal => once(&head(|_| ()), &Packet::plain().to("ff02::1")),
        Notice::EncapOverMtu => once(&head(|_| ()), &Packet::new(UDP, &[&[0x5A; 1450]])),
        Notice::EncapNoHeadroom => {
            let mut bench = Bench::new(&head(|_| ()));
            let packet = HeapPacket::new(&Packet::plain().frame(), 63);
            bench.carry(packet, 0, &moment());
            bench.stats
        }
        Notice::EncapHeaderFull => {
            let mut sent = Packet::plain();
            sent.payload_len = Some(1000);
            once(&head(|_| ()), &sent)
        }
        Notice::EncapNoRoute => {
            let mut spec = router();
            spec.profiles = head(|_| ()).profiles;
            spec.forwarding = ForwardingSpec::Static {
                routes: vec![route("2001:db8:2::", 48, 2)],
                defaults: vec![],
                decrement_hop_limit: true,
            };
            once(&spec, &Packet::plain())
        }
        _ => {
            let spec = with_edge(1, EdgePolicy::Strip, head(|_| ()));
            once(&spec, &Packet::plain())
        }
    }
}

fn of_the_rest(notice: Notice) -> Counted {
    match notice {
        Notice::DecapForeign => {
            let other = node_with(|spec| {
                spec.namespaces.push(NamespaceSpec::plain(7));
                spec.profiles = end().profiles;
            });
            let seven = Trace {
                namespace: 7,
                ..trace()
            };
            once(&other, &Packet::plain().tunnelled(&[&seven]))
        }
        Notice::EdgeStripped => {
            let spec = with_edge(0, EdgePolicy::Strip, node());
            once(&spec, &Packet::traced(&[&trace()]))
        }
        Notice::RecordLost => {
            let around = Surroundings {
                room: 0,
                ..Surroundings::default()
            };
            let frame = Packet::plain().tunnelled(&[&trace()]).frame();
            Rig::new(&end(), vec![frame], &around).run().stats
        }
        Notice::IcmpSent => once(&answering(1), &Packet::plain().hops(1)),
        Notice::IcmpSuppressed => once(&answering(0), &Packet::plain().hops(1)),
        _ => once(&node(), &Packet::plain().hops(1)),
    }
}

#[test]
fn every_notice_is_given_and_alone() {
    for notice in Notice::ALL {
        let stats = notice_for(*notice);
        let counts = Notice::ALL
            .iter()
            .map(|other| (*other, stats.notices(*other)));
        // Before a copy is held back, others were sent.
        let before = |other: &Notice| {
            *notice == Notice::LoopbackSuppressed && *other == Notice::LoopbackSent
        };
        let given: Vec<_> = counts
            .filter(|(other, count)| *count > 0 && !before(other))
            .collect();
        assert_eq!(given, [(*notice, 1)], "{}", notice.name());
    }
}
