// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds a device and brings it into the state that can be started.

use std::ffi::{CStr, CString, c_char};
use std::mem::MaybeUninit;

use super::PortConfig;
use super::limits::largest_mtu;
use crate::dpdk::device::Device;
use crate::dpdk::error::{DpdkError, text_of};
use crate::dpdk::log_stream::{attempt, collect};
use crate::dpdk::mempool::Mempool;

/// Longest name of a device, with its NUL.
const NAME: usize = dpdk_sys::RTE_ETH_NAME_MAX_LEN as usize;

/// What the hash key of a port with several receive queues repeats.
const SYMMETRIC_KEY: u16 = 0x6D5A;

/// DPDK's number of the port of this name.
pub(super) fn port_named(name: &str) -> Option<u16> {
    let (name, mut id) = (CString::new(name).ok()?, 0);
    // SAFETY: the name is NUL-terminated, and `id` is writable.
    let code = unsafe { dpdk_sys::rte_eth_dev_get_port_by_name(name.as_ptr(), &raw mut id) };
    (code == 0).then_some(id)
}

/// DPDK's name of port `id`.
pub(super) fn name_of(id: u16) -> Result<String, DpdkError> {
    let mut name: [c_char; NAME] = [0; NAME];
    attempt(
        &format!("port {id}"),
        "rte_eth_dev_get_name_by_port",
        || {
            // SAFETY: the buffer has the longest name's size.
            unsafe { dpdk_sys::rte_eth_dev_get_name_by_port(id, name.as_mut_ptr()) }
        },
    )?;
    Ok(text_at(name.as_ptr()))
}

/// Has DPDK open `device`, which it did not at its start, and answers the number of its port.
pub(super) fn probe(device: &Device) -> Result<u16, DpdkError> {
    let unknown = || DpdkError::UnknownDriver {
        device: device.text().to_owned(),
    };
    if device.name().is_empty() {
        return Err(unknown());
    }
    let text = CString::new(device.text()).map_err(|_| unknown())?;
    let (code, said) = collect(|| {
        // SAFETY: the text is NUL-terminated and copied.
        unsafe { dpdk_sys::rte_dev_probe(text.as_ptr()) }
    });
    // DPDK says so of a text that no bus and no driver claims.
    if code == -libc::EFAULT || code == -libc::EINVAL {
        return Err(unknown());
    }
    let refused = |reason| DpdkError::Probe {
        device: device.text().to_owned(),
        reason,
    };
    if code < 0 {
        return Err(refused(said.unwrap_or_else(|| text_of(-code))));
    }
    port_named(device.name())
        .ok_or_else(|| refused("it was closed before, or is no network device".to_owned()))
}

/// What the driver says of the device.
pub(super) fn device_info(id: u16, name: &str) -> Result<dpdk_sys::rte_eth_dev_info, DpdkError> {
    let mut info = MaybeUninit::<dpdk_sys::rte_eth_dev_info>::zeroed();
    attempt(name, "rte_eth_dev_info_get", || {
        // SAFETY: `info` is writable; DPDK checks the number.
        unsafe { dpdk_sys::rte_eth_dev_info_get(id, info.as_mut_ptr()) }
    })?;
    // SAFETY: DPDK filled it, and all zeroes were valid before that.
    Ok(unsafe { info.assume_init() })
}

/// The driver's name.
pub(super) fn driver_name(info: &dpdk_sys::rte_eth_dev_info) -> String {
    if info.driver_name.is_null() {
        "unknown".to_owned()
    } else {
        text_at(info.driver_name)
    }
}

