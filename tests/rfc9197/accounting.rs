// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 4.6 at the decapsulating node: what a packet group's numbers and times tell.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use crate::common::options::*;
use ioam_dp::accounting::SequenceFigures;
use ioam_dp::record::{Occasion, SequenceReport};
use ioam_dp::stats::Notice;
use ioam_dp::table::spec::*;
use ioam_dp::wire::ioam::OptionType;

/// The tunnel's end, with this accounting.
fn end(accounting: AccountingSpec) -> NodeSpec {
    let mut what = decapsulate(tunnel_end());
    what.accounting = accounting;
    node_that(ActionSpec::Decapsulate(what))
}

fn plain_end() -> Bench {
    Bench::new(&end(AccountingSpec::default()))
}

/// `inner` in the tunnel with this edge-to-edge option.
fn with_option(inner: &Packet, option: &[u8]) -> Packet {
    around(inner, DESTINATION, &header(IP6, &[option]))
}

/// Sends it at so many nanoseconds; it has to come out decapsulated.
#[track_caller]
fn arrives(bench: &mut Bench, sent: &Packet, at: u64) {
    let mut now = moment();
    now.received = Some(later(at));
    let (_, frame) = bench.pass(&sent.frame(), 0, &now).expect("forwarded");
    assert_eq!(frame[20], UDP, "decapsulated");
}

/// A packet with this number of 32 bits.
fn numbered(number: u32) -> Packet {
    with_option(&Packet::plain(), &edge_to_edge(123, 0x4000, &[number]))
}

/// What is told at the end of these numbers.
fn figures(numbers: &[u32]) -> SequenceFigures {
    let mut bench = plain_end();
    for number in numbers {
        arrives(&mut bench, &numbered(*number), 0);
    }
    bench.finish();
    let [report] = &bench.reports[..] else {
        panic!("{} reports", bench.reports.len());
    };
    assert!(report.last);
    let told = report.figures.sequence;
    // The profile's counters say the same.
    let counts = &bench.stats.profiles[0].sequences;
    let counted = SequenceFigures {
        received: counts.received.get(),
        lost: counts.lost.get(),
        pending: 0,
        reordered: counts.reordered.get(),
        duplicates: counts.duplicates.get(),
        late: counts.late.get(),
        restarts: counts.restarts.get(),
    };
    assert_eq!(counted, told);
    assert_eq!(report.figures.packets, numbers.len() as u64);
    told
}

#[test]
fn rfc9197_4_6_a_whole_sequence_lacks_nothing() {
    let all: Vec<_> = (0..1000).collect();
    let told = SequenceFigures {
        received: 1000,
        ..SequenceFigures::default()
    };
    assert_eq!(figures(&all), told);
}

#[test]
fn rfc9197_4_6_what_is_missing_is_lost_exactly() {
    let some: Vec<_> = (0..2000).filter(|number| number % 7 != 3).collect();
    let told = figures(&some);
    // The last number, 1999, is there to show that all before it were sent.
    assert_eq!(told.received, some.len() as u64);
    assert_eq!(told.received + told.lost, 2000);
    assert_eq!((told.pending, told.reordered, told.late), (0, 0, 0));
    // The very first ones too.
    assert_eq!(figures(&[3, 4, 5]).lost, 3);
}

#[test]
fn rfc9197_4_6_what_is_overtaken_is_reordered_and_not_lost() {
    let told = figures(&[0, 2, 1, 3, 6, 5, 4, 7]);
    assert_eq!((told.received, told.lost, told.reordered), (8, 0, 3));
    assert_eq!(figures(&[1, 0]).reordered, 1);
}

#[test]
fn rfc9197_4_6_a_copy_is_a_duplicate() {
    let told = figures(&[0, 1, 1, 2, 0, 0]);
    assert_eq!((told.received, told.duplicates), (6, 3));
    assert_eq!((told.lost, told.reordered), (0, 0));
}

