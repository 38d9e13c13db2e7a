// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The scheme as a whole: the worked example, any polynomials, and paths that prove nothing.

use proptest::prelude::*;

use super::super::own_data::tests::hex;
use super::*;

/// The option data of a packet with these numbers.
fn option(pkt_id: u64, cumulative: u64) -> Vec<u8> {
    let mut header = PotHeader::new(NamespaceId(123));
    header.set_pkt_id(pkt_id);
    header.set_cumulative(cumulative);
    header.as_bytes().to_vec()
}

fn cumulative(option_data: &[u8]) -> u64 {
    PotHeader::split(option_data).unwrap().0.cumulative()
}

fn nodes(shares: &[Share], secret: u64, bits: u32) -> Vec<Keys> {
    let keys = |share| {
        Keys::one(
            KeySet::new(share, Some(secret), bits).unwrap(),
            Parity::Even,
        )
    };
    shares.iter().map(keys).collect()
}

/// Prime, POLY-1, points and secret of draft-ietf-sfc-proof-of-transit, 3.3; POLY-2 is 10x^2 + 7x.
fn example() -> Vec<Keys> {
    let shares = deal(53, 10, &[3, 3], &[7, 10], &[2, 4, 5]).unwrap();
    nodes(&shares, 10, 6)
}

#[test]
fn a_built_option_is_padded_to_nothing_but_its_fields() {
    let built = build(NamespaceId(123));
    let expected = "31160002 007b0000 0000000000000000 0000000000000000";
    assert_eq!(built.option, hex(expected));
    assert_eq!((built.pkt_id_at, built.cumulative_at), (8, 16));
}

#[test]
fn the_worked_example_step_by_step() {
    let nodes = example();
    let mut packet = option(45, 0);
    for (node, expected) in nodes.iter().zip([17, 39, 2]) {
        assert_eq!(verify(&packet, node), Ok(Verdict::Invalid));
        assert_eq!(update(&mut packet, node), Ok(()));
        assert_eq!(cumulative(&packet), expected);
    }
    assert_eq!(verify(&packet, &nodes[0]), Ok(Verdict::Valid));
    assert_eq!(packet[..12], hex("007b0000 000000000000002d"));
}

#[test]
fn every_pkt_id_of_a_small_prime_is_proved() {
    let nodes = example();
    for pkt_id in 0..53 {
        let mut packet = option(pkt_id, 0);
        nodes
            .iter()
            .for_each(|node| update(&mut packet, node).unwrap());
        assert_eq!(verify(&packet, &nodes[2]), Ok(Verdict::Valid));
        // The same numbers, only larger, were not sent by any of us.
        for forged in [
            option(pkt_id + 53 * 2, cumulative(&packet)),
            option(pkt_id, cumulative(&packet) + 53),
        ] {
            assert_eq!(verify(&forged, &nodes[2]), Ok(Verdict::Invalid));
        }
    }
}

#[test]
fn any_numbers_on_the_wire_are_taken() {
    let shares = deal(
        u64::MAX - 58,
        1,
        &[u64::MAX - 59],
        &[5],
        &[1, u64::MAX - 59],
    )
    .unwrap();
    for node in nodes(&shares, 1, MINIMUM_BITS).iter().chain(&example()) {
        for (pkt_id, cumulative) in [(u64::MAX, u64::MAX), (u64::MAX, 0), (0, u64::MAX)] {
            let mut packet = option(pkt_id, cumulative);
            assert_eq!(verify(&packet, node), Ok(Verdict::Invalid));
            assert_eq!(update(&mut packet, node), Ok(()));
        }
    }
}

#[test]
fn an_unknown_type_is_told_and_not_touched() {
    let node = &example()[0];
    for pot_type in 1..=u8::MAX {
        for len in 3..24 {
            let mut packet = vec![0x55; len];
            packet[2] = pot_type;
            let before = packet.clone();
            let unknown = Unusable::UnknownType(pot_type);
            assert_eq!(update(&mut packet, node), Err(unknown));
            assert_eq!(verify(&packet, node), Err(unknown));
            assert_eq!(packet, before);
        }
    }
}