/// A copy of DPDK's text at `text`, which is not NULL and comes from DPDK.
fn text_at(text: *const c_char) -> String {
    // SAFETY: both callers have it from DPDK, which ends its texts by NUL and keeps them that long.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

/// 0 for the answer that a driver lacks something: for calls that may be missing.
pub(super) fn optional(code: i32) -> i32 {
    if code == -libc::ENOTSUP { 0 } else { code }
}

/// Configures port `id` and its queues; answers the descriptors each transmit queue got.
pub(super) fn configure(
    id: u16,
    device: &Device,
    config: &PortConfig,
    info: &dpdk_sys::rte_eth_dev_info,
    pool: &Mempool,
) -> Result<u16, DpdkError> {
    let name = device.name();
    let mut key = symmetric_key(info.hash_key_size);
    let wanted = wanted(config, info, &mut key);
    let (rx_queues, tx_queues) = (config.rx_queues, config.tx_queues);
    attempt(name, "rte_eth_dev_configure", || {
        // SAFETY: DPDK checks the number and copies `wanted`; drivers copy the key it points to,
        // which lives until the end of this function.
        unsafe { dpdk_sys::rte_eth_dev_configure(id, rx_queues, tx_queues, &raw const wanted) }
    })?;
    let (mut receive, mut send) = (config.rx_descriptors, config.tx_descriptors);
    attempt(name, "rte_eth_dev_adjust_nb_rx_tx_desc", || {
        // SAFETY: the port is configured, and both numbers are writable.
        unsafe { dpdk_sys::rte_eth_dev_adjust_nb_rx_tx_desc(id, &raw mut receive, &raw mut send) }
    })?;
    if device.interface().is_none() {
        attempt(name, "rte_eth_dev_set_mtu", || {
            // SAFETY: the port is configured and stopped.
            optional(unsafe { dpdk_sys::rte_eth_dev_set_mtu(id, config.mtu) })
        })?;
    }
    // SAFETY: the port exists; -1, for any node, goes on as the unsigned number DPDK takes.
    let socket = unsafe { dpdk_sys::rte_eth_dev_socket_id(id) }.cast_unsigned();
    for queue in 0..rx_queues {
        let queue_config = &raw const info.default_rxconf;
        attempt(name, "rte_eth_rx_queue_setup", || {
            // SAFETY: the port is configured with that many queues; it holds a handle of the pool,
            // which therefore outlives it; the configuration is copied.
            unsafe {
                let pool = pool.as_ptr();
                dpdk_sys::rte_eth_rx_queue_setup(id, queue, receive, socket, queue_config, pool)
            }
        })?;
    }
    let mut queue_config = info.default_txconf;
    queue_config.offloads = wanted.txmode.offloads;
    let queue_config = &raw const queue_config;
    for queue in 0..tx_queues {
        attempt(name, "rte_eth_tx_queue_setup", || {
            // SAFETY: the port is configured with that many queues; the configuration is copied.
            unsafe { dpdk_sys::rte_eth_tx_queue_setup(id, queue, send, socket, queue_config) }
        })?;
    }
    Ok(send)
}

/// A key of `octets` octets with which the hash of a flow is that of its other direction: what is
/// hashed of addresses and ports is in pieces of 16 bits, and the key repeats after as many. Empty
/// where the driver does not tell the length, and keeps its own key.
fn symmetric_key(octets: u8) -> Vec<u8> {
    let pattern = SYMMETRIC_KEY.to_be_bytes().into_iter().cycle();
    pattern.take(octets.into()).collect()
}

/// What a port is configured with; it points to `key`.
fn wanted(
    config: &PortConfig,
    info: &dpdk_sys::rte_eth_dev_info,
    key: &mut [u8],
) -> dpdk_sys::rte_eth_conf {
    // SAFETY: a C structure of numbers and pointers, for which all zeroes are valid and mean
    // DPDK's defaults.
    let mut wanted = unsafe { MaybeUninit::<dpdk_sys::rte_eth_conf>::zeroed().assume_init() };
    // Checked before; net_af_packet calls 1500 its limit and has another.
    wanted.rxmode.mtu = u32::from(config.mtu).min(largest_mtu(info));
    let hash = dpdk_sys::DPDK_SHIM_RSS_IP_TCP_UDP & info.flow_type_rss_offloads;
    if config.rss && config.rx_queues > 1 && hash != 0 {
        wanted.rxmode.mq_mode = dpdk_sys::RTE_ETH_MQ_RX_RSS;
        let rss = &mut wanted.rx_adv_conf.rss_conf;
        rss.rss_hf = hash;
        if let (false, Ok(len)) = (key.is_empty(), u8::try_from(key.len())) {
            (rss.rss_key, rss.rss_key_len) = (key.as_mut_ptr(), len);
        }
    }
    if config.single_pool {
        let fast_free = dpdk_sys::DPDK_SHIM_TX_OFFLOAD_MBUF_FAST_FREE;
        wanted.txmode.offloads = fast_free & info.tx_offload_capa;
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash of Microsoft's Receive Side Scaling, as NICs compute it.
    fn toeplitz(key: &[u8], input: &[u8]) -> u32 {
        let window = |bit: usize| {
            (bit..bit + 32).fold(0_u32, |word, at| {
                word << 1 | u32::from(key[at / 8] >> (7 - at % 8) & 1)
            })
        };
        let bits = (0..input.len() * 8).filter(|at| input[at / 8] >> (7 - at % 8) & 1 == 1);
        bits.fold(0, |hash, bit| hash ^ window(bit))
    }

    #[test]
    fn both_directions_of_a_flow_have_one_hash() {
        let key = symmetric_key(40);
        assert_eq!(key.len(), 40);
        let (a, b) = ([0x20, 1, 0xD, 0xB8, 7, 7], [0x20, 1, 0xD, 0xB8, 9, 1]);
        let address = |end: [u8; 6]| [end, [0; 6]].concat().into_iter().chain([1, 2, 3, 4]);
        let tuple = |from, to, ports: [u8; 4]| {
            let addresses = address(from).chain(address(to));
            addresses.chain(ports).collect::<Vec<u8>>()
        };
        let there = toeplitz(&key, &tuple(a, b, [0x13, 0x88, 0, 53]));
        let back = toeplitz(&key, &tuple(b, a, [0, 53, 0x13, 0x88]));
        assert_eq!(there, back);
        let other = toeplitz(&key, &tuple(a, b, [0x13, 0x89, 0, 53]));
        assert_ne!(there, other);
        assert!(symmetric_key(0).is_empty());
    }
}
