// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The names of what can go otherwise: every packet not forwarded, every option not processed.

/// An enum whose variants carry a counter's name and a sentence, each said once.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($variant:ident, $text:literal, $says:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = $says] $variant,)*
        }

        impl $name {
            /// Every one, in the order of their counters.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The counter's name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What it counts, in one sentence.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $says,)* }
            }
        }
    };
}

named! {
    /// Why a packet was not forwarded.
    DropReason {
        Malformed, "malformed", "A malformed option or header, with `malformed: drop` or Linux semantics; the notices say which.";
        EdgeIngress, "edge_ingress", "A packet with IOAM arrived from outside the domain at an edge port.";
        EdgeEgress, "edge_egress", "A packet with IOAM would have left the domain by an edge port.";
        HopLimitExceeded, "hop_limit_exceeded", "The hop limit was 0 or 1 and this node decrements it; an ICMPv6 error went back if an address and the rate allow.";
        OverMtu, "over_mtu", "Larger than the output port's MTU; an ICMPv6 error went back if an address and the rate allow.";
        EncapOverMtu, "encap_over_mtu_drop", "The option would have made the packet larger than the output port's MTU, with `over-mtu: drop`.";
        NoRoute, "no_route", "No route and no default next hop for the destination.";
        NoPeer, "no_peer", "The input port has no wire peer.";
        NotIpv6, "not_ipv6", "Not IPv6, at a port without a default next hop.";
        LinkLocal, "link_local", "To or from a link-local or multicast address, which is not routed.";
        DecapNoInner, "decap_no_inner", "A trace for this tunnel end with no IPv6 packet inside.";
        ActiveTerminated, "active_terminated", "A packet with the Active flag was recorded and ended at the decapsulating node, as it must.";
        LoopedBack, "looped_back", "A copy caused by this node's Loopback flag came back and was recorded.";
        LoopedBackForeign, "looped_back_foreign", "A looped-back copy that is another node's, or has no payload to go on with, ended here.";
        TxFull, "tx_full", "The output port did not take the packet in time.";
    }
}

