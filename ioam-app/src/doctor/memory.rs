// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Hugepages of each NUMA node, memory that is free, and transparent hugepages.

use super::{Examination, Finding};
use crate::host::Host;
use ioam_config::Memory;

/// Hugepages of one size on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pages {
    /// Its sysfs folder.
    folder: String,
    /// `None` on a machine without NUMA.
    node: Option<usize>,
    kib: u64,
    reserved: u64,
    free: u64,
}

impl Pages {
    fn free_mib(&self) -> u64 {
        self.free.saturating_mul(self.kib) / 1024
    }
}

pub(super) fn examine(examination: &Examination<'_>) -> Vec<Finding> {
    let pages = all_pages(examination.host);
    let mut findings = hugepages(examination, &pages);
    findings.extend(locality(examination, &pages));
    findings.extend(free_memory(examination, &pages));
    findings.extend(transparent(examination.host));
    findings
}

fn all_pages(host: &Host<'_>) -> Vec<Pages> {
    const NODES: &str = "/sys/devices/system/node";
    let mut all = Vec::new();
    for name in host.names(NODES) {
        let number = name.strip_prefix("node").and_then(|n| n.parse().ok());
        if let Some(number) = number {
            let folder = format!("{NODES}/{name}/hugepages");
            all.extend(pages_in(host, &folder, Some(number)));
        }
    }
    if all.is_empty() {
        all = pages_in(host, "/sys/kernel/mm/hugepages", None);
    }
    all
}

fn pages_in(host: &Host<'_>, folder: &str, node: Option<usize>) -> Vec<Pages> {
    let sizes = host.names(folder).into_iter().filter_map(|name| {
        let size = name.strip_prefix("hugepages-")?.strip_suffix("kB")?;
        let folder = format!("{folder}/{name}");
        Some(Pages {
            node,
            kib: size.parse().ok()?,
            reserved: host.number(&format!("{folder}/nr_hugepages"))?,
            free: host.number(&format!("{folder}/free_hugepages"))?,
            folder,
        })
    });
    sizes.collect()
}

fn hugepages(examination: &Examination<'_>, pages: &[Pages]) -> Vec<Finding> {
    const CHECK: &str = "hugepages";
    const WHY: &str = "DPDK takes packet memory from hugepages; without enough of them it does not \
                       start";
    let free: u64 = pages.iter().map(Pages::free_mib).sum();
    let listed = list(pages);
    let no_huge = examination
        .node
        .is_some_and(|node| node.runtime().memory == Memory::NoHuge);
    if no_huge {
        return vec![Finding::ok(CHECK, "not used: `memory: no-huge`")];
    }
    let finding = match examination.hugepages_mib() {
        Some(needed) if free < needed => {
            let found = format!("{needed} MiB are needed and {free} MiB are free ({listed})");
            Finding::error(CHECK, found)
                .why(WHY)
                .mend(reserve(examination, pages, needed - free))
        }
        Some(needed) => Finding::ok(CHECK, format!("{needed} MiB needed, {listed}")),
        None if pages.iter().all(|pages| pages.reserved == 0) => {
            Finding::warn(CHECK, "none are reserved")
                .why(WHY)
                .mend(reserve(examination, pages, 2048))
        }
        None => Finding::ok(CHECK, listed),
    };
    vec![finding]
}

/// What there is, without sizes of which there is nothing.
fn list(pages: &[Pages]) -> String {
    let some = pages.iter().filter(|pages| pages.reserved > 0);
    let words: Vec<String> = some
        .map(|pages| {
            let node = pages
                .node
                .map(|n| format!("node {n}: "))
                .unwrap_or_default();
            let (free, reserved) = (pages.free, pages.reserved);
            format!("{node}{free} of {reserved} pages of {} KiB free", pages.kib)
        })
        .collect();
    if words.is_empty() {
        "none reserved".to_owned()
    } else {
        words.join(", ")
    }
}

/// The command that reserves `mib` more, on the node of the first card.
fn reserve(examination: &Examination<'_>, pages: &[Pages], mib: u64) -> String {
    let near = card_node(examination);
    let small = pages.iter().filter(|pages| pages.kib <= 2048);
    let place = small.min_by_key(|pages| (near.is_some() && pages.node != near, pages.node));
    let Some(place) = place else {
        return "a kernel with CONFIG_HUGETLBFS is needed".to_owned();
    };
    let count = place.reserved + (mib * 1024).div_ceil(place.kib);
    format!("echo {count} > {}/nr_hugepages", place.folder)
}

/// The NUMA node packet memory is wanted on.
fn card_node(examination: &Examination<'_>) -> Option<usize> {
    let configured = examination.node.is_some();
    examination.cards.first()?.numa_node.filter(|_| configured)
}

/// Whether the node of the first card has enough: memory of another one is slower.
fn locality(examination: &Examination<'_>, pages: &[Pages]) -> Option<Finding> {
    let (needed, near) = (examination.hugepages_mib()?, card_node(examination)?);
    let on = |near: bool, node| pages.iter().filter(move |p| (p.node == Some(node)) == near);
    let here: u64 = on(true, near).map(Pages::free_mib).sum();
    let elsewhere: u64 = on(false, near).map(Pages::free_mib).sum();
    // Too few everywhere is another finding's.
    (here < needed && here + elsewhere >= needed).then(|| {
        let found = format!("{here} MiB of {needed} are free on the cards' NUMA node {near}");
        Finding::warn("hugepages-numa", found)
            .why("packets in another node's memory cross the link between the sockets twice")
            .mend(reserve(examination, pages, needed - here))
    })
}

fn free_memory(examination: &Examination<'_>, pages: &[Pages]) -> Option<Finding> {
    const CHECK: &str = "memory";
    let text = examination.host.read("/proc/meminfo")?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    let available = kib / 1024;
    let free_pages: u64 = pages.iter().map(Pages::free_mib).sum();
    let needed = match examination.node {
        Some(node) if node.runtime().memory == Memory::NoHuge => {
            u64::from(node.runtime().memory_mib)
        }
        // What still has to become hugepages.
        _ => examination.hugepages_mib()?.saturating_sub(free_pages),
    };
    let found = format!("{available} MiB are available");
    Some(if needed > available {
        Finding::error(CHECK, format!("{found}, {needed} MiB are needed"))
            .why("DPDK does not start without its memory")
            .mend("lower `buffers` or `rx-descriptors` in the file, or end what uses the memory")
    } else {
        Finding::ok(CHECK, found)
    })
}

fn transparent(host: &Host<'_>) -> Option<Finding> {
    const CHECK: &str = "transparent-hugepages";
    const FILE: &str = "/sys/kernel/mm/transparent_hugepage/enabled";
    let text = host.read(FILE)?;
    Some(if text.contains("[always]") {
        Finding::info(CHECK, "on for every program")
            .why("the kernel gathers pages behind a program's back and stops it for some microseconds")
            .mend(format!("echo madvise > {FILE}"))
    } else {
        Finding::ok(CHECK, "only where a program asks")
    })
}
