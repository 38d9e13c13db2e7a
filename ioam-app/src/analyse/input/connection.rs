// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Messages one behind the other, out of a connection's octets.

use crate::analyse::ipfix::{HEADER, VERSION};

/// Octets that have arrived and are not a whole message yet.
#[derive(Debug, Default)]
pub(super) struct Messages(Vec<u8>);

impl Messages {
    /// Takes what arrived.
    pub(super) fn arrived(&mut self, octets: &[u8]) {
        self.0.extend_from_slice(octets);
    }

    /// The next whole message; an error where none can begin, from where no way leads on.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, &'static str> {
        let Some([v0, v1, l0, l1]) = self.0.first_chunk::<4>().copied() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if u16::from_be_bytes([v0, v1]) != VERSION || length < HEADER {
            return Err("what came is no IPFIX; the connection was closed");
        }
        if self.0.len() < length {
            return Ok(None);
        }
        let rest = self.0.split_off(length);
        Ok(Some(std::mem::replace(&mut self.0, rest)))
    }

    /// Whether a message has begun.
    pub(super) fn is_inside(&self) -> bool {
        !self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_however_they_are_cut() {
        let mut message = vec![0, 10, 0, 20];
        message.resize(20, 7);
        let stream = message.repeat(3);
        for size in [1, 3, 19, 20, 21, 60] {
            let mut messages = Messages::default();
            let mut count = 0;
            for chunk in stream.chunks(size) {
                messages.arrived(chunk);
                while let Some(whole) = messages.next().unwrap() {
                    assert_eq!(whole, message);
                    count += 1;
                }
            }
            assert_eq!((count, messages.is_inside()), (3, false));
        }
    }

    #[test]
    fn what_is_no_message_ends_it() {
        for octets in [[0, 9, 0, 20], [0, 10, 0, 15], [b'{', b'"', b't', b'i']] {
            let mut messages = Messages::default();
            messages.arrived(&octets);
            assert!(messages.next().is_err());
        }
    }
}
