// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Section 4.5: proof of transit along a path of four nodes, with Shamir's scheme computed here
//! anew.

use crate::common::Bench;
use crate::common::expect::*;
use crate::common::frames::*;
use crate::common::options::*;
use ioam_dp::record::{Occasion, Proof};
use ioam_dp::stats::Notice;
use ioam_dp::table::spec::*;
use ioam_dp::table::{CompileError, Tables};
use ioam_dp::wire::ioam::OptionType;

const PRIME: u64 = (1 << 61) - 1;

/// Arithmetic modulo [`PRIME`].
fn times(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
}

fn plus(a: u64, b: u64) -> u64 {
    ((u128::from(a) + u128::from(b)) % u128::from(PRIME)) as u64
}

/// By Fermat: a^(p-2).
fn inverse(a: u64) -> u64 {
    let (mut result, mut base, mut left) = (1, a, PRIME - 2);
    while left > 0 {
        if left & 1 == 1 {
            result = times(result, base);
        }
        base = times(base, base);
        left >>= 1;
    }
    result
}

/// Coefficients from x on, at x.
fn at(x: u64, coefficients: &[u64]) -> u64 {
    coefficients
        .iter()
        .rev()
        .fold(0, |sum, coefficient| times(plus(sum, *coefficient), x))
}

/// One secret, dealt to four nodes at points 2, 4, 5 and 9.
struct Scheme {
    secret: u64,
    poly_1: [u64; 3],
    poly_2: [u64; 3],
}

const POINTS: [u64; 4] = [2, 4, 5, 9];

const EVEN: Scheme = Scheme {
    secret: 0x0123_4567_89AB_CDEF,
    poly_1: [
        0x0F0E_0D0C_0B0A_0908,
        0x1357_9BDF_0246_8ACE,
        0x0BAD_CAFE_F00D_1234,
    ],
    poly_2: [
        0x1111_2222_3333_4444,
        0x0999_8888_7777_6666,
        0x1234_1234_4321_4321,
    ],
};

const ODD: Scheme = Scheme {
    secret: 0x1FED_CBA9_8765_4321,
    poly_1: [
        0x0AAA_BBBB_CCCC_DDDD,
        0x1020_3040_5060_7080,
        0x0DEA_DBEE_FDEA_DBEE,
    ],
    poly_2: [
        0x0CCC_1111_DDDD_2222,
        0x1A1B_1C1D_1E1F_1011,
        0x0777_0777_0777_0777,
    ],
};

impl Scheme {
    fn keys(&self, place: usize, with_secret: bool) -> PotKeysSpec {
        let x = POINTS[place];
        let others = POINTS.iter().filter(|other| **other != x);
        let lagrange = others.fold(1, |product, other| {
            let difference = plus(*other, PRIME - x);
            times(product, times(*other, inverse(difference)))
        });
        PotKeysSpec {
            prime: PRIME,
            point: x,
            share: plus(at(x, &self.poly_1), self.secret),
            public: at(x, &self.poly_2),
            lagrange,
            secret: with_secret.then_some(self.secret),
        }
    }

    /// What the node at `place` makes of Cumulative.
    fn step(&self, place: usize, pkt_id: u64, cumulative: u64) -> u64 {
        let keys = self.keys(place, false);
        let share_2 = plus(keys.public, pkt_id);
        plus(cumulative, times(plus(keys.share, share_2), keys.lagrange))
    }
}

/// A node's keys: one set, or two of which `active` is used.
fn with_keys(mut spec: NodeSpec, sets: Vec<PotKeysSpec>, active: u8) -> NodeSpec {
    spec.namespaces[0].proof_of_transit = Some(ProofOfTransitSpec { sets, active });
    spec
}

fn head_node() -> NodeSpec {
    puts(
        vec![OptionSpec::ProofOfTransit { namespace: 123 }],
        tunnel(),
    )
}

fn end_node() -> NodeSpec {
    node_that(ActionSpec::Decapsulate(decapsulate(tunnel_end())))
}

