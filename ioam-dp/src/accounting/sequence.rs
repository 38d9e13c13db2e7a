// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Loss, reordering and duplicates from sequence numbers, over a window of the latest ones.

/// Sequence numbers that are remembered one by one, up to the highest seen. What arrives further
/// behind is late.
pub const WINDOW: u64 = 256;

/// The longest step, forward or back, between numbers of one sequence; a longer one suggests that
/// the sender started over.
pub const LONGEST_JUMP: u64 = 1 << 20;

/// A sequence number as an option has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceNumber {
    /// Of 32 bits: DEX, or E2E-Type bit 1.
    Bits32(u32),
    /// Of 64 bits: E2E-Type bit 0.
    Bits64(u64),
}

impl SequenceNumber {
    fn value(self) -> u64 {
        match self {
            Self::Bits32(value) => value.into(),
            Self::Bits64(value) => value,
        }
    }

    /// How far this is ahead of `other`, the shorter way round.
    fn ahead_of(self, other: u64) -> i64 {
        match self {
            #[allow(clippy::cast_possible_truncation, reason = "arithmetic modulo 2^32")]
            Self::Bits32(value) => value.wrapping_sub(other as u32).cast_signed().into(),
            Self::Bits64(value) => value.wrapping_sub(other).cast_signed(),
        }
    }

    /// Numbers there are in a sequence from 0 up to this one, when its sender has just started:
    /// 1, this one alone, when it does not look like that.
    fn since_start(self) -> u64 {
        if self.value() < WINDOW {
            self.value() + 1
        } else {
            1
        }
    }
}

/// The receiving end of one sequence.
///
/// The first number below [`WINDOW`] is taken for the start of a sequence from 0 (RFC 9326, 3.2),
/// the numbers before it being missing; any other begins where it is. A number that is missing is
/// pending while it is in the window, and lost once it slides out. A packet behind the window is
/// late, and stays lost.
///
/// A number far off ([`LONGEST_JUMP`]), or back behind the window near 0, suggests that the sender
/// started over. It counts as late until a second one, within a window of it, confirms that, as in
/// RFC 3550, A.1: so one stray packet cannot move the window. Then both count where they belong.
#[derive(Clone, Copy, Debug, Default)]
pub struct SequenceWindow {
    /// Bit i is whether the number i below the highest was seen; 0 where that is not expected.
    seen: Bits,
    highest: u64,
    suspect: u64,
    received: u64,
    lost: u64,
    reordered: u64,
    duplicates: u64,
    late: u64,
    restarts: u64,
    /// Numbers expected in the window; 0 before the first packet.
    expected: u16,
    suspected: bool,
}

/// What a sequence tells, in plain numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequenceFigures {
    /// Packets, every copy counted. The sender sent [`distinct`](Self::distinct) + lost + pending.
    pub received: u64,
    /// Numbers that were not seen before they slid out of the window.
    pub lost: u64,
    /// Numbers missing now that could still come.
    pub pending: u64,
    /// Packets below the highest number seen before them, copies not counted (RFC 4737, 3.3).
    pub reordered: u64,
    /// Further copies of packets in the window.
    pub duplicates: u64,
    /// Packets behind the window, whose number counts as lost or was seen, and strays.
    pub late: u64,
    /// Times the sender started over.
    pub restarts: u64,
}

impl SequenceFigures {
    /// Different numbers seen while they could be told apart.
    #[must_use]
    pub fn distinct(&self) -> u64 {
        self.received
            .saturating_sub(self.duplicates)
            .saturating_sub(self.late)
    }
}

impl SequenceWindow {
    /// Takes a packet into account.
    pub fn observe(&mut self, number: SequenceNumber) {
        self.received += 1;
        if self.expected == 0 {
            self.begin(number);
            return;
        }
        let ahead = number.ahead_of(self.highest);
        let distance = ahead.unsigned_abs();
        if ahead > 0 && distance <= LONGEST_JUMP {
            self.advance(number, distance);
        } else if ahead <= 0 && distance < WINDOW {
            self.fill(distance);
        } else if ahead < 0 && distance <= LONGEST_JUMP && number.value() >= WINDOW {
            self.late += 1;
        } else {
            self.suspect(number);
        }
    }

    /// Counts every number still missing as lost, at the end of a sequence or of waiting for it.
    pub fn finish(&mut self) {
        self.lost += self.pending();
        self.seen = Bits::ones(self.expected.into());
    }

