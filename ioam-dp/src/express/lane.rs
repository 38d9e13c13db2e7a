// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One port's lane: which packets may take it, found without changing anything.

use super::known::{self, Known, Work};
use super::ready::Ready;
use super::shape::{self, BEHIND, Head, NEXT_HEADER, REMAINING};
use crate::forward::{self, Hop};
use crate::packet::PacketBuf;
use crate::port::PortId;
use crate::table::spec::Side;
use crate::table::{ForwardingMode, Tables};
use crate::wire::ioam::TraceType;
use crate::wire::ipv6::{HEADER, next_header};

/// The lane of packets that arrive at one port and leave by another.
#[derive(Debug)]
pub(crate) struct Lane {
    in_port: PortId,
    pub(super) out: PortId,
    mtu: usize,
    /// What is taken off the hop limit, 0 or 1, and the least hop limit that allows it.
    pub(super) decrement: u8,
    least_hop_limit: u8,
    /// Whether options that arrive here are processed.
    ioam: bool,
    /// Whether extension headers have to be looked behind.
    looks_behind: bool,
    /// Where tunnels end, and where data are exported to.
    ends: Box<[[u8; 16]]>,
    receivers: Box<[[u8; 16]]>,
    /// Whether any profile puts options into packets from here, and the one for all of them.
    encapsulates: bool,
    only: Option<u16>,
    pub(super) known: [Known; known::PLACES],
    /// By index of the profile, those that put options in here.
    pub(super) ready: Box<[Option<Box<Ready>>]>,
    /// The number of the burst.
    pub(super) burst: u64,
    /// Whether this burst has been learnt from, and what is to be known from the next one on:
    /// tickets of this one may be for the place it takes.
    learnt: bool,
    new: Option<(u8, Known)>,
}

/// What a lane sees in a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look {
    /// Something that is not for it.
    LongWay,
    /// Nothing to be done.
    Pass,
    /// The known option in this place.
    Known(u8),
    /// A plain packet of so many octets that some profile may want.
    Choose(usize),
}

impl Lane {
    /// The lane of `in_port`, if its packets all go one way and no border is in it.
    pub(super) fn new(tables: &Tables, in_port: PortId) -> Option<Self> {
        let arrives = tables.port(in_port)?;
        let on_a_wire = matches!(tables.forwarding.mode, ForwardingMode::Wire { .. });
        let Hop { port: out, .. } = forward::hop(tables, in_port, None).ok()?;
        let leaves = tables.port(out)?;
        let inside = arrives.side == Side::Inside && leaves.side == Side::Inside;
        (on_a_wire && inside && !tables.linux()).then_some(())?;
        let decrement = u8::from(tables.forwarding.decrement_hop_limit);
        let encapsulating = tables.encapsulating(in_port);
        let receivers = tables.receivers.iter().map(|(address, _)| *address);
        Some(Self {
            in_port,
            out,
            mtu: leaves.mtu,
            decrement,
            least_hop_limit: decrement * 2,
            ioam: arrives.ioam,
            looks_behind: tables.decapsulates || !encapsulating.is_empty(),
            ends: tables.tunnel_ends.addresses.clone(),
            receivers: receivers.collect(),
            encapsulates: !encapsulating.is_empty(),
            only: only(tables, in_port),
            known: std::array::from_fn(|_| Known::default()),
            ready: ready(tables, encapsulating, out),
            burst: 0,
            learnt: false,
            new: None,
        })
    }

    /// What the packet is here; nothing is counted.
    #[inline]
    pub(crate) fn look<P: PacketBuf>(&self, packet: &P) -> Look {
        let frame = packet.bytes();
        let Some(head) = frame.first_chunk::<BEHIND>() else {
            return Look::LongWay;
        };
        let Some(length) = shape::length(head, frame) else {
            return Look::LongWay;
        };
        let too_far = head[shape::HOP_LIMIT] < self.least_hop_limit;
        if length > self.mtu || too_far || !packet.is_contiguous() {
            return Look::LongWay;
        }
        let next = head[NEXT_HEADER];
        if next == next_header::HOP_BY_HOP && self.ioam {
            return self.optioned(frame, length);
        }
        if !self.looks_behind {
            return Look::Pass;
        }
        match next {
            next_header::HOP_BY_HOP
            | next_header::ROUTING
            | next_header::FRAGMENT
            | next_header::AUTHENTICATION
            | next_header::DESTINATION_OPTIONS => Look::LongWay,
            _ if self.encapsulates => Look::Choose(length),
            _ => Look::Pass,
        }
    }

