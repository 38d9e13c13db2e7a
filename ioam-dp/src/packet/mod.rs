// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The packet as the data plane sees it: one contiguous run of octets with room in front.

mod heap;

pub use heap::HeapPacket;

/// A frame that can be read, written, and grown or shrunk at its front.
///
/// Two implementations exist: [`HeapPacket`] here, and DPDK's mbuf in the program. Every case that
/// the tests run through one runs through the other.
pub trait PacketBuf {
    /// The frame, from the first octet of the Ethernet header.
    fn bytes(&self) -> &[u8];

    /// The frame, writable.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// Octets that [`grow_front`](Self::grow_front) could still add.
    fn headroom(&self) -> usize;

    /// Adds `octets` in front of the frame, with unspecified content. Returns `false`, and changes
    /// nothing, when the headroom is too small.
    #[must_use]
    fn grow_front(&mut self, octets: usize) -> bool;

    /// Removes `octets` from the front. Returns `false`, and changes nothing, when the frame is
    /// shorter than that.
    #[must_use]
    fn shrink_front(&mut self, octets: usize) -> bool;

    /// Cuts the frame to its first `octets`; does nothing when it is not longer.
    fn truncate(&mut self, octets: usize);

    /// Whether the whole frame is in [`bytes`](Self::bytes): `false` for a chain of segments, which
    /// the data plane leaves alone and counts.
    fn is_contiguous(&self) -> bool {
        true
    }

    /// Asks the processor to bring the frame's headers into its cache.
    fn prefetch(&self) {
        self.prefetch_at(0);
    }

    /// Asks for the cache line `offset` octets behind the frame's start, or in front of it.
    fn prefetch_at(&self, _offset: isize) {}
}
