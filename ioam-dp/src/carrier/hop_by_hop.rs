// SPDX-License-Identifier: Apache-2.0 OR MIT
//! IPv6 Hop-by-Hop Options as the carrier of a trace (RFC 9486, 3).
//!
//! ```text
//! |  Next Header  |  Hdr Ext Len  |  PadN (01 00)                 |
//! |  0x31         |  Opt Data Len |  Reserved     | IOAM-Opt-Type |   option data ... padding to 8
//! ```

use super::{Located, TraceAt, lengthen, packet_end};
use crate::packet::PacketBuf;
use crate::stats::{Notice, WorkerStats};
use crate::table::Tables;
use crate::table::spec::Malformed;
use crate::wire::ioam::{NamespaceId, OPTION_HEAD, OptionType, TraceHeader, TraceType, trace};
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};
use crate::wire::ipv6_ext::{self, IOAM_IMMUTABLE, IOAM_MUTABLE, MAX_HEADER, PADN, Tlv, Tlvs};

/// Offset of the first option in any header.
const FIRST: usize = 2;

/// Where a new header's first option begins: behind Next Header, Hdr Ext Len and PadN.
pub const FIRST_OPTION: usize = 4;

/// Looks through a Hop-by-Hop header that is known to follow the IPv6 header.
pub(super) fn locate(frame: &[u8], tables: &Tables, stats: &WorkerStats, located: &mut Located) {
    match header_len(frame, usize::from(located.l3)) {
        Ok(len) => located.hop_by_hop = len,
        Err(notice) => {
            stats.notice(notice);
            located.malformed = notice != Notice::Jumbogram;
            return;
        }
    }
    // Nothing in the header may be acted on when any option runs past its end.
    let header = options(frame, located);
    if Tlvs::new(header).any(|tlv| tlv.is_err()) {
        stats.notice(Notice::HbhTlvOverrun);
        located.malformed = true;
        return;
    }
    located.trace = next_trace(frame, located.l3, FIRST, tables, Some(stats), located);
    if let (Some(trace), Malformed::Drop) = (located.trace, tables.policy.malformed) {
        let behind = trace.range().end - usize::from(located.l3) - HEADER;
        judge_rest(header, behind, tables, stats, located);
    }
}

/// Looks for malformed options behind the trace that will be worked on, since one is enough to drop
/// the packet.
fn judge_rest(
    header: &[u8],
    from: usize,
    tables: &Tables,
    stats: &WorkerStats,
    located: &mut Located,
) {
    for tlv in Tlvs::starting_at(header, from).flatten() {
        if tlv.is_ioam()
            && let Err(refusal) = inspect(&tlv, tables)
            && refusal.malformed
        {
            located.malformed = true;
            stats.notice(refusal.notice);
        }
    }
}

/// Octets of the Hop-by-Hop header, once frame and payload length agree that all of it is there.
fn header_len(frame: &[u8], l3: usize) -> Result<u16, Notice> {
    let start = frame.get(l3 + HEADER..).unwrap_or(&[]);
    let len = ipv6_ext::header_len(start).filter(|len| *len <= start.len());
    let len = len.ok_or(Notice::HbhTruncated)?;
    let end = packet_end(frame, l3)?;
    if l3 + HEADER + len > end {
        return Err(Notice::HbhOverrun);
    }
    u16::try_from(len).map_err(|_| Notice::HbhOverrun)
}

/// The Hop-by-Hop header of a located frame.
#[must_use]
pub fn options<'a>(frame: &'a [u8], located: &Located) -> &'a [u8] {
    let at = usize::from(located.l3) + HEADER;
    frame
        .get(at..at + usize::from(located.hop_by_hop))
        .unwrap_or(&[])
}

/// The first usable trace at or behind `from` (an offset in the header); what is passed over on the
/// way is noticed.
pub(crate) fn next_trace(
    frame: &[u8],
    l3: u16,
    from: usize,
    tables: &Tables,
    stats: Option<&WorkerStats>,
    located: &mut Located,
) -> Option<TraceAt> {
    let header = options(frame, located);
    let rest = Tlvs::starting_at(header, from).flatten();
    for tlv in rest.filter(Tlv::is_ioam) {
        located.ioam = true;
        match inspect(&tlv, tables) {
            Ok((namespace, len)) => {
                let at = usize::from(l3) + HEADER + tlv.at + OPTION_HEAD;
                return u16::try_from(at)
                    .ok()
                    .map(|at| TraceAt { at, len, namespace });
            }
            Err(refusal) => {
                located.malformed |= refusal.malformed;
                stats.inspect(|stats| stats.notice(refusal.notice));
            }
        }
    }
    None
}

