// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pools of packet buffers.

use std::ffi::CString;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ioam_dp::port::Buffers;

use super::eal::Eal;
use super::error::{DpdkError, last_errno};
use super::log_stream::collect;
use super::mbuf::Mbuf;

/// Headroom that DPDK's drivers leave in front of a received frame, in octets: a constant of the
/// installed DPDK. What a pool has beyond it lies behind the frame; docs/adr/0002-headroom.md.
pub(super) const DRIVER_HEADROOM: u32 = dpdk_sys::RTE_PKTMBUF_HEADROOM;

/// Most buffers that an lcore keeps for itself.
const CACHE: u32 = 256;

/// A pool of packet buffers, cheap to clone.
#[derive(Clone, Debug)]
pub struct Mempool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    raw: NonNull<dpdk_sys::rte_mempool>,
    name: String,
    buffers: u32,
    frame_room: u32,
    data_room: u32,
    eal: Eal,
}

// SAFETY: DPDK's pools may be used from any thread; EAL threads get their own caches.
unsafe impl Send for Inner {}
// SAFETY: as above: its operations synchronise by themselves.
unsafe impl Sync for Inner {}

impl Mempool {
    /// Makes a pool named `name` of `buffers` buffers. Each has room for a frame of `data_room`
    /// octets (see [`frame_room`](super::frame_room)) to which `headroom` octets can be added in
    /// front; `socket` is the NUMA node, or -1 for any.
    ///
    /// # Errors
    /// When DPDK's memory does not suffice, when the values are out of bounds, and when a port was
    /// opened on the promise that its pool is the only one.
    pub fn new(
        eal: &Eal,
        name: &str,
        buffers: u32,
        headroom: u32,
        data_room: u32,
        socket: i32,
    ) -> Result<Self, DpdkError> {
        let shape = |reason| DpdkError::PoolShape {
            pool: name.to_owned(),
            reason,
        };
        if headroom < DRIVER_HEADROOM {
            return Err(shape(
                "its headroom is less than the 128 octets that DPDK's drivers leave",
            ));
        }
        let octets = u16::try_from(headroom.saturating_add(data_room))
            .map_err(|_| shape("headroom and frame together exceed 65535 octets"))?;
        if !(1..=0x0fff_ffff).contains(&buffers) {
            return Err(shape("the number of buffers is 0, or too large"));
        }
        let text = CString::new(name).map_err(|_| shape("its name contains a NUL character"))?;
        eal.books(|books| {
            if books.single_pool_ports > 0 {
                return Err(DpdkError::SecondPool {
                    pool: name.to_owned(),
                });
            }
            books.pools.push(name.to_owned());
            Ok(())
        })?;
        let cache = CACHE.min(buffers / 4);
        let (raw, said) = collect(|| {
            // SAFETY: `text` is NUL-terminated and copied by DPDK, which is started since `eal`
            // exists; the numbers are checked by DPDK.
            unsafe {
                dpdk_sys::rte_pktmbuf_pool_create(text.as_ptr(), buffers, cache, 0, octets, socket)
            }
        });
        let Some(raw) = NonNull::new(raw) else {
            let errno = last_errno();
            eal.books(|books| remove(&mut books.pools, name));
            return Err(refusal(name, buffers, octets, errno, said));
        };
        let frame_room = u32::from(octets) - DRIVER_HEADROOM;
        let inner = Inner {
            raw,
            name: name.to_owned(),
            buffers,
            frame_room,
            data_room,
            eal: eal.clone(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The pool's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Buffers the pool consists of.
    #[must_use]
    pub fn buffers(&self) -> u32 {
        self.inner.buffers
    }

    /// Buffers outside the pool: in receive and transmit queues, and in workers' hands. Exact when
    /// nobody uses the pool. Looks into 128 caches, so it is not for each burst.
    #[must_use]
    pub fn in_use(&self) -> u32 {
        self.inner.in_use()
    }

    /// A packet that holds a copy of `frame`, with the pool's headroom left in its buffer; `None`
    /// when the frame is longer than the pool's frames, or no buffer is left.
    #[must_use]
    pub fn packet(&self, frame: &[u8]) -> Option<Mbuf> {
        if frame.len() > usize::try_from(self.inner.data_room).ok()? {
            return None;
        }
        let mut packet = Mbuf::alloc(self)?;
        packet.append(frame.len())?.copy_from_slice(frame);
        Some(packet)
    }

    /// Octets that a driver sees behind its own headroom.
    pub(super) fn frame_room(&self) -> u32 {
        self.inner.frame_room
    }

    pub(super) fn as_ptr(&self) -> *mut dpdk_sys::rte_mempool {
        self.inner.raw.as_ptr()
    }

    /// Octets of memory that each buffer takes, with its own header.
    fn element_octets(&self) -> u32 {
        // SAFETY: the pool exists as long as `self`, and this field never changes.
        unsafe { (*self.as_ptr()).elt_size }
    }
}

fn refusal(name: &str, buffers: u32, octets: u16, errno: i32, said: Option<String>) -> DpdkError {
    // ENOBUFS is the same want of memory, met when part of the pool had found a place already.
    if errno == libc::ENOMEM || errno == libc::ENOBUFS {
        // The buffer, its header, and what the pool puts around it.
        let each = u64::from(octets) + 128 + 64;
        let mib = (u64::from(buffers) * each).div_ceil(1 << 20);
        return DpdkError::PoolMemory {
            pool: name.to_owned(),
            mib,
        };
    }
    DpdkError::of_call(
        &format!("the pool {name}"),
        "rte_pktmbuf_pool_create",
        errno,
        said,
    )
}

fn remove(names: &mut Vec<String>, name: &str) {
    if let Some(place) = names.iter().position(|other| other == name) {
        names.swap_remove(place);
    }
}

impl Inner {
    fn in_use(&self) -> u32 {
        // SAFETY: the pool exists as long as `self`.
        let available = unsafe { dpdk_sys::rte_mempool_avail_count(self.raw.as_ptr()) };
        self.buffers.saturating_sub(available)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let in_use = self.in_use();
        self.eal.books(|books| {
            remove(&mut books.pools, &self.name);
            books.leaked += u64::from(in_use);
        });
        if in_use > 0 {
            log::error!(
                "{in_use} buffers of the pool {} never came back to it",
                self.name
            );
            return;
        }
        // SAFETY: this is the last handle, ports and queues hold one each, and every buffer is at
        // home: nothing points into the pool.
        unsafe { dpdk_sys::rte_mempool_free(self.raw.as_ptr()) };
    }
}

/// The node's packet memory: how much of it is in use, for node data and cheap enough for each burst,
/// and buffers for packets the node originates.
#[derive(Clone, Debug)]
pub struct PoolGauge {
    pools: Vec<Mempool>,
    lcores: Vec<usize>,
}

impl PoolGauge {
    /// A gauge over `pools`; a pool named twice counts once.
    #[must_use]
    pub fn new(eal: &Eal, pools: &[Mempool]) -> Self {
        let mut distinct: Vec<Mempool> = Vec::new();
        for pool in pools {
            if !distinct.iter().any(|other| other.as_ptr() == pool.as_ptr()) {
                distinct.push(pool.clone());
            }
        }
        Self {
            pools: distinct,
            lcores: eal.lcores().map(|lcore| lcore as usize).collect(),
        }
    }
}

impl Buffers for PoolGauge {
    type Packet = Mbuf;

    fn octets_in_use(&self) -> Option<u64> {
        Some(self.pools.iter().map(|pool| self.octets_of(pool)).sum())
    }

    /// Out of the first pool that can.
    fn packet(&mut self, frame: &[u8]) -> Option<Mbuf> {
        self.pools.iter().find_map(|pool| pool.packet(frame))
    }
}

impl PoolGauge {
    fn octets_of(&self, pool: &Mempool) -> u64 {
        // SAFETY: the pool exists as long as its handle, and counting is safe beside its users.
        let mut available = unsafe { dpdk_sys::dpdk_shim_mempool_backing_count(pool.as_ptr()) };
        // SAFETY: as above; this field never changes.
        let caches = unsafe { (*pool.as_ptr()).local_cache };
        if !caches.is_null() {
            for lcore in &self.lcores {
                // SAFETY: there are RTE_MAX_LCORE caches and `lcore` is below that; the length is
                // an aligned u32, which its lcore may write meanwhile, hence the atomic view.
                let held = unsafe { AtomicU32::from_ptr(&raw mut (*caches.add(*lcore)).len) };
                available += held.load(Ordering::Relaxed);
            }
        }
        let in_use = pool.buffers().saturating_sub(available);
        u64::from(in_use) * u64::from(pool.element_octets())
    }
}
