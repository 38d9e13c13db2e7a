// SPDX-License-Identifier: Apache-2.0 OR MIT
//! RFC 9326, direct export, on IPv6 packets: one test a requirement, named by its section.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the numbers are the tests' own and fit"
)]

mod common;
#[path = "rfc9326/encapsulation.rs"]
mod encapsulation;
#[path = "rfc9326/flow_id.rs"]
mod flow_id;
#[path = "rfc9326/flow_table.rs"]
mod flow_table;
#[path = "rfc9326/limits.rs"]
mod limits;
#[path = "rfc9326/option.rs"]
mod option;
#[path = "rfc9326/reload.rs"]
mod reload;
#[path = "rfc9326/roles.rs"]
mod roles;
#[path = "rfc9326/sequences.rs"]
mod sequences;
#[path = "rfc9326/transit.rs"]
mod transit;

use common::Bench;
use common::direct_export::sequence_of;
use common::frames::{Packet, UDP, udp};
use ioam_dp::table::spec::FlowIdSpec;

/// Every way to say what a sequence counts.
const ALL: [FlowIdSpec; 3] = [FlowIdSpec::None, FlowIdSpec::Fixed(9), FlowIdSpec::Hashed];

/// The packet with these ports.
fn flow(source_port: u16) -> Packet {
    Packet::new(UDP, &[&udp(source_port, 53)])
}

/// The numbers of packets of one flow, `None` where it went without.
fn numbers(bench: &mut Bench, sent: &[Packet]) -> Vec<Option<u32>> {
    sent.iter()
        .map(|packet| sequence_of(&bench.forward(packet).1))
        .collect()
}

/// Those that are there, which have to be 0, 1, 2 and so on; how many.
#[track_caller]
fn assert_gapless(numbers: &[Option<u32>]) -> u32 {
    let there: Vec<_> = numbers.iter().flatten().copied().collect();
    let count = there.len() as u32;
    assert_eq!(there, (0..count).collect::<Vec<_>>());
    count
}
