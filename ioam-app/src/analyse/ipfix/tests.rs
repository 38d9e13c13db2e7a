// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Messages as exporters send them, and as nobody should.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::export::ipfix::ioam;

/// The number that RFC 5612 keeps for examples.
const ENTERPRISE: u32 = 32_473;

fn message(sequence: u32, domain: u32, sets: &[Vec<u8>]) -> Vec<u8> {
    let length: usize = HEADER + sets.iter().map(Vec::len).sum::<usize>();
    let mut octets = vec![0, 10];
    octets.extend(u16::try_from(length).unwrap().to_be_bytes());
    octets.extend([0; 4]);
    octets.extend(sequence.to_be_bytes());
    octets.extend(domain.to_be_bytes());
    octets.extend(sets.concat());
    octets
}

fn set(id: u16, body: &[u8]) -> Vec<u8> {
    let mut octets = id.to_be_bytes().to_vec();
    octets.extend(u16::try_from(body.len() + 4).unwrap().to_be_bytes());
    octets.extend(body);
    octets
}

/// A template set with elements of the enterprise, each with a length.
fn template(id: u16, fields: &[(u16, u16)]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    body.extend(u16::try_from(fields.len()).unwrap().to_be_bytes());
    for (element, length) in fields {
        body.extend((element | 0x8000).to_be_bytes());
        body.extend(length.to_be_bytes());
        body.extend(ENTERPRISE.to_be_bytes());
    }
    set(2, &body)
}

/// Namespace, flow, number, place, count, hop limit and node id of direct export.
fn hop_template(id: u16) -> Vec<u8> {
    let elements = [
        &ioam::NAMESPACE_ID,
        &ioam::OPTION_TYPE,
        &ioam::FLOW_ID,
        &ioam::SEQUENCE_NUMBER,
        &ioam::HOP_INDEX,
        &ioam::HOP_COUNT,
        &ioam::HOP_LIMIT,
        &ioam::NODE_ID,
    ];
    template(id, &elements.map(|element| (element.id, element.length)))
}

fn hop(option_type: u8, index: u8, count: u8, hop_limit: u8) -> Vec<u8> {
    let mut octets = vec![0, 123, option_type];
    octets.extend(7_u32.to_be_bytes());
    octets.extend(u32::from(hop_limit).to_be_bytes());
    octets.extend([index, count, hop_limit, 0, 0, 0, hop_limit]);
    octets
}

fn read(session: &mut Session, octets: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    session.message(octets, &mut events).unwrap();
    events
}

fn datagrams() -> Session {
    Session::new(Settings::default(), true)
}

#[test]
fn records_are_read_with_their_template_and_padding_is_none() {
    let mut session = datagrams();
    assert_eq!(read(&mut session, &message(0, 1, &[hop_template(256)])), []);
    let body = [hop(4, 0, 1, 64), hop(4, 0, 1, 63), vec![0, 0, 0]].concat();
    let events = read(&mut session, &message(0, 1, &[set(256, &body)]));
    let [Event::Card(one), Event::Card(other)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (one.flow_id, one.sequence, one.hop.node),
        (Some(7), Some(64), Some(64))
    );
    assert_eq!(
        (other.hop.hop_limit, other.context.namespace),
        (Some(63), 123)
    );
    let counts = session.counts();
    assert_eq!(
        (counts.messages, counts.data_records, counts.missed_records),
        (2, 2, 0)
    );
}

#[test]
fn traces_are_joined_and_one_that_lacks_a_node_is_counted() {
    let mut session = datagrams();
    read(&mut session, &message(0, 1, &[hop_template(256)]));
    let records = [
        (2, 3, 62),
        (1, 3, 63),
        (0, 3, 64),
        (1, 2, 63),
        (2, 3, 62),
        (0, 3, 64),
    ];
    let mut events = Vec::new();
    for (sequence, (index, count, limit)) in (0..).zip(records) {
        let body = hop(0, index, count, limit);
        events.extend(read(
            &mut session,
            &message(sequence, 1, &[set(256, &body)]),
        ));
    }
    let [Event::Trace(trace)] = &events[..] else {
        panic!("{events:?}")
    };
    let limits: Vec<_> = trace.hops.iter().map(|hop| hop.hop_limit).collect();
    assert_eq!(limits, [Some(64), Some(63), Some(62)]);
    assert_eq!(session.counts().incomplete_traces, 2);
}

