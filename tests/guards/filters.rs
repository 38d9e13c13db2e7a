// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which packets a profile gets, and how many of them: ordered rules, sampling, exact counts.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use ioam_dp::table::spec::*;

fn sampling(sampling: Sampling) -> Bench {
    let mut what = encapsulate(KIND, 4, Placement::Inline);
    what.sampling = sampling;
    Bench::new(&node_that(ActionSpec::Encapsulate(what)))
}

/// Whether the packet got an option.
fn takes(bench: &mut Bench, sent: &Packet) -> bool {
    bench.forward(sent).1.len() > sent.frame().len()
}

fn of_flow(flow: u16) -> Packet {
    Packet::new(UDP, &[&udp(1024 + flow, 53)])
}

#[test]
fn k_of_n_is_exact() {
    for (k, n) in [(1, 1), (1, 2), (1, 10), (3, 7), (7, 7)] {
        let mut bench = sampling(Sampling::FirstOf { k, n });
        let taken: Vec<_> = (0..n * 10)
            .map(|_| takes(&mut bench, &Packet::plain()))
            .collect();
        for (place, taken) in (0..).zip(taken) {
            assert_eq!(taken, place % n < k, "packet {place} of {k}/{n}");
        }
        let counts = &bench.stats.profiles[0];
        assert_eq!(counts.selected.get(), u64::from(n) * 10);
        assert_eq!(counts.sampled.get(), u64::from(k) * 10);
        assert_eq!(counts.done.get(), u64::from(k) * 10);
    }
}

#[test]
fn random_takes_its_share_and_counts_each() {
    let mut bench = sampling(Sampling::Random { n: 10 });
    let packets = 20_000;
    let taken = (0..packets).filter(|_| takes(&mut bench, &Packet::plain()));
    let taken = taken.count() as u64;
    assert!((1800..2200).contains(&taken), "{taken} of {packets}");
    let counts = &bench.stats.profiles[0];
    assert_eq!(counts.selected.get(), packets);
    assert_eq!((counts.sampled.get(), counts.done.get()), (taken, taken));
    let counts = &bench.stats.namespaces[1];
    assert_eq!(counts.encapsulated.get(), taken);
}

#[test]
fn per_flow_takes_all_packets_of_a_share_of_the_flows() {
    let mut bench = sampling(Sampling::PerFlow { n: 4 });
    let first: Vec<_> = (0..2000)
        .map(|flow| takes(&mut bench, &of_flow(flow)))
        .collect();
    let again: Vec<_> = (0..2000)
        .map(|flow| takes(&mut bench, &of_flow(flow).hops(9)))
        .collect();
    assert_eq!(first, again);
    let taken = first.iter().filter(|taken| **taken).count();
    assert!((430..570).contains(&taken), "{taken} of 2000 flows");
    let counts = &bench.stats.profiles[0];
    assert_eq!(counts.selected.get(), 4000);
    assert_eq!(counts.sampled.get(), 2 * taken as u64);
}

#[test]
fn per_flow_takes_its_share_of_addresses_too() {
    let mut bench = sampling(Sampling::PerFlow { n: 4 });
    let hosts = (1..=2000).map(|host| Packet::plain().from(&format!("2001:db8:1::{host:x}")));
    let taken = hosts.filter(|sent| takes(&mut bench, sent)).count();
    assert!((430..570).contains(&taken), "{taken} of 2000 hosts");
}

#[test]
fn the_first_profile_that_wants_a_packet_has_it() {
    let mut spec = node();
    let words = [2, 4, 6];
    spec.profiles = words
        .map(|words| profile(ActionSpec::Encapsulate(encapsulate(KIND, words, tunnel()))))
        .to_vec();
    spec.profiles[0].filter.destination_ports = Some(53..=53);
    spec.profiles[1].filter.destination_ports = Some(50..=60);
    let mut bench = Bench::new(&spec);
    for (port, words) in [(53, 2), (54, 4), (80, 6), (53, 2)] {
        let (_, frame) = bench.forward(&Packet::new(UDP, &[&udp(1, port)]));
        assert_eq!(usize::from(frame[EXTENSIONS + 5]), 10 + 4 * words);
    }
    let selected = bench.stats.profiles.iter().map(|p| p.selected.get());
    assert_eq!(selected.collect::<Vec<_>>(), [2, 1, 1]);
}

#[test]
fn a_packet_not_sampled_is_not_the_next_profiles() {
    let mut spec = node();
    let mut rare = encapsulate(KIND, 2, tunnel());
    rare.sampling = Sampling::FirstOf { k: 1, n: 2 };
    let other = encapsulate(KIND, 4, tunnel());
    spec.profiles = [rare, other]
        .map(|what| profile(ActionSpec::Encapsulate(what)))
        .to_vec();
    let mut bench = Bench::new(&spec);
    for _ in 0..4 {
        bench.forward(&Packet::plain());
    }
    let counts = bench.stats.profiles.iter();
    let counts: Vec<_> = counts.map(|p| (p.selected.get(), p.done.get())).collect();
    assert_eq!(counts, [(4, 2), (0, 0)]);
}

fn prefix(text: &str, length: u8) -> Option<PrefixSpec> {
    Some(PrefixSpec {
        address: address(text),
        length,
    })
}

