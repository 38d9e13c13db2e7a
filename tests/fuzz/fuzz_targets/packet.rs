// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A heap packet against a plain vector: any frame, any sequence of grows, shrinks and cuts.
#![no_main]

use ioam_dp::packet::{HeapPacket, PacketBuf};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Change {
    Grow(u16),
    Shrink(u16),
    Truncate(u16),
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    headroom: u8,
    changes: Vec<Change>,
    frame: &'a [u8],
}

fuzz_target!(|input: Input| {
    let headroom = usize::from(input.headroom);
    let mut packet = HeapPacket::new(input.frame, headroom);
    let mut model = input.frame.to_vec();
    let mut free = headroom;
    for change in input.changes {
        match change {
            Change::Grow(octets) => {
                let octets = usize::from(octets);
                let fits = octets <= free;
                assert_eq!(packet.grow_front(octets), fits);
                if fits {
                    free -= octets;
                    // New octets are unspecified, so the model takes what the packet shows.
                    model.splice(0..0, packet.bytes()[..octets].iter().copied());
                }
            }
            Change::Shrink(octets) => {
                let octets = usize::from(octets);
                let fits = octets <= model.len();
                assert_eq!(packet.shrink_front(octets), fits);
                if fits {
                    free += octets;
                    model.drain(..octets);
                }
            }
            Change::Truncate(octets) => {
                packet.truncate(usize::from(octets));
                model.truncate(usize::from(octets));
            }
        }
        assert_eq!(packet.bytes(), model);
        assert_eq!(packet.headroom(), free);
    }
});
