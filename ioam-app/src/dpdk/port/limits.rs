// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a device can do, held against what is asked of it.

use super::PortConfig;
use crate::dpdk::device::{Device, frame_room};
use crate::dpdk::error::DpdkError;
use crate::dpdk::mempool::Mempool;

/// Octets of Ethernet header and checksum.
const HEADER_AND_CHECKSUM: u32 = 18;

/// Checks queues, MTU and buffers, so that DPDK's own refusals, mere numbers, are not met.
pub(super) fn check_limits(
    device: &Device,
    info: &dpdk_sys::rte_eth_dev_info,
    config: &PortConfig,
    pool: &Mempool,
) -> Result<(), DpdkError> {
    check_queues(device, "receive", config.rx_queues, info.max_rx_queues)?;
    check_queues(device, "transmit", config.tx_queues, info.max_tx_queues)?;
    check_mtu(device, info, config.mtu)?;
    check_buffers(device, info, config, pool)
}

fn check_queues(
    device: &Device,
    direction: &'static str,
    asked: u16,
    most: u16,
) -> Result<(), DpdkError> {
    if asked <= most {
        return Ok(());
    }
    let remedy = device.queues_remedy(asked, most);
    Err(DpdkError::Queues {
        device: device.name().to_owned(),
        direction,
        asked,
        most,
        remedy,
    })
}

/// Checks the MTU against what the driver does not tell of itself: possible before it is opened.
pub(super) fn check_hidden_mtu(device: &Device, asked: u16) -> Result<(), DpdkError> {
    match device.hidden_mtu_limit(u32::from(asked)) {
        Some((most, remedy)) if u32::from(asked) > most => {
            let device = device.name().to_owned();
            Err(DpdkError::MtuTooLarge {
                device,
                asked,
                most,
                remedy,
            })
        }
        _ => Ok(()),
    }
}

fn check_mtu(
    device: &Device,
    info: &dpdk_sys::rte_eth_dev_info,
    asked: u16,
) -> Result<(), DpdkError> {
    let name = || device.name().to_owned();
    // A driver with a limit of its own was held against that, and says 1500 to DPDK.
    let has_own_limit = device.hidden_mtu_limit(0).is_some();
    let most = if has_own_limit {
        u32::MAX
    } else {
        largest_mtu(info)
    };
    if u32::from(asked) > most {
        let remedy = format!("set `mtu: {most}` or less");
        return Err(DpdkError::MtuTooLarge {
            device: name(),
            asked,
            most,
            remedy,
        });
    }
    if asked < info.min_mtu {
        return Err(DpdkError::MtuTooSmall {
            device: name(),
            asked,
            least: info.min_mtu,
        });
    }
    Ok(())
}

/// As `rte_eth_dev_configure` reckons it: the frame's overhead is what the driver's two limits
/// differ by, where it has both.
pub(super) fn largest_mtu(info: &dpdk_sys::rte_eth_dev_info) -> u32 {
    let (mtu, frame) = (u32::from(info.max_mtu), info.max_rx_pktlen);
    let overhead = if info.max_mtu != u16::MAX && frame > mtu {
        frame - mtu
    } else {
        HEADER_AND_CHECKSUM
    };
    mtu.min(frame.saturating_sub(overhead))
}

fn check_buffers(
    device: &Device,
    info: &dpdk_sys::rte_eth_dev_info,
    config: &PortConfig,
    pool: &Mempool,
) -> Result<(), DpdkError> {
    let (name, pool_name) = (device.name().to_owned(), pool.name().to_owned());
    let needed = frame_room(device, config.mtu).max(info.min_rx_bufsize);
    let room = pool.frame_room();
    if room < needed {
        return Err(DpdkError::BufferTooSmall {
            device: name,
            pool: pool_name,
            room,
            needed,
        });
    }
    let needed = u32::from(config.rx_queues) * u32::from(config.rx_descriptors);
    let buffers = pool.buffers();
    // Virtual devices take a buffer when a frame comes; hardware wants them beforehand.
    if device.is_pci() && buffers <= needed {
        return Err(DpdkError::PoolTooSmall {
            device: name,
            pool: pool_name,
            buffers,
            needed,
        });
    }
    Ok(())
}
