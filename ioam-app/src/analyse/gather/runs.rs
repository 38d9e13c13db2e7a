// SPDX-License-Identifier: Apache-2.0 OR MIT
//! When packets of a flow took another path: once and for good, or now this way and now that.

/// Packets one behind the other on one path from which on it is the flow's path: less may be chance where
/// packets are spread over several.
pub const STABLE: u64 = 16;

/// Most runs that are kept; of more, the short ones are forgotten.
const MOST_RUNS: usize = 512;

/// Packets of a flow one behind the other on one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The path's number.
    pub path: usize,
    /// When the first packet came, in nanoseconds since 1970.
    pub first: Option<i64>,
    /// When the last one came.
    pub last: Option<i64>,
    /// How many there were.
    pub packets: u64,
}

/// A flow left one path for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When the last packet took the old path.
    pub before: Option<i64>,
    /// When the first packet took the new one.
    pub at: Option<i64>,
    /// The old path's number.
    pub from: usize,
    /// The new one's.
    pub to: usize,
}

/// The runs of a flow.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    runs: Vec<Run>,
    /// How often a packet took another path than the one before it.
    switches: u64,
    /// Short runs have been forgotten.
    thinned: bool,
    /// Long runs had to be left out.
    pub left_out: u64,
}

impl Runs {
    /// The next packet.
    pub fn observe(&mut self, path: usize, time: Option<i64>) {
        if let Some(run) = self.runs.last_mut()
            && run.path == path
        {
            run.packets += 1;
            run.last = time.or(run.last);
            return;
        }
        self.switches += u64::from(!self.runs.is_empty());
        if self.runs.len() >= MOST_RUNS {
            self.thin();
        }
        self.runs.push(Run {
            path,
            first: time,
            last: time,
            packets: 1,
        });
    }

    fn thin(&mut self) {
        self.thinned = true;
        self.runs.retain(|run| run.packets >= STABLE);
        if self.runs.len() >= MOST_RUNS {
            self.left_out += 1;
            self.runs.pop();
        }
    }

    /// The changes, and how often a packet took another path than the one before it, both of the paths that
    /// count. A change is from one lasting run to the next that is on another path. A run lasts if it is
    /// long, or if it is all that its path ever had.
    #[must_use]
    pub fn changes(&self, counts: impl Fn(usize) -> bool) -> (Vec<Change>, u64) {
        let mut runs: Vec<Run> = Vec::new();
        for run in self.runs.iter().filter(|run| counts(run.path)) {
            match runs.last_mut().filter(|last| last.path == run.path) {
                Some(last) => {
                    last.packets += run.packets;
                    last.last = run.last.or(last.last);
                }
                None => runs.push(*run),
            }
        }
        let only = |run: &Run| {
            let mut same = runs.iter().filter(|other| other.path == run.path);
            !self.thinned && same.nth(1).is_none()
        };
        let lasts = |run: &&Run| run.packets >= STABLE || only(run);
        let lasting: Vec<&Run> = runs.iter().filter(lasts).collect();
        let pairs = lasting.windows(2).filter_map(|pair| match pair {
            [from, to] if from.path != to.path => Some(Change {
                before: from.last,
                at: to.first,
                from: from.path,
                to: to.path,
            }),
            _ => None,
        });
        let switches = match self.thinned {
            true => self.switches,
            false => (runs.len() as u64).saturating_sub(1),
        };
        (pairs.collect(), switches)
    }

    /// All runs that are kept.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(paths: &[(usize, u64)]) -> Runs {
        let mut runs = Runs::default();
        let mut time = 0;
        for (path, packets) in paths {
            for _ in 0..*packets {
                runs.observe(*path, Some(time));
                time += 10;
            }
        }
        runs
    }

    fn changes(runs: &Runs) -> (Vec<Change>, u64) {
        runs.changes(|_| true)
    }

    #[test]
    fn paths_that_do_not_count_are_as_if_they_were_not() {
        let runs = runs(&[(2, 1), (0, 9), (1, 1), (0, 9), (1, 1)]);
        assert_eq!(runs.changes(|path| path == 0), (vec![], 0));
        assert_eq!(runs.changes(|path| path != 1).1, 1);
    }

    #[test]
    fn a_path_left_for_good_is_a_change_however_short() {
        let runs = runs(&[(0, 3), (1, 2)]);
        let change = Change {
            before: Some(20),
            at: Some(30),
            from: 0,
            to: 1,
        };
        assert_eq!(changes(&runs), (vec![change], 1));
    }

    #[test]
    fn a_path_that_comes_back_after_long_is_two_changes() {
        let runs = runs(&[(0, 100), (1, 50), (0, 100)]);
        let (changes, switches) = changes(&runs);
        let paths: Vec<_> = changes
            .iter()
            .map(|change| (change.from, change.to))
            .collect();
        assert_eq!((paths, switches), (vec![(0, 1), (1, 0)], 2));
    }

    #[test]
    fn packets_spread_over_paths_are_switches_and_no_changes() {
        let alternating: Vec<_> = (0..5000)
            .map(|place| (place % 2, 1 + place as u64 % 3))
            .collect();
        let runs = runs(&alternating);
        assert_eq!(changes(&runs), (vec![], 4999));
        assert!(runs.runs().len() <= MOST_RUNS);
    }

    #[test]
    fn a_spread_that_ends_on_one_path_is_found_among_short_runs() {
        let mut paths: Vec<_> = (0..40).map(|place| (place % 2, 1)).collect();
        paths.extend([(2, 40), (1, 90)]);
        let (changes, _) = changes(&runs(&paths));
        let [change] = &changes[..] else {
            panic!("{changes:?}")
        };
        assert_eq!((change.from, change.to), (2, 1));
    }

    #[test]
    fn runs_without_end_stay_bounded() {
        let long: Vec<_> = (0..MOST_RUNS + 9).map(|place| (place, STABLE)).collect();
        let runs = runs(&long);
        assert!(runs.runs().len() <= MOST_RUNS);
        assert_eq!(runs.left_out, 9);
    }
}
