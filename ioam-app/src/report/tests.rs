// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A report of two workers.

use ioam_dp::table::spec::{
    AccountingSpec, ActionSpec, DecapsulatePlacement, DecapsulateSpec, FilterSpec, NodeSpec,
    PortSpec, ProfileSpec, Side,
};
use serde_json::Value;

use super::*;

fn report() -> Report {
    let port = |name: &str| PortSpec {
        name: name.to_owned(),
        mac: [0; 6],
        mtu: 1500,
        ioam: true,
        id: None,
        id_wide: None,
        address: None,
        side: Side::Inside,
        speed: 10_000,
    };
    let tables = Tables::compile(&NodeSpec {
        ports: vec![port("east"), port("west")],
        profiles: vec![ProfileSpec {
            name: "end".to_owned(),
            filter: FilterSpec::default(),
            action: ActionSpec::Decapsulate(DecapsulateSpec {
                namespaces: vec![0],
                placement: DecapsulatePlacement::Inline,
                record_self: false,
                accounting: AccountingSpec::default(),
            }),
        }],
        ..NodeSpec::default()
    })
    .unwrap();
    let workers = [1, 2].map(|more| {
        let stats = WorkerStats::new(2, 1, 1);
        stats.ports[0].received.add(more);
        stats.ports[0].received_octets.add(more * 100);
        stats.ports[1].sent.add(more);
        stats.namespaces[0].filled.add(more);
        stats.namespaces[0].exported.add(more * 2);
        stats.namespaces[0].proofs_valid.add(more);
        stats.profiles[0].sequences.received.add(more * 2);
        stats.profiles[0].sequences.lost.add(more);
        stats.work.busy_ticks.add(more * 50);
        stats.dropped(DropReason::NoRoute);
        stats.notice(Notice::HbhTruncated);
        stats
    });
    Report::gather(&workers, &tables)
}

#[test]
fn workers_are_added_up() {
    let report = report();
    assert_eq!(report.ports[0].received, 3);
    assert_eq!(report.ports[0].received_octets, 300);
    assert_eq!(report.ports[1].sent, 3);
    assert_eq!(report.namespaces[0].filled, 3);
    assert_eq!(report.counters.get("no_route"), 2);
    assert_eq!(report.counters.get("hbh_truncated"), 2);
    assert_eq!(report.workers.len(), 2);
}

#[test]
fn json_has_every_counter_and_no_device_that_is_not_there() {
    let value: Value = serde_json::from_str(&report().json()).unwrap();
    let counters = value["counters"].as_object().unwrap();
    assert_eq!(counters.len(), DropReason::ALL.len() + Notice::ALL.len());
    assert_eq!(counters["no_route"], 2);
    assert_eq!(counters["malformed"], 0);
    assert_eq!(value["profiles"][0]["sequences"]["lost"], 3);
    assert_eq!(value["namespaces"][0]["exported"], 6);
    assert_eq!(value["namespaces"][0]["proofs_valid"], 3);
    assert!(value["ports"][0].get("rx_missed").is_none());
    assert!(value.get("mbufs_leaked").is_none());
    let with_pools = Report {
        mbufs_leaked: Some(0),
        ..report()
    };
    let value: Value = serde_json::from_str(&with_pools.json()).unwrap();
    assert_eq!(value["mbufs_leaked"], 0);
}

#[test]
fn tables_leave_out_what_is_zero() {
    let mut report = report();
    report.ports[1].device = Some(DeviceLosses {
        rx_missed: 4,
        tx_errors: 1,
        ..DeviceLosses::default()
    });
    report.mbufs_leaked = Some(2);
    report.records = Some(OutputCounts {
        written: 5,
        lost: 1,
        ..OutputCounts::default()
    });
    let expected = "\
port  received  octets  sent  device losses
east         3     300     0              -
west         0       0     3              5

profile  action       selected  sampled  done  records
end      decapsulate         0        -     0        0

sequences of  received  lost  reordered  duplicates  late  restarts
end                  6     3          0           0     0         0

namespace  filled  overflowed  encapsulated  decapsulated  exported  proved  proofs valid
0               3           0             0             0         6       0             3

not forwarded  packets
no_route             2  No route and no default next hop for the destination.

not processed  packets
hbh_truncated        2  The frame ends inside the Hop-by-Hop header.

worker  polls  bursts  packets  ticks per packet
0           0       0        1                50
1           0       0        2                50

records: 5 written, 1 LOST because they could not be written

2 PACKET BUFFERS DID NOT COME BACK
";
    assert_eq!(report.to_string(), expected);
}
