// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is noticed of direct export, proofs of transit, edge-to-edge options, loopback and active
//! measurement: a node and packets for each.

use super::reasons::{Counted, once, options_of};
use crate::common::Bench;
use crate::common::direct_export::*;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::option_type::proof_of_transit::deal;
use ioam_dp::stats::{DropReason, Notice};
use ioam_dp::table::spec::*;

/// A Mersenne prime; the keys made with it are no secret.
const PRIME: u64 = (1 << 61) - 1;

/// A trace that asks to be copied back, of the only type that may.
fn looping() -> Trace {
    Trace {
        flags: 4,
        ..Trace::new(123, 0x80_0000, 4, &[0x400A_0001])
    }
}

/// A node that copies back.
fn answering() -> NodeSpec {
    node_with(|spec| {
        spec.policy.loopback = true;
        spec.ports[0].address = Some(address("2001:db8::b"));
    })
}

/// The end of an inline domain.
fn end() -> NodeSpec {
    node_that(ActionSpec::Decapsulate(decapsulate(
        DecapsulatePlacement::Inline,
    )))
}

/// A node and a packet that is dropped for this reason.
pub(super) fn dropped_for(reason: DropReason) -> Counted {
    let home = |node_id: u32| {
        let mut what = encapsulate(0x80_0000, 4, tunnel());
        trace_in(&mut what).loopback = true;
        let back = Trace::new(123, 0x80_0000, 2, &[0x3F0C_0001, 0x4000_0000 | node_id]);
        let mut header = hop_by_hop(&[&back]);
        header[0] = 59;
        let copy = Packet::new(HOP_BY_HOP, &[&header]).to(TUNNEL_HEAD);
        once(&node_that(ActionSpec::Encapsulate(what)), &copy)
    };
    match reason {
        DropReason::ActiveTerminated => {
            let active = Trace {
                flags: 2,
                ..trace()
            };
            once(&end(), &Packet::traced(&[&active]))
        }
        DropReason::LoopedBack => home(0x0B_0001),
        _ => home(0x0A_0001),
    }
}

/// Sends the packet again and again, each with another number, until this was noticed.
fn until(notice: Notice, spec: &NodeSpec, packet: impl Fn(u32) -> Packet) -> Counted {
    let mut bench = Bench::new(spec);
    for number in 0..1000 {
        bench.forward(&packet(number));
        if bench.stats.notices(notice) > 0 {
            break;
        }
    }
    bench.stats
}

pub(super) fn of_direct_export(notice: Notice) -> Counted {
    let dex = Dex::of(1, 2);
    let narrow = |mut spec: NodeSpec| {
        spec.ports.iter_mut().for_each(|port| port.speed = 1);
        spec.flows = FlowsSpec {
            most: 1,
            groups: 1,
            idle_seconds: 60,
        };
        spec
    };
    match notice {
        Notice::DexShort => once(&node(), &exporting(&[&Dex::new(123, EXPORTED, FLOW, &[])])),
        Notice::DexSnapshotCut => {
            let spec = node_with(|spec| {
                let data = vec![0x5A; 1020];
                spec.namespaces[0].schema = Some(SchemaSpec { id: 1, data });
            });
            let kind = 0x80_0002;
            once(&spec, &exporting(&[&Dex { kind, ..dex }]))
        }
        Notice::DexToReceiver => {
            let mut spec = exporter(FlowIdSpec::None);
            spec.receivers = vec![ReceiverSpec {
                address: address(PEER).into(),
                port: Some(53),
            }];
            once(&spec, &Packet::plain())
        }
        Notice::ExportSuppressed => until(notice, &narrow(node()), |_| exporting(&[&dex])),
        Notice::EncapRateLimited => {
            let spec = narrow(exporter(FlowIdSpec::None));
            until(notice, &spec, |_| Packet::plain())
        }
        Notice::FlowTableFull => {
            let spec = narrow(exporter(FlowIdSpec::Hashed));
            until(notice, &spec, |port| {
                Packet::new(UDP, &[&udp(port as u16, 53)])
            })
        }
        _ => until(notice, &narrow(end()), |flow| {
            exporting(&[&Dex::of(flow, 0)])
        }),
    }
}