#[test]
fn data_wait_for_their_template_and_the_sequence_starts_anew() {
    let mut session = datagrams();
    let data = set(256, &hop(4, 0, 1, 64));
    assert_eq!(
        read(&mut session, &message(10, 1, std::slice::from_ref(&data))),
        []
    );
    assert_eq!(session.counts().without_template, 1);
    let events = read(&mut session, &message(11, 1, &[hop_template(256)]));
    assert_eq!(events.len(), 1);
    let counts = session.counts();
    assert_eq!((counts.without_template, counts.missed_records), (0, 0));
    // Another domain has templates of its own.
    assert_eq!(read(&mut session, &message(0, 2, &[data])), []);
    assert_eq!(session.counts().without_template, 1);
}

#[test]
fn gaps_are_counted_in_records_and_a_late_message_fills_its_own() {
    let mut session = datagrams();
    read(&mut session, &message(u32::MAX, 1, &[hop_template(256)]));
    let one = |sequence| message(sequence, 1, &[set(256, &hop(4, 0, 1, 64))]);
    read(&mut session, &one(u32::MAX));
    read(&mut session, &one(3));
    assert_eq!(session.counts().missed_records, 3);
    read(&mut session, &one(1));
    let counts = session.counts();
    assert_eq!((counts.missed_records, counts.out_of_order), (2, 1));
    read(&mut session, &one(4));
    assert_eq!(session.counts().missed_records, 2);
}

#[test]
fn templates_are_withdrawn_over_connections_alone() {
    for (is_datagrams, read_after) in [(true, 1), (false, 0)] {
        for id in [256_u16, 2] {
            let mut session = Session::new(Settings::default(), is_datagrams);
            read(&mut session, &message(0, 1, &[hop_template(256)]));
            let withdrawal = [id.to_be_bytes(), [0, 0]].concat();
            read(&mut session, &message(0, 1, &[set(2, &withdrawal)]));
            let data = set(256, &hop(4, 0, 1, 64));
            assert_eq!(
                read(&mut session, &message(0, 1, &[data])).len(),
                read_after
            );
        }
    }
}

#[test]
fn elements_of_another_enterprise_are_not_ours_if_one_is_given() {
    let settings = Settings {
        enterprise: Some(9),
        ..Settings::default()
    };
    let mut session = Session::new(settings, true);
    read(&mut session, &message(0, 1, &[hop_template(256)]));
    let data = set(256, &hop(4, 0, 1, 64));
    assert_eq!(read(&mut session, &message(0, 1, &[data])), []);
    assert_eq!(session.counts().data_records, 1);
}

#[test]
fn profiles_have_names_though_those_go_under_another_domain() {
    let mut session = datagrams();
    let mut names = vec![1, 0x22, 0, 3, 0, 2, 0, 149, 0, 4, 0x80, 19, 0, 2];
    names.extend(ENTERPRISE.to_be_bytes());
    names.extend([1, 79, 255, 255]);
    let sequence = template(262, &[(17, 1), (19, 2), (65, 8), (66, 8)]);
    let name = [0, 0, 0, 1, 0, 3, 4, b'e', b'd', b'g', b'e'];
    read(
        &mut session,
        &message(0, 0, &[set(3, &names), set(290, &name)]),
    );
    let report = [vec![3, 0, 3], vec![0; 16], vec![3, 0, 4], vec![0; 16]].concat();
    let events = read(&mut session, &message(0, 1, &[sequence, set(262, &report)]));
    let [Event::Report(one), Event::Report(other)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (one.profile.as_str(), other.profile.as_str()),
        ("edge", "4")
    );
}

#[test]
fn the_elements_of_liege_are_read() {
    let mut body = vec![1, 0x25, 0, 17];
    for element in crate::export::ipfix::uliege::ALL {
        body.extend((element.id | 0x8000).to_be_bytes());
        body.extend(element.length.to_be_bytes());
        body.extend(crate::export::ipfix::uliege::ENTERPRISE.to_be_bytes());
    }
    let record = |limit: u8, flow: [u8; 4]| {
        let mut octets = vec![0, 123, limit, 0, 0, limit];
        octets.extend([0xFF; 4 + 16 + 7 + 16 + 3]);
        octets.push(0);
        octets.extend(flow);
        octets.extend([0, 0, 0, 9]);
        octets
    };
    let mut session = datagrams();
    read(&mut session, &message(0, 1, &[set(2, &body)]));
    let trace = [
        record(62, [0xFF; 4]),
        record(63, [0xFF; 4]),
        record(62, [0xFF; 4]),
    ]
    .concat();
    let card = record(61, [0, 0, 0, 5]);
    let mut events = read(
        &mut session,
        &message(0, 1, &[set(293, &trace), set(293, &card)]),
    );
    session.finish(&mut events);
    let [Event::Trace(whole), Event::Card(card), Event::Trace(last)] = &events[..] else {
        panic!("{events:?}")
    };
    let nodes: Vec<_> = whole.hops.iter().map(|hop| hop.node).collect();
    assert_eq!((nodes, last.hops.len()), (vec![Some(63), Some(62)], 1));
    assert_eq!(
        (card.flow_id, card.sequence, card.hop.node),
        (Some(5), Some(9), Some(61))
    );
}