/// Nodes A, B, C and D with one key set.
fn path() -> [Bench; 4] {
    [head_node(), node(), node(), end_node()].map_with_place(|place, spec| {
        let keys = EVEN.keys(place, place == 3);
        Bench::new(&with_keys(spec, vec![keys], 0))
    })
}

trait MapWithPlace<T, const N: usize> {
    fn map_with_place<U>(self, change: impl FnMut(usize, T) -> U) -> [U; N];
}

impl<T, const N: usize> MapWithPlace<T, N> for [T; N] {
    fn map_with_place<U>(self, mut change: impl FnMut(usize, T) -> U) -> [U; N] {
        let mut place = 0;
        self.map(|item| {
            place += 1;
            change(place - 1, item)
        })
    }
}

#[track_caller]
fn pass(bench: &mut Bench, frame: &[u8]) -> Vec<u8> {
    bench.pass(frame, 0, &moment()).expect("forwarded").1
}

/// `PktID` and Cumulative of a packet whose only option is a proof.
fn numbers(frame: &[u8]) -> (u64, u64) {
    let number = |at: usize| u64::from_be_bytes(frame[at..at + 8].try_into().expect("a number"));
    (number(EXTENSIONS + 12), number(EXTENSIONS + 20))
}

/// What node D says of the frame.
#[track_caller]
fn verdict(end: &mut Bench, frame: &[u8]) -> Proof {
    let before = end.records.len();
    let out = pass(end, frame);
    // Whatever the proof says, the packet is the user's.
    assert_eq!(out, Packet::plain().hops(62).frame());
    assert_eq!(end.records.len(), before + 1);
    let record = &end.records[before];
    assert_eq!(record.option_type, OptionType::ProofOfTransit);
    assert_eq!(record.occasion, Occasion::Decapsulated);
    // As it arrived: with this node's share, Cumulative less PktID would be the secret.
    let data = EXTENSIONS + 8;
    assert_eq!(
        record.option_data(),
        &frame[data..data + record.option_data().len()]
    );
    record.proof.expect("a verdict")
}

#[test]
fn rfc9197_4_5_the_option_octet_by_octet() {
    let [mut a, ..] = path();
    let frame = pass(&mut a, &Packet::plain().frame());
    let (pkt_id, cumulative) = numbers(&frame);
    assert!(pkt_id < PRIME && pkt_id & 1 == 0);
    assert_eq!(cumulative, EVEN.step(0, pkt_id, 0));
    let mut header = vec![IP6, 3, 1, 0, 0x31, 22, 0, 2, 0, 123, 0, 0];
    header.extend(pkt_id.to_be_bytes());
    header.extend(cumulative.to_be_bytes());
    header.extend([1, 2, 0, 0]);
    let expected = around(&Packet::plain().hops(63), HOP_BY_HOP, &header);
    assert_eq!(hex(&frame), hex(&expected.frame()));
}

#[test]
fn rfc9197_4_5_every_node_adds_its_share_and_the_last_one_verifies() {
    let [mut a, mut b, mut c, mut d] = path();
    for _ in 0..100 {
        let mut frame = pass(&mut a, &Packet::plain().frame());
        let (pkt_id, mut cumulative) = numbers(&frame);
        for (place, node) in [(1, &mut b), (2, &mut c)] {
            frame = pass(node, &frame);
            cumulative = EVEN.step(place, pkt_id, cumulative);
            assert_eq!(numbers(&frame), (pkt_id, cumulative));
        }
        assert_eq!(verdict(&mut d, &frame), Proof::Valid);
        let whole = EVEN.step(3, pkt_id, cumulative);
        assert_eq!(whole, plus(EVEN.secret, pkt_id));
        let recorded = d.records.last().expect("a record");
        assert_eq!(recorded.option_data(), &proof(123, pkt_id, cumulative)[4..]);
    }
    assert_eq!(b.stats.namespaces[1].proved.get(), 100);
    assert_eq!(d.stats.namespaces[1].proofs_valid.get(), 100);
    for bench in [&a, &b, &c, &d] {
        assert_eq!(bench.noticed(), [""; 0]);
    }
}