#[test]
fn a_short_option_is_told_and_not_touched() {
    let node = &example()[0];
    for len in 0..20 {
        let mut packet = option(45, 0)[..len].to_vec();
        let before = packet.clone();
        assert_eq!(update(&mut packet, node), Err(Unusable::Short));
        assert_eq!(verify(&packet, node), Err(Unusable::Short));
        assert_eq!(packet, before);
    }
}

#[test]
fn flags_and_what_follows_stay_as_they_are() {
    let node = &example()[0];
    let mut packet = [option(45, 0), vec![1, 2, 3, 4]].concat();
    packet[3] = 0xA5;
    assert_eq!(update(&mut packet, node), Ok(()));
    assert_eq!(
        packet,
        hex("007b00a5 000000000000002d 0000000000000011 01020304")
    );
}

#[test]
fn only_who_has_the_secret_verifies() {
    let shares = deal(53, 10, &[3, 3], &[7, 10], &[2, 4, 5]).unwrap();
    let without = |share| KeySet::new(share, None, 6).unwrap();
    let keys = Keys::one(without(&shares[0]), Parity::Even);
    assert_eq!(verify(&option(45, 2), &keys), Ok(Verdict::NoSecret));
    assert!(!keys.can_verify());
    let with = KeySet::new(&shares[1], Some(10), 6).unwrap();
    let keys = Keys::two(without(&shares[0]), with, Parity::Even);
    assert_eq!(verify(&option(44, 2), &keys), Ok(Verdict::NoSecret));
    assert_eq!(verify(&option(45, 2), &keys), Ok(Verdict::Valid));
    assert!(!keys.can_verify());
    assert!(example().iter().all(Keys::can_verify));
}

/// What the nodes of a path have, in its order, while the keys turn from an old secret to a new.
struct Turn {
    old: Vec<KeySet>,
    new: Vec<KeySet>,
}

impl Turn {
    fn new() -> Self {
        let points = [1, 2, 3, 4];
        let prime = DEFAULT_PRIME;
        let old = deal(prime, 111, &[12, 13, 14], &[15, 16, 17], &points).unwrap();
        let new = deal(u64::MAX - 58, 222, &[22, 23, 24], &[25, 26, 27], &points).unwrap();
        let sets = |shares: &[Share], secret| {
            let set = |share| KeySet::new(share, Some(secret), MINIMUM_BITS).unwrap();
            shares.iter().map(set).collect()
        };
        Self {
            old: sets(&old, 111),
            new: sets(&new, 222),
        }
    }

    fn keys(&self, stage: usize, node: usize) -> Keys {
        let (old, new) = (self.old[node].clone(), self.new[node].clone());
        match stage {
            0 => Keys::one(old, Parity::Even),
            1 => Keys::two(old, new, Parity::Even),
            2 => Keys::two(old, new, Parity::Odd),
            _ => Keys::one(new, Parity::Odd),
        }
    }
}

#[test]
fn keys_turn_without_a_proof_lost() {
    let turn = Turn::new();
    // At most one step between any two nodes; the encapsulating node is activated last.
    for stages in [
        [0, 0, 0, 0],
        [0, 1, 0, 1],
        [1, 1, 1, 1],
        [2, 1, 1, 1],
        [2, 2, 2, 2],
        [2, 3, 2, 3],
        [3, 3, 2, 2],
        [3, 3, 3, 3],
    ] {
        let keys: Vec<_> = (0..4).map(|node| turn.keys(stages[node], node)).collect();
        for step in 0..100u64 {
            let random = step.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let (pkt_id, zero) = start(random, &keys[0]);
            let mut packet = option(pkt_id, zero);
            keys.iter()
                .for_each(|node| update(&mut packet, node).unwrap());
            assert_eq!(verify(&packet, &keys[3]), Ok(Verdict::Valid), "{stages:?}");
        }
    }
}