/// What there is to work on once options were removed. Nothing is noticed: it has been before.
pub(crate) fn remaining(frame: &[u8], l3: u16, tables: &Tables) -> Located {
    let mut located = Located {
        l3,
        noticed: true,
        ..Located::default()
    };
    let first = Ipv6Header::at(frame, l3.into()).map(|header| header.next_header);
    if let (Some(next_header::HOP_BY_HOP), Ok(len)) = (first, header_len(frame, l3.into())) {
        located.hop_by_hop = len;
    }
    for tlv in Tlvs::new(options(frame, &located)).flatten() {
        let at = usize::from(l3) + HEADER + tlv.at + OPTION_HEAD;
        located.ioam |= tlv.is_ioam();
        if let (true, Ok((namespace, len)), Ok(at)) =
            (tlv.is_ioam(), inspect(&tlv, tables), u16::try_from(at))
        {
            located.trace = Some(TraceAt { at, len, namespace });
            break;
        }
    }
    located
}

/// Why an IOAM option is not worked on.
struct Refusal {
    notice: Notice,
    malformed: bool,
}

const fn malformed(notice: Notice) -> Refusal {
    Refusal {
        notice,
        malformed: true,
    }
}

const fn foreign(notice: Notice) -> Refusal {
    Refusal {
        notice,
        malformed: false,
    }
}

/// Checks one IOAM option; on success the namespace's index and the octets of option data.
fn inspect(tlv: &Tlv<'_>, tables: &Tables) -> Result<(u8, u8), Refusal> {
    // To Linux this is an option like any other, of which nothing is known.
    if tlv.kind == IOAM_IMMUTABLE && tables.linux() {
        return Err(foreign(Notice::OptionNumber));
    }
    if !tlv.at.is_multiple_of(4) {
        return Err(malformed(Notice::OptionAlignment));
    }
    let Some((_, option_data)) = tlv.data().split_at_checked(2) else {
        return Err(malformed(Notice::OptionShort));
    };
    let number = tlv.data().get(1).copied().unwrap_or(u8::MAX);
    match OptionType::from_number(number) {
        OptionType::PreallocatedTrace if tlv.kind == IOAM_IMMUTABLE => {
            return Err(foreign(Notice::OptionNumber));
        }
        OptionType::PreallocatedTrace => {}
        OptionType::Unknown(_) => return Err(foreign(Notice::OptionTypeUnknown)),
        _ => return Err(foreign(Notice::OptionTypeUnsupported)),
    }
    let namespace = inspect_trace(option_data, tables)?;
    // Opt Data Len has eight bits, so its value less two has too.
    u8::try_from(option_data.len())
        .map(|len| (namespace, len))
        .map_err(|_| malformed(Notice::TraceLength))
}

/// Checks the trace itself (RFC 9197, 4.4.1); another's namespace is not judged at all.
fn inspect_trace(option_data: &[u8], tables: &Tables) -> Result<u8, Refusal> {
    let Some((header, space)) = TraceHeader::split(option_data) else {
        return Err(malformed(Notice::TraceShort));
    };
    let Some(namespace) = tables.namespaces.find(header.namespace()) else {
        return Err(foreign(Notice::NamespaceUnknown));
    };
    let kind = header.trace_type();
    if usize::from(header.remaining_len()) * 4 > space.len() {
        return Err(malformed(Notice::TraceRemainingLen));
    }
    if header.node_len() != kind.node_len() {
        return Err(malformed(Notice::TraceNodeLen));
    }
    if !space.len().is_multiple_of(4) && !tables.linux() {
        return Err(malformed(Notice::TraceLength));
    }
    Ok(namespace)
}

/// A whole Hop-by-Hop header around one option: Next Header 0 for the caller to fill, and padding.
#[must_use]
pub fn header_with(option: &[u8]) -> Vec<u8> {
    let mut header = vec![0, 0, PADN, 0];
    header.extend_from_slice(option);
    let used = header.len();
    header.resize(used.next_multiple_of(8), 0);
    if let Some(gap) = header.get_mut(used..) {
        ipv6_ext::pad(gap);
    }
    if let (Ok(units), Some(field)) = (u8::try_from(header.len() / 8 - 1), header.get_mut(1)) {
        *field = units;
    }
    header
}