#[test]
fn rfc9197_4_5_pkt_ids_are_not_used_twice() {
    let mut seen: Vec<_> = (0..2)
        .flat_map(|node| {
            let mut spec = with_keys(head_node(), vec![EVEN.keys(0, false)], 0);
            spec.entropy = [node; 32];
            let mut bench = Bench::new(&spec);
            (0..1000)
                .map(|_| numbers(&pass(&mut bench, &Packet::plain().frame())).0)
                .collect::<Vec<_>>()
        })
        .collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 2000);
}

/// The path's verdict on a frame that node A made, treated in between.
#[track_caller]
fn fails(between: impl Fn(&mut Bench, &mut Bench, Vec<u8>) -> Vec<u8>) {
    let [mut a, mut b, mut c, mut d] = path();
    let frame = pass(&mut a, &Packet::plain().frame());
    let frame = between(&mut b, &mut c, frame);
    assert_eq!(verdict(&mut d, &frame), Proof::Invalid);
    assert_eq!(d.counted(), [(Notice::PotInvalid, 1)]);
    assert_eq!(d.stats.namespaces[1].proofs_valid.get(), 0);
    assert_eq!(d.stats.profiles[0].records.get(), 1);
}

#[test]
fn rfc9197_4_5_a_node_left_out_fails() {
    fails(|_, c, frame| pass(c, &frame));
    fails(|b, _, frame| pass(b, &frame));
    fails(|_, _, frame| frame);
}

#[test]
fn rfc9197_4_5_a_node_passed_twice_fails() {
    fails(|b, c, frame| {
        let frame = pass(b, &frame);
        let frame = pass(b, &frame);
        pass(c, &frame)
    });
}

#[test]
fn rfc9197_4_5_numbers_that_were_changed_fail() {
    for octet in 12..28 {
        for bit in [1, 0x10, 0x80] {
            fails(|b, c, frame| {
                let mut frame = pass(b, &frame);
                frame[EXTENSIONS + octet] ^= bit;
                pass(c, &frame)
            });
        }
    }
}

#[test]
fn rfc9197_4_5_the_order_of_nodes_in_between_does_not_matter() {
    let [mut a, mut b, mut c, mut d] = path();
    let frame = pass(&mut a, &Packet::plain().frame());
    let frame = pass(&mut c, &frame);
    let frame = pass(&mut b, &frame);
    assert_eq!(verdict(&mut d, &frame), Proof::Valid);
}

/// A packet with this option in its own Hop-by-Hop header.
fn carrying(option: &[u8]) -> Packet {
    Packet::behind(&header(UDP, &[option]))
}

#[test]
fn rfc9197_4_5_an_unknown_pot_type_is_not_changed() {
    let spec = with_keys(node(), vec![EVEN.keys(1, false)], 0);
    for pot_type in [1, 2, 255] {
        let mut option = proof(123, 8, 9);
        option[6] = pot_type;
        assert_untouched(&spec, &carrying(&option), Notice::PotTypeUnknown);
        // However short it is: nobody knows how long such a type is.
        let option = ioam(MUTABLE, 2, &[0, 123, pot_type, 0]);
        assert_untouched(&spec, &carrying(&option), Notice::PotTypeUnknown);
    }
    // Where it ends it goes with the others, and says nothing.
    let mut option = proof(123, 8, 9);
    option[6] = 1;
    let end = node_that(ActionSpec::Decapsulate(decapsulate(
        DecapsulatePlacement::Inline,
    )));
    let mut bench = Bench::new(&with_keys(end, vec![EVEN.keys(3, true)], 0));
    let (_, frame) = bench.forward(&carrying(&option));
    assert_eq!(frame, Packet::plain().hops(63).frame());
    assert!(bench.records.is_empty());
    assert_eq!(bench.counted(), [(Notice::PotTypeUnknown, 1)]);
}

