// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the nodes hand over besides traces: exports, proofs, and reports on numbers; all verified.

use std::sync::Arc;

use ioam_dp::accounting::GroupFigures;
use ioam_dp::record::{ExportRecord, Proof, SequenceReport};
use ioam_dp::wire::ioam::{DirectExport, OptionType};

use super::domain::{NAMESPACE, NODES, OUTER_HOP_LIMIT, STATIONS};
use super::findings::{Finding, Findings, ensure};
use super::mode::EXPORTED;
use super::traffic::{TRACED_FLOWS, Traffic};

/// What one half of the chain has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Witnessed {
    /// By node: exports without a fault.
    pub(super) exports: [u64; NODES],
    /// Proofs that hold.
    pub(super) proofs: u64,
    /// The last report on the domain's numbers.
    pub(super) numbers: Option<GroupFigures>,
    /// What was wrong.
    pub(super) findings: Findings,
}

impl Witnessed {
    /// Both halves of the chain together.
    pub(super) fn merge(&mut self, other: &Self) {
        for (own, more) in self.exports.iter_mut().zip(other.exports) {
            *own += more;
        }
        self.proofs += other.proofs;
        self.numbers = self.numbers.or(other.numbers);
        self.findings.merge(&other.findings);
    }
}

/// Verifies what nodes hand over.
#[derive(Debug)]
pub(super) struct Witness {
    traffic: Arc<Traffic>,
    seen: Witnessed,
    /// By node and flow: the number its next export has to have.
    next: Box<[[u32; TRACED_FLOWS]; NODES]>,
}

impl Witness {
    pub(super) fn new(traffic: Arc<Traffic>) -> Self {
        Self {
            traffic,
            seen: Witnessed::default(),
            next: Box::new([[0; TRACED_FLOWS]; NODES]),
        }
    }

    /// What was seen so far.
    pub(super) fn seen(&self) -> Witnessed {
        self.seen
    }

    /// Verifies a record of the node at `place` that is not of a trace.
    pub(super) fn enter(&mut self, place: usize, record: &ExportRecord) {
        let verified = match record.option_type {
            OptionType::DirectExport => self.export(place, record),
            OptionType::ProofOfTransit => self.proof(record),
            _ => Err(Finding::Unexpected),
        };
        if let Err(finding) = verified {
            self.seen.findings.add(finding);
        }
    }

    fn export(&mut self, place: usize, record: &ExportRecord) -> Result<(), Finding> {
        let flow = self.traffic.traced(&record.flow);
        let flow = flow.ok_or(Finding::ExportFlow)?;
        let data = record.option_data();
        let option = DirectExport::parse(data).ok_or(Finding::ExportMalformed)?;
        let sequence = option.sequence().ok_or(Finding::ExportMalformed)?;
        let next = &mut self.next[place][flow];
        let expected = std::mem::replace(next, sequence.wrapping_add(1));
        ensure(sequence == expected, Finding::ExportSequence)?;
        let is_ours = option.namespace().0 == NAMESPACE && option.trace_type() == EXPORTED;
        ensure(is_ours, Finding::ExportMalformed)?;
        let station = &STATIONS[place];
        let fallen = OUTER_HOP_LIMIT.wrapping_sub(u8::try_from(place).unwrap_or(u8::MAX));
        let node = u32::from(fallen) << 24 | station.id;
        let interfaces = u32::from(station.ingress) << 16 | u32::from(station.egress);
        let own = data.get(option.len()..).ok_or(Finding::ExportMalformed)?;
        let words = own
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
        let words: arrayvec::ArrayVec<u32, 8> = words.take(8).collect();
        let [first, second, _, nanoseconds] = words[..] else {
            return Err(Finding::ExportMalformed);
        };
        ensure((first, second) == (node, interfaces), Finding::ExportNode)?;
        ensure(nanoseconds < 1_000_000_000, Finding::ExportMalformed)?;
        self.seen.exports[place] += 1;
        Ok(())
    }

    fn proof(&mut self, record: &ExportRecord) -> Result<(), Finding> {
        ensure(record.proof == Some(Proof::Valid), Finding::ProofInvalid)?;
        self.seen.proofs += 1;
        Ok(())
    }

    /// Takes the figures of a report on numbers from edge to edge.
    pub(super) fn report(&mut self, report: &SequenceReport) {
        if report.option_type == OptionType::EdgeToEdge {
            self.seen.numbers = Some(report.figures);
        }
    }
}
