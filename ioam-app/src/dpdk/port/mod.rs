// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ports: opened by a device's name, checked against its limits, started, watched and closed.

mod config;
mod configure;
mod limits;
mod observe;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ioam_dp::port::BURST;

pub use config::PortConfig;
pub use observe::{LinkStatus, PortStatistics};

use super::device::Device;
use super::eal::Eal;
use super::error::DpdkError;
use super::log_stream::attempt;
use super::mempool::Mempool;
use super::preflight::check_device;
use super::preflight::warn_of_checksum_offload;
use super::queue::{DepthSource, RxHandle, TxHandle, descriptor_status};

/// What a port and its queues have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) id: u16,
    /// By queue number.
    pub(super) taken: Vec<Taken>,
    // Both keep what the queues rely on alive.
    _pool: Mempool,
    eal: Eal,
}

/// Whether a queue's handle exists.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) rx: AtomicBool,
    pub(super) tx: AtomicBool,
}

/// An open port; dropping it closes it.
#[derive(Debug)]
pub struct Port {
    shared: Arc<Shared>,
    device: Device,
    config: PortConfig,
    driver: String,
    tx_descriptors: u16,
    is_started: bool,
    is_closed: bool,
}

impl Port {
    /// Opens the device that `config` names, with buffers out of `pool` for what it receives. A
    /// device DPDK has not found at its start is looked for now.
    ///
    /// # Errors
    /// When there is no such device, and when it cannot do what is asked.
    pub fn open(eal: &Eal, config: &PortConfig, pool: &Mempool) -> Result<Self, DpdkError> {
        let device = Device::new(&config.device);
        limits::check_hidden_mtu(&device, config.mtu)?;
        warn_of_checksum_offload(&device);
        check_device(&device, config.mtu)?;
        let id = match configure::port_named(device.name()) {
            Some(id) => id,
            None => configure::probe(&device)?,
        };
        Self::set_up(eal, id, device, config, pool)
    }

    /// Opens a port by DPDK's number of it, such as one of [`ring_pair`](super::ring_pair);
    /// `config.device` is ignored.
    ///
    /// # Errors
    /// As [`Port::open`].
    pub fn open_id(
        eal: &Eal,
        id: u16,
        config: &PortConfig,
        pool: &Mempool,
    ) -> Result<Self, DpdkError> {
        let name = configure::name_of(id)?;
        Self::set_up(eal, id, Device::new(&name), config, pool)
    }

    fn set_up(
        eal: &Eal,
        id: u16,
        device: Device,
        config: &PortConfig,
        pool: &Mempool,
    ) -> Result<Self, DpdkError> {
        let info = configure::device_info(id, device.name())?;
        limits::check_limits(&device, &info, config, pool)?;
        enter_books(eal, id, &device, config, pool)?;
        let queues = config.rx_queues.max(config.tx_queues);
        let taken = (0..queues).map(|_| Taken::default()).collect();
        let shared = Arc::new(Shared {
            id,
            taken,
            _pool: pool.clone(),
            eal: eal.clone(),
        });
        let mut port = Self {
            shared,
            device,
            config: config.clone(),
            driver: configure::driver_name(&info),
            tx_descriptors: 0,
            is_started: false,
            is_closed: false,
        };
        port.tx_descriptors = configure::configure(id, &port.device, config, &info, pool)?;
        Ok(port)
    }

    /// Calls DPDK about this port.
    fn attempt(&self, call: &'static str, work: impl FnOnce() -> i32) -> Result<(), DpdkError> {
        attempt(self.device.name(), call, work).map(|_| ())
    }