#[test]
fn rfc9197_4_6_what_comes_behind_the_window_is_late_and_stays_lost() {
    let mut all: Vec<_> = (0..10_000).filter(|number| *number != 9000).collect();
    all.push(9000);
    let told = figures(&all);
    assert_eq!((told.lost, told.late, told.reordered), (1, 1, 0));
    // As far back as the window is long it still counts.
    let mut all: Vec<_> = (0..1000).filter(|number| *number != 744).collect();
    all.push(744);
    let told = figures(&all);
    assert_eq!((told.lost, told.late, told.reordered), (0, 0, 1));
}

#[test]
fn rfc9197_4_6_a_sender_that_starts_over_is_told() {
    let all: Vec<_> = (5000..6000).chain(0..500).collect();
    let told = figures(&all);
    assert_eq!((told.received, told.restarts, told.lost), (1500, 1, 0));
    assert_eq!((told.late, told.duplicates), (0, 0));
}

#[test]
fn rfc9197_4_6_one_stray_number_is_no_start() {
    let mut all: Vec<_> = (0..100).collect();
    all.push(0x8000_0000);
    all.extend(100..200);
    let told = figures(&all);
    assert_eq!((told.restarts, told.late, told.lost), (0, 1, 0));
}

#[test]
fn rfc9197_4_6_a_sequence_that_wraps_goes_on() {
    let all: Vec<_> = (0..600u32).map(|step| step.wrapping_sub(300)).collect();
    let told = figures(&all);
    assert_eq!((told.received, told.lost, told.restarts), (600, 0, 0));
    let mut bench = plain_end();
    for step in 0..600u64 {
        let number = step.wrapping_sub(300);
        let words = [(number >> 32) as u32, number as u32];
        let option = edge_to_edge(123, 0x8000, &words);
        arrives(&mut bench, &with_option(&Packet::plain(), &option), 0);
    }
    bench.finish();
    let told = bench.reports[0].figures.sequence;
    assert_eq!((told.received, told.lost, told.restarts), (600, 0, 0));
}

#[test]
fn rfc9197_4_6_a_long_number_is_not_cut() {
    let mut bench = plain_end();
    // Two that are equal in their lower half, far apart, and the next after each.
    for words in [[1, 7], [2, 7], [2, 8], [2, 9]] {
        let option = edge_to_edge(123, 0x8000, &words);
        arrives(&mut bench, &with_option(&Packet::plain(), &option), 0);
    }
    bench.finish();
    let told = bench.reports[0].figures.sequence;
    assert_eq!((told.restarts, told.duplicates, told.lost), (1, 0, 0));
}

#[test]
fn rfc9197_4_6_a_report_says_whose_it_is() {
    let mut bench = plain_end();
    arrives(&mut bench, &numbered(0), 0);
    arrives(&mut bench, &numbered(1), 5 * SECOND);
    bench.finish();
    let SequenceReport {
        received,
        profile,
        namespace,
        option_type,
        outer_source,
        flow_id,
        flow,
        last,
        figures,
    } = bench.reports.remove(0);
    assert_eq!(received, later(5 * SECOND));
    assert_eq!((profile, namespace.0, last), (0, 123, true));
    assert_eq!(option_type, OptionType::EdgeToEdge);
    assert_eq!(outer_source, address(TUNNEL_HEAD).octets());
    assert_eq!((flow_id, flow), (None, None));
    assert_eq!(figures.first, Some(later(0)));
    assert_eq!(figures.last, Some(later(5 * SECOND)));
    // At the end means once.
    bench.finish();
    assert!(bench.reports.is_empty());
}

