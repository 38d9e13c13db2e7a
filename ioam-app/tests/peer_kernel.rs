// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the kernel's suite does not ask: packets that lie, that are odd, or that carry several
//! options. The running kernel answers, and `semantics: linux` must answer the same.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod rig;

use std::collections::BTreeMap;
use std::time::Duration;

use rig::link::Link;
use rig::linux::{self, Identity};
use rig::netns::{Namespace, cable};
use rig::node::{Node, device};
use rig::packet::{ETHERNET, IPV6, Udp, frame, hex, udp_port, with_options};
use rig::table::{Table, hold};
use rig::trace::Trace;
use rig::{Need, runtime, turn};

const NEEDS: [Need; 5] = [
    Need::Root,
    Need::LinuxIoam,
    Need::Tool("ip"),
    Need::Tool("ethtool"),
    Need::Tool("python3"),
];

/// A packet and what is special about it. Its UDP destination port tells it from the others.
struct Odd {
    about: &'static str,
    packet: Vec<u8>,
}

fn plain(port: u16) -> Udp {
    Udp::new("2001:db8:1::2", "2001:db8:2::2", (5000, port))
}

/// A sound trace: two words for each node, room for two.
fn sound() -> Trace {
    Trace::empty(123, 0xC0_0000, 4)
}

/// Odd packets, each with its place in its port.
#[derive(Default)]
struct Odds(Vec<Odd>);

impl Odds {
    fn add(&mut self, about: &'static str, make: impl Fn(Vec<u8>) -> Vec<u8>) {
        let port = 7000 + u16::try_from(self.0.len()).unwrap();
        let packet = make(plain(port).packet());
        self.0.push(Odd { about, packet });
    }

    /// A packet with a Hop-by-Hop header of these options.
    fn options(&mut self, about: &'static str, options: &[u8]) {
        self.add(about, |packet| with_options(&packet, options));
    }

    /// A packet with a sound trace, changed.
    fn trace(&mut self, about: &'static str, change: impl Fn(&mut Trace)) {
        let mut trace = sound();
        change(&mut trace);
        self.options(about, &trace.option());
    }

    /// A packet with a sound trace, its octets changed.
    fn octets(&mut self, about: &'static str, change: impl Fn(&mut [u8])) {
        self.add(about, |packet| {
            let mut packet = with_options(&packet, &sound().option());
            change(&mut packet);
            packet
        });
    }
}

fn odd_packets() -> Vec<Odd> {
    let mut odds = Odds::default();
    odd_traces(&mut odds);
    odd_types(&mut odds);
    odd_options(&mut odds);
    several_options(&mut odds);
    odd_headers(&mut odds);
    odds.0
}

/// A trace whose header says something else than its space.
fn odd_traces(odds: &mut Odds) {
    odds.trace("a sound trace", |_| {});
    odds.trace("NodeLen smaller than the type implies", |t| t.node_len = 1);
    odds.trace("NodeLen larger than the type implies", |t| t.node_len = 3);
    odds.trace("a wrong NodeLen in an unknown namespace", |t| {
        (t.namespace, t.node_len) = (9, 1)
    });
    odds.trace("a wrong NodeLen and the overflow flag", |t| {
        (t.flags, t.node_len) = (8, 1)
    });
    odds.trace("RemainingLen larger than the option", |t| t.remaining = 5);
    odds.trace("RemainingLen 127", |t| t.remaining = 127);
    odds.trace("RemainingLen smaller than the space: data in front", |t| {
        t.remaining = 3
    });
    odds.trace("room for half an element", |t| t.remaining = 1);
    odds.trace("no room left", |t| t.remaining = 0);
    odds.trace("an option without space", |t| {
        (t.remaining, t.data) = (0, Vec::new())
    });
    odds.trace("the overflow flag and all its room", |t| t.flags = 8);
    odds.trace("the flags L, A and R", |t| t.flags = 7);
    odds.trace("reserved octets that are not 0", |t| t.reserved = 0xA5);
    odds.trace("dirty free space", |t| t.data.fill(0xEE));
    odds.trace("an unknown namespace", |t| t.namespace = 9);
    odds.trace("namespace 0xffff", |t| t.namespace = 0xFFFF);
}

/// Trace types and option types that ask for something else.
fn odd_types(odds: &mut Odds) {
    for (about, kind, words) in [
        ("a type of no bits", 0, 4),
        ("bit 23 alone", 1, 4),
        ("bit 23 and bit 0", 0x80_0001, 4),
        ("undefined bits 12 to 21", 0x00_0FFC, 12),
        ("undefined bits among known ones", 0xC0_0804, 12),
        ("a snapshot where there is none", 0x80_0002, 4),
    ] {
        odds.options(about, &Trace::empty(123, kind, words).option());
    }
    for (about, kind) in [
        ("an incremental trace", 1),
        ("a proof of transit", 2),
        ("an edge-to-edge option", 3),
        ("a direct export", 4),
        ("an option type that is not assigned", 77),
    ] {
        let mut option = sound().option();
        option[5] = kind;
        odds.options(about, &option);
    }
    let mut immutable = sound().option();
    immutable[2] = 0x11;
    odds.options("a trace under option number 0x11", &immutable);
}

