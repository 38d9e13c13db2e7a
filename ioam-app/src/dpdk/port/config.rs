// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is asked of a port.

/// What is asked of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortConfig {
    /// PCI address, or virtual device with its arguments.
    pub device: String,
    /// Receive queues, one for each worker that receives.
    pub rx_queues: u16,
    /// Transmit queues, one for each worker that sends.
    pub tx_queues: u16,
    /// Descriptors of each receive queue; brought to what the device allows.
    pub rx_descriptors: u16,
    /// Descriptors of each transmit queue; brought to what the device allows.
    pub tx_descriptors: u16,
    /// Layer-3 octets.
    pub mtu: u16,
    /// Whether to receive frames for other stations too.
    pub promiscuous: bool,
    /// Whether to spread flows over the receive queues by a hash, where there are several and the
    /// device can: one that is the same for both directions of a flow, if the device takes a key.
    pub rss: bool,
    /// Most packets received at once, 1 to [`BURST`](ioam_dp::port::BURST).
    pub burst: usize,
    /// The promise that every packet sent comes from the one pool there is; drivers that know how
    /// then free faster.
    pub single_pool: bool,
}

impl PortConfig {
    /// Usual values for `device`: one queue each way of 1024 descriptors, MTU 1500, promiscuous.
    #[must_use]
    pub fn new(device: &str) -> Self {
        Self {
            device: device.to_owned(),
            rx_queues: 1,
            tx_queues: 1,
            rx_descriptors: 1024,
            tx_descriptors: 1024,
            mtu: 1500,
            promiscuous: true,
            rss: true,
            burst: 32,
            single_pool: false,
        }
    }
}
