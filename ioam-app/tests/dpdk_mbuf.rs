// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The mbuf against the heap packet: the same operations, the same frames.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::sync::LazyLock;

use ioam_app::dpdk::{Eal, Mbuf, Mempool, PoolGauge};
use ioam_dp::packet::{HeapPacket, PacketBuf};
use ioam_dp::port::Buffers as _;

static EAL: LazyLock<Eal> = LazyLock::new(|| support::start("mbuf"));

/// Headroom that the drivers leave.
const DRIVER_HEADROOM: usize = 128;

/// Xorshift: the same sequence each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn fill(&mut self, octets: &mut [u8]) {
        octets.fill_with(|| u8::try_from(self.below(256)).unwrap());
    }
}

fn filled(pool: &Mempool, random: &mut Random, octets: usize) -> Mbuf {
    let mut packet = Mbuf::alloc(pool).unwrap();
    random.fill(packet.append(octets).unwrap());
    packet
}

/// One operation on both; `cut` counts the octets truncated, which an mbuf can use as headroom and
/// a heap packet cannot.
fn step(random: &mut Random, mbuf: &mut Mbuf, heap: &mut HeapPacket, cut: &mut usize) {
    match random.below(8) {
        0..=2 => {
            let bound = if random.below(4) == 0 { 5000 } else { 200 };
            let octets = random.below(bound);
            // Where only the mbuf can, it has the truncated octets to thank for it.
            if heap.grow_front(octets) {
                assert!(mbuf.grow_front(octets), "{octets} octets in front");
                let mut fresh = vec![0; octets];
                random.fill(&mut fresh);
                mbuf.bytes_mut()[..octets].copy_from_slice(&fresh);
                heap.bytes_mut()[..octets].copy_from_slice(&fresh);
            } else if octets > mbuf.headroom() {
                assert!(!mbuf.grow_front(octets), "{octets} octets in front");
            }
        }
        3..=4 => {
            let octets = random.below(300);
            assert_eq!(
                mbuf.shrink_front(octets),
                heap.shrink_front(octets),
                "{octets}"
            );
        }
        5 => {
            let octets = random.below(2600);
            *cut += heap.bytes().len().saturating_sub(octets);
            mbuf.truncate(octets);
            heap.truncate(octets);
        }
        6 if !heap.bytes().is_empty() => {
            let place = random.below(heap.bytes().len());
            let value = u8::try_from(random.below(256)).unwrap();
            mbuf.bytes_mut()[place] = value;
            heap.bytes_mut()[place] = value;
        }
        _ => mbuf.prefetch(),
    }
}

#[test]
fn random_operations_make_the_same_frame_of_an_mbuf_and_of_a_heap_packet() {
    let pool = support::pool(&EAL, "random", 63);
    let mut random = Random(0x1234_5678_9abc_def1);
    for round in 0..2000 {
        let octets = random.below(2000);
        let mut mbuf = filled(&pool, &mut random, octets);
        let mut heap = HeapPacket::new(mbuf.bytes(), mbuf.headroom());
        let mut cut = 0;
        for _ in 0..40 {
            step(&mut random, &mut mbuf, &mut heap, &mut cut);
            assert_eq!(mbuf.bytes(), heap.bytes(), "round {round}");
            assert_eq!(mbuf.headroom(), heap.headroom() + cut, "round {round}");
            assert!(mbuf.is_contiguous());
        }
    }
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn the_largest_insertion_fits_a_full_frame() {
    let pool = support::pool(&EAL, "largest", 63);
    let mut random = Random(7);
    // Inline trace, tunnel with trace, and the whole configured headroom, at MTU 1500 and at the
    // longest frame the buffer is made for.
    for frame in [60, 1514, 2048] {
        for insertion in [264, 40 + 264, 384] {
            let mut mbuf = filled(&pool, &mut random, frame);
            let original = mbuf.bytes().to_vec();
            assert!(mbuf.headroom() >= 384);
            assert!(
                mbuf.grow_front(insertion),
                "{insertion} in front of {frame}"
            );
            mbuf.bytes_mut()[..insertion].fill(0xee);
            assert_eq!(mbuf.bytes()[insertion..], original);
            assert!(mbuf.shrink_front(insertion));
            assert_eq!(mbuf.bytes(), original);
        }
    }
    let mut mbuf = filled(&pool, &mut random, 2048);
    assert!(!mbuf.grow_front(385), "more than the buffer has");
    assert_eq!((mbuf.bytes().len(), mbuf.headroom()), (2048, 384));
    assert!(!mbuf.grow_front(usize::MAX));
    assert!(!mbuf.shrink_front(usize::MAX));
    mbuf.truncate(usize::MAX);
    assert_eq!(mbuf.bytes().len(), 2048);
}

#[test]
fn a_packet_the_node_makes_has_the_pools_headroom() {
    let pool = support::pool(&EAL, "made", 63);
    let mut gauge = PoolGauge::new(&EAL, std::slice::from_ref(&pool));
    for octets in [60, 1514, 2048] {
        let frame = vec![0xAB; octets];
        let mut packet = gauge.packet(&frame).unwrap();
        assert_eq!(packet.bytes(), frame);
        assert!(packet.headroom() >= 384 && packet.grow_front(384));
    }
    assert!(
        gauge.packet(&[0; 2049]).is_none(),
        "longer than a frame of the pool"
    );
    let all: Vec<_> = (0..63).map(|_| gauge.packet(&[1; 60]).unwrap()).collect();
    assert!(gauge.packet(&[1; 60]).is_none(), "no buffer is left");
    drop(all);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_used_buffer_comes_back_as_new() {
    let pool = Mempool::new(&EAL, "one", 1, 384, 2048, -1).unwrap();
    for _ in 0..3 {
        let mut mbuf = Mbuf::alloc(&pool).unwrap();
        assert!(Mbuf::alloc(&pool).is_none(), "the pool has one buffer");
        assert!(mbuf.bytes().is_empty());
        assert!(
            mbuf.append(2048 + 384 - DRIVER_HEADROOM + 1).is_none(),
            "more than fits"
        );
        assert_eq!(mbuf.append(1000).unwrap().len(), 1000);
        assert_eq!(mbuf.append(14).unwrap().len(), 14);
        assert!(mbuf.grow_front(384));
        assert_eq!(mbuf.bytes().len(), 1398);
        assert_eq!(pool.in_use(), 1);
    }
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn pools_of_impossible_shapes_are_refused_in_words() {
    let made = |buffers, headroom, room| {
        Mempool::new(&EAL, "shape", buffers, headroom, room, -1)
            .unwrap_err()
            .to_string()
    };
    assert!(made(63, 64, 2048).contains("headroom is less than the 128 octets"));
    assert!(made(63, 1024, 65_000).contains("exceed 65535 octets"));
    assert!(made(0, 128, 2048).contains("number of buffers"));
    let text = made(1_000_000, 384, 2048);
    assert!(
        text.contains("the pool shape of 2503 MiB does not fit"),
        "{text}"
    );
    assert!(text.contains("raise `memory-mib`"), "{text}");
    assert!(Mempool::new(&EAL, &"long".repeat(20), 63, 384, 2048, -1).is_err());
}
