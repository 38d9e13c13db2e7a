// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 3.1.1: who puts direct export into which packets.

use crate::common::Bench;
use crate::common::direct_export::*;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::moment::Moment;
use ioam_dp::packet::HeapPacket;
use ioam_dp::record::Occasion;
use ioam_dp::stats::Notice;
use ioam_dp::table::spec::*;

/// How many of so many packets from each of 50 flows get the option.
fn sampled(sampling: Sampling, rounds: u32) -> Vec<u32> {
    let mut spec = exporter(FlowIdSpec::Hashed);
    encapsulation(&mut spec).sampling = sampling;
    spec.limits.direct_export = 0;
    let mut bench = Bench::new(&spec);
    let mut counts = vec![0; 50];
    for _ in 0..rounds {
        for (port, count) in (1000u16..).zip(&mut counts) {
            let sent = Packet::new(UDP, &[&udp(port, 53)]);
            let (_, frame) = bench.forward(&sent);
            if carried(&frame).is_empty() {
                assert_eq!(frame, sent.hops(63).frame());
            } else {
                *count += 1;
            }
        }
    }
    let total: u32 = counts.iter().sum();
    assert_eq!(bench.stats.profiles[0].done.get(), u64::from(total));
    counts
}

#[test]
fn rfc9326_3_1_1_a_subset_of_packets_can_be_selected() {
    let all = |counts: Vec<u32>| counts.iter().sum::<u32>();
    assert_eq!(all(sampled(Sampling::All, 10)), 500);
    assert_eq!(all(sampled(Sampling::FirstOf { k: 3, n: 10 }, 10)), 150);
    let random = all(sampled(Sampling::Random { n: 10 }, 40));
    assert!((140..260).contains(&random), "{random} of 2000");
    let flows = sampled(Sampling::PerFlow { n: 5 }, 10);
    assert!(flows.iter().all(|count| [0, 10].contains(count)));
    let chosen = flows.iter().filter(|count| **count > 0).count();
    assert!((2..25).contains(&chosen), "{chosen} of 50 flows");
}

#[test]
fn rfc9326_3_1_1_a_filter_selects() {
    let mut spec = exporter(FlowIdSpec::None);
    spec.profiles[0].filter.destination_ports = Some(53..=53);
    let mut bench = Bench::new(&spec);
    for (port, gets_it) in [(53, true), (54, false)] {
        let (_, frame) = bench.forward(&Packet::new(UDP, &[&udp(5000, port)]));
        assert_eq!(carried(&frame).len(), usize::from(gets_it));
    }
}

#[test]
fn rfc9326_3_1_1_other_nodes_add_nothing() {
    let transit = node_that(ActionSpec::Transit {
        namespaces: vec![123],
    });
    let end = node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())));
    for spec in [node(), transit, end] {
        assert_becomes(&spec, &Packet::plain(), &Packet::plain());
    }
}

#[test]
fn rfc9326_3_1_1_ioam_that_is_there_is_not_added_to() {
    let sent = exporting(&[&Dex::of(1, 2)]);
    for ioam in [true, false] {
        let mut spec = exporter(FlowIdSpec::None);
        spec.ports[0].ioam = ioam;
        let mut bench = Bench::new(&spec);
        let (_, frame) = bench.forward(&sent);
        assert_eq!(frame, sent.hops(63).frame());
        assert_eq!(bench.records.len(), usize::from(ioam));
    }
}

#[test]
fn rfc9326_3_1_1_the_encapsulating_node_may_export_at_once() {
    for placement in [Placement::Inline, tunnel()] {
        for record_self in [false, true] {
            let mut one = direct_export(FlowIdSpec::Fixed(0x00AB_CDEF));
            one.record_self = record_self;
            let what = puts_in(&[one], placement);
            let mut bench = Bench::new(&node_that(ActionSpec::Encapsulate(what)));
            let (_, frame) = bench.forward(&Packet::plain());
            assert_eq!(carried(&frame).len(), 1);
            if !record_self {
                assert!(bench.records.is_empty());
                continue;
            }
            let [record] = &bench.records[..] else {
                panic!("{} records", bench.records.len());
            };
            // The hop limit that the header with the option leaves with.
            let mut own = BY_B;
            let inline = placement == Placement::Inline;
            own[0] = if inline { BY_B[0] } else { 0x400B_0001 };
            let dex = Dex::of(0x00AB_CDEF, 0);
            assert_eq!(hex(record.option_data()), hex(&dex.with(&own)));
            assert_eq!(record.occasion, Occasion::DirectExport);
            assert_eq!(record.profile, Some(0));
            assert_eq!(record.flow.source, address(HOST).octets());
            let outer = if inline { HOST } else { TUNNEL_HEAD };
            assert_eq!(record.outer_source, address(outer).octets());
        }
    }
}

#[test]
fn rfc9326_3_1_1_what_it_exports_itself_is_measured() {
    let mut one = direct_export(FlowIdSpec::None);
    (one.trace_type, one.record_self) = (0x0A_1000, true);
    let what = puts_in(&[one], Placement::Inline);
    let mut bench = Bench::new(&node_that(ActionSpec::Encapsulate(what)));
    let packet = HeapPacket::new(&Packet::plain().frame(), 64);
    let (_, _, wanted) = bench.carry(packet, 0, &Moment::at(None));
    assert_eq!(wanted.bits(), 0x0A_1000);
}