#[test]
fn what_breaks_the_protocol_is_told_with_its_place() {
    let whole = message(0, 1, &[hop_template(256)]);
    let mut version = whole.clone();
    version[1] = 9;
    let no_octets = template(256, &[(32, 0)]);
    let short_set = vec![0, 2, 0, 3];
    let scope = set(3, &[1, 0, 0, 1, 0, 2, 0, 1, 0, 4]);
    for (octets, at, says) in [
        (&whole[..whole.len() - 1], 2, "not as long as it says"),
        (&version[..], 0, "version is not 10"),
        (&whole[..9], 8, "cut"),
        (&message(0, 1, &[set(9, &[])]), 16, "Set ID"),
        (&message(0, 1, &[short_set]), 16, "shorter than its header"),
        (
            &message(0, 1, &[set(2, &[0, 9, 0, 1, 0, 1, 0, 1])]),
            20,
            "below 256",
        ),
        (
            &message(0, 1, &[set(2, &[1, 0, 0, 2, 0, 1, 0, 1])]),
            28,
            "cut",
        ),
        (&message(0, 1, &[no_octets]), 20, "without an octet"),
        (&message(0, 1, &[scope]), 20, "a scope"),
    ] {
        let mut session = datagrams();
        let bad = session.message(octets, &mut Vec::new()).unwrap_err();
        assert!(bad.what.contains(says), "{bad}");
        assert_eq!((bad.at, session.counts().malformed), (at, 1), "{bad}");
    }
}

#[test]
fn memory_is_bounded_and_what_is_too_much_is_counted() {
    let mut session = datagrams();
    for domain in 0..300 {
        read(&mut session, &message(0, domain, &[set(999, &[0; 300])]));
    }
    let counts = session.counts();
    assert_eq!((counts.over_limit, counts.without_template), (44, 256));
    for _ in 0..400 {
        read(&mut session, &message(0, 1, &[set(999, &[0; 300])]));
    }
    assert_eq!(session.counts().without_template, 656);
    let mut session = datagrams();
    for id in 256..3256 {
        let fields = vec![(32, 1); 100];
        read(&mut session, &message(0, 1, &[template(id, &fields)]));
    }
    // 65,536 fields of 100 each.
    assert_eq!(session.counts().over_limit, 3000 - 655);
}

/// A node's real messages, to be spoilt.
fn real() -> Vec<Vec<u8>> {
    let body = [hop(0, 1, 2, 63), hop(0, 0, 2, 64), hop(4, 0, 1, 64)].concat();
    let raw = template(257, &[(17, 1), (3, 65535), (80, 65535), (66, 8), (65, 8)]);
    vec![
        message(0, 1, &[hop_template(256), raw]),
        message(0, 1, &[set(256, &body)]),
        message(3, 1, &[set(257, &[0, 3, 0, 1, 2, 255, 0, 4, 1, 2, 3, 4])]),
    ]
}

proptest! {
    #[test]
    fn garbage_is_no_reason_to_stop(octets in vec(any::<u8>(), 0..300), is_datagrams: bool) {
        let mut session = Session::new(Settings::default(), is_datagrams);
        let _ = session.message(&octets, &mut Vec::new());
    }

    #[test]
    fn spoilt_messages_are_no_reason_to_stop(
        spoils in vec((0..3_usize, any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cuts in vec((0..3_usize, any::<prop::sample::Index>()), 0..2),
        rounds in 1..4_usize,
    ) {
        let mut messages = real();
        for (message, at, octet) in spoils {
            let at = at.index(messages[message].len());
            messages[message][at] = octet;
        }
        for (message, at) in cuts {
            let at = at.index(messages[message].len());
            messages[message].truncate(at);
        }
        let mut session = datagrams();
        let mut events = Vec::new();
        for message in messages.iter().cycle().take(messages.len() * rounds) {
            let _ = session.message(message, &mut events);
        }
        session.finish(&mut events);
        let mut gathered = crate::analyse::gather::Gathered::default();
        for event in events {
            gathered.take(event, 0, std::time::Instant::now());
        }
        gathered.finish();
    }

    #[test]
    fn spoilt_sets_are_no_reason_to_stop(sets in vec((prop_oneof![Just(2_u16), Just(3), 250..260_u16], vec(any::<u8>(), 0..60)), 0..8)) {
        let sets: Vec<_> = sets.iter().map(|(id, body)| set(*id, body)).collect();
        let mut session = datagrams();
        for _ in 0..2 {
            let _ = session.message(&message(0, 1, &sets), &mut Vec::new());
        }
    }
}
