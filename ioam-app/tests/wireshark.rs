// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Wireshark dissector in `docs/wireshark`, with packets that our encoder did not make.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod rig;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use rig::packet::{frame, hex, of_hex, tagged, tunnelled};
use rig::{Folder, pcap};
use serde_json::Value;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const NOTHING: u8 = 59;
const MACS: [[u8; 6]; 2] = [[2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 1]];

fn beside(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/wireshark");
    folder.join(name)
}

// --- tshark ---

/// Runs tshark, of whose user's own settings and plugins nothing counts.
fn run(home: &Folder, words: &[&str]) -> Output {
    let mut command = Command::new("tshark");
    command.args(words).env("HOME", home.file(""));
    for name in ["XDG_CONFIG_HOME", "WIRESHARK_CONFIG_DIR"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

/// What tshark prints with `script`, of which it must not complain.
fn with_script(script: &Path, words: &[&str]) -> String {
    let home = Folder::new();
    let option = format!("lua_script:{}", script.display());
    let output = run(&home, &[words, &["-X", &option]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !said.to_lowercase().contains("lua"),
        "tshark: {said}\nIf it knows no ioam fields: docs/wireshark/README.md, As root"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The fields that the script adds, and their types.
fn defined() -> &'static BTreeMap<String, String> {
    static FIELDS: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    FIELDS.get_or_init(|| {
        let text = with_script(&beside("ioam.lua"), &["-G", "fields"]);
        let rows = text
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>());
        let own = rows.filter(|row| row[0] == "F" && row[2].starts_with("ioam."));
        own.map(|row| (row[2].to_owned(), row[3].to_owned()))
            .collect()
    })
}

/// Of a frame the fields that are in it, of several values joined by commas.
type Shown = BTreeMap<String, String>;

fn fields_of(file: &Path, script: &Path, names: &[String]) -> Vec<Shown> {
    let file = file.to_str().unwrap();
    let mut words = vec!["-r", file, "-T", "fields", "-E", "separator=|"];
    names.iter().for_each(|name| words.extend(["-e", name]));
    let shown = |line: &str| {
        let values = names.iter().zip(line.split('|'));
        let there = values.filter(|(_, value)| !value.is_empty());
        there
            .map(|(name, value)| (name.clone(), value.to_owned()))
            .collect()
    };
    with_script(script, &words).lines().map(shown).collect()
}

/// All the script shows of each frame, and Wireshark's own fields of these names.
fn decode(frames: &[Vec<u8>], more: &[&str]) -> Vec<Shown> {
    let folder = Folder::new();
    let file = folder.file("frames.pcap");
    pcap::write(&file, 1_723_560_226, frames);
    let mut names: Vec<_> = defined().keys().cloned().collect();
    names.extend(more.iter().map(|name| (*name).to_owned()));
    names.push("_ws.lua.error".to_owned());
    let shown = fields_of(&file, &beside("ioam.lua"), &names);
    assert_eq!(shown.len(), frames.len());
    for (shown, frame) in shown.iter().zip(frames) {
        assert_eq!(shown.get("_ws.lua.error"), None, "{}", hex(frame));
    }
    shown
}

/// The remarks among what is shown: fields without a value.
fn remarks(shown: &Shown) -> Vec<String> {
    let kind = |name: &String| defined().get(name).map(String::as_str);
    let remarks = shown.keys().filter(|name| kind(name) == Some("FT_NONE"));
    remarks
        .map(|name| name.trim_start_matches("ioam.").to_owned())
        .collect()
}

/// Each frame with the fields it should show, as `name=value`, without `ioam.`, and all its remarks.
fn check(cases: &[(Vec<u8>, &str, &str)]) {
    let frames: Vec<_> = cases.iter().map(|(frame, ..)| frame.clone()).collect();
    for (shown, (frame, values, expected)) in decode(&frames, &[]).iter().zip(cases) {
        for pair in values.split_whitespace() {
            let (name, value) = pair.split_once('=').unwrap();
            let found = shown.get(&format!("ioam.{name}"));
            assert_eq!(
                found.map_or("", String::as_str),
                value,
                "{name} of {}\n{shown:#?}",
                hex(frame)
            );
        }
        let expected: Vec<_> = expected.split_whitespace().collect();
        assert_eq!(remarks(shown), expected, "{}", hex(frame));
    }
}

// --- packets ---

/// An IPv6 option that carries IOAM; `data` in hexadecimal digits and blanks.
fn option(number: u8, kind: u8, data: &str) -> Vec<u8> {
    let data = of_hex(&data.replace(' ', ""));
    let length = u8::try_from(data.len() + 2).unwrap();
    [vec![number, length, 0, kind], data].concat()
}

/// An options header in front of `next`, `options` from its third octet on, and padded.
fn header(next: u8, options: &[u8]) -> Vec<u8> {
    let mut header = [&[next, 0], options].concat();
    match (8 - header.len() % 8) % 8 {
        0 => {}
        1 => header.push(0),
        pad => {
            header.extend([1, u8::try_from(pad - 2).unwrap()]);
            header.resize(header.len().next_multiple_of(8), 0);
        }
    }
    header[1] = u8::try_from(header.len() / 8 - 1).unwrap();
    header
}

fn packet(next: u8, payload: &[u8]) -> Vec<u8> {
    let [source, destination] = ["2001:db8::1", "2001:db8::2"].map(|text| text.parse().unwrap());
    rig::packet::ipv6(source, destination, 0, next, 64, payload)
}

fn in_frame(packet: &[u8]) -> Vec<u8> {
    frame(MACS[0], MACS[1], packet)
}

/// A frame with these options, aligned, in one header of this kind.
fn with(kind: u8, options: &[Vec<u8>]) -> Vec<u8> {
    let options = [&[1, 0][..], &options.concat()].concat();
    in_frame(&packet(kind, &header(NOTHING, &options)))
}

fn hop(number: u8, kind: u8, data: &str) -> Vec<u8> {
    with(HOP_BY_HOP, &[option(number, kind, data)])
}

const DEX: &str = "007b 00 c0 f00000 00 00abcdef 00000007";
const E2E: &str = "007b 7000 00000009 66bb7122 000186a0";
const POT: &str = "007b 00 00 0123456789abcdef 00000000000000ff";
const TRACE: &str = "007b 0801 800000 00 00000000";

fn vectors() -> Vec<Value> {
    let file: Value =
        serde_json::from_str(include_str!("../../tests/golden/vectors.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

fn vector(id: &str, side: &str) -> Vec<u8> {
    let vectors = vectors();
    let vector = vectors.iter().find(|vector| vector["id"] == id).unwrap();
    of_hex(vector[side].as_str().unwrap())
}

// --- what is shown ---

#[test]
fn reference_packets_of_direct_export_and_edge_to_edge_are_read() {
    let dex = "option=0x11 length=18 rsv=0x00 opt_type=4 carrier=0 dex.ns=123 dex.flags=0x00 \
        dex.extflags=0xc0 dex.extflag.flag.flowid=1 dex.extflag.flag.seqnum=1 \
        dex.extflag.flag.undef=0x00 dex.trace_type=0xf00000 dex.rsv=0x00 dex.flow_id=0x00abcdef data=";
    let first = format!("{dex} dex.sequence=0");
    let eighth = format!("{dex} dex.sequence=7");
    let sequence_only = "option=0x11 length=14 opt_type=4 dex.ns=123 dex.extflags=0x40 \
        dex.extflag.flag.flowid=0 dex.extflag.flag.seqnum=1 dex.flow_id= dex.sequence=7";
    let e2e = "option=0x11 opt_type=3 carrier=60 e2e.ns=123 e2e.type=0x7000 e2e.type.seq64=0 \
        e2e.type.seq32=1 e2e.type.seconds=1 e2e.type.fraction=1 e2e.type.undef=0x0000 e2e.seq64= \
        e2e.seq32=0 e2e.seconds=1723560226 e2e.fraction=100000 data=";
    check(&[
        (vector("E04", "in"), "option=", ""),
        (vector("E04", "out"), &first, ""),
        (vector("E05", "out"), e2e, ""),
        (vector("X01", "in"), &eighth, ""),
        (vector("X01", "out"), &eighth, ""),
        (vector("X02", "out"), sequence_only, ""),
    ]);
}

/// The script's name of a field of traces, and Wireshark's own.
fn trace_names() -> Vec<(String, String)> {
    let mut names: Vec<(String, String)> = [
        "ns", "nodelen", "flag.o", "flag.l", "flag.a", "flag.rsv", "remlen", "rsv",
    ]
    .map(|name| (name.to_owned(), name.to_owned()))
    .into();
    names.push(("trace_type".to_owned(), "type".to_owned()));
    let bits = (0..12).chain([22]).map(|bit| format!("bit{bit}"));
    // Not `undef`, of which Wireshark does not show the number.
    for bit in bits.chain(["rsv".to_owned()]) {
        names.push((format!("trace_type.{bit}"), format!("type.{bit}")));
    }
    let own = |name| format!("ioam.trace.{name}");
    let wiresharks = |name| format!("ipv6.opt.ioam.trace.{name}");
    let pairs = names.into_iter();
    pairs
        .map(|(name, theirs)| (own(name), wiresharks(theirs)))
        .collect()
}

/// A number as tshark shows it, which is not in the same base for all.
fn number(text: &str) -> u32 {
    let digits = text.strip_prefix("0x");
    digits.map_or_else(
        || text.parse().unwrap(),
        |digits| u32::from_str_radix(digits, 16).unwrap(),
    )
}

#[test]
fn traces_are_read_as_wireshark_reads_them() {
    let (mut frames, mut ids) = (Vec::new(), Vec::new());
    for vector in vectors() {
        let id = vector["id"].as_str().unwrap().to_owned();
        for side in ["in", "out"]
            .iter()
            .filter_map(|side| vector[side].as_str())
        {
            if id.starts_with('T') || id.starts_with('D') || ["E01", "E03"].contains(&&*id) {
                frames.push(of_hex(side));
                ids.push(id.clone());
            }
        }
    }
    // Every bit, with NodeLen as it should be so that Wireshark reads on.
    for bit in 0..24u32 {
        let words = u32::from(bit < 22) + u32::from((8..11).contains(&bit));
        let data = format!("007b {:04x} {:06x} 5a", words << 11, 0x80_0000u32 >> bit);
        frames.push(hop(0x31, 0, &data));
        ids.push(format!("bit {bit}"));
    }
    let names = trace_names();
    let theirs: Vec<_> = names.iter().map(|(_, theirs)| &**theirs).collect();
    let mut compared = 0;
    for (shown, id) in decode(&frames, &theirs).iter().zip(&ids) {
        assert_eq!(remarks(shown), [""; 0], "{id}");
        for (own, theirs) in &names {
            let [own_value, theirs] =
                [own, theirs].map(|name| shown.get(name).map(|text| number(text)));
            assert_eq!(own_value, theirs, "{id} {own}");
            compared += usize::from(shown.contains_key(own));
        }
    }
    assert!(compared > 1000, "only {compared} values compared");
}

#[test]
fn direct_export_is_read_with_any_extension_flags() {
    let unknown = "007b 00 e1 f00000 00 00abcdef 00000007 11111111 22222222";
    let cases = [
        (
            hop(0x11, 4, unknown),
            "dex.extflags=0xe1 dex.extflag.flag.undef=0x21 dex.flow_id=0x00abcdef dex.sequence=7 dex.unknown=0x11111111,0x22222222 data=",
            "dex.unknown_flags",
        ),
        (
            hop(0x11, 4, "007b 00 21 f00000 00 11111111 22222222"),
            "dex.flow_id= dex.sequence= dex.unknown=0x11111111,0x22222222",
            "dex.unknown_flags",
        ),
        (
            hop(0x31, 4, DEX),
            "option=0x31 dex.flow_id=0x00abcdef dex.sequence=7",
            "number_31",
        ),
        (
            hop(0x11, 4, "ffff ff 00 ffffff ff"),
            "dex.ns=65535 dex.flags=0xff dex.trace_type=0xffffff dex.trace_type.undef=0x0003ff dex.rsv=0xff dex.sequence= data=",
            "",
        ),
        (
            hop(0x11, 4, "007b 00 80 f00000 00 ffffffff"),
            "dex.flow_id=0xffffffff dex.sequence=",
            "",
        ),
        (
            hop(0x11, 4, "007b 00 40 f00000 00 ffffffff"),
            "dex.flow_id= dex.sequence=4294967295",
            "",
        ),
        // Too short for its flags, for its header, and too long.
        (
            hop(0x11, 4, "007b 00 c0 f00000 00 00abcdef"),
            "dex.flow_id=0x00abcdef dex.sequence= data=",
            "dex.invalid_length",
        ),
        (
            hop(0x11, 4, "007b 00 c0 f00000 00 00abcdef 0102"),
            "dex.flow_id=0x00abcdef dex.sequence= data=0102",
            "dex.invalid_length",
        ),
        (
            hop(0x11, 4, "007b 00 c0 f000"),
            "dex.extflags=0xc0 dex.trace_type= data=f000",
            "invalid_length",
        ),
        (
            hop(0x11, 4, "007b 00 00 f00000 00 00abcdef"),
            "dex.flow_id= data=00abcdef",
            "trailing",
        ),
    ];
    check(&cases);
    let bits: Vec<_> = (0..24u32)
        .map(|bit| {
            hop(
                0x11,
                4,
                &format!("007b 00 00 {:06x} 00", 0x80_0000u32 >> bit),
            )
        })
        .collect();
    for (shown, bit) in decode(&bits, &[]).iter().zip(0u32..) {
        for other in (0..12).chain([22]) {
            let name = format!("ioam.dex.trace_type.bit{other}");
            assert_eq!(shown[&name], u32::from(bit == other).to_string());
        }
        assert_eq!(
            shown["ioam.dex.trace_type.rsv"],
            u32::from(bit == 23).to_string()
        );
        let undefined = shown["ioam.dex.trace_type.undef"] != "0x000000";
        assert_eq!(undefined, (12..22).contains(&bit));
    }
}

#[test]
fn edge_to_edge_is_read_for_every_type() {
    let there = |data| with(DESTINATION, &[option(0x11, 3, data)]);
    check(&[
        (
            there("007b b000 fffffffffffffffe 66bb7122 075bcd15"),
            "carrier=60 e2e.seq64=18446744073709551614 e2e.seq32= e2e.seconds=1723560226 e2e.fraction=123456789 data=",
            "",
        ),
        (
            there("007b 8000 0000000000000001"),
            "e2e.seq64=1 e2e.seconds= e2e.fraction=",
            "",
        ),
        (
            there("007b 4000 ffffffff"),
            "e2e.seq64= e2e.seq32=4294967295",
            "",
        ),
        (
            there("007b 2000 ffffffff"),
            "e2e.seconds=4294967295 e2e.fraction=",
            "",
        ),
        (
            there("007b 1000 00000005"),
            "e2e.seconds= e2e.fraction=5",
            "",
        ),
        (there("007b 0000"), "e2e.type=0x0000 e2e.seq32=", ""),
        (
            there("007b f000 0000000000000001 00000002 00000003 00000004"),
            "e2e.type.seq64=1 e2e.type.seq32=1 e2e.seq64= e2e.seq32= e2e.seconds= data=0000000000000001000000020000000300000004",
            "e2e.invalid_type",
        ),
        (
            there("007b 4801 00000009 0a0b0c0d"),
            "e2e.type.undef=0x0801 e2e.seq32=9 data=0a0b0c0d",
            "e2e.undefined_bits",
        ),
        (
            there("007b 7000 00000009 66bb7122"),
            "e2e.seq32=9 e2e.seconds=1723560226 e2e.fraction=",
            "invalid_length",
        ),
        (
            there("007b 70"),
            "e2e.ns=123 e2e.type= data=70",
            "invalid_length",
        ),
        (
            there("007b 4000 00000009 0a0b0c0d"),
            "e2e.seq32=9 data=0a0b0c0d",
            "trailing",
        ),
        (
            with(DESTINATION, &[option(0x31, 3, E2E)]),
            "option=0x31 e2e.seq32=9 e2e.fraction=100000",
            "number_31",
        ),
        (hop(0x11, 3, E2E), "carrier=0 e2e.seq32=9", ""),
    ]);
}

#[test]
fn proof_of_transit_is_read() {
    let known = "pot.ns=123 pot.type=0 pot.flags=0x00 pot.pkt_id=0x0123456789abcdef pot.cumulative=0x00000000000000ff data=";
    check(&[
        (hop(0x31, 2, POT), known, ""),
        (hop(0x11, 2, POT), known, "number_11"),
        (
            hop(0x31, 2, "007b 01 80 01020304"),
            "pot.type=1 pot.flags=0x80 pot.pkt_id= data=01020304",
            "pot.unknown_type",
        ),
        (
            hop(0x31, 2, "007b 00 00 0123456789abcdef 00000000"),
            "pot.pkt_id=0x0123456789abcdef pot.cumulative= data=00000000",
            "invalid_length",
        ),
        (
            hop(0x31, 2, "007b"),
            "pot.ns=123 pot.type=",
            "invalid_length",
        ),
        (
            hop(0x31, 2, &format!("{POT} 00000000")),
            "pot.cumulative=0x00000000000000ff data=00000000",
            "trailing",
        ),
    ]);
}

#[test]
fn options_that_should_not_be_so_are_remarked_on() {
    let misplaced = |before: &[u8]| {
        let options = [before, &option(0x11, 4, DEX)].concat();
        in_frame(&packet(HOP_BY_HOP, &header(NOTHING, &options)))
    };
    let mut overrunning = hop(0x11, 4, DEX);
    overrunning[14 + 40 + 5] = 60;
    let last = header(NOTHING, &[1, 3, 0, 0, 0, 0x11]);
    let no_length = in_frame(&packet(HOP_BY_HOP, &last));
    check(&[
        (
            hop(0x11, 0, TRACE),
            "option=0x11 trace.ns=123 trace.nodelen=1 trace.remlen=1 trace.trace_type=0x800000 data=00000000",
            "number_11",
        ),
        (
            hop(0x31, 1, TRACE),
            "opt_type=1 trace.ns=123",
            "trace.incremental",
        ),
        (
            hop(0x31, 0, "007b 0801 8000"),
            "trace.ns=123 trace.remlen=1 trace.trace_type=",
            "invalid_length",
        ),
        (
            hop(0x11, 5, "01020304"),
            "opt_type=5 data=01020304",
            "unknown_type",
        ),
        (
            hop(0x31, 66, "01020304"),
            "opt_type=66 data=01020304",
            "unknown_type",
        ),
        (
            with(HOP_BY_HOP, &[vec![0x11, 0]]),
            "option=0x11 length=0 opt_type=",
            "invalid_length",
        ),
        (
            with(HOP_BY_HOP, &[vec![0x11, 1, 7]]),
            "length=1 rsv=0x07 opt_type=",
            "invalid_length",
        ),
        (misplaced(&[]), "dex.sequence=7", "invalid_alignment"),
        (misplaced(&[0]), "dex.sequence=7", "invalid_alignment"),
        (misplaced(&[0, 0]), "dex.sequence=7", ""),
        (overrunning, "length=60 dex.sequence=7", "cut"),
        (no_length, "option=0x11 length=", "cut invalid_alignment"),
    ]);
}

#[test]
fn options_are_found_wherever_they_are() {
    let options = [
        option(0x31, 2, POT),
        option(0x31, 0, TRACE),
        option(0x11, 4, DEX),
        option(0x11, 4, "0001 00 00 800000 00"),
    ];
    let several = "option=0x31,0x31,0x11,0x11 opt_type=2,0,4,4 dex.ns=123,1 dex.sequence=7 trace.ns=123 pot.ns=123";
    let first = [vec![1, 0], option(0x11, 4, DEX)].concat();
    let second = [vec![1, 0], option(0x11, 3, E2E)].concat();
    let end = header(NOTHING, &second);
    let both = packet(
        HOP_BY_HOP,
        &[header(DESTINATION, &first), end.clone()].concat(),
    );
    let in_both = "carrier=0,60 opt_type=4,3 dex.sequence=7 e2e.seq32=9";
    let behind = |kind: u8, between: &str| {
        let between = of_hex(&between.replace(' ', ""));
        in_frame(&packet(kind, &[between, end.clone()].concat()))
    };
    let tags = |tags: &[(u16, u16)]| tagged(MACS[0], MACS[1], tags, &both);
    let inside = tunnelled(&both, "2001:db8::a", "2001:db8::b");
    let outer = [
        header(
            41,
            &[vec![1, 0], option(0x11, 4, "0009 00 40 800000 00 00000063")].concat(),
        ),
        both.clone(),
    ]
    .concat();
    let quoted = [vec![1, 0, 0, 0, 0, 0, 0, 0], both.clone()].concat();
    check(&[
        (with(HOP_BY_HOP, &options), several, ""),
        (with(DESTINATION, &options), several, ""),
        (in_frame(&both), in_both, ""),
        (tags(&[(0x8100, 5)]), in_both, ""),
        (tags(&[(0x88A8, 5), (0x8100, 6)]), in_both, ""),
        (in_frame(&inside), in_both, ""),
        (
            in_frame(&packet(HOP_BY_HOP, &outer)),
            "carrier=0,0,60 dex.ns=9,123 dex.sequence=99,7 e2e.seq32=9",
            "",
        ),
        (in_frame(&packet(58, &quoted)), in_both, ""),
        (behind(ROUTING, "3c 00 fd 00 00000000"), "e2e.seq32=9", ""),
        (behind(FRAGMENT, "3c 00 0001 00000001"), "e2e.seq32=9", ""),
        (behind(FRAGMENT, "3c 00 0081 00000001"), "option=", ""),
        (
            behind(AUTHENTICATION, "3c 01 0000 00000001 00000002"),
            "e2e.seq32=9",
            "",
        ),
        (behind(17, "1388 1770 0020 0000"), "option=", ""),
    ]);
}

// --- what is broken ---

/// Numbers from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ mixed >> 31) % end as u64).unwrap()
    }
}

/// Frames with every kind of option, the reference packets among them.
fn sound() -> Vec<Vec<u8>> {
    let mut frames = vec![
        hop(0x31, 2, POT),
        hop(
            0x11,
            4,
            "007b 00 e1 f00000 00 00abcdef 00000007 11111111 22222222",
        ),
        with(
            DESTINATION,
            &[option(
                0x11,
                3,
                "007b b000 0000000000000001 66bb7122 075bcd15",
            )],
        ),
        with(
            HOP_BY_HOP,
            &[
                option(0x11, 4, DEX),
                option(0x31, 2, POT),
                option(0x31, 0, TRACE),
            ],
        ),
    ];
    let dex = header(DESTINATION, &[vec![1, 0], option(0x11, 4, DEX)].concat());
    let e2e = header(NOTHING, &[vec![1, 0], option(0x11, 3, E2E)].concat());
    let both = packet(HOP_BY_HOP, &[dex, e2e].concat());
    frames.push(tagged(
        MACS[0],
        MACS[1],
        &[(0x8100, 5)],
        &tunnelled(&both, "::a", "::b"),
    ));
    for vector in vectors() {
        let sides = ["in", "out"].into_iter();
        frames.extend(sides.filter_map(|side| vector[side].as_str()).map(of_hex));
    }
    frames
}

fn broken() -> Vec<Vec<u8>> {
    let (sound, mut random) = (sound(), Random(0x10A3));
    let mut frames = Vec::new();
    for frame in &sound[..5] {
        frames.extend((14..frame.len()).map(|end| frame[..end].to_vec()));
    }
    for _ in 0..1000 {
        let mut frame = sound[random.below(sound.len())].clone();
        for _ in 0..random.below(4) {
            // Where extension headers are; small numbers look like lengths and types.
            let place = 18 + random.below((frame.len() - 18).min(80));
            let most = [8, 70, 256][random.below(3)];
            frame[place] = u8::try_from(random.below(most)).unwrap();
        }
        if random.below(2) == 0 {
            frame.truncate(15 + random.below(frame.len() - 15));
        }
        frames.push(frame);
    }
    frames
}

/// Says in a capture file that each frame was larger than what of it was captured.
fn snap(file: &Path) {
    let mut octets = std::fs::read(file).unwrap();
    let mut at = 24;
    while at < octets.len() {
        let captured = u32::from_le_bytes(octets[at + 8..at + 12].try_into().unwrap());
        octets[at + 12..at + 16].copy_from_slice(&(captured + 300).to_le_bytes());
        at += 16 + usize::try_from(captured).unwrap();
    }
    std::fs::write(file, octets).unwrap();
}

const ERRORS: [&str; 2] = ["_ws.lua.error", "ioam.option"];

#[test]
fn no_packet_is_too_broken() {
    let (frames, folder) = (broken(), Folder::new());
    assert!(frames.len() > 1200, "{}", frames.len());
    let file = folder.file("frames.pcap");
    pcap::write(&file, 0, &frames);
    for snapped in [false, true] {
        if snapped {
            snap(&file);
        }
        let shown = fields_of(&file, &beside("ioam.lua"), &ERRORS.map(str::to_owned));
        assert_eq!(shown.len(), frames.len());
        for (shown, frame) in shown.iter().zip(&frames) {
            assert_eq!(shown.get(ERRORS[0]), None, "{snapped} {}", hex(frame));
        }
        let seen = shown.iter().filter(|shown| shown.contains_key(ERRORS[1]));
        let (seen, all) = (seen.count(), frames.len());
        assert!(seen > all / 2, "{snapped}: options in {seen} of {all} only");
        // With all trees, as a person sees them.
        let text = with_script(&beside("ioam.lua"), &["-r", file.to_str().unwrap(), "-V"]);
        assert!(!text.contains("Lua Error"), "{snapped}");
    }
}

#[test]
fn an_error_of_the_script_would_be_seen() {
    let folder = Folder::new();
    let text = std::fs::read_to_string(beside("ioam.lua")).unwrap();
    let check = "local captured = source:len()";
    assert!(
        text.contains(check),
        "the script no longer looks for the end"
    );
    let script = folder.write(
        "broken.lua",
        &text.replace(check, "local captured = 100000"),
    );
    let file = folder.file("frames.pcap");
    pcap::write(&file, 0, &broken());
    let shown = fields_of(&file, &script, &ERRORS.map(str::to_owned));
    let failed = shown.iter().filter(|shown| shown.contains_key(ERRORS[0]));
    assert!(failed.count() > 100);
}

#[test]
fn a_frame_full_of_options_is_read_to_its_end() {
    let options = [&[1, 0][..], &[0x11, 2, 0, 9].repeat(511)].concat();
    let full = header(DESTINATION, &options);
    assert_eq!(full[1], 255);
    let last = header(NOTHING, &[1, 0]);
    let frame = in_frame(&packet(DESTINATION, &[full.repeat(31), last].concat()));
    let shown = decode(&[frame], &[]).remove(0);
    assert_eq!(shown["ioam.opt_type"].split(',').count(), 31 * 511);
    let mut deep = packet(HOP_BY_HOP, &header(NOTHING, &[1, 0, 0x11, 2, 0, 9]));
    for _ in 0..200 {
        deep = packet(
            HOP_BY_HOP,
            &[header(41, &[1, 0, 0x11, 2, 0, 9]), deep].concat(),
        );
    }
    let shown = decode(&[in_frame(&deep)], &[]).remove(0);
    assert_eq!(shown["ioam.opt_type"].split(',').count(), 201);
}

// --- what the document says ---

#[test]
fn the_document_lists_the_fields_there_are() {
    let text = std::fs::read_to_string(beside("README.md")).unwrap();
    let mut documented = BTreeMap::new();
    for row in text.lines().filter(|line| line.starts_with("| `ioam.")) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
        for name in cells[0].split(',') {
            let name = name.trim().trim_matches('`').to_owned();
            let before = documented.insert(name, cells[1].trim().to_owned());
            assert_eq!(before, None, "twice: {row}");
        }
    }
    assert_eq!(&documented, defined(), "mend docs/wireshark/README.md");
}

#[test]
fn filters_shown_in_the_document_are_filters() {
    let text = std::fs::read_to_string(beside("README.md")).unwrap();
    let part = text.split("## Filters").nth(1).unwrap();
    let part = part.split("\n\n").nth(1).unwrap();
    let filters: BTreeSet<_> = part.split('`').skip(1).step_by(2).collect();
    assert!(filters.len() > 5, "{filters:?}");
    let folder = Folder::new();
    let file = folder.file("frames.pcap");
    let unknown = with(DESTINATION, &[option(0x11, 3, "0001 2000 ffffffff")]);
    let dex = hop(0x11, 4, DEX);
    pcap::write(&file, 0, &[dex, unknown, vector("T01", "in")]);
    for filter in filters {
        let words = ["-r", file.to_str().unwrap(), "-Y", filter];
        let found = with_script(&beside("ioam.lua"), &words);
        assert!(!found.is_empty(), "`{filter}` finds nothing");
    }
}

#[test]
fn it_works_from_the_folder_of_personal_plugins() {
    let home = Folder::new();
    let plugins = home.file(".local/lib/wireshark/plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    std::fs::copy(beside("ioam.lua"), plugins.join("ioam.lua")).unwrap();
    let file = home.file("frames.pcap");
    pcap::write(&file, 0, &[hop(0x11, 4, DEX)]);
    let file = file.to_str().unwrap();
    let words = [
        "-r",
        file,
        "-Y",
        "ioam.dex.ns",
        "-T",
        "fields",
        "-e",
        "ioam.dex.sequence",
    ];
    let output = run(&home, &words);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "7",
        "{said}"
    );
}
