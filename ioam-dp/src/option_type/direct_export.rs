// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Direct Export Option-Type (RFC 9326): node data leave the node instead of filling the packet.

use super::OwnData;
use crate::moment::Moment;
use crate::table::Namespace;
use crate::wire::ioam::direct_export::{DirectExport, FLOW_ID, HEADER, SEQUENCE};
use crate::wire::ioam::{NO_SNAPSHOT, NamespaceId, TraceType};
use crate::wire::ipv6_ext::IOAM_IMMUTABLE;

/// An option laid out by an encapsulating node, Flow ID and Sequence Number still zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The option from its type octet on: 12 to 20 octets.
    pub option: Vec<u8>,
    /// Offset of the Flow ID (32 bits, network order) from the type octet.
    pub flow_id_at: Option<usize>,
    /// Offset of the Sequence Number (32 bits, network order) from the type octet.
    pub sequence_at: Option<usize>,
}

/// The fields a node exports for an option of this type: all but bit 7, the checksum complement,
/// which is to be sent 0 and ignored (RFC 9326, 3.2).
#[must_use]
pub fn own_type(trace_type: TraceType) -> TraceType {
    TraceType::new(trace_type.bits() & !TraceType::CHECKSUM_COMPLEMENT.bits())
}

/// Lays out an option; bit 7 of the trace type is cleared.
#[must_use]
pub fn build(
    namespace: NamespaceId,
    trace_type: TraceType,
    flow_id: bool,
    sequence: bool,
) -> Built {
    let [n0, n1] = namespace.0.to_be_bytes();
    let [t0, t1, t2] = own_type(trace_type).octets();
    let flags = if flow_id { FLOW_ID } else { 0 } | if sequence { SEQUENCE } else { 0 };
    let mut option = vec![IOAM_IMMUTABLE, 0, 0, 4];
    option.extend_from_slice(&[n0, n1, 0, flags, t0, t1, t2, 0]);
    let mut field = |asked: bool| {
        asked.then(|| {
            let at = option.len();
            option.resize(at + 4, 0);
            at
        })
    };
    let (flow_id_at, sequence_at) = (field(flow_id), field(sequence));
    if let (Ok(len), Some(octet)) = (u8::try_from(option.len() - 2), option.get_mut(1)) {
        *octet = len;
    }
    Built {
        option,
        flow_id_at,
        sequence_at,
    }
}

/// Most octets an export takes: header, eight extension fields, 24 words of data and the largest
/// snapshot.
pub const MAX_EXPORT: usize = HEADER + 8 * 4 + 24 * 4 + 4 + 1020;

/// What [`export`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Octets written.
    pub len: usize,
    /// The snapshot did not fit: `0x00FFFFFF` stands in its place.
    pub cut: bool,
}

/// Writes the option as received, without what may follow it, and behind it this node's data in
/// trace-type order, as an incremental trace would carry them (RFC 9326, 3.1.2). There is no word
/// for bit 7, set or not: `own` is for [`own_type`] of the option's trace type.
///
/// `None`, with `out` in an unspecified state, when the option is shorter than its extension flags
/// say, when `own` is for another trace type, or when `out` is too small even without the snapshot;
/// [`MAX_EXPORT`] octets always suffice.
#[inline]
#[must_use]
pub fn export(
    option_data: &[u8],
    own: &OwnData,
    namespace: &Namespace,
    hop_limit: u8,
    moment: &Moment,
    out: &mut [u8],
) -> Option<Exported> {
    let option = DirectExport::parse(option_data)?;
    if own.trace_type() != own_type(option.trace_type()) {
        return None;
    }
    let (head, rest) = out.split_at_mut_checked(option.len())?;
    head.copy_from_slice(option_data.get(..option.len())?);
    let (fixed, rest) = rest.split_at_mut_checked(own.fixed_len())?;
    own.write(fixed, namespace, hop_limit, moment);
    let (mut len, mut cut) = (head.len() + fixed.len(), false);
    if own.has_snapshot() {
        let missing = NO_SNAPSHOT.to_be_bytes();
        let state = if namespace.snapshot.len() <= rest.len() {
            &*namespace.snapshot
        } else {
            cut = true;
            &missing
        };
        rest.get_mut(..state.len())?.copy_from_slice(state);
        len += state.len();
    }
    Some(Exported { len, cut })
}

#[cfg(test)]
mod tests {
    use super::super::own_data::tests::{NodeB, hex};
    use super::*;
    use crate::wire::ioam::{NodeDataList, OPTION_HEAD};

    #[test]
    fn a_built_option_has_the_flags_of_its_fields() {
        let built = build(NamespaceId(123), TraceType::new(0xF0_0000), true, true);
        assert_eq!(
            built.option,
            hex("11120004 007b00c0 f0000000 00000000 00000000")
        );
        assert_eq!((built.flow_id_at, built.sequence_at), (Some(12), Some(16)));
        let built = build(NamespaceId(123), TraceType::new(0xF0_0000), false, true);
        assert_eq!(built.option, hex("110e0004 007b0040 f0000000 00000000"));
        assert_eq!((built.flow_id_at, built.sequence_at), (None, Some(12)));
        let built = build(NamespaceId(0), TraceType::new(0x80_0000), true, false);
        assert_eq!(built.option, hex("110e0004 00000080 80000000 00000000"));
        assert_eq!((built.flow_id_at, built.sequence_at), (Some(12), None));
        let built = build(NamespaceId(0), TraceType::new(0x80_0000), false, false);
        assert_eq!(built.option, hex("110a0004 00000000 80000000"));
        assert_eq!((built.flow_id_at, built.sequence_at), (None, None));
    }