#[test]
fn rfc9197_4_6_a_report_is_made_at_its_interval() {
    let mut bench = plain_end();
    for (number, second) in (0..).zip([0, 1, 9, 10, 11, 19, 20, 55, 56]) {
        arrives(&mut bench, &numbered(number), second * SECOND);
    }
    let seen = bench.reports.iter();
    let seen: Vec<_> = seen
        .map(|report| (report.figures.packets, report.last))
        .collect();
    // Figures count from the group's start.
    assert_eq!(seen, [(4, false), (7, false), (8, false)]);
}

#[test]
fn rfc9197_4_6_what_could_still_come_is_pending_until_the_end() {
    let mut bench = plain_end();
    for (number, second) in [(0, 0), (2, 5), (5, 10)] {
        arrives(&mut bench, &numbered(number), second * SECOND);
    }
    let told = bench.reports[0].figures.sequence;
    assert_eq!((told.lost, told.pending), (0, 3));
    bench.finish();
    let told = bench.reports[1].figures.sequence;
    assert_eq!((told.lost, told.pending), (3, 0));
}

#[test]
fn rfc9197_4_6_a_group_that_goes_silent_is_reported_on_and_forgotten() {
    let mut spec = end(AccountingSpec::default());
    (spec.flows.groups, spec.flows.idle_seconds) = (8, 60);
    let mut bench = Bench::new(&spec);
    arrives(&mut bench, &numbered(0), 0);
    arrives(&mut bench, &numbered(2), SECOND);
    for second in 2..=61 {
        bench.tick(later(second * SECOND));
        assert!(bench.reports.is_empty(), "second {second}");
    }
    bench.tick(later(62 * SECOND));
    let [report] = &bench.reports[..] else {
        panic!("{} reports", bench.reports.len());
    };
    assert!(report.last);
    assert_eq!(report.figures.sequence.lost, 1);
    assert_eq!(bench.stats.profiles[0].sequences.lost.get(), 1);
    // Coming back it is a new group.
    arrives(&mut bench, &numbered(0), 70 * SECOND);
    bench.finish();
    assert_eq!(bench.reports[1].figures.packets, 1);
}

#[test]
fn rfc9197_4_6_delay_is_receipt_less_entry_in_every_format() {
    // Sent at 1723560226.123456789 UTC, in each format; received 2.5 ms later.
    for (format, time, fine) in [
        (TimestampFormat::Posix, [1_723_560_226, 123_456], 1000),
        (
            TimestampFormat::Ptp { tai_offset: 37 },
            [1_723_560_263, 123_456_789],
            1,
        ),
        (
            TimestampFormat::Ntp,
            [(1_723_560_226u64 + 2_208_988_800) as u32, 530_242_871],
            2,
        ),
    ] {
        let mut spec = end(AccountingSpec::default());
        spec.namespaces[0].timestamp = format;
        let mut bench = Bench::new(&spec);
        for (number, at) in [(0, 2_500_000), (1, 4_500_000)] {
            let option = edge_to_edge(123, 0x7000, &[number, time[0], time[1]]);
            arrives(&mut bench, &with_option(&Packet::plain(), &option), at);
        }
        bench.finish();
        let delay = bench.reports[0].figures.delay.expect("timestamps");
        assert_eq!(delay.count, 2);
        for (told, is) in [(delay.min, 2_500_000), (delay.max, 4_500_000)] {
            assert!((is..is + fine).contains(&told), "{format:?}: {told}");
        }
    }
}

#[test]
fn rfc9197_4_6_clocks_that_disagree_show_as_a_negative_delay() {
    let mut bench = plain_end();
    let option = edge_to_edge(123, 0x7000, &[0, 1_723_560_227, 123_456]);
    arrives(&mut bench, &with_option(&Packet::plain(), &option), 0);
    bench.finish();
    let delay = bench.reports[0].figures.delay.expect("timestamps");
    assert_eq!(delay.min, -999_999_211);
}

