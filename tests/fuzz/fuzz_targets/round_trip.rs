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
        record_self: u.arbitrary()?, accounting: AccountingSpec::default(),
    };
    let moment = settings::moment(u)?;

    let mut first = node(1, vec![ActionSpec::Encapsulate(what)]);
    let mut middle = node(2, Vec::new());
    let mut last = node(3, vec![ActionSpec::Decapsulate(collect)]);
    let Some(encapsulated) = first.forward(sent, HEADROOM, &moment) else {
        // A length that lies may be over the MTU.
        assert!(frame::whole_packet(sent).is_none(), "a wire drops nothing");
        return Ok(());
    };
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
    assert_eq!(last.records.options.len(), 1, "one trace, one record");
    same(sent, &received);
    Ok(())
}

/// The same packet. A tunnel may cut what the frame holds behind it; padding of a Hop-by-Hop header
/// that was there before may have been laid anew, or have gone where there was nothing else.
fn same(sent: &[u8], received: &[u8]) {
    let (packet, end) = (frame::whole_packet(sent), frame::whole_packet(received));
    let (Some(packet), Some(end)) = (packet, end.map(|packet| packet.end)) else {
        panic!("no whole packet came back: {received:02x?}");
    };
    let cut = received.len() == end;
    assert!(
        cut || sent[packet.end..] == received[end..],
        "behind the packet"
    );
    let (sent, received) = (&sent[..packet.end], &received[..end]);
    if sent == received {
        return;
    }
    let Some(old) = frame::hop_by_hop(sent) else {
        panic!("changed on its way, and has no padding that may: {received:02x?}");
    };
    // What the packet lost, its old header did; a second one behind it is not looked at.
    let new = old.start..(old.end + received.len()).saturating_sub(sent.len());
    let behind = if new.is_empty() {
        assert!(frame::options(sent).is_empty(), "an option went");
        received[packet.start + 6]
    } else {
        assert_eq!(list(sent), list(received), "the options");
        received[new.start]
    };
    assert_eq!(sent[old.start], behind, "what follows the options");
    let (length, chain) = (packet.start + 4, packet.start + 6);
    assert_eq!(sent[..length], received[..length], "in front of the length");
    assert_eq!(
        sent[chain + 1..old.start],
        received[chain + 1..new.start],
        "the header"
    );
    assert_eq!(sent[old.end..], received[new.end..], "behind the options");
}

/// The options of the Hop-by-Hop header, without padding.
fn list(frame: &[u8]) -> Vec<&[u8]> {
    let options = frame::options(frame).into_iter();
    options.map(|at| &frame[at]).collect()
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
        side: Side::Inside, speed: 10_000,
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