    /// Starts the port; afterwards its queues can be taken and used.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn start(&mut self) -> Result<(), DpdkError> {
        if self.is_started {
            return Ok(());
        }
        let id = self.shared.id;
        // SAFETY: the port is configured and its queues are set up.
        self.attempt("rte_eth_dev_start", || unsafe {
            dpdk_sys::rte_eth_dev_start(id)
        })?;
        self.is_started = true;
        if self.config.promiscuous {
            self.attempt("rte_eth_promiscuous_enable", || {
                // SAFETY: the port is started.
                configure::optional(unsafe { dpdk_sys::rte_eth_promiscuous_enable(id) })
            })?;
        }
        Ok(())
    }

    /// The receive queue `queue`, or `None` when there is no such queue, when its handle exists
    /// already, and when the port is not started.
    #[must_use]
    pub fn take_rx(&self, queue: u16) -> Option<RxHandle> {
        if !self.is_started || queue >= self.config.rx_queues {
            return None;
        }
        if self.shared.taken[usize::from(queue)]
            .rx
            .swap(true, Ordering::Acquire)
        {
            return None;
        }
        let burst = self.config.burst.clamp(1, BURST);
        Some(RxHandle {
            shared: Arc::clone(&self.shared),
            queue,
            burst,
        })
    }

    /// The transmit queue `queue`, or `None` as with [`Port::take_rx`].
    #[must_use]
    pub fn take_tx(&self, queue: u16) -> Option<TxHandle> {
        if !self.is_started || queue >= self.config.tx_queues {
            return None;
        }
        if self.shared.taken[usize::from(queue)]
            .tx
            .swap(true, Ordering::Acquire)
        {
            return None;
        }
        let depth = self.depth_source(queue);
        Some(TxHandle {
            shared: Arc::clone(&self.shared),
            queue,
            depth,
        })
    }

    fn depth_source(&self, queue: u16) -> DepthSource {
        let id = self.shared.id;
        let ring = self
            .shared
            .eal
            .books(|books| books.rings.iter().find_map(|pair| pair.sent_by(id)));
        match ring {
            Some(ring) => DepthSource::Ring(ring),
            None if descriptor_status(id, queue, 0) >= 0 => {
                DepthSource::Descriptors(self.tx_descriptors)
            }
            None => DepthSource::Unknown,
        }
    }

    /// Stops the port. It can be started again, except with net_af_packet, whose sockets are gone.
    ///
    /// # Errors
    /// When a queue's handle still exists, and when the driver refuses.
    pub fn stop(&mut self) -> Result<(), DpdkError> {
        if !self.is_started {
            return Ok(());
        }
        let in_use =
            |taken: &Taken| taken.rx.load(Ordering::Acquire) || taken.tx.load(Ordering::Acquire);
        if self.shared.taken.iter().any(in_use) {
            return Err(DpdkError::InUse {
                subject: format!("the port {}", self.device.name()),
            });
        }
        let id = self.shared.id;
        // SAFETY: the port is started, and no queue is in use, since no handle exists.
        self.attempt("rte_eth_dev_stop", || unsafe {
            dpdk_sys::rte_eth_dev_stop(id)
        })?;
        self.is_started = false;
        Ok(())
    }

    /// Stops and closes the port: the buffers in its queues go back to their pools.
    ///
    /// # Errors
    /// As [`Port::stop`]; the port stays open then, until the process ends.
    pub fn close(mut self) -> Result<(), DpdkError> {
        self.shut()
    }

    fn shut(&mut self) -> Result<(), DpdkError> {
        self.is_closed = true;
        self.stop()?;
        let id = self.shared.id;
        // SAFETY: the port is stopped, and no handle of a queue exists.
        let answer = self.attempt("rte_eth_dev_close", || unsafe {
            dpdk_sys::rte_eth_dev_close(id)
        });
        self.shared.eal.books(|books| {
            books.rings.iter_mut().for_each(|pair| pair.close(id));
            books.open_ports.retain(|open| *open != id);
            if self.config.single_pool {
                books.single_pool_ports = books.single_pool_ports.saturating_sub(1);
            }
        });
        answer
    }
}

/// Notes that port `id` is open, once at a time, and the promise that `pool` is the only one, if
/// that is made and so.
fn enter_books(
    eal: &Eal,
    id: u16,
    device: &Device,
    config: &PortConfig,
    pool: &Mempool,
) -> Result<(), DpdkError> {
    eal.books(|books| {
        if books.open_ports.contains(&id) {
            let subject = format!("the port {}", device.name());
            return Err(DpdkError::InUse { subject });
        }
        if config.single_pool {
            if books.pools.len() != 1 {
                let pool = pool.name().to_owned();
                return Err(DpdkError::SecondPool { pool });
            }
            books.single_pool_ports += 1;
        }
        books.open_ports.push(id);
        Ok(())
    })
}

impl Drop for Port {
    fn drop(&mut self) {
        if self.is_closed {
            return;
        }
        if let Err(error) = self.shut() {
            log::error!("{error}");
        }
    }
}
