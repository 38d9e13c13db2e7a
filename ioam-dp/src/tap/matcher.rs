// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which packets are traced: by what they are, asked before, and by what became of them, asked after.

use super::traced::Traced;
use crate::classify::Filter;
use crate::pipeline::Verdict;
use crate::port::PortId;
use crate::stats::{DropReason, Notice, WorkerStats};
use crate::wire::ethernet;
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};
use crate::wire::ipv6_ext::{self, Tlvs};

/// Most headers looked into: a frame may claim any number.
const MOST_HEADERS: usize = 16;

/// Any reason, or this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason<T> {
    /// Any.
    Any,
    /// This one.
    This(T),
}

/// The packets that are traced; all that is given has to match.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    /// Input port, and fields of the IPv6 packet.
    pub filter: Filter,
    /// Whether `filter` asks for more than the input port, so that only IPv6 can match.
    pub looks_inside: bool,
    /// Dropped.
    pub dropped: Option<Reason<DropReason>>,
    /// Something was not done to it.
    pub noticed: Option<Reason<Notice>>,
    /// Index of a profile whose filter matched.
    pub profile: Option<u16>,
    /// Carries an IOAM option, as it comes or as it leaves: of any namespace, or of this one.
    pub ioam: Option<Option<u16>>,
}

impl Matcher {
    /// Whether a packet that comes is one of these, as far as can be told before it is handled.
    pub(super) fn wants(&self, port: PortId, frame: &[u8]) -> bool {
        self.filter.admits_port(port) && (!self.looks_inside || self.wants_inside(frame))
    }

    fn wants_inside(&self, frame: &[u8]) -> bool {
        matches!(ethernet::payload(frame), Some((ethernet::IPV6, l3)) if self.filter.matches(frame, l3))
    }

    /// Whether what became of it is what is asked for.
    pub(super) fn selects(&self, traced: &Traced, counted: &WorkerStats) -> bool {
        let profile = |index: u16| {
            let counts = counted.profiles.get(usize::from(index));
            counts.is_some_and(|counts| counts.selected.get() > 0)
        };
        self.dropped
            .is_none_or(|wanted| was_dropped(wanted, traced, counted))
            && self
                .noticed
                .is_none_or(|wanted| was_noticed(wanted, counted))
            && self.profile.is_none_or(profile)
            && self.ioam.is_none_or(|namespace| {
                carries_ioam(traced.before.bytes(), namespace)
                    || carries_ioam(traced.after.bytes(), namespace)
            })
    }
}

/// An ICMPv6 error may have gone in the place of a dropped packet: then only the counter tells.
fn was_dropped(wanted: Reason<DropReason>, traced: &Traced, counted: &WorkerStats) -> bool {
    let was =
        |reason: DropReason| traced.fate == Verdict::Drop(reason) || counted.drops(reason) > 0;
    match wanted {
        Reason::Any => DropReason::ALL.iter().any(|reason| was(*reason)),
        Reason::This(reason) => was(reason),
    }
}

fn was_noticed(wanted: Reason<Notice>, counted: &WorkerStats) -> bool {
    let was = |notice: Notice| counted.notices(notice) > 0;
    match wanted {
        Reason::Any => Notice::ALL.iter().any(|notice| was(*notice)),
        Reason::This(notice) => was(notice),
    }
}

/// Whether a frame has an IOAM option, of `namespace` where that is given, in any of its headers
/// and those of packets inside.
#[must_use]
pub fn carries_ioam(frame: &[u8], namespace: Option<u16>) -> bool {
    let Some((ethernet::IPV6, mut at)) = ethernet::payload(frame) else {
        return false;
    };
    let mut next = next_header::IPV6;
    for _ in 0..MOST_HEADERS {
        match next {
            next_header::IPV6 => {
                let Some(header) = Ipv6Header::at(frame, at) else {
                    return false;
                };
                (next, at) = (header.next_header, at + HEADER);
            }
            next_header::HOP_BY_HOP | next_header::DESTINATION_OPTIONS => {
                let rest = frame.get(at..).unwrap_or(&[]);
                let len = ipv6_ext::header_len(rest);
                let Some(header) = len.and_then(|len| rest.get(..len)) else {
                    return false;
                };
                let mut options = Tlvs::new(header).filter_map(Result::ok);
                if options.any(|tlv| tlv.is_ioam() && is_of(tlv.data(), namespace)) {
                    return true;
                }
                next = header.first().copied().unwrap_or(next_header::NONE);
                at += header.len();
            }
            _ => return false,
        }
    }
    false
}

/// All IOAM option types have their namespace behind the reserved octet and the type.
fn is_of(data: &[u8], namespace: Option<u16>) -> bool {
    namespace.is_none_or(|wanted| data.get(2..4) == Some(&wanted.to_be_bytes()))
}
