// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Captures of both formats, sound and damaged, made octet by octet.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that panics has failed, and its frames are short"
)]

use std::path::PathBuf;

use super::*;

const TIME: WallTime = WallTime {
    seconds: 1_723_560_226,
    nanoseconds: 123_456_789,
};

/// Integers as a file of one byte order has them.
#[derive(Clone, Copy)]
struct Bytes {
    big: bool,
}

impl Bytes {
    fn u16(self, value: u16) -> Vec<u8> {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
        .to_vec()
    }

    fn u32(self, value: u32) -> Vec<u8> {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
        .to_vec()
    }

    fn words(self, values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| self.u32(*value)).collect()
    }

    fn pcap(self, magic: u32, link_type: u32) -> Vec<u8> {
        let mut octets = self.u32(magic);
        octets.extend(self.u16(2));
        octets.extend(self.u16(4));
        octets.extend(self.words(&[0, 0, 65_535, link_type]));
        octets
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let length = self.u32(u32::try_from(body.len() + 12).unwrap());
        [self.u32(kind), length.clone(), body, length].concat()
    }

    fn section(self) -> Vec<u8> {
        let version = [self.u16(1), self.u16(0)].concat();
        let body = [self.u32(0x1A2B_3C4D), version, vec![0xFF; 8]].concat();
        self.block(0x0A0D_0D0A, &body)
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut value = value.to_vec();
        let length = self.u16(u16::try_from(value.len()).unwrap());
        value.resize(value.len().next_multiple_of(4), 0);
        [self.u16(code), length, value].concat()
    }

    fn interface(self, link_type: u16, snap_length: u32, options: &[u8]) -> Vec<u8> {
        let head = [self.u16(link_type), self.u16(0), self.u32(snap_length)].concat();
        self.block(1, &[&head, options].concat())
    }

    fn enhanced(self, interface: u32, time: u64, frame: &[u8], on_wire: u32) -> Vec<u8> {
        let high = u32::try_from(time >> 32).unwrap();
        let low = u32::try_from(time & 0xFFFF_FFFF).unwrap();
        let captured = u32::try_from(frame.len()).unwrap();
        let head = self.words(&[interface, high, low, captured, on_wire]);
        let mut body = [&head, frame].concat();
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(self.option(0, &[]));
        self.block(6, &body)
    }
}

const LITTLE: Bytes = Bytes { big: false };
const BIG: Bytes = Bytes { big: true };

/// A file that is gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, octets: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("ioam-{}-{name}", std::process::id()));
        std::fs::write(&path, octets).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Reads everything; also whether the file was cut.
fn read(name: &str, octets: &[u8]) -> Result<(Vec<Captured>, bool), CaptureError> {
    let file = Scratch::new(name, octets);
    let mut reader = Reader::open(&file.0)?;
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet()? {
        packets.push(packet);
    }
    Ok((packets, reader.was_cut()))
}

fn captured(nanoseconds: u32, octets: &[u8], wire_octets: u32) -> Captured {
    Captured {
        time: Some(WallTime {
            nanoseconds,
            ..TIME
        }),
        octets: octets.to_vec(),
        wire_octets,
    }
}

#[test]
fn pcap_is_read_in_either_order_and_unit() {
    for (bytes, magic, fraction, nanoseconds) in [
        (LITTLE, 0xA1B2_3C4D, 123_456_789, 123_456_789),
        (BIG, 0xA1B2_3C4D, 123_456_789, 123_456_789),
        (LITTLE, 0xA1B2_C3D4, 123_456, 123_456_000),
        (BIG, 0xA1B2_C3D4, 123_456, 123_456_000),
    ] {
        let mut file = bytes.pcap(magic, 1);
        for frame in [&b"abcde"[..], b""] {
            file.extend(bytes.words(&[1_723_560_226, fraction, frame.len() as u32, 60]));
            file.extend(frame);
        }
        let (packets, cut) = read("sound.pcap", &file).unwrap();
        assert_eq!(packets[0], captured(nanoseconds, b"abcde", 60));
        assert!(packets[0].is_truncated() && !cut);
        assert_eq!(packets.len(), 2);
    }
}

#[test]
fn what_is_written_is_read_back() {
    let file = Scratch::new("written.pcap", b"");
    let mut writer = Writer::create(&file.0).unwrap();
    writer.write(TIME, b"abc").unwrap();
    writer.finish().unwrap();
    let mut reader = Reader::open(&file.0).unwrap();
    assert_eq!(
        reader.next_packet().unwrap(),
        Some(captured(123_456_789, b"abc", 3))
    );
    assert_eq!(reader.next_packet().unwrap(), None);
    assert_eq!(reader.position(), 24 + 16 + 3);
}

