// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A frame in ordinary memory, for replay, tests and fuzzing.

use super::PacketBuf;

/// A frame held in a vector, with a fixed headroom as an mbuf has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeapPacket {
    store: Vec<u8>,
    start: usize,
    contiguous: bool,
}

impl HeapPacket {
    /// Copies `frame` behind `headroom` free octets.
    #[must_use]
    pub fn new(frame: &[u8], headroom: usize) -> Self {
        let mut store = vec![0; headroom];
        store.extend_from_slice(frame);
        Self {
            store,
            start: headroom,
            contiguous: true,
        }
    }

    /// Copies another frame over this one, behind `headroom` octets; allocates nothing once the
    /// store has been as large before.
    pub fn refill(&mut self, frame: &[u8], headroom: usize) {
        self.store.clear();
        self.store.resize(headroom, 0);
        self.store.extend_from_slice(frame);
        (self.start, self.contiguous) = (headroom, true);
    }

    /// Adds octets at the end.
    pub fn extend(&mut self, octets: &[u8]) {
        self.store.extend_from_slice(octets);
    }

    /// Adds zeros at the end.
    pub fn extend_zeros(&mut self, octets: usize) {
        self.store.resize(self.store.len() + octets, 0);
    }

    /// The packet with its store, leaving an empty one.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(&[], 0))
    }

    /// The same frame, claiming to be one of a chain of segments.
    #[must_use]
    pub fn into_chained(mut self) -> Self {
        self.contiguous = false;
        self
    }
}

impl PacketBuf for HeapPacket {
    fn bytes(&self) -> &[u8] {
        &self.store[self.start..]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.store[self.start..]
    }

    fn headroom(&self) -> usize {
        self.start
    }

    fn grow_front(&mut self, octets: usize) -> bool {
        let Some(start) = self.start.checked_sub(octets) else {
            return false;
        };
        self.start = start;
        true
    }

    fn shrink_front(&mut self, octets: usize) -> bool {
        if octets > self.bytes().len() {
            return false;
        }
        self.start += octets;
        true
    }

    fn truncate(&mut self, octets: usize) {
        self.store.truncate(self.start + octets);
    }

    fn is_contiguous(&self) -> bool {
        self.contiguous
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_only_into_its_headroom_and_shrinks_only_what_it_has() {
        let mut packet = HeapPacket::new(&[1, 2, 3], 2);
        assert!(!packet.grow_front(3));
        assert!(packet.grow_front(2));
        assert_eq!(packet.bytes().len(), 5);
        assert_eq!(packet.headroom(), 0);
        assert!(!packet.shrink_front(6));
        assert!(packet.shrink_front(4));
        assert_eq!(packet.bytes(), [3]);
        packet.truncate(7);
        assert_eq!(packet.bytes(), [3]);
    }
}
