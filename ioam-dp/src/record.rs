// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a node hands over for export: one record an option, and reports on sequences.

use crate::accounting::GroupFigures;
use crate::port::PortId;
use crate::timestamp::WallTime;
use crate::wire::ioam::{NamespaceId, OptionType};

/// Most octets of option data one IPv6 option can hold behind its IOAM-Option-Type: 255 less the
/// reserved octet and the type itself.
pub const MAX_OPTION_DATA: usize = 253;

/// Why there is a record of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// The option was taken out of its packet.
    Decapsulated,
    /// A direct export option asked for it (RFC 9326, 3.1), at this node as encapsulating, transit
    /// or decapsulating node.
    DirectExport,
    /// A copy that this node caused with the Loopback flag came back (RFC 9322, 4).
    LoopedBack,
    /// A packet with the Active flag ended here (RFC 9322, 5).
    Active,
}

impl Occasion {
    /// The name used in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Decapsulated => "decapsulated",
            Self::DirectExport => "direct-export",
            Self::LoopedBack => "looped-back",
            Self::Active => "active",
        }
    }
}

/// An option and where it came from. Copied by value through a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRecord {
    /// Why it was made.
    pub occasion: Occasion,
    /// When the packet was received.
    pub received: WallTime,
    /// The port it was received on.
    pub in_port: PortId,
    /// Index of the profile it was made for, in the configuration's order; `None` where the
    /// namespace alone made this node take part.
    pub profile: Option<u16>,
    /// The option's namespace.
    pub namespace: NamespaceId,
    /// The option's type.
    pub option_type: OptionType,
    /// Source of the header that carried the option.
    pub outer_source: [u8; 16],
    /// Destination of the header that carried the option.
    pub outer_destination: [u8; 16],
    /// The packet inside, or the packet itself where there was no tunnel.
    pub flow: Flow,
    /// What a proof of transit says, where this node can tell.
    pub proof: Option<Proof>,
    /// Octets of `option` in use.
    pub option_len: u8,
    /// Option data as in the packet, from the Namespace-ID on; direct export is followed by this
    /// node's data, as an incremental trace would carry them.
    pub option: [u8; MAX_OPTION_DATA],
}

/// A record but for its option, which is still in the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHead {
    /// As [`ExportRecord::occasion`].
    pub occasion: Occasion,
    /// As [`ExportRecord::received`].
    pub received: WallTime,
    /// As [`ExportRecord::in_port`].
    pub in_port: PortId,
    /// As [`ExportRecord::profile`].
    pub profile: Option<u16>,
    /// As [`ExportRecord::namespace`].
    pub namespace: NamespaceId,
    /// As [`ExportRecord::option_type`].
    pub option_type: OptionType,
    /// As [`ExportRecord::outer_source`].
    pub outer_source: [u8; 16],
    /// As [`ExportRecord::outer_destination`].
    pub outer_destination: [u8; 16],
    /// As [`ExportRecord::flow`].
    pub flow: Flow,
    /// As [`ExportRecord::proof`].
    pub proof: Option<Proof>,
}

/// Of nothing in particular, for a place that is going to be written.
impl Default for RecordHead {
    fn default() -> Self {
        Self {
            occasion: Occasion::Decapsulated,
            received: WallTime::default(),
            in_port: PortId::default(),
            profile: None,
            namespace: NamespaceId(0),
            option_type: OptionType::PreallocatedTrace,
            outer_source: [0; 16],
            outer_destination: [0; 16],
            flow: Flow::default(),
            proof: None,
        }
    }
}

/// The outcome of verifying a proof of transit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proof {
    /// The packet passed every node it had to.
    Valid,
    /// It did not, or something else changed the proof.
    Invalid,
    /// This node does not know the secret, or the kind of proof.
    Unverified,
}

impl Proof {
    /// The name used in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unverified => "unverified",
        }
    }
}

