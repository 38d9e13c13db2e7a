// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the Linux kernel refuses in a Hop-by-Hop header, for `semantics: linux`.
//!
//! The kernel checks the whole header before it looks at any namespace, and drops silently; part of
//! it happens on interfaces without IOAM too.

use super::packet_end;
use crate::stats::Notice;
use crate::wire::ioam::{TraceHeader, trace};
use crate::wire::ipv6::HEADER;
use crate::wire::ipv6_ext::{self, IOAM_MUTABLE, PAD1, PADN, Tlv, Tlvs};

/// Most options that are not padding (`net.ipv6.max_hbh_opts_number`).
const MAX_OPTIONS: usize = 8;
/// Most octets of padding in a row.
const MAX_PADDING: usize = 7;

/// Why Linux would drop the packet, or `None`.
#[must_use]
pub fn refuse(frame: &[u8], l3: usize, enabled: bool) -> Option<Notice> {
    let start = frame.get(l3 + HEADER..).unwrap_or(&[]);
    let Some(header) = ipv6_ext::header_len(start).and_then(|len| start.get(..len)) else {
        return Some(Notice::HbhTruncated);
    };
    match packet_end(frame, l3) {
        Err(notice) => return Some(notice),
        Ok(end) if l3 + HEADER + header.len() > end => return Some(Notice::HbhOverrun),
        Ok(_) => {}
    }
    let (mut padding, mut options) = (0, 0);
    for tlv in Tlvs::new(header) {
        let Ok(tlv) = tlv else {
            return Some(Notice::HbhTlvOverrun);
        };
        if tlv.kind == PAD1 || tlv.kind == PADN {
            padding += tlv.octets.len();
            if padding > MAX_PADDING || tlv.data().iter().any(|octet| *octet != 0) {
                return Some(Notice::HbhRefused);
            }
            continue;
        }
        (padding, options) = (0, options + 1);
        if options > MAX_OPTIONS {
            return Some(Notice::HbhRefused);
        }
        if tlv.kind == IOAM_MUTABLE
            && let Some(notice) = refuse_option(&tlv, enabled)
        {
            return Some(notice);
        }
    }
    None
}

fn refuse_option(tlv: &Tlv<'_>, enabled: bool) -> Option<Notice> {
    if !tlv.at.is_multiple_of(4) {
        return Some(Notice::OptionAlignment);
    }
    if !enabled {
        return None;
    }
    let Some((head, option_data)) = tlv.data().split_at_checked(2) else {
        return Some(Notice::OptionShort);
    };
    if head.get(1) != Some(&0) {
        return None;
    }
    let Some((header, space)) = TraceHeader::split(option_data) else {
        return Some(Notice::TraceShort);
    };
    debug_assert!(
        option_data.len() >= trace::HEADER,
        "split checks the length"
    );
    if usize::from(header.remaining_len()) * 4 > space.len() {
        return Some(Notice::TraceRemainingLen);
    }
    (header.node_len() != header.trace_type().node_len()).then_some(Notice::TraceNodeLen)
}