    #[test]
    fn bit_7_is_never_sent() {
        let built = build(NamespaceId(0), TraceType::new(0x81_0000), false, false);
        assert_eq!(built.option[8..11], [0x80, 0, 0]);
        assert_eq!(own_type(TraceType::new(0xFF_FFFF)).bits(), 0xFE_FFFF);
    }

    #[test]
    fn what_is_built_is_read_back() {
        for (flow_id, sequence) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut built = build(NamespaceId(9), TraceType::IF_ID, flow_id, sequence);
            if let Some(at) = built.flow_id_at {
                built.option[at..at + 4].copy_from_slice(&5u32.to_be_bytes());
            }
            if let Some(at) = built.sequence_at {
                built.option[at..at + 4].copy_from_slice(&6u32.to_be_bytes());
            }
            assert_eq!(usize::from(built.option[1]), built.option.len() - 2);
            let option = DirectExport::parse(&built.option[OPTION_HEAD..]).unwrap();
            assert_eq!(option.len(), built.option.len() - OPTION_HEAD);
            assert_eq!(option.flow_id(), flow_id.then_some(5));
            assert_eq!(option.sequence(), sequence.then_some(6));
        }
    }

    fn exported(
        option_data: &[u8],
        node: &NodeB,
        kind: u32,
        room: usize,
    ) -> Option<(Vec<u8>, bool)> {
        let own = node.own_data(TraceType::new(kind));
        let mut out = vec![0xEE; room];
        let done = export(
            option_data,
            &own,
            node.namespace(),
            63,
            &NodeB::moment(),
            &mut out,
        )?;
        assert!(out[done.len..].iter().all(|octet| *octet == 0xEE));
        out.truncate(done.len);
        Some((out, done.cut))
    }

    #[test]
    fn exports_the_option_and_this_nodes_data() {
        let node = NodeB::new(None);
        let own = "3f0b0001 0b110b22 66bb7122 0001e240";
        for option in [
            "007b00c0 f0000000 00abcdef 00000007",
            "007b0040 f0000000 00000007",
            "007b0000 f0000000",
            // Fields of unknown extension flags, flags and the reserved octet go along as received.
            "007bffe1 f00000ff 00abcdef 00000007 11111111 22222222",
        ] {
            let got = exported(&hex(option), &node, 0xF0_0000, 64).unwrap();
            assert_eq!(got, (hex(&format!("{option} {own}")), false));
        }
    }

    #[test]
    fn what_follows_the_option_is_not_exported() {
        let node = NodeB::new(None);
        let got = exported(&hex("007b0000 80000000 deadbeef"), &node, 0x80_0000, 64).unwrap();
        assert_eq!(got.0, hex("007b0000 80000000 3f0b0001"));
    }

    #[test]
    fn a_set_bit_7_gets_no_word() {
        let node = NodeB::new(None);
        let got = exported(&hex("007b0000 83000000"), &node, 0x82_0000, 64).unwrap();
        assert_eq!(got.0, hex("007b0000 83000000 3f0b0001 00000010"));
        assert!(exported(&hex("007b0000 83000000"), &node, 0x83_0000, 64).is_none());
    }

    #[test]
    fn a_snapshot_that_does_not_fit_is_replaced() {
        let node = NodeB::new(Some(b"schemaB!"));
        let option = hex("007b0000 80000200");
        let whole = hex("007b0000 80000200 3f0b0001 02000309 73636865 6d614221");
        for room in 24..30 {
            assert_eq!(
                exported(&option, &node, 0x80_0002, room),
                Some((whole.clone(), false))
            );
        }
        let cut = hex("007b0000 80000200 3f0b0001 00ffffff");
        for room in 16..24 {
            assert_eq!(
                exported(&option, &node, 0x80_0002, room),
                Some((cut.clone(), true))
            );
        }
        for room in 0..16 {
            assert_eq!(exported(&option, &node, 0x80_0002, room), None);
        }
    }

    #[test]
    fn no_snapshot_configured_is_not_a_cut() {
        let node = NodeB::new(None);
        let got = exported(&hex("007b0000 00000200"), &node, 2, 12);
        assert_eq!(got, Some((hex("007b0000 00000200 00ffffff"), false)));
    }

    #[test]
    fn the_largest_export_fits_the_named_room() {
        let node = NodeB::new(Some(&[7; 1020]));
        let mut option = hex("007b00ff feffff00");
        option.resize(40, 0x55);
        let (bytes, cut) = exported(&option, &node, 0xFE_FFFF, MAX_EXPORT).unwrap();
        assert_eq!((bytes.len(), cut), (MAX_EXPORT, false));
    }

    #[test]
    fn any_type_reads_back_as_one_element_of_an_incremental_trace() {
        let node = NodeB::new(Some(b"abc"));
        for bits in (0..=0xFF_FFFF)
            .step_by(0x11_0F)
            .filter(|bits| bits & 0x01_0000 == 0)
        {
            let kind = TraceType::new(bits);
            let mut option = hex("007b0000 00000000");
            option[4..7].copy_from_slice(&kind.octets());
            let (bytes, _) = exported(&option, &node, bits, MAX_EXPORT).unwrap();
            let mut nodes = NodeDataList::incremental(&bytes).unwrap();
            let element = nodes.next().transpose().unwrap();
            assert_eq!(element.is_some(), bits & !1 != 0, "{kind}");
            assert!(nodes.next().is_none(), "{kind}");
        }
    }

    #[test]
    fn an_option_shorter_than_its_flags_exports_nothing() {
        let node = NodeB::new(None);
        assert!(exported(&hex("007b00c0 80000000"), &node, 0x80_0000, 64).is_none());
        assert!(exported(&hex("007b0000 800000"), &node, 0x80_0000, 64).is_none());
        assert!(exported(&[], &node, 0x80_0000, 64).is_none());
    }
}