#[test]
fn rfc9197_4_6_a_time_that_is_not_whole_gives_no_delay() {
    for (kind, words) in [
        (0x6000, &[0, 1_723_560_226][..]),
        (0x5000, &[0, 123_456]),
        (0x7000, &[0, u32::MAX, 123_456]),
        (0x7000, &[0, 1_723_560_226, u32::MAX]),
        // More microseconds than a second has.
        (0x7000, &[0, 1_723_560_226, 1_000_000]),
    ] {
        let mut bench = plain_end();
        let option = edge_to_edge(123, kind, words);
        arrives(&mut bench, &with_option(&Packet::plain(), &option), 0);
        bench.finish();
        assert_eq!(bench.reports[0].figures.delay, None);
        assert_eq!(bench.reports[0].figures.sequence.received, 1);
    }
}

#[test]
fn rfc9197_4_6_a_time_without_a_number_is_accounted_for_too() {
    let mut bench = plain_end();
    let option = edge_to_edge(123, 0x3000, &[1_723_560_226, 123_456]);
    arrives(&mut bench, &with_option(&Packet::plain(), &option), 0);
    bench.finish();
    let figures = bench.reports[0].figures;
    assert_eq!((figures.packets, figures.sequence.received), (1, 0));
    assert!(figures.delay.is_some());
}

#[test]
fn rfc9197_4_6_each_encapsulating_node_has_its_own_group() {
    let mut bench = plain_end();
    for number in 0..10 {
        arrives(&mut bench, &numbered(number), 0);
        arrives(&mut bench, &numbered(number).from("2001:db8:ff::9"), 0);
    }
    bench.finish();
    assert_eq!(bench.reports.len(), 2);
    for report in &bench.reports {
        assert_eq!(report.figures.sequence.received, 10);
        assert_eq!(report.figures.sequence.duplicates, 0);
    }
}

#[test]
fn rfc9197_4_6_each_namespace_and_each_tunnel_has_its_own_group() {
    let mut what = decapsulate(tunnel_end());
    what.namespaces = vec![123, 7];
    let mut other = what.clone();
    other.placement = DecapsulatePlacement::Ip6InIp6 {
        destination: Some(address("2001:db8:ff::e")),
    };
    let mut spec = node_that(ActionSpec::Decapsulate(what));
    spec.profiles.push(profile(ActionSpec::Decapsulate(other)));
    spec.namespaces.push(NamespaceSpec::plain(7));
    let mut bench = Bench::new(&spec);
    for number in 0..10 {
        let of_7 = edge_to_edge(7, 0x4000, &[number]);
        for sent in [numbered(number), with_option(&Packet::plain(), &of_7)] {
            arrives(&mut bench, &sent, 0);
            arrives(&mut bench, &sent.to("2001:db8:ff::e"), 0);
        }
    }
    bench.finish();
    let mut whose: Vec<_> = bench
        .reports
        .iter()
        .map(|report| {
            let told = report.figures.sequence;
            assert_eq!((told.received, told.duplicates), (10, 0));
            (report.profile, report.namespace.0)
        })
        .collect();
    whose.sort_unstable();
    assert_eq!(whose, [(0, 7), (0, 123), (1, 7), (1, 123)]);
}

#[test]
fn rfc9197_4_6_groups_that_are_flows_name_them() {
    let mut bench = Bench::new(&end(AccountingSpec {
        group: GroupSpec::Flow,
        ..AccountingSpec::default()
    }));
    for number in 0..10 {
        let option = edge_to_edge(123, 0x4000, &[number]);
        for port in [1, 2, 3] {
            let inner = Packet::new(UDP, &[&udp(port, 53)]);
            arrives(&mut bench, &with_option(&inner, &option), 0);
        }
    }
    bench.finish();
    let mut ports: Vec<_> = bench
        .reports
        .iter()
        .map(|report| {
            assert_eq!(report.figures.sequence.received, 10);
            report.flow.expect("a flow").source_port
        })
        .collect();
    ports.sort_unstable();
    assert_eq!(ports, [1, 2, 3]);
}

