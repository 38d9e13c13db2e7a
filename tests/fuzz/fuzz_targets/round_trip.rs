// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Any frame, encapsulated, filled on the way and decapsulated, is itself again, and one record of
//! it is left.
#![no_main]

use ioam_dp::table::spec::{
    ActionSpec, DecapsulatePlacement, DecapsulateSpec, FilterSpec, ForwardingSpec, Malformed,
    NamespaceSpec, NodeSpec, OverMtu, Placement, PortSpec, ProfileSpec, Sampling, Side,
};
use ioam_fuzz::settings::{NAMESPACE, TUNNEL_END};
use ioam_fuzz::{Node, SETTINGS, frame, settings};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

const HEADROOM: usize = 512;

fuzz_target!(|data: &[u8]| {
    let Some((octets, sent)) = data.split_at_checked(SETTINGS) else {
        return;
    };
    let _ = round_trip(&mut Unstructured::new(octets), sent);
});

fn round_trip(u: &mut Unstructured<'_>, sent: &[u8]) -> Result<()> {
    let ActionSpec::Encapsulate(mut what) = settings::encapsulate(u)? else {
        return Ok(());
    };
    (what.sampling, what.over_mtu) = (Sampling::All, OverMtu::Skip);
    let placement = match what.placement {
        Placement::Inline => DecapsulatePlacement::Inline,
        Placement::Ip6InIp6 { .. } => DecapsulatePlacement::Ip6InIp6 {
            destination: Some(TUNNEL_END),
        },
    };
    let collect = DecapsulateSpec {
        namespaces: vec![NAMESPACE],
        placement,
        record_self: u.arbitrary()?,
    };
    let moment = settings::moment(u)?;

    let mut first = node(1, vec![ActionSpec::Encapsulate(what)]);
    let mut middle = node(2, Vec::new());
    let mut last = node(3, vec![ActionSpec::Decapsulate(collect)]);
    let encapsulated = first
        .forward(sent, HEADROOM, &moment)
        .expect("a wire drops nothing");
    if first.stats.profiles[0].done.get() == 0 {
        // A trace that came with the packet is filled by any node.
        let carried = !frame::traces(sent).is_empty();
        assert!(
            carried || encapsulated == sent,
            "a packet passed over changed"
        );
        return Ok(());
    }
    let filled = middle
        .forward(&encapsulated, 0, &moment)
        .expect("a wire drops nothing");
    if frame::whole_packet(sent).is_none() {
        return Ok(());
    }
    let received = last
        .forward(&filled, 0, &moment)
        .expect("the inner packet goes on");
    assert_eq!(last.records.len(), 1, "one trace, one record");
    same(sent, &received);
    Ok(())
}

/// The same frame; padding of a Hop-by-Hop header that was there before may have been laid anew.
fn same(sent: &[u8], received: &[u8]) {
    if sent == received {
        return;
    }
    let (Some(old), Some(new)) = (frame::hop_by_hop(sent), frame::hop_by_hop(received)) else {
        panic!("changed on its way, and has no padding that may: {received:02x?}");
    };
    assert_eq!(
        sent[..old.start - 36],
        received[..new.start - 36],
        "in front of the length"
    );
    assert_eq!(
        sent[old.start - 34..=old.start],
        received[new.start - 34..=new.start],
        "the header"
    );
    assert_eq!(
        sent[old.end..],
        received[new.end..],
        "behind the Hop-by-Hop header"
    );
    let list = |frame: &[u8]| -> Vec<Vec<u8>> {
        frame::options(frame)
            .into_iter()
            .map(|at| frame[at].to_vec())
            .collect()
    };
    assert_eq!(list(sent), list(received), "the options");
}

/// A node on a wire whose limits nothing reaches.
fn node(id: u32, actions: Vec<ActionSpec>) -> Node {
    let port = |name: &str| PortSpec {
        name: name.to_owned(),
        mac: [2, 0, 0, 0, 0, 1],
        mtu: u16::MAX,
        ioam: true,
        id: Some(1),
        id_wide: None,
        address: None,
        side: Side::Inside,
    };
    let mut spec = NodeSpec {
        node_id: Some(id),
        ports: vec![port("in"), port("out")],
        namespaces: vec![NamespaceSpec::plain(NAMESPACE)],
        forwarding: ForwardingSpec::Wire {
            pairs: vec![(0, 1)],
            decrement_hop_limit: false,
        },
        ..NodeSpec::default()
    };
    spec.policy.malformed = Malformed::Forward;
    spec.profiles = actions
        .into_iter()
        .map(|action| ProfileSpec {
            name: "it".to_owned(),
            filter: FilterSpec::default(),
            action,
        })
        .collect();
    Node::new(&spec).expect("a sound specification")
}
