// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Frames this node originates besides those it was given: copies looped back, replicas, probes.
//!
//! The pipeline writes them here as octets; the worker puts them into buffers of its own and sends
//! them. They are few, by their rate limits, so a copy more does not matter.

use arrayvec::ArrayVec;

use crate::port::PortId;

/// Most frames one burst can cause.
const FRAMES: usize = 64;

/// Most octets of frames one burst can cause.
const OCTETS: usize = 64 * 1024;

/// Frames waiting for buffers.
#[derive(Debug)]
pub struct Outbox {
    octets: Vec<u8>,
    frames: ArrayVec<(PortId, usize), FRAMES>,
}

impl Outbox {
    /// An empty one; nothing is allocated later.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self {
            octets: Vec::with_capacity(OCTETS),
            frames: ArrayVec::new(),
        }
    }

    /// Whether there is room for a frame of that many octets.
    #[must_use]
    pub(crate) fn fits(&self, octets: usize) -> bool {
        !self.frames.is_full() && self.octets.len() + octets <= OCTETS
    }

    /// Adds the frame that `pieces` make, to leave by `port`; `false` where there is no room.
    #[must_use]
    pub(crate) fn push(&mut self, port: PortId, pieces: &[&[u8]]) -> bool {
        let len: usize = pieces.iter().map(|piece| piece.len()).sum();
        if !self.fits(len) {
            return false;
        }
        pieces
            .iter()
            .for_each(|piece| self.octets.extend_from_slice(piece));
        self.frames.push((port, len));
        true
    }

    /// The last frame added.
    pub(crate) fn last_mut(&mut self) -> Option<&mut [u8]> {
        let (_, len) = self.frames.last()?;
        let start = self.octets.len().checked_sub(*len)?;
        self.octets.get_mut(start..)
    }

    /// The frames, in the order they were added.
    pub fn frames(&self) -> impl Iterator<Item = (PortId, &[u8])> {
        let mut start = 0;
        self.frames.iter().map(move |(port, len)| {
            let frame = self.octets.get(start..start + len).unwrap_or(&[]);
            start += len;
            (*port, frame)
        })
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Removes all of them.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.frames.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_in_order_and_a_full_box_takes_no_more() {
        let mut outbox = Outbox::new();
        assert!(outbox.push(PortId(1), &[b"ab", b"c"]));
        assert!(outbox.push(PortId(2), &[b"de"]));
        outbox.last_mut().unwrap()[0] = b'D';
        let all: Vec<_> = outbox.frames().collect();
        assert_eq!(all, [(PortId(1), &b"abc"[..]), (PortId(2), &b"De"[..])]);
        assert!(!outbox.push(PortId(1), &[&[0; OCTETS]]));
        outbox.clear();
        assert!(outbox.is_empty() && outbox.push(PortId(1), &[&[0; OCTETS]]));
        assert!((0..FRAMES).all(|_| !outbox.push(PortId(1), &[b"x"])));
    }
}