#[test]
fn rfc9197_4_6_two_nodes_with_neighbouring_addresses_share_no_flow() {
    // Whatever their addresses and namespaces differ by.
    let mut what = decapsulate(tunnel_end());
    what.namespaces = vec![0, 5, 6, 7, 123];
    what.accounting.group = GroupSpec::Flow;
    let mut spec = node_that(ActionSpec::Decapsulate(what));
    for id in [5, 6, 7] {
        spec.namespaces.push(NamespaceSpec::plain(id));
    }
    let mut bench = Bench::new(&spec);
    for namespace in [0, 5, 6, 7, 123] {
        for host in 0..16 {
            let option = edge_to_edge(namespace, 0x4000, &[0]);
            let sent = with_option(&Packet::plain(), &option);
            arrives(&mut bench, &sent.from(&format!("2001:db8:ff::{host:x}")), 0);
        }
    }
    bench.finish();
    assert_eq!(bench.reports.len(), 80);
}

#[test]
fn rfc9197_4_6_a_table_that_is_full_is_counted_and_bounded() {
    let mut spec = end(AccountingSpec {
        group: GroupSpec::Flow,
        ..AccountingSpec::default()
    });
    spec.flows.groups = 1;
    let mut bench = Bench::new(&spec);
    let option = edge_to_edge(123, 0x4000, &[0]);
    for port in 1..=100 {
        let inner = Packet::new(UDP, &[&udp(port, 53)]);
        arrives(&mut bench, &with_option(&inner, &option), 0);
    }
    let full = bench.stats.notices(Notice::GroupTableFull);
    bench.finish();
    assert_eq!(bench.reports.len() as u64 + full, 100);
    assert!((1..=8).contains(&bench.reports.len()));
    assert_eq!(bench.counted(), [(Notice::GroupTableFull, full)]);
}

#[test]
fn rfc9197_4_6_one_packet_in_a_million_is_no_reason_to_forget_a_group() {
    // An idle group makes room for a new one, and is reported on.
    let mut spec = end(AccountingSpec {
        group: GroupSpec::Flow,
        ..AccountingSpec::default()
    });
    (spec.flows.groups, spec.flows.idle_seconds) = (1, 60);
    let mut bench = Bench::new(&spec);
    let option = edge_to_edge(123, 0x4000, &[0]);
    for port in 1..=100 {
        let inner = Packet::new(UDP, &[&udp(port, 53)]);
        let at = u64::from(port) * 100 * SECOND;
        arrives(&mut bench, &with_option(&inner, &option), at);
    }
    bench.finish();
    assert_eq!(bench.reports.len(), 100);
    assert_eq!(bench.counted(), []);
}

#[test]
fn rfc9197_4_6_inline_it_is_taken_out_and_accounted_for() {
    let mut what = decapsulate(DecapsulatePlacement::Inline);
    what.accounting.record_packets = true;
    let spec = node_that(ActionSpec::Decapsulate(what));
    let option = edge_to_edge(123, 0x4000, &[0]);
    let rest = udp(5000, 53);
    let alone = Packet::new(DESTINATION, &[&header(UDP, &[&option]), &rest]);
    let alert = |next| options(next, &[&ALERT, &LEAD]);
    let behind = Packet::new(
        HOP_BY_HOP,
        &[&alert(DESTINATION), &header(UDP, &[&option]), &rest],
    );
    let left = Packet::new(HOP_BY_HOP, &[&alert(UDP), &rest]);
    for (sent, left) in [(alone, Packet::plain()), (behind, left)] {
        let mut bench = Bench::new(&spec);
        let (_, frame) = bench.forward(&sent);
        assert_eq!(hex(&frame), hex(&left.hops(63).frame()));
        bench.finish();
        assert_eq!(bench.reports[0].outer_source, address(HOST).octets());
        assert_eq!(bench.records[0].option_data(), &option[4..]);
    }
}