/// The option without the padding that aligns it.
fn bare() -> Vec<u8> {
    sound().option()[2..].to_vec()
}

/// Places, lengths and padding.
fn odd_options(odds: &mut Odds) {
    odds.options(
        "not at a multiple of four",
        &[&[0][..], &bare(), &[0]].concat(),
    );
    odds.options("at the first octet", &bare());
    odds.options("at offset 8", &[&[1, 4, 0, 0, 0, 0][..], &bare()].concat());
    odds.options("an option of one octet", &[1, 0, 0x31, 1, 0]);
    odds.options("an option of two octets", &[1, 0, 0x31, 2, 0, 0]);
    let short = [1, 0, 0x31, 8, 0, 0, 0, 123, 8, 0, 0x80, 0];
    odds.options("a trace shorter than its header", &short);
    // Between two runs of padding stands an option that every node skips.
    let seven = [0, 1, 4, 0, 0, 0, 0, 0x1E, 1, 0];
    odds.options("seven octets of padding", &[&seven[..], &bare()].concat());
    let eight = [1, 6, 0, 0, 0, 0, 0, 0, 0x1E, 0, 1, 0];
    odds.options("eight octets of padding", &[&eight[..], &bare()].concat());
    odds.options(
        "padding that is not zero",
        &[&[1, 4, 0, 7, 0, 0][..], &bare()].concat(),
    );
}

fn several_options(odds: &mut Odds) {
    let second = |namespace| Trace::empty(namespace, 0x80_0000, 2).option()[2..].to_vec();
    let pair = |first: Trace, namespace| [first.option(), second(namespace)].concat();
    odds.options("two traces of two namespaces", &pair(sound(), 124));
    odds.options("two traces of one namespace", &pair(sound(), 123));
    let unknown = Trace {
        namespace: 9,
        ..sound()
    };
    odds.options(
        "a trace behind one of an unknown namespace",
        &pair(unknown, 123),
    );
    let malformed = Trace {
        node_len: 1,
        ..sound()
    };
    odds.options("a trace behind a malformed one", &pair(malformed, 123));
    let alert = [5, 2, 0, 0, 1, 0];
    odds.options(
        "a trace behind a router alert",
        &[&alert[..], &bare()].concat(),
    );
    let (skipped, trace) = ([0x1E, 2, 0, 0], sound().option());
    odds.options(
        "eight options",
        &[&skipped.repeat(6)[..], &trace, &skipped].concat(),
    );
    odds.options("nine options", &[&skipped.repeat(8)[..], &trace].concat());
    odds.options(
        "ten options in few octets",
        &[&[0x1E, 0].repeat(10)[..], &trace].concat(),
    );
}

/// The IPv6 header and the one with the options.
fn odd_headers(odds: &mut Odds) {
    odds.octets("a trace in a Destination Options header", |packet| {
        packet[6] = 60
    });
    odds.octets("an option that runs past the header", |packet| {
        packet[IPV6 + 5] += 4
    });
    odds.octets("a header longer than the packet", |packet| {
        packet[IPV6 + 1] = 40
    });
    for (about, hop_limit) in [
        ("hop limit 0", 0),
        ("hop limit 1", 1),
        ("hop limit 2", 2),
        ("hop limit 255", 255),
    ] {
        odds.octets(about, |packet| packet[7] = hop_limit);
    }
    odds.octets("no next header", |packet| packet[IPV6] = 59);
}

/// What became of each packet, by its place; those that were dropped are absent.
fn answers(from: &mut Link, to: &mut Link, towards: [u8; 6]) -> BTreeMap<usize, Vec<u8>> {
    let packets = odd_packets();
    let own = from.mac;
    from.send_all(packets.iter().map(|odd| frame(towards, own, &odd.packet)));
    let ours = |frame: &[u8]| place(frame).is_some();
    let frames = to.receive(packets.len(), Duration::from_secs(2), ours);
    frames
        .into_iter()
        .map(|frame| (place(&frame).unwrap(), frame[ETHERNET..].to_vec()))
        .collect()
}

