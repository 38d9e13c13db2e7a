// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Packets written out, and what is gathered from them.

use std::time::Duration;

use ioam_dp::record::Flow;
use ioam_dp::table::spec::TimestampFormat;
use ioam_dp::timestamp::{Timestamp, WallTime};

use super::*;
use crate::analyse::event::Hop;

const SECONDS: u64 = 1_723_560_226;

/// A moment so many microseconds after the beginning.
fn at(microseconds: u64) -> WallTime {
    WallTime::from_nanoseconds(SECONDS * 1_000_000_000 + microseconds * 1000)
}

fn context(received: u64) -> Context {
    Context {
        received: Some(at(received)),
        format: Some(TimestampFormat::Posix),
        namespace: 123,
        ..Context::default()
    }
}

/// A trace of nodes with hop limit and microseconds, received at a moment.
fn trace(nodes: &[(u64, u8, u64)], received: u64) -> Trace {
    let hop = |(node, limit, when): &(u64, u8, u64)| Hop {
        node: Some(*node),
        hop_limit: Some(*limit),
        stamp: Some(Timestamp::new(TimestampFormat::Posix, at(*when))),
        ..Hop::default()
    };
    Trace {
        context: context(received),
        hops: nodes.iter().map(hop).collect(),
        ..Trace::default()
    }
}

/// The export of one node, which is at an end of the domain or not.
fn card(sequence: u32, node: u64, limit: u8, when: u64, ends: bool) -> Event {
    Event::Card(Card {
        context: Context {
            for_profile: ends,
            ..context(when)
        },
        flow_id: Some(7),
        sequence: Some(sequence),
        hop: Hop {
            node: Some(node),
            hop_limit: Some(limit),
            ..Hop::default()
        },
    })
}

fn gather(events: impl IntoIterator<Item = Event>) -> Gathered {
    let mut gathered = Gathered::default();
    let now = Instant::now();
    for event in events {
        gathered.take(event, 0, now);
    }
    gathered.finish();
    gathered
}

#[test]
fn a_trace_tells_each_link_and_the_end() {
    let packet = trace(&[(1, 64, 100), (2, 63, 350), (3, 61, 1000)], 1500);
    let gathered = gather([Event::Trace(packet)]);
    let links: Vec<_> = gathered
        .links
        .iter()
        .map(|(key, link)| (key.from, key.to, key.missing, link.delays.max()))
        .collect();
    let [a, b, c] = [1, 2, 3].map(Node::Id);
    assert_eq!(links, [(a, b, 0, Some(250_000)), (b, c, 1, Some(650_000))]);
    let [flow] = &gathered.flows[..] else {
        panic!("{gathered:?}")
    };
    assert_eq!(flow.end_to_end.max(), Some(1_400_000));
    let [path] = &flow.paths[..] else {
        panic!("{flow:?}")
    };
    assert_eq!(path.nodes, [a, b, Node::Missing(1), c]);
    assert_eq!(path.to_end.max(), Some(500_000));
    let before: Vec<_> = path
        .places
        .iter()
        .map(|place| place.from_before.max())
        .collect();
    assert_eq!(before, [None, Some(250_000), None, Some(650_000)]);
}

#[test]
fn exports_are_joined_in_any_order_and_a_copy_counts_once() {
    let gathered = gather([
        card(5, 3, 62, 300, true),
        card(5, 1, 64, 100, true),
        card(6, 1, 64, 1100, true),
        card(5, 2, 63, 180, false),
        card(5, 2, 63, 180, false),
        card(6, 3, 62, 1900, true),
    ]);
    let [flow] = &gathered.flows[..] else {
        panic!("{gathered:?}")
    };
    let paths: Vec<_> = flow
        .paths
        .iter()
        .map(|path| (path.nodes.clone(), path.packets))
        .collect();
    let [a, b, c] = [1, 2, 3].map(Node::Id);
    assert_eq!(
        paths,
        [(vec![a, b, c], 1), (vec![a, Node::Missing(1), c], 1)]
    );
    assert_eq!(flow.changes(), (vec![], 0), "somebody missing may be b");
    assert_eq!(gathered.card_counts().duplicates, 1);
    assert_eq!(flow.end_to_end.min(), Some(200_000));
}