#[test]
fn rfc9197_4_6_under_either_number() {
    let mut bench = plain_end();
    for (number, kind) in [(0, IMMUTABLE), (1, MUTABLE), (2, IMMUTABLE)] {
        let mut option = edge_to_edge(123, 0x4000, &[number]);
        option[0] = kind;
        arrives(&mut bench, &with_option(&Packet::plain(), &option), 0);
    }
    bench.finish();
    assert_eq!(bench.reports[0].figures.sequence.received, 3);
}

/// The packet is decapsulated without being accounted for.
#[track_caller]
fn unaccounted(option: &[u8], notices: &[Notice]) {
    let mut bench = plain_end();
    arrives(&mut bench, &with_option(&Packet::plain(), option), 0);
    bench.finish();
    assert!(bench.reports.is_empty());
    assert!(bench.records.is_empty());
    let once: Vec<_> = notices.iter().map(|notice| (*notice, 1)).collect();
    assert_eq!(bench.counted(), once);
}

#[test]
fn rfc9197_4_6_both_sequence_numbers_are_malformed() {
    for kind in [0xC000, 0xF000, 0xC800] {
        let option = edge_to_edge(123, kind, &[0, 0, 0, 0, 0]);
        unaccounted(&option, &[Notice::E2eBothSequences, Notice::DecapForeign]);
    }
}

#[test]
fn rfc9197_4_6_an_option_shorter_than_its_fields_is_malformed() {
    for (kind, words) in [
        (0x8000, &[0][..]),
        (0x4000, &[]),
        (0x7000, &[0, 0]),
        (0xB000, &[0, 0, 0]),
    ] {
        let option = edge_to_edge(123, kind, words);
        unaccounted(&option, &[Notice::E2eShort, Notice::DecapForeign]);
    }
    // Not even a type.
    let option = ioam(IMMUTABLE, 3, &[0, 123]);
    unaccounted(&option, &[Notice::E2eShort, Notice::DecapForeign]);
}

#[test]
fn rfc9197_4_6_undefined_bits_and_what_they_may_stand_for_are_ignored() {
    let mut bench = plain_end();
    for number in 0..10 {
        let words = [number, 1_723_560_226, 123_456, 0xDEAD_BEEF, 0xDEAD_BEEF];
        let option = edge_to_edge(123, 0x7FFF, &words);
        arrives(&mut bench, &with_option(&Packet::plain(), &option), 0);
    }
    bench.finish();
    let figures = bench.reports[0].figures;
    assert_eq!(figures.sequence.received, 10);
    assert_eq!(figures.delay.map(|delay| delay.count), Some(10));
    assert_eq!(bench.counted(), []);
}

#[test]
fn rfc9197_4_6_another_namespaces_option_is_not_accounted_for() {
    let option = edge_to_edge(0x0BAD, 0x4000, &[0]);
    let mut bench = plain_end();
    arrives(&mut bench, &with_option(&Packet::plain(), &option), 0);
    bench.finish();
    assert!(bench.reports.is_empty());
}

#[test]
fn rfc9197_4_6_each_packet_is_recorded_where_asked_for() {
    for record_packets in [false, true] {
        let mut bench = Bench::new(&end(AccountingSpec {
            record_packets,
            ..AccountingSpec::default()
        }));
        for number in 0..5 {
            arrives(&mut bench, &numbered(number), 0);
        }
        assert_eq!(bench.records.len(), if record_packets { 5 } else { 0 });
        for (number, record) in (0..).zip(&bench.records) {
            assert_eq!(record.occasion, Occasion::Decapsulated);
            assert_eq!(record.option_type, OptionType::EdgeToEdge);
            let option = edge_to_edge(123, 0x4000, &[number]);
            assert_eq!(record.option_data(), &option[4..]);
        }
        assert_eq!(bench.stats.namespaces[1].decapsulated.get(), 5);
    }
}
