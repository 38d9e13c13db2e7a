// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a decapsulating node hands over for export: one record a removed option.

use crate::port::PortId;
use crate::timestamp::WallTime;
use crate::wire::ioam::{NamespaceId, OptionType};

/// Most octets of option data one IPv6 option can hold behind its IOAM-Option-Type: 255 less the
/// reserved octet and the type itself.
pub const MAX_OPTION_DATA: usize = 253;

/// A removed option and where it came from. Copied by value through a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRecord {
    /// When the packet was received.
    pub received: WallTime,
    /// The port it was received on.
    pub in_port: PortId,
    /// Index of the profile that took it, in the configuration's order.
    pub profile: u16,
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
    /// Octets of `option` in use.
    pub option_len: u8,
    /// Option data as in the packet, from the Namespace-ID on.
    pub option: [u8; MAX_OPTION_DATA],
}

impl ExportRecord {
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

/// Takes records from a worker. Never waits.
pub trait RecordSink {
    /// Hands one over; `false` when there is no room, in which case the record is lost and the
    /// worker counts it.
    fn push(&mut self, record: ExportRecord) -> bool;
}

/// Keeps every record, for replay and tests.
impl RecordSink for Vec<ExportRecord> {
    fn push(&mut self, record: ExportRecord) -> bool {
        Self::push(self, record);
        true
    }
}
