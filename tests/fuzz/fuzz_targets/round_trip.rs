// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Any frame, given options of any kind, that are worked on along the way and taken out again, is
//! itself again; the right records of it are left, and its proof of transit holds.
#![no_main]

use ioam_dp::record::{Occasion, Proof};
use ioam_dp::table::spec::{
    AccountingSpec, ActionSpec, DecapsulatePlacement, DecapsulateSpec, EncapsulateSpec, FilterSpec,
    FlowsSpec, ForwardingSpec, GroupSpec, LimitsSpec, Malformed, NamespaceSpec, NodeSpec,
    OptionSpec, OverMtu, Placement, PortSpec, ProfileSpec, Sampling, Side,
};
use ioam_dp::wire::ioam::OptionType;
use ioam_fuzz::measuring::{self, OTHER, keys};
use ioam_fuzz::settings::{NAMESPACE, TUNNEL_END};
use ioam_fuzz::{MEASURING, Node, SETTINGS, frame, settings};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;

const HEADROOM: usize = 512;

fuzz_target!(|data: &[u8]| {
    let Some((octets, sent)) = data.split_at_checked(SETTINGS) else {
        return;
    };
    let (octets, further) = octets.split_at(SETTINGS - MEASURING);
    let (mut u, mut further) = (Unstructured::new(octets), Unstructured::new(further));
    let _ = round_trip(&mut u, &mut further, sent);
});

fn round_trip(u: &mut Unstructured<'_>, further: &mut Unstructured<'_>, sent: &[u8]) -> Result<()> {
    let ActionSpec::Encapsulate(mut what) = settings::encapsulate(u)? else {
        return Ok(());
    };
    measuring::options(further, &namespaces(0), &mut what)?;
    (what.sampling, what.over_mtu, what.active) = (Sampling::All, OverMtu::Skip, None);
    let placement = match what.placement {
        Placement::Inline => DecapsulatePlacement::Inline,
        Placement::Ip6InIp6 { .. } => DecapsulatePlacement::Ip6InIp6 {
            destination: Some(TUNNEL_END),
        },
    };
    let record_packets = further.arbitrary()?;
    let collect = DecapsulateSpec {
        namespaces: vec![NAMESPACE, OTHER],
        placement,
        record_self: u.arbitrary()?,
        accounting: AccountingSpec {
            group: GroupSpec::Flow,
            report_seconds: 0,
            record_packets,
        },
    };
    let moment = settings::moment(u)?;

    let mut first = node(0, vec![ActionSpec::Encapsulate(what.clone())]);
    let mut middle = node(1, Vec::new());
    let mut last = node(2, vec![ActionSpec::Decapsulate(collect)]);
    let Some(encapsulated) = first.forward(sent, HEADROOM, &moment) else {
        // A length that lies may be over the MTU.
        assert!(frame::whole_packet(sent).is_none(), "a wire drops nothing");
        return Ok(());
    };
    if first.stats.profiles[0].done.get() == 0 {
        // What came with the packet is worked on by any node.
        let carried = !frame::traces(sent).is_empty() || !frame::proofs(sent).is_empty();
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
    let Some(received) = last.forward(&filled, 0, &moment) else {
        // An empty packet with a trace of the one type that loops is taken for a copy that does.
        assert!(
            may_be_copy(&what, &encapsulated),
            "the inner packet goes on"
        );
        return Ok(());
    };
    // What an inner layer carries is worked on too, and leaves records of its own.
    let is_ioam = |at: &std::ops::Range<usize>| matches!(sent[at.start], 0x11 | 0x31);
    if !frame::options(sent).iter().any(is_ioam) {
        judge(&what, record_packets, [&first, &middle, &last]);
    }
    same(sent, &received);
    Ok(())
}

/// Whether a packet that carries its options itself looks like a copy that was looped back.
fn may_be_copy(what: &EncapsulateSpec, carried: &[u8]) -> bool {
    let mut options = what.options.iter();
    let header = frame::hop_by_hop(carried);
    what.placement == Placement::Inline
        && options.any(|one| matches!(one, OptionSpec::Trace(own) if own.trace_type == 0x80_0000))
        && header.is_some_and(|header| carried[header.start] == 59)
}

/// The records that the packet's options are to leave behind.
fn judge(what: &EncapsulateSpec, record_packets: bool, [first, middle, last]: [&Node; 3]) {
    let count = |of: fn(&OptionSpec) -> bool| what.options.iter().filter(|one| of(one)).count();
    let direct = count(|one| matches!(one, OptionSpec::DirectExport(_)));
    let own = count(|one| matches!(one, OptionSpec::DirectExport(own) if own.record_self));
    let edge = count(|one| matches!(one, OptionSpec::EdgeToEdge(_)));
    let proofs = count(|one| matches!(one, OptionSpec::ProofOfTransit { .. }));
    assert_eq!(first.records.options.len(), own, "the first node's exports");
    assert_eq!(middle.records.options.len(), direct, "the second's");
    let exports = last.records.options.iter();
    let exports = exports.filter(|one| one.occasion == Occasion::DirectExport);
    assert_eq!(exports.count(), direct, "the last one's");
    let taken_out = what.options.len() - if record_packets { 0 } else { edge };
    assert_eq!(last.records.options.len(), taken_out, "options taken out");
    let mut proved = last.records.options.iter();
    let proved = proved.find(|one| one.option_type == OptionType::ProofOfTransit);
    assert_eq!(
        proved.map(|one| one.proof),
        (proofs > 0).then_some(Some(Proof::Valid)),
        "the packet passed every node"
    );
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

/// The namespaces of the node with these keys.
fn namespaces(place: usize) -> Vec<NamespaceSpec> {
    let mut own = NamespaceSpec::plain(NAMESPACE);
    own.proof_of_transit = Some(keys(place, 1));
    vec![own, NamespaceSpec::plain(OTHER)]
}

/// A node on a wire whose limits nothing reaches, and the place of its keys.
fn node(place: usize, actions: Vec<ActionSpec>) -> Node {
    let port = |name: &str| PortSpec {
        name: name.to_owned(),
        mac: [2, 0, 0, 0, 0, 1],
        mtu: u16::MAX,
        ioam: true,
        id: Some(1),
        id_wide: None,
        address: None,
        side: Side::Inside,
        speed: 10_000,
    };
    let mut spec = NodeSpec {
        node_id: u32::try_from(place).ok(),
        ports: vec![port("in"), port("out")],
        namespaces: namespaces(place),
        forwarding: ForwardingSpec::Wire {
            pairs: vec![(0, 1)],
            decrement_hop_limit: false,
        },
        // Small tables: a node is made for each input.
        flows: FlowsSpec {
            most: 16,
            groups: 16,
            idle_seconds: 60,
        },
        limits: LimitsSpec {
            direct_export: 0,
            export: 0,
            loopback: 0,
            active: 0,
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
