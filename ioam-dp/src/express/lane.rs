// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One port's lane: which packets may take it, found without changing anything.

use super::known::{self, Known, Work};
use super::ready::Ready;
use super::shape::{self, BEHIND, DESTINATION, Optioned, Plain, SPACE};
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
    decapsulates: bool,
    /// Where tunnels end, and where data are exported to.
    ends: Box<[[u8; 16]]>,
    receivers: Box<[[u8; 16]]>,
    /// Whether any profile puts options into packets from here.
    encapsulates: bool,
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
        let ends = tables.tunnel_ends.iter().map(|(address, _)| *address);
        let receivers = tables.receivers.iter().map(|(address, _)| *address);
        Some(Self {
            in_port,
            out,
            mtu: leaves.mtu,
            decrement,
            least_hop_limit: decrement * 2,
            ioam: arrives.ioam,
            decapsulates: tables.decapsulates,
            ends: ends.collect(),
            receivers: receivers.collect(),
            encapsulates: !encapsulating.is_empty(),
            known: std::array::from_fn(|_| Known::default()),
            ready: ready(tables, encapsulating, out),
            burst: 0,
            learnt: false,
            new: None,
        })
    }

    /// The packet's ticket, where that needs no choice between profiles; nothing is counted.
    #[inline]
    pub(crate) fn look<P: PacketBuf>(&self, packet: &P) -> Look {
        let frame = packet.bytes();
        let Some(plain) = shape::plain(frame).filter(|_| packet.is_contiguous()) else {
            return Look::LongWay;
        };
        if plain.length > self.mtu || plain.hop_limit < self.least_hop_limit {
            return Look::LongWay;
        }
        if plain.next_header == next_header::HOP_BY_HOP && self.ioam {
            return match self.optioned(frame, plain) {
                Some((place, measures)) => Look::Known(place, measures),
                None => Look::LongWay,
            };
        }
        if !self.encapsulates && !self.decapsulates {
            return Look::Pass;
        }
        match plain.next_header {
            next_header::HOP_BY_HOP
            | next_header::ROUTING
            | next_header::FRAGMENT
            | next_header::AUTHENTICATION
            | next_header::DESTINATION_OPTIONS => Look::LongWay,
            _ if self.encapsulates => Look::Choose(plain.length),
            _ => Look::Pass,
        }
    }

    /// The place of the option the packet carries, if it is known and can be worked on here.
    #[inline]
    fn optioned(&self, frame: &[u8], plain: Plain) -> Option<(u8, TraceType)> {
        let option = shape::optioned(frame, plain.length)?;
        let place = known::place(option.head);
        let known = self
            .known
            .get(usize::from(place))
            .filter(|known| known.is(&option))?;
        let nothing_behind = matches!(
            option.next_header,
            next_header::NONE | next_header::DESTINATION_OPTIONS
        );
        let to_end = || {
            let destination = frame.get(DESTINATION..).and_then(<[u8]>::first_chunk);
            self.ends.iter().any(|end| destination == Some(end))
        };
        let admitted = !nothing_behind
            && match known.work {
                Work::Transit => !self.encapsulates && !to_end() && room(&option, known.len),
                Work::Decapsulate => self.leaves_tunnel(frame, plain, &option, known),
                Work::Export => {
                    !self.encapsulates && !to_end() && exportable(frame, plain, &option, known)
                }
            };
        admitted.then(|| (place, known.measures()))
    }

    /// Whether the tunnel ends here and what is inside can go on.
    #[inline]
    fn leaves_tunnel(&self, frame: &[u8], plain: Plain, option: &Optioned, known: &Known) -> bool {
        let destination = frame.get(DESTINATION..).and_then(<[u8]>::first_chunk);
        let len = if known.writes { known.len } else { 0 };
        let at = BEHIND + option.header;
        option.next_header == next_header::IPV6
            && known
                .destination
                .as_ref()
                .is_none_or(|end| destination == Some(end))
            && room(option, len)
            && HEADER + option.header + HEADER <= plain.length
            && shape::inner(frame, at).is_some_and(|inner| {
                inner.length <= self.mtu && inner.hop_limit >= self.least_hop_limit
            })
    }

    /// What the tables say of the packet's option, for later packets; at most once a burst.
    pub(crate) fn learn(&mut self, frame: &[u8], tables: &Tables) {
        let Some(plain) = shape::plain(frame).filter(|_| !self.learnt && self.ioam) else {
            return;
        };
        if plain.next_header != next_header::HOP_BY_HOP {
            return;
        }
        let Some(option) = shape::optioned(frame, plain.length) else {
            return;
        };
        self.learnt = true;
        let known = Known::learn(&option, tables, (self.in_port, self.out));
        self.new = known.map(|known| (known::place(option.head), known));
    }

    /// Starts a burst's first pass.
    #[inline]
    pub(crate) fn open(&mut self) {
        self.learnt = false;
        if let Some((place, known)) = self.new.take()
            && let Some(old) = self.known.get_mut(usize::from(place))
        {
            *old = known;
        }
    }

    /// Whether a packet of `length` octets can get the options of this profile here.
    #[inline]
    pub(crate) fn admits<P: PacketBuf>(&self, packet: &P, length: usize, profile: u16) -> bool {
        let Some(Some(ready)) = self.ready.get(usize::from(profile)) else {
            return false;
        };
        let frame = packet.bytes();
        let destination = frame.get(DESTINATION..).and_then(<[u8]>::first_chunk);
        let exports = ready.direct_export
            && self
                .receivers
                .iter()
                .any(|receiver| destination == Some(receiver));
        length + ready.grow() <= self.mtu && packet.headroom() >= ready.grow() && !exports
    }
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

/// What a lane sees in a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look {
    /// Something that is not for it.
    LongWay,
    /// Nothing to be done.
    Pass,
    /// The known option in this place, and what has to be measured for it.
    Known(u8, TraceType),
    /// A plain packet of so many octets that some profile may want.
    Choose(usize),
}

/// Whether the trace is sound and has `len` octets free (RFC 9197, 4.4.1).
#[inline]
fn room(option: &Optioned, len: usize) -> bool {
    let space = option.data - (SPACE - shape::DATA);
    let free = usize::from(option.head.to_be_bytes()[3] & 0x7F) * 4;
    space.is_multiple_of(4) && free <= space && len <= free
}

/// Whether direct export is as long as it says, and the flow inside a tunnel can be seen.
#[inline]
fn exportable(frame: &[u8], plain: Plain, option: &Optioned, known: &Known) -> bool {
    let inside = || {
        let at = BEHIND + option.header;
        HEADER + option.header + HEADER <= plain.length && shape::is_ipv6(frame, at)
    };
    option.data >= known.option_len && (option.next_header != next_header::IPV6 || inside())
}