/// Node B whose exports go to a receiver.
fn with_receiver(port: Option<u16>) -> NodeSpec {
    let mut spec = exporter(FlowIdSpec::Hashed);
    spec.receivers = vec![ReceiverSpec {
        address: address("2001:db8:fe::1").into(),
        port,
    }];
    spec
}

#[track_caller]
fn assert_exempt(spec: &NodeSpec, sent: &Packet, exempt: bool) {
    let mut bench = Bench::new(spec);
    let (_, frame) = bench.forward(sent);
    if exempt {
        assert_eq!(hex(&frame), hex(&sent.hops(63).frame()));
        assert_eq!(bench.counted(), [(Notice::DexToReceiver, 1)]);
    } else {
        assert_eq!(carried(&frame).len(), 1);
        assert_eq!(bench.counted(), []);
    }
}

#[test]
fn rfc9326_3_1_1_exports_to_a_receiver_never_get_the_option() {
    let to = |port| Packet::new(UDP, &[&udp(5000, port)]).to("2001:db8:fe::1");
    let ours = with_receiver(Some(4739));
    assert_exempt(&ours, &to(4739), true);
    assert_exempt(&ours, &to(4740), false);
    assert_exempt(&ours, &to(4739).to("2001:db8:fe::2"), false);
    assert_exempt(&ours, &to(4739).from("2001:db8:fe::1").to(PEER), false);
    let any = with_receiver(None);
    assert_exempt(&any, &to(4739), true);
    assert_exempt(&any, &to(80), true);
    assert_exempt(&any, &Packet::plain(), false);
    // IPFIX over TCP and SCTP, and whatever hides its ports.
    for protocol in [6, 132] {
        let other = Packet::new(protocol, &[&udp(5000, 4739)]).to("2001:db8:fe::1");
        assert_exempt(&ours, &other, true);
    }
    let esp = Packet::new(50, &[&[0; 32]]).to("2001:db8:fe::1");
    let fragment = [UDP, 0, 0, 8, 0, 0, 0, 9];
    let later = Packet::new(FRAGMENT, &[&fragment, &[0; 32]]).to("2001:db8:fe::1");
    assert_exempt(&ours, &esp, true);
    assert_exempt(&ours, &later, true);
}

#[test]
fn rfc9326_3_1_1_a_trace_alone_may_go_to_a_receiver() {
    let mut spec = with_receiver(None);
    *encapsulation(&mut spec) = encapsulate(KIND, 2, Placement::Inline);
    let mut bench = Bench::new(&spec);
    let (_, frame) = bench.forward(&Packet::plain().to("2001:db8:fe::1"));
    assert_eq!(ioam_options(&frame).len(), 1);
    // With direct export beside it, none of the profile's options.
    let dex = OptionSpec::DirectExport(direct_export(FlowIdSpec::None));
    encapsulation(&mut spec).options.push(dex);
    let mut bench = Bench::new(&spec);
    let (_, frame) = bench.forward(&Packet::plain().to("2001:db8:fe::1"));
    assert_eq!(ioam_options(&frame), Vec::<Vec<u8>>::new());
}

#[test]
fn rfc9326_3_1_1_packets_exempt_do_not_spend_the_sampling() {
    let mut spec = with_receiver(None);
    encapsulation(&mut spec).sampling = Sampling::FirstOf { k: 1, n: 2 };
    let mut bench = Bench::new(&spec);
    let (plain, export) = (Packet::plain(), Packet::plain().to("2001:db8:fe::1"));
    let got: Vec<_> = [&plain, &export, &export, &plain, &export, &plain]
        .into_iter()
        .map(|sent| sequence_of(&bench.forward(sent).1))
        .collect();
    assert_eq!(got, [Some(0), None, None, None, None, Some(1)]);
}

#[test]
fn rfc9486_3_several_namespaces_and_types_stand_in_one_header() {
    let mut spec = exporter(FlowIdSpec::Fixed(5));
    spec.namespaces.push(NamespaceSpec::plain(7));
    let seven = DirectExportSpec {
        namespace: 7,
        sequence: false,
        flow_id: FlowIdSpec::None,
        ..direct_export(FlowIdSpec::None)
    };
    let mut what = encapsulate(KIND, 2, Placement::Inline);
    what.options
        .push(OptionSpec::DirectExport(direct_export(FlowIdSpec::Fixed(
            5,
        ))));
    what.options.push(OptionSpec::DirectExport(seven));
    *encapsulation(&mut spec) = what;
    let mut bench = Bench::new(&spec);
    for number in 0..3 {
        let (_, frame) = bench.forward(&Packet::plain());
        let expected = carrying(&[
            Trace::new(123, KIND, 0, &OF_B).option(),
            Dex::of(5, number).option(),
            Dex::new(7, EXPORTED, 0, &[]).option(),
        ]);
        assert_eq!(hex(&frame), hex(&expected.hops(63).frame()));
    }
}
