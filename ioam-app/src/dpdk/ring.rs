// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ports without a device: two of them, joined by two rings, for the demonstration and benchmarks.

use std::ffi::CString;
use std::ptr::NonNull;

use super::eal::Eal;
use super::error::{DpdkError, last_errno};
use super::log_stream::collect;

/// One producer and one consumer: each end is one port with one queue.
const ONE_TO_ONE: u32 = 0x0003;

/// Two joined ports, as the books know them.
#[derive(Debug)]
pub(super) struct RingPair {
    ports: [u16; 2],
    /// What the port of the same place sends into.
    rings: [Ring; 2],
    closed: [bool; 2],
}

/// A ring that lives until DPDK is cleaned up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring(NonNull<dpdk_sys::rte_ring>);

// SAFETY: a ring may be used from any thread; `RingPair` keeps to its one-to-one rule.
unsafe impl Send for Ring {}
// SAFETY: as above; counting is safe beside its users.
unsafe impl Sync for Ring {}

impl Ring {
    fn new(name: &str, size: u32) -> Result<Self, DpdkError> {
        let text = CString::new(name).map_err(|_| refused(name, libc::EINVAL, None))?;
        let (raw, said) = collect(|| {
            // SAFETY: `text` is NUL-terminated and copied; DPDK checks the other values.
            unsafe { dpdk_sys::rte_ring_create(text.as_ptr(), size, -1, ONE_TO_ONE) }
        });
        NonNull::new(raw)
            .map(Self)
            .ok_or_else(|| refused(name, last_errno(), said))
    }

    /// Packets in the ring.
    pub(super) fn count(self) -> u32 {
        // SAFETY: the ring lives until DPDK is cleaned up.
        unsafe { dpdk_sys::dpdk_shim_ring_count(self.0.as_ptr()) }
    }

    /// Gives the packets in the ring back to their pools; the caller is its only user.
    fn drain(self) {
        // SAFETY: the ring lives until DPDK is cleaned up, holds nothing but mbufs, and nobody
        // else takes from it.
        unsafe { dpdk_sys::dpdk_shim_ring_drain(self.0.as_ptr()) };
    }
}

fn refused(name: &str, errno: i32, said: Option<String>) -> DpdkError {
    DpdkError::of_call(&format!("the ring {name}"), "rte_ring_create", errno, said)
}

impl RingPair {
    /// The ring that `port` sends into, if it is of this pair.
    pub(super) fn sent_by(&self, port: u16) -> Option<Ring> {
        let place = self.ports.iter().position(|other| *other == port)?;
        Some(self.rings[place])
    }

    /// Notes that `port` is closed; when both are, what is left in the rings goes home.
    pub(super) fn close(&mut self, port: u16) {
        let Some(place) = self.ports.iter().position(|other| *other == port) else {
            return;
        };
        self.closed[place] = true;
        if self.closed == [true; 2] {
            self.rings.into_iter().for_each(Ring::drain);
        }
    }
}

/// Makes two ports of one queue each: what one sends, the other receives. The rings between them
/// hold `size` - 1 packets each, where `size` is a power of two. Answers DPDK's numbers of the
/// ports, for [`Port::open_id`](super::Port::open_id); both ports must be opened, or what the other
/// sent stays in the rings.
///
/// # Errors
/// When the name is taken or too long, and when DPDK's memory does not suffice.
pub fn ring_pair(eal: &Eal, name: &str, size: u32) -> Result<(u16, u16), DpdkError> {
    let (first, second) = (format!("{name}_a"), format!("{name}_b"));
    let rings = [Ring::new(&first, size)?, Ring::new(&second, size)?];
    let ports = [
        port(&first, rings[1], rings[0])?,
        port(&second, rings[0], rings[1])?,
    ];
    eal.books(|books| {
        books.rings.push(RingPair {
            ports,
            rings,
            closed: [false; 2],
        })
    });
    Ok((ports[0], ports[1]))
}

fn port(name: &str, receive: Ring, send: Ring) -> Result<u16, DpdkError> {
    let call = "rte_eth_from_rings";
    let subject = format!("the ring port {name}");
    let text =
        CString::new(name).map_err(|_| DpdkError::of_call(&subject, call, libc::EINVAL, None))?;
    let (receive, send) = ([receive.0.as_ptr()], [send.0.as_ptr()]);
    let (answer, said) = collect(|| {
        // SAFETY: the name is NUL-terminated and copied, the two lists have the length given, and
        // their rings live until DPDK is cleaned up.
        unsafe {
            dpdk_sys::rte_eth_from_rings(text.as_ptr(), receive.as_ptr(), 1, send.as_ptr(), 1, 0)
        }
    });
    u16::try_from(answer).map_err(|_| DpdkError::of_call(&subject, call, last_errno(), said))
}
