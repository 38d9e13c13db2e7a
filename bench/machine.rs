// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The two processors of a run and DPDK's arguments: the same for the node and for testpmd.

#![allow(dead_code, reason = "each benchmark has a use for some of it")]

use std::fs;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use rustix::thread::{CpuSet, sched_getaffinity};
use rustix::time::{ClockId, clock_gettime};

/// Memory for DPDK without hugepages, in MiB.
const MEBIBYTES: &str = "768";
/// Octets of a packet that a node reads or writes at least: four cache lines of its headers, old
/// and new. With those of the mbuf it is more.
const TOUCHED: u64 = 256;

/// Where packets are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Memory {
    /// Pages of 2 MiB and more
    Hugepages,
    /// Ordinary pages
    NoHuge,
}

impl Memory {
    /// Its name in arguments and results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hugepages => "hugepages",
            Self::NoHuge => "no-huge",
        }
    }
}

/// Where things run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processors {
    /// The main lcore, which waits while the other works.
    pub main: usize,
    /// The one that forwards.
    pub worker: usize,
}

impl Processors {
    /// The lowest this process may run on, and the highest.
    pub(crate) fn choose() -> Result<Self> {
        let (main, others) = Self::all()?;
        let worker = others.first().copied().unwrap_or(main);
        Ok(Self { main, worker })
    }

    /// The lowest this process may run on, and all others, the highest first.
    pub(crate) fn all() -> Result<(usize, Vec<usize>)> {
        let set = sched_getaffinity(None).context("the processors to run on are unknown")?;
        let mut allowed = (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu));
        let main = allowed.next();
        let others = allowed.rev().collect();
        Ok((main.context("there is no processor to run on")?, others))
    }
}

/// The arguments of `rte_eal_init` for a main lcore and some workers, no devices but virtual ones,
/// and no traces left.
pub(crate) fn eal_arguments(
    main: usize,
    workers: &[usize],
    memory: Memory,
    who: &str,
) -> Vec<String> {
    let words: &[&str] = match memory {
        Memory::Hugepages => &["--in-memory"],
        Memory::NoHuge => &["--no-huge", "--no-shconf", "-m", MEBIBYTES],
    };
    let mut arguments: Vec<String> = ["--no-pci", "--no-telemetry"]
        .iter()
        .chain(words)
        .map(|word| (*word).to_owned())
        .collect();
    let workers = (1..)
        .zip(workers)
        .map(|(lcore, cpu)| format!(",{lcore}@{cpu}"));
    arguments.extend([
        "--lcores".to_owned(),
        format!("0@{main}{}", workers.collect::<String>()),
        "--file-prefix".to_owned(),
        format!("ioam-bench-{who}-{}", std::process::id()),
    ]);
    arguments
}

/// Octets of the largest cache of the first processor, as the kernel knows it; 32 MiB where it does
/// not.
pub(crate) fn last_level_cache() -> u64 {
    let caches = fs::read_dir("/sys/devices/system/cpu/cpu0/cache");
    let sizes = caches.into_iter().flatten().flatten().filter_map(|cache| {
        let text = fs::read_to_string(cache.path().join("size")).ok()?;
        let kibibytes: u64 = text.trim().strip_suffix('K')?.parse().ok()?;
        Some(kibibytes << 10)
    });
    sizes.max().unwrap_or(32 << 20)
}

/// Octets of memory that the kernel would give away now; 0 where it does not say.
pub(crate) fn available_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse::<u64>().ok())
        .unwrap_or(0)
        << 10
}

/// So many packets that what a node touches of them is twice the last-level cache.
pub(crate) fn far_packets() -> usize {
    let packets = last_level_cache() * 2 / TOUCHED;
    usize::try_from(packets)
        .unwrap_or(usize::MAX)
        .next_multiple_of(512)
}

/// Nanoseconds this thread has run so far.
pub(crate) fn thread_nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanoseconds = time.tv_sec * 1_000_000_000 + time.tv_nsec;
    u64::try_from(nanoseconds).unwrap_or(0)
}
