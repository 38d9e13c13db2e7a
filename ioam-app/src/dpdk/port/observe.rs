// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What an open port tells: its names, its link and its counters.

use std::mem::MaybeUninit;

use super::Port;
use crate::dpdk::error::DpdkError;

/// A port's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// Whether frames can pass.
    pub is_up: bool,
    /// Mbit/s; `None` when the driver does not know.
    pub megabits_per_second: Option<u32>,
    /// Whether both directions work at once.
    pub is_full_duplex: bool,
}

/// A port's own counters since it was opened, as its driver keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortStatistics {
    /// Frames received.
    pub rx_packets: u64,
    /// Frames sent.
    pub tx_packets: u64,
    /// Octets received.
    pub rx_octets: u64,
    /// Octets sent.
    pub tx_octets: u64,
    /// Frames the device dropped because its receive queues were full.
    pub rx_missed: u64,
    /// Frames received with errors.
    pub rx_errors: u64,
    /// Frames dropped for want of a packet buffer.
    pub rx_no_buffer: u64,
    /// Frames that could not be sent.
    pub tx_errors: u64,
}

impl Port {
    /// DPDK's number of the port.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.shared.id
    }

    /// DPDK's name of the device.
    #[must_use]
    pub fn device(&self) -> &str {
        self.device.name()
    }

    /// The driver, such as `net_i40e`.
    #[must_use]
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// The NUMA node the device is at, or `None` when that is unknown.
    #[must_use]
    pub fn socket(&self) -> Option<u32> {
        // SAFETY: the port exists.
        u32::try_from(unsafe { dpdk_sys::rte_eth_dev_socket_id(self.shared.id) }).ok()
    }

    /// The MAC address.
    ///
    /// # Errors
    /// When the driver does not tell.
    pub fn mac_address(&self) -> Result<[u8; 6], DpdkError> {
        let mut address = dpdk_sys::rte_ether_addr { addr_bytes: [0; 6] };
        self.attempt("rte_eth_macaddr_get", || {
            // SAFETY: the port exists, and `address` is writable.
            unsafe { dpdk_sys::rte_eth_macaddr_get(self.shared.id, &raw mut address) }
        })?;
        Ok(address.addr_bytes)
    }

    /// The link now, without waiting for it.
    ///
    /// # Errors
    /// When the driver does not tell.
    pub fn link(&self) -> Result<LinkStatus, DpdkError> {
        // SAFETY: the port exists, and `link` is writable.
        self.read_link("rte_eth_link_get_nowait", |link| unsafe {
            dpdk_sys::rte_eth_link_get_nowait(self.shared.id, link)
        })
    }

    /// The link when it has come up, which takes a started NIC a moment: up to 9 seconds, where
    /// nothing is connected.
    ///
    /// # Errors
    /// As [`Port::link`].
    pub fn settled_link(&self) -> Result<LinkStatus, DpdkError> {
        // SAFETY: the port exists, and `link` is writable.
        self.read_link("rte_eth_link_get", |link| unsafe {
            dpdk_sys::rte_eth_link_get(self.shared.id, link)
        })
    }

    fn read_link(
        &self,
        call: &'static str,
        read: impl FnOnce(*mut dpdk_sys::rte_eth_link) -> i32,
    ) -> Result<LinkStatus, DpdkError> {
        let mut link = MaybeUninit::<dpdk_sys::rte_eth_link>::zeroed();
        self.attempt(call, || read(link.as_mut_ptr()))?;
        // SAFETY: DPDK filled it, and all zeroes were valid before that.
        let link = unsafe { link.assume_init() };
        // 0 and all ones are DPDK's none and unknown.
        let speed = Some(link.link_speed).filter(|speed| !matches!(*speed, 0 | u32::MAX));
        Ok(LinkStatus {
            is_up: u32::from(link.link_status()) == dpdk_sys::RTE_ETH_LINK_UP,
            megabits_per_second: speed,
            is_full_duplex: u32::from(link.link_duplex()) == dpdk_sys::RTE_ETH_LINK_FULL_DUPLEX,
        })
    }

    /// What else the driver counts, by its own names: DPDK's extended statistics.
    ///
    /// # Errors
    /// When the driver does not tell.
    pub fn extended_statistics(&self) -> Result<Vec<(String, u64)>, DpdkError> {
        let id = self.shared.id;
        let mut count = 0;
        self.attempt("rte_eth_xstats_get_names", || {
            // SAFETY: the port exists, and without room DPDK writes nothing.
            count = unsafe { dpdk_sys::rte_eth_xstats_get_names(id, std::ptr::null_mut(), 0) };
            count.min(0)
        })?;
        let room = usize::try_from(count).unwrap_or(0);
        let mut names = vec![dpdk_sys::rte_eth_xstat_name { name: [0; 64] }; room];
        let mut values = vec![dpdk_sys::rte_eth_xstat { id: 0, value: 0 }; room];
        let size = u32::try_from(room).unwrap_or(0);
        self.attempt("rte_eth_xstats_get_names", || {
            // SAFETY: the port exists, and there is room for `size` names.
            unsafe { dpdk_sys::rte_eth_xstats_get_names(id, names.as_mut_ptr(), size) }.min(0)
        })?;
        let mut filled = 0;
        self.attempt("rte_eth_xstats_get", || {
            // SAFETY: the port exists, and there is room for `size` values.
            filled = unsafe { dpdk_sys::rte_eth_xstats_get(id, values.as_mut_ptr(), size) };
            filled.min(0)
        })?;
        // With too little room DPDK answers with what it needs, and has written nothing.
        let filled = usize::try_from(filled).unwrap_or(0);
        let known = values.iter().take(if filled > room { 0 } else { filled });
        let named = known.filter_map(|value| {
            let name = names.get(usize::try_from(value.id).ok()?)?;
            let octets = name.name.iter().map(|octet| octet.cast_unsigned());
            let octets: Vec<u8> = octets.take_while(|octet| *octet != 0).collect();
            Some((String::from_utf8(octets).ok()?, value.value))
        });
        Ok(named.collect())
    }

    /// The port's own counters.
    ///
    /// # Errors
    /// When the driver does not tell.
    pub fn statistics(&self) -> Result<PortStatistics, DpdkError> {
        let mut stats = MaybeUninit::<dpdk_sys::rte_eth_stats>::zeroed();
        self.attempt("rte_eth_stats_get", || {
            // SAFETY: the port exists, and `stats` is writable.
            unsafe { dpdk_sys::rte_eth_stats_get(self.shared.id, stats.as_mut_ptr()) }
        })?;
        // SAFETY: DPDK filled it, and all zeroes were valid before that.
        let stats = unsafe { stats.assume_init() };
        Ok(PortStatistics {
            rx_packets: stats.ipackets,
            tx_packets: stats.opackets,
            rx_octets: stats.ibytes,
            tx_octets: stats.obytes,
            rx_missed: stats.imissed,
            rx_errors: stats.ierrors,
            rx_no_buffer: stats.rx_nombuf,
            tx_errors: stats.oerrors,
        })
    }
}
