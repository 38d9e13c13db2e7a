// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Linux kernel's own IOAM suite against our node, beside the kernel where this one can:
//! `docs/linux-selftest.md` is generated here and held to what happens.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod rig;
#[path = "rig/selftest.rs"]
mod selftest;
#[path = "rig/selftest_nodes.rs"]
mod selftest_nodes;

use std::collections::BTreeMap;
use std::time::Duration;

use rig::link::Link;
use rig::linux::{self, Identity};
use rig::netns::{Namespace, cable};
use rig::node::{Node, device};
use rig::packet::{ETHERNET, Udp, frame, tunnelled, udp_port, with_options};
use rig::program::{Engine, finish, ioam, pass};
use rig::table::hold;
use rig::trace::Trace;
use rig::{Folder, Need, Turn};
use selftest::{
    ALPHA, Case, Duty, GAMMA, INPUT_MODES, Known, LINUX_KNOWS, Mode, OUTPUT_MODES, cases,
};
use selftest_nodes::{Row, alpha, beta, expectation, table};

/// Packets by their UDP destination port, from layer 3 on.
type Packets = BTreeMap<u16, Vec<u8>>;

const BETA: Identity = Identity {
    id: 2,
    id_wide: 22_222_222,
    ingress: (201, 201_201),
    egress: (202, 202_202),
};

fn turn() -> Option<Turn> {
    let tools = ["ip", "ethtool", "python3"].map(Need::Tool);
    rig::turn(&[&[Need::Root, Need::LinuxIoam], &tools[..]].concat())
}

/// Every case in each of its modes, and the port its packet is known by.
fn numbered(output: bool) -> Vec<(u16, Case, Mode)> {
    let modes = if output {
        &OUTPUT_MODES[..]
    } else {
        &INPUT_MODES
    };
    let all = cases(output);
    let each = modes
        .iter()
        .flat_map(|mode| all.iter().map(|case| (case.clone(), *mode)));
    (6000..)
        .zip(each)
        .map(|(port, (case, mode))| (port, case, mode))
        .collect()
}

fn original(port: u16) -> Vec<u8> {
    Udp::new(ALPHA[0], GAMMA, (5000, port)).packet()
}

/// The packet that Alpha sends to a transit node.
fn from_alpha(port: u16, case: &Case, mode: Mode) -> Vec<u8> {
    let inner = original(port);
    let carrier = match mode {
        Mode::Inline => inner,
        Mode::Encap | Mode::EncapTunsrc => tunnelled(&inner, mode.source(), GAMMA),
    };
    with_options(&carrier, &case.trace().option())
}

/// Frames that came, by port.
fn sort(frames: Vec<Vec<u8>>) -> Packets {
    let by_port = |frame: Vec<u8>| Some((udp_port(&frame)?, frame[ETHERNET..].to_vec()));
    frames.into_iter().filter_map(by_port).collect()
}

fn exchange(from: &mut Link, to: &mut Link, packets: &Packets, towards: [u8; 6]) -> Packets {
    let own = from.mac;
    from.send_all(packets.values().map(|packet| frame(towards, own, packet)));
    let traced = |frame: &[u8]| udp_port(frame).is_some();
    sort(to.receive(packets.len(), Duration::from_secs(2), traced))
}

/// The packets of the transit cases; those for an interface without IOAM apart.
fn input_packets() -> [Packets; 2] {
    let mut packets = [Packets::new(), Packets::new()];
    for (port, case, mode) in numbered(false) {
        let disabled = usize::from(case.name == "input_disabled");
        packets[disabled].insert(port, from_alpha(port, &case, mode));
    }
    packets
}

/// The transit cases through the kernel.
fn through_linux() -> Packets {
    let [host, beta, gamma] = ["alpha", "beta", "gamma"].map(Namespace::new);
    let (a0, a1) = cable((&host, "a0"), (&beta, "a1"), 2000);
    let (b1, b0) = cable((&beta, "b1"), (&gamma, "b0"), 2000);
    [&a0, &b0].iter().for_each(|end| end.silence());
    linux::transit(&beta, BETA, &a1, &b1);
    linux::namespace(&beta, 123, "");
    linux::route(&beta, "2001:db8:2::/64", &b1, b0.mac);
    let (mut from, mut to) = (Link::open(&a0), Link::open(&b0));
    let [enabled, disabled] = input_packets();
    let mut got = exchange(&mut from, &mut to, &enabled, a1.mac);
    beta.sysctl(&["net.ipv6.conf.a1.ioam6_enabled=0"]);
    got.extend(exchange(&mut from, &mut to, &disabled, a1.mac));
    got
}