#[test]
fn numbers_that_nobody_saw_are_counted_across_a_wrap_and_a_new_beginning() {
    let numbers = [u32::MAX - 1, 1, 0, 900_000_000, 900_000_003];
    let cards = (0..)
        .zip(numbers)
        .map(|(when, number)| card(number, 1, 64, when, true));
    let gathered = gather(cards);
    let key = gathered.flows[0].key;
    assert_eq!(gathered.unseen(&key), 1 + 2);
}

#[test]
fn packets_are_settled_when_others_were_waited_for_long_enough() {
    let mut gathered = Gathered::default();
    let now = Instant::now();
    gathered.take(card(5, 1, 64, 100, true), 0, now);
    gathered.tick(now + PATIENCE - Duration::from_millis(1));
    assert_eq!(gathered.flows.len(), 0);
    gathered.tick(now + PATIENCE);
    assert_eq!(gathered.flows[0].packets, 1);
    gathered.take(card(5, 2, 63, 100, true), 0, now + PATIENCE);
    gathered.take(card(6, 2, 63, 100, true), 0, now + PATIENCE);
    gathered.finish();
    assert_eq!(
        (gathered.card_counts().late, gathered.flows[0].packets),
        (1, 2)
    );
}

#[test]
fn a_lost_packet_is_no_change_of_path() {
    let mut cards = Vec::new();
    for number in 0..60 {
        let when = u64::from(number) * 1000;
        cards.push(card(number, 1, 64, when, true));
        cards.push(card(number, 2, 63, when + 100, false));
        if number % 3 != 0 {
            cards.push(card(number, 3, 62, when + 200, true));
        }
    }
    let gathered = gather(cards);
    let flow = &gathered.flows[0];
    assert_eq!((flow.paths.len(), flow.changes()), (2, (vec![], 0)));
    // What was lost was not on the way from end to end.
    assert_eq!(
        (flow.end_to_end.count, flow.end_to_end.min()),
        (40, Some(200_000))
    );
}

#[test]
fn flows_paths_and_links_are_bounded_and_what_is_more_is_counted() {
    let mut gathered = Gathered::default();
    for number in 0..MOST_FLOWS as u64 + 10 {
        let mut packet = trace(&[(number, 64, 1), (number + 1, 63, 2)], 3);
        packet.context.flow = Some(Flow {
            source: u128::from(number).to_be_bytes(),
            ..Flow::default()
        });
        gathered.take(Event::Trace(packet), 0, Instant::now());
    }
    assert_eq!(
        (gathered.flows.len(), gathered.flows_left_out),
        (MOST_FLOWS, 10)
    );
    assert_eq!(
        (gathered.links.len(), gathered.nodes.len()),
        (MOST_LINKS, MOST_LINKS)
    );
    assert!(gathered.links_left_out > 3000);
    let many = (0..100).map(|node| Event::Trace(trace(&[(1, 64, 1), (node, 63, 2)], 3)));
    let gathered = gather(many);
    assert_eq!(
        (gathered.flows[0].paths.len(), gathered.flows[0].left_out),
        (64, 36)
    );
}

#[test]
fn what_a_node_gathered_itself_counts_as_often_as_it_says() {
    let summary = Summary {
        context: context(9),
        nodes: vec![1, 2],
        packets: 40,
        delay: (2000, 1000, 9000),
    };
    let gathered = gather([Event::Summary(summary)]);
    let flow = &gathered.flows[0];
    assert_eq!((flow.packets, flow.paths[0].packets), (40, 40));
    assert_eq!(
        (
            flow.end_to_end.min(),
            flow.end_to_end.mean(),
            flow.end_to_end.max()
        ),
        (Some(1000), Some(2000), Some(9000))
    );
}
