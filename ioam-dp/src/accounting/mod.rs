// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the receiving side makes of a packet group's sequence numbers and timestamps: loss,
//! reordering, duplicates and delay (RFC 9197, 4.6; RFC 9326, 3.2).

mod delay;
mod sequence;

use crate::timestamp::WallTime;

pub use delay::{Delay, DelayFigures, one_way_delay};
pub use sequence::{LONGEST_JUMP, SequenceFigures, SequenceNumber, SequenceWindow, WINDOW};

/// Everything kept about one packet group, or one flow of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct GroupAccount {
    /// What its sequence numbers tell.
    pub window: SequenceWindow,
    /// What its timestamps tell.
    pub delay: Delay,
    packets: u64,
    /// Nanoseconds since 1970, 0 while unknown.
    first: u64,
    last: u64,
}

const _: () = assert!(size_of::<GroupAccount>() <= 192);

/// A group's account in plain numbers, for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupFigures {
    /// Packets of the group, with a sequence number or without.
    pub packets: u64,
    /// What the sequence numbers tell.
    pub sequence: SequenceFigures,
    /// What the timestamps tell, where any packet had a usable one.
    pub delay: Option<DelayFigures>,
    /// When the first packet was received, where the time was known.
    pub first: Option<WallTime>,
    /// When the last packet was received, where the time was known.
    pub last: Option<WallTime>,
}

impl GroupAccount {
    /// Takes a packet into account: when it was received, its sequence number where the option has
    /// one, and its one-way delay in nanoseconds where [`one_way_delay`] found one.
    pub fn observe(
        &mut self,
        received: Option<WallTime>,
        sequence: Option<SequenceNumber>,
        delay: Option<i64>,
    ) {
        self.packets += 1;
        if let Some(sequence) = sequence {
            self.window.observe(sequence);
        }
        if let Some(delay) = delay {
            self.delay.observe(delay);
        }
        if let Some(received) = received {
            let now = received.as_nanoseconds();
            self.last = now;
            if self.first == 0 {
                self.first = now;
            }
        }
    }

    /// Closes the account: what is still missing counts as lost.
    pub fn finish(&mut self) {
        self.window.finish();
    }

    /// The account in plain numbers.
    #[must_use]
    pub fn snapshot(&self) -> GroupFigures {
        let time = |at: u64| (at != 0).then(|| WallTime::from_nanoseconds(at));
        GroupFigures {
            packets: self.packets,
            sequence: self.window.snapshot(),
            delay: self.delay.snapshot(),
            first: time(self.first),
            last: time(self.last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_takes_what_a_packet_has() {
        let mut account = GroupAccount::default();
        let empty = account.snapshot();
        assert_eq!((empty.packets, empty.delay, empty.first), (0, None, None));
        let at = |seconds| {
            Some(WallTime {
                seconds,
                nanoseconds: 5,
            })
        };
        account.observe(None, None, None);
        account.observe(at(10), Some(SequenceNumber::Bits32(0)), Some(-7));
        account.observe(at(11), None, Some(9));
        account.observe(at(12), Some(SequenceNumber::Bits32(2)), None);
        assert_eq!(account.snapshot().sequence.pending, 1);
        account.finish();
        let figures = account.snapshot();
        assert_eq!((figures.first, figures.last), (at(10), at(12)));
        assert_eq!((figures.packets, figures.sequence.received), (4, 2));
        assert_eq!((figures.sequence.lost, figures.sequence.pending), (1, 0));
        assert_eq!(figures.delay.map(|delay| delay.count), Some(2));
    }
}