/// The transit cases through our node.
fn through_ours(semantics: &str) -> Packets {
    let [host, node, gamma] = ["alpha", "node", "gamma"].map(Namespace::new);
    let (a0, a1) = cable((&host, "a0"), (&node, "a1"), 2000);
    let (b1, b0) = cable((&node, "b1"), (&gamma, "b0"), 2000);
    [&a0, &a1, &b1, &b0].iter().for_each(|end| end.silence());
    let devices = [device(0, &a1), device(1, &b1)];
    let running = Node::start(&node, &beta([&devices[0], &devices[1]], semantics));
    let (mut left, mut right) = (Link::open(&a0), Link::open(&b0));
    let [enabled, disabled] = input_packets();
    let mut got = exchange(&mut left, &mut right, &enabled, b0.mac);
    got.extend(exchange(&mut right, &mut left, &disabled, a0.mac));
    running.stop().lost_nothing();
    got
}

/// Whether this node's data do not fit: the suite configures that, our configuration refuses it.
fn is_refused(case: &Case) -> bool {
    case.is_output() && case.duty == Duty::Overflow
}

/// The encapsulating cases through our node and then, as in the suite, a Linux router without IOAM.
fn from_ours(semantics: &str) -> Packets {
    let [host, node, beta, gamma] = ["alpha", "node", "beta", "gamma"].map(Namespace::new);
    let (a0, a1) = cable((&host, "a0"), (&node, "a1"), 2000);
    let (b1, b0) = cable((&node, "b1"), (&beta, "b0"), 2000);
    let (c0, c1) = cable((&beta, "c0"), (&gamma, "c1"), 2000);
    [&a0, &a1, &b1, &c1].iter().for_each(|end| end.silence());
    beta.sysctl(&["net.ipv6.conf.all.forwarding=1"]);
    linux::route(&beta, "2001:db8:2::/64", &c0, c1.mac);
    let mut numbered = numbered(true);
    numbered.retain(|(_, case, _)| !is_refused(case));
    let devices = [device(0, &a1), device(1, &b1)];
    let config = alpha([&devices[0], &devices[1]], semantics, &numbered);
    let running = Node::start(&node, &config);
    let (mut from, mut to) = (Link::open(&a0), Link::open(&c1));
    let packets = numbered
        .iter()
        .map(|(port, ..)| (*port, original(*port)))
        .collect();
    let got = exchange(&mut from, &mut to, &packets, b0.mac);
    running.stop().lost_nothing();
    got
}

/// The packet without what no two nodes have in common: times and the depth of a queue.
fn without_measurements(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let Some(trace) = Trace::of_packet(&packet) else {
        return packet;
    };
    let (at, _) = Trace::place(&packet).unwrap();
    let mut word = at + 12 + usize::from(trace.remaining) * 4;
    if word == at + 12 + trace.data.len() {
        return packet;
    }
    for bit in 0..7 {
        if trace.kind & (0x80_0000 >> bit) != 0 {
            if [2, 3, 6].contains(&bit) {
                packet[word..word + 4].fill(0);
            }
            word += 4;
        }
    }
    packet
}

