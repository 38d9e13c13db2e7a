// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 3.2: Flow IDs, configured or made from the flow.

use std::collections::HashSet;

use crate::common::Bench;
use crate::common::direct_export::*;
use crate::common::frames::*;
use ioam_dp::table::spec::*;

/// The Flow ID that the node gives the packet.
#[track_caller]
fn flow_id(spec: &NodeSpec, sent: &Packet) -> u32 {
    let (_, frame) = Bench::new(spec).forward(sent);
    let [one] = carried(&frame)[..] else {
        panic!("not one option");
    };
    one.flow_id.expect("a Flow ID")
}

fn between(source: (&str, u16), destination: (&str, u16)) -> Packet {
    Packet::new(UDP, &[&udp(source.1, destination.1)])
        .from(source.0)
        .to(destination.0)
}

#[test]
fn rfc9326_3_2_a_configured_id_is_every_packets() {
    for id in [0, 0x00AB_CDEF, u32::MAX] {
        let spec = exporter(FlowIdSpec::Fixed(id));
        assert_eq!(flow_id(&spec, &Packet::plain()), id);
        assert_eq!(flow_id(&spec, &between((PEER, 1), (HOST, 2))), id);
    }
}

#[test]
fn rfc9326_3_2_both_directions_of_a_flow_have_one_id() {
    let spec = exporter(FlowIdSpec::Hashed);
    for (one, other) in [
        ((HOST, 5000), (PEER, 53)),
        ((HOST, 7), (PEER, 7)),
        ((HOST, 9), (HOST, 8)),
    ] {
        let there = between(one, other);
        let mut back = between(other, one);
        back.label = 0x5_4321;
        assert_eq!(flow_id(&spec, &there), flow_id(&spec, &back));
    }
    // Each end keeps its own port.
    assert_ne!(
        flow_id(&spec, &between((HOST, 5000), (PEER, 53))),
        flow_id(&spec, &between((HOST, 53), (PEER, 5000))),
    );
}

#[test]
fn rfc9326_3_2_every_node_and_worker_gives_a_flow_the_same_id() {
    let inline = exporter(FlowIdSpec::Hashed);
    let mut other = exporter(FlowIdSpec::Hashed);
    encapsulation(&mut other).placement = tunnel();
    (other.seed, other.entropy) = (77, [0x5A; 32]);
    other.node_id = Some(1);
    other.profiles[0].name = "another".to_owned();
    let sent = Packet::plain();
    assert_eq!(flow_id(&inline, &sent), flow_id(&other, &sent));
    // Whatever headers it has in front, and whatever comes with each packet.
    let behind = Packet::behind(&options(UDP, &[&ALERT, &LEAD]));
    assert_eq!(flow_id(&inline, &sent), flow_id(&inline, &behind));
    let longer = Packet::new(UDP, &[&udp(5000, 53), &[1; 100]]).hops(9);
    assert_eq!(flow_id(&inline, &sent), flow_id(&inline, &longer));
}

#[test]
fn rfc9326_3_2_other_flows_have_other_ids() {
    let spec = exporter(FlowIdSpec::Hashed);
    let mut seen = HashSet::new();
    for port in 0..1000 {
        seen.insert(flow_id(&spec, &between((HOST, port), (PEER, 53))));
    }
    for protocol in [6, 132, 58, 89] {
        let other = Packet::new(protocol, &[&udp(5000, 53)]);
        seen.insert(flow_id(&spec, &other));
    }
    for host in 1..100 {
        let other = Packet::plain().to(&format!("2001:db8:2::{host:x}:0"));
        seen.insert(flow_id(&spec, &other));
    }
    // 32 bits for about a thousand flows: a collision would be one chance in thousands.
    assert_eq!(seen.len(), 1000 + 4 + 99);
}

#[test]
fn rfc9326_3_2_without_an_id_there_is_no_such_field() {
    let (_, frame) = Bench::new(&exporter(FlowIdSpec::None)).forward(&Packet::plain());
    let expected = Carried {
        namespace: 123,
        flow_id: None,
        sequence: Some(0),
    };
    assert_eq!(carried(&frame), [expected]);
}
