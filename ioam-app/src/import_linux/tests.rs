// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Kernel nodes as iproute2 prints them, and what becomes of them; each result loads and compiles.

use std::cell::RefCell;
use std::io;

use ioam_config::{Machine, Valid};
use ioam_dp::table::Tables;
use ioam_dp::table::spec::{ActionSpec, DecapsulatePlacement, OptionSpec, Placement, Sampling};

use super::*;

const NAMESPACES: &str = "namespace 0
namespace 123 [schema 777], data 0xdeadbeef, wide 0xcafec0caf00dc0de
";
const SCHEMAS: &str = "schema 77 , data: 00
schema 777 [namespace 123], data: 73 63 68 65 6d 61 42 21
";
const SYSCTLS: &str = "net.ipv6.conf.a1.ioam6_enabled = 1
net.ipv6.conf.a1.ioam6_id = 11
net.ipv6.conf.a1.ioam6_id_wide = 4294967295
net.ipv6.conf.b1/7.ioam6_enabled = 0
net.ipv6.conf.b1/7.ioam6_id = 65535
net.ipv6.conf.b1/7.ioam6_id_wide = 22
net.ipv6.ioam6_id = 4242
net.ipv6.ioam6_id_wide = 72057594037927935
";
const ADDRESSES: &str = r#"[
{"ifname":"lo","flags":["UP"],"link_type":"loopback","mtu":65536,"addr_info":[{"local":"::1"}]},
{"ifname":"a1","flags":["UP"],"link_type":"ether","mtu":1500,"parentbus":"pci","parentdev":"0000:3b:00.0",
 "addr_info":[{"local":"10.0.0.1"},{"local":"fd00:1::1"},{"local":"fe80::1"}]},
{"ifname":"b1.7","flags":["UP"],"link_type":"ether","mtu":3000,"addr_info":[{"local":"fd00:2::1"}]},
{"ifname":"idle","flags":["UP"],"link_type":"ether","mtu":1500,"addr_info":[]}
]"#;
const ROUTES: &str = "fd00:1::/64 dev a1 proto kernel metric 256 pref medium
fd00:2::/64 dev b1.7 proto kernel metric 256 pref medium
fd00:3::/48  encap ioam6 freq 2/5 mode encap tundst fd00:9::d trace prealloc type 0xc00000 ns 123 size 32 via fd00:2::9 dev b1.7 metric 1024 pref medium
fd00:3:0:4::/64  encap ioam6 freq 1/1 mode inline trace prealloc type 0x800002 ns 123 size 4 via fd00:2::9 dev b1.7 metric 1024 pref medium
fd00:3:0:5::/64 via fd00:2::9 dev b1.7 metric 1024 pref medium
fd00:4::/64  encap ioam6 mode auto tunsrc fd00:7::1 tundst fd00:9::e trace prealloc type 0x200000 ns 9 size 16 via fd00:1::2 dev a1 metric 1024 pref medium
fd00:6::/64 metric 1024 pref medium
	nexthop via fd00:2::9 dev b1.7 weight 1
	nexthop via fd00:1::2 dev a1 weight 1
fe80::/64 dev a1 proto kernel metric 256 pref medium
blackhole fd00:8::/64 dev lo metric 1024 error -22 pref medium
unreachable default dev lo metric 4294967295 error -101 pref medium
default via fd00:1::fe dev a1 metric 1024 pref medium
fd00:77::/64 via fd00:2::9 dev b1.7 table 100 metric 1024 pref medium
local fd00:1::1 dev a1 table local proto kernel metric 0 pref medium
multicast ff00::/8 dev a1 table local proto kernel metric 256 pref medium
";
const NEIGHBOURS: &str = "fd00:2::9 dev b1.7 lladdr 02:00:00:00:00:09 router REACHABLE
fd00:1::2 dev a1 lladdr 02:00:00:00:00:02 STALE
fd00:1::fe dev a1  FAILED
fe80::2 dev a1 lladdr 02:00:00:00:00:02 STALE
";

fn texts() -> [String; 6] {
    [NAMESPACES, SCHEMAS, SYSCTLS, ADDRESSES, ROUTES, NEIGHBOURS].map(str::to_owned)
}

/// Loads what was written and compiles it, without a warning that it is another's.
fn load(text: &str) -> Valid {
    let machine = Machine::other((0..4).collect());
    let loaded = ioam_config::parse("imported.yaml", text, &machine);
    let valid = loaded.unwrap_or_else(|e| panic!("{e}\n{text}")).valid;
    Tables::compile(&valid.node_spec(&[])).unwrap();
    valid
}