impl ExportRecord {
    /// The record of an option; of data beyond [`MAX_OPTION_DATA`] octets, which no option has,
    /// the first are kept.
    #[must_use]
    pub fn new(head: &RecordHead, option_data: &[u8]) -> Self {
        let mut option = [0; MAX_OPTION_DATA];
        let len = option_data.len().min(MAX_OPTION_DATA);
        if let (Some(place), Some(data)) = (option.get_mut(..len), option_data.get(..len)) {
            place.copy_from_slice(data);
        }
        Self {
            occasion: head.occasion,
            received: head.received,
            in_port: head.in_port,
            profile: head.profile,
            namespace: head.namespace,
            option_type: head.option_type,
            outer_source: head.outer_source,
            outer_destination: head.outer_destination,
            flow: head.flow,
            proof: head.proof,
            option_len: u8::try_from(len).unwrap_or(u8::MAX),
            option,
        }
    }

    /// All but the option.
    #[must_use]
    pub fn head(&self) -> RecordHead {
        RecordHead {
            occasion: self.occasion,
            received: self.received,
            in_port: self.in_port,
            profile: self.profile,
            namespace: self.namespace,
            option_type: self.option_type,
            outer_source: self.outer_source,
            outer_destination: self.outer_destination,
            flow: self.flow,
            proof: self.proof,
        }
    }

    /// The option data, from the Namespace-ID on.
    #[must_use]
    pub fn option_data(&self) -> &[u8] {
        self.option
            .get(..usize::from(self.option_len))
            .unwrap_or(&self.option)
    }
}

/// The user's flow a packet belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Source address.
    pub source: [u8; 16],
    /// Destination address.
    pub destination: [u8; 16],
    /// Source port, or 0 where the protocol has none or it cannot be seen.
    pub source_port: u16,
    /// Destination port, or 0.
    pub destination_port: u16,
    /// Upper-layer protocol.
    pub next_header: u8,
    /// Flow label, 20 bits.
    pub label: u32,
}

/// What arrived of one sequence so far: of a packet group (RFC 9197, 4.6), or of a flow with direct
/// export (RFC 9326, 3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceReport {
    /// When the group's last packet was received.
    pub received: WallTime,
    /// Index of the profile that decapsulates it, in the configuration's order.
    pub profile: u16,
    /// The group's namespace.
    pub namespace: NamespaceId,
    /// Edge-to-edge or direct export.
    pub option_type: OptionType,
    /// Source of the header that carried the options.
    pub outer_source: [u8; 16],
    /// The Flow ID, where direct export has one.
    pub flow_id: Option<u32>,
    /// The flow, where groups are flows.
    pub flow: Option<Flow>,
    /// Whether the group has gone silent, or the node ends: nothing more follows.
    pub last: bool,
    /// The figures, from the group's first packet on.
    pub figures: GroupFigures,
}

/// Takes records from a worker. Never waits.
pub trait RecordSink {
    /// Hands one over; `false` when there is no room, in which case the record is lost and the
    /// worker counts it.
    fn push(&mut self, record: ExportRecord) -> bool;

    /// As [`push`](Self::push), before the option's data are copied; a sink that has a better place
    /// for them than a record copies them there.
    fn put(&mut self, head: &RecordHead, option_data: &[u8]) -> bool {
        self.push(ExportRecord::new(head, option_data))
    }

    /// As [`push`](Self::push), for a report.
    fn report(&mut self, report: SequenceReport) -> bool;
}

/// Keeps every record, for replay and tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// In the order they were made.
    pub options: Vec<ExportRecord>,
    /// In the order they were made.
    pub reports: Vec<SequenceReport>,
}

impl RecordSink for Records {
    fn push(&mut self, record: ExportRecord) -> bool {
        self.options.push(record);
        true
    }

    fn report(&mut self, report: SequenceReport) -> bool {
        self.reports.push(report);
        true
    }
}
