// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which CPUs the demonstration takes: two that poll, and one that draws.

use std::fs;

use anyhow::{Result, bail};

/// The CPUs of a run; the same one may stand in several places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cpus {
    /// Drawing and waiting.
    pub(super) main: usize,
    /// Source, encapsulating node and first transit node.
    pub(super) first: usize,
    /// Second transit node, decapsulating node and sink.
    pub(super) second: usize,
}

impl Cpus {
    /// Takes `asked`, or else two different cores of those `allowed`, the highest ones because the
    /// lowest have most of the system's work; drawing takes the lowest that is left over.
    pub(super) fn choose(allowed: &[usize], asked: Option<[usize; 2]>) -> Result<Self> {
        let (first, second) = match asked {
            Some([first, second]) => (first, second),
            None => pick(allowed, core_of),
        };
        if let Some(cpu) = [first, second].iter().find(|cpu| !allowed.contains(cpu)) {
            bail!(
                "CPU {cpu} is not allowed to this process; allowed are {}",
                list(allowed)
            );
        }
        let spare = allowed
            .iter()
            .copied()
            .filter(|cpu| *cpu != first && *cpu != second);
        Ok(Self {
            main: spare.min().unwrap_or(first),
            first,
            second,
        })
    }

    /// Whether both halves of the chain share a CPU.
    pub(super) fn is_single(self) -> bool {
        self.first == self.second
    }

    /// DPDK's lcores: 0 draws, 1 and 2 poll.
    pub(super) fn lcores(self) -> String {
        format!("0@{},1@{},2@{}", self.main, self.first, self.second)
    }
}

fn list(cpus: &[usize]) -> String {
    let texts: Vec<_> = cpus.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// Two CPUs, of different cores where there are any, in rising order.
fn pick(allowed: &[usize], core_of: impl Fn(usize) -> Option<String>) -> (usize, usize) {
    let mut cpus = allowed.to_vec();
    cpus.sort_unstable();
    let second = cpus.pop().unwrap_or(0);
    let core = core_of(second);
    let other_core = |cpu: &usize| core.is_none() || core_of(*cpu) != core;
    let other = cpus.iter().rev().copied().find(other_core);
    let first = other.or(cpus.last().copied()).unwrap_or(second);
    (first.min(second), first.max(second))
}

/// The hyperthreads of the CPU's core, as the kernel names them.
fn core_of(cpu: usize) -> Option<String> {
    let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
    fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_cores_are_preferred_to_hyperthreads_of_one() {
        let pairs = |cpu: usize| Some(format!("{}", cpu / 2));
        assert_eq!(pick(&[0, 1, 2, 3], pairs), (1, 3));
        assert_eq!(pick(&[0, 1], pairs), (0, 1));
        assert_eq!(pick(&[0, 1, 2, 3], |_| None), (2, 3));
        assert_eq!(pick(&[5], pairs), (5, 5));
    }

    #[test]
    fn drawing_takes_a_cpu_of_its_own_where_there_is_one() {
        let cpus = Cpus::choose(&[0, 1, 2], Some([0, 2])).unwrap();
        assert_eq!(cpus.lcores(), "0@1,1@0,2@2");
        let cpus = Cpus::choose(&[7], None).unwrap();
        assert_eq!((cpus.main, cpus.is_single()), (7, true));
    }

    #[test]
    fn cpus_of_others_are_refused() {
        let error = Cpus::choose(&[0, 1], Some([1, 9])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "CPU 9 is not allowed to this process; allowed are 0, 1"
        );
    }
}