#[test]
fn pcapng_times_have_the_unit_of_their_interface() {
    let seconds = 1_723_560_226_u64;
    for bytes in [LITTLE, BIG] {
        let nano = bytes.option(9, &[9]);
        let binary = bytes.option(9, &[0x80 | 20]);
        let offset = if bytes.big {
            1000_i64.to_be_bytes()
        } else {
            1000_i64.to_le_bytes()
        };
        let late = [bytes.option(2, b"eth0"), bytes.option(14, &offset)].concat();
        let file = [
            bytes.section(),
            bytes.interface(1, 0, &[]),
            bytes.interface(1, 0, &nano),
            bytes.interface(1, 0, &binary),
            bytes.interface(1, 0, &late),
            bytes.block(0x0BAD, b"whatever"),
            bytes.enhanced(0, seconds * 1_000_000 + 123_456, b"a", 1),
            bytes.enhanced(1, seconds * 1_000_000_000 + 123_456_789, b"b", 1),
            bytes.enhanced(2, (seconds << 20) + (1 << 19), b"c", 1),
            bytes.enhanced(3, (seconds - 1000) * 1_000_000, b"d", 1),
        ]
        .concat();
        let (packets, cut) = read("units.pcapng", &file).unwrap();
        let expected = [
            captured(123_456_000, b"a", 1),
            captured(123_456_789, b"b", 1),
            captured(500_000_000, b"c", 1),
            captured(0, b"d", 1),
        ];
        assert_eq!(packets, expected);
        assert!(!cut);
    }
}

#[test]
fn pcapng_sections_begin_anew_and_packets_come_in_three_kinds() {
    let old = LITTLE.words(&[0x0001_0000, 0, 1_000_000, 3, 3]);
    let file = [
        BIG.section(),
        BIG.interface(113, 0, &[]),
        LITTLE.section(),
        LITTLE.interface(1, 4, &[]),
        LITTLE.block(3, &[&LITTLE.u32(60)[..], b"abcd"].concat()),
        LITTLE.block(2, &[&old[..], b"xyz"].concat()),
    ]
    .concat();
    let (packets, _) = read("kinds.pcapng", &file).unwrap();
    let simple = Captured {
        time: None,
        octets: b"abcd".to_vec(),
        wire_octets: 60,
    };
    assert_eq!(packets[0], simple);
    assert_eq!(
        packets[1].time,
        Some(WallTime {
            seconds: 1,
            nanoseconds: 0
        })
    );
    assert_eq!(packets[1].octets, b"xyz");
}

#[test]
fn a_file_cut_anywhere_gives_what_is_whole_and_says_so() {
    let mut pcap = LITTLE.pcap(0xA1B2_3C4D, 1);
    pcap.extend(LITTLE.words(&[1, 0, 3, 3]));
    pcap.extend(b"abc");
    let pcapng = [
        LITTLE.section(),
        LITTLE.interface(1, 0, &[]),
        LITTLE.enhanced(0, 1, b"abc", 3),
    ]
    .concat();
    let first_packet = [(&pcap, 24), (&pcapng, 28 + 20)];
    for (file, start) in first_packet {
        let (packets, cut) = read("whole", file).unwrap();
        assert!(packets.len() == 1 && !cut);
        for end in 0..file.len() {
            match read("cut", &file[..end]) {
                Ok((packets, cut)) => {
                    assert!(packets.is_empty());
                    let between = end == start || (start == 48 && end == 28);
                    assert_eq!(cut, !between, "{end}");
                }
                Err(error) => assert!(matches!(error, CaptureError::NoCapture), "{end} {error}"),
            }
        }
    }
}

#[test]
fn what_is_no_capture_of_ethernet_is_refused_with_a_way_out() {
    let says = |name: &str, octets: &[u8]| read(name, octets).unwrap_err().to_string();
    assert!(says("empty", b"").contains("tcpdump"));
    assert!(says("text", b"ports:\n  - name: east\n").contains("tcpdump"));
    assert!(says("packed", &[0x1F, 0x8B, 8, 0]).contains("gunzip"));
    let cooked = LITTLE.pcap(0xA1B2_C3D4, 113);
    assert!(says("cooked.pcap", &cooked).contains("link type 113"));
    let cooked = [
        LITTLE.section(),
        LITTLE.interface(276, 0, &[]),
        LITTLE.enhanced(0, 1, b"a", 1),
    ];
    assert!(says("cooked.pcapng", &cooked.concat()).contains("link type 276"));
    let missing = Reader::open(Path::new("no/such/file")).unwrap_err();
    assert!(matches!(missing, CaptureError::Open(_)));
}

#[test]
fn damage_is_placed() {
    let damaged = |name: &str, octets: Vec<u8>| match read(name, &octets) {
        Err(CaptureError::Damaged { at, .. }) => at,
        other => panic!("{name}: {other:?}"),
    };
    let mut long = LITTLE.pcap(0xA1B2_C3D4, 1);
    long.extend(LITTLE.words(&[1, 1, 0x7FFF_FFFF, 1]));
    assert_eq!(damaged("long.pcap", long), 24);

    let start = [LITTLE.section(), LITTLE.interface(1, 0, &[])].concat();
    let after = |block: &[u8]| [&start, block].concat();
    for block in [
        LITTLE.words(&[6, 8]),
        LITTLE.words(&[6, 13]),
        LITTLE.words(&[6, 0xFFFF_FFFC]),
        LITTLE.words(&[5, 16, 0, 20]),
        LITTLE.enhanced(1, 1, b"a", 1),
        LITTLE.block(6, &LITTLE.words(&[0, 0, 0, 400, 400])),
        LITTLE.block(6, &LITTLE.words(&[0, 0])),
        LITTLE.block(3, &LITTLE.words(&[400])),
        LITTLE.block(1, &[1]),
        LITTLE.interface(1, 0, &LITTLE.option(9, &[40])),
        LITTLE.interface(1, 0, &[9, 0, 200, 0]),
        LITTLE.words(&[0x0A0D_0D0A, 28, 0]),
    ] {
        assert_eq!(damaged("damaged.pcapng", after(&block)), 48, "{block:?}");
    }
}
