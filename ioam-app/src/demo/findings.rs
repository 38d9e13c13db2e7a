// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What can be wrong with a packet or a trace that arrives, and how often it was.

/// Something wrong with one packet or one trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Stranger,
    Content,
    HopLimit,
    IoamLeft,
    Duplicate,
    OutOfOrder,
    TraceMalformed,
    TraceNamespace,
    TraceType,
    TraceOverflow,
    TraceLength,
    TraceNodeId,
    TraceHopLimit,
    TraceInterfaces,
    TraceNamespaceData,
    TraceSnapshot,
    TraceTime,
    TraceDelay,
    TraceQueueDepth,
    TraceFlow,
    ExportMalformed,
    ExportFlow,
    ExportSequence,
    ExportNode,
    ProofInvalid,
    Unexpected,
}

/// The finding, unless all is well.
pub(super) fn ensure(holds: bool, finding: Finding) -> Result<(), Finding> {
    if holds { Ok(()) } else { Err(finding) }
}

/// How many kinds there are.
const KINDS: usize = Finding::ALL.len();

impl Finding {
    /// Every kind.
    pub(super) const ALL: [Self; 26] = [
        Self::Stranger,
        Self::Content,
        Self::HopLimit,
        Self::IoamLeft,
        Self::Duplicate,
        Self::OutOfOrder,
        Self::TraceMalformed,
        Self::TraceNamespace,
        Self::TraceType,
        Self::TraceOverflow,
        Self::TraceLength,
        Self::TraceNodeId,
        Self::TraceHopLimit,
        Self::TraceInterfaces,
        Self::TraceNamespaceData,
        Self::TraceSnapshot,
        Self::TraceTime,
        Self::TraceDelay,
        Self::TraceQueueDepth,
        Self::TraceFlow,
        Self::ExportMalformed,
        Self::ExportFlow,
        Self::ExportSequence,
        Self::ExportNode,
        Self::ProofInvalid,
        Self::Unexpected,
    ];

    /// The name in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stranger => "packet-unknown",
            Self::Content => "packet-content",
            Self::HopLimit => "packet-hop-limit",
            Self::IoamLeft => "packet-ioam-left",
            Self::Duplicate => "packet-duplicate",
            Self::OutOfOrder => "packet-out-of-order",
            Self::TraceMalformed => "trace-malformed",
            Self::TraceNamespace => "trace-namespace",
            Self::TraceType => "trace-type",
            Self::TraceOverflow => "trace-overflow",
            Self::TraceLength => "trace-length",
            Self::TraceNodeId => "trace-node-id",
            Self::TraceHopLimit => "trace-hop-limit",
            Self::TraceInterfaces => "trace-interfaces",
            Self::TraceNamespaceData => "trace-namespace-data",
            Self::TraceSnapshot => "trace-snapshot",
            Self::TraceTime => "trace-time",
            Self::TraceDelay => "trace-delay",
            Self::TraceQueueDepth => "trace-queue-depth",
            Self::TraceFlow => "trace-flow",
            Self::ExportMalformed => "export-malformed",
            Self::ExportFlow => "export-flow",
            Self::ExportSequence => "export-sequence",
            Self::ExportNode => "export-node",
            Self::ProofInvalid => "proof-invalid",
            Self::Unexpected => "record-unexpected",
        }
    }

    /// What it means, in words.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Stranger => "packets that nobody sent",
            Self::Content => "packets with octets that were not sent",
            Self::HopLimit => "packets with a wrong hop limit",
            Self::IoamLeft => "packets that left the domain with IOAM in them",
            Self::Duplicate => "packets that came twice",
            Self::OutOfOrder => "packets that came late",
            Self::TraceMalformed => "traces that cannot be read",
            Self::TraceNamespace => "traces of another namespace",
            Self::TraceType => "traces of another type",
            Self::TraceOverflow => "traces with the overflow flag or room left over",
            Self::TraceLength => "traces with more or fewer elements than nodes",
            Self::TraceNodeId => "traces with a node id out of place",
            Self::TraceHopLimit => "traces whose hop limits do not fall by one",
            Self::TraceInterfaces => "traces whose interfaces do not join",
            Self::TraceNamespaceData => "traces with namespace data of another node",
            Self::TraceSnapshot => "traces with another opaque state snapshot",
            Self::TraceTime => "traces whose time does not go forward within the run",
            Self::TraceDelay => "traces with a transit delay longer than the way to the next node",
            Self::TraceQueueDepth => "traces with a queue deeper than the ring",
            Self::TraceFlow => "traces of a flow that nobody sent",
            Self::ExportMalformed => "exports that cannot be read or say what nobody asked for",
            Self::ExportFlow => "exports of a flow that nobody sent",
            Self::ExportSequence => "exports whose number is not the flow's next",
            Self::ExportNode => "exports with node data of another node",
            Self::ProofInvalid => "proofs of transit that do not hold",
            Self::Unexpected => "records of options that nobody sent",
        }
    }
}

/// How often each kind was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings([u64; KINDS]);

impl Findings {
    /// Counts one.
    pub(super) fn add(&mut self, finding: Finding) {
        self.0[finding as usize] += 1;
    }

    /// How often it was found.
    pub(super) fn count(&self, finding: Finding) -> u64 {
        self.0[finding as usize]
    }

    /// All of them together.
    pub(super) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Counts those of `other` too.
    pub(super) fn merge(&mut self, other: &Self) {
        for (own, more) in self.0.iter_mut().zip(other.0) {
            *own += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_count_and_a_name_of_its_own() {
        let mut names: Vec<_> = Finding::ALL.iter().map(|finding| finding.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KINDS);
        let mut findings = Findings::default();
        for (place, finding) in Finding::ALL.into_iter().enumerate() {
            assert_eq!(finding as usize, place);
            findings.add(finding);
        }
        assert!(
            Finding::ALL
                .iter()
                .all(|finding| findings.count(*finding) == 1)
        );
        let copy = findings;
        findings.merge(&copy);
        assert_eq!(findings.total(), 2 * KINDS as u64);
    }
}
