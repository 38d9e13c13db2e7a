// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is in a frame, one line for each header that matters here.

use std::net::Ipv6Addr;

use ioam_dp::classify::flow_of;
use ioam_dp::wire::ethernet;
use ioam_dp::wire::ioam::{
    DirectExport, EdgeToEdge, OptionType, PotHeader, TraceFlags, TraceHeader,
};
use ioam_dp::wire::ipv6::{HEADER, Ipv6Header, next_header};
use ioam_dp::wire::ipv6_ext::{self, Tlv, Tlvs};

/// Most headers described: a frame may claim any number.
const MOST: usize = 16;

/// The frame, from the outermost IPv6 header inwards.
pub(super) fn describe(frame: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut next, mut at) = match ethernet::payload(frame) {
        Some((ethernet::IPV6, l3)) => (next_header::IPV6, l3),
        Some((other, _)) => return vec![format!("not IPv6: EtherType {other:#06x}")],
        None => return vec!["a frame too short for Ethernet".to_owned()],
    };
    while lines.len() < MOST {
        match next {
            next_header::IPV6 => {
                let Some(header) = Ipv6Header::at(frame, at) else {
                    lines.push("an IPv6 header that is cut, or of another version".to_owned());
                    return lines;
                };
                lines.push(ipv6(header, frame, at));
                (next, at) = (header.next_header, at + HEADER);
            }
            next_header::HOP_BY_HOP | next_header::DESTINATION_OPTIONS => {
                let rest = frame.get(at..).unwrap_or(&[]);
                let Some(len) = ipv6_ext::header_len(rest).filter(|len| *len <= rest.len()) else {
                    lines.push("options that are cut".to_owned());
                    return lines;
                };
                let kind = match next {
                    next_header::HOP_BY_HOP => "Hop-by-Hop Options",
                    _ => "Destination Options",
                };
                lines.extend(options(kind, rest.get(..len).unwrap_or(rest)));
                (next, at) = (rest.first().copied().unwrap_or(next_header::NONE), at + len);
            }
            _ => return lines,
        }
    }
    lines
}

fn ipv6(header: &Ipv6Header, frame: &[u8], at: usize) -> String {
    let (source, destination) = (
        Ipv6Addr::from(header.source),
        Ipv6Addr::from(header.destination),
    );
    let flow = flow_of(frame, at).unwrap_or_default();
    let upper = match flow.next_header {
        next_header::UDP => format!("UDP {} → {}", flow.source_port, flow.destination_port),
        next_header::TCP => format!("TCP {} → {}", flow.source_port, flow.destination_port),
        next_header::IPV6 => "IPv6".to_owned(),
        next_header::NONE => "nothing".to_owned(),
        other => format!("protocol {other}"),
    };
    let (limit, length) = (header.hop_limit, header.payload_length.get());
    format!("IPv6 {source} → {destination}, hop limit {limit}, {length} octets behind, {upper}")
}

fn options(kind: &str, header: &[u8]) -> Vec<String> {
    let mut lines = vec![format!("{kind}, {} octets", header.len())];
    for tlv in Tlvs::new(header) {
        match tlv {
            Err(_) => lines.push("- an option that runs past its header".to_owned()),
            Ok(tlv) if tlv.is_padding() => {}
            Ok(tlv) if tlv.is_ioam() => lines.push(format!("- {}", ioam(&tlv))),
            Ok(tlv) => lines.push(format!("- option {:#04x}", tlv.kind)),
        }
    }
    lines
}

fn ioam(tlv: &Tlv<'_>) -> String {
    let number = tlv.kind;
    let Some((head, data)) = tlv.data().split_at_checked(2) else {
        return format!("IOAM under {number:#04x}, too short to have a type");
    };
    let kind = OptionType::from_number(head.get(1).copied().unwrap_or(u8::MAX));
    let said = match kind {
        OptionType::PreallocatedTrace | OptionType::IncrementalTrace => {
            TraceHeader::split(data).map(|(header, _)| trace(header))
        }
        OptionType::DirectExport => DirectExport::parse(data).map(|option| {
            let field = |value: Option<u32>| value.map_or("none".to_owned(), |v| v.to_string());
            format!(
                "namespace {}, type {}, flow id {}, sequence {}",
                option.namespace().0,
                option.trace_type(),
                option
                    .flow_id()
                    .map_or("none".to_owned(), |id| format!("{id:#010x}")),
                field(option.sequence())
            )
        }),
        OptionType::EdgeToEdge => EdgeToEdge::parse(data).ok().map(|option| {
            let sequence = option.sequence.map_or("none".to_owned(), |v| v.to_string());
            let (id, kind) = (option.namespace.0, option.kind.bits());
            format!("namespace {id}, E2E type {kind:#06x}, sequence {sequence}")
        }),
        OptionType::ProofOfTransit => PotHeader::split(data).map(|(header, _)| {
            let (id, kind) = (header.namespace().0, header.pot_type());
            format!("namespace {id}, POT type {kind}")
        }),
        OptionType::Unknown(_) => None,
    };
    let said = said.unwrap_or_else(|| "that cannot be read".to_owned());
    format!("IOAM {} under {number:#04x}, {said}", kind.name())
}

fn trace(header: &TraceHeader) -> String {
    let flags = [
        (TraceFlags::OVERFLOW, " overflow"),
        (TraceFlags::LOOPBACK, " loopback"),
        (TraceFlags::ACTIVE, " active"),
    ];
    let flags: String = flags
        .iter()
        .filter(|(flag, _)| header.has(*flag))
        .map(|(_, name)| *name)
        .collect();
    format!(
        "namespace {}, type {}, {} words free{flags}",
        header.namespace().0,
        header.trace_type(),
        header.remaining_len()
    )
}
