// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Paths out of traces that are written out, as often as the budget allows.

use super::*;
use crate::export::ndjson::tests::{record, tables};

/// A trace of hop limit and node id from the flow's source `::last`, oldest node first.
fn trace(ids: &[u32], last: u8) -> Record {
    let mut text = "007b080080000000".to_owned();
    for id in ids.iter().rev() {
        text += &format!("40{id:06x}");
    }
    let mut record = record(&text);
    record.flow.source[15] = last;
    Record::Option(record)
}

fn told(paths: &Paths) -> Vec<(u8, String, u64)> {
    let latest = paths.latest().into_iter();
    latest
        .map(|path| {
            let nodes = path.route.nodes.iter().map(ToString::to_string);
            let nodes = nodes.collect::<Vec<_>>().join(" ");
            (path.route.source[15], nodes, path.seen)
        })
        .collect()
}

#[test]
fn the_same_path_is_counted_and_another_one_comes_first() {
    let (mut paths, tables, now) = (Paths::default(), tables(), Instant::now());
    for _ in 0..3 {
        paths.observe(&trace(&[0xA, 0xB], 1), &tables);
    }
    paths.turn(now + Duration::from_secs(1));
    paths.observe(&trace(&[0xA, 0xC, 0xFF_FFFF], 1), &tables);
    paths.observe(&trace(&[], 1), &tables);
    paths.observe(&Record::Option(record("007b0800")), &tables);
    let expected = [
        (1, "0x00000a 0x00000c node 3".to_owned(), 1),
        (1, "0x00000a 0x00000b".to_owned(), 3),
    ];
    assert_eq!(told(&paths), expected);
    assert_eq!((paths.traces, paths.looked_at), (6, 6));
    assert_eq!(paths.latest()[0].delay, None);
}

#[test]
fn a_full_trace_is_another_path_than_a_whole_one() {
    let (mut paths, tables) = (Paths::default(), tables());
    for flags in ["08", "0c"] {
        let text = format!("007b{flags}008000000040000001");
        paths.observe(&Record::Option(record(&text)), &tables);
    }
    let overflow: Vec<_> = paths.latest().iter().map(|p| p.route.overflow).collect();
    assert_eq!(overflow.len(), 2);
    assert!(overflow.contains(&true) && overflow.contains(&false));
}

#[test]
fn there_is_a_budget_for_each_window_and_the_oldest_path_makes_room() {
    let (mut paths, tables, now) = (Paths::default(), tables(), Instant::now());
    for _ in 0..1000 {
        paths.observe(&trace(&[0xA], 0), &tables);
    }
    assert_eq!((paths.traces, paths.looked_at), (1000, u64::from(LOOKS)));
    for last in 1..=u8::try_from(MOST_PATHS).unwrap() {
        paths.turn(now + Duration::from_secs(last.into()));
        paths.observe(&trace(&[0xA], last), &tables);
    }
    let told = told(&paths);
    assert_eq!((told.len(), paths.forgotten), (MOST_PATHS, 1));
    assert!(told.iter().all(|(last, ..)| *last != 0));
    assert_eq!(usize::from(told[0].0), MOST_PATHS);
}