/// Why an option could not be put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertError {
    /// No room in front of the frame.
    NoHeadroom,
    /// The present Hop-by-Hop header, or the payload length, cannot grow by that much.
    HeaderFull,
}

/// Octets by which [`insert`] makes the packet longer.
#[must_use]
pub fn growth(present: usize, image: &[u8], option: &[u8]) -> usize {
    if present == 0 {
        image.len()
    } else {
        option.len().next_multiple_of(8)
    }
}

/// Puts an option into the packet's own Hop-by-Hop header, which is `image` when it has none yet
/// (`present` is 0) and is lengthened by `option` when it has one of `present` octets. Returns the
/// offset of the option's type octet in the frame.
///
/// # Errors
///
/// With the packet unchanged, when there is no room.
pub fn insert<P: PacketBuf>(
    packet: &mut P,
    l3: usize,
    present: usize,
    image: &[u8],
    option: &[u8],
) -> Result<usize, InsertError> {
    let grow = growth(present, image, option);
    if !can_take(packet.bytes(), l3, present, grow) {
        return Err(InsertError::HeaderFull);
    }
    if !packet.grow_front(grow) {
        return Err(InsertError::NoHeadroom);
    }
    let frame = packet.bytes_mut();
    let at = l3 + HEADER + present;
    frame.copy_within(grow..grow + at, 0);
    lengthen(frame, l3, grow);
    if present == 0 {
        place_header(frame, l3, image);
        return Ok(at + FIRST_OPTION);
    }
    if let Some(gap) = frame.get_mut(at..at + grow) {
        let (body, padding) = gap.split_at_mut(option.len());
        body.copy_from_slice(option);
        ipv6_ext::pad(padding);
    }
    let units = u8::try_from((present + grow) / 8 - 1).unwrap_or(u8::MAX);
    if let Some(field) = frame.get_mut(l3 + HEADER + 1) {
        *field = units;
    }
    Ok(at)
}

/// Whether the packet can grow by that much, and its present header is sound: behind an option that
/// overruns, nobody would ever find another.
fn can_take(frame: &[u8], l3: usize, present: usize, grow: usize) -> bool {
    let (Some(ipv6), Ok(end)) = (Ipv6Header::at(frame, l3), packet_end(frame, l3)) else {
        return false;
    };
    let at = l3 + HEADER;
    let header = frame.get(at..at + present);
    present + grow <= MAX_HEADER
        && usize::from(ipv6.payload_length.get()) + grow <= usize::from(u16::MAX)
        && at + present <= end
        && header.is_some_and(|header| present == 0 || Tlvs::new(header).all(|tlv| tlv.is_ok()))
}

/// Writes a new header behind the IPv6 header and chains it in.
fn place_header(frame: &mut [u8], l3: usize, image: &[u8]) {
    let at = l3 + HEADER;
    let Some(header) = Ipv6Header::at_mut(frame, l3) else {
        return;
    };
    let behind = std::mem::replace(&mut header.next_header, next_header::HOP_BY_HOP);
    if let Some(gap) = frame.get_mut(at..at + image.len()) {
        gap.copy_from_slice(image);
        gap[0] = behind;
    }
}

/// Whether an IOAM option is of one of `namespaces` (by index) and so ours to remove, whatever its
/// type (RFC 9197, 4.2).
#[must_use]
pub fn is_of(tlv: &Tlv<'_>, tables: &Tables, namespaces: impl Fn(u8) -> bool) -> bool {
    namespace_of(tlv, tables).is_some_and(namespaces)
}

/// The namespace, by index, of an IOAM option of whatever type; every type begins with it.
#[must_use]
pub fn namespace_of(tlv: &Tlv<'_>, tables: &Tables) -> Option<u8> {
    let id = tlv.data().get(2..4).filter(|_| tlv.is_ioam())?;
    tables
        .namespaces
        .find(NamespaceId(u16::from_be_bytes([id[0], id[1]])))
}

/// The trace types of all traces of a located frame.
pub(crate) fn trace_types(frame: &[u8], located: &Located) -> TraceType {
    let traces = Tlvs::new(options(frame, located))
        .flatten()
        .filter(|tlv| tlv.kind == IOAM_MUTABLE && tlv.data().get(1) == Some(&0));
    let headers = traces.filter_map(|tlv| TraceHeader::split(tlv.data().get(2..)?));
    headers.fold(TraceType::default(), |all, (header, _)| {
        all.union(header.trace_type())
    })
}

/// Octets of a trace header, for callers that size headers.
pub const TRACE_HEADER: usize = trace::HEADER;