    /// Numbers missing now that could still come.
    #[must_use]
    pub fn pending(&self) -> u64 {
        u64::from(self.expected).saturating_sub(self.seen.count())
    }

    /// The counts so far.
    #[must_use]
    pub fn snapshot(&self) -> SequenceFigures {
        SequenceFigures {
            received: self.received,
            lost: self.lost,
            pending: self.pending(),
            reordered: self.reordered,
            duplicates: self.duplicates,
            late: self.late,
            restarts: self.restarts,
        }
    }

    fn begin(&mut self, number: SequenceNumber) {
        self.highest = number.value();
        self.expect(number.since_start());
        self.seen = Bits::ones(1);
    }

    fn advance(&mut self, number: SequenceNumber, distance: u64) {
        let expected = u64::from(self.expected) + distance;
        let leaving = expected.saturating_sub(WINDOW);
        self.lost += leaving.saturating_sub(self.seen.shift(distance));
        self.seen.set(0);
        self.expect(expected.min(WINDOW));
        self.highest = number.value();
    }

    /// A number `below` the highest, in the window. One below the first of all was sent before
    /// that, and overtaken: then the sequence began with it.
    fn fill(&mut self, below: u64) {
        if self.seen.get(below) {
            self.duplicates += 1;
            return;
        }
        self.seen.set(below);
        self.reordered += 1;
        self.expect((below + 1).max(self.expected.into()));
    }

    fn suspect(&mut self, number: SequenceNumber) {
        let apart = number.ahead_of(self.suspect).unsigned_abs();
        if !self.suspected || apart == 0 || apart >= WINDOW {
            self.late += 1;
            (self.suspect, self.suspected) = (number.value(), true);
            return;
        }
        self.suspected = false;
        self.late = self.late.saturating_sub(1);
        self.restarts += 1;
        self.lost += self.pending();
        self.begin(match number {
            SequenceNumber::Bits64(_) => SequenceNumber::Bits64(self.suspect),
            #[allow(clippy::cast_possible_truncation, reason = "arithmetic modulo 2^32")]
            SequenceNumber::Bits32(_) => SequenceNumber::Bits32(self.suspect as u32),
        });
        if number.ahead_of(self.highest) > 0 {
            self.advance(number, apart);
        } else {
            self.fill(apart);
        }
    }

    fn expect(&mut self, numbers: u64) {
        self.expected = u16::try_from(numbers).unwrap_or(u16::MAX);
    }
}

const WORDS: usize = 4;
const _: () = assert!(WINDOW == WORDS as u64 * 64);

/// A bit for each number in the window.
#[derive(Clone, Copy, Debug, Default)]
struct Bits([u64; WORDS]);

impl Bits {
    /// The lowest `count` bits set.
    fn ones(count: u64) -> Self {
        let mut left = count;
        Self([(); WORDS].map(|()| {
            let here = left.min(64);
            left -= here;
            u64::MAX
                .checked_shr(64 - u32::try_from(here).unwrap_or(64))
                .unwrap_or(0)
        }))
    }

    fn word(self, bit: u64) -> u64 {
        let at = usize::try_from(bit / 64).unwrap_or(WORDS);
        self.0.get(at).copied().unwrap_or(0)
    }

    fn get(self, bit: u64) -> bool {
        self.word(bit) >> (bit % 64) & 1 == 1
    }

    fn set(&mut self, bit: u64) {
        let at = usize::try_from(bit / 64).unwrap_or(WORDS);
        if let Some(word) = self.0.get_mut(at) {
            *word |= 1 << (bit % 64);
        }
    }

    fn count(self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Moves every bit up by `distance`. Returns how many set ones left at the top, counting only
    /// those, since counting is slow on processors that are asked for the common instructions only.
    fn shift(&mut self, distance: u64) -> u64 {
        let mut gone = 0;
        for _ in 0..(distance / 64).min(WORDS as u64) {
            let [a, b, c, d] = self.0;
            gone += u64::from(d.count_ones());
            self.0 = [0, a, b, c];
        }
        let bits = u32::try_from(distance % 64).unwrap_or(0);
        let mut carry = 0;
        for word in &mut self.0 {
            let leaving = word.checked_shr(64 - bits).unwrap_or(0);
            *word = *word << bits | carry;
            carry = leaving;
        }
        gone + u64::from(carry.count_ones())
    }
}

#[cfg(test)]
mod tests;
