// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ioam import-linux` asks a real kernel, and what it writes is the same node.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod rig;

use std::process::Command;

use ioam_config::Machine;
use rig::linux::{self, Identity};
use rig::netns::{Namespace, cable};
use rig::{Need, turn};

const NEEDS: [Need; 4] = [
    Need::Root,
    Need::LinuxIoam,
    Need::Tool("ip"),
    Need::Tool("ethtool"),
];

#[test]
fn a_node_of_this_kernel_is_imported() {
    let Some(_turn) = turn(&NEEDS) else { return };
    let (node, east, west) = (
        Namespace::new("node"),
        Namespace::new("east"),
        Namespace::new("west"),
    );
    let (_, ingress) = cable((&east, "e0"), (&node, "e1"), 2000);
    let (_, egress) = cable((&west, "w0"), (&node, "w1"), 1500);
    let who = Identity {
        id: 0x0b_0001,
        id_wide: 0x0b_0000_0000_0001,
        ingress: (201, 201_201),
        egress: (202, 202_202),
    };
    linux::transit(&node, who, &ingress, &egress);
    linux::namespace(&node, 123, "data 0xdeadbeef wide 0xcafec0caf00dc0de");
    linux::schema(&node, 123, 777, "something that will be 4n-aligned");
    linux::route(&node, "2001:db8:2::/48", &egress, [2, 0, 0, 0, 0, 9]);
    node.ip("addr add 2001:db8:ff::1/64 dev w1 nodad");

    let output = Command::new(env!("CARGO_BIN_EXE_ioam"))
        .args(["import-linux", "--netns", &node.name])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");

    let machine = Machine::other((0..4).collect());
    let loaded = ioam_config::parse("imported.yaml", &text, &machine);
    let valid = loaded.unwrap_or_else(|e| panic!("{e}\n{text}")).valid;
    let spec = valid.node_spec(&[]);
    assert_eq!(spec.node_id, Some(who.id));
    assert_eq!(spec.node_id_wide, Some(who.id_wide));
    let mut ids: Vec<_> = spec
        .ports
        .iter()
        .map(|port| {
            (
                port.name.as_str(),
                port.ioam,
                port.id,
                port.id_wide,
                port.mtu,
            )
        })
        .collect();
    ids.sort_unstable();
    let (a, b) = (who.ingress, who.egress);
    assert_eq!(
        ids,
        [
            ("e1", true, Some(a.0), Some(a.1), 2000),
            ("w1", false, Some(b.0), Some(b.1), 1500),
        ]
    );
    let namespace = spec.namespaces.iter().find(|own| own.id == 123).unwrap();
    assert_eq!(namespace.data, Some(0xdead_beef));
    assert_eq!(namespace.data_wide, Some(0xcafe_c0ca_f00d_c0de));
    let schema = namespace.schema.as_ref().unwrap();
    assert_eq!(schema.id, 777);
    assert!(
        schema
            .data
            .starts_with(b"something that will be 4n-aligned")
    );
    let route = r#"{prefix: "2001:db8:2::/48", port: "w1", next-hop: "02:00:00:00:00:09"}"#;
    assert!(text.contains(route), "{text}");
}
