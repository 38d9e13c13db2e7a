// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pages of nothing, of little, and of strings that somebody chose.

use std::time::Instant;

use super::*;
use crate::analyse::event::{Context, Event, Hop, Report as Told, Trace};
use crate::analyse::input::InputReport;

fn page_of(events: Vec<Event>, names: &Names, input: &str) -> String {
    let mut gathered = Gathered::default();
    for event in events {
        gathered.take(event, 0, Instant::now());
    }
    gathered.finish();
    let input = InputReport {
        name: input.to_owned(),
        ..InputReport::default()
    };
    let report = Report::new(&gathered, vec![input], names);
    page(&report, &gathered, names, 10)
}

#[test]
fn a_page_of_nothing_is_a_page() {
    let page = page_of(Vec::new(), &Names::default(), "x");
    assert!(page.contains("<h2>Inputs</h2>") && page.ends_with("</html>\n"));
    assert!(!page.contains("<h2>Paths</h2>") && !page.contains("NaN"));
}

#[test]
fn no_string_gets_out_of_its_place() {
    let hostile = "</title><img src=x onerror=alert(1)>\"'";
    let hop = |node| Hop {
        node: Some(node),
        hop_limit: Some(64),
        ..Hop::default()
    };
    let trace = Trace {
        hops: vec![hop(1), hop(2)],
        ..Trace::default()
    };
    let told = Told {
        profile: hostile.to_owned(),
        context: Context::default(),
        ..Told::default()
    };
    let folder = std::env::temp_dir().join(format!("ioam-names-{}", std::process::id()));
    std::fs::write(&folder, "1: <img src=x>\n2: \"'><script>\"\n").unwrap();
    let names = Names::read(&folder).unwrap();
    std::fs::remove_file(&folder).unwrap();
    let events = vec![Event::Trace(trace), Event::Report(Box::new(told))];
    let page = page_of(events, &names, hostile);
    assert!(!page.contains("<img") && !page.contains("<script"));
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(page.contains("<h2>Paths</h2>"));
}

#[test]
fn figures_without_bounds_draw_all_the_same() {
    let mut events = Vec::new();
    for (seconds, limit) in [(0, 255), (u64::from(u32::MAX), 0), (9_000_000_000, 3)] {
        let received = ioam_dp::timestamp::WallTime {
            seconds,
            nanoseconds: 999_999_999,
        };
        let hop = |node: u64, stamp: u32| Hop {
            node: Some(node),
            hop_limit: Some(limit),
            stamp: Some(ioam_dp::timestamp::Timestamp {
                seconds: stamp,
                fraction: 0,
            }),
            transit: Some(stamp),
            ..Hop::default()
        };
        events.push(Event::Trace(Trace {
            context: Context {
                received: Some(received),
                format: Some(ioam_dp::table::spec::TimestampFormat::Posix),
                ..Context::default()
            },
            hops: (0..70_u32)
                .map(|node: u32| hop(node.into(), node * 60_000_000))
                .collect(),
            ..Trace::default()
        }));
    }
    let page = page_of(events, &Names::default(), "x");
    assert!(!page.contains("NaN") && !page.contains("inf"));
}