#[test]
fn rfc9197_4_5_flags_are_ignored_and_kept() {
    let mut sent = proof(123, 8, 9);
    sent[7] = 0xFF;
    let mut expected = proof(123, 8, EVEN.step(1, 8, 9));
    expected[7] = 0xFF;
    let spec = with_keys(node(), vec![EVEN.keys(1, false)], 0);
    assert_becomes(&spec, &carrying(&sent), &carrying(&expected));
}

#[test]
fn rfc9197_4_5_a_proof_shorter_than_its_fields_is_malformed() {
    let spec = with_keys(node(), vec![EVEN.keys(1, false)], 0);
    for words in 0..5 {
        let data = &proof(123, 8, 9)[4..4 + words * 4];
        // Of less than a POT-Type nothing is known at all.
        let option = ioam(MUTABLE, 2, data);
        assert_untouched(&spec, &carrying(&option), Notice::PotShort);
    }
}

#[test]
fn rfc9197_4_3_another_namespaces_proof_is_not_changed() {
    let spec = with_keys(node(), vec![EVEN.keys(1, false)], 0);
    let sent = carrying(&proof(0x0BAD, 8, 9));
    assert_untouched(&spec, &sent, Notice::NamespaceUnknown);
}

#[test]
fn rfc9197_4_5_without_keys_a_proof_is_left_alone() {
    assert_untouched(&node(), &carrying(&proof(123, 8, 9)), Notice::PotNoKeys);
    // At the end it is recorded as it came, and not called wrong.
    let mut bench = Bench::new(&end_node());
    let header = header(IP6, &[&proof(123, 8, 9)]);
    let sent = around(&Packet::plain().hops(63), HOP_BY_HOP, &header);
    assert_eq!(verdict(&mut bench, &sent.frame()), Proof::Unverified);
    assert_eq!(bench.records[0].option_data(), &proof(123, 8, 9)[4..]);
    let counted = [(Notice::PotNoKeys, 1), (Notice::PotUnverified, 1)];
    assert_eq!(bench.counted(), counted);
}

#[test]
fn rfc9197_4_5_without_the_secret_a_share_is_added_and_nothing_verified() {
    let [mut a, mut b, mut c, _] = path();
    let mut d = Bench::new(&with_keys(end_node(), vec![EVEN.keys(3, false)], 0));
    let mut frame = pass(&mut a, &Packet::plain().frame());
    for node in [&mut b, &mut c] {
        frame = pass(node, &frame);
    }
    assert_eq!(verdict(&mut d, &frame), Proof::Unverified);
    assert_eq!(d.counted(), [(Notice::PotUnverified, 1)]);
}

#[test]
fn rfc9486_3_a_proof_under_the_number_of_what_does_not_change_is_left_alone() {
    let spec = with_keys(node(), vec![EVEN.keys(1, false)], 0);
    let mut option = proof(123, 8, 9);
    option[0] = IMMUTABLE;
    assert_untouched(&spec, &carrying(&option), Notice::OptionNumber);
}

