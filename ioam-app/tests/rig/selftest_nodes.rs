// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The two nodes of the kernel's suite as our configuration files, and its cases as a table.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::rig::runtime;
use super::rig::table::Table;
use super::selftest::{ALPHA_SCHEMA, Case, Duty, GAMMA, Mode};

/// Our node as Beta. Namespace 0 always exists here, so a profile that matches nothing keeps it from
/// being processed, and IOAM is off at `west`.
pub(crate) fn beta([east, west]: [&str; 2], semantics: &str) -> String {
    format!(
        "node: {{id: 2, id-wide: 22222222, semantics: {semantics}}}
{}ports:
  - {{name: east, device: \"{east}\", mtu: 2000, ioam: true, id: 201, id-wide: 201201}}
  - {{name: west, device: \"{west}\", mtu: 2000, ioam: false, id: 202, id-wide: 202202}}
forwarding: {{mode: wire, pairs: [[east, west]], decrement-hop-limit: true}}
namespaces: [{{id: 123}}]
profiles:
  - name: nothing
    filter: {{destination: \"2001:db8:dead::/64\"}}
    preallocated-tracing-profile: {{trace-types: {{use-namespace: default-namespace}}}}
",
        runtime(0)
    )
}

/// The profile of an encapsulating case. What the suite does by not configuring the namespace at
/// Alpha, `record-self: false` does here: the trace leaves empty.
pub(crate) fn profile(port: u16, case: &Case, mode: Mode) -> String {
    let (namespace, kind, size) = (case.namespace, case.kind, case.size);
    let placement = match mode {
        Mode::Inline => "placement: inline".to_owned(),
        _ => format!(
            "tunnel: {{source: \"{}\", destination: \"{GAMMA}\"}}",
            mode.source()
        ),
    };
    let record_self = case.duty != Duty::LeaveAlone;
    format!(
        "  - name: p{port}
    filter: {{in-port: east, next-header: udp, destination-port: {port}}}
    preallocated-tracing-profile:
      node-action: encapsulate
      trace-types: {{use-namespace: {namespace}, trace-type: 0x{kind:06x}}}
      max-length: {size}
      {placement}
      record-self: {record_self}
"
    )
}

/// Our node as Alpha, with a profile for each of `numbered`.
pub(crate) fn alpha(devices: [&str; 2], semantics: &str, numbered: &[(u16, Case, Mode)]) -> String {
    let [east, west] = devices;
    let (schema, text) = ALPHA_SCHEMA;
    let mut config = format!(
        "node: {{id: 1, id-wide: 11111111, semantics: {semantics}}}
{}ports:
  - {{name: east, device: \"{east}\"}}
  - {{name: west, device: \"{west}\", mtu: 2000, ioam: true, id: 101, id-wide: 101101}}
forwarding: {{mode: wire, pairs: [[east, west]]}}
namespaces:
  - {{id: 123, data: 0xdeadbeef, data-wide: 0xcafec0caf00dc0de, schema: {{id: {schema}, text: \"{text}\"}}}}
profiles:
",
        runtime(0)
    );
    for (port, case, mode) in numbered {
        write!(config, "{}", profile(*port, case, *mode)).unwrap();
    }
    config
}

/// What became of the cases of one row, in words.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) packets: usize,
    pub(crate) linux: Vec<String>,
    pub(crate) ours: HashMap<&'static str, Vec<String>>,
    pub(crate) same: usize,
}

pub(crate) fn verdict(failures: Option<&Vec<String>>) -> String {
    match failures.map_or(&[][..], |failures| failures) {
        [] => "as expected".to_owned(),
        [first, ..] => format!("**{} differ**: {first}", failures.map_or(0, Vec::len)),
    }
}

pub(crate) fn expectation(case: &Case) -> &'static str {
    match (case.duty, &case.name[..]) {
        (Duty::LeaveAlone, "input_disabled") => "left alone: IOAM is off at the port",
        (Duty::LeaveAlone, "input_oflag") => "left alone: the overflow flag is set",
        (Duty::LeaveAlone, "input_undef_ns") => "left alone: the namespace is unknown",
        (Duty::LeaveAlone, _) => "an empty trace",
        (Duty::Overflow, _) => "the overflow flag, no data",
        (Duty::Fill, _) if case.kind.count_ones() > 1 => "all fields",
        (Duty::Fill, _) => "its field",
    }
}

pub(crate) fn table(rows: &[(String, Row, &'static str)]) -> String {
    let header = [
        "case",
        "packets",
        "expected",
        "Linux",
        "ours, `semantics: linux`",
        "ours, `semantics: rfc`",
    ];
    let mut table = Table::new(&header);
    for (group, row, expected) in rows {
        let mut cells = vec![
            format!("`{}`", group.replace(" to ", "` to `")),
            row.packets.to_string(),
        ];
        cells.push((*expected).to_owned());
        if ["output_no_room", "output_no_room_oss"].contains(&&group[..]) {
            let refused = "refused: `max-length` must hold this node's own data";
            cells.extend(["not run", refused, refused].map(str::to_owned));
        } else {
            let input = group.starts_with("input");
            cells.push(if input {
                verdict(Some(&row.linux))
            } else {
                "not run".to_owned()
            });
            let same = if row.same == row.packets {
                "the same octets"
            } else {
                "other octets"
            };
            let unknown = ["bit6", "full_supp_trace"]
                .iter()
                .any(|name| group.ends_with(name));
            let remark = if unknown { "; depth not available" } else { "" };
            let ours = |semantics| verdict(row.ours.get(semantics)) + remark;
            cells.push(if input {
                ours("linux") + ", " + same
            } else {
                ours("linux")
            });
            cells.push(ours("rfc"));
        }
        table.row(&cells);
    }
    table.text().to_owned()
}
