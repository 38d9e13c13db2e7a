// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the demonstration measures with: which options its packets carry, and the keys of the proofs.

use clap::ValueEnum;
use ioam_dp::option_type::proof_of_transit::{DEFAULT_PRIME, deal};
use ioam_dp::table::spec::{
    DirectExportSpec, EdgeToEdgeSpec, FlowIdSpec, GroupSpec, OptionSpec, PotKeysSpec,
    ProofOfTransitSpec, TraceSpec,
};
use ioam_dp::wire::ioam::{E2eType, TraceType};

use super::domain::{NAMESPACE, NODES, TRACE_TYPE};

/// The options that packets carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// A trace: each node writes into the packet
    #[default]
    Trace,
    /// Direct export: each node hands over a record, the packet stays as it is
    Dex,
    /// Edge-to-edge: sequence number and time, for loss and delay between the edges
    E2e,
    /// Proof of transit: each node adds its share of a secret
    Pot,
    /// All of them in every packet
    All,
}

/// What each node exports with direct export.
pub(super) const EXPORTED: TraceType = TraceType::HOP_LIM_NODE_ID
    .union(TraceType::IF_ID)
    .union(TraceType::TIMESTAMP_SECONDS)
    .union(TraceType::TIMESTAMP_FRACTION);

/// What the demonstration's secret is dealt with: who reads this can forge its proofs.
const SECRET: u64 = 0x0D15_EA5E_CAFE;
const POLY_1: [u64; NODES - 1] = [0x1234_5678_9ABC, 0x0FED_CBA9_8765, 0x0042_4242_4242];
const POLY_2: [u64; NODES - 1] = [0x1357_9BDF_0246, 0x0ACE_0ACE_0ACE, 0x0777_7777_7777];
const POINTS: [u64; NODES] = [2, 3, 5, 7];

impl Mode {
    /// Whether packets carry a trace.
    pub(super) fn traces(self) -> bool {
        matches!(self, Self::Trace | Self::All)
    }

    /// Whether nodes export directly.
    pub(super) fn exports(self) -> bool {
        matches!(self, Self::Dex | Self::All)
    }

    /// Whether packets are numbered from edge to edge.
    pub(super) fn numbers(self) -> bool {
        matches!(self, Self::E2e | Self::All)
    }

    /// Whether packets prove their way.
    pub(super) fn proves(self) -> bool {
        matches!(self, Self::Pot | Self::All)
    }

    /// The options of each packet; a trace has room for `words`.
    pub(super) fn options(self, words: u8) -> Vec<OptionSpec> {
        let trace = OptionSpec::Trace(TraceSpec {
            namespace: NAMESPACE,
            trace_type: TRACE_TYPE.bits(),
            words,
            record_self: true,
            loopback: false,
        });
        let proof = OptionSpec::ProofOfTransit {
            namespace: NAMESPACE,
        };
        let export = OptionSpec::DirectExport(DirectExportSpec {
            namespace: NAMESPACE,
            trace_type: EXPORTED.bits(),
            flow_id: FlowIdSpec::Hashed,
            sequence: true,
            record_self: true,
        });
        let kind = E2eType::SEQUENCE_64
            .union(E2eType::SECONDS)
            .union(E2eType::FRACTION);
        let edge = OptionSpec::EdgeToEdge(EdgeToEdgeSpec {
            namespace: NAMESPACE,
            kind: kind.bits(),
            group: GroupSpec::Profile,
        });
        let wanted = [
            (self.traces(), trace),
            (self.proves(), proof),
            (self.exports(), export),
            (self.numbers(), edge),
        ];
        let wanted = wanted.into_iter().filter(|(wanted, _)| *wanted);
        wanted.map(|(_, option)| option).collect()
    }

    /// The keys of the node at `place`; the last one knows the secret.
    pub(super) fn keys(self, place: usize) -> Option<ProofOfTransitSpec> {
        let shares = deal(DEFAULT_PRIME, SECRET, &POLY_1, &POLY_2, &POINTS).ok()?;
        let share = shares.get(place).filter(|_| self.proves())?;
        Some(ProofOfTransitSpec {
            sets: vec![PotKeysSpec {
                prime: share.prime,
                point: share.x,
                share: share.share,
                public: share.poly_2,
                lagrange: share.lpc,
                secret: (place == NODES - 1).then_some(SECRET),
            }],
            active: 0,
        })
    }
}