#[test]
fn a_kernel_node_becomes_the_same_node() {
    let text = configuration(&texts()).unwrap();
    let valid = load(&text);
    let spec = valid.node_spec(&[]);
    assert_eq!((spec.node_id, spec.node_id_wide), (Some(4242), None));
    assert_eq!(spec.ports.len(), 2, "{text}");
    let (a1, b1) = (&spec.ports[0], &spec.ports[1]);
    assert_eq!((a1.ioam, a1.id, a1.id_wide), (true, Some(11), None));
    assert_eq!((b1.ioam, b1.id, b1.id_wide), (false, None, Some(22)));
    assert_eq!(a1.address, Some("fd00:1::1".parse().unwrap()));
    assert_eq!(valid.ports()[0].device, "0000:3b:00.0");
    assert!(
        valid.ports()[1]
            .device
            .starts_with("net_af_packet1,iface=b1.7,framesz=4096")
    );
    let namespace = spec.namespaces.iter().find(|own| own.id == 123).unwrap();
    assert_eq!(namespace.data, Some(0xdead_beef));
    assert_eq!(namespace.data_wide, Some(0xcafe_c0ca_f00d_c0de));
    let schema = namespace.schema.as_ref().unwrap();
    assert_eq!((schema.id, schema.data.as_slice()), (777, &b"schemaB!"[..]));
}

#[test]
fn encap_routes_become_profiles_the_longest_prefix_first() {
    let text = configuration(&texts()).unwrap();
    let spec = load(&text).node_spec(&[]);
    let names: Vec<&str> = spec.profiles.iter().map(|own| own.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "route fd00:3:0:4::/64",
            "route fd00:4::/64",
            "route fd00:3::/48"
        ]
    );
    let actions = spec.profiles.iter().map(|own| match &own.action {
        ActionSpec::Encapsulate(action) => action,
        other => panic!("{other:?}"),
    });
    let actions: Vec<_> = actions.collect();
    let trace = |index: usize| match actions[index].options[0] {
        OptionSpec::Trace(trace) => trace,
        ref other => panic!("{other:?}"),
    };
    assert_eq!(actions[0].placement, Placement::Inline);
    // A node id and a schema of two words do not fit four octets.
    assert_eq!((trace(0).words, trace(0).record_self), (1, false));
    assert!(
        matches!(actions[1].placement, Placement::Ip6InIp6 { source, .. }
        if source == "fd00:7::1".parse::<std::net::Ipv6Addr>().unwrap())
    );
    assert_eq!((trace(1).namespace, trace(1).record_self), (9, false));
    assert_eq!(actions[2].sampling, Sampling::FirstOf { k: 2, n: 5 });
    assert_eq!((trace(2).trace_type, trace(2).words), (0xc0_0000, 8));
    // The address of the port it leaves by.
    assert!(
        matches!(actions[2].placement, Placement::Ip6InIp6 { source, .. }
        if source == "fd00:2::1".parse::<std::net::Ipv6Addr>().unwrap())
    );
}

#[test]
fn what_has_no_equivalent_stands_in_comments() {
    let text = configuration(&texts()).unwrap();
    for words in [
        "no equivalent, packets follow a shorter prefix: blackhole fd00:8::/64",
        "no equivalent of table 100: fd00:77::/64",
        "fd00:6::/64: the first of several next hops is taken",
        "::/0: the address of fd00:1::fe is not known",
        "Linux leaves packets to fd00:3:0:5::/64 alone",
        "Linux sets the overflow flag",
        "Linux does not know namespace 9",
        "Linux puts it inline into packets of its own",
        "no tunsrc",
    ] {
        let comments = text.lines().filter(|line| line.contains('#'));
        assert!(
            comments.into_iter().any(|line| line.contains(words)),
            "{words}\n{text}"
        );
    }
    assert!(!text.contains("unreachable default"), "{text}");
}