#[test]
fn rfc9197_4_5_keys_change_while_packets_of_both_are_under_way() {
    let both = |spec: NodeSpec, place: usize, active| {
        let secret = place == 3;
        let sets = vec![EVEN.keys(place, secret), ODD.keys(place, secret)];
        with_keys(spec, sets, active)
    };
    let [mut a, mut b, mut c, mut d] = path();
    let new_packet = |a: &mut Bench| pass(a, &Packet::plain().frame());
    // Packets of the old set are under way when every node gets the new one beside it ...
    let mut under_way = vec![new_packet(&mut a)];
    for (bench, spec, place) in [
        (&mut b, node(), 1),
        (&mut c, node(), 2),
        (&mut d, end_node(), 3),
    ] {
        bench.reload(&both(spec, place, 0));
    }
    a.reload(&both(head_node(), 0, 0));
    under_way.push(new_packet(&mut a));
    // ... and still when the first node turns to the new one ...
    a.reload(&both(head_node(), 0, 1));
    under_way.extend((0..10).map(|_| new_packet(&mut a)));
    let parities: Vec<_> = under_way.iter().map(|f| numbers(f).0 & 1).collect();
    assert_eq!(parities[..2], [0, 0]);
    assert_eq!(parities[2..], [1; 10]);
    for (step, frame) in under_way.iter_mut().enumerate() {
        for node in [&mut b, &mut c] {
            *frame = pass(node, frame);
        }
        // The even packets are through before the old set goes.
        if step == 1 {
            assert_eq!(verdict(&mut d, frame), Proof::Valid);
        }
    }
    assert_eq!(verdict(&mut d, &under_way[0]), Proof::Valid);
    // ... and the odd ones when it has gone.
    let odd = |spec: NodeSpec, place: usize| with_keys(spec, vec![ODD.keys(place, place == 3)], 1);
    d.reload(&odd(end_node(), 3));
    for frame in &under_way[2..] {
        assert_eq!(verdict(&mut d, frame), Proof::Valid);
    }
    a.reload(&odd(head_node(), 0));
    let mut frame = new_packet(&mut a);
    for node in [&mut b, &mut c] {
        frame = pass(node, &frame);
    }
    assert_eq!(verdict(&mut d, &frame), Proof::Valid);
    assert_eq!(d.counted(), []);
}

#[test]
fn rfc9197_4_5_two_sets_that_differ_between_nodes_fail() {
    let [mut a, mut b, _, mut d] = path();
    let mut c = Bench::new(&with_keys(node(), vec![ODD.keys(2, false)], 0));
    let mut frame = pass(&mut a, &Packet::plain().frame());
    for node in [&mut b, &mut c] {
        frame = pass(node, &frame);
    }
    assert_eq!(verdict(&mut d, &frame), Proof::Invalid);
}

#[test]
fn rfc9197_4_5_a_profile_needs_keys_and_keys_need_to_be_some() {
    let compiled = |spec: &NodeSpec| Tables::compile(spec).map(drop);
    assert_eq!(compiled(&head_node()), Err(CompileError::NoKeys(123)));
    let mut small = EVEN.keys(0, false);
    (small.prime, small.share, small.public, small.lagrange) = (53, 1, 2, 3);
    let spec = with_keys(head_node(), vec![small], 0);
    assert!(matches!(compiled(&spec), Err(CompileError::Keys(123, _))));
    let spec = with_keys(head_node(), Vec::new(), 0);
    assert!(matches!(compiled(&spec), Err(CompileError::Keys(123, _))));
}

#[test]
fn rfc9197_4_5_no_key_is_ever_shown() {
    let sets = vec![EVEN.keys(3, true), ODD.keys(3, true)];
    let mut spec = with_keys(head_node(), sets.clone(), 1);
    spec.entropy = *b"0123456789abcdef0123456789ABCDEF";
    let mut bench = Bench::new(&spec);
    bench.forward(&Packet::plain());
    let tables = bench.tables();
    let mut bad = sets[0].clone();
    bad.share = 0x2BCD_EF01_2345_6789;
    let error = Tables::compile(&with_keys(head_node(), vec![bad.clone()], 0));
    let error = error.expect_err("a share beyond the prime");
    let shown = format!("{spec:?} {spec:#?} {tables:?} {tables:#?} {error} {error:?}");
    let mut secrets = vec![EVEN.secret, ODD.secret, bad.share];
    for keys in &sets {
        secrets.extend([keys.share, keys.public, keys.lagrange]);
    }
    for secret in secrets {
        for text in [
            format!("{secret}"),
            format!("{secret:x}"),
            format!("{secret:X}"),
        ] {
            assert!(!shown.contains(&text), "{text} is shown");
        }
    }
    // Neither the seed of random numbers, as a list or otherwise.
    assert!(!shown.contains("48, 49, 50, 51"));
    assert!(!shown.contains("48,\n"));
}