named! {
    /// Why something was not done to a packet that was forwarded all the same.
    Notice {
        MultiSegment, "multi_segment", "The frame is a chain of buffers; forwarded, its options left alone.";
        VlanTags, "vlan_tags", "More than two VLAN tags; treated as not IPv6.";
        PacketTruncated, "packet_truncated", "The payload length says more than the frame holds; left alone.";
        Jumbogram, "jumbogram", "Payload length 0 (RFC 2675); left alone.";
        HbhTruncated, "hbh_truncated", "The frame ends inside the Hop-by-Hop header.";
        HbhOverrun, "hbh_overrun", "The Hop-by-Hop header is longer than the payload length says.";
        HbhTlvOverrun, "hbh_tlv_overrun", "An option runs past the Hop-by-Hop header.";
        HbhRefused, "hbh_refused", "Linux semantics refuse the padding or the number of options of the Hop-by-Hop header.";
        OptionAlignment, "option_alignment", "An IOAM option does not begin at a multiple of four octets.";
        OptionShort, "option_short", "An IOAM option is too short to have a type.";
        OptionNumber, "option_number", "A trace or proof of transit under option number 0x11, whose data must not change.";
        OptionTypeUnsupported, "option_type_unsupported", "An IOAM option type this node does not process here.";
        OptionTypeUnknown, "ioam_type_unknown", "An IOAM option type that is not assigned.";
        TraceShort, "trace_short", "A trace shorter than its own header.";
        TraceLength, "trace_length", "A trace whose data are no whole number of words.";
        TraceRemainingLen, "trace_remlen", "RemainingLen is larger than the option.";
        TraceNodeLen, "trace_nodelen", "NodeLen is not what the trace type implies.";
        TraceEmpty, "trace_empty", "A trace type that asks for nothing.";
        TraceUndefinedBits, "trace_undefined_bits", "Undefined trace-type bits, with `undefined-trace-bits: skip`.";
        TraceOverflowed, "trace_overflow_set", "The overflow flag was set already; left alone.";
        DexShort, "dex_short", "A direct export option shorter than its extension flags say.";
        DexSnapshotCut, "dex_snapshot_cut", "A direct export record without this node's opaque state snapshot, which does not fit.";
        PotShort, "pot_short", "A proof of transit shorter than its fields.";
        PotTypeUnknown, "pot_type_unknown", "A proof of transit of an unknown POT-Type; left alone.";
        PotNoKeys, "pot_no_keys", "A proof of transit of a namespace this node has no keys for; left alone.";
        PotInvalid, "pot_invalid", "A proof of transit that failed: the packet did not pass every node it had to.";
        PotUnverified, "pot_unverified", "A proof of transit taken out by a node that does not know the secret.";
        E2eShort, "e2e_short", "An edge-to-edge option shorter than its fields; removed, not accounted for.";
        E2eBothSequences, "e2e_both_sequences", "An edge-to-edge option with both sequence numbers; removed, not accounted for.";
        ExportSuppressed, "export_suppressed", "A direct export held back by the rate limit.";
        LoopbackOff, "loopback_off", "A trace with the Loopback flag, at a node with `loopback: ignore`; no copy.";
        LoopbackNotAllowed, "loopback_not_allowed", "A trace with the Loopback flag that is not copied: wrong trace type, no address to answer from, or a source that is not one host.";
        LoopbackSuppressed, "loopback_suppressed", "A copy to loop back, held back by the rate limit.";
        LoopbackSent, "loopback_sent", "A copy was looped back.";
        NamespaceUnknown, "namespace_unknown", "An option of a namespace this node does not have; left alone.";
        NoProfile, "no_profile", "An option of a known namespace that no profile wants; left alone.";
        DecapForeign, "decap_foreign", "A packet at its tunnel's end without a usable option of our namespaces: decapsulated, not recorded.";
        EdgeStripped, "edge_stripped", "IOAM options were removed at an edge port.";
        EncapAlreadyIoam, "encap_already_ioam", "Selected for encapsulation, but the packet carries IOAM already, and not of another layer: inline, with the Loopback flag, or of the same namespace.";
        EncapLinkLocal, "encap_link_local", "Selected for encapsulation, but a link-local or multicast address keeps the packet on its link.";
        EncapOverMtu, "encap_over_mtu", "Selected for encapsulation, but it would exceed the output port's MTU.";
        EncapNoHeadroom, "encap_no_headroom", "Selected for encapsulation, but there is no room in front of the frame.";
        EncapHeaderFull, "encap_header_full", "Selected for encapsulation, but the packet's headers are broken or cannot take the option.";
        EncapNoRoute, "encap_no_route", "Selected for encapsulation, but no route leads to the tunnel's other end.";
        EncapToEdge, "encap_to_edge", "Selected for encapsulation, but the packet leaves the domain by an edge port.";
        EncapRateLimited, "encap_rate_limited", "Selected for encapsulation, but held back by the rate limit of direct export, loopback or active measurement.";
        FlowTableFull, "flow_table_full", "Selected for encapsulation, but there is no room to count another flow's packets.";
        DexToReceiver, "dex_to_receiver", "Selected for direct export, but the packet is itself an export to a receiver.";
        GroupTableFull, "group_table_full", "A sequence number not accounted for: there is no room for another packet group.";
        ActiveSent, "active_sent", "A probe or replica was sent with the Active flag.";
        ProbeNoProfile, "probe_no_profile", "A probe that no encapsulating profile for this node's own packets wants; not sent.";
        OriginateNoRoom, "originate_no_room", "A probe, replica or copy was not sent: no packet memory, or too many in one burst.";
        RecordLost, "record_lost", "The ring to the exporter was full.";
        IcmpSent, "icmp_sent", "An ICMPv6 error was sent in the place of a dropped packet.";
        IcmpSuppressed, "icmp_suppressed", "An ICMPv6 error was held back by the rate limit.";
        IcmpNotAllowed, "icmp_not_allowed", "An ICMPv6 error was not sent: no address, or a packet that may not be answered.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_used_once() {
        let mut names: Vec<_> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
        names.extend(Notice::ALL.iter().map(|notice| notice.name()));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
