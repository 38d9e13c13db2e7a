// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What grows: the sweeps of the scale benchmark, each a row of cases that differ in one number.

use ioam_dp::table::spec::{ActionSpec, NodeSpec, Sampling};

use crate::case::{Case, Pick};
use crate::cases::{
    TRACE_TYPE, WORDS, direct_export_encapsulation, encapsulation_of, pass, plain, plain_of,
    transit, transit_of,
};
use crate::frames::tunnel;

/// What a transit frame has besides the user's payload.
const AROUND: usize = 120;
/// Hop limit with node id, interface ids, timestamp seconds and fraction, namespace data; the same
/// three wide; and bits without a meaning, which a node fills with ones.
const BITS: [(u32, u8); 12] = [
    (0x80_0000, 1),
    (0x40_0000, 1),
    (0x20_0000, 1),
    (0x10_0000, 1),
    (0x04_0000, 1),
    (0x00_8000, 2),
    (0x00_4000, 2),
    (0x00_2000, 2),
    (0x00_0800, 1),
    (0x00_0400, 1),
    (0x00_0200, 1),
    (0x00_0100, 1),
];
/// Octets of memory that the table of ten million flows takes, with room for the rest.
const MEMORY_OF_ALL_FLOWS: u64 = 2 << 30;

/// Cases that differ in one number.
pub(crate) struct Sweep {
    pub name: &'static str,
    pub does: &'static str,
    pub points: Vec<(u64, Case)>,
}

/// All that are of the pure pipeline.
pub(crate) fn sweeps() -> Vec<Sweep> {
    vec![
        frames_that_pass_on(),
        frames_that_grow(),
        words_of_a_node(),
        room(),
        flows(),
        share(),
        sampling(),
    ]
}

fn frames_that_pass_on() -> Sweep {
    let of = |octets: usize| {
        let inner = plain_of(octets - AROUND);
        (octets as u64, transit_of(TRACE_TYPE, WORDS, &inner))
    };
    Sweep {
        name: "transit-frame",
        does: "octets of a frame with a trace that arrives",
        points: [200, 256, 512, 1024, 1514].map(of).into(),
    }
}

fn frames_that_grow() -> Sweep {
    let of = |octets: usize| {
        let inner = plain_of(octets);
        (
            octets as u64,
            encapsulation_of(TRACE_TYPE, WORDS, tunnel(), &inner),
        )
    };
    Sweep {
        name: "encap-frame",
        does: "octets of a frame that gets a trace",
        points: [90, 128, 256, 512, 1024, 1394].map(of).into(),
    }
}

fn words_of_a_node() -> Sweep {
    let mut points = Vec::new();
    let (mut kind, mut words) = (0, 0);
    for (bit, more) in BITS {
        (kind, words) = (kind | bit, words + more);
        points.push((words.into(), transit_of(kind, words * 2, &plain())));
    }
    Sweep {
        name: "node-words",
        does: "words that a transit node writes",
        points,
    }
}

fn room() -> Sweep {
    let of = |words: u8| {
        (
            words.into(),
            encapsulation_of(0x80_0000, words, tunnel(), &plain()),
        )
    };
    Sweep {
        name: "room",
        does: "words of room in a trace that is added, one of them used",
        points: [1, 2, 4, 8, 16, 32, 61].map(of).into(),
    }
}

fn flows() -> Sweep {
    let all = [1, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let enough = crate::machine::available_memory() > MEMORY_OF_ALL_FLOWS;
    let of = |flows: u32| {
        (
            flows.into(),
            direct_export_encapsulation("dex-encap", "adds outer IPv6 + DEX", flows),
        )
    };
    let fit = all
        .into_iter()
        .filter(|flows| enough || *flows <= 1_000_000);
    Sweep {
        name: "flows",
        does: "flows with a sequence each, in turn, in packets that get DEX",
        points: fit.map(of).collect(),
    }
}

fn share() -> Sweep {
    let of = |percent: u64| {
        let others = Some((Pick::Percent(percent), pass().frames));
        (
            percent,
            Case {
                others,
                ..transit()
            },
        )
    };
    Sweep {
        name: "share",
        does: "percent of packets with a trace that arrives, among plain ones",
        points: [0, 25, 50, 75, 100].map(of).into(),
    }
}

fn sampling() -> Sweep {
    let of = |n: u32| {
        let mut case = encapsulation_of(TRACE_TYPE, WORDS, tunnel(), &plain());
        sample(&mut case.spec, n);
        case.others = Some((Pick::OneOf(n.into()), pass().frames));
        (n.into(), case)
    };
    Sweep {
        name: "sampling",
        does: "packets of which one gets a trace",
        points: [1, 10, 100, 1000].map(of).into(),
    }
}

fn sample(spec: &mut NodeSpec, n: u32) {
    for profile in &mut spec.profiles {
        if let ActionSpec::Encapsulate(what) = &mut profile.action {
            what.sampling = Sampling::FirstOf { k: 1, n };
        }
    }
}
