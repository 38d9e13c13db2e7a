// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Turning a packet that cannot go on into the `ICMPv6` error about it (RFC 4443), in place.

use zerocopy::IntoBytes;

use super::Context;
use crate::classify::upper_layer;
use crate::packet::PacketBuf;
use crate::stats::Notice;
use crate::timestamp::WallTime;
use crate::wire::icmpv6::{self, Error, MAX_PACKET, OVERHEAD};
use crate::wire::ipv6::{HEADER, Ipv6Header, next_header};
use crate::wire::{checksum, ethernet};

/// The hop limit of what this node originates.
const HOP_LIMIT: u8 = 64;

/// A token bucket: as many errors a second as configured, and a second's worth at once
/// (RFC 4443, 2.4 f).
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenBucket {
    /// Billionths of a token, so that a nanosecond at one a second adds one.
    level: u64,
    last: u64,
}

const TOKEN: u64 = 1_000_000_000;

impl TokenBucket {
    /// Takes a token at `now` from a bucket that gains `per_second`.
    pub fn take(&mut self, now: WallTime, per_second: u32) -> bool {
        let now = now.as_nanoseconds();
        let elapsed = if self.last == 0 {
            TOKEN
        } else {
            now.saturating_sub(self.last)
        };
        let full = u64::from(per_second).saturating_mul(TOKEN);
        let gained = elapsed.min(TOKEN).saturating_mul(per_second.into());
        self.level = self.level.saturating_add(gained).min(full);
        self.last = now.max(1);
        match self.level.checked_sub(TOKEN) {
            Some(level) => {
                self.level = level;
                true
            }
            None => false,
        }
    }
}

/// Replaces the IPv6 packet at `l3` by `error` about it, addressed to its source and to be sent
/// back by the port it came from. `false`, with the reason counted, when no error may be sent.
pub(crate) fn originate<P: PacketBuf, S>(
    packet: &mut P,
    l3: usize,
    error: Error,
    context: &mut Context<'_, S>,
) -> bool {
    let answerable = answerable(packet.bytes(), l3, context).filter(|_| packet.is_contiguous());
    let Some((header, address)) = answerable else {
        context.stats.notice(Notice::IcmpNotAllowed);
        return false;
    };
    let now = context.moment.received.unwrap_or_default();
    if !context
        .state
        .icmp
        .take(now, context.tables.policy.icmp_errors_per_second)
    {
        context.stats.notice(Notice::IcmpSuppressed);
        return false;
    }
    if !packet.grow_front(OVERHEAD) {
        context.stats.notice(Notice::IcmpNotAllowed);
        return false;
    }
    let payload = usize::from(header.payload_length.get());
    packet.truncate(l3 + OVERHEAD + (HEADER + payload).min(MAX_PACKET - OVERHEAD));
    write(packet.bytes_mut(), l3, &header, address, error);
    let mac = context
        .tables
        .port(context.in_port)
        .map_or([0; 6], |port| port.mac);
    let back = ethernet::source(packet.bytes());
    ethernet::set_addresses(packet.bytes_mut(), back, mac);
    true
}

/// The packet's header and the address to answer from, when an answer is allowed.
fn answerable<S>(
    frame: &[u8],
    l3: usize,
    context: &Context<'_, S>,
) -> Option<(Ipv6Header, [u8; 16])> {
    let header = *Ipv6Header::at(frame, l3)?;
    if ethernet::is_group(frame) {
        return None;
    }
    let address = context.tables.port(context.in_port)?.address?.octets();
    let (protocol, at) = upper_layer(frame, l3 + HEADER, header.next_header);
    let message_type = at.and_then(|at| frame.get(at)).copied();
    icmpv6::may_answer(&header.source, &header.destination, protocol, message_type)
        .then_some((header, address))
}

fn write(frame: &mut [u8], l3: usize, about: &Ipv6Header, address: [u8; 16], error: Error) {
    frame.copy_within(OVERHEAD..OVERHEAD + l3, 0);
    let mut header = Ipv6Header::new(address, about.source, next_header::ICMPV6, HOP_LIMIT);
    let Some((place, message)) = frame
        .get_mut(l3..)
        .and_then(|p| p.split_at_mut_checked(HEADER))
    else {
        return;
    };
    header
        .payload_length
        .set(u16::try_from(message.len()).unwrap_or(0));
    place.copy_from_slice(header.as_bytes());
    if let Some(head) = message.first_chunk_mut::<8>() {
        *head = error.head();
    }
    let sum = checksum::upper_layer(&address, &about.source, next_header::ICMPV6, message);
    if let Some(field) = message.get_mut(2..4) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_gives_its_tokens_and_no_more() {
        let mut bucket = TokenBucket::default();
        let at = |ms: u64| WallTime::from_nanoseconds(1_000_000_000_000 + ms * 1_000_000);
        assert_eq!((0..10).filter(|_| bucket.take(at(0), 3)).count(), 3);
        assert!(!bucket.take(at(300), 3));
        assert!(bucket.take(at(334), 3));
        assert_eq!((0..10).filter(|_| bucket.take(at(60_000), 3)).count(), 3);
        assert!(!TokenBucket::default().take(at(0), 0));
    }
}