/// A proof of transit whose numbers are right for no keys at all.
fn proof(pot_type: u8, len: u8) -> Vec<u8> {
    let mut option = vec![0x31, len, 0, 2, 0, 123, pot_type, 0];
    option.extend(&[0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6]);
    option.truncate(2 + usize::from(len));
    option
}

/// The end of a domain, its node the last of three that share a secret, which it may know.
fn verifying(secret: Option<u64>) -> NodeSpec {
    let shares = deal(PRIME, 10, &[3, 3], &[7, 10], &[2, 4, 5]).expect("a sound scheme");
    let own = &shares[2];
    let keys = PotKeysSpec {
        prime: own.prime,
        point: own.x,
        share: own.share,
        public: own.poly_2,
        lagrange: own.lpc,
        secret,
    };
    let mut spec = end();
    spec.namespaces[0].proof_of_transit = Some(ProofOfTransitSpec {
        sets: vec![keys],
        active: 0,
    });
    spec
}

pub(super) fn of_proofs_and_edges(notice: Notice) -> Counted {
    let proving = |len| options_of(&[&LEAD, &proof(0, len)]);
    let edge = |option: &[u8]| {
        let header = options(UDP, &[&LEAD, option]);
        Packet::new(DESTINATION, &[&header, &udp(5000, 53)])
    };
    match notice {
        Notice::PotShort => once(&node(), &proving(18)),
        Notice::PotTypeUnknown => once(&node(), &options_of(&[&LEAD, &proof(1, 22)])),
        Notice::PotNoKeys => once(&node(), &proving(22)),
        Notice::PotInvalid => once(&verifying(Some(10)), &proving(22)),
        Notice::PotUnverified => once(&verifying(None), &proving(22)),
        Notice::E2eShort => once(&end(), &edge(&[0x11, 6, 0, 3, 0, 123, 0x40, 0])),
        _ => {
            let mut both = vec![0x11, 18, 0, 3, 0, 123, 0xC0, 0];
            both.extend([0; 12]);
            once(&end(), &edge(&both))
        }
    }
}

/// A probe to the peer, one a second.
fn probe() -> ProbeSpec {
    ProbeSpec {
        name: "to-peer".to_owned(),
        source: address(TUNNEL_HEAD),
        destination: address(PEER),
        source_port: 33434,
        destination_port: 33434,
        length: 100,
        interval: 1_000_000_000,
        count: None,
        next_hop: next_hop(1),
    }
}

/// What is noticed of the first probe.
fn probed(mut spec: NodeSpec) -> Counted {
    spec.probes = vec![probe()];
    let mut bench = Bench::new(&spec);
    bench.tick(moment().received.expect("a time"));
    bench.stats
}

pub(super) fn of_packets_of_its_own(notice: Notice) -> Counted {
    let asks = Packet::traced(&[&looping()]);
    let sending = |active| {
        let mut what = encapsulate(KIND, 2, tunnel());
        what.active = Some(active);
        node_that(ActionSpec::Encapsulate(what))
    };
    match notice {
        Notice::LoopbackOff => once(&node(), &asks),
        Notice::LoopbackNotAllowed => {
            let rich = Trace {
                flags: 4,
                ..trace()
            };
            once(&answering(), &Packet::traced(&[&rich]))
        }
        Notice::LoopbackSent => once(&answering(), &asks),
        Notice::LoopbackSuppressed => {
            let mut slow = answering();
            slow.ports[0].speed = 1;
            until(notice, &slow, |_| asks.clone())
        }
        Notice::ActiveSent => {
            let mut spec = sending(ActiveSpec::Probes);
            spec.profiles[0].filter.local = true;
            probed(spec)
        }
        Notice::ProbeNoProfile => probed(node()),
        _ => {
            // One copy that is larger than all the room there is for a burst's.
            let mut spec = sending(ActiveSpec::Copies { length: u16::MAX });
            spec.ports[1].mtu = u16::MAX;
            let most = usize::from(u16::MAX) - 64 - 40;
            once(&spec, &Packet::new(UDP, &[&vec![0x5A; most]]))
        }
    }
}