/// Which packet a frame is: by the port, which is also found behind an unread header.
fn place(frame: &[u8]) -> Option<usize> {
    let by_port = udp_port(frame).map(usize::from);
    let from = "2001:db8:1::2"
        .parse::<std::net::Ipv6Addr>()
        .unwrap()
        .octets();
    if frame.get(12..14)? != [0x86, 0xDD] || frame.get(22..38)? != from {
        return None;
    }
    let behind = || {
        // The datagram is the last of the packet: its ports are 35 octets from the end.
        let at = frame.len().checked_sub(33)?;
        Some(usize::from(u16::from_be_bytes(
            frame.get(at..at + 2)?.try_into().ok()?,
        )))
    };
    by_port.or_else(behind)?.checked_sub(7000)
}

fn by_linux() -> BTreeMap<usize, Vec<u8>> {
    let who = Identity {
        id: 2,
        id_wide: 2,
        ingress: (201, 201_201),
        egress: (202, 202_202),
    };
    let [host, router, peer] = ["host", "linux", "peer"].map(Namespace::new);
    let (a0, a1) = cable((&host, "a0"), (&router, "a1"), 2000);
    let (b1, b0) = cable((&router, "b1"), (&peer, "b0"), 2000);
    [&a0, &b0].iter().for_each(|end| end.silence());
    linux::transit(&router, who, &a1, &b1);
    linux::namespace(&router, 123, "data 0xdeadbeef");
    linux::namespace(&router, 124, "");
    linux::route(&router, "2001:db8:2::/64", &b1, b0.mac);
    answers(&mut Link::open(&a0), &mut Link::open(&b0), a1.mac)
}

fn by_ours() -> BTreeMap<usize, Vec<u8>> {
    let [host, node, peer] = ["host", "node", "peer"].map(Namespace::new);
    let (a0, a1) = cable((&host, "a0"), (&node, "a1"), 2000);
    let (b1, b0) = cable((&node, "b1"), (&peer, "b0"), 2000);
    [&a0, &a1, &b1, &b0].iter().for_each(|end| end.silence());
    let config = format!(
        "node: {{id: 2, id-wide: 2, semantics: linux}}
{}ports:
  - {{name: east, device: \"{}\", mtu: 2000, ioam: true, id: 201, id-wide: 201201}}
  - {{name: west, device: \"{}\", mtu: 2000, ioam: true, id: 202, id-wide: 202202}}
forwarding: {{mode: wire, pairs: [[east, west]], decrement-hop-limit: true}}
namespaces: [{{id: 123, data: 0xdeadbeef}}, {{id: 124}}]
",
        runtime(0),
        device(0, &a1),
        device(1, &b1)
    );
    let running = Node::start(&node, &config);
    let answers = answers(&mut Link::open(&a0), &mut Link::open(&b0), b0.mac);
    running.stop();
    answers
}

/// What a node did, in words.
fn deed(sent: &[u8], got: Option<&Vec<u8>>) -> String {
    let Some(got) = got else {
        return "dropped".to_owned();
    };
    let mut passed = sent.to_vec();
    passed[7] = passed[7].wrapping_sub(1);
    if *got == passed {
        return "forwarded as it was".to_owned();
    }
    match Trace::of_packet(got) {
        Some(trace) if trace.flags & 8 != 0 => "overflow flag set".to_owned(),
        _ => "filled".to_owned(),
    }
}

/// Whether this kernel compares NodeLen with the trace type, as those since 6.12.107 do.
fn kernel_checks_node_len() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release
        .split(['.', '-'])
        .map_while(|part| part.parse::<u32>().ok());
    let number = |part: Option<u32>| part.unwrap_or(0);
    let version = [number(numbers.next()), number(numbers.next())];
    version >= [6, 18]
}

#[test]
fn linux_semantics_answer_every_odd_packet_as_the_kernel_does() {
    let Some(_turn) = turn(&NEEDS) else { return };
    let (linux, ours) = (by_linux(), by_ours());
    let mut table = Table::new(&["packet", "Linux", "ours, `semantics: linux`"]);
    let mut differences = Vec::new();
    for (place, odd) in odd_packets().iter().enumerate() {
        let [theirs, own] = [linux.get(&place), ours.get(&place)];
        if odd.about.contains("NodeLen") && !kernel_checks_node_len() {
            table.row(&[odd.about, "dropped", "dropped"]);
            assert_eq!(own, None, "{}", odd.about);
            continue;
        }
        let same = theirs == own;
        let own_deed = match own {
            Some(_) if same => "the same octets".to_owned(),
            _ => deed(&odd.packet, own),
        };
        table.row(&[odd.about, &deed(&odd.packet, theirs), &own_deed]);
        if !same {
            let text = |got: Option<&Vec<u8>>| got.map_or("dropped".to_owned(), |got| hex(got));
            differences.push(format!(
                "{}:\n  sent  {}\n  Linux {}\n  ours  {}",
                odd.about,
                hex(&odd.packet),
                text(theirs),
                text(own)
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    hold("odd packets", table.text());
}
