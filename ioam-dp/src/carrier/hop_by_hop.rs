// SPDX-License-Identifier: Apache-2.0 OR MIT
//! IPv6 Hop-by-Hop Options as the carrier of a trace (RFC 9486, 3).
//!
//! ```text
//! |  Next Header  |  Hdr Ext Len  |  PadN (01 00)                 |
//! |  0x31         |  Opt Data Len |  Reserved     | IOAM-Opt-Type |   option data ... padding to 8
//! ```

use super::{Kind, Located, OptionAt, packet_end};
use crate::stats::{Notice, WorkerStats};
use crate::table::Tables;
use crate::table::spec::Malformed;
use crate::wire::ioam::{
    DirectExport, NamespaceId, OPTION_HEAD, OptionType, TraceHeader, TraceType, direct_export,
    proof_of_transit,
};
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};
use crate::wire::ipv6_ext::{self, IOAM_IMMUTABLE, IOAM_MUTABLE, Tlv, Tlvs};

/// Offset of the first option in any header.
const FIRST: usize = 2;

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
    located.first = next_option(frame, located.l3, FIRST, tables, Some(stats), located);
    if let (Some(option), Malformed::Drop) = (located.first, tables.policy.malformed) {
        judge_rest(header, option.end(located.l3), tables, stats, located);
    }
}

/// Looks for malformed options behind the one that will be worked on, since one is enough to drop
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

/// The first usable option at or behind `from` (an offset in the header); what is passed over on the
/// way is noticed.
pub(crate) fn next_option(
    frame: &[u8],
    l3: u16,
    from: usize,
    tables: &Tables,
    stats: Option<&WorkerStats>,
    located: &mut Located,
) -> Option<OptionAt> {
    let header = options(frame, located);
    let rest = Tlvs::starting_at(header, from).flatten();
    for tlv in rest.filter(Tlv::is_ioam) {
        located.ioam = true;
        match inspect(&tlv, tables) {
            Ok((namespace, kind)) => return option_at(l3, &tlv, namespace, kind),
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
        located.ioam |= tlv.is_ioam();
        if let (true, Ok((namespace, kind))) = (tlv.is_ioam(), inspect(&tlv, tables)) {
            located.first = option_at(l3, &tlv, namespace, kind);
            break;
        }
    }
    located
}

/// The option data of an option of the Hop-by-Hop header.
fn option_at(l3: u16, tlv: &Tlv<'_>, namespace: u8, kind: Kind) -> Option<OptionAt> {
    let at = usize::from(l3) + HEADER + tlv.at + OPTION_HEAD;
    // Opt Data Len has eight bits, so its value less two has too.
    let len = tlv.octets.len().checked_sub(OPTION_HEAD)?;
    Some(OptionAt {
        at: u16::try_from(at).ok()?,
        len: u8::try_from(len).ok()?,
        namespace,
        kind,
    })
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

/// Checks one IOAM option; on success the namespace's index and the option's type.
fn inspect(tlv: &Tlv<'_>, tables: &Tables) -> Result<(u8, Kind), Refusal> {
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
    let (immutable, linux) = (tlv.kind == IOAM_IMMUTABLE, tables.linux());
    match OptionType::from_number(number) {
        // What changes on the way cannot be under the number of what does not (RFC 9486, 3).
        OptionType::PreallocatedTrace | OptionType::ProofOfTransit if immutable => {
            Err(foreign(Notice::OptionNumber))
        }
        OptionType::PreallocatedTrace => inspect_trace(option_data, tables).map(of(Kind::Trace)),
        OptionType::ProofOfTransit if !linux => {
            inspect_proof(option_data, tables).map(of(Kind::ProofOfTransit))
        }
        OptionType::DirectExport if !linux => {
            inspect_direct_export(option_data, tables).map(of(Kind::DirectExport))
        }
        OptionType::Unknown(_) => Err(foreign(Notice::OptionTypeUnknown)),
        _ => Err(foreign(Notice::OptionTypeUnsupported)),
    }
}

fn of(kind: Kind) -> impl Fn(u8) -> (u8, Kind) {
    move |namespace| (namespace, kind)
}

/// Checks a direct export option (RFC 9326, 3.2); another's namespace is not judged at all.
fn inspect_direct_export(option_data: &[u8], tables: &Tables) -> Result<u8, Refusal> {
    let namespace = known_namespace(option_data, direct_export::HEADER, tables);
    let namespace = namespace.ok_or(malformed(Notice::DexShort))??;
    match DirectExport::parse(option_data) {
        Some(_) => Ok(namespace),
        None => Err(malformed(Notice::DexShort)),
    }
}

/// Checks a proof of transit (RFC 9197, 4.5): of a type not known nothing may be judged or changed.
fn inspect_proof(option_data: &[u8], tables: &Tables) -> Result<u8, Refusal> {
    let namespace = known_namespace(option_data, proof_of_transit::PKT_ID_AT, tables);
    let namespace = namespace.ok_or(malformed(Notice::PotShort))??;
    match option_data.get(2) {
        Some(&proof_of_transit::TYPE_0) if option_data.len() < proof_of_transit::HEADER => {
            Err(malformed(Notice::PotShort))
        }
        Some(&proof_of_transit::TYPE_0) => Ok(namespace),
        _ => Err(foreign(Notice::PotTypeUnknown)),
    }
}

/// The index of the namespace that option data of at least `least` octets begin with; `None` where
/// they are shorter.
fn known_namespace(
    option_data: &[u8],
    least: usize,
    tables: &Tables,
) -> Option<Result<u8, Refusal>> {
    let id = option_data
        .first_chunk::<2>()
        .filter(|_| option_data.len() >= least)?;
    let index = tables.namespaces.find(NamespaceId(u16::from_be_bytes(*id)));
    Some(index.ok_or(foreign(Notice::NamespaceUnknown)))
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

/// The trace types of all traces and direct exports of a located frame, which stand at the same
/// place in both.
pub(crate) fn trace_types(frame: &[u8], located: &Located) -> TraceType {
    let asking = |tlv: &Tlv<'_>| {
        matches!(
            (tlv.kind, tlv.data().get(1)),
            (IOAM_MUTABLE, Some(0)) | (_, Some(4))
        )
    };
    let options = Tlvs::new(options(frame, located)).flatten();
    options
        .filter(|tlv| tlv.is_ioam() && asking(tlv))
        .filter_map(|tlv| tlv.data().get(6..9)?.try_into().ok())
        .fold(TraceType::default(), |all, octets| {
            all.union(TraceType::from_octets(octets))
        })
}