/// Whether a profile with this filter takes a packet of class 185 to port 53.
fn wants(filter: impl FnOnce(&mut FilterSpec)) -> bool {
    let what = ActionSpec::Encapsulate(encapsulate(KIND, 4, tunnel()));
    let mut spec = node_that(what);
    filter(&mut spec.profiles[0].filter);
    let sent = Packet {
        class: 46 << 2 | 1,
        ..Packet::plain()
    };
    takes(&mut Bench::new(&spec), &sent)
}

#[test]
fn a_filter_wants_what_each_of_its_fields_matches() {
    assert!(wants(|_| ()));
    assert!(wants(|filter| filter.in_ports = vec![0]));
    assert!(wants(|filter| filter.in_ports = vec![1, 0]));
    assert!(wants(|filter| filter.source = prefix("2001:db8:1::", 48)));
    assert!(wants(|filter| filter.source = prefix(HOST, 128)));
    assert!(wants(|filter| filter.source = prefix("ff::", 0)));
    assert!(wants(
        |filter| filter.destination = prefix("2001:db8:3::", 47)
    ));
    assert!(wants(|filter| filter.next_header = Some(UDP)));
    assert!(wants(|filter| filter.source_ports = Some(5000..=5000)));
    assert!(wants(|filter| filter.destination_ports = Some(0..=53)));
    assert!(wants(|filter| filter.dscp = Some(46)));
    assert!(wants(|filter| filter.flow_label = Some(0x1_2345)));
    assert!(wants(|filter| filter.length = Some(56..=56)));
}

#[test]
fn a_filter_wants_nothing_that_one_of_its_fields_does_not_match() {
    assert!(!wants(|filter| filter.in_ports = vec![1]));
    assert!(!wants(|filter| filter.source = prefix("2001:db8:2::", 48)));
    assert!(!wants(|filter| filter.source = prefix("2001:db8:1::2", 128)));
    assert!(!wants(|filter| filter.destination = prefix(HOST, 48)));
    assert!(!wants(|filter| filter.next_header = Some(6)));
    assert!(!wants(|filter| filter.source_ports = Some(5001..=6000)));
    assert!(!wants(|filter| filter.destination_ports = Some(54..=60)));
    assert!(!wants(|filter| filter.dscp = Some(47)));
    assert!(!wants(|filter| filter.flow_label = Some(0)));
    assert!(!wants(|filter| filter.length = Some(57..=1500)));
    assert!(!wants(|filter| {
        filter.next_header = Some(UDP);
        filter.dscp = Some(0);
    }));
}

#[test]
fn the_upper_layer_is_behind_any_extension_header() {
    let what = ActionSpec::Encapsulate(encapsulate(KIND, 4, tunnel()));
    let mut spec = node_that(what);
    spec.profiles[0].filter.next_header = Some(UDP);
    spec.profiles[0].filter.destination_ports = Some(53..=53);
    let pad = [1, 4, 0, 0, 0, 0];
    let mut ah = vec![UDP, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    ah.extend([0xA5; 12]);
    let routing = [UDP, 0, 4, 0, 0, 0, 0, 0];
    for (next, header) in [
        (HOP_BY_HOP, options(UDP, &[&pad])),
        (DESTINATION, options(UDP, &[&pad])),
        (ROUTING, routing.to_vec()),
        (FRAGMENT, vec![UDP, 0, 0, 1, 0, 0, 0, 9]),
        (AH, ah),
    ] {
        let sent = Packet::new(next, &[&header, &udp(5000, 53)]);
        assert!(takes(&mut Bench::new(&spec), &sent), "behind {next}");
    }
    let later = [UDP, 0, 0, 8, 0, 0, 0, 9];
    let sent = Packet::new(FRAGMENT, &[&later, &udp(5000, 53)]);
    assert!(!takes(&mut Bench::new(&spec), &sent), "in a later fragment");
}

#[test]
fn several_roles_in_one_process() {
    // Encapsulation into 123, transit for 7 on one port only, decapsulation of 9.
    let mut spec = node();
    spec.namespaces.extend([7, 9].map(NamespaceSpec::plain));
    let mut collect = decapsulate(tunnel_end());
    collect.namespaces = vec![9];
    let transit = ActionSpec::Transit {
        namespaces: vec![7],
    };
    spec.profiles = vec![
        profile(ActionSpec::Encapsulate(encapsulate(KIND, 4, tunnel()))),
        profile(transit),
        profile(ActionSpec::Decapsulate(collect)),
    ];
    // Packets with a trace are longer, and do not enter the tunnel.
    spec.profiles[0].filter.length = Some(0..=60);
    spec.profiles[1].filter.in_ports = vec![0];
    let mut bench = Bench::new(&spec);
    let of = |namespace| Trace {
        namespace,
        ..trace()
    };
    bench.forward(&Packet::plain());
    bench.forward(&Packet::plain().tunnelled(&[&of(9)]));
    let (_, frame) = bench.forward(&Packet::traced(&[&of(7)]));
    let filled = Packet::traced(&[&of(7).with_element(&OF_B)]).hops(63);
    assert_eq!(frame, filled.frame());
    assert_eq!(bench.noticed(), [""; 0]);
    let out = bench.pass(&Packet::traced(&[&of(7)]).frame(), 1, &moment());
    assert_eq!(
        out.expect("forwarded").1,
        Packet::traced(&[&of(7)]).hops(63).frame()
    );
    assert_eq!(bench.noticed(), ["no_profile"]);
    let done = bench.stats.profiles.iter().map(|p| p.done.get());
    assert_eq!(done.collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(bench.records.len(), 1);
    assert_eq!(
        (bench.records[0].namespace.0, bench.records[0].profile),
        (9, Some(2))
    );
}
