// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules as operators write them, and flows that match them; the same ones in each run.

use ioam_dp::table::spec::{FilterSpec, PrefixSpec};

/// A kind of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Customers by their destination prefixes, of mixed lengths.
    Destinations,
    /// Two prefixes, a protocol, and ports or ranges of them.
    FiveTuples,
    /// Classes of service: DSCP with or without a prefix, ports or lengths.
    Services,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Destinations, Self::FiveTuples, Self::Services];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Destinations => "destinations",
            Self::FiveTuples => "5-tuples",
            Self::Services => "services",
        }
    }

    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Destinations => "destination prefixes of /32 to /64 and hosts",
            Self::FiveTuples => "two prefixes, protocol, ports and ranges of ports",
            Self::Services => "DSCP with or without prefixes, ports, lengths",
        }
    }

    /// Rule number `n`; the last ones of these are no wider than the others.
    pub(crate) fn rule(self, n: u64) -> FilterSpec {
        let mut dice = Dice(n.wrapping_mul(0x51_7CC1_B727_2202) ^ self as u64);
        match self {
            Self::Destinations => FilterSpec {
                destination: Some(prefix(
                    &mut dice,
                    &[32, 40, 44, 48, 48, 48, 56, 64, 64, 128],
                )),
                ..FilterSpec::default()
            },
            Self::FiveTuples => FilterSpec {
                source: Some(prefix(&mut dice, &[48, 48, 56, 64, 128])),
                destination: Some(prefix(&mut dice, &[48, 56, 64, 128])),
                next_header: Some(dice.one_of(&[6, 17])),
                source_ports: dice.one_of(&[None, None, Some((1024, 65535))]).map(range),
                destination_ports: ports(&mut dice),
                ..FilterSpec::default()
            },
            Self::Services => services(&mut dice),
        }
    }
}

fn services(dice: &mut Dice) -> FilterSpec {
    let dscp = Some(dice.one_of(&[0, 10, 18, 26, 34, 46, 48]));
    let next_header = Some(dice.one_of(&[6, 17]));
    match dice.below(8) {
        0 => FilterSpec {
            dscp,
            next_header,
            destination_ports: Some(range((dice.word(), 0))),
            ..FilterSpec::default()
        },
        1 => FilterSpec {
            dscp,
            source: Some(prefix(dice, &[40, 48, 56])),
            length: dice.one_of(&[None, Some(40..=128), Some(0..=1280)]),
            ..FilterSpec::default()
        },
        _ => FilterSpec {
            dscp,
            next_header,
            destination: Some(prefix(dice, &[40, 48, 56, 64])),
            destination_ports: ports(dice),
            ..FilterSpec::default()
        },
    }
}

fn ports(dice: &mut Dice) -> Option<std::ops::RangeInclusive<u16>> {
    let low = dice.below(1024);
    match dice.below(5) {
        0 => None,
        1 => Some(range((1024, 65535))),
        2 => Some(range((low, u64::from(dice.one_of(&[1u8, 9, 99])) + low))),
        _ => Some(range((low, 0))),
    }
}

/// Both ends included; the last one is at least the first.
fn range((first, last): (u64, u64)) -> std::ops::RangeInclusive<u16> {
    let port = |port| u16::try_from(port).unwrap_or(u16::MAX);
    port(first)..=port(last.max(first))
}

/// Out of 64 providers' prefixes, so that longer ones are nested in shorter ones.
fn prefix(dice: &mut Dice, lengths: &[u8]) -> PrefixSpec {
    let provider = 0x2001_0000 | u128::from(dice.below(64)) << 4;
    let address = provider << 96 | u128::from(dice.next()) << 32 | u128::from(dice.below(16));
    PrefixSpec {
        address: address.into(),
        length: dice.one_of(lengths),
    }
}

/// What sets packets of one flow apart from others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    source: u128,
    destination: u128,
    dscp: u8,
    next_header: u8,
    ports: [u16; 2],
}

impl Flow {
    /// Flow number `n` of those that match `rule`: what it leaves open is anything.
    pub(crate) fn of(rule: &FilterSpec, n: u64) -> Self {
        let mut dice = Dice(n ^ 0x000F_1035);
        let mut address = |prefix: Option<PrefixSpec>| {
            let any = u128::from(dice.next()) << 64 | u128::from(dice.next());
            prefix.map_or(0x2001_0db8 << 96 | any >> 32, |prefix| {
                let open = u128::MAX.checked_shr(prefix.length.into()).unwrap_or(0);
                u128::from(prefix.address) & !open | any & open
            })
        };
        let (source, destination) = (address(rule.source), address(rule.destination));
        let mut port = |range: &Option<std::ops::RangeInclusive<u16>>| match range {
            Some(range) => {
                let width = u64::from(range.end() - range.start()) + 1;
                range.start() + u16::try_from(dice.below(width)).unwrap_or(0)
            }
            None => u16::try_from(dice.below(65536)).unwrap_or(0),
        };
        Self {
            source,
            destination,
            dscp: rule.dscp.unwrap_or(0),
            next_header: rule.next_header.unwrap_or(17),
            ports: [port(&rule.source_ports), port(&rule.destination_ports)],
        }
    }

    /// Makes a frame without tags, with UDP behind the IPv6 header, one of this flow.
    pub(crate) fn stamp(&self, frame: &mut [u8]) {
        let mut put = |at: usize, octets: &[u8]| {
            if let Some(place) = frame.get_mut(at..at + octets.len()) {
                place.copy_from_slice(octets);
            }
        };
        put(14, &(6u16 << 12 | u16::from(self.dscp) << 6).to_be_bytes());
        put(20, &[self.next_header]);
        put(22, &self.source.to_be_bytes());
        put(38, &self.destination.to_be_bytes());
        put(54, &self.ports[0].to_be_bytes());
        put(56, &self.ports[1].to_be_bytes());
    }
}

/// Numbers that look random and are the same in each run (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ word >> 31
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64)
            .try_into()
            .unwrap_or(0)
    }

    fn word(&mut self) -> u64 {
        self.below(65536)
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        let place = usize::try_from(self.below(all.len() as u64)).unwrap_or(0);
        all[place].clone()
    }
}