    /// What a packet with a Hop-by-Hop header is.
    #[inline]
    fn optioned(&self, frame: &[u8], length: usize) -> Look {
        let Some(start) = shape::start(frame) else {
            return Look::LongWay;
        };
        let place = known::place(start);
        let known = &self.known[usize::from(place) % known::PLACES];
        let [next, ..] = *start;
        let usual = known.is(start)
            && HEADER + known.header <= length
            && next != next_header::NONE
            && next != next_header::DESTINATION_OPTIONS
            && known.padding.is_none_or(|at| shape::is_padding(frame, at))
            && match known.work {
                Work::Transit => self.goes_on(frame) && room(frame, known),
                Work::Export => self.goes_on(frame) && exportable(frame, length, next, known),
                Work::Decapsulate => {
                    next == next_header::IPV6 && self.leaves_tunnel(frame, length, known)
                }
            };
        if usual {
            Look::Known(place)
        } else {
            Look::LongWay
        }
    }

    /// Whether a packet with options goes on without any more, and its tunnel does not end here.
    #[inline]
    fn goes_on(&self, frame: &[u8]) -> bool {
        let ends_here = |end: &[u8; 16]| shape::destination(frame) == Some(end);
        !self.encapsulates && !self.ends.iter().any(ends_here)
    }

    /// Whether the tunnel ends here and what is inside can go on.
    #[inline]
    fn leaves_tunnel(&self, frame: &[u8], length: usize, known: &Known) -> bool {
        let end = &known.destination;
        end.is_none_or(|end| shape::destination(frame) == Some(&end))
            && room(frame, known)
            && HEADER + known.header + HEADER <= length
            && shape::can_go_on(frame, BEHIND + known.header, self.least_hop_limit, self.mtu)
    }

    /// Remembers what the tables say of the packet's option, for the next burst; at most once a
    /// burst.
    pub(crate) fn learn(&mut self, frame: &[u8], tables: &Tables) {
        let head: Option<&Head> = frame.first_chunk();
        let usual = head.is_some_and(|head| {
            head[NEXT_HEADER] == next_header::HOP_BY_HOP && shape::length(head, frame).is_some()
        });
        if usual && self.ioam && !self.learnt {
            self.learnt = true;
            self.new = Known::learn(frame, tables, (self.in_port, self.out));
        }
    }

    /// Starts a burst's first pass.
    #[inline]
    pub(crate) fn open(&mut self) {
        self.learnt = false;
        if self.new.is_some() {
            self.replace();
        }
    }

    #[cold]
    fn replace(&mut self) {
        if let Some((place, known)) = self.new.take()
            && let Some(old) = self.known.get_mut(usize::from(place))
        {
            *old = known;
        }
    }

    /// What has to be measured for the option in this place.
    #[inline]
    pub(crate) fn measures(&self, place: u8) -> TraceType {
        self.known[usize::from(place) % known::PLACES].measures()
    }

    /// The profile that wants every plain packet, if that is known without asking.
    #[inline]
    pub(crate) fn only(&self) -> Option<u16> {
        self.only
    }

    /// The profile, when a packet of `length` octets can get its options here.
    #[inline]
    pub(crate) fn admits<P: PacketBuf>(
        &self,
        packet: &P,
        length: usize,
        profile: u16,
    ) -> Option<&Ready> {
        let ready = self.ready.get(usize::from(profile))?.as_deref()?;
        let exports = ready.direct_export && {
            let destination = shape::destination(packet.bytes());
            self.receivers
                .iter()
                .any(|receiver| destination == Some(receiver))
        };
        let fits = length + ready.grow() <= self.mtu && packet.headroom() >= ready.grow();
        (fits && !exports).then_some(ready)
    }
}

/// The first encapsulating profile, when it wants every packet.
fn only(tables: &Tables, in_port: PortId) -> Option<u16> {
    let first = tables.encapsulating(in_port).first()?;
    let all = tables.rules(in_port)?.wants_everything();
    all.then_some(*first)
}

/// The profiles of `encapsulating` that are made ready, by their indices.
fn ready(tables: &Tables, encapsulating: &[u16], out: PortId) -> Box<[Option<Box<Ready>>]> {
    let most = encapsulating
        .iter()
        .max()
        .map_or(0, |index| usize::from(*index) + 1);
    let mut all: Vec<_> = std::iter::repeat_with(|| None).take(most).collect();
    for index in encapsulating {
        if let Some(place) = all.get_mut(usize::from(*index)) {
            *place = Ready::new(tables, *index, out).map(Box::new);
        }
    }
    all.into()
}

/// Whether the trace has room for what this node writes, and no more than there is
/// (RFC 9197, 4.4.1).
#[inline]
fn room(frame: &[u8], known: &Known) -> bool {
    let remaining = frame.get(REMAINING).map_or(0, |octet| octet & 0x7F);
    known.needs <= remaining && remaining <= known.space
}

/// Whether the flow of a packet with direct export can be seen.
#[inline]
fn exportable(frame: &[u8], length: usize, next: u8, known: &Known) -> bool {
    next != next_header::IPV6
        || HEADER + known.header + HEADER <= length && shape::is_ipv6(frame, BEHIND + known.header)
}