#[test]
fn all_394_packet_cases_of_the_kernels_suite_are_judged() {
    let Some(_turn) = turn() else { return };
    let linux = through_linux();
    let ours = ["linux", "rfc"].map(|semantics| {
        let mut packets = through_ours(semantics);
        let input: Vec<u16> = packets.keys().copied().collect();
        assert_eq!(input.len(), 160, "transit cases that arrived, {semantics}");
        // The two directions share port numbers: those of the encapsulating node move up.
        packets.extend(
            from_ours(semantics)
                .into_iter()
                .map(|(port, p)| (port + 1000, p)),
        );
        (semantics, packets)
    });
    let mut rows: Vec<(String, Row, &'static str)> = Vec::new();
    let mut total = 0;
    for (output, base) in [(false, 0), (true, 1000)] {
        for (port, case, mode) in numbered(output) {
            total += 1;
            let place = rows.iter().position(|(group, ..)| *group == case.group);
            let place = place.unwrap_or_else(|| {
                rows.push((case.group.clone(), Row::default(), expectation(&case)));
                rows.len() - 1
            });
            judge(&mut rows[place].1, (port, base), &case, mode, &linux, &ours);
        }
    }
    assert_eq!(total, 394);
    let failures: Vec<_> = rows
        .iter()
        .flat_map(|(_, row, _)| row.linux.iter().chain(row.ours.values().flatten()))
        .collect();
    assert!(failures.is_empty(), "{failures:#?}");
    hold("suite", &table(&rows));
}

fn judge(
    row: &mut Row,
    (port, base): (u16, u16),
    case: &Case,
    mode: Mode,
    linux: &Packets,
    ours: &[(&'static str, Packets); 2],
) {
    row.packets += 1;
    if is_refused(case) {
        return;
    }
    let lost = || format!("{} {mode:?}: did not arrive", case.name);
    let by_linux = linux.get(&port).filter(|_| !case.is_output());
    if !case.is_output() {
        let judged = by_linux.map_or_else(|| Err(lost()), |got| case.judge(mode, got, LINUX_KNOWS));
        row.linux.extend(judged.err());
    }
    for (semantics, packets) in ours {
        let got = packets.get(&(port + base));
        let known = Known {
            measures: *semantics == "rfc",
            queue_depth: false,
        };
        let judged = got.map_or_else(|| Err(lost()), |got| case.judge(mode, got, known));
        row.ours.entry(semantics).or_default().extend(judged.err());
        if let (Some(got), Some(by_linux), "linux") = (got, by_linux, *semantics) {
            row.same += usize::from(without_measurements(got) == without_measurements(by_linux));
        }
    }
}

/// The cases that configure a trace their own node cannot write to.
#[test]
fn a_trace_too_small_for_the_node_that_starts_it_is_refused() {
    let folder = Folder::new();
    for (port, case, mode) in numbered(true)
        .into_iter()
        .filter(|(_, case, _)| is_refused(case))
    {
        let config = alpha(
            ["net_null0", "net_null1"],
            "linux",
            &[(port, case.clone(), mode)],
        );
        let file = folder.write("node.yaml", &config);
        let (output, _, said) = finish(ioam().arg("check").arg(file));
        assert_eq!(output.status.code(), Some(1), "{} {mode:?}", case.name);
        assert!(
            said.contains("do not fit 4") && said.contains("max-length"),
            "{said}"
        );
    }
}

/// `net_af_packet` does not know how full its queue is, which the kernel does of its own. Where a
/// device knows, the field is filled: the same cases with a depth given.
#[test]
fn the_depth_of_a_queue_is_written_where_the_device_knows_it() {
    let Some(_turn) = rig::turn(&[]) else { return };
    let given = "simulate: {clock: \"1723560226.123456789\", queue-depth: 16, \
                 transit-delay: 4321, buffer-occupancy: 32768}\n";
    for (output, semantics) in [
        (false, "linux"),
        (false, "rfc"),
        (true, "linux"),
        (true, "rfc"),
    ] {
        let mut asked = numbered(output);
        asked.retain(|(_, case, _)| case.kind & 0x02_0000 != 0);
        let config = match output {
            true => alpha(["EAST", "WEST"], semantics, &asked),
            false => beta(["EAST", "WEST"], semantics),
        };
        let packet = |(port, case, mode): &(u16, Case, Mode)| match output {
            true => original(*port),
            false => from_alpha(*port, case, *mode),
        };
        let frames: Vec<_> = asked
            .iter()
            .map(|one| frame([2; 6], [4; 6], &packet(one)))
            .collect();
        let passed = pass(Engine::Run, &(config + given), &frames);
        assert_eq!(passed.frames.len(), asked.len());
        let known = Known {
            measures: semantics == "rfc",
            queue_depth: true,
        };
        for ((_, case, mode), frame) in asked.iter().zip(&passed.frames) {
            case.judge(*mode, &frame[ETHERNET..], known).unwrap();
        }
    }
}
