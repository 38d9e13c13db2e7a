// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What one node puts in, another takes out, and the packet is itself again.

use super::any::*;
use crate::common::Bench;
use crate::common::frames::*;
use ioam_dp::table::spec::*;
use proptest::prelude::*;
use proptest::sample::select;

/// A wire whose limits nothing reaches and that decrements nothing.
fn wire(action: Option<ActionSpec>) -> NodeSpec {
    let mut spec = node();
    for port in &mut spec.ports {
        port.mtu = u16::MAX;
    }
    spec.namespaces.push(NamespaceSpec::plain(7));
    spec.forwarding = ForwardingSpec::Wire {
        pairs: vec![(0, 1)],
        decrement_hop_limit: false,
    };
    spec.profiles = action.map(profile).into_iter().collect();
    spec
}

fn collect(what: &EncapsulateSpec, record_self: bool) -> NodeSpec {
    let placement = match what.placement {
        Placement::Inline => DecapsulatePlacement::Inline,
        Placement::Ip6InIp6 { .. } => tunnel_end(),
    };
    wire(Some(ActionSpec::Decapsulate(DecapsulateSpec {
        namespaces: vec![trace_in(&mut what.clone()).namespace],
        placement,
        record_self,
        accounting: AccountingSpec::default(),
    })))
}

/// Headers whose padding is as a node lays it: none but what alignment needs.
fn present() -> impl Strategy<Value = Option<Vec<u8>>> {
    select(vec![
        None,
        None,
        Some(options(UDP, &[&ALERT, &LEAD])),
        Some(options(UDP, &[&LEAD, &[0x1E, 2, 7, 7]])),
        Some(options(UDP, &[&[0x1E, 3, 1, 2, 3], &[0]])),
        Some(options(UDP, &[&ALERT, &[0x1E, 7, 1, 2, 3, 4, 5, 6, 7]])),
        Some(options(
            UDP,
            &[&LEAD, &[0x1E, 4, 1, 2, 3, 4], &[1, 0], &[0x1E, 2, 0, 0]],
        )),
    ])
}

fn plain_packets() -> impl Strategy<Value = Packet> {
    let payload = proptest::collection::vec(any::<u8>(), 8..200);
    let fields = (any::<u8>(), 0..=0xF_FFFFu32, any::<u8>());
    (present(), payload, fields).prop_map(|(header, payload, (class, label, hop_limit))| {
        let mut packet = Packet {
            class,
            label,
            ..Packet::new(UDP, &[&payload]).hops(hop_limit)
        };
        if let Some(header) = header {
            packet.next = HOP_BY_HOP;
            packet.payload = [header, payload].concat();
        }
        packet
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn taking_out_undoes_putting_in(
        what in encapsulations(),
        sent in plain_packets(),
        own in any::<bool>(),
        tags in select(vec![vec![], vec![0x8100], vec![0x88A8, 0x8100]]),
        moment in moments(),
    ) {
        let what = EncapsulateSpec { sampling: Sampling::All, ..what };
        let sent = sent.tagged(&tags);
        let mut head = Bench::new(&wire(Some(ActionSpec::Encapsulate(what.clone()))));
        let (_, carried) = head.pass(&sent, 0, &moment).expect("a wire");
        prop_assert_eq!(head.stats.profiles[0].done.get(), 1);
        prop_assert!(carried.len() > sent.len());
        let (_, filled) = Bench::new(&wire(None)).pass(&carried, 0, &moment).expect("a wire");
        let mut end = Bench::new(&collect(&what, own));
        let (_, received) = end.pass(&filled, 0, &moment).expect("a wire");
        prop_assert_eq!(received, sent);
        prop_assert_eq!(end.records.len(), 1);
        let record = &end.records[0];
        let trace = *trace_in(&mut what.clone());
        prop_assert_eq!(record.namespace.0, trace.namespace);
        prop_assert_eq!(record.option_data().len(), 8 + 4 * usize::from(trace.words));
    }

    #[test]
    fn an_inline_trace_comes_out_from_between_other_options(
        list in proptest::collection::vec(traces(0..=20), 0..3),
        what in encapsulations(),
        moment in moments(),
    ) {
        // Those of other namespaces that no node here has stay, and in their places.
        let foreign: Vec<_> = list
            .into_iter()
            .map(|trace| Trace { namespace: 0x0BAD, ioam_type: 64, ..trace })
            .collect();
        let present: Vec<_> = foreign.iter().collect();
        let mut one = traces_of(&what);
        one.space.fill(0x5A);
        for place in 0..=present.len() {
            let mut with_one = present.clone();
            with_one.insert(place, &one);
            let sent = Packet::traced(&with_one).frame();
            let inline = EncapsulateSpec { placement: Placement::Inline, ..what.clone() };
            let mut end = Bench::new(&collect(&inline, false));
            let (_, frame) = end.pass(&sent, 0, &moment).expect("a wire");
            prop_assert_eq!(end.records.len(), 1);
            let left = list_of(&frame);
            let expected: Vec<_> = present.iter().map(|trace| trace.option()).collect();
            prop_assert_eq!(left, expected);
        }
    }
}

fn traces_of(what: &EncapsulateSpec) -> Trace {
    let trace = *trace_in(&mut what.clone());
    Trace::new(trace.namespace, trace.trace_type, trace.words, &[])
}

/// The options of a Hop-by-Hop header but padding; each must stand at a multiple of four.
fn list_of(frame: &[u8]) -> Vec<Vec<u8>> {
    let mut list = Vec::new();
    if frame[20] != HOP_BY_HOP {
        return list;
    }
    let end = EXTENSIONS + 8 * (usize::from(frame[EXTENSIONS + 1]) + 1);
    let mut at = EXTENSIONS + 2;
    while at < end {
        if frame[at] == 0 {
            at += 1;
            continue;
        }
        let next = at + 2 + usize::from(frame[at + 1]);
        if frame[at] != 1 {
            assert_eq!((at - EXTENSIONS) % 4, 0);
            list.push(frame[at..next].to_vec());
        }
        at = next;
    }
    assert_eq!(at, end);
    list
}
