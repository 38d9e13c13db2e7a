// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A packet in DPDK's memory.

use std::ptr::NonNull;

use ioam_dp::packet::PacketBuf;

use super::mempool::Mempool;

/// Frames are moved within their buffer by whole cache lines.
const CACHE_LINE: u32 = 64;

/// One packet buffer, owned: dropping it gives it back to its pool.
///
/// ```text
///  buf_addr        + data_off                + data_len            + buf_len
///     |  headroom      |  frame                   |  tail room         |
/// ```
/// Work on it is arithmetic on these fields, without a call into DPDK. Only the first segment of a
/// chain is seen; [`PacketBuf::is_contiguous`] tells.
#[derive(Debug)]
#[repr(transparent)]
pub struct Mbuf {
    raw: NonNull<dpdk_sys::rte_mbuf>,
}

// SAFETY: an mbuf has one owner, and its pool takes it back on any thread.
unsafe impl Send for Mbuf {}

impl Mbuf {
    /// An empty packet out of `pool`, or `None` when it has no buffer left.
    #[must_use]
    pub fn alloc(pool: &Mempool) -> Option<Self> {
        // SAFETY: the pool exists as long as its handle.
        let raw = unsafe { dpdk_sys::dpdk_shim_pktmbuf_alloc(pool.as_ptr()) };
        NonNull::new(raw).map(|raw| Self { raw })
    }

    /// Adds `octets` behind the frame, with unspecified content, and answers them; `None`, with
    /// nothing changed, when the room behind it is too small or the packet is a chain.
    pub fn append(&mut self, octets: usize) -> Option<&mut [u8]> {
        let (old, tail) = (usize::from(self.fields().data_len), self.tail_room());
        if octets > usize::from(tail) || !self.is_contiguous() {
            return None;
        }
        let added = u16::try_from(octets).ok()?;
        let fields = self.fields_mut();
        fields.data_len += added;
        fields.pkt_len += u32::from(added);
        Some(&mut self.bytes_mut()[old..])
    }

    fn fields(&self) -> &dpdk_sys::rte_mbuf {
        // SAFETY: `raw` is a valid mbuf that `self` owns.
        unsafe { self.raw.as_ref() }
    }

    fn fields_mut(&mut self) -> &mut dpdk_sys::rte_mbuf {
        // SAFETY: `raw` is a valid mbuf that `self` owns, and `self` is borrowed exclusively.
        unsafe { self.raw.as_mut() }
    }

    /// Octets behind the frame.
    fn tail_room(&self) -> u16 {
        let fields = self.fields();
        fields
            .buf_len
            .saturating_sub(fields.data_off)
            .saturating_sub(fields.data_len)
    }

    /// Moves the frame back until `octets` are free in front of it; `false`, with nothing changed,
    /// when the room behind it is too small.
    #[cold]
    fn move_back(&mut self, octets: u16) -> bool {
        let (missing, tail) = (
            octets.saturating_sub(self.fields().data_off),
            self.tail_room(),
        );
        if missing > tail {
            return false;
        }
        let whole_lines = u32::from(missing).next_multiple_of(CACHE_LINE);
        let distance = u16::try_from(whole_lines).map_or(tail, |lines| lines.min(tail));
        let fields = self.fields_mut();
        // SAFETY: the frame and the room behind it are inside the buffer: data_off + data_len +
        // distance <= buf_len, because distance <= tail room. `copy` allows the overlap.
        unsafe {
            let frame = fields
                .buf_addr
                .cast::<u8>()
                .add(usize::from(fields.data_off));
            let target = frame.add(usize::from(distance));
            std::ptr::copy(frame, target, usize::from(fields.data_len));
        }
        fields.data_off += distance;
        true
    }
}

impl PacketBuf for Mbuf {
    fn bytes(&self) -> &[u8] {
        let fields = self.fields();
        // SAFETY: DPDK and the methods here keep data_off + data_len <= buf_len; the buffer is
        // memory of the pool, initialised by the kernel, and belongs to `self`.
        unsafe {
            let start = fields
                .buf_addr
                .cast::<u8>()
                .add(usize::from(fields.data_off));
            std::slice::from_raw_parts(start, usize::from(fields.data_len))
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let fields = self.fields_mut();
        // SAFETY: as in `bytes`, and `self` is borrowed exclusively.
        unsafe {
            let start = fields
                .buf_addr
                .cast::<u8>()
                .add(usize::from(fields.data_off));
            std::slice::from_raw_parts_mut(start, usize::from(fields.data_len))
        }
    }

    /// All the room of the buffer, in front of the frame and behind it: docs/adr/0002-headroom.md.
    fn headroom(&self) -> usize {
        let fields = self.fields();
        usize::from(fields.buf_len.saturating_sub(fields.data_len))
    }

    fn grow_front(&mut self, octets: usize) -> bool {
        let Ok(octets) = u16::try_from(octets) else {
            return false;
        };
        if octets > self.fields().data_off && !self.move_back(octets) {
            return false;
        }
        let fields = self.fields_mut();
        fields.data_off -= octets;
        fields.data_len += octets;
        fields.pkt_len += u32::from(octets);
        true
    }

    fn shrink_front(&mut self, octets: usize) -> bool {
        let fields = self.fields_mut();
        let Ok(octets) = u16::try_from(octets) else {
            return false;
        };
        if octets > fields.data_len {
            return false;
        }
        fields.data_off += octets;
        fields.data_len -= octets;
        fields.pkt_len -= u32::from(octets);
        true
    }

    fn truncate(&mut self, octets: usize) {
        let fields = self.fields_mut();
        let Ok(octets) = u16::try_from(octets) else {
            return;
        };
        if octets < fields.data_len {
            fields.pkt_len -= u32::from(fields.data_len - octets);
            fields.data_len = octets;
        }
    }

    fn is_contiguous(&self) -> bool {
        self.fields().nb_segs == 1
    }

    #[inline]
    fn prefetch_at(&self, offset: isize) {
        let fields = self.fields();
        let start = fields
            .buf_addr
            .cast::<i8>()
            .wrapping_add(usize::from(fields.data_off));
        prefetch(start.wrapping_offset(offset));
    }
}

#[cfg(target_arch = "x86_64")]
fn prefetch(address: *const i8) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch reads nothing that the program sees and never faults.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
}

#[cfg(not(target_arch = "x86_64"))]
fn prefetch(_address: *const i8) {}

impl Drop for Mbuf {
    fn drop(&mut self) {
        // SAFETY: `self` owns the mbuf, and it is not used again.
        unsafe { dpdk_sys::dpdk_shim_pktmbuf_free(self.raw.as_ptr()) };
    }
}