#[test]
fn routes_go_to_neighbours_that_are_known() {
    let text = configuration(&texts()).unwrap();
    for line in [
        r#"- {prefix: "fd00:1::2/128", port: "a1", next-hop: "02:00:00:00:00:02"}"#,
        r#"- {prefix: "fd00:2::9/128", port: "b1.7", next-hop: "02:00:00:00:00:09"}"#,
        r#"- {prefix: "fd00:3::/48", port: "b1.7", next-hop: "02:00:00:00:00:09"}"#,
        r#"- {prefix: "fd00:6::/64", port: "b1.7", next-hop: "02:00:00:00:00:09"}"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("fe80"), "{text}");
}

#[test]
fn a_tunnel_that_is_up_takes_traces_out() {
    let mut texts = texts();
    let tunnel = |local: &str, flags: &str| {
        format!(
            r#",{{"ifname":"ip6tnl0","flags":[{flags}],"link_type":"tunnel6","address":"{local}","addr_info":[]}}]"#
        )
    };
    let links = ADDRESSES.trim_end_matches(']').to_owned();
    texts[3] = links.clone() + &tunnel("fd00:9::d", "\"UP\"");
    let spec = load(&configuration(&texts).unwrap()).node_spec(&[]);
    let ActionSpec::Decapsulate(action) = &spec.profiles.last().unwrap().action else {
        panic!("{spec:?}");
    };
    let end: std::net::Ipv6Addr = "fd00:9::d".parse().unwrap();
    assert_eq!(action.namespaces, [0, 123]);
    assert!(action.record_self);
    let placement = DecapsulatePlacement::Ip6InIp6 {
        destination: Some(end),
    };
    assert_eq!(action.placement, placement);
    // Any address of the machine, as `ip6tnl0` takes them.
    texts[3] = links.clone() + &tunnel("::", "\"UP\"");
    let spec = load(&configuration(&texts).unwrap()).node_spec(&[]);
    assert_eq!(spec.profiles.len(), 3 + 2);
    texts[3] = links + &tunnel("fd00:9::d", "");
    let spec = load(&configuration(&texts).unwrap()).node_spec(&[]);
    assert_eq!(spec.profiles.len(), 3);
}

#[test]
fn a_bare_transit_node_loads_too() {
    let texts = [
        "",
        "",
        "net.ipv6.conf.a1.ioam6_enabled = 1\n",
        r#"[{"ifname":"a1","flags":[],"link_type":"ether","mtu":65535}]"#,
        "",
        "",
    ];
    let text = configuration(&texts.map(str::to_owned)).unwrap();
    let valid = load(&text);
    assert_eq!(valid.ports()[0].mtu, 9710, "{text}");
}

#[test]
fn nothing_to_import_and_nonsense_are_one_sentence() {
    let nothing = ["", "", "", "[]", "", ""].map(str::to_owned);
    let error = configuration(&nothing).unwrap_err().to_string();
    assert!(error.contains("--netns"), "{error}");
    let nonsense = ["\0", "x", "=", "{", "encap ioam6", "\u{fffd}"].map(str::to_owned);
    assert!(configuration(&nonsense).is_err());
    let mut strange = texts();
    strange[4] =
        "fd00::/999 dev a1\nx/1\nfd00::/64  encap ioam6 mode encap trace type 0xzz dev a1\n\
                  fd00:1::/64  encap ioam6 mode odd trace type 0x800000 ns 123 size 4 dev a1\n"
            .to_owned();
    let text = configuration(&strange).unwrap();
    load(&text);
    assert!(text.contains("not understood: fd00::/999"), "{text}");
    assert!(text.contains("not understood: fd00::/64  encap"), "{text}");
    assert!(text.contains("its mode is not known"), "{text}");
}

#[test]
fn every_command_is_asked_in_the_namespace_and_every_file_in_the_folder() {
    struct Log(RefCell<Vec<String>>);
    impl Commands for Log {
        fn run(&self, program: &str, arguments: &[&str]) -> io::Result<String> {
            let line = [&[program], arguments].concat().join(" ");
            self.0.borrow_mut().push(line);
            Ok(String::new())
        }
    }
    let log = Log(RefCell::default());
    asked(&log, Some("lab")).unwrap();
    asked(&log, None).unwrap();
    let lines = log.0.into_inner();
    assert_eq!(lines[0], "ip -n lab ioam namespace show");
    assert_eq!(lines[2], "ip netns exec lab sysctl -a -r ioam6");
    assert_eq!(lines[8], "sysctl -a -r ioam6");

    let folder = std::env::temp_dir().join(format!("ioam-import-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (source, text) in SOURCES.iter().zip(texts()).take(5) {
        std::fs::write(folder.join(source.file), text).unwrap();
    }
    let error = captured(&folder).unwrap_err().to_string();
    assert!(error.contains("`ip -6 neigh show > "), "{error}");
    std::fs::write(folder.join("neighbours.txt"), NEIGHBOURS).unwrap();
    assert_eq!(captured(&folder).unwrap(), texts());
    std::fs::remove_dir_all(&folder).unwrap();
}
