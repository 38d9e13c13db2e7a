// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Probes: IPv6/UDP packets this node makes at a steady rate, encapsulated like any packet that a
//! profile for its own packets wants (RFC 9322, 5; RFC 9378, 7.6).
//!
//! ```text
//! |  sequence number, 64 bits  |  time sent, nanoseconds since 1970, 64 bits  |  zeros ...
//! ```

use zerocopy::IntoBytes;

use super::plan::{Plan, Planner};
use crate::action::Context;
use crate::action::encapsulate::Wanted;
use crate::action::replicate::emit;
use crate::forward::Hop;
use crate::packet::{HeapPacket, PacketBuf};
use crate::port::PortId;
use crate::record::RecordSink;
use crate::stats::Notice;
use crate::table::spec::ProbeSpec;
use crate::table::{Action, Tables};
use crate::timestamp::WallTime;
use crate::wire::checksum;
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};

/// Where the IPv6 header of a probe is.
const L3: usize = 14;
/// Octets of a UDP header.
const UDP: usize = 8;
/// Room in front of a probe for its options.
const HEADROOM: usize = 4608;
/// The hop limit of a probe itself; a tunnel's is the profile's.
const HOP_LIMIT: u8 = 64;
/// Most probes made up for at once after a pause.
const CATCH_UP: u64 = 8;

/// One of the configured probes, and how far it has come.
#[derive(Clone, Debug)]
pub(super) struct Prober {
    spec: ProbeSpec,
    /// Probes made, whether or not they could be sent.
    made: u64,
    /// Probes sent: the next one's number. What is held back here leaves no gap.
    sent: u64,
    due: Option<u64>,
}

impl Prober {
    /// All that this worker sends, going on where `before` stopped. One worker sends them all.
    pub(super) fn all(tables: &Tables, worker: u64, before: &[Self]) -> Box<[Self]> {
        let fresh = |spec: &ProbeSpec| {
            let same = before.iter().find(|old| old.spec == *spec).cloned();
            same.unwrap_or_else(|| Self {
                spec: spec.clone(),
                made: 0,
                sent: 0,
                due: None,
            })
        };
        match worker {
            0 => tables.probes.iter().map(fresh).collect(),
            _ => Box::default(),
        }
    }

    /// Sends what is due by `now`.
    pub(super) fn send_due<S: RecordSink>(&mut self, now: WallTime, context: &mut Context<'_, S>) {
        let now_ns = now.as_nanoseconds();
        let interval = self.spec.interval.max(1);
        let due = self.due.get_or_insert(now_ns);
        // After a pause, or a clock set forward or back, the pace is taken up from here.
        let late = now_ns.saturating_sub(*due) > interval.saturating_mul(CATCH_UP);
        if late || *due > now_ns.saturating_add(interval) {
            *due = now_ns;
        }
        // So many times at most: at the end of time nothing is ever not due.
        for _ in 0..=CATCH_UP {
            let is_due = self.due.is_some_and(|due| due <= now_ns);
            if !is_due || self.spec.count.is_some_and(|count| self.made >= count) {
                break;
            }
            self.sent += u64::from(self.send(now_ns, context));
            self.made += 1;
            self.due = self.due.map(|due| due.saturating_add(interval));
        }
    }

    /// Makes a probe and sends it; whether it was sent.
    fn send<S: RecordSink>(&self, now: u64, context: &mut Context<'_, S>) -> bool {
        let mut packet = context.state.scratch.take();
        packet.refill(&[0; L3], HEADROOM);
        self.write(&mut packet, now);
        let mut planner = Planner {
            tables: context.tables,
            stats: context.stats,
            in_port: PortId::LOCAL,
            state: &mut *context.state,
        };
        let (plan, _) = planner.select(packet.bytes(), L3, PortId::LOCAL);
        let sent = self.encapsulate(&mut packet, plan, context);
        context.state.scratch = packet;
        sent
    }

    fn encapsulate<S: RecordSink>(
        &self,
        packet: &mut HeapPacket,
        plan: Plan,
        context: &mut Context<'_, S>,
    ) -> bool {
        let tables = context.tables;
        let (Plan::Encapsulate(index) | Plan::Replicate(index)) = plan else {
            if !is_wanted(packet.bytes(), tables) {
                context.stats.notice(Notice::ProbeNoProfile);
            }
            return false;
        };
        let action = tables
            .profiles
            .get(usize::from(index))
            .map(|profile| &profile.action);
        let Some(Action::Encapsulate(what)) = action else {
            return false;
        };
        let wanted = Wanted { index, what };
        let given = Hop {
            port: PortId(self.spec.next_hop.port),
            mac: Some(self.spec.next_hop.mac),
        };
        emit(packet, L3, wanted, given, context)
    }

    /// The probe itself, behind an Ethernet header whose addresses come later.
    fn write(&self, packet: &mut HeapPacket, now: u64) {
        let spec = &self.spec;
        let payload = usize::from(spec.length)
            .saturating_sub(HEADER + UDP)
            .max(16);
        let length = u16::try_from(UDP + payload).unwrap_or(u16::MAX);
        let (source, destination) = (spec.source.octets(), spec.destination.octets());
        let mut header = Ipv6Header::new(source, destination, next_header::UDP, HOP_LIMIT);
        header.payload_length.set(length);
        let mut frame = [0; L3];
        frame[12..].copy_from_slice(&crate::wire::ethernet::IPV6.to_be_bytes());
        packet.refill(&frame, HEADROOM);
        packet.extend(header.as_bytes());
        packet.extend(&spec.source_port.to_be_bytes());
        packet.extend(&spec.destination_port.to_be_bytes());
        packet.extend(&length.to_be_bytes());
        packet.extend(&[0; 2]);
        packet.extend(&self.sent.to_be_bytes());
        packet.extend(&now.to_be_bytes());
        packet.extend_zeros(payload - 16);
        let message = packet.bytes_mut().get_mut(L3 + HEADER..).unwrap_or(&mut []);
        let sum = checksum::upper_layer(&source, &destination, next_header::UDP, message);
        // A sum of zero would say that there is none (RFC 8200, 8.1).
        let sum = if sum == 0 { u16::MAX } else { sum };
        if let Some(field) = message.get_mut(6..8) {
            field.copy_from_slice(&sum.to_be_bytes());
        }
    }
}

/// Whether a profile for this node's own packets wants the probe, be it not this one of a sample.
fn is_wanted(frame: &[u8], tables: &Tables) -> bool {
    let mut profiles = tables.encapsulating(PortId::LOCAL).iter();
    profiles.any(|index| {
        let profile = tables.profiles.get(usize::from(*index));
        profile.is_some_and(|profile| profile.filter.matches(frame, L3))
    })
}
