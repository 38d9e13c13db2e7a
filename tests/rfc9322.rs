// SPDX-License-Identifier: Apache-2.0 OR MIT
//! RFC 9322 on IPv6 packets, one test a requirement, named by its section: the Loopback and Active
//! flags of traces.

#![allow(
    clippy::cast_possible_truncation,
    reason = "the numbers are the tests' own and fit"
)]

#[path = "rfc9322/active.rs"]
mod active;
mod common;
#[path = "rfc9322/initiator.rs"]
mod initiator;
#[path = "rfc9322/loopback.rs"]
mod loopback;
#[path = "rfc9322/probes.rs"]
mod probes;
#[path = "rfc9322/return_path.rs"]
mod return_path;
#[path = "rfc9322/workers.rs"]
mod workers;

use common::expect::node_with;
use common::frames::*;
use ioam_dp::table::spec::*;

/// The only trace type that loops: hop limit and node id.
const LOOPING: u32 = 0x80_0000;
/// The flag, as [`Trace`] has it.
const L: u8 = 4;
const A: u8 = 2;
/// Where node B answers from on ports 0 and 1.
const OF_PORT_0: &str = "2001:db8:ff::b0";
const OF_PORT_1: &str = "2001:db8:ff::b1";
/// What node A wrote first.
const BY_A: u32 = 0x400A_0001;

/// Node B, which loops back.
fn node_b() -> NodeSpec {
    node_with(|spec| {
        spec.policy.loopback = true;
        spec.ports[0].address = Some(address(OF_PORT_0));
        spec.ports[1].address = Some(address(OF_PORT_1));
    })
}

/// A trace of namespace 123 that asks for copies, with what node A wrote.
fn looping(free: u8) -> Trace {
    Trace {
        flags: L,
        ..Trace::new(123, LOOPING, free, &[BY_A])
    }
}

/// The same without the flag, as copies are.
fn cleared(trace: &Trace) -> Trace {
    Trace {
        flags: trace.flags & !L,
        ..trace.clone()
    }
}

/// A copy of the headers of `cause` on its way back from `from`, with these traces.
fn copy_of(cause: &Packet, traces: &[&Trace], from: &str) -> Packet {
    let mut header = hop_by_hop(traces);
    header[0] = 59;
    Packet {
        source: address(from),
        destination: cause.source,
        class: cause.class,
        label: cause.label,
        ..Packet::new(HOP_BY_HOP, &[&header])
    }
}

/// `frame` on its way back out of a port with this address: to whence it came.
fn turned(mut frame: Vec<u8>, mac: [u8; 6]) -> Vec<u8> {
    let from: Vec<u8> = frame[6..12].to_vec();
    frame[..6].copy_from_slice(&from);
    frame[6..12].copy_from_slice(&mac);
    frame
}

/// Encapsulation that asks for copies.
fn loops(placement: Placement) -> EncapsulateSpec {
    let mut what = encapsulate(LOOPING, 8, placement);
    trace_in(&mut what).loopback = true;
    what
}

/// Node A, a wire whose traffic gets a tunnel with the Loopback flag.
fn node_a() -> NodeSpec {
    let mut spec = node_that(ActionSpec::Encapsulate(loops(tunnel())));
    spec.node_id = Some(0x0A_0001);
    spec.profiles[0].filter.in_ports = vec![0];
    spec
}