#[test]
fn a_new_packet_says_which_keys_it_was_made_with() {
    let turn = Turn::new();
    for (stage, parity) in [(0, 0), (1, 0), (2, 1), (3, 1)] {
        let keys = turn.keys(stage, 0);
        for random in [0, 1, 2, u64::MAX, DEFAULT_PRIME, DEFAULT_PRIME - 1] {
            let (pkt_id, cumulative) = start(random, &keys);
            assert_eq!((pkt_id & 1, cumulative), (parity, 0));
        }
    }
}

/// A prime, a secret, two polynomials and the order in which nodes are met.
fn path() -> impl Strategy<Value = (Vec<Share>, u64, Vec<usize>)> {
    let prime = prop_oneof![Just(DEFAULT_PRIME), Just(u64::MAX - 58)];
    (prime, 2usize..9).prop_flat_map(|(prime, count)| {
        let coefficients = || prop::collection::vec(1..prime, count - 1);
        let points = prop::collection::hash_set(1..prime, count);
        let order = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
        (1..prime, coefficients(), coefficients(), points, order).prop_map(
            move |(secret, poly_1, poly_2, points, order)| {
                let points: Vec<_> = points.into_iter().collect();
                let shares = deal(prime, secret, &poly_1, &poly_2, &points).unwrap();
                (shares, secret, order)
            },
        )
    })
}

fn verdict(nodes: &[Keys], order: &[usize], random: u64) -> Verdict {
    let (pkt_id, zero) = start(random, &nodes[0]);
    let mut packet = option(pkt_id, zero);
    for node in order {
        update(&mut packet, &nodes[*node]).unwrap();
    }
    verify(&packet, &nodes[0]).unwrap()
}

proptest! {
    #[test]
    fn all_nodes_once_in_any_order_are_a_proof((shares, secret, order) in path(), random: u64) {
        let nodes = nodes(&shares, secret, MINIMUM_BITS);
        prop_assert_eq!(verdict(&nodes, &order, random), Verdict::Valid);
    }

    #[test]
    fn a_node_missing_or_met_twice_is_none((shares, secret, order) in path(), random: u64) {
        let nodes = nodes(&shares, secret, MINIMUM_BITS);
        prop_assert_eq!(verdict(&nodes, &order[1..], random), Verdict::Invalid);
        let twice = [&order[..], &order[..1]].concat();
        prop_assert_eq!(verdict(&nodes, &twice, random), Verdict::Invalid);
        prop_assert_eq!(verdict(&nodes, &[], random), Verdict::Invalid);
    }

    #[test]
    fn a_node_with_other_keys_is_none(
        (mut shares, secret, order) in path(),
        random: u64,
        other in 1..DEFAULT_PRIME,
    ) {
        let prime = shares[0].prime;
        let share = u128::from(shares[0].share) + u128::from(other);
        shares[0].share = u64::try_from(share % u128::from(prime)).unwrap();
        let nodes = nodes(&shares, secret, MINIMUM_BITS);
        prop_assert_eq!(verdict(&nodes, &order, random), Verdict::Invalid);
    }

    #[test]
    fn a_changed_number_is_no_proof(
        (shares, secret, order) in path(),
        random: u64,
        changed in 1..=u64::MAX,
    ) {
        let nodes = nodes(&shares, secret, MINIMUM_BITS);
        let (pkt_id, zero) = start(random, &nodes[0]);
        let mut packet = option(pkt_id, zero);
        order.iter().for_each(|node| update(&mut packet, &nodes[*node]).unwrap());
        let cumulative = cumulative(&packet);
        for forged in [option(pkt_id ^ changed, cumulative), option(pkt_id, cumulative ^ changed)] {
            prop_assert_eq!(verify(&forged, &nodes[0]).unwrap(), Verdict::Invalid);
        }
    }
}
